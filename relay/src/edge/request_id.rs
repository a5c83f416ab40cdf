//! The id of a request: in the header `x-request-id` of its answer, in error
//! bodies, and in the log.

use std::fmt;

use http::{HeaderMap, HeaderValue};
use uuid::Uuid;

tokio::task_local! {
    static CURRENT: RequestId;
}

/// Longest id that a proxy may give, in bytes.
const MAX_BYTES: usize = 128;

/// Names one request. It is made here, or by a proxy that we trust: an id that
/// anybody may choose could be forged to hide among another visitor's log lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(String);

impl RequestId {
    /// A new id, `req_` and 32 hexadecimal digits; later ids sort later.
    pub(super) fn generate() -> Self {
        Self(format!("req_{}", Uuid::now_v7().simple()))
    }

    /// The id that a trusted proxy has given, if it is one: visible characters that
    /// need no quoting in a log.
    pub(super) fn given(headers: &HeaderMap) -> Option<Self> {
        let text = headers.get("x-request-id")?.to_str().ok()?;
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:=+/".contains(&byte);
        let is_id = (1..=MAX_BYTES).contains(&text.len()) && text.bytes().all(is_plain);
        is_id.then(|| Self(text.to_owned()))
    }

    /// The id of the request that this task is answering. A task of its own (a
    /// reply that runs on, say) has none.
    pub fn current() -> Option<Self> {
        CURRENT.try_with(Clone::clone).ok()
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn header_value(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(&self.0).ok()
    }

    /// Runs a future as the answer to this request.
    pub(super) async fn scope<F: Future>(self, future: F) -> F::Output {
        CURRENT.scope(self, future).await
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
