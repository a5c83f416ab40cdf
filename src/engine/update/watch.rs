//! A conversation that is not in the agent's hands, or may leave them at any
//! time: who has it, and what a person writes in it. Their messages come without a question and so without a
//! stream; the newest page is asked for now and then while somebody looks.

use chinwag_protocol::{ConversationState, MessageMetadata, MessageStatus, Page, Role, UiMessage};

use super::{Effects, session};
use crate::engine::announce::Announcer;
use crate::engine::effect::{Announcement, Effect, HostEvent, Region, Timer};
use crate::engine::event::Moment;
use crate::engine::item::{self, Item, Key};
use crate::engine::model::{Model, Watch};
use crate::engine::session::{Call, RequestId};

/// The first wait, and that after news, in ms.
const FIRST_WAIT_MS: u32 = 5_000;

/// The longest wait, in ms.
const LONGEST_WAIT_MS: u32 = 30_000;

/// What a stream says of the conversation.
pub(super) fn learn(model: &mut Model, metadata: Option<&MessageMetadata>, out: &mut Effects) {
    if let Some(state) = metadata.and_then(|metadata| metadata.state) {
        stand(model, state, out);
    }
}

/// What a page of the transcript says: its newest message knows, and says
/// nothing as long as the agent answers.
pub(super) fn learn_from_page(model: &mut Model, page: &Page<UiMessage>, out: &mut Effects) {
    let newest = page.data.last().and_then(|message| message.metadata.as_ref());
    let state = newest.and_then(|metadata| metadata.state).unwrap_or_default();
    stand(model, state, out);
}

/// The conversation stands like this from now on.
pub(super) fn stand(model: &mut Model, state: ConversationState, out: &mut Effects) {
    // A state of a newer relay forbids nothing.
    let state = if state == ConversationState::Unknown { ConversationState::Ongoing } else { state };
    if std::mem::replace(&mut model.standing, state) == state {
        return;
    }
    out.push(Effect::Redraw(Region::Header));
    out.push(Effect::Redraw(Region::Composer));
    out.push(Effect::Announce(Announcement::Standing(state)));
    if model.watch == Watch::Off {
        wait(model, FIRST_WAIT_MS, out);
    }
}

/// Another conversation is shown, of which nothing is known yet.
pub(super) fn forget(model: &mut Model, out: &mut Effects) {
    model.watch = Watch::Off;
    model.standing = ConversationState::Ongoing;
    out.push(Effect::Redraw(Region::Header));
}

/// Somebody looks again, or wrote something: an answer may come soon.
pub(super) fn look(model: &mut Model, out: &mut Effects) {
    if !matches!(model.watch, Watch::Asking { .. }) {
        wait(model, FIRST_WAIT_MS, out);
    }
}

/// Whether there is anybody to write, and anybody to read it.
fn is_worth_it(model: &Model) -> bool {
    let is_watched = match model.standing {
        ConversationState::TakenOver | ConversationState::Paused => true,
        // Where a person may come unasked, there has to be something to come to.
        ConversationState::Ongoing => model.features.updates && model.conversation.is_some(),
        _ => false,
    };
    is_watched && model.open && !model.is_out_of_sight
}

fn wait(model: &mut Model, wait_ms: u32, out: &mut Effects) {
    model.watch = Watch::Off;
    if is_worth_it(model) {
        model.watch = Watch::Waiting { wait_ms };
        out.push(Effect::StartTimer { timer: Timer::Watch, after_ms: wait_ms });
    }
}

/// A wait is over.
pub(super) fn ask(model: &mut Model, now: Moment, out: &mut Effects) {
    let Watch::Waiting { wait_ms } = model.watch else { return };
    if !is_worth_it(model) {
        model.watch = Watch::Off;
    } else if model.is_replying() || !model.online {
        // A reply that runs brings all there is; without a network nothing comes.
        wait(model, wait_ms, out);
    } else {
        let request = model.fresh_request();
        model.watch = Watch::Asking { request, wait_ms };
        session::call(model, Call::Messages { request, cursor: None }, now, out);
    }
}

/// Whether this page was asked for here.
pub(super) fn awaits(model: &Model, request: RequestId) -> bool {
    matches!(model.watch, Watch::Asking { request: asked, .. } if asked == request)
}

pub(super) fn arrived(model: &mut Model, page: Page<UiMessage>, out: &mut Effects) {
    let Watch::Asking { wait_ms, .. } = model.watch else { return };
    model.watch = Watch::Off;
    learn_from_page(model, &page, out);
    // What the visitor began meanwhile comes in its own stream.
    let has_news = !model.is_replying() && take_in(model, page, out);
    wait(model, if has_news { FIRST_WAIT_MS } else { longer(wait_ms) }, out);
}

pub(super) fn failed(model: &mut Model, out: &mut Effects) {
    let Watch::Asking { wait_ms, .. } = model.watch else { return };
    wait(model, LONGEST_WAIT_MS.min(wait_ms.saturating_mul(2)), out);
}

fn longer(wait_ms: u32) -> u32 {
    LONGEST_WAIT_MS.min(wait_ms + wait_ms / 2)
}

/// Adds what is not in the transcript yet, each message behind the one that it
/// follows. Whether there was anything.
fn take_in(model: &mut Model, page: Page<UiMessage>, out: &mut Effects) -> bool {
    let mut before: Option<Key> = None;
    let mut has_news = false;
    let is_empty = model.items().is_empty();
    for message in page.data {
        if let Some(known) = find(model, &message.id) {
            before = Some(known);
            continue;
        }
        let is_streaming =
            message.metadata.as_ref().is_some_and(|known| known.status == Some(MessageStatus::Streaming));
        // Before the first known message are older ones, which are loaded when
        // they are scrolled to.
        if is_streaming || is_unsaid(&message) || (before.is_none() && !is_empty) {
            continue;
        }
        let Some(item) = item::from_stored(message) else { continue };
        if let Item::Reply(reply) = &item {
            tell(reply.id.as_deref(), &reply.text, out);
        }
        before = Some(match before {
            Some(before) => model.insert_after(before, item),
            None => model.push(item),
        });
        has_news = true;
    }
    if has_news {
        out.push(Effect::Redraw(Region::List));
    }
    has_news
}

fn tell(id: Option<&str>, text: &str, out: &mut Effects) {
    let mut announcer = Announcer::default();
    let said = [announcer.push(text), announcer.finish()];
    out.extend(said.into_iter().flatten().map(Announcement::Sentence).map(Effect::Announce));
    let received =
        HostEvent::MessageReceived { id: id.unwrap_or_default().to_owned(), text: text.to_owned() };
    out.push(Effect::Emit(received));
}

/// Whether it is a reply without a word: the agent's, which is silent while the
/// conversation is not in its hands.
pub(super) fn is_unsaid(message: &UiMessage) -> bool {
    message.role == Role::Assistant && message.parts.is_empty()
}

fn find(model: &Model, id: &str) -> Option<Key> {
    let is_known = |item: &Item| match item {
        Item::Question(question) => question.id == id,
        Item::Reply(reply) => reply.id.as_deref() == Some(id),
    };
    model.items().iter().rev().find(|(_, item)| is_known(item)).map(|(key, _)| *key)
}
