//! Sources of agents: what was given, how far it is read, and what it was read
//! to. The table is also the queue: what is `queued` is trained in order.

use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, Sqlite, Transaction};

use super::listed::{self, Listed};
use super::webhook::tell_source;
use super::{Store, StoreError, row};

/// Most sources of one agent.
pub const MAX_SOURCES: i64 = 1_000;

/// What a source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceKind {
    /// A text that was sent.
    Text,
    /// A file that was sent.
    File,
    /// A web site that the relay reads.
    Website,
    /// Pages that somebody else has read.
    Pages,
}

impl SourceKind {
    /// The word in the API and in columns.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::File => "file",
            Self::Website => "website",
            Self::Pages => "pages",
        }
    }

    fn of(word: &str) -> Result<Self, StoreError> {
        Ok(match word {
            "text" => Self::Text,
            "file" => Self::File,
            "website" => Self::Website,
            "pages" => Self::Pages,
            _ => return Err(StoreError::Corrupt(format!("source kind {word}"))),
        })
    }
}

/// How far a source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceStatus {
    /// It waits.
    Queued,
    /// It is being read and indexed.
    Training,
    /// It is answered from.
    Trained,
    /// It cannot be used; the reason says why.
    Failed,
}

impl SourceStatus {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Queued, Self::Training, Self::Trained, Self::Failed];

    /// The word in the API and in columns.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Training => "training",
            Self::Trained => "trained",
            Self::Failed => "failed",
        }
    }

    /// The status of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.word() == word)
    }
}

/// A source that is to be kept.
#[derive(Debug, Clone)]
pub struct NewSource {
    /// `src_` and ten characters.
    pub id: String,
    /// What it is.
    pub kind: SourceKind,
    /// What it is called.
    pub title: String,
    /// The address of a website, the name of a file.
    pub origin: Option<String>,
    /// Of a file.
    pub media_type: Option<String>,
    /// JSON: how a website is walked.
    pub options: String,
    /// What was sent.
    pub content: Option<Vec<u8>>,
}

/// A source as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceRecord {
    /// `src_` and ten characters.
    pub id: String,
    /// Whose it is.
    pub agent: String,
    /// What it is.
    pub kind: SourceKind,
    /// What it is called.
    pub title: String,
    /// The address of a website, the name of a file.
    pub origin: Option<String>,
    /// Of a file.
    pub media_type: Option<String>,
    /// JSON: how a website is walked.
    pub options: String,
    /// How far it is.
    pub status: SourceStatus,
    /// Why it failed, or what was left out.
    pub reason: Option<String>,
    /// Pages that are done.
    pub done: i64,
    /// Pages that are known of.
    pub total: i64,
    /// Rises with each change.
    pub version: i64,
    /// ISO 8601.
    pub created_at: String,
    /// ISO 8601.
    pub updated_at: String,
    /// ISO 8601.
    pub trained_at: Option<String>,
}

/// How training ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trained {
    /// It is answered from; what was left out, if anything.
    Whole(Option<String>),
    /// It cannot be used.
    Failed(String),
}

impl Store {
    /// Keeps a new source, queued.
    ///
    /// # Errors
    /// [`StoreError::Full`] if the agent has [`MAX_SOURCES`].
    pub async fn add_source(&self, agent: &str, new: &NewSource) -> Result<SourceRecord, StoreError> {
        let now = row::now();
        let mut tx = self.write.begin_with("BEGIN IMMEDIATE").await?;
        let count: i64 = sqlx::query("SELECT COUNT(*) AS count FROM source WHERE agent = ?")
            .bind(agent)
            .fetch_one(&mut *tx)
            .await?
            .try_get("count")?;
        if count >= MAX_SOURCES {
            return Err(StoreError::Full(MAX_SOURCES));
        }
        let found = sqlx::query(
            "INSERT INTO source (id, agent, kind, title, origin, media_type, options, status, created_at, updated_at)
             VALUES (?, ?, ?, ?, ?, ?, ?, 'queued', ?, ?) RETURNING *",
        )
        .bind(&new.id)
        .bind(agent)
        .bind(new.kind.word())
        .bind(&new.title)
        .bind(&new.origin)
        .bind(&new.media_type)
        .bind(&new.options)
        .bind(now)
        .bind(now)
        .fetch_one(&mut *tx)
        .await?;
        if let Some(content) = &new.content {
            sqlx::query("INSERT INTO source_content (source, bytes) VALUES (?, ?)")
                .bind(&new.id)
                .bind(content)
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        record(&found)
    }

    /// A page of an agent's sources, the newest first.
    pub async fn sources(
        &self,
        agent: &str,
        status: Option<SourceStatus>,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Listed<SourceRecord>, StoreError> {
        let before = listed::before(cursor)?;
        let status = status.map(SourceStatus::word);
        let rows = sqlx::query(
            "SELECT * FROM source WHERE agent = ? AND seq < ? AND (? IS NULL OR status = ?)
             ORDER BY seq DESC LIMIT ?",
        )
        .bind(agent)
        .bind(before)
        .bind(status)
        .bind(status)
        .bind(listed::one_more(limit))
        .fetch_all(&self.read)
        .await?;
        Listed::of(&rows, limit, record, listed::number)
    }

    /// One source of an agent.
    ///
    /// # Errors
    /// [`StoreError::Missing`] if the agent has none of that id.
    pub async fn source(&self, agent: &str, id: &str) -> Result<SourceRecord, StoreError> {
        let found = sqlx::query("SELECT * FROM source WHERE agent = ? AND id = ?")
            .bind(agent)
            .bind(id)
            .fetch_optional(&self.read)
            .await?
            .ok_or(StoreError::Missing)?;
        record(&found)
    }

    /// Which of these sources are still there.
    pub async fn living_sources(&self, agent: &str, ids: &[&str]) -> Result<Vec<String>, StoreError> {
        let ids = serde_json::to_string(ids).map_err(|error| StoreError::Corrupt(error.to_string()))?;
        let rows =
            sqlx::query("SELECT id FROM source WHERE agent = ? AND id IN (SELECT value FROM json_each(?))")
                .bind(agent)
                .bind(ids)
                .fetch_all(&self.read)
                .await?;
        rows.iter().map(|row| row.try_get("id").map_err(StoreError::from)).collect()
    }

    /// Removes a source with its pages.
    ///
    /// # Errors
    /// [`StoreError::Missing`] if the agent has none of that id.
    pub async fn delete_source(&self, agent: &str, id: &str) -> Result<(), StoreError> {
        let mut tx = self.write.begin_with("BEGIN IMMEDIATE").await?;
        let done = sqlx::query("DELETE FROM source WHERE agent = ? AND id = ?")
            .bind(agent)
            .bind(id)
            .execute(&mut *tx)
            .await?;
        row::met(&done)?;
        mark_gone(&mut tx, agent, id).await?;
        tx.commit().await?;
        self.note_deletion();
        Ok(())
    }

    /// Puts a source into the queue again.
    ///
    /// # Errors
    /// [`StoreError::Missing`] if the agent has none of that id.
    pub async fn queue_source(&self, agent: &str, id: &str) -> Result<SourceRecord, StoreError> {
        let found = sqlx::query(
            "UPDATE source SET status = 'queued', reason = NULL, done = 0, version = version + 1, updated_at = ?
             WHERE agent = ? AND id = ? RETURNING *",
        )
        .bind(row::now())
        .bind(agent)
        .bind(id)
        .fetch_optional(&self.write)
        .await?
        .ok_or(StoreError::Missing)?;
        record(&found)
    }

    /// Takes the source that has waited longest out of the queue.
    pub async fn next_source(&self) -> Result<Option<SourceRecord>, StoreError> {
        let found = sqlx::query(
            "UPDATE source SET status = 'training', reason = NULL, done = 0, updated_at = ?
             WHERE seq = (SELECT MIN(seq) FROM source WHERE status = 'queued') RETURNING *",
        )
        .bind(row::now())
        .fetch_optional(&self.write)
        .await?;
        found.as_ref().map(record).transpose()
    }

    /// Queues again what another process was training when it ended, and every
    /// source of an agent whose index is lost.
    pub async fn queue_again(&self, lost: Option<&str>) -> Result<u64, StoreError> {
        let done = sqlx::query(
            "UPDATE source SET status = 'queued'
             WHERE status = 'training' OR (agent = ? AND status = 'trained')",
        )
        .bind(lost)
        .execute(&self.write)
        .await?;
        Ok(done.rows_affected())
    }

    /// Agents that have sources which are answered from.
    pub async fn trained_agents(&self) -> Result<Vec<String>, StoreError> {
        let rows = sqlx::query("SELECT DISTINCT agent FROM source WHERE status = 'trained'")
            .fetch_all(&self.read)
            .await?;
        rows.iter().map(|row| row.try_get("agent").map_err(StoreError::from)).collect()
    }

    /// What was sent for a source.
    pub async fn source_content(&self, id: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let found = sqlx::query("SELECT bytes FROM source_content WHERE source = ?")
            .bind(id)
            .fetch_optional(&self.read)
            .await?;
        found.map(|found| found.try_get("bytes").map_err(StoreError::from)).transpose()
    }

    /// Says how far a source is; false if it was changed or removed meanwhile.
    pub async fn note_progress(
        &self,
        source: &SourceRecord,
        done: usize,
        total: usize,
    ) -> Result<bool, StoreError> {
        let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let told = sqlx::query(
            "UPDATE source SET done = ?, total = ? WHERE id = ? AND version = ? AND status = 'training'",
        )
        .bind(count(done))
        .bind(count(total))
        .bind(&source.id)
        .bind(source.version)
        .execute(&self.write)
        .await?;
        Ok(told.rows_affected() > 0)
    }

    /// Says how the training of a source ended; what it is now, or `None` if it
    /// was changed or removed meanwhile.
    pub async fn end_training(
        &self,
        source: &SourceRecord,
        trained: &Trained,
    ) -> Result<Option<SourceRecord>, StoreError> {
        let now = row::now();
        let (status, reason, trained_at) = match trained {
            Trained::Whole(note) => (SourceStatus::Trained, note.as_deref(), Some(now)),
            Trained::Failed(reason) => (SourceStatus::Failed, Some(reason.as_str()), None),
        };
        let mut tx = self.write.begin_with("BEGIN IMMEDIATE").await?;
        let found = sqlx::query(
            "UPDATE source SET status = ?, reason = ?, trained_at = COALESCE(?, trained_at), updated_at = ?
             WHERE id = ? AND version = ? AND status = 'training' RETURNING *",
        )
        .bind(status.word())
        .bind(reason)
        .bind(trained_at)
        .bind(now)
        .bind(&source.id)
        .bind(source.version)
        .fetch_optional(&mut *tx)
        .await?;
        let kept = found.as_ref().map(record).transpose()?;
        if let Some(kept) = &kept {
            tell_source(&mut tx, kept).await?;
        }
        tx.commit().await?;
        Ok(kept)
    }

    /// What the index still has of removed sources: agent and source; all of
    /// the agent's where the source is empty.
    pub async fn gone_sources(&self) -> Result<Vec<(String, String)>, StoreError> {
        let rows = sqlx::query("SELECT agent, source FROM source_gone").fetch_all(&self.read).await?;
        rows.iter().map(|row| Ok((row.try_get("agent")?, row.try_get("source")?))).collect()
    }

    /// The index has it no more.
    pub async fn forget_gone(&self, agent: &str, source: &str) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM source_gone WHERE agent = ? AND source = ?")
            .bind(agent)
            .bind(source)
            .execute(&self.write)
            .await?;
        Ok(())
    }
}

/// Remembers that the index is to lose a source; all of an agent's if it is empty.
pub(super) async fn mark_gone(
    tx: &mut Transaction<'_, Sqlite>,
    agent: &str,
    source: &str,
) -> Result<(), StoreError> {
    sqlx::query("INSERT OR IGNORE INTO source_gone (agent, source) VALUES (?, ?)")
        .bind(agent)
        .bind(source)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

pub(super) fn record(found: &SqliteRow) -> Result<SourceRecord, StoreError> {
    let status: String = found.try_get("status")?;
    let trained_at: Option<i64> = found.try_get("trained_at")?;
    Ok(SourceRecord {
        id: found.try_get("id")?,
        agent: found.try_get("agent")?,
        kind: SourceKind::of(found.try_get("kind")?)?,
        title: found.try_get("title")?,
        origin: found.try_get("origin")?,
        media_type: found.try_get("media_type")?,
        options: found.try_get("options")?,
        status: SourceStatus::parse(&status)
            .ok_or_else(|| StoreError::Corrupt(format!("source status {status}")))?,
        reason: found.try_get("reason")?,
        done: found.try_get("done")?,
        total: found.try_get("total")?,
        version: found.try_get("version")?,
        created_at: row::iso(found.try_get("created_at")?)?,
        updated_at: row::iso(found.try_get("updated_at")?)?,
        trained_at: trained_at.map(row::iso).transpose()?,
    })
}
