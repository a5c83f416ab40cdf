use chinwag::engine::effect::{Announcement, Timer};
use chinwag::engine::*;
use chinwag_protocol::{
    Chunk, ConversationId, ErrorCode, FinishReason, MessageMetadata, MessageStatus, Part, Role, UiMessage,
};

use crate::stage::{Stage, refused};

#[expect(clippy::unnecessary_wraps, reason = "chunks may have none")]
fn says(state: ConversationState) -> Option<MessageMetadata> {
    Some(MessageMetadata { state: Some(state), ..MessageMetadata::default() })
}

fn message(id: &str, role: Role, text: &str, state: Option<ConversationState>) -> UiMessage {
    let parts = if text.is_empty() { vec![] } else { vec![Part::Text { text: text.into() }] };
    let metadata = MessageMetadata { state, status: Some(MessageStatus::Done), ..MessageMetadata::default() };
    UiMessage { id: id.into(), role, parts, metadata: Some(metadata) }
}

/// A conversation that a person took over at the end of its first reply.
fn taken_over() -> Stage {
    let (mut stage, turn) = Stage::asking("A person, please");
    stage.say(turn, 1, Chunk::Start { message_id: Some("a1".into()), metadata: None });
    stage.delta(turn, 2, "One moment.");
    let metadata = says(ConversationState::TakenOver);
    stage.say(turn, 3, Chunk::Finish { reason: FinishReason::Stop, metadata });
    stage
}

fn waits(stage: &Stage) -> Vec<u32> {
    let pick = |effect: &Effect| match effect {
        Effect::StartTimer { timer: Timer::Watch, after_ms } => Some(*after_ms),
        _ => None,
    };
    stage.asked.iter().filter_map(pick).collect()
}

fn looks(stage: &Stage) -> usize {
    stage.count(|effect| matches!(effect, Effect::LoadMessages { .. }))
}

fn look(stage: &mut Stage) {
    stage.tell(Event::TimerFired { timer: Timer::Watch });
}

fn first_two(state: ConversationState) -> Vec<UiMessage> {
    vec![
        message("m1", Role::User, "A person, please", None),
        message("a1", Role::Assistant, "One moment.", Some(state)),
    ]
}

#[test]
fn a_person_who_takes_over_is_told_of() {
    let stage = taken_over();
    assert_eq!(stage.model.standing, ConversationState::TakenOver);
    assert!(stage.announced().contains(&Announcement::Standing(ConversationState::TakenOver)));
    assert!(stage.asked.contains(&Effect::Redraw(Region::Composer)));
    assert_eq!(waits(&stage), [5_000]);
}

#[test]
fn their_messages_are_looked_for_gently() {
    let mut stage = taken_over();
    for _ in 0..6 {
        look(&mut stage);
        stage.page(first_two(ConversationState::TakenOver));
    }
    assert_eq!(waits(&stage), [5_000, 7_500, 11_250, 16_875, 25_312, 30_000, 30_000]);
    assert_eq!(looks(&stage), 6);
    assert_eq!(stage.transcript(), ["> A person, please", "One moment."]);
}

#[test]
fn what_they_write_comes_below_and_nothing_else_is_drawn_anew() {
    let mut stage = taken_over();
    look(&mut stage);
    stage.page(first_two(ConversationState::TakenOver));
    look(&mut stage);
    let keys = [stage.key(0), stage.key(1)];
    let mut page = first_two(ConversationState::TakenOver);
    page.push(message("p1", Role::Assistant, "Maya here.", Some(ConversationState::TakenOver)));
    stage.asked.retain(|effect| matches!(effect, Effect::LoadMessages { .. }));
    stage.page(page);
    assert_eq!(stage.transcript(), ["> A person, please", "One moment.", "Maya here."]);
    assert_eq!([stage.key(0), stage.key(1)], keys, "what was there stays what it was");
    assert_eq!(waits(&stage), [5_000], "more may follow soon");
    assert!(stage.announced().contains(&Announcement::Sentence("Maya here.".into())));
    let told = stage.told(|event| match event {
        HostEvent::MessageReceived { id, .. } => Some(id.clone()),
        _ => None,
    });
    assert_eq!(told, ["p1"]);
}

#[test]
fn a_wordless_reply_of_the_agent_is_not_shown_while_a_person_answers() {
    let mut stage = taken_over();
    stage.send("Are you there?");
    let turn = stage.opened_turn();
    stage.tell(Event::StreamOpened { turn });
    stage.finish(turn, 1);
    assert_eq!(stage.transcript(), ["> A person, please", "One moment.", "> Are you there?"]);
    assert!(!stage.model.is_replying());
    look(&mut stage);
    let mut page = first_two(ConversationState::TakenOver);
    page.push(message("m2", Role::User, "Are you there?", None));
    page.push(message("a2", Role::Assistant, "", Some(ConversationState::TakenOver)));
    stage.page(page);
    assert_eq!(stage.transcript().len(), 3);
}

/// A reply of an agent whose provider tells what a person writes.
fn told_of_persons() -> Stage {
    let mut stage = Stage::mounted();
    stage.has_updates = true;
    stage.tell(Event::Opened);
    stage.grant_token();
    assert!(waits(&stage).is_empty(), "there is no conversation to look at");
    stage.send("A person, please");
    let turn = stage.opened_turn();
    stage.tell(Event::StreamOpened { turn });
    stage.say(turn, 1, Chunk::Start { message_id: Some("a1".into()), metadata: None });
    stage.delta(turn, 2, "One moment.");
    stage.finish(turn, 3);
    stage
}

#[test]
fn who_may_come_unasked_is_looked_for_while_the_agent_answers() {
    let mut stage = told_of_persons();
    assert_eq!((stage.model.standing, waits(&stage)), (ConversationState::Ongoing, vec![5_000]));
    look(&mut stage);
    stage.page(first_two(ConversationState::Ongoing));
    assert_eq!(waits(&stage), [5_000, 7_500], "the longer nobody comes, the less often");
    look(&mut stage);
    let mut page = first_two(ConversationState::Ongoing);
    page.push(message("p1", Role::Assistant, "Maya here.", Some(ConversationState::TakenOver)));
    stage.page(page);
    assert_eq!(stage.transcript(), ["> A person, please", "One moment.", "Maya here."]);
    assert_eq!(stage.model.standing, ConversationState::TakenOver);

    let (mut stage, turn) = Stage::asking("A person, please");
    stage.delta(turn, 1, "One moment.");
    stage.finish(turn, 2);
    assert!(waits(&stage).is_empty(), "where nobody comes unasked, nobody is looked for");
}

#[test]
fn nobody_looks_nothing_is_asked_for() {
    let mut stage = taken_over();
    stage.tell(Event::Closed);
    look(&mut stage);
    assert_eq!(looks(&stage), 0);
    stage.asked.clear();
    stage.tell(Event::Opened);
    assert_eq!(waits(&stage), [5_000]);
    stage.tell(Event::WentOutOfSight);
    look(&mut stage);
    assert_eq!(looks(&stage), 0);
    stage.asked.clear();
    stage.tell(Event::CameIntoSight);
    assert_eq!(waits(&stage), [5_000]);
    look(&mut stage);
    assert_eq!(looks(&stage), 1);
}

#[test]
fn a_look_that_fails_makes_the_waits_longer() {
    let mut stage = taken_over();
    for _ in 0..4 {
        look(&mut stage);
        let request = stage.last(|effect| match effect {
            Effect::LoadMessages { request, .. } => Some(*request),
            _ => None,
        });
        stage.tell(Event::MessagesFailed { request, error: refused(503, ErrorCode::Overloaded) });
    }
    assert_eq!(waits(&stage), [5_000, 10_000, 20_000, 30_000, 30_000]);
    assert!(matches!(stage.model.connection(), Connection::Ready), "a look is no question of the visitor");
}

#[test]
fn the_agent_may_take_up_the_conversation_again() {
    let mut stage = taken_over();
    look(&mut stage);
    stage.asked.retain(|effect| matches!(effect, Effect::LoadMessages { .. }));
    stage.page(vec![
        message("m1", Role::User, "A person, please", None),
        message("a1", Role::Assistant, "One moment.", None),
    ]);
    assert_eq!(stage.model.standing, ConversationState::Ongoing);
    assert_eq!(stage.announced(), [Announcement::Standing(ConversationState::Ongoing)]);
    assert!(waits(&stage).is_empty());
}

#[test]
fn a_conversation_that_has_ended_takes_no_message_until_another_begins() {
    let (mut stage, turn) = Stage::asking("Goodbye");
    stage.delta(turn, 1, "Bye.");
    let metadata = says(ConversationState::Ended).unwrap();
    stage.say(turn, 2, Chunk::MessageMetadata { metadata });
    stage.finish(turn, 3);
    assert!(stage.model.is_closed());
    assert!(waits(&stage).is_empty());
    stage.send("One more thing");
    assert_eq!(stage.sends(), 1);
    stage.tell(Event::ConversationStarted { conversation_id: "c9".into() });
    stage.send("One more thing");
    assert_eq!(stage.sends(), 2);
}

#[test]
fn a_relay_that_calls_the_conversation_closed_is_believed() {
    let (mut stage, turn) = Stage::asking("One");
    stage.finish(turn, 1);
    stage.send("Two");
    let turn = stage.opened_turn();
    stage.tell(Event::StreamFailed { turn, error: refused(409, ErrorCode::ConversationClosed) });
    assert!(stage.model.is_closed());
    assert_eq!(stage.transcript().last().unwrap(), "> Two (not sent: Closed)");
}

#[test]
fn how_it_stands_is_known_after_a_reload() {
    let saved = Saved::new(None, ConversationId::parse("c7").ok(), true, String::new());
    let mut stage = Stage::remembering(Some(saved));
    stage.grant_token();
    stage.page(vec![
        message("m1", Role::User, "A person, please", None),
        message("a1", Role::Assistant, "", None),
        message("m2", Role::User, "Hello?", Some(ConversationState::TakenOver)),
    ]);
    assert_eq!(stage.model.standing, ConversationState::TakenOver);
    assert_eq!(stage.transcript(), ["> A person, please", "> Hello?"], "and no reply is waited for");
    assert!(!stage.model.is_replying());
    assert_eq!(waits(&stage), [5_000]);
}

#[test]
fn a_state_of_a_newer_relay_forbids_nothing() {
    let (mut stage, turn) = Stage::asking("One");
    let metadata = says(ConversationState::Unknown);
    stage.say(turn, 1, Chunk::Finish { reason: FinishReason::Stop, metadata });
    assert_eq!(stage.model.standing, ConversationState::Ongoing);
    stage.send("Two");
    assert_eq!(stage.sends(), 2);
}

#[test]
fn after_a_rate_limit_nothing_is_sent_before_its_time() {
    let (mut stage, turn) = Stage::asking("One");
    let mut error = Chunk::error(ErrorCode::RateLimited, "slow down");
    if let Chunk::Error { data: Some(data), .. } = &mut error {
        data.retry_after_ms = Some(24_000);
    }
    stage.say(turn, 1, error);
    stage.send("Two");
    assert_eq!(stage.sends(), 1);
    stage.wait(24_000.0);
    stage.send("Two");
    assert_eq!(stage.sends(), 2);
}

#[test]
fn a_question_of_the_page_holds_the_composer_until_it_is_answered() {
    let mut stage = Stage::ready();
    stage.tell(Event::PageAsked { text: "Hello".into() });
    assert!(stage.model.page_asked.is_some());
    stage.tell(Event::PageRefused);
    assert!(stage.model.page_asked.is_none());
    stage.tell(Event::PageAsked { text: "Hello".into() });
    stage.send("Hello");
    assert!(stage.model.page_asked.is_none());
    assert_eq!(stage.sends(), 1);
}

/// The time is up for the question that the page was asked last.
fn page_is_late(stage: &mut Stage) {
    let (timer, after_ms) = stage.last(|effect| match effect {
        Effect::StartTimer { timer: timer @ Timer::Page(_), after_ms } => Some((*timer, *after_ms)),
        _ => None,
    });
    stage.wait(f64::from(after_ms));
    stage.tell(Event::TimerFired { timer });
}

#[test]
fn a_page_that_never_decides_holds_the_composer_for_half_a_minute_and_loses_nothing() {
    let mut stage = Stage::ready();
    stage.tell(Event::DraftChanged { text: "Where is it?".into() });
    stage.tell(Event::PageAsked { text: "Where is it?".into() });
    page_is_late(&mut stage);
    assert!(stage.model.page_asked.is_none(), "another message may be sent");
    assert_eq!((stage.sends(), stage.model.draft.as_str()), (0, "Where is it?"));
    assert!(stage.model.is_unsent);
    assert_eq!(stage.announced(), [Announcement::NotSent]);
    let told = stage.told(|event| match event {
        HostEvent::Error(failure) => Some(failure.reason),
        _ => None,
    });
    assert_eq!(told, [Reason::Timeout]);
    stage.tell(Event::DraftChanged { text: "Where is it".into() });
    assert!(!stage.model.is_unsent, "the note goes with the next letter");
}

#[test]
fn what_the_page_itself_sent_and_never_decided_on_stands_in_an_empty_composer() {
    let mut stage = Stage::ready();
    stage.tell(Event::PageAsked { text: "Where is it?".into() });
    page_is_late(&mut stage);
    assert_eq!(stage.model.draft, "Where is it?");
    stage.tell(Event::DraftChanged { text: "Half a".into() });
    stage.tell(Event::PageAsked { text: "Where is it?".into() });
    page_is_late(&mut stage);
    assert_eq!(stage.model.draft, "Half a", "what the visitor writes is theirs");
}

#[test]
fn the_time_of_a_question_that_was_decided_is_not_that_of_the_next() {
    let mut stage = Stage::ready();
    stage.tell(Event::PageAsked { text: "One".into() });
    let timer = stage.last(|effect| match effect {
        Effect::StartTimer { timer: timer @ Timer::Page(_), .. } => Some(*timer),
        _ => None,
    });
    stage.tell(Event::PageRefused);
    stage.tell(Event::PageAsked { text: "Two".into() });
    stage.tell(Event::TimerFired { timer });
    assert!(stage.model.page_asked.is_some());
    assert!(!stage.model.is_unsent);
}
