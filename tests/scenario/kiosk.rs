use chinwag::engine::kiosk::Stage as Standing;
use chinwag::engine::*;
use chinwag_protocol::{AgentCard, TokenAnswer};

use crate::stage::Stage;

/// A kiosk that has found out who answers, with nobody there.
fn kiosk() -> Stage {
    configured(KioskOptions::default())
}

fn configured(options: KioskOptions) -> Stage {
    let config =
        Config { mode: Mode::Kiosk, persist: Persist::Memory, kiosk: Box::new(options), ..Config::default() };
    let mut stage = Stage::configured(config, None);
    stage.grant_token();
    stage.asked.clear();
    stage
}

/// A kiosk at which a question has been answered.
fn visited(words: &str) -> Stage {
    let mut stage = kiosk();
    happens(&mut stage, KioskEvent::Began);
    stage.send(words);
    if stage.sends() == 0 {
        stage.grant_token();
    }
    let turn = stage.opened_turn();
    stage.tell(Event::StreamOpened { turn });
    stage.delta(turn, 1, "An answer.");
    stage.finish(turn, 2);
    stage
}

fn happens(stage: &mut Stage, event: KioskEvent) {
    stage.tell(Event::Kiosk(event));
}

fn seconds(stage: &mut Stage, count: u32) {
    for _ in 0..count {
        stage.wait(999.0);
        stage.tell(Event::TimerFired { timer: Timer::Tick });
    }
}

fn left(stage: &Stage) -> Option<usize> {
    stage.model.kiosk.stage.seconds_left()
}

fn orders(stage: &Stage) -> Vec<KioskOrder> {
    let pick = |effect: &Effect| match effect {
        Effect::Kiosk(order) => Some(order.clone()),
        _ => None,
    };
    stage.asked.iter().filter_map(pick).collect()
}

/// The visitors whom the relay was asked to forget: their last token, each time.
fn forgotten(stage: &Stage) -> Vec<Option<String>> {
    let pick = |order| match order {
        KioskOrder::Forget { leftover, .. } => Some(leftover.token),
        _ => None,
    };
    orders(stage).into_iter().filter_map(pick).collect()
}

/// The request of the visitor who is still to be forgotten.
fn leftover(stage: &Stage) -> chinwag::engine::session::RequestId {
    let pick = |order| match order {
        KioskOrder::Forget { leftover, .. } => Some(leftover.request),
        _ => None,
    };
    orders(stage).into_iter().rev().find_map(pick).unwrap_or_else(|| panic!("nobody is to be forgotten"))
}

fn resets(stage: &Stage) -> Vec<&'static str> {
    stage.told(|event| match event {
        HostEvent::IdleReset(reason) => Some(*reason),
        _ => None,
    })
}

fn count(stage: &Stage, wanted: &KioskOrder) -> usize {
    orders(stage).iter().filter(|order| *order == wanted).count()
}

#[test]
fn a_touch_of_the_attract_screen_begins_and_sends_nothing() {
    let mut stage = kiosk();
    assert_eq!(stage.model.kiosk.stage, Standing::Attract);
    assert!(!stage.model.open);
    happens(&mut stage, KioskEvent::Began);
    assert!(stage.model.open);
    assert_eq!(stage.sends(), 0);
    let visit = stage.model.kiosk.visit;
    happens(&mut stage, KioskEvent::Began);
    assert_eq!(stage.model.kiosk.visit, visit, "a second touch begins nothing");
}

#[test]
fn who_is_silent_is_warned_and_then_wiped() {
    let mut stage = visited("What is a secret?");
    seconds(&mut stage, 74);
    assert_eq!(left(&stage), None);
    seconds(&mut stage, 1);
    assert_eq!(left(&stage), Some(20));
    let warned = stage.told(|event| match event {
        HostEvent::IdleWarning(seconds) => Some(*seconds),
        _ => None,
    });
    assert_eq!(warned, [20]);
    seconds(&mut stage, 10);
    assert_eq!(left(&stage), Some(10));
    assert!(!stage.model.items().is_empty());
    seconds(&mut stage, 11);
    assert_eq!(stage.model.kiosk.stage, Standing::Attract);
    assert!(stage.model.items().is_empty() && stage.model.draft.is_empty());
    assert_eq!((stage.model.conversation.as_ref(), stage.model.session.last_token()), (None, None));
    assert_eq!(resets(&stage), ["idle"]);
}

#[test]
fn the_warning_is_answered_by_its_button_and_by_nothing_else_as_often_as_one_likes() {
    let mut stage = visited("Hello");
    for time in 0..12 {
        seconds(&mut stage, 76);
        assert!(left(&stage).is_some(), "warning {time}");
        // Whoever steps up next touches the screen somewhere.
        happens(&mut stage, KioskEvent::Touched);
        assert!(left(&stage).is_some());
        seconds(&mut stage, 18);
        happens(&mut stage, KioskEvent::Continued);
        assert_eq!(left(&stage), None);
        assert!(!stage.model.items().is_empty());
    }
}

#[test]
fn a_sign_of_life_begins_the_time_anew() {
    let mut stage = visited("Hello");
    seconds(&mut stage, 70);
    happens(&mut stage, KioskEvent::Touched);
    seconds(&mut stage, 70);
    assert_eq!(left(&stage), None);
    seconds(&mut stage, 6);
    assert!(left(&stage).is_some());
}

#[test]
fn the_time_waits_while_a_reply_runs_and_while_a_finger_is_down() {
    let mut stage = visited("Hello");
    stage.send("And more?");
    let turn = stage.opened_turn();
    stage.tell(Event::StreamOpened { turn });
    seconds(&mut stage, 300);
    assert_eq!(left(&stage), None);
    stage.finish(turn, 3);
    seconds(&mut stage, 74);
    assert_eq!(left(&stage), None, "there is time to read it");
    happens(&mut stage, KioskEvent::Held(true));
    seconds(&mut stage, 200);
    assert_eq!(left(&stage), None);
    happens(&mut stage, KioskEvent::Held(false));
    seconds(&mut stage, 76);
    assert!(left(&stage).is_some());
}

#[test]
fn what_never_ends_does_not_hold_the_time_for_ever() {
    let mut stage = visited("Hello");
    happens(&mut stage, KioskEvent::Held(true));
    seconds(&mut stage, 600 + 76);
    assert!(left(&stage).is_some(), "a finger that never went up");
}

#[test]
fn an_empty_visit_ends_without_a_question() {
    let mut stage = kiosk();
    happens(&mut stage, KioskEvent::Began);
    seconds(&mut stage, 76);
    assert_eq!(stage.model.kiosk.stage, Standing::Attract);
    assert_eq!(resets(&stage), ["idle"]);
}

#[test]
fn the_wipe_stops_the_reply_and_has_the_relay_forget_the_visitor() {
    let mut stage = visited("Hello");
    stage.send("Something long");
    let turn = stage.opened_turn();
    stage.tell(Event::StreamOpened { turn });
    let token = stage.model.session.last_token().map(str::to_owned);
    stage.asked.clear();
    happens(&mut stage, KioskEvent::StartedOver);
    assert_eq!(stage.count(|effect| *effect == Effect::AbortStream { turn }), 1);
    assert_eq!(stage.count(|effect| matches!(effect, Effect::StopReply { .. })), 1);
    assert_eq!(stage.count(|effect| *effect == Effect::Forget), 1);
    assert_eq!(forgotten(&stage), [token]);
    assert!(stage.model.turn.is_none() && stage.model.items().is_empty());
    assert!(stage.model.open, "whoever starts over goes on");
    assert_eq!(resets(&stage), ["visitor"]);
    // What of the reply is still on its way changes nothing.
    stage.delta(turn, 3, "late words");
    assert!(stage.transcript().is_empty());
}

#[test]
fn the_next_visitor_is_another_one() {
    let mut stage = visited("The first one's words");
    happens(&mut stage, KioskEvent::StartedOver);
    stage.asked.clear();
    stage.send("The second one's words");
    let body = stage.last(|effect| match effect {
        Effect::FetchToken { body, .. } => Some(body.clone()),
        _ => None,
    });
    assert_eq!(body.visitor, None);
}

#[test]
fn the_device_is_named_in_every_exchange() {
    let options = KioskOptions { device: Some("cw_dev_1".into()), ..KioskOptions::default() };
    let config = Config { mode: Mode::Kiosk, kiosk: Box::new(options), ..Config::default() };
    let stage = Stage::configured(config, None);
    let device = stage.last(|effect| match effect {
        Effect::FetchToken { body, .. } => Some(body.device.clone()),
        _ => None,
    });
    assert_eq!(device.as_deref(), Some("cw_dev_1"));
}

#[test]
fn a_visitor_whom_the_relay_could_not_forget_is_asked_for_again() {
    let mut stage = visited("Hello");
    happens(&mut stage, KioskEvent::StartedOver);
    let asked = |stage: &Stage| forgotten(stage).len();
    let request = leftover(&stage);
    assert_eq!(asked(&stage), 1);
    seconds(&mut stage, 30);
    assert_eq!(asked(&stage), 1, "it is being asked");
    happens(&mut stage, KioskEvent::Forgotten { request, is_done: false });
    seconds(&mut stage, 21);
    assert_eq!(asked(&stage), 2);
    happens(&mut stage, KioskEvent::Forgotten { request, is_done: true });
    seconds(&mut stage, 400);
    assert_eq!(asked(&stage), 2);
}

#[test]
fn a_token_that_comes_after_its_visitor_has_left_is_forgotten_too() {
    let mut stage = kiosk();
    happens(&mut stage, KioskEvent::Began);
    stage.wait(500_000.0);
    stage.send("Hello");
    let request = stage.last(|effect| match effect {
        Effect::FetchToken { request, .. } => Some(*request),
        _ => None,
    });
    happens(&mut stage, KioskEvent::StartedOver);
    let before = forgotten(&stage).len();
    let answer = TokenAnswer {
        token: "late".into(),
        expires_in: 600,
        visitor: "late-visitor".into(),
        agent: AgentCard::default(),
        features: Features::default(),
        files: None,
    };
    stage.tell(Event::TokenArrived { request, answer: Box::new(answer) });
    assert_eq!(forgotten(&stage)[before..], [Some("late".to_owned())]);
    assert_eq!(stage.model.session.last_token(), None);
}

#[test]
fn a_clock_that_leaps_ahead_warns_and_never_wipes() {
    let mut stage = visited("Hello");
    seconds(&mut stage, 5);
    stage.wait(50.0 * 365.0 * 86_400_000.0);
    seconds(&mut stage, 1);
    assert_eq!(left(&stage), Some(20));
    // A device that sleeps in the middle of the warning wakes to the rest of it.
    stage.wait(3_600_000.0);
    seconds(&mut stage, 1);
    assert_eq!(left(&stage), Some(18));
    happens(&mut stage, KioskEvent::Continued);
    assert!(!stage.model.items().is_empty());
}

#[test]
fn a_clock_that_is_set_back_changes_nothing() {
    let mut stage = visited("Hello");
    seconds(&mut stage, 70);
    stage.wait(-86_400_000.0);
    seconds(&mut stage, 6);
    assert!(left(&stage).is_some());
}

#[test]
fn what_crashed_in_the_middle_of_a_visit_is_forgotten_when_it_begins_again() {
    let saved = Saved::new(Some("visitor-9".into()), None, true, "a draft".into());
    let config = Config { mode: Mode::Kiosk, ..Config::default() };
    let stage = Stage::configured(config, Some(saved));
    assert_eq!(stage.model.kiosk.stage, Standing::Attract);
    assert!(stage.model.draft.is_empty() && !stage.model.open);
    let visitor = orders(&stage).into_iter().find_map(|order| match order {
        KioskOrder::Forget { leftover, .. } => leftover.visitor,
        _ => None,
    });
    assert_eq!(visitor.as_deref(), Some("visitor-9"));
}

#[test]
fn a_page_that_is_left_takes_its_visitor_along() {
    let mut stage = visited("Hello");
    stage.asked.clear();
    stage.tell(Event::PageHidden);
    assert_eq!(forgotten(&stage).len(), 1);
    assert!(stage.model.items().is_empty());
}

#[test]
fn the_page_can_wipe_as_a_sensor_asks() {
    for event in [Event::Reset, Event::Closed, Event::Cleared, Event::LoggedOut] {
        let mut stage = visited("Hello");
        stage.tell(event.clone());
        assert_eq!((stage.model.kiosk.stage, resets(&stage)), (Standing::Attract, vec!["page"]), "{event:?}");
    }
}

#[test]
fn the_watchdog_hears_every_five_seconds_and_of_every_change() {
    let mut stage = kiosk();
    seconds(&mut stage, 5);
    assert_eq!(count(&stage, &KioskOrder::Beat { state: "attract", uptime_s: 5 }), 1);
    happens(&mut stage, KioskEvent::Began);
    assert_eq!(count(&stage, &KioskOrder::Beat { state: "visit", uptime_s: 5 }), 1);
}

#[test]
fn a_relay_that_is_gone_and_back_changes_the_screen_by_itself() {
    let mut stage = kiosk();
    seconds(&mut stage, 15);
    assert_eq!(count(&stage, &KioskOrder::Probe), 1);
    happens(&mut stage, KioskEvent::Probed { is_there: false });
    assert!(stage.model.kiosk.is_away);
    happens(&mut stage, KioskEvent::Probed { is_there: true });
    assert!(!stage.model.kiosk.is_away);
}

#[test]
fn a_relay_that_was_away_at_the_start_is_asked_who_answers() {
    let mut stage = Stage::configured(Config { mode: Mode::Kiosk, ..Config::default() }, None);
    let request = stage.last(|effect| match effect {
        Effect::FetchToken { request, .. } => Some(*request),
        _ => None,
    });
    stage.tell(Event::TokenFailed { request, error: TransportError::Network });
    assert_eq!(stage.token_exchanges(), 1);
    happens(&mut stage, KioskEvent::Probed { is_there: true });
    assert_eq!(stage.token_exchanges(), 2);
    stage.grant_token();
    assert!(stage.model.agent.is_some());
}

#[test]
fn the_page_is_loaded_anew_once_a_day_while_nobody_is_there() {
    let mut stage = visited("Hello");
    let day = 86_400;
    for _ in 0..day / 60 {
        seconds(&mut stage, 60);
        happens(&mut stage, KioskEvent::Touched);
    }
    seconds(&mut stage, 30);
    assert_eq!(count(&stage, &KioskOrder::Reload), 0, "somebody is there");
    seconds(&mut stage, 76 + 21);
    let request = leftover(&stage);
    seconds(&mut stage, 61);
    assert_eq!(count(&stage, &KioskOrder::Reload), 0, "a visitor has still to be forgotten");
    happens(&mut stage, KioskEvent::Forgotten { request, is_done: true });
    happens(&mut stage, KioskEvent::Probed { is_there: false });
    seconds(&mut stage, 61);
    assert_eq!(count(&stage, &KioskOrder::Reload), 0, "there would be an error page");
    happens(&mut stage, KioskEvent::Probed { is_there: true });
    seconds(&mut stage, 2);
    assert_eq!(count(&stage, &KioskOrder::Reload), 1);
    seconds(&mut stage, 60);
    assert_eq!(count(&stage, &KioskOrder::Reload), 1, "not again at once");
}

#[test]
fn a_module_that_took_over_in_mid_day_knows_how_long_the_page_runs() {
    let mut stage = kiosk();
    happens(&mut stage, KioskEvent::Ran(86_400_000.0));
    seconds(&mut stage, 61);
    assert_eq!(count(&stage, &KioskOrder::Reload), 1);
}

#[test]
fn a_module_is_renewed_when_its_visitor_is_gone_and_forgotten() {
    let mut stage = kiosk();
    seconds(&mut stage, 30);
    assert_eq!(count(&stage, &KioskOrder::Renew), 0, "nobody was there");
    let mut stage = visited("Hello");
    happens(&mut stage, KioskEvent::StartedOver);
    let request = leftover(&stage);
    seconds(&mut stage, 76);
    assert_eq!((stage.model.kiosk.stage, count(&stage, &KioskOrder::Renew)), (Standing::Attract, 0));
    happens(&mut stage, KioskEvent::Forgotten { request, is_done: true });
    seconds(&mut stage, 3);
    assert_eq!(count(&stage, &KioskOrder::Renew), 1, "once");
}

#[test]
fn a_page_that_grows_past_all_bounds_is_loaded_anew() {
    let mut stage = configured(KioskOptions { reloads_daily: false, ..KioskOptions::default() });
    happens(&mut stage, KioskEvent::Measured(1e9));
    seconds(&mut stage, 599);
    assert_eq!(count(&stage, &KioskOrder::Reload), 0, "not again and again");
    seconds(&mut stage, 2);
    assert_eq!(count(&stage, &KioskOrder::Reload), 1);
}

#[test]
fn a_leap_of_the_clock_loads_nothing_anew() {
    let mut stage = kiosk();
    seconds(&mut stage, 61);
    stage.wait(40.0 * 86_400_000.0);
    seconds(&mut stage, 30);
    assert_eq!(count(&stage, &KioskOrder::Reload), 0);
}

#[test]
fn what_a_visitor_set_is_not_the_next_ones() {
    let mut stage = visited("Hello");
    happens(&mut stage, KioskEvent::SizePressed);
    happens(&mut stage, KioskEvent::ContrastPressed);
    happens(&mut stage, KioskEvent::LinkPressed("https://harbour.example".into()));
    happens(&mut stage, KioskEvent::StartedOver);
    let kiosk = &stage.model.kiosk;
    assert_eq!((kiosk.size, kiosk.has_contrast, kiosk.code.as_deref()), (0, false, None));
}

#[test]
fn nothing_of_it_happens_where_there_is_no_kiosk() {
    let mut stage = Stage::ready();
    for event in [KioskEvent::Began, KioskEvent::StartedOver, KioskEvent::LinkPressed("x".into())] {
        happens(&mut stage, event);
    }
    stage.tell(Event::TimerFired { timer: Timer::Tick });
    assert_eq!(orders(&stage), []);
    assert!(stage.model.open && stage.model.kiosk.code.is_none());
}
