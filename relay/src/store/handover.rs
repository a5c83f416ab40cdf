//! Conversations in which a person answers: what they wrote at the provider
//! becomes part of the transcript, once.

use std::collections::HashSet;

use chinwag_protocol::{ConversationId, Part, Role, UiMessage};
use sqlx::{Row as _, Sqlite, Transaction};
use uuid::Uuid;

use super::provider::{in_scope, scoped};
use super::webhook::tell_message;
use super::{Owner, Store, StoreError, row};
use crate::upstream::Transcript;

/// One of our replies, as far as it helps to know it again.
struct Reply {
    question: String,
    text: String,
    is_done: bool,
    provider_id: Option<String>,
}

impl Store {
    /// What the provider of that scope calls a conversation in which its agent
    /// does not answer; `None` if the agent does.
    pub async fn handed_over(
        &self,
        owner: &Owner,
        conversation: &ConversationId,
        scope: &str,
    ) -> Result<Option<String>, StoreError> {
        let found = sqlx::query(
            "SELECT provider_id FROM conversation
             WHERE site = ? AND visitor = ? AND id = ? AND state <> 'ongoing'",
        )
        .bind(owner.site.as_str())
        .bind(&owner.visitor)
        .bind(conversation.as_str())
        .fetch_optional(&self.read)
        .await?;
        let kept: Option<String> = found.map(|found| found.try_get("provider_id")).transpose()?.flatten();
        Ok(kept.and_then(|kept| in_scope(&kept, scope)))
    }

    /// Keeps who answers, and adds the messages of the provider's transcript
    /// that are not there yet; says how many. Those of the visitor are: they all
    /// came this way.
    pub async fn catch_up(
        &self,
        owner: &Owner,
        conversation: &ConversationId,
        scope: &str,
        transcript: &Transcript,
    ) -> Result<usize, StoreError> {
        let mut tx = self.write.begin_with("BEGIN IMMEDIATE").await?;
        let found = sqlx::query("SELECT key FROM conversation WHERE site = ? AND visitor = ? AND id = ?")
            .bind(owner.site.as_str())
            .bind(&owner.visitor)
            .bind(conversation.as_str())
            .fetch_optional(&mut *tx)
            .await?;
        let Some(found) = found else { return Ok(0) };
        let key: String = found.try_get("key")?;
        let known = known_ids(&mut tx, &key, scope).await?;
        let mut replies = replies(&mut tx, &key, scope, transcript).await?;
        let mut question = String::new();
        let mut added = 0;
        for message in &transcript.messages {
            if message.role == Role::User {
                question = message.text();
                continue;
            }
            let is_new = message.role == Role::Assistant
                && !message.text().trim().is_empty()
                && !known.contains(&message.id)
                && !absorb(&mut replies, &question, &message.text());
            if is_new {
                let added_id = add(&mut tx, &key, &message.parts, &scoped(scope, &message.id)).await?;
                tell_message(&mut tx, &key, &added_id, "message.created").await?;
                added += 1;
            }
        }
        sqlx::query("UPDATE conversation SET state = ? WHERE key = ?")
            .bind(row::state_name(transcript.state))
            .bind(&key)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(added)
    }
}

async fn known_ids(
    tx: &mut Transaction<'_, Sqlite>,
    conversation: &str,
    scope: &str,
) -> Result<HashSet<String>, StoreError> {
    let rows =
        sqlx::query("SELECT provider_id FROM message WHERE conversation = ? AND provider_id IS NOT NULL")
            .bind(conversation)
            .fetch_all(&mut **tx)
            .await?;
    let mut known = HashSet::new();
    for row in rows {
        known.extend(in_scope(row.try_get("provider_id")?, scope));
    }
    Ok(known)
}

/// Our replies that the transcript does not hold under an id of ours: it was
/// never told, because the reply was stopped or broke off.
async fn replies(
    tx: &mut Transaction<'_, Sqlite>,
    conversation: &str,
    scope: &str,
    transcript: &Transcript,
) -> Result<Vec<Reply>, StoreError> {
    let rows = sqlx::query(
        "SELECT m.parts, m.status, m.provider_id, q.parts AS question FROM message m
         JOIN message q ON q.conversation = m.conversation AND q.id = m.answers
         WHERE m.conversation = ? ORDER BY m.ordinal DESC LIMIT 100",
    )
    .bind(conversation)
    .fetch_all(&mut **tx)
    .await?;
    let mut replies = Vec::new();
    for found in rows {
        let kept: Option<String> = found.try_get("provider_id")?;
        let reply = Reply {
            question: text(found.try_get("question")?)?,
            text: text(found.try_get("parts")?)?,
            is_done: found.try_get::<String, _>("status")? == "done",
            provider_id: kept.and_then(|kept| in_scope(&kept, scope)),
        };
        let is_there = |id: &String| transcript.messages.iter().any(|message| message.id == *id);
        if !reply.provider_id.as_ref().is_some_and(is_there) {
            replies.push(reply);
        }
    }
    Ok(replies)
}

/// Whether a message is what the provider keeps of one of our replies.
fn absorb(replies: &mut Vec<Reply>, question: &str, text: &str) -> bool {
    let is_same = |reply: &Reply| {
        let overlaps = !reply.text.is_empty() && (reply.text.contains(text) || text.contains(&reply.text));
        reply.question == question && (overlaps || (!reply.is_done && reply.text.is_empty()))
    };
    match replies.iter().position(is_same) {
        Some(place) => {
            replies.remove(place);
            true
        }
        None => false,
    }
}

/// Adds a message that answers no question, and gives its id.
pub(super) async fn add(
    tx: &mut Transaction<'_, Sqlite>,
    conversation: &str,
    parts: &[Part],
    provider_id: &str,
) -> Result<String, StoreError> {
    let id = Uuid::now_v7().to_string();
    sqlx::query(
        "INSERT INTO message (conversation, id, ordinal, role, parts, status, provider_id, created_at)
         SELECT ?, ?, COALESCE(MAX(ordinal), 0) + 1, 'assistant', ?, 'done', ?, ?
         FROM message WHERE conversation = ?",
    )
    .bind(conversation)
    .bind(&id)
    .bind(row::parts_text(parts)?)
    .bind(provider_id)
    .bind(row::now())
    .bind(conversation)
    .execute(&mut **tx)
    .await?;
    Ok(id)
}

/// The text of parts as they are stored.
pub(super) fn text(parts: &str) -> Result<String, StoreError> {
    let parts: Vec<Part> =
        serde_json::from_str(parts).map_err(|error| StoreError::Corrupt(format!("parts: {error}")))?;
    Ok(UiMessage { id: String::new(), role: Role::User, parts, metadata: None }.text())
}
