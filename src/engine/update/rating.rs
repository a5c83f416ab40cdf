//! Good and bad: what becomes of a rating.

use chinwag_protocol::MessageId;

use super::{Effects, session, tabs};
use crate::engine::effect::{Announcement, Effect, HostEvent, Region};
use crate::engine::event::Moment;
use crate::engine::failure::TransportError;
use crate::engine::item::{Item, Key};
use crate::engine::model::Model;
use crate::engine::rating::{Opinion, RatingCall};
use crate::engine::session::{Call, RequestId};
use crate::engine::word::Word;

/// The visitor thinks something of a reply: it shows at once.
pub(super) fn rate(model: &mut Model, key: Key, opinion: Opinion, now: Moment, out: &mut Effects) {
    if !model.features.feedback {
        return;
    }
    let Some(reply) = model.reply_mut(key).filter(|reply| !reply.is_live() && reply.id.is_some()) else {
        return;
    };
    reply.rating.wanted = opinion;
    out.push(Effect::Redraw(Region::Rating(key)));
    send(model, key, now, out);
}

/// Sends what the relay does not have yet.
fn send(model: &mut Model, key: Key, now: Moment, out: &mut Effects) {
    let request = model.fresh_request();
    let Some(conversation) = model.conversation.clone() else { return };
    let Some(reply) = model.reply_mut(key) else { return };
    // An id that is none could not be named in a request.
    let Some(message) = reply.id.as_deref().and_then(|id| MessageId::parse(id).ok()) else { return };
    if let Some(opinion) = reply.rating.send(request) {
        let call = RatingCall { request, conversation, message, opinion };
        session::call(model, Call::Rate(Box::new(call)), now, out);
    }
}

pub(super) fn stored(model: &mut Model, request: RequestId, now: Moment, out: &mut Effects) {
    let Some(key) = awaiting(model, request) else { return };
    let Some(reply) = model.reply_mut(key) else { return };
    let opinion = reply.rating.arrived();
    let id = reply.id.clone().unwrap_or_default();
    if let Some(conversation) = model.conversation.clone() {
        tabs::tell(&Word::Rated { conversation, message: id.clone(), value: opinion.value }, out);
    }
    out.push(Effect::Announce(Announcement::Rated(opinion.clone())));
    out.push(Effect::Emit(HostEvent::Feedback { id, opinion }));
    // Another choice may have been made meanwhile.
    send(model, key, now, out);
}

pub(super) fn failed(
    model: &mut Model,
    request: RequestId,
    error: &TransportError,
    now: Moment,
    out: &mut Effects,
) {
    let Some(key) = awaiting(model, request) else { return };
    let conversation = model.conversation.clone();
    let Some(reply) = model.reply_mut(key) else { return };
    let message = reply.id.as_deref().and_then(|id| MessageId::parse(id).ok());
    if let (true, Some(conversation), Some(message)) = (error.is_unauthenticated(), conversation, message)
        && let Some(opinion) = reply.rating.replace_token()
    {
        model.session.drop_token();
        let call = RatingCall { request, conversation, message, opinion };
        session::call(model, Call::Rate(Box::new(call)), now, out);
        return;
    }
    reply.rating.failed();
    out.push(Effect::Redraw(Region::Rating(key)));
    out.push(Effect::Announce(Announcement::NotRated));
}

fn awaiting(model: &Model, request: RequestId) -> Option<Key> {
    let is_awaited = |(key, item): &(Key, Item)| match item {
        Item::Reply(reply) if reply.rating.awaits(request) => Some(*key),
        _ => None,
    };
    model.items().iter().rev().find_map(is_awaited)
}
