//! A reply as it comes: chunks, breaks, resumption, and its one end.

use chinwag_protocol::{Chunk, ConversationState, ErrorCode, ErrorData, FinishReason, Json, Trigger};

use super::{Effects, chat, history, outbox, save, session, tabs, tool, watch};
use crate::engine::effect::{Announcement, Effect, HostEvent, Region, Timer};
use crate::engine::event::Moment;
use crate::engine::failure::{Failure, Reason, TransportError};
use crate::engine::item::{Activity, Delivery, Item, Key, Reply, ReplyPhase};
use crate::engine::model::Model;
use crate::engine::session::Call;
use crate::engine::turn::{Stage, TurnId};
use crate::engine::word::Word;

/// The relay accepted the question.
pub(super) fn opened(model: &mut Model, id: TurnId, out: &mut Effects) {
    let Some(turn) = model.running(id) else { return };
    let (is_accepted, turn_rounds) = (turn.stage == Stage::Sending, turn.rounds);
    turn.stage = Stage::Streaming;
    let question = turn.question;
    let is_first = turn_rounds == 0;
    tool::delivered(model);
    if is_accepted && is_first {
        tabs::tell_asked(model, question, out);
    }
    if let Some(asked) = question.and_then(|key| model.question_mut(key))
        && asked.delivery != Delivery::Sent
    {
        asked.delivery = Delivery::Sent;
        out.extend(question.map(|key| Effect::Redraw(Region::Item(key))));
    }
    model.attempts = 0;
    if model.trouble.take().is_some() {
        out.push(Effect::Redraw(Region::Header));
    }
}

pub(super) fn chunk_arrived(
    model: &mut Model,
    id: TurnId,
    event_id: Option<String>,
    chunk: Chunk,
    now: Moment,
    out: &mut Effects,
) {
    // Behind the end of a stream nothing comes but what a tool answers.
    let Some(turn) = model.running(id).filter(|turn| turn.stage != Stage::Working) else { return };
    if !turn.follows_on(event_id.as_deref()) {
        // The log that was being followed is lost; the store has the truth.
        gone(model, id, now, out);
        return;
    }
    if turn.stage != Stage::Following {
        turn.stage = Stage::Streaming;
    }
    if turn.stage == Stage::Following
        && matches!(&chunk, Chunk::Error { data, .. } if is_of_token(data.as_ref()))
    {
        // The tab that follows the reply takes it up again.
        return;
    }
    turn.resumes = 0;
    let shows_stored = std::mem::take(&mut turn.shows_stored);
    if event_id.is_some() {
        turn.last_event = event_id;
    }
    if shows_stored {
        tell_from_the_beginning(model, now, out);
    }
    match chunk {
        Chunk::Finish { reason, metadata } => {
            watch::learn(model, metadata.as_ref(), out);
            finish(model, reason, now, out);
        }
        Chunk::Abort { .. } => stopped(model, now, out),
        Chunk::Error { data, .. } if !renews_token(model, id, data.as_ref()) => {
            fail_reply(model, Failure::from_chunk(data, now), out);
        }
        // The stream ends here, and the reply goes on with another token.
        Chunk::Error { .. } => {}
        chunk => {
            if let Chunk::Start { metadata: Some(metadata), .. } | Chunk::MessageMetadata { metadata } =
                &chunk
            {
                watch::learn(model, Some(metadata), out);
            }
            grow(model, chunk, now, out);
        }
    }
}

/// Whether an error is about the access token alone, which ran out or was revoked
/// while the reply was followed. A token is replaced once.
fn renews_token(model: &mut Model, id: TurnId, data: Option<&ErrorData>) -> bool {
    if !is_of_token(data) {
        return false;
    }
    match model.running(id) {
        Some(turn) if !turn.token_replaced => turn.token_replaced = true,
        _ => return false,
    }
    model.session.drop_token();
    true
}

fn is_of_token(data: Option<&ErrorData>) -> bool {
    let code = data.map(|data| data.code);
    matches!(code, Some(ErrorCode::TokenExpired | ErrorCode::Unauthenticated))
}

/// The log takes the place of what was stored of the reply.
fn tell_from_the_beginning(model: &mut Model, now: Moment, out: &mut Effects) {
    let Some(reply) = model.turn.as_ref().map(|turn| turn.reply) else { return };
    let question = model.reply_mut(reply).and_then(|stored| stored.question);
    let fresh = model.replace(reply, Item::Reply(Box::new(Reply::waiting(question, now))));
    if let (Some(turn), Some(fresh)) = (model.turn.as_mut(), fresh) {
        turn.reply = fresh;
        out.push(Effect::Redraw(Region::List));
    }
}

fn grow(model: &mut Model, chunk: Chunk, now: Moment, out: &mut Effects) {
    let Some(turn) = model.turn.as_mut() else { return };
    let key = turn.reply;
    if chunk == Chunk::ResetStep {
        reset_step(model, key, out);
        return;
    }
    if let Chunk::TextDelta { delta, .. } = &chunk {
        let sentence = turn.announcer.push(delta).map(Announcement::Sentence);
        out.extend(sentence.map(Effect::Announce));
    }
    let Some(reply) = model.reply_mut(key) else { return };
    if !matches!(chunk, Chunk::ReasoningStart { .. } | Chunk::ReasoningDelta { .. }) {
        reply.end_reasoning(now);
    }
    let region = match chunk {
        Chunk::TextDelta { delta, .. } => {
            reply.push_text(&delta);
            Region::Live(key)
        }
        Chunk::TextStart { .. } => {
            reply.begin_block();
            Region::Live(key)
        }
        Chunk::ReasoningDelta { delta, .. } => {
            reply.push_reasoning(&delta, now);
            Region::Live(key)
        }
        other => {
            take_in(reply, other);
            Region::Item(key)
        }
    };
    out.push(Effect::Redraw(region));
}

/// What was drawn of the step has to go: a reply under another key takes its
/// place.
fn reset_step(model: &mut Model, key: Key, out: &mut Effects) {
    let Some(Item::Reply(reply)) = model.item(key) else { return };
    let mut reset = reply.clone();
    reset.reset_step();
    let fresh = model.replace(key, Item::Reply(reset));
    if let (Some(turn), Some(fresh)) = (model.turn.as_mut(), fresh) {
        turn.reply = fresh;
    }
    out.push(Effect::Redraw(Region::List));
}

fn take_in(reply: &mut Reply, chunk: Chunk) {
    match chunk {
        Chunk::StartStep => reply.begin_step(),
        Chunk::Start { message_id, .. } => reply.id = message_id.or(reply.id.take()),
        Chunk::Status { label, .. } => reply.phase = ReplyPhase::Waiting { label },
        Chunk::SourceUrl { url, title, .. } => reply.cite(&url, title),
        Chunk::SourceDocument { title, .. } => reply.cite("", Some(title)),
        Chunk::Suggestions { prompts } => reply.suggestions = prompts,
        Chunk::ToolInputStart { tool_call_id, tool_name } => {
            begin_activity(reply, tool_call_id, tool_name, None);
        }
        Chunk::ToolInputAvailable { tool_call_id, tool_name, input } => {
            begin_activity(reply, tool_call_id, tool_name, Some(input));
        }
        Chunk::ToolInputError { tool_call_id, .. } | Chunk::ToolOutputError { tool_call_id, .. } => {
            end_activity(reply, &tool_call_id, false);
        }
        Chunk::ToolOutputAvailable { tool_call_id, .. } => end_activity(reply, &tool_call_id, true),
        _ => {}
    }
}

fn begin_activity(reply: &mut Reply, id: String, tool: String, input: Option<Json>) {
    match reply.activities.iter_mut().find(|activity| activity.id == id) {
        Some(known) => known.input = input.or(known.input.take()),
        None => reply.activities.push(Activity { id, tool, input, succeeded: None, owed: None }),
    }
}

fn end_activity(reply: &mut Reply, id: &str, succeeded: bool) {
    for activity in reply.activities.iter_mut().filter(|activity| activity.id == id) {
        activity.succeeded = Some(succeeded);
    }
}

fn finish(model: &mut Model, reason: FinishReason, now: Moment, out: &mut Effects) {
    if reason == FinishReason::Error {
        fail_reply(model, Failure::retryable(Reason::Unavailable), out);
        return;
    }
    let rest = model.turn.as_mut().and_then(|turn| turn.announcer.finish()).map(Announcement::Sentence);
    out.extend(rest.map(Effect::Announce));
    let is_at_work = reason == FinishReason::ToolCalls;
    if is_at_work && (tabs::waits_for_tools(model, now) || tool::begin(model, out)) {
        return;
    }
    let Some(turn) = model.turn.take() else { return };
    let is_silent = model.standing != ConversationState::Ongoing;
    if is_silent && matches!(model.item(turn.reply), Some(Item::Reply(reply)) if reply.is_empty()) {
        // A person has the word, or nobody: the agent says nothing, and rightly so.
        model.remove(turn.reply);
        out.push(Effect::Redraw(Region::List));
        ended(turn.reply, out);
        return;
    }
    out.push(Effect::Announce(Announcement::ReplyDone));
    if let Some(reply) = model.reply_mut(turn.reply) {
        reply.end_reasoning(now);
        reply.end(ReplyPhase::Done);
        let (id, text) = (reply.id.clone().unwrap_or_default(), reply.text.clone());
        if turn.stage != Stage::Following {
            // The page hears of a message once, in the tab that follows it.
            out.push(Effect::Emit(HostEvent::MessageReceived { id, text }));
        }
    }
    model.active_at = Some(now);
    if model.open && model.has_peers {
        tabs::tell(&Word::Seen, out);
    } else if !model.open {
        super::set_unread(model, model.unread.saturating_add(1), out);
    }
    save(model, out);
    ended(turn.reply, out);
    outbox::flush(model, now, out);
}

/// The visitor stopped the reply in another tab.
pub(super) fn let_go(model: &mut Model, now: Moment, out: &mut Effects) {
    if let Some(turn) = &model.turn {
        out.push(Effect::AbortStream { turn: turn.id });
        stopped(model, now, out);
    }
}

fn stopped(model: &mut Model, now: Moment, out: &mut Effects) {
    let Some(turn) = model.turn.take() else { return };
    if let Some(reply) = model.reply_mut(turn.reply) {
        reply.end(ReplyPhase::Stopped);
    }
    out.push(Effect::Announce(Announcement::ReplyStopped));
    ended(turn.reply, out);
    outbox::flush(model, now, out);
}

pub(super) fn fail_reply(model: &mut Model, failure: Failure, out: &mut Effects) {
    let Some(turn) = model.turn.take() else { return };
    rest(model, &failure, out);
    if let Some(reply) = model.reply_mut(turn.reply) {
        reply.end(ReplyPhase::Failed(failure.clone()));
    }
    out.push(Effect::Announce(Announcement::Failed(failure.clone())));
    out.push(Effect::Emit(HostEvent::Error(failure)));
    ended(turn.reply, out);
}

/// What a failure means for the next message: how long none is taken, or that
/// none will be.
pub(super) fn rest(model: &mut Model, failure: &Failure, out: &mut Effects) {
    match failure.reason {
        Reason::RateLimited => model.rests_until = failure.retry_at,
        Reason::Closed => watch::stand(model, ConversationState::Ended, out),
        _ => {}
    }
}

/// Another tab begins a new turn before the end of this one was heard.
pub(super) fn end_quietly(model: &mut Model, out: &mut Effects) {
    let Some(turn) = model.turn.take() else { return };
    if let Some(reply) = model.reply_mut(turn.reply) {
        reply.end(ReplyPhase::Done);
    }
    out.push(Effect::Redraw(Region::Item(turn.reply)));
}

fn ended(reply: Key, out: &mut Effects) {
    out.push(Effect::Redraw(Region::Item(reply)));
    out.push(Effect::Redraw(Region::Composer));
    out.push(Effect::Emit(HostEvent::ResponseEnd));
}

/// The stream ended without a terminal chunk: it is followed again.
pub(super) fn broke(model: &mut Model, id: TurnId, out: &mut Effects) {
    let (online, is_direct) = (model.online, model.config.is_direct);
    let Some(turn) = model.running(id) else { return };
    if matches!(turn.stage, Stage::Sending | Stage::Working) {
        // The end of a stream that was at its end: another one follows.
        return;
    }
    turn.stage = Stage::Resuming;
    if is_direct {
        // Nobody has kept what was not heard.
        fail_reply(model, Failure::retryable(Reason::Interrupted), out);
        return;
    }
    if !online {
        // Trying would only use up the tries: the browser says when there is a
        // network again.
        return;
    }
    match turn.next_wait_ms() {
        Some(after_ms) => out.push(Effect::StartTimer { timer: Timer::Resume(id), after_ms }),
        None => fail_reply(model, Failure::retryable(Reason::Interrupted), out),
    }
}

/// A wait is over: follow the reply again.
pub(super) fn resume(model: &mut Model, id: TurnId, now: Moment, out: &mut Effects) {
    let Some(turn) = model.running(id) else { return };
    if turn.stage == Stage::Resuming {
        // Of a reply that went on and of which nothing new was seen, the log
        // tells all from the beginning.
        turn.shows_stored |= turn.rounds > 0 && turn.last_event.is_none();
        session::call(model, Call::Resume(id), now, out);
    }
}

/// There is a network again: waits are cut short.
pub(super) fn hurry(model: &mut Model, now: Moment, out: &mut Effects) {
    if let Some(id) = model.turn.as_ref().map(|turn| turn.id) {
        resume(model, id, now, out);
    }
}

/// The relay has nothing more to tell of this reply: the store knows how it
/// ended.
pub(super) fn gone(model: &mut Model, id: TurnId, now: Moment, out: &mut Effects) {
    let Some(turn) = model.running(id) else { return };
    let had_frames = turn.last_event.is_some();
    let reply = turn.reply;
    let question = turn.question;
    // The reply was running when the transcript was read, and had ended when it
    // was asked for.
    let has_just_ended = turn.shows_stored && !turn.is_second_look;
    out.push(Effect::AbortStream { turn: id });
    model.turn = None;
    out.push(Effect::Redraw(Region::Composer));
    if had_frames || has_just_ended {
        // Until the store has told how it ended, it looks broken off.
        if let Some(told) = model.reply_mut(reply) {
            told.end(ReplyPhase::Failed(Failure::retryable(Reason::Interrupted)));
        }
        out.push(Effect::Redraw(Region::Item(reply)));
        out.push(Effect::Emit(HostEvent::ResponseEnd));
        if had_frames {
            history::load(model, now, out);
        } else {
            history::look_again(model, now, out);
        }
        return;
    }
    if let Some(stored) = model.reply_mut(reply).filter(|stored| !stored.is_empty()) {
        stored.end(ReplyPhase::Failed(Failure::retryable(Reason::Interrupted)));
        out.push(Effect::Redraw(Region::Item(reply)));
        return;
    }
    // A question that was stored without a reply: it can be asked again.
    model.remove(reply);
    if let Some(asked) = question.and_then(|key| model.question_mut(key)) {
        asked.delivery = Delivery::Failed(Failure::retryable(Reason::Interrupted));
    }
    out.extend(question.map(|key| Effect::Redraw(Region::Item(key))));
    out.push(Effect::Redraw(Region::List));
}

/// A call of the turn failed before a stream was there.
pub(super) fn failed(model: &mut Model, id: TurnId, error: TransportError, now: Moment, out: &mut Effects) {
    let Some(turn) = model.running(id) else { return };
    if error.is_unauthenticated() && !turn.token_replaced {
        turn.token_replaced = true;
        let call = if turn.stage == Stage::Sending { Call::Chat(id) } else { Call::Resume(id) };
        model.session.drop_token();
        session::call(model, call, now, out);
        return;
    }
    let is_sending = turn.stage == Stage::Sending;
    let is_new = turn.trigger == Trigger::SubmitMessage && turn.question.is_some();
    if is_sending && turn.rounds > 0 {
        fail_reply(model, Failure::from_transport(error, now), out);
    } else if is_sending && is_new && error == TransportError::Network {
        outbox::put_back(model, Failure::from_transport(error, now), out);
    } else if is_sending {
        chat::fail_question(model, Failure::from_transport(error, now), out);
    } else if error.is_not_found() {
        gone(model, id, now, out);
    } else if matches!(error, TransportError::Network | TransportError::Timeout) {
        broke(model, id, out);
    } else {
        fail_reply(model, Failure::from_transport(error, now), out);
    }
}
