//! What the payloads of one reply mean, in every shape that is documented
//! somewhere: three generations of the stream and of its metadata, and the
//! whole reply in one object.

use chinwag_protocol::limits::MAX_REPLY_BYTES;
use chinwag_protocol::sse::DONE;
use chinwag_protocol::{Chunk, ErrorCode, FinishReason, Json};
use serde::Deserialize;
use serde_json::Value;

use super::refusal;
use crate::upstream::decode::{Blocks, malformed};
use crate::upstream::failure::UpstreamFailure;
use crate::upstream::memory::Memory;

/// Most tool calls of one reply.
const MAX_CALLS: usize = 64;

/// What is known of the reply so far.
#[derive(Debug)]
pub(super) struct Reply {
    memory: Memory,
    blocks: Blocks,
    /// The text block that is open, as the provider names it.
    text_id: Option<String>,
    calls: Vec<Call>,
    /// Bytes of what tools were given and gave.
    carried: usize,
    /// Whether any payload made sense, and how many did not.
    has_heard: bool,
    skipped: usize,
    /// Why it ended, while its ids may still follow.
    ended: Option<FinishReason>,
}

#[derive(Debug)]
struct Call {
    id: String,
    is_answered: bool,
}

/// What is handed on as it came. It is read apart from the rest, so that its
/// numbers and the order of its keys stay.
#[derive(Debug, Default, Deserialize)]
struct Carried {
    #[serde(default)]
    input: Option<Json>,
    #[serde(default)]
    output: Option<Json>,
}

/// A reply in one object, as it comes without streaming.
#[derive(Debug, Deserialize)]
struct Response {
    #[serde(default)]
    id: Option<String>,
    parts: Vec<ResponsePart>,
    #[serde(default)]
    metadata: Value,
}

#[derive(Debug, Deserialize)]
struct Envelope {
    data: Response,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ResponsePart {
    #[serde(rename = "type")]
    kind: String,
    text: Option<String>,
    tool_call_id: Option<String>,
    tool_name: Option<String>,
    input: Option<Json>,
    output: Option<Json>,
}

impl Reply {
    pub(super) fn new(memory: Memory) -> Self {
        Self {
            memory,
            blocks: Blocks::default(),
            text_id: None,
            calls: Vec::new(),
            carried: 0,
            has_heard: false,
            skipped: 0,
            ended: None,
        }
    }

    /// Takes in one payload. `name` is that of its `event:` line, or empty.
    pub(super) fn take(
        &mut self,
        name: &str,
        payload: &str,
        out: &mut Vec<Chunk>,
    ) -> Result<(), UpstreamFailure> {
        let payload = payload.trim();
        if payload == DONE {
            return self.done(out);
        }
        let Ok(event) = serde_json::from_str::<Value>(payload) else {
            self.skip("it is not JSON");
            return Ok(());
        };
        let kind = event.get("type").and_then(Value::as_str).unwrap_or(name);
        match kind {
            "" if present(&event, "error").is_some() => Err(failure(&event)),
            "" => self.take_response(payload, out),
            _ => {
                self.has_heard = true;
                self.take_event(kind, &event, payload, out)
            }
        }
    }

    /// The body is over. Pushes nothing if the reply is not.
    pub(super) fn close(&mut self, out: &mut Vec<Chunk>) -> Result<(), UpstreamFailure> {
        match self.ended {
            Some(reason) => self.end(reason, out),
            None if self.is_garbage() => return Err(self.garbage()),
            None => {}
        }
        Ok(())
    }

    fn take_event(
        &mut self,
        kind: &str,
        event: &Value,
        payload: &str,
        out: &mut Vec<Chunk>,
    ) -> Result<(), UpstreamFailure> {
        if let Some(reason) = self.ended {
            // The reply is whole; its ids may follow, and nothing else matters.
            self.learn(event);
            if self.knows_ids() {
                self.end(reason, out);
            }
            return Ok(());
        }
        match kind {
            "start" | "message-start" | "message-metadata" => self.learn(event),
            "start-step" => {
                self.blocks.close(out);
                out.push(Chunk::StartStep);
            }
            "finish-step" => {
                self.blocks.close(out);
                out.push(Chunk::FinishStep);
            }
            "text-start" => self.begin_text(text(event, "id"), out),
            "text-delta" => {
                let id = text(event, "id");
                if id.is_some() && self.text_id.as_deref() != id {
                    self.begin_text(id, out);
                }
                self.blocks.text(text(event, "delta").unwrap_or_default(), out);
            }
            "text-end" => self.begin_text(None, out),
            "finish" => {
                self.learn(event);
                let reason = self.read_reason(field(event, "finishReason").and_then(Value::as_str))?;
                self.ended = Some(reason);
                if self.knows_ids() {
                    self.end(reason, out);
                }
            }
            "error" => return Err(failure(event)),
            "abort" => return Err(interrupted("the provider gave the reply up")),
            _ if kind.starts_with("tool-") => return self.take_tool(kind, event, payload, out),
            // Kinds of a newer provider are nothing to us.
            _ => {}
        }
        Ok(())
    }

    fn begin_text(&mut self, id: Option<&str>, out: &mut Vec<Chunk>) {
        self.blocks.close(out);
        self.text_id = id.map(str::to_owned);
    }

    fn take_tool(
        &mut self,
        kind: &str,
        event: &Value,
        payload: &str,
        out: &mut Vec<Chunk>,
    ) -> Result<(), UpstreamFailure> {
        let Some(id) = text(event, "toolCallId").filter(|id| !id.is_empty()) else {
            self.skip("it names no tool call");
            return Ok(());
        };
        let name = text(event, "toolName").unwrap_or_default();
        let carried = || serde_json::from_str::<Carried>(payload).unwrap_or_default();
        match kind {
            "tool-input-start" => {
                self.begin_call(id, out)?;
                out.push(Chunk::ToolInputStart { tool_call_id: id.to_owned(), tool_name: name.to_owned() });
            }
            "tool-input-delta" => {
                let delta = text(event, "inputTextDelta").unwrap_or_default().to_owned();
                out.push(Chunk::ToolInputDelta { tool_call_id: id.to_owned(), delta });
            }
            "tool-input-available" => self.call(id, name, carried().input, out)?,
            "tool-output-available" => self.answer(id, carried().output, out)?,
            "tool-input-error" => {
                self.begin_call(id, out)?;
                self.note_answer(id);
                out.push(Chunk::ToolInputError {
                    tool_call_id: id.to_owned(),
                    tool_name: name.to_owned(),
                    input: None,
                    error_text: "the call could not be made".to_owned(),
                });
            }
            "tool-output-error" => {
                self.note_answer(id);
                out.push(Chunk::ToolOutputError {
                    tool_call_id: id.to_owned(),
                    error_text: "the tool failed".to_owned(),
                });
            }
            _ => {}
        }
        Ok(())
    }

    /// A call with its whole input; nothing is the input of a tool without any.
    fn call(
        &mut self,
        id: &str,
        name: &str,
        input: Option<Json>,
        out: &mut Vec<Chunk>,
    ) -> Result<(), UpstreamFailure> {
        self.begin_call(id, out)?;
        let Some(input) = input.or_else(|| Json::parse("{}").ok()) else { return Ok(()) };
        self.carry(&input)?;
        let (tool_call_id, tool_name) = (id.to_owned(), name.to_owned());
        out.push(Chunk::ToolInputAvailable { tool_call_id, tool_name, input });
        Ok(())
    }

    /// What a tool on the provider's side answered.
    fn answer(
        &mut self,
        id: &str,
        output: Option<Json>,
        out: &mut Vec<Chunk>,
    ) -> Result<(), UpstreamFailure> {
        let Some(output) = output.or_else(|| Json::parse("null").ok()) else { return Ok(()) };
        self.carry(&output)?;
        self.note_answer(id);
        out.push(Chunk::ToolOutputAvailable { tool_call_id: id.to_owned(), output });
        Ok(())
    }

    fn begin_call(&mut self, id: &str, out: &mut Vec<Chunk>) -> Result<(), UpstreamFailure> {
        self.blocks.close(out);
        if self.calls.iter().any(|call| call.id == id) {
            return Ok(());
        }
        if self.calls.len() >= MAX_CALLS {
            return Err(malformed(format!("more than {MAX_CALLS} tool calls in one reply")));
        }
        self.calls.push(Call { id: id.to_owned(), is_answered: false });
        Ok(())
    }

    fn note_answer(&mut self, id: &str) {
        if let Some(call) = self.calls.iter_mut().find(|call| call.id == id) {
            call.is_answered = true;
        }
    }

    fn carry(&mut self, json: &Json) -> Result<(), UpstreamFailure> {
        self.carried += json.as_str().len();
        if self.carried > MAX_REPLY_BYTES {
            return Err(malformed("what the tools were given and gave is too long"));
        }
        Ok(())
    }

    /// The whole reply in one object, in its envelope or out of it.
    fn take_response(&mut self, payload: &str, out: &mut Vec<Chunk>) -> Result<(), UpstreamFailure> {
        let read = serde_json::from_str::<Envelope>(payload).map(|envelope| envelope.data);
        let Ok(response) = read.or_else(|_| serde_json::from_str::<Response>(payload)) else {
            self.skip("it has no type");
            return Ok(());
        };
        self.has_heard = true;
        if let Some(id) = &response.id {
            self.memory.keep_reply(id);
        }
        self.learn(&response.metadata);
        for part in response.parts {
            let id = part.tool_call_id.as_deref().unwrap_or_default();
            match part.kind.as_str() {
                "text" => {
                    self.begin_text(None, out);
                    self.blocks.text(part.text.as_deref().unwrap_or_default(), out);
                }
                "tool-call" => {
                    self.call(id, part.tool_name.as_deref().unwrap_or_default(), part.input, out)?;
                }
                "tool-result" => self.answer(id, part.output, out)?,
                _ => {}
            }
        }
        let reason = self.read_reason(text(&response.metadata, "finishReason"))?;
        self.end(reason, out);
        Ok(())
    }

    fn learn(&mut self, event: &Value) {
        if let Some(id) = field(event, "conversationId").and_then(Value::as_str) {
            self.memory.keep_conversation(id);
        }
        if let Some(id) = field(event, "messageId").and_then(Value::as_str) {
            self.memory.keep_reply(id);
        }
        // Credits are no tokens, and may be fractions of one: they are the
        // operator's to see.
        if let Some(credits) = field(event, "usage").and_then(|usage| usage.get("credits")?.as_f64()) {
            tracing::debug!(credits, "a reply was charged");
        }
    }

    fn knows_ids(&self) -> bool {
        let learned = self.memory.learned();
        let has_conversation = learned.conversation.is_some() || self.memory.before().conversation.is_some();
        has_conversation && learned.reply.is_some()
    }

    /// Why the reply ended. *Inferred*: a reply that leaves calls open without
    /// saying why waits for them.
    fn read_reason(&self, word: Option<&str>) -> Result<FinishReason, UpstreamFailure> {
        Ok(match word {
            None if self.calls.iter().any(|call| !call.is_answered) => FinishReason::ToolCalls,
            None => FinishReason::Stop,
            Some("tool_calls") => FinishReason::ToolCalls,
            Some("content_filter") => FinishReason::ContentFilter,
            Some("error") => return Err(malformed("the reply ended for the reason \"error\"")),
            Some("abort" | "aborted" | "interrupted") => {
                return Err(interrupted("the provider gave the reply up"));
            }
            Some(word) => FinishReason::from_wire(word),
        })
    }

    fn done(&mut self, out: &mut Vec<Chunk>) -> Result<(), UpstreamFailure> {
        if self.is_garbage() {
            return Err(self.garbage());
        }
        let reason = match self.ended {
            Some(reason) => reason,
            None => self.read_reason(None)?,
        };
        self.end(reason, out);
        Ok(())
    }

    fn end(&mut self, reason: FinishReason, out: &mut Vec<Chunk>) {
        self.blocks.close(out);
        out.push(Chunk::Finish { reason, metadata: None });
    }

    fn skip(&mut self, reason: &str) {
        self.skipped += 1;
        tracing::debug!(reason, skipped = self.skipped, "an event is left out");
    }

    fn is_garbage(&self) -> bool {
        self.skipped > 0 && !self.has_heard
    }

    fn garbage(&self) -> UpstreamFailure {
        malformed(format!("none of its {} events could be read", self.skipped))
    }
}

/// An error in one of its three shapes: `errorText`, `error`, `message`.
fn failure(event: &Value) -> UpstreamFailure {
    let error = ["error", "errorText"].into_iter().find_map(|key| present(event, key));
    refusal::read_error(error.unwrap_or(event), &malformed(""))
}

fn interrupted(detail: &str) -> UpstreamFailure {
    UpstreamFailure::new(ErrorCode::Interrupted).because(detail)
}

fn present<'v>(value: &'v Value, key: &str) -> Option<&'v Value> {
    value.get(key).filter(|value| !value.is_null())
}

fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key).and_then(Value::as_str)
}

/// A field of the metadata, where each generation has it: in `messageMetadata`,
/// in `metadata`, or on the event itself.
fn field<'v>(event: &'v Value, key: &str) -> Option<&'v Value> {
    [event.get("messageMetadata"), event.get("metadata"), Some(event)]
        .into_iter()
        .flatten()
        .find_map(|place| present(place, key))
}
