//! Every adapter against its simulator, its golden files, and bytes that nobody
//! meant.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails"
)]

mod contract;
#[path = "../described/mod.rs"]
mod described;
mod golden;
#[path = "../../../fuzz/body/reading.rs"]
#[expect(unreachable_pub, reason = "the fuzzer's bodies share it")]
mod reading;
mod server;
mod support;
mod table;
mod through;

mod ai_sdk;
mod chatbase_v1;
mod chatbase_v2;
mod chatbotkit;
mod chatsby;
mod documents;
mod incoming;
mod knowledge;
mod managed;
mod openai_chat;
mod openai_responses;
mod pdf;
mod sync;
mod walk;
mod webhook;
mod website;
