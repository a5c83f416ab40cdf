//! Replies as tasks. A reply belongs to the relay, not to the request that
//! asked for it: a closed tab does not end it, [`Generations::stop`] does.
//!
//! A conversation has at most one running reply. Its log stays for ten minutes
//! after its end, so that a reader who was cut off finds the rest; later the
//! reply is told again from the store, under another epoch.

mod log;
mod replay;
mod reply;
mod task;

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use chinwag_protocol::{
    Chunk, ConversationId, ErrorCode, EventId, FinishReason, Json, MessageId, MessageMetadata, MessageStatus,
    Part, ToolDefinition, UiMessage,
};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

pub use log::{EventLog, Reader};

use self::reply::Reply;
use crate::config::Limits;
use crate::metrics::Metrics;
use crate::store::{
    Answered, Begun, FileBody, GoesOn, Owner, Question, ReplyKey, Results, Sameness, Store, StoreError,
};
use crate::upstream::{Attachment, Memory, Turn, Upstream, attachment};

/// How long a log stays after its end.
pub const LOG_RETENTION: Duration = Duration::from_mins(10);

/// Most bytes of logs whose replies are over, of all visitors together (64
/// MiB). Above it the oldest go early: their replies are in the store.
const MAX_ENDED_BYTES: usize = 64 * 1024 * 1024;

/// How long a new question waits for the conversation's running reply: for a
/// stop that was sent just before it, not for a whole reply.
const WAIT_FOR_PREVIOUS: Duration = Duration::from_secs(3);

/// How long a caller of `stop` waits for the reply to be stored.
const WAIT_FOR_STOP: Duration = Duration::from_secs(5);

/// How long replies that were interrupted by the shutdown may take to be stored.
const WAIT_FOR_STORE: Duration = Duration::from_secs(3);

/// Locks in front of the conversations. Two conversations may share one: each
/// is held for a transaction, not for a reply.
const LOCKS: usize = 64;

/// One reply: its log, and the ways to end it.
#[derive(Debug)]
pub(crate) struct Generation {
    log: Arc<EventLog>,
    key: ReplyKey,
    question: MessageId,
    question_hash: String,
    /// The calls whose results it went on with, if it is not new.
    answered: Option<Answered>,
    /// How many chunks of the log tell what was there before it went on.
    base: u64,
    request_id: String,
    /// What its agent is counted as.
    agent: String,
    began: Instant,
    /// By the visitor.
    stop: CancellationToken,
    /// By the relay's own end.
    interrupt: CancellationToken,
    /// Cancelled when the reply is over.
    over: CancellationToken,
    status: OnceLock<MessageStatus>,
}

impl Generation {
    fn is_running(&self) -> bool {
        self.status.get().is_none()
    }

    /// A reader for whoever asked for this: without what they have already.
    fn follow(&self) -> Reader {
        self.log.follow_past(self.base)
    }

    /// The caller has stored the reply.
    fn end(&self, terminal: &Chunk, status: MessageStatus) {
        // Set first: whoever sees the terminal chunk may send the next question.
        let _ = self.status.set(status);
        self.log.end(terminal);
        self.over.cancel();
    }
}

/// What a question comes with.
#[derive(Debug, Clone)]
pub struct Ask {
    /// Who asks.
    pub owner: Owner,
    /// Where.
    pub conversation: ConversationId,
    /// What the page can run.
    pub tools: Vec<ToolDefinition>,
    /// What the page wants the agent to know.
    pub context: Option<Json>,
    /// Under which origin the visitor reaches the relay.
    pub public_origin: String,
    /// Who answers.
    pub upstream: Arc<dyn Upstream>,
    /// What that is counted as: its name in the configuration, or [`API_AGENT`].
    ///
    /// [`API_AGENT`]: crate::metrics::API_AGENT
    pub agent: String,
    /// For the logs and for `error` chunks.
    pub request_id: String,
}

/// Why no reply can be followed.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// The message's id belongs to a message that says something else.
    #[error("this message id was used for another message")]
    Conflict,
    /// Another question of the conversation is being answered.
    #[error("a reply is running in this conversation; stop it first")]
    Busy,
    /// The relay is about to end.
    #[error("the relay is shutting down")]
    Closing,
    /// The task that begins replies broke.
    #[error("the reply could not be begun")]
    Broken,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

type Place = (Owner, ConversationId);

/// All replies that run, and the logs of those that are over.
#[derive(Debug, Clone)]
pub struct Generations {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    store: Store,
    limits: Limits,
    metrics: Metrics,
    current: Mutex<HashMap<Place, Arc<Generation>>>,
    locks: Vec<tokio::sync::Mutex<()>>,
    tasks: TaskTracker,
    is_closing: AtomicBool,
}

impl Generations {
    /// No replies yet.
    pub fn new(store: Store, limits: Limits, metrics: Metrics) -> Self {
        let locks = (0..LOCKS).map(|_| tokio::sync::Mutex::default()).collect();
        let shared = Shared {
            store,
            limits,
            metrics,
            current: Mutex::default(),
            locks,
            tasks: TaskTracker::new(),
            is_closing: AtomicBool::new(false),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Accepts a question once, and follows its reply from the start: the one
    /// that runs or has finished, or a new one.
    ///
    /// # Cancel safety
    /// Once begun, a reply is begun whether or not the caller waits for it.
    pub async fn submit(&self, ask: Ask, question: Question) -> Result<Reader, AskError> {
        let shared = Arc::clone(&self.shared);
        self.detached(async move { shared.submit(ask, question).await }).await
    }

    /// Follows a new reply in place of the one that the question has, or the
    /// one that is being made already.
    ///
    /// # Errors
    /// [`StoreError::Missing`] if the conversation has no such question.
    pub async fn regenerate(&self, ask: Ask, question: MessageId) -> Result<Reader, AskError> {
        let shared = Arc::clone(&self.shared);
        self.detached(async move { shared.regenerate(ask, question).await }).await
    }

    /// Lets the conversation's last reply go on with results of the page's
    /// tools, once for each set of results, and follows what is new of it.
    ///
    /// # Errors
    /// [`StoreError::Results`] if nothing waits for these results.
    pub async fn go_on(&self, ask: Ask, results: Results) -> Result<Reader, AskError> {
        let shared = Arc::clone(&self.shared);
        self.detached(async move { shared.go_on(ask, results).await }).await
    }

    /// A caller that goes away between the store and the task must not leave a
    /// reply that nobody writes.
    async fn detached(
        &self,
        work: impl Future<Output = Result<Reader, AskError>> + Send + 'static,
    ) -> Result<Reader, AskError> {
        match tokio::spawn(work).await {
            Ok(result) => result,
            Err(error) => {
                tracing::error!(%error, "the beginning of a reply panicked");
                Err(AskError::Broken)
            }
        }
    }

    /// Follows the conversation's reply after an event, or a running one from
    /// its start. `None` if nothing runs and nothing follows that event.
    pub async fn resume(
        &self,
        owner: &Owner,
        conversation: &ConversationId,
        last: Option<&EventId>,
    ) -> Result<Option<Reader>, StoreError> {
        let current = self.shared.current(&(owner.clone(), conversation.clone()));
        match (current, last) {
            (Some(current), Some(last)) if last.epoch == current.log.epoch() => {
                let is_all = last.seq >= current.log.len() && current.log.ended_at().is_some();
                Ok((!is_all).then(|| current.log.follow(last.seq)))
            }
            // An event of another log: all of this one.
            (Some(current), Some(_)) => Ok(Some(current.log.follow(0))),
            (Some(current), None) => Ok(current.is_running().then(|| current.log.follow(0))),
            // The log is gone. The reply is told under another epoch, by which
            // the caller sees that it has to read the conversation again.
            (None, Some(_)) => {
                let last_reply = self.shared.store.last_reply(owner, conversation).await?;
                Ok(last_reply.map(|(title, reply)| Shared::replay(conversation, title, &reply, 0)))
            }
            (None, None) => Ok(None),
        }
    }

    /// Ends the conversation's running reply with `abort`. What was said stays,
    /// and is stored when this returns.
    pub async fn stop(&self, owner: &Owner, conversation: &ConversationId) {
        if let Some(current) = self.shared.current(&(owner.clone(), conversation.clone())) {
            current.stop.cancel();
            // On time-out the reply still ends, only later.
            let _ = tokio::time::timeout(WAIT_FOR_STOP, current.over.cancelled()).await;
        }
    }

    /// Stops the conversation's reply, removes the conversation from the store
    /// and forgets its log.
    pub async fn delete(&self, owner: &Owner, conversation: &ConversationId) -> Result<(), StoreError> {
        let place = (owner.clone(), conversation.clone());
        let _lock = self.shared.lock(&place).await;
        if let Some(current) = self.shared.map().remove(&place) {
            current.stop.cancel();
        }
        self.shared.store.delete(owner, conversation).await
    }

    /// Stops the replies of a visitor and forgets their logs, whatever becomes of
    /// what is stored.
    pub fn forget(&self, owner: &Owner) {
        self.shared.map().retain(|(of, _), generation| {
            if of == owner {
                generation.stop.cancel();
            }
            of != owner
        });
    }

    /// Finds the replies of one visitor under another from now on, as the store
    /// does.
    pub fn adopt(&self, from: &Owner, to: &Owner) {
        let mut map = self.shared.map();
        let moved: Vec<Place> = map.keys().filter(|(of, _)| of == from).cloned().collect();
        for place in moved {
            if let Some(generation) = map.remove(&place) {
                map.entry((to.clone(), place.1)).or_insert(generation);
            }
        }
    }

    /// How many replies run.
    pub fn running(&self) -> usize {
        self.shared.map().values().filter(|generation| generation.is_running()).count()
    }

    /// Forgets logs that are old, and the oldest where there are too many.
    pub fn sweep(&self) {
        let mut map = self.shared.map();
        map.retain(|_, generation| {
            generation.log.ended_at().is_none_or(|ended_at| ended_at.elapsed() < LOG_RETENTION)
        });
        let mut ended: Vec<(Instant, usize, Place)> = map
            .iter()
            .filter_map(|(place, generation)| {
                Some((generation.log.ended_at()?, generation.log.size(), place.clone()))
            })
            .collect();
        let mut bytes: usize = ended.iter().map(|(_, size, _)| size).sum();
        if bytes <= MAX_ENDED_BYTES {
            return;
        }
        ended.sort_by_key(|(ended_at, ..)| *ended_at);
        for (_, size, place) in ended {
            if bytes <= MAX_ENDED_BYTES {
                break;
            }
            map.remove(&place);
            bytes -= size;
        }
    }

    /// Begins no more replies, waits for those that run, and after `grace`
    /// interrupts the rest: each gets its terminal chunk and is stored.
    pub async fn drain(&self, grace: Duration) {
        self.shared.is_closing.store(true, Ordering::SeqCst);
        self.shared.tasks.close();
        if tokio::time::timeout(grace, self.shared.tasks.wait()).await.is_ok() {
            return;
        }
        let running: Vec<_> = self.shared.map().values().filter(|one| one.is_running()).cloned().collect();
        tracing::warn!(replies = running.len(), "interrupting the replies that still run");
        for generation in running {
            generation.interrupt.cancel();
        }
        if tokio::time::timeout(WAIT_FOR_STORE, self.shared.tasks.wait()).await.is_err() {
            tracing::error!("some interrupted replies could not be stored in time");
        }
    }
}

impl Shared {
    fn map(&self) -> MutexGuard<'_, HashMap<Place, Arc<Generation>>> {
        // Every change under the lock is whole: a panic elsewhere spoils nothing.
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn current(&self, place: &Place) -> Option<Arc<Generation>> {
        self.map().get(place).cloned()
    }

    async fn lock(&self, place: &Place) -> Option<tokio::sync::MutexGuard<'_, ()>> {
        let mut hasher = DefaultHasher::new();
        place.hash(&mut hasher);
        let number = usize::try_from(hasher.finish() % LOCKS as u64).unwrap_or_default();
        // There is a lock for every number below `LOCKS`.
        Some(self.locks.get(number)?.lock().await)
    }

    async fn submit(self: &Arc<Self>, ask: Ask, question: Question) -> Result<Reader, AskError> {
        let place = (ask.owner.clone(), ask.conversation.clone());
        let _lock = self.lock_when_idle(&place, |other| other.question == question.id).await?;
        if let Some(current) = self.current(&place)
            && current.question == question.id
        {
            if current.question_hash != question.hash() {
                return Err(AskError::Conflict);
            }
            if matches!(current.status.get(), None | Some(MessageStatus::Done)) {
                return Ok(current.log.follow(0));
            }
        }
        let begun = self.store.begin(&ask.owner, &ask.conversation, question).await?;
        self.start(ask, begun)
    }

    async fn regenerate(self: &Arc<Self>, ask: Ask, question: MessageId) -> Result<Reader, AskError> {
        let place = (ask.owner.clone(), ask.conversation.clone());
        let _lock = self.lock_when_idle(&place, |other| other.question == question).await?;
        if let Some(current) = self.current(&place)
            && current.is_running()
        {
            return Ok(current.log.follow(0));
        }
        let begun = self.store.begin_again(&ask.owner, &ask.conversation, &question).await?;
        self.start(ask, begun)
    }

    async fn go_on(self: &Arc<Self>, ask: Ask, results: Results) -> Result<Reader, AskError> {
        let place = (ask.owner.clone(), ask.conversation.clone());
        let compare = |other: &Generation| match &other.answered {
            Some(answered) => results.compare(answered),
            None => Sameness::Elsewhere,
        };
        let _lock = self.lock_when_idle(&place, |other| compare(other) != Sameness::Elsewhere).await?;
        if let Some(current) = self.current(&place) {
            match (compare(&current), current.status.get()) {
                (Sameness::Other, None) => return Err(AskError::Conflict),
                (Sameness::Same, None) => return Ok(current.follow()),
                // Its log may be gone at the next look; the store knows it too, and
                // knows of calls that it has made since.
                _ => {}
            }
        }
        let begun = self.store.go_on(&ask.owner, &ask.conversation, &results).await?;
        self.start(ask, begun)
    }

    /// The conversation's lock, once no reply runs in it but perhaps one that is
    /// the caller's own.
    async fn lock_when_idle(
        &self,
        place: &Place,
        is_own: impl Fn(&Generation) -> bool,
    ) -> Result<Option<tokio::sync::MutexGuard<'_, ()>>, AskError> {
        let deadline = tokio::time::Instant::now() + WAIT_FOR_PREVIOUS;
        loop {
            if self.is_closing.load(Ordering::SeqCst) {
                return Err(AskError::Closing);
            }
            let lock = self.lock(place).await;
            match self.current(place) {
                Some(other) if other.is_running() && !is_own(&other) => {
                    drop(lock);
                    tokio::time::timeout_at(deadline, other.over.cancelled())
                        .await
                        .map_err(|_| AskError::Busy)?;
                }
                _ => return Ok(lock),
            }
        }
    }

    fn start(self: &Arc<Self>, ask: Ask, begun: Begun) -> Result<Reader, AskError> {
        let (key, title, history, question, goes_on) = match begun {
            Begun::Reply { key, title, history, question, goes_on } => {
                (key, title, history, question, goes_on)
            }
            Begun::Finished { title, reply, base } => {
                return Ok(Self::replay(&ask.conversation, title, &reply, base));
            }
            Begun::Conflict => return Err(AskError::Conflict),
        };
        let log = EventLog::new();
        let start = start_chunk(&ask.conversation, title, key.id());
        // Whoever comes to a reply that goes on without knowing its beginning is
        // told all of it.
        let before = goes_on.as_ref().map_or(&[][..], |goes_on| &goes_on.message.parts);
        for chunk in replay::replay(before, 0, start) {
            log.push(&chunk);
        }
        let generation = Arc::new(Generation {
            question: question.id.clone(),
            question_hash: question.hash().to_owned(),
            answered: goes_on.as_ref().map(|goes_on| goes_on.answered.clone()),
            base: if goes_on.is_some() { log.len() } else { 0 },
            log: Arc::new(log),
            request_id: ask.request_id,
            agent: ask.agent,
            began: Instant::now(),
            stop: CancellationToken::new(),
            interrupt: CancellationToken::new(),
            over: CancellationToken::new(),
            status: OnceLock::new(),
            key,
        });
        let reader = generation.follow();
        let (message, answers, reply) = match goes_on.map(|goes_on| *goes_on) {
            Some(GoesOn { message, answered, usage }) => {
                let reply = Reply::going_on(message.parts.clone(), usage);
                (message, answered.calls(), reply)
            }
            None => (question.message, Vec::new(), Reply::default()),
        };
        let mut turn = Turn {
            conversation: ask.conversation.clone(),
            visitor: ask.owner.visitor.clone(),
            history,
            message,
            answers,
            files: Vec::new(),
            tools: ask.tools,
            context: ask.context,
            knowledge: None,
            public_origin: ask.public_origin,
            memory: Memory::default(),
            request_id: generation.request_id.clone(),
        };
        self.map().insert((ask.owner, ask.conversation), Arc::clone(&generation));
        let shared = Arc::clone(self);
        let span = tracing::info_span!("reply", request_id = generation.request_id);
        let work = async move {
            let scope = ask.upstream.memory_scope();
            // What is waited for once has a place of its own, and gives it back: the
            // task lives as long as the reply.
            let memory = Box::pin(shared.memory(&generation.key, &scope)).await;
            turn.memory = memory.clone();
            if ask.upstream.features().attachments {
                turn.files = Box::pin(shared.files(&generation.key, &turn)).await;
            }
            // A stream that is made here may panic here, where it is caught.
            let chunks = futures_util::stream::once(async move { ask.upstream.reply(turn) });
            let chunks = Box::pin(futures_util::StreamExt::flatten(chunks));
            let kept = task::Kept { memory, scope };
            let (store, limits) = (shared.store.clone(), &shared.limits);
            task::run(&generation, chunks, reply, kept, store, limits, &shared.metrics).await;
        };
        self.tasks.spawn(work.instrument(span));
        Ok(reader)
    }

    /// What the provider calls the conversation, for providers that keep one.
    async fn memory(&self, reply: &ReplyKey, scope: &str) -> Memory {
        if scope.is_empty() {
            return Memory::default();
        }
        match self.store.provider_ids(reply, scope).await {
            Ok(ids) => Memory::new(ids),
            Err(error) => {
                tracing::warn!(%error, "the provider's ids could not be read; it starts a new conversation");
                Memory::default()
            }
        }
    }

    /// What the visitor sent along, the newest first as far as there is room.
    async fn files(&self, reply: &ReplyKey, turn: &Turn) -> Vec<Attachment> {
        let urls = attachment::addresses(turn.history.iter().chain([&turn.message]));
        match self.store.files_for(reply, &urls, attachment::MAX_TURN_BYTES).await {
            Ok(files) => {
                let attach = |file: FileBody| Attachment {
                    url: file.url,
                    name: file.name,
                    media_type: file.media_type,
                    body: file.body,
                };
                files.into_iter().map(attach).collect()
            }
            Err(error) => {
                tracing::warn!(%error, "the files of a turn could not be read; it goes without them");
                Vec::new()
            }
        }
    }

    /// A reader of a reply that is at rest, but for its first `base` parts.
    fn replay(conversation: &ConversationId, title: String, reply: &UiMessage, base: usize) -> Reader {
        let metadata = reply.metadata.clone().unwrap_or_default();
        let terminal = match metadata.status {
            Some(MessageStatus::Stopped) => Chunk::Abort { reason: None },
            Some(MessageStatus::Failed) => Chunk::error(ErrorCode::UpstreamError, "the reply failed"),
            Some(MessageStatus::Interrupted | MessageStatus::Streaming) => {
                Chunk::error(ErrorCode::Interrupted, "the reply broke off")
            }
            _ => {
                let usage =
                    metadata.usage.map(|usage| MessageMetadata { usage: Some(usage), ..Default::default() });
                let waits =
                    |part: &Part| matches!(part, Part::Tool { state, .. } if state == "input-available");
                let reason =
                    if reply.parts.iter().any(waits) { FinishReason::ToolCalls } else { FinishReason::Stop };
                Chunk::Finish { reason, metadata: usage }
            }
        };
        let start = start_chunk(conversation, title, &reply.id);
        let mut chunks = replay::replay(&reply.parts, base, start);
        chunks.push(terminal);
        Arc::new(EventLog::of(&chunks)).follow(0)
    }
}

fn start_chunk(conversation: &ConversationId, title: String, reply: &str) -> Chunk {
    let metadata = MessageMetadata {
        conversation_id: Some(conversation.clone()),
        title: Some(title),
        ..MessageMetadata::default()
    };
    Chunk::Start { message_id: Some(reply.to_owned()), metadata: Some(metadata) }
}
