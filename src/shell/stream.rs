//! One reply's stream: bytes from `fetch` to chunks for the engine.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use chinwag_protocol::Chunk;
use chinwag_protocol::sse::{DONE, Decoder};
use gloo_timers::callback::Interval;
use js_sys::{IteratorNext, Uint8Array};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{AbortController, AbortSignal, ReadableStreamDefaultReader};

use super::clock;
use super::lent::Lent;
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
    while let Some(bytes) = next(&reader).await {
        heard_at.set(clock::now());
        let mut is_done = false;
        let mut heard = Vec::new();
        let tells = store.has_peers().then(|| store.names(turn)).flatten();
        let fed = decoder.feed(&bytes, |frame| {
            if frame.data == DONE {
                is_done = true;
            } else if let Ok(chunk) = Chunk::from_json(&frame.data) {
                if tells.is_some() {
                    heard.push((frame.id.clone(), frame.data.clone()));
                }
                store.dispatch(Event::ChunkArrived { turn, event_id: frame.id, chunk });
            }
        });
        if let Some(names) = tells {
            store.hand_on(&names, &heard);
        }
        if was_let_go(signal) {
            return None;
        }
        if is_done || fed.is_err() {
            break;
        }
    }
    if was_let_go(signal) { None } else { Some(Event::StreamEnded { turn }) }
}

/// The next bytes, or `None` at the end, however it came.
async fn next(reader: &ReadableStreamDefaultReader) -> Option<Vec<u8>> {
    // What a reader resolves to has the members of an iterator's result.
    let result: IteratorNext = JsFuture::from(reader.read()).await.ok()?.unchecked_into();
    if result.done() {
        return None;
    }
    Some(result.value().dyn_into::<Uint8Array>().ok()?.to_vec())
}
