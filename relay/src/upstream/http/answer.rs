//! A provider's answer whose head was good: its body, with time-outs.

use std::time::Duration;

use bytes::Bytes;
use chinwag_protocol::ErrorCode;
use chinwag_protocol::limits::MAX_EVENT_BYTES;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http_body_util::BodyExt as _;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout_at};

use super::Http;
use crate::upstream::decode::malformed;
use crate::upstream::failure::UpstreamFailure;

/// The body of an answer, in pieces. It holds the request's place in the
/// bulkhead. Dropped, it closes the connection (or, over HTTP/2, the stream).
#[derive(Debug)]
pub struct Answer {
    http: Http,
    /// None left once the body is read: they lie in the buffer that they came in,
    /// and would hold it for as long as the reply takes.
    headers: HeaderMap,
    body: reqwest::Body,
    /// For the first piece; each further one gets `idle`.
    deadline: Instant,
    idle: Duration,
    request_id: String,
    _permit: OwnedSemaphorePermit,
}

impl Answer {
    pub(super) fn new(
        http: Http,
        response: reqwest::Response,
        deadline: Instant,
        permit: OwnedSemaphorePermit,
        request_id: &str,
    ) -> Self {
        let idle = http.shared.idle;
        let (head, body) = http::Response::<reqwest::Body>::from(response).into_parts();
        let headers = head.headers;
        Self { http, headers, body, deadline, idle, request_id: request_id.to_owned(), _permit: permit }
    }

    /// The media type without parameters, in lower case; empty if there is none, and
    /// once the body is read.
    pub fn media_type(&self) -> String {
        let value = self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let essence = value.unwrap_or_default().split(';').next().unwrap_or_default();
        essence.trim().to_ascii_lowercase()
    }

    /// The headers, for what a provider says of its limits; none once the body is
    /// read.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Whether the answer is JSON as a whole, though a stream was asked for.
    pub fn is_json(&self) -> bool {
        self.media_type() == "application/json"
    }

    /// Tells the operator what the reply failed with, in the provider's words,
    /// without our secrets.
    pub(super) fn log_failure(&self, failure: &UpstreamFailure) {
        tracing::warn!(
            agent = self.http.agent(),
            provider = self.http.provider(),
            request_id = self.request_id,
            code = failure.code().as_str(),
            detail = self.http.redact(failure.detail().unwrap_or_default().to_owned()),
            "a provider's answer failed"
        );
    }

    /// The next piece of the body; `None` at its end in good order.
    ///
    /// # Errors
    /// `upstream_timeout` after too long a silence, `interrupted` if the
    /// connection broke.
    ///
    /// # Cancel safety
    /// A piece is never lost.
    pub async fn next(&mut self) -> Result<Option<Bytes>, UpstreamFailure> {
        self.headers = HeaderMap::new();
        match timeout_at(self.deadline, piece(&mut self.body)).await {
            Ok(Ok(piece)) => {
                self.deadline = Instant::now() + self.idle;
                Ok(piece)
            }
            Ok(Err(error)) => {
                self.http.shared.breaker.note_failure();
                let detail = self.http.describe(error);
                Err(UpstreamFailure::new(ErrorCode::Interrupted).because(detail))
            }
            Err(_) => {
                self.http.shared.breaker.note_failure();
                Err(UpstreamFailure::new(ErrorCode::UpstreamTimeout).because("the answer fell silent"))
            }
        }
    }

    /// The whole body, at most [`MAX_EVENT_BYTES`].
    pub async fn whole(mut self) -> Result<Vec<u8>, UpstreamFailure> {
        let mut body = Vec::new();
        while let Some(piece) = self.next().await? {
            if body.len() + piece.len() > MAX_EVENT_BYTES {
                return Err(malformed(format!("the answer is larger than {MAX_EVENT_BYTES} bytes")));
            }
            body.extend_from_slice(&piece);
        }
        Ok(body)
    }

    /// The body as JSON.
    pub async fn json<T: serde::de::DeserializeOwned>(self) -> Result<T, UpstreamFailure> {
        let body = self.whole().await?;
        serde_json::from_slice(&body).map_err(|error| malformed(format!("not the expected JSON: {error}")))
    }
}

/// The next bytes of a body; what else may come in one is passed over.
async fn piece(body: &mut reqwest::Body) -> Result<Option<Bytes>, reqwest::Error> {
    while let Some(frame) = body.frame().await {
        if let Ok(bytes) = frame?.into_data() {
            return Ok(Some(bytes));
        }
    }
    Ok(None)
}
