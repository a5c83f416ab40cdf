//! What can go wrong, told apart by type and never by searching a text.

use chinwag_protocol::{ErrorCode, ErrorData};

use super::event::Moment;

/// How a call to the relay failed, as the shell met it.
#[derive(Debug, Clone, PartialEq)]
pub enum TransportError {
    /// No answer: offline, DNS, refused connection, CORS.
    Network,
    /// No answer in time.
    Timeout,
    /// The relay answered with an error.
    Http {
        /// The HTTP status.
        status: u16,
        /// The envelope's code, or `Unknown` if there was no envelope.
        code: ErrorCode,
        /// How long to wait, in ms.
        retry_after_ms: Option<u64>,
        /// To quote to support.
        request_id: Option<String>,
    },
    /// The relay answered with something that is not its protocol.
    Protocol,
    /// The page could not say, or can no longer say, who the visitor is.
    SignIn,
}

impl TransportError {
    /// Whether a fresh access token may mend it.
    pub fn is_unauthenticated(&self) -> bool {
        matches!(self, Self::Http { status: 401, .. })
    }

    /// Whether what was asked for does not exist.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Http { status: 404, .. })
    }
}

/// Writes the reasons down twice: as what they are, and as the page's words for them.
macro_rules! reasons {
    ($($(#[$about:meta])* $name:ident = $word:literal,)*) => {
        /// Why something failed, as the visitor is told it. One sentence each, in the
        /// view's table of strings.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Reason {
            $($(#[$about])* $name,)*
        }

        impl Reason {
            /// The word for it that a page is told.
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }
        }
    };
}

reasons! {
    /// The relay cannot be reached.
    Unreachable = "unreachable",
    /// It did not answer in time.
    Timeout = "timeout",
    /// Too many questions at once.
    RateLimited = "rate_limited",
    /// The relay or the provider behind it cannot answer at the moment.
    Unavailable = "unavailable",
    /// This page may not use this site's chat.
    NotAllowed = "not_allowed",
    /// The message is too long.
    TooLong = "too_long",
    /// A filter refused the message.
    Blocked = "blocked",
    /// The conversation is closed.
    Closed = "closed",
    /// The reply broke off.
    Interrupted = "interrupted",
    /// The page has to say again who the visitor is.
    SignIn = "sign_in",
    /// Anything else.
    Other = "other",
}

/// A failure as state: why, and what can be done.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// Why.
    pub reason: Reason,
    /// Whether a Retry may help.
    pub retry: bool,
    /// Not before this moment.
    pub retry_at: Option<Moment>,
    /// To quote to support.
    pub request_id: Option<String>,
}

impl Failure {
    /// A failure that a Retry may mend.
    pub fn retryable(reason: Reason) -> Self {
        Self { reason, retry: true, retry_at: None, request_id: None }
    }

    /// What a failed call means.
    pub fn from_transport(error: TransportError, now: Moment) -> Self {
        match error {
            TransportError::Network => Self::retryable(Reason::Unreachable),
            TransportError::Timeout => Self::retryable(Reason::Timeout),
            TransportError::Protocol => Self::retryable(Reason::Unavailable),
            TransportError::SignIn => Self::retryable(Reason::SignIn),
            TransportError::Http { status, code, retry_after_ms, request_id } => {
                let reason =
                    if code == ErrorCode::Unknown { reason_of_status(status) } else { reason_of(code) };
                let retry = code.is_retryable() || status >= 500;
                Self { reason, retry, retry_at: later(now, retry_after_ms), request_id }
            }
        }
    }

    /// What an `error` chunk means. Foreign streams bring no data.
    pub fn from_chunk(data: Option<ErrorData>, now: Moment) -> Self {
        match data {
            None => Self::retryable(Reason::Unavailable),
            Some(data) => Self {
                reason: reason_of(data.code),
                retry: data.retryable,
                retry_at: later(now, data.retry_after_ms),
                request_id: data.request_id,
            },
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a wait in ms is far below 2^53")]
fn later(now: Moment, wait_ms: Option<u64>) -> Option<Moment> {
    wait_ms.map(|wait| Moment(now.0 + wait as f64))
}

fn reason_of(code: ErrorCode) -> Reason {
    match code {
        ErrorCode::RateLimited => Reason::RateLimited,
        ErrorCode::OriginNotAllowed | ErrorCode::Forbidden | ErrorCode::Unauthenticated => Reason::NotAllowed,
        ErrorCode::TooLarge => Reason::TooLong,
        ErrorCode::ContentBlocked => Reason::Blocked,
        ErrorCode::ConversationClosed => Reason::Closed,
        ErrorCode::Interrupted | ErrorCode::Cancelled => Reason::Interrupted,
        ErrorCode::UpstreamTimeout => Reason::Timeout,
        ErrorCode::Internal
        | ErrorCode::UpstreamError
        | ErrorCode::Misconfigured
        | ErrorCode::Overloaded
        | ErrorCode::Maintenance
        | ErrorCode::CreditsExhausted => Reason::Unavailable,
        _ => Reason::Other,
    }
}

fn reason_of_status(status: u16) -> Reason {
    match status {
        401 | 403 => Reason::NotAllowed,
        413 => Reason::TooLong,
        429 => Reason::RateLimited,
        500.. => Reason::Unavailable,
        _ => Reason::Other,
    }
}
