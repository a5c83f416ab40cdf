//! An agent that is paused: it says so, and nothing else.

use chinwag_protocol::{Chunk, ConversationState, Features, FinishReason, MessageMetadata};
use futures_util::stream;

use crate::upstream::{ChunkStream, Turn, Upstream};

/// In place of an agent that is paused; it can do what that one can.
#[derive(Debug)]
pub(super) struct Paused(pub(super) Features);

impl Upstream for Paused {
    fn features(&self) -> Features {
        self.0
    }

    fn reply(&self, turn: Turn) -> ChunkStream {
        drop(turn);
        let metadata =
            MessageMetadata { state: Some(ConversationState::Paused), ..MessageMetadata::default() };
        Box::pin(stream::iter([
            Chunk::MessageMetadata { metadata },
            Chunk::Finish { reason: FinishReason::Stop, metadata: None },
        ]))
    }
}
