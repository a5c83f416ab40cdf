//! What the visitor does to the conversation: send, stop, retry, regenerate.

use chinwag_protocol::limits::MAX_MESSAGE_CHARS;
use chinwag_protocol::{ChatRequest, ConversationId, MessageId, Part, Role, Trigger, UiMessage};

use super::{Effects, direct, file, history, outbox, save, session, stream, tabs, watch};
use crate::engine::attachment::SentFile;
use crate::engine::effect::{Announcement, Effect, HostEvent, Region};
use crate::engine::event::Moment;
use crate::engine::failure::Failure;
use crate::engine::item::{Activity, Delivery, Item, Key, Question, Reply, ReplyPhase};
use crate::engine::model::{History, Model};
use crate::engine::part::{self, Lazy as _};
use crate::engine::session::Call;
use crate::engine::turn::{Stage, Turn, TurnId};
use crate::engine::word::Word;

pub(super) fn send(
    model: &mut Model,
    text: &str,
    message_id: String,
    conversation_id: &str,
    now: Moment,
    out: &mut Effects,
) {
    let text = text.trim();
    // The composer says both before sending; here they only must not do harm.
    let has_files = !model.tray.attachments.is_empty();
    if !model.tray.is_ready()
        || (text.is_empty() && !has_files)
        || text.chars().count() > MAX_MESSAGE_CHARS
        || !model.takes_message()
    {
        return;
    }
    let waits = !model.online || model.is_replying();
    if !model.has_consent() || (waits && !outbox::has_room(model)) {
        // It stays in the composer.
        text.clone_into(&mut model.draft);
        out.push(Effect::Redraw(Region::Composer));
        return;
    }
    if model.is_closed() || model.is_resting(now) {
        return;
    }
    if model.conversation.is_none() {
        let Ok(id) = ConversationId::parse(conversation_id) else { return };
        out.push(Effect::Emit(HostEvent::ConversationChange { id: id.as_str().to_owned() }));
        model.conversation = Some(id);
    }
    model.draft.clear();
    model.is_unsent = false;
    model.active_at = Some(now);
    let files =
        if model.tray.is_empty() { Vec::new() } else { part::File::enter_again(|| file::take(model, out)) };
    if waits {
        let question =
            Question { id: message_id, text: text.to_owned(), files, at: None, delivery: Delivery::Waiting };
        model.push(Item::Question(question));
        save(model, out);
        out.push(Effect::Redraw(Region::List));
        out.push(Effect::Redraw(Region::Composer));
        return;
    }
    // Stored before the first send: a page that is left in this very moment
    // finds the conversation again.
    save(model, out);
    let question = Question {
        id: message_id.clone(),
        text: text.to_owned(),
        files,
        at: Some(now),
        delivery: Delivery::Sending,
    };
    let key = model.push(Item::Question(question));
    out.push(Effect::Emit(HostEvent::MessageSent { id: message_id, text: text.to_owned() }));
    let reply = model.push(Item::Reply(Box::new(Reply::waiting(Some(key), now))));
    begin(model, Some(key), reply, Trigger::SubmitMessage, now, out);
    watch::look(model, out);
}

pub(super) fn begin(
    model: &mut Model,
    question: Option<Key>,
    reply: Key,
    trigger: Trigger,
    now: Moment,
    out: &mut Effects,
) {
    if model.history == History::Remembered {
        history::load(model, now, out);
    }
    let id = model.fresh_turn();
    let mut turn = Turn::new(id, question, reply, trigger);
    // A turn that failed before the relay had the answers of the page's tools
    // goes on with them: they are not run twice.
    turn.rounds = usize::from(model.reply_mut(reply).is_some_and(|reply| reply.owes()));
    model.turn = Some(turn);
    out.push(Effect::Redraw(Region::List));
    out.push(Effect::Redraw(Region::Composer));
    out.push(Effect::Emit(HostEvent::ResponseStart));
    session::call(model, Call::Chat(id), now, out);
}

/// The body of a turn's request, unless the turn is over.
pub(super) fn request(model: &mut Model, id: TurnId) -> Option<ChatRequest> {
    let turn = model.running(id)?;
    let (question, reply, trigger) = (turn.question?, turn.reply, turn.trigger);
    let conversation = model.conversation.clone()?;
    let tools = model.tools.iter().filter(|_| model.features.tools);
    let mut request = ChatRequest {
        id: conversation,
        messages: Vec::new(),
        trigger,
        message_id: None,
        tools: tools.map(|tool| tool.definition.clone()).collect(),
        context: model.config.context.clone(),
    };
    if model.config.is_direct {
        // A relay knows what was said before; an endpoint may have no memory.
        request.messages = part::Past::enter_again(|| direct::before(model, question));
    }
    if let Some(Item::Reply(reply)) = model.item(reply)
        && reply.owes()
    {
        request.trigger = Trigger::SubmitMessage;
        if model.config.is_direct {
            request.messages.extend(part::Past::enter_again(|| direct::asked(model, question)));
        }
        request.messages.push(answers(reply));
        return Some(request);
    }
    request.message_id = match (trigger, model.item(reply)) {
        (Trigger::RegenerateMessage, Some(Item::Reply(reply))) => {
            reply.id.as_deref().and_then(|id| MessageId::parse(id).ok())
        }
        _ => None,
    };
    let Some(Item::Question(question)) = model.item(question) else { return None };
    request.messages.push(UiMessage {
        id: question.id.clone(),
        role: Role::User,
        parts: parts_of(question),
        metadata: None,
    });
    Some(request)
}

/// A question as parts: its text, if it has one, and its files.
fn parts_of(question: &Question) -> Vec<Part> {
    let text = Some(question.text.clone()).filter(|text| !text.is_empty() || question.files.is_empty());
    let text = text.map(|text| Part::Text { text });
    text.into_iter().chain(question.files.iter().map(SentFile::to_part)).collect()
}

/// What the page's tools answered, as the reply that it continues.
fn answers(reply: &Reply) -> UiMessage {
    let part = |activity: &Activity| {
        let outcome = activity.owed.clone()?;
        let (state, output, error_text) = match outcome {
            Ok(output) => ("output-available", Some(output), None),
            Err(why) => ("output-error", None, Some(why)),
        };
        Some(Part::Tool {
            tool_call_id: activity.id.clone(),
            tool_name: activity.tool.clone(),
            state: state.to_owned(),
            input: activity.input.clone(),
            output,
            error_text,
        })
    };
    UiMessage {
        id: reply.id.clone().unwrap_or_default(),
        role: Role::Assistant,
        parts: reply.activities.iter().filter_map(part).collect(),
        metadata: None,
    }
}

pub(super) fn stop(model: &mut Model, now: Moment, out: &mut Effects) {
    let Some(turn) = model.turn.take() else { return };
    out.push(Effect::AbortStream { turn: turn.id });
    if let Some(conversation) = model.conversation.clone() {
        tabs::tell(&Word::Stopped { conversation }, out);
    }
    if let Some(conversation) = model.conversation.clone().filter(|_| !model.config.is_direct) {
        session::call(model, Call::Stop(conversation), now, out);
    }
    if let Some(reply) = model.reply_mut(turn.reply) {
        reply.end(ReplyPhase::Stopped);
    }
    if let Some(question) = turn.question.and_then(|key| model.question_mut(key)) {
        question.delivery = Delivery::Sent;
    }
    for key in turn.question.into_iter().chain([turn.reply]) {
        out.push(Effect::Redraw(Region::Item(key)));
    }
    out.push(Effect::Redraw(Region::Composer));
    out.push(Effect::Announce(Announcement::ReplyStopped));
    out.push(Effect::Emit(HostEvent::ResponseStopped));
    out.push(Effect::Emit(HostEvent::ResponseEnd));
    outbox::flush(model, now, out);
}

/// Ends the reply without a word about it: whoever waited for it is gone.
pub(super) fn abandon(model: &mut Model, out: &mut Effects) {
    let Some(turn) = model.turn.take() else { return };
    out.push(Effect::AbortStream { turn: turn.id });
    out.push(Effect::Emit(HostEvent::ResponseStopped));
    out.push(Effect::Emit(HostEvent::ResponseEnd));
    let token = model.session.last_token().filter(|_| !model.config.is_direct).map(str::to_owned);
    if let Some((token, conversation)) = token.zip(model.conversation.clone()) {
        out.push(Effect::StopReply { token, conversation });
    }
}

pub(super) fn retry(model: &mut Model, key: Key, now: Moment, out: &mut Effects) {
    if model.is_replying() {
        return;
    }
    if model.question_mut(key).is_some_and(|question| question.delivery == Delivery::Waiting) {
        outbox::retry(model, now, out);
        return;
    }
    if let Some(Item::Reply(reply)) = model.item(key)
        && let (ReplyPhase::Failed(failure), Some(question), true) =
            (&reply.phase, reply.question, reply.owes())
        && failure.can_retry(now)
    {
        if let Some(reply) = model.reply_mut(key) {
            reply.phase = ReplyPhase::Waiting { label: None };
        }
        begin(model, Some(question), key, Trigger::SubmitMessage, now, out);
        out.push(Effect::Redraw(Region::Item(key)));
        return;
    }
    let (question, failed_reply) = match model.item(key) {
        Some(Item::Question(question)) if can_retry(&question.delivery, now) => (key, None),
        Some(Item::Reply(reply)) => match (&reply.phase, reply.question) {
            (ReplyPhase::Failed(failure), Some(question)) if failure.can_retry(now) => (question, Some(key)),
            (ReplyPhase::Stopped, Some(question)) => (question, Some(key)),
            _ => return,
        },
        _ => return,
    };
    if let Some(question) = model.question_mut(question) {
        question.delivery = Delivery::Sending;
    }
    out.push(Effect::Redraw(Region::Item(question)));
    let fresh = Item::Reply(Box::new(Reply::waiting(Some(question), now)));
    // The message keeps its id, so that the relay accepts it once however often
    // it is sent.
    let reply = match failed_reply {
        Some(old) => model.replace(old, fresh),
        None => Some(model.insert_after(question, fresh)),
    };
    let Some(reply) = reply else { return };
    begin(model, Some(question), reply, Trigger::SubmitMessage, now, out);
}

fn can_retry(delivery: &Delivery, now: Moment) -> bool {
    matches!(delivery, Delivery::Failed(failure) if failure.can_retry(now))
}

pub(super) fn regenerate(model: &mut Model, key: Key, now: Moment, out: &mut Effects) {
    if model.is_replying() || !model.features.retry {
        return;
    }
    let Some(Item::Reply(old)) = model.item(key) else { return };
    let (id, question) = (old.id.clone(), old.question);
    let mut fresh = Reply::waiting(question, now);
    fresh.id = id;
    if question.is_none() {
        return;
    }
    if let Some(reply) = model.replace(key, Item::Reply(Box::new(fresh))) {
        begin(model, question, reply, Trigger::RegenerateMessage, now, out);
    }
}

/// Ends the running turn without a reply: the question is marked, the empty
/// reply is taken away, and nothing that was written is lost.
pub(super) fn fail_question(model: &mut Model, failure: Failure, out: &mut Effects) {
    let Some(turn) = model.turn.take() else { return };
    debug_assert!(turn.stage != Stage::Streaming, "a reply that streams fails as a reply");
    stream::rest(model, &failure, out);
    match turn.question.and_then(|key| model.question_mut(key)) {
        Some(question) => {
            question.delivery = Delivery::Failed(failure.clone());
            model.remove(turn.reply);
        }
        None => {
            if let Some(reply) = model.reply_mut(turn.reply) {
                reply.end(ReplyPhase::Failed(failure.clone()));
            }
        }
    }
    for key in turn.question.into_iter().chain([turn.reply]) {
        out.push(Effect::Redraw(Region::Item(key)));
    }
    out.push(Effect::Redraw(Region::List));
    out.push(Effect::Redraw(Region::Composer));
    out.push(Effect::Announce(Announcement::Failed(failure.clone())));
    out.push(Effect::Emit(HostEvent::Error(failure)));
    out.push(Effect::Emit(HostEvent::ResponseEnd));
}
