use chinwag::engine::drawer::{Listing, Refused};
use chinwag::engine::session::RequestId;
use chinwag::engine::*;
use chinwag_protocol::{Conversation, ConversationId, ConversationState, ErrorCode, Page, Pagination};

use crate::stage::{Stage, refused};

fn id(name: &str) -> ConversationId {
    ConversationId::parse(name).unwrap()
}

fn conversation(name: &str, unread: u32) -> Conversation {
    Conversation {
        id: id(name),
        title: format!("About {name}"),
        created_at: "2026-01-01T00:00:00Z".into(),
        updated_at: "2026-01-02T00:00:00Z".into(),
        state: ConversationState::Ongoing,
        unread,
    }
}

/// The last page that was asked for: its cursor and what is searched for.
fn asked(stage: &Stage) -> (RequestId, Option<String>, String) {
    stage.last(|effect| match effect {
        Effect::LoadConversations { request, cursor, query, .. } => {
            Some((*request, cursor.clone(), query.clone()))
        }
        _ => None,
    })
}

fn answer(stage: &mut Stage, names: &[&str], cursor: Option<&str>) {
    let (request, ..) = asked(stage);
    let data = names.iter().map(|name| conversation(name, 0)).collect();
    let pagination = Pagination { cursor: cursor.map(Into::into), has_more: cursor.is_some() };
    stage.tell(Event::ConversationsArrived { request, page: Page { data, pagination } });
}

/// A panel with an open drawer that lists these.
fn listing(names: &[&str]) -> Stage {
    let mut stage = Stage::ready();
    stage.tell(Event::DrawerOpened);
    answer(&mut stage, names, None);
    stage
}

fn titles(stage: &Stage) -> Vec<&str> {
    stage.model.drawer.entries.iter().map(|entry| entry.title.as_str()).collect()
}

fn delete(stage: &mut Stage, name: &str) {
    stage.tell(Event::DeletePressed { id: id(name), conversation_id: format!("after-{name}") });
}

fn deletions(stage: &Stage) -> Vec<String> {
    let pick = |effect: &Effect| match effect {
        Effect::DeleteConversation { conversation, .. } => Some(conversation.to_string()),
        _ => None,
    };
    stage.asked.iter().filter_map(pick).collect()
}

/// The wait for a deletion is over.
fn undo_ends(stage: &mut Stage) {
    let timer = stage.last(|effect| match effect {
        Effect::StartTimer { timer: timer @ Timer::Undo(_), .. } => Some(*timer),
        _ => None,
    });
    stage.tell(Event::TimerFired { timer });
}

#[test]
fn the_drawer_lists_pages_one_after_another() {
    let mut stage = Stage::ready();
    stage.tell(Event::DrawerOpened);
    assert!(stage.model.drawer.is_loading());
    answer(&mut stage, &["c3", "c2"], Some("next"));
    assert_eq!(titles(&stage), ["About c3", "About c2"]);
    stage.tell(Event::MoreConversationsAsked);
    assert_eq!(asked(&stage).1.as_deref(), Some("next"));
    // One that was written to meanwhile moved up, and comes a second time.
    answer(&mut stage, &["c2", "c1"], None);
    assert_eq!(titles(&stage), ["About c3", "About c2", "About c1"]);
    let pages = stage.count(|effect| matches!(effect, Effect::LoadConversations { .. }));
    stage.tell(Event::MoreConversationsAsked);
    assert_eq!(stage.count(|effect| matches!(effect, Effect::LoadConversations { .. })), pages);
}

#[test]
fn there_is_no_drawer_where_the_site_or_the_page_has_none() {
    let mut stage = Stage::ready();
    stage.model.config.without_history = true;
    stage.tell(Event::DrawerOpened);
    assert!(!stage.model.drawer.is_open);
    stage.model.config.without_history = false;
    stage.model.features.history = false;
    stage.tell(Event::DrawerOpened);
    assert!(!stage.model.drawer.is_open);
}

#[test]
fn a_page_that_switches_the_history_off_closes_the_drawer() {
    let mut stage = listing(&["c1"]);
    let config = Config { without_history: true, ..stage.model.config.clone() };
    stage.tell(Event::Configured { config });
    assert!(!stage.model.drawer.is_open);
}

#[test]
fn what_could_not_be_listed_is_asked_for_again_where_it_stopped() {
    let mut stage = listing(&["c3"]);
    stage.tell(Event::DrawerClosed);
    stage.tell(Event::DrawerOpened);
    answer(&mut stage, &["c3"], Some("next"));
    stage.tell(Event::MoreConversationsAsked);
    let (request, ..) = asked(&stage);
    stage.tell(Event::ConversationsFailed { request, error: TransportError::Network });
    assert!(matches!(stage.model.drawer.listing, Listing::Failed { .. }));
    assert_eq!(titles(&stage), ["About c3"], "what is there stays");
    stage.tell(Event::MoreConversationsAsked);
    assert_eq!(asked(&stage).1.as_deref(), Some("next"));
}

#[test]
fn a_refused_token_is_replaced_once_for_the_list() {
    let mut stage = Stage::ready();
    stage.tell(Event::DrawerOpened);
    for exchanges in [1, 1] {
        let (request, ..) = asked(&stage);
        let error = refused(401, ErrorCode::Unauthenticated);
        stage.tell(Event::ConversationsFailed { request, error });
        assert_eq!(stage.token_exchanges(), exchanges);
        if stage.model.drawer.is_loading() {
            stage.grant_token();
        }
    }
    assert!(matches!(stage.model.drawer.listing, Listing::Failed { .. }));
}

#[test]
fn a_search_waits_for_the_end_of_typing_and_drops_late_answers() {
    let mut stage = listing(&["c1"]);
    let pages = stage.count(|effect| matches!(effect, Effect::LoadConversations { .. }));
    let mut timers = Vec::new();
    for text in ["a", "ac", " acc "] {
        stage.tell(Event::SearchChanged { text: text.into() });
        timers.push(stage.last(|effect| match effect {
            Effect::StartTimer { timer: timer @ Timer::Search(_), .. } => Some(*timer),
            _ => None,
        }));
    }
    for timer in timers {
        stage.tell(Event::TimerFired { timer });
    }
    assert_eq!(stage.count(|effect| matches!(effect, Effect::LoadConversations { .. })), pages + 1);
    let (first, _, query) = asked(&stage);
    assert_eq!(query, "acc");
    stage.tell(Event::SearchChanged { text: "accent".into() });
    let page = Page { data: vec![conversation("late", 0)], pagination: Pagination::default() };
    stage.tell(Event::ConversationsArrived { request: first, page });
    assert_eq!(titles(&stage), ["About c1"]);
}

#[test]
fn another_conversation_is_shown_and_the_running_reply_is_let_go_not_stopped() {
    let (mut stage, turn) = Stage::asking("Hello");
    stage.tell(Event::DrawerOpened);
    let (request, ..) = asked(&stage);
    let page = Page { data: vec![conversation("c7", 2)], pagination: Pagination::default() };
    stage.tell(Event::ConversationsArrived { request, page });
    assert!(stage.model.drawer.entries[0].is_unread);
    stage.tell(Event::ConversationChosen { id: id("c7") });
    assert_eq!(stage.count(|effect| *effect == Effect::AbortStream { turn }), 1);
    assert_eq!(stage.count(|effect| matches!(effect, Effect::StopReply { .. })), 0);
    assert_eq!(stage.model.conversation, Some(id("c7")));
    assert!(!stage.model.drawer.is_open && !stage.model.drawer.entries[0].is_unread);
    assert!(stage.transcript().is_empty());
    let loaded = stage.last(|effect| match effect {
        Effect::LoadMessages { conversation, .. } => Some(conversation.to_string()),
        _ => None,
    });
    assert_eq!(loaded, "c7");
    let saved = stage.last(|effect| match effect {
        Effect::Save(saved) => Some(saved.conversation.clone()),
        _ => None,
    });
    assert_eq!(saved, Some(id("c7")), "a reload finds it");
}

#[test]
fn choosing_the_conversation_that_is_shown_only_closes_the_drawer() {
    let (mut stage, _) = Stage::asking("Hello");
    stage.tell(Event::DrawerOpened);
    answer(&mut stage, &["c1"], None);
    stage.tell(Event::ConversationChosen { id: id("c1") });
    assert!(!stage.model.drawer.is_open && stage.model.is_replying());
    assert_eq!(stage.transcript().len(), 2);
}

#[test]
fn a_title_changes_at_once_and_back_if_the_relay_refuses() {
    let mut stage = listing(&["c1", "c2"]);
    stage.tell(Event::TitleChanged { id: id("c2"), title: "  Mine ".into() });
    assert_eq!(titles(&stage), ["About c1", "Mine"]);
    let (request, title) = stage.last(|effect| match effect {
        Effect::RenameConversation { request, title, .. } => Some((*request, title.clone())),
        _ => None,
    });
    assert_eq!(title, "Mine");
    stage.tell(Event::ConversationNotChanged { request, error: refused(500, ErrorCode::Internal) });
    assert_eq!(titles(&stage), ["About c1", "About c2"]);
    assert_eq!(stage.model.drawer.refused, Some(Refused::Rename));
}

#[test]
fn an_empty_or_equal_title_is_no_change_and_a_long_one_is_cut() {
    let mut stage = listing(&["c1"]);
    for title in ["", "  ", "About c1"] {
        stage.tell(Event::TitleChanged { id: id("c1"), title: title.into() });
    }
    assert_eq!(stage.count(|effect| matches!(effect, Effect::RenameConversation { .. })), 0);
    stage.tell(Event::TitleChanged { id: id("c1"), title: "ä".repeat(200) });
    assert_eq!(stage.model.drawer.entries[0].title.chars().count(), MAX_TITLE_CHARS);
}

#[test]
fn nothing_is_deleted_while_it_can_be_taken_back() {
    let mut stage = listing(&["c1", "c2", "c3"]);
    delete(&mut stage, "c2");
    assert_eq!(titles(&stage), ["About c1", "About c3"]);
    assert!(deletions(&stage).is_empty());
    stage.tell(Event::DeleteUndone);
    assert_eq!(titles(&stage), ["About c1", "About c2", "About c3"]);
    undo_ends(&mut stage);
    assert!(deletions(&stage).is_empty());
}

#[test]
fn a_deletion_goes_out_when_its_time_is_up_or_the_visitor_turns_away() {
    let ends: [fn(&mut Stage); 5] = [
        undo_ends,
        |stage| stage.tell(Event::DrawerClosed),
        |stage| stage.tell(Event::Closed),
        |stage| stage.tell(Event::PageHidden),
        |stage| delete(stage, "c1"),
    ];
    for end in ends {
        let mut stage = listing(&["c1", "c2"]);
        delete(&mut stage, "c2");
        end(&mut stage);
        assert_eq!(deletions(&stage), ["c2"]);
        stage.tell(Event::DeleteUndone);
        assert_eq!(deletions(&stage), ["c2"], "it cannot be taken back");
    }
}

#[test]
fn an_undo_meant_for_one_deletion_does_not_end_the_next() {
    let mut stage = listing(&["c1", "c2"]);
    delete(&mut stage, "c1");
    let first = stage.last(|effect| match effect {
        Effect::StartTimer { timer: timer @ Timer::Undo(_), .. } => Some(*timer),
        _ => None,
    });
    delete(&mut stage, "c2");
    stage.tell(Event::TimerFired { timer: first });
    assert_eq!(deletions(&stage), ["c1"]);
}

#[test]
fn a_deletion_that_failed_puts_the_conversation_back() {
    let mut stage = listing(&["c1", "c2"]);
    delete(&mut stage, "c1");
    undo_ends(&mut stage);
    let request = stage.last(|effect| match effect {
        Effect::DeleteConversation { request, .. } => Some(*request),
        _ => None,
    });
    stage.tell(Event::ConversationNotChanged { request, error: TransportError::Network });
    assert_eq!(titles(&stage), ["About c1", "About c2"]);
    assert_eq!(stage.model.drawer.refused, Some(Refused::Delete));
}

#[test]
fn one_that_another_tab_deleted_first_is_simply_gone() {
    let mut stage = listing(&["c1", "c2"]);
    delete(&mut stage, "c1");
    undo_ends(&mut stage);
    let request = stage.last(|effect| match effect {
        Effect::DeleteConversation { request, .. } => Some(*request),
        _ => None,
    });
    stage.tell(Event::ConversationNotChanged { request, error: refused(404, ErrorCode::NotFound) });
    assert_eq!(titles(&stage), ["About c2"]);
    assert_eq!(stage.model.drawer.refused, None);
}

#[test]
fn the_list_does_not_bring_back_what_is_being_deleted() {
    let mut stage = listing(&["c1", "c2"]);
    delete(&mut stage, "c1");
    stage.tell(Event::DrawerClosed);
    stage.tell(Event::DrawerOpened);
    answer(&mut stage, &["c1", "c2"], None);
    assert_eq!(titles(&stage), ["About c2"]);
}

#[test]
fn a_new_conversation_follows_the_one_that_was_shown_and_deleted() {
    let (mut stage, turn) = Stage::asking("Hello");
    stage.tell(Event::DrawerOpened);
    answer(&mut stage, &["c1"], None);
    delete(&mut stage, "c1");
    assert_eq!(stage.transcript().len(), 2, "it is there as long as it can be taken back");
    undo_ends(&mut stage);
    assert!(stage.transcript().is_empty());
    assert_eq!(stage.model.conversation, Some(id("after-c1")));
    assert_eq!(stage.count(|effect| *effect == Effect::AbortStream { turn }), 1);
}
