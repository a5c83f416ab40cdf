//! What the host page asked for, as far as behaviour and words go. Looks
//! (colours, corners, position) never reach the engine.

use chinwag_protocol::Json;

use super::kiosk::KioskOptions;

/// The part of the options that behaviour and words depend on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an option of its own; none has to agree with another"
)]
pub struct Config {
    /// The site's public key.
    pub site: String,
    /// How it stands in the page.
    pub mode: Mode,
    /// Whether the panel is open when nothing was remembered.
    pub open_by_default: bool,
    /// Whether the visitor's other conversations are not offered, though the
    /// relay has them.
    pub without_history: bool,
    /// Whether no files can be sent, though the relay would take them.
    pub without_files: bool,
    /// After how long it opens by itself when nothing was remembered, in ms.
    pub auto_open_ms: Option<u32>,
    /// The button that opens it.
    pub launcher: Launcher,
    /// What stands beside that button after a while.
    pub teaser: Option<Teaser>,
    /// What is asked of a screen in a hall.
    pub kiosk: Box<KioskOptions>,
    /// Where conversation ids are kept.
    pub persist: Persist,
    /// How access tokens are come by.
    pub access: Access,
    /// Who the page says that the visitor is.
    pub identity: Identity,
    /// Whether the page talks to an endpoint of its own, without a relay.
    pub is_direct: bool,
    /// Whether anything may be stored or sent.
    pub consent: Consent,
    /// How long after the last message the conversation is remembered.
    pub expire_minutes: Option<u32>,
    /// Shown in the header in place of the agent's own name.
    pub title: Option<String>,
    /// The address of a picture in place of the agent's own, checked.
    pub avatar_url: Option<String>,
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

/// How the widget stands in the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// A button in a corner, and a panel that it opens.
    #[default]
    Launcher,
    /// A panel within an element of the page, always open.
    Inline,
    /// A panel that fills the window, always open.
    Fullscreen,
    /// A screen in a hall, for one stranger after another.
    Kiosk,
}

/// The button that opens the panel.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Launcher {
    /// The address of a picture in place of the icon, checked.
    pub icon: Option<String>,
    /// Its label while the panel is closed.
    pub label: Option<String>,
    /// Whether the page has a button of its own.
    pub is_hidden: bool,
}

/// A few words beside the button, to be pressed or put away for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Teaser {
    /// The words.
    pub text: String,
    /// After how long they come, in ms.
    pub delay_ms: u32,
}

/// How access tokens are come by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Access {
    /// The site's public key is exchanged at the relay.
    #[default]
    Exchange,
    /// The page is asked, and asks its own server.
    Page,
}

/// Who the page says that the visitor is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Identity {
    /// It does not say.
    #[default]
    Anonymous,
    /// This, signed by the site's server.
    Signed(String),
    /// The page is asked before each exchange.
    Asked,
}

/// Whether anything may be stored or sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Consent {
    /// It may: the page has seen to it, or needs none.
    #[default]
    Given,
    /// Not before the visitor has agreed, in the panel.
    Required,
    /// Not before the page says so.
    Withheld,
}
