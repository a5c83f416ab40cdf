//! From ChatBotKit's bytes to chunks: one JSON object per line, the same as named
//! server-sent events, or one JSON body.
//!
//! The same text comes up to four times: as tokens, as a message, and in two
//! results. It is shown as it first comes; what comes later only adds what was
//! left out.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chinwag_protocol::sse::Frame;
use chinwag_protocol::{Chunk, ErrorCode, FinishReason, Json, MessageMetadata, Usage};
use serde_json::Value;

use super::refusal::read_error;
use crate::upstream::decode::{Blocks, Decode, Events, Lines, Whole, malformed};
use crate::upstream::failure::UpstreamFailure;
use crate::upstream::memory::Memory;

/// Longest name of an action that is shown, in characters.
const MAX_LABEL_CHARS: usize = 80;

/// Most function calls of one reply.
const MAX_CALLS: usize = 64;

/// Between a channel and the number of a further call there.
const CALL_MARK: char = '#';

/// The channel that a call waits at.
pub(super) fn channel_of(tool_call_id: &str) -> &str {
    tool_call_id.rsplit_once(CALL_MARK).map_or(tool_call_id, |(channel, _)| channel)
}

/// The decoder of a stream of lines. What it learns goes into `memory`.
pub fn lines(memory: Memory) -> impl Decode {
    Streamed::new(Wire::Lines(Lines::default()), memory)
}

/// The decoder of a stream of events.
pub fn events(memory: Memory) -> impl Decode {
    Streamed::new(Wire::Events(Events::default()), memory)
}

/// The decoder of an answer that came as one JSON body. It may be an error
/// though the status was 200: after a while the server commits to that.
pub fn whole(memory: Memory) -> impl Decode {
    Whole::new(move |body: &[u8], out: &mut Vec<Chunk>| {
        let body: Value = serde_json::from_slice(body).map_err(|error| malformed(error.to_string()))?;
        Reply::new(memory.clone()).end(&body, out)
    })
}

enum Wire {
    Lines(Lines),
    Events(Events),
}

/// One event as the wire has it.
enum Item {
    Line(String),
    Event(Frame),
}

struct Streamed {
    wire: Wire,
    /// What arrived behind a call that is waited for.
    pending: VecDeque<Item>,
    reply: Reply,
}

impl Streamed {
    fn new(wire: Wire, memory: Memory) -> Self {
        Self { wire, pending: VecDeque::new(), reply: Reply::new(memory) }
    }

    fn take_pending(&mut self, out: &mut Vec<Chunk>) -> Result<(), UpstreamFailure> {
        while self.reply.waits_at.is_none()
            && let Some(item) = self.pending.pop_front()
        {
            match item {
                Item::Line(line) => self.reply.take_line(&line, out)?,
                Item::Event(frame) => self.reply.take_event(&frame.event, &frame.data, out)?,
            }
        }
        Ok(())
    }
}

impl Decode for Streamed {
    fn feed(&mut self, bytes: &[u8], out: &mut Vec<Chunk>) -> Result<(), UpstreamFailure> {
        let fed = match &mut self.wire {
            Wire::Lines(lines) => {
                let mut whole = Vec::new();
                let fed = lines.feed(bytes, &mut whole);
                self.pending.extend(whole.into_iter().map(Item::Line));
                fed
            }
            Wire::Events(events) => {
                let mut whole = Vec::new();
                let fed = events.feed(bytes, &mut whole);
                self.pending.extend(whole.into_iter().map(Item::Event));
                fed
            }
        };
        self.take_pending(out)?;
        fed
    }

    fn finish(&mut self, out: &mut Vec<Chunk>) -> Result<(), UpstreamFailure> {
        self.take_pending(out)?;
        self.reply.is_at_end = true;
        match &mut self.wire {
            Wire::Lines(lines) => {
                let mut last = Vec::new();
                lines.finish(&mut last);
                self.pending.extend(last.into_iter().map(Item::Line));
            }
            Wire::Events(events) => {
                let mut last = Vec::new();
                events.finish(&mut last);
                self.pending.extend(last.into_iter().map(Item::Event));
            }
        }
        self.take_pending(out)
    }
}

/// A decoder that outlives a reply: it ends one with the call of a tool of the
/// page, and goes on in the next.
#[derive(Clone)]
pub(super) struct Waiting {
    inner: Arc<Mutex<Streamed>>,
}

impl Waiting {
    /// Reads events if `is_events`, else lines. `channels` are those of the
    /// page's tools.
    pub(super) fn new(is_events: bool, memory: Memory, channels: Vec<String>) -> Self {
        let wire = if is_events { Wire::Events(Events::default()) } else { Wire::Lines(Lines::default()) };
        let mut inner = Streamed::new(wire, memory);
        inner.reply.channels = channels;
        Self { inner: Arc::new(Mutex::new(inner)) }
    }

    /// Where the bot waits for an answer, if it does.
    pub(super) fn channel(&self) -> Option<String> {
        self.lock().reply.waits_at.clone()
    }

    /// The answer is there; what is learned from now on goes into `memory`.
    pub(super) fn go_on(&self, memory: Memory) {
        let reply = &mut self.lock().reply;
        reply.waits_at = None;
        reply.memory = memory;
    }

    fn lock(&self) -> MutexGuard<'_, Streamed> {
        // A panic within is a fault of the decoder, and ends its reply anyway.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Decode for Waiting {
    fn feed(&mut self, bytes: &[u8], out: &mut Vec<Chunk>) -> Result<(), UpstreamFailure> {
        self.lock().feed(bytes, out)
    }

    fn finish(&mut self, out: &mut Vec<Chunk>) -> Result<(), UpstreamFailure> {
        self.lock().finish(out)
    }
}

/// What is known of the reply so far.
struct Reply {
    memory: Memory,
    blocks: Blocks,
    /// Everything that was said.
    said: String,
    /// What was said since the last message ended.
    open: String,
    /// What was said before an action, and was in no `message` yet.
    unclaimed: Vec<String>,
    /// The last message that came as a whole.
    last_message: String,
    /// Whether thoughts came since the last message of that kind.
    has_thought: bool,
    /// The channels of the page's tools: a call there ends the reply, which goes
    /// on once it is answered.
    channels: Vec<String>,
    /// The one of them that the bot waits at.
    waits_at: Option<String>,
    /// The channels of the calls so far, in order.
    calls: Vec<String>,
    usage: Option<Usage>,
    is_ended: bool,
    /// No more bytes come: what cannot be read now was cut.
    is_at_end: bool,
}

impl Reply {
    fn new(memory: Memory) -> Self {
        Self {
            memory,
            blocks: Blocks::default(),
            said: String::new(),
            open: String::new(),
            unclaimed: Vec::new(),
            last_message: String::new(),
            has_thought: false,
            channels: Vec::new(),
            waits_at: None,
            calls: Vec::new(),
            usage: None,
            is_ended: false,
            is_at_end: false,
        }
    }

    fn take_line(&mut self, line: &str, out: &mut Vec<Chunk>) -> Result<(), UpstreamFailure> {
        if line.trim().is_empty() {
            return Ok(());
        }
        let item = self.parse(line)?;
        match item.get("type").and_then(Value::as_str) {
            Some(kind) => self.take(kind, item.get("data").unwrap_or(&Value::Null), out),
            // A body of the JSON form under the wrong name: a result or an error.
            None if has_text(&item, "text") || is_error(&item) => self.end(&item, out),
            None => Ok(()),
        }
    }

    fn parse(&self, text: &str) -> Result<Value, UpstreamFailure> {
        let code = if self.is_at_end { ErrorCode::Interrupted } else { ErrorCode::UpstreamError };
        serde_json::from_str(text).map_err(|error| {
            UpstreamFailure::new(code).because(format!("an event is not the expected JSON: {error}"))
        })
    }

    fn take_event(&mut self, event: &str, data: &str, out: &mut Vec<Chunk>) -> Result<(), UpstreamFailure> {
        if event.is_empty() {
            return self.take_line(data, out);
        }
        let data = if data.trim().is_empty() { Value::Null } else { self.parse(data)? };
        self.take(event, &data, out)
    }

    fn take(&mut self, kind: &str, data: &Value, out: &mut Vec<Chunk>) -> Result<(), UpstreamFailure> {
        if self.is_ended {
            return Ok(());
        }
        match kind {
            "token" => self.say(text(data, "token"), out),
            "reasoningToken" => {
                self.has_thought = true;
                self.blocks.reasoning(text(data, "token"), out);
            }
            "message" => self.take_message(data, out),
            "usage" => self.add_usage(data),
            "intentDetectionBegin" => out.push(status("intent", None)),
            "operationBegin" => {
                self.end_message(out);
                let action = data.get("action").unwrap_or(&Value::Null);
                // Its input and output are between the bot and its tools.
                out.push(status("operation", Some(text(action, "name"))));
            }
            "compactionBegin" => out.push(status("compaction", None)),
            "progressReport" => out.push(status("progress", progress(data).as_deref())),
            "completeBegin" => self.end_message(out),
            "waitForChannelMessageBegin" => self.begin_call(data, out),
            "waitForChannelMessageEnd" => self.end_call(data, out),
            "result" => return self.end(data, out),
            "error" => return Err(fail(data)),
            "abort" => {
                self.is_ended = true;
                self.blocks.close(out);
                out.push(Chunk::Abort { reason: None });
            }
            // Heartbeats (ping, nop), what the result repeats (sendResult,
            // receiveResult), the ends of what was begun, audio, and whatever is
            // new.
            _ => {}
        }
        Ok(())
    }

    fn say(&mut self, text: &str, out: &mut Vec<Chunk>) {
        self.said.push_str(text);
        self.open.push_str(text);
        self.blocks.text(text, out);
    }

    /// What comes next is another message, or none.
    fn end_message(&mut self, out: &mut Vec<Chunk>) {
        self.blocks.close(out);
        let open = std::mem::take(&mut self.open);
        if !open.trim().is_empty() {
            self.unclaimed.push(open);
        }
    }

    /// A message as a whole; most often its tokens have said it already.
    fn take_message(&mut self, data: &Value, out: &mut Vec<Chunk>) {
        let whole = text(data, "text");
        match text(data, "type") {
            "bot" => self.take_bot_message(whole, out),
            "reasoning" => {
                if !std::mem::take(&mut self.has_thought) {
                    self.blocks.reasoning(whole, out);
                }
                self.blocks.close(out);
            }
            // The others are between the bot and its tools.
            _ => {}
        }
    }

    fn take_bot_message(&mut self, whole: &str, out: &mut Vec<Chunk>) {
        whole.clone_into(&mut self.last_message);
        let is_same = |said: &String| said.trim() == whole.trim();
        if let Some(place) = self.unclaimed.iter().position(is_same) {
            self.unclaimed.remove(place);
            return;
        }
        if self.open.trim().is_empty() && !self.unclaimed.is_empty() {
            // Not word for word what was said, but what stands for it: nothing
            // else was said that it could be.
            self.unclaimed.remove(0);
            return;
        }
        // What was said otherwise cannot be unsaid; what is missing is added.
        if let Some(missing) = whole.strip_prefix(self.open.as_str()) {
            let missing = missing.to_owned();
            self.say(&missing, out);
        }
        self.open.clear();
        self.blocks.close(out);
    }

    fn add_usage(&mut self, data: &Value) {
        let count = |key: &str| data.get(key).and_then(Value::as_u64).unwrap_or_default();
        // Once per call of the model, and a turn may have several.
        let usage = self.usage.get_or_insert_default();
        usage.input_tokens = usage.input_tokens.saturating_add(count("inputTokensUsed"));
        usage.output_tokens = usage.output_tokens.saturating_add(count("outputTokensUsed"));
    }

    /// The bot waits at a channel for somebody to run a function. A function that
    /// is called twice waits at the same channel: the calls are numbered.
    fn begin_call(&mut self, data: &Value, out: &mut Vec<Chunk>) {
        self.end_message(out);
        let function = data.get("function").unwrap_or(&Value::Null);
        let (channel, name) = (text(data, "channel"), text(function, "name"));
        if channel.is_empty() || name.is_empty() || self.calls.len() >= MAX_CALLS {
            return;
        }
        self.calls.push(channel.to_owned());
        let tool_call_id = self.call_id(channel);
        out.push(Chunk::ToolInputStart { tool_call_id: tool_call_id.clone(), tool_name: name.to_owned() });
        if let Some(input) = carried(function.get("args")) {
            out.push(Chunk::ToolInputAvailable { tool_call_id, tool_name: name.to_owned(), input });
        }
        if self.channels.iter().any(|own| own == channel) {
            self.waits_at = Some(channel.to_owned());
            out.push(Chunk::Finish { reason: FinishReason::ToolCalls, metadata: None });
        }
    }

    /// The newest call at a channel: the channel itself, and from the second on
    /// with a number behind it.
    fn call_id(&self, channel: &str) -> String {
        match self.calls.iter().filter(|called| *called == channel).count() {
            0 | 1 => channel.to_owned(),
            count => format!("{channel}{CALL_MARK}{count}"),
        }
    }

    fn end_call(&self, data: &Value, out: &mut Vec<Chunk>) {
        let channel = text(data, "channel");
        if !self.calls.iter().any(|called| called == channel) {
            return;
        }
        let message = data.get("message").unwrap_or(&Value::Null);
        let tool_call_id = self.call_id(channel);
        if message.get("error").is_some_and(|error| !error.is_null()) {
            out.push(Chunk::ToolOutputError { tool_call_id, error_text: "the tool failed".to_owned() });
        } else if let Some(output) = carried(message.get("data").or(Some(message))) {
            out.push(Chunk::ToolOutputAvailable { tool_call_id, output });
        }
    }

    /// The last word: a result, or an error in its place.
    fn end(&mut self, result: &Value, out: &mut Vec<Chunk>) -> Result<(), UpstreamFailure> {
        if !has_text(result, "text") {
            if is_error(result) {
                return Err(fail(result));
            }
            // `{"ping": true}` stands where the handler had no result.
            let detail = "the answer ended without a result";
            return Err(UpstreamFailure::new(ErrorCode::Interrupted).because(detail));
        }
        self.is_ended = true;
        self.say_missing(text(result, "text"), out);
        self.blocks.close(out);
        let reason = match result.get("end").map(|end| text(end, "reason")).unwrap_or_default() {
            "stop" | "" => FinishReason::Stop,
            "length" | "iteration" => FinishReason::Length,
            // Inferred: the turn ended in an action that waits for somebody.
            "activity" => FinishReason::ToolCalls,
            "error" => return Err(malformed("the result says that the turn failed")),
            "abort" => {
                out.push(Chunk::Abort { reason: None });
                return Ok(());
            }
            _ => FinishReason::Other,
        };
        self.memory.keep_reply(text(result, "id"));
        let metadata =
            self.usage.map(|usage| MessageMetadata { usage: Some(usage), ..MessageMetadata::default() });
        out.push(Chunk::Finish { reason, metadata });
        Ok(())
    }

    /// Adds what the result holds and nothing has said.
    fn say_missing(&mut self, result: &str, out: &mut Vec<Chunk>) {
        if result.trim() == self.last_message.trim() && !self.said.is_empty() {
            return;
        }
        let known = if self.open.is_empty() { &self.said } else { &self.open };
        let missing = match result.strip_prefix(known.as_str()) {
            Some(missing) => missing.to_owned(),
            None if self.open.is_empty() && !self.said.contains(result.trim()) => result.to_owned(),
            None => return,
        };
        self.say(&missing, out);
    }
}

fn fail(error: &Value) -> UpstreamFailure {
    read_error(error.get("error").unwrap_or(error), &malformed(""))
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn has_text(value: &Value, key: &str) -> bool {
    value.get(key).is_some_and(Value::is_string)
}

/// `{message, code}`, flat or within `error`.
fn is_error(body: &Value) -> bool {
    has_text(body, "code") || body.get("error").is_some_and(|error| !error.is_null())
}

fn carried(value: Option<&Value>) -> Option<Json> {
    Json::parse(&value.filter(|value| !value.is_null()).map_or_else(|| "{}".to_owned(), Value::to_string))
        .ok()
}

fn progress(data: &Value) -> Option<String> {
    let number = |key: &str| data.get(key).and_then(Value::as_u64);
    Some(format!("{} / {}", number("step")?, number("total")?))
}

fn status(phase: &str, label: Option<&str>) -> Chunk {
    let label = label.map(|label| label.chars().take(MAX_LABEL_CHARS).collect::<String>());
    Chunk::Status { phase: phase.to_owned(), label: label.filter(|label| !label.is_empty()) }
}
