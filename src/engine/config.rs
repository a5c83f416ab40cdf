//! What the host page asked for, as far as behaviour and words go. Looks
//! (colours, corners, position) never reach the engine.

use chinwag_protocol::Json;

/// The part of the options that behaviour and words depend on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Config {
    /// The site's public key.
    pub site: String,
    /// Whether the panel is open when nothing was remembered.
    pub open_by_default: bool,
    /// Whether the visitor's other conversations are not offered, though the
    /// relay has them.
    pub without_history: bool,
    /// Where conversation ids are kept.
    pub persist: Persist,
    /// Shown in the header in place of the agent's own name.
    pub title: Option<String>,
    /// Shown above the first message in place of the agent's own greeting.
    pub greeting: Option<String>,
    /// Questions to start with in place of the agent's own.
    pub suggestions: Option<Vec<String>>,
    /// Shown in the empty composer.
    pub placeholder: Option<String>,
    /// A line under the composer.
    pub disclaimer: Option<String>,
    /// What the page wants the agent to know: an object, sent with each message.
    pub context: Option<Json>,
}

/// Where the conversation id, the visitor token and the draft are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Persist {
    /// `localStorage`: until the visitor clears it.
    #[default]
    Local,
    /// `sessionStorage`: until the tab is closed.
    Session,
    /// Nowhere: until the page is left.
    Memory,
}
