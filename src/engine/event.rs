//! Everything that can happen to a widget, as past facts.

use chinwag_protocol::{Chunk, Conversation, ConversationId, Page, StoredFile, TokenAnswer, UiMessage};

use super::attachment::{Chosen, FileId, SentFile};
use super::config::Config;
use super::effect::Timer;
use super::failure::TransportError;
use super::item::Key;
use super::kiosk::KioskEvent;
use super::rating::Opinion;
use super::saved::Saved;
use super::session::RequestId;
use super::tool::{ClientTool, ToolOutcome};
use super::turn::TurnId;
use super::word::Word;

/// A moment on the visitor's clock, in ms since 1970. The clock may be wrong
/// and may jump; nothing but waits and displays depends on it.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default)]
pub struct Moment(pub f64);

/// Something that happened. Ids that it may need are brought along, since the
/// engine makes no random numbers.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The widget was mounted, with what earlier visits left behind.
    Mounted {
        /// `None` on a first visit, or when what was there could not be read.
        saved: Option<Saved>,
    },
    /// The host page changed its options.
    Configured {
        /// The new options.
        config: Config,
    },
    /// The panel was asked to open.
    Opened,
    /// The panel was asked to close.
    Closed,
    /// The page took the conversation off the screen.
    Cleared,
    /// The page forgot the visitor.
    Reset,
    /// The visitor put the teaser away.
    TeaserDismissed,
    /// The page asked for the focus to be where messages are written.
    FocusAsked,
    /// The visitor typed.
    DraftChanged {
        /// All that stands in the composer.
        text: String,
    },
    /// The page was asked about a message and takes its time.
    PageAsked {
        /// What the message says.
        text: String,
    },
    /// The page cancelled the message that it was asked about.
    PageRefused,
    /// A message was sent off.
    Sent {
        /// What it says, as typed.
        text: String,
        /// A fresh id for it.
        message_id: String,
        /// A fresh id for the conversation, should there be none yet.
        conversation_id: String,
    },
    /// A message was not sent off: what sends it could not be had.
    NotSent {
        /// What it says, as typed.
        text: String,
    },
    /// What waited to be sent when the page was left can be taken up again.
    Recalled,
    /// The visitor chose, dropped or pasted files.
    FilesChosen {
        /// In the order in which they came.
        files: Vec<Chosen>,
    },
    /// So much of a file has gone to the relay.
    FileProgressed {
        /// Which.
        id: FileId,
        /// Of 100.
        percent: u8,
    },
    /// The relay has a file.
    FileStored {
        /// Which.
        id: FileId,
        /// What the relay calls it.
        answer: StoredFile,
    },
    /// The relay did not get a file, or did not take it.
    FileFailed {
        /// Which.
        id: FileId,
        /// How.
        error: TransportError,
    },
    /// The visitor took a file out of the composer.
    FileRemoved {
        /// Which.
        id: FileId,
    },
    /// The visitor asked to send a file again that did not get there.
    FileRetried {
        /// Which.
        id: FileId,
    },
    /// The visitor has read which files were left out.
    LeftOutDismissed,
    /// A file of a message is to be shown, or saved.
    FileAsked {
        /// Which.
        file: SentFile,
        /// Whether it is to be saved.
        saves: bool,
    },
    /// The browser has a picture of a message.
    PictureFetched {
        /// Where the relay has it.
        url: String,
        /// Where the browser has it.
        address: String,
    },
    /// The visitor asked to end the reply.
    StopPressed,
    /// The visitor asked to try a failed question or reply again.
    RetryPressed {
        /// Which.
        key: Key,
    },
    /// The visitor asked for another answer in place of a finished one.
    RegeneratePressed {
        /// Which.
        key: Key,
    },
    /// The visitor rated a reply, said why, or took a rating back.
    Rated {
        /// Which.
        key: Key,
        /// What they think.
        opinion: Opinion,
    },
    /// The relay has a rating.
    RatingStored {
        /// Which request.
        request: RequestId,
    },
    /// The relay did not take a rating.
    RatingFailed {
        /// Which request.
        request: RequestId,
        /// How.
        error: TransportError,
    },
    /// The page said what it can run.
    ToolsChanged {
        /// All of it.
        tools: Vec<ClientTool>,
    },
    /// A tool of the page answered.
    ToolAnswered {
        /// Whose.
        turn: TurnId,
        /// The call's id.
        call: String,
        /// The answer.
        outcome: ToolOutcome,
    },
    /// A new conversation was asked for.
    ConversationStarted {
        /// A fresh id for it.
        conversation_id: String,
    },
    /// The visitor took away a message that waits to be sent.
    RemovePressed {
        /// Which.
        key: Key,
    },
    /// The visitor asked to reach the relay again.
    ReconnectPressed,
    /// The visitor agreed that things are kept and sent.
    ConsentGiven,
    /// The visitor is no longer who the page said.
    LoggedOut,
    /// The page is seen again, or the device woke up.
    Woke,
    /// Another tab of this visitor said something.
    TabSaid {
        /// Whom that tab talks for, as far as it knows.
        subject: Option<String>,
        /// What.
        word: Box<Word>,
    },
    /// Another tab was given an access token.
    TokenShared {
        /// The answer to its exchange.
        answer: Box<TokenAnswer>,
    },
    /// No other tab follows the turn's reply any more.
    StreamClaimed {
        /// Whose.
        turn: TurnId,
    },
    /// A token exchange succeeded.
    TokenArrived {
        /// Which exchange.
        request: RequestId,
        /// The answer.
        answer: Box<TokenAnswer>,
    },
    /// A token exchange failed.
    TokenFailed {
        /// Which exchange.
        request: RequestId,
        /// How.
        error: TransportError,
    },
    /// Messages before the oldest one that is here were asked for.
    OlderAsked,
    /// A page of the transcript arrived.
    MessagesArrived {
        /// Which request.
        request: RequestId,
        /// The page, oldest first.
        page: Page<UiMessage>,
    },
    /// A page of the transcript could not be had.
    MessagesFailed {
        /// Which request.
        request: RequestId,
        /// How.
        error: TransportError,
    },
    /// The history drawer was asked for.
    DrawerOpened,
    /// The history drawer was put away.
    DrawerClosed,
    /// More of the drawer's list was asked for, or again what failed.
    MoreConversationsAsked,
    /// The visitor typed into the drawer's search.
    SearchChanged {
        /// All that stands there.
        text: String,
    },
    /// The visitor chose a conversation.
    ConversationChosen {
        /// Which.
        id: ConversationId,
    },
    /// The visitor gave a conversation another title.
    TitleChanged {
        /// Which.
        id: ConversationId,
        /// The title, as typed.
        title: String,
    },
    /// The visitor asked to delete a conversation.
    DeletePressed {
        /// Which.
        id: ConversationId,
        /// A fresh id for the conversation after it, should it be shown.
        conversation_id: String,
    },
    /// The visitor took a deletion back.
    DeleteUndone,
    /// A page of the visitor's conversations arrived.
    ConversationsArrived {
        /// Which request.
        request: RequestId,
        /// The page, the one last written to first.
        page: Page<Conversation>,
    },
    /// A page of the visitor's conversations could not be had.
    ConversationsFailed {
        /// Which request.
        request: RequestId,
        /// How.
        error: TransportError,
    },
    /// The relay renamed or deleted a conversation.
    ConversationChanged {
        /// Which request.
        request: RequestId,
    },
    /// The relay did not rename or delete a conversation.
    ConversationNotChanged {
        /// Which request.
        request: RequestId,
        /// Why.
        error: TransportError,
    },
    /// The page is being hidden or left.
    PageHidden,
    /// The relay began to answer a turn.
    StreamOpened {
        /// Whose.
        turn: TurnId,
    },
    /// A chunk of a reply arrived.
    ChunkArrived {
        /// Whose.
        turn: TurnId,
        /// The frame's id, to resume after.
        event_id: Option<String>,
        /// The chunk.
        chunk: Chunk,
    },
    /// A stream ended, with or without a terminal chunk before it.
    StreamEnded {
        /// Whose.
        turn: TurnId,
    },
    /// The relay has nothing to resume for this turn.
    StreamGone {
        /// Whose.
        turn: TurnId,
    },
    /// A stream could not be opened or was refused.
    StreamFailed {
        /// Whose.
        turn: TurnId,
        /// How.
        error: TransportError,
    },
    /// A wait is over.
    TimerFired {
        /// Which.
        timer: Timer,
    },
    /// The browser lost its network.
    WentOffline,
    /// The browser has a network again.
    WentOnline,
    /// The page went out of sight: another tab, another window.
    WentOutOfSight,
    /// It came back into sight.
    CameIntoSight,
    /// Something happened at a screen in a hall.
    Kiosk(KioskEvent),
}
