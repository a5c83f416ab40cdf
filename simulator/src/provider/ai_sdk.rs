//! An application's endpoint of the AI SDK: `POST /api/chat`. Generation 1 speaks
//! the text protocol.

use bytes::Bytes;
use serde_json::{Value, json};

use super::{Provider, Refused, openai_chat};
use crate::answer::{Answer, Script, data, text};
use crate::script::Switches;
use crate::server::Recorded;

#[derive(Debug)]
pub(super) struct AiSdk;

impl Provider for AiSdk {
    fn answer(&self, request: &Recorded, switches: &Switches) -> Answer {
        match (request.method.as_str(), request.path.as_str()) {
            ("POST", "/api/chat") => chat(&request.body, switches.generation == 1),
            (_, "/api/chat") => Answer::json(405, json!({ "error": "Method Not Allowed" })),
            _ => Answer::json(404, json!({ "error": "Not Found" })),
        }
    }

    fn refuse(&self, refused: Refused, request: &Recorded) -> Answer {
        let (status, words) = match refused {
            Refused::WrongKey => (401, "Unauthorized".to_owned()),
            Refused::WithKey => (401, format!("Unauthorized: {}", request.header("authorization"))),
            Refused::TooMany => (429, "Too Many Requests".to_owned()),
            Refused::NoCredit => (402, "Payment Required".to_owned()),
            Refused::Status(status) => (status, "Failed".to_owned()),
        };
        Answer::json(status, json!({ "error": words }))
    }
}

fn text_of(message: &Value) -> String {
    let parts = message["parts"].as_array();
    let say = |part: &Value| match part["url"].as_str() {
        Some(url) if part["type"] == "file" => Some(openai_chat::file(url)),
        _ => part["text"].as_str().map(str::to_owned),
    };
    parts.into_iter().flatten().filter_map(say).collect()
}

fn chat(body: &Value, is_plain: bool) -> Answer {
    let empty = Vec::new();
    let messages = body["messages"].as_array().unwrap_or(&empty);
    let questions: Vec<String> =
        messages.iter().filter(|message| message["role"] == "user").map(text_of).collect();
    let Some(question) = questions.last() else {
        return Answer::json(400, json!({ "error": "no user message" }));
    };
    let has_result = messages.last().is_some_and(|message| message["role"] == "assistant");
    let id = format!("msg-{}", messages.len());
    let pieces = text(question, questions.len());
    let mut parts = vec![json!({ "type": "text", "text": pieces.concat() })];

    let mut events = vec![
        data(
            &json!({ "type": "start", "messageId": id, "messageMetadata": { "createdAt": 1_790_000_000_000_u64 } }),
        ),
        data(&json!({ "type": "start-step" })),
    ];
    if question.contains("think") {
        events.push(data(&json!({ "type": "reasoning-start", "id": "r1" })));
        events.push(data(&json!({ "type": "reasoning-delta", "id": "r1", "delta": "Let me see." })));
        events.push(data(&json!({ "type": "reasoning-end", "id": "r1" })));
    }
    let mut reason = "stop";
    let begun;
    if question.contains("tool") && !has_result {
        let call = |kind: &str| json!({ "type": kind, "toolCallId": "call_1", "toolName": "weather" });
        events.push(data(&call("tool-input-start")));
        events.push(data(
            &json!({ "type": "tool-input-delta", "toolCallId": "call_1", "inputTextDelta": "{}" }),
        ));
        let mut whole = call("tool-input-available");
        whole["input"] = json!({ "city": "Malm\u{f6}" });
        events.push(data(&whole));
        begun = events.len() - 1;
        reason = "tool-calls";
    } else {
        events.push(data(&json!({ "type": "text-start", "id": "t1" })));
        for piece in &pieces {
            events.push(data(&json!({ "type": "text-delta", "id": "t1", "delta": piece })));
        }
        begun = events.len() - 1;
        events.push(data(&json!({ "type": "text-end", "id": "t1" })));
    }
    if question.contains("source") {
        let source = json!({ "type": "source-url", "sourceId": "s1", "url": "https://example.com/a", "title": "A page" });
        let hostile =
            json!({ "type": "source-url", "sourceId": "s2", "url": "javascript:alert(1)", "title": "No" });
        events.extend([data(&source), data(&hostile)]);
        parts.push(source);
    }
    events.push(data(&json!({ "type": "data-weather", "id": 7, "data": { "of": "the application" } })));
    events.push(data(&json!({ "type": "finish-step" })));
    let metadata =
        json!({ "totalUsage": { "inputTokens": 3, "outputTokens": 2, "totalTokens": 5 }, "createdAt": 1 });
    events.push(data(&json!({ "type": "finish", "finishReason": reason, "messageMetadata": metadata })));
    events.push(Bytes::from_static(b"data: [DONE]\n\n"));

    let whole = json!({ "id": id, "role": "assistant", "parts": parts, "metadata": { "createdAt": 1 } });
    let mut script = Script::sse(events, whole);
    script.headers.push(("x-vercel-ai-ui-message-stream", "v1".to_owned()));
    script.begun = begun;
    script.late_error = Some(data(&json!({ "type": "error", "errorText": "The model failed." })));
    if is_plain {
        script.media_type = "text/plain; charset=utf-8";
        script.begun = pieces.len().div_ceil(2);
        script.events = pieces.into_iter().map(Bytes::from).collect();
        script.late_error = None;
        script.ping = None;
    }
    Answer::Stream(script)
}
