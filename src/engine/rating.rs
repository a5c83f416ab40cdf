//! How the visitor rates a reply: shown at once, stored when the relay has it,
//! taken back if it could not.

use chinwag_protocol::{ConversationId, Feedback, MessageId};

use super::session::RequestId;

/// What the visitor thinks of a reply.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Opinion {
    /// Good or bad; `None` is no opinion.
    pub value: Option<Feedback>,
    /// Why, in the visitor's own words.
    pub reason: Option<String>,
}

/// A reply's rating.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rating {
    /// What the visitor chose last: this is shown.
    pub wanted: Opinion,
    stored: Opinion,
    sent: Option<Sent>,
}

/// What is on its way. One at a time for each reply, so that the last choice is
/// the last to arrive.
#[derive(Debug, Clone, PartialEq)]
struct Sent {
    request: RequestId,
    opinion: Opinion,
    token_replaced: bool,
}

/// All that a request for a rating says.
#[derive(Debug, Clone, PartialEq)]
pub struct RatingCall {
    /// Names the request.
    pub request: RequestId,
    /// The reply's conversation.
    pub conversation: ConversationId,
    /// The reply.
    pub message: MessageId,
    /// What the visitor thinks.
    pub opinion: Opinion,
}

impl Rating {
    /// The rating of a stored reply. Reasons are not given back.
    pub fn stored(value: Option<Feedback>) -> Self {
        let opinion = Opinion { value, reason: None };
        Self { wanted: opinion.clone(), stored: opinion, sent: None }
    }

    /// Another tab has stored this. What is on its way from here comes after it.
    pub(super) fn heard(&mut self, value: Option<Feedback>) {
        if self.sent.is_none() {
            *self = Self::stored(value);
        }
    }

    /// Whether this request is on its way.
    pub fn awaits(&self, request: RequestId) -> bool {
        self.sent.as_ref().is_some_and(|sent| sent.request == request)
    }

    /// What to send now, if anything: nothing while something is on its way.
    pub(super) fn send(&mut self, request: RequestId) -> Option<Opinion> {
        if self.sent.is_some() || self.wanted == self.stored {
            return None;
        }
        let opinion = self.wanted.clone();
        self.sent = Some(Sent { request, opinion: opinion.clone(), token_replaced: false });
        Some(opinion)
    }

    /// The relay has what was sent: this.
    pub(super) fn arrived(&mut self) -> Opinion {
        if let Some(sent) = self.sent.take() {
            self.stored = sent.opinion;
        }
        self.stored.clone()
    }

    /// Whether the token may be replaced for the request on its way: once. Gives
    /// what to send again.
    pub(super) fn replace_token(&mut self) -> Option<Opinion> {
        let sent = self.sent.as_mut().filter(|sent| !sent.token_replaced)?;
        sent.token_replaced = true;
        Some(sent.opinion.clone())
    }

    /// The relay did not take it: what was stored is shown again.
    pub(super) fn failed(&mut self) {
        self.sent = None;
        self.wanted = self.stored.clone();
    }
}
