//! The whole router, in process: tokens, conversations, replies and their
//! resumption, against an upstream that each test plays itself.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::manual_assert,
    reason = "a test that cannot go on fails"
)]
#![expect(
    clippy::format_push_string,
    clippy::format_collect,
    clippy::similar_names,
    clippy::used_underscore_binding,
    clippy::unnecessary_debug_formatting,
    clippy::redundant_closure_for_method_calls,
    unreachable_pub,
    reason = "plain words over short ones in a stage for tests"
)]

mod attack;
mod chat;
mod conversation;
#[path = "../described/mod.rs"]
mod described;
mod description;
mod failure;
mod file;
mod limit;
mod ownership;
mod restart;
mod resume;
mod revoke;
mod sign;
mod token;
mod tool;
mod visitor;
mod world;
