//! All messages, row by row: for exports, which hold one portion in memory
//! however many there are.

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::agent::api_site;
use super::key::Mode;
use super::listed::{self, Listed};
use super::{Store, StoreError, row};

/// Which messages are exported.
#[derive(Debug, Clone, Default)]
pub struct ExportFilter {
    /// Written at this time or later, in ms since 1970.
    pub since: Option<i64>,
    /// Written before this time, in ms since 1970.
    pub until: Option<i64>,
    /// Of this site alone.
    pub site: Option<String>,
}

/// One message with its conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportRow {
    /// The conversation.
    pub conversation: String,
    /// Its site.
    pub site: String,
    /// Its visitor; for conversations of the API the agent.
    pub visitor: String,
    /// Its title.
    pub title: String,
    /// Who answers in it.
    pub state: String,
    /// The message.
    pub message: String,
    /// `user` or `assistant`.
    pub role: String,
    /// Its text.
    pub content: String,
    /// How it ended.
    pub status: String,
    /// `positive` or `negative`.
    pub feedback: Option<String>,
    /// Why.
    pub feedback_reason: Option<String>,
    /// ISO 8601.
    pub created_at: String,
}

impl Store {
    /// A portion of the messages that a key of that mode may export, by
    /// conversation and then in the order of the transcript.
    pub async fn export(
        &self,
        mode: Mode,
        filter: &ExportFilter,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Listed<ExportRow>, StoreError> {
        let (key, ordinal) = match cursor {
            Some(cursor) => {
                let text = row::read_cursor(cursor)?;
                let (key, ordinal) = text.split_once(' ').ok_or(StoreError::Cursor)?;
                (key.to_owned(), ordinal.parse().map_err(|_| StoreError::Cursor)?)
            }
            None => (String::new(), 0_i64),
        };
        // Test data is what keys for tests made, and nothing else.
        let test = api_site(Mode::Test);
        let rows = sqlx::query(
            "SELECT m.conversation, m.ordinal, m.id, m.role, m.parts, m.status, m.usage, m.feedback,
                 m.feedback_reason, m.created_at, c.id AS c_id, c.site, c.visitor, c.title, c.state
             FROM message m CROSS JOIN conversation c ON c.key = m.conversation
             WHERE (m.conversation, m.ordinal) > (?, ?)
               AND m.created_at >= ? AND m.created_at < ?
               AND (? IS NULL OR c.site = ?) AND (c.site = ?) = ?
             ORDER BY m.conversation, m.ordinal LIMIT ?",
        )
        .bind(key)
        .bind(ordinal)
        .bind(filter.since.unwrap_or(i64::MIN))
        .bind(filter.until.unwrap_or(i64::MAX))
        .bind(&filter.site)
        .bind(&filter.site)
        .bind(test)
        .bind(mode == Mode::Test)
        .bind(listed::one_more(limit))
        .fetch_all(&self.read)
        .await?;
        Listed::of(&rows, limit, export_row, |row| {
            let (key, ordinal): (String, i64) = (row.try_get("conversation")?, row.try_get("ordinal")?);
            Ok(format!("{key} {ordinal}"))
        })
    }
}

fn export_row(found: &SqliteRow) -> Result<ExportRow, StoreError> {
    Ok(ExportRow {
        conversation: found.try_get("c_id")?,
        site: found.try_get("site")?,
        visitor: found.try_get("visitor")?,
        title: found.try_get("title")?,
        state: found.try_get("state")?,
        message: found.try_get("id")?,
        role: found.try_get("role")?,
        content: row::message(found)?.text(),
        status: found.try_get("status")?,
        feedback: found.try_get("feedback")?,
        feedback_reason: found.try_get("feedback_reason")?,
        created_at: row::iso(found.try_get("created_at")?)?,
    })
}
