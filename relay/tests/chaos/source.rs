//! The provider: Chat Completions whose replies follow from the question, so that
//! whoever asked knows every byte of what has to arrive.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::Response;
use axum::routing::post;
use axum::serve::ListenerExt as _;
use axum::{Json, Router};
use serde_json::{Value, json};

/// A question, and with it its reply.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Script {
    pub(crate) seed: u64,
    pub(crate) words: usize,
    /// Between two words.
    pub(crate) pause: Duration,
}

impl Script {
    /// The question, as a visitor writes it.
    pub(crate) fn question(self) -> String {
        format!("Please-tell-me {} {} {}", self.seed, self.words, self.pause.as_millis())
    }

    fn read(question: &str) -> Self {
        let mut parts = question.split(' ').skip(1).map(|part| part.parse::<u64>().unwrap());
        let mut next = || parts.next().unwrap();
        let (seed, words, pause) = (next(), next(), next());
        Self { seed, words: usize::try_from(words).unwrap(), pause: Duration::from_millis(pause) }
    }

    fn word(self, place: usize) -> String {
        let mut random = fastrand::Rng::with_seed(self.seed.wrapping_add(place as u64));
        let word = random.choice(WORDS).unwrap();
        format!("{word}-{:x} ", random.u16(..))
    }

    /// The whole reply.
    pub(crate) fn reply(self) -> String {
        (0..self.words).map(|place| self.word(place)).collect()
    }
}

/// Characters of one to four bytes, and those that JSON and Markdown escape: a cut
/// within one of them must not show.
const WORDS: &[&str] = &[
    "tea-leaf",
    "Wörterbuch",
    "茶葉の量",
    "🍵 cup",
    "\"quoted\"",
    "back\\slash",
    "line\nbreak",
    "*bold*",
    "e\u{301}tude",
];

/// The running server.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub(crate) base_url: String,
    state: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    is_hurried: AtomicBool,
    begun: AtomicUsize,
    running: AtomicUsize,
}

impl Source {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
        let state = Arc::new(Shared::default());
        let router =
            Router::new().route("/v1/chat/completions", post(complete)).with_state(Arc::clone(&state));
        let listener = listener.tap_io(|stream| stream.set_nodelay(true).unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { base_url, state }
    }

    /// Says everything without a pause from now on.
    pub(crate) fn hurry(&self) {
        self.state.is_hurried.store(true, Ordering::SeqCst);
    }

    /// How many replies have been begun since the start.
    pub(crate) fn begun(&self) -> usize {
        self.state.begun.load(Ordering::SeqCst)
    }

    /// How many replies are being told.
    pub(crate) fn running(&self) -> usize {
        self.state.running.load(Ordering::SeqCst)
    }
}

/// Counts a reply for as long as somebody listens.
struct Telling(Arc<Shared>);

impl Drop for Telling {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

async fn complete(State(state): State<Arc<Shared>>, Json(body): Json<Value>) -> Response {
    let question =
        body["messages"].as_array().unwrap().last().unwrap()["content"].as_str().unwrap().to_owned();
    let script = Script::read(&question);
    state.running.fetch_add(1, Ordering::SeqCst);
    state.begun.fetch_add(1, Ordering::SeqCst);
    let telling = Telling(state);
    let frames = futures_util::stream::unfold((0, telling), move |(place, telling)| async move {
        if place > script.words {
            return None;
        }
        if place > 0 && !telling.0.is_hurried.load(Ordering::SeqCst) {
            tokio::time::sleep(script.pause).await;
        }
        let is_end = place == script.words;
        let delta = if is_end { json!({}) } else { json!({ "content": script.word(place) }) };
        let choice = json!({ "index": 0, "delta": delta, "finish_reason": is_end.then_some("stop") });
        let mut frame = format!("data: {}\n\n", json!({ "id": "x", "choices": [choice] }));
        if is_end {
            frame.push_str("data: [DONE]\n\n");
        }
        Some((Ok::<_, Infallible>(Bytes::from(frame)), (place + 1, telling)))
    });
    let mut response = Response::new(Body::from_stream(frames));
    response.headers_mut().insert("content-type", http::HeaderValue::from_static("text/event-stream"));
    response
}
