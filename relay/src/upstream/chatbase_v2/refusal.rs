//! What Chatbase's errors mean: by their code, and by the status only where
//! there is none.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chinwag_protocol::ErrorCode;
use http::{HeaderMap, StatusCode};
use serde_json::Value;

use crate::upstream::failure::UpstreamFailure;
use crate::upstream::http::Refusal;

/// From here on `X-RateLimit-Reset` counts milliseconds: as seconds it would be
/// in the year 5138.
const FIRST_MILLIS: f64 = 1e11;

/// Reads an answer that is not a success: `{"error": {code, message, details}}`.
pub(super) fn read_refusal(refusal: &Refusal<'_>) -> UpstreamFailure {
    let by_status = refusal.by_status();
    let wait = by_status.retry_after().or_else(|| {
        let is_limit = refusal.status == StatusCode::TOO_MANY_REQUESTS;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).ok().filter(|_| is_limit)?;
        until_reset(refusal.headers, now)
    });
    let by_status = by_status.after(wait);
    match refusal.json() {
        Some(body) => read_error(body.get("error").unwrap_or(&body), &by_status),
        None => by_status,
    }
}

/// Reads an error, in an answer or in the midst of a stream: an object with
/// `code` and `message`, or a text. What its code leaves open is `otherwise`.
pub(super) fn read_error(error: &Value, otherwise: &UpstreamFailure) -> UpstreamFailure {
    let text = |key: &str| error.get(key).and_then(Value::as_str).unwrap_or_default();
    let message = error.as_str().unwrap_or_else(|| text("message"));
    // In a stream the code may stand alone, as the text.
    let known = [text("code"), message].into_iter().find_map(known_code);
    UpstreamFailure::told(error, &["code", "details"], known, otherwise)
}

fn known_code(code: &str) -> Option<ErrorCode> {
    Some(match code {
        "CHAT_CREDITS_EXHAUSTED" | "CHAT_AGENT_CREDITS_EXHAUSTED" => ErrorCode::CreditsExhausted,
        "CHAT_MODEL_NOT_ALLOWED" | "AGENT_NOT_FOUND" => ErrorCode::Misconfigured,
        "CHAT_CONVERSATION_NOT_ONGOING" => ErrorCode::ConversationClosed,
        "CHAT_CONVERSATION_MISMATCH" => ErrorCode::Conflict,
        "CHAT_RETRY_MESSAGE_NOT_FOUND" | "CHAT_RETRY_NO_USER_MESSAGE" => ErrorCode::NotFound,
        "CHAT_STREAMING_ERROR" | "INTERNAL_SERVER_ERROR" => ErrorCode::UpstreamError,
        "SERVICE_UNDER_MAINTENANCE" => ErrorCode::Maintenance,
        // New codes join the families that are there.
        _ if !is_code(code) => return None,
        _ if code.starts_with("AUTH_") || code.starts_with("SUBSCRIPTION_") => ErrorCode::Misconfigured,
        _ if code.starts_with("RATE_LIMIT_") => ErrorCode::RateLimited,
        _ if code.starts_with("RESOURCE_") => ErrorCode::NotFound,
        _ => return None,
    })
}

/// Whether a text is a code, not a sentence that begins like one.
fn is_code(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
}

/// How long until `X-RateLimit-Reset`. It is milliseconds or seconds since 1970,
/// depending on whom one believes.
fn until_reset(headers: &HeaderMap, now: Duration) -> Option<Duration> {
    let value: f64 = headers.get("x-ratelimit-reset")?.to_str().ok()?.trim().parse().ok()?;
    let seconds = if value > FIRST_MILLIS { value / 1000.0 } else { value };
    Duration::try_from_secs_f64(seconds).ok()?.checked_sub(now)
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn refused(status: u16, body: &str) -> UpstreamFailure {
        let (status, headers) = (StatusCode::from_u16(status).unwrap(), HeaderMap::new());
        read_refusal(&Refusal { status, headers: &headers, body: body.as_bytes() })
    }

    #[test]
    fn the_code_decides_whatever_the_status() {
        for (code, expected) in [
            ("AUTH_MISSING_API_KEY", ErrorCode::Misconfigured),
            ("AUTH_INVALID_API_KEY", ErrorCode::Misconfigured),
            ("AUTH_EXPIRED_API_KEY", ErrorCode::Misconfigured),
            ("AUTH_INSUFFICIENT_PERMISSIONS", ErrorCode::Misconfigured),
            ("SUBSCRIPTION_API_RESTRICTED_PLAN", ErrorCode::Misconfigured),
            ("SUBSCRIPTION_PLAN_REQUIRED", ErrorCode::Misconfigured),
            ("CHAT_MODEL_NOT_ALLOWED", ErrorCode::Misconfigured),
            ("AGENT_NOT_FOUND", ErrorCode::Misconfigured),
            ("CHAT_CREDITS_EXHAUSTED", ErrorCode::CreditsExhausted),
            ("CHAT_AGENT_CREDITS_EXHAUSTED", ErrorCode::CreditsExhausted),
            ("RESOURCE_NOT_FOUND", ErrorCode::NotFound),
            ("RESOURCE_TOOL_CALL_NOT_FOUND", ErrorCode::NotFound),
            ("RESOURCE_MESSAGE_NOT_ASSISTANT", ErrorCode::NotFound),
            ("CHAT_RETRY_MESSAGE_NOT_FOUND", ErrorCode::NotFound),
            ("CHAT_RETRY_NO_USER_MESSAGE", ErrorCode::NotFound),
            ("CHAT_CONVERSATION_MISMATCH", ErrorCode::Conflict),
            ("CHAT_CONVERSATION_NOT_ONGOING", ErrorCode::ConversationClosed),
            ("RATE_LIMIT_TOO_MANY_REQUESTS", ErrorCode::RateLimited),
            ("INTERNAL_SERVER_ERROR", ErrorCode::UpstreamError),
            ("SERVICE_UNDER_MAINTENANCE", ErrorCode::Maintenance),
        ] {
            for status in [400, 403, 409, 418, 500] {
                let body = format!(r#"{{"error":{{"code":"{code}","message":"m"}}}}"#);
                assert_eq!(refused(status, &body).code(), expected, "{code} with {status}");
            }
        }
    }

    #[test]
    fn without_a_known_code_the_status_decides() {
        for body in ["", "<html>", "[]", "null", "{}", r#"{"error":{"code":"NEW","message":5}}"#] {
            assert_eq!(refused(401, body).code(), ErrorCode::Misconfigured, "{body}");
            assert_eq!(refused(429, body).code(), ErrorCode::RateLimited, "{body}");
            assert_eq!(refused(500, body).code(), ErrorCode::UpstreamError, "{body}");
        }
    }

    #[test]
    fn the_operator_reads_what_the_provider_said() {
        let body = r#"{"error":{"code":"VALIDATION_INVALID_BODY","message":"Bad","details":{"message":"too long"}}}"#;
        let failure = refused(400, body);
        assert_eq!(failure.detail(), Some(r#"VALIDATION_INVALID_BODY: Bad: {"message":"too long"}"#));
    }

    #[test]
    fn a_reset_is_read_in_seconds_and_in_milliseconds() {
        let now = Duration::from_secs(1_790_000_000);
        for (value, expected) in [
            ("1790000005", Some(5)),
            ("1790000005000", Some(5)),
            ("1789999999", None),
            ("10", None),
            ("-1", None),
            ("NaN", None),
            ("soon", None),
        ] {
            let name = HeaderName::from_static("x-ratelimit-reset");
            let headers = HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())]);
            assert_eq!(until_reset(&headers, now), expected.map(Duration::from_secs), "{value}");
        }
    }
}
