//! One reply's stream: bytes from `fetch` to chunks for the engine.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

use chinwag_protocol::Chunk;
use chinwag_protocol::sse::{DONE, Decoder};
use gloo_timers::callback::{Interval, Timeout};
use js_sys::{Reflect, Uint8Array};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::{AbortController, AbortSignal, ReadableStreamDefaultReader};

use super::clock;
use super::lent::Lent;
use super::page;
use super::store::Store;
use super::transport::Call;
use crate::engine::turn::TurnId;
use crate::engine::{Event, Moment, TransportError};

/// How long a stream may be silent, in ms. The relay sends a comment every
/// 15 s, so three in a row were lost.
const SILENCE_MS: f64 = 45_000.0;

/// How long a stream is silent when nothing was lost, in ms: a heartbeat and a
/// network's delay.
const HEARTBEAT_MS: f64 = 20_000.0;

/// How often silence is looked for, in ms.
const WATCH_MS: u32 = 5_000;

/// Pause between two looks at what has come, in ms. What comes meanwhile is taken
/// in at once: each look costs several turns between the browser and the module,
/// and no more than 25 pictures a second are drawn.
const LOOK_MS: u32 = 32;

/// A running stream. Dropping it lets go of the connection.
#[derive(Debug)]
pub struct Stream {
    turn: TurnId,
    controller: AbortController,
    heard_at: Rc<Cell<Moment>>,
    watch: Rc<RefCell<Option<Interval>>>,
}

impl Stream {
    /// Opens a stream and tells the engine what comes of it. `None` in a
    /// browser without `AbortController`.
    pub fn open(turn: TurnId, call: Call, lent: Lent, store: Store) -> Option<Self> {
        let controller = AbortController::new().ok()?;
        let signal = controller.signal();
        let heard_at = Rc::new(Cell::new(clock::now()));
        let seen_at = Rc::clone(&heard_at);
        let watch = {
            let (heard_at, controller) = (Rc::clone(&heard_at), controller.clone());
            Interval::new(WATCH_MS, move || {
                if clock::now().0 - heard_at.get().0 > SILENCE_MS {
                    controller.abort();
                }
            })
        };
        let watch = Rc::new(RefCell::new(Some(watch)));
        let ended = Rc::clone(&watch);
        spawn_local(async move {
            let event = follow(turn, call, &lent, store, &signal, &heard_at).await;
            ended.take();
            // The event of a stream that was let go names a turn that no longer
            // runs, or one that another stream is following: it is not sent.
            if let Some(event) = event {
                store.dispatch(event);
            }
        });
        Some(Self { turn, controller, heard_at: seen_at, watch })
    }

    /// Whether nothing more comes of it.
    pub fn is_over(&self) -> bool {
        self.watch.borrow().is_none()
    }

    /// Lets go of a connection that slept through heartbeats: the device did, and
    /// the network with it. The engine hears that the stream ended.
    pub fn check(&self) {
        if clock::now().0 - self.heard_at.get().0 > HEARTBEAT_MS {
            self.controller.abort();
        }
    }

    /// Whose stream it is.
    pub fn turn(&self) -> TurnId {
        self.turn
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // The reason tells an end that was asked for from one out of silence.
        self.controller.abort_with_reason(&JsValue::FALSE);
        self.watch.take();
    }
}

fn was_let_go(signal: &AbortSignal) -> bool {
    signal.aborted() && signal.reason() == JsValue::FALSE
}

/// Follows a stream to its end.
async fn follow(
    turn: TurnId,
    call: Call,
    lent: &Lent,
    store: Store,
    signal: &AbortSignal,
    heard_at: &Cell<Moment>,
) -> Option<Event> {
    let response = match call.send(signal, lent).await {
        Ok(response) => response,
        Err(_) if was_let_go(signal) => return None,
        Err(error) => return Some(Event::StreamFailed { turn, error }),
    };
    if response.status() == 204 {
        return Some(Event::StreamGone { turn });
    }
    let is_stream = response
        .headers()
        .get("content-type")
        .ok()
        .flatten()
        .is_some_and(|kind| kind.starts_with("text/event-stream"));
    let reader = response.body().map(|body| body.get_reader());
    let reader = reader.and_then(|reader| reader.dyn_into::<ReadableStreamDefaultReader>().ok());
    let (Some(reader), true) = (reader, is_stream) else {
        return Some(Event::StreamFailed { turn, error: TransportError::Protocol });
    };
    store.dispatch(Event::StreamOpened { turn });
    let mut decoder = Decoder::default();
    let intake = Intake::of(reader);
    while let Some(bytes) = intake.look().await {
        heard_at.set(clock::now());
        let mut is_done = false;
        let mut heard = Vec::new();
        let mut last: Option<(Option<String>, Chunk)> = None;
        let tell = |(event_id, chunk)| store.dispatch(Event::ChunkArrived { turn, event_id, chunk });
        let tells = store.has_peers().then(|| store.names(turn)).flatten();
        let fed = decoder.feed(&bytes, |frame| {
            if frame.data == DONE {
                is_done = true;
            } else if let Ok(chunk) = Chunk::from_json(&frame.data) {
                if tells.is_some() {
                    heard.push((frame.id.clone(), frame.data));
                }
                let is_joined = last.as_mut().is_some_and(|(_, told)| join(told, &chunk));
                match &mut last {
                    Some((id, _)) if is_joined => *id = frame.id,
                    _ => last.replace((frame.id, chunk)).into_iter().for_each(tell),
                }
            }
        });
        last.into_iter().for_each(tell);
        if let Some(names) = tells {
            store.hand_on(&names, &heard);
        }
        if was_let_go(signal) {
            return None;
        }
        if is_done || fed.is_err() {
            break;
        }
        intake.rest();
    }
    if was_let_go(signal) { None } else { Some(Event::StreamEnded { turn }) }
}

/// What has come of an answer, until it is looked at.
///
/// A browser hands out each piece as the network brought it, however long it lay.
/// So pieces are taken by one function that asks for the next: a future for each
/// would cost more than what is in it.
#[derive(Debug)]
struct Intake {
    reader: ReadableStreamDefaultReader,
    bytes: RefCell<Vec<u8>>,
    is_over: Cell<bool>,
    is_resting: Cell<bool>,
    waiting: RefCell<Option<Waker>>,
    /// Holds the intake in turn, until the last piece.
    hear: RefCell<Option<Hear>>,
}

/// Hears what a promise came to.
type Hear = Closure<dyn FnMut(JsValue)>;

impl Intake {
    fn of(reader: ReadableStreamDefaultReader) -> Rc<Self> {
        let intake = Rc::new(Self {
            reader,
            bytes: RefCell::default(),
            is_over: Cell::default(),
            is_resting: Cell::default(),
            waiting: RefCell::default(),
            hear: RefCell::default(),
        });
        let heard = Rc::clone(&intake);
        intake.hear.replace(Some(Closure::new(move |result: JsValue| heard.take_in(&result))));
        intake.ask();
        intake
    }

    fn ask(&self) {
        if let Some(hear) = self.hear.borrow().as_ref() {
            let _ = self.reader.read().then2(hear, hear);
        }
    }

    /// Takes a piece; or the end, which has none, or an error in its place.
    fn take_in(&self, result: &JsValue) {
        let piece = Reflect::get(result, &JsValue::from_str("value"));
        if let Some(piece) = piece.ok().and_then(|piece| piece.dyn_into::<Uint8Array>().ok()) {
            self.bytes.borrow_mut().append(&mut piece.to_vec());
            self.ask();
        } else {
            self.is_over.set(true);
            self.hear.take();
        }
        if self.is_over.get() || !self.is_resting.get() {
            self.wake();
        }
    }

    fn wake(&self) {
        if let Some(waiting) = self.waiting.take() {
            waiting.wake();
        }
    }

    /// Puts the next look off, but for the end. In the background, where timers are
    /// held back by a second or a minute, each piece is looked at as it comes.
    fn rest(self: &Rc<Self>) {
        if page::is_hidden() {
            return;
        }
        self.is_resting.set(true);
        let intake = Rc::clone(self);
        let rested = move || {
            intake.is_resting.set(false);
            intake.wake();
        };
        Timeout::new(LOOK_MS, rested).forget();
    }

    /// What has come since the last look, at least a byte; or `None` at the end,
    /// however it came.
    async fn look(&self) -> Option<Vec<u8>> {
        poll_fn(|context| {
            let is_over = self.is_over.get();
            if is_over || !(self.is_resting.get() || self.bytes.borrow().is_empty()) {
                return Poll::Ready(Some(self.bytes.take()).filter(|bytes| !bytes.is_empty()));
            }
            self.waiting.replace(Some(context.waker().clone()));
            Poll::Pending
        })
        .await
    }
}

/// Makes one of two chunks that tell more of the same text; `false` if they do not.
fn join(chunk: &mut Chunk, next: &Chunk) -> bool {
    match (chunk, next) {
        (Chunk::TextDelta { id, delta }, Chunk::TextDelta { id: next_id, delta: more }) if id == next_id => {
            delta.push_str(more);
            true
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_tells_more_of_the_same_text_is_joined() {
        let text = |id: &str, delta: &str| Chunk::TextDelta { id: id.to_owned(), delta: delta.to_owned() };
        let mut told = text("t", "Steep it ");
        assert!(join(&mut told, &text("t", "for two ")) && join(&mut told, &text("t", "minutes.")));
        assert_eq!(told, text("t", "Steep it for two minutes."));
        let thought = Chunk::ReasoningDelta { id: "t".to_owned(), delta: "Hm.".to_owned() };
        for other in [text("u", "Then"), thought, Chunk::TextEnd { id: "t".to_owned() }] {
            assert!(!join(&mut told, &other), "{other:?}");
        }
        assert_eq!(told, text("t", "Steep it for two minutes."));
    }
}
