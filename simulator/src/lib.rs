//! Simulators of the providers: real HTTP servers on a local port that speak
//! each provider's wire byte by byte, with switches for what providers do on bad
//! days.
//!
//! They know no model: an answer repeats the question and says which one of the
//! conversation it was, so that a follow-up can be seen to work. A question with
//! the word "tool", "source" or "think" gets a tool call, a citation or a thought
//! where the provider has such a thing.

#![expect(
    clippy::indexing_slicing,
    reason = "indexing a serde_json::Value gives null where there is nothing; no slice is indexed"
)]
#![expect(
    clippy::needless_pass_by_value,
    reason = "JSON that was made for a call is given to it: its text reads like the wire"
)]

mod answer;
mod provider;
mod script;
mod server;

pub use provider::Kind;
pub use script::{Pieces, Switches, Trouble};
pub use server::{Recorded, Simulator};

/// The key that a simulator accepts unless [`Switches::key`] says otherwise.
pub const KEY: &str = "simulator-key";
