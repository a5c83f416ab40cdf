//! What agents of the API answer from: their sources, read, cut into passages
//! and indexed.
//!
//! The table of sources is the queue; a worker takes one after the other, reads
//! it to pages (kept in the store) and puts the pages' passages on the agent's
//! [`shelf`]. Where a source is broken, it fails with a reason, and the others
//! go on. Agents are wrapped by [`Knowledge::inform`], which gives them the best
//! passages with each question.

mod cite;
pub mod crawl;
mod inform;
pub mod passage;
pub mod read;
pub mod shelf;
mod train;

use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};

pub use self::shelf::{Found, Shelf, ShelfError};

use self::inform::Informed;
use crate::config::{Config, Network};
use crate::edge::Shutdown;
use crate::store::{Store, StoreError};
use crate::upstream::Upstream;

/// The folder of the indices, in the data folder.
const FOLDER: &str = "knowledge";

/// The file whose lock the one process has that trains.
const LOCK: &str = "lock";

/// How often the queue is looked at without being told: a command may have
/// added to it.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Sources that are trained at once: one that waits for a slow website must not
/// hold up the others.
const AT_ONCE: usize = 3;

/// Most shelves that stay open; others are opened when they are asked.
const MAX_OPEN: usize = 64;

/// What agents answer from. Clones share it.
#[derive(Debug, Clone)]
pub struct Knowledge {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    store: Store,
    folder: PathBuf,
    source_bytes: usize,
    private_targets: Vec<Network>,
    shelves: Mutex<HashMap<String, Arc<Shelf>>>,
    wake: Notify,
    places: Arc<Semaphore>,
}

/// Why there is no answer from the shelf.
#[derive(Debug, thiserror::Error)]
pub enum KnowledgeError {
    /// The index.
    #[error(transparent)]
    Shelf(#[from] ShelfError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The thread that searched broke.
    #[error("the search broke off: {0}")]
    Broken(String),
}

impl Knowledge {
    /// Of the agents in a data folder. Nothing is opened yet.
    pub fn new(store: Store, config: &Config) -> Self {
        let shared = Shared {
            store,
            folder: config.server.data_dir.join(FOLDER),
            source_bytes: config.server.limits.source_bytes,
            private_targets: config.server.private_targets.clone(),
            shelves: Mutex::default(),
            wake: Notify::new(),
            places: Arc::new(Semaphore::new(AT_ONCE)),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Says that something waits in the queue.
    pub fn wake(&self) {
        self.shared.wake.notify_one();
    }

    /// The same agent with the passages of its sources. `is_quoting` says that
    /// it cannot read them, and quotes them in place of an answer of its own.
    pub fn inform(&self, agent: &str, upstream: Arc<dyn Upstream>, is_quoting: bool) -> Arc<dyn Upstream> {
        Arc::new(Informed::new(self.clone(), agent, upstream, is_quoting))
    }

    /// The passages of an agent that speak of a question, the best first.
    /// `context` is the question before, if this one leans on it.
    pub async fn search(
        &self,
        agent: &str,
        question: &str,
        context: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Found>, KnowledgeError> {
        // Most agents have none: nothing is made for them.
        if !self.shared.folder_of(agent).is_some_and(|folder| folder.exists()) {
            return Ok(Vec::new());
        }
        let shared = Arc::clone(&self.shared);
        let (of, question, context) = (agent.to_owned(), question.to_owned(), context.map(str::to_owned));
        let searching = tokio::task::spawn_blocking(move || -> Result<Vec<Found>, ShelfError> {
            let (passages, _) = shared.shelf(&of)?;
            passages.search(&question, context.as_deref(), limit)
        });
        let mut found = searching.await.map_err(|error| KnowledgeError::Broken(error.to_string()))??;
        // A source that was removed just now may still be in the index.
        let ids: Vec<&str> = found.iter().map(|found| found.passage.source.as_str()).collect();
        if !ids.is_empty() {
            let living = self.shared.store.living_sources(agent, &ids).await?;
            found.retain(|found| living.contains(&found.passage.source));
        }
        Ok(found)
    }

    /// Trains what is queued, for as long as the relay runs. Only one process
    /// does so on a data folder; another one waits for its end.
    pub async fn work(self, shutdown: Shutdown) {
        let lock = loop {
            match self.lock() {
                Ok(Some(lock)) => break lock,
                Ok(None) => {}
                Err(error) => tracing::error!(%error, "sources cannot be trained; it is tried again"),
            }
            tokio::select! {
                () = shutdown.begun() => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        };
        let mut is_prepared = false;
        loop {
            let done = async {
                if !is_prepared {
                    self.prepare().await?;
                }
                is_prepared = true;
                self.sweep().await?;
                while let Ok(place) = Arc::clone(&self.shared.places).acquire_owned().await {
                    let Some(source) = self.shared.store.next_source().await? else { break };
                    let knowledge = self.clone();
                    tokio::spawn(async move {
                        knowledge.train(&source).await;
                        drop(place);
                        // The next one may wait for the place.
                        knowledge.wake();
                    });
                }
                Ok::<_, KnowledgeError>(())
            };
            match done.await {
                Ok(()) => {}
                Err(KnowledgeError::Store(StoreError::Query(sqlx::Error::PoolClosed))) => break,
                Err(error) => tracing::warn!(%error, "the queue of sources failed; it is tried again"),
            }
            tokio::select! {
                () = shutdown.begun() => break,
                () = self.shared.wake.notified() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
        drop(lock);
    }

    /// Trains what is queued now, here, if no other process does; false if one
    /// does.
    pub async fn work_off(&self) -> Result<bool, KnowledgeError> {
        let fault = |error| ShelfError::Folder { path: self.shared.folder.clone(), error };
        let Some(_lock) = self.lock().map_err(fault)? else { return Ok(false) };
        self.prepare().await?;
        self.sweep().await?;
        while let Some(source) = self.shared.store.next_source().await? {
            self.train(&source).await;
        }
        Ok(true)
    }

    /// The lock of the one who trains; `None` if another process has it.
    fn lock(&self) -> io::Result<Option<File>> {
        fs::create_dir_all(&self.shared.folder)?;
        let path = self.shared.folder.join(LOCK);
        let file = File::options().create(true).truncate(false).write(true).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(fs::TryLockError::WouldBlock) => Ok(None),
            Err(fs::TryLockError::Error(error)) => Err(error),
        }
    }

    /// Queues again what was left undone, or is lost.
    async fn prepare(&self) -> Result<(), KnowledgeError> {
        let store = &self.shared.store;
        store.queue_again(None).await?;
        for agent in store.trained_agents().await? {
            let shared = Arc::clone(&self.shared);
            let of = agent.clone();
            let opening = tokio::task::spawn_blocking(move || shared.shelf(&of).map(|(_, is_new)| is_new));
            let is_new = opening.await.map_err(|error| KnowledgeError::Broken(error.to_string()))??;
            if is_new {
                let sources = store.queue_again(Some(&agent)).await?;
                tracing::warn!(agent, sources, "the index of an agent was lost; it is made anew");
            }
        }
        Ok(())
    }

    /// Takes what was removed out of the index.
    async fn sweep(&self) -> Result<(), KnowledgeError> {
        for (agent, source) in self.shared.store.gone_sources().await? {
            let shared = Arc::clone(&self.shared);
            let (of, gone) = (agent.clone(), source.clone());
            let sweeping = tokio::task::spawn_blocking(move || -> Result<(), ShelfError> {
                let Some(folder) = shared.folder_of(&of).filter(|folder| folder.exists()) else {
                    return Ok(());
                };
                if gone.is_empty() {
                    shared.lock().remove(&of);
                    let fault = |error| ShelfError::Folder { path: folder.clone(), error };
                    return fs::remove_dir_all(&folder).map_err(fault);
                }
                let (passages, _) = shared.shelf(&of)?;
                passages.replace::<ShelfError>(&gone, || Ok(None)).map(drop)
            });
            sweeping.await.map_err(|error| KnowledgeError::Broken(error.to_string()))??;
            self.shared.store.forget_gone(&agent, &source).await?;
        }
        Ok(())
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Shelf>>> {
        // Every change is one call: a panic elsewhere spoils nothing.
        self.shelves.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The shelf of an agent, and whether it was made just now. It blocks.
    fn shelf(&self, agent: &str) -> Result<(Arc<Shelf>, bool), ShelfError> {
        // Held while it is opened: two openings would be two shelves.
        let mut shelves = self.lock();
        if let Some(opened) = shelves.get(agent) {
            return Ok((Arc::clone(opened), false));
        }
        let folder = self.folder_of(agent).ok_or_else(|| ShelfError::Folder {
            path: PathBuf::from(agent),
            error: io::ErrorKind::InvalidFilename.into(),
        })?;
        let (opened, is_new) = Shelf::open(&folder)?;
        let opened = Arc::new(opened);
        if shelves.len() >= MAX_OPEN {
            shelves.clear();
        }
        shelves.insert(agent.to_owned(), Arc::clone(&opened));
        Ok((opened, is_new))
    }

    /// Where an agent's index is; `None` for what is no id.
    fn folder_of(&self, agent: &str) -> Option<PathBuf> {
        let is_id = !agent.is_empty() && agent.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        is_id.then(|| Path::new(&self.folder).join(agent))
    }
}
