//! From Chatsby's bytes to chunks: named server-sent events, or one JSON body.

use chinwag_protocol::sse::{DONE, Frame};
use chinwag_protocol::{Chunk, ConversationState, FinishReason, MessageMetadata};
use serde_json::Value;

use super::refusal::read_error;
use crate::upstream::decode::{Blocks, Decode, DecodeEvent, Streamed, Whole, malformed};
use crate::upstream::failure::UpstreamFailure;
use crate::upstream::memory::Memory;
use crate::upstream::source::Sources;

/// The decoder of a streamed answer. What it learns goes into `memory`.
pub fn stream(memory: Memory) -> impl Decode {
    Streamed::new(Reply::new(memory))
}

/// The decoder of an answer that came as one JSON body.
pub fn whole(memory: Memory) -> impl Decode {
    Whole::new(move |body: &[u8], out: &mut Vec<Chunk>| {
        let body: Value = serde_json::from_slice(body).map_err(|error| malformed(error.to_string()))?;
        if let Some(error) = error_in(&body) {
            return Err(read_error(error, &malformed("")));
        }
        if body.get("reply").and_then(Value::as_str).is_none() {
            return Err(malformed("the answer has no reply"));
        }
        Reply::new(memory.clone()).end(&body, out);
        Ok(())
    })
}

/// What an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Token,
    Done,
    Error,
    Other,
}

/// Only `token` and `done` are known by name, and only of `token` is the payload
/// known; the rest is inferred, and changes here.
fn kind(event: &str, data: &Value) -> Kind {
    let name =
        if event.is_empty() { data.get("type").and_then(Value::as_str).unwrap_or_default() } else { event };
    match name {
        "token" => Kind::Token,
        "done" => Kind::Done,
        "error" => Kind::Error,
        "" if error_in(data).is_some() => Kind::Error,
        "" if data.get("content").is_some() => Kind::Token,
        _ => Kind::Other,
    }
}

fn error_in(body: &Value) -> Option<&Value> {
    body.get("error").filter(|error| !error.is_null())
}

impl DecodeEvent for Reply {
    fn take_event(&mut self, event: &Frame, out: &mut Vec<Chunk>) -> Result<(), UpstreamFailure> {
        if self.is_ended {
            return Ok(());
        }
        let text = event.data.trim();
        let data = match text {
            DONE => {
                self.end(&Value::Null, out);
                return Ok(());
            }
            "" => Value::Null,
            text => serde_json::from_str(text)
                .map_err(|error| malformed(format!("an event is not JSON: {error}")))?,
        };
        match kind(&event.event, &data) {
            Kind::Token => {
                self.add(data.get("content").and_then(Value::as_str).unwrap_or_default(), out);
            }
            Kind::Done => match error_in(&data) {
                Some(error) => return Err(read_error(error, &malformed(""))),
                None => self.end(&data, out),
            },
            // `{"error": {...}}`, or the object itself.
            Kind::Error => return Err(read_error(error_in(&data).unwrap_or(&data), &malformed(""))),
            Kind::Other => {}
        }
        Ok(())
    }

    fn closed(&mut self, is_cut: bool, out: &mut Vec<Chunk>) {
        // No documented answer lacks `done`; one that said something and was
        // closed in good order is taken for whole.
        if !is_cut && !self.text.is_empty() && !self.is_ended {
            self.end(&Value::Null, out);
        }
    }
}

/// What is known of the reply so far.
struct Reply {
    memory: Memory,
    blocks: Blocks,
    sources: Sources,
    text: String,
    is_ended: bool,
}

impl Reply {
    fn new(memory: Memory) -> Self {
        Self {
            memory,
            blocks: Blocks::default(),
            sources: Sources::default(),
            text: String::new(),
            is_ended: false,
        }
    }

    fn add(&mut self, text: &str, out: &mut Vec<Chunk>) {
        self.text.push_str(text);
        self.blocks.text(text, out);
    }

    /// Takes in the last payload: the JSON answer, or what `done` carries, of
    /// which every field may be missing.
    fn end(&mut self, body: &Value, out: &mut Vec<Chunk>) {
        self.is_ended = true;
        let field = |key: &str| body.get(key).and_then(Value::as_str);
        // The whole text, though the tokens have told it: only what they left
        // out is said. What they told otherwise cannot be unsaid.
        if let Some(missing) = field("reply").and_then(|reply| reply.strip_prefix(self.text.as_str())) {
            let missing = missing.to_owned();
            self.add(&missing, out);
        }
        self.blocks.close(out);
        // `id` is the conversation's as well: a reply has none.
        if let Some(id) = field("conversation_id").or(field("id")) {
            self.memory.keep_conversation(id);
        }
        for source in body.get("sources_used").and_then(Value::as_array).into_iter().flatten() {
            let text = |key: &str| source.get(key).and_then(Value::as_str).unwrap_or_default();
            let (id, title) = (text("id"), text("title"));
            self.sources.add_document(if id.is_empty() { title } else { id }, title, out);
        }
        // Where a person answers, the agent may say nothing: the visitor sees
        // why. That somebody took over was told by a webhook.
        let state = self.memory.before().state;
        if self.text.is_empty() && state != ConversationState::Ongoing {
            let metadata = MessageMetadata { state: Some(state), ..MessageMetadata::default() };
            out.push(Chunk::MessageMetadata { metadata });
        }
        out.push(Chunk::Finish { reason: FinishReason::Stop, metadata: None });
    }
}
