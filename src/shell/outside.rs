//! Carries out the engine's effects: each to the file that knows that part of
//! the browser.

use std::cell::{Cell, RefCell};
use std::mem::discriminant;
use std::pin::Pin;
use std::rc::Rc;

use chinwag_protocol::{
    Conversation, ConversationId, Fields, FromFields, ObjectWriter, Page, TokenAnswer, UiMessage,
};
use gloo_events::EventListener;
use gloo_timers::callback::Timeout;
use js_sys::Object;
use wasm_bindgen_futures::spawn_local;
use web_sys::HtmlElement;

use super::archive::Archive;
use super::body;
use super::channel::Channel;
use super::clock;
use super::file::{Errand, Files};
use super::kiosk::Companion;
use super::lent::Lent;
use super::lock::Claim;
use super::page;
use super::storage::{SavedPlace, Shelf};
use super::store::Store;
use super::stream::Stream;
use super::tool::Tools;
use super::transport::Call;
use crate::engine::part::{Drawer, File, Kiosk, Lazy as _, Past, Reply};
use crate::engine::session::RequestId;
use crate::engine::turn::TurnId;
use crate::engine::word::{MAX_WORD_BYTES, Word};
use crate::engine::{Effect, Event, Part, Timer, TransportError};

/// Everything outside the model that one widget holds on to. Dropping it ends
/// its streams, timers and listeners.
#[derive(Debug)]
pub struct Outside {
    relay: String,
    element: HtmlElement,
    pub(super) saved: Rc<SavedPlace>,
    pub(super) streams: RefCell<Vec<Stream>>,
    timers: RefCell<Vec<(Timer, Timeout)>>,
    pub(super) tools: Tools,
    files: Files,
    pub(super) archive: Option<Archive>,
    lent: RefCell<Lent>,
    kiosk: Companion,
    exchange: RefCell<Option<Exchange>>,
    pub(super) channel: RefCell<Option<Channel>>,
    pub(super) claims: Rc<RefCell<Vec<(TurnId, Claim)>>>,
    listeners: RefCell<Vec<EventListener>>,
}

impl Outside {
    /// The outside of a widget that lives in `element` and talks to the relay
    /// at `relay`, an origin without a slash at the end.
    pub fn new(
        relay: String,
        element: HtmlElement,
        saved: SavedPlace,
        lent: Lent,
        kiosk: Companion,
        is_direct: bool,
    ) -> Self {
        // Where storage is refused, the page's memory has to do.
        let shelf = || saved.shelf().unwrap_or_else(|| Shelf::Page(Object::new()));
        let archive = is_direct.then(|| Archive::new(shelf(), saved.key()));
        Self {
            relay,
            element,
            saved: Rc::new(saved),
            streams: RefCell::default(),
            timers: RefCell::default(),
            tools: Tools::default(),
            files: Files::default(),
            archive,
            lent: RefCell::new(lent),
            kiosk,
            exchange: RefCell::default(),
            channel: RefCell::default(),
            claims: Rc::default(),
            listeners: RefCell::default(),
        }
    }

    /// Tells the engine when the browser loses its network and finds it again. A
    /// kiosk's relay on its very machine is there without one.
    pub fn watch_network(&self, store: Store) {
        let Some(window) = web_sys::window() else { return };
        let mut listeners = self.listeners.borrow_mut();
        let needs_network =
            !self.kiosk.is_there() || !OWN_MACHINE.iter().any(|own| self.relay.starts_with(own));
        if needs_network {
            listeners
                .push(EventListener::new(&window, "offline", move |_| store.dispatch(Event::WentOffline)));
            listeners.push(EventListener::new(&window, "online", move |_| store.dispatch(Event::WentOnline)));
        }
        let hide = move |_: &_| store.dispatch(Event::PageHidden);
        listeners.push(EventListener::new(&window, "pagehide", hide));
        // A device that wakes up, a page that comes back out of the browser's
        // cache or to the front: timers stood still meanwhile, and connections died.
        listeners.push(EventListener::new(&window, "pageshow", move |_| store.wake()));
        if let Some(document) = window.document() {
            listeners.push(EventListener::new(&document, "resume", move |_| store.wake()));
            let on_change = move |_: &web_sys::Event| store.wake();
            listeners.push(EventListener::new(&document, "visibilitychange", on_change));
        }
        if needs_network && !window.navigator().on_line() {
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

    /// Hears what other tabs of the same visitor say. Where each tab has a
    /// visitor of its own there are none.
    pub fn watch_tabs(&self, store: Store) {
        if self.saved.is_shared() {
            self.channel.replace(Channel::open(self.saved.key(), move |text| hear_later(text, store)));
        }
    }

    /// Says something to the other tabs, for a visitor: JSON under a name.
    pub fn tell_tabs(&self, subject: Option<&str>, name: &'static str, json: &str) {
        if let Some(channel) = &*self.channel.borrow() {
            let mut object = ObjectWriter::default();
            object.maybe("for", subject);
            object.json(name, json);
            channel.say(&object.finish());
        }
    }

    /// Lets go of connections that died unnoticed.
    pub fn check_streams(&self) {
        self.streams.borrow().iter().for_each(Stream::check);
    }

    /// Takes what the page lends now in place of what it lent before.
    pub fn lend(&self, lent: Lent) {
        self.lent.replace(lent);
    }

    /// What the page lends.
    pub fn lent(&self) -> Lent {
        self.lent.borrow().clone()
    }

    /// Asks the page about a message before it is sent.
    pub fn ask_before_send(&self, text: &str) -> page::Decision {
        page::ask_before_send(&self.element, text)
    }

    /// What a screen in a hall has beside it.
    pub fn kiosk(&self) -> &Companion {
        &self.kiosk
    }

    /// What the page can run.
    pub fn tools(&self) -> &Tools {
        &self.tools
    }

    /// The files that the visitor sends and is sent.
    pub fn files(&self) -> &Files {
        &self.files
    }

    /// Carries out one order.
    pub fn carry_out(&self, effect: Effect, store: Store) {
        let effect =
            match self.archive.as_ref().map(|archive| Past::enter_again(|| archive.serve(effect.clone()))) {
                Some(Ok(event)) => {
                    if let Some(event) = event {
                        store.dispatch(event);
                    }
                    return;
                }
                _ => effect,
            };
        match effect {
            Effect::FetchToken { request, body, asks_identity } => {
                let url = self.url("/v1/token");
                let ask = async move |lent: Lent, visitor: Option<String>| {
                    let mut body = body;
                    // Another tab may have been given a newer one.
                    body.visitor = visitor.or(body.visitor);
                    if asks_identity {
                        body.identity = lent.identity().await?;
                    }
                    let text = Call::post(url, None, body::token(&body)).fetch(&lent).await?;
                    let answer = TokenAnswer::from_json(&text).map_err(|_| TransportError::Protocol)?;
                    if body.identity.is_none() {
                        store.tell_tabs("grant", &text);
                    }
                    Ok(answer)
                };
                self.exchange(request, store, Box::new(|lent, visitor| Box::pin(ask(lent, visitor))));
            }
            Effect::AskToken { request, current } => {
                let ask = async move |lent: Lent| lent.token(current).await;
                self.exchange(request, store, Box::new(|lent, _| Box::pin(ask(lent))));
            }
            Effect::Tell(word) => {
                // A panel that stands open in the background shows nothing to anyone.
                if word != Word::Seen.to_json() || !page::is_hidden() {
                    store.tell_tabs("word", &word);
                }
            }
            Effect::KeepVisitor(visitor) => self.saved.keep_visitor(visitor),
            Effect::Forget => {
                self.saved.forget();
                if let Some(archive) = &self.archive {
                    Past::enter_again(|| archive.forget());
                }
            }
            Effect::Claim { .. }
            | Effect::Release { .. }
            | Effect::OpenStream { .. }
            | Effect::ResumeStream { .. }
            | Effect::AbortStream { .. }
            | Effect::RunTool { .. }
            | Effect::AbortTools { .. }
            | Effect::PutRating { .. }
            | Effect::StopReply { .. } => Reply::enter_again(|| self.carry_out_for_turn(effect, store)),
            Effect::UploadFile { .. } | Effect::ForgetFile(_) | Effect::FetchFile { .. } => {
                File::enter_again(|| self.carry_out_for_file(effect, store));
            }
            Effect::RenameConversation { .. } | Effect::DeleteConversation { .. } => {
                Drawer::enter_again(|| self.carry_out_for_list(effect, store));
            }
            Effect::LoadMessages { request, token, conversation, cursor } => {
                let mut url = self.conversation_url(&conversation);
                url.push_str("/messages?limit=50");
                add_query(&mut url, "&cursor=", cursor.as_deref());
                let call = Call::get(url, token);
                // What reads and shows them is fetched beside them.
                store.fetch(Part::Reply);
                store.fetch(Part::Past);
                call.then(self.lent(), move |answer| {
                    store.need(Part::Past, move |is_here| {
                        let page = if is_here {
                            Past::enter(|| read::<Page<UiMessage>>(answer))
                        } else {
                            Err(TransportError::Network)
                        };
                        store.dispatch(match page {
                            Ok(page) => Event::MessagesArrived { request, page },
                            Err(error) => Event::MessagesFailed { request, error },
                        });
                    });
                });
            }
            Effect::LoadConversations { request, token, cursor, query } => {
                let mut url = self.url("/v1/conversations?limit=30");
                add_query(&mut url, "&cursor=", cursor.as_deref());
                add_query(&mut url, "&title=", Some(query.as_str()).filter(|query| !query.is_empty()));
                let call = Call::get(url, token);
                call.then(self.lent(), move |answer| {
                    store.need(Part::Drawer, move |is_here| {
                        let page = if is_here {
                            Drawer::enter(|| read::<Page<Conversation>>(answer))
                        } else {
                            Err(TransportError::Network)
                        };
                        store.dispatch(match page {
                            Ok(page) => Event::ConversationsArrived { request, page },
                            Err(error) => Event::ConversationsFailed { request, error },
                        });
                    });
                });
            }
            Effect::Save(saved) => self.saved.save(&saved),
            Effect::StartTimer { timer, after_ms } => {
                let fire = move || store.dispatch(Event::TimerFired { timer });
                let is_alone = matches!(
                    timer,
                    Timer::Search(_) | Timer::Undo(_) | Timer::Tools(_) | Timer::Page(_) | Timer::Tick
                );
                let after_ms = if is_alone { after_ms } else { clock::with_jitter(after_ms) };
                let mut timers = self.timers.borrow_mut();
                // One wait of a kind at a time: a new one takes the place of the old.
                timers.retain(|(known, _)| discriminant(known) != discriminant(&timer));
                timers.push((timer, Timeout::new(after_ms, fire)));
            }
            Effect::Kiosk(order) => {
                Kiosk::enter_again(|| self.kiosk.carry_out(order, &self.relay, self.lent(), store));
            }
            Effect::Emit(event) => page::emit(&self.element, event),
            // Served by the archive, where there is one, and by the store itself.
            Effect::Archive { .. } | Effect::Redraw(_) | Effect::Announce(_) => {}
        }
    }

    /// Gets a token, one tab at a time: one that waited finds the visitor token
    /// that the one before was given, or even the access token.
    fn exchange(&self, request: RequestId, store: Store, get: Ask) {
        let (lent, saved) = (self.lent(), self.saved.clone());
        let run = once(move || {
            spawn_local(async move {
                if store.awaits(request) {
                    let event = match get(lent, saved.visitor()).await {
                        Ok(answer) => Event::TokenArrived { request, answer: Box::new(answer) },
                        Err(error) => Event::TokenFailed { request, error },
                    };
                    store.dispatch(event);
                }
                store.end_exchange(request);
            });
        });
        let mut name = String::from(self.saved.key());
        name.push_str(":token");
        let claim = Claim::queue(&name, run.clone());
        let late = Timeout::new(if claim.is_some() { LOCK_PATIENCE_MS } else { 0 }, run);
        self.exchange.replace(Some(Exchange { request, _claim: claim, _late: late }));
    }

    /// Lets the next tab have its exchange.
    pub fn end_exchange(&self, request: RequestId) {
        let mut exchange = self.exchange.borrow_mut();
        if exchange.as_ref().is_some_and(|running| running.request == request) {
            *exchange = None;
        }
    }

    /// Carries out an order about a file.
    fn carry_out_for_file(&self, effect: Effect, store: Store) {
        match effect {
            Effect::UploadFile { id, token } => {
                self.files.upload(id, self.errand("/v1/files", token), store);
            }
            Effect::ForgetFile(id) => self.files.forget(id),
            Effect::FetchFile { file, saves, token } => {
                let errand = self.errand(&file.url, token);
                Files::fetch(file, saves, errand, store);
            }
            _ => {}
        }
    }

    /// Carries out a change of the list of conversations.
    fn carry_out_for_list(&self, effect: Effect, store: Store) {
        match effect {
            Effect::RenameConversation { request, token, conversation, title } => {
                let (url, body) = (self.conversation_url(&conversation), body::title(&title));
                change(request, Call::new("PATCH", url, Some(token), Some(body)), self.lent(), store);
            }
            Effect::DeleteConversation { request, token, conversation } => {
                let url = self.conversation_url(&conversation);
                let mut call = Call::new("DELETE", url, Some(token), None);
                call.outlives_page = true;
                change(request, call, self.lent(), store);
            }
            _ => {}
        }
    }

    fn errand(&self, path: &str, token: String) -> Errand {
        let (lent, url) = (self.lent(), self.url(path));
        let headers = Call::get(url.clone(), token).headers(&lent);
        Errand { url, carrier: lent.files, fetch: lent.fetch, headers }
    }

    pub(super) fn url(&self, path: &str) -> String {
        let mut url = self.relay.clone();
        url.push_str(path);
        url
    }

    fn conversation_url(&self, conversation: &ConversationId) -> String {
        let mut url = self.url("/v1/conversations/");
        url.push_str(conversation.as_str());
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
fn change(request: RequestId, call: Call, lent: Lent, store: Store) {
    call.then(lent, move |answer| {
        store.dispatch(match answer {
            Ok(_) => Event::ConversationChanged { request },
            Err(error) => Event::ConversationNotChanged { request, error },
        });
    });
}

/// Takes in what another tab said, as soon as there is what understands it.
fn hear_later(text: &str, store: Store) {
    if text.len() > MAX_WORD_BYTES {
        return;
    }
    // An exchange of this tab may be waiting for it: it cannot wait for a part.
    if let Ok(Some(answer)) = Fields::parse(text).and_then(|fields| fields.object::<TokenAnswer>("grant")) {
        return store.dispatch(Event::TokenShared { answer: Box::new(answer) });
    }
    let Ok(fields) = Fields::parse(text) else { return };
    let subject = fields.text("for").ok().flatten();
    let plain = fields.json("word").and_then(|word| Word::plain(word.as_str()));
    if let Some(word) = plain {
        return store.dispatch(Event::TabSaid { subject, word: Box::new(word) });
    }
    let text = text.to_owned();
    store.need(Part::Past, move |is_here| {
        if is_here {
            Past::enter(|| hear(&text, store));
        }
    });
}

/// Any script of this origin may have said it.
fn hear(text: &str, store: Store) {
    let Ok(fields) = Fields::parse(text) else { return };
    if let Ok(Some(word)) = fields.object::<Word>("word") {
        let subject = fields.text("for").ok().flatten();
        store.dispatch(Event::TabSaid { subject, word: Box::new(word) });
    }
}

/// How addresses of this very machine begin.
const OWN_MACHINE: [&str; 3] = ["http://127.", "http://localhost", "http://[::1]"];

/// How long a tab waits for the exchange of another, in ms. A tab that was
/// frozen holds its locks.
const LOCK_PATIENCE_MS: u32 = 5_000;

/// Asks for a token, with what the page lends and the visitor token that is kept.
/// In boxes, so that the code around it is there once.
type Ask = Box<
    dyn FnOnce(Lent, Option<String>) -> Pin<Box<dyn Future<Output = Result<TokenAnswer, TransportError>>>>,
>;

/// An exchange that is under way. Dropping it lets go of its lock.
#[derive(Debug)]
struct Exchange {
    request: RequestId,
    _claim: Option<Claim>,
    _late: Timeout,
}

/// A function that runs once, whoever calls it first.
fn once(run: impl FnOnce() + 'static) -> impl Fn() + Clone + 'static {
    let run = Rc::new(Cell::new(Some(run)));
    move || {
        if let Some(run) = run.take() {
            run();
        }
    }
}

fn read<T: FromFields>(answer: Result<String, TransportError>) -> Result<T, TransportError> {
    T::from_json(&answer?).map_err(|_| TransportError::Protocol)
}
