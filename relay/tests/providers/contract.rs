//! What holds for every adapter, whatever its provider does. `contract!` makes a
//! test of each sentence for one provider.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chinwag_protocol::ErrorCode;
use chinwag_simulator::{Kind, Pieces, Simulator, Switches, Trouble};
use futures_util::StreamExt as _;
use tokio::time::{Instant, sleep};

use crate::support::{Reply, again, agent, agent_with, ask, ask_once, follow_up, limits, turn};

/// What a provider's wire cannot show. Everything else is asked of all.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each says one thing of a wire")]
pub(crate) struct Wire {
    /// An error in the midst of a stream can be told from text.
    pub(crate) has_late_errors: bool,
    /// The end of a stream can be told from its breaking off.
    pub(crate) has_end: bool,
    /// What is not of the format can be told from text.
    pub(crate) has_format: bool,
    /// A request may be sent again after 502, 504 or a lost connection.
    pub(crate) is_repeat_safe: bool,
    /// A budget that is used up can be told from a key that is refused.
    pub(crate) tells_budget: bool,
}

impl Wire {
    pub(crate) const FRAMED: Self = Self {
        has_late_errors: true,
        has_end: true,
        has_format: true,
        is_repeat_safe: false,
        tells_budget: true,
    };
}

/// Makes the tests of one provider: `contract!(Kind::X, Wire { ... });`.
macro_rules! contract {
    ($kind:expr, $wire:expr) => {
        crate::contract::contract! { @ $kind, $wire,
            a_reply_streams_the_same_however_it_is_cut
            a_reply_comes_though_the_provider_does_not_stream
            a_follow_up_continues_the_conversation_and_a_retry_does_not
            a_wrong_key_is_misconfigured
            a_used_up_budget_is_told_and_not_tried_again
            too_many_requests_are_waited_for_as_asked
            too_many_requests_for_long_are_told_with_their_wait
            a_busy_provider_is_asked_again
            a_gateway_error_is_repeated_only_where_that_is_safe
            a_lost_connection_is_repeated_only_where_that_is_safe
            a_silent_provider_is_a_timeout
            a_provider_that_falls_silent_is_a_timeout_with_the_text_kept
            a_cut_connection_is_interrupted_with_the_text_kept
            an_answer_without_its_end_is_interrupted_with_the_text_kept
            a_late_error_ends_the_reply_with_the_text_kept
            what_is_malformed_ends_the_reply_with_the_text_kept
            what_is_oversized_ends_the_reply_with_the_text_kept
            a_redirect_is_not_followed
            a_stopped_reply_leaves_no_connection_open
            a_provider_that_is_not_there_is_an_upstream_error
            the_key_is_seen_nowhere
            the_check_knows_a_good_key_from_a_bad_one
        }
    };
    (@ $kind:expr, $wire:expr, $($name:ident)*) => {
        mod contract {
            use super::*;
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    crate::contract::$name($kind, $wire).await;
                }
            )*
        }
    };
}
pub(crate) use contract;

const QUESTION: &str = "When do you open on S\u{f8}ndag?";

fn assert_has_begun(reply: &Reply) {
    assert!(!reply.text().is_empty(), "what had arrived is kept: {reply:?}");
}

pub(crate) async fn a_reply_streams_the_same_however_it_is_cut(kind: Kind, _: Wire) {
    let simulator = Simulator::start(kind, Switches::default()).await.unwrap();
    let agent = agent(kind, &simulator.base_url, "");
    let whole = ask(&agent, &turn(QUESTION)).await;
    assert!(whole.is_finished(), "{whole:?}");
    assert!(whole.text().contains(QUESTION) && whole.text().contains('\u{1f642}'), "{}", whole.text());
    for (pieces, has_pings) in
        [(Pieces::Whole, false), (Pieces::Bytes(1), false), (Pieces::Bytes(3), true), (Pieces::Events, true)]
    {
        simulator.switch(Switches { pieces, has_pings, ..Switches::default() });
        let cut = ask(&agent, &turn(QUESTION)).await;
        assert_eq!(cut.text(), whole.text(), "{pieces:?}");
        assert!(cut.is_finished(), "{cut:?}");
    }
}

pub(crate) async fn a_reply_comes_though_the_provider_does_not_stream(kind: Kind, _: Wire) {
    let streamed = ask_once(kind, Switches::default(), QUESTION).await;
    let whole = ask_once(kind, Switches::with(Trouble::NoStream), QUESTION).await;
    assert!(whole.is_finished(), "{whole:?}");
    assert_eq!(whole.text(), streamed.text());
}

pub(crate) async fn a_follow_up_continues_the_conversation_and_a_retry_does_not(kind: Kind, _: Wire) {
    let simulator = Simulator::start(kind, Switches::default()).await.unwrap();
    let agent = agent(kind, &simulator.base_url, "");
    let first = turn(QUESTION);
    let reply = ask(&agent, &first).await;
    assert!(reply.text().contains("Question 1"), "{}", reply.text());
    let second = follow_up(&first, &reply, "And on Monday?");
    let reply = ask(&agent, &second).await;
    assert!(reply.text().contains("Question 2"), "{}", reply.text());
    assert!(reply.text().contains("And on Monday?"), "{}", reply.text());
    let other = ask(&agent, &turn("Somebody else")).await;
    assert!(other.text().contains("Question 1"), "conversations are apart: {}", other.text());
    let retried = ask(&agent, &again(&second)).await;
    assert!(retried.is_finished() && retried.text().contains("And on Monday?"), "{retried:?}");
}

pub(crate) async fn a_wrong_key_is_misconfigured(kind: Kind, _: Wire) {
    let simulator = Simulator::start(kind, Switches::default()).await.unwrap();
    let agent = agent_with(kind, &simulator.base_url, "", wrong_key(kind), &limits());
    let reply = ask(&agent, &turn(QUESTION)).await;
    assert_eq!(reply.code(), ErrorCode::Misconfigured);
    assert!(!reply.error().retryable);
    assert_eq!(simulator.requests().len(), 1, "it is not tried again");
}

/// A key of the right form that nobody gave out.
fn wrong_key(_: Kind) -> &'static str {
    "another-key"
}

pub(crate) async fn a_used_up_budget_is_told_and_not_tried_again(kind: Kind, wire: Wire) {
    let simulator = Simulator::start(kind, Switches::with(Trouble::NoCredit)).await.unwrap();
    let reply = ask(&agent(kind, &simulator.base_url, ""), &turn(QUESTION)).await;
    let told = if wire.tells_budget { ErrorCode::CreditsExhausted } else { ErrorCode::Misconfigured };
    assert_eq!(reply.code(), told);
    assert_eq!(simulator.requests().len(), 1);
}

pub(crate) async fn too_many_requests_are_waited_for_as_asked(kind: Kind, _: Wire) {
    let trouble = Trouble::RateLimited { retry_after_s: Some(1) };
    let simulator = Simulator::start(kind, Switches::with(trouble).for_requests(1)).await.unwrap();
    let began = Instant::now();
    let reply = ask(&agent(kind, &simulator.base_url, ""), &turn(QUESTION)).await;
    assert!(reply.is_finished(), "{reply:?}");
    assert!(began.elapsed() >= Duration::from_secs(1), "{:?}", began.elapsed());
}

pub(crate) async fn too_many_requests_for_long_are_told_with_their_wait(kind: Kind, _: Wire) {
    let trouble = Trouble::RateLimited { retry_after_s: Some(90) };
    let simulator = Simulator::start(kind, Switches::with(trouble)).await.unwrap();
    let reply = ask(&agent(kind, &simulator.base_url, ""), &turn(QUESTION)).await;
    assert_eq!(reply.code(), ErrorCode::RateLimited);
    assert_eq!(reply.error().retry_after_ms, Some(90_000));
    assert_eq!(simulator.requests().len(), 1, "the wait is longer than the visitor's");
}

pub(crate) async fn a_busy_provider_is_asked_again(kind: Kind, _: Wire) {
    let switches = Switches::with(Trouble::Status(503)).for_requests(2);
    let simulator = Simulator::start(kind, switches).await.unwrap();
    let reply = ask(&agent(kind, &simulator.base_url, ""), &turn(QUESTION)).await;
    assert!(reply.is_finished(), "{reply:?}");
}

pub(crate) async fn a_gateway_error_is_repeated_only_where_that_is_safe(kind: Kind, wire: Wire) {
    for status in [502, 504] {
        let switches = Switches::with(Trouble::Status(status)).for_requests(1);
        let reply = ask_once(kind, switches, QUESTION).await;
        assert_eq!(reply.is_finished(), wire.is_repeat_safe, "{status}: {reply:?}");
    }
    let never = ask_once(kind, Switches::with(Trouble::Status(500)).for_requests(1), QUESTION).await;
    assert_eq!(never.code(), ErrorCode::UpstreamError);
}

pub(crate) async fn a_lost_connection_is_repeated_only_where_that_is_safe(kind: Kind, wire: Wire) {
    let reply = ask_once(kind, Switches::with(Trouble::Hangup).for_requests(1), QUESTION).await;
    assert_eq!(reply.is_finished(), wire.is_repeat_safe, "{reply:?}");
}

pub(crate) async fn a_silent_provider_is_a_timeout(kind: Kind, _: Wire) {
    let reply = ask_once(kind, Switches::with(Trouble::Silent), QUESTION).await;
    assert_eq!(reply.code(), ErrorCode::UpstreamTimeout);
}

pub(crate) async fn a_provider_that_falls_silent_is_a_timeout_with_the_text_kept(kind: Kind, _: Wire) {
    let reply = ask_once(kind, Switches::with(Trouble::FallsSilent), QUESTION).await;
    assert_eq!(reply.code(), ErrorCode::UpstreamTimeout);
    assert_has_begun(&reply);
}

pub(crate) async fn a_cut_connection_is_interrupted_with_the_text_kept(kind: Kind, _: Wire) {
    let reply = ask_once(kind, Switches::with(Trouble::Cut), QUESTION).await;
    assert_eq!(reply.code(), ErrorCode::Interrupted);
    assert_has_begun(&reply);
}

pub(crate) async fn an_answer_without_its_end_is_interrupted_with_the_text_kept(kind: Kind, wire: Wire) {
    if wire.has_end {
        let reply = ask_once(kind, Switches::with(Trouble::Truncated), QUESTION).await;
        assert_eq!(reply.code(), ErrorCode::Interrupted);
        assert_has_begun(&reply);
    }
}

pub(crate) async fn a_late_error_ends_the_reply_with_the_text_kept(kind: Kind, wire: Wire) {
    if wire.has_late_errors {
        let reply = ask_once(kind, Switches::with(Trouble::LateError), QUESTION).await;
        assert_eq!(reply.code(), ErrorCode::UpstreamError);
        assert_has_begun(&reply);
    }
}

pub(crate) async fn what_is_malformed_ends_the_reply_with_the_text_kept(kind: Kind, wire: Wire) {
    if wire.has_format {
        let reply = ask_once(kind, Switches::with(Trouble::Malformed), QUESTION).await;
        let codes = [ErrorCode::UpstreamError, ErrorCode::Interrupted];
        assert!(codes.contains(&reply.code()), "{reply:?}");
        assert_has_begun(&reply);
    }
}

pub(crate) async fn what_is_oversized_ends_the_reply_with_the_text_kept(kind: Kind, wire: Wire) {
    let reply = ask_once(kind, Switches::with(Trouble::Oversized), QUESTION).await;
    if wire.has_format {
        assert_eq!(reply.code(), ErrorCode::UpstreamError);
    } else {
        assert!(reply.text().len() <= chinwag_protocol::limits::MAX_REPLY_BYTES);
    }
    assert_has_begun(&reply);
}

pub(crate) async fn a_redirect_is_not_followed(kind: Kind, _: Wire) {
    let target = Simulator::start(kind, Switches::default()).await.unwrap();
    let port = reqwest::Url::parse(&target.base_url).unwrap().port().unwrap();
    let reply = ask_once(kind, Switches::with(Trouble::Redirect(port)), QUESTION).await;
    assert_eq!(reply.code(), ErrorCode::UpstreamError);
    assert!(target.requests().is_empty());
}

pub(crate) async fn a_stopped_reply_leaves_no_connection_open(kind: Kind, _: Wire) {
    for trouble in [Trouble::Silent, Trouble::FallsSilent] {
        let simulator = Simulator::start(kind, Switches::with(trouble)).await.unwrap();
        let long = chinwag_relay::config::Limits::default();
        let agent = agent_with(kind, &simulator.base_url, "", chinwag_simulator::KEY, &long);
        let mut stream = agent.reply(turn(QUESTION));
        let patience = Instant::now() + Duration::from_secs(5);
        while simulator.requests().is_empty() && Instant::now() < patience {
            let _ = tokio::time::timeout(Duration::from_millis(20), stream.next()).await;
        }
        assert!(!simulator.requests().is_empty(), "{trouble:?}");
        let _ = tokio::time::timeout(Duration::from_millis(50), stream.next()).await;
        assert!(simulator.open_connections() > 0, "{trouble:?}");
        let dropped = Instant::now();
        drop(stream);
        while simulator.open_connections() > 0 {
            assert!(dropped.elapsed() < Duration::from_millis(100), "{trouble:?}: it is still open");
            sleep(Duration::from_millis(2)).await;
        }
    }
}

pub(crate) async fn a_provider_that_is_not_there_is_an_upstream_error(kind: Kind, _: Wire) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let reply = ask(&agent(kind, &base_url, ""), &turn(QUESTION)).await;
    assert_eq!(reply.code(), ErrorCode::UpstreamError);
    assert!(reply.error().retryable);
}

/// A log that can be searched.
#[derive(Debug, Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// All tests of this binary log into one place, at the finest level.
fn log() -> Kept {
    static LOG: std::sync::OnceLock<Kept> = std::sync::OnceLock::new();
    let kept = LOG.get_or_init(|| {
        let kept = Kept::default();
        let writer = kept.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::set_global_default(subscriber).unwrap();
        kept
    });
    kept.clone()
}

pub(crate) async fn the_key_is_seen_nowhere(kind: Kind, _: Wire) {
    const SECRET_KEY: &str = "very-secret-key-0123456789";
    const SECRET_HEADER: &str = "very-secret-header-0123456789";
    let log = log();
    let more = format!("headers = {{ x-secret = \"{SECRET_HEADER}\" }}");
    let mut seen = Vec::new();
    for trouble in [None, Some(Trouble::TellsKey), Some(Trouble::LateError), Some(Trouble::Cut)] {
        let switches = Switches { key: Some(SECRET_KEY.to_owned()), trouble, ..Switches::default() };
        let simulator = Simulator::start(kind, switches).await.unwrap();
        let agent = agent_with(kind, &simulator.base_url, &more, SECRET_KEY, &limits());
        let turn = turn(QUESTION);
        let reply = ask(&agent, &turn).await;
        let checked = agent.check().await;
        writeln!(seen, "{reply:?} {:?} {agent:?} {checked:?}", turn.memory).unwrap();
        let requests = simulator.requests();
        assert!(requests.iter().any(|request| request.header("x-secret") == SECRET_HEADER));
        assert!(requests.iter().any(|request| request.header("authorization").contains(SECRET_KEY)));
    }
    let seen = String::from_utf8(seen).unwrap();
    let log = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    assert!(log.contains("a provider answered"), "the log is kept");
    for secret in [SECRET_KEY, SECRET_HEADER] {
        let line = log.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "in the log");
        assert!(!seen.contains(secret), "in what the relay sees: {seen}");
    }
}

pub(crate) async fn the_check_knows_a_good_key_from_a_bad_one(kind: Kind, _: Wire) {
    let simulator = Simulator::start(kind, Switches::default()).await.unwrap();
    let facts = agent(kind, &simulator.base_url, "").check().await.unwrap();
    assert!(!facts.is_empty());
    let bad = agent_with(kind, &simulator.base_url, "", wrong_key(kind), &limits());
    assert_eq!(bad.check().await.unwrap_err().code(), ErrorCode::Misconfigured);
}
