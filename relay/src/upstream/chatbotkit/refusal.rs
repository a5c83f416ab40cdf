//! What ChatBotKit's errors mean: `{message, code}`, flat or within `error`, as
//! an answer, as an event, or as a body under status 200.

use chinwag_protocol::ErrorCode;
use serde_json::Value;

use crate::upstream::failure::UpstreamFailure;
use crate::upstream::http::Refusal;

/// Reads an answer that is not a success. No header says how long to wait.
pub(super) fn read_refusal(refusal: &Refusal<'_>) -> UpstreamFailure {
    let by_status = refusal.by_status();
    match refusal.json() {
        Some(body) => read_error(body.get("error").unwrap_or(&body), &by_status),
        None => by_status,
    }
}

/// Reads an error object. What it leaves open is `otherwise`.
///
/// `forbidden`, `not_found` and `unsupported` are told apart from
/// `misconfigured` here: the caller knows what was asked for.
pub(super) fn read_error(error: &Value, otherwise: &UpstreamFailure) -> UpstreamFailure {
    let text = |key: &str| error.get(key).and_then(Value::as_str).unwrap_or_default();
    let known = Some(match text("code") {
        // The plan does not cover it; neither the visitor nor time can help.
        "NOT_AUTHENTICATED" | "NO_SUBSCRIPTION" | "METHOD_NOT_ALLOWED" => ErrorCode::Misconfigured,
        "NOT_AUTHORIZED" => ErrorCode::Forbidden,
        "NOT_FOUND" => ErrorCode::NotFound,
        "NOT_IMPLEMENTED" => ErrorCode::Unsupported,
        "TIMEOUT" | "GATEWAY_TIMEOUT" => ErrorCode::UpstreamTimeout,
        // Another turn of the same conversation is running.
        "CONFLICT" | "SERVICE_UNAVAILABLE" => ErrorCode::Overloaded,
        "CONTENT_TOO_LARGE" => ErrorCode::TooLarge,
        "TOO_MANY_REQUESTS" => ErrorCode::RateLimited,
        // 429 as well, but a budget of the month, not of the minute.
        "LIMITS_REACHED" => ErrorCode::CreditsExhausted,
        "BAD_REQUEST" | "UNPROCESSABLE_ENTITY" | "INTERNAL_SERVER_ERROR" | "BAD_GATEWAY" => {
            ErrorCode::UpstreamError
        }
        _ => otherwise.code(),
    });
    UpstreamFailure::told(error, &["code"], known, otherwise)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_read_by_code_and_a_used_up_plan_is_no_rate_limit() {
        for (error, code) in [
            (r#"{"message":"m","code":"NOT_AUTHENTICATED"}"#, ErrorCode::Misconfigured),
            (r#"{"message":"m","code":"NO_SUBSCRIPTION"}"#, ErrorCode::Misconfigured),
            (r#"{"message":"m","code":"NOT_FOUND"}"#, ErrorCode::NotFound),
            (r#"{"message":"m","code":"TOO_MANY_REQUESTS"}"#, ErrorCode::RateLimited),
            (r#"{"message":"m","code":"LIMITS_REACHED"}"#, ErrorCode::CreditsExhausted),
            (r#"{"message":"m","code":"NEW"}"#, ErrorCode::Interrupted),
            (r#"{"message":"only words"}"#, ErrorCode::Interrupted),
            (r#""a text""#, ErrorCode::Interrupted),
            ("null", ErrorCode::Interrupted),
        ] {
            let otherwise = UpstreamFailure::new(ErrorCode::Interrupted);
            assert_eq!(read_error(&serde_json::from_str(error).unwrap(), &otherwise).code(), code, "{error}");
        }
    }
}
