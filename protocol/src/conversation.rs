//! Conversations and lists of them.

use serde::{Deserialize, Serialize};

use crate::id::ConversationId;

/// One conversation of a visitor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Conversation {
    /// Its id, chosen by the client.
    pub id: ConversationId,
    /// The start of its first message, or what the visitor renamed it to.
    pub title: String,
    /// ISO 8601, UTC.
    pub created_at: String,
    /// ISO 8601, UTC.
    pub updated_at: String,
    /// Who answers in it, if anyone.
    #[serde(default)]
    pub state: ConversationState,
    /// Replies that came since the visitor last read it.
    #[serde(default)]
    pub unread: u32,
}

/// Who answers in a conversation, if anyone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConversationState {
    /// The agent answers.
    #[default]
    Ongoing,
    /// Nobody answers for now.
    Paused,
    /// A person answers.
    TakenOver,
    /// Closed; a new one can be begun.
    Ended,
    /// A state of a newer peer; treated as `Ongoing`.
    #[serde(other)]
    Unknown,
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The items.
    pub data: Vec<T>,
    /// Where the next page begins.
    pub pagination: Pagination,
}

/// Where the next page of a list begins.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pagination {
    /// Opaque; brought back as `?cursor=`. `null` on the last page.
    pub cursor: Option<String>,
    /// Whether there is a further page.
    pub has_more: bool,
}
