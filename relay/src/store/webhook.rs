//! Webhooks and what they are to be told: the queue of deliveries, in order for
//! each topic.

use std::time::Duration;

use serde_json::{Value, json};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, Sqlite, Transaction};
use uuid::Uuid;

use super::agent::api_site;
use super::key::Mode;
use super::listed::{self, Listed};
use super::source::{SourceRecord, SourceStatus};
use super::{Store, StoreError, row};

/// Most webhooks of one mode.
pub const MAX_WEBHOOKS: i64 = 20;

/// How long deliveries are listed.
const DELIVERY_DAYS: u64 = 30;

/// A webhook as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookRecord {
    /// `wh_` and ten characters.
    pub id: String,
    /// Whose data it hears of.
    pub mode: Mode,
    /// Where it is.
    pub url: String,
    /// What it hears of.
    pub events: Vec<String>,
    /// What signs it.
    pub secret: String,
    /// Whether it hears of nothing for now.
    pub is_paused: bool,
    /// ISO 8601.
    pub created_at: String,
    /// ISO 8601.
    pub updated_at: String,
}

/// One event on its way to one webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// `dlv_` and characters.
    pub id: String,
    /// To whom.
    pub webhook: String,
    /// `evt_` and characters.
    pub event: String,
    /// The name of the event.
    pub kind: String,
    /// The body as it is sent.
    pub body: String,
    /// `pending`, `delivered` or `failed`.
    pub status: String,
    /// How often it was tried.
    pub tries: i64,
    /// The status of the last answer.
    pub answer_status: Option<i64>,
    /// What went wrong at the last try.
    pub answer_error: Option<String>,
    /// ISO 8601.
    pub created_at: String,
    /// ISO 8601: when it is tried next, if it waits.
    pub next_at: Option<String>,
    /// ISO 8601.
    pub delivered_at: Option<String>,
    /// How long it has been tried, for the one who decides when that is enough.
    pub age: Duration,
}

/// How a try ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// The status of the answer, if there was one.
    pub status: Option<u16>,
    /// What went wrong, if anything did.
    pub error: Option<String>,
    /// After which time it is tried again; `None` if it is not.
    pub again: Option<Duration>,
}

impl Store {
    /// Keeps a new webhook.
    ///
    /// # Errors
    /// [`StoreError::Full`] if there are [`MAX_WEBHOOKS`].
    pub async fn add_webhook(&self, new: &WebhookRecord) -> Result<WebhookRecord, StoreError> {
        let now = row::now();
        let mut tx = self.write.begin_with("BEGIN IMMEDIATE").await?;
        let count: i64 = sqlx::query("SELECT COUNT(*) AS count FROM webhook WHERE mode = ?")
            .bind(new.mode.word())
            .fetch_one(&mut *tx)
            .await?
            .try_get("count")?;
        if count >= MAX_WEBHOOKS {
            return Err(StoreError::Full(MAX_WEBHOOKS));
        }
        let found = sqlx::query(
            "INSERT INTO webhook (id, mode, url, events, secret, status, created_at, updated_at)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING *",
        )
        .bind(&new.id)
        .bind(new.mode.word())
        .bind(&new.url)
        .bind(json!(new.events).to_string())
        .bind(&new.secret)
        .bind(status(new.is_paused))
        .bind(now)
        .bind(now)
        .fetch_one(&mut *tx)
        .await?;
        tx.commit().await?;
        record(&found)
    }

    /// Every webhook of one mode, the newest first.
    pub async fn webhooks(&self, mode: Mode) -> Result<Vec<WebhookRecord>, StoreError> {
        let rows = sqlx::query("SELECT * FROM webhook WHERE mode = ? ORDER BY seq DESC")
            .bind(mode.word())
            .fetch_all(&self.read)
            .await?;
        rows.iter().map(record).collect()
    }

    /// One webhook.
    ///
    /// # Errors
    /// [`StoreError::Missing`] if there is none of that id and mode.
    pub async fn webhook(&self, mode: Mode, id: &str) -> Result<WebhookRecord, StoreError> {
        let found = sqlx::query("SELECT * FROM webhook WHERE mode = ? AND id = ?")
            .bind(mode.word())
            .bind(id)
            .fetch_optional(&self.read)
            .await?
            .ok_or(StoreError::Missing)?;
        record(&found)
    }

    /// Keeps where a webhook is, what it hears of, and whether it does.
    pub async fn change_webhook(&self, changed: &WebhookRecord) -> Result<WebhookRecord, StoreError> {
        let found = sqlx::query(
            "UPDATE webhook SET url = ?, events = ?, status = ?, updated_at = ? WHERE id = ? RETURNING *",
        )
        .bind(&changed.url)
        .bind(json!(changed.events).to_string())
        .bind(status(changed.is_paused))
        .bind(row::now())
        .bind(&changed.id)
        .fetch_optional(&self.write)
        .await?
        .ok_or(StoreError::Missing)?;
        record(&found)
    }

    /// Removes a webhook with its deliveries.
    pub async fn delete_webhook(&self, mode: Mode, id: &str) -> Result<(), StoreError> {
        let done = sqlx::query("DELETE FROM webhook WHERE mode = ? AND id = ?")
            .bind(mode.word())
            .bind(id)
            .execute(&self.write)
            .await?;
        row::met(&done)?;
        self.note_deletion();
        Ok(())
    }

    /// Tells one webhook alone, whatever it wants to hear of.
    pub async fn tell_one(
        &self,
        webhook: &WebhookRecord,
        kind: &str,
        data: &Value,
    ) -> Result<Delivery, StoreError> {
        let mut tx = self.write.begin_with("BEGIN IMMEDIATE").await?;
        let id = queue(&mut tx, std::slice::from_ref(&webhook.id), kind, &webhook.id, data).await?;
        tx.commit().await?;
        self.delivery_where("d.event = ? AND d.webhook = ?", &id, &webhook.id).await
    }

    /// A page of a webhook's deliveries, the newest first.
    pub async fn deliveries(
        &self,
        webhook: &str,
        status: Option<&str>,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Listed<Delivery>, StoreError> {
        let before = listed::before(cursor)?;
        let rows = sqlx::query(
            "SELECT * FROM delivery WHERE webhook = ? AND seq < ? AND (? IS NULL OR status = ?)
             ORDER BY seq DESC LIMIT ?",
        )
        .bind(webhook)
        .bind(before)
        .bind(status)
        .bind(status)
        .bind(listed::one_more(limit))
        .fetch_all(&self.read)
        .await?;
        Listed::of(&rows, limit, delivery, listed::number)
    }

    /// Queues a delivery again that has ended.
    ///
    /// # Errors
    /// [`StoreError::Missing`] if the webhook has none of that id.
    pub async fn send_again(&self, webhook: &str, id: &str) -> Result<Delivery, StoreError> {
        let now = row::now();
        let found = sqlx::query(
            "UPDATE delivery SET status = 'pending', tries = 0, next_at = ?, begun_at = ?
             WHERE webhook = ? AND id = ? RETURNING *",
        )
        .bind(now)
        .bind(now)
        .bind(webhook)
        .bind(id)
        .fetch_optional(&self.write)
        .await?
        .ok_or(StoreError::Missing)?;
        delivery(&found)
    }

    /// The deliveries whose time has come: for each webhook and topic only the
    /// oldest, so that a topic's events arrive in order.
    pub async fn due_deliveries(&self, limit: i64) -> Result<Vec<(Delivery, WebhookRecord)>, StoreError> {
        let rows = sqlx::query(
            "SELECT d.*, w.mode AS w_mode, w.url AS w_url, w.secret AS w_secret FROM delivery d
             JOIN webhook w ON w.id = d.webhook
             WHERE d.status = 'pending' AND d.next_at <= ? AND w.status = 'active'
               AND NOT EXISTS (SELECT 1 FROM delivery e WHERE e.webhook = d.webhook AND e.topic = d.topic
                               AND e.status = 'pending' AND e.seq < d.seq)
             ORDER BY d.seq LIMIT ?",
        )
        .bind(row::now())
        .bind(limit)
        .fetch_all(&self.read)
        .await?;
        rows.iter()
            .map(|found| {
                let delivery = delivery(found)?;
                let mode: String = found.try_get("w_mode")?;
                let webhook = WebhookRecord {
                    id: delivery.webhook.clone(),
                    mode: Mode::of(&mode),
                    url: found.try_get("w_url")?,
                    events: Vec::new(),
                    secret: found.try_get("w_secret")?,
                    is_paused: false,
                    created_at: String::new(),
                    updated_at: String::new(),
                };
                Ok((delivery, webhook))
            })
            .collect()
    }

    /// Keeps how a try ended.
    pub async fn end_try(&self, delivery: &Delivery, tried: &Tried) -> Result<(), StoreError> {
        let now = row::now();
        let status = match (&tried.error, tried.again) {
            (None, _) => "delivered",
            (Some(_), Some(_)) => "pending",
            (Some(_), None) => "failed",
        };
        let wait = tried.again.map_or(0, |wait| i64::try_from(wait.as_millis()).unwrap_or(i64::MAX));
        sqlx::query(
            "UPDATE delivery SET status = ?, tries = tries + 1, next_at = ?, answer_status = ?, answer_error = ?,
                 delivered_at = CASE WHEN ? = 'delivered' THEN ? ELSE delivered_at END
             WHERE id = ?",
        )
        .bind(status)
        .bind(now.saturating_add(wait))
        .bind(tried.status.map(i64::from))
        .bind(&tried.error)
        .bind(status)
        .bind(now)
        .bind(&delivery.id)
        .execute(&self.write)
        .await?;
        Ok(())
    }

    /// Forgets deliveries of which nobody asks any more.
    pub async fn tidy_deliveries(&self) -> Result<(), StoreError> {
        let life = Duration::from_hours(24 * DELIVERY_DAYS);
        let before = row::now().saturating_sub(i64::try_from(life.as_millis()).unwrap_or(i64::MAX));
        let done = sqlx::query("DELETE FROM delivery WHERE created_at < ?")
            .bind(before)
            .execute(&self.write)
            .await?;
        if done.rows_affected() > 0 {
            self.note_deletion();
        }
        Ok(())
    }

    async fn delivery_where(&self, condition: &str, one: &str, two: &str) -> Result<Delivery, StoreError> {
        // The condition is one of this file's.
        let query = sqlx::AssertSqlSafe(format!("SELECT d.* FROM delivery d WHERE {condition}"));
        let found = sqlx::query(query).bind(one).bind(two).fetch_optional(&self.write).await?;
        delivery(&found.ok_or(StoreError::Missing)?)
    }
}

/// Which webhooks hear of an event; few are asked, and mostly there is none.
pub(super) async fn listeners(
    tx: &mut Transaction<'_, Sqlite>,
    mode: Mode,
    kind: &str,
) -> Result<Vec<String>, StoreError> {
    let rows = sqlx::query(
        "SELECT id FROM webhook WHERE mode = ? AND status = 'active'
             AND EXISTS (SELECT 1 FROM json_each(webhook.events) WHERE value = ?)",
    )
    .bind(mode.word())
    .bind(kind)
    .fetch_all(&mut **tx)
    .await?;
    rows.iter().map(|row| row.try_get("id").map_err(StoreError::from)).collect()
}

/// Queues an event for webhooks, and gives its id.
pub(super) async fn queue(
    tx: &mut Transaction<'_, Sqlite>,
    webhooks: &[String],
    kind: &str,
    topic: &str,
    data: &Value,
) -> Result<String, StoreError> {
    let now = row::now();
    let event = format!("evt_{}", Uuid::now_v7().simple());
    let body = json!({ "id": event, "type": kind, "created_at": row::iso(now)?, "data": data }).to_string();
    for webhook in webhooks {
        sqlx::query(
            "INSERT INTO delivery (id, webhook, event, kind, topic, body, status, next_at, created_at, begun_at)
             VALUES (?, ?, ?, ?, ?, ?, 'pending', ?, ?, ?)",
        )
        .bind(format!("dlv_{}", Uuid::now_v7().simple()))
        .bind(webhook)
        .bind(&event)
        .bind(kind)
        .bind(topic)
        .bind(&body)
        .bind(now)
        .bind(now)
        .bind(now)
        .execute(&mut **tx)
        .await?;
    }
    Ok(event)
}

/// A conversation as events name it.
struct Talk {
    key: String,
    mode: Mode,
    data: Value,
}

async fn talk(tx: &mut Transaction<'_, Sqlite>, conversation: &str) -> Result<Option<Talk>, StoreError> {
    let found =
        sqlx::query("SELECT key, site, visitor, id, title, created_at FROM conversation WHERE key = ?")
            .bind(conversation)
            .fetch_optional(&mut **tx)
            .await?;
    let Some(found) = found else { return Ok(None) };
    let (site, visitor): (String, String) = (found.try_get("site")?, found.try_get("visitor")?);
    let api = [Mode::Live, Mode::Test].into_iter().find(|mode| api_site(*mode) == site);
    let id: String = found.try_get("id")?;
    let created_at = row::iso(found.try_get("created_at")?)?;
    // A conversation of the API is an agent's; others are a visitor's at a site.
    let data = match api {
        Some(_) => json!({ "id": id, "agent_id": visitor, "created_at": created_at }),
        None => json!({ "id": id, "site": site, "visitor": visitor, "created_at": created_at }),
    };
    Ok(Some(Talk { key: found.try_get("key")?, mode: api.unwrap_or(Mode::Live), data }))
}

/// Tells of a conversation that has begun.
pub(super) async fn tell_conversation(
    tx: &mut Transaction<'_, Sqlite>,
    conversation: &str,
) -> Result<(), StoreError> {
    let Some(talk) = talk(tx, conversation).await? else { return Ok(()) };
    let listeners = listeners(tx, talk.mode, "conversation.created").await?;
    if !listeners.is_empty() {
        let data = json!({ "conversation": talk.data });
        queue(tx, &listeners, "conversation.created", &talk.key, &data).await?;
    }
    Ok(())
}

/// Tells of a message that is whole, or of how one was rated.
pub(super) async fn tell_message(
    tx: &mut Transaction<'_, Sqlite>,
    conversation: &str,
    message: &str,
    kind: &str,
) -> Result<(), StoreError> {
    let Some(talk) = talk(tx, conversation).await? else { return Ok(()) };
    let listeners = listeners(tx, talk.mode, kind).await?;
    if listeners.is_empty() {
        return Ok(());
    }
    let found = sqlx::query(
        "SELECT id, role, parts, status, usage, feedback, feedback_reason, created_at FROM message
         WHERE conversation = ? AND id = ?",
    )
    .bind(conversation)
    .bind(message)
    .fetch_optional(&mut **tx)
    .await?;
    let Some(found) = found else { return Ok(()) };
    let told = row::message(&found)?;
    let mut data = json!({
        "conversation": talk.data,
        "message": {
            "id": told.id,
            "role": told.role,
            "content": told.text(),
            "status": found.try_get::<String, _>("status")?,
            "created_at": row::iso(found.try_get("created_at")?)?,
        },
    });
    if kind == "feedback.created"
        && let Some(data) = data.as_object_mut()
    {
        let (value, reason): (Option<String>, Option<String>) =
            (found.try_get("feedback")?, found.try_get("feedback_reason")?);
        data.insert("feedback".to_owned(), json!({ "value": value, "reason": reason }));
    }
    queue(tx, &listeners, kind, &talk.key, &data).await?;
    Ok(())
}

/// Tells of a source that is trained, or has failed.
pub(super) async fn tell_source(
    tx: &mut Transaction<'_, Sqlite>,
    source: &SourceRecord,
) -> Result<(), StoreError> {
    let kind = if source.status == SourceStatus::Trained { "source.trained" } else { "source.failed" };
    let found = sqlx::query("SELECT mode FROM agent WHERE id = ?")
        .bind(&source.agent)
        .fetch_optional(&mut **tx)
        .await?;
    let Some(found) = found else { return Ok(()) };
    let mode: String = found.try_get("mode")?;
    let listeners = listeners(tx, Mode::of(&mode), kind).await?;
    if !listeners.is_empty() {
        let data = json!({ "source": {
            "id": source.id,
            "agent_id": source.agent,
            "type": source.kind.word(),
            "title": source.title,
            "status": source.status.word(),
            "reason": source.reason,
        } });
        queue(tx, &listeners, kind, &source.id, &data).await?;
    }
    Ok(())
}

fn status(is_paused: bool) -> &'static str {
    if is_paused { "paused" } else { "active" }
}

fn record(found: &SqliteRow) -> Result<WebhookRecord, StoreError> {
    let (mode, events, status): (String, String, String) =
        (found.try_get("mode")?, found.try_get("events")?, found.try_get("status")?);
    Ok(WebhookRecord {
        id: found.try_get("id")?,
        mode: Mode::of(&mode),
        url: found.try_get("url")?,
        events: serde_json::from_str(&events)
            .map_err(|error| StoreError::Corrupt(format!("events: {error}")))?,
        secret: found.try_get("secret")?,
        is_paused: status == "paused",
        created_at: row::iso(found.try_get("created_at")?)?,
        updated_at: row::iso(found.try_get("updated_at")?)?,
    })
}

fn delivery(found: &SqliteRow) -> Result<Delivery, StoreError> {
    let status: String = found.try_get("status")?;
    let (next_at, begun_at): (i64, i64) = (found.try_get("next_at")?, found.try_get("begun_at")?);
    let delivered_at: Option<i64> = found.try_get("delivered_at")?;
    let age = u64::try_from(row::now().saturating_sub(begun_at)).unwrap_or_default();
    Ok(Delivery {
        id: found.try_get("id")?,
        webhook: found.try_get("webhook")?,
        event: found.try_get("event")?,
        kind: found.try_get("kind")?,
        body: found.try_get("body")?,
        next_at: (status == "pending").then(|| row::iso(next_at)).transpose()?,
        status,
        tries: found.try_get("tries")?,
        answer_status: found.try_get("answer_status")?,
        answer_error: found.try_get("answer_error")?,
        created_at: row::iso(found.try_get("created_at")?)?,
        delivered_at: delivered_at.map(row::iso).transpose()?,
        age: Duration::from_millis(age),
    })
}
