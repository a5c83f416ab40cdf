//! A reply as a stream: opens the answer, feeds its bytes to the decoder, and
//! hands on the chunks. The same for every adapter.

use std::collections::VecDeque;
use std::pin::Pin;

use chinwag_protocol::Chunk;
use futures_util::stream;

use super::answer::Answer;
use crate::upstream::ChunkStream;
use crate::upstream::decode::{Decode, Decoder};
use crate::upstream::failure::UpstreamFailure;

/// The `type` of the chunk that stands for bytes without meaning (a heartbeat).
/// It is never shown: it tells the reply's task that the provider lives.
pub const SIGN_OF_LIFE: &str = "alive";

/// An answer that is about to be read, and how.
#[derive(Debug)]
pub struct Opened {
    answer: Answer,
    decoder: Decoder,
}

impl Opened {
    /// Reads that answer with this decoder.
    pub fn new(answer: Answer, decoder: impl Decode + 'static) -> Self {
        Self { answer, decoder: Decoder::new(decoder) }
    }
}

type Opening = Pin<Box<dyn Future<Output = Result<Opened, UpstreamFailure>> + Send>>;

enum State {
    Opening(Opening),
    Reading(Box<Opened>),
    Over,
}

/// The chunks of the answer that `opening` gives: as many calls as the provider
/// needs, the last of which is the reply. Nothing happens before the first
/// poll; dropping the stream drops the request, wherever it is.
pub fn drive(opening: impl Future<Output = Result<Opened, UpstreamFailure>> + Send + 'static) -> ChunkStream {
    let state = (State::Opening(Box::pin(opening)), VecDeque::new());
    Box::pin(stream::unfold(state, |(mut state, mut ready)| async move {
        loop {
            if let Some(chunk) = ready.pop_front() {
                return Some((chunk, (state, ready)));
            }
            state = match state {
                State::Opening(opening) => match opening.await {
                    Ok(opened) => State::Reading(Box::new(opened)),
                    Err(failure) => {
                        ready.push_back(failure.chunk());
                        State::Over
                    }
                },
                State::Reading(mut opened) => {
                    read(&mut opened, &mut ready).await;
                    // The connection goes as soon as the reply is whole.
                    if opened.decoder.is_ended() { State::Over } else { State::Reading(opened) }
                }
                State::Over => return None,
            };
        }
    }))
}

async fn read(opened: &mut Opened, ready: &mut VecDeque<Chunk>) {
    let chunks = match opened.answer.next().await {
        Ok(Some(bytes)) => opened.decoder.feed(&bytes),
        Ok(None) => opened.decoder.finish(),
        Err(failure) => opened.decoder.break_off(&failure),
    };
    if let Some(failure) = opened.decoder.failure() {
        opened.answer.log_failure(failure);
    }
    ready.extend(chunks);
    if ready.is_empty() {
        ready.push_back(Chunk::Unknown { kind: SIGN_OF_LIFE.to_owned() });
    }
}
