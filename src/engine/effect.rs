//! Everything that is asked of the outside, as orders.

use chinwag_protocol::{ChatRequest, ConversationId, TokenRequest};

use super::failure::Failure;
use super::item::Key;
use super::saved::Saved;
use super::session::RequestId;
use super::turn::TurnId;

/// An order to the shell.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Exchange for an access token.
    FetchToken {
        /// Names the exchange.
        request: RequestId,
        /// Its body.
        body: TokenRequest,
    },
    /// Send a message and stream the reply.
    OpenStream {
        /// Whose.
        turn: TurnId,
        /// The access token.
        token: String,
        /// The body.
        body: Box<ChatRequest>,
    },
    /// Follow a reply that runs already.
    ResumeStream {
        /// Whose.
        turn: TurnId,
        /// The access token.
        token: String,
        /// The conversation.
        conversation: ConversationId,
        /// The last frame seen; `None` for the whole log.
        after: Option<String>,
    },
    /// Let go of a turn's stream. The reply itself goes on.
    AbortStream {
        /// Whose.
        turn: TurnId,
    },
    /// End the reply at the relay.
    StopReply {
        /// The access token.
        token: String,
        /// The conversation.
        conversation: ConversationId,
    },
    /// Load a page of the transcript.
    LoadMessages {
        /// Names the request.
        request: RequestId,
        /// The access token.
        token: String,
        /// The conversation.
        conversation: ConversationId,
        /// Where the page begins; `None` for the newest.
        cursor: Option<String>,
    },
    /// Load a page of the visitor's conversations.
    LoadConversations {
        /// Names the request.
        request: RequestId,
        /// The access token.
        token: String,
        /// Where the page begins; `None` for the newest.
        cursor: Option<String>,
        /// What is searched for in titles; empty for all.
        query: String,
    },
    /// Give a conversation another title.
    RenameConversation {
        /// Names the request.
        request: RequestId,
        /// The access token.
        token: String,
        /// The conversation.
        conversation: ConversationId,
        /// The title.
        title: String,
    },
    /// Delete a conversation, also while the page is being left.
    DeleteConversation {
        /// Names the request.
        request: RequestId,
        /// The access token.
        token: String,
        /// The conversation.
        conversation: ConversationId,
    },
    /// Keep this for the next visit.
    Save(Saved),
    /// Fire [`super::Event::TimerFired`] after a wait.
    StartTimer {
        /// Which.
        timer: Timer,
        /// In ms; to the wait of [`Timer::Resume`] the shell adds up to a fifth
        /// at random, so that a crowd of widgets does not return all at once.
        after_ms: u32,
    },
    /// Show a part of the model anew.
    Redraw(Region),
    /// Say a sentence to a screen reader.
    Announce(Announcement),
    /// Tell the host page.
    Emit(HostEvent),
}

/// What a screen reader is told.
#[derive(Debug, Clone, PartialEq)]
pub enum Announcement {
    /// A sentence of the reply.
    Sentence(String),
    /// The reply is whole.
    ReplyDone,
    /// The reply was stopped.
    ReplyStopped,
    /// Something failed.
    Failed(Failure),
}

/// A part of the model that the view shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Region {
    /// Whether the panel is open.
    Panel,
    /// Name, greeting, suggestions, connection.
    Header,
    /// Which items there are, and their order.
    List,
    /// One item.
    Item(Key),
    /// The live reply grew: shown at most once per animation frame.
    Live(Key),
    /// The history drawer.
    Drawer,
    /// Whether a reply runs; the draft was replaced by the engine.
    Composer,
}

/// A wait that the engine asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timer {
    /// Follow a broken stream again.
    Resume(TurnId),
    /// Search for what was typed.
    Search(RequestId),
    /// A deletion can no longer be taken back.
    Undo(RequestId),
}

/// What the host page is told.
#[derive(Debug, Clone, PartialEq)]
pub enum HostEvent {
    /// The panel opened.
    Open,
    /// The panel closed.
    Close,
    /// A message of the visitor was sent off.
    MessageSent {
        /// Its id.
        id: String,
        /// What it says.
        text: String,
    },
    /// A reply is whole.
    MessageReceived {
        /// Its id.
        id: String,
        /// What it says, as Markdown.
        text: String,
    },
    /// A reply began.
    ResponseStart,
    /// A reply ended, however it did.
    ResponseEnd,
    /// The visitor stopped a reply.
    ResponseStopped,
    /// Another conversation is shown.
    ConversationChange {
        /// Its id.
        id: String,
    },
    /// Something failed.
    Error(Failure),
}
