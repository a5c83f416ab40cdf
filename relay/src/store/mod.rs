//! Conversations and messages at rest.
//!
//! Every query is scoped by an [`Owner`]: there is no way to ask for a
//! conversation by its id alone, so another visitor's answers exactly like one
//! that does not exist. What a reply's task writes goes by a [`ReplyKey`], which
//! only [`Store::begin`], [`Store::begin_again`] and [`Store::go_on`] hand out.

mod conversation;
mod message;
mod provider;
mod results;
mod row;

use std::path::{Path, PathBuf};
use std::time::Duration;

use chinwag_protocol::SiteKey;
use sqlx::SqlitePool;
use sqlx::migrate::MigrateError;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

pub use message::{Begun, GoesOn, Question, ReplyEnd, ReplyKey};
pub use results::{Answered, Results, ResultsRefused, Sameness};

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
    /// Results of the page's tools that nothing waits for.
    #[error(transparent)]
    Results(#[from] ResultsRefused),
}

/// Conversations and messages in a database file, or in memory.
#[derive(Debug, Clone)]
pub struct Store {
    write: SqlitePool,
    read: SqlitePool,
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
            .foreign_keys(true);
        let pool =
            |most: u32| SqlitePoolOptions::new().max_connections(most).acquire_timeout(ACQUIRE_TIMEOUT);
        let fault = |error| StoreError::Open { path: path.to_owned(), error };
        let write = pool(1).connect_with(options.clone()).await.map_err(fault)?;
        sqlx::migrate!("./migrations").run(&write).await?;
        let read = pool(READERS)
            .connect_with(options.read_only(true).create_if_missing(false))
            .await
            .map_err(fault)?;
        Ok(Self { write, read })
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
        Ok(Self { write: pool.clone(), read: pool })
    }

    /// Writes what is left of the log into the file, and closes it.
    pub async fn close(&self) {
        self.read.close().await;
        self.write.close().await;
    }
}

#[cfg(test)]
mod tests;
