use chinwag::engine::effect::Timer;
use chinwag::engine::*;
use chinwag_protocol::{ErrorCode, MessageStatus, Role};

use crate::stage::{Stage, message, refused};

/// The ids of the messages that were sent, in order.
fn sent_ids(stage: &Stage) -> Vec<String> {
    let id = |effect: &Effect| match effect {
        Effect::OpenStream { body, .. } => body.messages.last().map(|message| message.id.clone()),
        _ => None,
    };
    stage.asked.iter().filter_map(id).collect()
}

fn saved(stage: &Stage) -> Saved {
    stage.last(|effect| match effect {
        Effect::Save(saved) => Some(saved.clone()),
        _ => None,
    })
}

#[test]
fn what_is_written_offline_waits_and_is_sent_in_order_on_return() {
    let mut stage = Stage::ready();
    stage.tell(Event::WentOffline);
    stage.send("One");
    stage.send("Two");
    assert_eq!(stage.sends(), 0);
    assert_eq!(stage.transcript(), ["> One (waiting)", "> Two (waiting)"]);
    assert_eq!(saved(&stage).waiting.len(), 2, "both are kept should the page be left");

    stage.tell(Event::WentOnline);
    assert_eq!(sent_ids(&stage), ["m1"], "one at a time");
    let turn = stage.opened_turn();
    stage.tell(Event::StreamOpened { turn });
    stage.delta(turn, 1, "First.");
    stage.finish(turn, 2);
    assert_eq!(sent_ids(&stage), ["m1", "m2"]);
    let turn = stage.opened_turn();
    stage.tell(Event::StreamOpened { turn });
    stage.delta(turn, 1, "Second.");
    stage.finish(turn, 2);
    assert_eq!(stage.transcript(), ["> One", "First.", "> Two", "Second."]);
    assert!(saved(&stage).waiting.is_empty());
}

#[test]
fn a_message_that_waits_can_be_taken_away() {
    let mut stage = Stage::ready();
    stage.tell(Event::WentOffline);
    stage.send("One");
    stage.send("Two");
    stage.tell(Event::RemovePressed { key: stage.key(0) });
    assert_eq!(stage.transcript(), ["> Two (waiting)"]);
    assert_eq!(saved(&stage).waiting.len(), 1);
    stage.tell(Event::WentOnline);
    assert_eq!(sent_ids(&stage), ["m2"]);
    stage.tell(Event::RemovePressed { key: stage.key(0) });
    assert_eq!(stage.transcript().len(), 2, "what is on its way is no longer there to be taken away");
}

#[test]
fn a_call_that_finds_nobody_waits_and_is_tried_again_by_itself_but_not_for_ever() {
    let mut stage = Stage::ready();
    stage.send("Hello");
    let mut waits = 0;
    for _ in 0..40 {
        let turn = stage.opened_turn();
        stage.asked.clear();
        stage.tell(Event::StreamFailed { turn, error: TransportError::Network });
        assert_eq!(stage.transcript(), ["> Hello (waiting)"]);
        assert!(
            matches!(stage.model.connection(), Connection::Trouble(failure) if failure.reason == Reason::Unreachable)
        );
        if stage.count(|effect| matches!(effect, Effect::StartTimer { timer: Timer::Reconnect, .. })) == 0 {
            break;
        }
        waits += 1;
        stage.tell(Event::TimerFired { timer: Timer::Reconnect });
    }
    assert_eq!(waits, 9);
    // The visitor may try still, and the same message is sent.
    stage.tell(Event::RetryPressed { key: stage.key(0) });
    assert_eq!(sent_ids(&stage), ["m1"]);
    let turn = stage.opened_turn();
    stage.tell(Event::StreamOpened { turn });
    stage.finish(turn, 1);
    assert_eq!(stage.model.connection(), Connection::Ready);
    assert_eq!(stage.transcript(), ["> Hello", ""]);
}

#[test]
fn what_waited_when_the_page_was_left_waits_still_and_is_sent_once() {
    let mut stage = Stage::ready();
    stage.tell(Event::WentOffline);
    stage.send("One");
    stage.send("Two");
    let kept = Saved::parse(&saved(&stage).to_json()).unwrap();

    let mut again = Stage::remembering(Some(kept));
    assert_eq!(again.transcript(), ["> One (waiting)", "> Two (waiting)"]);
    again.grant_token();
    // The first had reached the relay after all, and was answered.
    again.page(vec![
        message("m1", Role::User, "One", None),
        message("a1", Role::Assistant, "First.", Some(MessageStatus::Done)),
    ]);
    assert_eq!(sent_ids(&again), ["m2"]);
    assert_eq!(again.transcript()[..3], ["> One", "First.", "> Two (sending)"]);
}

#[test]
fn what_waited_is_not_lost_should_the_code_that_sends_it_never_come() {
    let waiting = vec![saved::Waiting { id: "m1".into(), text: "One".into(), files: vec![] }];
    let kept = Saved { waiting, ..Saved::default() };
    // Not `remembering`: nothing tells that it can be taken up again.
    let mut stage = Stage::mounted();
    stage.model = Model::new(stage.model.config.clone());
    stage.tell(Event::Mounted { saved: Some(kept) });
    stage.tell(Event::DraftChanged { text: "half".into() });
    assert_eq!(saved(&stage).waiting.len(), 1, "kept as it was");
    assert!(stage.transcript().is_empty());

    // The code came after all, with a later message.
    stage.tell(Event::WentOffline);
    stage.send("Two");
    assert_eq!(stage.transcript(), ["> One (waiting)", "> Two (waiting)"]);
    assert_eq!(saved(&stage).waiting.len(), 2);
}

#[test]
fn a_message_whose_code_could_not_be_had_stays_in_the_composer() {
    let mut stage = Stage::ready();
    stage.tell(Event::PageAsked { text: "Hello".into() });
    stage.tell(Event::NotSent { text: "Hello".into() });
    assert!(stage.transcript().is_empty());
    assert_eq!((stage.model.draft.as_str(), stage.model.is_unsent), ("Hello", true));
    assert!(stage.model.page_asked.is_none(), "another may be sent");
    stage.send("Hello");
    assert_eq!(stage.sends(), 1);
    assert_eq!((stage.model.draft.as_str(), stage.model.is_unsent), ("", false));
}

#[test]
fn a_message_may_be_written_while_a_reply_is_cut_off() {
    let (mut stage, turn) = Stage::asking("One");
    stage.delta(turn, 1, "Half");
    stage.tell(Event::WentOffline);
    stage.tell(Event::StreamEnded { turn });
    stage.send("Two");
    assert_eq!(stage.transcript(), ["> One", "Half ...", "> Two (waiting)"]);
    assert_eq!(
        stage.count(|effect| matches!(effect, Effect::StartTimer { timer: Timer::Resume(_), .. })),
        0,
        "without a network no try is used up"
    );
    stage.tell(Event::WentOnline);
    assert_eq!(stage.count(|effect| matches!(effect, Effect::ResumeStream { .. })), 1);
    stage.delta(turn, 2, " and whole");
    stage.finish(turn, 3);
    assert_eq!(stage.transcript(), ["> One", "Half and whole", "> Two (sending)", " (waiting)"]);
}

#[test]
fn the_page_is_told_how_things_stand_and_only_when_that_changes() {
    let mut stage = Stage::mounted();
    stage.tell(Event::Opened);
    stage.grant_token();
    stage.tell(Event::WentOffline);
    stage.tell(Event::WentOffline);
    stage.tell(Event::WentOnline);
    let told: Vec<_> = stage
        .asked
        .iter()
        .filter_map(|effect| match effect {
            Effect::Emit(HostEvent::ConnectionChange(connection)) => Some(*connection),
            _ => None,
        })
        .collect();
    assert_eq!(told, ["ready", "offline", "ready"]);
}

#[test]
fn a_device_that_wakes_takes_a_broken_reply_up_at_once() {
    let (mut stage, turn) = Stage::asking("One");
    stage.delta(turn, 1, "Half");
    stage.tell(Event::StreamEnded { turn });
    assert_eq!(stage.count(|effect| matches!(effect, Effect::ResumeStream { .. })), 0);
    stage.tell(Event::Woke);
    let after = stage.last(|effect| match effect {
        Effect::ResumeStream { after, .. } => Some(after.clone()),
        _ => None,
    });
    assert_eq!(after.as_deref(), Some("e1:1"));
}

#[test]
fn a_relay_that_is_away_at_the_start_is_tried_again_on_request() {
    let mut stage = Stage::mounted();
    stage.tell(Event::Opened);
    let request = stage.last(|effect| match effect {
        Effect::FetchToken { request, .. } => Some(*request),
        _ => None,
    });
    stage.tell(Event::TokenFailed { request, error: refused(503, ErrorCode::Overloaded) });
    stage.tell(Event::ReconnectPressed);
    assert_eq!(stage.token_exchanges(), 2);
    stage.tell(Event::ReconnectPressed);
    assert_eq!(stage.token_exchanges(), 2, "one at a time");
    stage.grant_token();
    assert_eq!(stage.model.connection(), Connection::Ready);
}
