//! Who answers in a conversation, told when the agent does not.
//!
//! A conversation that is paused or taken over by a person records what the
//! visitor says, and the agent stays silent: no fault, but nothing that a stream
//! tells. So a reply that says nothing leads to one look at the conversation.

use std::collections::VecDeque;

use chinwag_protocol::{Chunk, ConversationState, ErrorCode, MessageMetadata};
use futures_util::{StreamExt as _, stream};

use super::ChatbaseV2;
use crate::upstream::ChunkStream;
use crate::upstream::memory::Memory;

struct Telling {
    chunks: ChunkStream,
    look: Look,
    /// Whether the agent said or did anything.
    has_content: bool,
    ready: VecDeque<Chunk>,
}

/// How the conversation is looked at.
struct Look {
    upstream: ChatbaseV2,
    memory: Memory,
    request_id: String,
}

/// The chunks of a reply, with the conversation's state before the last one if
/// that explains it.
pub(super) fn tell(
    chunks: ChunkStream,
    upstream: ChatbaseV2,
    memory: Memory,
    request_id: String,
) -> ChunkStream {
    let look = Look { upstream, memory, request_id };
    let telling = Telling { chunks, look, has_content: false, ready: VecDeque::new() };
    Box::pin(stream::unfold(telling, |mut telling| async move {
        if let Some(chunk) = telling.ready.pop_front() {
            return Some((chunk, telling));
        }
        let chunk = telling.chunks.next().await?;
        telling.has_content |= is_content(&chunk);
        if !telling.is_unexplained(&chunk) {
            return Some((chunk, telling));
        }
        let Some(state) = telling.look.state().await else { return Some((chunk, telling)) };
        telling.ready.push_back(chunk);
        let metadata = MessageMetadata { state: Some(state), ..MessageMetadata::default() };
        Some((Chunk::MessageMetadata { metadata }, telling))
    }))
}

impl Telling {
    fn is_unexplained(&self, chunk: &Chunk) -> bool {
        match chunk {
            Chunk::Finish { .. } => !self.has_content,
            Chunk::Error { data: Some(data), .. } => data.code == ErrorCode::ConversationClosed,
            _ => false,
        }
    }
}

impl Look {
    /// The state, if it is another than usual and can be had.
    async fn state(&self) -> Option<ConversationState> {
        let learned = self.memory.learned().conversation;
        let conversation = learned.or_else(|| self.memory.before().conversation.clone())?;
        // Its failure has been logged, and the reply has its end without it.
        let found = self.upstream.conversation(&conversation, &self.request_id).await.ok()?;
        Some(found.state).filter(|&state| state != ConversationState::Ongoing)
    }
}

fn is_content(chunk: &Chunk) -> bool {
    matches!(
        chunk,
        Chunk::TextDelta { .. }
            | Chunk::ToolInputStart { .. }
            | Chunk::ToolInputAvailable { .. }
            | Chunk::ToolInputError { .. }
            | Chunk::ToolOutputAvailable { .. }
            | Chunk::ToolOutputError { .. }
    )
}
