//! What Chatsby's errors mean: `{"error": {type, code, message, param?, status}}`,
//! in an answer or in the midst of a stream.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chinwag_protocol::ErrorCode;
use http::HeaderMap;
use serde_json::Value;

use crate::upstream::failure::UpstreamFailure;
use crate::upstream::http::Refusal;

/// Reads an answer that is not a success.
pub(super) fn read_refusal(refusal: &Refusal<'_>) -> UpstreamFailure {
    let by_status = refusal.by_status();
    let reset = reset_in(number(refusal.headers, "x-ratelimit-reset"));
    let wait = by_status.retry_after().or(reset.filter(|_| refusal.status.as_u16() == 429));
    let by_status = by_status.after(wait);
    match refusal.json() {
        Some(body) => read_error(body.get("error").unwrap_or(&body), &by_status),
        None => by_status,
    }
}

/// Reads an error object. What it leaves open is `otherwise`.
///
/// `forbidden` and `not_found` are told apart from `misconfigured` here: the
/// caller knows what was asked for.
pub(super) fn read_error(error: &Value, otherwise: &UpstreamFailure) -> UpstreamFailure {
    let text = |key: &str| error.get(key).and_then(Value::as_str).unwrap_or_default();
    let (kind, code, param) = (text("type"), text("code"), text("param"));
    let known = by_param(kind, param).or_else(|| by_name(kind, code)).or_else(|| {
        Some(match error.get("status").and_then(Value::as_u64)? {
            401 => ErrorCode::Misconfigured,
            402 => ErrorCode::CreditsExhausted,
            403 => ErrorCode::Forbidden,
            404 => ErrorCode::NotFound,
            408 | 504 => ErrorCode::UpstreamTimeout,
            429 => ErrorCode::RateLimited,
            503 => ErrorCode::Overloaded,
            _ => return None,
        })
    });
    UpstreamFailure::told(error, &["type", "code", "param"], known, otherwise)
}

/// The field at fault says more than the kind of the error.
fn by_param(kind: &str, param: &str) -> Option<ErrorCode> {
    match (kind, param) {
        ("invalid_request_error" | "validation_error" | "not_found_error", "agent_id") => {
            Some(ErrorCode::Misconfigured)
        }
        ("invalid_request_error" | "validation_error" | "not_found_error", "conversation_id") => {
            Some(ErrorCode::NotFound)
        }
        _ => None,
    }
}

fn by_name(kind: &str, code: &str) -> Option<ErrorCode> {
    Some(match (kind, code) {
        (_, "invalid_api_key") | ("authentication_error", _) => ErrorCode::Misconfigured,
        ("forbidden_error", _) => ErrorCode::Forbidden,
        (_, "resource_not_found") | ("not_found_error", _) => ErrorCode::NotFound,
        ("rate_limit_error", _) => ErrorCode::RateLimited,
        // Not documented: most likely an agent that is paused.
        ("conflict_error", _) => ErrorCode::Maintenance,
        _ => return None,
    })
}

/// A header that is a number.
pub(super) fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

/// How long until that moment, in unix seconds; none if it has passed.
pub(super) fn reset_in(reset: Option<u64>) -> Option<Duration> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    Duration::from_secs(reset?).checked_sub(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code_of(error: &str) -> ErrorCode {
        let otherwise = UpstreamFailure::new(ErrorCode::UpstreamError);
        read_error(&serde_json::from_str(error).unwrap(), &otherwise).code()
    }

    #[test]
    fn errors_are_read_by_field_name_and_number() {
        for (error, code) in [
            (
                r#"{"type":"authentication_error","code":"invalid_api_key","status":401}"#,
                ErrorCode::Misconfigured,
            ),
            (r#"{"type":"forbidden_error","code":"x","status":403}"#, ErrorCode::Forbidden),
            (r#"{"type":"not_found_error","code":"resource_not_found","status":404}"#, ErrorCode::NotFound),
            (
                r#"{"type":"not_found_error","code":"resource_not_found","param":"agent_id"}"#,
                ErrorCode::Misconfigured,
            ),
            (
                r#"{"type":"validation_error","code":"validation_error","param":"conversation_id"}"#,
                ErrorCode::NotFound,
            ),
            (r#"{"type":"rate_limit_error","code":"x","status":429}"#, ErrorCode::RateLimited),
            (r#"{"type":"conflict_error","code":"x","status":409}"#, ErrorCode::Maintenance),
            (r#"{"type":"server_error","code":"x","status":500}"#, ErrorCode::UpstreamError),
            (r#"{"type":"server_error","code":"x","status":503}"#, ErrorCode::Overloaded),
            (r#"{"type":7,"code":null,"status":"x"}"#, ErrorCode::UpstreamError),
            (r#""a text""#, ErrorCode::UpstreamError),
            ("null", ErrorCode::UpstreamError),
        ] {
            assert_eq!(code_of(error), code, "{error}");
        }
    }

    #[test]
    fn a_moment_that_has_passed_is_no_wait() {
        assert_eq!(reset_in(Some(1)), None);
        assert_eq!(reset_in(None), None);
        assert!(reset_in(Some(u64::MAX)).is_some());
    }
}
