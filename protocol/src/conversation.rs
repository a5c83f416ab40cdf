//! Conversations and lists of them.

use serde::{Deserialize, Serialize};

use crate::fields::{FieldError, Fields, FromFields};
use crate::id::ConversationId;

/// One conversation of a visitor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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
    pub state: ConversationState,
    /// Replies that came since the visitor last read it.
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Page<T> {
    /// The items.
    pub data: Vec<T>,
    /// Where the next page begins.
    pub pagination: Pagination,
}

/// Where the next page of a list begins.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Pagination {
    /// Opaque; brought back as `?cursor=`. `null` on the last page.
    pub cursor: Option<String>,
    /// Whether there is a further page.
    pub has_more: bool,
}

impl ConversationState {
    /// Reads a state; one of a newer peer is `Unknown`.
    pub fn from_wire(text: &str) -> Self {
        match text {
            "ongoing" => Self::Ongoing,
            "paused" => Self::Paused,
            "taken-over" => Self::TakenOver,
            "ended" => Self::Ended,
            _ => Self::Unknown,
        }
    }
}

impl FromFields for Conversation {
    fn from_fields(fields: &Fields<'_>) -> Result<Self, FieldError> {
        let unread = fields.number("unread")?.and_then(|unread| u32::try_from(unread).ok());
        Ok(Self {
            id: ConversationId::parse(&fields.need_text("id")?).map_err(|_| FieldError::Wrong("id"))?,
            title: fields.text("title")?.unwrap_or_default(),
            created_at: fields.text("createdAt")?.unwrap_or_default(),
            updated_at: fields.text("updatedAt")?.unwrap_or_default(),
            state: fields
                .text("state")?
                .as_deref()
                .map_or_else(Default::default, ConversationState::from_wire),
            unread: unread.unwrap_or_default(),
        })
    }
}

impl<T: FromFields> FromFields for Page<T> {
    fn from_fields(fields: &Fields<'_>) -> Result<Self, FieldError> {
        Ok(Self {
            data: fields.objects("data")?,
            pagination: fields.object("pagination")?.unwrap_or_default(),
        })
    }
}

impl FromFields for Pagination {
    fn from_fields(fields: &Fields<'_>) -> Result<Self, FieldError> {
        Ok(Self { cursor: fields.text("cursor")?, has_more: fields.flag("hasMore") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_reads_what_it_writes() {
        let conversation = |id: &str, state| Conversation {
            id: ConversationId::parse(id).unwrap(),
            title: "T".into(),
            created_at: "2026-01-01T00:00:00Z".into(),
            updated_at: "2026-01-02T00:00:00Z".into(),
            state,
            unread: 2,
        };
        let page = Page {
            data: vec![
                conversation("a", ConversationState::TakenOver),
                conversation("b", ConversationState::Ended),
            ],
            pagination: Pagination { cursor: Some("c".into()), has_more: true },
        };
        let text = serde_json::to_string(&page).unwrap();
        assert_eq!(Page::from_json(&text), Ok(page));
    }
}
