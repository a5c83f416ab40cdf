//! Lists of conversations, their titles, their end.

use chinwag_protocol::limits::MAX_TITLE_CHARS;
use chinwag_protocol::{
    Conversation, ConversationId, ConversationState, Feedback, MessageId, Page, Pagination, UiMessage,
};
use futures_util::TryStreamExt as _;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::webhook::tell_message;
use super::{Owner, Store, StoreError, row};

impl Store {
    /// A page of a visitor's conversations, the one last written to first; if a
    /// title is given, of those whose title has it in it, in letters of either
    /// case.
    pub async fn conversations(
        &self,
        owner: &Owner,
        title: Option<&str>,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<Conversation>, StoreError> {
        let (before, key) = match cursor {
            Some(cursor) => {
                let text = row::read_cursor(cursor)?;
                let (time, key) = text.split_once(' ').ok_or(StoreError::Cursor)?;
                (time.parse().map_err(|_| StoreError::Cursor)?, key.to_owned())
            }
            None => (i64::MAX, String::new()),
        };
        // SQLite knows the two cases of ASCII letters only, so titles are compared
        // here, one by one, until the page is full.
        let title = title.map(str::to_lowercase);
        let most = if title.is_some() { i64::MAX } else { i64::try_from(limit + 1).unwrap_or(i64::MAX) };
        let mut found = sqlx::query(
            "SELECT key, id, title, state, unread, created_at, updated_at FROM conversation
             WHERE site = ? AND visitor = ? AND (updated_at < ? OR (updated_at = ? AND key < ?))
             ORDER BY updated_at DESC, key DESC LIMIT ?",
        )
        .bind(owner.site.as_str())
        .bind(&owner.visitor)
        .bind(before)
        .bind(before)
        .bind(&key)
        .bind(most)
        .fetch(&self.read);
        let mut rows = Vec::new();
        while let Some(row) = found.try_next().await? {
            let is_wanted = match &title {
                Some(wanted) => row.try_get::<String, _>("title")?.to_lowercase().contains(wanted),
                None => true,
            };
            if is_wanted {
                rows.push(row);
            }
            if rows.len() > limit {
                break;
            }
        }
        let has_more = rows.len() > limit;
        let shown = rows.get(..limit).unwrap_or(&rows);
        let cursor = match shown.last() {
            Some(last) if has_more => {
                let time: i64 = last.try_get("updated_at")?;
                let key: String = last.try_get("key")?;
                Some(row::cursor(&format!("{time} {key}")))
            }
            _ => None,
        };
        let data = shown.iter().map(conversation).collect::<Result<_, _>>()?;
        Ok(Page { data, pagination: Pagination { cursor, has_more } })
    }

    /// A page of a conversation's messages: the newest page first, and within
    /// it the oldest message first. Reading the newest page marks all as read.
    /// The newest message tells who answers, unless it is the agent.
    ///
    /// # Errors
    /// [`StoreError::Missing`] if the visitor has no such conversation.
    pub async fn messages(
        &self,
        owner: &Owner,
        conversation: &ConversationId,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<UiMessage>, StoreError> {
        let found = sqlx::query(
            "SELECT key, unread, state FROM conversation WHERE site = ? AND visitor = ? AND id = ?",
        )
        .bind(owner.site.as_str())
        .bind(&owner.visitor)
        .bind(conversation.as_str())
        .fetch_optional(&self.read)
        .await?
        .ok_or(StoreError::Missing)?;
        let key: String = found.try_get("key")?;
        let state = row::state(&found.try_get::<String, _>("state")?);
        let is_newest = cursor.is_none();
        let unread: i64 = found.try_get("unread")?;
        let before = match cursor {
            Some(cursor) => row::read_cursor(cursor)?.parse().map_err(|_| StoreError::Cursor)?,
            None => i64::MAX,
        };
        let rows = sqlx::query(
            "SELECT id, role, parts, status, usage, feedback, created_at, ordinal FROM message
             WHERE conversation = ? AND ordinal < ? ORDER BY ordinal DESC LIMIT ?",
        )
        .bind(&key)
        .bind(before)
        .bind(i64::try_from(limit + 1).unwrap_or(i64::MAX))
        .fetch_all(&self.read)
        .await?;
        if cursor.is_none() && unread != 0 {
            sqlx::query("UPDATE conversation SET unread = 0 WHERE key = ?")
                .bind(&key)
                .execute(&self.write)
                .await?;
        }
        let has_more = rows.len() > limit;
        let shown = rows.get(..limit).unwrap_or(&rows);
        let cursor = match shown.last() {
            Some(last) if has_more => {
                let ordinal: i64 = last.try_get("ordinal")?;
                Some(row::cursor(&ordinal.to_string()))
            }
            _ => None,
        };
        let mut data: Vec<UiMessage> = shown.iter().rev().map(row::message).collect::<Result<_, _>>()?;
        if let Some(metadata) = data.last_mut().filter(|_| is_newest).and_then(|last| last.metadata.as_mut())
        {
            metadata.state = Some(state).filter(|state| *state != ConversationState::Ongoing);
        }
        Ok(Page { data, pagination: Pagination { cursor, has_more } })
    }

    /// Gives a conversation another title.
    ///
    /// # Errors
    /// [`StoreError::Missing`] if the visitor has no such conversation.
    pub async fn rename(
        &self,
        owner: &Owner,
        conversation: &ConversationId,
        title: &str,
    ) -> Result<Conversation, StoreError> {
        let row = sqlx::query(
            "UPDATE conversation SET title = ? WHERE site = ? AND visitor = ? AND id = ?
             RETURNING id, title, state, unread, created_at, updated_at",
        )
        .bind(title)
        .bind(owner.site.as_str())
        .bind(&owner.visitor)
        .bind(conversation.as_str())
        .fetch_optional(&self.write)
        .await?
        .ok_or(StoreError::Missing)?;
        self::conversation(&row)
    }

    /// Removes a conversation with all its messages. They are gone from the file
    /// at once, and from its log with the next [`Store::settle`].
    ///
    /// # Errors
    /// [`StoreError::Missing`] if the visitor has no such conversation.
    pub async fn delete(&self, owner: &Owner, conversation: &ConversationId) -> Result<(), StoreError> {
        let done = sqlx::query("DELETE FROM conversation WHERE site = ? AND visitor = ? AND id = ?")
            .bind(owner.site.as_str())
            .bind(&owner.visitor)
            .bind(conversation.as_str())
            .execute(&self.write)
            .await?;
        row::met(&done)?;
        self.note_deletion();
        Ok(())
    }

    /// Keeps how the visitor rated a reply; `None` takes the rating back.
    ///
    /// # Errors
    /// [`StoreError::Missing`] if the visitor has no such reply.
    pub async fn rate(
        &self,
        owner: &Owner,
        conversation: &ConversationId,
        reply: &MessageId,
        value: Option<Feedback>,
        reason: Option<&str>,
    ) -> Result<(), StoreError> {
        let mut tx = self.write.begin_with("BEGIN IMMEDIATE").await?;
        let rated = sqlx::query(
            "UPDATE message SET feedback = ?, feedback_reason = ?
             WHERE id = ? AND role = 'assistant' AND conversation =
                 (SELECT key FROM conversation WHERE site = ? AND visitor = ? AND id = ?)
             RETURNING conversation",
        )
        .bind(value.map(row::feedback_name))
        .bind(reason)
        .bind(reply.as_str())
        .bind(owner.site.as_str())
        .bind(&owner.visitor)
        .bind(conversation.as_str())
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(StoreError::Missing)?;
        let key: String = rated.try_get("conversation")?;
        tell_message(&mut tx, &key, reply.as_str(), "feedback.created").await?;
        tx.commit().await?;
        Ok(())
    }

    /// Whether the visitor has this conversation.
    pub async fn has_conversation(
        &self,
        owner: &Owner,
        conversation: &ConversationId,
    ) -> Result<bool, StoreError> {
        let found = sqlx::query("SELECT 1 FROM conversation WHERE site = ? AND visitor = ? AND id = ?")
            .bind(owner.site.as_str())
            .bind(&owner.visitor)
            .bind(conversation.as_str())
            .fetch_optional(&self.read)
            .await?;
        Ok(found.is_some())
    }
}

pub(super) fn conversation(row: &SqliteRow) -> Result<Conversation, StoreError> {
    let id: String = row.try_get("id")?;
    let unread: i64 = row.try_get("unread")?;
    Ok(Conversation {
        id: ConversationId::parse(&id)
            .map_err(|error| StoreError::Corrupt(format!("conversation id: {error}")))?,
        title: row.try_get("title")?,
        created_at: row::iso(row.try_get("created_at")?)?,
        updated_at: row::iso(row.try_get("updated_at")?)?,
        state: row::state(row.try_get("state")?),
        unread: u32::try_from(unread).unwrap_or_default(),
    })
}

/// The start of a message as a title: its first line that is not blank, cut
/// after a word where one ends in the last third.
pub(super) fn title_of(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= TITLE_CHARS {
        return line;
    }
    let cut: String = line.chars().take(TITLE_CHARS).collect();
    let kept = match cut.rfind(' ') {
        Some(space) if space * 3 > cut.len() * 2 => cut.get(..space).unwrap_or(&cut),
        _ => &cut,
    };
    format!("{}\u{2026}", kept.trim_end())
}

/// Longest title that is made from a message, in Unicode scalar values: what
/// one line of a list holds.
const TITLE_CHARS: usize = 60;

const _: () = assert!(TITLE_CHARS < MAX_TITLE_CHARS);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_the_start_of_the_text_cut_after_a_word() {
        assert_eq!(title_of("\n  How do I\tchange it? \nThanks"), "How do I change it?");
        assert_eq!(title_of(""), "");
        let long = title_of(&"abcdefghi ".repeat(20));
        assert_eq!(long, format!("{}\u{2026}", "abcdefghi ".repeat(6).trim_end()));
        let within_a_word = title_of(&"abcdefg ".repeat(20));
        assert_eq!(within_a_word, format!("{}\u{2026}", "abcdefg ".repeat(7).trim_end()));
        let soon_unbroken = title_of(&format!("ab {}", "c".repeat(100)));
        assert_eq!(soon_unbroken, format!("ab {}\u{2026}", "c".repeat(TITLE_CHARS - 3)));
        // A word that ends by then would leave less than two thirds of a line.
        for head in [30, 2 * TITLE_CHARS / 3] {
            let head = "a".repeat(head);
            let tail = "b".repeat(TITLE_CHARS - head.len() - 1);
            assert_eq!(title_of(&format!("{head} {tail}bbb")), format!("{head} {tail}\u{2026}"));
        }
        let unbroken = title_of(&"\u{fc}".repeat(200));
        assert_eq!(unbroken.chars().count(), TITLE_CHARS + 1);
    }
}
