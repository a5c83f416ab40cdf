//! Forgetting in time: conversations past their site's age, and the traces of
//! tokens that nobody can hold any more.

use std::collections::BTreeMap;
use std::time::Duration;

use sqlx::Row as _;

use super::{Store, StoreError, row};
use crate::token::VISITOR_LIFE;

/// Conversations that are removed in one transaction: visitors write in between.
const BATCH: i64 = 200;

/// How long the spending of a day is kept.
const SPENDING_DAYS: i64 = 35;

/// How old a site's conversations may become.
#[derive(Debug, Clone, Default)]
pub struct Retention {
    /// By site key; `None` keeps them.
    pub sites: BTreeMap<String, Option<Duration>>,
    /// For sites that are not (or no longer) configured.
    pub others: Option<Duration>,
}

impl Store {
    /// Removes the conversations that are older than their site allows, counted
    /// from their last message, and the visitors who have none left. Gives the
    /// number of conversations.
    pub async fn expire(&self, retention: &Retention) -> Result<u64, StoreError> {
        let sites = sqlx::query("SELECT DISTINCT site FROM visitor").fetch_all(&self.read).await?;
        let mut removed = 0;
        for site in sites {
            let site: String = site.try_get("site")?;
            let age = retention.sites.get(&site).copied().unwrap_or(retention.others);
            let Some(age) = age else { continue };
            let before = row::now().saturating_sub(millis(age));
            loop {
                let done = sqlx::query(
                    "DELETE FROM conversation WHERE key IN
                         (SELECT key FROM conversation WHERE site = ? AND updated_at < ? LIMIT ?)",
                )
                .bind(&site)
                .bind(before)
                .bind(BATCH)
                .execute(&self.write)
                .await?;
                removed += done.rows_affected();
                if done.rows_affected() < BATCH.unsigned_abs() {
                    break;
                }
            }
            sqlx::query(
                "DELETE FROM visitor WHERE site = ? AND seen_at < ? AND NOT EXISTS
                     (SELECT 1 FROM conversation WHERE conversation.site = visitor.site
                      AND conversation.visitor = visitor.id)",
            )
            .bind(&site)
            .bind(before)
            .execute(&self.write)
            .await?;
        }
        if self.expire_files().await? + removed > 0 {
            self.note_deletion();
        }
        Ok(removed)
    }

    /// Forgets chains, revocations and keys of which no token is left, and old
    /// days of spending.
    pub async fn tidy_tokens(&self) -> Result<(), StoreError> {
        let now = row::now();
        // A day more than any token lives: clocks are set back.
        let oldest = now.saturating_sub(millis(VISITOR_LIFE + Duration::from_hours(24)));
        for query in [
            "DELETE FROM token_family WHERE seen_at < ?",
            "DELETE FROM revocation WHERE revoked_at < ?",
            "DELETE FROM retired_key WHERE retired_at < ?",
        ] {
            sqlx::query(query).bind(oldest).execute(&self.write).await?;
        }
        sqlx::query("DELETE FROM used_identity WHERE expires_at < ?")
            .bind(now / 1000 - 3600)
            .execute(&self.write)
            .await?;
        sqlx::query("DELETE FROM spending WHERE day < ?")
            .bind(row::today() - SPENDING_DAYS)
            .execute(&self.write)
            .await?;
        Ok(())
    }
}

fn millis(age: Duration) -> i64 {
    i64::try_from(age.as_millis()).unwrap_or(i64::MAX)
}
