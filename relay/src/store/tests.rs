//! One suite for every engine: the file and the memory behave alike.

use chinwag_protocol::{
    ConversationId, Feedback, MessageId, MessageStatus, Part, Role, SiteKey, UiMessage, Usage,
};

use std::time::{Duration, SystemTime};

use crate::token::{DeviceKey, Keyring, SigningKey, VerifiedVisitor};

use super::{Begun, Owner, Question, ReplyEnd, ReplyKey, Store, StoreError};

/// Runs a test against each engine. The folder of the file lives as long.
macro_rules! on_every_engine {
    ($($name:ident)*) => {
        mod in_memory {
            $(#[tokio::test]
            async fn $name() {
                super::$name(super::Store::in_memory().await.unwrap()).await;
            })*
        }
        mod in_a_file {
            $(#[tokio::test]
            async fn $name() {
                let folder = tempfile::tempdir().unwrap();
                super::$name(super::Store::open(&folder.path().join("chinwag.db")).await.unwrap()).await;
            })*
        }
    };
}

on_every_engine! {
    a_question_and_its_reply_are_kept_in_order
    a_question_is_accepted_once
    a_reply_that_is_not_whole_is_begun_anew_in_its_place
    an_id_belongs_to_one_message
    questions_that_come_together_are_all_kept
    visitors_see_only_their_own
    conversation_ids_are_unique_per_visitor_only
    an_agent_gets_what_was_said_before_the_question
    another_reply_takes_the_place_of_the_first
    lists_come_in_pages
    messages_come_newest_page_first_and_oldest_first_within
    a_cursor_of_another_list_is_refused
    deleting_takes_the_messages_too_and_late_writes_do_nothing
    a_rating_is_kept_and_taken_back
    leftovers_become_interrupted_with_what_was_said
    replies_nobody_followed_are_unread_until_read
    who_is_erased_was_there_or_was_not
    an_identity_is_used_once_at_each_site
    when_a_device_was_here_is_noted_once_a_minute
    devices_are_listed_and_revoked
    a_visitor_who_was_revoked_is_gone_whatever_a_clock_says
}

fn owner(visitor: &str) -> Owner {
    Owner { site: SiteKey::parse("site_demo").unwrap(), visitor: visitor.to_owned() }
}

fn conversation(id: &str) -> ConversationId {
    ConversationId::parse(id).unwrap()
}

fn text(text: &str) -> Vec<Part> {
    vec![Part::Text { text: text.to_owned() }]
}

fn question(id: &str, says: &str) -> Question {
    let message = UiMessage { id: id.to_owned(), role: Role::User, parts: text(says), metadata: None };
    Question::new(MessageId::parse(id).unwrap(), message).unwrap()
}

fn done() -> ReplyEnd {
    ReplyEnd { status: MessageStatus::Done, usage: None, is_unread: false, state: None }
}

async fn begin(store: &Store, owner: &Owner, at: &str, id: &str, says: &str) -> (ReplyKey, Vec<UiMessage>) {
    match store.begin(owner, &conversation(at), question(id, says)).await.unwrap() {
        Begun::Reply { key, history, .. } => (key, history),
        other => panic!("{other:?}"),
    }
}

async fn say(store: &Store, owner: &Owner, at: &str, id: &str, says: &str, answer: &str) -> ReplyKey {
    let (key, _) = begin(store, owner, at, id, says).await;
    store.finish(&key, &text(answer), done()).await.unwrap();
    key
}

async fn texts(store: &Store, owner: &Owner, at: &str) -> Vec<String> {
    let page = store.messages(owner, &conversation(at), None, 100).await.unwrap();
    page.data.iter().map(UiMessage::text).collect()
}

async fn a_question_and_its_reply_are_kept_in_order(store: Store) {
    let anna = owner("anna");
    let (key, history) = begin(&store, &anna, "c1", "m1", "Hello?").await;
    assert!(history.is_empty());
    store.checkpoint(&key, &text("Hi")).await.unwrap();
    let page = store.messages(&anna, &conversation("c1"), None, 100).await.unwrap();
    let status = |message: &UiMessage| message.metadata.as_ref().unwrap().status.unwrap();
    assert_eq!(status(&page.data[1]), MessageStatus::Streaming);
    assert_eq!(page.data[1].text(), "Hi");

    let usage = Some(Usage { input_tokens: 3, output_tokens: 5 });
    store.finish(&key, &text("Hi there."), ReplyEnd { usage, ..done() }).await.unwrap();
    // A checkpoint that was under way when the reply ended comes too late.
    store.checkpoint(&key, &text("Hi")).await.unwrap();
    let page = store.messages(&anna, &conversation("c1"), None, 100).await.unwrap();
    assert_eq!(page.data.iter().map(|m| m.role).collect::<Vec<_>>(), [Role::User, Role::Assistant]);
    assert_eq!(page.data[1].id, key.id());
    assert_eq!(page.data[1].text(), "Hi there.");
    let metadata = page.data[1].metadata.as_ref().unwrap();
    assert_eq!((metadata.status, metadata.usage), (Some(MessageStatus::Done), usage));
    let created = metadata.created_at.as_ref().unwrap();
    assert!(created.len() == 24 && created.ends_with('Z'), "{created}");
}

async fn a_question_is_accepted_once(store: Store) {
    let anna = owner("anna");
    let key = say(&store, &anna, "c1", "m1", "Hello?", "Hi.").await;
    match store.begin(&anna, &conversation("c1"), question("m1", "Hello?")).await.unwrap() {
        Begun::Finished { reply, title, base: 0 } => {
            assert_eq!((reply.id.as_str(), reply.text().as_str()), (key.id(), "Hi."));
            assert_eq!(title, "Hello?");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(texts(&store, &anna, "c1").await, ["Hello?", "Hi."]);
}

async fn a_reply_that_is_not_whole_is_begun_anew_in_its_place(store: Store) {
    let anna = owner("anna");
    for status in [MessageStatus::Failed, MessageStatus::Stopped, MessageStatus::Interrupted] {
        let at = format!("c-{status:?}");
        let (first, _) = begin(&store, &anna, &at, "m1", "One?").await;
        store.finish(&first, &text("half"), ReplyEnd { status, ..done() }).await.unwrap();
        say(&store, &anna, &at, "m2", "Two?", "2").await;
        let (second, history) = begin(&store, &anna, &at, "m1", "One?").await;
        assert_ne!(first.id(), second.id());
        assert!(history.is_empty());
        store.finish(&second, &text("whole"), done()).await.unwrap();
        assert_eq!(texts(&store, &anna, &at).await, ["One?", "whole", "Two?", "2"]);
    }
}

async fn an_id_belongs_to_one_message(store: Store) {
    let anna = owner("anna");
    let key = say(&store, &anna, "c1", "m1", "Hello?", "Hi.").await;
    for id in ["m1", key.id()] {
        let begun = store.begin(&anna, &conversation("c1"), question(id, "Something else")).await.unwrap();
        assert!(matches!(begun, Begun::Conflict), "{id}: {begun:?}");
    }
    assert_eq!(texts(&store, &anna, "c1").await, ["Hello?", "Hi."]);
}

async fn questions_that_come_together_are_all_kept(store: Store) {
    let (anna, id) = (owner("anna"), conversation("c1"));
    let begins = (1..=12).map(|number| store.begin(&anna, &id, question(&format!("m{number}"), "Hello?")));
    for begun in futures_util::future::join_all(begins).await {
        assert!(matches!(begun, Ok(Begun::Reply { .. })), "{begun:?}");
    }
    let page = store.messages(&anna, &id, None, 50).await.unwrap();
    let roles: Vec<Role> = page.data.iter().map(|message| message.role).collect();
    assert_eq!(roles, [Role::User, Role::Assistant].repeat(12), "each reply stands right after its question");
}

async fn visitors_see_only_their_own(store: Store) {
    let (anna, bert) = (owner("anna"), owner("bert"));
    let elsewhere = Owner { site: SiteKey::parse("site_other").unwrap(), visitor: "anna".to_owned() };
    let key = say(&store, &anna, "c1", "m1", "Hello?", "Hi.").await;
    let id = conversation("c1");
    let reply = MessageId::parse(key.id()).unwrap();
    for other in [&bert, &elsewhere] {
        assert!(store.conversations(other, None, None, 10).await.unwrap().data.is_empty());
        assert!(matches!(store.messages(other, &id, None, 10).await, Err(StoreError::Missing)));
        assert!(matches!(store.rename(other, &id, "Mine").await, Err(StoreError::Missing)));
        assert!(matches!(store.delete(other, &id).await, Err(StoreError::Missing)));
        let rated = store.rate(other, &id, &reply, Some(Feedback::Negative), None).await;
        assert!(matches!(rated, Err(StoreError::Missing)));
        let again = store.begin_again(other, &id, &MessageId::parse("m1").unwrap()).await;
        assert!(matches!(again, Err(StoreError::Missing)));
        assert!(!store.has_conversation(other, &id).await.unwrap());
        assert_eq!(store.question_of(other, &id, None).await.unwrap(), None);
        assert_eq!(store.last_reply(other, &id).await.unwrap(), None);
    }
    assert_eq!(texts(&store, &anna, "c1").await, ["Hello?", "Hi."]);
}

async fn conversation_ids_are_unique_per_visitor_only(store: Store) {
    let (anna, bert) = (owner("anna"), owner("bert"));
    say(&store, &anna, "c1", "m1", "Anna here", "Hi Anna").await;
    say(&store, &bert, "c1", "m1", "Bert here", "Hi Bert").await;
    assert_eq!(texts(&store, &anna, "c1").await, ["Anna here", "Hi Anna"]);
    assert_eq!(texts(&store, &bert, "c1").await, ["Bert here", "Hi Bert"]);
    store.delete(&bert, &conversation("c1")).await.unwrap();
    assert_eq!(texts(&store, &anna, "c1").await, ["Anna here", "Hi Anna"]);
}

async fn an_agent_gets_what_was_said_before_the_question(store: Store) {
    let anna = owner("anna");
    say(&store, &anna, "c1", "m1", "One?", "1").await;
    let (_, history) = begin(&store, &anna, "c1", "m2", "Two?").await;
    assert_eq!(history.iter().map(UiMessage::text).collect::<Vec<_>>(), ["One?", "1"]);
}

async fn another_reply_takes_the_place_of_the_first(store: Store) {
    let anna = owner("anna");
    let id = conversation("c1");
    let first = say(&store, &anna, "c1", "m1", "One?", "1").await;
    let reply = MessageId::parse(first.id()).unwrap();
    let found = store.question_of(&anna, &id, Some(&reply)).await.unwrap().unwrap();
    assert_eq!(found.as_str(), "m1");
    assert_eq!(store.question_of(&anna, &id, None).await.unwrap(), Some(found.clone()));
    let Begun::Reply { key, question, .. } = store.begin_again(&anna, &id, &found).await.unwrap() else {
        panic!("no room was made");
    };
    assert_eq!(question.message.text(), "One?");
    store.finish(&key, &text("one"), done()).await.unwrap();
    assert_eq!(texts(&store, &anna, "c1").await, ["One?", "one"]);
    let missing = store.begin_again(&anna, &id, &MessageId::parse("never").unwrap()).await;
    assert!(matches!(missing, Err(StoreError::Missing)));
}

async fn lists_come_in_pages(store: Store) {
    let anna = owner("anna");
    for number in 1..=5 {
        say(&store, &anna, &format!("c{number}"), "m1", &format!("Question {number}"), "!").await;
    }
    let mut seen = Vec::new();
    let mut cursor = None;
    loop {
        let page = store.conversations(&anna, None, cursor.as_deref(), 2).await.unwrap();
        assert!(page.data.len() <= 2);
        assert_eq!(page.pagination.has_more, page.pagination.cursor.is_some());
        seen.extend(page.data.into_iter().map(|one| one.title));
        cursor = page.pagination.cursor;
        if cursor.is_none() {
            break;
        }
    }
    let whole = store.conversations(&anna, None, None, 5).await.unwrap();
    assert_eq!((whole.data.len(), whole.pagination.has_more), (5, false), "the page is full, and the last");
    seen.sort();
    assert_eq!(seen, (1..=5).map(|number| format!("Question {number}")).collect::<Vec<_>>());
    let renamed = store.rename(&anna, &conversation("c3"), "Mine").await.unwrap();
    assert_eq!((renamed.id.as_str(), renamed.title.as_str()), ("c3", "Mine"));
}

async fn messages_come_newest_page_first_and_oldest_first_within(store: Store) {
    let anna = owner("anna");
    for number in 1..=3 {
        say(&store, &anna, "c1", &format!("m{number}"), &format!("q{number}"), &format!("a{number}")).await;
    }
    let id = conversation("c1");
    let newest = store.messages(&anna, &id, None, 4).await.unwrap();
    assert_eq!(newest.data.iter().map(UiMessage::text).collect::<Vec<_>>(), ["q2", "a2", "q3", "a3"]);
    assert!(newest.pagination.has_more);
    let oldest = store.messages(&anna, &id, newest.pagination.cursor.as_deref(), 4).await.unwrap();
    assert_eq!(oldest.data.iter().map(UiMessage::text).collect::<Vec<_>>(), ["q1", "a1"]);
    assert_eq!((oldest.pagination.has_more, oldest.pagination.cursor), (false, None));
    let whole = store.messages(&anna, &id, None, 6).await.unwrap();
    assert_eq!((whole.data.len(), whole.pagination.has_more), (6, false), "the page is full, and the last");
}

async fn a_cursor_of_another_list_is_refused(store: Store) {
    let anna = owner("anna");
    say(&store, &anna, "c1", "m1", "Hello?", "Hi.").await;
    for cursor in ["", "x", "!", "MTIz", "w7w"] {
        let refused = store.conversations(&anna, None, Some(cursor), 10).await;
        assert!(matches!(refused, Err(StoreError::Cursor)), "{cursor:?}");
    }
    let refused = store.messages(&anna, &conversation("c1"), Some("eHl6"), 10).await;
    assert!(matches!(refused, Err(StoreError::Cursor)));
}

async fn deleting_takes_the_messages_too_and_late_writes_do_nothing(store: Store) {
    let anna = owner("anna");
    let id = conversation("c1");
    let (key, _) = begin(&store, &anna, "c1", "m1", "Hello?").await;
    store.delete(&anna, &id).await.unwrap();
    store.checkpoint(&key, &text("late")).await.unwrap();
    store.finish(&key, &text("late"), done()).await.unwrap();
    assert!(matches!(store.messages(&anna, &id, None, 10).await, Err(StoreError::Missing)));
    say(&store, &anna, "c1", "m1", "Again?", "Hi.").await;
    assert_eq!(texts(&store, &anna, "c1").await, ["Again?", "Hi."]);
}

async fn a_rating_is_kept_and_taken_back(store: Store) {
    let anna = owner("anna");
    let id = conversation("c1");
    let key = say(&store, &anna, "c1", "m1", "Hello?", "Hi.").await;
    let reply = MessageId::parse(key.id()).unwrap();
    let rating = async || {
        let page = store.messages(&anna, &id, None, 10).await.unwrap();
        page.data[1].metadata.as_ref().unwrap().feedback
    };
    store.rate(&anna, &id, &reply, Some(Feedback::Negative), Some("wrong")).await.unwrap();
    assert_eq!(rating().await, Some(Feedback::Negative));
    store.rate(&anna, &id, &reply, None, None).await.unwrap();
    assert_eq!(rating().await, None);
    let own = store.rate(&anna, &id, &MessageId::parse("m1").unwrap(), Some(Feedback::Positive), None).await;
    assert!(matches!(own, Err(StoreError::Missing)), "a question is not rated");
}

async fn leftovers_become_interrupted_with_what_was_said(store: Store) {
    let anna = owner("anna");
    say(&store, &anna, "c1", "m1", "One?", "1").await;
    let (key, _) = begin(&store, &anna, "c1", "m2", "Two?").await;
    store.checkpoint(&key, &text("tw")).await.unwrap();
    assert_eq!(store.interrupt_leftovers().await.unwrap(), 1);
    let page = store.messages(&anna, &conversation("c1"), None, 10).await.unwrap();
    let statuses: Vec<_> = page.data.iter().map(|m| m.metadata.as_ref().unwrap().status.unwrap()).collect();
    assert_eq!(statuses[1], MessageStatus::Done);
    assert_eq!((statuses[3], page.data[3].text().as_str()), (MessageStatus::Interrupted, "tw"));
}

async fn replies_nobody_followed_are_unread_until_read(store: Store) {
    let anna = owner("anna");
    let unread = async || store.conversations(&anna, None, None, 10).await.unwrap().data[0].unread;
    say(&store, &anna, "c1", "m1", "One?", "1").await;
    assert_eq!(unread().await, 0);
    let (key, _) = begin(&store, &anna, "c1", "m2", "Two?").await;
    store.finish(&key, &text("2"), ReplyEnd { is_unread: true, ..done() }).await.unwrap();
    assert_eq!(unread().await, 1);
    let newest = store.messages(&anna, &conversation("c1"), None, 1).await.unwrap();
    assert_eq!(unread().await, 0);
    let (key, _) = begin(&store, &anna, "c1", "m3", "Three?").await;
    store.finish(&key, &text("3"), ReplyEnd { is_unread: true, ..done() }).await.unwrap();
    let older = newest.pagination.cursor;
    store.messages(&anna, &conversation("c1"), older.as_deref(), 1).await.unwrap();
    assert_eq!(unread().await, 1, "who looks at what was before has not read the newest");
}

async fn who_is_erased_was_there_or_was_not(store: Store) {
    let anna = owner("anna");
    say(&store, &anna, "c1", "m1", "Hello?", "Hi.").await;
    assert!(store.erase_visitor(&anna).await.unwrap());
    assert!(!store.erase_visitor(&anna).await.unwrap());
    assert!(!store.erase_visitor(&owner("nobody")).await.unwrap());
}

async fn an_identity_is_used_once_at_each_site(store: Store) {
    let [demo, other] = ["site_demo", "site_other"].map(|key| SiteKey::parse(key).unwrap());
    assert!(store.use_identity(&demo, "jti", u64::MAX).await.unwrap());
    assert!(!store.use_identity(&demo, "jti", u64::MAX).await.unwrap());
    assert!(store.use_identity(&other, "jti", u64::MAX).await.unwrap());
}

async fn when_a_device_was_here_is_noted_once_a_minute(store: Store) {
    let (site, key) = (SiteKey::parse("site_demo").unwrap(), DeviceKey::generate().unwrap());
    store.add_device(&site, "Lobby", &key).await.unwrap();
    let seen = async || -> Option<i64> {
        sqlx::query_scalar("SELECT seen_at FROM device").fetch_one(&store.read).await.unwrap()
    };
    assert_eq!(seen().await, None);
    let find = async || assert!(store.find_device(&site, key.expose()).await.unwrap().is_some());
    find().await;
    let now = seen().await.unwrap();
    for (ago, is_noted) in [(50_000, false), (61_000, true)] {
        let before = now - ago;
        sqlx::query("UPDATE device SET seen_at = ?").bind(before).execute(&store.write).await.unwrap();
        find().await;
        assert_eq!(seen().await.unwrap() > before, is_noted, "{ago} ms ago");
    }
}

async fn devices_are_listed_and_revoked(store: Store) {
    let (site, key) = (SiteKey::parse("site_demo").unwrap(), DeviceKey::generate().unwrap());
    store.add_device(&site, "Lobby", &key).await.unwrap();
    let [device] = &store.devices().await.unwrap()[..] else { panic!("one device") };
    assert_eq!((device.id.as_str(), device.name.as_str(), &device.revoked_at), (key.id(), "Lobby", &None));
    assert!(store.find_device(&SiteKey::parse("site_other").unwrap(), key.expose()).await.unwrap().is_none());
    store.revoke_device(key.id()).await.unwrap();
    assert!(store.devices().await.unwrap()[0].revoked_at.is_some());
    assert!(store.find_device(&site, key.expose()).await.unwrap().is_none());
}

async fn a_visitor_who_was_revoked_is_gone_whatever_a_clock_says(store: Store) {
    let keyring = Keyring::build(SigningKey::generate().unwrap()).unwrap();
    let known = VerifiedVisitor::new(SiteKey::parse("site_demo").unwrap());
    // Its tokens are of a time that the relay's clock has not reached again.
    let later = SystemTime::now() + Duration::from_secs(20);
    let token = |visitor: &VerifiedVisitor| {
        keyring.verify_visitor(&keyring.issue_visitor(visitor, later).unwrap()).unwrap()
    };
    let next = store.redeem(&token(&known)).await.unwrap().unwrap();
    let known = known.advanced_to(next);
    store.revoke_visitor(&known.owner()).await.unwrap();
    assert_eq!(store.redeem(&token(&known)).await.unwrap(), None);
}
