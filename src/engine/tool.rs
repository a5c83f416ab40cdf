//! Tools of the page: what it said that it can run. Who runs them is the shell;
//! when, is [`super::update`]'s.

use chinwag_protocol::{Json, ToolDefinition};

/// How often a turn may call tools of the page: an agent that calls one after
/// each answer would never come to an end. The relay holds to it, too.
pub use chinwag_protocol::limits::MAX_TOOL_ROUNDS;

/// How long the page's tools have for one round, in ms.
pub const TOOLS_TIMEOUT_MS: u32 = 60_000;

/// What a tool of the page answered, or why it did not.
pub type ToolOutcome = Result<Json, String>;

/// A tool of the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientTool {
    /// What the agent is told.
    pub definition: ToolDefinition,
    /// What the visitor is told, in place of its name.
    pub title: Option<String>,
}
