//! The docs agent: answers from a folder of Markdown, with citations, with no
//! network and no key.
//!
//! It quotes; it does not write. The answer is the passage that answers, and
//! where there is none it says so. The folder is read at start and whenever it
//! changes, the index lives in memory, and the relay serves what is indexed, so
//! that every citation opens.

pub(crate) mod analysis;
pub(crate) mod answer;
pub(crate) mod corpus;
pub(crate) mod folder;
pub(crate) mod index;
mod keeper;
mod lexicon;
pub(crate) mod markdown;
pub(crate) mod meaning;
mod passage;
pub(crate) mod question;

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chinwag_protocol::{Chunk, ErrorCode, Features, FinishReason};
use futures_util::stream::{self, StreamExt as _};
use tokio::sync::watch;

use self::answer::{Answer, Asked};
use self::corpus::Corpus;
use self::keeper::Keeper;
use super::{ChunkStream, Turn, Upstream};

pub use self::folder::{MAX_DEPTH, MAX_FILE_BYTES, MAX_FILES, MAX_TOTAL_BYTES};

/// How many words are sent at once; a reader takes in about that many.
const WORDS_PER_DELTA: usize = 5;
/// How long after one piece the next is sent: a page of text takes well under
/// a second, and still arrives as speech, not as a wall.
const DELTA_PACE: Duration = Duration::from_millis(12);
/// How long a question waits for the first indexing to end.
const INDEXING_PATIENCE: Duration = Duration::from_secs(20);

/// Why a docs agent cannot be set up. Each names the folder.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DocsError {
    /// There is nothing at the path.
    #[error("agent {agent}: the folder of documents {} does not exist", path.display())]
    Missing {
        /// The agent.
        agent: String,
        /// The folder, as it was given.
        path: PathBuf,
    },
    /// The path is a file.
    #[error("agent {agent}: {} is not a folder", path.display())]
    NotAFolder {
        /// The agent.
        agent: String,
        /// The folder, as it was given.
        path: PathBuf,
    },
    /// The folder cannot be read.
    #[error("agent {agent}: the folder of documents {} cannot be read: {source}", path.display())]
    Unreadable {
        /// The agent.
        agent: String,
        /// The folder, as it was given.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The system gives no thread.
    #[error("agent {agent}: no thread to index {} with: {source}", path.display())]
    NoThread {
        /// The agent.
        agent: String,
        /// The folder, as it was given.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// An agent that answers from a folder of Markdown.
#[derive(Debug)]
pub struct DocsAgent {
    name: Arc<str>,
    corpus: watch::Receiver<Option<Arc<Corpus>>>,
    _keeper: Keeper,
}

impl DocsAgent {
    /// Sets an agent up and begins to index; does not wait for the end of it
    /// (see [`Upstream::is_ready`]). The folder is watched until the agent is
    /// dropped.
    ///
    /// # Errors
    /// The folder is missing, no folder, or unreadable; later faults of the
    /// folder or its files go to the log, and what was indexed stays.
    ///
    /// # Limits
    /// [`MAX_FILES`] files of [`MAX_FILE_BYTES`] each, [`MAX_TOTAL_BYTES`] in
    /// all, [`MAX_DEPTH`] folders deep; `.md` and `.markdown` in UTF-8. Hidden
    /// files and folders, `node_modules` and links that lead out are left out.
    pub fn start(agent_name: &str, path: PathBuf) -> Result<Arc<Self>, DocsError> {
        let agent = || agent_name.to_owned();
        match std::fs::metadata(&path) {
            Ok(metadata) if !metadata.is_dir() => {
                return Err(DocsError::NotAFolder { agent: agent(), path });
            }
            Ok(_) => {}
            Err(source) if source.kind() == io::ErrorKind::NotFound => {
                return Err(DocsError::Missing { agent: agent(), path });
            }
            Err(source) => return Err(DocsError::Unreadable { agent: agent(), path, source }),
        }
        if let Err(source) = std::fs::read_dir(&path) {
            return Err(DocsError::Unreadable { agent: agent(), path, source });
        }
        match keeper::start(agent_name, path.clone()) {
            Ok((keeper, corpus)) => Ok(Arc::new(Self { name: agent_name.into(), corpus, _keeper: keeper })),
            Err(source) => Err(DocsError::NoThread { agent: agent(), path, source }),
        }
    }

    /// The name of the agent; its documents are served under `/docs/<name>/`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Waits until the first indexing has ended; false if it never will.
    ///
    /// # Cancel safety
    /// May be dropped at any time.
    pub async fn ready(&self) -> bool {
        self.corpus.clone().wait_for(Option::is_some).await.is_ok()
    }

    /// What is indexed now; `None` until the first indexing has ended.
    pub(crate) fn corpus(&self) -> Option<Arc<Corpus>> {
        self.corpus.borrow().clone()
    }
}

impl Upstream for DocsAgent {
    fn features(&self) -> Features {
        Features { history: true, retry: true, sources: true, ..Features::default() }
    }

    fn is_ready(&self) -> bool {
        self.corpus.borrow().is_some()
    }

    fn reply(&self, turn: Turn) -> ChunkStream {
        let corpus = self.corpus.clone();
        let agent = Arc::clone(&self.name);
        let status =
            Chunk::Status { phase: "search".to_owned(), label: Some("Searching the documents".to_owned()) };
        let answered = stream::once(async move {
            match answer(corpus, agent, turn).await {
                Ok(answer) => chunks(answer),
                Err(failure) => VecDeque::from([failure]),
            }
        });
        Box::pin(stream::once(std::future::ready(status)).chain(answered.flat_map(paced)))
    }
}

/// Finds the answer, off the threads that serve requests.
async fn answer(
    mut corpus: watch::Receiver<Option<Arc<Corpus>>>,
    agent: Arc<str>,
    turn: Turn,
) -> Result<Answer, Chunk> {
    let waiting = async { corpus.wait_for(Option::is_some).await.ok().and_then(|corpus| corpus.clone()) };
    let corpus = tokio::time::timeout(INDEXING_PATIENCE, waiting).await.ok().flatten();
    let Some(corpus) = corpus else {
        return Err(Chunk::error(ErrorCode::Maintenance, "the documents are still being indexed"));
    };
    let found = tokio::task::spawn_blocking(move || {
        let message = turn.message.text();
        let context = question::context(&message, &turn.history);
        let asked = Asked {
            corpus: &corpus,
            agent: &agent,
            public_origin: &turn.public_origin,
            message: &message,
            context: context.as_deref(),
        };
        asked.answer()
    });
    let fault = match found.await {
        Ok(Ok(answer)) => return Ok(answer),
        Ok(Err(error)) => error.to_string(),
        Err(error) => error.to_string(),
    };
    tracing::error!(fault, "a question could not be searched for");
    Err(Chunk::error(ErrorCode::Internal, "the documents could not be searched"))
}

/// An answer as it goes over the wire: sources first, so that the marks in the
/// text have something to point to as soon as they appear.
pub(crate) fn chunks(answer: Answer) -> VecDeque<Chunk> {
    let mut chunks = VecDeque::new();
    for (at, source) in answer.sources.into_iter().enumerate() {
        chunks.push_back(Chunk::SourceUrl {
            source_id: (at + 1).to_string(),
            url: source.url,
            title: Some(source.title),
        });
    }
    let id = || "text-1".to_owned();
    chunks.push_back(Chunk::TextStart { id: id() });
    chunks.extend(deltas(&answer.text).map(|delta| Chunk::TextDelta { id: id(), delta: delta.to_owned() }));
    chunks.push_back(Chunk::TextEnd { id: id() });
    if !answer.suggestions.is_empty() {
        chunks.push_back(Chunk::Suggestions { prompts: answer.suggestions });
    }
    chunks.push_back(Chunk::Finish { reason: FinishReason::Stop, metadata: None });
    chunks
}

/// A text in pieces of a few words; together they are the text.
pub(crate) fn deltas(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let mut words = 0;
        let mut was_space = true;
        let end = rest
            .char_indices()
            .find_map(|(at, c)| {
                let begins_word = was_space && !c.is_whitespace();
                was_space = c.is_whitespace();
                words += usize::from(begins_word);
                (words > WORDS_PER_DELTA).then_some(at)
            })
            .unwrap_or(rest.len());
        let (delta, after) = rest.split_at_checked(end)?;
        rest = after;
        Some(delta)
    })
}

/// The chunks, each text delta after a short wait. Dropping the stream ends it.
pub(crate) fn paced(chunks: VecDeque<Chunk>) -> impl stream::Stream<Item = Chunk> {
    stream::unfold((chunks, false), |(mut chunks, mut began)| async move {
        let chunk = chunks.pop_front()?;
        if matches!(chunk, Chunk::TextDelta { .. }) {
            // The first words come at once.
            if std::mem::replace(&mut began, true) {
                tokio::time::sleep(DELTA_PACE).await;
            }
        }
        Some((chunk, (chunks, began)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pieces_of_a_text_are_the_text() {
        for text in [
            "",
            "one",
            "  one two\n\nthree four five six, seven  ",
            "a b c d e f g h i j k",
            "日本語 テキスト",
        ] {
            let pieces: Vec<_> = deltas(text).collect();
            assert_eq!(pieces.concat(), text);
            assert!(pieces.iter().all(|piece| piece.split_whitespace().count() <= WORDS_PER_DELTA));
        }
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let error = DocsAgent::start("helper", PathBuf::from("/no/such/folder")).unwrap_err();
        assert_eq!(error.to_string(), "agent helper: the folder of documents /no/such/folder does not exist");
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = DocsAgent::start("helper", file.path().to_owned()).unwrap_err();
        assert!(matches!(error, DocsError::NotAFolder { .. }), "{error}");
    }
}
