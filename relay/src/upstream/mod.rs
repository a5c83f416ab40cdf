//! What answers: one file (or folder) per provider, all behind [`Upstream`].
//!
//! An upstream turns a [`Turn`] into a stream of protocol chunks. It knows
//! nothing of HTTP requests from browsers, of tokens, or of the store.

use std::fmt::Debug;
use std::pin::Pin;

use chinwag_protocol::{Chunk, ConversationId, Features, Json, ToolDefinition, UiMessage};
use futures_util::Stream;

pub mod docs;

/// One question to an agent, with all that it may need to answer.
#[derive(Debug, Clone)]
pub struct Turn {
    /// The conversation, as our store names it.
    pub conversation: ConversationId,
    /// The visitor, as our store names them; stable, never an address or name.
    pub visitor: String,
    /// The transcript before the question, oldest first.
    pub history: Vec<UiMessage>,
    /// The question.
    pub message: UiMessage,
    /// What the page can run.
    pub tools: Vec<ToolDefinition>,
    /// What the page wants the agent to know.
    pub context: Option<Json>,
    /// Scheme, host and port under which the visitor reaches this relay,
    /// without a slash at the end: sources that the relay serves start with it.
    pub public_origin: String,
}

/// The chunks of one reply, without `start`: the generation adds it, and makes
/// sure that exactly one terminal chunk ends the reply. Dropping the stream
/// cancels the reply at the provider.
pub type ChunkStream = Pin<Box<dyn Stream<Item = Chunk> + Send>>;

/// A provider, set up with its key and agent.
pub trait Upstream: Debug + Send + Sync {
    /// What it can do; the widget shows only that.
    fn features(&self) -> Features;

    /// Whether it can answer yet. `/readyz` waits for it.
    fn is_ready(&self) -> bool {
        true
    }

    /// Begins a reply. Nothing happens until the stream is polled.
    fn reply(&self, turn: Turn) -> ChunkStream;
}
