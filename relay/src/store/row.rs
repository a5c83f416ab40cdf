//! Columns to wire types and back.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chinwag_protocol::{
    ConversationState, Feedback, MessageMetadata, MessageStatus, Part, Role, UiMessage, Usage,
};
use sqlx::Row as _;
use sqlx::sqlite::{SqliteQueryResult, SqliteRow};
use time::OffsetDateTime;
use time::macros::format_description;

use super::StoreError;

/// Fails with [`StoreError::Missing`] if a change met no row: what it names is not
/// there, or another's.
pub(super) fn met(done: &SqliteQueryResult) -> Result<(), StoreError> {
    if done.rows_affected() == 0 { Err(StoreError::Missing) } else { Ok(()) }
}

/// Now, in ms since 1970.
pub(super) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Today by UTC, in days since 1970.
pub(super) fn today() -> i64 {
    now() / (24 * 3600 * 1000)
}

/// A time column in seconds since 1970.
pub(super) fn seconds(millis: i64) -> u64 {
    u64::try_from(millis / 1000).unwrap_or_default()
}

/// A time column as ISO 8601, always with milliseconds.
pub(super) fn iso(millis: i64) -> Result<String, StoreError> {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000)
        .ok()
        .and_then(|time| time.format(&format).ok())
        .ok_or_else(|| StoreError::Corrupt(format!("time {millis}")))
}

pub(super) fn status_name(status: MessageStatus) -> &'static str {
    match status {
        MessageStatus::Streaming => "streaming",
        MessageStatus::Done | MessageStatus::Unknown => "done",
        MessageStatus::Failed => "failed",
        MessageStatus::Stopped => "stopped",
        MessageStatus::Interrupted => "interrupted",
    }
}

pub(super) fn feedback_name(feedback: Feedback) -> &'static str {
    match feedback {
        Feedback::Positive => "positive",
        Feedback::Negative => "negative",
    }
}

pub(super) fn status(name: &str) -> Result<MessageStatus, StoreError> {
    Ok(match name {
        "streaming" => MessageStatus::Streaming,
        "done" => MessageStatus::Done,
        "failed" => MessageStatus::Failed,
        "stopped" => MessageStatus::Stopped,
        "interrupted" => MessageStatus::Interrupted,
        _ => return Err(StoreError::Corrupt(format!("message status {name}"))),
    })
}

/// States are the wire's words; one of a newer relay is read as `Unknown`.
pub(super) fn state_name(state: ConversationState) -> &'static str {
    match state {
        ConversationState::Ongoing | ConversationState::Unknown => "ongoing",
        ConversationState::Paused => "paused",
        ConversationState::TakenOver => "taken-over",
        ConversationState::Ended => "ended",
    }
}

pub(super) fn state(name: &str) -> ConversationState {
    match name {
        "ongoing" => ConversationState::Ongoing,
        "paused" => ConversationState::Paused,
        "taken-over" => ConversationState::TakenOver,
        "ended" => ConversationState::Ended,
        _ => ConversationState::Unknown,
    }
}

pub(super) fn parts_text(parts: &[Part]) -> Result<String, StoreError> {
    serde_json::to_string(parts).map_err(|error| StoreError::Corrupt(error.to_string()))
}

/// A row with every column of `message` that the wire shows.
pub(super) fn message(row: &SqliteRow) -> Result<UiMessage, StoreError> {
    let role: String = row.try_get("role")?;
    let parts: String = row.try_get("parts")?;
    let parts: Vec<Part> =
        serde_json::from_str(&parts).map_err(|error| StoreError::Corrupt(format!("parts: {error}")))?;
    let usage: Option<String> = row.try_get("usage")?;
    let usage: Option<Usage> = usage
        .map(|text| serde_json::from_str(&text))
        .transpose()
        .map_err(|error| StoreError::Corrupt(format!("usage: {error}")))?;
    let feedback: Option<String> = row.try_get("feedback")?;
    let metadata = MessageMetadata {
        created_at: Some(iso(row.try_get("created_at")?)?),
        status: Some(status(row.try_get("status")?)?),
        feedback: feedback
            .map(|name| if name == "positive" { Feedback::Positive } else { Feedback::Negative }),
        usage,
        ..MessageMetadata::default()
    };
    Ok(UiMessage {
        id: row.try_get("id")?,
        role: if role == "user" { Role::User } else { Role::Assistant },
        parts,
        metadata: Some(metadata),
    })
}

/// A cursor that hides what it is made of, so that nobody builds on it.
pub(super) fn cursor(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

pub(super) fn read_cursor(unverified_cursor: &str) -> Result<String, StoreError> {
    let bytes = URL_SAFE_NO_PAD.decode(unverified_cursor).map_err(|_| StoreError::Cursor)?;
    String::from_utf8(bytes).map_err(|_| StoreError::Cursor)
}
