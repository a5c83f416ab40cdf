//! The engine as its users would tell it: what happened, what it asks of the
//! outside, what there is to see. No browser, no clock, no network.
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a scenario that goes another way has failed"
)]

mod consent;
mod direct;
mod drawer;
mod export;
mod failing;
mod file;
mod history;
mod kiosk;
mod offline;
mod presence;
mod rating;
mod sending;
mod session;
mod stage;
mod standing;
mod streaming;
mod tabs;
mod tool;
