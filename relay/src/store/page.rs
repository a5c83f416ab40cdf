//! The pages that sources were read to.

use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, Sqlite, Transaction};

use super::listed::{self, Listed};
use super::message::sha256;
use super::source::{SourceRecord, record};
use super::{Store, StoreError, row};

/// One page of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourcePage {
    /// Where people read it; empty if it is nowhere to be read.
    pub url: String,
    /// What it is called.
    pub title: String,
    /// Markdown.
    pub text: String,
}

impl SourcePage {
    /// SHA-256 of title and text, in hex.
    pub fn hash(&self) -> String {
        sha256(format!("{}\n{}", self.title, self.text).as_bytes())
    }
}

/// A page without its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageEntry {
    /// Where people read it.
    pub url: String,
    /// What it is called.
    pub title: String,
    /// SHA-256 of title and text, in hex.
    pub hash: String,
    /// How long it is, in characters.
    pub chars: i64,
}

impl Store {
    /// Puts these pages in the place of all that a source had; false if it was
    /// changed or removed meanwhile.
    pub async fn replace_pages(
        &self,
        source: &SourceRecord,
        pages: &[SourcePage],
    ) -> Result<bool, StoreError> {
        let mut tx = self.write.begin_with("BEGIN IMMEDIATE").await?;
        let is_there = sqlx::query("SELECT 1 FROM source WHERE id = ? AND version = ?")
            .bind(&source.id)
            .bind(source.version)
            .fetch_optional(&mut *tx)
            .await?;
        if is_there.is_none() {
            return Ok(false);
        }
        sqlx::query("DELETE FROM source_page WHERE source = ?").bind(&source.id).execute(&mut *tx).await?;
        for page in pages {
            put_page(&mut tx, &source.id, page).await?;
        }
        tx.commit().await?;
        self.note_deletion();
        Ok(true)
    }

    /// Adds or replaces pages of a source, removes others, and queues it.
    ///
    /// # Errors
    /// [`StoreError::Missing`] if the agent has none of that id that takes
    /// pages.
    pub async fn change_pages(
        &self,
        agent: &str,
        id: &str,
        pages: &[SourcePage],
        removed: &[String],
    ) -> Result<SourceRecord, StoreError> {
        let mut tx = self.write.begin_with("BEGIN IMMEDIATE").await?;
        let found = sqlx::query(
            "UPDATE source SET status = 'queued', reason = NULL, version = version + 1, updated_at = ?
             WHERE agent = ? AND id = ? AND kind = 'pages' RETURNING *",
        )
        .bind(row::now())
        .bind(agent)
        .bind(id)
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(StoreError::Missing)?;
        for page in pages {
            put_page(&mut tx, id, page).await?;
        }
        for url in removed {
            sqlx::query("DELETE FROM source_page WHERE source = ? AND url = ?")
                .bind(id)
                .bind(url)
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        self.note_deletion();
        record(&found)
    }

    /// The pages of a source without their text, by URL.
    pub async fn page_entries(
        &self,
        id: &str,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Listed<PageEntry>, StoreError> {
        let after = cursor.map(row::read_cursor).transpose()?;
        let rows = sqlx::query(
            "SELECT url, title, hash, LENGTH(text) AS chars FROM source_page
             WHERE source = ? AND (? IS NULL OR url > ?) ORDER BY url LIMIT ?",
        )
        .bind(id)
        .bind(&after)
        .bind(&after)
        .bind(listed::one_more(limit))
        .fetch_all(&self.read)
        .await?;
        let entry = |row: &SqliteRow| {
            Ok(PageEntry {
                url: row.try_get("url")?,
                title: row.try_get("title")?,
                hash: row.try_get("hash")?,
                chars: row.try_get("chars")?,
            })
        };
        Listed::of(&rows, limit, entry, |row| Ok(row.try_get("url")?))
    }

    /// Some pages of a source with their text, by URL: those after `after`.
    pub async fn source_pages(
        &self,
        id: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<SourcePage>, StoreError> {
        let rows = sqlx::query(
            "SELECT url, title, text FROM source_page
             WHERE source = ? AND (? IS NULL OR url > ?) ORDER BY url LIMIT ?",
        )
        .bind(id)
        .bind(after)
        .bind(after)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&self.read)
        .await?;
        let page = |row: &SqliteRow| {
            Ok(SourcePage {
                url: row.try_get("url")?,
                title: row.try_get("title")?,
                text: row.try_get("text")?,
            })
        };
        rows.iter().map(page).collect()
    }

    /// How many pages a source has.
    pub async fn count_pages(&self, id: &str) -> Result<usize, StoreError> {
        let found = sqlx::query("SELECT COUNT(*) AS count FROM source_page WHERE source = ?")
            .bind(id)
            .fetch_one(&self.read)
            .await?;
        let count: i64 = found.try_get("count")?;
        Ok(usize::try_from(count).unwrap_or_default())
    }
}

async fn put_page(tx: &mut Transaction<'_, Sqlite>, id: &str, page: &SourcePage) -> Result<(), StoreError> {
    sqlx::query("INSERT OR REPLACE INTO source_page (source, url, title, text, hash) VALUES (?, ?, ?, ?, ?)")
        .bind(id)
        .bind(&page.url)
        .bind(&page.title)
        .bind(&page.text)
        .bind(page.hash())
        .execute(&mut **tx)
        .await?;
    Ok(())
}
