//! Messages of a transcript: the AI SDK's `UIMessage`.

use serde::{Deserialize, Serialize};

use crate::conversation::ConversationState;
use crate::fields::{FieldError, Fields, FromFields, Reader};
use crate::id::ConversationId;
use crate::json::Json;

/// One message of a transcript.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UiMessage {
    /// The message's id. Foreign clients choose their own, so this stays text
    /// until somebody needs it as a [`crate::MessageId`].
    pub id: String,
    /// Who wrote it.
    pub role: Role,
    /// What it is made of, in order.
    #[serde(default)]
    pub parts: Vec<Part>,
    /// What is known about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<MessageMetadata>,
}

impl UiMessage {
    /// The text parts, joined by blank lines.
    pub fn text(&self) -> String {
        let mut out = String::new();
        for part in &self.parts {
            if let Part::Text { text } = part {
                if !out.is_empty() {
                    out.push_str("\n\n");
                }
                out.push_str(text);
            }
        }
        out
    }
}

/// Who wrote a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The visitor.
    User,
    /// The agent.
    Assistant,
    /// Neither; never shown.
    System,
}

/// One part of a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "FlatPart", into = "FlatPart")]
pub enum Part {
    /// Markdown.
    Text {
        /// The text.
        text: String,
    },
    /// What the model thought; folded.
    Reasoning {
        /// The text.
        text: String,
    },
    /// A cited page.
    SourceUrl {
        /// Names it within the message.
        source_id: String,
        /// Where it is.
        url: String,
        /// What it is called.
        title: Option<String>,
    },
    /// A cited document without an address.
    SourceDocument {
        /// Names it within the message.
        source_id: String,
        /// Its media type.
        media_type: String,
        /// What it is called.
        title: String,
    },
    /// An attachment.
    File {
        /// Where it is.
        url: String,
        /// Its media type.
        media_type: String,
        /// What it is called.
        filename: Option<String>,
    },
    /// A tool call and how far it got.
    Tool {
        /// Names the call.
        tool_call_id: String,
        /// Names the tool.
        tool_name: String,
        /// `input-streaming`, `input-available`, `output-available`, `output-error`.
        state: String,
        /// What it was called with.
        input: Option<Json>,
        /// What it answered.
        output: Option<Json>,
        /// Why it failed.
        error_text: Option<String>,
    },
    /// Follow-up questions.
    Suggestions {
        /// The questions.
        prompts: Vec<String>,
    },
    /// A part that is not known here; kept by name, never shown.
    Unknown {
        /// Its `type`.
        kind: String,
    },
}

/// Every field that any part has: one flat struct instead of a tagged enum,
/// so that members that a part does not know are no error.
#[derive(Default, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct FlatPart {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    source_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    media_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    filename: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tool_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    state: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    input: Option<Json>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    output: Option<Json>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error_text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    data: Option<Json>,
}

#[derive(Serialize)]
pub(crate) struct SuggestionsData {
    pub(crate) prompts: Vec<String>,
}

/// Where the members of a part come from: a struct that was decoded, or the
/// text itself.
trait Members {
    fn text(&mut self, name: &'static str) -> Option<String>;
    fn json(&mut self, name: &'static str) -> Option<Json>;
}

impl Members for FlatPart {
    fn text(&mut self, name: &'static str) -> Option<String> {
        match name {
            "text" => self.text.take(),
            "sourceId" => self.source_id.take(),
            "url" => self.url.take(),
            "title" => self.title.take(),
            "mediaType" => self.media_type.take(),
            "filename" => self.filename.take(),
            "toolCallId" => self.tool_call_id.take(),
            "toolName" => self.tool_name.take(),
            "state" => self.state.take(),
            "errorText" => self.error_text.take(),
            _ => None,
        }
    }

    fn json(&mut self, name: &'static str) -> Option<Json> {
        match name {
            "input" => self.input.take(),
            "output" => self.output.take(),
            "data" => self.data.take(),
            _ => None,
        }
    }
}

impl Members for Reader<'_> {
    fn text(&mut self, name: &'static str) -> Option<String> {
        self.maybe(name)
    }

    fn json(&mut self, name: &'static str) -> Option<Json> {
        Reader::json(self, name)
    }
}

impl From<FlatPart> for Part {
    fn from(mut flat: FlatPart) -> Self {
        Part::read(std::mem::take(&mut flat.kind), &mut flat)
    }
}

impl Part {
    fn read(kind: String, from: &mut impl Members) -> Self {
        let mut text = |name: &'static str| from.text(name).unwrap_or_default();
        match kind.as_str() {
            "text" => Part::Text { text: text("text") },
            "reasoning" => Part::Reasoning { text: text("text") },
            "source-url" => {
                Part::SourceUrl { source_id: text("sourceId"), url: text("url"), title: from.text("title") }
            }
            "source-document" => Part::SourceDocument {
                source_id: text("sourceId"),
                media_type: text("mediaType"),
                title: text("title"),
            },
            "file" => Part::File {
                url: text("url"),
                media_type: text("mediaType"),
                filename: from.text("filename"),
            },
            "data-suggestions" => {
                let data = from.json("data").and_then(|data| SuggestionsData::from_json(data.as_str()).ok());
                Part::Suggestions { prompts: data.map_or_else(Vec::new, |data| data.prompts) }
            }
            _ => {
                let static_name = kind.strip_prefix("tool-");
                if static_name.is_none() && kind != "dynamic-tool" {
                    return Part::Unknown { kind };
                }
                let tool_name = static_name.map_or_else(|| text("toolName"), str::to_owned);
                Part::Tool {
                    tool_call_id: text("toolCallId"),
                    tool_name,
                    state: text("state"),
                    input: from.json("input"),
                    output: from.json("output"),
                    error_text: from.text("errorText"),
                }
            }
        }
    }
}

impl From<Part> for FlatPart {
    fn from(part: Part) -> Self {
        let mut flat = FlatPart::default();
        match part {
            Part::Text { text } => {
                "text".clone_into(&mut flat.kind);
                flat.text = Some(text);
            }
            Part::Reasoning { text } => {
                "reasoning".clone_into(&mut flat.kind);
                flat.text = Some(text);
            }
            Part::SourceUrl { source_id, url, title } => {
                "source-url".clone_into(&mut flat.kind);
                flat.source_id = Some(source_id);
                flat.url = Some(url);
                flat.title = title;
            }
            Part::SourceDocument { source_id, media_type, title } => {
                "source-document".clone_into(&mut flat.kind);
                flat.source_id = Some(source_id);
                flat.media_type = Some(media_type);
                flat.title = Some(title);
            }
            Part::File { url, media_type, filename } => {
                "file".clone_into(&mut flat.kind);
                flat.url = Some(url);
                flat.media_type = Some(media_type);
                flat.filename = filename;
            }
            Part::Tool { tool_call_id, tool_name, state, input, output, error_text } => {
                "dynamic-tool".clone_into(&mut flat.kind);
                flat.tool_call_id = Some(tool_call_id);
                flat.tool_name = Some(tool_name);
                flat.state = Some(state);
                flat.input = input;
                flat.output = output;
                flat.error_text = error_text;
            }
            Part::Suggestions { prompts } => {
                "data-suggestions".clone_into(&mut flat.kind);
                flat.data = serde_json::to_string(&SuggestionsData { prompts })
                    .ok()
                    .and_then(|text| Json::parse(&text).ok());
            }
            Part::Unknown { kind } => flat.kind = kind,
        }
        flat
    }
}

/// What is known about a message beside its parts.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MessageMetadata {
    /// The conversation it belongs to; in `start` chunks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation_id: Option<ConversationId>,
    /// The conversation's title; in `start` chunks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// ISO 8601, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<String>,
    /// How it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<MessageStatus>,
    /// How the visitor rated it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feedback: Option<Feedback>,
    /// What it cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// Who answers in the conversation, if that changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<ConversationState>,
}

/// How a message ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MessageStatus {
    /// Whole.
    Done,
    /// With an error; what had arrived is kept.
    Failed,
    /// By the visitor's Stop.
    Stopped,
    /// By a fault of the relay; Retry helps.
    Interrupted,
    /// Still being written.
    Streaming,
    /// A status of a newer peer; treated as `Done`.
    #[serde(other)]
    Unknown,
}

/// How a visitor rated a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Feedback {
    /// Good.
    Positive,
    /// Bad.
    Negative,
}

/// Tokens used by a reply, as the provider counted them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Usage {
    /// Tokens read.
    pub input_tokens: u64,
    /// Tokens written.
    pub output_tokens: u64,
}

impl FromFields for UiMessage {
    fn from_fields(fields: &Fields<'_>) -> Result<Self, FieldError> {
        Ok(Self {
            id: fields.need_text("id")?,
            role: match fields.need_text("role")?.as_str() {
                "user" => Role::User,
                "assistant" => Role::Assistant,
                "system" => Role::System,
                _ => return Err(FieldError::Wrong("role")),
            },
            parts: fields.objects("parts")?,
            metadata: fields.object("metadata")?,
        })
    }
}

impl FromFields for Part {
    fn from_fields(fields: &Fields<'_>) -> Result<Self, FieldError> {
        let kind = fields.need_text("type")?;
        let mut reader = Reader::new(fields);
        let part = Part::read(kind, &mut reader);
        reader.finish().map(|()| part)
    }
}

impl FromFields for SuggestionsData {
    fn from_fields(fields: &Fields<'_>) -> Result<Self, FieldError> {
        Ok(Self { prompts: fields.texts("prompts")? })
    }
}

impl FromFields for MessageMetadata {
    fn from_fields(fields: &Fields<'_>) -> Result<Self, FieldError> {
        let conversation_id = fields.text("conversationId")?;
        Ok(Self {
            conversation_id: conversation_id.and_then(|id| ConversationId::parse(&id).ok()),
            title: fields.text("title")?,
            created_at: fields.text("createdAt")?,
            status: fields.text("status")?.as_deref().map(MessageStatus::from_wire),
            feedback: fields.text("feedback")?.as_deref().and_then(Feedback::from_wire),
            usage: fields.object("usage")?,
            state: fields.text("state")?.as_deref().map(ConversationState::from_wire),
        })
    }
}

impl MessageStatus {
    /// Reads a status; one of a newer peer is `Unknown`.
    pub fn from_wire(text: &str) -> Self {
        match text {
            "done" => Self::Done,
            "failed" => Self::Failed,
            "stopped" => Self::Stopped,
            "interrupted" => Self::Interrupted,
            "streaming" => Self::Streaming,
            _ => Self::Unknown,
        }
    }
}

impl Feedback {
    /// How the wire writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Positive => "positive",
            Self::Negative => "negative",
        }
    }

    /// Reads a rating; an unknown one is none.
    pub fn from_wire(text: &str) -> Option<Self> {
        match text {
            "positive" => Some(Self::Positive),
            "negative" => Some(Self::Negative),
            _ => None,
        }
    }
}

impl FromFields for Usage {
    fn from_fields(fields: &Fields<'_>) -> Result<Self, FieldError> {
        Ok(Self {
            input_tokens: fields.number("inputTokens")?.unwrap_or_default(),
            output_tokens: fields.number("outputTokens")?.unwrap_or_default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_read_what_they_write() {
        let parts = vec![
            Part::Text { text: "Hi".into() },
            Part::Reasoning { text: "hm".into() },
            Part::SourceUrl {
                source_id: "s1".into(),
                url: "https://a.example/".into(),
                title: Some("A".into()),
            },
            Part::SourceDocument {
                source_id: "s2".into(),
                media_type: "text/plain".into(),
                title: "B".into(),
            },
            Part::File { url: "/f".into(), media_type: "image/png".into(), filename: None },
            Part::Tool {
                tool_call_id: "c1".into(),
                tool_name: "look".into(),
                state: "output-available".into(),
                input: Json::parse("{\"a\":1}").ok(),
                output: Json::parse("[1,2]").ok(),
                error_text: None,
            },
            Part::Suggestions { prompts: vec!["More?".into()] },
            Part::Unknown { kind: "step-start".into() },
        ];
        let text = serde_json::to_string(&parts).unwrap();
        assert_eq!(serde_json::from_str::<Vec<Part>>(&text).unwrap(), parts);

        let metadata = MessageMetadata {
            conversation_id: ConversationId::parse("c").ok(),
            title: Some("T".into()),
            created_at: Some("2026-01-01T00:00:00Z".into()),
            status: Some(MessageStatus::Interrupted),
            feedback: Some(Feedback::Negative),
            usage: Some(Usage { input_tokens: 1, output_tokens: 2 }),
            state: Some(ConversationState::Paused),
        };
        let message = UiMessage { id: "m".into(), role: Role::Assistant, parts, metadata: Some(metadata) };
        let text = serde_json::to_string(&message).unwrap();
        assert_eq!(serde_json::from_str::<UiMessage>(&text).unwrap(), message, "as the relay reads it");
        assert_eq!(UiMessage::from_json(&text), Ok(message), "as the widget reads it");
    }

    #[test]
    fn a_static_tool_part_gets_its_name_from_its_type() {
        let part: Part =
            serde_json::from_str(r#"{"type":"tool-weather","toolCallId":"c","state":"input-available"}"#)
                .unwrap();
        assert!(matches!(part, Part::Tool { tool_name, .. } if tool_name == "weather"));
    }
}
