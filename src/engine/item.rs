//! The transcript's items: what the visitor asked, what the agent replied.

use std::cell::{Ref, RefCell};

use chinwag_protocol::{Json, MessageStatus, Part, Role, UiMessage};

use super::attachment::SentFile;
use super::event::Moment;
use super::failure::{Failure, Reason};
use super::markdown::{Document, Href};
use super::rating::Rating;
use super::tool::ToolOutcome;

/// Names an item for as long as the widget lives. Never reused, and unlike an
/// id it is there before the relay has answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(pub u32);

/// One item of the transcript.
#[derive(Debug, Clone)]
pub enum Item {
    /// A message of the visitor.
    Question(Question),
    /// A message of the agent.
    Reply(Box<Reply>),
}

/// A message of the visitor.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// Its id; the key under which the relay accepts it once.
    pub id: String,
    /// What it says, as typed.
    pub text: String,
    /// What was sent along.
    pub files: Vec<SentFile>,
    /// When it was sent, if known.
    pub at: Option<Moment>,
    /// How far it got.
    pub delivery: Delivery,
}

/// How far a message of the visitor got.
#[derive(Debug, Clone, PartialEq)]
pub enum Delivery {
    /// Written without a network: sent when there is one, unless it is taken away.
    Waiting,
    /// On its way.
    Sending,
    /// Accepted by the relay.
    Sent,
    /// Not accepted. It is kept, and can be sent again under the same id.
    Failed(Failure),
}

/// A message of the agent.
#[derive(Debug, Clone)]
pub struct Reply {
    /// Its id, once the relay has said it.
    pub id: Option<String>,
    /// The question that it answers, if it is in the transcript.
    pub question: Option<Key>,
    /// What it says so far, as Markdown.
    pub text: String,
    /// The same, parsed as far as it was looked at: of a long transcript most
    /// never is, and a reply that comes in many small chunks is looked at less
    /// often than one comes.
    parsed: RefCell<Parsed>,
    /// What the model thought.
    pub reasoning: String,
    /// Since when it thinks, while it does.
    pub thinks_since: Option<Moment>,
    /// How long it thought, in ms, as seen from here; unknown after a reload.
    pub thought_ms: f64,
    /// What it cites, in order.
    pub sources: Vec<Source>,
    /// What the agent did on the way.
    pub activities: Vec<Activity>,
    /// Follow-up questions.
    pub suggestions: Vec<String>,
    /// How the visitor rated it.
    pub rating: Rating,
    /// When it began, if known.
    pub at: Option<Moment>,
    /// How far it got.
    pub phase: ReplyPhase,
    /// What it said before the current step, should that be taken back.
    before_step: Extent,
}

/// How much there was of a reply: lengths of its text, its reasoning (both in
/// bytes), its sources and its activities.
type Extent = (usize, usize, usize, usize);

/// A text as far as it was parsed.
#[derive(Debug, Clone, Default)]
struct Parsed {
    document: Document,
    bytes: usize,
}

impl Parsed {
    fn catch_up(&mut self, text: &str, is_whole: bool) {
        if let Some(more) = text.get(self.bytes..).filter(|more| !more.is_empty()) {
            self.document.push(more);
            self.bytes = text.len();
        }
        if is_whole {
            self.document.finish();
        }
    }
}

/// How far a reply got.
#[derive(Debug, Clone, PartialEq)]
pub enum ReplyPhase {
    /// Nothing comes: nothing has come yet, or a tool is at work. The label
    /// says what the agent is doing, if it does.
    Waiting {
        /// A person's words for it, e.g. "Searching the documents".
        label: Option<String>,
    },
    /// It is coming.
    Streaming,
    /// It is whole.
    Done,
    /// The visitor stopped it.
    Stopped,
    /// It failed; what had come is kept.
    Failed(Failure),
}

/// A cited page.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// Where it is; `None` if it has no address that may be opened.
    pub href: Option<Href>,
    /// What it is called.
    pub title: String,
}

/// Something that the agent did on the way.
#[derive(Debug, Clone, PartialEq)]
pub struct Activity {
    /// Names the call.
    pub id: String,
    /// The tool.
    pub tool: String,
    /// What the tool was called with, once that is whole.
    pub input: Option<Json>,
    /// `None` while it runs, else whether it succeeded.
    pub succeeded: Option<bool>,
    /// What the page's tool answered, until the relay has it.
    pub owed: Option<ToolOutcome>,
}

impl Reply {
    /// A reply of which nothing has come yet.
    pub fn waiting(question: Option<Key>, at: Moment) -> Self {
        Self {
            id: None,
            question,
            text: String::new(),
            parsed: RefCell::default(),
            reasoning: String::new(),
            thinks_since: None,
            thought_ms: 0.0,
            sources: Vec::new(),
            activities: Vec::new(),
            suggestions: Vec::new(),
            rating: Rating::default(),
            at: Some(at),
            phase: ReplyPhase::Waiting { label: None },
            before_step: Extent::default(),
        }
    }

    /// Whether it has anything to show.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
            && self.reasoning.is_empty()
            && self.sources.is_empty()
            && self.activities.is_empty()
    }

    /// Whether more may come.
    pub fn is_live(&self) -> bool {
        matches!(self.phase, ReplyPhase::Waiting { .. } | ReplyPhase::Streaming)
    }

    /// Adds text. The first of it ends the waiting.
    pub fn push_text(&mut self, delta: &str) {
        self.text.push_str(delta);
        self.phase = ReplyPhase::Streaming;
    }

    /// The text, parsed: settled blocks and one open tail.
    pub fn document(&self) -> Ref<'_, Document> {
        if let Ok(mut parsed) = self.parsed.try_borrow_mut() {
            parsed.catch_up(&self.text, !self.is_live());
        }
        Ref::map(self.parsed.borrow(), |parsed| &parsed.document)
    }

    /// Begins a further block of text.
    pub fn begin_block(&mut self) {
        if !self.text.is_empty() {
            self.push_text("\n\n");
        }
    }

    /// Adds a thought.
    pub fn push_reasoning(&mut self, delta: &str, now: Moment) {
        self.reasoning.push_str(delta);
        self.thinks_since.get_or_insert(now);
    }

    /// The model has thought, for now.
    pub fn end_reasoning(&mut self, now: Moment) {
        if let Some(since) = self.thinks_since.take() {
            self.thought_ms += (now.0 - since.0).max(0.0);
        }
    }

    /// Whether a tool of the page has answered and the relay does not know.
    pub fn owes(&self) -> bool {
        self.activities.iter().any(|activity| activity.owed.is_some())
    }

    /// Adds a citation, unless it is there.
    pub fn cite(&mut self, url: &str, title: Option<String>) {
        let href = Href::parse(url);
        let title = title.filter(|title| !title.trim().is_empty()).unwrap_or_else(|| url.to_owned());
        let source = Source { href, title };
        if !self.sources.contains(&source) {
            self.sources.push(source);
        }
    }

    /// A step begins: one call of the model.
    pub fn begin_step(&mut self) {
        self.before_step = (self.text.len(), self.reasoning.len(), self.sources.len(), self.activities.len());
    }

    /// What the current step said is taken back.
    pub fn reset_step(&mut self) {
        let (text, reasoning, sources, activities) = self.before_step;
        self.reasoning.truncate(reasoning);
        self.sources.truncate(sources);
        self.activities.truncate(activities);
        let said = std::mem::take(&mut self.text);
        self.parsed = RefCell::default();
        self.phase = ReplyPhase::Waiting { label: None };
        if let Some(kept) = said.get(..text).filter(|kept| !kept.is_empty()) {
            self.push_text(kept);
        }
    }

    /// Nothing more comes.
    pub fn end(&mut self, phase: ReplyPhase) {
        self.phase = phase;
        self.thinks_since = None;
        for activity in &mut self.activities {
            activity.succeeded.get_or_insert(false);
        }
    }
}

/// Builds an item from a stored message; `None` for messages that are not shown.
pub fn from_stored(message: UiMessage) -> Option<Item> {
    let metadata = message.metadata.clone().unwrap_or_default();
    let at = metadata.created_at.as_deref().and_then(parse_time);
    match message.role {
        Role::System => None,
        Role::User => {
            let (text, files) = (message.text(), SentFile::among(&message.parts));
            Some(Item::Question(Question { id: message.id, text, files, at, delivery: Delivery::Sent }))
        }
        Role::Assistant => {
            let mut reply = Reply::waiting(None, Moment::default());
            reply.at = at;
            for part in message.parts {
                take_part(&mut reply, part);
            }
            reply.id = Some(message.id);
            reply.rating = Rating::stored(metadata.feedback);
            reply.end(match metadata.status {
                Some(MessageStatus::Stopped) => ReplyPhase::Stopped,
                Some(MessageStatus::Interrupted) => {
                    ReplyPhase::Failed(Failure::retryable(Reason::Interrupted))
                }
                Some(MessageStatus::Failed) => ReplyPhase::Failed(Failure::retryable(Reason::Unavailable)),
                _ => ReplyPhase::Done,
            });
            Some(Item::Reply(Box::new(reply)))
        }
    }
}

/// A reply out of a stored message of which more is to come.
pub fn unfinished(message: UiMessage, question: Option<Key>, now: Moment) -> Reply {
    let mut reply = Reply::waiting(question, now);
    for part in message.parts {
        take_part(&mut reply, part);
    }
    reply.id = Some(message.id).filter(|id| !id.is_empty());
    if !reply.is_empty() {
        reply.phase = ReplyPhase::Streaming;
    }
    reply
}

fn take_part(reply: &mut Reply, part: Part) {
    match part {
        Part::Text { text } => {
            if !reply.text.is_empty() {
                reply.text.push_str("\n\n");
            }
            reply.text.push_str(&text);
        }
        Part::Reasoning { text } => reply.reasoning.push_str(&text),
        Part::SourceUrl { url, title, .. } => reply.cite(&url, title),
        Part::SourceDocument { title, .. } => reply.cite("", Some(title)),
        Part::Tool { tool_call_id, tool_name, state, input, .. } => reply.activities.push(Activity {
            id: tool_call_id,
            tool: tool_name,
            input,
            // A call that nobody answered before the page was left is not
            // answered any more.
            succeeded: Some(state == "output-available"),
            owed: None,
        }),
        Part::Suggestions { prompts } => reply.suggestions = prompts,
        Part::File { .. } | Part::Unknown { .. } => {}
    }
}

/// Reads the one form of time that the wire has, `2026-01-31T12:34:56[.789]Z`.
pub(super) fn parse_time(text: &str) -> Option<Moment> {
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
    if text.len() < 20 || !text.ends_with('Z') {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    // Days from the civil calendar, counted from March so that a leap day is the
    // last of its year (Howard Hinnant, "chrono-compatible low-level date algorithms").
    let shifted = if month > 2 { year } else { year - 1 };
    let era = shifted.div_euclid(400);
    let year_of_era = shifted.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = era * 146_097 + day_of_era - 719_468;
    let seconds = days * 86_400 + hour * 3_600 + minute * 60 + second;
    let milliseconds = number(20, 23).filter(|_| text.get(19..20) == Some(".")).unwrap_or(0);
    #[expect(clippy::cast_precision_loss, reason = "dates are far below 2^53 ms")]
    Some(Moment((seconds * 1_000 + milliseconds) as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_the_wire_are_read() {
        let at = |text| parse_time(text).map(|moment| moment.0);
        assert_eq!(at("1970-01-01T00:00:00Z"), Some(0.0));
        assert_eq!(at("2026-11-22T10:24:00.250Z"), Some(1_795_343_040_250.0));
        assert_eq!(at("2000-02-29T23:59:59Z"), Some(951_868_799_000.0));
        for bad in
            ["", "2026-11-22", "2026-11-22T10:24:00+01:00", "yyyy-mm-ddThh:mm:ssZ", "ääääääääääääääääääZ"]
        {
            assert_eq!(at(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_source_is_cited_once() {
        let mut reply = Reply::waiting(None, Moment::default());
        reply.cite("https://a.example/x", Some("X".into()));
        reply.cite("https://a.example/x", Some("X".into()));
        reply.cite("javascript:alert(1)", None);
        assert_eq!(reply.sources.len(), 2);
        assert!(reply.sources[1].href.is_none());
    }
}
