//! Questions and their replies: a question is accepted once, and has at most
//! one reply, which stands right after it in the transcript.

use aws_lc_rs::digest;
use chinwag_protocol::{ConversationId, ConversationState, MessageId, MessageStatus, Part, UiMessage, Usage};
use sqlx::{Row as _, Sqlite, Transaction};
use uuid::Uuid;

use super::batch::rows_of;
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
        let place = look(&mut tx, owner, conversation, &question).await?;
        let begun = match place.known {
            Some(known) => {
                let (key, title) = (place.key.unwrap_or_default(), place.title);
                if known.role != "user" || known.hash.as_deref() != Some(question.hash()) {
                    return Ok(Begun::Conflict);
                }
                if let Some(reply) = whole_reply(&mut tx, &key, &question).await? {
                    return Ok(Begun::Finished { title, reply: Box::new(reply), base: 0 });
                }
                sqlx::query("UPDATE conversation SET updated_at = ? WHERE key = ?")
                    .bind(row::now())
                    .bind(&key)
                    .execute(&mut *tx)
                    .await?;
                make_room(&mut tx, key, known.ordinal, title, question).await?
            }
            None => accept(&mut tx, owner, conversation, place, question).await?,
        };
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
        let written = sqlx::query(
            "UPDATE message SET parts = $1, status = $2, usage = $3
             WHERE conversation = $4 AND id = $5 AND status = 'streaming';
             UPDATE conversation SET updated_at = $6, unread = unread + $7, state = COALESCE($8, state)
             WHERE key = $4;
             SELECT 1 FROM webhook WHERE status = 'active' LIMIT 1",
        )
        .bind(row::parts_text(parts)?)
        .bind(row::status_name(end.status))
        .bind(usage)
        .bind(&reply.conversation)
        .bind(&reply.id)
        .bind(row::now())
        .bind(i64::from(end.is_unread))
        .bind(end.state.map(row::state_name));
        let somebody_listens = rows_of(&mut tx, written).await?.any(|rows| !rows.is_empty());
        if somebody_listens {
            tell_message(&mut tx, &reply.conversation, &reply.id, "message.created").await?;
        }
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

/// Where a question goes.
struct Place {
    /// Our key of the conversation; none if the visitor has no such conversation.
    key: Option<String>,
    title: String,
    /// How many messages there are: the place of the last one.
    last: i64,
    /// The message that has the question's id.
    known: Option<Known>,
    /// The last messages, oldest first.
    history: Vec<UiMessage>,
    /// Whether any webhook is to hear of anything.
    somebody_listens: bool,
}

/// A message of the conversation.
struct Known {
    role: String,
    hash: Option<String>,
    ordinal: i64,
}

/// Reads all that a question's acceptance depends on.
async fn look(
    tx: &mut Transaction<'_, Sqlite>,
    owner: &Owner,
    conversation: &ConversationId,
    question: &Question,
) -> Result<Place, StoreError> {
    let looked = sqlx::query(
        "SELECT c.key, c.title, known.role, known.hash, known.ordinal,
             (SELECT COALESCE(MAX(ordinal), 0) FROM message WHERE conversation = c.key) AS last
         FROM conversation c LEFT JOIN message known ON known.conversation = c.key AND known.id = $4
         WHERE c.site = $1 AND c.visitor = $2 AND c.id = $3;
         SELECT m.id, m.role, m.parts, m.status, m.usage, m.feedback, m.created_at
         FROM conversation c JOIN message m ON m.conversation = c.key
         WHERE c.site = $1 AND c.visitor = $2 AND c.id = $3 ORDER BY m.ordinal DESC LIMIT $5;
         SELECT 1 FROM webhook WHERE status = 'active' LIMIT 1",
    )
    .bind(owner.site.as_str())
    .bind(&owner.visitor)
    .bind(conversation.as_str())
    .bind(question.id.as_str())
    .bind(MAX_HISTORY);
    let mut looked = rows_of(tx, looked).await?;
    let found = looked.next().unwrap_or_default();
    let history = looked.next().unwrap_or_default();
    let mut place = Place {
        key: None,
        title: String::new(),
        last: 0,
        known: None,
        history: history.iter().rev().map(row::message).collect::<Result<_, _>>()?,
        somebody_listens: looked.next().is_some_and(|rows| !rows.is_empty()),
    };
    if let Some(found) = found.first() {
        place.key = Some(found.try_get("key")?);
        place.title = found.try_get("title")?;
        place.last = found.try_get("last")?;
        if let Some(role) = found.try_get("role")? {
            place.known =
                Some(Known { role, hash: found.try_get("hash")?, ordinal: found.try_get("ordinal")? });
        }
    }
    Ok(place)
}

/// The reply to a question, if it is whole.
async fn whole_reply(
    tx: &mut Transaction<'_, Sqlite>,
    conversation: &str,
    question: &Question,
) -> Result<Option<UiMessage>, StoreError> {
    let whole = sqlx::query(
        "SELECT id, role, parts, status, usage, feedback, created_at FROM message
         WHERE conversation = ? AND answers = ? AND status = 'done'",
    )
    .bind(conversation)
    .bind(question.id.as_str())
    .fetch_optional(&mut **tx)
    .await?;
    whole.as_ref().map(row::message).transpose()
}

/// What accepts a question: of a conversation that begins with it, or of one that
/// is there, then the same for both.
macro_rules! accept {
    ($begin:literal) => {
        concat!(
            $begin,
            "INSERT INTO message (conversation, id, ordinal, role, parts, status, hash, created_at)
             VALUES ($1, $2, $3, 'user', $4, 'done', $5, $6);
             INSERT INTO spending (site, day, messages) VALUES ($7, $8, 1)
             ON CONFLICT (site, day) DO UPDATE SET messages = messages + 1;
             INSERT INTO message (conversation, id, ordinal, role, parts, status, answers, created_at)
             VALUES ($1, $9, $3 + 1, 'assistant', '[]', 'streaming', $2, $6)"
        )
    };
}

const ACCEPT_FIRST: &str = accept!(
    "INSERT INTO visitor (site, id, created_at, seen_at) VALUES ($7, $10, $6, $6)
     ON CONFLICT (site, id) DO UPDATE SET seen_at = excluded.seen_at;
     INSERT INTO conversation (key, site, visitor, id, title, created_at, updated_at)
     VALUES ($1, $7, $10, $11, $12, $6, $6);"
);

const ACCEPT_NEXT: &str = accept!("UPDATE conversation SET updated_at = $6 WHERE key = $1;");

/// Puts a new question at the end, with room for its reply.
async fn accept(
    tx: &mut Transaction<'_, Sqlite>,
    owner: &Owner,
    conversation: &ConversationId,
    place: Place,
    question: Question,
) -> Result<Begun, StoreError> {
    let Place { key, title, last, history, somebody_listens, .. } = place;
    let begins = key.is_none();
    let (key, title) = match key {
        Some(key) => (key, title),
        None => (Uuid::now_v7().simple().to_string(), title_of(&name_of(&question.message))),
    };
    let id = Uuid::now_v7().to_string();
    let accepted = sqlx::query(if begins { ACCEPT_FIRST } else { ACCEPT_NEXT })
        .bind(&key)
        .bind(question.id.as_str())
        .bind(last + 1)
        .bind(row::parts_text(&question.message.parts)?)
        .bind(question.hash())
        .bind(row::now())
        .bind(owner.site.as_str())
        .bind(row::today())
        .bind(&id)
        .bind(&owner.visitor)
        .bind(conversation.as_str())
        .bind(&title);
    rows_of(tx, accepted).await?;
    file::link(tx, &key, &question.message.parts).await?;
    if somebody_listens {
        if begins {
            tell_conversation(tx, &key).await?;
        }
        tell_message(tx, &key, question.id.as_str(), "message.created").await?;
    }
    let key = ReplyKey { conversation: key, id, goes_on: false };
    Ok(Begun::Reply { key, title, history, question: Box::new(question), goes_on: None })
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
