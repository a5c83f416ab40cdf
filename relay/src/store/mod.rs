//! Conversations and messages at rest.
//!
//! Every query is scoped by an [`Owner`]: there is no way to ask for a
//! conversation by its id alone, so another visitor's answers exactly like one
//! that does not exist. What a reply's task writes goes by a [`ReplyKey`], which
//! only [`Store::begin`], [`Store::begin_again`] and [`Store::go_on`] hand out.

mod agent;
mod batch;
mod conversation;
mod device;
mod export;
mod family;
mod file;
mod handover;
mod incoming;
mod key;
mod listed;
mod message;
mod page;
mod provider;
mod results;
mod retention;
mod revocation;
mod row;
mod source;
mod spending;
mod talk;
mod visitor;
mod webhook;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chinwag_protocol::SiteKey;
use sqlx::migrate::MigrateError;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Row as _, SqlitePool};

pub use agent::{AgentFields, AgentRecord};
pub use device::Device;
pub use export::{ExportFilter, ExportRow};
pub use file::{FileBody, NewFile, UNSENT_LIFE, id_at};
pub use incoming::{Heard, TakenIn};
pub use key::{IDEMPOTENCY_LIFE, KeyRecord, Mode, Written};
pub use listed::Listed;
pub use message::{Begun, GoesOn, Question, ReplyEnd, ReplyKey};
pub use page::{PageEntry, SourcePage};
pub use results::{Answered, Results, ResultsRefused, Sameness};
pub use retention::Retention;
pub use source::{MAX_SOURCES, NewSource, SourceKind, SourceRecord, SourceStatus, Trained};
pub use spending::Spending;
pub use talk::Talk;
pub use visitor::{ConversationExport, FileExport, MessageExport, VisitorExport};
pub use webhook::{Delivery, MAX_WEBHOOKS, Tried, WebhookRecord};

/// How long a write waits for another process that holds the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a query waits for a connection before the relay is overloaded.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// Connections that read. Writes go through one: the file has one writer, and
/// a queue in front of it is fairer than a busy loop.
const READERS: u32 = 4;

/// Whose data a query may see.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Owner {
    /// The site.
    pub site: SiteKey,
    /// The visitor, as their token names them.
    pub visitor: String,
}

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file cannot be opened or made.
    #[error("the database {path}: {error}")]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        error: sqlx::Error,
    },
    /// The schema could not be brought up to date.
    #[error("the database's schema: {0}")]
    Migrate(#[from] MigrateError),
    /// A query failed.
    #[error("a query of the database: {0}")]
    Query(#[from] sqlx::Error),
    /// A row holds what nobody here wrote.
    #[error("the database holds a row that cannot be read: {0}")]
    Corrupt(String),
    /// Not there, or somebody else's.
    #[error("not there")]
    Missing,
    /// A cursor that no list handed out.
    #[error("not a cursor of this list")]
    Cursor,
    /// There are as many as there can be.
    #[error("there are {0}, and there can be no more")]
    Full(i64),
    /// Results of the page's tools that nothing waits for.
    #[error(transparent)]
    Results(#[from] ResultsRefused),
    /// A visitor's files take all the room that they have.
    #[error("the visitor's files take all the room that they have")]
    NoRoom,
    /// The system gave no randomness.
    #[error("no random key could be made")]
    Random,
}

/// Conversations and messages in a database file, or in memory.
#[derive(Debug, Clone)]
pub struct Store {
    write: SqlitePool,
    read: SqlitePool,
    /// Whether the write-ahead log may still hold what was deleted.
    log_holds_deleted: Arc<AtomicBool>,
}

impl Store {
    /// Opens the file, makes it if it is not there, and brings its schema up to
    /// date.
    ///
    /// A committed write survives the end of the process; the last ones before
    /// a power cut may not (`synchronous = NORMAL` with a write-ahead log), and
    /// the file stays whole.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(BUSY_TIMEOUT)
            .foreign_keys(true)
            // What is deleted is overwritten, and no copy lies in a temporary file.
            .pragma("secure_delete", "ON")
            .pragma("temp_store", "MEMORY");
        let pool = |most: u32| {
            SqlitePoolOptions::new()
                .max_connections(most)
                .acquire_timeout(ACQUIRE_TIMEOUT)
                // A file does not hang up: asking it before each query whether it is
                // there only costs another way to its thread and back.
                .test_before_acquire(false)
        };
        let fault = |error| StoreError::Open { path: path.to_owned(), error };
        let write = pool(1).connect_with(options.clone()).await.map_err(fault)?;
        sqlx::migrate!("./migrations").run(&write).await?;
        let read = pool(READERS)
            .connect_with(options.read_only(true).create_if_missing(false))
            .await
            .map_err(fault)?;
        Ok(Self { write, read, log_holds_deleted: Arc::default() })
    }

    /// A store that lives as long as the process.
    pub async fn in_memory() -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new().in_memory(true).foreign_keys(true);
        // One connection that is never closed: the database is the connection.
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .min_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_with(options)
            .await?;
        sqlx::migrate!("./migrations").run(&pool).await?;
        Ok(Self { write: pool.clone(), read: pool, log_holds_deleted: Arc::default() })
    }

    /// Empties the write-ahead log if something has been deleted since it last
    /// was: until then the log holds a copy. Once a minute is enough.
    pub async fn settle(&self) -> Result<(), StoreError> {
        if self.log_holds_deleted.load(Ordering::SeqCst) { self.empty_log().await } else { Ok(()) }
    }

    fn note_deletion(&self) {
        self.log_holds_deleted.store(true, Ordering::SeqCst);
    }

    /// Moves the write-ahead log into the file and cuts it to nothing. It waits
    /// for queries that still read from it.
    async fn empty_log(&self) -> Result<(), StoreError> {
        // Lowered first: what is deleted meanwhile raises it again.
        self.log_holds_deleted.store(false, Ordering::SeqCst);
        let row = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&self.write).await;
        let busy = row.and_then(|row| row.try_get::<i64, _>(0));
        if !matches!(busy, Ok(0)) {
            self.note_deletion();
        }
        busy?;
        Ok(())
    }

    /// Writes what is left of the log into the file, and closes it.
    pub async fn close(&self) {
        self.read.close().await;
        self.write.close().await;
    }
}

#[cfg(test)]
mod tests;
