//! Conversations that a server has by the API: seen by every key of one mode,
//! and by no visitor.

use chinwag_protocol::{ConversationId, SiteKey, UiMessage};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::agent::api_site;
use super::key::Mode;
use super::listed::{self, Listed};
use super::{Owner, Store, StoreError, row};

/// A conversation of the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Talk {
    /// `conv_` and characters.
    pub id: String,
    /// Who answers in it.
    pub agent_id: String,
    /// A JSON object, as the caller gave it.
    pub metadata: String,
    /// ISO 8601.
    pub created_at: String,
    /// ISO 8601.
    pub updated_at: String,
}

const COLUMNS: &str = "key, id, visitor, metadata, created_at, updated_at";

impl Store {
    /// Whose the conversations with an agent are.
    pub fn talks_of(mode: Mode, agent: &str) -> Result<Owner, StoreError> {
        let site = SiteKey::parse(api_site(mode)).map_err(|error| StoreError::Corrupt(error.to_string()))?;
        Ok(Owner { site, visitor: agent.to_owned() })
    }

    /// A page of conversations, the newest first; of one agent if it is named.
    pub async fn talks(
        &self,
        mode: Mode,
        agent: Option<&str>,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Listed<Talk>, StoreError> {
        let before = cursor.map(row::read_cursor).transpose()?;
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM conversation
             WHERE site = ? AND (? IS NULL OR visitor = ?) AND (? IS NULL OR key < ?)
             ORDER BY key DESC LIMIT ?"
        )))
        .bind(api_site(mode))
        .bind(agent)
        .bind(agent)
        .bind(&before)
        .bind(&before)
        .bind(listed::one_more(limit))
        .fetch_all(&self.read)
        .await?;
        Listed::of(&rows, limit, talk, |row| Ok(row.try_get("key")?))
    }

    /// One conversation.
    ///
    /// # Errors
    /// [`StoreError::Missing`] if no key of that mode has it.
    pub async fn talk(&self, mode: Mode, id: &str) -> Result<Talk, StoreError> {
        let found = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM conversation WHERE site = ? AND id = ?"
        )))
        .bind(api_site(mode))
        .bind(id)
        .fetch_optional(&self.read)
        .await?
        .ok_or(StoreError::Missing)?;
        talk(&found)
    }

    /// Keeps what a caller wants to find with a conversation: a JSON object.
    ///
    /// # Errors
    /// [`StoreError::Missing`] if no key of that mode has it.
    pub async fn note_talk(&self, mode: Mode, id: &str, metadata: &str) -> Result<Talk, StoreError> {
        let found = sqlx::query(sqlx::AssertSqlSafe(format!(
            "UPDATE conversation SET metadata = ?, updated_at = ? WHERE site = ? AND id = ? RETURNING {COLUMNS}"
        )))
        .bind(metadata)
        .bind(row::now())
        .bind(api_site(mode))
        .bind(id)
        .fetch_optional(&self.write)
        .await?
        .ok_or(StoreError::Missing)?;
        talk(&found)
    }

    /// The last messages of a conversation, oldest first; at most `limit`.
    pub async fn talk_messages(
        &self,
        mode: Mode,
        talk: &Talk,
        limit: usize,
    ) -> Result<Vec<UiMessage>, StoreError> {
        let owner = Self::talks_of(mode, &talk.agent_id)?;
        let id = ConversationId::parse(&talk.id).map_err(|error| StoreError::Corrupt(error.to_string()))?;
        Ok(self.messages(&owner, &id, None, limit).await?.data)
    }
}

fn talk(found: &SqliteRow) -> Result<Talk, StoreError> {
    let metadata: Option<String> = found.try_get("metadata")?;
    Ok(Talk {
        id: found.try_get("id")?,
        agent_id: found.try_get("visitor")?,
        metadata: metadata.unwrap_or_else(|| "{}".to_owned()),
        created_at: row::iso(found.try_get("created_at")?)?,
        updated_at: row::iso(found.try_get("updated_at")?)?,
    })
}
