//! A screen in a hall: what its operator asked for, and where it stands between
//! one visitor and the next. What happens to it is in `update/kiosk.rs`.

use super::event::Moment;
use super::session::RequestId;

/// Least time in which a visitor can say that they are still there, in ms: WCAG
/// 2.2, 2.2.1.
pub const LEAST_WARNING_MS: u32 = 20_000;

/// What the operator asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KioskOptions {
    /// After how long without a sign of life the warning comes, in ms.
    pub idle_ms: u32,
    /// How long the warning stands before everything is wiped, in ms; never less
    /// than [`LEAST_WARNING_MS`].
    pub warn_ms: u32,
    /// What stands on the screen while nobody is there.
    pub attract: Attract,
    /// Whether there is a keyboard on the screen.
    pub has_keyboard: bool,
    /// What becomes of links.
    pub links: Links,
    /// Whether the page is loaded anew once a day.
    pub reloads_daily: bool,
    /// The key by which the relay knows this device.
    pub device: Option<String>,
}

impl Default for KioskOptions {
    fn default() -> Self {
        Self {
            idle_ms: 75_000,
            warn_ms: LEAST_WARNING_MS,
            attract: Attract::default(),
            has_keyboard: true,
            links: Links::default(),
            reloads_daily: true,
            device: None,
        }
    }
}

/// What stands on the screen while nobody is there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Attract {
    /// The large words; `None` for the greeting.
    pub title: Option<String>,
    /// A line below them.
    pub text: Option<String>,
    /// Questions that are shown one after another; `None` for those to start with.
    pub prompts: Option<Vec<String>>,
}

/// What becomes of a link where there is nowhere to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Links {
    /// It is a text.
    #[default]
    Block,
    /// It is shown as a code for the visitor's phone.
    Qr,
}

/// Where a kiosk stands.
#[derive(Debug, Clone, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own; none has to agree with another"
)]
pub struct Kiosk {
    /// Whether a visitor is there.
    pub stage: Stage,
    /// Which visitor it is, counted from the beginning: with another one
    /// everything is drawn anew.
    pub visit: u32,
    /// Whether the relay was found when it was last looked for.
    pub is_away: bool,
    /// How many times the question on the attract screen has changed.
    pub turned: u32,
    /// How large the visitor wants the text: 0 to 2.
    pub size: u8,
    /// Whether the visitor wants more contrast.
    pub has_contrast: bool,
    /// The address that is shown as a code.
    pub code: Option<String>,
    /// When the last tick was.
    pub(super) ticked_at: Option<Moment>,
    /// Ticks since the page was loaded.
    pub(super) ticks: u32,
    /// How long the page has run, in ms: what a clock that leaps cannot change.
    pub(super) uptime_ms: f64,
    /// How long nobody has been there, in ms.
    pub(super) rested_ms: f64,
    /// Up to when the page is not loaded anew, in ms of its running.
    pub(super) no_reload_before_ms: f64,
    /// What the page holds in memory, in bytes, when last measured.
    pub(super) memory_bytes: f64,
    /// Whether anybody has used this module since it was begun.
    pub(super) is_used: bool,
    /// Whether a finger is on the screen.
    pub(super) is_held: bool,
    /// Visitors whom the relay still has to forget.
    pub(super) leftovers: Vec<Leftover>,
    /// An exchange that was under way when its visitor went.
    pub(super) orphan: Option<RequestId>,
}

/// Whether a visitor is there.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Stage {
    /// Nobody: the attract screen stands.
    #[default]
    Attract,
    /// A visitor is at work.
    Visit {
        /// Time without a sign of life, in ms.
        idle_ms: f64,
        /// For how long a reply or a finger has kept the time from running, in ms.
        held_ms: f64,
    },
    /// It is asked whether the visitor is still there.
    Warning {
        /// What is left of the time to answer, in ms.
        left_ms: f64,
    },
}

impl Stage {
    /// A visitor who has just done something.
    pub const FRESH: Self = Self::Visit { idle_ms: 0.0, held_ms: 0.0 };

    /// The word for it that a watchdog is told.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Attract => "attract",
            Self::Visit { .. } => "visit",
            Self::Warning { .. } => "warning",
        }
    }

    /// Seconds that are left to say that one is still there.
    pub fn seconds_left(self) -> Option<usize> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a few seconds, and not below 0"
        )]
        match self {
            Self::Warning { left_ms } => Some((left_ms.max(0.0) / 1_000.0).ceil() as usize),
            _ => None,
        }
    }
}

/// A visitor whom the relay still has to forget: what proves that one may ask
/// for it, and nothing that they said.
#[derive(Debug, Clone, PartialEq)]
pub struct Leftover {
    /// Names the request.
    pub request: RequestId,
    /// The last access token.
    pub token: Option<String>,
    /// The visitor token, for another access token should that one be too old.
    pub visitor: Option<String>,
    /// How often the relay was asked in vain.
    pub(super) attempts: u32,
    /// Whether the relay is being asked.
    pub(super) is_asked: bool,
}

/// What happens at a kiosk.
#[derive(Debug, Clone, PartialEq)]
pub enum KioskEvent {
    /// The attract screen was touched.
    Began,
    /// Somebody touched the screen, typed or scrolled.
    Touched,
    /// A finger came down, or the last one went up.
    Held(bool),
    /// The visitor is still there.
    Continued,
    /// The visitor wants to begin again, or another one does.
    StartedOver,
    /// Larger text, or the smallest after the largest.
    SizePressed,
    /// More contrast, or as much as before.
    ContrastPressed,
    /// A link was pressed.
    LinkPressed(String),
    /// The code of a link was put away.
    CodeClosed,
    /// The relay was looked for.
    Probed {
        /// Whether it was found.
        is_there: bool,
    },
    /// The page's memory was measured, in bytes.
    Measured(f64),
    /// The page has run for so long already, in ms.
    Ran(f64),
    /// The relay was asked to forget a visitor.
    Forgotten {
        /// Which request.
        request: RequestId,
        /// Whether it has, or knows of nobody; if not, it is asked again.
        is_done: bool,
    },
}

/// What a kiosk asks of the outside.
#[derive(Debug, Clone, PartialEq)]
pub enum KioskOrder {
    /// Have the relay forget a visitor.
    Forget {
        /// Whom.
        leftover: Leftover,
        /// The device's key, for another access token.
        device: Option<String>,
        /// The site, likewise.
        site: String,
    },
    /// Clear what a visitor leaves outside the model: selection, language.
    Wipe,
    /// Look whether the relay is there.
    Probe,
    /// Tell the watchdog that all is well.
    Beat {
        /// Where the kiosk stands.
        state: &'static str,
        /// How long the page has run, in s.
        uptime_s: u32,
    },
    /// Put a fresh module in the place of this one, in whose memory a visitor's
    /// words may still stand.
    Renew,
    /// Load the page anew.
    Reload,
}
