//! A reply as a response body: frames, heartbeats, the token that it hangs on,
//! and the permit that ends with it.

use std::convert::Infallible;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use chinwag_protocol::{Chunk, ErrorCode, sse};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName};
use http::{HeaderValue, StatusCode};
use tokio::time::Instant;

use crate::app::App;
use crate::generation::Reader;
use crate::limit::StreamPermit;
use crate::token::{LEEWAY, TokenError, VerifiedClaims};

struct Following {
    reader: Reader,
    heartbeat: Duration,
    app: App,
    claims: VerifiedClaims,
    check_at: Instant,
    is_over: bool,
    _permit: StreamPermit,
}

impl Following {
    async fn next(&mut self) -> Option<Bytes> {
        if self.is_over {
            return None;
        }
        let beat_at = Instant::now() + self.heartbeat;
        loop {
            if Instant::now() >= self.check_at {
                self.check_at = next_check(&self.app, &self.claims);
                if let Err(error) = self.app.keyring().check_again(&self.claims, SystemTime::now()) {
                    self.is_over = true;
                    return Some(farewell(&error));
                }
            }
            // Neither a lively stream nor a silent one keeps the check waiting.
            match tokio::time::timeout_at(beat_at.min(self.check_at), self.reader.next()).await {
                Ok(bytes) => return bytes,
                Err(_) if Instant::now() >= beat_at => {
                    return Some(Bytes::from_static(sse::HEARTBEAT.as_bytes()));
                }
                Err(_) => {}
            }
        }
    }
}

/// In half a minute or so, or right after the token's end if that is sooner.
fn next_check(app: &App, claims: &VerifiedClaims) -> Instant {
    let end = UNIX_EPOCH + Duration::from_secs(claims.expires_at()) + LEEWAY + Duration::from_secs(1);
    let left = end.duration_since(SystemTime::now()).unwrap_or_default();
    let pause = app.config().server.limits.token_check;
    Instant::now() + pause.min(left.max(SHORTEST_PAUSE))
}

/// What a stream ends with whose token is no longer good. It has no event id, so
/// that the last one which the client has seen is where it goes on with another
/// token: the reply itself runs on.
fn farewell(error: &TokenError) -> Bytes {
    let (code, text) = match error {
        TokenError::Expired => (ErrorCode::TokenExpired, "the access token has expired"),
        _ => (ErrorCode::Unauthenticated, "the access token has been revoked"),
    };
    let mut frames = String::new();
    sse::encode(&mut frames, None, &Chunk::error(code, text).to_json());
    sse::encode(&mut frames, None, sse::DONE);
    Bytes::from(frames)
}

/// Answers with what the reader reads. The reader's own pace is that of the
/// connection: it takes no more from the log than the socket accepts.
pub(super) fn respond(app: &App, claims: VerifiedClaims, reader: Reader, permit: StreamPermit) -> Response {
    let following = Following {
        reader,
        heartbeat: app.config().server.limits.heartbeat,
        check_at: next_check(app, &claims),
        app: app.clone(),
        claims,
        is_over: false,
        _permit: permit,
    };
    let frames = futures_util::stream::unfold(following, |mut following| async move {
        let bytes = following.next().await?;
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

/// A clock that is wrong must not make the check spin.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);

/// By it clients of the AI SDK know the protocol.
const UI_MESSAGE_STREAM: HeaderName = HeaderName::from_static("x-vercel-ai-ui-message-stream");
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
