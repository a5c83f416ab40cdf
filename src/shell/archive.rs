//! Conversations that no relay keeps, in the browser's storage. It answers the
//! same orders as the relay, by the same events.

use chinwag_protocol::{
    Conversation, ConversationId, ErrorCode, FromFields as _, Page, Pagination, UiMessage,
};

use super::storage::Shelf;
use crate::engine::archive::{Index, Kept, kept};
use crate::engine::{Effect, Event, TransportError};

/// The conversations of one widget.
#[derive(Debug)]
pub struct Archive {
    shelf: Shelf,
    key: String,
}

impl Archive {
    /// The archive on a shelf, under a name.
    pub fn new(shelf: Shelf, key: &str) -> Self {
        Self { shelf, key: key.to_owned() }
    }

    /// Carries out an order that a relay would: with what came of it, if
    /// anything does. Gives back what is none of its business.
    pub fn serve(&self, effect: Effect) -> Result<Option<Event>, Effect> {
        Ok(Some(match effect {
            Effect::LoadMessages { request, conversation, .. } => match self.messages(&conversation) {
                Some(data) => Event::MessagesArrived { request, page: page(data) },
                None => Event::MessagesFailed { request, error: missing() },
            },
            Effect::LoadConversations { request, query, .. } => {
                let page: Page<Conversation> = page(self.index().matching(&query));
                Event::ConversationsArrived { request, page }
            }
            Effect::RenameConversation { request, conversation, title, .. } => {
                let mut index = self.index();
                if index.rename(&conversation, &title) {
                    self.keep_index(&index);
                    Event::ConversationChanged { request }
                } else {
                    Event::ConversationNotChanged { request, error: missing() }
                }
            }
            Effect::DeleteConversation { request, conversation, .. } => {
                let mut index = self.index();
                index.remove(&conversation);
                self.keep_index(&index);
                self.shelf.remove(&self.place(&conversation));
                Event::ConversationChanged { request }
            }
            Effect::Archive { conversation, title, at, messages } => {
                self.keep(&conversation, &title, &at, &messages);
                return Ok(None);
            }
            other => return Err(other),
        }))
    }

    /// Drops all of it.
    pub fn forget(&self) {
        for conversation in self.index().matching("") {
            self.shelf.remove(&self.place(&conversation.id));
        }
        self.shelf.remove(&self.list_place());
    }

    fn messages(&self, conversation: &ConversationId) -> Option<Vec<UiMessage>> {
        let text = self.shelf.get(&self.place(conversation))?;
        Kept::from_json(&text).ok().map(|kept| kept.0)
    }

    fn keep(&self, conversation: &ConversationId, title: &str, at: &str, messages: &[String]) {
        let mut index = self.index();
        for dropped in index.touch(conversation, title, at) {
            self.shelf.remove(&self.place(&dropped));
        }
        let (place, text) = (self.place(conversation), kept(messages));
        // A full storage makes room of its own.
        while !self.shelf.set(&place, &text) && !index.is_short() {
            if let Some(dropped) = index.drop_oldest() {
                self.shelf.remove(&self.place(&dropped));
            }
        }
        self.keep_index(&index);
    }

    fn index(&self) -> Index {
        self.shelf.get(&self.list_place()).map(|text| Index::parse(&text)).unwrap_or_default()
    }

    fn keep_index(&self, index: &Index) {
        self.shelf.set(&self.list_place(), &index.to_json());
    }

    fn list_place(&self) -> String {
        let mut place = self.key.clone();
        place.push_str(":list");
        place
    }

    fn place(&self, conversation: &ConversationId) -> String {
        let mut place = self.key.clone();
        place.push_str(":c:");
        place.push_str(conversation.as_str());
        place
    }
}

fn page<T>(data: Vec<T>) -> Page<T> {
    Page { data, pagination: Pagination::default() }
}

fn missing() -> TransportError {
    TransportError::Http { status: 404, code: ErrorCode::NotFound, retry_after_ms: None, request_id: None }
}
