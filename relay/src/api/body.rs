//! Request bodies: JSON up to a size, with the field at fault named.

use axum::extract::{FromRequest, Request};
use axum::response::IntoResponse as _;
use bytes::Bytes;
use chinwag_protocol::limits::MAX_BODY_BYTES;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde::de::DeserializeOwned;

use super::error::ApiError;

/// A JSON body of at most [`MAX_BODY_BYTES`].
#[derive(Debug)]
pub(super) struct JsonBody<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let kind =
            request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let essence = kind.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case("application/json") {
            return Err(ApiError::invalid("content-type", "send the body as application/json"));
        }
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| {
            if rejection.into_response().status() == StatusCode::PAYLOAD_TOO_LARGE {
                ApiError::too_large("body", format!("a body is at most {MAX_BODY_BYTES} bytes"))
            } else {
                ApiError::invalid("body", "the body did not arrive whole")
            }
        })?;
        parse(&bytes).map(Self)
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let mut decoder = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut decoder).map_err(|error| {
        let path = error.path().to_string();
        let error = error.into_inner();
        if error.is_data() {
            let param = if path == "." { "body".to_owned() } else { path };
            ApiError::invalid(param, error.to_string())
        } else {
            ApiError::invalid("body", format!("the body is not JSON: {error}"))
        }
    })?;
    decoder.end().map_err(|error| ApiError::invalid("body", format!("the body is not JSON: {error}")))?;
    Ok(value)
}
