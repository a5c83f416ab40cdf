//! Everything that is asked of the outside, as orders.

use chinwag_protocol::{ChatRequest, ConversationId, ConversationState, Json, TokenRequest};

use super::attachment::{FileId, SentFile};
use super::failure::Failure;
use super::item::Key;
use super::kiosk::KioskOrder;
use super::part::Part;
use super::rating::{Opinion, RatingCall};
use super::saved::Saved;
use super::session::RequestId;
use super::tool::ToolOutcome;
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
        /// Whether the page is asked first who the visitor is.
        asks_identity: bool,
    },
    /// Ask the page for an access token.
    AskToken {
        /// Names the exchange.
        request: RequestId,
        /// The last token, which is no longer good.
        current: Option<String>,
    },
    /// Keep the newest visitor token, which other tabs may replace.
    KeepVisitor(String),
    /// Drop all that is kept for the next visit.
    Forget,
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
    /// Let go of a turn's stream, and of its tools. The reply itself goes on.
    AbortStream {
        /// Whose.
        turn: TurnId,
    },
    /// Run a tool of the page.
    RunTool {
        /// Whose.
        turn: TurnId,
        /// The call's id.
        call: String,
        /// The tool's name.
        tool: String,
        /// What to call it with.
        input: Json,
    },
    /// Tell the tools of a turn that nobody waits any more.
    AbortTools {
        /// Whose.
        turn: TurnId,
    },
    /// Send a file to the relay.
    UploadFile {
        /// Which.
        id: FileId,
        /// The access token.
        token: String,
    },
    /// Let go of a file that is not sent, and of its upload.
    ForgetFile(FileId),
    /// Bring a file of a message.
    FetchFile {
        /// Which.
        file: SentFile,
        /// Whether it is given to the visitor to save.
        saves: bool,
        /// The access token.
        token: String,
    },
    /// Store a rating.
    PutRating {
        /// The access token.
        token: String,
        /// What is to be stored.
        call: Box<RatingCall>,
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
    /// Keep a conversation that no relay keeps.
    Archive {
        /// Which.
        conversation: ConversationId,
        /// Its title, should it have none yet.
        title: String,
        /// Now, as the wire has it.
        at: String,
        /// Its messages as JSON, oldest first.
        messages: Vec<String>,
    },
    /// Say this to the other tabs: a word as JSON.
    Tell(String),
    /// Queue for being the one tab that follows the reply. Once it is this one,
    /// [`super::Event::StreamClaimed`] says so.
    Claim {
        /// Whose.
        turn: TurnId,
        /// The conversation.
        conversation: ConversationId,
    },
    /// Let another tab be that one.
    Release {
        /// Whose.
        turn: TurnId,
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
    /// What a screen in a hall asks for.
    Kiosk(KioskOrder),
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
    /// The conversation is in other hands, or in none.
    Standing(ConversationState),
    /// The page did not decide about a message, so it was not sent.
    NotSent,
    /// A rating is stored.
    Rated(Opinion),
    /// A rating could not be stored.
    NotRated,
    /// What one visitor said is gone.
    Wiped,
}

/// A part of the model that the view shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Region {
    /// Whether the panel is open, and what stands at the button that opens it.
    Panel,
    /// The focus was asked for.
    Focus,
    /// Name, greeting, suggestions, connection.
    Header,
    /// Which items there are, and their order.
    List,
    /// One item.
    Item(Key),
    /// The live reply grew: shown at most once per animation frame.
    Live(Key),
    /// What is older than the transcript that is here.
    Older,
    /// The history drawer.
    Drawer,
    /// The files in the composer, and the pictures of the transcript.
    Files,
    /// How a reply is rated.
    Rating(Key),
    /// Whether a part of the widget is here.
    Part(Part),
    /// Whether a message can be sent, and if not why; the draft was replaced by
    /// the engine.
    Composer,
    /// Where a screen in a hall stands.
    Kiosk,
    /// Another visitor is there: all of it.
    Visit,
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
    /// Look for messages of the person who has taken over.
    Watch,
    /// The page has had its time to decide about a message.
    Page(RequestId),
    /// The page's tools have had their time.
    Tools(TurnId),
    /// Open the panel unasked.
    AutoOpen,
    /// Show the teaser.
    Teaser,
    /// See whether the tab that follows a reply is still there.
    Silence(TurnId),
    /// Try to reach the relay again.
    Reconnect,
    /// Replace the token before it is old.
    Refresh,
    /// A second of a screen in a hall.
    Tick,
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
    /// A tool of the page is called.
    ToolCall {
        /// The call's id.
        id: String,
        /// The tool.
        tool: String,
        /// What it is called with.
        input: Json,
    },
    /// It answered.
    ToolResult {
        /// The call's id.
        id: String,
        /// The tool.
        tool: String,
        /// Its answer.
        outcome: ToolOutcome,
    },
    /// A reply was rated.
    Feedback {
        /// The reply.
        id: String,
        /// What the visitor thinks.
        opinion: Opinion,
    },
    /// How things stand with the relay has changed.
    ConnectionChange(&'static str),
    /// The number of replies that nobody has seen changed.
    Unread(u32),
    /// The access token was replaced.
    TokenRefreshed,
    /// It is asked whether the visitor is still there, for so many seconds.
    IdleWarning(u32),
    /// A visitor's traces were wiped: "idle", "visitor" or "page".
    IdleReset(&'static str),
    /// Something failed.
    Error(Failure),
}
