//! Keeps the index up to date: one thread per folder that reads it, waits for
//! a change, and reads it again.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use notify::event::{AccessKind, AccessMode, EventKind};
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::watch;
use tracing::{error, info, warn};

use super::corpus::Corpus;
use super::folder::{self, Found, Limits};

/// An editor writes a file in several steps; this long after the last one the
/// folder is read.
const QUIET: Duration = Duration::from_millis(150);
/// A folder that never falls quiet is read at least this often.
const LONGEST_WAIT: Duration = Duration::from_secs(2);
/// Network and container file systems often tell of no change: the folder is
/// read this often without one.
const UNTOLD: Duration = Duration::from_secs(30);
/// How often a folder that is gone is looked for.
const GONE: Duration = Duration::from_secs(1);
/// Where the system watches a tree as cheaply as a folder.
const WATCHES_TREES: bool = cfg!(any(target_os = "macos", target_os = "windows"));

/// What wakes the thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wake {
    Changed,
    Stop,
}

/// The thread's owner: dropping it ends the thread.
#[derive(Debug)]
pub(super) struct Keeper {
    bell: Sender<Wake>,
}

impl Drop for Keeper {
    fn drop(&mut self) {
        // The thread may have ended already; then there is nobody to tell.
        let _ = self.bell.send(Wake::Stop);
    }
}

/// Starts the thread for a folder. What it builds is seen in the receiver,
/// first `None`.
pub(super) fn start(
    agent: &str,
    folder: PathBuf,
) -> std::io::Result<(Keeper, watch::Receiver<Option<Arc<Corpus>>>)> {
    let (bell, inbox) = channel();
    let (sender, receiver) = watch::channel(None);
    let work = Work {
        agent: agent.to_owned(),
        folder,
        bell: bell.clone(),
        sender,
        fingerprint: None,
        is_gone: false,
        watch_failed: false,
    };
    std::thread::Builder::new().name("docs-index".to_owned()).spawn(move || work.run(&inbox))?;
    Ok((Keeper { bell }, receiver))
}

struct Work {
    agent: String,
    folder: PathBuf,
    bell: Sender<Wake>,
    sender: watch::Sender<Option<Arc<Corpus>>>,
    /// Of what was indexed last.
    fingerprint: Option<u64>,
    is_gone: bool,
    watch_failed: bool,
}

impl Work {
    fn run(mut self, inbox: &Receiver<Wake>) {
        let mut watcher = self.watcher();
        loop {
            match self.read(watcher.as_mut()) {
                Ok(found) => {
                    self.is_gone = false;
                    self.index(found);
                }
                Err(error) => {
                    if !std::mem::replace(&mut self.is_gone, true) {
                        warn!(agent = self.agent, folder = %self.folder.display(), %error, "the folder cannot be read; what was indexed stays");
                    }
                }
            }
            if !self.wait(inbox) {
                return;
            }
        }
    }

    fn watcher(&self) -> Option<RecommendedWatcher> {
        let bell = self.bell.clone();
        let told = move |event: notify::Result<notify::Event>| {
            // An error means that something may have been missed.
            if event.as_ref().map_or(true, is_change) {
                let _ = bell.send(Wake::Changed);
            }
        };
        notify::recommended_watcher(told)
            .inspect_err(|error| {
                warn!(agent = self.agent, %error, every_s = UNTOLD.as_secs(), "the folder cannot be watched; it is read at intervals");
            })
            .ok()
    }

    fn read(&mut self, mut watcher: Option<&mut RecommendedWatcher>) -> std::io::Result<Found> {
        let mut failed = None;
        let mut is_root = true;
        let found = folder::read(&self.folder, Limits::default(), &mut |inner: &Path| {
            let mode = if WATCHES_TREES { RecursiveMode::Recursive } else { RecursiveMode::NonRecursive };
            // Asked for anew every time: a folder that was replaced by another
            // of the same name has lost its watch, and nothing tells.
            if let Some(watcher) = watcher.as_mut().filter(|_| is_root || !WATCHES_TREES) {
                failed = watcher.watch(inner, mode).err().or(failed.take());
            }
            is_root = false;
        });
        if let Some(error) = failed
            && !std::mem::replace(&mut self.watch_failed, true)
        {
            warn!(agent = self.agent, folder = %self.folder.display(), %error, every_s = UNTOLD.as_secs(), "a folder cannot be watched; it is read at intervals");
        }
        found
    }

    fn index(&mut self, found: Found) {
        let mut hasher = DefaultHasher::new();
        found.documents.hash(&mut hasher);
        found.images.hash(&mut hasher);
        let fingerprint = hasher.finish();
        if self.fingerprint == Some(fingerprint) {
            return;
        }
        let began = Instant::now();
        // The canonical folder is what the pages check their files against.
        let root = std::fs::canonicalize(&self.folder).unwrap_or_else(|_| self.folder.clone());
        match Corpus::build(&root, found) {
            Ok(corpus) => {
                info!(
                    agent = self.agent,
                    folder = %self.folder.display(),
                    documents = corpus.documents().len(),
                    sections = corpus.index.len(),
                    took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
                    "documents indexed"
                );
                if corpus.index.len() == 0 {
                    warn!(agent = self.agent, folder = %self.folder.display(), "no Markdown with text in it: every question will find nothing");
                }
                self.fingerprint = Some(fingerprint);
                self.sender.send_replace(Some(Arc::new(corpus)));
            }
            Err(error) => {
                error!(agent = self.agent, folder = %self.folder.display(), %error, "the documents cannot be indexed; what was indexed stays");
            }
        }
    }

    /// Waits until the folder should be read again; false if never.
    fn wait(&self, inbox: &Receiver<Wake>) -> bool {
        let patience = if self.is_gone { GONE } else { UNTOLD };
        match inbox.recv_timeout(patience) {
            Err(RecvTimeoutError::Timeout) => return !self.sender.is_closed(),
            Ok(Wake::Stop) | Err(RecvTimeoutError::Disconnected) => return false,
            Ok(Wake::Changed) => {}
        }
        let began = Instant::now();
        while began.elapsed() < LONGEST_WAIT {
            match inbox.recv_timeout(QUIET) {
                Err(RecvTimeoutError::Timeout) => break,
                Ok(Wake::Stop) | Err(RecvTimeoutError::Disconnected) => return false,
                Ok(Wake::Changed) => {}
            }
        }
        true
    }
}

/// Whether an event may have changed what is indexed. Reading the folder makes
/// events too; heeding those would read it for ever.
fn is_change(event: &notify::Event) -> bool {
    let by_kind = match event.kind {
        EventKind::Access(access) => access == AccessKind::Close(AccessMode::Write),
        _ => true,
    };
    // A database or a log beside the documents changes all the time. What has
    // no extension may be a folder.
    let by_path = event.paths.is_empty()
        || event.paths.iter().any(|path| {
            path.extension().is_none()
                || path.file_name().and_then(|name| name.to_str()).is_none_or(folder::is_read)
        });
    event.need_rescan() || (by_kind && by_path)
}
