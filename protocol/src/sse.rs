//! Server-sent events: bytes in any slices to frames, and frames to bytes.
//!
//! The decoder is sans-I/O and follows the event stream grammar of the WHATWG
//! HTML standard, section 9.2.6. It is bounded: a peer that never ends an
//! event meets [`SseError::TooLarge`], not an empty machine.

use std::fmt::Write as _;
use std::time::Duration;

use crate::id::EventId;
use crate::limits::MAX_EVENT_BYTES;

/// The data of the frame after a stream's terminal chunk.
pub const DONE: &str = "[DONE]";

/// One dispatched event.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frame {
    /// The `event:` field, empty if there was none.
    pub event: String,
    /// The `data:` lines, joined by line feeds.
    pub data: String,
    /// The `id:` in effect: that of this frame or of the last one that had one.
    pub id: Option<String>,
}

/// Why a stream cannot be read on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SseError {
    /// One event is larger than the decoder keeps. The decoder stays failed.
    #[error("an event is larger than {limit} bytes")]
    TooLarge {
        /// In bytes.
        limit: usize,
    },
}

/// Reads frames from bytes that arrive in any slices.
///
/// # Limits
/// One event, and one line, is at most [`MAX_EVENT_BYTES`] unless
/// [`Decoder::with_limit`] says otherwise.
#[derive(Debug)]
pub struct Decoder {
    line: Vec<u8>,
    frame: Frame,
    has_data: bool,
    retry: Option<Duration>,
    start: Start,
    after_cr: bool,
    limit: usize,
    failed: bool,
}

/// How much of a byte order mark has been seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Start {
    Matching(usize),
    Over,
}

const BOM: [u8; 3] = [0xEF, 0xBB, 0xBF];

impl Default for Decoder {
    fn default() -> Self {
        Self::with_limit(MAX_EVENT_BYTES)
    }
}

impl Decoder {
    /// A decoder that keeps at most `limit` bytes of one event.
    pub fn with_limit(limit: usize) -> Self {
        Self {
            line: Vec::new(),
            frame: Frame::default(),
            has_data: false,
            retry: None,
            start: Start::Matching(0),
            after_cr: false,
            limit,
            failed: false,
        }
    }

    /// The reconnection time that the peer last asked for.
    pub fn retry(&self) -> Option<Duration> {
        self.retry
    }

    /// Takes in some bytes and hands each event that became whole to `sink`.
    ///
    /// # Errors
    /// [`SseError::TooLarge`]; frames that were whole before it have been
    /// handed over, and every later call fails the same way.
    pub fn feed(&mut self, bytes: &[u8], mut sink: impl FnMut(Frame)) -> Result<(), SseError> {
        if self.failed {
            return Err(SseError::TooLarge { limit: self.limit });
        }
        let mut rest = self.skip_bom(bytes);
        while !rest.is_empty() {
            if std::mem::take(&mut self.after_cr) {
                rest = rest.strip_prefix(b"\n").unwrap_or(rest);
                if rest.is_empty() {
                    break;
                }
            }
            let end = rest.iter().position(|&byte| byte == b'\n' || byte == b'\r');
            let (line, tail) = rest.split_at(end.unwrap_or(rest.len()));
            self.keep(line)?;
            let Some((&terminator, after)) = tail.split_first() else { break };
            self.after_cr = terminator == b'\r';
            self.end_line(&mut sink);
            rest = after;
        }
        Ok(())
    }

    /// A mark that is only begun is kept back: it may be text after all.
    fn skip_bom<'a>(&mut self, mut bytes: &'a [u8]) -> &'a [u8] {
        while let Start::Matching(seen) = self.start {
            let Some(&expected) = BOM.get(seen) else {
                self.start = Start::Over;
                break;
            };
            match bytes.split_first() {
                None => break,
                Some((&byte, after)) if byte == expected => {
                    bytes = after;
                    self.start = Start::Matching(seen + 1);
                }
                Some(_) => {
                    self.line.extend_from_slice(BOM.get(..seen).unwrap_or_default());
                    self.start = Start::Over;
                }
            }
        }
        bytes
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<(), SseError> {
        let held = self.line.len() + self.frame.data.len() + self.frame.event.len();
        if held + bytes.len() > self.limit {
            self.failed = true;
            self.line = Vec::new();
            self.frame = Frame::default();
            return Err(SseError::TooLarge { limit: self.limit });
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn end_line(&mut self, sink: &mut impl FnMut(Frame)) {
        if self.line.is_empty() {
            self.dispatch(sink);
            return;
        }
        let line = std::mem::take(&mut self.line);
        let (field, value) = match line.iter().position(|&byte| byte == b':') {
            Some(colon) => {
                let (field, value) = line.split_at(colon);
                let value = value.get(1..).unwrap_or_default();
                (field, value.strip_prefix(b" ").unwrap_or(value))
            }
            None => (line.as_slice(), &[][..]),
        };
        match field {
            b"data" => {
                if self.has_data {
                    self.frame.data.push('\n');
                }
                self.has_data = true;
                self.frame.data.push_str(&String::from_utf8_lossy(value));
            }
            b"event" => {
                self.frame.event = String::from_utf8_lossy(value).into_owned();
            }
            b"id" if !value.contains(&0) => {
                self.frame.id = Some(String::from_utf8_lossy(value).into_owned());
            }
            b"retry" if !value.is_empty() && value.iter().all(u8::is_ascii_digit) => {
                let digits = std::str::from_utf8(value).unwrap_or_default();
                self.retry = digits.parse().ok().map(Duration::from_millis).or(self.retry);
            }
            // A comment has an empty field name; other fields are ignored.
            _ => {}
        }
        let mut line = line;
        line.clear();
        self.line = line;
    }

    fn dispatch(&mut self, sink: &mut impl FnMut(Frame)) {
        let event = std::mem::take(&mut self.frame.event);
        let data = std::mem::take(&mut self.frame.data);
        if std::mem::take(&mut self.has_data) {
            sink(Frame { event, data, id: self.frame.id.clone() });
        }
    }
}

/// Appends one frame: `id: <epoch>:<seq>`, `data: <one line>`, a blank line.
///
/// `data` is one line of JSON, as [`crate::Chunk::to_json`] makes it; a line
/// break in it becomes a further `data:` line, so that it cannot end the frame.
pub fn encode(out: &mut String, id: Option<&EventId>, data: &str) {
    if let Some(id) = id {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "id: {id}");
    }
    for line in data.split(['\n', '\r']) {
        out.push_str("data: ");
        out.push_str(line);
        out.push('\n');
    }
    out.push('\n');
}

/// A comment frame that keeps proxies from closing a silent stream.
pub const HEARTBEAT: &str = ": keep-alive\n\n";

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(text: &[u8]) -> Vec<(String, String)> {
        let mut frames = Vec::new();
        let mut decoder = Decoder::default();
        decoder.feed(text, |frame| frames.push((frame.event, frame.data))).unwrap();
        frames
    }

    fn data(text: &str) -> Vec<String> {
        decode(text.as_bytes()).into_iter().map(|(_, data)| data).collect()
    }

    #[test]
    fn all_three_line_ends_count() {
        assert_eq!(data("data: a\n\ndata: b\r\n\r\ndata: c\r\r"), ["a", "b", "c"]);
    }

    #[test]
    fn data_lines_are_joined_and_one_space_is_dropped() {
        assert_eq!(data("data: a\ndata:b\ndata:  c\ndata\n\n"), ["a\nb\n c\n"]);
    }

    #[test]
    fn comments_unknown_fields_and_empty_events_are_nothing() {
        assert_eq!(data(": ping\n\nfoo: bar\nevent: x\n\n\n\ndata: a\n\n"), ["a"]);
    }

    #[test]
    fn an_event_name_lasts_for_its_event_alone() {
        let frames = decode(b"event: token\ndata: a\n\ndata: b\n\n");
        assert_eq!(frames, [("token".into(), "a".into()), (String::new(), "b".into())]);
    }

    #[test]
    fn an_event_that_is_not_ended_is_not_dispatched() {
        assert!(data("data: a\n").is_empty());
    }

    #[test]
    fn one_byte_order_mark_is_skipped_at_the_start_only() {
        assert_eq!(data("\u{FEFF}data: a\n\n"), ["a"]);
        assert!(data("\u{FEFF}\u{FEFF}data: a\n\n").is_empty());
        assert_eq!(data("data: \u{FEFF}a\n\n"), ["\u{FEFF}a"]);
    }

    #[test]
    fn a_mark_that_was_only_begun_is_text() {
        let mut frames = Vec::new();
        let mut decoder = Decoder::default();
        for slice in [&[0xEF_u8][..], b"data: a\n\n", b"data: b\n\n"] {
            decoder.feed(slice, |frame| frames.push(frame.data)).unwrap();
        }
        assert_eq!(frames, ["b"], "the first line is no field, so the first event is empty");
    }

    #[test]
    fn the_id_in_effect_lasts_and_one_with_nul_is_ignored() {
        let mut ids = Vec::new();
        let mut decoder = Decoder::default();
        let text = b"id: e:1\ndata: a\n\ndata: b\n\nid: x\0y\ndata: c\n\nid\ndata: d\n\n";
        decoder.feed(text, |frame| ids.push(frame.id.unwrap())).unwrap();
        assert_eq!(ids, ["e:1", "e:1", "e:1", ""]);
    }

    #[test]
    fn retry_takes_digits_only() {
        let mut decoder = Decoder::default();
        decoder.feed(b"retry: 1500\n\nretry: 1x\n\nretry:\n\n", |_| {}).unwrap();
        assert_eq!(decoder.retry(), Some(Duration::from_millis(1500)));
    }

    #[test]
    fn what_is_too_large_fails_and_stays_failed() {
        let mut decoder = Decoder::with_limit(16);
        let mut frames = Vec::new();
        let result = decoder.feed(b"data: a\n\ndata: 0123456789abcdef", |frame| frames.push(frame.data));
        assert_eq!(result, Err(SseError::TooLarge { limit: 16 }));
        assert_eq!(frames, ["a"]);
        assert!(decoder.feed(b"\n\n", |_| {}).is_err());
    }

    #[test]
    fn many_small_data_lines_meet_the_limit_too() {
        let mut decoder = Decoder::with_limit(64);
        let flood = "data: 12345678\n".repeat(100);
        assert!(decoder.feed(flood.as_bytes(), |_| {}).is_err());
    }

    #[test]
    fn a_line_break_cannot_end_a_frame_early() {
        let mut out = String::new();
        encode(&mut out, Some(&EventId { epoch: "e".into(), seq: 7 }), "a\n\nb");
        assert_eq!(out, "id: e:7\ndata: a\ndata: \ndata: b\n\n");
        assert_eq!(data(&out), ["a\n\nb"]);
    }
}
