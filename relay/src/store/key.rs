//! Keys of the API at rest, and the answers that they were given once.

use std::time::Duration;

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::{Store, StoreError, row};

/// How long the answer to a write is kept under its `Idempotency-Key`.
pub const IDEMPOTENCY_LIFE: Duration = Duration::from_hours(24);

/// How long a call may take before another one may take its place: a process
/// that ended in the midst of it leaves its mark.
const MAX_CALL: Duration = Duration::from_mins(1);

/// Which data a key sees and makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// What visitors meet.
    Live,
    /// What is only tried.
    Test,
}

impl Mode {
    /// The word in keys and columns.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Test => "test",
        }
    }

    pub(super) fn of(word: &str) -> Self {
        if word == "test" { Self::Test } else { Self::Live }
    }
}

/// A key without its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRecord {
    /// `key_` and ten characters.
    pub id: String,
    /// What its owner calls it.
    pub name: String,
    /// What it opens.
    pub mode: Mode,
    /// Its last characters.
    pub hint: String,
    /// ISO 8601.
    pub created_at: String,
    /// ISO 8601; set if it opens nothing any more.
    pub revoked_at: Option<String>,
}

/// What is known of a call with an `Idempotency-Key`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// Nothing: the caller is the first, and has to say how it ended.
    New,
    /// The same call is being answered.
    Running,
    /// The same call was answered so.
    Answered {
        /// The status.
        status: u16,
        /// The body.
        body: String,
    },
    /// Another call has this key.
    Other,
}

impl Store {
    /// Keeps a key.
    pub async fn add_key(&self, key: &KeyRecord, hash: &str) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO api_key (id, name, mode, hash, hint, created_at) VALUES (?, ?, ?, ?, ?, ?)")
            .bind(&key.id)
            .bind(&key.name)
            .bind(key.mode.word())
            .bind(hash)
            .bind(&key.hint)
            .bind(row::now())
            .execute(&self.write)
            .await?;
        Ok(())
    }

    /// Every key, the newest first.
    pub async fn keys(&self) -> Result<Vec<KeyRecord>, StoreError> {
        let rows =
            sqlx::query("SELECT * FROM api_key ORDER BY created_at DESC, id").fetch_all(&self.read).await?;
        rows.iter().map(read_key).collect()
    }

    /// The key of that hash, if it still opens anything.
    pub async fn key_of(&self, hash: &str) -> Result<Option<KeyRecord>, StoreError> {
        let found = sqlx::query("SELECT * FROM api_key WHERE hash = ? AND revoked_at IS NULL")
            .bind(hash)
            .fetch_optional(&self.read)
            .await?;
        found.as_ref().map(read_key).transpose()
    }

    /// Takes a key back; false if there is none of that id, or it was taken
    /// back before.
    pub async fn revoke_key(&self, id: &str) -> Result<bool, StoreError> {
        let done = sqlx::query("UPDATE api_key SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL")
            .bind(row::now())
            .bind(id)
            .execute(&self.write)
            .await?;
        Ok(done.rows_affected() > 0)
    }

    /// Begins a write under an `Idempotency-Key`, or says what became of it.
    pub async fn begin_write(&self, api_key: &str, key: &str, hash: &str) -> Result<Written, StoreError> {
        let now = row::now();
        let before = |life: Duration| now.saturating_sub(i64::try_from(life.as_millis()).unwrap_or(i64::MAX));
        let mut tx = self.write.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::query("DELETE FROM idempotency WHERE created_at < ? OR (status = 0 AND created_at < ?)")
            .bind(before(IDEMPOTENCY_LIFE))
            .bind(before(MAX_CALL))
            .execute(&mut *tx)
            .await?;
        let found = sqlx::query("SELECT hash, status, body FROM idempotency WHERE api_key = ? AND key = ?")
            .bind(api_key)
            .bind(key)
            .fetch_optional(&mut *tx)
            .await?;
        let written = match found {
            None => {
                sqlx::query(
                    "INSERT INTO idempotency (api_key, key, hash, status, body, created_at) VALUES (?, ?, ?, 0, '', ?)",
                )
                .bind(api_key)
                .bind(key)
                .bind(hash)
                .bind(now)
                .execute(&mut *tx)
                .await?;
                Written::New
            }
            Some(found) if found.try_get::<String, _>("hash")? != hash => Written::Other,
            Some(found) => match found.try_get::<i64, _>("status")? {
                0 => Written::Running,
                status => Written::Answered {
                    status: u16::try_from(status).unwrap_or(500),
                    body: found.try_get("body")?,
                },
            },
        };
        tx.commit().await?;
        Ok(written)
    }

    /// Keeps the answer to a write. One that failed for a reason of ours is
    /// forgotten: it may be tried again.
    pub async fn end_write(
        &self,
        api_key: &str,
        key: &str,
        status: u16,
        body: &str,
    ) -> Result<(), StoreError> {
        let query = if status < 500 && status != 429 {
            sqlx::query("UPDATE idempotency SET status = ?, body = ? WHERE api_key = ? AND key = ?")
                .bind(i64::from(status))
                .bind(body)
        } else {
            sqlx::query("DELETE FROM idempotency WHERE api_key = ? AND key = ?")
        };
        query.bind(api_key).bind(key).execute(&self.write).await?;
        Ok(())
    }
}

fn read_key(found: &SqliteRow) -> Result<KeyRecord, StoreError> {
    let mode: String = found.try_get("mode")?;
    let revoked_at: Option<i64> = found.try_get("revoked_at")?;
    Ok(KeyRecord {
        id: found.try_get("id")?,
        name: found.try_get("name")?,
        mode: Mode::of(&mode),
        hint: found.try_get("hint")?,
        created_at: row::iso(found.try_get("created_at")?)?,
        revoked_at: revoked_at.map(row::iso).transpose()?,
    })
}
