//! A reply as a response body: frames, heartbeats, and the permit that ends
//! with it.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use chinwag_protocol::sse;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName};
use http::{HeaderValue, StatusCode};

use crate::generation::Reader;
use crate::limit::StreamPermit;

struct Following {
    reader: Reader,
    heartbeat: Duration,
    _permit: StreamPermit,
}

/// Answers with what the reader reads. The reader's own pace is that of the
/// connection: it takes no more from the log than the socket accepts.
pub(super) fn respond(reader: Reader, permit: StreamPermit, heartbeat: Duration) -> Response {
    let following = Following { reader, heartbeat, _permit: permit };
    let frames = futures_util::stream::unfold(following, |mut following| async move {
        let bytes = match tokio::time::timeout(following.heartbeat, following.reader.next()).await {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return None,
            Err(_) => Bytes::from_static(sse::HEARTBEAT.as_bytes()),
        };
        Some((Ok::<_, Infallible>(bytes), following))
    });
    let mut response = Response::new(Body::from_stream(frames));
    *response.status_mut() = StatusCode::OK;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(UI_MESSAGE_STREAM, HeaderValue::from_static("v1"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store, no-transform"));
    // nginx would gather the whole answer otherwise.
    headers.insert(ACCEL_BUFFERING, HeaderValue::from_static("no"));
    response
}

/// By it clients of the AI SDK know the protocol.
const UI_MESSAGE_STREAM: HeaderName = HeaderName::from_static("x-vercel-ai-ui-message-stream");
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
