//! Chatsby, API v1: `POST /v1/conversations`, `GET /v1/agents/{id}`.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use serde_json::{Value, json};

use super::{Provider, Refused};
use crate::answer::{Answer, Script, named, text};
use crate::script::Switches;
use crate::server::Recorded;

/// Requests per minute that the headers promise.
const LIMIT: usize = 100;

#[derive(Debug, Default)]
pub(super) struct Chatsby {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    /// The questions of each conversation.
    conversations: HashMap<String, Vec<String>>,
    /// What was asked under an idempotency key: the conversation, and how many
    /// questions it had then.
    keys: HashMap<String, (String, usize)>,
    requests: usize,
}

impl Provider for Chatsby {
    fn answer(&self, request: &Recorded, switches: &Switches) -> Answer {
        let agent = request.path.strip_prefix("/v1/agents/");
        match (request.method.as_str(), request.path.as_str(), agent) {
            ("POST", "/v1/conversations", _) => self.converse(request, switches),
            ("GET", _, Some("nobody")) => error(404, "not_found_error", "resource_not_found", None),
            ("GET", _, Some(id)) => {
                Answer::json(200, json!({ "id": id, "name": "Simulated", "status": "active" }))
            }
            _ => error(404, "not_found_error", "resource_not_found", None),
        }
    }

    fn refuse(&self, refused: Refused, request: &Recorded) -> Answer {
        match refused {
            Refused::WrongKey => error(401, "authentication_error", "invalid_api_key", None),
            Refused::WithKey => {
                let message = format!("Invalid key: {}.", request.header("authorization"));
                error_with(401, "authentication_error", "invalid_api_key", None, &message)
            }
            Refused::TooMany => error(429, "rate_limit_error", "rate_limit_exceeded", None),
            Refused::NoCredit => error(402, "invalid_request_error", "quota_exceeded", None),
            Refused::Status(status) => error(status, "server_error", "internal_error", None),
        }
    }
}

impl Chatsby {
    fn converse(&self, request: &Recorded, switches: &Switches) -> Answer {
        let text_of = |key: &str| request.body[key].as_str();
        let Some(agent) = text_of("agent_id") else {
            return error(400, "invalid_request_error", "missing_required_field", Some("agent_id"));
        };
        let Some(question) = text_of("message").filter(|message| !message.is_empty()) else {
            return error(400, "invalid_request_error", "missing_required_field", Some("message"));
        };
        if agent == "nobody" {
            return error(404, "not_found_error", "resource_not_found", None);
        }
        let key = request.header("idempotency-key");
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.requests += 1;
        let remaining = LIMIT.saturating_sub(kept.requests);
        let known = kept.keys.get(key).cloned();
        let (conversation, number) = if let Some(known) = known {
            known
        } else {
            let conversation = match text_of("conversation_id") {
                Some(id) if kept.conversations.contains_key(id) => id.to_owned(),
                Some(_) => {
                    return error(404, "not_found_error", "resource_not_found", Some("conversation_id"));
                }
                None => format!("conv_{}", kept.conversations.len() + 1),
            };
            let questions = kept.conversations.entry(conversation.clone()).or_default();
            questions.push(question.to_owned());
            let asked = (conversation, questions.len());
            if !key.is_empty() {
                kept.keys.insert(key.to_owned(), asked.clone());
            }
            asked
        };
        drop(kept);
        let answer = reply(agent, question, &conversation, number, request.body["stream"] == true, switches);
        let reset = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() + 60;
        answer
            .with_header("x-ratelimit-limit", LIMIT.to_string())
            .with_header("x-ratelimit-remaining", remaining.to_string())
            .with_header("x-ratelimit-reset", reset.to_string())
    }
}

/// What only names are known of comes in three generations: `done` with all that
/// is inferred, without any of it, and `[DONE]` in its place.
fn reply(
    agent: &str,
    question: &str,
    conversation: &str,
    number: usize,
    is_streamed: bool,
    switches: &Switches,
) -> Answer {
    // Who asks for a person gets no word of the agent's.
    let pieces = if question.contains("a person") { Vec::new() } else { text(question, number) };
    let sources = if question.contains("source") {
        json!([{ "id": "src_9z8y7x6w5v", "title": "Contact" }])
    } else {
        json!([])
    };
    let whole = json!({
        "id": conversation,
        "agent_id": agent,
        "reply": pieces.concat(),
        "sources_used": sources,
        "conversation_id": conversation,
        "created_at": "2026-11-22T10:00:00Z",
    });
    if !is_streamed {
        return Answer::json(200, whole);
    }
    let mut events: Vec<Bytes> =
        pieces.iter().map(|piece| named("token", &json!({ "content": piece }))).collect();
    let begun = events.len().saturating_sub(2);
    events.push(match switches.generation {
        0 => named("done", &json!({ "conversation_id": conversation, "sources_used": sources })),
        1 => Bytes::from_static(b"event: done\ndata:\n\n"),
        _ => Bytes::from_static(b"data: [DONE]\n\n"),
    });
    let late_error = named("error", &body(500, "server_error", "internal_error", None, "It failed."));
    Answer::Stream(Script { begun, late_error: Some(late_error), ..Script::sse(events, whole) })
}

fn error(status: u16, kind: &str, code: &str, param: Option<&str>) -> Answer {
    error_with(status, kind, code, param, "It was refused.")
}

fn error_with(status: u16, kind: &str, code: &str, param: Option<&str>, message: &str) -> Answer {
    Answer::json(status, body(status, kind, code, param, message))
}

fn body(status: u16, kind: &str, code: &str, param: Option<&str>, message: &str) -> Value {
    let mut error = json!({ "type": kind, "message": message, "code": code, "status": status });
    if let Some(param) = param {
        error["param"] = param.into();
    }
    json!({ "error": error })
}
