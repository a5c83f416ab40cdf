//! Failures as clients see them: constructed by name, answered as one envelope.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Json;
use axum::response::{IntoResponse, Response};
use chinwag_protocol::{ErrorBody, ErrorCode, ErrorEnvelope};
use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};

use crate::edge::RequestId;
use crate::generation::AskError;
use crate::limit::{Limited, Standing, StreamRefused};
use crate::store::{ResultsRefused, StoreError};
use crate::token::{KeyError, TokenError};

/// How long a client waits where nothing better is known.
const SHORT_WAIT: Duration = Duration::from_secs(1);

const DAY: Duration = Duration::from_hours(24);

/// Every way in which a call of the API fails.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    code: ErrorCode,
    status: StatusCode,
    message: String,
    param: Option<String>,
    retry_after: Option<Duration>,
    standing: Option<Standing>,
}

impl ApiError {
    /// A failure of that code. `message` is for developers.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            status: StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            message: message.into(),
            param: None,
            retry_after: None,
            standing: None,
        }
    }

    /// The request is not understood; `param` is at fault.
    pub fn invalid(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidRequest, message).about(param)
    }

    /// Something is larger than its limit.
    pub fn too_large(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(ErrorCode::TooLarge, message).about(param)
    }

    /// The agent, or this relay, cannot do what `param` asks for.
    pub fn unsupported(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Unsupported, message).about(param)
    }

    /// Not there, or somebody else's: the two must not be told apart.
    pub fn not_found() -> Self {
        Self::new(ErrorCode::NotFound, "there is nothing here")
    }

    /// The path is there, the method is not.
    pub fn method_not_allowed() -> Self {
        let mut error = Self::new(ErrorCode::InvalidRequest, "this path has no such method");
        error.status = StatusCode::METHOD_NOT_ALLOWED;
        error
    }

    /// No such site, or a page that is not its own: the two must not be told
    /// apart, or the answer would list the sites.
    pub fn origin_not_allowed() -> Self {
        Self::new(
            ErrorCode::OriginNotAllowed,
            "no site of that key allows the origin of this page; see the origins of [[site]] in chinwag.toml",
        )
    }

    /// A site has used up what it may in a day; it begins anew at midnight, UTC.
    pub fn day_is_spent(what: &str) -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let left = DAY.as_secs() - since.as_secs() % DAY.as_secs();
        Self::new(ErrorCode::CreditsExhausted, format!("this site has used up its {what} of today"))
            .after(Duration::from_secs(left))
    }

    /// A fault of ours. What it was goes into the log, once, here.
    pub fn internal(fault: &dyn std::fmt::Display) -> Self {
        let request_id = RequestId::current().map(|id| id.to_string()).unwrap_or_default();
        tracing::error!(request_id, error = %fault, "a request failed");
        Self::new(ErrorCode::Internal, "something went wrong here; the request id leads to it")
    }

    /// Names the field at fault.
    #[must_use]
    pub fn about(mut self, param: impl Into<String>) -> Self {
        self.param = Some(param.into());
        self
    }

    /// Says when to come again.
    #[must_use]
    pub fn after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let wait = match (self.status.as_u16(), self.retry_after) {
            (429 | 503, wait) => Some(wait.unwrap_or(SHORT_WAIT)),
            (_, wait) => wait,
        };
        let body = ErrorBody {
            kind: family(self.code).to_owned(),
            code: self.code,
            message: self.message,
            param: self.param,
            status: self.status.as_u16(),
            request_id: RequestId::current().map(|id| id.to_string()).unwrap_or_default(),
            retry_after_ms: wait.map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1)),
        };
        let mut response = (self.status, Json(ErrorEnvelope { error: body })).into_response();
        if let Some(wait) = wait {
            // Rounded up: who comes back at that second is served.
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(standing) = self.standing {
            response.extensions_mut().insert(standing);
        }
        response
    }
}

fn family(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::Unauthenticated | ErrorCode::TokenExpired => "authentication_error",
        ErrorCode::OriginNotAllowed | ErrorCode::Forbidden => "permission_error",
        ErrorCode::NotFound => "not_found_error",
        ErrorCode::RateLimited | ErrorCode::CreditsExhausted => "rate_limit_error",
        ErrorCode::Overloaded | ErrorCode::Maintenance => "overloaded_error",
        code if code.status() >= 500 && code != ErrorCode::Unsupported => "api_error",
        _ => "invalid_request_error",
    }
}

impl From<Limited> for ApiError {
    fn from(limited: Limited) -> Self {
        let mut error = Self::new(ErrorCode::RateLimited, "too many requests; come again after retryAfterMs")
            .after(limited.retry_after);
        error.standing = Some(limited.standing);
        error
    }
}

impl From<StreamRefused> for ApiError {
    fn from(refused: StreamRefused) -> Self {
        match refused {
            StreamRefused::TooMany { limit } => Self::new(
                ErrorCode::RateLimited,
                format!("at most {limit} replies can be followed at once; close one"),
            ),
            StreamRefused::Full => {
                Self::new(ErrorCode::Overloaded, "the relay has as many open replies as it can hold")
            }
        }
    }
}

impl From<TokenError> for ApiError {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Expired => {
                Self::new(ErrorCode::TokenExpired, "the access token has expired; exchange for a new one")
            }
            // Which check failed helps nobody but a forger.
            error => {
                tracing::debug!(%error, "a token was refused");
                Self::new(ErrorCode::Unauthenticated, "the access token does not verify")
            }
        }
    }
}

impl From<KeyError> for ApiError {
    fn from(error: KeyError) -> Self {
        Self::internal(&error)
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Missing => Self::not_found(),
            StoreError::Results(refused) => {
                let code = match refused {
                    ResultsRefused::NotWaiting | ResultsRefused::TooMany => ErrorCode::Conflict,
                    ResultsRefused::Missing(_) => ErrorCode::InvalidRequest,
                    ResultsRefused::TooLarge(_) => ErrorCode::TooLarge,
                };
                Self::new(code, refused.to_string())
            }
            StoreError::NoRoom => Self::new(ErrorCode::TooLarge, error.to_string()),
            StoreError::Cursor => Self::invalid("cursor", "this is not a cursor of this list"),
            StoreError::Query(sqlx::Error::PoolTimedOut) => {
                Self::new(ErrorCode::Overloaded, "the database is busy")
            }
            StoreError::Query(sqlx::Error::PoolClosed) => {
                Self::new(ErrorCode::Maintenance, "the relay is shutting down")
            }
            error => Self::internal(&error),
        }
    }
}

impl From<AskError> for ApiError {
    fn from(error: AskError) -> Self {
        match error {
            AskError::Conflict | AskError::Busy => Self::new(ErrorCode::Conflict, error.to_string()),
            AskError::Closing => Self::new(ErrorCode::Maintenance, error.to_string()),
            AskError::Broken => Self::new(ErrorCode::Internal, error.to_string()),
            AskError::Store(error) => error.into(),
        }
    }
}
