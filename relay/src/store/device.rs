//! Device keys at rest: as hashes, by which nobody can be a device.

use chinwag_protocol::SiteKey;
use sqlx::Row as _;
use subtle::ConstantTimeEq as _;

use super::{Store, StoreError, revocation, row};
use crate::token::DeviceKey;

/// How often it is noted that a device was seen, in ms.
const SEEN_EVERY: i64 = 60_000;

/// A device as `chinwag-relay device list` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Names it; no secret.
    pub id: String,
    /// The site that it belongs to.
    pub site: String,
    /// What the operator calls it.
    pub name: String,
    /// When its key was made, as ISO 8601.
    pub created_at: String,
    /// When it was last here, to the minute.
    pub seen_at: Option<String>,
    /// When its key was revoked.
    pub revoked_at: Option<String>,
}

impl Store {
    /// Keeps a new device.
    pub async fn add_device(&self, site: &SiteKey, name: &str, key: &DeviceKey) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO device (id, site, name, hash, created_at) VALUES (?, ?, ?, ?, ?)")
            .bind(key.id())
            .bind(site.as_str())
            .bind(name)
            .bind(key.hash())
            .bind(row::now())
            .execute(&self.write)
            .await?;
        Ok(())
    }

    /// The id of the device whose key that is, if the site has it and it is not
    /// revoked.
    pub async fn find_device(
        &self,
        site: &SiteKey,
        unverified_key: &str,
    ) -> Result<Option<String>, StoreError> {
        let Some(key) = DeviceKey::parse(unverified_key) else { return Ok(None) };
        let found =
            sqlx::query("SELECT hash, seen_at FROM device WHERE id = ? AND site = ? AND revoked_at IS NULL")
                .bind(key.id())
                .bind(site.as_str())
                .fetch_optional(&self.read)
                .await?;
        let Some(found) = found else { return Ok(None) };
        let hash: String = found.try_get("hash")?;
        if !bool::from(hash.as_bytes().ct_eq(key.hash().as_bytes())) {
            return Ok(None);
        }
        let (now, seen_at) = (row::now(), found.try_get::<Option<i64>, _>("seen_at")?);
        if seen_at.is_none_or(|seen_at| now - seen_at >= SEEN_EVERY) {
            sqlx::query("UPDATE device SET seen_at = ? WHERE id = ?")
                .bind(now)
                .bind(key.id())
                .execute(&self.write)
                .await?;
        }
        Ok(Some(key.id().to_owned()))
    }

    /// Every device, those that were revoked included.
    pub async fn devices(&self) -> Result<Vec<Device>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, site, name, created_at, seen_at, revoked_at FROM device ORDER BY site, created_at, id",
        )
        .fetch_all(&self.read)
        .await?;
        rows.iter()
            .map(|row| {
                let time = |column: &str| -> Result<Option<String>, StoreError> {
                    row.try_get::<Option<i64>, _>(column)?.map(row::iso).transpose()
                };
                Ok(Device {
                    id: row.try_get("id")?,
                    site: row.try_get("site")?,
                    name: row.try_get("name")?,
                    created_at: time("created_at")?.unwrap_or_default(),
                    seen_at: time("seen_at")?,
                    revoked_at: time("revoked_at")?,
                })
            })
            .collect()
    }

    /// Ends a device's key and every token that was got with it.
    ///
    /// # Errors
    /// [`StoreError::Missing`] if there is no such device, or it was revoked
    /// before.
    pub async fn revoke_device(&self, id: &str) -> Result<(), StoreError> {
        let now = row::now();
        let mut tx = self.write.begin_with("BEGIN IMMEDIATE").await?;
        let done = sqlx::query("UPDATE device SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL")
            .bind(now)
            .bind(id)
            .execute(&mut *tx)
            .await?;
        row::met(&done)?;
        revocation::record(&mut tx, "device", "", id, now).await?;
        tx.commit().await?;
        Ok(())
    }
}
