use chinwag::engine::effect::{Announcement, Timer};
use chinwag::engine::turn::RESUME_WAITS_MS;
use chinwag::engine::*;
use chinwag_protocol::{Chunk, ErrorCode, FinishReason};

use crate::stage::Stage;

#[test]
fn text_grows_and_settles() {
    let (mut stage, turn) = Stage::asking("Hello");
    stage.say(turn, 1, Chunk::Start { message_id: Some("a1".into()), metadata: None });
    stage.say(turn, 2, Chunk::Status { phase: "search".into(), label: Some("Searching".into()) });
    assert_eq!(stage.transcript()[1], " (waiting, labelled)");
    stage.say(turn, 3, Chunk::TextStart { id: "t".into() });
    stage.delta(turn, 4, "Good ");
    stage.delta(turn, 5, "morning.");
    assert_eq!(stage.transcript()[1], "Good morning. ...");
    stage.finish(turn, 6);
    assert_eq!(stage.transcript(), ["> Hello", "Good morning."]);
    assert!(!stage.model.is_replying());
    let received = stage.last(|effect| match effect {
        Effect::Emit(HostEvent::MessageReceived { id, text }) => Some((id.clone(), text.clone())),
        _ => None,
    });
    assert_eq!(received, ("a1".into(), "Good morning.".into()));
}

#[test]
fn a_chunk_asks_for_nothing_but_its_own_reply_to_be_shown() {
    let (mut stage, turn) = Stage::asking("Hello");
    stage.delta(turn, 1, "a");
    stage.asked.clear();
    stage.delta(turn, 2, "b");
    assert_eq!(stage.asked, [Effect::Redraw(Region::Live(stage.key(1)))]);
}

#[test]
fn two_blocks_of_text_are_two_paragraphs() {
    let (mut stage, turn) = Stage::asking("Hello");
    stage.say(turn, 1, Chunk::TextStart { id: "t".into() });
    stage.delta(turn, 2, "One");
    stage.say(turn, 3, Chunk::TextEnd { id: "t".into() });
    stage.say(turn, 4, Chunk::TextStart { id: "u".into() });
    stage.delta(turn, 5, "Two");
    stage.finish(turn, 6);
    assert_eq!(stage.transcript()[1], "One\n\nTwo");
}

#[test]
fn sources_and_suggestions_belong_to_the_reply() {
    let (mut stage, turn) = Stage::asking("Hello");
    let source = |id: &str, url: &str| Chunk::SourceUrl {
        source_id: id.into(),
        url: url.into(),
        title: Some("Theming".into()),
    };
    stage.say(turn, 1, source("1", "https://a.example/theming"));
    stage.say(turn, 2, source("2", "javascript:alert(1)"));
    stage.say(turn, 3, Chunk::Suggestions { prompts: vec!["And dark?".into()] });
    stage.delta(turn, 4, "Yes");
    stage.finish(turn, 5);
    let Some(Item::Reply(reply)) = stage.model.item(stage.key(1)) else { panic!("no reply") };
    assert_eq!(reply.sources.len(), 2);
    assert!(reply.sources[0].href.is_some());
    assert!(reply.sources[1].href.is_none(), "an address that may not be opened is no link");
    assert_eq!(reply.suggestions, ["And dark?"]);
}

#[test]
fn unknown_chunks_change_nothing() {
    let (mut stage, turn) = Stage::asking("Hello");
    stage.delta(turn, 1, "a");
    stage.say(turn, 2, Chunk::Unknown { kind: "steering".into() });
    stage.finish(turn, 3);
    assert_eq!(stage.transcript()[1], "a");
}

#[test]
fn a_screen_reader_is_told_sentences_and_the_end() {
    let (mut stage, turn) = Stage::asking("Hello");
    for (seq, piece) in (1..).zip(["Good mor", "ning. It ", "is late", "."]) {
        stage.delta(turn, seq, piece);
    }
    stage.finish(turn, 9);
    let sentence = |text: &str| Announcement::Sentence(text.into());
    assert_eq!(
        stage.announced(),
        [sentence("Good morning."), sentence("It is late."), Announcement::ReplyDone]
    );
}

#[test]
fn a_stream_without_an_end_is_resumed_after_the_last_frame() {
    let (mut stage, turn) = Stage::asking("Hello");
    stage.delta(turn, 1, "One ");
    stage.delta(turn, 2, "two ");
    stage.tell(Event::StreamEnded { turn });
    assert_eq!(stage.transcript()[1], "One two  ...", "it says nothing unless it cannot");
    stage.tell(Event::TimerFired { timer: Timer::Resume(turn) });
    let after = stage.last(|effect| match effect {
        Effect::ResumeStream { after, .. } => Some(after.clone()),
        _ => None,
    });
    assert_eq!(after.as_deref(), Some("e1:2"));
    stage.tell(Event::StreamOpened { turn });
    stage.delta(turn, 3, "three");
    stage.finish(turn, 4);
    assert_eq!(stage.transcript()[1], "One two three");
}

#[test]
fn a_stream_that_cannot_be_resumed_fails_in_the_end_and_keeps_what_came() {
    let (mut stage, turn) = Stage::asking("Hello");
    stage.delta(turn, 1, "Half");
    stage.tell(Event::StreamEnded { turn });
    for _ in RESUME_WAITS_MS {
        stage.tell(Event::TimerFired { timer: Timer::Resume(turn) });
        stage.tell(Event::StreamFailed { turn, error: TransportError::Network });
    }
    assert_eq!(stage.transcript(), ["> Hello", "Half (failed: Interrupted)"]);
    stage.tell(Event::RetryPressed { key: stage.key(1) });
    assert_eq!(stage.transcript(), ["> Hello (sending)", " (waiting)"]);
}

#[test]
fn a_network_that_is_back_cuts_the_wait_short() {
    let (mut stage, turn) = Stage::asking("Hello");
    stage.delta(turn, 1, "Half");
    stage.tell(Event::WentOffline);
    assert_eq!(stage.model.connection(), Connection::Offline);
    stage.tell(Event::StreamEnded { turn });
    stage.tell(Event::WentOnline);
    assert_eq!(stage.count(|effect| matches!(effect, Effect::ResumeStream { .. })), 1);
    assert_eq!(stage.model.connection(), Connection::Ready);
}

#[test]
fn another_epoch_means_that_the_store_knows_better() {
    let (mut stage, turn) = Stage::asking("Hello");
    stage.delta(turn, 1, "Half");
    stage.tell(Event::StreamEnded { turn });
    stage.tell(Event::TimerFired { timer: Timer::Resume(turn) });
    let chunk = Chunk::TextDelta { id: "t".into(), delta: "Half a".into() };
    stage.tell(Event::ChunkArrived { turn, event_id: Some("e2:1".into()), chunk });
    assert_eq!(stage.count(|effect| matches!(effect, Effect::LoadMessages { .. })), 1);
    assert!(!stage.model.is_replying());
}

#[test]
fn an_error_chunk_fails_the_reply_and_keeps_what_came() {
    let (mut stage, turn) = Stage::asking("Hello");
    stage.delta(turn, 1, "Half");
    stage.say(turn, 2, Chunk::error(ErrorCode::UpstreamTimeout, "slow"));
    assert_eq!(stage.transcript(), ["> Hello", "Half (failed: Timeout)"]);
    stage.tell(Event::StreamEnded { turn });
    assert_eq!(stage.count(|effect| matches!(effect, Effect::StartTimer { .. })), 0);
}

#[test]
fn a_finish_that_says_error_is_a_failure() {
    let (mut stage, turn) = Stage::asking("Hello");
    stage.say(turn, 1, Chunk::Finish { reason: FinishReason::Error, metadata: None });
    assert_eq!(stage.transcript()[1], " (failed: Unavailable)");
}

#[test]
fn a_reply_that_was_stopped_elsewhere_is_stopped_here() {
    let (mut stage, turn) = Stage::asking("Hello");
    stage.delta(turn, 1, "Half");
    stage.say(turn, 2, Chunk::Abort { reason: None });
    assert_eq!(stage.transcript()[1], "Half (stopped)");
}

#[test]
fn a_reply_whose_token_ends_on_the_way_goes_on_with_another() {
    let (mut stage, turn) = Stage::asking("Hello");
    stage.delta(turn, 1, "Half ");
    let told = Chunk::error(ErrorCode::TokenExpired, "the access token has expired");
    stage.tell(Event::ChunkArrived { turn, event_id: Some("e1:1".into()), chunk: told.clone() });
    stage.tell(Event::StreamEnded { turn });
    stage.tell(Event::TimerFired { timer: Timer::Resume(turn) });
    assert_eq!(stage.token_exchanges(), 1, "besides the first one");
    stage.grant_token();
    assert_eq!(stage.count(|effect| matches!(effect, Effect::ResumeStream { .. })), 1);
    stage.tell(Event::StreamOpened { turn });
    stage.delta(turn, 2, "whole");
    assert_eq!(stage.transcript()[1], "Half whole ...");
    // Once: a relay that refuses every token is not asked for ever.
    stage.tell(Event::ChunkArrived { turn, event_id: Some("e1:2".into()), chunk: told });
    assert!(!stage.model.is_replying());
}
