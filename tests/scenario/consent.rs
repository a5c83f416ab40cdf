use chinwag::engine::*;
use chinwag_protocol::{ConversationId, ErrorCode};

use crate::stage::{Stage, refused};

fn config(consent: Consent) -> Config {
    Config { site: "site_demo".into(), consent, ..Config::default() }
}

/// Whether anything was stored or sent.
fn leaves_a_trace(stage: &Stage) -> bool {
    stage
        .asked
        .iter()
        .any(|effect| !matches!(effect, Effect::Redraw(_) | Effect::Emit(_) | Effect::Announce(_)))
}

#[test]
fn before_consent_nothing_is_stored_and_nothing_is_sent() {
    for consent in [Consent::Required, Consent::Withheld] {
        let mut stage = Stage::with(config(consent), None);
        stage.tell(Event::Opened);
        stage.tell(Event::DraftChanged { text: "My name is".into() });
        stage.send("My name is Ann");
        stage.tell(Event::WentOffline);
        stage.tell(Event::WentOnline);
        stage.tell(Event::Woke);
        stage.tell(Event::ReconnectPressed);
        stage.tell(Event::Closed);
        assert!(!leaves_a_trace(&stage), "{consent:?}: {:?}", stage.asked);
        assert_eq!(stage.model.draft, "My name is Ann", "what was typed stays");
    }
}

#[test]
fn consent_that_the_visitor_gives_is_remembered() {
    let mut stage = Stage::with(config(Consent::Required), None);
    stage.tell(Event::Opened);
    stage.tell(Event::ConsentGiven);
    assert_eq!(stage.token_exchanges(), 1);
    let saved = stage.last(|effect| match effect {
        Effect::Save(saved) => Some(saved.clone()),
        _ => None,
    });
    let mut again = Stage::with(config(Consent::Required), Some(saved));
    again.send("Hello");
    assert_eq!(again.token_exchanges(), 1);
}

#[test]
fn only_the_page_gives_consent_that_it_withholds() {
    let mut stage = Stage::with(config(Consent::Withheld), None);
    stage.tell(Event::Opened);
    stage.tell(Event::ConsentGiven);
    assert!(!leaves_a_trace(&stage));
    stage.tell(Event::Configured { config: config(Consent::Given) });
    assert_eq!(stage.token_exchanges(), 1);
}

#[test]
fn consent_that_is_withdrawn_leaves_nothing_behind() {
    let saved = Saved::new(Some("v".into()), ConversationId::parse("c7").ok(), true, String::new());
    let mut stage = Stage::with(config(Consent::Given), Some(saved));
    stage.grant_token();
    stage.tell(Event::Configured { config: config(Consent::Withheld) });
    assert_eq!(stage.count(|effect| matches!(effect, Effect::Forget)), 1);
    stage.asked.clear();
    stage.send("Hello");
    assert!(!leaves_a_trace(&stage));
    assert_eq!(stage.model.conversation, None);
}

#[test]
fn a_conversation_is_forgotten_when_its_time_is_over() {
    let config = Config { expire_minutes: Some(30), ..config(Consent::Given) };
    let mut saved = Saved::new(Some("v".into()), ConversationId::parse("c7").ok(), false, "half".into());
    saved.active_at = Some(0);
    let mut early = Stage::at(29.0 * 60_000.0, config.clone(), Some(saved.clone()));
    early.tell(Event::Opened);
    assert!(early.model.conversation.is_some());
    let late = Stage::at(31.0 * 60_000.0, config, Some(saved));
    assert_eq!(late.model.conversation, None);
    assert_eq!(late.model.draft, "");
    assert_eq!(late.count(|effect| matches!(effect, Effect::Forget)), 1);
}

#[test]
fn a_visitor_that_the_page_names_is_named_to_the_relay() {
    let signed = |jwt: &str| Config { identity: Identity::Signed(jwt.into()), ..config(Consent::Given) };
    let mut stage = Stage::with(signed("a.b.c"), None);
    let named = |stage: &Stage| {
        stage.last(|effect| match effect {
            Effect::FetchToken { body, .. } => Some(body.identity.clone()),
            _ => None,
        })
    };
    stage.tell(Event::Opened);
    assert_eq!(named(&stage).as_deref(), Some("a.b.c"));
    stage.grant_token();
    stage.tell(Event::Configured { config: signed("d.e.f") });
    assert_eq!(named(&stage).as_deref(), Some("d.e.f"), "another proof is exchanged at once");
    stage.tell(Event::LoggedOut);
    assert_eq!(named(&stage), None);
    assert_eq!(stage.count(|effect| matches!(effect, Effect::Forget)), 1);
}

#[test]
fn a_proof_that_is_no_longer_good_asks_the_page_and_is_not_tried_twice() {
    let config = Config { identity: Identity::Signed("a.b.c".into()), ..config(Consent::Given) };
    let mut stage = Stage::with(config, None);
    stage.send("Hello");
    let request = stage.last(|effect| match effect {
        Effect::FetchToken { request, .. } => Some(*request),
        _ => None,
    });
    stage.tell(Event::TokenFailed { request, error: refused(401, ErrorCode::Unauthenticated) });
    assert_eq!(stage.token_exchanges(), 1);
    assert_eq!(stage.transcript(), ["> Hello (not sent: SignIn)"]);
    let told = stage.last(|effect| match effect {
        Effect::Emit(HostEvent::Error(failure)) => Some(failure.reason),
        _ => None,
    });
    assert_eq!(told, Reason::SignIn);
}

#[test]
fn a_page_that_makes_tokens_is_shown_the_last_one() {
    let config = Config { access: Access::Page, ..Config::default() };
    let mut stage = Stage::with(config, None);
    let asked = |stage: &Stage| {
        stage.last(|effect| match effect {
            Effect::AskToken { current, .. } => Some(current.clone()),
            _ => None,
        })
    };
    stage.send("Hello");
    assert_eq!(asked(&stage), None);
    stage.grant_token();
    let turn = stage.opened_turn();
    stage.tell(Event::StreamFailed { turn, error: refused(401, ErrorCode::TokenExpired) });
    assert!(asked(&stage).is_some_and(|token| token.starts_with("token-")));
    stage.grant_token();
    let refreshed = stage.count(|effect| matches!(effect, Effect::Emit(HostEvent::TokenRefreshed)));
    assert_eq!(refreshed, 1, "the first is no refresh");
}
