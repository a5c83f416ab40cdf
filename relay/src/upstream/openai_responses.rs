//! The OpenAI Responses interface.
//!
//! OpenAI keeps the thread: a turn names the response before it. A server that
//! does not say that it has stored a response gets the transcript each turn
//! instead, as Chat Completions does.

use chinwag_protocol::sse::{DONE, Frame};
use chinwag_protocol::{
    Chunk, ErrorCode, Features, FinishReason, MessageMetadata, Part, Role, UiMessage, Usage,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::attachment::{self, Piece};
use super::decode::{Blocks, Decode, DecodeEvent, Streamed, Whole, malformed};
use super::failure::UpstreamFailure;
use super::history::{self, HISTORY_TOKENS};
use super::http::{Call, Http, HttpError, Opened, Refusal, drive};
use super::openai::{self, Citation, ToolCalls, UsageBody};
use super::source::Sources;
use super::{Capabilities, ChunkStream, Memory, Support, Task, Turn, Upstream};
use crate::config::{Hosted, Limits};

/// What it can do.
pub const CAPABILITIES: Capabilities = Capabilities {
    follow_up: Support::Provider,
    tools: Support::Provider,
    sources: Support::Provider,
    identity: Support::Provider,
    reasoning: Support::Provider,
    usage: Support::Provider,
    attachments: Support::Provider,
    ..Capabilities::BASE
};

/// An agent behind Responses.
#[derive(Debug)]
pub struct OpenAiResponses {
    http: Http,
    settings: Hosted,
}

impl OpenAiResponses {
    /// Sets it up; nothing is sent yet.
    pub fn new(agent: &str, settings: &Hosted, limits: &Limits) -> Result<Self, HttpError> {
        let http = Http::new(agent, "openai-responses", settings, limits, read_refusal)?;
        Ok(Self { http, settings: settings.clone() })
    }

    /// The request that continues after `previous`, or that brings the whole
    /// transcript.
    fn call(&self, turn: &Turn, previous: Option<&str>) -> Call {
        let mut input = Vec::new();
        if let Some(context) = &turn.context {
            input.push(json!({ "role": "developer", "content": openai::context_text(context) }));
        }
        if let Some(knowledge) = &turn.knowledge {
            input.push(json!({ "role": "developer", "content": knowledge }));
        }
        if previous.is_none() {
            for message in history::trim(&turn.history, HISTORY_TOKENS) {
                push_message(message, turn, &mut input);
            }
        }
        if previous.is_some() && !turn.answers.is_empty() {
            // The provider has the calls.
            input.extend(turn.results().map(|(call, answer)| {
                let output = answer.map_or_else(|error| error, chinwag_protocol::Json::as_str);
                json!({ "type": "function_call_output", "call_id": call, "output": output })
            }));
        } else {
            push_message(&turn.message, turn, &mut input);
        }
        let mut body = json!({
            "model": self.settings.model,
            "input": input,
            "stream": true,
            "store": true,
        });
        let mut set = |key: &str, value: Value| {
            if let Some(object) = body.as_object_mut() {
                object.insert(key.to_owned(), value);
            }
        };
        if let Some(previous) = previous {
            set("previous_response_id", previous.into());
        }
        // Instructions are not part of what the provider keeps.
        if let Some(prompt) = &self.settings.system_prompt {
            set("instructions", prompt.as_str().into());
        }
        if let Some(temperature) = self.settings.temperature {
            set("temperature", temperature.into());
        }
        if let Some(max_tokens) = self.settings.max_tokens {
            set("max_output_tokens", max_tokens.into());
        }
        let is_openai = openai::is_openai(&self.settings);
        set(if is_openai { "safety_identifier" } else { "user" }, turn.visitor.as_str().into());
        if !turn.tools.is_empty() {
            let tools = turn.tools.iter().map(|tool| {
                json!({
                    "type": "function",
                    "name": tool.name,
                    "description": tool.description,
                    "parameters": tool.parameters,
                    "strict": false,
                })
            });
            set("tools", tools.collect());
        }
        Call::post(&["responses"], &body).header("accept", "text/event-stream").of(turn)
    }
}

impl Upstream for OpenAiResponses {
    fn features(&self) -> Features {
        Features { attachments: self.settings.attachments, ..CAPABILITIES.features() }
    }

    fn reply(&self, turn: Turn) -> ChunkStream {
        let http = self.http.clone();
        let memory = turn.memory.clone();
        // A thread in which a call was left without an answer is refused; the
        // transcript leaves such calls out.
        let previous =
            memory.before().previous.clone().filter(|_| !turn.history.last().is_some_and(has_open_call));
        let whole_call = self.call(&turn, None);
        let call = previous.as_deref().map_or_else(|| whole_call.clone(), |id| self.call(&turn, Some(id)));
        drive(async move {
            let answer = match http.send(&call).await {
                // The provider has forgotten the thread; the relay has not. It was
                // refused, so that this is still the turn's one request.
                Err(failure) if previous.is_some() && failure.code() == ErrorCode::NotFound => {
                    http.send(&whole_call).await?
                }
                sent => sent?,
            };
            let is_json = answer.is_json();
            Ok(if is_json { Opened::new(answer, whole(memory)) } else { Opened::new(answer, stream(memory)) })
        })
    }

    fn memory_scope(&self) -> String {
        format!("openai-responses:{}", self.http.base())
    }

    fn check(&self) -> Task<'_, Vec<String>> {
        let model = self.settings.model.as_deref().unwrap_or_default();
        Box::pin(openai::check(&self.http, model))
    }
}

/// `not_found` stands for a thread that is gone; nothing else does.
fn read_refusal(refusal: &Refusal<'_>) -> UpstreamFailure {
    let failure = openai::read_refusal(refusal);
    let error = refusal.json().unwrap_or_default();
    let text =
        |key: &str| error.pointer(&format!("/error/{key}")).and_then(Value::as_str).unwrap_or_default();
    if text("code") == "previous_response_not_found" || text("param") == "previous_response_id" {
        let detail = failure.detail().unwrap_or_default().to_owned();
        return UpstreamFailure::new(ErrorCode::NotFound).because(detail);
    }
    failure
}

/// A message as input items.
fn push_message(message: &UiMessage, turn: &Turn, input: &mut Vec<Value>) {
    match message.role {
        Role::User => input.push(json!({ "role": "user", "content": content(message, turn) })),
        Role::Assistant => push_reply(message, input),
        Role::System => {}
    }
}

/// A question: its text, or a list of parts where files come with it.
fn content(message: &UiMessage, turn: &Turn) -> Value {
    let Some(pieces) = attachment::pieces(message, turn) else { return message.text().into() };
    let part = |piece: Piece<'_>| match piece {
        Piece::Text(text) => json!({ "type": "input_text", "text": text }),
        Piece::Image(file) => json!({ "type": "input_image", "image_url": file.data_url() }),
        Piece::Document(file) => {
            json!({ "type": "input_file", "filename": file.name, "file_data": file.data_url() })
        }
    };
    pieces.into_iter().map(part).collect()
}

fn has_open_call(message: &UiMessage) -> bool {
    let is_open = |part: &Part| matches!(part, Part::Tool { output: None, error_text: None, .. });
    message.role == Role::Assistant && message.parts.iter().any(is_open)
}

fn push_reply(message: &UiMessage, input: &mut Vec<Value>) {
    for part in &message.parts {
        match part {
            Part::Text { text } => input.push(json!({ "role": "assistant", "content": text })),
            Part::Tool { tool_call_id, tool_name, input: arguments, output, error_text, .. } => {
                let result = output.as_ref().map(chinwag_protocol::Json::as_str).or(error_text.as_deref());
                let Some(result) = result else { continue };
                let arguments = arguments.as_ref().map_or("{}", chinwag_protocol::Json::as_str);
                input.push(json!({
                    "type": "function_call",
                    "call_id": tool_call_id,
                    "name": tool_name,
                    "arguments": arguments,
                }));
                input.push(json!({
                    "type": "function_call_output",
                    "call_id": tool_call_id,
                    "output": result,
                }));
            }
            _ => {}
        }
    }
}

/// The decoder of a streamed answer.
pub fn stream(memory: Memory) -> impl Decode {
    Streamed::new(Reply::new(memory))
}

/// The decoder of an answer that came as one JSON body.
pub fn whole(memory: Memory) -> impl Decode {
    let mut reply = Reply::new(memory);
    Whole::new(move |body: &[u8], out: &mut Vec<Chunk>| {
        let response: Response =
            serde_json::from_slice(body).map_err(|error| malformed(error.to_string()))?;
        reply.end(response, out)
    })
}

impl DecodeEvent for Reply {
    fn take_event(&mut self, frame: &Frame, out: &mut Vec<Chunk>) -> Result<(), UpstreamFailure> {
        if frame.data.trim().is_empty() || frame.data.trim() == DONE {
            return Ok(());
        }
        let event: Event = serde_json::from_str(&frame.data)
            .map_err(|error| malformed(format!("an event is not the expected JSON: {error}")))?;
        self.take(event, &frame.event, out)
    }
}

/// One event: the fields of all kinds.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Event {
    #[serde(rename = "type")]
    kind: String,
    response: Option<Response>,
    item: Option<Item>,
    item_id: Option<String>,
    delta: Option<String>,
    text: Option<String>,
    refusal: Option<String>,
    arguments: Option<String>,
    annotation: Option<Annotation>,
    error: Option<Value>,
    code: Option<Value>,
    message: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Response {
    id: Option<String>,
    status: Option<String>,
    store: Option<bool>,
    previous_response_id: Option<String>,
    output: Option<Vec<Item>>,
    usage: Option<UsageBody>,
    error: Option<Value>,
    incomplete_details: Option<IncompleteDetails>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct IncompleteDetails {
    reason: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Item {
    #[serde(rename = "type")]
    kind: String,
    id: Option<String>,
    call_id: Option<String>,
    name: Option<String>,
    arguments: Option<String>,
    content: Option<Vec<ContentPart>>,
    summary: Option<Vec<ContentPart>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ContentPart {
    text: Option<String>,
    refusal: Option<String>,
    annotations: Option<Vec<Annotation>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Annotation {
    url: Option<String>,
    title: Option<String>,
    file_id: Option<String>,
    filename: Option<String>,
}

/// What is known of the reply so far.
#[derive(Debug)]
struct Reply {
    memory: Memory,
    blocks: Blocks,
    calls: ToolCalls,
    sources: Sources,
    /// The text of the content part that is being written.
    part: String,
    has_text: bool,
}

impl Reply {
    fn new(memory: Memory) -> Self {
        Self {
            memory,
            blocks: Blocks::default(),
            calls: ToolCalls::default(),
            sources: Sources::default(),
            part: String::new(),
            has_text: false,
        }
    }

    fn take(&mut self, event: Event, name: &str, out: &mut Vec<Chunk>) -> Result<(), UpstreamFailure> {
        let kind = if event.kind.is_empty() { name } else { event.kind.as_str() };
        match kind {
            "response.created" | "response.in_progress" => {
                if let Some(response) = &event.response {
                    self.remember(response);
                }
            }
            "response.queued" => out.push(status("queue", "Waiting in line")),
            // A refusal is what the model says, in place of an answer.
            "response.output_text.delta" | "response.refusal.delta" => {
                let delta = event.delta.unwrap_or_default();
                self.part.push_str(&delta);
                self.text(&delta, out);
            }
            "response.output_text.done" | "response.refusal.done" => {
                let whole = event.text.or(event.refusal).unwrap_or_default();
                // Servers that send no deltas, or not all, say it here.
                let said = std::mem::take(&mut self.part);
                let rest = whole.strip_prefix(said.as_str()).unwrap_or_default();
                self.text(rest, out);
            }
            "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => {
                self.blocks.reasoning(&event.delta.unwrap_or_default(), out);
            }
            "response.output_text.annotation.added" => {
                if let Some(annotation) = event.annotation {
                    self.cite(&annotation, out);
                }
            }
            "response.output_item.added" | "response.output_item.done" => {
                if let Some(item) = event.item.filter(|item| item.kind == "function_call") {
                    let arguments = item.arguments.clone();
                    let place = self.begin_call(item, out)?;
                    if kind == "response.output_item.done" {
                        self.calls.finish(place, arguments.as_deref(), out);
                    }
                }
            }
            "response.function_call_arguments.delta" => {
                let place = self.calls.find(&event.item_id.unwrap_or_default());
                if let (Some(place), Some(delta)) = (place, event.delta) {
                    self.calls.add(place, "", "", &delta, out)?;
                }
            }
            "response.function_call_arguments.done" => {
                let place = self.calls.find(&event.item_id.unwrap_or_default());
                if let Some(place) = place {
                    self.calls.finish(place, event.arguments.as_deref(), out);
                }
            }
            "response.completed" | "response.incomplete" | "response.failed" => {
                let mut response = event.response.unwrap_or_default();
                if response.status.is_none() {
                    response.status = kind.strip_prefix("response.").map(str::to_owned);
                }
                return self.end(response, out);
            }
            "error" => {
                self.memory.forget_reply();
                let flat = json!({ "code": event.code, "message": event.message });
                return Err(openai::read_error(event.error.as_ref().unwrap_or(&flat), &malformed("")));
            }
            kind if kind.ends_with("_call.searching") => out.push(status("search", "Searching")),
            kind if kind.ends_with("_call.in_progress") || kind.ends_with("_call.interpreting") => {
                out.push(status("tool", "Working"));
            }
            // An error object without a type; some servers send it so.
            "" if event.error.is_some() => {
                self.memory.forget_reply();
                return Err(openai::read_error(&event.error.unwrap_or_default(), &malformed("")));
            }
            _ => {}
        }
        Ok(())
    }

    /// The thread can be continued after this response only if the provider
    /// says that it keeps it, and that it took up the one before.
    fn remember(&self, response: &Response) {
        let asked = self.memory.before().previous.as_deref();
        let echoed = response.previous_response_id.as_deref();
        let is_kept = response.store == Some(true) && (echoed.is_some() || asked.is_none());
        match &response.id {
            Some(id) if is_kept => self.memory.keep_reply(id),
            _ => {}
        }
    }

    fn text(&mut self, delta: &str, out: &mut Vec<Chunk>) {
        self.has_text |= !delta.is_empty();
        self.blocks.text(delta, out);
    }

    fn cite(&mut self, annotation: &Annotation, out: &mut Vec<Chunk>) {
        if let Some(url) = &annotation.url {
            let citation = Citation { url: url.clone(), title: annotation.title.clone() };
            self.sources.add(&citation.url, citation.title.as_deref(), out);
        } else if let Some(id) = &annotation.file_id {
            let name = annotation.filename.as_deref().unwrap_or_default();
            self.sources.add_document(id, name, out);
        }
    }

    fn begin_call(&mut self, item: Item, out: &mut Vec<Chunk>) -> Result<usize, UpstreamFailure> {
        self.blocks.close(out);
        let call_id = item.call_id.unwrap_or_default();
        let key = item.id.unwrap_or_else(|| call_id.clone());
        let name = item.name.unwrap_or_default();
        if let Some(place) = self.calls.find(&key) {
            return Ok(place);
        }
        let place = self.calls.push(&key, &call_id, &name)?;
        self.calls.add(place, "", "", "", out)?;
        Ok(place)
    }

    /// What the whole response says that was not streamed, and its end.
    fn end(&mut self, response: Response, out: &mut Vec<Chunk>) -> Result<(), UpstreamFailure> {
        self.remember(&response);
        let status = response.status.as_deref().unwrap_or("completed");
        let error = response.error.as_ref().filter(|error| !error.is_null());
        if let Some(error) = error {
            self.memory.forget_reply();
            // Some servers answer with only an error under 200.
            return Err(openai::read_error(error, &malformed("")));
        }
        if matches!(status, "failed" | "cancelled") {
            self.memory.forget_reply();
            return Err(malformed(format!("the response has {status}")));
        }
        if response.output.is_none() && response.status.is_none() {
            return Err(malformed("the body is no response"));
        }
        let is_streamed = self.has_text;
        for item in response.output.unwrap_or_default() {
            match item.kind.as_str() {
                "message" if !is_streamed => self.add_message(&item, out),
                "reasoning" if !is_streamed => {
                    for part in item.summary.iter().flatten() {
                        self.blocks.reasoning(part.text.as_deref().unwrap_or_default(), out);
                    }
                }
                "function_call" => {
                    let arguments = item.arguments.clone();
                    let place = self.begin_call(item, out)?;
                    self.calls.finish(place, arguments.as_deref(), out);
                }
                _ => {}
            }
        }
        self.blocks.close(out);
        self.calls.finish_all(out);
        let details = response.incomplete_details.and_then(|details| details.reason);
        let reason = match details.as_deref() {
            Some("content_filter") => FinishReason::ContentFilter,
            _ if status == "incomplete" => FinishReason::Length,
            _ if !self.calls.is_empty() => FinishReason::ToolCalls,
            _ => FinishReason::Stop,
        };
        let usage: Option<Usage> = response.usage.map(Into::into);
        let metadata =
            usage.map(|usage| MessageMetadata { usage: Some(usage), ..MessageMetadata::default() });
        out.push(Chunk::Finish { reason, metadata });
        Ok(())
    }

    fn add_message(&mut self, item: &Item, out: &mut Vec<Chunk>) {
        for part in item.content.iter().flatten() {
            let text = part.text.as_deref().or(part.refusal.as_deref()).unwrap_or_default();
            self.text(text, out);
            for annotation in part.annotations.iter().flatten() {
                self.cite(annotation, out);
            }
        }
    }
}

fn status(phase: &str, label: &str) -> Chunk {
    Chunk::Status { phase: phase.to_owned(), label: Some(label.to_owned()) }
}
