//! A stage on which scenarios play: an engine, and a shell that only notes what
//! it was asked to do.

use chinwag::engine::effect::Announcement;
use chinwag::engine::turn::TurnId;
use chinwag::engine::*;
use chinwag_protocol::{
    AgentCard, Chunk, ErrorCode, Features, FileLimits, MessageMetadata, MessageStatus, Page, Pagination,
    Part, Role, TokenAnswer, UiMessage,
};

/// The engine and all that it has asked for.
#[derive(Default)]
pub(crate) struct Stage {
    pub(crate) model: Model,
    pub(crate) asked: Vec<Effect>,
    /// Whether the tokens say that a person may write without being asked.
    pub(crate) has_updates: bool,
    now: f64,
    ids: u32,
}

impl Stage {
    /// A widget that has just been mounted, with nothing remembered.
    pub(crate) fn mounted() -> Self {
        Self::remembering(None)
    }

    /// A widget that has just been mounted.
    pub(crate) fn remembering(saved: Option<Saved>) -> Self {
        Self::configured(Config::default(), saved)
    }

    /// A widget that has just been mounted with these options.
    pub(crate) fn configured(config: Config, saved: Option<Saved>) -> Self {
        Self::with(Config { site: "site_demo".into(), ..config }, saved)
    }

    /// The same, with options as they are.
    pub(crate) fn with(config: Config, saved: Option<Saved>) -> Self {
        Self::at(0.0, config, saved)
    }

    /// The same, at a time.
    pub(crate) fn at(now: f64, config: Config, saved: Option<Saved>) -> Self {
        let mut stage = Self { model: Model::new(config), now, ..Self::default() };
        let waits = saved.as_ref().is_some_and(|saved| !saved.waiting.is_empty());
        stage.tell(Event::Mounted { saved });
        if waits {
            stage.tell(Event::Recalled);
        }
        stage
    }

    /// An open panel with a token.
    pub(crate) fn ready() -> Self {
        let mut stage = Self::mounted();
        stage.tell(Event::Opened);
        stage.grant_token();
        stage.asked.clear();
        stage
    }

    /// An open panel in which a question has been sent and accepted.
    pub(crate) fn asking(text: &str) -> (Self, TurnId) {
        let mut stage = Self::ready();
        stage.send(text);
        let turn = stage.opened_turn();
        stage.tell(Event::StreamOpened { turn });
        (stage, turn)
    }

    pub(crate) fn tell(&mut self, event: Event) {
        self.now += 1.0;
        self.asked.extend(update(&mut self.model, event, Moment(self.now)));
    }

    pub(crate) fn wait(&mut self, milliseconds: f64) {
        self.now += milliseconds;
    }

    pub(crate) fn send(&mut self, text: &str) {
        self.ids += 1;
        let (message_id, conversation_id) = (format!("m{}", self.ids), format!("c{}", self.ids));
        self.tell(Event::Sent { text: text.into(), message_id, conversation_id });
    }

    pub(crate) fn say(&mut self, turn: TurnId, seq: u32, chunk: Chunk) {
        self.tell(Event::ChunkArrived { turn, event_id: Some(format!("e1:{seq}")), chunk });
    }

    pub(crate) fn delta(&mut self, turn: TurnId, seq: u32, text: &str) {
        self.say(turn, seq, Chunk::TextDelta { id: "t".into(), delta: text.into() });
    }

    pub(crate) fn finish(&mut self, turn: TurnId, seq: u32) {
        self.say(turn, seq, Chunk::Finish { reason: chinwag_protocol::FinishReason::Stop, metadata: None });
    }

    /// Answers the token exchange that was asked for last.
    pub(crate) fn grant_token(&mut self) {
        let request = self.last(|effect| match effect {
            Effect::FetchToken { request, .. } | Effect::AskToken { request, .. } => Some(*request),
            _ => None,
        });
        let answer = TokenAnswer {
            token: format!("token-{}", request.0),
            expires_in: 600,
            visitor: "visitor-1".into(),
            agent: AgentCard { name: "Docs".into(), ..AgentCard::default() },
            features: Features {
                history: true,
                feedback: true,
                retry: true,
                tools: true,
                sources: true,
                attachments: true,
                updates: self.has_updates,
            },
            files: Some(FileLimits {
                max_bytes: 1_000,
                max_count: 3,
                types: ["image/png", "application/pdf", "text/plain", "text/markdown"]
                    .map(str::to_owned)
                    .into(),
            }),
        };
        self.tell(Event::TokenArrived { request, answer: Box::new(answer) });
    }

    /// The turn whose stream was asked for last.
    pub(crate) fn opened_turn(&self) -> TurnId {
        self.last(|effect| match effect {
            Effect::OpenStream { turn, .. } | Effect::ResumeStream { turn, .. } => Some(*turn),
            _ => None,
        })
    }

    pub(crate) fn page(&mut self, data: Vec<UiMessage>) {
        let request = self.last(|effect| match effect {
            Effect::LoadMessages { request, .. } => Some(*request),
            _ => None,
        });
        self.tell(Event::MessagesArrived { request, page: Page { data, pagination: Pagination::default() } });
    }

    /// The last effect of a kind.
    #[track_caller]
    pub(crate) fn last<T>(&self, pick: impl Fn(&Effect) -> Option<T>) -> T {
        self.asked.iter().rev().find_map(pick).unwrap_or_else(|| panic!("not asked for: {:#?}", self.asked))
    }

    pub(crate) fn count(&self, is: impl Fn(&Effect) -> bool) -> usize {
        self.asked.iter().filter(|effect| is(effect)).count()
    }

    pub(crate) fn token_exchanges(&self) -> usize {
        self.count(|effect| matches!(effect, Effect::FetchToken { .. }))
    }

    pub(crate) fn sends(&self) -> usize {
        self.count(|effect| matches!(effect, Effect::OpenStream { .. }))
    }

    /// The transcript in one line an item.
    pub(crate) fn transcript(&self) -> Vec<String> {
        let show = |item: &Item| match item {
            Item::Question(question) => {
                let delivery = match &question.delivery {
                    Delivery::Sending => " (sending)".to_owned(),
                    Delivery::Waiting => " (waiting)".to_owned(),
                    Delivery::Sent => String::new(),
                    Delivery::Failed(failure) => format!(" (not sent: {:?})", failure.reason),
                };
                format!("> {}{delivery}", question.text)
            }
            Item::Reply(reply) => {
                let phase = match &reply.phase {
                    ReplyPhase::Waiting { label } => {
                        format!(" (waiting{})", label.as_ref().map_or("", |_| ", labelled"))
                    }
                    ReplyPhase::Streaming => " ...".to_owned(),
                    ReplyPhase::Done => String::new(),
                    ReplyPhase::Stopped => " (stopped)".to_owned(),
                    ReplyPhase::Failed(failure) => format!(" (failed: {:?})", failure.reason),
                };
                format!("{}{phase}", reply.text)
            }
        };
        self.model.items().iter().map(|(_, item)| show(item)).collect()
    }

    /// The key of the item at a place.
    pub(crate) fn key(&self, place: usize) -> Key {
        self.model.items()[place].0
    }

    /// The reply at a place.
    #[track_caller]
    pub(crate) fn reply(&self, place: usize) -> &Reply {
        match &self.model.items()[place].1 {
            Item::Reply(reply) => reply,
            Item::Question(question) => panic!("a question: {question:?}"),
        }
    }

    /// What the host page was told of a kind.
    pub(crate) fn told<T>(&self, pick: impl Fn(&HostEvent) -> Option<T>) -> Vec<T> {
        let pick = |effect: &Effect| match effect {
            Effect::Emit(event) => pick(event),
            _ => None,
        };
        self.asked.iter().filter_map(pick).collect()
    }

    pub(crate) fn announced(&self) -> Vec<Announcement> {
        let pick = |effect: &Effect| match effect {
            Effect::Announce(announcement) => Some(announcement.clone()),
            _ => None,
        };
        self.asked.iter().filter_map(pick).collect()
    }
}

pub(crate) fn refused(status: u16, code: ErrorCode) -> TransportError {
    TransportError::Http { status, code, retry_after_ms: None, request_id: Some("r1".into()) }
}

/// A message as the relay stores it.
pub(crate) fn message(id: &str, role: Role, text: &str, status: Option<MessageStatus>) -> UiMessage {
    UiMessage {
        id: id.into(),
        role,
        parts: vec![Part::Text { text: text.into() }],
        metadata: Some(MessageMetadata { status, ..MessageMetadata::default() }),
    }
}
