//! Talking to an endpoint without a relay: it has no memory, so it is sent what
//! was said before, and what was said is kept here.

use chinwag_protocol::{Part, Role, UiMessage};

use super::Effects;
use crate::engine::effect::{Effect, Region};
use crate::engine::event::Moment;
use crate::engine::failure::{Failure, Reason};
use crate::engine::item::{Delivery, Item, Key};
use crate::engine::model::Model;
use crate::engine::stored;

/// Most that is sent of what was said before, in bytes of text.
const MAX_BEFORE_BYTES: usize = 400 * 1024;

/// Longest title, in characters: the start of the first question.
const TITLE_CHARS: usize = 80;

/// What was said before a question, oldest first.
pub(super) fn before(model: &Model, question: Key) -> Vec<UiMessage> {
    let mut room = MAX_BEFORE_BYTES;
    let mut messages = Vec::new();
    let earlier = model.items().iter().rev().skip_while(|(key, _)| *key != question).skip(1);
    for (key, item) in earlier {
        let (id, role, text) = match item {
            Item::Question(asked) if asked.delivery == Delivery::Sent => {
                (asked.id.clone(), Role::User, &asked.text)
            }
            Item::Reply(reply) if !reply.text.is_empty() => {
                let unnamed = || key.0.to_string();
                (reply.id.clone().unwrap_or_else(unnamed), Role::Assistant, &reply.text)
            }
            _ => continue,
        };
        let Some(left) = room.checked_sub(text.len()) else { break };
        room = left;
        messages.push(UiMessage { id, role, parts: vec![Part::Text { text: text.clone() }], metadata: None });
    }
    messages.reverse();
    messages
}

/// The question itself.
pub(super) fn asked(model: &Model, question: Key) -> Option<UiMessage> {
    let Some(Item::Question(asked)) = model.item(question) else { return None };
    let parts = vec![Part::Text { text: asked.text.clone() }];
    Some(UiMessage { id: asked.id.clone(), role: Role::User, parts, metadata: None })
}

/// Keeps the conversation as it stands.
pub(super) fn archive(model: &Model, now: Moment, out: &mut Effects) {
    let Some(conversation) = model.conversation.clone().filter(|_| model.config.is_direct) else { return };
    let first = model.items().iter().find_map(|(_, item)| match item {
        Item::Question(asked) => Some(&asked.text),
        Item::Reply(_) => None,
    });
    let Some(first) = first.filter(|_| model.has_consent()) else { return };
    // What waits is kept elsewhere, until it is sent.
    let is_said =
        |item: &&Item| !matches!(item, Item::Question(asked) if asked.delivery == Delivery::Waiting);
    let messages = model.items().iter().map(|(_, item)| item).filter(is_said).filter_map(stored::message);
    out.push(Effect::Archive {
        conversation,
        title: first.chars().take(TITLE_CHARS).collect(),
        at: stored::write_time(now),
        messages: messages.collect(),
    });
}

/// A question was left without a reply when the page was: nobody has it.
pub(super) fn give_up(model: &mut Model, out: &mut Effects) {
    let last = model.items().last().map(|(key, _)| *key);
    if let Some(asked) = last.and_then(|key| model.question_mut(key)) {
        asked.delivery = Delivery::Failed(Failure::retryable(Reason::Interrupted));
    }
    out.extend(last.map(|key| Effect::Redraw(Region::Item(key))));
}
