//! Replies that wait for the page's tools.
//!
//! ChatBotKit calls a tool in the midst of a stream, and waits there for the
//! answer. The relay's replies end with the call, and the answer comes with the
//! next request. So the stream is kept aside between the two.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use chinwag_protocol::Chunk;
use futures_util::stream;
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::decode::Waiting;
use crate::upstream::ChunkStream;
use crate::upstream::decode::Decoder;
use crate::upstream::failure::UpstreamFailure;
use crate::upstream::http::{Answer, SIGN_OF_LIFE};

/// How long a stream is kept: a tool that takes longer has been left.
const PATIENCE: Duration = Duration::from_mins(2);

/// Most streams that are kept aside; the oldest makes room.
const MAX_PARKED: usize = 64;

/// Pieces that are read ahead while nobody takes them.
const AHEAD: usize = 64;

/// The pieces of an answer. They are read by a task of their own, so that the
/// provider's heartbeats are taken while the stream is kept aside. Dropped, they
/// close the connection.
#[derive(Debug)]
pub(super) struct Pieces(mpsc::Receiver<Result<Bytes, UpstreamFailure>>);

impl Pieces {
    pub(super) fn of(mut answer: Answer) -> Self {
        let (sender, receiver) = mpsc::channel(AHEAD);
        tokio::spawn(async move {
            loop {
                let piece = tokio::select! {
                    biased;
                    () = sender.closed() => return,
                    piece = answer.next() => piece,
                };
                let Some(piece) = piece.transpose() else { return };
                let is_last = piece.is_err();
                if sender.send(piece).await.is_err() || is_last {
                    return;
                }
            }
        });
        Self(receiver)
    }
}

/// A stream that is kept aside, by the channel that the bot waits at.
struct Kept {
    channel: String,
    pieces: Pieces,
    decoder: Waiting,
}

/// The streams of one agent that are kept aside, oldest first.
#[derive(Default)]
pub(super) struct Parked {
    kept: Mutex<VecDeque<Kept>>,
}

impl fmt::Debug for Parked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parked").field("kept", &self.lock().len()).finish()
    }
}

impl Parked {
    /// The stream that waits at that channel.
    pub(super) fn take(&self, channel: &str) -> Option<(Pieces, Waiting)> {
        let mut kept = self.lock();
        let place = kept.iter().position(|kept| kept.channel == channel)?;
        kept.remove(place).map(|kept| (kept.pieces, kept.decoder))
    }

    fn park(self: &Arc<Self>, channel: String, pieces: Pieces, decoder: Waiting) {
        let mut kept = self.lock();
        if kept.len() >= MAX_PARKED {
            kept.pop_front();
        }
        kept.push_back(Kept { channel: channel.clone(), pieces, decoder });
        drop(kept);
        let parked = Arc::downgrade(self);
        tokio::spawn(async move {
            sleep(PATIENCE).await;
            if let Some(parked) = parked.upgrade() {
                drop(parked.take(&channel));
            }
        });
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Kept>> {
        // Every change is one call: a panic elsewhere spoils nothing.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The chunks of a stream, up to its end or to a call of one of the page's
    /// tools; then it is kept aside here.
    pub(super) fn read(self: Arc<Self>, pieces: Pieces, waiting: Waiting) -> ChunkStream {
        let decoder = Decoder::new(waiting.clone());
        let state = (Some((pieces, decoder)), VecDeque::new());
        Box::pin(stream::unfold(state, move |(mut reading, mut ready)| {
            let (parked, waiting) = (Arc::clone(&self), waiting.clone());
            async move {
                loop {
                    if let Some(chunk) = ready.pop_front() {
                        return Some((chunk, (reading, ready)));
                    }
                    let (mut pieces, mut decoder) = reading.take()?;
                    ready.extend(match pieces.0.recv().await {
                        Some(Ok(bytes)) => decoder.feed(&bytes),
                        Some(Err(failure)) => decoder.break_off(&failure),
                        None => decoder.finish(),
                    });
                    if decoder.is_ended() {
                        if let Some(channel) = waiting.channel() {
                            parked.park(channel, pieces, waiting.clone());
                        }
                    } else {
                        reading = Some((pieces, decoder));
                        if ready.is_empty() {
                            ready.push_back(Chunk::Unknown { kind: SIGN_OF_LIFE.to_owned() });
                        }
                    }
                }
            }
        }))
    }
}
