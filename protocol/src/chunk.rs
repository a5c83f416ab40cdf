//! The chunks of a reply: the AI SDK's UI message stream, version 1.
//!
//! A stream is any number of chunks and then exactly one terminal one
//! ([`Chunk::is_terminal`]); one that ends without it was interrupted.

use serde::Serialize;

use crate::error::{ErrorCode, ErrorData};
use crate::fields::{FieldError, Fields, FromFields, Reader};
use crate::json::Json;
use crate::message::{MessageMetadata, SuggestionsData};

/// One step of a reply.
#[derive(Debug, Clone, PartialEq)]
pub enum Chunk {
    /// The reply begins.
    Start {
        /// The reply's id.
        message_id: Option<String>,
        /// `conversationId`, `title`.
        metadata: Option<MessageMetadata>,
    },
    /// A step begins: one call of the model.
    StartStep,
    /// A step ends.
    FinishStep,
    /// A text block begins.
    TextStart {
        /// Names the block.
        id: String,
    },
    /// More of a text block.
    TextDelta {
        /// Names the block.
        id: String,
        /// What is added.
        delta: String,
    },
    /// A text block ends.
    TextEnd {
        /// Names the block.
        id: String,
    },
    /// A block of the model's thinking begins.
    ReasoningStart {
        /// Names the block.
        id: String,
    },
    /// More of it.
    ReasoningDelta {
        /// Names the block.
        id: String,
        /// What is added.
        delta: String,
    },
    /// It ends.
    ReasoningEnd {
        /// Names the block.
        id: String,
    },
    /// A tool call is being written.
    ToolInputStart {
        /// Names the call.
        tool_call_id: String,
        /// Names the tool.
        tool_name: String,
    },
    /// More of its input, as JSON text.
    ToolInputDelta {
        /// Names the call.
        tool_call_id: String,
        /// What is added.
        delta: String,
    },
    /// The input is whole.
    ToolInputAvailable {
        /// Names the call.
        tool_call_id: String,
        /// Names the tool.
        tool_name: String,
        /// The input.
        input: Json,
    },
    /// The input could not be read.
    ToolInputError {
        /// Names the call.
        tool_call_id: String,
        /// Names the tool.
        tool_name: String,
        /// The input as it came.
        input: Option<Json>,
        /// Why.
        error_text: String,
    },
    /// The tool answered.
    ToolOutputAvailable {
        /// Names the call.
        tool_call_id: String,
        /// Its answer.
        output: Json,
    },
    /// The tool failed.
    ToolOutputError {
        /// Names the call.
        tool_call_id: String,
        /// Why.
        error_text: String,
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
    /// A file made by the agent.
    File {
        /// Where it is.
        url: String,
        /// Its media type.
        media_type: String,
    },
    /// What the agent is doing now; transient.
    Status {
        /// A machine's word for it.
        phase: String,
        /// A person's.
        label: Option<String>,
    },
    /// Follow-up questions.
    Suggestions {
        /// The questions.
        prompts: Vec<String>,
    },
    /// Something became known about the reply.
    MessageMetadata {
        /// What.
        metadata: MessageMetadata,
    },
    /// Terminal: the reply is whole.
    Finish {
        /// Why it ended.
        reason: FinishReason,
        /// What is known about it.
        metadata: Option<MessageMetadata>,
    },
    /// Terminal: the reply failed; what had arrived stays.
    Error {
        /// A sentence for the developer.
        text: String,
        /// What clients switch on. Foreign streams have none.
        data: Option<ErrorData>,
    },
    /// Terminal: the reply was stopped; what was said stays.
    Abort {
        /// Why.
        reason: Option<String>,
    },
    /// Discard what the current step said. Read from foreign streams, never
    /// emitted: `ai` 6 rejects a whole stream over it.
    ResetStep,
    /// A chunk that is not known here. Ignored.
    Unknown {
        /// Its `type`.
        kind: String,
    },
}

/// Why a reply ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FinishReason {
    /// It was whole.
    #[default]
    Stop,
    /// It met its length limit.
    Length,
    /// A filter cut it.
    ContentFilter,
    /// It waits for the page's tools.
    ToolCalls,
    /// It failed.
    Error,
    /// Any other reason.
    Other,
}

impl FinishReason {
    /// The reason as it stands on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::ContentFilter => "content-filter",
            Self::ToolCalls => "tool-calls",
            Self::Error => "error",
            Self::Other => "other",
        }
    }

    /// Reads a reason; an unknown one is `Other`.
    pub fn from_wire(text: &str) -> Self {
        match text {
            "stop" => Self::Stop,
            "length" => Self::Length,
            "content-filter" => Self::ContentFilter,
            "tool-calls" => Self::ToolCalls,
            "error" => Self::Error,
            _ => Self::Other,
        }
    }
}

/// Why a frame's data is not a chunk.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChunkError {
    /// Not JSON, not an object, no `type`, or a field of the wrong type.
    #[error("not a chunk: {0}")]
    Malformed(#[from] FieldError),
    /// A field that the chunk cannot do without is missing.
    #[error("chunk {kind} lacks its field {field}")]
    Missing {
        /// The chunk's `type`.
        kind: String,
        /// The field.
        field: &'static str,
    },
}

/// Every field that any chunk has, for writing it; see `FlatPart` of `message`.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct FlatChunk {
    #[serde(rename = "type")]
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delta: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_metadata: Option<MessageMetadata>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    input_text_delta: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    input: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    media_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    finish_reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Json>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    transient: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    dynamic: bool,
}

#[derive(Serialize)]
struct StatusData {
    phase: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
}

impl Chunk {
    /// Whether this ends the stream.
    pub fn is_terminal(&self) -> bool {
        matches!(self, Chunk::Finish { .. } | Chunk::Error { .. } | Chunk::Abort { .. })
    }

    /// An `error` chunk of one of our codes.
    pub fn error(code: ErrorCode, text: impl Into<String>) -> Self {
        let data = ErrorData { code, retryable: code.is_retryable(), retry_after_ms: None, request_id: None };
        Chunk::Error { text: text.into(), data: Some(data) }
    }

    /// Reads one chunk from the data of a frame.
    pub fn from_json(text: &str) -> Result<Self, ChunkError> {
        let fields = Fields::parse(text)?;
        let kind = fields.need_text("type")?;
        let mut reader = Reader::new(&fields);
        let chunk = read(kind.clone(), &mut reader);
        match reader.finish() {
            Ok(()) => Ok(chunk),
            Err(FieldError::Missing(field)) => Err(ChunkError::Missing { kind, field }),
            Err(error) => Err(error.into()),
        }
    }

    /// The chunk as one line of JSON.
    pub fn to_json(&self) -> String {
        // A struct of strings, numbers and valid JSON text always serialises.
        serde_json::to_string(&FlatChunk::write(self)).unwrap_or_default()
    }
}

impl FromFields for StatusData {
    fn from_fields(fields: &Fields<'_>) -> Result<Self, FieldError> {
        Ok(Self { phase: fields.text("phase")?.unwrap_or_default(), label: fields.text("label")? })
    }
}

/// Takes what a chunk of this kind is made of; the reader remembers what is
/// missing.
fn read(kind: String, from: &mut Reader<'_>) -> Chunk {
    match kind.as_str() {
        "start" => {
            Chunk::Start { message_id: from.maybe("messageId"), metadata: from.object("messageMetadata") }
        }
        "start-step" => Chunk::StartStep,
        "finish-step" => Chunk::FinishStep,
        "text-start" => Chunk::TextStart { id: from.need("id") },
        "text-delta" => Chunk::TextDelta { id: from.need("id"), delta: from.need("delta") },
        "text-end" => Chunk::TextEnd { id: from.need("id") },
        "reasoning-start" => Chunk::ReasoningStart { id: from.need("id") },
        "reasoning-delta" => Chunk::ReasoningDelta { id: from.need("id"), delta: from.need("delta") },
        "reasoning-end" => Chunk::ReasoningEnd { id: from.need("id") },
        "tool-input-start" => {
            Chunk::ToolInputStart { tool_call_id: from.need("toolCallId"), tool_name: from.need("toolName") }
        }
        "tool-input-delta" => Chunk::ToolInputDelta {
            tool_call_id: from.need("toolCallId"),
            delta: from.need("inputTextDelta"),
        },
        "tool-input-available" => Chunk::ToolInputAvailable {
            tool_call_id: from.need("toolCallId"),
            tool_name: from.need("toolName"),
            input: from.need_json("input"),
        },
        "tool-input-error" => Chunk::ToolInputError {
            tool_call_id: from.need("toolCallId"),
            tool_name: from.text("toolName"),
            input: from.json("input"),
            error_text: from.text("errorText"),
        },
        "tool-output-available" => Chunk::ToolOutputAvailable {
            tool_call_id: from.need("toolCallId"),
            output: from.need_json("output"),
        },
        "tool-output-error" => Chunk::ToolOutputError {
            tool_call_id: from.need("toolCallId"),
            error_text: from.text("errorText"),
        },
        "source-url" => Chunk::SourceUrl {
            source_id: from.need("sourceId"),
            url: from.need("url"),
            title: from.maybe("title"),
        },
        "source-document" => Chunk::SourceDocument {
            source_id: from.need("sourceId"),
            media_type: from.text("mediaType"),
            title: from.text("title"),
        },
        "file" => Chunk::File { url: from.need("url"), media_type: from.text("mediaType") },
        "data-status" => match from.data::<StatusData>() {
            Some(status) => Chunk::Status { phase: status.phase, label: status.label },
            None => Chunk::Unknown { kind },
        },
        "data-suggestions" => match from.data::<SuggestionsData>() {
            Some(suggestions) => Chunk::Suggestions { prompts: suggestions.prompts },
            None => Chunk::Unknown { kind },
        },
        "message-metadata" => {
            Chunk::MessageMetadata { metadata: from.object("messageMetadata").unwrap_or_default() }
        }
        "finish" => Chunk::Finish {
            reason: FinishReason::from_wire(&from.maybe("finishReason").unwrap_or_else(|| "stop".to_owned())),
            metadata: from.object("messageMetadata"),
        },
        "error" => Chunk::Error { text: from.text("errorText"), data: from.data::<ErrorData>() },
        "abort" => Chunk::Abort { reason: from.maybe("reason") },
        "reset-step" => Chunk::ResetStep,
        _ => Chunk::Unknown { kind },
    }
}

impl FlatChunk {
    fn write(chunk: &Chunk) -> Self {
        let mut flat = FlatChunk::default();
        let kind = match chunk {
            Chunk::Start { message_id, metadata } => {
                flat.message_id.clone_from(message_id);
                flat.message_metadata.clone_from(metadata);
                "start"
            }
            Chunk::StartStep => "start-step",
            Chunk::FinishStep => "finish-step",
            Chunk::ResetStep => "reset-step",
            Chunk::TextStart { id } => flat.with_id(id, "text-start"),
            Chunk::TextEnd { id } => flat.with_id(id, "text-end"),
            Chunk::TextDelta { id, delta } => flat.with_delta(id, delta, "text-delta"),
            Chunk::ReasoningStart { id } => flat.with_id(id, "reasoning-start"),
            Chunk::ReasoningEnd { id } => flat.with_id(id, "reasoning-end"),
            Chunk::ReasoningDelta { id, delta } => flat.with_delta(id, delta, "reasoning-delta"),
            Chunk::ToolInputStart { tool_call_id, tool_name } => {
                flat.tool_name = Some(tool_name.clone());
                flat.dynamic = true;
                flat.with_call(tool_call_id, "tool-input-start")
            }
            Chunk::ToolInputDelta { tool_call_id, delta } => {
                flat.input_text_delta = Some(delta.clone());
                flat.with_call(tool_call_id, "tool-input-delta")
            }
            Chunk::ToolInputAvailable { tool_call_id, tool_name, input } => {
                flat.tool_name = Some(tool_name.clone());
                flat.input = Some(input.clone());
                flat.dynamic = true;
                flat.with_call(tool_call_id, "tool-input-available")
            }
            Chunk::ToolInputError { tool_call_id, tool_name, input, error_text } => {
                flat.tool_name = Some(tool_name.clone());
                flat.input.clone_from(input);
                flat.error_text = Some(error_text.clone());
                flat.dynamic = true;
                flat.with_call(tool_call_id, "tool-input-error")
            }
            Chunk::ToolOutputAvailable { tool_call_id, output } => {
                flat.output = Some(output.clone());
                flat.dynamic = true;
                flat.with_call(tool_call_id, "tool-output-available")
            }
            Chunk::ToolOutputError { tool_call_id, error_text } => {
                flat.error_text = Some(error_text.clone());
                flat.dynamic = true;
                flat.with_call(tool_call_id, "tool-output-error")
            }
            Chunk::SourceUrl { source_id, url, title } => {
                flat.source_id = Some(source_id.clone());
                flat.url = Some(url.clone());
                flat.title.clone_from(title);
                "source-url"
            }
            Chunk::SourceDocument { source_id, media_type, title } => {
                flat.source_id = Some(source_id.clone());
                flat.media_type = Some(media_type.clone());
                flat.title = Some(title.clone());
                "source-document"
            }
            Chunk::File { url, media_type } => {
                flat.url = Some(url.clone());
                flat.media_type = Some(media_type.clone());
                "file"
            }
            Chunk::Status { phase, label } => {
                flat.data = write_data(&StatusData { phase: phase.clone(), label: label.clone() });
                flat.transient = true;
                "data-status"
            }
            Chunk::Suggestions { prompts } => {
                flat.data = write_data(&SuggestionsData { prompts: prompts.clone() });
                "data-suggestions"
            }
            Chunk::MessageMetadata { metadata } => {
                flat.message_metadata = Some(metadata.clone());
                "message-metadata"
            }
            Chunk::Finish { reason, metadata } => {
                flat.finish_reason = Some(reason.as_str().to_owned());
                flat.message_metadata.clone_from(metadata);
                "finish"
            }
            Chunk::Error { text, data } => {
                flat.error_text = Some(text.clone());
                flat.data = data.as_ref().and_then(write_data);
                "error"
            }
            Chunk::Abort { reason } => {
                flat.reason.clone_from(reason);
                "abort"
            }
            Chunk::Unknown { kind } => kind.as_str(),
        };
        kind.clone_into(&mut flat.kind);
        flat
    }

    fn with_id(&mut self, id: &str, kind: &'static str) -> &'static str {
        self.id = Some(id.to_owned());
        kind
    }

    fn with_delta(&mut self, id: &str, delta: &str, kind: &'static str) -> &'static str {
        self.delta = Some(delta.to_owned());
        self.with_id(id, kind)
    }

    fn with_call(&mut self, tool_call_id: &str, kind: &'static str) -> &'static str {
        self.tool_call_id = Some(tool_call_id.to_owned());
        kind
    }
}

fn write_data<T: Serialize>(data: &T) -> Option<Json> {
    Json::parse(&serde_json::to_string(data).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Usage;

    fn json(text: &str) -> Json {
        Json::parse(text).unwrap()
    }

    #[test]
    fn chunks_read_what_they_write() {
        let metadata = MessageMetadata {
            title: Some("T".into()),
            usage: Some(Usage { input_tokens: 1, output_tokens: 2 }),
            ..Default::default()
        };
        let call = || "c1".to_owned();
        let chunks = [
            Chunk::Start { message_id: Some("m".into()), metadata: Some(metadata.clone()) },
            Chunk::StartStep,
            Chunk::TextStart { id: "t".into() },
            Chunk::TextDelta { id: "t".into(), delta: "a\n\u{2028}\"".into() },
            Chunk::TextEnd { id: "t".into() },
            Chunk::ReasoningStart { id: "r".into() },
            Chunk::ReasoningDelta { id: "r".into(), delta: "h".into() },
            Chunk::ReasoningEnd { id: "r".into() },
            Chunk::ToolInputStart { tool_call_id: call(), tool_name: "look".into() },
            Chunk::ToolInputDelta { tool_call_id: call(), delta: "{".into() },
            Chunk::ToolInputAvailable { tool_call_id: call(), tool_name: "look".into(), input: json("{}") },
            Chunk::ToolInputError {
                tool_call_id: call(),
                tool_name: "look".into(),
                input: None,
                error_text: "no".into(),
            },
            Chunk::ToolOutputAvailable { tool_call_id: call(), output: json("[1]") },
            Chunk::ToolOutputError { tool_call_id: call(), error_text: "no".into() },
            Chunk::SourceUrl { source_id: "1".into(), url: "https://a.example".into(), title: None },
            Chunk::SourceDocument { source_id: "2".into(), media_type: "a/b".into(), title: "D".into() },
            Chunk::File { url: "/f".into(), media_type: "a/b".into() },
            Chunk::Status { phase: "search".into(), label: Some("Searching".into()) },
            Chunk::Suggestions { prompts: vec!["More?".into()] },
            Chunk::MessageMetadata { metadata },
            Chunk::FinishStep,
            Chunk::ResetStep,
            Chunk::Finish { reason: FinishReason::Length, metadata: None },
            Chunk::error(ErrorCode::RateLimited, "slow down"),
            Chunk::Abort { reason: None },
            Chunk::Unknown { kind: "custom".into() },
        ];
        for chunk in chunks {
            let text = chunk.to_json();
            assert!(!text.contains('\n'), "one line: {text}");
            assert_eq!(Chunk::from_json(&text), Ok(chunk), "{text}");
        }
    }

    #[test]
    fn unknown_chunks_and_fields_are_no_error() {
        let unknown = Chunk::from_json(r#"{"type":"steering-message","x":{"y":[1]}}"#);
        assert_eq!(unknown, Ok(Chunk::Unknown { kind: "steering-message".into() }));
        let extra = Chunk::from_json(r#"{"type":"text-end","id":"t","providerMetadata":{"a":1}}"#);
        assert_eq!(extra, Ok(Chunk::TextEnd { id: "t".into() }));
        let foreign = Chunk::from_json(r#"{"type":"finish","finishReason":"interrupted"}"#);
        assert_eq!(foreign, Ok(Chunk::Finish { reason: FinishReason::Other, metadata: None }));
    }

    #[test]
    fn what_is_not_a_chunk_says_why() {
        for bad in ["", "null", "[]", "{}", "{\"type\":1}", "{\"type\":\"text-delta\",\"id\":7}", "[DONE]"] {
            assert!(matches!(Chunk::from_json(bad), Err(ChunkError::Malformed(_))), "{bad}");
        }
        let missing = Chunk::from_json(r#"{"type":"text-delta","id":"t"}"#);
        assert_eq!(missing, Err(ChunkError::Missing { kind: "text-delta".into(), field: "delta" }));
    }
}
