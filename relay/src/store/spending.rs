//! What each site has used up today, for its daily caps. Counted in the same
//! transaction as what is counted, so that no restart loses it.

use chinwag_protocol::{SiteKey, Usage};
use sqlx::{Row as _, Sqlite, Transaction};

use super::{ReplyKey, Store, StoreError, row};

/// What a site has used up on one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spending {
    /// Replies that were begun.
    pub messages: u64,
    /// Tokens read and written, as far as providers said.
    pub tokens: u64,
}

impl Store {
    /// What a site has used up today, by UTC.
    pub async fn spent_today(&self, site: &SiteKey) -> Result<Spending, StoreError> {
        let found = sqlx::query("SELECT messages, tokens FROM spending WHERE site = ? AND day = ?")
            .bind(site.as_str())
            .bind(row::today())
            .fetch_optional(&self.read)
            .await?;
        let Some(found) = found else { return Ok(Spending::default()) };
        let count = |column: &str| -> Result<u64, StoreError> {
            Ok(u64::try_from(found.try_get::<i64, _>(column)?).unwrap_or_default())
        };
        Ok(Spending { messages: count("messages")?, tokens: count("tokens")? })
    }
}

/// Counts a reply that begins.
pub(super) async fn count_message(
    tx: &mut Transaction<'_, Sqlite>,
    conversation: &str,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO spending (site, day, messages) SELECT site, ?, 1 FROM conversation WHERE key = ?
         ON CONFLICT (site, day) DO UPDATE SET messages = messages + 1",
    )
    .bind(row::today())
    .bind(conversation)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Counts what a reply cost, as far as its row does not say so already: to be
/// called before the row is written.
pub(super) async fn count_tokens(
    tx: &mut Transaction<'_, Sqlite>,
    reply: &ReplyKey,
    usage: Usage,
) -> Result<(), StoreError> {
    let row = sqlx::query("SELECT usage FROM message WHERE conversation = ? AND id = ?")
        .bind(reply.conversation())
        .bind(reply.id())
        .fetch_optional(&mut **tx)
        .await?;
    let counted: Option<String> = match row {
        Some(row) => row.try_get("usage")?,
        None => None,
    };
    let counted: Option<Usage> = counted
        .map(|text| serde_json::from_str(&text))
        .transpose()
        .map_err(|error| StoreError::Corrupt(format!("usage: {error}")))?;
    let tokens = total(usage).saturating_sub(counted.map(total).unwrap_or_default());
    sqlx::query(
        "INSERT INTO spending (site, day, tokens) SELECT site, ?, ? FROM conversation WHERE key = ?
         ON CONFLICT (site, day) DO UPDATE SET tokens = tokens + excluded.tokens",
    )
    .bind(row::today())
    // A provider's number is bounded, so that no sum of a day overflows.
    .bind(i64::try_from(tokens.min(MOST_TOKENS)).unwrap_or_default())
    .bind(reply.conversation())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

fn total(usage: Usage) -> u64 {
    usage.input_tokens.saturating_add(usage.output_tokens)
}

/// More than any reply costs.
const MOST_TOKENS: u64 = 1 << 32;
