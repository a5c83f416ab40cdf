//! What answers: one file (or folder) per provider, all behind [`Upstream`].
//!
//! An upstream turns a [`Turn`] into a stream of protocol chunks. It knows
//! nothing of HTTP requests from browsers, of tokens, or of the store.

use std::fmt::Debug;
use std::pin::Pin;
use std::sync::Arc;

use chinwag_protocol::{
    Chunk, ConversationId, ConversationState, Features, Feedback, Json, Part, ToolDefinition, UiMessage,
};
use futures_util::Stream;

use crate::config::{Limits, Provider};

pub mod ai_sdk;
pub mod attachment;
pub mod capability;
pub mod chatbase_v1;
pub mod chatbase_v2;
pub mod chatbotkit;
pub mod chatsby;
pub mod decode;
pub mod docs;
pub mod failure;
pub mod history;
pub mod http;
pub mod memory;
mod openai;
pub mod openai_chat;
pub mod openai_responses;
pub mod source;

pub use attachment::Attachment;
pub use capability::{Capabilities, Support};
pub use failure::UpstreamFailure;
pub use memory::{Learned, Memory, ProviderIds};

use self::ai_sdk::AiSdk;
use self::chatbase_v1::ChatbaseV1;
use self::chatbase_v2::ChatbaseV2;
use self::chatbotkit::ChatBotKit;
use self::chatsby::Chatsby;
use self::docs::{DocsAgent, DocsError};
use self::http::HttpError;
use self::openai_chat::OpenAiChat;
use self::openai_responses::OpenAiResponses;

/// One question to an agent, with all that it may need to answer.
#[derive(Debug, Clone)]
pub struct Turn {
    /// The conversation, as our store names it.
    pub conversation: ConversationId,
    /// The visitor, as our store names them; stable, never an address or name.
    pub visitor: String,
    /// The transcript before the question, oldest first.
    pub history: Vec<UiMessage>,
    /// The question; or the reply so far, if it goes on with results of the
    /// page's tools.
    pub message: UiMessage,
    /// The calls in `message` that are answered with this turn. Others in it
    /// were answered before.
    pub answers: Vec<String>,
    /// The visitor's files in all these messages, as far as they are at hand.
    pub files: Vec<Attachment>,
    /// What the page can run.
    pub tools: Vec<ToolDefinition>,
    /// What the page wants the agent to know.
    pub context: Option<Json>,
    /// Passages of the agent's sources that may answer the question, as a model
    /// reads them.
    pub knowledge: Option<String>,
    /// Scheme, host and port under which the visitor reaches this relay,
    /// without a slash at the end: sources that the relay serves start with it.
    pub public_origin: String,
    /// The provider's own ids for this conversation, before and after.
    pub memory: Memory,
    /// Our id of the visitor's request, for the log.
    pub request_id: String,
}

impl Turn {
    /// The file at an address that a message names.
    pub fn file(&self, url: &str) -> Option<&Attachment> {
        self.files.iter().find(|file| file.url == url)
    }

    /// The calls that this turn answers, with what the page's tools said.
    pub fn results(&self) -> impl Iterator<Item = (&str, ToolAnswer<'_>)> {
        self.message.parts.iter().filter_map(|part| {
            let Part::Tool { tool_call_id, output, error_text, .. } = part else { return None };
            let answer = match (output, error_text) {
                (Some(output), _) => Ok(output),
                (None, Some(error)) => Err(error.as_str()),
                (None, None) => return None,
            };
            self.answers.contains(tool_call_id).then_some((tool_call_id.as_str(), answer))
        })
    }
}

/// What a tool answered, or why it failed.
pub type ToolAnswer<'t> = Result<&'t Json, &'t str>;

/// The chunks of one reply, without `start`: the generation adds it, and makes
/// sure that exactly one terminal chunk ends the reply. Dropping the stream
/// cancels the reply at the provider.
pub type ChunkStream = Pin<Box<dyn Stream<Item = Chunk> + Send>>;

/// What a provider does beside replying, as a future.
pub type Task<'u, T> = Pin<Box<dyn Future<Output = Result<T, UpstreamFailure>> + Send + 'u>>;

/// A rating, for providers that take one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rating {
    /// The conversation, as the provider names it.
    pub conversation: String,
    /// The reply, as the provider names it.
    pub reply: String,
    /// The rating; `None` takes one back.
    pub value: Option<Feedback>,
    /// Why.
    pub reason: Option<String>,
    /// Our id of the visitor's request, for the log.
    pub request_id: String,
}

/// What a provider keeps of a conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct Transcript {
    /// Who answers in it.
    pub state: ConversationState,
    /// Its newest messages under the provider's ids, oldest first.
    pub messages: Vec<UiMessage>,
}

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

    /// Names provider and account side of the ids that it keeps: ids of another
    /// scope are not given to it. Empty if it keeps none.
    fn memory_scope(&self) -> String {
        String::new()
    }

    /// Tells the provider how a reply was rated, where it wants to know. The
    /// relay has stored it already.
    fn rate(&self, rating: Rating) -> Task<'_, ()> {
        drop(rating);
        Box::pin(async { Ok(()) })
    }

    /// Reads what the provider keeps of a conversation, by its own id. `None` if
    /// it keeps nothing that can be told apart from what the relay has.
    fn read(&self, conversation: &str, request_id: &str) -> Task<'_, Option<Transcript>> {
        let _ = (conversation, request_id);
        Box::pin(async { Ok(None) })
    }

    /// Makes the cheapest call that shows whether key, plan and agent id work,
    /// and says what was found, each fact in a few words.
    fn check(&self) -> Task<'_, Vec<String>> {
        Box::pin(async { Ok(Vec::new()) })
    }
}

/// Why an agent cannot be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A docs agent.
    #[error(transparent)]
    Docs(#[from] DocsError),
    /// An agent of a provider over HTTP.
    #[error(transparent)]
    Http(#[from] HttpError),
}

/// An agent that was set up.
#[derive(Debug, Clone)]
pub struct Built {
    /// The agent.
    pub upstream: Arc<dyn Upstream>,
    /// The same as a docs agent, if it is one: the relay serves its documents.
    pub docs: Option<Arc<DocsAgent>>,
}

/// Sets up what is behind an agent. Nothing is sent yet.
pub fn build(agent: &str, provider: &Provider, limits: &Limits) -> Result<Built, BuildError> {
    let upstream: Arc<dyn Upstream> = match provider {
        Provider::Docs(docs) => {
            let docs = DocsAgent::start(agent, docs.path.clone())?;
            return Ok(Built { upstream: docs.clone(), docs: Some(docs) });
        }
        Provider::ChatbaseV2(settings) => Arc::new(ChatbaseV2::new(agent, settings, limits)?),
        Provider::ChatbaseV1(settings) => Arc::new(ChatbaseV1::new(agent, settings, limits)?),
        Provider::Chatsby(settings) => Arc::new(Chatsby::new(agent, settings, limits)?),
        Provider::ChatBotKit(settings) => Arc::new(ChatBotKit::new(agent, settings, limits)?),
        Provider::OpenAiChat(settings) => Arc::new(OpenAiChat::new(agent, settings, limits)?),
        Provider::OpenAiResponses(settings) => Arc::new(OpenAiResponses::new(agent, settings, limits)?),
        Provider::AiSdk(settings) => Arc::new(AiSdk::new(agent, settings, limits)?),
    };
    Ok(Built { upstream, docs: None })
}

/// What the docs agent can do: it quotes, keeps nothing, and calls nobody.
const DOCS: Capabilities = Capabilities { sources: Support::Provider, ..Capabilities::BASE };

/// Every provider by its name in the configuration, its title in the
/// documentation, and what it can do.
pub const CATALOGUE: &[(&str, &str, Capabilities)] = &[
    ("docs", "Docs agent", DOCS),
    ("chatbase-v2", "Chatbase, API v2", chatbase_v2::CAPABILITIES),
    ("chatbase-v1", "Chatbase, API v1", chatbase_v1::CAPABILITIES),
    ("chatsby", "Chatsby", chatsby::CAPABILITIES),
    ("chatbotkit", "ChatBotKit", chatbotkit::CAPABILITIES),
    ("openai-chat", "OpenAI Chat Completions", openai_chat::CAPABILITIES),
    ("openai-responses", "OpenAI Responses", openai_responses::CAPABILITIES),
    ("ai-sdk", "AI SDK", ai_sdk::CAPABILITIES),
];
