//! The transcript of an earlier visit, loaded back from the relay.

use chinwag_protocol::{ConversationState, MessageStatus, Page, Role, Trigger, UiMessage};

use super::{Effects, direct, outbox, session, tabs, watch};
use crate::engine::effect::{Effect, Region};
use crate::engine::event::Moment;
use crate::engine::failure::{Failure, TransportError};
use crate::engine::item::{self, Item, Reply, ReplyPhase};
use crate::engine::model::{History, Model, Older};
use crate::engine::session::{Call, RequestId};
use crate::engine::turn::{Stage, Turn};

/// Loads the newest page, in place of what is shown.
pub(super) fn load(model: &mut Model, now: Moment, out: &mut Effects) {
    ask(model, false, now, out);
}

/// Loads it once more: between the answer and the question for the running
/// reply, the reply has ended.
pub(super) fn look_again(model: &mut Model, now: Moment, out: &mut Effects) {
    ask(model, true, now, out);
}

fn ask(model: &mut Model, again: bool, now: Moment, out: &mut Effects) {
    let request = model.fresh_request();
    model.history = History::Loading { request, token_replaced: false, again };
    out.push(Effect::Redraw(Region::List));
    session::call(model, Call::Messages { request, cursor: None }, now, out);
}

/// Loads the page before the oldest message that is here.
pub(super) fn older(model: &mut Model, now: Moment, out: &mut Effects) {
    let (Older::More(cursor) | Older::Failed { cursor, .. }) = model.older() else { return };
    ask_older(model, cursor.clone(), false, now, out);
}

fn ask_older(model: &mut Model, cursor: String, token_replaced: bool, now: Moment, out: &mut Effects) {
    let request = model.fresh_request();
    let older = Older::Loading { request, cursor: cursor.clone(), token_replaced };
    model.history = History::Loaded { older };
    out.push(Effect::Redraw(Region::Older));
    session::call(model, Call::Messages { request, cursor: Some(cursor) }, now, out);
}

fn older_arrived(model: &mut Model, page: Page<UiMessage>, out: &mut Effects) {
    model.history = History::Loaded { older: before(&page) };
    let items = page.data.into_iter().filter_map(item::from_stored).collect();
    model.prepend_items(items);
    out.push(Effect::Redraw(Region::List));
    out.push(Effect::Redraw(Region::Older));
}

/// What is before a page.
fn before(page: &Page<UiMessage>) -> Older {
    let cursor = page.pagination.cursor.clone().filter(|_| page.pagination.has_more);
    cursor.map_or(Older::Nothing, Older::More)
}

/// The cursor and the token's state of the older page under way, if it is this
/// one.
fn awaited_older(model: &Model, request: RequestId) -> Option<(String, bool)> {
    match model.older() {
        Older::Loading { request: asked, cursor, token_replaced } if *asked == request => {
            Some((cursor.clone(), *token_replaced))
        }
        _ => None,
    }
}

/// A page of the transcript came, for whoever asked for it.
pub(super) fn happened(
    model: &mut Model,
    request: RequestId,
    page: Page<UiMessage>,
    now: Moment,
    out: &mut Effects,
) {
    if watch::awaits(model, request) {
        watch::arrived(model, page, out);
    } else {
        arrived(model, request, page, now, out);
    }
}

fn arrived(model: &mut Model, request: RequestId, page: Page<UiMessage>, now: Moment, out: &mut Effects) {
    if awaited_older(model, request).is_some() {
        older_arrived(model, page, out);
        return;
    }
    let Some(Awaited { again, .. }) = awaited(model, request) else { return };
    watch::learn_from_page(model, &page, out);
    model.history = History::Loaded { older: before(&page) };
    model.trouble = None;
    model.attempts = 0;
    let is_answered = model.standing == ConversationState::Ongoing;
    let is_running = still_runs(&page.data, is_answered);
    let shown = page.data.into_iter().filter(|message| is_answered || !watch::is_unsaid(message));
    let mut items: Vec<Item> = shown.filter_map(item::from_stored).collect();
    let waiting = model.take_waiting();
    // What was sent while the page was on its way is not in it.
    if model.turn.is_some() {
        items.retain(|item| !is_shown(model, item));
        model.prepend_items(items);
    } else {
        model.set_items(items);
        if is_running && model.config.is_direct {
            direct::give_up(model, out);
        } else if is_running {
            follow(model, again, now, out);
        }
    }
    for question in waiting.into_iter().map(Item::Question) {
        // One that had reached the relay after all is in the transcript.
        if !is_shown(model, &question) {
            model.push(question);
        }
    }
    out.push(Effect::Redraw(Region::Header));
    out.push(Effect::Redraw(Region::List));
    out.push(Effect::Redraw(Region::Older));
    outbox::flush(model, now, out);
}

fn still_runs(messages: &[UiMessage], is_answered: bool) -> bool {
    messages.last().is_some_and(|last| {
        let status = last.metadata.as_ref().and_then(|metadata| metadata.status);
        // A question without a reply: the relay may just have begun, where it is
        // the relay that answers.
        status == Some(MessageStatus::Streaming) || (is_answered && last.role == Role::User)
    })
}

fn is_shown(model: &Model, item: &Item) -> bool {
    let Item::Question(stored) = item else { return false };
    model.items().iter().any(|(_, shown)| matches!(shown, Item::Question(asked) if asked.id == stored.id))
}

/// Takes up a reply that was running when the page was left.
fn follow(model: &mut Model, again: bool, now: Moment, out: &mut Effects) {
    let (question, reply) = match model.items().last() {
        Some((key, Item::Reply(reply))) => (reply.question, *key),
        last => {
            let question = last.map(|(key, _)| *key);
            (question, model.push(Item::Reply(Box::new(Reply::waiting(question, now)))))
        }
    };
    let id = model.fresh_turn();
    let mut turn = Turn::new(id, question, reply, Trigger::SubmitMessage);
    turn.stage = Stage::Resuming;
    turn.shows_stored = true;
    turn.is_second_look = again;
    if let Some(stored) = model.reply_mut(reply) {
        stored.phase = ReplyPhase::Streaming;
    }
    model.turn = Some(turn);
    out.push(Effect::Redraw(Region::Composer));
    if model.has_peers {
        // Whoever sent the question may be following the reply.
        tabs::join(model, now, out);
    } else {
        session::call(model, Call::Resume(id), now, out);
    }
}

pub(super) fn failed(
    model: &mut Model,
    request: RequestId,
    error: TransportError,
    now: Moment,
    out: &mut Effects,
) {
    if let Some((cursor, token_replaced)) = awaited_older(model, request) {
        if error.is_unauthenticated() && !token_replaced {
            model.session.drop_token();
            ask_older(model, cursor, true, now, out);
            return;
        }
        let failure = Failure::from_transport(error, now);
        model.history = History::Loaded { older: Older::Failed { cursor, failure } };
        out.push(Effect::Redraw(Region::Older));
        return;
    }
    let Some(Awaited { token_replaced, again }) = awaited(model, request) else { return };
    if error.is_not_found() {
        // Deleted, or the visitor is another: the id stays, the transcript is empty.
        model.history = History::Loaded { older: Older::Nothing };
        outbox::flush(model, now, out);
    } else if error.is_unauthenticated() && !token_replaced {
        model.session.drop_token();
        model.history = History::Loading { request, token_replaced: true, again };
        session::call(model, Call::Messages { request, cursor: None }, now, out);
        return;
    } else {
        let failure = Failure::from_transport(error, now);
        model.trouble = Some(failure.clone());
        model.history = History::Failed(failure);
        outbox::try_later(model, out);
    }
    out.push(Effect::Redraw(Region::Header));
    out.push(Effect::Redraw(Region::List));
}

/// What is known of the request under way.
struct Awaited {
    token_replaced: bool,
    again: bool,
}

/// The request under way, if it is this one.
fn awaited(model: &Model, request: RequestId) -> Option<Awaited> {
    match model.history {
        History::Loading { request: asked, token_replaced, again } if asked == request => {
            Some(Awaited { token_replaced, again })
        }
        _ => None,
    }
}
