//! From bytes to payloads: server-sent events with or without `event:` lines,
//! and JSON objects that stand on lines of their own.
//!
//! Chatbase's documentation has described each of them at one time or another,
//! so none is taken for granted.

use chinwag_protocol::Chunk;
use chinwag_protocol::limits::MAX_EVENT_BYTES;
use chinwag_protocol::sse::DONE;

use super::reply::Reply;
use crate::upstream::decode::{Decode, Lines, Whole, malformed};
use crate::upstream::failure::UpstreamFailure;
use crate::upstream::memory::Memory;

/// The decoder of a streamed answer. The provider's ids go into `memory` as
/// they become known.
pub fn stream(memory: Memory) -> impl Decode {
    Streamed::new(memory)
}

/// The decoder of an answer that calls itself JSON though a stream was asked
/// for: one object, or after all a line for each event.
pub fn whole(memory: Memory) -> impl Decode {
    Whole::new(move |body: &[u8], out: &mut Vec<Chunk>| {
        let mut streamed = Streamed::new(memory.clone());
        let text = String::from_utf8_lossy(body);
        if serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok() {
            streamed.reply.take("", &text, out)?;
            return streamed.reply.close(out);
        }
        streamed.feed(body, out)?;
        streamed.finish(out)
    })
}

/// The event that is being read.
#[derive(Debug, Default)]
struct Pending {
    event: String,
    data: Option<String>,
}

#[derive(Debug)]
struct Streamed {
    lines: Lines,
    pending: Pending,
    reply: Reply,
}

impl Decode for Streamed {
    fn feed(&mut self, bytes: &[u8], out: &mut Vec<Chunk>) -> Result<(), UpstreamFailure> {
        let mut lines = Vec::new();
        let fed = self.lines.feed(bytes, &mut lines);
        self.take_lines(&lines, out)?;
        fed
    }

    fn finish(&mut self, out: &mut Vec<Chunk>) -> Result<(), UpstreamFailure> {
        let mut lines = Vec::new();
        self.lines.finish(&mut lines);
        self.take_lines(&lines, out)?;
        self.dispatch(out)?;
        self.reply.close(out)
    }
}

impl Streamed {
    fn new(memory: Memory) -> Self {
        Self { lines: Lines::default(), pending: Pending::default(), reply: Reply::new(memory) }
    }

    fn take_lines(&mut self, lines: &[String], out: &mut Vec<Chunk>) -> Result<(), UpstreamFailure> {
        lines.iter().try_for_each(|line| self.take_line(line, out))
    }

    fn take_line(&mut self, line: &str, out: &mut Vec<Chunk>) -> Result<(), UpstreamFailure> {
        if line.is_empty() {
            return self.dispatch(out);
        }
        let bare = line.trim();
        if bare.starts_with('{') || bare == DONE {
            self.dispatch(out)?;
            return self.reply.take("", bare, out);
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => self.pending.add(value)?,
            "event" => value.clone_into(&mut self.pending.event),
            // A comment has no field name; what else there is says nothing.
            _ => {}
        }
        Ok(())
    }

    fn dispatch(&mut self, out: &mut Vec<Chunk>) -> Result<(), UpstreamFailure> {
        let Pending { event, data } = std::mem::take(&mut self.pending);
        match data {
            Some(data) => self.reply.take(&event, &data, out),
            None => Ok(()),
        }
    }
}

impl Pending {
    fn add(&mut self, line: &str) -> Result<(), UpstreamFailure> {
        let Some(data) = &mut self.data else {
            self.data = Some(line.to_owned());
            return Ok(());
        };
        if data.len() + line.len() >= MAX_EVENT_BYTES {
            return Err(malformed(format!("an event is larger than {MAX_EVENT_BYTES} bytes")));
        }
        data.push('\n');
        data.push_str(line);
        Ok(())
    }
}
