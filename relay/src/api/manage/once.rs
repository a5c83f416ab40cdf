//! Writes with an `Idempotency-Key`: the same call gets the same answer for a
//! day, another one under the same key is refused.

use axum::Json;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::Value;

use super::error::ManageError;
use crate::app::App;
use crate::edge::RequestId;
use crate::manage::{Refusal, key};
use crate::store::{KeyRecord, Written};

/// Longest key, in bytes.
const MAX_KEY_BYTES: usize = 255;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Says on an answer that it was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// What a write answers: a status, and a body or none.
pub(super) type Outcome = Result<(StatusCode, Option<Value>), Refusal>;

/// The `Idempotency-Key` of a call, if it has one.
pub(super) fn key_of(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    let text = value.to_str().ok().filter(|text| is_key(text));
    let message = format!("an Idempotency-Key has 1 to {MAX_KEY_BYTES} visible characters");
    text.map(|text| Some(text.to_owned())).ok_or_else(|| Refusal::invalid("Idempotency-Key", message))
}

fn is_key(text: &str) -> bool {
    (1..=MAX_KEY_BYTES).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Does a write once. `call` names method, path and body.
pub(super) async fn once(
    app: &App,
    caller: &KeyRecord,
    headers: &HeaderMap,
    call: &str,
    work: impl Future<Output = Outcome> + Send,
) -> Result<Response, ManageError> {
    let Some(idempotency_key) = key_of(headers)? else { return Ok(respond(work.await)) };
    let store = app.store();
    match store.begin_write(&caller.id, &idempotency_key, &key::hash(call)).await? {
        Written::New => {}
        Written::Running => {
            let message = "the same call is being answered; come again for its answer";
            return Err(Refusal::conflict("idempotency_in_progress", message).into());
        }
        Written::Other => {
            let message = "this Idempotency-Key was used for another call in the last 24 hours";
            let refusal = Refusal::conflict("idempotency_key_reused", message).about("Idempotency-Key");
            return Err(refusal.into());
        }
        Written::Answered { status, body } => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
            let body = serde_json::from_str(&body).ok();
            let mut response = answer(status, body);
            response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
            return Ok(response);
        }
    }
    let outcome = work.await;
    let (status, body) = match &outcome {
        Ok((status, body)) => (status.as_u16(), body.as_ref().map(Value::to_string).unwrap_or_default()),
        Err(refusal) => {
            let request_id = RequestId::current().map(|id| id.to_string()).unwrap_or_default();
            (refusal.status, refusal.body(&request_id).to_string())
        }
    };
    if let Err(error) = store.end_write(&caller.id, &idempotency_key, status, &body).await {
        tracing::error!(%error, "the answer to a write is not kept; it may be done twice");
    }
    Ok(respond(outcome))
}

fn respond(outcome: Outcome) -> Response {
    match outcome {
        Ok((status, body)) => answer(status, body),
        Err(refusal) => ManageError(refusal).into_response(),
    }
}

fn answer(status: StatusCode, body: Option<Value>) -> Response {
    match body {
        Some(body) => (status, Json(body)).into_response(),
        None => status.into_response(),
    }
}
