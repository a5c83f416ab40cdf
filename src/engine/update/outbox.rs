//! Messages that were written without a network: they wait, in order, and are
//! sent when the relay can be reached again.

use chinwag_protocol::Trigger;

use super::{Effects, chat, history, save, session, with_items};
use crate::engine::effect::{Announcement, Effect, Region, Timer};
use crate::engine::event::Moment;
use crate::engine::failure::Failure;
use crate::engine::item::{Delivery, Item, Key, Question, Reply};
use crate::engine::model::{History, MAX_WAITING, Model};
use crate::engine::saved::Waiting;

/// Waits before the relay is tried again, in ms. After the last one only the
/// visitor, or the browser that finds a network, tries again.
const WAITS_MS: [u32; 9] = [1_000, 2_000, 5_000, 10_000, 20_000, 30_000, 60_000, 60_000, 60_000];

/// Whether one more message may wait.
pub(super) fn has_room(model: &Model) -> bool {
    let waits =
        |item: &Item| matches!(item, Item::Question(question) if question.delivery == Delivery::Waiting);
    model.items().iter().filter(|(_, item)| waits(item)).count() < MAX_WAITING
}

/// Brings back what waited when the page was left.
pub(super) fn restore(model: &mut Model, out: &mut Effects) {
    for Waiting { id, text, files } in std::mem::take(&mut model.unsent) {
        out.push(Effect::Redraw(Region::List));
        model.push(Item::Question(Question { id, text, files, at: None, delivery: Delivery::Waiting }));
    }
}

/// The call that carried the turn's question found nobody: the question waits
/// instead of failing.
pub(super) fn put_back(model: &mut Model, failure: Failure, out: &mut Effects) {
    let Some(turn) = model.turn.take() else { return };
    model.remove(turn.reply);
    if let Some(question) = turn.question.and_then(|key| model.question_mut(key)) {
        question.delivery = Delivery::Waiting;
    }
    model.trouble = Some(failure.clone());
    out.extend(turn.question.map(|key| Effect::Redraw(Region::Item(key))));
    out.push(Effect::Redraw(Region::List));
    out.push(Effect::Redraw(Region::Composer));
    out.push(Effect::Redraw(Region::Header));
    out.push(Effect::Announce(Announcement::Failed(failure)));
    save(model, out);
    try_later(model, out);
}

/// Tries the relay again after a while, longer each time, and not for ever.
pub(super) fn try_later(model: &mut Model, out: &mut Effects) {
    if !model.is_cut_off() {
        return;
    }
    if let Some(after_ms) = WAITS_MS.get(usize::from(model.attempts)).copied() {
        model.attempts += 1;
        out.push(Effect::StartTimer { timer: Timer::Reconnect, after_ms });
    }
}

/// Tries the relay: by the first message that waits, or else by an exchange.
pub(super) fn reconnect(model: &mut Model, now: Moment, out: &mut Effects) {
    if !model.online || !model.has_consent() || model.session.is_asking() {
        return;
    }
    if model.turn.is_none() && first(model).is_some() {
        with_items(model, |model| send_first(model, now, out));
    } else if model.trouble.is_some() && model.open {
        super::look_for_relay(model, now, out);
    }
}

/// Sends what waits, one after another: the next when the reply to the one
/// before has ended.
pub(super) fn flush(model: &mut Model, now: Moment, out: &mut Effects) {
    if !model.is_cut_off() && model.turn.is_none() && model.has_consent() {
        with_items(model, |model| send_first(model, now, out));
    }
}

fn first(model: &Model) -> Option<Key> {
    let waits =
        |item: &Item| matches!(item, Item::Question(question) if question.delivery == Delivery::Waiting);
    model.items().iter().find(|(_, item)| waits(item)).map(|(key, _)| *key)
}

fn send_first(model: &mut Model, now: Moment, out: &mut Effects) {
    let Some(key) = first(model) else { return };
    match model.history {
        History::Loading { .. } => return,
        // What had reached the relay after all is in the transcript.
        History::Remembered => return history::load(model, now, out),
        _ => {}
    }
    if let Some(question) = model.question_mut(key) {
        question.delivery = Delivery::Sending;
        question.at = Some(now);
    }
    out.push(Effect::Redraw(Region::Item(key)));
    let reply = model.insert_after(key, Item::Reply(Box::new(Reply::waiting(Some(key), now))));
    chat::begin(model, Some(key), reply, Trigger::SubmitMessage, now, out);
}

/// Takes away a message that waits.
pub(super) fn remove(model: &mut Model, key: Key, out: &mut Effects) {
    if model.question_mut(key).is_some_and(|question| question.delivery == Delivery::Waiting) {
        model.remove(key);
        out.push(Effect::Redraw(Region::List));
        save(model, out);
    }
}

/// The visitor asks to reach the relay now.
pub(super) fn retry(model: &mut Model, now: Moment, out: &mut Effects) {
    model.attempts = 0;
    if first(model).is_some() || model.trouble.is_some() {
        reconnect(model, now, out);
    } else {
        session::connect(model, out);
    }
}
