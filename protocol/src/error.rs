//! The one error envelope, and the codes that clients switch on.

use serde::Serialize;

use crate::fields::{FieldError, Fields, FromFields};

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $status:literal, $retryable:literal;)*) => {
        /// What went wrong, as a client tells it apart. The text form is the
        /// wire's; an unknown one from a newer peer becomes [`ErrorCode::Unknown`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ErrorCode {
            $($(#[$doc])* $name,)*
            /// A code of a newer peer.
            Unknown,
        }

        impl ErrorCode {
            /// Every known code.
            pub const ALL: &[ErrorCode] = &[$(ErrorCode::$name,)*];

            /// The code as it stands on the wire.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(ErrorCode::$name => $text,)*
                    ErrorCode::Unknown => "unknown",
                }
            }

            /// Reads a code; one that is not known here is `Unknown`.
            pub fn from_wire(text: &str) -> Self {
                match text {
                    $($text => ErrorCode::$name,)*
                    _ => ErrorCode::Unknown,
                }
            }

            /// The HTTP status that goes with it.
            pub fn status(self) -> u16 {
                match self {
                    $(ErrorCode::$name => $status,)*
                    ErrorCode::Unknown => 500,
                }
            }

            /// Whether the same request may succeed later.
            pub fn is_retryable(self) -> bool {
                match self {
                    $(ErrorCode::$name => $retryable,)*
                    ErrorCode::Unknown => true,
                }
            }
        }
    };
}

codes! {
    /// The request is not understood; `param` names the culprit.
    InvalidRequest = "invalid_request", 400, false;
    /// No token, or one that does not verify.
    Unauthenticated = "unauthenticated", 401, false;
    /// The token was good and is no longer.
    TokenExpired = "token_expired", 401, true;
    /// The provider's or the site's budget is used up.
    CreditsExhausted = "credits_exhausted", 402, false;
    /// The page's origin is not on the site's list.
    OriginNotAllowed = "origin_not_allowed", 403, false;
    /// Known, but not allowed.
    Forbidden = "forbidden", 403, false;
    /// Not there, or somebody else's: the two answer alike.
    NotFound = "not_found", 404, false;
    /// Contradicts what is there, e.g. a message id with other parts.
    Conflict = "conflict", 409, false;
    /// The conversation has ended.
    ConversationClosed = "conversation_closed", 409, false;
    /// Body or message over its limit.
    TooLarge = "too_large", 413, false;
    /// Refused by a content filter.
    ContentBlocked = "content_blocked", 422, false;
    /// Too many requests; `retryAfterMs` says how long to wait.
    RateLimited = "rate_limited", 429, true;
    /// The caller went away or stopped the reply.
    Cancelled = "cancelled", 499, true;
    /// A fault of ours; details are in the relay's log under the request id.
    Internal = "internal", 500, true;
    /// This agent cannot do that.
    Unsupported = "unsupported", 501, false;
    /// The provider failed.
    UpstreamError = "upstream_error", 502, true;
    /// The provider refused our key, plan or agent id.
    Misconfigured = "misconfigured", 502, false;
    /// Too much at once; `Retry-After` is set.
    Overloaded = "overloaded", 503, true;
    /// Closed for maintenance, or still starting.
    Maintenance = "maintenance", 503, true;
    /// The provider did not answer in time.
    UpstreamTimeout = "upstream_timeout", 504, true;
    /// The reply broke off; what had arrived is kept. A chunk only.
    Interrupted = "interrupted", 500, true;
}

impl Serialize for ErrorCode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// What stands in `data` of an `error` chunk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ErrorData {
    /// What clients switch on.
    pub code: ErrorCode,
    /// Whether a Retry may help.
    pub retryable: bool,
    /// How long to wait before it, in ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// To quote to support.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// The body of every answer that is not a success.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ErrorEnvelope {
    /// The one member.
    pub error: ErrorBody,
}

/// What an [`ErrorEnvelope`] holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ErrorBody {
    /// The family: `invalid_request_error`, `authentication_error`, ...
    #[serde(rename = "type")]
    pub kind: String,
    /// What clients switch on.
    pub code: ErrorCode,
    /// A sentence for the developer; never shown to the visitor as it stands.
    pub message: String,
    /// The field at fault, e.g. `messages[0].parts`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub param: Option<String>,
    /// The HTTP status, repeated for clients that lose it.
    pub status: u16,
    /// The same as the header `x-request-id`.
    pub request_id: String,
    /// How long to wait, in ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

impl FromFields for ErrorData {
    fn from_fields(fields: &Fields<'_>) -> Result<Self, FieldError> {
        Ok(Self {
            code: ErrorCode::from_wire(&fields.need_text("code")?),
            retryable: fields.flag("retryable"),
            retry_after_ms: fields.number("retryAfterMs")?,
            request_id: fields.text("requestId")?,
        })
    }
}

impl FromFields for ErrorEnvelope {
    fn from_fields(fields: &Fields<'_>) -> Result<Self, FieldError> {
        Ok(Self { error: fields.object("error")?.ok_or(FieldError::Missing("error"))? })
    }
}

impl FromFields for ErrorBody {
    fn from_fields(fields: &Fields<'_>) -> Result<Self, FieldError> {
        let status = fields.number("status")?.and_then(|status| u16::try_from(status).ok());
        Ok(Self {
            kind: fields.text("type")?.unwrap_or_default(),
            code: ErrorCode::from_wire(&fields.need_text("code")?),
            message: fields.text("message")?.unwrap_or_default(),
            param: fields.text("param")?,
            status: status.unwrap_or_default(),
            request_id: fields.text("requestId")?.unwrap_or_default(),
            retry_after_ms: fields.number("retryAfterMs")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_read_what_they_write() {
        for &code in ErrorCode::ALL {
            assert_eq!(ErrorCode::from_wire(code.as_str()), code);
            assert!((400..600).contains(&code.status()), "{code:?}");
        }
        assert_eq!(ErrorCode::from_wire("from_the_future"), ErrorCode::Unknown);
    }

    #[test]
    fn an_envelope_reads_what_it_writes() {
        let error = ErrorBody {
            kind: "rate_limit_error".into(),
            code: ErrorCode::RateLimited,
            message: "slow down".into(),
            param: Some("messages".into()),
            status: 429,
            request_id: "r1".into(),
            retry_after_ms: Some(1_500),
        };
        let envelope = ErrorEnvelope { error };
        let text = serde_json::to_string(&envelope).unwrap();
        assert_eq!(ErrorEnvelope::from_json(&text), Ok(envelope));
        assert!(ErrorEnvelope::from_json("{\"error\":\"a text\"}").is_err());
    }
}
