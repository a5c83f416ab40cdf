//! What is no longer good although its signature holds, and the public halves of
//! keys that no longer sign. The relay reads both every few seconds, so that a
//! command on the data folder works without a restart.

use chinwag_protocol::SiteKey;
use sqlx::{Row as _, Sqlite, Transaction};

use super::{Owner, Store, StoreError, family, row};
use crate::token::{RetiredKey, Revoked};

impl Store {
    /// Everything revoked since that time, in ms since 1970, and the versions
    /// of the sites.
    pub async fn revoked_since(&self, since: i64) -> Result<Revoked, StoreError> {
        let mut revoked = Revoked::default();
        let rows = sqlx::query("SELECT kind, site, id, revoked_at FROM revocation WHERE revoked_at >= ?")
            .bind(since)
            .fetch_all(&self.read)
            .await?;
        for row in rows {
            let kind: String = row.try_get("kind")?;
            let id: String = row.try_get("id")?;
            match kind.as_str() {
                "visitor" => {
                    let site = site(row.try_get("site")?)?;
                    let at = row::seconds(row.try_get("revoked_at")?);
                    revoked.visitors.insert(Owner { site, visitor: id }, at);
                }
                "session" => _ = revoked.sessions.insert(id),
                "token" => _ = revoked.tokens.insert(id),
                "device" => _ = revoked.devices.insert(id),
                other => return Err(StoreError::Corrupt(format!("revocation of kind {other}"))),
            }
        }
        for row in sqlx::query("SELECT site, version FROM site_version").fetch_all(&self.read).await? {
            let version: i64 = row.try_get("version")?;
            let version =
                u32::try_from(version).map_err(|_| StoreError::Corrupt(format!("version {version}")))?;
            revoked.versions.insert(site(row.try_get("site")?)?, version);
        }
        Ok(revoked)
    }

    /// Makes every token of a site worthless, and gives its new version.
    pub async fn raise_version(&self, site: &SiteKey) -> Result<u32, StoreError> {
        let row = sqlx::query(
            "INSERT INTO site_version (site, version) VALUES (?, 2)
             ON CONFLICT (site) DO UPDATE SET version = version + 1 RETURNING version",
        )
        .bind(site.as_str())
        .fetch_one(&self.write)
        .await?;
        let version: i64 = row.try_get("version")?;
        u32::try_from(version).map_err(|_| StoreError::Corrupt(format!("version {version}")))
    }

    /// Makes every token of a visitor worthless; the conversations stay.
    pub async fn revoke_visitor(&self, owner: &Owner) -> Result<(), StoreError> {
        let now = row::now();
        let mut tx = self.write.begin_with("BEGIN IMMEDIATE").await?;
        family::end_all(&mut tx, owner, now).await?;
        record(&mut tx, "visitor", owner.site.as_str(), &owner.visitor, now).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Makes one browser's tokens worthless: those whose `sid` it is.
    pub async fn revoke_session(&self, session: &str) -> Result<(), StoreError> {
        let now = row::now();
        let mut tx = self.write.begin_with("BEGIN IMMEDIATE").await?;
        // One that was never exchanged has no row yet; it gets one that is over.
        sqlx::query(
            "INSERT INTO token_family (id, site, visitor, floor, used, seen_at, ended_at) VALUES (?, '', '', 0, 0, ?, ?)
             ON CONFLICT (id) DO UPDATE SET ended_at = excluded.ended_at",
        )
        .bind(session)
        .bind(now)
        .bind(now)
        .execute(&mut *tx)
        .await?;
        record(&mut tx, "session", "", session, now).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Makes one access token worthless: that whose `jti` it is.
    pub async fn revoke_token(&self, id: &str) -> Result<(), StoreError> {
        let mut tx = self.write.begin_with("BEGIN IMMEDIATE").await?;
        record(&mut tx, "token", "", id, row::now()).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Keeps the public half of a key that will no longer sign.
    pub async fn retire_key(&self, kid: &str, public_key: &[u8]) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO retired_key (kid, public_key, retired_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        )
        .bind(kid)
        .bind(public_key)
        .bind(row::now())
        .execute(&self.write)
        .await?;
        Ok(())
    }

    /// Accepts none of the earlier keys any more.
    pub async fn forget_retired_keys(&self) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM retired_key").execute(&self.write).await?;
        Ok(())
    }

    /// The keys that no longer sign and whose tokens may still be about.
    pub async fn retired_keys(&self) -> Result<Vec<RetiredKey>, StoreError> {
        let rows = sqlx::query("SELECT kid, public_key, retired_at FROM retired_key ORDER BY retired_at")
            .fetch_all(&self.read)
            .await?;
        rows.iter()
            .map(|row| {
                let retired_at: i64 = row.try_get("retired_at")?;
                Ok(RetiredKey {
                    kid: row.try_get("kid")?,
                    public_key: row.try_get("public_key")?,
                    retired_at: row::seconds(retired_at),
                })
            })
            .collect()
    }
}

/// Notes a revocation, or that it came again.
pub(super) async fn record(
    tx: &mut Transaction<'_, Sqlite>,
    kind: &str,
    site: &str,
    id: &str,
    now: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO revocation (kind, site, id, revoked_at) VALUES (?, ?, ?, ?)
         ON CONFLICT (kind, site, id) DO UPDATE SET revoked_at = excluded.revoked_at",
    )
    .bind(kind)
    .bind(site)
    .bind(id)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

fn site(column: &str) -> Result<SiteKey, StoreError> {
    SiteKey::parse(column).map_err(|error| StoreError::Corrupt(format!("site key: {error}")))
}
