//! From a provider's bytes to protocol chunks, without I/O: an adapter brings a
//! [`Decode`], [`Decoder`] holds it to the rules that every reply keeps.
//!
//! The rules: bytes come in any slices; exactly one terminal chunk comes, and
//! nothing after it; memory is bounded; nothing panics. Also here are the parts
//! that decoders are made of: [`Events`], [`Lines`], [`Utf8Text`], [`Blocks`].

use std::fmt;

use chinwag_protocol::limits::{MAX_EVENT_BYTES, MAX_REPLY_BYTES};
use chinwag_protocol::sse::{self, Frame};
use chinwag_protocol::{Chunk, ErrorCode, FinishReason};

use super::failure::UpstreamFailure;

/// How one provider's bytes are read. Both methods push what they understood
/// before they fail.
pub trait Decode: Send {
    /// Takes in some bytes. A terminal chunk ends the reply; what is pushed
    /// after it is dropped, and the decoder is not called again.
    ///
    /// # Errors
    /// What makes the rest of the answer worthless. It becomes the reply's
    /// `error` chunk.
    fn feed(&mut self, bytes: &[u8], out: &mut Vec<Chunk>) -> Result<(), UpstreamFailure>;

    /// The provider ended its answer in good order (the body is whole). A
    /// decoder that has seen no end by then pushes none: the reply is taken for
    /// interrupted.
    fn finish(&mut self, out: &mut Vec<Chunk>) -> Result<(), UpstreamFailure>;
}

/// A decoder under the rules that hold for all.
pub struct Decoder {
    inner: Box<dyn Decode>,
    text_bytes: usize,
    is_ended: bool,
    failure: Option<UpstreamFailure>,
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder")
            .field("text_bytes", &self.text_bytes)
            .field("is_ended", &self.is_ended)
            .finish_non_exhaustive()
    }
}

impl Decoder {
    /// Puts a decoder under the rules.
    pub fn new(inner: impl Decode + 'static) -> Self {
        Self { inner: Box::new(inner), text_bytes: 0, is_ended: false, failure: None }
    }

    /// Whether the terminal chunk has come.
    pub fn is_ended(&self) -> bool {
        self.is_ended
    }

    /// What the reply failed with, if it did: for the log, once secrets are taken
    /// out of it.
    pub fn failure(&self) -> Option<&UpstreamFailure> {
        self.failure.as_ref()
    }

    /// Takes in some bytes, and gives the chunks that became known.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Chunk> {
        self.run(|inner, out| inner.feed(bytes, out))
    }

    /// The body ended in good order: the last chunks, with the terminal one.
    pub fn finish(&mut self) -> Vec<Chunk> {
        self.run(|inner, out| {
            inner.finish(out)?;
            if out.iter().any(Chunk::is_terminal) {
                return Ok(());
            }
            Err(UpstreamFailure::new(ErrorCode::Interrupted).because("the answer ended without its end"))
        })
    }

    /// The body broke off. Only that is told: what was kept back in hope of
    /// more is not known to be whole.
    pub fn break_off(&mut self, failure: &UpstreamFailure) -> Vec<Chunk> {
        let failure = failure.clone();
        self.run(|_, _| Err(failure))
    }

    fn run(
        &mut self,
        work: impl FnOnce(&mut dyn Decode, &mut Vec<Chunk>) -> Result<(), UpstreamFailure>,
    ) -> Vec<Chunk> {
        if self.is_ended {
            return Vec::new();
        }
        let mut out = Vec::new();
        let outcome = work(self.inner.as_mut(), &mut out);
        let mut given = Vec::with_capacity(out.len() + 1);
        for chunk in out {
            self.give(chunk, &mut given);
            if self.is_ended {
                return given;
            }
        }
        if let Err(failure) = outcome {
            self.is_ended = true;
            given.push(failure.chunk());
            self.failure = Some(failure);
        }
        given
    }

    fn give(&mut self, mut chunk: Chunk, given: &mut Vec<Chunk>) {
        self.is_ended = chunk.is_terminal();
        if let Chunk::TextDelta { delta, .. }
        | Chunk::ReasoningDelta { delta, .. }
        | Chunk::ToolInputDelta { delta, .. } = &mut chunk
        {
            if delta.is_empty() {
                return;
            }
            let left = MAX_REPLY_BYTES.saturating_sub(self.text_bytes);
            if delta.len() > left {
                delta.truncate(delta.floor_char_boundary(left));
                self.is_ended = true;
            }
            self.text_bytes += delta.len();
        }
        given.push(chunk);
        if self.is_ended && !given.last().is_some_and(Chunk::is_terminal) {
            given.push(Chunk::Finish { reason: FinishReason::Length, metadata: None });
        }
    }
}

/// What was not understood, in a decoder.
pub fn malformed(detail: impl AsRef<str>) -> UpstreamFailure {
    UpstreamFailure::new(ErrorCode::UpstreamError).because(detail)
}

/// Server-sent events, with a last one that lacks its blank line.
#[derive(Debug, Default)]
pub struct Events {
    decoder: sse::Decoder,
}

impl Events {
    /// The events that became whole.
    ///
    /// # Errors
    /// One event is over [`MAX_EVENT_BYTES`]; those before it are in `out`.
    pub fn feed(&mut self, bytes: &[u8], out: &mut Vec<Frame>) -> Result<(), UpstreamFailure> {
        self.decoder.feed(bytes, |frame| out.push(frame)).map_err(|error| malformed(error.to_string()))
    }

    /// The event that lacks its blank line, if its data is whole: `[DONE]` or
    /// JSON, as all providers here send. What was cut is no event; whether there
    /// was one is the answer.
    pub fn finish(&mut self, out: &mut Vec<Frame>) -> bool {
        let mut is_cut = false;
        // It cannot be too large: two line ends hold nothing.
        let _ = self.decoder.feed(b"\n\n", |frame| {
            let is_json = serde_json::from_str::<serde::de::IgnoredAny>(&frame.data).is_ok();
            if is_json || frame.data.trim() == sse::DONE {
                out.push(frame);
            } else {
                is_cut = !frame.data.trim().is_empty();
            }
        });
        is_cut
    }
}

/// How one provider's server-sent events are read, one after the other.
pub trait DecodeEvent: Send {
    /// Takes in an event. As with [`Decode::feed`], nothing comes of what follows a
    /// terminal chunk.
    ///
    /// # Errors
    /// What makes the rest of the answer worthless.
    fn take_event(&mut self, event: &Frame, out: &mut Vec<Chunk>) -> Result<(), UpstreamFailure>;

    /// The provider ended its answer in good order; in the middle of an event if it
    /// `is_cut`.
    fn closed(&mut self, is_cut: bool, out: &mut Vec<Chunk>) {
        let _ = (is_cut, out);
    }
}

/// Cuts an answer into server-sent events for a [`DecodeEvent`].
#[derive(Debug)]
pub struct Streamed<D> {
    events: Events,
    inner: D,
}

impl<D: DecodeEvent> Streamed<D> {
    /// At the beginning of an answer.
    pub fn new(inner: D) -> Self {
        Self { events: Events::default(), inner }
    }
}

impl<D: DecodeEvent> Decode for Streamed<D> {
    fn feed(&mut self, bytes: &[u8], out: &mut Vec<Chunk>) -> Result<(), UpstreamFailure> {
        let mut events = Vec::new();
        let fed = self.events.feed(bytes, &mut events);
        events.iter().try_for_each(|event| self.inner.take_event(event, out))?;
        fed
    }

    fn finish(&mut self, out: &mut Vec<Chunk>) -> Result<(), UpstreamFailure> {
        let mut events = Vec::new();
        let is_cut = self.events.finish(&mut events);
        events.iter().try_for_each(|event| self.inner.take_event(event, out))?;
        self.inner.closed(is_cut, out);
        Ok(())
    }
}

/// Lines that end with LF, CRLF or CR, bounded; a line may be cut anywhere, in a
/// character too. A byte order mark at the start is dropped. Bytes that are no
/// UTF-8 become U+FFFD.
#[derive(Debug, Default)]
pub struct Lines {
    line: Vec<u8>,
    after_cr: bool,
    has_begun: bool,
}

impl Lines {
    /// The lines that became whole, without their ends.
    ///
    /// # Errors
    /// One line is over [`MAX_EVENT_BYTES`]; those before it are in `out`.
    pub fn feed(&mut self, bytes: &[u8], out: &mut Vec<String>) -> Result<(), UpstreamFailure> {
        let mut rest = bytes;
        while !rest.is_empty() {
            if std::mem::take(&mut self.after_cr)
                && let Some(after) = rest.strip_prefix(b"\n")
            {
                rest = after;
                continue;
            }
            let end = rest.iter().position(|&byte| byte == b'\n' || byte == b'\r').unwrap_or(rest.len());
            let (piece, tail) = rest.split_at(end);
            if self.line.len() + piece.len() > MAX_EVENT_BYTES {
                self.line = Vec::new();
                return Err(malformed(format!("a line is larger than {MAX_EVENT_BYTES} bytes")));
            }
            self.line.extend_from_slice(piece);
            let Some((&terminator, after)) = tail.split_first() else { break };
            self.after_cr = terminator == b'\r';
            out.push(self.take());
            rest = after;
        }
        Ok(())
    }

    /// The last line, if it lacks its end.
    pub fn finish(&mut self, out: &mut Vec<String>) {
        if !self.line.is_empty() {
            out.push(self.take());
        }
    }

    fn take(&mut self) -> String {
        let line = std::mem::take(&mut self.line);
        let mut bytes = line.as_slice();
        if !std::mem::replace(&mut self.has_begun, true) {
            bytes = bytes.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(bytes);
        }
        String::from_utf8_lossy(bytes).into_owned()
    }
}

/// Text without framing, cut anywhere, in a character too. Bytes that are no
/// UTF-8 become U+FFFD.
#[derive(Debug, Default)]
pub struct Utf8Text {
    rest: Vec<u8>,
}

impl Utf8Text {
    /// The text that became whole.
    pub fn feed(&mut self, bytes: &[u8]) -> String {
        self.rest.extend_from_slice(bytes);
        let mut text = String::with_capacity(self.rest.len());
        let mut kept = 0;
        for chunk in self.rest.utf8_chunks() {
            text.push_str(chunk.valid());
            kept += chunk.valid().len();
            let invalid = chunk.invalid();
            let is_last = kept + invalid.len() == self.rest.len();
            if is_last && is_begun_character(invalid) {
                break;
            }
            if !invalid.is_empty() {
                text.push(char::REPLACEMENT_CHARACTER);
                kept += invalid.len();
            }
        }
        self.rest.drain(..kept);
        text
    }

    /// What is left of a character that never became whole.
    pub fn finish(&mut self) -> String {
        String::from_utf8_lossy(&std::mem::take(&mut self.rest)).into_owned()
    }
}

/// Whether more bytes can make a character of these.
fn is_begun_character(bytes: &[u8]) -> bool {
    !bytes.is_empty() && std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none())
}

/// A body that is read as one: an answer in JSON where a stream was asked for.
#[derive(Debug)]
pub struct Whole<R> {
    body: Vec<u8>,
    read: R,
}

impl<R> Whole<R>
where
    R: FnMut(&[u8], &mut Vec<Chunk>) -> Result<(), UpstreamFailure> + Send,
{
    /// Reads a body with `read` once it is whole.
    pub fn new(read: R) -> Self {
        Self { body: Vec::new(), read }
    }
}

impl<R> Decode for Whole<R>
where
    R: FnMut(&[u8], &mut Vec<Chunk>) -> Result<(), UpstreamFailure> + Send,
{
    fn feed(&mut self, bytes: &[u8], _out: &mut Vec<Chunk>) -> Result<(), UpstreamFailure> {
        if self.body.len() + bytes.len() > MAX_EVENT_BYTES {
            return Err(malformed(format!("the answer is larger than {MAX_EVENT_BYTES} bytes")));
        }
        self.body.extend_from_slice(bytes);
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<Chunk>) -> Result<(), UpstreamFailure> {
        let body = std::mem::take(&mut self.body);
        (self.read)(&body, out)
    }
}

/// Text and reasoning as blocks with a beginning and an end, for providers that
/// only send pieces. One block is open at a time.
#[derive(Debug, Default)]
pub struct Blocks {
    open: Option<(Kind, String)>,
    count: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Reasoning,
}

impl Blocks {
    /// More text.
    pub fn text(&mut self, delta: &str, out: &mut Vec<Chunk>) {
        if !delta.is_empty() {
            let id = self.begin(Kind::Text, out);
            out.push(Chunk::TextDelta { id, delta: delta.to_owned() });
        }
    }

    /// More of the model's thinking.
    pub fn reasoning(&mut self, delta: &str, out: &mut Vec<Chunk>) {
        if !delta.is_empty() {
            let id = self.begin(Kind::Reasoning, out);
            out.push(Chunk::ReasoningDelta { id, delta: delta.to_owned() });
        }
    }

    /// Ends the block that is open.
    pub fn close(&mut self, out: &mut Vec<Chunk>) {
        if let Some((kind, id)) = self.open.take() {
            out.push(match kind {
                Kind::Text => Chunk::TextEnd { id },
                Kind::Reasoning => Chunk::ReasoningEnd { id },
            });
        }
    }

    fn begin(&mut self, kind: Kind, out: &mut Vec<Chunk>) -> String {
        if let Some((open, id)) = &self.open
            && *open == kind
        {
            return id.clone();
        }
        self.close(out);
        let id = self.count.to_string();
        self.count += 1;
        out.push(match kind {
            Kind::Text => Chunk::TextStart { id: id.clone() },
            Kind::Reasoning => Chunk::ReasoningStart { id: id.clone() },
        });
        self.open = Some((kind, id.clone()));
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Script(Vec<Chunk>, Result<(), UpstreamFailure>);

    impl Decode for Script {
        fn feed(&mut self, _: &[u8], out: &mut Vec<Chunk>) -> Result<(), UpstreamFailure> {
            out.append(&mut self.0);
            self.1.clone()
        }

        fn finish(&mut self, _: &mut Vec<Chunk>) -> Result<(), UpstreamFailure> {
            Ok(())
        }
    }

    fn delta(text: &str) -> Chunk {
        Chunk::TextDelta { id: "0".into(), delta: text.into() }
    }

    fn finish() -> Chunk {
        Chunk::Finish { reason: FinishReason::Stop, metadata: None }
    }

    fn code(chunk: Option<&Chunk>) -> ErrorCode {
        match chunk {
            Some(Chunk::Error { data: Some(data), .. }) => data.code,
            other => panic!("no error chunk with a code: {other:?}"),
        }
    }

    #[test]
    fn nothing_comes_after_the_terminal_chunk() {
        let mut decoder = Decoder::new(Script(vec![delta("a"), finish(), delta("b"), finish()], Ok(())));
        assert_eq!(decoder.feed(b"x"), [delta("a"), finish()]);
        assert!(decoder.is_ended());
        assert!(decoder.feed(b"x").is_empty());
        assert!(decoder.finish().is_empty());
    }

    #[test]
    fn an_answer_without_its_end_is_interrupted() {
        let mut decoder = Decoder::new(Script(vec![delta("a")], Ok(())));
        assert_eq!(decoder.feed(b"x"), [delta("a")]);
        assert_eq!(code(decoder.finish().last()), ErrorCode::Interrupted);
        assert!(decoder.finish().is_empty());
    }

    #[test]
    fn what_came_before_a_failure_is_kept() {
        let mut decoder = Decoder::new(Script(vec![delta("a")], Err(malformed("no JSON"))));
        let chunks = decoder.feed(b"x");
        assert_eq!(chunks.first(), Some(&delta("a")));
        assert_eq!((chunks.len(), code(chunks.last())), (2, ErrorCode::UpstreamError));
    }

    #[test]
    fn a_reply_without_end_is_cut_at_a_character() {
        let mut decoder = Decoder::new(Script(vec![delta(&"\u{20ac}".repeat(MAX_REPLY_BYTES))], Ok(())));
        let chunks = decoder.feed(b"x");
        let [Chunk::TextDelta { delta, .. }, Chunk::Finish { reason, .. }] = &chunks[..] else {
            panic!("{}", chunks.len())
        };
        assert!(delta.len() <= MAX_REPLY_BYTES && delta.len() > MAX_REPLY_BYTES - 3);
        assert_eq!(*reason, FinishReason::Length);
        assert!(decoder.is_ended());
    }

    #[test]
    fn lines_end_in_three_ways_wherever_they_are_cut() {
        let text = "\u{FEFF}a\r\nb\rc\n\n\u{20ac}".as_bytes();
        for cut in 0..=text.len() {
            let (mut lines, mut out) = (Lines::default(), Vec::new());
            lines.feed(&text[..cut], &mut out).unwrap();
            lines.feed(&text[cut..], &mut out).unwrap();
            lines.finish(&mut out);
            assert_eq!(out, ["a", "b", "c", "", "\u{20ac}"], "cut at {cut}");
        }
    }

    #[test]
    fn a_line_without_end_fails_and_those_before_it_are_kept() {
        let (mut lines, mut out) = (Lines::default(), Vec::new());
        lines.feed(b"a\n", &mut out).unwrap();
        assert!(lines.feed(&vec![b'x'; MAX_EVENT_BYTES + 1], &mut out).is_err());
        assert_eq!(out, ["a"]);
    }

    #[test]
    fn text_is_the_same_wherever_it_is_cut() {
        let bytes = b"a\xe2\x82\xac\xff\xf0\x9f\x98\x80b\xc3";
        let whole = String::from_utf8_lossy(bytes);
        for first in 0..=bytes.len() {
            for second in first..=bytes.len() {
                let mut text = Utf8Text::default();
                let mut out = text.feed(&bytes[..first]);
                out.push_str(&text.feed(&bytes[first..second]));
                out.push_str(&text.feed(&bytes[second..]));
                out.push_str(&text.finish());
                assert_eq!(out, whole, "cut at {first} and {second}");
            }
        }
    }

    #[test]
    fn one_block_is_open_at_a_time() {
        let (mut blocks, mut out) = (Blocks::default(), Vec::new());
        blocks.reasoning("r", &mut out);
        blocks.text("a", &mut out);
        blocks.text("", &mut out);
        blocks.text("b", &mut out);
        blocks.close(&mut out);
        blocks.close(&mut out);
        let kinds: Vec<_> = out.iter().map(Chunk::to_json).collect();
        assert_eq!(out.len(), 7, "{kinds:?}");
        assert_eq!(out[2], Chunk::ReasoningEnd { id: "0".into() });
        assert_eq!(out[6], Chunk::TextEnd { id: "1".into() });
    }

    #[test]
    fn a_body_over_its_limit_fails() {
        let mut decoder = Decoder::new(Whole::new(|_: &[u8], _: &mut Vec<Chunk>| Ok(())));
        let chunks = decoder.feed(&vec![b' '; MAX_EVENT_BYTES + 1]);
        assert_eq!(code(chunks.last()), ErrorCode::UpstreamError);
    }
}
