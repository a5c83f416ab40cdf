//! A reply while it is written: from chunks to the parts of a message, and to
//! the chunks that readers may see.
//!
//! Clients of the AI SDK give up on a whole stream over a delta of a block that
//! was never begun, or an answer to a tool call that nobody made. So what an
//! upstream left out is added here, and what makes no sense is dropped.

use chinwag_protocol::limits::MAX_REPLY_BYTES;
use chinwag_protocol::{Chunk, ConversationState, Json, MessageMetadata, Part, Usage};

/// The parts so far, and what is open.
#[derive(Debug, Default)]
pub(super) struct Reply {
    parts: Vec<Part>,
    open: Vec<OpenBlock>,
    is_step_open: bool,
    /// Parts that were there before the step.
    step_begin: usize,
    bytes: usize,
    usage: Option<Usage>,
    /// What it had cost before it went on.
    earlier_usage: Option<Usage>,
    state: Option<ConversationState>,
    /// Parts that were there before it went on.
    base: usize,
    /// Calls whose id an earlier round has used: the provider's id and ours.
    renamed: Vec<(String, String)>,
}

#[derive(Debug)]
struct OpenBlock {
    kind: Block,
    id: String,
    part: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Block {
    Text,
    Reasoning,
}

/// Whether a reply may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    Left,
    /// [`MAX_REPLY_BYTES`] is reached; the text has been cut there.
    Full,
}

impl Reply {
    /// A reply that goes on after these parts.
    pub(super) fn going_on(parts: Vec<Part>, usage: Option<Usage>) -> Self {
        let (base, bytes) = (parts.len(), parts.iter().map(size).sum());
        Self { parts, base, step_begin: base, bytes, earlier_usage: usage, ..Self::default() }
    }

    /// The parts so far, without empty ones.
    pub(super) fn parts(&self) -> Vec<Part> {
        let is_empty = |part: &Part| match part {
            Part::Text { text } | Part::Reasoning { text } => text.is_empty(),
            _ => false,
        };
        self.parts.iter().filter(|part| !is_empty(part)).cloned().collect()
    }

    /// What it cost, as far as it is known.
    pub(super) fn usage(&self) -> Option<Usage> {
        let (Some(now), Some(earlier)) = (self.usage, self.earlier_usage) else {
            return self.usage.or(self.earlier_usage);
        };
        Some(Usage {
            input_tokens: now.input_tokens.saturating_add(earlier.input_tokens),
            output_tokens: now.output_tokens.saturating_add(earlier.output_tokens),
        })
    }

    /// What this round of it cost, as far as it is known.
    pub(super) fn usage_of_round(&self) -> Option<Usage> {
        self.usage
    }

    /// What the provider says of the conversation, if it says anything.
    pub(super) fn state(&self) -> Option<ConversationState> {
        self.state
    }

    /// Learns what it cost, and where the conversation stands.
    pub(super) fn note(&mut self, metadata: &MessageMetadata) {
        self.usage = metadata.usage.or(self.usage);
        self.state = metadata.state.or(self.state);
    }

    /// Takes in a chunk that is not terminal, and hands on what readers see.
    pub(super) fn take(&mut self, chunk: Chunk, mut emit: impl FnMut(&Chunk)) -> Room {
        match chunk {
            Chunk::TextStart { id } => self.begin(Block::Text, &id, &mut emit),
            Chunk::ReasoningStart { id } => self.begin(Block::Reasoning, &id, &mut emit),
            Chunk::TextDelta { id, delta } => return self.add(Block::Text, &id, delta, &mut emit),
            Chunk::ReasoningDelta { id, delta } => return self.add(Block::Reasoning, &id, delta, &mut emit),
            Chunk::TextEnd { id } => self.end(Block::Text, &id, &mut emit),
            Chunk::ReasoningEnd { id } => self.end(Block::Reasoning, &id, &mut emit),
            Chunk::StartStep => {
                self.end_step(&mut emit);
                self.is_step_open = true;
                self.step_begin = self.parts.len();
                emit(&Chunk::StartStep);
            }
            Chunk::FinishStep => self.end_step(&mut emit),
            Chunk::MessageMetadata { metadata } => {
                self.note(&metadata);
                emit(&Chunk::MessageMetadata { metadata });
            }
            Chunk::Status { .. } => emit(&chunk),
            Chunk::SourceUrl { ref source_id, ref url, ref title } => {
                self.parts.push(Part::SourceUrl {
                    source_id: source_id.clone(),
                    url: url.clone(),
                    title: title.clone(),
                });
                emit(&chunk);
            }
            Chunk::SourceDocument { ref source_id, ref media_type, ref title } => {
                self.parts.push(Part::SourceDocument {
                    source_id: source_id.clone(),
                    media_type: media_type.clone(),
                    title: title.clone(),
                });
                emit(&chunk);
            }
            Chunk::File { ref url, ref media_type } => {
                self.parts.push(Part::File {
                    url: url.clone(),
                    media_type: media_type.clone(),
                    filename: None,
                });
                emit(&chunk);
            }
            Chunk::Suggestions { ref prompts } => {
                let new = Part::Suggestions { prompts: prompts.clone() };
                match self.parts.iter_mut().find(|part| matches!(part, Part::Suggestions { .. })) {
                    Some(old) => *old = new,
                    None => self.parts.push(new),
                }
                emit(&chunk);
            }
            Chunk::ToolInputStart { .. }
            | Chunk::ToolInputDelta { .. }
            | Chunk::ToolInputAvailable { .. }
            | Chunk::ToolInputError { .. }
            | Chunk::ToolOutputAvailable { .. }
            | Chunk::ToolOutputError { .. } => {
                let chunk = self.rename(chunk);
                return self.take_tool(&chunk, &mut emit);
            }
            // Clients of the AI SDK reject a stream with this chunk, so that what
            // they were told of the step stays until they read the conversation
            // again; in the transcript it is gone.
            Chunk::ResetStep => {
                self.end_blocks(&mut emit);
                self.parts.truncate(self.step_begin);
            }
            // The relay begins and ends replies itself; what is unknown here is
            // nobody's.
            Chunk::Start { .. }
            | Chunk::Unknown { .. }
            | Chunk::Finish { .. }
            | Chunk::Error { .. }
            | Chunk::Abort { .. } => {}
        }
        Room::Left
    }

    /// Ends every block and step that is open.
    pub(super) fn close(&mut self, mut emit: impl FnMut(&Chunk)) {
        self.end_blocks(&mut emit);
        self.end_step(&mut emit);
    }

    fn place(&self, kind: Block, id: &str) -> Option<usize> {
        self.open.iter().position(|block| block.kind == kind && block.id == id)
    }

    fn begin(&mut self, kind: Block, id: &str, emit: &mut impl FnMut(&Chunk)) {
        if self.place(kind, id).is_some() {
            return;
        }
        self.open.push(OpenBlock { kind, id: id.to_owned(), part: self.parts.len() });
        let id = id.to_owned();
        match kind {
            Block::Text => {
                self.parts.push(Part::Text { text: String::new() });
                emit(&Chunk::TextStart { id });
            }
            Block::Reasoning => {
                self.parts.push(Part::Reasoning { text: String::new() });
                emit(&Chunk::ReasoningStart { id });
            }
        }
    }

    fn add(&mut self, kind: Block, id: &str, mut delta: String, emit: &mut impl FnMut(&Chunk)) -> Room {
        let room = self.cut(&mut delta);
        if delta.is_empty() {
            return room;
        }
        self.begin(kind, id, emit);
        let part = self.place(kind, id).and_then(|place| self.open.get(place)).map(|block| block.part);
        if let Some(Part::Text { text } | Part::Reasoning { text }) =
            part.and_then(|part| self.parts.get_mut(part))
        {
            text.push_str(&delta);
        }
        let id = id.to_owned();
        emit(&match kind {
            Block::Text => Chunk::TextDelta { id, delta },
            Block::Reasoning => Chunk::ReasoningDelta { id, delta },
        });
        room
    }

    /// Counts a text, and cuts it where the reply is full.
    fn cut(&mut self, text: &mut String) -> Room {
        let left = MAX_REPLY_BYTES.saturating_sub(self.bytes);
        if text.len() <= left {
            self.bytes += text.len();
            return Room::Left;
        }
        text.truncate(text.floor_char_boundary(left));
        self.bytes = MAX_REPLY_BYTES;
        Room::Full
    }

    fn end(&mut self, kind: Block, id: &str, emit: &mut impl FnMut(&Chunk)) {
        if let Some(place) = self.place(kind, id) {
            self.open.remove(place);
            emit(&end_of(kind, id.to_owned()));
        }
    }

    fn end_blocks(&mut self, emit: &mut impl FnMut(&Chunk)) {
        for block in self.open.drain(..) {
            emit(&end_of(block.kind, block.id));
        }
    }

    fn end_step(&mut self, emit: &mut impl FnMut(&Chunk)) {
        if std::mem::take(&mut self.is_step_open) {
            self.end_blocks(emit);
            self.step_begin = self.parts.len();
            emit(&Chunk::FinishStep);
        }
    }

    /// Gives a call another id if an earlier round has used its own: adapters
    /// number the calls of providers that name none.
    fn rename(&mut self, mut chunk: Chunk) -> Chunk {
        let (id, is_call) = match &mut chunk {
            Chunk::ToolInputStart { tool_call_id, .. }
            | Chunk::ToolInputAvailable { tool_call_id, .. }
            | Chunk::ToolInputError { tool_call_id, .. } => (tool_call_id, true),
            Chunk::ToolInputDelta { tool_call_id, .. }
            | Chunk::ToolOutputAvailable { tool_call_id, .. }
            | Chunk::ToolOutputError { tool_call_id, .. } => (tool_call_id, false),
            _ => return chunk,
        };
        if let Some((_, ours)) = self.renamed.iter().find(|(theirs, _)| theirs == id) {
            id.clone_from(ours);
        } else if is_call && self.parts.iter().take(self.base).any(|part| is_call_of(part, id)) {
            let ours = format!("{id}-{}", self.base);
            self.renamed.push((id.clone(), ours.clone()));
            *id = ours;
        }
        chunk
    }

    fn take_tool(&mut self, chunk: &Chunk, emit: &mut impl FnMut(&Chunk)) -> Room {
        match chunk {
            // The page's answer stands; some providers repeat it in their words.
            Chunk::ToolOutputAvailable { tool_call_id, .. } | Chunk::ToolOutputError { tool_call_id, .. }
                if self.is_answered_before(tool_call_id) =>
            {
                return Room::Left;
            }
            Chunk::ToolInputStart { tool_call_id, tool_name } => {
                self.tool(tool_call_id, tool_name, "input-streaming");
            }
            Chunk::ToolInputDelta { tool_call_id, delta } => {
                if self.known_tool(tool_call_id).is_none() {
                    return Room::Left;
                }
                // Half a JSON text is of no use: over the limit it is left out.
                if self.cut(&mut delta.clone()) == Room::Full {
                    return Room::Full;
                }
            }
            Chunk::ToolInputAvailable { tool_call_id, tool_name, input } => {
                if let Part::Tool { input: kept, .. } = self.tool(tool_call_id, tool_name, "input-available")
                {
                    *kept = Some(input.clone());
                }
            }
            Chunk::ToolInputError { tool_call_id, tool_name, input, error_text } => {
                if let Part::Tool { input: kept, error_text: text, .. } =
                    self.tool(tool_call_id, tool_name, "output-error")
                {
                    kept.clone_from(input);
                    *text = Some(error_text.clone());
                }
            }
            Chunk::ToolOutputAvailable { tool_call_id, output } => {
                if !self.answer(tool_call_id, "output-available", Some(output), None) {
                    return Room::Left;
                }
            }
            Chunk::ToolOutputError { tool_call_id, error_text } => {
                if !self.answer(tool_call_id, "output-error", None, Some(error_text)) {
                    return Room::Left;
                }
            }
            _ => return Room::Left,
        }
        emit(chunk);
        Room::Left
    }

    /// Whether a call had its answer when the reply went on.
    fn is_answered_before(&self, call: &str) -> bool {
        let is_open = |part: &Part| matches!(part, Part::Tool { output: None, error_text: None, .. });
        self.parts.iter().take(self.base).any(|part| is_call_of(part, call) && !is_open(part))
    }

    fn known_tool(&mut self, call: &str) -> Option<&mut Part> {
        self.parts.iter_mut().find(|part| is_call_of(part, call))
    }

    /// The part of a call, in that state; made if the call is new.
    fn tool(&mut self, call: &str, name: &str, reached: &str) -> &mut Part {
        let known = self.parts.iter().position(|part| is_call_of(part, call));
        let place = known.unwrap_or_else(|| {
            self.parts.push(Part::Tool {
                tool_call_id: call.to_owned(),
                tool_name: name.to_owned(),
                state: String::new(),
                input: None,
                output: None,
                error_text: None,
            });
            self.parts.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "the place was found or made right above")]
        let part = &mut self.parts[place];
        if let Part::Tool { state, .. } = part {
            reached.clone_into(state);
        }
        part
    }

    fn answer(&mut self, call: &str, reached: &str, answer: Option<&Json>, error: Option<&String>) -> bool {
        let Some(Part::Tool { state, output, error_text, .. }) = self.known_tool(call) else { return false };
        reached.clone_into(state);
        *output = answer.cloned();
        *error_text = error.cloned();
        true
    }
}

fn is_call_of(part: &Part, id: &str) -> bool {
    matches!(part, Part::Tool { tool_call_id, .. } if tool_call_id == id)
}

/// What a part counts of [`MAX_REPLY_BYTES`].
fn size(part: &Part) -> usize {
    match part {
        Part::Text { text } | Part::Reasoning { text } => text.len(),
        Part::Tool { input: Some(input), .. } => input.as_str().len(),
        _ => 0,
    }
}

fn end_of(kind: Block, id: String) -> Chunk {
    match kind {
        Block::Text => Chunk::TextEnd { id },
        Block::Reasoning => Chunk::ReasoningEnd { id },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(id: &str, delta: &str) -> Chunk {
        Chunk::TextDelta { id: id.into(), delta: delta.into() }
    }

    fn run(chunks: Vec<Chunk>) -> (Reply, Vec<String>) {
        let mut reply = Reply::default();
        let mut seen = Vec::new();
        for chunk in chunks {
            reply.take(chunk, |chunk| seen.push(chunk.to_json()));
        }
        reply.close(|chunk| seen.push(chunk.to_json()));
        (reply, seen)
    }

    #[test]
    fn a_block_that_was_not_begun_or_ended_is() {
        let (reply, seen) = run(vec![Chunk::StartStep, text("a", "Hi"), text("a", "!")]);
        assert_eq!(reply.parts(), [Part::Text { text: "Hi!".into() }]);
        assert_eq!(
            seen,
            [
                r#"{"type":"start-step"}"#,
                r#"{"type":"text-start","id":"a"}"#,
                r#"{"type":"text-delta","id":"a","delta":"Hi"}"#,
                r#"{"type":"text-delta","id":"a","delta":"!"}"#,
                r#"{"type":"text-end","id":"a"}"#,
                r#"{"type":"finish-step"}"#,
            ]
        );
    }

    #[test]
    fn what_makes_no_sense_is_dropped() {
        let json = || Json::parse("1").unwrap();
        let (reply, seen) = run(vec![
            Chunk::Start { message_id: Some("theirs".into()), metadata: None },
            Chunk::TextEnd { id: "never".into() },
            Chunk::FinishStep,
            Chunk::ToolOutputAvailable { tool_call_id: "never".into(), output: json() },
            Chunk::ToolInputDelta { tool_call_id: "never".into(), delta: "{".into() },
            Chunk::ResetStep,
            Chunk::Unknown { kind: "x".into() },
        ]);
        assert!(reply.parts().is_empty());
        assert!(seen.is_empty(), "{seen:?}");
    }

    #[test]
    fn a_discarded_step_is_not_kept_and_those_before_it_are() {
        let (reply, seen) = run(vec![
            Chunk::StartStep,
            text("a", "First."),
            Chunk::FinishStep,
            Chunk::StartStep,
            text("a", "Half"),
            Chunk::ResetStep,
            text("a", "Second."),
        ]);
        let kept = ["First.", "Second."].map(|text| Part::Text { text: text.into() });
        assert_eq!(reply.parts(), kept);
        assert!(seen.iter().all(|chunk| !chunk.contains("reset-step")), "{seen:?}");
        let begun = seen.iter().filter(|chunk| chunk.contains("text-start")).count();
        assert_eq!(begun, 3, "what follows is a block of its own: {seen:?}");
    }

    #[test]
    fn a_reply_is_cut_between_characters() {
        let mut reply = Reply::default();
        let mut sent = 0;
        let mut count = |chunk: &Chunk| {
            if let Chunk::TextDelta { delta, .. } = chunk {
                sent += delta.len();
            }
        };
        assert_eq!(reply.take(text("a", &"x".repeat(MAX_REPLY_BYTES - 1)), &mut count), Room::Left);
        assert_eq!(reply.take(text("a", "\u{fc}y"), &mut count), Room::Full);
        assert_eq!(sent, MAX_REPLY_BYTES - 1);
    }

    #[test]
    fn only_the_newest_suggestions_stay() {
        let prompts = |text: &str| Chunk::Suggestions { prompts: vec![text.into()] };
        let (reply, _) = run(vec![prompts("old"), text("a", "1"), prompts("new"), text("a", "2")]);
        assert_eq!(
            reply.parts(),
            [Part::Suggestions { prompts: vec!["new".into()] }, Part::Text { text: "12".into() }]
        );
    }

    #[test]
    fn a_call_of_a_later_round_gets_an_id_of_its_own() {
        let json = |text: &str| Json::parse(text).unwrap();
        let called = Part::Tool {
            tool_call_id: "call_0".into(),
            tool_name: "look".into(),
            state: "output-available".into(),
            input: Some(json("{}")),
            output: Some(json("1")),
            error_text: None,
        };
        let usage = Usage { input_tokens: 3, output_tokens: 1 };
        let mut reply = Reply::going_on(vec![called.clone()], Some(usage));
        let mut seen = Vec::new();
        for chunk in [
            Chunk::ToolInputStart { tool_call_id: "call_0".into(), tool_name: "look".into() },
            Chunk::ToolInputDelta { tool_call_id: "call_0".into(), delta: "[]".into() },
            Chunk::ToolInputAvailable {
                tool_call_id: "call_0".into(),
                tool_name: "look".into(),
                input: json("[]"),
            },
        ] {
            reply.take(chunk, |chunk| seen.push(chunk.to_json()));
        }
        reply.note(&MessageMetadata { usage: Some(usage), ..MessageMetadata::default() });
        // As providers do that hold the answer: under the id of the first call.
        let mut resumed = Reply::going_on(vec![called.clone()], None);
        let repeated = Chunk::ToolOutputAvailable { tool_call_id: "call_0".into(), output: json("2") };
        resumed.take(repeated, |chunk| panic!("{chunk:?}"));
        assert_eq!(resumed.parts(), std::slice::from_ref(&called), "the page's answer stands");
        assert!(seen.iter().all(|chunk| chunk.contains("call_0-1")), "{seen:?}");
        assert_eq!((reply.parts().len(), &reply.parts()[0]), (2, &called));
        assert_eq!(reply.usage().unwrap().input_tokens, 6);
    }

    #[test]
    fn a_tool_call_becomes_one_part() {
        let json = |text: &str| Json::parse(text).unwrap();
        let (reply, _) = run(vec![
            Chunk::ToolInputStart { tool_call_id: "c".into(), tool_name: "look".into() },
            Chunk::ToolInputDelta { tool_call_id: "c".into(), delta: "{}".into() },
            Chunk::ToolInputAvailable {
                tool_call_id: "c".into(),
                tool_name: "look".into(),
                input: json("{}"),
            },
            Chunk::ToolOutputAvailable { tool_call_id: "c".into(), output: json("[1]") },
        ]);
        let part = Part::Tool {
            tool_call_id: "c".into(),
            tool_name: "look".into(),
            state: "output-available".into(),
            input: Some(json("{}")),
            output: Some(json("[1]")),
            error_text: None,
        };
        assert_eq!(reply.parts(), [part]);
    }
}
