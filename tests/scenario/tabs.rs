//! Two tabs of one visitor, played by two engines: what one says, the other
//! hears.

use chinwag::engine::effect::Timer;
use chinwag::engine::turn::TurnId;
use chinwag::engine::*;
use chinwag_protocol::{Chunk, ConversationId, FromFields as _, MessageStatus, Role};

use crate::stage::{Stage, message};

/// Has the second hear all that the first has said since.
fn pass_on(from: &mut Stage, to: &mut Stage) {
    for effect in std::mem::take(&mut from.asked) {
        if let Effect::Tell(text) = effect {
            let word = Word::from_json(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
            let subject = from.model.session.subject.clone();
            to.tell(Event::TabSaid { subject, word: Box::new(word) });
        }
    }
}

/// Two open panels that know of each other.
fn two() -> (Stage, Stage) {
    let (mut one, mut other) = (Stage::ready(), Stage::mounted());
    pass_on(&mut other, &mut one);
    pass_on(&mut one, &mut other);
    other.tell(Event::Opened);
    other.grant_token();
    assert!(one.model.has_peers && other.model.has_peers);
    other.asked.clear();
    one.asked.clear();
    (one, other)
}

/// A frame arrives in the tab that follows, which hands it on.
fn frame(one: &mut Stage, other: &mut Stage, turn: TurnId, seq: u32, chunk: Chunk) {
    let json = chunk.to_json();
    let names = names(one);
    one.say(turn, seq, chunk);
    let id = format!("e1:{seq}");
    let text =
        chinwag::engine::word::frames(&names.0, &names.1, [(Some(id.as_str()), json.as_str())].into_iter());
    other.tell(Event::TabSaid { subject: None, word: Box::new(Word::from_json(&text).unwrap()) });
}

fn names(stage: &Stage) -> (ConversationId, String) {
    let question = stage.model.items().iter().rev().find_map(|(_, item)| match item {
        Item::Question(question) => Some(question.id.clone()),
        Item::Reply(_) => None,
    });
    (stage.model.conversation.clone().unwrap(), question.unwrap())
}

fn delta(text: &str) -> Chunk {
    Chunk::TextDelta { id: "t".into(), delta: text.into() }
}

fn finish() -> Chunk {
    Chunk::Finish { reason: chinwag_protocol::FinishReason::Stop, metadata: None }
}

/// A question that was accepted in one and is known in the other.
fn asking() -> (Stage, Stage, TurnId) {
    let (mut one, mut other) = two();
    one.send("Hello");
    let turn = one.opened_turn();
    one.tell(Event::StreamOpened { turn });
    pass_on(&mut one, &mut other);
    (one, other, turn)
}

/// Whether a stream was asked for again, and after which frame.
#[expect(
    clippy::option_option,
    reason = "after no frame is from the beginning, and not the same as not at all"
)]
fn resumed_after(stage: &Stage) -> Option<Option<String>> {
    stage.asked.iter().rev().find_map(|effect| match effect {
        Effect::ResumeStream { after, .. } => Some(after.clone()),
        _ => None,
    })
}

#[test]
fn a_question_and_its_reply_are_live_in_both_and_one_follows_the_stream() {
    let (mut one, mut other, turn) = asking();
    assert_eq!(other.transcript(), ["> Hello", " (waiting)"]);
    assert!(other.model.is_replying(), "nobody may send meanwhile");
    frame(&mut one, &mut other, turn, 1, delta("Good "));
    frame(&mut one, &mut other, turn, 2, delta("morning"));
    assert_eq!(other.transcript(), one.transcript());
    frame(&mut one, &mut other, turn, 3, finish());
    assert_eq!(other.transcript(), ["> Hello", "Good morning"]);
    assert!(!other.model.is_replying());
    assert_eq!(other.sends(), 0);
    assert_eq!(resumed_after(&other), None);
    let heard = |effect: &Effect| matches!(effect, Effect::Emit(HostEvent::MessageReceived { .. }));
    assert_eq!((one.count(heard), other.count(heard)), (1, 0), "the page hears of a message once");
}

#[test]
fn whoever_follows_being_gone_another_goes_on_from_the_last_frame() {
    let (mut one, mut other, turn) = asking();
    frame(&mut one, &mut other, turn, 1, delta("Good "));
    let theirs = other.model.turn.as_ref().unwrap().id;
    other.tell(Event::StreamClaimed { turn: theirs });
    assert_eq!(resumed_after(&other), Some(Some("e1:1".into())));
    other.tell(Event::StreamOpened { turn: theirs });
    other.delta(theirs, 2, "morning");
    // What the first one said last is heard late, and not twice.
    frame(&mut one, &mut other, turn, 2, delta("morning"));
    other.finish(theirs, 3);
    assert_eq!(other.transcript(), ["> Hello", "Good morning"]);
}

#[test]
fn a_silent_tab_is_taken_to_be_gone_and_one_that_lives_is_not() {
    let (mut one, mut other, turn) = asking();
    let theirs = other.model.turn.as_ref().unwrap().id;
    other.wait(15_000.0);
    frame(&mut one, &mut other, turn, 1, delta("Good "));
    other.wait(15_000.0);
    other.tell(Event::TimerFired { timer: Timer::Silence(theirs) });
    assert_eq!(resumed_after(&other), None, "it was heard 15 s ago");
    other.wait(25_000.0);
    other.tell(Event::TimerFired { timer: Timer::Silence(theirs) });
    assert_eq!(resumed_after(&other), Some(Some("e1:1".into())));
}

#[test]
fn a_tab_that_joins_in_the_middle_is_told_what_it_missed() {
    let (mut one, turn) = Stage::asking("Hello");
    one.delta(turn, 1, "Good ");
    let saved = Saved::new(Some("visitor-1".into()), one.model.conversation.clone(), true, String::new());
    let mut other = Stage::remembering(Some(saved));
    one.asked.clear();
    pass_on(&mut other, &mut one);
    pass_on(&mut one, &mut other);
    let mut other = {
        // The words were taken out; ask again for the transcript.
        other.tell(Event::ReconnectPressed);
        other
    };
    let request = match other.model.history {
        History::Loading { request, .. } => request,
        ref state => panic!("{state:?}"),
    };
    let page = chinwag_protocol::Page {
        data: vec![
            message("m1", Role::User, "Hello", None),
            message("a1", Role::Assistant, "Go", Some(MessageStatus::Streaming)),
        ],
        pagination: chinwag_protocol::Pagination::default(),
    };
    other.tell(Event::MessagesArrived { request, page });
    assert_eq!(resumed_after(&other), None, "one tab at the relay is enough");
    frame(&mut one, &mut other, turn, 2, delta("mor"));
    assert_eq!(other.transcript()[1], "Go ...", "not known yet where this belongs");
    pass_on(&mut other, &mut one);
    pass_on(&mut one, &mut other);
    assert_eq!(other.transcript(), ["> Hello", "Good mor ..."]);
    frame(&mut one, &mut other, turn, 3, delta("ning"));
    frame(&mut one, &mut other, turn, 4, finish());
    assert_eq!(other.transcript(), ["> Hello", "Good morning"]);
}

#[test]
fn a_tab_that_joins_and_hears_nothing_asks_the_relay() {
    let saved = Saved::new(Some("visitor-1".into()), ConversationId::parse("c7").ok(), true, String::new());
    let mut stage = Stage::remembering(Some(saved));
    stage.tell(Event::TabSaid { subject: None, word: Box::new(Word::Here) });
    stage.grant_token();
    stage.page(vec![
        message("m1", Role::User, "Hello", None),
        message("a1", Role::Assistant, "Go", Some(MessageStatus::Streaming)),
    ]);
    let turn = stage.model.turn.as_ref().unwrap().id;
    stage.wait(2_500.0);
    stage.tell(Event::TimerFired { timer: Timer::Silence(turn) });
    assert_eq!(resumed_after(&stage), Some(None), "from its beginning");
}

#[test]
fn a_new_and_a_chosen_conversation_are_shown_in_both() {
    let (mut one, mut other, turn) = asking();
    frame(&mut one, &mut other, turn, 1, finish());
    other.tell(Event::DraftChanged { text: "half a".into() });
    other.asked.clear();
    one.tell(Event::ConversationStarted { conversation_id: "c9".into() });
    pass_on(&mut one, &mut other);
    assert_eq!(other.model.conversation, one.model.conversation);
    assert!(other.transcript().is_empty());
    assert_eq!(other.model.draft, "half a", "a draft belongs to its tab");
    assert_eq!(other.count(|effect| matches!(effect, Effect::Tell(_))), 0, "no echo");
}

#[test]
fn unread_replies_are_counted_and_cleared_once_for_all_tabs() {
    let (mut one, mut other) = two();
    one.tell(Event::Closed);
    other.tell(Event::Closed);
    one.send("Hello");
    let turn = one.opened_turn();
    one.tell(Event::StreamOpened { turn });
    pass_on(&mut one, &mut other);
    frame(&mut one, &mut other, turn, 1, finish());
    assert_eq!((one.model.unread, other.model.unread), (1, 1));
    one.asked.clear();
    other.tell(Event::Opened);
    pass_on(&mut other, &mut one);
    assert_eq!((one.model.unread, other.model.unread), (0, 0));
    pass_on(&mut one, &mut other);
    let told = one.count(|effect| matches!(effect, Effect::Emit(HostEvent::Unread(_))));
    assert!(told <= 1);
}

#[test]
fn a_token_that_one_tab_was_given_serves_the_other() {
    let mut other = Stage::mounted();
    other.tell(Event::Opened);
    other.send("Hello");
    assert_eq!((other.token_exchanges(), other.sends()), (1, 0));
    let answer = chinwag_protocol::TokenAnswer {
        token: "shared".into(),
        expires_in: 600,
        visitor: "visitor-2".into(),
        agent: chinwag_protocol::AgentCard::default(),
        features: chinwag_protocol::Features::default(),
        files: None,
    };
    other.tell(Event::TokenShared { answer: Box::new(answer.clone()) });
    assert_eq!(other.sends(), 1);
    assert_eq!(other.model.session.visitor.as_deref(), Some("visitor-2"), "the newest of all tabs");

    let config =
        Config { identity: Identity::Signed("a.b.c".into()), site: "site_demo".into(), ..Config::default() };
    let mut named = Stage::with(config, None);
    named.tell(Event::Opened);
    named.send("Hello");
    named.tell(Event::TokenShared { answer: Box::new(answer) });
    assert_eq!(named.sends(), 0, "a visitor with a name takes nobody else's");
}

#[test]
fn a_tab_of_another_visitor_is_not_listened_to() {
    let mut stage = Stage::ready();
    stage.model.session.subject = Some("v_one".into());
    let word = Word::Switched { conversation: ConversationId::parse("c9").unwrap(), is_new: true };
    stage.tell(Event::TabSaid { subject: Some("v_other".into()), word: Box::new(word) });
    assert_eq!(stage.model.conversation, None);
    stage.tell(Event::TabSaid { subject: Some("v_one".into()), word: Box::new(Word::Forgotten) });
    assert_eq!(stage.model.session.visitor, None);
}

#[test]
fn stop_in_a_tab_that_only_hears_ends_the_reply_at_the_relay() {
    let (mut one, mut other, turn) = asking();
    frame(&mut one, &mut other, turn, 1, delta("Good"));
    other.tell(Event::StopPressed);
    assert_eq!(other.count(|effect| matches!(effect, Effect::StopReply { .. })), 1);
    pass_on(&mut other, &mut one);
    assert!(!one.model.is_replying(), "all tabs agree, whatever the relay had sent already");
    assert_eq!(one.count(|effect| matches!(effect, Effect::StopReply { .. })), 0, "it is told once");
    one.delta(turn, 2, " and more");
    assert_eq!(other.transcript(), ["> Hello", "Good (stopped)"]);
    assert_eq!(one.transcript(), other.transcript());
}

/// A reply `a1` that is whole in both.
fn answered() -> (Stage, Stage) {
    let (mut one, mut other, turn) = asking();
    frame(&mut one, &mut other, turn, 1, Chunk::Start { message_id: Some("a1".into()), metadata: None });
    frame(&mut one, &mut other, turn, 2, delta("Good morning"));
    frame(&mut one, &mut other, turn, 3, finish());
    one.asked.clear();
    other.asked.clear();
    (one, other)
}

/// Rates the reply, and has the relay store it.
fn rate(stage: &mut Stage, value: Option<Feedback>) {
    stage.tell(Event::Rated { key: stage.key(1), opinion: Opinion { value, reason: None } });
    let request = stage.last(|effect| match effect {
        Effect::PutRating { call, .. } => Some(call.request),
        _ => None,
    });
    stage.tell(Event::RatingStored { request });
}

#[test]
fn a_rating_that_is_stored_shows_in_both_and_is_sent_once() {
    let (mut one, mut other) = answered();
    for value in [Some(Feedback::Negative), None, Some(Feedback::Positive)] {
        rate(&mut one, value);
        pass_on(&mut one, &mut other);
        assert_eq!(other.reply(1).rating.wanted.value, value);
        assert!(other.asked.contains(&Effect::Redraw(Region::Rating(other.key(1)))));
    }
    assert_eq!(other.count(|effect| matches!(effect, Effect::PutRating { .. })), 0);
    let told = |stage: &Stage| stage.told(|event| matches!(event, HostEvent::Feedback { .. }).then_some(()));
    assert!(told(&other).is_empty(), "the page hears of a rating once");
    // The same again is nothing new for the relay.
    let opinion = Opinion { value: Some(Feedback::Positive), reason: None };
    other.tell(Event::Rated { key: other.key(1), opinion });
    assert_eq!(other.count(|effect| matches!(effect, Effect::PutRating { .. })), 0);
}

#[test]
fn a_rating_on_its_way_is_not_undone_by_one_of_another_tab() {
    let (mut one, mut other) = answered();
    let opinion = Opinion { value: Some(Feedback::Negative), reason: Some("Too long".into()) };
    other.tell(Event::Rated { key: other.key(1), opinion: opinion.clone() });
    rate(&mut one, Some(Feedback::Positive));
    pass_on(&mut one, &mut other);
    assert_eq!(other.reply(1).rating.wanted, opinion, "it comes after the other at the relay");
}

#[test]
fn a_reply_that_is_asked_for_again_is_replaced_in_both() {
    let (mut one, mut other) = answered();
    one.tell(Event::RegeneratePressed { key: one.key(1) });
    let turn = one.opened_turn();
    one.tell(Event::StreamOpened { turn });
    pass_on(&mut one, &mut other);
    assert_eq!(other.transcript(), ["> Hello", " (waiting)"]);
    frame(&mut one, &mut other, turn, 1, delta("Good evening"));
    frame(&mut one, &mut other, turn, 2, finish());
    assert_eq!(other.transcript(), ["> Hello", "Good evening"]);
    assert_eq!(one.transcript(), other.transcript());
}

/// Opens the drawer, and has the relay list two conversations.
fn list(stage: &mut Stage) {
    stage.tell(Event::DrawerOpened);
    let request = stage.last(|effect| match effect {
        Effect::LoadConversations { request, .. } => Some(*request),
        _ => None,
    });
    let listed = |id: &str, title: &str| chinwag_protocol::Conversation {
        id: ConversationId::parse(id).unwrap(),
        title: title.into(),
        created_at: "2026-11-22T10:24:00Z".into(),
        updated_at: "2026-11-22T10:24:00Z".into(),
        state: ConversationState::Ongoing,
        unread: 0,
    };
    let page = chinwag_protocol::Page {
        data: vec![listed("c7", "Boats"), listed("c8", "Nets")],
        pagination: chinwag_protocol::Pagination::default(),
    };
    stage.tell(Event::ConversationsArrived { request, page });
    stage.asked.clear();
}

fn titles(stage: &Stage) -> Vec<&str> {
    stage.model.drawer.entries.iter().map(|entry| entry.title.as_str()).collect()
}

/// The relay has done what it was asked to do last.
fn done(stage: &mut Stage) {
    let request = stage.last(|effect| match effect {
        Effect::RenameConversation { request, .. } | Effect::DeleteConversation { request, .. } => {
            Some(*request)
        }
        _ => None,
    });
    stage.tell(Event::ConversationChanged { request });
}

#[test]
fn a_title_that_is_changed_and_a_conversation_that_is_deleted_are_so_in_both_lists() {
    let (mut one, mut other) = two();
    list(&mut one);
    list(&mut other);
    let (boats, nets) = (ConversationId::parse("c7").unwrap(), ConversationId::parse("c8").unwrap());
    one.tell(Event::TitleChanged { id: boats, title: "Ships".into() });
    pass_on_words(&mut one, &mut other);
    assert_eq!(titles(&other), ["Boats", "Nets"], "not before the relay has it");
    done(&mut one);
    pass_on(&mut one, &mut other);
    assert_eq!(titles(&other), ["Ships", "Nets"]);
    one.tell(Event::DeletePressed { id: nets, conversation_id: "c9".into() });
    one.tell(Event::DrawerClosed);
    done(&mut one);
    pass_on(&mut one, &mut other);
    assert_eq!(titles(&other), ["Ships"]);
    assert!(other.asked.contains(&Effect::Redraw(Region::Drawer)));
    let changes = |effect: &Effect| {
        matches!(effect, Effect::RenameConversation { .. } | Effect::DeleteConversation { .. })
    };
    assert_eq!(other.count(changes), 0, "the relay is asked once");
}

/// The same as `pass_on`, and what was asked for besides stays.
fn pass_on_words(from: &mut Stage, to: &mut Stage) {
    let asked = from.asked.clone();
    pass_on(from, to);
    from.asked = asked.into_iter().filter(|effect| !matches!(effect, Effect::Tell(_))).collect();
}
