//! What providers call our conversations and replies. Each id is kept with the
//! scope that it is good for, so that an agent that moved to another provider or
//! account does not send it ids of the old one.

use chinwag_protocol::{ConversationId, MessageId};
use sqlx::Row as _;

use super::{Owner, ReplyKey, Store, StoreError, row};
use crate::upstream::{Learned, ProviderIds};

/// Between scope and id; neither holds one.
const SEPARATOR: char = '\n';

impl Store {
    /// The provider's ids that a reply's turn begins with.
    pub async fn provider_ids(&self, reply: &ReplyKey, scope: &str) -> Result<ProviderIds, StoreError> {
        let found = sqlx::query(
            "SELECT c.state, c.provider_id AS conversation, own.provider_id AS own, earlier.provider_id AS earlier
             FROM conversation c
             JOIN message own ON own.conversation = c.key AND own.id = ?
             LEFT JOIN message earlier ON earlier.conversation = c.key
                 AND earlier.role = 'assistant' AND earlier.status = 'done'
                 AND earlier.ordinal = (
                     SELECT MAX(ordinal) FROM message
                     WHERE conversation = c.key AND answers IS NOT NULL AND ordinal < own.ordinal)
             WHERE c.key = ?",
        )
        .bind(reply.id())
        .bind(reply.conversation())
        .fetch_optional(&self.write)
        .await?;
        let Some(found) = found else { return Ok(ProviderIds::default()) };
        let of_scope = |column: &str| -> Result<Option<String>, StoreError> {
            let kept: Option<String> = found.try_get(column)?;
            Ok(kept.and_then(|kept| in_scope(&kept, scope)))
        };
        let (own, earlier) = (of_scope("own")?, of_scope("earlier")?);
        // A reply that goes on follows what the provider has of it.
        let (previous, replaced) = if reply.goes_on() { (own, None) } else { (earlier, own) };
        let state: String = found.try_get("state")?;
        Ok(ProviderIds {
            conversation: of_scope("conversation")?,
            previous,
            replaced,
            state: row::state(&state),
        })
    }

    /// Keeps what a turn learned. `is_done` says whether the reply is whole: one
    /// that is not does not take the place of the one that it was to replace.
    pub async fn remember(
        &self,
        reply: &ReplyKey,
        scope: &str,
        learned: &Learned,
        is_done: bool,
    ) -> Result<(), StoreError> {
        let mut tx = self.write.begin_with("BEGIN IMMEDIATE").await?;
        if let Some(id) = learned.conversation.as_ref().map(|id| scoped(scope, id)) {
            sqlx::query("UPDATE conversation SET provider_id = ? WHERE key = ?")
                .bind(id)
                .bind(reply.conversation())
                .execute(&mut *tx)
                .await?;
        }
        let id = learned.reply.as_ref().map(|id| scoped(scope, id));
        if is_done || id.is_some() {
            sqlx::query("UPDATE message SET provider_id = ? WHERE conversation = ? AND id = ?")
                .bind(id)
                .bind(reply.conversation())
                .bind(reply.id())
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// What the provider of that scope calls a conversation and a reply in it,
    /// if it has both.
    pub async fn provider_ids_of(
        &self,
        owner: &Owner,
        conversation: &ConversationId,
        reply: &MessageId,
        scope: &str,
    ) -> Result<Option<(String, String)>, StoreError> {
        let found = sqlx::query(
            "SELECT c.provider_id AS conversation, m.provider_id AS reply
             FROM conversation c JOIN message m ON m.conversation = c.key
             WHERE c.site = ? AND c.visitor = ? AND c.id = ? AND m.id = ? AND m.role = 'assistant'",
        )
        .bind(owner.site.as_str())
        .bind(&owner.visitor)
        .bind(conversation.as_str())
        .bind(reply.as_str())
        .fetch_optional(&self.read)
        .await?;
        let Some(found) = found else { return Ok(None) };
        let conversation: Option<String> = found.try_get("conversation")?;
        let reply: Option<String> = found.try_get("reply")?;
        let of_scope = |kept: Option<String>| kept.and_then(|kept| in_scope(&kept, scope));
        Ok(of_scope(conversation).zip(of_scope(reply)))
    }
}

/// An id as it is stored.
pub(super) fn scoped(scope: &str, id: &str) -> String {
    format!("{scope}{SEPARATOR}{id}")
}

/// The id that is stored, if it is of that scope.
pub(super) fn in_scope(kept: &str, scope: &str) -> Option<String> {
    let (of, id) = kept.split_once(SEPARATOR)?;
    (of == scope).then(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use chinwag_protocol::{ConversationState, MessageStatus, Part, Role, SiteKey, UiMessage};

    use super::*;
    use crate::store::{Begun, Question, ReplyEnd};
    use crate::upstream::Transcript;

    fn owner() -> Owner {
        Owner { site: SiteKey::parse("site_a").unwrap(), visitor: "anna".to_owned() }
    }

    fn conversation() -> ConversationId {
        ConversationId::parse("c1").unwrap()
    }

    fn key(begun: Begun) -> ReplyKey {
        match begun {
            Begun::Reply { key, .. } => key,
            other => panic!("no reply begun: {other:?}"),
        }
    }

    async fn ask(store: &Store, id: &str) -> ReplyKey {
        let parts = vec![Part::Text { text: id.to_owned() }];
        let message = UiMessage { id: id.to_owned(), role: Role::User, parts, metadata: None };
        let question = Question::new(MessageId::parse(id).unwrap(), message).unwrap();
        key(store.begin(&owner(), &conversation(), question).await.unwrap())
    }

    async fn finish(
        store: &Store,
        key: &ReplyKey,
        scope: &str,
        learned: (&str, &str),
        status: MessageStatus,
    ) {
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let learned = Learned { conversation: some(learned.0), reply: some(learned.1) };
        store.remember(key, scope, &learned, status == MessageStatus::Done).await.unwrap();
        store.finish(key, &[], end(status)).await.unwrap();
    }

    fn end(status: MessageStatus) -> ReplyEnd {
        ReplyEnd { status, usage: None, is_unread: false, state: None }
    }

    fn texts(ids: &ProviderIds) -> [&str; 3] {
        [&ids.conversation, &ids.previous, &ids.replaced].map(|id| id.as_deref().unwrap_or("-"))
    }

    #[tokio::test]
    async fn the_next_turn_finds_what_the_last_one_learned_in_its_scope_alone() {
        let store = Store::in_memory().await.unwrap();
        let first = ask(&store, "q1").await;
        assert_eq!(texts(&store.provider_ids(&first, "p:1").await.unwrap()), ["-", "-", "-"]);
        finish(&store, &first, "p:1", ("conv", "r1"), MessageStatus::Done).await;
        let second = ask(&store, "q2").await;
        assert_eq!(texts(&store.provider_ids(&second, "p:1").await.unwrap()), ["conv", "r1", "-"]);
        assert_eq!(texts(&store.provider_ids(&second, "p:2").await.unwrap()), ["-", "-", "-"]);
    }

    #[tokio::test]
    async fn a_retry_knows_the_reply_that_it_replaces_until_it_succeeds() {
        let store = Store::in_memory().await.unwrap();
        let first = ask(&store, "q1").await;
        finish(&store, &first, "p", ("conv", "r1"), MessageStatus::Done).await;
        let question = MessageId::parse("q1").unwrap();
        for (learned, status) in [("", MessageStatus::Failed), ("r2", MessageStatus::Done)] {
            let again = key(store.begin_again(&owner(), &conversation(), &question).await.unwrap());
            assert_eq!(texts(&store.provider_ids(&again, "p").await.unwrap()), ["conv", "-", "r1"]);
            finish(&store, &again, "p", ("", learned), status).await;
        }
        let next = ask(&store, "q2").await;
        assert_eq!(texts(&store.provider_ids(&next, "p").await.unwrap()), ["conv", "r2", "-"]);
    }

    #[tokio::test]
    async fn a_reply_that_failed_is_not_the_one_before() {
        let store = Store::in_memory().await.unwrap();
        let first = ask(&store, "q1").await;
        finish(&store, &first, "p", ("conv", "r1"), MessageStatus::Failed).await;
        let second = ask(&store, "q2").await;
        assert_eq!(texts(&store.provider_ids(&second, "p").await.unwrap()), ["conv", "-", "-"]);
    }

    #[tokio::test]
    async fn a_state_is_shown_until_another_reply_says_another() {
        let store = Store::in_memory().await.unwrap();
        for (id, said, shown) in [
            ("q1", Some(ConversationState::TakenOver), ConversationState::TakenOver),
            ("q2", None, ConversationState::TakenOver),
            ("q3", Some(ConversationState::Ongoing), ConversationState::Ongoing),
        ] {
            let key = ask(&store, id).await;
            let end = ReplyEnd { state: said, ..end(MessageStatus::Done) };
            store.finish(&key, &[], end).await.unwrap();
            assert_eq!(store.conversations(&owner(), None, None, 10).await.unwrap().data[0].state, shown);
            let messages = store.messages(&owner(), &conversation(), None, 10).await.unwrap().data;
            let told = messages.last().unwrap().metadata.as_ref().unwrap().state;
            let unless_ongoing = Some(shown).filter(|state| *state != ConversationState::Ongoing);
            assert_eq!(told, unless_ongoing, "the newest message tells");
            assert!(
                messages.iter().rev().skip(1).all(|message| message
                    .metadata
                    .as_ref()
                    .unwrap()
                    .state
                    .is_none())
            );
        }
    }

    fn said(id: &str, role: Role, text: &str) -> UiMessage {
        let parts = vec![Part::Text { text: text.to_owned() }];
        UiMessage { id: id.to_owned(), role, parts, metadata: None }
    }

    #[tokio::test]
    async fn what_a_person_wrote_is_added_once_and_what_is_there_is_not_doubled() {
        let store = Store::in_memory().await.unwrap();
        let text = |text: &str| vec![Part::Text { text: text.to_owned() }];
        // A whole reply, one that was stopped before its id came, and one to
        // which the agent said nothing.
        for (id, reply, learned, status) in [
            ("q1", "Hello.", "r1", MessageStatus::Done),
            ("q2", "We op", "", MessageStatus::Stopped),
            ("q3", "", "", MessageStatus::Done),
        ] {
            let key = ask(&store, id).await;
            let learned = Some(learned.to_owned()).filter(|id| !id.is_empty());
            let learned = Learned { conversation: Some("conv".to_owned()), reply: learned };
            store.remember(&key, "p", &learned, status == MessageStatus::Done).await.unwrap();
            let parts = if reply.is_empty() { Vec::new() } else { text(reply) };
            let state = Some(ConversationState::TakenOver);
            store.finish(&key, &parts, ReplyEnd { state, ..end(status) }).await.unwrap();
        }
        assert_eq!(store.handed_over(&owner(), &conversation(), "p").await.unwrap().as_deref(), Some("conv"));
        assert_eq!(store.handed_over(&owner(), &conversation(), "other").await.unwrap(), None);
        let mut transcript = Transcript {
            state: ConversationState::TakenOver,
            messages: vec![
                said("u1", Role::User, "q1"),
                said("r1", Role::Assistant, "Hello."),
                said("u2", Role::User, "q2"),
                said("r2", Role::Assistant, "We open at nine."),
                said("u3", Role::User, "q3"),
                said("p1", Role::Assistant, "Ben here."),
            ],
        };
        for (added, more) in [(1, Some("Still there?")), (1, None), (0, None)] {
            let found = store.catch_up(&owner(), &conversation(), "p", &transcript).await.unwrap();
            assert_eq!(found, added, "{transcript:?}");
            transcript.messages.extend(more.map(|more| said("p2", Role::Assistant, more)));
        }
        let page = store.messages(&owner(), &conversation(), None, 20).await.unwrap();
        let shown: Vec<String> = page.data.iter().map(UiMessage::text).collect();
        assert_eq!(shown, ["q1", "Hello.", "q2", "We op", "q3", "", "Ben here.", "Still there?"]);
        assert_eq!(page.data[6].metadata.as_ref().unwrap().status, Some(MessageStatus::Done));

        transcript.state = ConversationState::Ongoing;
        store.catch_up(&owner(), &conversation(), "p", &transcript).await.unwrap();
        assert_eq!(store.handed_over(&owner(), &conversation(), "p").await.unwrap(), None);
        let next = ask(&store, "q4").await;
        let ids = store.provider_ids(&next, "p").await.unwrap();
        assert_eq!(texts(&ids), ["conv", "-", "-"], "the reply before it has no id");
    }

    #[tokio::test]
    async fn only_the_visitor_of_a_conversation_reaches_its_ids() {
        let store = Store::in_memory().await.unwrap();
        let first = ask(&store, "q1").await;
        finish(&store, &first, "p", ("conv", "r1"), MessageStatus::Done).await;
        let reply = MessageId::parse(first.id()).unwrap();
        let ids = store.provider_ids_of(&owner(), &conversation(), &reply, "p").await.unwrap();
        assert_eq!(ids, Some(("conv".to_owned(), "r1".to_owned())));
        let other = Owner { visitor: "ben".to_owned(), ..owner() };
        assert_eq!(store.provider_ids_of(&other, &conversation(), &reply, "p").await.unwrap(), None);
    }
}
