//! Where the model lives while the widget is mounted: the one place at which
//! events enter and effects leave, and from which the view reads.
//!
//! The view reads a part of the model by [`Store::read`], which also subscribes
//! it to that part: a [`Region`] that an effect names is shown anew, and nothing
//! else is. A live reply is shown at most once per animation frame.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use gloo_timers::callback::Timeout;
use leptos::prelude::*;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::Element;

use super::clock;
pub use super::kept::Kept;
use super::lent::Lent;
use super::outside::Outside;
use super::page::{self, Decision};
use super::part;
use super::tool::{PageTool, Tools};
pub use super::waiting::Standing;
use super::waiting::Waiting;
use crate::engine::effect::Announcement;
use crate::engine::part::{Lazy as _, Reply};
use crate::engine::session::RequestId;
use crate::engine::transcript::Format;
use crate::engine::turn::TurnId;
use crate::engine::{ConversationId, Effect, Event, Item, Key, Model, Part, Region, update, word};

/// A handle to the mounted widget's state. Cheap to copy; every call on a
/// handle whose widget is gone does nothing.
#[derive(Debug, Clone, Copy)]
pub struct Store {
    inner: Kept<Inner>,
}

struct Inner {
    model: RefCell<Model>,
    queue: RefCell<VecDeque<Event>>,
    is_draining: Cell<bool>,
    regions: RefCell<Vec<(Region, ArcTrigger)>>,
    live: RefCell<Vec<Key>>,
    /// When a live reply was last shown, and how long its text was.
    shown_live: Cell<(f64, usize)>,
    /// How long the browser took to show it, in ms.
    live_cost_ms: Cell<f64>,
    /// The wait until it is shown again.
    pacing: RefCell<Option<Timeout>>,
    /// The task that comes after it was.
    measuring: RefCell<Option<Timeout>>,
    voice: RefCell<Option<Voice>>,
    writer: RefCell<Option<Writer>>,
    waiting: Waiting,
    outside: Outside,
}

/// What says announcements to a screen reader.
type Voice = Rc<dyn Fn(Announcement)>;

/// What writes the conversation down, in the widget's words.
type Writer = Rc<dyn Fn(Format) -> String>;

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inner").finish_non_exhaustive()
    }
}

impl Store {
    /// A store around a model. Call within the owner that the widget is mounted
    /// under: with it, the store ends.
    pub fn new(model: Model, outside: Outside) -> Self {
        let inner = Inner {
            model: RefCell::new(model),
            queue: RefCell::default(),
            is_draining: Cell::new(false),
            regions: RefCell::default(),
            live: RefCell::default(),
            shown_live: Cell::default(),
            live_cost_ms: Cell::default(),
            pacing: RefCell::default(),
            measuring: RefCell::default(),
            voice: RefCell::default(),
            writer: RefCell::default(),
            waiting: Waiting::default(),
            outside,
        };
        Self { inner: Kept::new(inner) }
    }

    /// Reads the model, and runs the surrounding effect or view again when this
    /// region is to be shown anew. `None` once the widget is gone.
    pub fn read<R>(&self, region: Region, read: impl FnOnce(&Model) -> R) -> Option<R> {
        let inner = self.subscribed(region)?;
        let model = inner.model.borrow();
        Some(read(&model))
    }

    /// The part of `read` that is the same for every reader, and there once.
    #[inline(never)]
    fn subscribed(self, region: Region) -> Option<Rc<Inner>> {
        let inner = self.inner.get()?;
        inner.trigger(region).track();
        Some(inner)
    }

    /// Forgets who reads an item: nobody does any more.
    pub fn forget(&self, key: Key) {
        let Some(inner) = self.inner.get() else { return };
        let is_of = |region: &Region| matches!(region, Region::Item(of) | Region::Live(of) if *of == key);
        inner.regions.borrow_mut().retain(|(region, _)| !is_of(region));
    }

    /// Reads the model as it is now, without subscribing.
    pub fn peek<R>(&self, read: impl FnOnce(&Model) -> R) -> Option<R> {
        let inner = self.inner.get()?;
        let model = inner.model.borrow();
        Some(read(&model))
    }

    /// Hears every announcement, at once and in order: several can come in one
    /// tick, of which a signal would keep the last.
    pub fn on_announcement(&self, say: impl Fn(Announcement) + 'static) {
        if let Some(inner) = self.inner.get() {
            inner.voice.replace(Some(Rc::new(say)));
        }
    }

    /// Is asked for the conversation as a text.
    pub fn on_transcript(&self, write: impl Fn(Format) -> String + 'static) {
        if let Some(inner) = self.inner.get() {
            inner.writer.replace(Some(Rc::new(write)));
        }
    }

    /// The conversation as a text; empty once the widget is gone.
    pub fn transcript(&self, format: Format) -> String {
        let inner = self.inner.get();
        // Out of the cell first: who writes reads the store.
        let writer = inner.and_then(|inner| inner.writer.borrow().clone());
        writer.map_or_else(String::new, |write| write(format))
    }

    /// Takes in what happened. May be called from anywhere, also from within an
    /// effect that an earlier event led to: events are taken one after another.
    /// One that leads into a part of the widget waits until that is there.
    pub fn dispatch(&self, event: Event) {
        let Some(inner) = self.inner.get() else { return };
        match inner.waiting.admit(event) {
            Ok(event) => self.take_in(&inner, event),
            Err(parts) => {
                for part in parts {
                    inner.waiting.ask(*part, *self);
                }
            }
        }
    }

    fn take_in(self, inner: &Rc<Inner>, event: Event) {
        inner.queue.borrow_mut().push_back(event);
        if inner.is_draining.replace(true) {
            return;
        }
        loop {
            let Some(event) = inner.queue.borrow_mut().pop_front() else { break };
            let effects = update(&mut inner.model.borrow_mut(), event, clock::now());
            for effect in effects {
                self.carry_out(inner, effect);
            }
        }
        inner.is_draining.set(false);
    }

    /// Waits until a part of the widget can be entered; `false` if it could not be
    /// had.
    pub(super) async fn arrives(&self, part: Part) -> bool {
        if part::is_here(part) {
            return true;
        }
        let came = part::arrives(part).await;
        self.heard_of(part, came);
        came
    }

    /// Goes on when a part of the widget can be entered, with `true`: at once if
    /// that is now. With `false` if it could not be had.
    pub(super) fn need(self, part: Part, then: impl FnOnce(bool) + 'static) {
        if part::is_here(part) {
            then(true);
        } else {
            self.need_later(part, Box::new(then));
        }
    }

    fn need_later(self, part: Part, then: Box<dyn FnOnce(bool)>) {
        spawn_local(async move { then(self.arrives(part).await) });
    }

    fn heard_of(self, part: Part, came: bool) {
        let Some(inner) = self.inner.get() else { return };
        for event in inner.waiting.heard(part, came) {
            self.dispatch(event);
        }
        inner.notify(Region::Part(part));
    }

    /// How far a part of the widget is. Fetches it if nobody has yet, and runs
    /// the surrounding effect or view again when that changes.
    pub fn standing(&self, part: Part) -> Standing {
        let Some(inner) = self.subscribed(Region::Part(part)) else { return Standing::Failed };
        inner.waiting.standing(part, *self)
    }

    /// Whether a part of the widget is here; runs the surrounding effect or view
    /// again when it comes.
    pub fn has(&self, part: Part) -> bool {
        self.subscribed(Region::Part(part)).is_some() && part::is_here(part)
    }

    /// Fetches a part of the widget that will be needed soon, or again one that
    /// could not be had.
    pub fn fetch(&self, part: Part) {
        let Some(inner) = self.inner.get() else { return };
        if inner.waiting.ask(part, *self) {
            inner.notify(Region::Part(part));
        }
    }

    /// Begins to listen to what the browser says of the network and the page.
    pub fn watch_browser(&self) {
        if let Some(inner) = self.inner.get() {
            inner.outside.watch_network(*self);
            inner.outside.watch_page(*self);
        }
    }

    /// The page is seen again, or the device woke up.
    pub fn wake(&self) {
        let Some(inner) = self.inner.get() else { return };
        if !page::is_hidden() {
            inner.outside.check_streams();
            self.dispatch(Event::Woke);
        }
    }

    /// Hears what other tabs say.
    pub fn watch_tabs(&self) {
        if let Some(inner) = self.inner.get() {
            inner.outside.watch_tabs(*self);
        }
    }

    /// Says something to the other tabs: JSON under a name.
    pub(super) fn tell_tabs(self, name: &'static str, json: &str) {
        let Some(inner) = self.inner.get() else { return };
        let subject = inner.model.borrow().session.subject.clone();
        inner.outside.tell_tabs(subject.as_deref(), name, json);
    }

    /// Whether another tab was heard.
    pub(super) fn has_peers(self) -> bool {
        self.peek(|model| model.has_peers).unwrap_or_default()
    }

    /// What the other tabs call a turn: its conversation, and the question's id.
    pub(super) fn names(self, turn: TurnId) -> Option<(ConversationId, String)> {
        let names = |model: &Model| {
            let running = model.turn.as_ref().filter(|running| running.id == turn)?;
            match model.item(running.question?)? {
                Item::Question(question) => Some((model.conversation.clone()?, question.id.clone())),
                Item::Reply(_) => None,
            }
        };
        self.peek(names).flatten()
    }

    /// Hands frames of a reply on to the other tabs: ids, and chunks as they
    /// came. None is a sign of life.
    pub(super) fn hand_on(self, names: &(ConversationId, String), frames: &[(Option<String>, String)]) {
        let frames = frames.iter().map(|(id, chunk)| (id.as_deref(), chunk.as_str()));
        self.tell_tabs("word", &word::frames(&names.0, &names.1, frames));
    }

    /// Takes what the page lends now.
    pub fn lend(&self, lent: Lent) {
        if let Some(inner) = self.inner.get() {
            inner.outside.lend(lent);
        }
    }

    /// What the page lends.
    pub fn lent(&self) -> Lent {
        self.inner.get().map(|inner| inner.outside.lent()).unwrap_or_default()
    }

    /// Whether an exchange is still waited for.
    pub(super) fn awaits(self, request: RequestId) -> bool {
        self.peek(|model| model.session.awaits(request)).unwrap_or_default()
    }

    /// An exchange is over.
    pub(super) fn end_exchange(self, request: RequestId) {
        if let Some(inner) = self.inner.get() {
            inner.outside.end_exchange(request);
        }
    }

    /// Sends a message under fresh ids, unless the host page cancels it. The
    /// page may also change the text: what is sent is what it left. While the
    /// page thinks about a message, no other is sent.
    ///
    /// What sends is fetched with the first message, which stays in the composer
    /// if it cannot be had.
    pub fn send(&self, text: &str) {
        if self.peek(|model| model.page_asked.is_none()) != Some(true) {
            return;
        }
        let (store, text) = (*self, text.to_owned());
        let mut fetched = None;
        if !part::is_here(Part::Reply) {
            self.dispatch(Event::PageAsked { text: text.clone() });
            fetched = self.asked();
        }
        self.need(Part::Reply, move |is_here| {
            if store.asked() != fetched {
                // It took too long: the message is back in the composer.
            } else if is_here {
                Reply::enter(|| store.ask_page(&text));
            } else {
                store.dispatch(Event::NotSent { text });
            }
        });
    }

    /// The message that is kept back, if one is.
    fn asked(self) -> Option<RequestId> {
        self.peek(|model| Some(model.page_asked.as_ref()?.request)).flatten()
    }

    fn ask_page(self, text: &str) {
        if let Some(inner) = self.inner.get() {
            self.decide(inner.outside.ask_before_send(text));
        }
    }

    /// Takes in files that the visitor chose, dropped or pasted: a list as the
    /// browser has it. Says whether there was any.
    pub fn take_files(&self, list: &JsValue) -> bool {
        let Some(inner) = self.inner.get() else { return false };
        let files = inner.outside.files().take(list);
        let is_any = !files.is_empty();
        if is_any {
            // What sends them is fetched while they are on their way.
            self.fetch(Part::Reply);
            self.dispatch(Event::FilesChosen { files });
        }
        is_any
    }

    /// Frees a picture's address with the widget.
    pub(super) fn keep_picture(self, address: &str) {
        if let Some(inner) = self.inner.get() {
            inner.outside.files().keep(address);
        }
    }

    /// Takes a conversation off the list.
    pub fn delete_conversation(&self, id: ConversationId) {
        self.dispatch(Event::DeletePressed { id, conversation_id: clock::fresh_id() });
    }

    fn decide(self, decision: Decision) {
        match decision {
            Decision::Send(text) => {
                let (message_id, conversation_id) = (clock::fresh_id(), clock::fresh_id());
                self.dispatch(Event::Sent { text, message_id, conversation_id });
            }
            Decision::Cancel => self.dispatch(Event::PageRefused),
            Decision::Later(asked) => {
                self.dispatch(Event::PageAsked { text: asked.text.clone() });
                let store = self;
                let request = store.asked();
                spawn_local(async move {
                    let kept = JsFuture::from(asked.decided.clone()).await;
                    if store.asked() != request {
                        // The page took too long.
                        return;
                    }
                    store.decide(match kept {
                        Ok(_) => asked.decision(),
                        // A check that failed has not passed.
                        Err(error) => {
                            page::report(&error);
                            Decision::Cancel
                        }
                    });
                });
            }
        }
    }

    /// Takes in what the page can run: tools of a known name take the place of
    /// the old ones.
    pub fn register_tools(&self, tools: Vec<PageTool>) {
        self.change_tools(|known| known.register(tools));
    }

    /// Forgets tools of the page.
    pub fn forget_tools(&self, is_forgotten: impl Fn(&str) -> bool) {
        self.change_tools(|known| known.forget(is_forgotten));
    }

    fn change_tools(self, change: impl FnOnce(&Tools)) {
        let Some(inner) = self.inner.get() else { return };
        change(inner.outside.tools());
        self.dispatch(Event::ToolsChanged { tools: inner.outside.tools().definitions() });
    }

    /// Puts a kiosk's keyboard on the screen, for a text field.
    pub fn draw_keyboard(&self, place: &Element, input: &Element) {
        if let Some(inner) = self.inner.get() {
            inner.outside.kiosk().draw_keyboard(place, input);
        }
    }

    /// Draws an address as a code.
    pub fn draw_code(&self, place: &Element, address: &str) {
        if let Some(inner) = self.inner.get() {
            inner.outside.kiosk().draw_code(place, address);
        }
    }

    /// Says why a kiosk is not wanted at its relay, once that is known.
    pub fn draw_trouble(&self, place: &Element) {
        if let Some(inner) = self.inner.get() {
            inner.outside.kiosk().draw_trouble(place);
        }
    }

    /// Begins a new conversation under a fresh id.
    pub fn start_conversation(&self) {
        self.dispatch(Event::ConversationStarted { conversation_id: clock::fresh_id() });
    }

    fn carry_out(self, inner: &Rc<Inner>, effect: Effect) {
        match effect {
            Effect::Redraw(Region::Live(key)) => self.redraw_in_next_frame(inner, key),
            Effect::Redraw(region) => inner.notify(region),
            Effect::Announce(announcement) => {
                // Out of the cell first: what is said may call back.
                let voice = inner.voice.borrow().clone();
                if let Some(say) = voice {
                    say(announcement);
                }
            }
            other => inner.outside.carry_out(other, self),
        }
    }

    /// Chunks come faster than frames, and a frame costs more than a chunk: each
    /// shows all that came since the last one, and small steps wait until drawing
    /// has had its share of the time.
    fn redraw_in_next_frame(self, inner: &Rc<Inner>, key: Key) {
        let is_first = inner.live.borrow().is_empty();
        if !inner.live.borrow().contains(&key) {
            inner.live.borrow_mut().push(key);
        }
        let (shown_at, shown_bytes) = inner.shown_live.get();
        let has_much = inner.live_bytes(key).saturating_sub(shown_bytes) > MUCH_BYTES;
        let pace = live_pace(inner.live_cost_ms.get());
        let wait = if has_much { 0.0 } else { shown_at + pace - clock::now().0 };
        // A clock that was set back would have it wait for ever.
        if !(1.0..pace).contains(&wait) {
            if is_first || inner.pacing.replace(None).is_some() {
                self.show_live_in_next_frame();
            }
        } else if is_first {
            let store = self;
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below the pace")]
            let pause = Timeout::new(wait as u32, move || {
                if let Some(inner) = store.inner.get() {
                    inner.pacing.take();
                    store.show_live_in_next_frame();
                }
            });
            inner.pacing.replace(Some(pause));
        }
    }

    fn show_live_in_next_frame(self) {
        clock::in_next_frame(move || {
            let Some(inner) = self.inner.get() else { return };
            let began = clock::now().0;
            for key in inner.live.take() {
                inner.shown_live.set((began, inner.live_bytes(key)));
                inner.notify(Region::Live(key));
            }
            // A task of its own comes after style, layout and paint.
            let cost = move || {
                if let Some(inner) = self.inner.get() {
                    inner.live_cost_ms.set(clock::now().0 - began);
                }
            };
            inner.measuring.replace(Some(Timeout::new(0, cost)));
        });
    }
}

/// How long it is from one picture of a live reply to the next, after one that
/// took so long; in ms.
fn live_pace(cost_ms: f64) -> f64 {
    (cost_ms * LIVE_SHARE).clamp(LIVE_PACE_MS, MAX_LIVE_PACE_MS)
}

/// The least time between two pictures of a live reply that grows in small
/// steps, in ms: twenty a second look like a stream.
const LIVE_PACE_MS: f64 = 40.0;

/// How many times as long as one picture takes it is until the next, at least:
/// so drawing has a sixth of a slow device's time, however long the reply is,
/// and the rest is there for scrolling and typing.
const LIVE_SHARE: f64 = 6.0;

/// The longest time between two pictures, in ms: more would look like a halt.
const MAX_LIVE_PACE_MS: f64 = 160.0;

/// From how many new bytes on a live reply is shown in the next frame all the
/// same: about six lines. More at once would be one long frame.
const MUCH_BYTES: usize = 1_000;

impl Inner {
    fn live_bytes(&self, key: Key) -> usize {
        match self.model.borrow().item(key) {
            Some(Item::Reply(reply)) => reply.text.len(),
            _ => 0,
        }
    }

    /// The trigger of a region. There are few at a time (the shown items and a
    /// handful more), and what is looked for is mostly among the last.
    fn trigger(&self, region: Region) -> ArcTrigger {
        let mut regions = self.regions.borrow_mut();
        if let Some((_, trigger)) = regions.iter().rev().find(|(known, _)| *known == region) {
            return trigger.clone();
        }
        let trigger = ArcTrigger::new();
        regions.push((region, trigger.clone()));
        trigger
    }

    fn notify(&self, region: Region) {
        if region == Region::List {
            self.forget_gone_items();
        }
        let known = self.regions.borrow().iter().rev().find(|(known, _)| *known == region).cloned();
        if let Some((_, trigger)) = known {
            trigger.notify();
        }
    }

    fn forget_gone_items(&self) {
        let model = self.model.borrow();
        self.regions.borrow_mut().retain(|(region, _)| match region {
            Region::Item(key) | Region::Live(key) | Region::Rating(key) => model.item(*key).is_some(),
            _ => true,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawing_has_a_share_of_a_slow_device_and_no_halt_is_seen() {
        let paces = [0.0, 3.0, 12.0, 20.0, 400.0].map(live_pace);
        assert!(
            paces.iter().zip([40.0, 40.0, 72.0, 120.0, 160.0]).all(|(pace, due)| (pace - due).abs() < 0.1),
            "{paces:?}"
        );
    }
}
