//! All that the widget has in mind. Only [`super::update`] changes it.

use chinwag_protocol::{AgentCard, ConversationId, ConversationState, Features, FileLimits};

use super::attachment::Tray;
use super::config::{Config, Consent, Mode};
use super::drawer::Drawer;
use super::event::Moment;
use super::failure::{Failure, Reason};
use super::item::{Delivery, Item, Key, Question, Reply};
use super::kiosk::Kiosk;
use super::saved::{Saved, Waiting};
use super::session::{RequestId, Session};
use super::tool::ClientTool;
use super::turn::{Turn, TurnId};

/// Most messages that wait to be sent.
pub const MAX_WAITING: usize = 20;

/// The widget's state.
#[derive(Debug, Clone, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own; none has to agree with another"
)]
pub struct Model {
    /// What the host page asked for.
    pub config: Config,
    /// Whether the panel is open.
    pub open: bool,
    /// What has become of the words beside the launcher.
    pub teaser: TeaserState,
    /// How often the page has asked for the focus.
    pub focus_asked: u32,
    /// Whether the panel was opened or closed since the page was loaded.
    pub(super) is_touched: bool,
    /// Whether the browser says that it has a network.
    pub online: bool,
    /// Who answers; `None` until the first token exchange.
    pub agent: Option<AgentCard>,
    /// What the agent can do.
    pub features: Features,
    /// What may be sent along with a message; `None` if nothing may.
    pub file_limits: Option<FileLimits>,
    /// The access token.
    pub session: Session,
    /// Why the last call failed, until one succeeds.
    pub trouble: Option<Failure>,
    /// How often the relay was tried in vain since it was last reached.
    pub attempts: u8,
    /// Whether the visitor agreed in the panel that things are kept and sent.
    pub agreed: bool,
    /// Whether another tab of this visitor was heard.
    pub has_peers: bool,
    /// How many replies came that nobody has seen.
    pub unread: u32,
    /// When a message was last sent or received.
    pub active_at: Option<Moment>,
    /// The conversation that is shown; `None` before the first send.
    pub conversation: Option<ConversationId>,
    /// Who answers in it, if anyone.
    pub standing: ConversationState,
    /// How its messages are looked for while a person may write them.
    pub watch: Watch,
    /// How much of its transcript is here.
    pub history: History,
    /// The list of the visitor's conversations.
    pub drawer: Drawer,
    /// The question that is being answered.
    pub turn: Option<Turn>,
    /// What stands in the composer.
    pub draft: String,
    /// Whether it stands there because it was not sent: the page took too long over
    /// it, or what would send it could not be had.
    pub is_unsent: bool,
    /// What waited to be sent when the page was left, until it is taken up again.
    pub unsent: Vec<Waiting>,
    /// The files in it.
    pub tray: Tray,
    /// Pictures of the transcript by their addresses at the relay, and where the
    /// browser has them, if it does.
    pub pictures: Vec<(String, Option<String>)>,
    /// The message that the page was asked about and has not decided on yet.
    pub page_asked: Option<PageAsked>,
    /// Until when the relay takes no message.
    pub rests_until: Option<Moment>,
    /// What the page can run.
    pub tools: Vec<ClientTool>,
    /// Whether the page is out of sight: another tab, another window.
    pub is_out_of_sight: bool,
    /// Where a screen in a hall stands.
    pub kiosk: Kiosk,
    items: Vec<(Key, Item)>,
    next_key: u32,
    next_request: u32,
}

/// A message that the page was asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageAsked {
    /// Names the question, so that a late answer is known as such.
    pub request: RequestId,
    /// What the message says.
    pub text: String,
}

/// How long the page may think about a message, in ms. What it has not allowed by
/// then is not sent, and stands in the composer again.
pub const PAGE_TIMEOUT_MS: u32 = 30_000;

/// What has become of the words beside the launcher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TeaserState {
    /// Their time has not come.
    #[default]
    Waiting,
    /// They are on the screen.
    Shown,
    /// They were put away, or the panel was opened: they never come again.
    Dismissed,
}

/// How much of the transcript is here.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum History {
    /// Nothing has been asked for: the conversation is new, or the panel was
    /// never opened.
    #[default]
    Untouched,
    /// To be loaded when the panel opens.
    Remembered,
    /// The newest page is on its way.
    Loading {
        /// Which request brings it.
        request: RequestId,
        /// Whether the token was replaced once because of it.
        token_replaced: bool,
        /// Whether it was asked for again, because a reply that it said was
        /// running was not.
        again: bool,
    },
    /// It is here, from some message on.
    Loaded {
        /// What is before that.
        older: Older,
    },
    /// It could not be had.
    Failed(Failure),
}

/// How a conversation in which a person may write is looked after: messages of
/// theirs come without a question, and so without a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Watch {
    /// It is not.
    #[default]
    Off,
    /// A wait runs.
    Waiting {
        /// How long it is, in ms.
        wait_ms: u32,
    },
    /// The newest page is on its way.
    Asking {
        /// Which request brings it.
        request: RequestId,
        /// How long the wait before it was, in ms.
        wait_ms: u32,
    },
}

/// What is older than what is here.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Older {
    /// Nothing: the transcript is here from its beginning.
    #[default]
    Nothing,
    /// A page that begins at this cursor.
    More(String),
    /// That page, on its way.
    Loading {
        /// Which request brings it.
        request: RequestId,
        /// Where it begins.
        cursor: String,
        /// Whether the token was replaced once because of it.
        token_replaced: bool,
    },
    /// That page, which could not be had.
    Failed {
        /// Where it begins.
        cursor: String,
        /// Why.
        failure: Failure,
    },
}

/// How things stand with the relay, for the header.
#[derive(Debug, Clone, PartialEq)]
pub enum Connection {
    /// Nothing is known yet.
    Connecting,
    /// All is well.
    Ready,
    /// The browser has no network.
    Offline,
    /// The last call failed.
    Trouble(Failure),
}

impl Connection {
    /// The word for it that a page is told.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Ready => "ready",
            Self::Offline => "offline",
            Self::Trouble(_) => "unavailable",
        }
    }
}

impl Model {
    /// The state before anything happened.
    pub fn new(config: Config) -> Self {
        Self { config, online: true, ..Self::default() }
    }

    /// How things stand with the relay.
    pub fn connection(&self) -> Connection {
        match (&self.trouble, &self.agent) {
            _ if !self.online => Connection::Offline,
            (Some(failure), _) => Connection::Trouble(failure.clone()),
            (None, Some(_)) => Connection::Ready,
            (None, None) => Connection::Connecting,
        }
    }

    /// Whether anything may be stored or sent.
    pub fn has_consent(&self) -> bool {
        match self.config.consent {
            Consent::Given => true,
            Consent::Required => self.agreed,
            Consent::Withheld => false,
        }
    }

    /// Whether a call would go nowhere: the browser says so, or the last one
    /// found nobody.
    pub fn is_cut_off(&self) -> bool {
        let is_unreachable = |failure: &Failure| failure.reason == Reason::Unreachable;
        !self.online || self.trouble.as_ref().is_some_and(is_unreachable)
    }

    /// Whether a message may be written: one at a time is answered, but what is
    /// written without a network waits its turn.
    pub fn takes_message(&self) -> bool {
        self.turn.is_none() || self.is_cut_off()
    }

    /// The transcript, oldest first.
    pub fn items(&self) -> &[(Key, Item)] {
        &self.items
    }

    /// One item.
    pub fn item(&self, key: Key) -> Option<&Item> {
        // What is asked for is nearly always among the last.
        self.items.iter().rev().find(|(found, _)| *found == key).map(|(_, item)| item)
    }

    /// Whether the visitor may look through their conversations.
    pub fn has_drawer(&self) -> bool {
        self.features.history && !self.config.without_history
    }

    /// Whether files can be sent.
    pub fn takes_files(&self) -> bool {
        // A kiosk has no files of a visitor's, and must not open the system's own.
        self.config.mode != Mode::Kiosk
            && !self.config.without_files
            && self.features.attachments
            && self.file_limits.is_some()
            && self.has_consent()
            && !self.is_closed()
    }

    /// Where the browser has a picture, or that it does not have it yet.
    pub fn picture(&self, url: &str) -> Option<Option<&str>> {
        self.pictures.iter().rev().find(|(known, _)| known == url).map(|(_, shown)| shown.as_deref())
    }

    /// What is older than the transcript that is here.
    pub fn older(&self) -> &Older {
        match &self.history {
            History::Loaded { older } => older,
            _ => &Older::Nothing,
        }
    }

    /// Whether a reply runs.
    pub fn is_replying(&self) -> bool {
        self.turn.is_some()
    }

    /// Whether the conversation takes no more messages.
    pub fn is_closed(&self) -> bool {
        self.standing == ConversationState::Ended
    }

    /// Whether the relay takes no message yet.
    pub fn is_resting(&self, now: Moment) -> bool {
        self.rests_until.is_some_and(|until| now < until)
    }

    /// What the visitor is told of a tool that works.
    pub fn tool_title<'a>(&'a self, name: &'a str) -> &'a str {
        let known = self.tools.iter().find(|tool| tool.definition.name == name);
        known.and_then(|tool| tool.title.as_deref()).unwrap_or(name)
    }

    /// What is to be kept for the next visit.
    pub fn to_save(&self) -> Saved {
        let waiting = self.items.iter().filter_map(|(_, item)| match item {
            Item::Question(question) if question.delivery == Delivery::Waiting => Some(Waiting {
                id: question.id.clone(),
                text: question.text.clone(),
                files: question.files.clone(),
            }),
            _ => None,
        });
        // A panel that is always open says nothing of how the visitor left it.
        let open = self.open && self.config.mode == Mode::Launcher;
        let visitor = self.session.visitor.clone();
        Saved {
            teaser_dismissed: self.teaser == TeaserState::Dismissed,
            waiting: self.unsent.iter().cloned().chain(waiting).take(MAX_WAITING).collect(),
            unread: self.unread,
            agreed: self.agreed,
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "ms since 1970")]
            active_at: self.active_at.map(|at| at.0 as u64),
            ..Saved::new(visitor, self.conversation.clone(), open, self.draft.clone())
        }
    }

    pub(super) fn question_mut(&mut self, key: Key) -> Option<&mut Question> {
        match self.item_mut(key)? {
            Item::Question(question) => Some(question),
            Item::Reply(_) => None,
        }
    }

    pub(super) fn reply_mut(&mut self, key: Key) -> Option<&mut Reply> {
        match self.item_mut(key)? {
            Item::Reply(reply) => Some(reply),
            Item::Question(_) => None,
        }
    }

    fn item_mut(&mut self, key: Key) -> Option<&mut Item> {
        self.items.iter_mut().rev().find(|(found, _)| *found == key).map(|(_, item)| item)
    }

    pub(super) fn push(&mut self, item: Item) -> Key {
        let key = self.fresh_key();
        self.items.push((key, item));
        key
    }

    /// Puts a new item in the place of an old one, under a key of its own.
    pub(super) fn replace(&mut self, key: Key, item: Item) -> Option<Key> {
        let fresh = self.fresh_key();
        let place = self.items.iter_mut().rev().find(|(found, _)| *found == key)?;
        *place = (fresh, item);
        Some(fresh)
    }

    /// Puts a new item right behind an old one.
    pub(super) fn insert_after(&mut self, key: Key, item: Item) -> Key {
        let fresh = self.fresh_key();
        let place = self.items.iter().rposition(|(found, _)| *found == key);
        self.items.insert(place.map_or(self.items.len(), |at| at + 1), (fresh, item));
        fresh
    }

    pub(super) fn remove(&mut self, key: Key) {
        self.items.retain(|(found, _)| *found != key);
    }

    /// Takes out the messages that wait to be sent, in order.
    pub(super) fn take_waiting(&mut self) -> Vec<Question> {
        let mut waiting = Vec::new();
        self.items.retain(|(_, item)| match item {
            Item::Question(question) if question.delivery == Delivery::Waiting => {
                waiting.push(question.clone());
                false
            }
            _ => true,
        });
        waiting
    }

    /// Drops the transcript, and what would be added to it.
    pub(super) fn forget_items(&mut self) {
        self.items.clear();
        self.unsent.clear();
    }

    pub(super) fn set_items(&mut self, items: Vec<Item>) {
        self.items.clear();
        for item in items {
            self.push(item);
        }
        self.link_questions();
    }

    pub(super) fn prepend_items(&mut self, items: Vec<Item>) {
        let later = std::mem::take(&mut self.items);
        for item in items {
            self.push(item);
        }
        self.items.extend(later);
        self.link_questions();
    }

    /// Tells each stored reply which question it answers: the one before it.
    fn link_questions(&mut self) {
        let mut last_question = None;
        for (key, item) in &mut self.items {
            match item {
                Item::Question(_) => last_question = Some(*key),
                Item::Reply(reply) => reply.question = reply.question.or(last_question),
            }
        }
    }

    pub(super) fn fresh_request(&mut self) -> RequestId {
        self.next_request += 1;
        RequestId(self.next_request)
    }

    pub(super) fn fresh_turn(&mut self) -> TurnId {
        self.next_request += 1;
        TurnId(self.next_request)
    }

    fn fresh_key(&mut self) -> Key {
        self.next_key += 1;
        Key(self.next_key)
    }

    /// The turn of this name, if it is the one that runs.
    pub(super) fn running(&mut self, id: TurnId) -> Option<&mut Turn> {
        self.turn.as_mut().filter(|turn| turn.id == id)
    }
}

impl Failure {
    /// Whether a Retry may be pressed now.
    pub fn can_retry(&self, now: Moment) -> bool {
        self.retry && self.retry_at.is_none_or(|at| at <= now)
    }
}
