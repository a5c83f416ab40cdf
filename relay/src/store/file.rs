//! Files that visitors send: stored before the message that they belong to, and
//! gone with it.

use std::time::Duration;

use bytes::Bytes;
use chinwag_protocol::{ConversationId, Part, StoredFile};
use sqlx::{Row as _, Sqlite, Transaction};
use uuid::Uuid;

use super::message::ReplyKey;
use super::{Owner, Store, StoreError, row};

/// How long a file waits for the message that it is to go with.
pub const UNSENT_LIFE: Duration = Duration::from_hours(24);

/// Where files are, as the wire names them: this and the id.
const PLACE: &str = "/v1/files/";

/// A file on its way into the store.
#[derive(Debug)]
pub struct NewFile {
    /// What it is called.
    pub name: String,
    /// What it was found to be.
    pub media_type: &'static str,
    /// What is in it.
    pub body: Bytes,
}

/// A file with what is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileBody {
    /// Where it is, as the wire names it.
    pub url: String,
    /// What it is called.
    pub name: String,
    /// What it is.
    pub media_type: String,
    /// What is in it.
    pub body: Bytes,
}

/// The id of the file at an address of the wire's.
pub fn id_at(url: &str) -> Option<&str> {
    let id = url.strip_prefix(PLACE)?;
    (!id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric())).then_some(id)
}

impl Store {
    /// Keeps a file of a visitor's, unless all of theirs would be more than
    /// `most_bytes` then.
    ///
    /// # Errors
    /// [`StoreError::NoRoom`] if they would be.
    pub async fn keep_file(
        &self,
        owner: &Owner,
        file: NewFile,
        most_bytes: usize,
    ) -> Result<StoredFile, StoreError> {
        let now = row::now();
        let size = i64::try_from(file.body.len()).unwrap_or(i64::MAX);
        let mut tx = self.write.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::query(
            "INSERT INTO visitor (site, id, created_at, seen_at) VALUES (?, ?, ?, ?)
             ON CONFLICT (site, id) DO UPDATE SET seen_at = excluded.seen_at",
        )
        .bind(owner.site.as_str())
        .bind(&owner.visitor)
        .bind(now)
        .bind(now)
        .execute(&mut *tx)
        .await?;
        let kept: i64 =
            sqlx::query("SELECT COALESCE(SUM(size), 0) AS kept FROM file WHERE site = ? AND visitor = ?")
                .bind(owner.site.as_str())
                .bind(&owner.visitor)
                .fetch_one(&mut *tx)
                .await?
                .try_get("kept")?;
        if kept.saturating_add(size) > i64::try_from(most_bytes).unwrap_or(i64::MAX) {
            return Err(StoreError::NoRoom);
        }
        let id = Uuid::now_v7().simple().to_string();
        sqlx::query(
            "INSERT INTO file (id, site, visitor, name, media_type, size, created_at, body)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(&id)
        .bind(owner.site.as_str())
        .bind(&owner.visitor)
        .bind(&file.name)
        .bind(file.media_type)
        .bind(size)
        .bind(now)
        .bind(&file.body[..])
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(StoredFile {
            url: format!("{PLACE}{id}"),
            media_type: file.media_type.to_owned(),
            filename: file.name,
            size: size.unsigned_abs(),
        })
    }

    /// A file of a visitor's.
    ///
    /// # Errors
    /// [`StoreError::Missing`] if they have none of that id.
    pub async fn file(&self, owner: &Owner, id: &str) -> Result<FileBody, StoreError> {
        let found = sqlx::query(
            "SELECT id, name, media_type, body FROM file WHERE id = ? AND site = ? AND visitor = ?",
        )
        .bind(id)
        .bind(owner.site.as_str())
        .bind(&owner.visitor)
        .fetch_optional(&self.read)
        .await?
        .ok_or(StoreError::Missing)?;
        body(&found)
    }

    /// The `file` part that stands for a visitor's file in a message of theirs.
    /// A file goes with one conversation.
    ///
    /// # Errors
    /// [`StoreError::Missing`] if they have no such file, or it has been sent in
    /// another conversation.
    pub async fn file_part(
        &self,
        owner: &Owner,
        conversation: &ConversationId,
        id: &str,
    ) -> Result<Part, StoreError> {
        let found = sqlx::query(
            "SELECT f.name, f.media_type FROM file f LEFT JOIN conversation c ON c.key = f.conversation
             WHERE f.id = ? AND f.site = ? AND f.visitor = ? AND (c.id IS NULL OR c.id = ?)",
        )
        .bind(id)
        .bind(owner.site.as_str())
        .bind(&owner.visitor)
        .bind(conversation.as_str())
        .fetch_optional(&self.read)
        .await?
        .ok_or(StoreError::Missing)?;
        Ok(Part::File {
            url: format!("{PLACE}{id}"),
            media_type: found.try_get("media_type")?,
            filename: Some(found.try_get("name")?),
        })
    }

    /// Removes a file that has not been sent.
    ///
    /// # Errors
    /// [`StoreError::Missing`] if the visitor has no such file.
    pub async fn drop_file(&self, owner: &Owner, id: &str) -> Result<(), StoreError> {
        let done = sqlx::query(
            "DELETE FROM file WHERE id = ? AND site = ? AND visitor = ? AND conversation IS NULL",
        )
        .bind(id)
        .bind(owner.site.as_str())
        .bind(&owner.visitor)
        .execute(&self.write)
        .await?;
        row::met(&done)?;
        self.note_deletion();
        Ok(())
    }

    /// The files at these addresses, as far as they belong to a reply's
    /// conversation and take no more than `most_bytes` together; the first ones
    /// come first.
    pub async fn files_for(
        &self,
        reply: &ReplyKey,
        urls: &[&str],
        most_bytes: usize,
    ) -> Result<Vec<FileBody>, StoreError> {
        let (mut found, mut left) = (Vec::new(), most_bytes);
        for id in urls.iter().filter_map(|url| id_at(url)) {
            let size = sqlx::query("SELECT size FROM file WHERE id = ? AND conversation = ?")
                .bind(id)
                .bind(reply.conversation())
                .fetch_optional(&self.read)
                .await?;
            let Some(size) = size else { continue };
            let size = usize::try_from(size.try_get::<i64, _>("size")?).unwrap_or(usize::MAX);
            let Some(rest) = left.checked_sub(size) else { continue };
            left = rest;
            let row = sqlx::query("SELECT id, name, media_type, body FROM file WHERE id = ?")
                .bind(id)
                .fetch_one(&self.read)
                .await?;
            found.push(body(&row)?);
        }
        Ok(found)
    }

    /// Removes files that were never sent, and says how many.
    pub(super) async fn expire_files(&self) -> Result<u64, StoreError> {
        let before = row::now().saturating_sub(i64::try_from(UNSENT_LIFE.as_millis()).unwrap_or(i64::MAX));
        let done = sqlx::query("DELETE FROM file WHERE conversation IS NULL AND created_at < ?")
            .bind(before)
            .execute(&self.write)
            .await?;
        Ok(done.rows_affected())
    }
}

/// The files of a question belong to its conversation from now on.
pub(super) async fn link(
    tx: &mut Transaction<'_, Sqlite>,
    conversation: &str,
    parts: &[Part],
) -> Result<(), StoreError> {
    for part in parts {
        let Part::File { url, .. } = part else { continue };
        let Some(id) = id_at(url) else { continue };
        sqlx::query(
            "UPDATE file SET conversation = ? WHERE id = ? AND conversation IS NULL
             AND (site, visitor) = (SELECT site, visitor FROM conversation WHERE key = ?)",
        )
        .bind(conversation)
        .bind(id)
        .bind(conversation)
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}

pub(super) fn body(row: &sqlx::sqlite::SqliteRow) -> Result<FileBody, StoreError> {
    let id: String = row.try_get("id")?;
    Ok(FileBody {
        url: format!("{PLACE}{id}"),
        name: row.try_get("name")?,
        media_type: row.try_get("media_type")?,
        body: Bytes::from(row.try_get::<Vec<u8>, _>("body")?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_path_of_this_relay_or_none() {
        assert_eq!(id_at("/v1/files/0198c0"), Some("0198c0"));
        for bad in [
            "",
            "/v1/files/",
            "/v1/files/../token",
            "https://evil.example/v1/files/a",
            "data:image/png;base64,AA",
        ] {
            assert_eq!(id_at(bad), None, "{bad}");
        }
    }
}
