//! Agents that are managed through the API.

use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, Sqlite, Transaction};

use super::key::Mode;
use super::listed::{self, Listed};
use super::source::mark_gone;
use super::{Store, StoreError, row};

/// What an agent is made of: all that a caller decides.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentFields {
    /// What it is called.
    pub name: String,
    /// The section of the configuration whose provider, address and key it uses.
    pub base: String,
    /// The model; the section's own if there is none.
    pub model: Option<String>,
    /// The prompt; the section's own if there is none.
    pub system_prompt: Option<String>,
    /// 0 to 2.
    pub temperature: f64,
    /// Longest reply, in tokens.
    pub max_tokens: u32,
    /// The agent at the provider; the section's own if there is none.
    pub provider_agent_id: Option<String>,
    /// Whether it answers.
    pub is_paused: bool,
}

/// An agent as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentRecord {
    /// `agent_` and ten characters.
    pub id: String,
    /// Whose data it is.
    pub mode: Mode,
    /// What it is made of.
    pub fields: AgentFields,
    /// Rises with each change.
    pub version: i64,
    /// ISO 8601.
    pub created_at: String,
    /// ISO 8601.
    pub updated_at: String,
}

/// The site whose conversations are those of the API, by the kind of key. No
/// page can be of it: it has no origins.
pub(super) fn api_site(mode: Mode) -> &'static str {
    match mode {
        Mode::Live => "site_api_live",
        Mode::Test => "site_api_test",
    }
}

impl Store {
    /// Keeps a new agent.
    pub async fn add_agent(
        &self,
        mode: Mode,
        id: &str,
        fields: &AgentFields,
    ) -> Result<AgentRecord, StoreError> {
        let now = row::now();
        let found = sqlx::query(
            "INSERT INTO agent (id, mode, name, base, model, system_prompt, temperature, max_tokens,
                 provider_agent_id, status, created_at, updated_at)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING *",
        )
        .bind(id)
        .bind(mode.word())
        .bind(&fields.name)
        .bind(&fields.base)
        .bind(&fields.model)
        .bind(&fields.system_prompt)
        .bind(fields.temperature)
        .bind(fields.max_tokens)
        .bind(&fields.provider_agent_id)
        .bind(status(fields))
        .bind(now)
        .bind(now)
        .fetch_one(&self.write)
        .await?;
        record(&found)
    }

    /// A page of the agents of one mode, the newest first; of one status if
    /// `is_paused` says which.
    pub async fn agents(
        &self,
        mode: Mode,
        is_paused: Option<bool>,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Listed<AgentRecord>, StoreError> {
        let before = listed::before(cursor)?;
        let status = is_paused.map(|is_paused| if is_paused { "paused" } else { "active" });
        let rows = sqlx::query(
            "SELECT * FROM agent WHERE mode = ? AND seq < ? AND (? IS NULL OR status = ?)
             ORDER BY seq DESC LIMIT ?",
        )
        .bind(mode.word())
        .bind(before)
        .bind(status)
        .bind(status)
        .bind(listed::one_more(limit))
        .fetch_all(&self.read)
        .await?;
        Listed::of(&rows, limit, record, listed::number)
    }

    /// The agent of that id, of any mode.
    pub async fn agent(&self, id: &str) -> Result<Option<AgentRecord>, StoreError> {
        let found =
            sqlx::query("SELECT * FROM agent WHERE id = ?").bind(id).fetch_optional(&self.read).await?;
        found.as_ref().map(record).transpose()
    }

    /// Changes an agent: `change` gets what is kept, and two changes at once
    /// come one after the other.
    ///
    /// # Errors
    /// [`StoreError::Missing`] if there is none of that id and mode, and what
    /// `change` refuses.
    pub async fn change_agent<E: From<StoreError>>(
        &self,
        mode: Mode,
        id: &str,
        change: impl FnOnce(&mut AgentFields) -> Result<(), E> + Send,
    ) -> Result<AgentRecord, E> {
        let mut tx = self.write.begin_with("BEGIN IMMEDIATE").await.map_err(StoreError::from)?;
        let mut kept = kept(&mut tx, mode, id).await?;
        change(&mut kept.fields)?;
        let changed = write(&mut tx, id, &kept.fields).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(changed)
    }

    /// Removes an agent with its sources and the conversations that it had by the API.
    ///
    /// # Errors
    /// [`StoreError::Missing`] if there is none of that id and mode.
    pub async fn delete_agent(&self, mode: Mode, id: &str) -> Result<(), StoreError> {
        let mut tx = self.write.begin_with("BEGIN IMMEDIATE").await?;
        let done = sqlx::query("DELETE FROM agent WHERE id = ? AND mode = ?")
            .bind(id)
            .bind(mode.word())
            .execute(&mut *tx)
            .await?;
        row::met(&done)?;
        // Its sources went with it; the index hears of it.
        mark_gone(&mut tx, id, "").await?;
        sqlx::query("DELETE FROM visitor WHERE site = ? AND id = ?")
            .bind(api_site(mode))
            .bind(id)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        self.note_deletion();
        Ok(())
    }
}

async fn kept(tx: &mut Transaction<'_, Sqlite>, mode: Mode, id: &str) -> Result<AgentRecord, StoreError> {
    let found = sqlx::query("SELECT * FROM agent WHERE id = ? AND mode = ?")
        .bind(id)
        .bind(mode.word())
        .fetch_optional(&mut **tx)
        .await?
        .ok_or(StoreError::Missing)?;
    record(&found)
}

async fn write(
    tx: &mut Transaction<'_, Sqlite>,
    id: &str,
    fields: &AgentFields,
) -> Result<AgentRecord, StoreError> {
    let found = sqlx::query(
        "UPDATE agent SET name = ?, base = ?, model = ?, system_prompt = ?, temperature = ?, max_tokens = ?,
             provider_agent_id = ?, status = ?, version = version + 1, updated_at = ?
         WHERE id = ? RETURNING *",
    )
    .bind(&fields.name)
    .bind(&fields.base)
    .bind(&fields.model)
    .bind(&fields.system_prompt)
    .bind(fields.temperature)
    .bind(fields.max_tokens)
    .bind(&fields.provider_agent_id)
    .bind(status(fields))
    .bind(row::now())
    .bind(id)
    .fetch_one(&mut **tx)
    .await?;
    record(&found)
}

fn status(fields: &AgentFields) -> &'static str {
    if fields.is_paused { "paused" } else { "active" }
}

fn record(found: &SqliteRow) -> Result<AgentRecord, StoreError> {
    let mode: String = found.try_get("mode")?;
    let status: String = found.try_get("status")?;
    let max_tokens: i64 = found.try_get("max_tokens")?;
    Ok(AgentRecord {
        id: found.try_get("id")?,
        mode: Mode::of(&mode),
        fields: AgentFields {
            name: found.try_get("name")?,
            base: found.try_get("base")?,
            model: found.try_get("model")?,
            system_prompt: found.try_get("system_prompt")?,
            temperature: found.try_get("temperature")?,
            max_tokens: u32::try_from(max_tokens).unwrap_or_default(),
            provider_agent_id: found.try_get("provider_agent_id")?,
            is_paused: status == "paused",
        },
        version: found.try_get("version")?,
        created_at: row::iso(found.try_get("created_at")?)?,
        updated_at: row::iso(found.try_get("updated_at")?)?,
    })
}
