//! One page of a list, and the cursor to the next.

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::{StoreError, row};

/// One page of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed<T> {
    /// The items.
    pub data: Vec<T>,
    /// Where the next page begins; `None` on the last one.
    pub next_cursor: Option<String>,
}

impl<T> Listed<T> {
    /// The page in `rows`, which were asked for with [`one_more`] than `limit`.
    /// `place` is what a cursor remembers of the last row that is shown.
    pub(super) fn of(
        rows: &[SqliteRow],
        limit: usize,
        item: impl Fn(&SqliteRow) -> Result<T, StoreError>,
        place: impl Fn(&SqliteRow) -> Result<String, StoreError>,
    ) -> Result<Self, StoreError> {
        let shown = rows.get(..limit).unwrap_or(rows);
        let next_cursor = match shown.last() {
            Some(last) if rows.len() > limit => Some(row::cursor(&place(last)?)),
            _ => None,
        };
        Ok(Self { data: shown.iter().map(item).collect::<Result<_, _>>()?, next_cursor })
    }
}

/// How many rows are asked for: one beyond the page tells whether another follows.
pub(super) fn one_more(limit: usize) -> i64 {
    i64::try_from(limit + 1).unwrap_or(i64::MAX)
}

/// Where a list by number, the newest first, goes on.
pub(super) fn before(cursor: Option<&str>) -> Result<i64, StoreError> {
    match cursor {
        Some(cursor) => row::read_cursor(cursor)?.parse().map_err(|_| StoreError::Cursor),
        None => Ok(i64::MAX),
    }
}

/// The number by which such a list is ordered.
pub(super) fn number(row: &SqliteRow) -> Result<String, StoreError> {
    Ok(row.try_get::<i64, _>("seq")?.to_string())
}
