//! The relay: the token-exchange backend of Chinwag.
//!
//! It alone holds provider keys. It owns tokens, conversations and replies, and
//! never shows a browser a provider's id, key, header or error body.

pub mod api;
pub mod app;
pub mod check;
pub mod config;
pub mod console;
pub mod edge;
pub mod file;
pub mod generation;
pub mod handover;
mod hex;
pub mod incoming;
pub mod knowledge;
pub mod limit;
pub mod manage;
pub mod metrics;
pub mod outward;
pub mod store;
pub mod token;
pub mod upstream;
pub mod webhook;
