//! ChatBotKit, API v1: conversations, their turns as lines, events or one body,
//! votes, contacts, sessions and channels.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use serde_json::{Value, json};

use super::{Provider, Refused};
use crate::answer::{Answer, Script, named, text};
use crate::script::Switches;
use crate::server::Recorded;

/// How a session's token begins; the conversation follows.
const SESSION: &str = "session-of-";

#[derive(Debug, Default)]
pub(super) struct ChatBotKit {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    conversations: HashMap<String, Vec<Message>>,
    ids: usize,
}

#[derive(Debug, Clone)]
struct Message {
    id: String,
    kind: String,
    text: String,
}

impl Kept {
    fn id(&mut self, prefix: &str) -> String {
        self.ids += 1;
        format!("{prefix}-{}", self.ids)
    }

    fn push(&mut self, conversation: &str, kind: &str, text: &str) -> String {
        let id = self.id("msg");
        let message = Message { id: id.clone(), kind: kind.to_owned(), text: text.to_owned() };
        self.conversations.entry(conversation.to_owned()).or_default().push(message);
        id
    }
}

impl Provider for ChatBotKit {
    /// A session's token opens its conversation, and there only what the
    /// provider's list has.
    fn needs_key(&self, request: &Recorded) -> bool {
        let path = request.path.strip_prefix("/api").unwrap_or(&request.path);
        let segments: Vec<&str> = path.split('/').skip(2).collect();
        let session =
            request.header("authorization").strip_prefix("Bearer ").and_then(|t| t.strip_prefix(SESSION));
        !match segments.as_slice() {
            ["conversation", id, "complete"] | ["conversation", id, "message", _, "upvote" | "downvote"] => {
                session == Some(id)
            }
            ["channel", _, "publish"] => session.is_some(),
            _ => false,
        }
    }

    fn answer(&self, request: &Recorded, switches: &Switches) -> Answer {
        // Both spellings lead to the same place.
        let path = request.path.strip_prefix("/api").unwrap_or(&request.path);
        let segments: Vec<&str> = path.split('/').skip(2).collect();
        if request.method == "POST" && !request.body.is_object() {
            return error(400, "BAD_REQUEST");
        }
        let mut kept = self.kept();
        match (request.method.as_str(), segments.as_slice()) {
            ("GET", ["conversation", "list"]) => Answer::json(200, json!({ "items": [], "cursor": null })),
            ("GET", ["bot", "nobody", "fetch"]) => error(404, "NOT_FOUND"),
            ("GET", ["bot", id, "fetch"]) => Answer::json(200, json!({ "id": id, "name": "Simulated" })),
            ("POST", ["contact", "ensure"]) if request.body["fingerprint"].is_string() => {
                Answer::json(200, json!({ "id": "contact-1" }))
            }
            ("POST", ["channel", channel, "publish"]) if channel.len() >= 16 => {
                Answer::json(200, json!({ "id": kept.id("event") }))
            }
            ("POST", ["conversation", "create"]) => create(&mut kept, &request.body),
            (_, ["conversation", id, ..]) if !kept.conversations.contains_key(*id) => error(404, "NOT_FOUND"),
            ("POST", ["conversation", id, "complete"]) => complete(&mut kept, id, request, switches),
            ("POST", ["conversation", id, "session", "create"]) => {
                let seconds = request.body["durationInSeconds"].as_u64().unwrap_or(3600);
                if !(1800..=86_400).contains(&seconds) {
                    return error(400, "BAD_REQUEST");
                }
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
                let token = format!("{SESSION}{id}");
                Answer::json(
                    200,
                    json!({ "id": kept.id("session"), "token": token, "expiresAt": (now + seconds) * 1000 }),
                )
            }
            ("GET", ["conversation", id, "message", "list"]) => list(&kept, id, &request.query),
            ("POST", ["conversation", id, "message", message, what]) => change(&mut kept, id, message, what),
            _ => error(404, "NOT_FOUND"),
        }
    }

    fn refuse(&self, refused: Refused, request: &Recorded) -> Answer {
        match refused {
            Refused::WrongKey => error(401, "NOT_AUTHENTICATED"),
            Refused::WithKey => {
                let message = format!("Not authenticated: {}", request.header("authorization"));
                Answer::json(401, json!({ "message": message, "code": "NOT_AUTHENTICATED" }))
            }
            Refused::TooMany => error(429, "TOO_MANY_REQUESTS"),
            Refused::NoCredit => error(429, "LIMITS_REACHED"),
            Refused::Status(status) => match status {
                502 => error(502, "BAD_GATEWAY"),
                503 => error(503, "SERVICE_UNAVAILABLE"),
                504 => error(504, "GATEWAY_TIMEOUT"),
                status => error(status, "INTERNAL_SERVER_ERROR"),
            },
        }
    }
}

impl ChatBotKit {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn error(status: u16, code: &str) -> Answer {
    Answer::json(status, json!({ "message": "It was refused.", "code": code }))
}

fn create(kept: &mut Kept, body: &Value) -> Answer {
    if body["botId"] == "nobody" {
        return error(404, "NOT_FOUND");
    }
    let id = kept.id("conversation");
    kept.conversations.insert(id.clone(), Vec::new());
    for message in body["messages"].as_array().into_iter().flatten() {
        let text = |key: &str| message[key].as_str().unwrap_or_default();
        kept.push(&id, text("type"), text("text"));
    }
    Answer::json(200, json!({ "id": id }))
}

fn list(kept: &Kept, conversation: &str, query: &str) -> Answer {
    let field = |name: &str| {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.into_iter().find(|(key, _)| *key == name).map(|(_, value)| value)
    };
    let messages = kept.conversations.get(conversation).cloned().unwrap_or_default();
    let begin = field("cursor")
        .and_then(|cursor| messages.iter().position(|message| message.id == cursor))
        .map_or(0, |place| place + 1);
    let take = field("take").and_then(|take| take.parse().ok()).unwrap_or(usize::MAX);
    let items: Vec<Value> = messages
        .iter()
        .skip(begin)
        .take(take)
        .map(|message| json!({ "id": message.id, "type": message.kind, "text": message.text }))
        .collect();
    // The id of the last one, on the last page too.
    let cursor = items.last().map_or(Value::Null, |item| item["id"].clone());
    Answer::json(200, json!({ "items": items, "cursor": cursor }))
}

fn change(kept: &mut Kept, conversation: &str, message: &str, what: &str) -> Answer {
    let messages = kept.conversations.entry(conversation.to_owned()).or_default();
    let Some(place) = messages.iter().position(|known| known.id == message) else {
        return error(404, "NOT_FOUND");
    };
    match what {
        "upvote" | "downvote" => {}
        "delete" => drop(messages.remove(place)),
        _ => return error(404, "NOT_FOUND"),
    }
    Answer::json(200, json!({ "id": message }))
}

/// How a turn is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Lines,
    Events,
    Body,
}

fn complete(kept: &mut Kept, conversation: &str, request: &Recorded, switches: &Switches) -> Answer {
    let accept = request.header("accept").split([',', ';']).next().unwrap_or_default().trim();
    let form = match accept {
        // A second generation, to try the other form of the same stream.
        "application/jsonl" if switches.generation == 1 => Form::Events,
        "application/jsonl" => Form::Lines,
        "text/event-stream" => Form::Events,
        "" | "*/*" | "application/json" => Form::Body,
        _ => return error(400, "BAD_REQUEST"),
    };
    if let Some(text) = request.body["text"].as_str() {
        kept.push(conversation, "user", text);
    }
    let messages = kept.conversations.get(conversation).map(Vec::as_slice).unwrap_or_default();
    let Some(asked) = messages.last().filter(|message| message.kind == "user").cloned() else {
        return error(400, "BAD_REQUEST");
    };
    let number = messages.iter().filter(|message| message.kind == "user").count();
    let pieces = text(&asked.text, number);
    let whole = pieces.concat();
    let id = kept.push(conversation, "bot", &whole);
    let result = json!({
        "id": id, "text": whole, "usage": { "token": 311 }, "end": { "reason": "stop" },
    });
    if form == Form::Body {
        return Answer::json(200, result);
    }
    let item = |kind: &str, data: &Value| {
        if form == Form::Events {
            return named(kind, data);
        }
        let line = json!({ "type": kind, "data": data, "createdAt": 1_790_000_000_000_u64 });
        Bytes::from(format!("{line}\n"))
    };
    let step = json!({ "instance": "i1", "iteration": "1" });
    let mut events = vec![
        item("completeBegin", &step),
        item(
            "sendResult",
            &json!({ "id": asked.id, "text": asked.text, "entities": [], "usage": { "token": 9 } }),
        ),
    ];
    if asked.text.contains("think") {
        events.push(item("reasoningToken", &json!({ "token": "Let me see." })));
    }
    // Nobody is waited for: the answer is there as soon as it is asked for.
    let function = &request.body["functions"][0];
    if asked.text.contains("tool") && function["result"]["channel"].is_string() {
        let channel = &function["result"]["channel"];
        let called = json!({ "name": function["name"], "args": { "city": "Malm\u{f6}" } });
        events.push(item("waitForChannelMessageBegin", &json!({ "channel": channel, "function": called })));
        let message = json!({ "data": "rain" });
        events.push(item(
            "waitForChannelMessageEnd",
            &json!({ "channel": channel, "function": called, "message": message }),
        ));
    }
    events.extend(pieces.iter().map(|piece| item("token", &json!({ "token": piece }))));
    let begun = events.len().saturating_sub(2);
    events.push(item("message", &json!({ "type": "bot", "text": whole })));
    events.push(item("usage", &json!({ "model": "m", "inputTokensUsed": 300, "outputTokensUsed": 11 })));
    events.push(item("completeEnd", &step));
    events.push(item("receiveResult", &result));
    events.push(item("result", &result));
    let late_error =
        item("error", &json!({ "message": "Internal server error.", "code": "INTERNAL_SERVER_ERROR" }));
    let script = Script { begun, late_error: Some(late_error), ..Script::sse(events, result) };
    if form == Form::Events {
        return Answer::Stream(Script { ping: Some(item("ping", &json!({}))), ..script });
    }
    Answer::Stream(Script {
        media_type: "application/jsonl",
        ping: Some(Bytes::from_static(b"{\"type\":\"ping\",\"data\":{}}\n")),
        malformed: Bytes::from_static(b"{\"type\": <html>\n"),
        endless: Bytes::from_static(b"{\"type\":\"token\",\"data\":{\"token\":\""),
        ..script
    })
}
