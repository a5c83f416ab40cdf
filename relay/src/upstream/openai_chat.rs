//! OpenAI Chat Completions, and every server that speaks it: Ollama, vLLM,
//! llama.cpp, LiteLLM, OpenRouter and others.
//!
//! It keeps nothing: the transcript is sent each turn, trimmed to
//! [`HISTORY_TOKENS`].

use chinwag_protocol::sse::{DONE, Frame};
use chinwag_protocol::{Chunk, Features, FinishReason, MessageMetadata, Part, Role, UiMessage};
use serde::Deserialize;
use serde_json::{Value, json};

use super::attachment::{self, Piece};
use super::decode::{Blocks, Decode, DecodeEvent, Streamed, Whole, malformed};
use super::failure::UpstreamFailure;
use super::history::{self, HISTORY_TOKENS};
use super::http::{Call, Http, HttpError, Opened, drive};
use super::openai::{self, ToolCalls, UsageBody};
use super::source::Sources;
use super::{Capabilities, ChunkStream, Support, Task, Turn, Upstream};
use crate::config::{Hosted, Limits};

/// What it can do.
pub const CAPABILITIES: Capabilities = Capabilities {
    tools: Support::Provider,
    sources: Support::Provider,
    identity: Support::Provider,
    reasoning: Support::Provider,
    usage: Support::Provider,
    attachments: Support::Provider,
    ..Capabilities::BASE
};

/// An agent behind Chat Completions.
#[derive(Debug)]
pub struct OpenAiChat {
    http: Http,
    settings: Hosted,
}

impl OpenAiChat {
    /// Sets it up; nothing is sent yet.
    pub fn new(agent: &str, settings: &Hosted, limits: &Limits) -> Result<Self, HttpError> {
        let http = Http::new(agent, "openai-chat", settings, limits, openai::read_refusal)?;
        Ok(Self { http, settings: settings.clone() })
    }

    fn call(&self, turn: &Turn) -> Call {
        let mut body = json!({
            "model": self.settings.model,
            "messages": messages(self.settings.system_prompt.as_deref(), turn),
            "stream": true,
            "stream_options": { "include_usage": true },
            "user": turn.visitor,
        });
        let mut set = |key: &str, value: Value| {
            if let Some(object) = body.as_object_mut() {
                object.insert(key.to_owned(), value);
            }
        };
        if let Some(temperature) = self.settings.temperature {
            set("temperature", temperature.into());
        }
        if let Some(max_tokens) = self.settings.max_tokens {
            // OpenAI's newer models refuse the older name; most other servers know
            // only that.
            set(
                if openai::is_openai(&self.settings) { "max_completion_tokens" } else { "max_tokens" },
                max_tokens.into(),
            );
        }
        if !turn.tools.is_empty() {
            let tools = turn.tools.iter().map(|tool| {
                json!({
                    "type": "function",
                    "function": {
                        "name": tool.name,
                        "description": tool.description,
                        "parameters": tool.parameters,
                    },
                })
            });
            set("tools", tools.collect());
        }
        Call::post(&["chat", "completions"], &body).header("accept", "text/event-stream").safe().of(turn)
    }
}

impl Upstream for OpenAiChat {
    fn features(&self) -> Features {
        Features { attachments: self.settings.attachments, ..CAPABILITIES.features() }
    }

    fn reply(&self, turn: Turn) -> ChunkStream {
        let (http, call) = (self.http.clone(), self.call(&turn));
        drive(async move {
            let answer = http.send(&call).await?;
            let is_json = answer.is_json();
            Ok(if is_json { Opened::new(answer, whole()) } else { Opened::new(answer, stream()) })
        })
    }

    fn check(&self) -> Task<'_, Vec<String>> {
        let model = self.settings.model.as_deref().unwrap_or_default();
        Box::pin(openai::check(&self.http, model))
    }
}

/// The transcript as the interface takes it.
fn messages(system_prompt: Option<&str>, turn: &Turn) -> Vec<Value> {
    let mut out = Vec::new();
    if let Some(prompt) = system_prompt {
        out.push(json!({ "role": "system", "content": prompt }));
    }
    if let Some(context) = &turn.context {
        out.push(json!({ "role": "system", "content": openai::context_text(context) }));
    }
    if let Some(knowledge) = &turn.knowledge {
        out.push(json!({ "role": "system", "content": knowledge }));
    }
    for message in history::trim(&turn.history, HISTORY_TOKENS) {
        push_message(message, turn, &mut out);
    }
    push_message(&turn.message, turn, &mut out);
    out
}

fn push_message(message: &UiMessage, turn: &Turn, out: &mut Vec<Value>) {
    match message.role {
        Role::User => out.push(json!({ "role": "user", "content": content(message, turn) })),
        Role::Assistant => push_reply(message, out),
        Role::System => {}
    }
}

/// A question: its text, or a list of parts where files come with it.
fn content(message: &UiMessage, turn: &Turn) -> Value {
    let Some(pieces) = attachment::pieces(message, turn) else { return message.text().into() };
    let part = |piece: Piece<'_>| match piece {
        Piece::Text(text) => json!({ "type": "text", "text": text }),
        Piece::Image(file) => json!({ "type": "image_url", "image_url": { "url": file.data_url() } }),
        Piece::Document(file) => {
            json!({ "type": "file", "file": { "filename": file.name, "file_data": file.data_url() } })
        }
    };
    pieces.into_iter().map(part).collect()
}

/// A reply with its tool calls. A call is sent with its answer or not at all:
/// the interface refuses a transcript with an open one.
fn push_reply(message: &UiMessage, out: &mut Vec<Value>) {
    let mut text = String::new();
    for part in &message.parts {
        match part {
            Part::Text { text: more } => {
                if !text.is_empty() {
                    text.push_str("\n\n");
                }
                text.push_str(more);
            }
            Part::Tool { tool_call_id, tool_name, input, output, error_text, .. } => {
                let result = output.as_ref().map(chinwag_protocol::Json::as_str).or(error_text.as_deref());
                let Some(result) = result else { continue };
                let arguments = input.as_ref().map_or("{}", chinwag_protocol::Json::as_str);
                let content = Some(std::mem::take(&mut text)).filter(|text| !text.is_empty());
                out.push(json!({
                    "role": "assistant",
                    "content": content,
                    "tool_calls": [{
                        "id": tool_call_id,
                        "type": "function",
                        "function": { "name": tool_name, "arguments": arguments },
                    }],
                }));
                out.push(json!({ "role": "tool", "tool_call_id": tool_call_id, "content": result }));
            }
            _ => {}
        }
    }
    if !text.is_empty() {
        out.push(json!({ "role": "assistant", "content": text }));
    }
}

/// The decoder of a streamed answer.
pub fn stream() -> impl Decode {
    Streamed::new(Reply::default())
}

/// The decoder of an answer that came as one JSON body.
pub fn whole() -> impl Decode {
    Whole::new(|body: &[u8], out: &mut Vec<Chunk>| {
        let mut reply = Reply::default();
        let body: Body = serde_json::from_slice(body).map_err(|error| malformed(error.to_string()))?;
        reply.take(body, out)?;
        reply.end(out);
        Ok(())
    })
}

impl DecodeEvent for Reply {
    fn take_event(&mut self, event: &Frame, out: &mut Vec<Chunk>) -> Result<(), UpstreamFailure> {
        match event.data.trim() {
            DONE => self.end(out),
            "" => {}
            data => {
                let body = serde_json::from_str(data)
                    .map_err(|error| malformed(format!("an event is not the expected JSON: {error}")))?;
                self.take(body, out)?;
            }
        }
        Ok(())
    }

    fn closed(&mut self, _is_cut: bool, out: &mut Vec<Chunk>) {
        // Some servers leave [DONE] out; a reason to end is an end all the same.
        if self.finish_reason.is_some() {
            self.end(out);
        }
    }
}

/// One event, or a whole answer.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Body {
    error: Option<Value>,
    choices: Option<Vec<Choice>>,
    usage: Option<UsageBody>,
    /// Addresses that the text was made from; Perplexity's way.
    citations: Option<Vec<Value>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Choice {
    index: Option<u64>,
    #[serde(alias = "message")]
    delta: Option<Delta>,
    finish_reason: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Delta {
    content: Option<Content>,
    refusal: Option<String>,
    #[serde(alias = "reasoning")]
    reasoning_content: Option<Content>,
    tool_calls: Option<Vec<Fragment>>,
    annotations: Option<Vec<Annotation>>,
}

/// Text, or a list of parts with text in them.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<ContentPart>),
    Other(serde::de::IgnoredAny),
}

#[derive(Debug, Deserialize)]
struct ContentPart {
    #[serde(default)]
    text: Option<String>,
}

impl Content {
    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Parts(parts) => parts.iter().filter_map(|part| part.text.as_deref()).collect(),
            Self::Other(_) => String::new(),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Fragment {
    index: Option<u64>,
    id: Option<String>,
    function: Option<Function>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Function {
    name: Option<String>,
    arguments: Option<Arguments>,
}

/// A text, or what some servers send in its place: the object itself.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Arguments {
    Text(String),
    Value(Value),
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Annotation {
    url_citation: Option<openai::Citation>,
}

/// What is known of the reply so far.
#[derive(Debug, Default)]
struct Reply {
    blocks: Blocks,
    calls: ToolCalls,
    sources: Sources,
    finish_reason: Option<String>,
    usage: Option<UsageBody>,
    is_ended: bool,
}

impl Reply {
    fn take(&mut self, body: Body, out: &mut Vec<Chunk>) -> Result<(), UpstreamFailure> {
        if let Some(error) = body.error.filter(|error| !error.is_null()) {
            return Err(openai::read_error(&error, &malformed("")));
        }
        self.usage = body.usage.or(self.usage);
        for choice in body.choices.unwrap_or_default() {
            // Only one answer was asked for; another has no place.
            if choice.index.unwrap_or_default() != 0 {
                continue;
            }
            if let Some(delta) = choice.delta {
                self.add(delta, out)?;
            }
            self.finish_reason = choice.finish_reason.or(self.finish_reason.take());
        }
        for citation in body.citations.unwrap_or_default() {
            if let Some(url) = citation.as_str() {
                self.sources.add(url, None, out);
            }
        }
        Ok(())
    }

    fn add(&mut self, delta: Delta, out: &mut Vec<Chunk>) -> Result<(), UpstreamFailure> {
        if let Some(reasoning) = delta.reasoning_content {
            self.blocks.reasoning(&reasoning.text(), out);
        }
        if let Some(content) = delta.content {
            self.blocks.text(&content.text(), out);
        }
        // A refusal is what the model says, in place of an answer.
        if let Some(refusal) = delta.refusal {
            self.blocks.text(&refusal, out);
        }
        for annotation in delta.annotations.unwrap_or_default() {
            if let Some(citation) = annotation.url_citation {
                self.sources.add(&citation.url, citation.title.as_deref(), out);
            }
        }
        for fragment in delta.tool_calls.unwrap_or_default() {
            self.blocks.close(out);
            let id = fragment.id.as_deref().unwrap_or_default();
            let place = match fragment.index {
                Some(index) => {
                    let key = index.to_string();
                    // A second call under the number of the first: some servers
                    // number every call 0.
                    let known = self.calls.find(&key).filter(|&place| {
                        let other = self.calls.get(place).map(|call| call.id.as_str());
                        id.is_empty() || other.is_none_or(|other| other.is_empty() || other == id)
                    });
                    match known {
                        Some(place) => place,
                        None => self.calls.push(&key, id, "")?,
                    }
                }
                None => match self.calls.last().filter(|_| id.is_empty()) {
                    Some(place) => place,
                    None => self.calls.push("", id, "")?,
                },
            };
            let function = fragment.function.unwrap_or_default();
            let name = function.name.unwrap_or_default();
            let arguments = match function.arguments {
                Some(Arguments::Text(text)) => text,
                Some(Arguments::Value(Value::Null)) | None => String::new(),
                Some(Arguments::Value(value)) => value.to_string(),
            };
            self.calls.add(place, id, &name, &arguments, out)?;
        }
        Ok(())
    }

    fn end(&mut self, out: &mut Vec<Chunk>) {
        if std::mem::replace(&mut self.is_ended, true) {
            return;
        }
        self.blocks.close(out);
        self.calls.finish_all(out);
        let reason = match self.finish_reason.as_deref() {
            Some("length") => FinishReason::Length,
            Some("content_filter") => FinishReason::ContentFilter,
            Some("tool_calls" | "function_call") => FinishReason::ToolCalls,
            // Some servers say "stop" after calls as well.
            Some("stop" | "") | None if !self.calls.is_empty() => FinishReason::ToolCalls,
            Some("stop" | "eos" | "end_turn" | "") | None => FinishReason::Stop,
            Some(_) => FinishReason::Other,
        };
        let metadata = self
            .usage
            .map(|usage| MessageMetadata { usage: Some(usage.into()), ..MessageMetadata::default() });
        out.push(Chunk::Finish { reason, metadata });
    }
}
