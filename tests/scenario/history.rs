use chinwag::engine::session::RequestId;
use chinwag::engine::*;
use chinwag_protocol::{ConversationId, ErrorCode, MessageStatus, Page, Pagination, Role, UiMessage};

use crate::stage::{Stage, message, refused};

fn saved(open: bool) -> Saved {
    Saved::new(Some("visitor-1".into()), ConversationId::parse("c7").ok(), open, "half a".into())
}

fn returned(data: Vec<UiMessage>) -> Stage {
    let mut stage = Stage::remembering(Some(saved(true)));
    stage.grant_token();
    stage.page(data);
    stage
}

#[test]
fn an_open_panel_is_open_again_with_its_conversation_and_draft() {
    let stage = returned(vec![
        message("m1", Role::User, "Hello", None),
        message("a1", Role::Assistant, "Good morning", Some(MessageStatus::Done)),
    ]);
    assert!(stage.model.open);
    assert_eq!(stage.model.draft, "half a");
    assert_eq!(stage.transcript(), ["> Hello", "Good morning"]);
    assert!(!stage.model.is_replying());
}

#[test]
fn a_closed_panel_asks_for_nothing_until_it_opens() {
    let mut stage = Stage::remembering(Some(saved(false)));
    assert_eq!(stage.token_exchanges(), 0);
    stage.tell(Event::Opened);
    stage.grant_token();
    assert_eq!(stage.count(|effect| matches!(effect, Effect::LoadMessages { .. })), 1);
}

#[test]
fn a_reply_that_was_running_is_followed_from_its_beginning() {
    let mut stage = returned(vec![
        message("m1", Role::User, "Hello", None),
        message("a1", Role::Assistant, "Good", Some(MessageStatus::Streaming)),
    ]);
    assert_eq!(stage.transcript(), ["> Hello", "Good ..."], "what is known shows at once");
    let turn = stage.opened_turn();
    stage.tell(Event::StreamOpened { turn });
    stage.delta(turn, 1, "Good ");
    stage.delta(turn, 2, "morning");
    stage.finish(turn, 3);
    assert_eq!(stage.transcript(), ["> Hello", "Good morning"], "and nothing shows twice");
}

#[test]
fn a_running_reply_of_which_the_relay_knows_nothing_can_be_asked_for_again() {
    let mut stage = returned(vec![
        message("m1", Role::User, "Hello", None),
        message("a1", Role::Assistant, "Good", Some(MessageStatus::Streaming)),
    ]);
    for _ in 0..2 {
        let turn = stage.opened_turn();
        stage.tell(Event::StreamGone { turn });
        if matches!(stage.model.history, History::Loading { .. }) {
            stage.page(vec![
                message("m1", Role::User, "Hello", None),
                message("a1", Role::Assistant, "Good", Some(MessageStatus::Streaming)),
            ]);
        }
    }
    assert_eq!(stage.transcript(), ["> Hello", "Good (failed: Interrupted)"]);
    stage.tell(Event::RetryPressed { key: stage.key(1) });
    assert_eq!(stage.sends(), 1);
}

#[test]
fn a_reply_that_ended_just_after_the_transcript_was_read_is_whole() {
    let mut stage = returned(vec![
        message("m1", Role::User, "Hello", None),
        message("a1", Role::Assistant, "Good", Some(MessageStatus::Streaming)),
    ]);
    let turn = stage.opened_turn();
    stage.tell(Event::StreamGone { turn });
    stage.page(vec![
        message("m1", Role::User, "Hello", None),
        message("a1", Role::Assistant, "Good morning", Some(MessageStatus::Done)),
    ]);
    assert_eq!(stage.transcript(), ["> Hello", "Good morning"]);
    assert!(!stage.model.is_replying());
}

#[test]
fn a_question_without_an_answer_can_be_asked_again() {
    let mut stage = returned(vec![message("m1", Role::User, "Hello", None)]);
    for _ in 0..2 {
        let turn = stage.opened_turn();
        stage.tell(Event::StreamGone { turn });
        if matches!(stage.model.history, History::Loading { .. }) {
            stage.page(vec![message("m1", Role::User, "Hello", None)]);
        }
    }
    assert_eq!(stage.transcript(), ["> Hello (not sent: Interrupted)"]);
    stage.tell(Event::RetryPressed { key: stage.key(0) });
    let id = stage.last(|effect| match effect {
        Effect::OpenStream { body, .. } => Some(body.messages[0].id.clone()),
        _ => None,
    });
    assert_eq!(id, "m1");
}

#[test]
fn how_a_reply_ended_is_still_known() {
    let stage = returned(vec![
        message("m1", Role::User, "One", None),
        message("a1", Role::Assistant, "Half", Some(MessageStatus::Stopped)),
        message("m2", Role::User, "Two", None),
        message("a2", Role::Assistant, "Half", Some(MessageStatus::Interrupted)),
    ]);
    assert_eq!(stage.transcript(), ["> One", "Half (stopped)", "> Two", "Half (failed: Interrupted)"]);
}

#[test]
fn a_conversation_that_is_gone_is_an_empty_one() {
    let mut stage = Stage::remembering(Some(saved(true)));
    stage.grant_token();
    let request = stage.last(|effect| match effect {
        Effect::LoadMessages { request, .. } => Some(*request),
        _ => None,
    });
    stage.tell(Event::MessagesFailed { request, error: refused(404, ErrorCode::NotFound) });
    assert!(stage.transcript().is_empty());
    assert_eq!(stage.model.connection(), Connection::Ready);
}

#[test]
fn a_message_sent_while_the_transcript_loads_is_below_it() {
    let mut stage = Stage::remembering(Some(saved(true)));
    stage.grant_token();
    stage.send("Two");
    stage.page(vec![
        message("m0", Role::User, "One", None),
        message("a0", Role::Assistant, "1", Some(MessageStatus::Done)),
    ]);
    assert_eq!(stage.transcript(), ["> One", "1", "> Two (sending)", " (waiting)"]);
}

#[test]
fn a_refused_token_is_replaced_once_for_the_transcript_too() {
    let mut stage = Stage::remembering(Some(saved(true)));
    stage.grant_token();
    for exchanges in [2, 2] {
        let request = stage.last(|effect| match effect {
            Effect::LoadMessages { request, .. } => Some(*request),
            _ => None,
        });
        stage.tell(Event::MessagesFailed { request, error: refused(401, ErrorCode::Unauthenticated) });
        assert_eq!(stage.token_exchanges(), exchanges);
        if matches!(stage.model.history, History::Loading { .. }) {
            stage.grant_token();
        }
    }
    assert!(matches!(stage.model.history, History::Failed(_)));
}

/// Answers the page of the transcript that was asked for last; there is more
/// before it if it has a cursor.
fn answer(stage: &mut Stage, names: &[&str], cursor: Option<&str>) {
    let request = last_page(stage).0;
    let data = names.iter().map(|name| message(name, Role::User, name, None)).collect();
    let pagination = Pagination { cursor: cursor.map(Into::into), has_more: cursor.is_some() };
    stage.tell(Event::MessagesArrived { request, page: Page { data, pagination } });
}

fn last_page(stage: &Stage) -> (RequestId, Option<String>) {
    stage.last(|effect| match effect {
        Effect::LoadMessages { request, cursor, .. } => Some((*request, cursor.clone())),
        _ => None,
    })
}

/// A transcript of which the newest page is here; the running reply that its
/// last question may have is not.
fn long() -> Stage {
    let mut stage = Stage::remembering(Some(saved(true)));
    stage.grant_token();
    let request = last_page(&stage).0;
    let data = vec![
        message("m3", Role::User, "Three", None),
        message("a3", Role::Assistant, "3", Some(MessageStatus::Done)),
    ];
    let pagination = Pagination { cursor: Some("p2".into()), has_more: true };
    stage.tell(Event::MessagesArrived { request, page: Page { data, pagination } });
    stage
}

#[test]
fn older_pages_come_before_what_is_here_until_there_are_no_more() {
    let mut stage = long();
    let keys = [stage.key(0), stage.key(1)];
    stage.tell(Event::OlderAsked);
    assert_eq!(last_page(&stage).1.as_deref(), Some("p2"));
    let pages = stage.count(|effect| matches!(effect, Effect::LoadMessages { .. }));
    stage.tell(Event::OlderAsked);
    assert_eq!(stage.count(|effect| matches!(effect, Effect::LoadMessages { .. })), pages, "once");
    answer(&mut stage, &["Two"], Some("p1"));
    stage.tell(Event::OlderAsked);
    answer(&mut stage, &["One"], None);
    assert_eq!(stage.transcript(), ["> One", "> Two", "> Three", "3"]);
    assert_eq!([stage.key(2), stage.key(3)], keys, "what was here is the same");
    assert_eq!(*stage.model.older(), Older::Nothing);
    assert!(!stage.model.is_replying(), "an older question is not taken for a running one");
}

#[test]
fn what_is_older_than_a_conversation_that_began_here_is_not_asked_for() {
    let mut stage = Stage::ready();
    stage.send("One");
    stage.tell(Event::OlderAsked);
    assert_eq!(stage.count(|effect| matches!(effect, Effect::LoadMessages { .. })), 0);
}

#[test]
fn an_older_page_that_failed_is_asked_for_again_and_nothing_is_lost() {
    let mut stage = long();
    stage.tell(Event::OlderAsked);
    let request = last_page(&stage).0;
    stage.tell(Event::MessagesFailed { request, error: TransportError::Network });
    assert!(matches!(stage.model.older(), Older::Failed { .. }));
    assert_eq!(stage.transcript(), ["> Three", "3"]);
    assert_eq!(stage.model.connection(), Connection::Ready, "the chat itself goes on");
    stage.tell(Event::OlderAsked);
    assert_eq!(last_page(&stage).1.as_deref(), Some("p2"));
    answer(&mut stage, &["Two"], None);
    assert_eq!(stage.transcript().len(), 3);
}

#[test]
fn a_refused_token_is_replaced_once_for_an_older_page() {
    let mut stage = long();
    stage.tell(Event::OlderAsked);
    let exchanges = stage.token_exchanges();
    for _ in 0..2 {
        let request = last_page(&stage).0;
        stage.tell(Event::MessagesFailed { request, error: refused(401, ErrorCode::Unauthenticated) });
        assert_eq!(stage.token_exchanges(), exchanges + 1);
        if matches!(stage.model.older(), Older::Loading { .. }) {
            stage.grant_token();
        }
    }
    assert!(matches!(stage.model.older(), Older::Failed { .. }));
}

#[test]
fn an_older_page_of_a_conversation_that_was_left_is_dropped() {
    let mut stage = long();
    stage.tell(Event::OlderAsked);
    let request = last_page(&stage).0;
    stage.tell(Event::ConversationStarted { conversation_id: "c8".into() });
    let data = vec![message("m2", Role::User, "Two", None)];
    let page = Page { data, pagination: Pagination::default() };
    stage.tell(Event::MessagesArrived { request, page });
    assert!(stage.transcript().is_empty());
}

#[test]
fn a_message_sent_while_an_older_page_loads_stays_at_the_end() {
    let mut stage = long();
    stage.tell(Event::OlderAsked);
    let request = last_page(&stage).0;
    stage.send("Four");
    let page = Page { data: vec![message("m2", Role::User, "Two", None)], pagination: Pagination::default() };
    stage.tell(Event::MessagesArrived { request, page });
    assert_eq!(stage.transcript(), ["> Two", "> Three", "3", "> Four (sending)", " (waiting)"]);
}
