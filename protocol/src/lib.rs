//! The wire between the widget and the relay: request and answer types,
//! stream chunks, server-sent events, and the limits both sides hold to.
//!
//! This room owns *shapes*. It performs no I/O, keeps no clock and depends on
//! serde alone, so that it builds for the host and for `wasm32` alike. Decoders
//! of what comes from outside never panic: they return a typed error or cap.

pub mod chat;
pub mod chunk;
pub mod conversation;
pub mod error;
pub mod fields;
pub mod file;
pub mod id;
pub mod json;
pub mod limits;
pub mod message;
pub mod object;
pub mod sse;
pub mod token;

pub use chat::{ChatRequest, ToolDefinition, Trigger};
pub use chunk::{Chunk, ChunkError, FinishReason};
pub use conversation::{Conversation, ConversationState, Page, Pagination};
pub use error::{ErrorBody, ErrorCode, ErrorData, ErrorEnvelope};
pub use fields::{FieldError, Fields, FromFields};
pub use file::{FileLimits, StoredFile};
pub use id::{ConversationId, EventId, IdError, MessageId, SiteKey};
pub use json::Json;
pub use message::{Feedback, MessageMetadata, MessageStatus, Part, Role, UiMessage, Usage};
pub use object::ObjectWriter;
pub use token::{AgentCard, Features, TokenAnswer, TokenRequest};
