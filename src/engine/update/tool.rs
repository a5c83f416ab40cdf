//! Tools of the page within a turn: the reply ends with calls, the page runs
//! them, and what they answered continues the turn in another stream.

use chinwag_protocol::Json;

use super::{Effects, session, stream};
use crate::engine::effect::{Effect, HostEvent, Region, Timer};
use crate::engine::event::Moment;
use crate::engine::failure::{Failure, Reason};
use crate::engine::item::{Activity, ReplyPhase};
use crate::engine::model::Model;
use crate::engine::session::Call;
use crate::engine::tool::{MAX_TOOL_ROUNDS, TOOLS_TIMEOUT_MS, ToolOutcome};
use crate::engine::turn::{Stage, TurnId};

/// The reply waits for tools: runs those of the page. Whether there are any.
pub(super) fn begin(model: &mut Model, out: &mut Effects) -> bool {
    let Some((id, key, rounds)) = model.turn.as_ref().map(|turn| (turn.id, turn.reply, turn.rounds)) else {
        return false;
    };
    let calls: Vec<(String, String, Json)> = model
        .reply_mut(key)
        .map(|reply| reply.activities.iter().filter_map(waiting).collect())
        .unwrap_or_default();
    let is_known = |tool: &str| model.tools.iter().any(|known| known.definition.name == tool);
    let (ours, foreign): (Vec<_>, Vec<_>) = calls.into_iter().partition(|(_, tool, _)| is_known(tool));
    if ours.is_empty() {
        return false;
    }
    if rounds >= MAX_TOOL_ROUNDS {
        let failure = Failure { reason: Reason::Other, retry: false, retry_at: None, request_id: None };
        stream::fail_reply(model, failure, out);
        return true;
    }
    if let Some(turn) = model.turn.as_mut() {
        turn.stage = Stage::Working;
        turn.rounds += 1;
    }
    if let Some(reply) = model.reply_mut(key) {
        reply.phase = ReplyPhase::Waiting { label: None };
    }
    out.push(Effect::Redraw(Region::Item(key)));
    out.push(Effect::StartTimer { timer: Timer::Tools(id), after_ms: TOOLS_TIMEOUT_MS });
    // The agent asked for all of them, and goes on when it has an answer to all.
    for (call, _, _) in foreign {
        let why = "the page has no tool of this name".to_owned();
        settle(model, &call, Err(why), out);
    }
    for (call, tool, input) in ours {
        out.push(Effect::Emit(HostEvent::ToolCall {
            id: call.clone(),
            tool: tool.clone(),
            input: input.clone(),
        }));
        out.push(Effect::RunTool { turn: id, call, tool, input });
    }
    true
}

/// A call that is whole and that nobody has answered.
fn waiting(activity: &Activity) -> Option<(String, String, Json)> {
    let input = activity.input.clone().filter(|_| activity.succeeded.is_none())?;
    Some((activity.id.clone(), activity.tool.clone(), input))
}

/// A tool answered.
pub(super) fn answered(
    model: &mut Model,
    id: TurnId,
    call: &str,
    outcome: ToolOutcome,
    now: Moment,
    out: &mut Effects,
) {
    if model.running(id).is_none_or(|turn| turn.stage != Stage::Working) {
        return;
    }
    settle(model, call, outcome, out);
    go_on(model, id, now, out);
}

/// The tools have had their time: those that have not answered have failed.
pub(super) fn time_is_up(model: &mut Model, id: TurnId, now: Moment, out: &mut Effects) {
    let Some(key) = model.running(id).filter(|turn| turn.stage == Stage::Working).map(|turn| turn.reply)
    else {
        return;
    };
    let late: Vec<String> = model
        .reply_mut(key)
        .map(|reply| reply.activities.iter().filter_map(waiting).map(|(call, ..)| call).collect())
        .unwrap_or_default();
    out.push(Effect::AbortTools { turn: id });
    for call in late {
        settle(model, &call, Err("the tool did not answer in time".to_owned()), out);
    }
    go_on(model, id, now, out);
}

fn settle(model: &mut Model, call: &str, outcome: ToolOutcome, out: &mut Effects) {
    let Some(key) = model.turn.as_ref().map(|turn| turn.reply) else { return };
    let Some(reply) = model.reply_mut(key) else { return };
    let open = |activity: &&mut Activity| activity.id == call && activity.succeeded.is_none();
    let Some(activity) = reply.activities.iter_mut().find(open) else { return };
    activity.succeeded = Some(outcome.is_ok());
    activity.owed = Some(outcome.clone());
    let result = HostEvent::ToolResult { id: call.to_owned(), tool: activity.tool.clone(), outcome };
    out.push(Effect::Emit(result));
    out.push(Effect::Redraw(Region::Item(key)));
}

/// Sends the answers once all are there.
fn go_on(model: &mut Model, id: TurnId, now: Moment, out: &mut Effects) {
    let Some(turn) = model.running(id) else { return };
    let key = turn.reply;
    if model.reply_mut(key).is_some_and(|reply| reply.activities.iter().any(|one| waiting(one).is_some())) {
        return;
    }
    if let Some(turn) = model.running(id) {
        turn.go_on();
        session::call(model, Call::Chat(id), now, out);
    }
}

/// The relay has the answers.
pub(super) fn delivered(model: &mut Model) {
    let Some(key) = model.turn.as_ref().map(|turn| turn.reply) else { return };
    if let Some(reply) = model.reply_mut(key) {
        for activity in &mut reply.activities {
            activity.owed = None;
        }
    }
}
