//! OpenAI Responses: `POST /v1/responses`, `GET /v1/models`. It keeps threads,
//! unless generation 1 is asked for: a server that keeps nothing and says so.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use serde_json::{Value, json};

use super::{Provider, Refused, openai_chat};
use crate::answer::{Answer, Script, named, text};
use crate::script::Switches;
use crate::server::Recorded;

/// What it keeps: for each response, how many questions led to it.
#[derive(Debug, Default)]
pub(super) struct OpenAiResponses {
    threads: Mutex<BTreeMap<String, (usize, String)>>,
}

impl Provider for OpenAiResponses {
    fn answer(&self, request: &Recorded, switches: &Switches) -> Answer {
        match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/v1/models") => openai_chat::models(),
            ("POST", "/v1/responses") => self.respond(&request.body, switches.generation == 0),
            _ => openai_chat::refuse(Refused::Status(404), request),
        }
    }

    fn refuse(&self, refused: Refused, request: &Recorded) -> Answer {
        openai_chat::refuse(refused, request)
    }
}

impl OpenAiResponses {
    fn respond(&self, body: &Value, keeps_threads: bool) -> Answer {
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        let previous = body["previous_response_id"].as_str().filter(|_| keeps_threads);
        let (earlier, last) = match previous.map(|id| threads.get(id)) {
            None => (0, String::new()),
            Some(Some(thread)) => thread.clone(),
            Some(None) => return not_found(previous.unwrap_or_default()),
        };
        let empty = Vec::new();
        let input = body["input"].as_array().unwrap_or(&empty);
        let questions: Vec<String> = input
            .iter()
            .filter(|item| item["role"] == "user")
            .filter_map(|item| openai_chat::content(&item["content"]))
            .chain(body["input"].as_str().map(str::to_owned))
            .collect();
        let has_result = input.last().is_some_and(|item| item["type"] == "function_call_output");
        let question = questions.last().unwrap_or(&last);
        let number = earlier + questions.len();
        let id = format!("resp_{}", threads.len() + 1);
        if keeps_threads && body["store"] != false {
            threads.insert(id.clone(), (number, question.to_owned()));
        }
        let head = json!({
            "id": id,
            "object": "response",
            "status": "in_progress",
            "store": keeps_threads && body["store"] != false,
            "previous_response_id": previous,
        });
        let tool = body["tools"][0]["name"].as_str().filter(|_| question.contains("tool") && !has_result);
        write(&head, question, number, tool, body["stream"] == true)
    }
}

fn not_found(id: &str) -> Answer {
    Answer::json(
        400,
        json!({ "error": {
            "message": format!("Previous response with id '{id}' not found."),
            "type": "invalid_request_error",
            "param": "previous_response_id",
            "code": "previous_response_not_found",
        } }),
    )
}

/// The events of one response, with their rising numbers.
struct Writer {
    events: Vec<Bytes>,
}

impl Writer {
    fn add(&mut self, kind: &str, mut fields: Value) {
        if let Some(object) = fields.as_object_mut() {
            object.insert("type".to_owned(), kind.into());
            object.insert("sequence_number".to_owned(), self.events.len().into());
        }
        self.events.push(named(kind, &fields));
    }
}

fn write(head: &Value, question: &str, number: usize, tool: Option<&str>, is_stream: bool) -> Answer {
    let mut writer = Writer { events: Vec::new() };
    let mut output = Vec::new();
    writer.add("response.created", json!({ "response": head }));
    writer.add("response.in_progress", json!({ "response": head }));
    if question.contains("think") {
        let place =
            json!({ "item_id": "rs_1", "output_index": 0, "summary_index": 0, "delta": "Let me see." });
        writer.add("response.reasoning_summary_text.delta", place);
        output.push(json!({ "type": "reasoning", "id": "rs_1",
            "summary": [{ "type": "summary_text", "text": "Let me see." }] }));
    }
    if question.contains("source") {
        let place = json!({ "item_id": "ws_1", "output_index": 0 });
        writer.add("response.web_search_call.searching", place.clone());
        writer.add("response.web_search_call.completed", place);
    }
    if let Some(name) = tool {
        let arguments = "{\"city\":\"Malm\u{f6}\"}";
        let item = |arguments: &str| json!({ "type": "function_call", "id": "fc_1", "call_id": "call_1", "name": name, "arguments": arguments });
        writer.add("response.output_item.added", json!({ "output_index": 0, "item": item("") }));
        for delta in ["{\"city\":", "\"Malm\u{f6}\"}"] {
            let place = json!({ "item_id": "fc_1", "output_index": 0, "delta": delta });
            writer.add("response.function_call_arguments.delta", place);
        }
        let done = json!({ "item_id": "fc_1", "name": name, "output_index": 0, "arguments": arguments });
        writer.add("response.function_call_arguments.done", done);
        writer.add("response.output_item.done", json!({ "output_index": 0, "item": item(arguments) }));
        output.push(item(arguments));
    } else {
        let pieces = text(question, number);
        for delta in &pieces {
            writer.add(
                "response.output_text.delta",
                json!({ "item_id": "msg_1", "output_index": 0, "content_index": 0, "delta": delta,
                    "logprobs": [], "obfuscation": "x7Fq" }),
            );
        }
        let mut annotations = json!([]);
        if question.contains("source") {
            let cited = json!({ "type": "url_citation", "url": "https://example.com/a", "title": "A page",
                "start_index": 0, "end_index": 4 });
            let filed =
                json!({ "type": "file_citation", "file_id": "file_1", "filename": "prices.pdf", "index": 3 });
            annotations = json!([cited, filed]);
            for (place, annotation) in [cited, filed].into_iter().enumerate() {
                writer.add(
                    "response.output_text.annotation.added",
                    json!({ "item_id": "msg_1", "output_index": 0, "content_index": 0,
                        "annotation_index": place, "annotation": annotation }),
                );
            }
        }
        let whole = pieces.concat();
        writer.add(
            "response.output_text.done",
            json!({ "item_id": "msg_1", "output_index": 0, "content_index": 0, "text": whole }),
        );
        output.push(json!({ "type": "message", "id": "msg_1", "role": "assistant",
            "content": [{ "type": "output_text", "text": whole, "annotations": annotations }] }));
    }
    let mut whole = head.clone();
    whole["status"] = "completed".into();
    whole["output"] = output.into();
    whole["usage"] = json!({ "input_tokens": 3, "output_tokens": 2, "total_tokens": 5 });
    let begun = writer.events.len().saturating_sub(3);
    writer.add("response.completed", json!({ "response": whole }));
    if !is_stream {
        return Answer::json(200, whole);
    }
    let error = json!({ "type": "error", "code": "server_error", "message": "The server had an error.", "param": null });
    let late_error = Some(named("error", &error));
    Answer::Stream(Script { begun, late_error, ..Script::sse(writer.events, whole) })
}
