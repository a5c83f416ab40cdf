//! Without a relay: an endpoint that has no memory, and conversations that are
//! kept here.

use chinwag::engine::*;
use chinwag_protocol::{Chunk, FromFields as _, Role, UiMessage};

use crate::stage::{Stage, message};

fn direct() -> Stage {
    // The archive is fetched with the endpoint.
    part::fetched(part::Part::Past);
    let mut stage = Stage::with(Config { is_direct: true, ..Config::default() }, None);
    stage.tell(Event::Opened);
    stage
}

fn answer(stage: &mut Stage, text: &str) {
    let turn = stage.opened_turn();
    stage.tell(Event::StreamOpened { turn });
    stage.delta(turn, 1, text);
    stage.finish(turn, 2);
}

fn archived(stage: &Stage) -> (String, Vec<UiMessage>) {
    stage.last(|effect| match effect {
        Effect::Archive { title, messages, .. } => {
            let messages = messages.iter().map(|message| UiMessage::from_json(message).unwrap()).collect();
            Some((title.clone(), messages))
        }
        _ => None,
    })
}

#[test]
fn nobody_is_asked_for_a_token_and_the_whole_conversation_goes_along() {
    let mut stage = direct();
    stage.send("One");
    answer(&mut stage, "First.");
    stage.send("Two");
    let sent = stage.last(|effect| match effect {
        Effect::OpenStream { body, token, .. } => Some((body.messages.clone(), token.clone())),
        _ => None,
    });
    let said: Vec<(Role, String)> = sent.0.iter().map(|message| (message.role, message.text())).collect();
    assert_eq!(
        said,
        [(Role::User, "One".into()), (Role::Assistant, "First.".into()), (Role::User, "Two".into())]
    );
    assert_eq!(sent.1, "");
    assert_eq!(stage.token_exchanges(), 0);
    assert_eq!(stage.model.connection(), Connection::Ready);
}

#[test]
fn a_conversation_is_kept_when_a_reply_ends_and_when_the_page_is_left() {
    let mut stage = direct();
    stage.send("One");
    assert_eq!(archived(&stage).1.len(), 1, "the question at once");
    answer(&mut stage, "First.");
    let (title, messages) = archived(&stage);
    assert_eq!((title.as_str(), messages.len()), ("One", 2));
    stage.send("Two");
    let turn = stage.opened_turn();
    stage.tell(Event::StreamOpened { turn });
    stage.delta(turn, 1, "Half");
    stage.tell(Event::PageHidden);
    assert_eq!(archived(&stage).1.len(), 4);
}

#[test]
fn a_reply_that_breaks_is_not_resumed_but_can_be_asked_for_again() {
    let mut stage = direct();
    stage.send("One");
    let turn = stage.opened_turn();
    stage.tell(Event::StreamOpened { turn });
    stage.delta(turn, 1, "Half");
    stage.tell(Event::StreamEnded { turn });
    assert_eq!(stage.transcript(), ["> One", "Half (failed: Interrupted)"]);
    assert_eq!(stage.count(|effect| matches!(effect, Effect::ResumeStream { .. })), 0);
    stage.tell(Event::RetryPressed { key: stage.key(1) });
    assert_eq!(stage.sends(), 2);
}

#[test]
fn stop_ends_the_request_and_asks_nobody() {
    let mut stage = direct();
    stage.send("One");
    let turn = stage.opened_turn();
    stage.tell(Event::StreamOpened { turn });
    stage.delta(turn, 1, "Half");
    stage.tell(Event::StopPressed);
    assert_eq!(stage.count(|effect| matches!(effect, Effect::AbortStream { .. })), 1);
    assert_eq!(stage.count(|effect| matches!(effect, Effect::StopReply { .. })), 0);
    assert_eq!(stage.transcript(), ["> One", "Half (stopped)"]);
}

#[test]
fn a_question_without_an_answer_is_no_running_reply() {
    let saved = Saved::new(None, chinwag_protocol::ConversationId::parse("c7").ok(), true, String::new());
    let mut stage = Stage::with(Config { is_direct: true, ..Config::default() }, Some(saved));
    stage.page(vec![message("m1", Role::User, "One", None)]);
    assert_eq!(stage.transcript(), ["> One (not sent: Interrupted)"]);
    stage.tell(Event::RetryPressed { key: stage.key(0) });
    assert_eq!(stage.sends(), 1);
}

#[test]
fn what_a_step_said_can_be_taken_back() {
    let (mut stage, turn) = Stage::asking("Hello");
    stage.say(turn, 1, Chunk::StartStep);
    stage.delta(turn, 2, "Let me see. ");
    stage.say(turn, 3, Chunk::FinishStep);
    stage.say(turn, 4, Chunk::StartStep);
    stage.delta(turn, 5, "Wrong");
    stage.say(turn, 6, Chunk::ResetStep);
    assert_eq!(stage.transcript()[1], "Let me see.  ...");
    stage.delta(turn, 7, "Right");
    stage.finish(turn, 8);
    assert_eq!(stage.transcript(), ["> Hello", "Let me see. Right"]);
}
