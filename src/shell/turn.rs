//! What the engine orders for a turn and its reply: of the part `Reply`.

use std::rc::Rc;

use chinwag_protocol::ConversationId;
use gloo_timers::callback::Timeout;

use super::body;
use super::lock::Claim;
use super::outside::Outside;
use super::store::Store;
use super::stream::Stream;
use super::transport::Call;
use crate::engine::turn::TurnId;
use crate::engine::{Effect, Event};

/// How long a lock is kept after the end of a reply, in ms.
const RELEASE_AFTER_MS: u32 = 300;

impl Outside {
    /// Carries out an order about a turn.
    pub(super) fn carry_out_for_turn(&self, effect: Effect, store: Store) {
        match effect {
            Effect::Claim { turn, conversation } => self.claim(turn, &conversation, store),
            Effect::Release { turn } => {
                let claims = Rc::clone(&self.claims);
                // After what was said last has been heard: a lock can be faster.
                let release = move || claims.borrow_mut().retain(|(known, _)| *known != turn);
                Timeout::new(RELEASE_AFTER_MS, release).forget();
            }
            Effect::OpenStream { turn, token, body } => {
                let path = if self.archive.is_some() { "" } else { "/v1/chat" };
                let call = Call::post(self.url(path), Some(token), body::chat(&body));
                self.open_stream(turn, call, store);
            }
            Effect::ResumeStream { turn, token, conversation, after } => {
                let mut call = Call::get(self.chat_url(&conversation, "/stream"), token);
                call.last_event_id = after;
                self.open_stream(turn, call, store);
            }
            Effect::AbortStream { turn } => {
                self.let_go(turn);
                self.tools.abort(turn);
            }
            Effect::RunTool { turn, call, tool, input } => self.tools.run(turn, call, &tool, &input, store),
            Effect::AbortTools { turn } => self.tools.abort(turn),
            Effect::PutRating { token, call } => {
                let request = call.request;
                let mut url = self.url("/v1/conversations/");
                url.push_str(call.conversation.as_str());
                url.push_str("/messages/");
                url.push_str(call.message.as_str());
                url.push_str("/feedback");
                let put = Call::new("PUT", url, Some(token), Some(body::rating(&call.opinion)));
                put.then(self.lent(), move |answer| {
                    store.dispatch(match answer {
                        Ok(_) => Event::RatingStored { request },
                        Err(error) => Event::RatingFailed { request, error },
                    });
                });
            }
            Effect::StopReply { token, conversation } => {
                let call = Call::post(self.chat_url(&conversation, "/stop"), Some(token), String::from("{}"));
                // The reply was ended here already; should the relay not hear of
                // it, it ends by itself.
                call.then(self.lent(), |_| ());
            }
            _ => {}
        }
    }

    /// Queues for being the tab that follows a reply, where there are others.
    fn claim(&self, turn: TurnId, conversation: &ConversationId, store: Store) {
        if self.channel.borrow().is_none() {
            return;
        }
        let mut name = String::from(self.saved.key());
        name.push(':');
        name.push_str(conversation.as_str());
        let granted = move || store.dispatch(Event::StreamClaimed { turn });
        let claim = Claim::queue(&name, granted);
        self.claims.borrow_mut().extend(claim.map(|claim| (turn, claim)));
    }

    fn open_stream(&self, turn: TurnId, call: Call, store: Store) {
        // A turn has one stream: the one before it, if any, was broken.
        self.let_go(turn);
        if let Some(stream) = Stream::open(turn, call, self.lent(), store) {
            self.streams.borrow_mut().push(stream);
        }
    }

    fn let_go(&self, turn: TurnId) {
        self.streams.borrow_mut().retain(|stream| stream.turn() != turn && !stream.is_over());
    }

    fn chat_url(&self, conversation: &ConversationId, action: &str) -> String {
        let mut url = self.url("/v1/chat/");
        url.push_str(conversation.as_str());
        url.push_str(action);
        url
    }
}
