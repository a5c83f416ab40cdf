//! OpenAI Chat Completions: `POST /v1/chat/completions`, `GET /v1/models`.

use bytes::Bytes;
use serde_json::{Value, json};

use super::{Provider, Refused};
use crate::answer::{Answer, Script, citation, data, text};
use crate::script::Switches;
use crate::server::Recorded;

#[derive(Debug)]
pub(super) struct OpenAiChat;

impl Provider for OpenAiChat {
    fn answer(&self, request: &Recorded, _switches: &Switches) -> Answer {
        match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/v1/models") => models(),
            ("POST", "/v1/chat/completions") => complete(&request.body),
            _ => error(404, "invalid_request_error", Value::Null, "Unknown request URL."),
        }
    }

    fn refuse(&self, refused: Refused, request: &Recorded) -> Answer {
        refuse(refused, request)
    }
}

/// The list of models.
pub(super) fn models() -> Answer {
    let model =
        |id: &str| json!({ "id": id, "object": "model", "created": 1_790_000_000, "owned_by": "simulator" });
    Answer::json(200, json!({ "object": "list", "data": [model("m"), model("simulated")] }))
}

/// The errors of both interfaces.
pub(super) fn refuse(refused: Refused, request: &Recorded) -> Answer {
    match refused {
        Refused::WrongKey => {
            error(401, "invalid_request_error", json!("invalid_api_key"), "Incorrect API key provided.")
        }
        Refused::WithKey => {
            let message = format!("Incorrect API key provided: {}.", request.header("authorization"));
            error(401, "invalid_request_error", json!("invalid_api_key"), &message)
        }
        Refused::TooMany => error(429, "requests", json!("rate_limit_exceeded"), "Rate limit reached."),
        Refused::NoCredit => {
            error(429, "insufficient_quota", json!("insufficient_quota"), "You exceeded your current quota.")
        }
        Refused::Status(status) => error(status, "server_error", Value::Null, "The server had an error."),
    }
}

fn error(status: u16, kind: &str, code: Value, message: &str) -> Answer {
    Answer::json(
        status,
        json!({ "error": { "message": message, "type": kind, "param": null, "code": code } }),
    )
}

fn chunk(delta: Value, finish_reason: Value) -> Bytes {
    data(&json!({
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1_790_000_000,
        "model": "simulated",
        "choices": [{ "index": 0, "delta": delta, "finish_reason": finish_reason }],
    }))
}

/// What a user message says: a text, or a list of parts, in which files are
/// named by what they are and how many characters they take.
pub(super) fn content(content: &Value) -> Option<String> {
    if let Some(text) = content.as_str() {
        return Some(text.to_owned());
    }
    let say = |part: &Value| {
        let data = |url: &Value| url.as_str().map(file);
        match part["type"].as_str()? {
            "text" | "input_text" => part["text"].as_str().map(str::to_owned),
            "image_url" => data(&part["image_url"]["url"]),
            "input_image" => data(&part["image_url"]),
            "file" => data(&part["file"]["file_data"]),
            "input_file" => data(&part["file_data"]),
            _ => None,
        }
    };
    // As the provider: a part that it does not know fails the request.
    let parts: Option<Vec<String>> = content.as_array()?.iter().map(say).collect();
    parts.map(|parts| parts.join(" "))
}

/// A file in a request, in words.
pub(super) fn file(url: &str) -> String {
    let (kind, data) =
        url.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,")).unwrap_or_default();
    format!("[{kind}, {} characters]", data.len())
}

fn complete(body: &Value) -> Answer {
    let empty = Vec::new();
    let messages = body["messages"].as_array().unwrap_or(&empty);
    let questions: Vec<String> = messages
        .iter()
        .filter(|message| message["role"] == "user")
        .filter_map(|message| content(&message["content"]))
        .collect();
    let Some(question) = questions.last().map(String::as_str) else {
        return error(400, "invalid_request_error", Value::Null, "'messages' has no user message.");
    };
    if !body["model"].is_string() {
        return error(400, "invalid_request_error", Value::Null, "you must provide a model parameter");
    }
    let has_result = messages.last().is_some_and(|message| message["role"] == "tool");
    let tool =
        body["tools"][0]["function"]["name"].as_str().filter(|_| question.contains("tool") && !has_result);

    let mut events = vec![chunk(json!({ "role": "assistant", "content": "" }), Value::Null)];
    if question.contains("think") {
        events.push(chunk(json!({ "reasoning_content": "Let me see." }), Value::Null));
    }
    let mut message = json!({ "role": "assistant" });
    let finish_reason = if let Some(name) = tool {
        let call = |id: Value, name: Value, arguments: &str| {
            json!({ "tool_calls": [{ "index": 0, "id": id, "type": "function",
                "function": { "name": name, "arguments": arguments } }] })
        };
        events.push(chunk(call(json!("call_1"), json!(name), ""), Value::Null));
        events.push(chunk(call(Value::Null, Value::Null, "{\"city\":"), Value::Null));
        events.push(chunk(call(Value::Null, Value::Null, "\"Malm\u{f6}\"}"), Value::Null));
        message["tool_calls"] = json!([{ "id": "call_1", "type": "function",
            "function": { "name": name, "arguments": "{\"city\":\"Malm\u{f6}\"}" } }]);
        "tool_calls"
    } else {
        let mut pieces = text(question, questions.len());
        let told = messages.iter().filter(|message| message["role"] == "system");
        pieces.extend(told.flat_map(|message| citation(message["content"].as_str().unwrap_or_default())));
        events.extend(pieces.iter().map(|piece| chunk(json!({ "content": piece }), Value::Null)));
        message["content"] = pieces.concat().into();
        "stop"
    };
    if question.contains("source") {
        let annotations = json!([{ "type": "url_citation",
            "url_citation": { "url": "https://example.com/a", "title": "A page" } }]);
        events.push(chunk(json!({ "annotations": annotations }), Value::Null));
        message["annotations"] = annotations;
    }
    let begun = events.len().saturating_sub(2);
    events.push(chunk(json!({}), json!(finish_reason)));
    let usage = json!({ "prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5 });
    if body["stream_options"]["include_usage"] == true {
        events.push(data(&json!({
            "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_790_000_000,
            "model": "simulated", "choices": [], "usage": usage,
        })));
    }
    events.push(Bytes::from_static(b"data: [DONE]\n\n"));
    let whole = json!({
        "id": "chatcmpl-1", "object": "chat.completion",
        "choices": [{ "index": 0, "message": message, "finish_reason": finish_reason }],
        "usage": usage,
    });
    if body["stream"] != true {
        return Answer::json(200, whole);
    }
    let late_error =
        json!({ "error": { "message": "The server had an error.", "type": "server_error", "code": null } });
    Answer::Stream(Script { begun, late_error: Some(data(&late_error)), ..Script::sse(events, whole) })
}
