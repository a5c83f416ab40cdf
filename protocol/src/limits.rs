//! Limits that both sides of the wire hold to, each with its unit and the
//! reason for its size.

/// Longest accepted text of one message, in Unicode scalar values.
///
/// Longer texts are answered with 413 `too_large` by the relay and are said
/// by the composer before sending.
pub const MAX_MESSAGE_CHARS: usize = 8_000;

/// Largest accepted request body, in bytes (1 MiB): AI SDK clients post the
/// whole history each turn.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;

/// Largest `context` object of a chat request, in bytes of its JSON text.
pub const MAX_CONTEXT_BYTES: usize = 4 * 1024;

/// Largest server-sent event that a decoder keeps, in bytes (1 MiB); a peer
/// that sends more without a line end would otherwise grow memory forever.
pub const MAX_EVENT_BYTES: usize = 1024 * 1024;

/// Longest text of one reply, in bytes (100 kB). A provider that never stops
/// is cut here, with finish reason `length`.
pub const MAX_REPLY_BYTES: usize = 100_000;

/// Longest conversation or message id, in ASCII characters.
pub const MAX_ID_CHARS: usize = 64;

/// Most items of one page of a list.
pub const MAX_PAGE_ITEMS: usize = 100;

/// Items of a page when the caller names no limit.
pub const DEFAULT_PAGE_ITEMS: usize = 20;

/// Longest title of a conversation, in Unicode scalar values.
pub const MAX_TITLE_CHARS: usize = 120;

/// Most times that one reply goes on with results of the page's tools: an
/// agent that calls for ever would cost for ever.
pub const MAX_TOOL_ROUNDS: usize = 10;

/// Largest result of one tool call, in bytes of its JSON text (64 KiB): it is
/// sent to the agent with every later turn.
pub const MAX_TOOL_RESULT_BYTES: usize = 64 * 1024;
