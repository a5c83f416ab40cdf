//! What the widget does, without a browser.
//!
//! Everything that can happen is an [`Event`]; everything that is asked of the
//! outside is an [`Effect`]; [`update`] is the only thing that changes a
//! [`Model`]. The engine never reads a clock, makes no random number, and knows
//! neither leptos nor the DOM: times and fresh ids arrive with the events, so
//! that a whole conversation can be told as a scenario in a native test.

pub mod announce;
pub mod archive;
pub mod attachment;
pub mod claims;
pub mod config;
pub mod drawer;
pub mod effect;
pub mod event;
pub mod failure;
pub mod item;
pub mod kiosk;
pub mod markdown;
pub mod model;
pub mod part;
pub mod rating;
pub mod saved;
pub mod session;
pub mod stored;
pub mod tool;
pub mod transcript;
pub mod turn;
mod update;
pub mod word;

pub use attachment::{Attachment, Chosen, FileId, Objection, Progress, SentFile, Tray};
pub use claims::Claims;
pub use config::{Access, Config, Consent, Identity, Launcher, Mode, Persist, Teaser};
pub use drawer::Drawer;
pub use effect::{Effect, HostEvent, Region, Timer};
pub use event::{Event, Moment};
pub use failure::{Failure, Reason, TransportError};
pub use item::{Activity, Delivery, Item, Key, Question, Reply, ReplyPhase, Source};
pub use kiosk::{Attract, Kiosk, KioskEvent, KioskOptions, KioskOrder, Links};
pub use model::{Connection, History, Model, Older, TeaserState};
pub use part::Part;
pub use rating::{Opinion, Rating};
pub use saved::Saved;
pub use tool::{ClientTool, ToolOutcome};
pub use update::update;
pub use word::Word;

/// Longest message in characters, for those who may not know the wire.
pub use chinwag_protocol::limits::{MAX_MESSAGE_CHARS, MAX_TITLE_CHARS};

/// Names a conversation, likewise.
pub use chinwag_protocol::ConversationId;
/// The wire's words that the view shows.
pub use chinwag_protocol::{ConversationState, Features, Feedback, FileLimits};
