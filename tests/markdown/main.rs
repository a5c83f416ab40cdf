//! The Markdown engine from outside: against the specifications, against
//! another parser, and against its own promises about streams.

#![expect(clippy::panic, clippy::expect_used, reason = "a test fails by panicking")]

#[path = "../../fuzz/body/markdown.rs"]
mod body;
mod fuzz;
mod golden;
mod hostile;
mod html;
mod oracle;
mod property;
mod specification;
