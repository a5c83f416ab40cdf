//! Refusals as answers.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};

use crate::edge::RequestId;
use crate::limit::Limited;
use crate::manage::Refusal;
use crate::store::StoreError;

/// A refusal on its way out.
#[derive(Debug)]
pub(super) struct ManageError(pub(super) Refusal);

impl IntoResponse for ManageError {
    fn into_response(self) -> Response {
        let Self(refusal) = self;
        let request_id = RequestId::current().map(|id| id.to_string()).unwrap_or_default();
        let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(refusal.body(&request_id))).into_response();
        if let Some(wait) = refusal.retry_after {
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<Refusal> for ManageError {
    fn from(refusal: Refusal) -> Self {
        Self(refusal)
    }
}

impl From<StoreError> for ManageError {
    fn from(error: StoreError) -> Self {
        Self(error.into())
    }
}

impl From<Limited> for ManageError {
    fn from(limited: Limited) -> Self {
        let refusal = Refusal::failed(429, "rate_limit_exceeded", "too many requests; see Retry-After");
        Self(refusal.after(Some(limited.retry_after)))
    }
}
