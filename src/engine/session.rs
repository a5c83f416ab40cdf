//! The access token: asked for once, used until it is old, never kept.

use chinwag_protocol::{ConversationId, SiteKey, TokenAnswer, TokenRequest};

use super::attachment::{FileId, SentFile};
use super::claims::Claims;
use super::event::Moment;
use super::rating::RatingCall;
use super::turn::TurnId;

/// Names a request, so that a late answer to an old one is known as such.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestId(pub u32);

/// A call that needs an access token.
#[derive(Debug, Clone, PartialEq)]
pub enum Call {
    /// Send the turn's question.
    Chat(TurnId),
    /// Follow the turn's reply.
    Resume(TurnId),
    /// End the reply of a conversation.
    Stop(ConversationId),
    /// Load a page of the visitor's conversations.
    Conversations {
        /// Names the request.
        request: RequestId,
        /// Where the page begins; `None` for the newest.
        cursor: Option<String>,
    },
    /// Rename or delete a conversation.
    Change(RequestId),
    /// Store a rating.
    Rate(Box<RatingCall>),
    /// Send a file.
    Upload(FileId),
    /// Bring a file of a message.
    Fetch {
        /// Which.
        file: SentFile,
        /// Whether it is to be saved.
        saves: bool,
    },
    /// Load a page of the transcript.
    Messages {
        /// Names the request.
        request: RequestId,
        /// Where the page begins; `None` for the newest.
        cursor: Option<String>,
    },
}

/// What the widget knows of its token.
#[derive(Debug, Clone, Default)]
pub struct Session {
    phase: Phase,
    waiting: Vec<Call>,
    /// The visitor token to bring to the next exchange.
    pub visitor: Option<String>,
    /// Whom the last token was made out to, as far as it says.
    pub subject: Option<String>,
    /// The last token, good or not: a page that makes tokens is shown it.
    last: Option<String>,
}

#[derive(Debug, Clone, Default)]
enum Phase {
    #[default]
    None,
    Asking(RequestId),
    Ready {
        token: String,
        refresh_at: Moment,
    },
}

/// What to do about a call.
#[derive(Debug, PartialEq)]
pub enum Admission {
    /// Make it, with this token.
    Go(Call, String),
    /// It waits; an exchange is under way.
    Wait,
    /// It waits; begin an exchange.
    Ask,
}

impl Session {
    /// A session that continues an earlier visit.
    pub fn resume(visitor: Option<String>) -> Self {
        Self { visitor, ..Self::default() }
    }

    /// Admits a call, or keeps it until there is a token.
    pub fn admit(&mut self, call: Call, now: Moment) -> Admission {
        match &self.phase {
            Phase::Ready { token, refresh_at } if now < *refresh_at => Admission::Go(call, token.clone()),
            Phase::Asking(_) => {
                self.waiting.push(call);
                Admission::Wait
            }
            Phase::Ready { .. } | Phase::None => {
                self.waiting.push(call);
                Admission::Ask
            }
        }
    }

    /// An exchange began.
    pub fn ask(&mut self, request: RequestId, site: SiteKey) -> TokenRequest {
        self.phase = Phase::Asking(request);
        TokenRequest { site, visitor: self.visitor.clone(), identity: None, device: None }
    }

    /// The page is asked for a token: shown the last one.
    pub fn ask_page(&mut self, request: RequestId) -> Option<String> {
        self.phase = Phase::Asking(request);
        self.last.clone()
    }

    /// Whether an exchange is under way.
    pub fn is_asking(&self) -> bool {
        matches!(self.phase, Phase::Asking(_))
    }

    /// Whether there has been a token.
    pub fn has_had_token(&self) -> bool {
        self.last.is_some()
    }

    /// The exchange under way.
    pub fn asked(&self) -> Option<RequestId> {
        match self.phase {
            Phase::Asking(request) => Some(request),
            _ => None,
        }
    }

    /// The last token, good or not.
    pub fn last_token(&self) -> Option<&str> {
        self.last.as_deref()
    }

    /// Whether this is the exchange under way.
    pub fn awaits(&self, request: RequestId) -> bool {
        matches!(self.phase, Phase::Asking(asked) if asked == request)
    }

    /// An exchange succeeded: the calls that waited for it.
    pub fn grant(&mut self, answer: &TokenAnswer, now: Moment) -> Vec<Call> {
        // At 80 % of its life a token is old; by the time a clock that runs
        // wrong is noticed, the relay's 401 has asked for a new one anyway.
        #[expect(clippy::cast_precision_loss, reason = "a life in seconds is far below 2^53")]
        let refresh_at = Moment(now.0 + answer.expires_in as f64 * 800.0);
        self.phase = Phase::Ready { token: answer.token.clone(), refresh_at };
        if !answer.visitor.is_empty() {
            self.visitor = Some(answer.visitor.clone());
        }
        self.subject = Claims::of(&answer.token).subject;
        self.last = Some(answer.token.clone());
        std::mem::take(&mut self.waiting)
    }

    /// An exchange failed: the calls that will not be made.
    pub fn refuse(&mut self) -> Vec<Call> {
        self.phase = Phase::None;
        std::mem::take(&mut self.waiting)
    }

    /// The token is no longer the visitor's.
    pub fn forget_token(&mut self) {
        self.phase = Phase::None;
    }

    /// The relay did not take the token.
    pub fn drop_token(&mut self) {
        if matches!(self.phase, Phase::Ready { .. }) {
            self.phase = Phase::None;
        }
    }
}
