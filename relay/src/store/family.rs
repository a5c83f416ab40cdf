//! Chains of visitor tokens at rest: which generation of a chain may still be
//! exchanged, and the end of chains.

use sqlx::{Row as _, Sqlite, Transaction};

use super::{Owner, Store, StoreError, row};
use crate::token::{Chain, VerifiedVisitor};

impl Store {
    /// Exchanges a visitor token: gives the generation of its successor, or
    /// `None` if its chain is over, has been revoked, or ends here and now
    /// because a token came back that had long been followed.
    pub async fn redeem(&self, token: &VerifiedVisitor) -> Result<Option<u32>, StoreError> {
        let now = row::now();
        let owner = token.owner();
        let mut tx = self.write.begin_with("BEGIN IMMEDIATE").await?;
        if is_revoked(&mut tx, &owner, token.issued_at()).await? {
            return Ok(None);
        }
        let found = sqlx::query(
            "SELECT floor, used, superseded_at, ended_at FROM token_family WHERE id = ? AND site = ? AND visitor = ?",
        )
        .bind(token.family())
        .bind(owner.site.as_str())
        .bind(&owner.visitor)
        .fetch_optional(&mut *tx)
        .await?;
        let chain = match &found {
            Some(found) if found.try_get::<Option<i64>, _>("ended_at")?.is_some() => return Ok(None),
            Some(found) => Chain {
                floor: generation(found.try_get("floor")?)?,
                used: generation(found.try_get("used")?)?,
                superseded_at: found.try_get("superseded_at")?,
            },
            None => Chain::begun_at(token.generation()),
        };
        let Some(chain) = chain.present(token.generation(), now) else {
            sqlx::query("UPDATE token_family SET ended_at = ? WHERE id = ?")
                .bind(now)
                .bind(token.family())
                .execute(&mut *tx)
                .await?;
            super::revocation::record(&mut tx, "session", "", token.family(), now).await?;
            tx.commit().await?;
            tracing::warn!(
                site = owner.site.as_str(),
                "a visitor token came back after its successor had been used: its chain is ended"
            );
            return Ok(None);
        };
        sqlx::query(
            "INSERT INTO token_family (id, site, visitor, floor, used, superseded_at, seen_at) VALUES (?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (id) DO UPDATE SET floor = excluded.floor, used = excluded.used,
                 superseded_at = excluded.superseded_at, seen_at = excluded.seen_at",
        )
        .bind(token.family())
        .bind(owner.site.as_str())
        .bind(&owner.visitor)
        .bind(i64::from(chain.floor))
        .bind(i64::from(chain.used))
        .bind(chain.superseded_at)
        .bind(now)
        .execute(&mut *tx)
        .await?;
        sqlx::query("UPDATE visitor SET seen_at = ? WHERE site = ? AND id = ?")
            .bind(now)
            .bind(owner.site.as_str())
            .bind(&owner.visitor)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(Some(chain.used.saturating_add(1)))
    }
}

/// Ends every chain of a visitor.
pub(super) async fn end_all(
    tx: &mut Transaction<'_, Sqlite>,
    owner: &Owner,
    now: i64,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE token_family SET ended_at = ? WHERE site = ? AND visitor = ? AND ended_at IS NULL")
        .bind(now)
        .bind(owner.site.as_str())
        .bind(&owner.visitor)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Whether the visitor was revoked when or after a token was issued, in seconds
/// since 1970.
async fn is_revoked(
    tx: &mut Transaction<'_, Sqlite>,
    owner: &Owner,
    issued_at: u64,
) -> Result<bool, StoreError> {
    let found =
        sqlx::query("SELECT revoked_at FROM revocation WHERE kind = 'visitor' AND site = ? AND id = ?")
            .bind(owner.site.as_str())
            .bind(&owner.visitor)
            .fetch_optional(&mut **tx)
            .await?;
    let Some(found) = found else { return Ok(false) };
    let revoked_at: i64 = found.try_get("revoked_at")?;
    Ok(row::seconds(revoked_at) >= issued_at)
}

fn generation(column: i64) -> Result<u32, StoreError> {
    u32::try_from(column).map_err(|_| StoreError::Corrupt(format!("generation {column}")))
}
