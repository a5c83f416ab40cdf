use chinwag::engine::*;
use chinwag_protocol::ErrorCode;

use crate::stage::{Stage, refused};

#[test]
fn nothing_is_asked_of_the_relay_before_the_panel_opens() {
    let stage = Stage::mounted();
    assert_eq!(stage.token_exchanges(), 0);
    assert_eq!(stage.count(|effect| matches!(effect, Effect::Save(_))), 0, "nor is anything stored");
}

#[test]
fn calls_that_wait_for_a_token_share_one_exchange() {
    let mut stage = Stage::mounted();
    stage.tell(Event::Opened);
    stage.send("Hello");
    assert_eq!(stage.token_exchanges(), 1);
    assert_eq!(stage.sends(), 0);
    stage.grant_token();
    assert_eq!(stage.sends(), 1);
}

#[test]
fn an_old_token_is_replaced_before_it_is_used() {
    let (mut stage, turn) = Stage::asking("One");
    stage.finish(turn, 1);
    stage.wait(481_000.0);
    stage.send("Two");
    assert_eq!(stage.sends(), 1, "the second waits");
    assert_eq!(stage.token_exchanges(), 1);
    stage.grant_token();
    assert_eq!(stage.sends(), 2);
}

#[test]
fn a_refused_token_is_replaced_once_and_never_again() {
    let mut stage = Stage::ready();
    stage.send("Hello");
    let turn = stage.opened_turn();
    stage.tell(Event::StreamFailed { turn, error: refused(401, ErrorCode::TokenExpired) });
    assert_eq!(stage.token_exchanges(), 1);
    stage.grant_token();
    assert_eq!(stage.sends(), 2);
    stage.tell(Event::StreamFailed { turn, error: refused(401, ErrorCode::Unauthenticated) });
    assert_eq!(stage.token_exchanges(), 1, "no loop");
    assert_eq!(stage.transcript(), ["> Hello (not sent: NotAllowed)"]);
}

#[test]
fn the_visitor_token_is_kept_and_brought_along_and_the_access_token_is_not() {
    let mut stage = Stage::mounted();
    stage.tell(Event::Opened);
    stage.grant_token();
    let saved = stage.last(|effect| match effect {
        Effect::Save(saved) => Some(saved.clone()),
        _ => None,
    });
    assert_eq!(saved.visitor.as_deref(), Some("visitor-1"));
    assert!(!saved.to_json().contains("token-"));

    let again = Stage::remembering(Some(saved));
    let body = again.last(|effect| match effect {
        Effect::FetchToken { body, .. } => Some(body.clone()),
        _ => None,
    });
    assert_eq!(body.visitor.as_deref(), Some("visitor-1"));
}

#[test]
fn a_late_answer_to_an_old_exchange_is_dropped() {
    let mut stage = Stage::mounted();
    stage.tell(Event::Opened);
    let request = stage.last(|effect| match effect {
        Effect::FetchToken { request, .. } => Some(*request),
        _ => None,
    });
    stage.tell(Event::TokenFailed { request, error: TransportError::Network });
    stage.asked.clear();
    stage.tell(Event::TokenFailed { request, error: TransportError::Timeout });
    assert!(stage.asked.is_empty());
}

#[test]
fn opening_again_after_trouble_tries_again() {
    let mut stage = Stage::mounted();
    stage.tell(Event::Opened);
    let request = stage.last(|effect| match effect {
        Effect::FetchToken { request, .. } => Some(*request),
        _ => None,
    });
    stage.tell(Event::TokenFailed { request, error: TransportError::Network });
    stage.tell(Event::Closed);
    stage.tell(Event::Opened);
    assert_eq!(stage.token_exchanges(), 2);
    stage.grant_token();
    assert_eq!(stage.model.connection(), Connection::Ready);
}
