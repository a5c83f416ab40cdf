//! Why a provider did not answer: a code for the visitor's client, a sentence
//! of ours for developers, and the provider's words for the operator's log
//! alone.

use std::time::Duration;

use chinwag_protocol::{Chunk, ErrorCode, ErrorData};
use serde_json::Value;

/// Longest detail that is kept for the log, in bytes.
const MAX_DETAIL_BYTES: usize = 400;

/// Most that a client is told to wait: a provider that says "in a year" means
/// "not now".
const MAX_RETRY_AFTER: Duration = Duration::from_hours(1);

/// A turn that a provider did not serve.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.text())]
pub struct UpstreamFailure {
    code: ErrorCode,
    status: Option<u16>,
    retry_after: Option<Duration>,
    detail: Option<String>,
}

impl UpstreamFailure {
    /// A failure of that code.
    pub fn new(code: ErrorCode) -> Self {
        Self { code, status: None, retry_after: None, detail: None }
    }

    /// Adds what the provider or the system said. It goes to the log, never
    /// into a chunk or an answer.
    #[must_use]
    pub fn because(mut self, detail: impl AsRef<str>) -> Self {
        let detail = detail.as_ref();
        let end = detail.floor_char_boundary(MAX_DETAIL_BYTES);
        let kept: String = detail.get(..end).unwrap_or_default().chars().map(blank_control).collect();
        self.detail = Some(kept);
        self
    }

    /// A failure as an error object of a provider tells it: its own code if
    /// that is known, else that of `otherwise`; its words, from the named fields
    /// and `message` after them, for the log. A field that is no text is told,
    /// last of all, if it is an object or a list.
    pub(crate) fn told(error: &Value, fields: &[&str], known: Option<ErrorCode>, otherwise: &Self) -> Self {
        let text = |key: &&str| error.get(*key).and_then(Value::as_str).map(str::to_owned);
        let whole = |key: &&str| {
            error.get(*key).filter(|value| value.is_object() || value.is_array()).map(Value::to_string)
        };
        let message = error.as_str().map(str::to_owned).or_else(|| text(&"message"));
        let words = fields.iter().filter_map(text).chain(message).chain(fields.iter().filter_map(whole));
        let words: Vec<String> = words.filter(|word| !word.is_empty()).collect();
        Self::new(known.unwrap_or(otherwise.code)).because(words.join(": ")).after(otherwise.retry_after)
    }

    /// Says when to come again, at most in an hour.
    #[must_use]
    pub fn after(mut self, wait: Option<Duration>) -> Self {
        self.retry_after = wait.map(|wait| wait.min(MAX_RETRY_AFTER));
        self
    }

    /// The HTTP status that the provider refused the request with, if it did.
    pub fn status(&self) -> Option<u16> {
        self.status
    }

    /// What went wrong.
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// When to come again, if the provider said so.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// The provider's or the system's words, for the operator.
    pub fn detail(&self) -> Option<&str> {
        self.detail.as_deref()
    }

    /// The same failure with the status of the refusal that it was read from.
    #[must_use]
    pub(crate) fn with_status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// The same failure with its detail passed through `change`.
    pub(crate) fn map_detail(mut self, change: impl FnOnce(String) -> String) -> Self {
        self.detail = self.detail.map(change);
        self
    }

    /// A sentence of ours, by the code alone.
    pub fn text(&self) -> &'static str {
        match self.code {
            ErrorCode::Misconfigured => "the agent is unavailable at the moment",
            ErrorCode::CreditsExhausted => "the agent's budget is used up",
            ErrorCode::RateLimited => "the agent gets too many questions at the moment",
            ErrorCode::Overloaded => "the agent is busy",
            ErrorCode::Maintenance => "the agent is closed for maintenance",
            ErrorCode::UpstreamTimeout => "the agent did not answer in time",
            ErrorCode::Interrupted => "the agent's answer broke off",
            ErrorCode::ContentBlocked => "the agent's content filter refused the question",
            ErrorCode::TooLarge => "the question is too long for the agent",
            ErrorCode::ConversationClosed => "the agent has closed the conversation",
            ErrorCode::NotFound => "the agent does not know that any more",
            ErrorCode::Unsupported => "the agent cannot do that",
            _ => "the agent failed",
        }
    }

    /// The terminal chunk that tells of it.
    pub fn chunk(&self) -> Chunk {
        let retry_after_ms =
            self.retry_after.map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1));
        let data = ErrorData {
            code: self.code,
            retryable: self.code.is_retryable(),
            retry_after_ms,
            request_id: None,
        };
        Chunk::Error { text: self.text().to_owned(), data: Some(data) }
    }
}

/// A line of the log stays one line.
fn blank_control(letter: char) -> char {
    if letter.is_control() { ' ' } else { letter }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_says_nothing_that_the_provider_said() {
        let failure = UpstreamFailure::new(ErrorCode::Misconfigured)
            .because("Incorrect API key provided: sk-live\nmore")
            .after(Some(Duration::from_millis(1500)));
        assert!(!failure.chunk().to_json().contains("sk-live"));
        assert!(!failure.to_string().contains("sk-live"));
        assert_eq!(failure.detail(), Some("Incorrect API key provided: sk-live more"));
        let Chunk::Error { data: Some(data), .. } = failure.chunk() else { panic!("no error chunk") };
        assert_eq!((data.code, data.retryable), (ErrorCode::Misconfigured, false));
        assert_eq!(data.retry_after_ms, Some(1500));
    }

    #[test]
    fn details_and_waits_are_bounded() {
        let failure = UpstreamFailure::new(ErrorCode::RateLimited)
            .because("\u{fc}".repeat(1000))
            .after(Some(Duration::from_hours(9000)));
        assert!(failure.detail().unwrap().len() <= MAX_DETAIL_BYTES);
        assert_eq!(failure.retry_after(), Some(MAX_RETRY_AFTER));
    }
}
