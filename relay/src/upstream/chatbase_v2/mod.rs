//! Chatbase, API v2.
//!
//! It keeps the conversation: only the question is sent, with the conversation's
//! id once there is one. It does not check whose conversation that is; the store
//! does, by giving a turn the ids of its own visitor only.

mod record;
mod refusal;
mod reply;
mod state;
mod stream;

use std::time::Duration;

use chinwag_protocol::limits::MAX_PAGE_ITEMS;
use chinwag_protocol::{ErrorCode, Features, Role};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::failure::UpstreamFailure;
use super::http::{Answer, Call, Http, HttpError, Opened, drive};
use super::{Capabilities, ChunkStream, Rating, Support, Task, Transcript, Turn, Upstream};
use crate::config::{Hosted, Limits};

pub use self::record::{Conversation, Page};
pub use self::stream::{stream, whole};

/// What it can do.
pub const CAPABILITIES: Capabilities = Capabilities {
    follow_up: Support::Provider,
    feedback: Support::Provider,
    retry: Support::Provider,
    tools: Support::Provider,
    identity: Support::Provider,
    ..Capabilities::BASE
};

/// Longest name of a visitor that is taken, in characters.
const MAX_USER_ID_CHARS: usize = 128;

/// Largest result of a tool, in bytes. *Inferred* from what is documented for
/// the mobile SDKs.
const MAX_RESULT_BYTES: usize = 20_000;

/// How often a result is brought again, and how long before the first time: it
/// can arrive before the call that it answers is stored.
const RESULT_TRIES: u32 = 3;
const RESULT_WAIT: Duration = Duration::from_millis(300);

/// An agent at Chatbase.
#[derive(Debug, Clone)]
pub struct ChatbaseV2 {
    http: Http,
    agent_id: String,
}

impl ChatbaseV2 {
    /// Sets it up; nothing is sent yet.
    pub fn new(agent: &str, settings: &Hosted, limits: &Limits) -> Result<Self, HttpError> {
        let http = Http::new(agent, "chatbase-v2", settings, limits, refusal::read_refusal)?;
        Ok(Self { http, agent_id: settings.agent_id.clone().unwrap_or_default() })
    }

    /// The first calls of a turn, up to the one whose answer is the reply.
    async fn ask(&self, turn: &Turn) -> Result<Answer, UpstreamFailure> {
        let brings_results = turn.message.role == Role::Assistant;
        let Some(conversation) = self.conversation_of(turn).await else {
            if brings_results {
                let failure = UpstreamFailure::new(ErrorCode::NotFound);
                return Err(failure.because("results of tools, and no conversation that asked for them"));
            }
            return self.http.send(&self.question(turn, None)).await.map_err(of_agent);
        };
        if brings_results {
            self.hand_results(turn, &conversation).await?;
            // Without a message the agent goes on from the results.
            let body = json!({ "conversationId": conversation, "stream": true });
            return self.http.send(&self.chat(turn, &body)).await;
        }
        if let Some(replaced) = &turn.memory.before().replaced {
            match self.http.send(&self.retry(turn, &conversation, replaced)).await {
                // It does not know that reply (any more): then the question is new.
                Err(failure) if failure.code() == ErrorCode::NotFound => {}
                outcome => return outcome,
            }
        }
        match self.http.send(&self.question(turn, Some(&conversation))).await {
            // Deleted over there, or of another agent: the visitor goes on in a
            // new one, and sees no difference.
            Err(failure) if matches!(failure.code(), ErrorCode::NotFound | ErrorCode::Conflict) => {
                self.http.send(&self.question(turn, None)).await.map_err(of_agent)
            }
            outcome => outcome,
        }
    }

    /// The conversation that a turn belongs to. Its id comes at the end of a
    /// reply: if the first one was stopped or broke off, it has to be looked for.
    async fn conversation_of(&self, turn: &Turn) -> Option<String> {
        if let Some(known) = &turn.memory.before().conversation {
            return Some(known.clone());
        }
        let found = self.find_conversation(turn).await?;
        turn.memory.keep_conversation(&found);
        Some(found)
    }

    fn chat(&self, turn: &Turn, body: &Value) -> Call {
        // `stream` is always said: the default is not that of other providers.
        Call::post(&["agents", &self.agent_id, "chat"], body).header("accept", "text/event-stream").of(turn)
    }

    fn question(&self, turn: &Turn, conversation: Option<&str>) -> Call {
        let mut body = json!({ "message": turn.message.text(), "stream": true });
        if let Some(object) = body.as_object_mut() {
            if let Some(conversation) = conversation {
                object.insert("conversationId".to_owned(), conversation.into());
            } else if let Some(user) = user_id(&turn.visitor) {
                // It counts where a conversation is begun, and nowhere else.
                object.insert("userId".to_owned(), user.into());
            }
        }
        self.chat(turn, &body)
    }

    fn retry(&self, turn: &Turn, conversation: &str, reply: &str) -> Call {
        let path = ["agents", &self.agent_id, "conversations", conversation, "retry"];
        let body = json!({ "messageId": reply, "stream": true });
        Call::post(&path, &body).header("accept", "text/event-stream").of(turn)
    }

    /// Brings what the page's tools answered.
    async fn hand_results(&self, turn: &Turn, conversation: &str) -> Result<(), UpstreamFailure> {
        let path = ["agents", &self.agent_id, "conversations", conversation, "tool-result"];
        let mut refused = None;
        let mut has_handed = false;
        for (tool_call_id, answer) in turn.results() {
            let output = match answer {
                Ok(output) => fit_result(output.as_str()),
                Err(error) => failed_result(error),
            };
            let body = json!({ "toolCallId": tool_call_id, "output": output });
            match self.hand_result(&Call::post(&path, &body).of(turn)).await {
                Ok(()) => has_handed = true,
                // The call of a tool on their side: its result is theirs.
                Err(failure) if failure.code() == ErrorCode::NotFound => refused = Some(failure),
                Err(failure) => return Err(failure),
            }
        }
        match refused {
            Some(failure) if !has_handed => Err(failure),
            _ => Ok(()),
        }
    }

    async fn hand_result(&self, call: &Call) -> Result<(), UpstreamFailure> {
        let mut wait = RESULT_WAIT;
        for _ in 0..RESULT_TRIES {
            match self.http.send(call).await {
                Err(failure) if failure.code() == ErrorCode::NotFound => sleep(wait).await,
                outcome => return outcome.map(drop),
            }
            wait = wait.saturating_mul(2);
        }
        self.http.send(call).await.map(drop)
    }
}

impl Upstream for ChatbaseV2 {
    fn features(&self) -> Features {
        CAPABILITIES.features()
    }

    fn reply(&self, turn: Turn) -> ChunkStream {
        let upstream = self.clone();
        let (memory, request_id) = (turn.memory.clone(), turn.request_id.clone());
        let chunks = drive(async move {
            let answer = upstream.ask(&turn).await?;
            let memory = turn.memory;
            let is_json = answer.is_json();
            Ok(if is_json { Opened::new(answer, whole(memory)) } else { Opened::new(answer, stream(memory)) })
        });
        state::tell(chunks, self.clone(), memory, request_id)
    }

    fn memory_scope(&self) -> String {
        format!("chatbase-v2:{}:{}", self.http.base().host_str().unwrap_or_default(), self.agent_id)
    }

    fn rate(&self, rating: Rating) -> Task<'_, ()> {
        Box::pin(async move {
            let Rating { conversation, reply, value, request_id, .. } = rating;
            let path =
                ["agents", &self.agent_id, "conversations", &conversation, "messages", &reply, "feedback"];
            // Nothing but `feedback` may stand in it: there is no place for a reason.
            let call = Call::patch(&path, &json!({ "feedback": value })).under(&request_id);
            self.http.send(&call).await.map(drop)
        })
    }

    fn read(&self, conversation: &str, request_id: &str) -> Task<'_, Option<Transcript>> {
        let (conversation, request_id) = (conversation.to_owned(), request_id.to_owned());
        Box::pin(async move {
            let messages = self.messages(&conversation, None, MAX_PAGE_ITEMS, &request_id).await?;
            let state = self.conversation(&conversation, &request_id).await?.state;
            Ok(Some(Transcript { state, messages: messages.data }))
        })
    }

    fn check(&self) -> Task<'_, Vec<String>> {
        Box::pin(async move {
            // It answers without a key: it tells a provider that is down from a
            // key that is wrong, and proves nothing else.
            let health = self.http.send(&Call::get(&["health"])).await;
            let path = ["agents", &self.agent_id, "conversations"];
            self.http.send(&Call::get(&path).query("limit", "1")).await.map_err(of_agent)?;
            let service = if health.is_ok() { "service is up" } else { "service answers, but not /health" };
            Ok(vec![service.to_owned(), "key and plan accepted".to_owned(), "agent is there".to_owned()])
        })
    }
}

/// A visitor's name, if the provider takes it as it is: it must be the same
/// every time, so it is not bent to fit.
fn user_id(visitor: &str) -> Option<&str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let fits = !visitor.is_empty() && visitor.len() <= MAX_USER_ID_CHARS && visitor.bytes().all(is_plain);
    fits.then_some(visitor)
}

/// A tool's result as it is taken.
fn fit_result(output: &str) -> Value {
    if output.len() > MAX_RESULT_BYTES {
        return failed_result(&format!("the result is larger than {MAX_RESULT_BYTES} bytes"));
    }
    serde_json::from_str(output).unwrap_or(Value::Null)
}

/// A failure, in the words of the provider's own widget.
fn failed_result(error: &str) -> Value {
    let end = error.floor_char_boundary(MAX_RESULT_BYTES / 2);
    json!({ "status": "error", "error": error.get(..end).unwrap_or_default() })
}

/// Where only the agent can be what is not found, the configuration is wrong.
fn of_agent(failure: UpstreamFailure) -> UpstreamFailure {
    if failure.code() != ErrorCode::NotFound {
        return failure;
    }
    UpstreamFailure::new(ErrorCode::Misconfigured).because(failure.detail().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_the_provider_takes_are_sent() {
        for good in ["v_0198c0", "a.b-c_D9", &"x".repeat(MAX_USER_ID_CHARS)] {
            assert_eq!(user_id(good), Some(good));
        }
        for bad in ["", "a b", "auth0|1", "a@b.example", "\u{e4}", &"x".repeat(MAX_USER_ID_CHARS + 1)] {
            assert_eq!(user_id(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_result_that_is_too_large_becomes_a_failure_that_says_so() {
        assert_eq!(fit_result("{\"a\":1}"), json!({ "a": 1 }));
        let long = format!("\"{}\"", "x".repeat(MAX_RESULT_BYTES));
        assert_eq!(fit_result(&long)["status"], "error");
        assert!(failed_result(&"\u{20ac}".repeat(MAX_RESULT_BYTES)).to_string().len() < MAX_RESULT_BYTES);
    }
}
