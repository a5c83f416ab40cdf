use chinwag::engine::effect::Announcement;
use chinwag::engine::session::RequestId;
use chinwag::engine::*;
use chinwag_protocol::{Chunk, ErrorCode, MessageMetadata, Part, Role, UiMessage};

use crate::stage::{Stage, refused};

const GOOD: Option<Feedback> = Some(Feedback::Positive);
const BAD: Option<Feedback> = Some(Feedback::Negative);

/// A conversation with one whole reply, `a1`.
fn answered() -> Stage {
    let (mut stage, turn) = Stage::asking("Hello");
    stage.say(turn, 1, Chunk::Start { message_id: Some("a1".into()), metadata: None });
    stage.delta(turn, 2, "Yes");
    stage.finish(turn, 3);
    stage.asked.clear();
    stage
}

fn rate(stage: &mut Stage, value: Option<Feedback>, reason: Option<&str>) {
    let opinion = Opinion { value, reason: reason.map(str::to_owned) };
    stage.tell(Event::Rated { key: stage.key(1), opinion });
}

fn sent(stage: &Stage) -> Vec<(RequestId, Opinion)> {
    let pick = |effect: &Effect| match effect {
        Effect::PutRating { call, .. } => Some((call.request, call.opinion.clone())),
        _ => None,
    };
    stage.asked.iter().filter_map(pick).collect()
}

fn shown(stage: &Stage) -> Option<Feedback> {
    stage.reply(1).rating.wanted.value
}

#[test]
fn a_rating_shows_at_once_and_is_stored_under_the_reply_s_id() {
    let mut stage = answered();
    rate(&mut stage, GOOD, None);
    assert_eq!(shown(&stage), GOOD);
    let call = stage.last(|effect| match effect {
        Effect::PutRating { call, .. } => Some(call.clone()),
        _ => None,
    });
    assert_eq!((call.conversation.as_str(), call.message.as_str()), ("c1", "a1"));
    assert_eq!(call.opinion.value, GOOD);
    assert!(stage.asked.contains(&Effect::Redraw(Region::Rating(stage.key(1)))));
}

#[test]
fn nothing_but_the_rating_is_drawn_anew() {
    let mut stage = answered();
    rate(&mut stage, BAD, None);
    let redrawn = stage.count(|effect| matches!(effect, Effect::Redraw(_)));
    assert_eq!(redrawn, 1, "a form that is being filled in under the reply stays");
}

#[test]
fn the_page_and_the_screen_reader_hear_of_what_is_stored() {
    let mut stage = answered();
    rate(&mut stage, BAD, Some("Too long"));
    assert!(stage.announced().is_empty(), "not before it is");
    let request = sent(&stage)[0].0;
    stage.tell(Event::RatingStored { request });
    let told = stage.told(|event| match event {
        HostEvent::Feedback { id, opinion } => Some((id.clone(), opinion.clone())),
        _ => None,
    });
    let opinion = Opinion { value: BAD, reason: Some("Too long".into()) };
    assert_eq!(told, [("a1".into(), opinion.clone())]);
    assert_eq!(stage.announced(), [Announcement::Rated(opinion)]);
}

#[test]
fn a_rating_that_is_not_stored_is_taken_back() {
    let mut stage = answered();
    rate(&mut stage, GOOD, None);
    let (first, _) = sent(&stage)[0];
    stage.tell(Event::RatingStored { request: first });
    rate(&mut stage, BAD, None);
    let (second, _) = sent(&stage)[1];
    stage.tell(Event::RatingFailed { request: second, error: refused(500, ErrorCode::Internal) });
    assert_eq!(shown(&stage), GOOD, "what the relay has is what shows");
    assert_eq!(stage.announced().last(), Some(&Announcement::NotRated));
}

#[test]
fn one_is_on_its_way_at_a_time_and_the_last_choice_is_the_last_to_be_sent() {
    let mut stage = answered();
    rate(&mut stage, GOOD, None);
    rate(&mut stage, BAD, None);
    rate(&mut stage, None, None);
    rate(&mut stage, BAD, Some("Not correct"));
    assert_eq!(sent(&stage).len(), 1);
    stage.tell(Event::RatingStored { request: sent(&stage)[0].0 });
    let all = sent(&stage);
    assert_eq!(all.len(), 2);
    assert_eq!(all[1].1, Opinion { value: BAD, reason: Some("Not correct".into()) });
    stage.tell(Event::RatingStored { request: all[1].0 });
    assert_eq!(sent(&stage).len(), 2, "the relay has it");
}

#[test]
fn a_rating_can_be_taken_back() {
    let mut stage = answered();
    rate(&mut stage, GOOD, None);
    stage.tell(Event::RatingStored { request: sent(&stage)[0].0 });
    rate(&mut stage, None, None);
    assert_eq!(sent(&stage)[1].1, Opinion::default());
}

#[test]
fn a_refused_token_is_replaced_once_for_a_rating_too() {
    let mut stage = answered();
    rate(&mut stage, GOOD, None);
    let request = sent(&stage)[0].0;
    stage.tell(Event::RatingFailed { request, error: refused(401, ErrorCode::TokenExpired) });
    assert_eq!(shown(&stage), GOOD);
    stage.grant_token();
    let again = sent(&stage).last().cloned().unwrap();
    assert_eq!(again.1.value, GOOD);
    stage.tell(Event::RatingFailed { request: again.0, error: refused(401, ErrorCode::Unauthenticated) });
    assert_eq!(shown(&stage), None);
    assert_eq!(stage.token_exchanges(), 1, "no loop");
}

#[test]
fn what_cannot_be_rated_is_not() {
    let (mut stage, turn) = Stage::asking("Hello");
    stage.say(turn, 1, Chunk::Start { message_id: Some("a1".into()), metadata: None });
    stage.delta(turn, 2, "Yes");
    rate(&mut stage, GOOD, None);
    assert!(sent(&stage).is_empty(), "a reply that is not whole");
    stage.finish(turn, 3);
    stage.model.features.feedback = false;
    rate(&mut stage, GOOD, None);
    assert!(sent(&stage).is_empty(), "an agent that takes no ratings");
}

#[test]
fn a_stored_rating_is_there_after_a_reload() {
    let saved = Saved::new(None, chinwag_protocol::ConversationId::parse("c7").ok(), true, String::new());
    let mut stage = Stage::remembering(Some(saved));
    stage.grant_token();
    let message = |id: &str, role, feedback| UiMessage {
        id: id.into(),
        role,
        parts: vec![Part::Text { text: "Yes".into() }],
        metadata: Some(MessageMetadata { feedback, ..MessageMetadata::default() }),
    };
    stage.page(vec![message("m1", Role::User, None), message("a1", Role::Assistant, BAD)]);
    assert_eq!(shown(&stage), BAD);
    rate(&mut stage, BAD, None);
    assert!(sent(&stage).is_empty(), "the relay has it");
}
