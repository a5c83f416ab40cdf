//! The history drawer: the visitor's conversations as a list that is opened,
//! searched, renamed in and deleted from.

use chinwag_protocol::{Conversation, ConversationId};

use super::event::Moment;
use super::failure::Failure;
use super::item;
use super::session::RequestId;

/// How long a deletion can be taken back, in ms. Until then nothing is deleted
/// at the relay.
pub const UNDO_MS: u32 = 6_000;

/// How long a search waits for more typing, in ms.
pub const SEARCH_PAUSE_MS: u32 = 200;

/// The drawer and what it lists.
#[derive(Debug, Clone, Default)]
pub struct Drawer {
    /// Whether it is open.
    pub is_open: bool,
    /// The conversations, the one last written to first.
    pub entries: Vec<Entry>,
    /// Where the list goes on, if it does.
    pub older: Option<String>,
    /// What is on its way to the list.
    pub listing: Listing,
    /// What is searched for in titles; empty for all.
    pub query: String,
    /// The deletion that can still be taken back.
    pub removed: Option<Removed>,
    /// What the relay did not do, until the drawer is used again.
    pub refused: Option<Refused>,
    /// What the relay was asked to do and has not answered.
    pub(super) changes: Vec<Change>,
}

/// One conversation of the list.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its id.
    pub id: ConversationId,
    /// Its title; may be empty.
    pub title: String,
    /// When it was last written to, if known.
    pub at: Option<Moment>,
    /// Whether a reply came that nobody saw.
    pub is_unread: bool,
}

/// What is on its way to the list.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Listing {
    /// Nothing.
    #[default]
    Idle,
    /// A page.
    Loading {
        /// Which request brings it.
        request: RequestId,
        /// Where it begins; `None` for a new list.
        cursor: Option<String>,
        /// Whether the token was replaced once because of it.
        token_replaced: bool,
    },
    /// A page could not be had.
    Failed {
        /// Where it begins; `None` for a new list.
        cursor: Option<String>,
        /// Why.
        failure: Failure,
    },
}

/// A conversation that is taken off the list, and not yet deleted.
#[derive(Debug, Clone, PartialEq)]
pub struct Removed {
    /// Names the deletion.
    pub request: RequestId,
    /// What was taken off.
    pub entry: Entry,
    /// Where it stood.
    pub(super) place: usize,
    /// A fresh id for the conversation that follows, should this be the one
    /// that is shown.
    pub(super) next: String,
}

/// What the relay did not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// Change a title.
    Rename,
    /// Delete a conversation.
    Delete,
}

/// Something that the relay was asked to do.
#[derive(Debug, Clone)]
pub(super) struct Change {
    pub(super) request: RequestId,
    pub(super) token_replaced: bool,
    pub(super) what: What,
}

#[derive(Debug, Clone)]
pub(super) enum What {
    Rename { id: ConversationId, title: String, before: String },
    Delete(Removed),
}

impl Drawer {
    /// Whether a page of the list is on its way.
    pub fn is_loading(&self) -> bool {
        matches!(self.listing, Listing::Loading { .. })
    }

    pub(super) fn entry_mut(&mut self, id: &ConversationId) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|entry| entry.id == *id)
    }

    /// Whether a conversation is not to be listed though the relay has it yet.
    pub(super) fn hides(&self, id: &ConversationId) -> bool {
        let leaving = self.changes.iter().filter_map(|change| match &change.what {
            What::Delete(removed) => Some(removed),
            What::Rename { .. } => None,
        });
        leaving.chain(&self.removed).any(|removed| removed.entry.id == *id)
    }

    /// Puts an entry back to where it stood.
    pub(super) fn put_back(&mut self, removed: Removed) {
        let place = removed.place.min(self.entries.len());
        self.entries.insert(place, removed.entry);
    }
}

impl From<Conversation> for Entry {
    fn from(conversation: Conversation) -> Self {
        Self {
            id: conversation.id,
            title: conversation.title,
            at: item::parse_time(&conversation.updated_at),
            is_unread: conversation.unread > 0,
        }
    }
}
