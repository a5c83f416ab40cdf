//! The relay as a process, against what the world does to it: networks that cut,
//! stall and split, power cuts, signals in the middle, and clients that mean harm.
//!
//! What a test run does a few times, `cargo xtask bench soak` does many times: the
//! environment says how often, and names the seed of a run that is to be repeated.
#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::format_push_string,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test that cannot go on fails, and says what it measured"
)]

mod client;
mod cut;
#[path = "../process/discreet.rs"]
mod discreet;
mod harm;
mod power;
mod proxy;
#[path = "../process/relay.rs"]
#[expect(dead_code, reason = "the tests of the process use more of it")]
mod relay;
mod signal;
mod source;

use std::time::Duration;

/// How often something is done: so often in a test run, or as often as the
/// environment says.
fn times(name: &str, in_tests: usize) -> usize {
    std::env::var(name).ok().map_or(in_tests, |text| text.parse().unwrap())
}

/// Whether this run measures what is promised: with an optimised relay, on a
/// machine that does nothing else.
fn is_measured() -> bool {
    std::env::var_os("CHINWAG_MEASURE").is_some()
}

/// The seed of this run. It is printed, so that the run can be repeated.
fn seed(what: &str) -> u64 {
    let given = std::env::var("CHINWAG_SEED").ok().map(|text| text.parse().unwrap());
    let seed = given.unwrap_or_else(|| fastrand::u64(..));
    println!("{what}: CHINWAG_SEED={seed}");
    seed
}

/// A configuration in which nothing but the test limits what happens: `agents`
/// agents behind that source, each with a site of its own.
fn config(source: &source::Source, agents: usize, more_limits: &str) -> String {
    let mut text = format!(
        "[server]\ndata_dir = \"data\"\n\n[server.limits]\ntokens_per_minute = 1000000\n\
         tokens_burst = 1000000\nsite_tokens_per_minute = 1000000\nmessages_per_minute = 1000000\n\
         address_messages_per_minute = 1000000\nsite_messages_per_minute = 1000000\n\
         agent_messages_per_minute = 1000000\ncalls_per_minute = 10000000\nstreams_per_visitor = 100000\n\
         streams_per_address = 100000\nstreams_per_site = 100000\nstreams_per_agent = 100000\n\
         streams = 100000\nconnections = 100000\n{more_limits}\n"
    );
    for agent in 0..agents {
        text += &format!(
            "[[site]]\nkey = \"site_{agent}\"\norigins = [\"{}\"]\nagent = \"a{agent}\"\n\n\
             [agent.a{agent}]\nprovider = \"openai-chat\"\nbase_url = \"{}\"\nmodel = \"m\"\n\n",
            client::PAGE,
            source.base_url,
        );
    }
    text
}

/// A relay with that configuration.
fn start(config: &str) -> relay::Relay {
    relay::Relay::with_config(config)
}

/// Waits until no other of these tests runs: what one does to its relay would
/// otherwise be felt by the clients of another, who measure time.
async fn alone() -> tokio::sync::MutexGuard<'static, ()> {
    static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    TURN.lock().await
}

/// Longer than anything here takes on a busy machine.
const LONG: Duration = Duration::from_mins(1);
