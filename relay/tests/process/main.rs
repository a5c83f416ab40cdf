//! The relay as a process: how it starts, refuses to start, and stops.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails"
)]

mod command;
mod discreet;
mod encrypted;
mod export;
mod knowledge;
mod manage;
mod provider;
#[expect(dead_code, reason = "the tests of power cuts use more of it")]
mod relay;
mod serving;
mod starting;
mod stopping;
mod watching;
