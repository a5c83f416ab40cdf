//! Why the API does not do what it was asked, in the words of its documents.

use std::time::Duration;

use serde_json::{Value, json};

use crate::store::StoreError;

/// An error of the API: a status, a type, a code, and the field at fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The family, such as `invalid_request_error`.
    pub kind: &'static str,
    /// What it is, for programs.
    pub code: &'static str,
    /// What it is, for developers.
    pub message: String,
    /// The field, header or parameter at fault.
    pub param: Option<String>,
    /// When to come again.
    pub retry_after: Option<Duration>,
}

impl Refusal {
    fn new(status: u16, kind: &'static str, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, kind, code, message: message.into(), param: None, retry_after: None }
    }

    /// A field that has to be there is not.
    pub fn missing(param: &str) -> Self {
        Self::new(400, "invalid_request_error", "missing_required_field", format!("{param} is required"))
            .about(param)
    }

    /// A field or parameter of the wrong type, or one that nobody knows.
    pub fn invalid(param: &str, message: impl Into<String>) -> Self {
        Self::new(400, "invalid_request_error", "invalid_parameter", message).about(param)
    }

    /// A value of the right type that is out of range.
    pub fn unprocessable(param: &str, message: impl Into<String>) -> Self {
        Self::new(422, "validation_error", "validation_error", message).about(param)
    }

    /// No key, or one that opens nothing.
    pub fn unauthenticated() -> Self {
        let message = "send Authorization: Bearer cw_live_... or cw_test_..., a key of this relay";
        Self::new(401, "authentication_error", "invalid_api_key", message)
    }

    /// A provider's webhook that is not signed as it has to be.
    pub fn forged(message: impl Into<String>) -> Self {
        Self::new(401, "authentication_error", "invalid_signature", message)
    }

    /// A page called: a key in a page is everybody's.
    pub fn from_a_page() -> Self {
        let message = "keys belong on servers: a request with an Origin header is refused";
        Self::new(403, "forbidden_error", "origin_not_allowed", message)
    }

    /// Not there, or of the other kind of key.
    pub fn not_found(what: &str) -> Self {
        Self::new(404, "not_found_error", "resource_not_found", format!("there is no such {what}"))
    }

    /// The path is there, the method is not.
    pub fn method_not_allowed() -> Self {
        Self::new(405, "invalid_request_error", "method_not_allowed", "this path has no such method")
    }

    /// It does not go together with what is there.
    pub fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(409, "conflict_error", code, message)
    }

    /// A fault of ours, or of the provider behind an agent.
    pub fn failed(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        let kind = if status == 429 { "rate_limit_error" } else { "server_error" };
        Self::new(status, kind, code, message)
    }

    /// Names the field at fault.
    #[must_use]
    pub fn about(mut self, param: &str) -> Self {
        self.param = Some(param.to_owned());
        self
    }

    /// Says when to come again.
    #[must_use]
    pub fn after(mut self, wait: Option<Duration>) -> Self {
        self.retry_after = wait;
        self
    }

    /// The envelope.
    pub fn body(&self, request_id: &str) -> Value {
        let mut error = json!({
            "type": self.kind,
            "code": self.code,
            "message": self.message,
            "status": self.status,
            "request_id": request_id,
        });
        if let (Some(param), Some(error)) = (&self.param, error.as_object_mut()) {
            error.insert("param".to_owned(), param.as_str().into());
        }
        json!({ "error": error })
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Missing => Self::not_found("resource"),
            StoreError::Full(_) => Self::conflict("limit_reached", error.to_string()),
            StoreError::Cursor => Self::invalid("cursor", "this is not a cursor of this list"),
            error => {
                tracing::error!(%error, "a call of the API failed");
                Self::failed(500, "internal", "something went wrong here; the request id leads to it")
            }
        }
    }
}
