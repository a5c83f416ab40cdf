//! The history drawer: what the visitor does in it, and what the relay says.

use chinwag_protocol::limits::MAX_TITLE_CHARS;
use chinwag_protocol::{Conversation, ConversationId, Page};

use super::{Effects, history, save, session, start_conversation, tabs, watch};
use crate::engine::drawer::{Change, Entry, Listing, Refused, Removed, SEARCH_PAUSE_MS, UNDO_MS, What};
use crate::engine::effect::{Effect, HostEvent, Region, Timer};
use crate::engine::event::{Event, Moment};
use crate::engine::failure::{Failure, TransportError};
use crate::engine::model::Model;
use crate::engine::session::{Call, RequestId};
use crate::engine::word::Word;

/// Takes in an event of the list, or of a change made in it.
pub(super) fn happened(model: &mut Model, event: Event, now: Moment, out: &mut Effects) {
    match event {
        Event::MoreConversationsAsked => more(model, now, out),
        Event::SearchChanged { text } => search(model, &text, out),
        Event::TitleChanged { id, title } => rename(model, &id, &title, now, out),
        Event::DeletePressed { id, conversation_id } => delete(model, &id, conversation_id, now, out),
        Event::DeleteUndone => undo(model, out),
        Event::ConversationsArrived { request, page } => arrived(model, request, page, out),
        Event::ConversationChanged { request } => changed(model, request, out),
        Event::ConversationNotChanged { request, error } => {
            change_failed(model, request, &error, now, out);
        }
        Event::TimerFired { timer: Timer::Search(request) } => search_now(model, request, now, out),
        Event::TimerFired { timer: Timer::Undo(request) } => undo_ended(model, request, now, out),
        _ => {}
    }
}

pub(super) fn open(model: &mut Model, now: Moment, out: &mut Effects) {
    if model.drawer.is_open || !model.has_drawer() {
        return;
    }
    model.drawer.is_open = true;
    model.drawer.query.clear();
    model.drawer.refused = None;
    list(model, None, now, out);
}

/// Puts it away. What was deleted in it can no longer be taken back.
pub(super) fn close(model: &mut Model, now: Moment, out: &mut Effects) {
    super::commit(model, now, out);
    if std::mem::take(&mut model.drawer.is_open) {
        model.drawer.listing = Listing::Idle;
        out.push(Effect::Redraw(Region::Drawer));
    }
}

/// Asks for the next page, or again for the one that failed.
fn more(model: &mut Model, now: Moment, out: &mut Effects) {
    let cursor = match &model.drawer.listing {
        Listing::Loading { .. } => return,
        Listing::Failed { cursor, .. } => cursor.clone(),
        Listing::Idle => match model.drawer.older.clone() {
            None => return,
            older => older,
        },
    };
    list(model, cursor, now, out);
}

fn list(model: &mut Model, cursor: Option<String>, now: Moment, out: &mut Effects) {
    let request = model.fresh_request();
    model.drawer.listing = Listing::Loading { request, cursor: cursor.clone(), token_replaced: false };
    out.push(Effect::Redraw(Region::Drawer));
    session::call(model, Call::Conversations { request, cursor }, now, out);
}

fn search(model: &mut Model, text: &str, out: &mut Effects) {
    let query: String = text.trim().chars().take(MAX_TITLE_CHARS).collect();
    if query == model.drawer.query || !model.drawer.is_open {
        return;
    }
    model.drawer.query = query;
    let request = model.fresh_request();
    // What is on its way answers an older question.
    model.drawer.listing = Listing::Loading { request, cursor: None, token_replaced: false };
    out.push(Effect::Redraw(Region::Drawer));
    out.push(Effect::StartTimer { timer: Timer::Search(request), after_ms: SEARCH_PAUSE_MS });
}

/// No more was typed.
fn search_now(model: &mut Model, request: RequestId, now: Moment, out: &mut Effects) {
    if awaited(model, request).is_some() {
        session::call(model, Call::Conversations { request, cursor: None }, now, out);
    }
}

fn arrived(model: &mut Model, request: RequestId, page: Page<Conversation>, out: &mut Effects) {
    let Some((cursor, _)) = awaited(model, request) else { return };
    let shown = model.conversation.clone();
    let drawer = &mut model.drawer;
    drawer.listing = Listing::Idle;
    drawer.older = page.pagination.cursor.filter(|_| page.pagination.has_more);
    if cursor.is_none() {
        drawer.entries.clear();
    }
    for conversation in page.data {
        let mut entry = Entry::from(conversation);
        // One that was written to meanwhile has moved up, and is there already.
        if drawer.hides(&entry.id) || drawer.entry_mut(&entry.id).is_some() {
            continue;
        }
        entry.is_unread &= shown.as_ref() != Some(&entry.id);
        drawer.entries.push(entry);
    }
    out.push(Effect::Redraw(Region::Drawer));
}

pub(super) fn failed(
    model: &mut Model,
    request: RequestId,
    error: TransportError,
    now: Moment,
    out: &mut Effects,
) {
    let Some((cursor, token_replaced)) = awaited(model, request) else { return };
    if error.is_unauthenticated() && !token_replaced {
        model.session.drop_token();
        model.drawer.listing = Listing::Loading { request, cursor: cursor.clone(), token_replaced: true };
        session::call(model, Call::Conversations { request, cursor }, now, out);
        return;
    }
    let failure = Failure::from_transport(error, now);
    model.drawer.listing = Listing::Failed { cursor, failure };
    out.push(Effect::Redraw(Region::Drawer));
}

/// Where the page under way begins and whether the token was replaced for it,
/// if it is this one.
fn awaited(model: &Model, request: RequestId) -> Option<(Option<String>, bool)> {
    match &model.drawer.listing {
        Listing::Loading { request: asked, cursor, token_replaced } if *asked == request => {
            Some((cursor.clone(), *token_replaced))
        }
        _ => None,
    }
}

/// Shows another conversation. A reply that runs in the one before goes on at
/// the relay, and is followed again on return.
pub(super) fn choose(model: &mut Model, id: ConversationId, now: Moment, out: &mut Effects) {
    if let Some(entry) = model.drawer.entry_mut(&id) {
        entry.is_unread = false;
    }
    close(model, now, out);
    if model.conversation.as_ref() == Some(&id) {
        return;
    }
    if let Some(turn) = model.turn.take() {
        out.push(Effect::AbortStream { turn: turn.id });
    }
    out.push(Effect::Emit(HostEvent::ConversationChange { id: id.as_str().to_owned() }));
    tabs::tell(&Word::Switched { conversation: id.clone(), is_new: false }, out);
    model.conversation = Some(id);
    watch::forget(model, out);
    model.forget_items();
    save(model, out);
    out.push(Effect::Redraw(Region::Composer));
    history::load(model, now, out);
}

fn rename(model: &mut Model, id: &ConversationId, title: &str, now: Moment, out: &mut Effects) {
    let title: String = title.trim().chars().take(MAX_TITLE_CHARS).collect();
    let request = model.fresh_request();
    let Some(entry) = model.drawer.entry_mut(id) else { return };
    if title.is_empty() || title == entry.title {
        return;
    }
    // Shown at once, and taken back should the relay not take it.
    let before = std::mem::replace(&mut entry.title, title.clone());
    model.drawer.refused = None;
    let what = What::Rename { id: id.clone(), title, before };
    change(model, Change { request, token_replaced: false, what }, now, out);
    out.push(Effect::Redraw(Region::Drawer));
}

/// Takes a conversation off the list. It is deleted when that can no longer be
/// taken back.
fn delete(model: &mut Model, id: &ConversationId, next: String, now: Moment, out: &mut Effects) {
    commit(model, now, out);
    let request = model.fresh_request();
    let Some(place) = model.drawer.entries.iter().position(|entry| entry.id == *id) else { return };
    let entry = model.drawer.entries.remove(place);
    model.drawer.removed = Some(Removed { request, entry, place, next });
    model.drawer.refused = None;
    out.push(Effect::StartTimer { timer: Timer::Undo(request), after_ms: UNDO_MS });
    out.push(Effect::Redraw(Region::Drawer));
}

fn undo(model: &mut Model, out: &mut Effects) {
    if let Some(removed) = model.drawer.removed.take() {
        model.drawer.put_back(removed);
        out.push(Effect::Redraw(Region::Drawer));
    }
}

/// A deletion can no longer be taken back, if it is this one.
fn undo_ended(model: &mut Model, request: RequestId, now: Moment, out: &mut Effects) {
    if model.drawer.removed.as_ref().is_some_and(|removed| removed.request == request) {
        commit(model, now, out);
    }
}

/// Deletes what was taken off the list.
pub(super) fn commit(model: &mut Model, now: Moment, out: &mut Effects) {
    let Some(removed) = model.drawer.removed.take() else { return };
    if model.conversation.as_ref() == Some(&removed.entry.id) {
        start_conversation(model, &removed.next, out);
    }
    let request = removed.request;
    change(model, Change { request, token_replaced: false, what: What::Delete(removed) }, now, out);
    out.push(Effect::Redraw(Region::Drawer));
}

fn change(model: &mut Model, change: Change, now: Moment, out: &mut Effects) {
    let request = change.request;
    model.drawer.changes.push(change);
    session::call(model, Call::Change(request), now, out);
}

/// The order for a change that waited for its token.
pub(super) fn order(model: &Model, request: RequestId, token: String) -> Option<Effect> {
    let change = model.drawer.changes.iter().find(|change| change.request == request)?;
    Some(match &change.what {
        What::Rename { id, title, .. } => {
            Effect::RenameConversation { request, token, conversation: id.clone(), title: title.clone() }
        }
        What::Delete(removed) => {
            Effect::DeleteConversation { request, token, conversation: removed.entry.id.clone() }
        }
    })
}

fn changed(model: &mut Model, request: RequestId, out: &mut Effects) {
    let Some(place) = model.drawer.changes.iter().position(|change| change.request == request) else {
        return;
    };
    let word = match model.drawer.changes.remove(place).what {
        What::Rename { id, title, .. } => Word::Renamed { conversation: id, title },
        What::Delete(removed) => Word::Deleted { conversation: removed.entry.id },
    };
    tabs::tell(&word, out);
}

pub(super) fn change_failed(
    model: &mut Model,
    request: RequestId,
    error: &TransportError,
    now: Moment,
    out: &mut Effects,
) {
    let Some(place) = model.drawer.changes.iter().position(|change| change.request == request) else {
        return;
    };
    let mut failed = model.drawer.changes.remove(place);
    if error.is_unauthenticated() && !failed.token_replaced {
        failed.token_replaced = true;
        model.session.drop_token();
        change(model, failed, now, out);
        return;
    }
    match failed.what {
        // Another tab was faster.
        What::Delete(_) if error.is_not_found() => return,
        What::Delete(removed) => {
            model.drawer.refused = Some(Refused::Delete);
            model.drawer.put_back(removed);
        }
        What::Rename { id, title, before } => {
            model.drawer.refused = Some(Refused::Rename);
            if let Some(entry) = model.drawer.entry_mut(&id).filter(|entry| entry.title == title) {
                entry.title = before;
            }
        }
    }
    out.push(Effect::Redraw(Region::Drawer));
}
