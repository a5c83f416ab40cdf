//! Chatsby, API v1: one endpoint for the first question and for every other,
//! with the conversation kept by the provider.
//!
//! It is the one provider that takes an `Idempotency-Key`, so that a question
//! may be sent again even if it is not known whether it arrived.

mod decode;
pub mod event;
mod queue;
mod refusal;

use std::sync::Arc;

use chinwag_protocol::{Chunk, ErrorCode, Features};
use futures_util::{StreamExt as _, stream as streams};
use http::HeaderMap;
use serde_json::{Value, json};
use uuid::Uuid;

use self::queue::{Place, Queue};
use super::failure::UpstreamFailure;
use super::http::{Answer, Call, Http, HttpError, Opened, SIGN_OF_LIFE, drive};
use super::{Capabilities, ChunkStream, Support, Task, Turn, Upstream};
use crate::config::{Hosted, Limits, Secret};

pub use self::decode::{stream, whole};

/// What it can do.
pub const CAPABILITIES: Capabilities = Capabilities {
    follow_up: Support::Provider,
    sources: Support::Provider,
    identity: Support::Provider,
    ..Capabilities::BASE
};

/// How keys of the provider begin, those for tests and those for visitors.
const TEST_KEY: &str = "chtb_test_";
const LIVE_KEY: &str = "chtb_live_";

/// An agent at Chatsby.
#[derive(Debug)]
pub struct Chatsby {
    http: Http,
    settings: Arc<Hosted>,
    queue: Arc<Queue>,
}

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Test,
    Live,
    /// A gateway's own key.
    Unknown,
}

impl Mode {
    fn of(key: Option<&Secret>) -> Self {
        let key = key.map(Secret::expose).unwrap_or_default();
        match key {
            _ if key.starts_with(TEST_KEY) => Self::Test,
            _ if key.starts_with(LIVE_KEY) => Self::Live,
            _ => Self::Unknown,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Live => "live",
            Self::Unknown => "unknown",
        }
    }
}

impl Chatsby {
    /// Sets it up; nothing is sent yet. The log says whether the key is for
    /// tests.
    pub fn new(agent: &str, settings: &Hosted, limits: &Limits) -> Result<Self, HttpError> {
        let http = Http::new(agent, "chatsby", settings, limits, refusal::read_refusal)?;
        let mode = Mode::of(settings.api_key.as_ref());
        match mode {
            Mode::Test => tracing::warn!(agent, "this agent has a test key: it is not for visitors"),
            Mode::Live | Mode::Unknown => tracing::info!(agent, key = mode.word(), "the kind of the key"),
        }
        let queue = Queue::of(&settings.base_url, settings.api_key.as_ref());
        Ok(Self { http, settings: Arc::new(settings.clone()), queue })
    }

    fn agent_id(&self) -> &str {
        self.settings.agent_id.as_deref().unwrap_or_default()
    }
}

impl Upstream for Chatsby {
    fn features(&self) -> Features {
        CAPABILITIES.features()
    }

    fn reply(&self, turn: Turn) -> ChunkStream {
        let (http, settings, queue) =
            (self.http.clone(), Arc::clone(&self.settings), Arc::clone(&self.queue));
        let begun = async move {
            match queue.reserve() {
                Ok(place) => in_turn(place, http, settings, queue, turn),
                Err(failure) => failed(&failure),
            }
        };
        Box::pin(streams::once(begun).flatten())
    }

    fn memory_scope(&self) -> String {
        scope(&self.settings, self.agent_id())
    }

    fn check(&self) -> Task<'_, Vec<String>> {
        Box::pin(async move {
            let mode = match Mode::of(self.settings.api_key.as_ref()) {
                Mode::Test => "test key accepted",
                Mode::Live => "live key accepted",
                Mode::Unknown => "key accepted",
            };
            let agent = self.agent_id();
            let found = match self.http.send(&Call::get(&["agents", agent])).await {
                Ok(answer) => answer.json::<Value>().await?,
                Err(failure) if failure.code() == ErrorCode::Forbidden => {
                    let facts = [mode, "it may not read agents, so the agent id is not checked"];
                    return Ok(facts.map(str::to_owned).to_vec());
                }
                Err(failure) => return Err(settle(failure)),
            };
            let field = |key: &str| found.get(key).and_then(Value::as_str);
            let name = field("name").unwrap_or(agent);
            let mut facts = vec![mode.to_owned(), format!("agent {name} is there")];
            if let Some(status) = field("status") {
                facts.push(format!("it is {status}"));
            }
            Ok(facts)
        })
    }
}

/// Names account side and agent of what is kept; see [`Upstream::memory_scope`].
pub fn scope(settings: &Hosted, agent: &str) -> String {
    // A conversation of the test world is not known in the other one.
    let mode = Mode::of(settings.api_key.as_ref()).word();
    format!("chatsby {} {mode} {agent}", settings.base_url)
}

/// The reply once its turn has come.
fn in_turn(place: Place, http: Http, settings: Arc<Hosted>, queue: Arc<Queue>, turn: Turn) -> ChunkStream {
    if !place.is_waiting() {
        return drive(async move {
            place.wait().await?;
            ask(&http, &settings, &queue, &turn).await
        });
    }
    let label = Some("Waiting in line".to_owned());
    let notice = Chunk::Status { phase: "queued".to_owned(), label };
    let turn_came = async move {
        match place.wait().await {
            // The time-out for silence counts from here.
            Ok(()) => {
                let alive = streams::once(async { Chunk::Unknown { kind: SIGN_OF_LIFE.to_owned() } });
                let reply = drive(async move { ask(&http, &settings, &queue, &turn).await });
                Box::pin(alive.chain(reply)) as ChunkStream
            }
            Err(failure) => failed(&failure),
        }
    };
    Box::pin(streams::iter([notice]).chain(streams::once(turn_came).flatten()))
}

fn failed(failure: &UpstreamFailure) -> ChunkStream {
    Box::pin(streams::iter([failure.chunk()]))
}

async fn ask(http: &Http, settings: &Hosted, queue: &Queue, turn: &Turn) -> Result<Opened, UpstreamFailure> {
    let known = turn.memory.before().conversation.as_deref();
    let mut sent = http.send(&call(settings, turn, known)).await;
    if known.is_some() && sent.as_ref().is_err_and(|failure| failure.code() == ErrorCode::NotFound) {
        // The provider has forgotten the conversation: a new one goes on with
        // the question. Nothing was said yet, so nothing is said twice.
        sent = http.send(&call(settings, turn, None)).await;
    }
    let answer = sent.map_err(|failure| {
        if failure.code() == ErrorCode::RateLimited {
            queue.note_refusal(failure.retry_after());
        }
        settle(failure)
    })?;
    note_limits(queue, answer.headers());
    Ok(opened(answer, turn))
}

fn opened(answer: Answer, turn: &Turn) -> Opened {
    let memory = turn.memory.clone();
    if answer.is_json() { Opened::new(answer, whole(memory)) } else { Opened::new(answer, stream(memory)) }
}

fn note_limits(queue: &Queue, headers: &HeaderMap) {
    let number = |name| refusal::number(headers, name);
    let reset = refusal::reset_in(number("x-ratelimit-reset"));
    queue.note(number("x-ratelimit-limit"), number("x-ratelimit-remaining"), reset);
}

/// What is not there, or not allowed, is the operator's to put right: the
/// visitor asked for none of it.
fn settle(failure: UpstreamFailure) -> UpstreamFailure {
    match failure.code() {
        ErrorCode::NotFound | ErrorCode::Forbidden => UpstreamFailure::new(ErrorCode::Misconfigured)
            .because(failure.detail().unwrap_or_default())
            .after(failure.retry_after()),
        _ => failure,
    }
}

/// The request. Its key lasts for all tries of one question, and for it alone:
/// Retry is meant to give another answer.
fn call(settings: &Hosted, turn: &Turn, conversation: Option<&str>) -> Call {
    Call::post(&["conversations"], &body(settings, turn, conversation))
        .header("accept", "text/event-stream")
        .header("idempotency-key", &Uuid::new_v4().to_string())
        .safe()
        .of(turn)
}

/// The body. `agent_id`, `message` and `stream` are documented; how a
/// conversation goes on and what may be told of the visitor are inferred from
/// the answers, and change here.
fn body(settings: &Hosted, turn: &Turn, conversation: Option<&str>) -> Value {
    let mut body = json!({
        "agent_id": settings.agent_id,
        "message": turn.message.text(),
        "stream": true,
    });
    if let Some(object) = body.as_object_mut() {
        match conversation {
            Some(id) => object.insert("conversation_id".to_owned(), id.into()),
            None => object.insert("metadata".to_owned(), json!({ "visitor": turn.visitor })),
        };
    }
    body
}
