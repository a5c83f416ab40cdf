//! Which key calls.

use axum::extract::{FromRequest, FromRequestParts, Request};
use bytes::Bytes;
use http::header::{AUTHORIZATION, ORIGIN};
use http::request::Parts;
use serde_json::Value;

use super::error::ManageError;
use crate::app::App;
use crate::edge::ClientAddress;
use crate::limit::Address;
use crate::manage::{Refusal, key};
use crate::store::KeyRecord;

/// A server with a good key.
#[derive(Debug)]
pub(super) struct Caller {
    pub(super) key: KeyRecord,
    pub(super) address: Address,
}

impl FromRequestParts<App> for Caller {
    type Rejection = ManageError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ManageError> {
        let authorization = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let (scheme, unverified_key) =
            authorization.and_then(|value| value.split_once(' ')).ok_or_else(Refusal::unauthenticated)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(Refusal::unauthenticated().into());
        }
        let key = key::find(app.store(), unverified_key.trim()).await?;
        if parts.headers.contains_key(ORIGIN) {
            return Err(Refusal::from_a_page().into());
        }
        let Ok(client) = ClientAddress::from_request_parts(parts, app).await;
        Ok(Self { key, address: client.into() })
    }
}

/// A JSON body, read whole; an empty one is `null`.
#[derive(Debug)]
pub(super) struct JsonValue(pub(super) Value);

impl<S: Send + Sync> FromRequest<S> for JsonValue {
    type Rejection = ManageError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ManageError> {
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|_| Refusal::invalid("body", "the body is too large, or did not arrive whole"))?;
        parse(&bytes).map(Self).map_err(ManageError)
    }
}

/// A body as JSON.
pub(super) fn parse(bytes: &[u8]) -> Result<Value, Refusal> {
    if bytes.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(bytes)
        .map_err(|error| Refusal::invalid("body", format!("the body is not JSON: {error}")))
}
