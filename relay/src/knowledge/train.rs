//! The training of one source: read it, keep its pages, index its passages, and
//! say how that went.

use std::pin::Pin;
use std::time::Duration;

use tokio::runtime::Handle;
use url::Url;

use super::crawl::{self, Progress, Walk, Walked};
use super::passage::cut;
use super::read::apart::Bounds;
use super::read::{self, FileKind, Unreadable};
use super::{Knowledge, ShelfError};
use crate::outward::Outward;
use crate::store::{SourceKind, SourcePage, SourceRecord, Store, StoreError, Trained};

/// Longest training. A file that keeps a parser busy for ever ends here.
const PATIENCE: Duration = Duration::from_mins(30);

/// Longest wait for a website to accept a connection.
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);

/// Pages that are in memory at once while they are indexed.
const PORTION: usize = 16;

/// Why a source is not trained.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// What is wrong with it: told to whoever asks.
    #[error("{0}")]
    Source(String),
    /// The index.
    #[error(transparent)]
    Shelf(#[from] ShelfError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It was changed or removed meanwhile.
    #[error("the source has changed")]
    Changed,
}

impl From<Unreadable> for Fault {
    fn from(error: Unreadable) -> Self {
        Self::Source(error.to_string())
    }
}

/// Keeps how far a walk is.
struct Told<'t> {
    store: &'t Store,
    source: &'t SourceRecord,
}

impl Progress for Told<'_> {
    fn told(&self, done: usize, total: usize) -> Pin<Box<dyn Future<Output = bool> + Send + '_>> {
        // A progress that cannot be kept is no reason to stop.
        Box::pin(async move { self.store.note_progress(self.source, done, total).await.unwrap_or(true) })
    }
}

impl Knowledge {
    /// Trains a source that was taken out of the queue.
    pub(super) async fn train(&self, source: &SourceRecord) {
        let trained = match tokio::time::timeout(PATIENCE, self.try_to_train(source)).await {
            Ok(Ok(note)) => Trained::Whole(note),
            Ok(Err(Fault::Changed)) => return,
            Ok(Err(Fault::Source(reason))) => Trained::Failed(reason),
            Ok(Err(error @ (Fault::Shelf(_) | Fault::Store(_)))) => {
                if let Fault::Store(StoreError::Query(sqlx::Error::PoolClosed)) = error {
                    // The relay ends; the source is queued again at the next start.
                    return;
                }
                tracing::error!(source = source.id, %error, "a source could not be trained");
                Trained::Failed("the relay could not index it; its log says why".to_owned())
            }
            Err(_) => Trained::Failed(format!("it took longer than {} minutes", PATIENCE.as_secs() / 60)),
        };
        match self.shared.store.end_training(source, &trained).await {
            Ok(ended) => {
                let status = ended.map_or("changed meanwhile", |ended| ended.status.word());
                tracing::info!(agent = source.agent, source = source.id, status, "a source was trained");
            }
            Err(error) => tracing::warn!(source = source.id, %error, "how a source was trained is not kept"),
        }
    }

    /// Reads and indexes a source; what was left out, if anything.
    async fn try_to_train(&self, source: &SourceRecord) -> Result<Option<String>, Fault> {
        let (pages, note) = match source.kind {
            SourceKind::Pages => (None, None),
            SourceKind::Text => {
                let text = String::from_utf8_lossy(&self.content(source).await?).into_owned();
                let page = SourcePage { url: String::new(), title: source.title.clone(), text };
                (Some(vec![page]), None)
            }
            SourceKind::File => {
                let (page, note) = self.read_file(source).await?;
                (Some(vec![page]), note)
            }
            SourceKind::Website => {
                let walked = self.read_website(source).await?;
                (Some(walked.pages), walked.note)
            }
        };
        if let Some(pages) = pages
            && !self.shared.store.replace_pages(source, &pages).await?
        {
            return Err(Fault::Changed);
        }
        let count = self.index(source).await?;
        if count == 0 && source.kind != SourceKind::Pages {
            return Err(Fault::Source("there is no text in it".to_owned()));
        }
        Ok(note)
    }

    async fn content(&self, source: &SourceRecord) -> Result<Vec<u8>, Fault> {
        // Removed between the queue and here.
        self.shared.store.source_content(&source.id).await?.ok_or(Fault::Changed)
    }

    async fn read_file(&self, source: &SourceRecord) -> Result<(SourcePage, Option<String>), Fault> {
        let bytes = self.content(source).await?;
        let origin = source.origin.as_deref().unwrap_or_default();
        let kind = FileKind::of(source.media_type.as_deref().unwrap_or_default(), origin)?;
        let bounds = Bounds::of(self.shared.source_bytes);
        Ok(read::file(kind, &source.title, bytes, &bounds).await?)
    }

    async fn read_website(&self, source: &SourceRecord) -> Result<Walked, Fault> {
        let broken = |error: &dyn std::fmt::Display| Fault::Source(format!("it cannot be walked: {error}"));
        let start =
            Url::parse(source.origin.as_deref().unwrap_or_default()).map_err(|error| broken(&error))?;
        let walk: Walk = serde_json::from_str(&source.options).map_err(|error| broken(&error))?;
        let outward =
            Outward::new(&self.shared.private_targets, CONNECT_PATIENCE).map_err(|error| broken(&error))?;
        let told = Told { store: &self.shared.store, source };
        let walked = crawl::walk(&outward, &start, &walk, self.shared.source_bytes, &told).await;
        walked.map_err(Fault::Source)
    }

    /// Puts the passages of a source's pages on the shelf; how many there are.
    async fn index(&self, source: &SourceRecord) -> Result<usize, Fault> {
        let total = self.shared.store.count_pages(&source.id).await?;
        let knowledge = self.clone();
        let source = source.clone();
        let runtime = Handle::current();
        let indexing = tokio::task::spawn_blocking(move || -> Result<usize, Fault> {
            let (passages, _) = knowledge.shared.shelf(&source.agent)?;
            let store = &knowledge.shared.store;
            let (mut after, mut done): (Option<String>, usize) = (None, 0);
            passages.replace(&source.id, || {
                let pages = runtime.block_on(store.source_pages(&source.id, after.as_deref(), PORTION))?;
                if !runtime.block_on(store.note_progress(&source, done, total))? {
                    return Err(Fault::Changed);
                }
                let Some(last) = pages.last() else { return Ok(None) };
                after = Some(last.url.clone());
                done += pages.len();
                Ok(Some(pages.iter().flat_map(|page| cut(&source.id, page)).collect()))
            })
        });
        indexing.await.map_err(|error| Fault::Source(format!("indexing it broke off: {error}")))?
    }
}
