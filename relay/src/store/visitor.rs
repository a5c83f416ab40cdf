//! A visitor as a whole: their name, what they are taken over from, all that is
//! kept of them, and their end.

use aws_lc_rs::{digest, rand};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chinwag_protocol::{Conversation, SiteKey, UiMessage};
use serde::Serialize;
use sqlx::Row as _;

use super::{Owner, Store, StoreError, conversation, family, file, revocation, row};
use crate::hex;
use crate::token::{NamingKey, Profile};

/// All that is kept of a visitor.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VisitorExport {
    /// The site.
    pub site: SiteKey,
    /// The visitor, as the relay names them.
    pub visitor: String,
    /// When their first message came, as ISO 8601.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<String>,
    /// When they were last here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seen_at: Option<String>,
    /// What the site's own server said of them.
    #[serde(skip_serializing_if = "Profile::is_empty")]
    pub profile: Profile,
    /// The oldest first.
    pub conversations: Vec<ConversationExport>,
    /// What they sent along, the oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileExport>,
}

/// A file, whole.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FileExport {
    /// Where messages say that it is.
    pub url: String,
    /// What it is called.
    pub filename: String,
    /// What it is.
    pub media_type: String,
    /// What is in it, in base64.
    pub data: String,
}

/// A conversation, whole.
#[derive(Debug, Clone, Serialize)]
pub struct ConversationExport {
    /// The conversation.
    #[serde(flatten)]
    pub conversation: Conversation,
    /// The oldest first.
    pub messages: Vec<MessageExport>,
}

/// A message with what is kept beside it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MessageExport {
    /// The message.
    #[serde(flatten)]
    pub message: UiMessage,
    /// Why the visitor rated it as they did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feedback_reason: Option<String>,
}

impl Store {
    /// Keeps what a site's own server said of a visitor.
    pub async fn keep_profile(&self, owner: &Owner, profile: &Profile) -> Result<(), StoreError> {
        let text = serde_json::to_string(profile).map_err(|error| StoreError::Corrupt(error.to_string()))?;
        let now = row::now();
        sqlx::query(
            "INSERT INTO visitor (site, id, created_at, seen_at, profile) VALUES (?, ?, ?, ?, ?)
             ON CONFLICT (site, id) DO UPDATE SET profile = excluded.profile, seen_at = excluded.seen_at",
        )
        .bind(owner.site.as_str())
        .bind(&owner.visitor)
        .bind(now)
        .bind(now)
        .bind(text)
        .execute(&self.write)
        .await?;
        Ok(())
    }

    /// Gives the conversations of one visitor of a site to another, and ends
    /// the first: their tokens are worthless from now on, so this happens once.
    pub async fn adopt(&self, from: &Owner, to: &Owner) -> Result<(), StoreError> {
        let now = row::now();
        let mut tx = self.write.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::query(
            "INSERT INTO visitor (site, id, created_at, seen_at) VALUES (?, ?, ?, ?)
             ON CONFLICT (site, id) DO UPDATE SET seen_at = excluded.seen_at",
        )
        .bind(to.site.as_str())
        .bind(&to.visitor)
        .bind(now)
        .bind(now)
        .execute(&mut *tx)
        .await?;
        // Ids are the clients', so both may have used one: then the one that
        // comes in gets another.
        sqlx::query(
            "UPDATE conversation SET id = key WHERE site = ? AND visitor = ?
             AND id IN (SELECT id FROM conversation WHERE site = ? AND visitor = ?)",
        )
        .bind(from.site.as_str())
        .bind(&from.visitor)
        .bind(to.site.as_str())
        .bind(&to.visitor)
        .execute(&mut *tx)
        .await?;
        sqlx::query("UPDATE conversation SET visitor = ? WHERE site = ? AND visitor = ?")
            .bind(&to.visitor)
            .bind(from.site.as_str())
            .bind(&from.visitor)
            .execute(&mut *tx)
            .await?;
        sqlx::query("UPDATE file SET visitor = ? WHERE site = ? AND visitor = ?")
            .bind(&to.visitor)
            .bind(from.site.as_str())
            .bind(&from.visitor)
            .execute(&mut *tx)
            .await?;
        sqlx::query("DELETE FROM visitor WHERE site = ? AND id = ?")
            .bind(from.site.as_str())
            .bind(&from.visitor)
            .execute(&mut *tx)
            .await?;
        family::end_all(&mut tx, from, now).await?;
        revocation::record(&mut tx, "visitor", from.site.as_str(), &from.visitor, now).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Removes all that is kept of a visitor, and makes their tokens worthless.
    /// When this returns, what they wrote is in no file of the database.
    ///
    /// Says whether there was anything.
    pub async fn erase_visitor(&self, owner: &Owner) -> Result<bool, StoreError> {
        let now = row::now();
        let mut tx = self.write.begin_with("BEGIN IMMEDIATE").await?;
        let done = sqlx::query("DELETE FROM visitor WHERE site = ? AND id = ?")
            .bind(owner.site.as_str())
            .bind(&owner.visitor)
            .execute(&mut *tx)
            .await?;
        family::end_all(&mut tx, owner, now).await?;
        revocation::record(&mut tx, "visitor", owner.site.as_str(), &owner.visitor, now).await?;
        tx.commit().await?;
        self.note_deletion();
        self.empty_log().await?;
        Ok(done.rows_affected() > 0)
    }

    /// All that is kept of a visitor; without conversations if they wrote none.
    pub async fn export_visitor(&self, owner: &Owner) -> Result<VisitorExport, StoreError> {
        // One snapshot: a message that comes meanwhile is in it whole or not.
        let mut tx = self.read.begin().await?;
        let found = sqlx::query("SELECT created_at, seen_at, profile FROM visitor WHERE site = ? AND id = ?")
            .bind(owner.site.as_str())
            .bind(&owner.visitor)
            .fetch_optional(&mut *tx)
            .await?;
        let mut export = VisitorExport {
            site: owner.site.clone(),
            visitor: owner.visitor.clone(),
            created_at: None,
            seen_at: None,
            profile: Profile::default(),
            conversations: Vec::new(),
            files: Vec::new(),
        };
        let Some(found) = found else { return Ok(export) };
        export.created_at = Some(row::iso(found.try_get("created_at")?)?);
        export.seen_at = Some(row::iso(found.try_get("seen_at")?)?);
        if let Some(profile) = found.try_get::<Option<String>, _>("profile")? {
            export.profile = serde_json::from_str(&profile)
                .map_err(|error| StoreError::Corrupt(format!("profile: {error}")))?;
        }
        let rows = sqlx::query(
            "SELECT key, id, title, state, unread, created_at, updated_at FROM conversation
             WHERE site = ? AND visitor = ? ORDER BY created_at, key",
        )
        .bind(owner.site.as_str())
        .bind(&owner.visitor)
        .fetch_all(&mut *tx)
        .await?;
        for found in rows {
            let key: String = found.try_get("key")?;
            let messages = sqlx::query(
                "SELECT id, role, parts, status, usage, feedback, feedback_reason, created_at FROM message
                 WHERE conversation = ? ORDER BY ordinal",
            )
            .bind(key)
            .fetch_all(&mut *tx)
            .await?;
            let messages = messages
                .iter()
                .map(|found| {
                    Ok(MessageExport {
                        message: row::message(found)?,
                        feedback_reason: found.try_get("feedback_reason")?,
                    })
                })
                .collect::<Result<_, StoreError>>()?;
            let conversation = conversation::conversation(&found)?;
            export.conversations.push(ConversationExport { conversation, messages });
        }
        let files = sqlx::query(
            "SELECT id, name, media_type, body FROM file WHERE site = ? AND visitor = ? ORDER BY created_at, id",
        )
        .bind(owner.site.as_str())
        .bind(&owner.visitor)
        .fetch_all(&mut *tx)
        .await?;
        for found in files {
            let file = file::body(&found)?;
            export.files.push(FileExport {
                url: file.url,
                filename: file.name,
                media_type: file.media_type,
                data: STANDARD.encode(&file.body),
            });
        }
        Ok(export)
    }

    /// Notes that an identity is used; false if it was before.
    pub async fn use_identity(&self, site: &SiteKey, jti: &str, expires_at: u64) -> Result<bool, StoreError> {
        let hash = hex::encode(digest::digest(&digest::SHA256, jti.as_bytes()).as_ref());
        let done = sqlx::query(
            "INSERT INTO used_identity (site, jti, expires_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        )
        .bind(site.as_str())
        .bind(hash)
        .bind(i64::try_from(expires_at).unwrap_or(i64::MAX))
        .execute(&self.write)
        .await?;
        Ok(done.rows_affected() > 0)
    }

    /// The key by which users of a site become visitors: made once, and kept as
    /// long as the conversations.
    pub async fn naming_key(&self) -> Result<NamingKey, StoreError> {
        let mut fresh = [0_u8; 32];
        rand::fill(&mut fresh).map_err(|_| StoreError::Random)?;
        sqlx::query(
            "INSERT INTO relay_secret (name, value) VALUES ('visitor-names', ?) ON CONFLICT DO NOTHING",
        )
        .bind(&fresh[..])
        .execute(&self.write)
        .await?;
        let found = sqlx::query("SELECT value FROM relay_secret WHERE name = 'visitor-names'")
            .fetch_one(&self.write)
            .await?;
        let value: Vec<u8> = found.try_get("value")?;
        Ok(NamingKey::new(&value))
    }
}
