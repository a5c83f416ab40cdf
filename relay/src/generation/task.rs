//! The task that writes one reply: from an upstream's chunks to the log, with
//! checkpoints in the store, to exactly one terminal chunk.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::time::Duration;

use chinwag_protocol::{Chunk, ConversationState, ErrorCode, ErrorData, FinishReason, MessageStatus, Part};
use futures_util::{FutureExt as _, StreamExt as _};
use tokio::time::Instant;

use super::Generation;
use super::reply::{Reply, Room};
use crate::config::Limits;
use crate::metrics::Metrics;
use crate::store::{ReplyEnd, Store, StoreError};
use crate::upstream::{ChunkStream, Memory};

/// How long new text may be in memory alone. Under the promised 250 ms, so that
/// the write has time as well.
const CHECKPOINT_AFTER: Duration = Duration::from_millis(200);

/// Largest log of one reply, in bytes (4 MiB): text is bounded by
/// `MAX_REPLY_BYTES`, but a reply of one-letter chunks or of endless sources
/// is not.
const MAX_LOG_BYTES: usize = 4 * 1024 * 1024;

/// How a reply ended: the chunk that says so, and what the store keeps.
struct Ending {
    terminal: Chunk,
    status: MessageStatus,
}

impl Ending {
    fn error(code: ErrorCode, text: &str) -> Self {
        let status =
            if code == ErrorCode::Interrupted { MessageStatus::Interrupted } else { MessageStatus::Failed };
        Self { terminal: Chunk::error(code, text), status }
    }
}

/// What the provider calls the conversation and the reply, and for whom that is
/// good.
pub(super) struct Kept {
    pub(super) memory: Memory,
    pub(super) scope: String,
}

/// Writes the reply to its end. Whatever happens, the log gets one terminal
/// chunk, and the store knows the reply's end before any reader does.
pub(super) async fn run(
    generation: &Generation,
    chunks: ChunkStream,
    mut reply: Reply,
    kept: Kept,
    store: Store,
    limits: &Limits,
    metrics: &Metrics,
) {
    if generation.answered.is_some() {
        reply.take(Chunk::StartStep, |chunk| generation.log.push(chunk));
    }
    // Futures on the heap have their own size, and not that of all that comes after
    // them: this one is there for as long as the reply runs.
    let driven = Box::pin(drive(generation, chunks, &store, limits, metrics, &mut reply));
    let driven = AssertUnwindSafe(driven).catch_unwind().await;
    let mut ending = driven.unwrap_or_else(|_| {
        tracing::error!(request_id = %generation.request_id, "the task of a reply panicked");
        Ending::error(ErrorCode::Internal, "the reply failed inside the relay")
    });
    reply.close(|chunk| generation.log.push(chunk));
    if let Chunk::Error { data: Some(data), .. } = &mut ending.terminal {
        data.request_id = Some(generation.request_id.clone());
        tracing::warn!(request_id = %generation.request_id, code = data.code.as_str(), "a reply failed");
    }
    if !kept.scope.is_empty() {
        let is_done = ending.status == MessageStatus::Done;
        let learned = kept.memory.learned();
        let stored = Box::pin(store.remember(&generation.key, &kept.scope, &learned, is_done)).await;
        if let Err(error) = stored {
            tracing::warn!(request_id = %generation.request_id, %error, "the provider's ids are not stored");
        }
    }
    // An agent that answers without a word about it answers.
    let answers = (ending.status == MessageStatus::Done).then(ConversationState::default);
    let end = ReplyEnd {
        status: ending.status,
        usage: reply.usage(),
        is_unread: generation.log.readers() == 0,
        state: reply.state().or(answers),
    };
    if let Err(error) = Box::pin(store.finish(&generation.key, &reply.parts(), end)).await {
        tracing::error!(request_id = %generation.request_id, %error, "a reply could not be stored");
        // A reply that is not stored has not finished: Retry makes it again.
        ending = Ending::error(ErrorCode::Internal, "the reply could not be stored");
        if let Chunk::Error { data: Some(data), .. } = &mut ending.terminal {
            data.request_id = Some(generation.request_id.clone());
        }
    }
    let (agent, after) = (&generation.agent, generation.began.elapsed());
    metrics.over(agent, &ending.terminal, ending.status, reply.usage_of_round(), after);
    generation.end(&ending.terminal, ending.status);
}

type Saving = Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send>>;

async fn drive(
    generation: &Generation,
    mut chunks: ChunkStream,
    store: &Store,
    limits: &Limits,
    metrics: &Metrics,
    reply: &mut Reply,
) -> Ending {
    let whole = Instant::now() + limits.reply_timeout;
    // The upstream's own time-outs are the same and say more; this one holds
    // for an upstream that has none.
    let mut silence = Instant::now() + limits.first_byte_timeout + PATIENCE;
    let mut save_at: Option<Instant> = None;
    let mut saving: Option<Saving> = None;
    let mut has_text = false;
    let ending = loop {
        tokio::select! {
            biased;
            () = generation.stop.cancelled() => {
                break Ending { terminal: Chunk::Abort { reason: None }, status: MessageStatus::Stopped };
            }
            () = generation.interrupt.cancelled() => {
                break Ending::error(ErrorCode::Interrupted, "the relay was stopped");
            }
            () = tokio::time::sleep_until(whole.min(silence)) => {
                break Ending::error(ErrorCode::UpstreamTimeout, "the agent did not answer in time");
            }
            saved = poll(&mut saving), if saving.is_some() => {
                saving = None;
                if let Err(error) = saved {
                    tracing::warn!(request_id = %generation.request_id, %error, "a checkpoint failed");
                }
            }
            () = sleep_until(save_at), if save_at.is_some() && saving.is_none() => {
                save_at = None;
                saving = Some(save(generation, store, reply.parts()));
            }
            next = chunks.next() => {
                silence = Instant::now() + limits.chunk_timeout + PATIENCE;
                let Some(chunk) = next else {
                    break Ending::error(ErrorCode::Interrupted, "the agent's answer broke off");
                };
                if chunk.is_terminal() {
                    break end(chunk, reply);
                }
                if !has_text && matches!(chunk, Chunk::TextDelta { .. }) {
                    has_text = true;
                    metrics.first_token(&generation.agent, generation.began.elapsed());
                }
                let room = reply.take(chunk, |chunk| generation.log.push(chunk));
                if room == Room::Full || generation.log.size() > MAX_LOG_BYTES {
                    let terminal = Chunk::Finish { reason: FinishReason::Length, metadata: None };
                    break Ending { terminal, status: MessageStatus::Done };
                }
                save_at.get_or_insert_with(|| Instant::now() + CHECKPOINT_AFTER);
                // A stream that always has a chunk ready must not keep the
                // thread to itself.
                tokio::task::coop::consume_budget().await;
            }
        }
    };
    // The provider's connection goes first, whatever the database does.
    drop(chunks);
    if let Some(saving) = saving
        && let Err(error) = saving.await
    {
        tracing::warn!(request_id = %generation.request_id, %error, "a checkpoint failed");
    }
    ending
}

/// What an upstream gets beyond the limits that it keeps itself.
const PATIENCE: Duration = Duration::from_secs(5);

fn save(generation: &Generation, store: &Store, parts: Vec<Part>) -> Saving {
    let (store, key) = (store.clone(), generation.key.clone());
    Box::pin(async move { store.checkpoint(&key, &parts).await })
}

async fn poll(saving: &mut Option<Saving>) -> Result<(), StoreError> {
    match saving {
        Some(saving) => saving.await,
        None => Ok(()),
    }
}

async fn sleep_until(time: Option<Instant>) {
    if let Some(time) = time {
        tokio::time::sleep_until(time).await;
    }
}

/// An upstream's terminal chunk as readers may see it.
fn end(terminal: Chunk, reply: &mut Reply) -> Ending {
    match terminal {
        Chunk::Finish { reason, metadata } => {
            if let Some(metadata) = &metadata {
                reply.note(metadata);
            }
            let status =
                if reason == FinishReason::Error { MessageStatus::Failed } else { MessageStatus::Done };
            Ending { terminal: Chunk::Finish { reason, metadata }, status }
        }
        Chunk::Error { text, data: Some(data) } => {
            let status = match data.code {
                ErrorCode::Interrupted => MessageStatus::Interrupted,
                _ => MessageStatus::Failed,
            };
            let data = ErrorData { request_id: None, ..data };
            Ending { terminal: Chunk::Error { text, data: Some(data) }, status }
        }
        // Without a code it is a foreign text, and may hold anything.
        Chunk::Error { data: None, .. } => Ending::error(ErrorCode::UpstreamError, "the agent failed"),
        terminal => Ending { terminal, status: MessageStatus::Stopped },
    }
}
