use chinwag::engine::*;
use chinwag_protocol::{Chunk, ErrorCode, Trigger};

use crate::stage::{Stage, refused};

#[test]
fn the_conversation_id_is_stored_before_the_first_send() {
    let mut stage = Stage::ready();
    stage.send("Hello");
    let saved = stage.asked.iter().position(|effect| match effect {
        Effect::Save(saved) => saved.conversation.as_ref().is_some_and(|id| id.as_str() == "c1"),
        _ => false,
    });
    let sent = stage.asked.iter().position(|effect| matches!(effect, Effect::OpenStream { .. }));
    assert!(saved.unwrap() < sent.unwrap());
}

#[test]
fn a_message_shows_at_once_and_is_sent_with_the_token() {
    let mut stage = Stage::ready();
    stage.send("  Hello \n");
    assert_eq!(stage.transcript(), ["> Hello (sending)", " (waiting)"]);
    let (token, body) = stage.last(|effect| match effect {
        Effect::OpenStream { token, body, .. } => Some((token.clone(), body.clone())),
        _ => None,
    });
    assert!(token.starts_with("token-"));
    assert_eq!(body.messages[0].text(), "Hello");
    assert_eq!(body.trigger, Trigger::SubmitMessage);
}

#[test]
fn the_second_message_stays_in_the_conversation() {
    let (mut stage, turn) = Stage::asking("One");
    stage.finish(turn, 1);
    stage.send("Two");
    let id = stage.last(|effect| match effect {
        Effect::OpenStream { body, .. } => Some(body.id.to_string()),
        _ => None,
    });
    assert_eq!(id, "c1");
}

#[test]
fn nothing_is_sent_that_is_empty_too_long_or_too_early() {
    let mut stage = Stage::ready();
    stage.send("   ");
    stage.send(&"x".repeat(8_001));
    assert_eq!(stage.sends(), 0);
    stage.send("One");
    stage.send("Two");
    assert_eq!(stage.sends(), 1, "one question at a time");
    assert_eq!(stage.transcript().len(), 2);
}

#[test]
fn the_draft_is_gone_once_it_is_sent() {
    let mut stage = Stage::ready();
    stage.tell(Event::DraftChanged { text: "Hel".into() });
    assert_eq!(stage.model.draft, "Hel");
    stage.send("Hello");
    let saved = stage.last(|effect| match effect {
        Effect::Save(saved) => Some(saved.clone()),
        _ => None,
    });
    assert_eq!(saved.draft, "");
}

#[test]
fn an_unreachable_relay_keeps_the_message_and_retry_sends_it_under_the_same_id() {
    let mut stage = Stage::ready();
    stage.send("Hello");
    let turn = stage.opened_turn();
    stage.tell(Event::StreamFailed { turn, error: TransportError::Network });
    assert_eq!(stage.transcript(), ["> Hello (waiting)"]);

    stage.tell(Event::RetryPressed { key: stage.key(0) });
    assert_eq!(stage.transcript(), ["> Hello (sending)", " (waiting)"]);
    let ids: Vec<String> = stage
        .asked
        .iter()
        .filter_map(|effect| match effect {
            Effect::OpenStream { body, .. } => Some(body.messages[0].id.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(ids, ["m1", "m1"]);
}

#[test]
fn a_retry_answers_below_its_own_question() {
    let mut stage = Stage::ready();
    stage.send("One");
    let turn = stage.opened_turn();
    stage.tell(Event::StreamFailed { turn, error: TransportError::Network });
    stage.send("Two");
    let turn = stage.opened_turn();
    stage.tell(Event::StreamOpened { turn });
    stage.delta(turn, 1, "2");
    stage.finish(turn, 2);
    stage.tell(Event::RetryPressed { key: stage.key(0) });
    assert_eq!(stage.transcript(), ["> One (sending)", " (waiting)", "> Two", "2"]);
}

#[test]
fn a_rate_limit_is_not_retried_before_its_time() {
    let mut stage = Stage::ready();
    stage.send("Hello");
    let turn = stage.opened_turn();
    let error = TransportError::Http {
        status: 429,
        code: ErrorCode::RateLimited,
        retry_after_ms: Some(5_000),
        request_id: None,
    };
    stage.tell(Event::StreamFailed { turn, error });
    stage.tell(Event::RetryPressed { key: stage.key(0) });
    assert_eq!(stage.sends(), 1);
    stage.wait(5_000.0);
    stage.tell(Event::RetryPressed { key: stage.key(0) });
    assert_eq!(stage.sends(), 2);
}

#[test]
fn stop_ends_the_reply_here_at_once_and_at_the_relay() {
    let (mut stage, turn) = Stage::asking("Hello");
    stage.delta(turn, 1, "Half an ");
    stage.tell(Event::StopPressed);
    assert_eq!(stage.transcript(), ["> Hello", "Half an  (stopped)"]);
    assert_eq!(stage.count(|effect| matches!(effect, Effect::StopReply { .. })), 1);
    assert_eq!(stage.count(|effect| matches!(effect, Effect::AbortStream { .. })), 1);
    // What was under way when it was pressed comes too late.
    stage.delta(turn, 2, "answer");
    stage.tell(Event::StreamEnded { turn });
    assert_eq!(stage.transcript()[1], "Half an  (stopped)");
    assert!(!stage.model.is_replying());
}

#[test]
fn another_answer_takes_the_place_of_the_old_one() {
    let (mut stage, turn) = Stage::asking("Hello");
    stage.say(turn, 1, Chunk::Start { message_id: Some("a1".into()), metadata: None });
    stage.delta(turn, 2, "First");
    stage.finish(turn, 3);
    stage.tell(Event::RegeneratePressed { key: stage.key(1) });
    let (trigger, message_id) = stage.last(|effect| match effect {
        Effect::OpenStream { body, .. } => Some((body.trigger, body.message_id.clone())),
        _ => None,
    });
    assert_eq!(trigger, Trigger::RegenerateMessage);
    assert_eq!(message_id.unwrap().as_str(), "a1");
    let turn = stage.opened_turn();
    stage.tell(Event::StreamOpened { turn });
    stage.delta(turn, 1, "Second");
    stage.finish(turn, 2);
    assert_eq!(stage.transcript(), ["> Hello", "Second"]);
}

#[test]
fn a_new_conversation_is_empty_and_leaves_the_old_reply_alone() {
    let (mut stage, turn) = Stage::asking("Hello");
    stage.tell(Event::ConversationStarted { conversation_id: "c9".into() });
    assert!(stage.transcript().is_empty());
    assert_eq!(stage.count(|effect| matches!(effect, Effect::StopReply { .. })), 0);
    stage.delta(turn, 1, "late");
    assert!(stage.transcript().is_empty(), "a reply of another conversation is dropped");
    stage.send("Again");
    let id = stage.last(|effect| match effect {
        Effect::OpenStream { body, .. } => Some(body.id.to_string()),
        _ => None,
    });
    assert_eq!(id, "c9");
}

#[test]
fn a_page_that_may_not_use_the_site_is_told_so() {
    let mut stage = Stage::mounted();
    stage.tell(Event::Opened);
    stage.send("Hello");
    let request = stage.last(|effect| match effect {
        Effect::FetchToken { request, .. } => Some(*request),
        _ => None,
    });
    stage.tell(Event::TokenFailed { request, error: refused(403, ErrorCode::OriginNotAllowed) });
    assert_eq!(stage.transcript(), ["> Hello (not sent: NotAllowed)"]);
    assert!(matches!(stage.model.connection(), Connection::Trouble(_)));
}
