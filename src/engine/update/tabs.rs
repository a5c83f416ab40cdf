//! The other tabs of the same visitor: one of them follows a reply at the
//! relay, and the others hear from it. Should it fall silent or be gone, another
//! goes on from the last frame that it heard.

use chinwag_protocol::{Chunk, ConversationId, Feedback, TokenAnswer, Trigger, UiMessage};

use super::{Effects, consent, history, session, set_unread, stream, with_items};
use crate::engine::config::{Access, Identity};
use crate::engine::effect::{Effect, HostEvent, Region, Timer};
use crate::engine::event::Moment;
use crate::engine::item::{Delivery, Item, Key, Question, Reply, unfinished};
use crate::engine::model::{History, Model};
use crate::engine::part::{self, Lazy as _};
use crate::engine::session::Call;
use crate::engine::stored;
use crate::engine::tool::TOOLS_TIMEOUT_MS;
use crate::engine::turn::{Stage, Turn, TurnId};
use crate::engine::word::{self, Frame, Word};

/// Silence after which the tab that follows a reply is taken to be gone, in ms.
/// It hands on the relay's heartbeats, which come every 15 s.
const SILENCE_MS: f64 = 20_000.0;

/// How long a tab that joins waits for another to say what it knows, in ms.
const JOIN_MS: f64 = 2_000.0;

/// Another tab said something. `subject` is the visitor that it talks for, as
/// far as it knows; one for another visitor is not meant for us.
pub(super) fn said(model: &mut Model, subject: Option<&str>, word: Word, now: Moment, out: &mut Effects) {
    let own = model.session.subject.as_deref();
    if !model.has_consent() || own.zip(subject).is_some_and(|(own, other)| own != other) {
        return;
    }
    model.has_peers = true;
    match word {
        Word::Hello => tell(&Word::Here, out),
        Word::Here => {}
        Word::Seen => {
            if model.unread > 0 {
                set_unread(model, 0, out);
            }
        }
        Word::Forgotten => consent::drop_visitor(model, out),
        word => part::Past::enter(|| told(model, word, now, out)),
    }
}

/// Takes in what another tab tells of a conversation.
fn told(model: &mut Model, word: Word, now: Moment, out: &mut Effects) {
    match word {
        Word::Asked { conversation, question, text, files } => {
            let question = Question { id: question, text, files, at: Some(now), delivery: Delivery::Sent };
            asked(model, &conversation, question, now, out);
        }
        Word::Frames { conversation, question, frames } => {
            heard(model, &conversation, &question, frames, now, out);
        }
        Word::Joining { conversation } => show(model, &conversation, out),
        Word::Snapshot { conversation, question, reply, last_event } => {
            if model.conversation.as_ref() == Some(&conversation) {
                catch_up(model, &question, reply, last_event, now, out);
            }
        }
        Word::Stopped { conversation } => {
            if model.conversation.as_ref() == Some(&conversation) {
                with_items(model, |model| stream::let_go(model, now, out));
            }
        }
        Word::Switched { conversation, is_new } => switched(model, conversation, is_new, now, out),
        Word::Rated { conversation, message, value } => rated(model, &conversation, &message, value, out),
        Word::Renamed { conversation, title } => {
            if let Some(entry) = model.drawer.entry_mut(&conversation) {
                entry.title = title;
                out.push(Effect::Redraw(Region::Drawer));
            }
        }
        Word::Deleted { conversation } => {
            model.drawer.entries.retain(|entry| entry.id != conversation);
            out.push(Effect::Redraw(Region::Drawer));
        }
        Word::Hello | Word::Here | Word::Seen | Word::Forgotten => {}
    }
}

/// A reply was rated in another tab.
fn rated(
    model: &mut Model,
    conversation: &ConversationId,
    message: &str,
    value: Option<Feedback>,
    out: &mut Effects,
) {
    if model.conversation.as_ref() != Some(conversation) {
        return;
    }
    let is_it = |item: &Item| matches!(item, Item::Reply(reply) if reply.id.as_deref() == Some(message));
    let found = model.items().iter().rev().find_map(|(key, item)| is_it(item).then_some(*key));
    if let Some((key, reply)) = found.and_then(|key| Some((key, model.reply_mut(key)?))) {
        reply.rating.heard(value);
        out.push(Effect::Redraw(Region::Rating(key)));
    }
}

/// Says something to the other tabs.
pub(super) fn tell(word: &Word, out: &mut Effects) {
    out.push(Effect::Tell(word.to_json()));
}

/// Tells that a question was accepted, and that its reply is followed here.
pub(super) fn tell_asked(model: &Model, question: Option<Key>, out: &mut Effects) {
    let Some(Item::Question(asked)) = question.and_then(|key| model.item(key)) else { return };
    if let Some(conversation) = model.conversation.clone() {
        let (question, text, files) = (asked.id.clone(), asked.text.clone(), asked.files.clone());
        tell(&Word::Asked { conversation, question, text, files }, out);
    }
}

fn asked(
    model: &mut Model,
    conversation: &ConversationId,
    question: Question,
    now: Moment,
    out: &mut Effects,
) {
    if model.conversation.is_none() && model.items().is_empty() {
        out.push(Effect::Emit(HostEvent::ConversationChange { id: conversation.as_str().to_owned() }));
        model.conversation = Some(conversation.clone());
    }
    // What is not here yet is found when the transcript is loaded.
    let is_here = !matches!(model.history, History::Remembered | History::Loading { .. });
    if model.conversation.as_ref() != Some(conversation) || !is_here {
        return;
    }
    match &model.turn {
        // Ours: the two tabs sent at the same time.
        Some(turn) if turn.stage != Stage::Following => return,
        Some(_) => with_items(model, |model| stream::end_quietly(model, out)),
        None => {}
    }
    let known = model.items().iter().rev().find_map(|(key, item)| match item {
        Item::Question(asked) if asked.id == question.id => Some(*key),
        _ => None,
    });
    let key = known.unwrap_or_else(|| model.push(Item::Question(question)));
    if let Some(question) = model.question_mut(key) {
        question.delivery = Delivery::Sent;
    }
    let fresh = Item::Reply(Box::new(Reply::waiting(Some(key), now)));
    let old = model.items().iter().rev().find_map(|(place, item)| match item {
        Item::Reply(reply) if reply.question == Some(key) => Some(*place),
        _ => None,
    });
    let reply = match old {
        Some(old) => model.replace(old, fresh),
        None => Some(model.insert_after(key, fresh)),
    };
    let Some(reply) = reply else { return };
    let id = model.fresh_turn();
    let mut turn = Turn::new(id, Some(key), reply, Trigger::SubmitMessage);
    follow(&mut turn, now, SILENCE_MS, out);
    model.turn = Some(turn);
    out.push(Effect::Redraw(Region::Item(key)));
    out.push(Effect::Redraw(Region::List));
    out.push(Effect::Redraw(Region::Composer));
}

/// Lets another tab tell what it hears of a reply.
fn follow(turn: &mut Turn, now: Moment, patience_ms: f64, out: &mut Effects) {
    turn.stage = Stage::Following;
    turn.heard_at = Moment(now.0 + patience_ms - SILENCE_MS);
    watch(turn, now, out);
}

fn watch(turn: &Turn, now: Moment, out: &mut Effects) {
    let left = (turn.heard_at.0 + SILENCE_MS - now.0).max(1.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "held within bounds above")]
    out.push(Effect::StartTimer { timer: Timer::Silence(turn.id), after_ms: left as u32 });
}

/// A transcript was loaded whose last reply runs: another tab may follow it.
pub(super) fn join(model: &mut Model, now: Moment, out: &mut Effects) {
    let (Some(turn), Some(conversation)) = (model.turn.as_mut(), model.conversation.clone()) else { return };
    follow(turn, now, JOIN_MS, out);
    tell(&Word::Joining { conversation }, out);
}

/// Tells a tab that joins all that is known of the reply.
fn show(model: &Model, conversation: &ConversationId, out: &mut Effects) {
    let Some(turn) = model.turn.as_ref().filter(|turn| turn.stage != Stage::Following) else { return };
    let question = turn.question.and_then(|key| model.item(key));
    let (Some(Item::Question(question)), Some(Item::Reply(reply))) = (question, model.item(turn.reply))
    else {
        return;
    };
    if model.conversation.as_ref() == Some(conversation) && turn.stage != Stage::Sending && !turn.shows_stored
    {
        let reply = stored::reply(reply);
        let word = word::snapshot(conversation, &question.id, &reply, turn.last_event.as_deref());
        out.push(Effect::Tell(word));
    }
}

/// The turn that follows another tab's, if it answers this question.
fn following<'a>(model: &'a mut Model, question: &str) -> Option<&'a mut Turn> {
    let turn = model.turn.as_ref().filter(|turn| turn.stage == Stage::Following)?;
    let asked = turn.question.and_then(|key| model.item(key));
    let is_it = matches!(asked, Some(Item::Question(asked)) if asked.id == question);
    model.turn.as_mut().filter(|_| is_it)
}

fn catch_up(
    model: &mut Model,
    question: &str,
    message: UiMessage,
    last_event: Option<String>,
    now: Moment,
    out: &mut Effects,
) {
    let Some(turn) = following(model, question).filter(|turn| turn.shows_stored) else { return };
    turn.shows_stored = false;
    turn.heard_at = now;
    turn.last_event = last_event;
    let (key, asked) = (turn.reply, turn.question);
    let fresh = model.replace(key, Item::Reply(Box::new(unfinished(message, asked, now))));
    if let (Some(turn), Some(fresh)) = (model.turn.as_mut(), fresh) {
        turn.reply = fresh;
        watch(turn, now, out);
    }
    out.push(Effect::Redraw(Region::List));
}

fn heard(
    model: &mut Model,
    conversation: &ConversationId,
    question: &str,
    frames: Vec<Frame>,
    now: Moment,
    out: &mut Effects,
) {
    if model.conversation.as_ref() != Some(conversation) {
        return;
    }
    let Some(turn) = following(model, question) else {
        // A panel that was never opened has no transcript, but a badge.
        let is_end = |frame: &Frame| matches!(frame.chunk, Chunk::Finish { .. });
        if model.turn.is_none() && model.history == History::Remembered && frames.iter().any(is_end) {
            set_unread(model, model.unread.saturating_add(1), out);
        }
        return;
    };
    turn.heard_at = now;
    let id = turn.id;
    // Until the snapshot has come it is not known where these belong.
    if !turn.shows_stored {
        for Frame { id: event_id, chunk } in frames {
            part::Reply::enter(|| stream::chunk_arrived(model, id, event_id, chunk, now, out));
        }
    }
}

/// The reply waits for tools of the page. They run in the tab that follows the
/// reply, and in no other; whether this is another.
pub(super) fn waits_for_tools(model: &mut Model, now: Moment) -> bool {
    let Some(turn) = model.turn.as_mut().filter(|turn| turn.stage == Stage::Following) else { return false };
    turn.heard_at = Moment(now.0 + f64::from(TOOLS_TIMEOUT_MS));
    true
}

/// Whoever followed the reply is gone: it is followed here.
pub(super) fn take_over(model: &mut Model, id: TurnId, now: Moment, out: &mut Effects) {
    let Some(turn) = model.running(id).filter(|turn| turn.stage == Stage::Following) else { return };
    turn.stage = Stage::Resuming;
    if model.config.is_direct {
        stream::broke(model, id, out);
    } else {
        session::call(model, Call::Resume(id), now, out);
    }
}

/// Whether there has been silence for too long.
pub(super) fn listen(model: &mut Model, id: TurnId, now: Moment, out: &mut Effects) {
    let Some(turn) = model.running(id).filter(|turn| turn.stage == Stage::Following) else { return };
    if now.0 - turn.heard_at.0 >= SILENCE_MS {
        take_over(model, id, now, out);
    } else {
        watch(turn, now, out);
    }
}

fn switched(model: &mut Model, conversation: ConversationId, is_new: bool, now: Moment, out: &mut Effects) {
    if model.conversation.as_ref() == Some(&conversation) {
        return;
    }
    if let Some(turn) = model.turn.take() {
        out.push(Effect::AbortStream { turn: turn.id });
    }
    out.push(Effect::Emit(HostEvent::ConversationChange { id: conversation.as_str().to_owned() }));
    model.conversation = Some(conversation);
    model.history = if is_new { History::Untouched } else { History::Remembered };
    model.forget_items();
    out.push(Effect::Redraw(Region::List));
    out.push(Effect::Redraw(Region::Composer));
    if model.open && !is_new {
        history::load(model, now, out);
    }
}

/// Another tab was given a token: it is good here too, unless the page has said
/// who the visitor is or makes tokens of its own.
pub(super) fn granted(model: &mut Model, answer: &TokenAnswer, now: Moment, out: &mut Effects) {
    let is_shared = model.config.identity == Identity::Anonymous
        && model.config.access == Access::Exchange
        && !model.config.is_direct;
    if is_shared && model.has_consent() {
        model.has_peers = true;
        session::take(model, answer, now, out);
    }
}
