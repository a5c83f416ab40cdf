//! Chatbase, API v2: `/api/v2/agents/{agent}/...`.
//!
//! The question words "pause", "person" and "goodbye" leave the conversation
//! paused, taken over and ended. A person answers each question once somebody
//! reads the messages, and gives the conversation back after the word "agent". Generations of the stream: 0 has its metadata
//! in `messageMetadata`, 1 in `metadata` and no ids on text, 2 is bare JSON
//! lines with flat metadata, 3 adds an `event:` line to each event.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use serde_json::{Value, json};

use super::{Provider, Refused};
use crate::answer::{Answer, Script, data, named, text};
use crate::script::Switches;
use crate::server::Recorded;

/// The agent that is not there.
const UNKNOWN_AGENT: &str = "nobody";

/// How often the result of a call is refused: it arrives before the call is
/// stored.
const EARLY_RESULTS: u32 = 1;

#[derive(Debug, Default)]
pub(super) struct ChatbaseV2 {
    conversations: Mutex<BTreeMap<String, Conversation>>,
}

#[derive(Debug, Clone, Default)]
struct Conversation {
    agent: String,
    user: Option<String>,
    status: &'static str,
    messages: Vec<Message>,
    calls: BTreeMap<String, u32>,
}

#[derive(Debug, Clone)]
struct Message {
    id: String,
    role: &'static str,
    parts: Value,
    feedback: Value,
}

impl Provider for ChatbaseV2 {
    fn needs_key(&self, request: &Recorded) -> bool {
        request.path != "/api/v2/health"
    }

    fn answer(&self, request: &Recorded, switches: &Switches) -> Answer {
        let path = request.path.strip_prefix("/api/v2/").unwrap_or_default();
        let path: Vec<&str> = path.split('/').collect();
        if path.first() == Some(&"agents") && path.get(1) == Some(&UNKNOWN_AGENT) {
            return error(404, "AGENT_NOT_FOUND", "Agent not found");
        }
        let mut all = self.conversations.lock().unwrap_or_else(PoisonError::into_inner);
        match (request.method.as_str(), path.as_slice()) {
            ("GET", ["health"]) => Answer::json(200, json!({ "status": "ok", "timestamp": 1_790_000_000 })),
            ("POST", ["agents", agent, "chat"]) => chat(&mut all, agent, request, switches),
            ("POST", ["agents", agent, "conversations", id, "retry"]) => match known(&mut all, agent, id) {
                Some(conversation) => retry(id, conversation, request, switches),
                None => no_resource(),
            },
            ("GET", ["agents", agent, "conversations"]) => {
                list(&all, &request.query, |conversation| conversation.agent == *agent)
            }
            ("GET", ["agents", agent, "users", user, "conversations"]) => {
                list(&all, &request.query, |conversation| {
                    conversation.agent == *agent && conversation.user.as_deref() == Some(*user)
                })
            }
            ("GET", ["agents", agent, "conversations", id]) => match known(&mut all, agent, id) {
                Some(conversation) => Answer::json(200, json!({ "data": describe(id, conversation) })),
                None => no_resource(),
            },
            ("PATCH", ["agents", agent, "conversations", id]) => match known(&mut all, agent, id) {
                Some(conversation) => {
                    conversation.status = if request.body["paused"] == true { "paused" } else { "ongoing" };
                    Answer::json(200, json!({ "data": { "id": id, "status": conversation.status } }))
                }
                None => no_resource(),
            },
            ("GET", ["agents", agent, "conversations", id, "messages"]) => match known(&mut all, agent, id) {
                Some(conversation) => {
                    answer_in_person(conversation);
                    messages(conversation, &request.query)
                }
                None => no_resource(),
            },
            ("POST", ["agents", agent, "conversations", id, "tool-result"]) => {
                match known(&mut all, agent, id) {
                    Some(conversation) => tool_result(conversation, &request.body),
                    None => no_resource(),
                }
            }
            ("PATCH", ["agents", agent, "conversations", id, "messages", message, "feedback"]) => {
                match known(&mut all, agent, id) {
                    Some(conversation) => feedback(conversation, message, &request.body),
                    None => no_resource(),
                }
            }
            _ => no_resource(),
        }
    }

    fn refuse(&self, refused: Refused, request: &Recorded) -> Answer {
        match refused {
            Refused::WrongKey => error(401, "AUTH_INVALID_API_KEY", "Invalid API key"),
            Refused::WithKey => {
                let key = request.header("authorization");
                error(401, "AUTH_INVALID_API_KEY", &format!("Invalid API key: {key}"))
            }
            Refused::TooMany => {
                // In milliseconds, and a moment from now.
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                error(429, "RATE_LIMIT_TOO_MANY_REQUESTS", "Too many requests")
                    .with_header("x-ratelimit-limit", "100")
                    .with_header("x-ratelimit-remaining", "0")
                    .with_header("x-ratelimit-reset", (now.as_millis() + 700).to_string())
            }
            Refused::NoCredit => error(402, "CHAT_CREDITS_EXHAUSTED", "No credits left"),
            Refused::Status(503) => error(503, "SERVICE_UNDER_MAINTENANCE", "Under maintenance"),
            Refused::Status(status) => error(status, "INTERNAL_SERVER_ERROR", "Something went wrong"),
        }
    }
}

fn error(status: u16, code: &str, message: &str) -> Answer {
    Answer::json(status, json!({ "error": { "code": code, "message": message } }))
}

fn no_resource() -> Answer {
    error(404, "RESOURCE_NOT_FOUND", "Resource not found")
}

fn invalid(field: &str, reason: &str) -> Answer {
    let details = json!({ field: reason });
    let error =
        json!({ "code": "VALIDATION_INVALID_BODY", "message": "Invalid request body", "details": details });
    Answer::json(400, json!({ "error": error }))
}

fn known<'c>(
    all: &'c mut BTreeMap<String, Conversation>,
    agent: &str,
    id: &str,
) -> Option<&'c mut Conversation> {
    all.get_mut(id).filter(|conversation| conversation.agent == agent)
}

fn describe(id: &str, conversation: &Conversation) -> Value {
    json!({
        "id": id, "title": null, "createdAt": 1_790_000_000, "updatedAt": 1_790_000_060,
        "userId": conversation.user, "status": conversation.status,
    })
}

/// A number or text of a query.
fn query<'q>(query: &'q str, name: &str) -> Option<&'q str> {
    query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

fn list(
    all: &BTreeMap<String, Conversation>,
    request: &str,
    is_listed: impl Fn(&Conversation) -> bool,
) -> Answer {
    // Ids count up, so that the newest is the last.
    let listed = all.iter().rev().filter(|(_, conversation)| is_listed(conversation));
    page(listed.map(|(id, conversation)| describe(id, conversation)).collect(), request)
}

fn page(items: Vec<Value>, request: &str) -> Answer {
    let limit: usize = query(request, "limit").and_then(|limit| limit.parse().ok()).unwrap_or(20);
    if !(1..=100).contains(&limit) {
        return invalid("limit", "must be between 1 and 100");
    }
    let start: usize = query(request, "cursor").and_then(|cursor| cursor.parse().ok()).unwrap_or(0);
    let total = items.len();
    let has_more = start + limit < total;
    let cursor = has_more.then(|| (start + limit).to_string());
    let items: Vec<Value> = items.into_iter().skip(start).take(limit).collect();
    let pagination = json!({ "cursor": cursor, "hasMore": has_more, "total": total });
    Answer::json(200, json!({ "data": items, "pagination": pagination }))
}

fn show(message: &Message) -> Value {
    json!({
        "id": message.id, "role": message.role, "parts": message.parts, "createdAt": 1_790_000_000,
        "feedback": message.feedback, "metadata": { "score": null },
    })
}

/// Pages run backward from the newest; within one, the oldest is the first.
fn messages(conversation: &Conversation, request: &str) -> Answer {
    let newest_first = conversation.messages.iter().rev().map(show).collect();
    let Answer::Json(status, headers, mut body) = page(newest_first, request) else { return no_resource() };
    if let Some(items) = body["data"].as_array_mut() {
        items.reverse();
    }
    Answer::Json(status, headers, body)
}

/// What a person who took over writes: below the empty reply of the agent.
fn answer_in_person(conversation: &mut Conversation) {
    let is_asked = conversation.messages.last().is_some_and(|last| last.parts == json!([]));
    if conversation.status != "taken_over" || !is_asked {
        return;
    }
    let asked = conversation.messages.iter().rev().find(|message| message.role == "user");
    let asked = asked.and_then(|message| message.parts[0]["text"].as_str()).unwrap_or_default().to_owned();
    let text = format!("Ben here. You wrote: {asked}");
    push(conversation, "assistant", json!([{ "type": "text", "text": text }]));
    if asked.contains("agent") {
        conversation.status = "ongoing";
    }
}

fn tool_result(conversation: &mut Conversation, body: &Value) -> Answer {
    let extra = body
        .as_object()
        .and_then(|body| body.keys().find(|key| !["toolCallId", "output"].contains(&key.as_str())));
    if let Some(extra) = extra {
        return invalid(extra, "unknown property");
    }
    let early = body["toolCallId"].as_str().and_then(|id| conversation.calls.get_mut(id));
    match early {
        Some(0) => Answer::json(200, json!({ "data": { "success": true } })),
        Some(early) => {
            *early -= 1;
            error(404, "RESOURCE_TOOL_CALL_NOT_FOUND", "Tool call not found")
        }
        None => error(404, "RESOURCE_TOOL_CALL_NOT_FOUND", "Tool call not found"),
    }
}

fn feedback(conversation: &mut Conversation, id: &str, body: &Value) -> Answer {
    let Some(value) = body.get("feedback") else { return invalid("feedback", "required") };
    if body.as_object().is_none_or(|body| body.len() > 1) {
        return invalid("body", "unknown property");
    }
    if !value.is_null() && value != "positive" && value != "negative" {
        return invalid("feedback", "positive, negative or null");
    }
    let Some(message) = conversation.messages.iter_mut().find(|message| message.id == id) else {
        return error(404, "RESOURCE_MESSAGE_NOT_FOUND", "Message not found");
    };
    if message.role != "assistant" {
        return error(422, "RESOURCE_MESSAGE_NOT_ASSISTANT", "Not an assistant message");
    }
    message.feedback = value.clone();
    Answer::json(200, json!({ "data": show(message) }))
}

fn chat(
    all: &mut BTreeMap<String, Conversation>,
    agent: &str,
    request: &Recorded,
    switches: &Switches,
) -> Answer {
    let body = &request.body;
    let message = body["message"].as_str();
    if message.is_some_and(str::is_empty) {
        return invalid("message", "must not be empty");
    }
    let id = match body["conversationId"].as_str() {
        Some(id) => {
            let Some(conversation) = all.get(id) else { return no_resource() };
            if conversation.agent != agent {
                return error(400, "CHAT_CONVERSATION_MISMATCH", "Conversation of another agent");
            }
            if conversation.status == "ended" {
                return error(409, "CHAT_CONVERSATION_NOT_ONGOING", "Conversation is not ongoing");
            }
            id.to_owned()
        }
        None if message.is_none() => return invalid("message", "required"),
        None => {
            let user = body["userId"].as_str();
            let is_fit = user.is_none_or(|user| {
                user.len() <= 128
                    && user.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
            });
            if !is_fit {
                return invalid("userId", "must match ^[a-zA-Z0-9._-]+$");
            }
            let id = format!("0b6f0c1e-7f55-4b53-9a53-{:012}", all.len() + 1);
            let user = user.map(str::to_owned);
            let new =
                Conversation { agent: agent.to_owned(), user, status: "ongoing", ..Conversation::default() };
            all.insert(id.clone(), new);
            id
        }
    };
    let Some(conversation) = all.get_mut(&id) else { return no_resource() };
    if let Some(message) = message {
        let parts = json!([{ "type": "text", "text": message }]);
        push(conversation, "user", parts);
        for (word, status) in [("pause", "paused"), ("person", "taken_over")] {
            if message.contains(word) {
                conversation.status = status;
            }
        }
    }
    reply(&id, conversation, message.is_none(), request, switches)
}

fn retry(id: &str, conversation: &mut Conversation, request: &Recorded, switches: &Switches) -> Answer {
    let body = &request.body;
    let Some(replaced) = body["messageId"].as_str() else { return invalid("messageId", "required") };
    let place = conversation.messages.iter().position(|message| message.id == replaced);
    let Some(place) = place
        .filter(|&place| conversation.messages.get(place).is_some_and(|message| message.role == "assistant"))
    else {
        return error(404, "CHAT_RETRY_MESSAGE_NOT_FOUND", "Message not found");
    };
    conversation.messages.truncate(place);
    if !conversation.messages.iter().any(|message| message.role == "user") {
        return error(400, "CHAT_RETRY_NO_USER_MESSAGE", "No user message to retry");
    }
    reply(id, conversation, false, request, switches)
}

fn push(conversation: &mut Conversation, role: &'static str, parts: Value) -> String {
    let id = format!("msg_{}{}", &role[..1], conversation.messages.len() + 1);
    conversation.messages.push(Message { id: id.clone(), role, parts, feedback: Value::Null });
    id
}

/// What the agent says to the newest question.
fn reply(
    conversation_id: &str,
    conversation: &mut Conversation,
    has_results: bool,
    request: &Recorded,
    switches: &Switches,
) -> Answer {
    let questions: Vec<&Message> =
        conversation.messages.iter().filter(|message| message.role == "user").collect();
    let number = questions.len();
    let question =
        questions.last().and_then(|message| message.parts[0]["text"].as_str()).unwrap_or_default().to_owned();
    let user_message_id = questions.last().map(|message| message.id.clone());
    let is_silent = conversation.status != "ongoing";
    let calls_tool = question.contains("tool") && !has_results;

    let call_id = format!("call_{number}");
    let input = json!({ "city": "Malm\u{f6}" });
    let pieces = if is_silent || calls_tool { Vec::new() } else { text(&question, number) };
    let parts = if calls_tool && !is_silent {
        conversation.calls.insert(call_id.clone(), EARLY_RESULTS);
        json!([{ "type": "tool-call", "toolCallId": call_id, "toolName": "weather", "input": input }])
    } else if is_silent {
        json!([])
    } else {
        json!([{ "type": "text", "text": pieces.concat() }])
    };
    let id = push(conversation, "assistant", parts.clone());
    if question.contains("goodbye") {
        conversation.status = "ended";
    }
    let reason = if calls_tool && !is_silent { "tool-calls" } else { "stop" };
    let metadata = json!({
        "userMessageId": user_message_id, "conversationId": conversation_id,
        "userId": conversation.user, "usage": { "credits": 0.5 },
    });

    let generation = switches.generation;
    let mut events = vec![match generation {
        2 => json!({ "type": "message-start", "messageId": id }),
        _ => json!({ "type": "start", "messageId": id }),
    }];
    let text_event = |kind: &str| match generation {
        1 | 2 => json!({ "type": kind }),
        _ => json!({ "type": kind, "id": "t1" }),
    };
    events.push(json!({ "type": "start-step" }));
    let mut begun = events.len() + 3;
    if calls_tool && !is_silent {
        events.push(json!({ "type": "tool-input-start", "toolCallId": call_id, "toolName": "weather" }));
        for piece in ["{\"city\":", "\"Malm\u{f6}\"}"] {
            events
                .push(json!({ "type": "tool-input-delta", "toolCallId": call_id, "inputTextDelta": piece }));
        }
        let available = json!({ "type": "tool-input-available", "toolCallId": call_id, "toolName": "weather", "input": input });
        events.push(available);
    } else if !pieces.is_empty() {
        events.push(text_event("text-start"));
        for piece in &pieces {
            let mut event = text_event("text-delta");
            event["delta"] = piece.as_str().into();
            events.push(event);
        }
        events.push(text_event("text-end"));
    }
    events.push(json!({ "type": "finish-step" }));
    begun = begun.min(events.len() - 1);
    end(&mut events, generation, reason, &id, &metadata);

    // Some providers repeat what they were sent.
    let late = format!("Streaming failed for {}", request.header("authorization"));
    let late_error = match generation {
        1 => {
            json!({ "type": "error", "error": { "code": "CHAT_STREAMING_ERROR", "message": late } })
        }
        2 => json!({ "type": "error", "message": late }),
        _ => json!({ "type": "error", "errorText": late }),
    };
    let mut whole_metadata = metadata;
    whole_metadata["finishReason"] = reason.into();
    let whole =
        json!({ "data": { "id": id, "role": "assistant", "parts": parts, "metadata": whole_metadata } });
    if request.body["stream"] == false {
        return Answer::json(200, whole);
    }
    let mut lines: Vec<Bytes> = events.iter().map(|event| frame(event, generation)).collect();
    lines.push(match generation {
        2 => Bytes::from_static(b"[DONE]\n"),
        _ => Bytes::from_static(b"data: [DONE]\n\n"),
    });
    let late_error = Some(frame(&late_error, generation));
    Answer::Stream(Script { begun, late_error, ..Script::sse(lines, whole) })
        .with_header("x-vercel-ai-ui-message-stream", "v1")
}

/// The last events, with what is known about the reply.
fn end(events: &mut Vec<Value>, generation: u32, reason: &str, id: &str, metadata: &Value) {
    let mut metadata = metadata.clone();
    metadata["messageId"] = id.into();
    match generation {
        1 => events.push(json!({ "type": "finish", "finishReason": reason, "metadata": metadata })),
        2 => {
            metadata["type"] = "message-metadata".into();
            events.push(json!({ "type": "finish" }));
            events.push(metadata);
        }
        _ => {
            metadata["finishReason"] = reason.into();
            events.push(match generation {
                0 => json!({ "type": "finish", "finishReason": reason, "messageMetadata": metadata }),
                _ => json!({ "type": "finish", "messageMetadata": metadata }),
            });
        }
    }
}

fn frame(event: &Value, generation: u32) -> Bytes {
    match generation {
        2 => Bytes::from(format!("{event}\n")),
        3 => named(event["type"].as_str().unwrap_or_default(), event),
        _ => data(event),
    }
}
