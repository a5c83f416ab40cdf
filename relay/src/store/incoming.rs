//! What providers tell by webhook: a person's message, and who answers from now
//! on. Each is taken in once.

use std::time::Duration;

use chinwag_protocol::{ConversationState, Part};
use sqlx::{Row as _, Sqlite, Transaction};

use super::handover::{add, text};
use super::provider::scoped;
use super::webhook::tell_message;
use super::{Store, StoreError, row};

/// Most of our newest replies among which the provider's copy is looked for.
const MAX_COMPARED: i64 = 20;

/// What is known of one conversation from a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard<'h> {
    /// The section of the configuration whose provider told it.
    pub agent: &'h str,
    /// What tells the event from every other, of at most 64 characters.
    pub event: &'h str,
    /// The conversation, as the provider names it.
    pub conversation: &'h str,
    /// For whom that name may be good; see
    /// [`crate::upstream::Upstream::memory_scope`].
    pub scopes: &'h [String],
    /// What was written to the visitor, and whether it is known that a person
    /// wrote it.
    pub message: Option<(&'h str, bool)>,
    /// Who answers from now on, if that was told.
    pub state: Option<ConversationState>,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TakenIn {
    /// It was here before.
    Before,
    /// No conversation here has that name.
    Stranger,
    /// It is in the transcript, if there was anything new in it.
    Now {
        /// Whether a message was added.
        has_message: bool,
    },
}

impl Store {
    /// Takes in what a provider told of a conversation.
    pub async fn hear(&self, heard: &Heard<'_>) -> Result<TakenIn, StoreError> {
        let mut tx = self.write.begin_with("BEGIN IMMEDIATE").await?;
        let Some((key, scope, state)) = find(&mut tx, heard).await? else { return Ok(TakenIn::Stranger) };
        let noted = sqlx::query("INSERT OR IGNORE INTO heard (agent, event, heard_at) VALUES (?, ?, ?)")
            .bind(heard.agent)
            .bind(heard.event)
            .bind(row::now())
            .execute(&mut *tx)
            .await?;
        if noted.rows_affected() == 0 {
            return Ok(TakenIn::Before);
        }
        let mark = format!("event {}", heard.event);
        let mut has_message = false;
        if let Some((said, is_by_person)) = heard.message {
            has_message = is_by_person || !absorb(&mut tx, &key, said, &scoped(&scope, &mark)).await?;
            if has_message {
                let parts = [Part::Text { text: said.to_owned() }];
                let id = add(&mut tx, &key, &parts, &scoped(&scope, &mark)).await?;
                tell_message(&mut tx, &key, &id, "message.created").await?;
            }
        }
        // Whoever writes unasked has taken over, unless it is told otherwise.
        let is_taken = has_message && state == ConversationState::Ongoing;
        let state = heard.state.or(is_taken.then_some(ConversationState::TakenOver));
        sqlx::query(
            "UPDATE conversation SET state = COALESCE(?, state), unread = unread + ?,
                 updated_at = CASE WHEN ? THEN ? ELSE updated_at END
             WHERE key = ?",
        )
        .bind(state.map(row::state_name))
        .bind(i64::from(has_message))
        .bind(has_message)
        .bind(row::now())
        .bind(&key)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(TakenIn::Now { has_message })
    }

    /// Forgets events that are older than this.
    pub async fn forget_heard(&self, life: Duration) -> Result<(), StoreError> {
        let before = row::now().saturating_sub(i64::try_from(life.as_millis()).unwrap_or(i64::MAX));
        sqlx::query("DELETE FROM heard WHERE heard_at < ?").bind(before).execute(&self.write).await?;
        Ok(())
    }

    /// What the agents of the API that stand on a section call their agents at
    /// its provider, each once.
    pub async fn provider_agents(&self, base: &str) -> Result<Vec<String>, StoreError> {
        let rows = sqlx::query(
            "SELECT DISTINCT provider_agent_id AS id FROM agent WHERE base = ? AND provider_agent_id IS NOT NULL",
        )
        .bind(base)
        .fetch_all(&self.read)
        .await?;
        rows.iter().map(|row| row.try_get("id").map_err(StoreError::from)).collect()
    }
}

/// The conversation's key, the scope that it is found by, and who answers in it.
async fn find(
    tx: &mut Transaction<'_, Sqlite>,
    heard: &Heard<'_>,
) -> Result<Option<(String, String, ConversationState)>, StoreError> {
    for scope in heard.scopes {
        let found = sqlx::query("SELECT key, state FROM conversation WHERE provider_id = ? LIMIT 1")
            .bind(scoped(scope, heard.conversation))
            .fetch_optional(&mut **tx)
            .await?;
        if let Some(found) = found {
            let state: String = found.try_get("state")?;
            return Ok(Some((found.try_get("key")?, scope.clone(), row::state(&state))));
        }
    }
    Ok(None)
}

/// Whether it is the provider's copy of a reply that is here, which is marked:
/// the same words of a person, later, are another message.
async fn absorb(
    tx: &mut Transaction<'_, Sqlite>,
    conversation: &str,
    said: &str,
    mark: &str,
) -> Result<bool, StoreError> {
    let rows = sqlx::query(
        "SELECT id, parts, status FROM message
         WHERE conversation = ? AND answers IS NOT NULL AND provider_id IS NULL ORDER BY ordinal DESC LIMIT ?",
    )
    .bind(conversation)
    .bind(MAX_COMPARED)
    .fetch_all(&mut **tx)
    .await?;
    for found in rows {
        let known = text(found.try_get("parts")?)?;
        let (known, said) = (known.trim(), said.trim());
        let is_done = found.try_get::<String, _>("status")? == "done";
        // Of a reply that runs, was stopped or broke off, the beginning is here.
        if known == said || (!is_done && said.starts_with(known)) {
            sqlx::query("UPDATE message SET provider_id = ? WHERE conversation = ? AND id = ?")
                .bind(mark)
                .bind(conversation)
                .bind(found.try_get::<String, _>("id")?)
                .execute(&mut **tx)
                .await?;
            return Ok(true);
        }
    }
    Ok(false)
}
