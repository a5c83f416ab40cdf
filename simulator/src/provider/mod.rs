//! The providers, one file each: what they answer, and how they refuse.

use std::fmt::Debug;

use crate::answer::Answer;
use crate::script::Switches;
use crate::server::Recorded;

mod ai_sdk;
mod chatbase_v1;
mod chatbase_v2;
mod chatbotkit;
mod chatsby;
mod openai_chat;
mod openai_responses;

/// Which provider is simulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// Chatbase, API v2.
    ChatbaseV2,
    /// Chatbase, API v1.
    ChatbaseV1,
    /// Chatsby.
    Chatsby,
    /// ChatBotKit.
    ChatBotKit,
    /// OpenAI Chat Completions.
    OpenAiChat,
    /// OpenAI Responses.
    OpenAiResponses,
    /// An endpoint of the AI SDK.
    AiSdk,
}

impl Kind {
    /// Every provider.
    pub const ALL: &[Self] = &[
        Self::ChatbaseV2,
        Self::ChatbaseV1,
        Self::Chatsby,
        Self::ChatBotKit,
        Self::OpenAiChat,
        Self::OpenAiResponses,
        Self::AiSdk,
    ];

    /// Its name, as the relay's configuration has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::ChatbaseV2 => "chatbase-v2",
            Self::ChatbaseV1 => "chatbase-v1",
            Self::Chatsby => "chatsby",
            Self::ChatBotKit => "chatbotkit",
            Self::OpenAiChat => "openai-chat",
            Self::OpenAiResponses => "openai-responses",
            Self::AiSdk => "ai-sdk",
        }
    }

    /// The provider of that name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }

    /// What stands in `base_url` after the port.
    pub(crate) fn base_path(self) -> &'static str {
        match self {
            Self::ChatbaseV2 => "/api/v2",
            Self::ChatbaseV1 => "/api/v1",
            Self::Chatsby | Self::ChatBotKit | Self::OpenAiChat | Self::OpenAiResponses => "/v1",
            Self::AiSdk => "/api/chat",
        }
    }

    pub(crate) fn provider(self) -> Box<dyn Provider> {
        match self {
            Self::ChatbaseV2 => Box::new(chatbase_v2::ChatbaseV2::default()),
            Self::ChatbaseV1 => Box::new(chatbase_v1::ChatbaseV1::default()),
            Self::Chatsby => Box::new(chatsby::Chatsby::default()),
            Self::ChatBotKit => Box::new(chatbotkit::ChatBotKit::default()),
            Self::OpenAiChat => Box::new(openai_chat::OpenAiChat),
            Self::OpenAiResponses => Box::new(openai_responses::OpenAiResponses::default()),
            Self::AiSdk => Box::new(ai_sdk::AiSdk),
        }
    }
}

/// Why a provider refuses a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The key is missing or another.
    WrongKey,
    /// Too many requests.
    TooMany,
    /// The budget is used up.
    NoCredit,
    /// That status, with the provider's words for it.
    Status(u16),
    /// The key is refused, and repeated.
    WithKey,
}

/// One provider. It may keep conversations, behind a lock of its own.
pub(crate) trait Provider: Debug + Send + Sync {
    /// Whether a request to that path needs a key.
    fn needs_key(&self, _request: &Recorded) -> bool {
        true
    }

    /// What it answers.
    fn answer(&self, request: &Recorded, switches: &Switches) -> Answer;

    /// How it refuses.
    fn refuse(&self, refused: Refused, request: &Recorded) -> Answer;
}
