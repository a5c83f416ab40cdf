//! A reply for a server: one JSON object, or named events while it is written.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use chinwag_protocol::{Chunk, ErrorCode, ErrorData, Part, sse};
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use serde_json::{Value, json};

use crate::edge::RequestId;
use crate::generation::Reader;
use crate::limit::StreamPermit;
use crate::manage::Refusal;
use crate::store::Talk;

/// A reply that is being read.
pub(super) struct Answering {
    talk: Talk,
    reader: Reader,
    decoder: sse::Decoder,
    ready: VecDeque<Chunk>,
    text: String,
    parts: Vec<Part>,
    _permit: StreamPermit,
}

/// What a reply came to.
enum Step {
    Said(String),
    Done,
    Failed(Refusal),
}

impl Answering {
    pub(super) fn new(talk: Talk, reader: Reader, permit: StreamPermit) -> Self {
        Self {
            talk,
            reader,
            decoder: sse::Decoder::default(),
            ready: VecDeque::new(),
            text: String::new(),
            parts: Vec::new(),
            _permit: permit,
        }
    }

    /// The reply in one object, when it is over.
    pub(super) async fn whole(mut self) -> Result<Response, Refusal> {
        loop {
            match self.next().await {
                Step::Said(_) => {}
                Step::Done => return Ok(Json(self.body()).into_response()),
                Step::Failed(refusal) => return Err(refusal),
            }
        }
    }

    /// The events `token`, and at the end `done` or `error`.
    pub(super) fn stream(self, heartbeat: Duration) -> Response {
        // For the stream's later part, when the request's own task is over.
        let request_id = RequestId::current().map(|id| id.to_string()).unwrap_or_default();
        let state = (Some(self), request_id);
        let frames = futures_util::stream::unfold(state, move |(answering, request_id)| async move {
            let mut answering = answering?;
            let Ok(step) = tokio::time::timeout(heartbeat, answering.next()).await else {
                let beat = Bytes::from_static(sse::HEARTBEAT.as_bytes());
                return Some((Ok::<_, Infallible>(beat), (Some(answering), request_id)));
            };
            let (event, data, is_last) = match step {
                Step::Said(text) => ("token", json!({ "content": text }), false),
                Step::Done => ("done", answering.body(), true),
                Step::Failed(refusal) => ("error", refusal.body(&request_id), true),
            };
            let frame = Bytes::from(format!("event: {event}\ndata: {data}\n\n"));
            Some((Ok(frame), ((!is_last).then_some(answering), request_id)))
        });
        let mut response = Response::new(Body::from_stream(frames));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store, no-transform"));
        response
    }

    /// Reads on to the next thing that a caller is told.
    ///
    /// # Cancel safety
    /// A call that is dropped has taken nothing.
    async fn next(&mut self) -> Step {
        loop {
            while let Some(chunk) = self.ready.pop_front() {
                if let Some(step) = self.take(chunk) {
                    return step;
                }
            }
            let Some(bytes) = self.reader.next().await else {
                return Step::Failed(Refusal::failed(502, "interrupted", "the reply broke off"));
            };
            let ready = &mut self.ready;
            let fed = self.decoder.feed(&bytes, |frame| ready.extend(Chunk::from_json(&frame.data).ok()));
            if fed.is_err() {
                return Step::Failed(Refusal::failed(502, "interrupted", "the reply broke off"));
            }
        }
    }

    fn take(&mut self, chunk: Chunk) -> Option<Step> {
        match chunk {
            Chunk::TextDelta { delta, .. } => {
                self.text.push_str(&delta);
                return Some(Step::Said(delta));
            }
            // Two texts of one reply are two paragraphs.
            Chunk::TextStart { .. } if !self.text.is_empty() => {
                self.text.push_str("\n\n");
                return Some(Step::Said("\n\n".to_owned()));
            }
            Chunk::SourceUrl { source_id, url, title } => {
                self.parts.push(Part::SourceUrl { source_id, url, title });
            }
            Chunk::SourceDocument { source_id, media_type, title } => {
                self.parts.push(Part::SourceDocument { source_id, media_type, title });
            }
            Chunk::Finish { .. } => return Some(Step::Done),
            Chunk::Abort { .. } => {
                return Some(Step::Failed(Refusal::conflict("cancelled", "the reply was stopped")));
            }
            Chunk::Error { data, text } => return Some(Step::Failed(failed(data.as_ref(), text))),
            _ => {}
        }
        None
    }

    fn body(&self) -> Value {
        json!({
            "id": self.talk.id,
            "agent_id": self.talk.agent_id,
            "reply": self.text,
            "sources_used": sources(&self.parts),
            "conversation_id": self.talk.id,
            "created_at": self.talk.created_at,
        })
    }
}

fn failed(data: Option<&ErrorData>, text: String) -> Refusal {
    let code = data.map_or(ErrorCode::UpstreamError, |data| data.code);
    let wait = data.and_then(|data| data.retry_after_ms).map(Duration::from_millis);
    let status = match code.status() {
        status @ (402 | 409 | 413 | 422 | 429 | 503 | 504) => status,
        _ => 502,
    };
    Refusal::failed(status, code.as_str(), text).after(wait)
}

/// The sources of a reply, as the API lists them.
pub(super) fn sources(parts: &[Part]) -> Value {
    let shown = parts.iter().filter_map(|part| match part {
        Part::SourceUrl { source_id, url, title } => {
            Some(json!({ "id": source_id, "title": title.as_deref().unwrap_or(url), "url": url }))
        }
        Part::SourceDocument { source_id, title, .. } => Some(json!({ "id": source_id, "title": title })),
        _ => None,
    });
    shown.collect()
}
