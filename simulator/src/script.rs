//! What goes wrong, and how the bytes are cut.

use std::time::Duration;

/// How a simulator behaves.
#[derive(Debug, Clone)]
pub struct Switches {
    /// The one key that is accepted, if the provider has keys.
    pub key: Option<String>,
    /// What goes wrong.
    pub trouble: Option<Trouble>,
    /// How many requests it goes wrong for, from the first.
    pub troubled: u32,
    /// How streamed answers are cut.
    pub pieces: Pieces,
    /// Time between two pieces.
    pub pace: Duration,
    /// Whether heartbeats stand between the pieces, where the provider has them.
    pub has_pings: bool,
    /// Which generation of a provider's wire is spoken, from 0, the newest.
    /// A provider with one ignores it.
    pub generation: u32,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            key: Some(crate::KEY.to_owned()),
            trouble: None,
            troubled: u32::MAX,
            pieces: Pieces::Events,
            pace: Duration::ZERO,
            has_pings: false,
            generation: 0,
        }
    }
}

impl Switches {
    /// Good behaviour but for this.
    pub fn with(trouble: Trouble) -> Self {
        Self { trouble: Some(trouble), ..Self::default() }
    }

    /// The trouble lasts for that many requests only.
    #[must_use]
    pub fn for_requests(mut self, count: u32) -> Self {
        self.troubled = count;
        self
    }
}

/// What a simulator does on a bad day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trouble {
    /// Accepts the request, and says nothing more.
    Silent,
    /// Begins its answer, and falls silent.
    FallsSilent,
    /// Begins its answer, and the connection breaks.
    Cut,
    /// Accepts the request, and the connection breaks before a head comes.
    Hangup,
    /// Begins its answer, and ends the body in good order before the answer is
    /// whole.
    Truncated,
    /// Begins its answer, then sends the provider's error.
    LateError,
    /// Begins its answer, then sends what is not of its format.
    Malformed,
    /// Begins its answer, then sends one event that never ends.
    Oversized,
    /// Answers as one JSON body although a stream was asked for.
    NoStream,
    /// Answers with 429, and this many seconds in `Retry-After`.
    RateLimited {
        /// None leaves the header out.
        retry_after_s: Option<u32>,
    },
    /// Answers that the budget is used up.
    NoCredit,
    /// Answers with that status and the provider's error body.
    Status(u16),
    /// Answers with a redirect to that port of this machine.
    Redirect(u16),
    /// Answers with an error that repeats the key it was sent.
    TellsKey,
}

/// How a streamed answer is cut into pieces on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pieces {
    /// As the provider writes them: one event each.
    Events,
    /// That many bytes each, inside characters and line ends too.
    Bytes(usize),
    /// All at once.
    Whole,
}
