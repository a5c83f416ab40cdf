//! The chat request, as the AI SDK's default transport sends it.

use serde::{Deserialize, Serialize};

use crate::id::{ConversationId, MessageId};
use crate::json::Json;
use crate::message::UiMessage;

/// Body of `POST /v1/chat`. Unknown fields are ignored: clients of the AI SDK
/// add their own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChatRequest {
    /// The conversation, named by the client before its first send.
    pub id: ConversationId,
    /// The transcript as the client has it. Only the last message counts.
    pub messages: Vec<UiMessage>,
    /// What is asked for.
    #[serde(default)]
    pub trigger: Trigger,
    /// With `regenerate-message`: the reply to make anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<MessageId>,
    /// What the page can run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<ToolDefinition>,
    /// What the page wants the agent to know; at most 4 KB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<Json>,
}

/// What a chat request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trigger {
    /// An answer to the last message.
    #[default]
    SubmitMessage,
    /// Another answer in place of one that is there.
    RegenerateMessage,
}

/// A tool that the page can run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolDefinition {
    /// Its name.
    pub name: String,
    /// What it does, for the model.
    #[serde(default)]
    pub description: String,
    /// JSON Schema of its input.
    pub parameters: Json,
}
