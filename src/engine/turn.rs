//! One question and its reply, from the send to the terminal chunk.

use chinwag_protocol::Trigger;

use super::announce::Announcer;
use super::event::Moment;
use super::item::Key;

/// Names a turn. Whatever arrives for another than the running one is late,
/// and is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TurnId(pub u32);

/// The turn that is running.
#[derive(Debug, Clone)]
pub struct Turn {
    /// Its name.
    pub id: TurnId,
    /// What was asked; `None` when a reply is followed whose question is known
    /// only from the transcript.
    pub question: Option<Key>,
    /// Where the reply goes.
    pub reply: Key,
    /// What is asked of the relay.
    pub trigger: Trigger,
    /// How far it got.
    pub stage: Stage,
    /// The last frame seen.
    pub last_event: Option<String>,
    /// How often it was followed again since a frame last arrived.
    pub resumes: u8,
    /// Whether the token was replaced once because of it.
    pub token_replaced: bool,
    /// Whether the reply shows what was stored of it: the log, which tells it
    /// from the beginning, takes its place with the first frame.
    pub shows_stored: bool,
    /// Whether the transcript was asked for a second time before it.
    pub is_second_look: bool,
    /// How often tools of the page were run for it.
    pub rounds: usize,
    /// When another tab was last heard, while it follows the reply.
    pub heard_at: Moment,
    /// Makes whole sentences for the screen reader.
    pub announcer: Announcer,
}

/// How far a turn got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The question, or what the page's tools answered, has not been accepted
    /// yet.
    Sending,
    /// Another tab follows the reply, and says what it hears.
    Following,
    /// Frames arrive.
    Streaming,
    /// Tools of the page are at work.
    Working,
    /// The stream broke; a wait runs, or the reply is being followed again.
    Resuming,
}

/// Waits before a broken stream is followed again, in ms. The relay keeps a
/// reply's log for ten minutes; half a minute of trying covers a change of
/// network, and a Retry is offered after that.
pub const RESUME_WAITS_MS: [u32; 6] = [250, 1_000, 2_000, 4_000, 8_000, 15_000];

impl Turn {
    /// A turn that has just begun.
    pub fn new(id: TurnId, question: Option<Key>, reply: Key, trigger: Trigger) -> Self {
        Self {
            id,
            question,
            reply,
            trigger,
            stage: Stage::Sending,
            last_event: None,
            resumes: 0,
            token_replaced: false,
            shows_stored: false,
            is_second_look: false,
            rounds: 0,
            heard_at: Moment::default(),
            announcer: Announcer::default(),
        }
    }

    /// The page's tools have answered: what they said is to be sent, and another
    /// stream brings what follows from it.
    pub fn go_on(&mut self) {
        self.stage = Stage::Sending;
        self.last_event = None;
        self.resumes = 0;
        self.token_replaced = false;
    }

    /// The next wait, or `None` when it was tried often enough.
    pub fn next_wait_ms(&mut self) -> Option<u32> {
        let wait = RESUME_WAITS_MS.get(usize::from(self.resumes)).copied();
        self.resumes = self.resumes.saturating_add(1);
        wait
    }

    /// Whether a frame belongs to the log that was being followed. A frame
    /// without an id (a foreign stream) always does.
    pub fn follows_on(&self, event_id: Option<&str>) -> bool {
        let epoch = |id: &str| id.split(':').next().map(str::to_owned);
        match (self.last_event.as_deref(), event_id) {
            (Some(last), Some(next)) => epoch(last) == epoch(next),
            _ => true,
        }
    }
}
