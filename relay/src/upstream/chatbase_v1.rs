//! Chatbase, API v1: the older interface, without ids, usage or a reason to end.
//!
//! It keeps nothing that it uses itself: the transcript is sent each turn,
//! trimmed to [`HISTORY_TOKENS`]. The id of the conversation is ours, and only
//! files the exchange in the operator's dashboard.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chinwag_protocol::sse::{DONE, Frame};
use chinwag_protocol::{Chunk, ErrorCode, Features, FinishReason, Role, UiMessage};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::decode::{Blocks, Decode, DecodeEvent, Streamed, Utf8Text, Whole, malformed};
use super::failure::UpstreamFailure;
use super::history::{self, HISTORY_TOKENS};
use super::http::{Answer, Call, Http, HttpError, Opened, Refusal, drive};
use super::{Capabilities, ChunkStream, Support, Task, Turn, Upstream};
use crate::config::{ChatbaseV1Config, Limits};

/// What it can do.
pub const CAPABILITIES: Capabilities = Capabilities { identity: Support::Provider, ..Capabilities::BASE };

/// A chatbot at Chatbase.
#[derive(Debug, Clone)]
pub struct ChatbaseV1 {
    http: Http,
    settings: ChatbaseV1Config,
    /// Whether visitors are named to it. It ends when a request is refused with
    /// the name and accepted without.
    names_visitors: Arc<AtomicBool>,
}

/// A conversation in the operator's list.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Listed {
    /// Its id: ours, if it went through this relay.
    pub id: String,
    /// ISO 8601.
    #[serde(default)]
    pub created_at: Option<String>,
    /// Where it was held: `API`, `WhatsApp`, `Widget or Iframe`, ...
    #[serde(default)]
    pub source: Option<String>,
    /// What was said.
    #[serde(default)]
    pub messages: Vec<ListedMessage>,
}

/// One message of a [`Listed`] conversation.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ListedMessage {
    /// `user` or `assistant`.
    pub role: String,
    /// What was said.
    #[serde(default)]
    pub content: String,
}

impl ChatbaseV1 {
    /// Sets it up; nothing is sent yet.
    pub fn new(agent: &str, settings: &ChatbaseV1Config, limits: &Limits) -> Result<Self, HttpError> {
        let http = Http::new(agent, "chatbase-v1", &settings.hosted, limits, read_refusal)?;
        Ok(Self { http, settings: settings.clone(), names_visitors: Arc::new(AtomicBool::new(true)) })
    }

    /// A page of the chatbot's conversations, counted from 1, with at most 100
    /// of them. They are of all visitors and all channels: for the operator
    /// alone, never for a browser.
    pub async fn conversations(&self, page: u32, size: u32) -> Result<Vec<Listed>, UpstreamFailure> {
        #[derive(Deserialize)]
        struct List {
            data: Vec<Listed>,
        }
        let call = Call::get(&["get-conversations"])
            .query("chatbotId", self.chatbot())
            .query("page", page.max(1).to_string())
            .query("size", size.clamp(1, 100).to_string());
        let list: List = self.http.send(&call).await.map_err(misconfigured)?.json().await?;
        Ok(list.data)
    }

    fn chatbot(&self) -> &str {
        self.settings.hosted.agent_id.as_deref().unwrap_or_default()
    }

    fn call(&self, turn: &Turn, conversation: &str, contact: Option<&str>) -> Call {
        let mut body = json!({
            "messages": messages(turn),
            "conversationId": conversation,
            "stream": true,
        });
        let mut set = |key: &str, value: Value| {
            if let Some(object) = body.as_object_mut() {
                object.insert(key.to_owned(), value);
            }
        };
        set(self.settings.id_key.as_str(), self.chatbot().into());
        if let Some(contact) = contact {
            set("contactId", contact.into());
        }
        if let Some(model) = &self.settings.hosted.model {
            set("model", model.as_str().into());
        }
        if let Some(temperature) = self.settings.hosted.temperature {
            set("temperature", temperature.into());
        }
        Call::post(&["chat"], &body)
            .header("accept", "text/plain, text/event-stream, application/json")
            .of(turn)
    }

    async fn ask(&self, turn: &Turn) -> Result<Answer, UpstreamFailure> {
        let known = turn.memory.before().conversation.clone();
        let conversation = known.unwrap_or_else(|| {
            // The visitor's own id would not do: two visitors may have the same.
            let minted = Uuid::new_v4().to_string();
            turn.memory.keep_conversation(&minted);
            minted
        });
        if !self.names_visitors.load(Ordering::Relaxed) {
            return self.http.send(&self.call(turn, &conversation, None)).await.map_err(misconfigured);
        }
        let refused = match self.http.send(&self.call(turn, &conversation, Some(&turn.visitor))).await {
            Err(failure) if is_about_request(&failure) => failure,
            outcome => return outcome,
        };
        // *Inferred*: contacts may have to be made before they are named. What
        // was refused has no machine-readable reason, so one try without tells.
        match self.http.send(&self.call(turn, &conversation, None)).await {
            Ok(answer) => {
                tracing::info!(agent = self.http.agent(), "visitors are not named to the provider any more");
                self.names_visitors.store(false, Ordering::Relaxed);
                Ok(answer)
            }
            Err(failure) if is_about_request(&failure) => Err(misconfigured(refused)),
            Err(failure) => Err(failure),
        }
    }
}

impl Upstream for ChatbaseV1 {
    fn features(&self) -> Features {
        CAPABILITIES.features()
    }

    fn reply(&self, turn: Turn) -> ChunkStream {
        let upstream = self.clone();
        drive(async move {
            let answer = upstream.ask(&turn).await?;
            // Only the media type tells the three apart: an answer may begin with
            // "data:" or a brace as well as with any other text.
            Ok(match answer.media_type().as_str() {
                "application/json" => Opened::new(answer, whole()),
                "text/event-stream" => Opened::new(answer, stream()),
                "text/html" => {
                    let failure = UpstreamFailure::new(ErrorCode::Misconfigured);
                    return Err(failure.because("a web page answered; is base_url right?"));
                }
                _ => Opened::new(answer, text()),
            })
        })
    }

    fn memory_scope(&self) -> String {
        format!("chatbase-v1:{}:{}", self.http.base().host_str().unwrap_or_default(), self.chatbot())
    }

    fn check(&self) -> Task<'_, Vec<String>> {
        Box::pin(async move {
            self.conversations(1, 1).await?;
            Ok(vec!["key and plan accepted".to_owned(), "chatbot is there".to_owned()])
        })
    }
}

/// The transcript as the interface takes it: two roles, and text alone.
fn messages(turn: &Turn) -> Vec<Value> {
    let earlier = history::trim(&turn.history, HISTORY_TOKENS);
    earlier.iter().chain([&turn.message]).filter_map(message).collect()
}

fn message(message: &UiMessage) -> Option<Value> {
    let role = match message.role {
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::System => return None,
    };
    // A reply that broke off before it said anything has nothing to send.
    let text = Some(message.text()).filter(|text| !text.trim().is_empty())?;
    Some(json!({ "role": role, "content": text }))
}

/// Reads an answer that is not a success: `{"message": ...}`, without a code.
fn read_refusal(refusal: &Refusal<'_>) -> UpstreamFailure {
    let by_status = refusal.by_status();
    let code = match refusal.status.as_u16() {
        400 | 422 => ErrorCode::InvalidRequest,
        404 => ErrorCode::NotFound,
        // 403 is a quota that is used up as well, and nothing tells which.
        _ => by_status.code(),
    };
    let body = refusal.json().unwrap_or_default();
    let message = body.get("message").or_else(|| body.get("error")?.get("message")).and_then(Value::as_str);
    let failure = UpstreamFailure::new(code).after(by_status.retry_after());
    match message {
        Some(message) => failure.because(message),
        None => failure,
    }
}

/// Whether it was the request that was refused, not the key or the moment.
fn is_about_request(failure: &UpstreamFailure) -> bool {
    matches!(failure.code(), ErrorCode::InvalidRequest | ErrorCode::NotFound)
}

/// What is wrong with a request that is the same for all visitors is the
/// operator's to mend: chatbot, model or temperature.
fn misconfigured(failure: UpstreamFailure) -> UpstreamFailure {
    if !is_about_request(&failure) {
        return failure;
    }
    UpstreamFailure::new(ErrorCode::Misconfigured).because(failure.detail().unwrap_or_default())
}

/// The decoder of a raw text: every byte is the answer, and its end is the end.
pub fn text() -> impl Decode {
    Raw::default()
}

/// The decoder of server-sent events, which an older page of the documentation
/// promised.
pub fn stream() -> impl Decode {
    Streamed::new(Told::default())
}

/// The decoder of an answer that came as one JSON body.
pub fn whole() -> impl Decode {
    Whole::new(|body: &[u8], out: &mut Vec<Chunk>| {
        let body: Value = serde_json::from_slice(body).map_err(|error| malformed(error.to_string()))?;
        let text = text_of(&body)?.ok_or_else(|| malformed("neither text nor message is in the answer"))?;
        let mut blocks = Blocks::default();
        blocks.text(text, out);
        end(&mut blocks, out);
        Ok(())
    })
}

#[derive(Debug, Default)]
struct Raw {
    text: Utf8Text,
    blocks: Blocks,
    has_begun: bool,
}

impl Decode for Raw {
    fn feed(&mut self, bytes: &[u8], out: &mut Vec<Chunk>) -> Result<(), UpstreamFailure> {
        self.has_begun |= !bytes.is_empty();
        let text = self.text.feed(bytes);
        self.blocks.text(&text, out);
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<Chunk>) -> Result<(), UpstreamFailure> {
        if !self.has_begun {
            return Err(malformed("the answer is empty"));
        }
        let rest = self.text.finish();
        self.blocks.text(&rest, out);
        end(&mut self.blocks, out);
        Ok(())
    }
}

/// What the events have told.
#[derive(Debug, Default)]
struct Told {
    blocks: Blocks,
}

impl DecodeEvent for Told {
    fn take_event(&mut self, event: &Frame, out: &mut Vec<Chunk>) -> Result<(), UpstreamFailure> {
        if event.data.trim() == DONE {
            end(&mut self.blocks, out);
        } else {
            let text = event_text(&event.data)?;
            self.blocks.text(&text, out);
        }
        Ok(())
    }
}

/// The text of one event. *Inferred*: what stands in `data:` was never said, so
/// a JSON text, an object with a text in it, and the bare text are all taken.
fn event_text(data: &str) -> Result<String, UpstreamFailure> {
    match serde_json::from_str::<Value>(data) {
        Ok(Value::String(text)) => Ok(text),
        Ok(body @ Value::Object(_)) => Ok(text_of(&body)?.unwrap_or(data).to_owned()),
        _ => Ok(data.to_owned()),
    }
}

/// The answer in an object, if it has one.
fn text_of(body: &Value) -> Result<Option<&str>, UpstreamFailure> {
    if let Some(error) = body.get("error").filter(|error| !error.is_null()) {
        let message = error.get("message").unwrap_or(error).as_str().unwrap_or_default();
        return Err(malformed(message));
    }
    Ok(["text", "message"].into_iter().find_map(|key| body.get(key)?.as_str()))
}

fn end(blocks: &mut Blocks, out: &mut Vec<Chunk>) {
    blocks.close(out);
    out.push(Chunk::Finish { reason: FinishReason::Stop, metadata: None });
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, StatusCode};

    use super::*;

    fn refused(status: u16, body: &str) -> UpstreamFailure {
        let (status, headers) = (StatusCode::from_u16(status).unwrap(), HeaderMap::new());
        misconfigured(read_refusal(&Refusal { status, headers: &headers, body: body.as_bytes() }))
    }

    #[test]
    fn a_refusal_is_read_by_its_status_and_told_to_the_operator() {
        for (status, code) in [
            (400, ErrorCode::Misconfigured),
            (401, ErrorCode::Misconfigured),
            (403, ErrorCode::Misconfigured),
            (404, ErrorCode::Misconfigured),
            (429, ErrorCode::RateLimited),
            (500, ErrorCode::UpstreamError),
            (503, ErrorCode::Overloaded),
        ] {
            let failure = refused(status, r#"{"message":"Invalid chatbot ID"}"#);
            assert_eq!((failure.code(), failure.detail()), (code, Some("Invalid chatbot ID")), "{status}");
        }
        for body in ["", "[]", "<html>", r#"{"message":5}"#] {
            assert_eq!(refused(500, body).code(), ErrorCode::UpstreamError, "{body}");
        }
    }

    #[test]
    fn an_event_is_a_text_in_any_of_its_forms() {
        for (data, text) in [
            ("Hi", "Hi"),
            (" 5 to 6", " 5 to 6"),
            ("42", "42"),
            ("\"a\\nb\"", "a\nb"),
            ("{\"text\":\"a\"}", "a"),
            ("{\"message\":\"a\"}", "a"),
            ("{\"a\":1}", "{\"a\":1}"),
        ] {
            assert_eq!(event_text(data).unwrap(), text);
        }
        assert!(event_text("{\"error\":{\"message\":\"no\"}}").is_err());
    }
}
