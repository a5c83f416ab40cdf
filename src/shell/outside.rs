//! Carries out the engine's effects: each to the file that knows that part of
//! the browser.

use std::cell::RefCell;
use std::mem::discriminant;

use chinwag_protocol::{Conversation, ConversationId, FromFields, Page, TokenAnswer, UiMessage};
use gloo_events::EventListener;
use gloo_net::http::Method;
use gloo_timers::callback::Timeout;
use web_sys::HtmlElement;

use super::body;
use super::clock;
use super::page;
use super::storage::SavedPlace;
use super::store::Store;
use super::stream::Stream;
use super::tool::Tools;
use super::transport::Call;
use crate::engine::session::RequestId;
use crate::engine::turn::TurnId;
use crate::engine::{Effect, Event, Timer, TransportError};

/// Everything outside the model that one widget holds on to. Dropping it ends
/// its streams, timers and listeners.
#[derive(Debug)]
pub struct Outside {
    relay: String,
    element: HtmlElement,
    saved: SavedPlace,
    streams: RefCell<Vec<Stream>>,
    timers: RefCell<Vec<(Timer, Timeout)>>,
    tools: Tools,
    listeners: RefCell<Vec<EventListener>>,
}

impl Outside {
    /// The outside of a widget that lives in `element` and talks to the relay
    /// at `relay`, an origin without a slash at the end.
    pub fn new(relay: String, element: HtmlElement, saved: SavedPlace) -> Self {
        Self {
            relay,
            element,
            saved,
            streams: RefCell::default(),
            timers: RefCell::default(),
            tools: Tools::default(),
            listeners: RefCell::default(),
        }
    }

    /// Tells the engine when the browser loses its network and finds it again.
    pub fn watch_network(&self, store: Store) {
        let Some(window) = web_sys::window() else { return };
        let mut listeners = self.listeners.borrow_mut();
        listeners.push(EventListener::new(&window, "offline", move |_| store.dispatch(Event::WentOffline)));
        listeners.push(EventListener::new(&window, "online", move |_| store.dispatch(Event::WentOnline)));
        let hide = move |_: &_| store.dispatch(Event::PageHidden);
        listeners.push(EventListener::new(&window, "pagehide", hide));
        if !window.navigator().on_line() {
            store.dispatch(Event::WentOffline);
        }
    }

    /// Tells the engine when the page goes out of sight and comes back.
    pub fn watch_page(&self, store: Store) {
        let Some(document) = web_sys::window().and_then(|window| window.document()) else { return };
        let watched = document.clone();
        let tell = move |_: &web_sys::Event| {
            store.dispatch(if watched.hidden() { Event::WentOutOfSight } else { Event::CameIntoSight });
        };
        self.listeners.borrow_mut().push(EventListener::new(&document, "visibilitychange", tell));
        if document.hidden() {
            store.dispatch(Event::WentOutOfSight);
        }
    }

    /// Asks the page about a message before it is sent.
    pub fn ask_before_send(&self, text: &str) -> page::Decision {
        page::ask_before_send(&self.element, text)
    }

    /// What the page can run.
    pub fn tools(&self) -> &Tools {
        &self.tools
    }

    /// Carries out one order.
    pub fn carry_out(&self, effect: Effect, store: Store) {
        match effect {
            Effect::FetchToken { request, body } => {
                let call = Call::post(self.url("/v1/token"), None, body::token(&body));
                call.then(move |answer| {
                    store.dispatch(match read::<TokenAnswer>(answer) {
                        Ok(answer) => Event::TokenArrived { request, answer: Box::new(answer) },
                        Err(error) => Event::TokenFailed { request, error },
                    });
                });
            }
            Effect::OpenStream { turn, token, body } => {
                let call = Call::post(self.url("/v1/chat"), Some(token), body::chat(&body));
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
                let put = Call::new(Method::PUT, url, Some(token), Some(body::rating(&call.opinion)));
                put.then(move |answer| {
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
                call.then(|_| ());
            }
            Effect::LoadMessages { request, token, conversation, cursor } => {
                let mut url = self.conversation_url(&conversation);
                url.push_str("/messages?limit=50");
                add_query(&mut url, "&cursor=", cursor.as_deref());
                let call = Call::get(url, token);
                call.then(move |answer| {
                    store.dispatch(match read::<Page<UiMessage>>(answer) {
                        Ok(page) => Event::MessagesArrived { request, page },
                        Err(error) => Event::MessagesFailed { request, error },
                    });
                });
            }
            Effect::LoadConversations { request, token, cursor, query } => {
                let mut url = self.url("/v1/conversations?limit=30");
                add_query(&mut url, "&cursor=", cursor.as_deref());
                add_query(&mut url, "&title=", Some(query.as_str()).filter(|query| !query.is_empty()));
                let call = Call::get(url, token);
                call.then(move |answer| {
                    store.dispatch(match read::<Page<Conversation>>(answer) {
                        Ok(page) => Event::ConversationsArrived { request, page },
                        Err(error) => Event::ConversationsFailed { request, error },
                    });
                });
            }
            Effect::RenameConversation { request, token, conversation, title } => {
                let (url, body) = (self.conversation_url(&conversation), body::title(&title));
                change(request, Call::new(Method::PATCH, url, Some(token), Some(body)), store);
            }
            Effect::DeleteConversation { request, token, conversation } => {
                let url = self.conversation_url(&conversation);
                let mut call = Call::new(Method::DELETE, url, Some(token), None);
                call.outlives_page = true;
                change(request, call, store);
            }
            Effect::Save(saved) => self.saved.save(&saved),
            Effect::StartTimer { timer, after_ms } => {
                let fire = move || store.dispatch(Event::TimerFired { timer });
                let is_crowd = matches!(timer, Timer::Resume(_) | Timer::Watch);
                let after_ms = if is_crowd { clock::with_jitter(after_ms) } else { after_ms };
                let mut timers = self.timers.borrow_mut();
                // One wait of a kind at a time: a new one takes the place of the old.
                timers.retain(|(known, _)| discriminant(known) != discriminant(&timer));
                timers.push((timer, Timeout::new(after_ms, fire)));
            }
            Effect::Emit(event) => page::emit(&self.element, event),
            // The store's own.
            Effect::Redraw(_) | Effect::Announce(_) => {}
        }
    }

    fn open_stream(&self, turn: TurnId, call: Call, store: Store) {
        // A turn has one stream: the one before it, if any, was broken.
        self.let_go(turn);
        if let Some(stream) = Stream::open(turn, call, store) {
            self.streams.borrow_mut().push(stream);
        }
    }

    fn let_go(&self, turn: TurnId) {
        self.streams.borrow_mut().retain(|stream| stream.turn() != turn && !stream.is_over());
    }

    fn url(&self, path: &str) -> String {
        let mut url = self.relay.clone();
        url.push_str(path);
        url
    }

    fn conversation_url(&self, conversation: &ConversationId) -> String {
        let mut url = self.url("/v1/conversations/");
        url.push_str(conversation.as_str());
        url
    }

    fn chat_url(&self, conversation: &ConversationId, action: &str) -> String {
        let mut url = self.url("/v1/chat/");
        url.push_str(conversation.as_str());
        url.push_str(action);
        url
    }
}

fn add_query(url: &mut String, name: &str, value: Option<&str>) {
    if let Some(value) = value {
        url.push_str(name);
        url.push_str(&String::from(js_sys::encode_uri_component(value)));
    }
}

/// Has a conversation changed, and tells whether it was.
fn change(request: RequestId, call: Call, store: Store) {
    call.then(move |answer| {
        store.dispatch(match answer {
            Ok(_) => Event::ConversationChanged { request },
            Err(error) => Event::ConversationNotChanged { request, error },
        });
    });
}

fn read<T: FromFields>(answer: Result<String, TransportError>) -> Result<T, TransportError> {
    T::from_json(&answer?).map_err(|_| TransportError::Protocol)
}
