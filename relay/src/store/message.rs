//! Questions and their replies: a question is accepted once, and has at most
//! one reply, which stands right after it in the transcript.

use aws_lc_rs::digest;
use chinwag_protocol::{ConversationId, ConversationState, MessageId, MessageStatus, Part, UiMessage, Usage};
use sqlx::{Row as _, Sqlite, Transaction};
use uuid::Uuid;

use super::conversation::title_of;
use super::results::Answered;
use super::webhook::{tell_conversation, tell_message};
use super::{Owner, Store, StoreError, file, row, spending};
use crate::hex;

/// Most messages before a question that an agent gets: the cost of a turn must
/// not grow with the conversation forever.
const MAX_HISTORY: i64 = 200;

/// A question on its way into the store.
#[derive(Debug, Clone)]
pub struct Question {
    /// The key under which it is accepted once.
    pub id: MessageId,
    /// What it says.
    pub message: UiMessage,
    hash: String,
}

impl Question {
    /// A question with the hash of its parts.
    pub fn new(id: MessageId, message: UiMessage) -> Result<Self, StoreError> {
        let text = row::parts_text(&message.parts)?;
        let hash = sha256(text.as_bytes());
        Ok(Self { id, message, hash })
    }

    /// SHA-256 of the parts, in hex.
    pub fn hash(&self) -> &str {
        &self.hash
    }
}

/// Where a reply's task writes to. Once the row is gone, because the
/// conversation was deleted or the reply made anew, writes to it do nothing.
#[derive(Debug, Clone)]
pub struct ReplyKey {
    conversation: String,
    id: String,
    goes_on: bool,
}

impl ReplyKey {
    /// Of a reply that goes on after results of tools.
    pub(super) fn going_on(conversation: String, id: String) -> Self {
        Self { conversation, id, goes_on: true }
    }

    /// Whether the reply was there before, and goes on.
    pub(super) fn goes_on(&self) -> bool {
        self.goes_on
    }

    /// The reply's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Our key of its conversation.
    pub(super) fn conversation(&self) -> &str {
        &self.conversation
    }
}

/// What became of a question.
#[derive(Debug)]
pub enum Begun {
    /// It was accepted, and its reply is to be made.
    Reply {
        /// Where the reply goes.
        key: ReplyKey,
        /// The conversation's title.
        title: String,
        /// The transcript before the question, oldest first.
        history: Vec<UiMessage>,
        /// The question as the store has it.
        question: Box<Question>,
        /// What the reply goes on from, if it is not a new one. The question is
        /// then the last message of `history`.
        goes_on: Option<Box<GoesOn>>,
    },
    /// It was accepted before, and its reply is whole.
    Finished {
        /// The conversation's title.
        title: String,
        /// The reply.
        reply: Box<UiMessage>,
        /// How many of its parts whoever asked had before.
        base: usize,
    },
    /// Its id belongs to a message that says something else.
    Conflict,
}

/// What a reply goes on from.
#[derive(Debug)]
pub struct GoesOn {
    /// The reply so far, with the results of the page's tools in it.
    pub message: UiMessage,
    /// The calls that these results answer.
    pub answered: Answered,
    /// What it has cost so far.
    pub usage: Option<Usage>,
}

/// How a reply ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplyEnd {
    /// Any but [`MessageStatus::Streaming`].
    pub status: MessageStatus,
    /// What it cost, if the provider said so.
    pub usage: Option<Usage>,
    /// Whether nobody followed it to its end.
    pub is_unread: bool,
    /// Who answers from now on, if that is known.
    pub state: Option<ConversationState>,
}

impl Store {
    /// Accepts a question, in a new conversation if the visitor has none of
    /// that id, and makes room for its reply.
    ///
    /// The caller has made sure that no task is writing this question's reply:
    /// one that is not whole is taken for a failed one, and begun anew in its
    /// place.
    pub async fn begin(
        &self,
        owner: &Owner,
        conversation: &ConversationId,
        question: Question,
    ) -> Result<Begun, StoreError> {
        let mut tx = self.write.begin_with("BEGIN IMMEDIATE").await?;
        let (conversation, title) = open(&mut tx, owner, conversation, &question.message).await?;
        let known = sqlx::query("SELECT role, hash, ordinal FROM message WHERE conversation = ? AND id = ?")
            .bind(&conversation)
            .bind(question.id.as_str())
            .fetch_optional(&mut *tx)
            .await?;
        let ordinal = if let Some(known) = known {
            let role: String = known.try_get("role")?;
            let hash: Option<String> = known.try_get("hash")?;
            if role != "user" || hash.as_deref() != Some(question.hash()) {
                return Ok(Begun::Conflict);
            }
            let whole = sqlx::query(
                "SELECT id, role, parts, status, usage, feedback, created_at FROM message
                 WHERE conversation = ? AND answers = ? AND status = 'done'",
            )
            .bind(&conversation)
            .bind(question.id.as_str())
            .fetch_optional(&mut *tx)
            .await?;
            if let Some(whole) = whole {
                let reply = Box::new(row::message(&whole)?);
                return Ok(Begun::Finished { title, reply, base: 0 });
            }
            known.try_get("ordinal")?
        } else {
            append(&mut tx, &conversation, &question).await?
        };
        let begun = make_room(&mut tx, conversation, ordinal, title, question).await?;
        tx.commit().await?;
        Ok(begun)
    }

    /// Makes room for another reply in place of one that is there.
    ///
    /// # Errors
    /// [`StoreError::Missing`] if the visitor has no such conversation, or it
    /// has no such question.
    pub async fn begin_again(
        &self,
        owner: &Owner,
        conversation: &ConversationId,
        question: &MessageId,
    ) -> Result<Begun, StoreError> {
        let mut tx = self.write.begin_with("BEGIN IMMEDIATE").await?;
        let found = sqlx::query(
            "SELECT c.key, c.title, m.id, m.role, m.parts, m.status, m.usage, m.feedback, m.created_at, m.ordinal
             FROM conversation c JOIN message m ON m.conversation = c.key
             WHERE c.site = ? AND c.visitor = ? AND c.id = ? AND m.id = ? AND m.role = 'user'",
        )
        .bind(owner.site.as_str())
        .bind(&owner.visitor)
        .bind(conversation.as_str())
        .bind(question.as_str())
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(StoreError::Missing)?;
        let question = Question::new(question.clone(), row::message(&found)?)?;
        let key = found.try_get("key")?;
        let begun =
            make_room(&mut tx, key, found.try_get("ordinal")?, found.try_get("title")?, question).await?;
        tx.commit().await?;
        Ok(begun)
    }

    /// The question that a message belongs to: itself, or the one that it
    /// answers. Without a message, the conversation's last question.
    pub async fn question_of(
        &self,
        owner: &Owner,
        conversation: &ConversationId,
        message: Option<&MessageId>,
    ) -> Result<Option<MessageId>, StoreError> {
        let found = sqlx::query(
            "SELECT COALESCE(m.answers, m.id) AS question FROM conversation c JOIN message m ON m.conversation = c.key
             WHERE c.site = ? AND c.visitor = ? AND c.id = ? AND (? IS NULL OR m.id = ?)
                 AND (m.role = 'user' OR m.answers IS NOT NULL)
             ORDER BY m.ordinal DESC LIMIT 1",
        )
        .bind(owner.site.as_str())
        .bind(&owner.visitor)
        .bind(conversation.as_str())
        .bind(message.map(MessageId::as_str))
        .bind(message.map(MessageId::as_str))
        .fetch_optional(&self.read)
        .await?;
        let Some(found) = found else { return Ok(None) };
        let id: String = found.try_get("question")?;
        MessageId::parse(&id).map(Some).map_err(|error| StoreError::Corrupt(format!("message id: {error}")))
    }

    /// The conversation's title and last reply, if its last message is one.
    pub async fn last_reply(
        &self,
        owner: &Owner,
        conversation: &ConversationId,
    ) -> Result<Option<(String, UiMessage)>, StoreError> {
        let found = sqlx::query(
            "SELECT c.title, m.id, m.role, m.parts, m.status, m.usage, m.feedback, m.created_at
             FROM conversation c JOIN message m ON m.conversation = c.key
             WHERE c.site = ? AND c.visitor = ? AND c.id = ? ORDER BY m.ordinal DESC LIMIT 1",
        )
        .bind(owner.site.as_str())
        .bind(&owner.visitor)
        .bind(conversation.as_str())
        .fetch_optional(&self.read)
        .await?;
        let Some(found) = found else { return Ok(None) };
        let role: String = found.try_get("role")?;
        if role != "assistant" {
            return Ok(None);
        }
        Ok(Some((found.try_get("title")?, row::message(&found)?)))
    }

    /// Keeps what a running reply has said so far.
    pub async fn checkpoint(&self, reply: &ReplyKey, parts: &[Part]) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE message SET parts = ? WHERE conversation = ? AND id = ? AND status = 'streaming'",
        )
        .bind(row::parts_text(parts)?)
        .bind(&reply.conversation)
        .bind(&reply.id)
        .execute(&self.write)
        .await?;
        Ok(())
    }

    /// Keeps a reply that has ended.
    pub async fn finish(&self, reply: &ReplyKey, parts: &[Part], end: ReplyEnd) -> Result<(), StoreError> {
        let usage = end
            .usage
            .map(|usage| serde_json::to_string(&usage))
            .transpose()
            .map_err(|error| StoreError::Corrupt(error.to_string()))?;
        let mut tx = self.write.begin_with("BEGIN IMMEDIATE").await?;
        if let Some(usage) = end.usage {
            // Of a reply that went on, what it had cost before is counted already.
            spending::count_tokens(&mut tx, reply, usage).await?;
        }
        sqlx::query(
            "UPDATE message SET parts = ?, status = ?, usage = ?
             WHERE conversation = ? AND id = ? AND status = 'streaming'",
        )
        .bind(row::parts_text(parts)?)
        .bind(row::status_name(end.status))
        .bind(usage)
        .bind(&reply.conversation)
        .bind(&reply.id)
        .execute(&mut *tx)
        .await?;
        sqlx::query(
            "UPDATE conversation SET updated_at = ?, unread = unread + ?, state = COALESCE(?, state)
             WHERE key = ?",
        )
        .bind(row::now())
        .bind(i64::from(end.is_unread))
        .bind(end.state.map(row::state_name))
        .bind(&reply.conversation)
        .execute(&mut *tx)
        .await?;
        tell_message(&mut tx, &reply.conversation, &reply.id, "message.created").await?;
        tx.commit().await?;
        Ok(())
    }

    /// Marks every reply that is still being written as interrupted, and says
    /// how many there were. For the start, before any task writes.
    pub async fn interrupt_leftovers(&self) -> Result<u64, StoreError> {
        let done = sqlx::query("UPDATE message SET status = 'interrupted' WHERE status = 'streaming'")
            .execute(&self.write)
            .await?;
        Ok(done.rows_affected())
    }
}

/// The conversation's key and title; begins it if the visitor has none.
async fn open(
    tx: &mut Transaction<'_, Sqlite>,
    owner: &Owner,
    conversation: &ConversationId,
    message: &UiMessage,
) -> Result<(String, String), StoreError> {
    let now = row::now();
    let found = sqlx::query(
        "UPDATE conversation SET updated_at = ? WHERE site = ? AND visitor = ? AND id = ? RETURNING key, title",
    )
    .bind(now)
    .bind(owner.site.as_str())
    .bind(&owner.visitor)
    .bind(conversation.as_str())
    .fetch_optional(&mut **tx)
    .await?;
    if let Some(found) = found {
        return Ok((found.try_get("key")?, found.try_get("title")?));
    }
    sqlx::query(
        "INSERT INTO visitor (site, id, created_at, seen_at) VALUES (?, ?, ?, ?)
         ON CONFLICT (site, id) DO UPDATE SET seen_at = excluded.seen_at",
    )
    .bind(owner.site.as_str())
    .bind(&owner.visitor)
    .bind(now)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    let key = Uuid::now_v7().simple().to_string();
    let title = title_of(&name_of(message));
    sqlx::query(
        "INSERT INTO conversation (key, site, visitor, id, title, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(&key)
    .bind(owner.site.as_str())
    .bind(&owner.visitor)
    .bind(conversation.as_str())
    .bind(&title)
    .bind(now)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    tell_conversation(tx, &key).await?;
    Ok((key, title))
}

/// What a conversation that begins with this message is called after: its text,
/// or else its first file.
fn name_of(message: &UiMessage) -> String {
    let text = message.text();
    let file = |part: &Part| match part {
        Part::File { filename, .. } => filename.clone(),
        _ => None,
    };
    if text.trim().is_empty() { message.parts.iter().find_map(file).unwrap_or(text) } else { text }
}

/// Puts a question at the end, and gives its place.
async fn append(
    tx: &mut Transaction<'_, Sqlite>,
    conversation: &str,
    question: &Question,
) -> Result<i64, StoreError> {
    let last = sqlx::query("SELECT COALESCE(MAX(ordinal), 0) AS last FROM message WHERE conversation = ?")
        .bind(conversation)
        .fetch_one(&mut **tx)
        .await?;
    let ordinal = last.try_get::<i64, _>("last")? + 1;
    sqlx::query(
        "INSERT INTO message (conversation, id, ordinal, role, parts, status, hash, created_at)
         VALUES (?, ?, ?, 'user', ?, 'done', ?, ?)",
    )
    .bind(conversation)
    .bind(question.id.as_str())
    .bind(ordinal)
    .bind(row::parts_text(&question.message.parts)?)
    .bind(question.hash())
    .bind(row::now())
    .execute(&mut **tx)
    .await?;
    file::link(tx, conversation, &question.message.parts).await?;
    tell_message(tx, conversation, question.id.as_str(), "message.created").await?;
    Ok(ordinal)
}

/// An empty reply after the question at `ordinal`, in place of one that may be
/// there, and the transcript before the question.
async fn make_room(
    tx: &mut Transaction<'_, Sqlite>,
    conversation: String,
    ordinal: i64,
    title: String,
    question: Question,
) -> Result<Begun, StoreError> {
    // The provider's id of a reply that is replaced is where its retry begins.
    let replaced: Option<String> =
        sqlx::query("DELETE FROM message WHERE conversation = ? AND answers = ? RETURNING provider_id")
            .bind(&conversation)
            .bind(question.id.as_str())
            .fetch_optional(&mut **tx)
            .await?
            .map(|row| row.try_get("provider_id"))
            .transpose()?
            .flatten();
    spending::count_message(tx, &conversation).await?;
    let id = Uuid::now_v7().to_string();
    sqlx::query(
        "INSERT INTO message (conversation, id, ordinal, role, parts, status, answers, provider_id, created_at)
         VALUES (?, ?, ?, 'assistant', '[]', 'streaming', ?, ?, ?)",
    )
    .bind(&conversation)
    .bind(&id)
    .bind(ordinal + 1)
    .bind(question.id.as_str())
    .bind(replaced)
    .bind(row::now())
    .execute(&mut **tx)
    .await?;
    let history = history(tx, &conversation, ordinal).await?;
    let key = ReplyKey { conversation, id, goes_on: false };
    Ok(Begun::Reply { key, title, history, question: Box::new(question), goes_on: None })
}

/// The transcript before a place, oldest message first.
pub(super) async fn history(
    tx: &mut Transaction<'_, Sqlite>,
    conversation: &str,
    ordinal: i64,
) -> Result<Vec<UiMessage>, StoreError> {
    let rows = sqlx::query(
        "SELECT id, role, parts, status, usage, feedback, created_at FROM message
         WHERE conversation = ? AND ordinal < ? ORDER BY ordinal DESC LIMIT ?",
    )
    .bind(conversation)
    .bind(ordinal)
    .bind(MAX_HISTORY)
    .fetch_all(&mut **tx)
    .await?;
    rows.iter().rev().map(row::message).collect()
}

/// SHA-256 in hex.
pub(super) fn sha256(bytes: &[u8]) -> String {
    let hash = digest::digest(&digest::SHA256, bytes);
    hex::encode(hash.as_ref())
}
