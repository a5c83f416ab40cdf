//! Replies that go on: the page ran the tools that a reply called, and brings
//! what they answered. Each time is a round of the same reply.

use std::collections::BTreeMap;

use chinwag_protocol::limits::{MAX_TOOL_RESULT_BYTES, MAX_TOOL_ROUNDS};
use chinwag_protocol::{ConversationId, Json, MessageId, Part, UiMessage, Usage};
use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, Sqlite, Transaction};

use super::message::{Begun, GoesOn, Question, ReplyKey, sha256};
use super::{Owner, Store, StoreError, row, spending};

/// What one of the page's tools answered.
#[derive(Debug, Clone, PartialEq)]
struct Answer {
    output: Option<Json>,
    error_text: Option<String>,
    /// SHA-256 of both, in hex.
    hash: String,
}

impl Answer {
    fn size(&self) -> usize {
        let output = self.output.as_ref().map_or(0, |output| output.as_str().len());
        output + self.error_text.as_ref().map_or(0, String::len)
    }
}

/// The answered calls of a message, by their ids: those of this round, and
/// whatever earlier ones the client still holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Results {
    answers: BTreeMap<String, Answer>,
}

impl Results {
    /// The calls of a message that have an answer.
    pub fn of(parts: &[Part]) -> Self {
        let answers = parts.iter().filter_map(|part| {
            let Part::Tool { tool_call_id, output, error_text, .. } = part else { return None };
            if output.is_none() && error_text.is_none() {
                return None;
            }
            let output_text = output.as_ref().map(Json::as_str);
            let text = format!("{output_text:?} {error_text:?}");
            let hash = sha256(text.as_bytes());
            let answer = Answer { output: output.clone(), error_text: error_text.clone(), hash };
            Some((tool_call_id.clone(), answer))
        });
        Self { answers: answers.collect() }
    }

    /// Whether no call has an answer.
    pub fn is_empty(&self) -> bool {
        self.answers.is_empty()
    }

    /// How these results stand to those of a round.
    pub fn compare(&self, round: &Answered) -> Sameness {
        let mut is_same = true;
        for (call, hash) in &round.0 {
            match self.answers.get(call) {
                Some(answer) => is_same &= answer.hash == *hash,
                None => return Sameness::Elsewhere,
            }
        }
        if is_same { Sameness::Same } else { Sameness::Other }
    }
}

/// What results are to a round that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sameness {
    /// They are its own.
    Same,
    /// They answer its calls with something else.
    Other,
    /// They leave some of its calls out.
    Elsewhere,
}

/// The calls that a round answered, each with the hash of its answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Answered(BTreeMap<String, String>);

impl Answered {
    /// The ids of the calls.
    pub fn calls(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }
}

/// Why results are not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResultsRefused {
    /// The conversation's last reply did not end with a call that these answer.
    #[error("no call of the conversation's last reply waits for these results")]
    NotWaiting,
    /// A call of the reply is not among them.
    #[error("the call {0} of the same reply has no result yet; send the results of all its calls together")]
    Missing(String),
    /// One of them is over its limit.
    #[error("the result of the call {0} is larger than {MAX_TOOL_RESULT_BYTES} bytes")]
    TooLarge(String),
    /// The turn has had its rounds.
    #[error("a turn has at most {MAX_TOOL_ROUNDS} rounds of tool results; this one has had them")]
    TooMany,
}

/// One time that a reply went on.
#[derive(Debug, Serialize, Deserialize)]
struct Round {
    /// How many parts the reply had.
    base: usize,
    /// What it had cost.
    #[serde(default)]
    usage: Option<Usage>,
    /// What the provider called it, with its scope.
    #[serde(default)]
    provider_id: Option<String>,
    answered: Answered,
}

impl Store {
    /// Lets the conversation's last reply go on with results of the page's
    /// tools, or finds what became of it if it went on with them before.
    ///
    /// The caller has made sure that no task is writing the reply.
    ///
    /// # Errors
    /// [`StoreError::Missing`] if the visitor has no such conversation,
    /// [`StoreError::Results`] if nothing waits for these results.
    pub async fn go_on(
        &self,
        owner: &Owner,
        conversation: &ConversationId,
        results: &Results,
    ) -> Result<Begun, StoreError> {
        let mut tx = self.write.begin_with("BEGIN IMMEDIATE").await?;
        let found =
            sqlx::query("SELECT key, title FROM conversation WHERE site = ? AND visitor = ? AND id = ?")
                .bind(owner.site.as_str())
                .bind(&owner.visitor)
                .bind(conversation.as_str())
                .fetch_optional(&mut *tx)
                .await?
                .ok_or(StoreError::Missing)?;
        let (key, title): (String, String) = (found.try_get("key")?, found.try_get("title")?);
        let reply = sqlx::query(
            "SELECT id, role, parts, status, usage, feedback, created_at, ordinal, answers, rounds, provider_id
             FROM message WHERE conversation = ? AND answers IS NOT NULL ORDER BY ordinal DESC LIMIT 1",
        )
        .bind(&key)
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(ResultsRefused::NotWaiting)?;
        let begun = go_on(&mut tx, key, title, &reply, results).await?;
        tx.commit().await?;
        Ok(begun)
    }
}

async fn go_on(
    tx: &mut Transaction<'_, Sqlite>,
    key: String,
    title: String,
    reply: &SqliteRow,
    results: &Results,
) -> Result<Begun, StoreError> {
    let mut message = row::message(reply)?;
    let is_done = reply.try_get::<String, _>("status")? == "done";
    let mut rounds = read_rounds(reply.try_get("rounds")?)?;
    let open = open_calls(&message.parts);
    let waits = is_done && open.iter().any(|call| results.answers.contains_key(*call));
    if waits {
        let round = answer(&message, &open, results, rounds.len(), reply)?;
        fill_in(&mut message.parts, &round.answered, results);
        rounds.push(round);
    } else {
        let Some(round) = rounds.last() else { return Err(ResultsRefused::NotWaiting.into()) };
        match results.compare(&round.answered) {
            Sameness::Same if is_done => {
                return Ok(Begun::Finished { title, reply: Box::new(message), base: round.base });
            }
            // It failed on its way: once more from where it began.
            Sameness::Same => message.parts.truncate(round.base),
            Sameness::Other => return Ok(Begun::Conflict),
            Sameness::Elsewhere => return Err(ResultsRefused::NotWaiting.into()),
        }
    }
    let Some(round) = rounds.last() else { return Err(ResultsRefused::NotWaiting.into()) };
    sqlx::query(
        "UPDATE message SET parts = ?, status = 'streaming', rounds = ?, provider_id = ?
         WHERE conversation = ? AND id = ?",
    )
    .bind(row::parts_text(&message.parts)?)
    .bind(serde_json::to_string(&rounds).map_err(|error| StoreError::Corrupt(error.to_string()))?)
    .bind(&round.provider_id)
    .bind(&key)
    .bind(&message.id)
    .execute(&mut **tx)
    .await?;
    spending::count_message(tx, &key).await?;
    let question: String = reply.try_get("answers")?;
    // The question is the last message before the reply.
    let history = super::message::history(tx, &key, reply.try_get("ordinal")?).await?;
    let asked = history
        .iter()
        .rfind(|message| message.id == question)
        .ok_or_else(|| StoreError::Corrupt(format!("the question {question} is gone")))?;
    let id =
        MessageId::parse(&question).map_err(|error| StoreError::Corrupt(format!("message id: {error}")))?;
    let question = Question::new(id, asked.clone())?;
    Ok(Begun::Reply {
        key: ReplyKey::going_on(key, message.id.clone()),
        title,
        history,
        question: Box::new(question),
        goes_on: Some(Box::new(GoesOn { message, answered: round.answered.clone(), usage: round.usage })),
    })
}

/// The round that results begin, if they are all that the reply waits for.
fn answer(
    message: &UiMessage,
    open: &[&str],
    results: &Results,
    rounds: usize,
    reply: &SqliteRow,
) -> Result<Round, StoreError> {
    if rounds >= MAX_TOOL_ROUNDS {
        return Err(ResultsRefused::TooMany.into());
    }
    let mut answered = Answered::default();
    for call in open {
        let Some(answer) = results.answers.get(*call) else {
            return Err(ResultsRefused::Missing((*call).to_owned()).into());
        };
        if answer.size() > MAX_TOOL_RESULT_BYTES {
            return Err(ResultsRefused::TooLarge((*call).to_owned()).into());
        }
        answered.0.insert((*call).to_owned(), answer.hash.clone());
    }
    Ok(Round {
        base: message.parts.len(),
        usage: message.metadata.as_ref().and_then(|metadata| metadata.usage),
        provider_id: reply.try_get("provider_id")?,
        answered,
    })
}

/// The calls that nobody has answered, and whose input is whole.
fn open_calls(parts: &[Part]) -> Vec<&str> {
    let open = parts.iter().filter_map(|part| match part {
        Part::Tool { tool_call_id, input: Some(_), output: None, error_text: None, .. } => {
            Some(tool_call_id.as_str())
        }
        _ => None,
    });
    open.collect()
}

fn fill_in(parts: &mut [Part], answered: &Answered, results: &Results) {
    for part in parts {
        let Part::Tool { tool_call_id, state, output, error_text, .. } = part else { continue };
        if !answered.0.contains_key(tool_call_id) {
            continue;
        }
        let Some(answer) = results.answers.get(tool_call_id) else { continue };
        let reached = if answer.output.is_some() { "output-available" } else { "output-error" };
        reached.clone_into(state);
        output.clone_from(&answer.output);
        error_text.clone_from(&answer.error_text);
    }
}

fn read_rounds(text: Option<String>) -> Result<Vec<Round>, StoreError> {
    let Some(text) = text else { return Ok(Vec::new()) };
    serde_json::from_str(&text).map_err(|error| StoreError::Corrupt(format!("rounds: {error}")))
}
