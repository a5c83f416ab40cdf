//! Chatbase, API v1: `POST /api/v1/chat`, `GET /api/v1/get-conversations`; and
//! what replaces the text that a chatbot answers from.
//!
//! Generations of the stream: 0 is raw text, 1 the server-sent events that an
//! older page promised.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use serde_json::{Value, json};

use super::{Provider, Refused};
use crate::answer::{Answer, Script, text};
use crate::script::Switches;
use crate::server::Recorded;

/// The chatbot that is not there, the one that knows no contact, and the one
/// that has its id under the older name.
const UNKNOWN_CHATBOT: &str = "nobody";
const WITHOUT_CONTACTS: &str = "no-contacts";
const OLD_NAME: &str = "old-name";

/// The chatbot of the account, and how much text it may have, in characters.
const CHATBOT: &str = "kq1_example";
const MAX_SOURCE_CHARS: usize = 100_000;

#[derive(Debug, Default)]
pub(super) struct ChatbaseV1 {
    /// What was said, by the caller's id of the conversation.
    conversations: Mutex<BTreeMap<String, Vec<Value>>>,
}

impl Provider for ChatbaseV1 {
    fn answer(&self, request: &Recorded, switches: &Switches) -> Answer {
        match (request.method.as_str(), request.path.as_str()) {
            ("POST", "/api/v1/chat") => self.chat(&request.body, switches),
            ("GET", "/api/v1/get-conversations") => self.list(&request.query),
            ("GET", "/api/v1/get-chatbots") => Answer::json(
                200,
                json!({ "chatbots": { "data": [{ "id": CHATBOT, "name": "Harbour help" }] } }),
            ),
            ("POST", "/api/v1/update-chatbot-data") => update(&request.body),
            _ => error(404, "Not found"),
        }
    }

    fn refuse(&self, refused: Refused, request: &Recorded) -> Answer {
        match refused {
            Refused::WrongKey => error(401, "Unauthorized"),
            Refused::WithKey => error(401, &format!("Unauthorized: {}", request.header("authorization"))),
            Refused::TooMany => error(429, "Too many requests"),
            Refused::NoCredit => error(403, "Message limit reached"),
            Refused::Status(status) => error(status, "Internal server error"),
        }
    }
}

/// Takes the whole text of a chatbot in, in the place of what it had.
fn update(body: &Value) -> Answer {
    let text = |name: &str| body[name].as_str().unwrap_or_default();
    let (id, name) = (text("chatbotId"), text("chatbotName"));
    let unknown = body
        .as_object()
        .into_iter()
        .flatten()
        .find(|(field, _)| !["chatbotId", "chatbotName", "sourceText"].contains(&field.as_str()));
    if let Some((field, _)) = unknown {
        return error(400, &format!("{field} is unknown"));
    }
    if id.is_empty() || name.chars().count() < 3 {
        return error(400, "chatbotId and a chatbotName of 3 characters are required");
    }
    if id == UNKNOWN_CHATBOT {
        return error(404, "Chatbot not found");
    }
    if text("sourceText").chars().count() > MAX_SOURCE_CHARS {
        return error(400, "Source text exceeds the character limit of your plan");
    }
    Answer::json(200, json!({ "chatbotId": id }))
}

fn error(status: u16, message: &str) -> Answer {
    Answer::json(status, json!({ "message": message }))
}

impl ChatbaseV1 {
    fn chat(&self, body: &Value, switches: &Switches) -> Answer {
        let (id, old_id) = (body["chatbotId"].as_str(), body["chatId"].as_str());
        match (id, old_id) {
            (None, Some(OLD_NAME)) => {}
            (None | Some(OLD_NAME), _) => return error(400, "chatbotId or chatId is missing"),
            (Some(UNKNOWN_CHATBOT), _) => return error(404, "Chatbot not found"),
            (Some(WITHOUT_CONTACTS), _) if body["contactId"].is_string() => {
                return error(404, "Contact not found");
            }
            _ => {}
        }
        let empty = Vec::new();
        let messages = body["messages"].as_array().unwrap_or(&empty);
        let is_fit = |message: &Value| {
            (message["role"] == "user" || message["role"] == "assistant") && message["content"].is_string()
        };
        if messages.is_empty() || !messages.iter().all(is_fit) {
            return error(400, "messages is invalid");
        }
        if body["temperature"].as_f64().is_some_and(|temperature| !(0.0..=1.0).contains(&temperature)) {
            return error(400, "temperature is out of range");
        }
        let questions: Vec<&str> = messages
            .iter()
            .filter(|message| message["role"] == "user")
            .filter_map(|message| message["content"].as_str())
            .collect();
        let pieces = text(questions.last().copied().unwrap_or_default(), questions.len());
        if let Some(conversation) = body["conversationId"].as_str() {
            let mut kept = self.conversations.lock().unwrap_or_else(PoisonError::into_inner);
            let kept = kept.entry(conversation.to_owned()).or_default();
            kept.extend(messages.last().cloned());
            kept.push(json!({ "role": "assistant", "content": pieces.concat() }));
        }
        let whole = json!({ "text": pieces.concat() });
        if body["stream"] != true {
            return Answer::json(200, whole);
        }
        if switches.generation == 1 {
            let mut events: Vec<Bytes> = pieces
                .iter()
                .map(|piece| Bytes::from(format!("data: {}\n\n", json!({ "text": piece }))))
                .collect();
            events.push(Bytes::from_static(b"data: [DONE]\n\n"));
            return Answer::Stream(Script::sse(events, whole));
        }
        let events: Vec<Bytes> = pieces.into_iter().map(Bytes::from).collect();
        // Nothing of this can be told from an answer: an error or an event is
        // text like any other.
        Answer::Stream(Script {
            media_type: "text/plain",
            ping: None,
            endless: Bytes::from_static(b"x"),
            ..Script::sse(events, whole)
        })
    }

    fn list(&self, query: &str) -> Answer {
        let value = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        match value("chatbotId") {
            None => return error(400, "chatbotId is missing"),
            Some(UNKNOWN_CHATBOT) => return error(404, "Chatbot not found"),
            Some(_) => {}
        }
        let number =
            |name: &str, default: usize| value(name).and_then(|text| text.parse().ok()).unwrap_or(default);
        let (page, size) = (number("page", 1).max(1), number("size", 10));
        if !(1..=100).contains(&size) {
            return error(400, "size is out of range");
        }
        let kept = self.conversations.lock().unwrap_or_else(PoisonError::into_inner);
        let items: Vec<Value> = kept
            .iter()
            .skip((page - 1).saturating_mul(size))
            .take(size)
            .map(|(id, messages)| {
                json!({
                    "id": id, "created_at": "2026-09-21T14:13:20.000Z", "messages": messages,
                    "chatbot_id": value("chatbotId"), "customer": null, "source": "API",
                })
            })
            .collect();
        Answer::json(200, json!({ "data": items }))
    }
}
