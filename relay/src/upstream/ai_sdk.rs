//! Any endpoint that speaks the AI SDK's UI message stream, versions 5 to 7, or
//! its text stream.
//!
//! The relay speaks the same format to browsers. Even so nothing is copied: each
//! chunk is read into its type, checked, and written anew.

use chinwag_protocol::sse::{DONE, Frame};
use chinwag_protocol::{
    Chunk, ChunkError, ErrorCode, Features, FinishReason, MessageMetadata, Part, UiMessage, Usage,
};
use serde_json::{Value, json};

use super::decode::{Blocks, Decode, DecodeEvent, Streamed, Utf8Text, Whole, malformed};
use super::failure::UpstreamFailure;
use super::history::{self, HISTORY_TOKENS};
use super::http::{Call, Http, HttpError, Opened, Refusal, drive};
use super::source::Sources;
use super::{Capabilities, ChunkStream, Memory, Support, Task, Turn, Upstream};
use crate::config::{Hosted, Limits};

/// What it can do.
pub const CAPABILITIES: Capabilities = Capabilities {
    retry: Support::Provider,
    tools: Support::Provider,
    sources: Support::Provider,
    reasoning: Support::Provider,
    usage: Support::Provider,
    attachments: Support::Provider,
    ..Capabilities::BASE
};

/// Most follow-up questions that are handed on.
const MAX_PROMPTS: usize = 8;

/// Longest of them, in characters.
const MAX_PROMPT_CHARS: usize = 300;

/// An agent behind an AI SDK endpoint.
#[derive(Debug)]
pub struct AiSdk {
    http: Http,
    takes_files: bool,
}

impl AiSdk {
    /// Sets it up; nothing is sent yet.
    pub fn new(agent: &str, settings: &Hosted, limits: &Limits) -> Result<Self, HttpError> {
        let http = Http::new(agent, "ai-sdk", settings, limits, read_refusal)?;
        Ok(Self { http, takes_files: settings.attachments })
    }
}

impl Upstream for AiSdk {
    fn features(&self) -> Features {
        Features { attachments: self.takes_files, ..CAPABILITIES.features() }
    }

    fn reply(&self, turn: Turn) -> ChunkStream {
        let (http, memory, call) = (self.http.clone(), turn.memory.clone(), call(&turn));
        drive(async move {
            let answer = http.send(&call).await?;
            match answer.media_type().as_str() {
                "application/json" => Ok(Opened::new(answer, whole(memory))),
                "text/plain" => Ok(Opened::new(answer, text())),
                "text/event-stream" => Ok(Opened::new(answer, stream(memory))),
                other => {
                    let detail = format!("the endpoint answered with {other:?}, not with a stream of events");
                    Err(UpstreamFailure::new(ErrorCode::Misconfigured).because(detail))
                }
            }
        })
    }

    fn memory_scope(&self) -> String {
        format!("ai-sdk:{}", self.http.base())
    }

    /// There is no call that costs nothing; a GET of the endpoint shows whether
    /// it is there, and most show whether the key is good.
    fn check(&self) -> Task<'_, Vec<String>> {
        Box::pin(async move {
            match self.http.send(&Call::get(&[])).await {
                Ok(_) => Ok(vec!["the endpoint is there".to_owned()]),
                Err(failure) if matches!(failure.status(), Some(400 | 405 | 415 | 422 | 426)) => Ok(vec![
                    "the endpoint is there and takes questions only; the key was not refused".to_owned(),
                ]),
                Err(failure) => Err(failure),
            }
        })
    }
}

fn read_refusal(refusal: &Refusal<'_>) -> UpstreamFailure {
    let body = refusal.json().unwrap_or_default();
    let says_something = |error: &&Value| error.is_object() || error.is_string();
    let error = ["error", "errorText"].iter().find_map(|key| body.get(key).filter(says_something));
    UpstreamFailure::told(error.unwrap_or(&body), &[], None, &refusal.by_status())
}

/// The request, as the AI SDK's default transport sends it.
fn call(turn: &Turn) -> Call {
    let plain = |message: &UiMessage| {
        let parts = message.parts.iter().map(|part| with_bytes(part, turn)).collect();
        UiMessage { metadata: None, parts, ..message.clone() }
    };
    let mut messages: Vec<UiMessage> =
        history::trim(&turn.history, HISTORY_TOKENS).iter().map(plain).collect();
    messages.push(plain(&turn.message));
    let replaced = turn.memory.before().replaced.as_deref();
    let mut body = json!({
        "id": turn.conversation,
        "messages": messages,
        "trigger": if replaced.is_some() { "regenerate-message" } else { "submit-message" },
    });
    if let Some(object) = body.as_object_mut() {
        if let Some(replaced) = replaced {
            object.insert("messageId".to_owned(), replaced.into());
        }
        if !turn.tools.is_empty() {
            object.insert("tools".to_owned(), json!(turn.tools));
        }
        if let Some(context) = &turn.context {
            object.insert("context".to_owned(), json!(context));
        }
        if let Some(knowledge) = &turn.knowledge {
            object.insert("knowledge".to_owned(), json!(knowledge));
        }
    }
    Call::post(&[], &body).header("accept", "text/event-stream").of(turn)
}

/// A part as the endpoint can read it: a file with all that is in it, since it
/// is the visitor's alone, and nobody else could fetch it.
fn with_bytes(part: &Part, turn: &Turn) -> Part {
    let Part::File { url, media_type, filename } = part else { return part.clone() };
    if let Some(file) = turn.file(url) {
        Part::File { url: file.data_url(), media_type: media_type.clone(), filename: filename.clone() }
    } else {
        let name = filename.as_deref().unwrap_or("file");
        Part::Text { text: format!("[The file {name} is no longer at hand.]") }
    }
}

/// The decoder of a UI message stream.
pub fn stream(memory: Memory) -> impl Decode {
    Streamed::new(Reply { sources: Sources::default(), memory })
}

/// The decoder of the text protocol: every byte is text, and the end of the body
/// is the end of the reply.
pub fn text() -> impl Decode {
    Text { bytes: Utf8Text::default(), blocks: Blocks::default(), is_empty: true }
}

/// The decoder of a message that came as one JSON body.
pub fn whole(memory: Memory) -> impl Decode {
    Whole::new(move |body: &[u8], out: &mut Vec<Chunk>| {
        let mut message: Value =
            serde_json::from_slice(body).map_err(|error| malformed(error.to_string()))?;
        if let Some(error) = message.get("error").filter(|error| !error.is_null()) {
            return Err(malformed(error.to_string()));
        }
        if let Some(object) = message.as_object_mut() {
            object.remove("metadata");
        }
        let message: UiMessage =
            serde_json::from_value(message).map_err(|error| malformed(error.to_string()))?;
        memory.keep_reply(&message.id);
        let (mut blocks, mut sources) = (Blocks::default(), Sources::default());
        for part in message.parts {
            match part {
                Part::Text { text } => blocks.text(&text, out),
                Part::Reasoning { text } => blocks.reasoning(&text, out),
                Part::SourceUrl { url, title, .. } => sources.add(&url, title.as_deref(), out),
                Part::SourceDocument { source_id, media_type, title } => {
                    sources.add_document_of(&source_id, &media_type, &title, out);
                }
                _ => {}
            }
        }
        blocks.close(out);
        out.push(Chunk::Finish { reason: FinishReason::Stop, metadata: None });
        Ok(())
    })
}

#[derive(Debug)]
struct Text {
    bytes: Utf8Text,
    blocks: Blocks,
    is_empty: bool,
}

impl Decode for Text {
    fn feed(&mut self, bytes: &[u8], out: &mut Vec<Chunk>) -> Result<(), UpstreamFailure> {
        let text = self.bytes.feed(bytes);
        self.is_empty &= text.is_empty();
        self.blocks.text(&text, out);
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<Chunk>) -> Result<(), UpstreamFailure> {
        let rest = self.bytes.finish();
        if self.is_empty && rest.is_empty() {
            // Its end is the only sign that it is whole, and this says nothing.
            return Ok(());
        }
        self.blocks.text(&rest, out);
        self.blocks.close(out);
        out.push(Chunk::Finish { reason: FinishReason::Stop, metadata: None });
        Ok(())
    }
}

/// What is kept of a reply while it is told.
#[derive(Debug)]
struct Reply {
    sources: Sources,
    memory: Memory,
}

impl DecodeEvent for Reply {
    fn take_event(&mut self, event: &Frame, out: &mut Vec<Chunk>) -> Result<(), UpstreamFailure> {
        if event.data.trim().is_empty() {
            return Ok(());
        }
        if event.data.trim() == DONE {
            // A server may be told to send no `finish`; this is its end then.
            out.push(Chunk::Finish { reason: FinishReason::Stop, metadata: None });
            return Ok(());
        }
        let chunk = match Chunk::from_json(&event.data) {
            Ok(chunk) => chunk,
            Err(ChunkError::Missing { .. }) => return Err(malformed("a chunk lacks a field")),
            // Metadata is the application's own and may be anything.
            Err(ChunkError::Malformed(_)) => match without_metadata(&event.data)? {
                Some(chunk) => chunk,
                None => return Ok(()),
            },
        };
        self.check(chunk, &event.data, out)
    }
}

impl Reply {
    /// What of a chunk may go on.
    fn check(&mut self, chunk: Chunk, data: &str, out: &mut Vec<Chunk>) -> Result<(), UpstreamFailure> {
        match chunk {
            Chunk::Start { message_id, .. } => {
                if let Some(id) = message_id {
                    self.memory.keep_reply(&id);
                }
            }
            Chunk::MessageMetadata { metadata } => {
                if let Some(metadata) = usage_only(Some(metadata)) {
                    out.push(Chunk::MessageMetadata { metadata });
                }
            }
            Chunk::SourceUrl { url, title, .. } => self.sources.add(&url, title.as_deref(), out),
            Chunk::SourceDocument { source_id, media_type, title } => {
                self.sources.add_document_of(&source_id, &media_type, &title, out);
            }
            Chunk::File { url, media_type } => {
                let is_web = url::Url::parse(&url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
                if is_web {
                    out.push(Chunk::File { url, media_type });
                }
            }
            Chunk::Suggestions { mut prompts } => {
                prompts.truncate(MAX_PROMPTS);
                prompts.retain(|prompt| (1..=MAX_PROMPT_CHARS).contains(&prompt.chars().count()));
                out.push(Chunk::Suggestions { prompts });
            }
            Chunk::Finish { reason: FinishReason::Error, .. } => {
                return Err(malformed("it finished with an error"));
            }
            Chunk::Finish { .. } if finish_reason(data).as_deref() == Some("interrupted") => {
                return Err(UpstreamFailure::new(ErrorCode::Interrupted).because("it says so"));
            }
            Chunk::Finish { reason, metadata } => {
                out.push(Chunk::Finish { reason, metadata: usage_only(metadata) });
            }
            Chunk::Error { text, data } => {
                let code = data.map_or(ErrorCode::UpstreamError, |data| known_code(data.code));
                return Err(UpstreamFailure::new(code).because(text));
            }
            Chunk::Abort { .. } => out.push(Chunk::Abort { reason: None }),
            Chunk::Unknown { kind } if kind == "tool-output-denied" => {
                let value: Value = serde_json::from_str(data).unwrap_or_default();
                if let Some(id) = value.get("toolCallId").and_then(Value::as_str) {
                    let error_text = "the call was not allowed".to_owned();
                    out.push(Chunk::ToolOutputError { tool_call_id: id.to_owned(), error_text });
                }
            }
            Chunk::Unknown { .. } => {}
            // What is left has been read field by field; the reply's task puts
            // blocks and calls in order.
            chunk => out.push(chunk),
        }
        Ok(())
    }
}

/// A chunk whose metadata is not of our shape, without it. `None` for chunks of
/// the application's own.
fn without_metadata(data: &str) -> Result<Option<Chunk>, UpstreamFailure> {
    let mut value: Value = serde_json::from_str(data)
        .map_err(|error| malformed(format!("an event is not the expected JSON: {error}")))?;
    let Some(object) = value.as_object_mut() else { return Err(malformed("an event is no object")) };
    let kind = object.get("type").and_then(Value::as_str).unwrap_or_default();
    if kind.starts_with("data-") {
        return Ok(None);
    }
    let usage = object.remove("messageMetadata").and_then(|metadata| read_usage(&metadata));
    if let Some(usage) = usage {
        let metadata = MessageMetadata { usage: Some(usage), ..MessageMetadata::default() };
        object.insert("messageMetadata".to_owned(), json!(metadata));
    }
    match Chunk::from_json(&value.to_string()) {
        Ok(chunk) => Ok(Some(chunk)),
        Err(error) => Err(malformed(error.to_string())),
    }
}

fn read_usage(metadata: &Value) -> Option<Usage> {
    let usage = metadata.get("usage").or_else(|| metadata.get("totalUsage"))?;
    let count = |key: &str| usage.get(key).and_then(Value::as_u64).unwrap_or_default();
    let usage = Usage { input_tokens: count("inputTokens"), output_tokens: count("outputTokens") };
    (usage != Usage::default()).then_some(usage)
}

/// The one thing in foreign metadata that means the same here.
fn usage_only(metadata: Option<MessageMetadata>) -> Option<MessageMetadata> {
    let usage = metadata?.usage.filter(|usage| *usage != Usage::default())?;
    Some(MessageMetadata { usage: Some(usage), ..MessageMetadata::default() })
}

fn finish_reason(data: &str) -> Option<String> {
    let value: Value = serde_json::from_str(data).ok()?;
    value.get("finishReason").and_then(Value::as_str).map(str::to_owned)
}

/// Codes that mean to our visitor what they mean to that server's own.
fn known_code(code: ErrorCode) -> ErrorCode {
    match code {
        ErrorCode::RateLimited
        | ErrorCode::Overloaded
        | ErrorCode::Maintenance
        | ErrorCode::UpstreamTimeout
        | ErrorCode::Interrupted
        | ErrorCode::ContentBlocked
        | ErrorCode::CreditsExhausted
        | ErrorCode::TooLarge => code,
        ErrorCode::Misconfigured
        | ErrorCode::Unauthenticated
        | ErrorCode::TokenExpired
        | ErrorCode::Forbidden
        | ErrorCode::OriginNotAllowed => ErrorCode::Misconfigured,
        _ => ErrorCode::UpstreamError,
    }
}
