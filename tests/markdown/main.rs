//! The Markdown engine from outside: against the specifications, against
//! another parser, and against its own promises about streams.

#![expect(clippy::panic, clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "../../fuzz/body/markdown.rs"]
#[expect(unreachable_pub, reason = "the fuzzer calls it from another crate")]
mod body;
mod fuzz;
mod golden;
mod hostile;
mod html;
mod oracle;
mod property;
mod specification;
