//! How the widget stands in a page before anybody has written.

use chinwag::engine::*;

use crate::stage::Stage;

fn with_teaser() -> Config {
    Config { teaser: Some(Teaser { text: "Questions?".into(), delay_ms: 3_000 }), ..Config::default() }
}

fn asked_timers(stage: &Stage) -> Vec<(Timer, u32)> {
    let timer = |effect: &Effect| match effect {
        Effect::StartTimer { timer, after_ms } => Some((*timer, *after_ms)),
        _ => None,
    };
    stage.asked.iter().filter_map(timer).collect()
}

fn left_behind(stage: &Stage) -> Saved {
    let json = stage.model.to_save().to_json();
    Saved::parse(&json).unwrap()
}

#[test]
fn a_panel_opens_by_itself_for_somebody_new() {
    let config = Config { auto_open_ms: Some(5_000), ..Config::default() };
    let mut stage = Stage::configured(config.clone(), None);
    assert_eq!(asked_timers(&stage), [(Timer::AutoOpen, 5_000)]);
    stage.tell(Event::TimerFired { timer: Timer::AutoOpen });
    assert!(stage.model.open);

    let again = Stage::configured(config, Some(left_behind(&Stage::mounted())));
    assert_eq!(asked_timers(&again), [], "who was here before has had the chance");
}

#[test]
fn a_panel_that_the_visitor_closed_does_not_open_by_itself() {
    let config = Config { auto_open_ms: Some(5_000), ..Config::default() };
    let mut stage = Stage::configured(config, None);
    stage.tell(Event::Opened);
    stage.tell(Event::Closed);
    stage.tell(Event::TimerFired { timer: Timer::AutoOpen });
    assert!(!stage.model.open);
}

#[test]
fn a_teaser_comes_after_its_time_and_once_dismissed_never_again() {
    let mut stage = Stage::configured(with_teaser(), None);
    assert_eq!(asked_timers(&stage), [(Timer::Teaser, 3_000)]);
    assert_eq!(stage.model.teaser, TeaserState::Waiting);
    stage.tell(Event::TimerFired { timer: Timer::Teaser });
    assert_eq!(stage.model.teaser, TeaserState::Shown);
    stage.tell(Event::TeaserDismissed);
    assert_eq!(stage.model.teaser, TeaserState::Dismissed);

    let again = Stage::configured(with_teaser(), Some(left_behind(&stage)));
    assert_eq!(again.model.teaser, TeaserState::Dismissed);
    assert_eq!(asked_timers(&again), []);
}

#[test]
fn who_has_opened_the_panel_sees_no_teaser() {
    let mut stage = Stage::configured(with_teaser(), None);
    stage.tell(Event::Opened);
    stage.tell(Event::Closed);
    stage.tell(Event::TimerFired { timer: Timer::Teaser });
    assert_eq!(stage.model.teaser, TeaserState::Dismissed);
}

#[test]
fn a_panel_without_a_launcher_is_always_open_and_leaves_no_trace_of_it() {
    for mode in [Mode::Inline, Mode::Fullscreen] {
        let config = Config { mode, auto_open_ms: Some(1), ..with_teaser() };
        let mut stage = Stage::configured(config, None);
        assert!(stage.model.open);
        assert_eq!(asked_timers(&stage), [], "there is nothing to draw attention to");
        stage.tell(Event::Closed);
        assert!(stage.model.open, "nothing could open it again");
        assert!(!left_behind(&stage).open, "another page of the site has a launcher");
    }
}

#[test]
fn a_page_that_asks_for_the_focus_opens_the_panel_for_it() {
    let mut stage = Stage::mounted();
    stage.tell(Event::FocusAsked);
    assert!(stage.model.open);
    assert_eq!(stage.model.focus_asked, 1);
    assert_eq!(stage.count(|effect| *effect == Effect::Redraw(Region::Focus)), 1);
}

#[test]
fn what_the_page_writes_into_the_composer_is_shown_and_kept() {
    let mut stage = Stage::mounted();
    stage.asked.clear();
    stage.tell(Event::DraftChanged { text: "Where is my order?".into() });
    assert_eq!(stage.count(|effect| *effect == Effect::Redraw(Region::Composer)), 1);
    assert_eq!(left_behind(&stage).draft, "Where is my order?");
}

#[test]
fn a_cleared_conversation_stays_at_the_relay_and_the_next_message_begins_another() {
    let (mut stage, turn) = Stage::asking("When?");
    let before = stage.model.conversation.clone();
    stage.tell(Event::Cleared);
    assert_eq!(stage.count(|effect| *effect == Effect::AbortStream { turn }), 1);
    assert_eq!(stage.transcript(), Vec::<String>::new());
    assert!(left_behind(&stage).conversation.is_none() && left_behind(&stage).visitor.is_some());
    stage.send("And where?");
    assert!(stage.model.conversation.is_some() && stage.model.conversation != before);
}

#[test]
fn a_reset_leaves_nothing_of_the_visitor() {
    let (mut stage, _) = Stage::asking("When?");
    stage.tell(Event::DraftChanged { text: "half".into() });
    stage.tell(Event::Reset);
    let left = left_behind(&stage);
    assert_eq!((left.visitor, left.conversation, left.draft.as_str()), (None, None, ""));
    assert!(stage.asked.contains(&Effect::Forget), "also what a saved record would leave");
    assert_eq!(stage.transcript(), Vec::<String>::new());
    stage.send("Who am I?");
    assert_eq!(
        stage.last(|effect| match effect {
            Effect::FetchToken { body, .. } => Some(body.visitor.clone()),
            _ => None,
        }),
        None
    );
}
