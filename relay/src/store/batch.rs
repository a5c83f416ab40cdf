//! Several statements as one order to the database.
//!
//! A connection has a thread of its own, and each order to it is a way there and
//! back between two threads. On the way of a question to its first chunk these add
//! up to more than what `SQLite` does with them.

use futures_util::TryStreamExt as _;
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Either, Executor as _, Sqlite, Transaction};

use super::StoreError;

/// The rows of a query of several statements, statement by statement. Its
/// parameters are numbered with a dollar (`$1`), and the same for all of them. With a
/// question mark (`?2`) a statement that leaves a number out would get others' values.
pub(super) async fn rows_of(
    tx: &mut Transaction<'_, Sqlite>,
    query: Query<'_, Sqlite, SqliteArguments>,
) -> Result<std::vec::IntoIter<Vec<SqliteRow>>, StoreError> {
    let mut answers = tx.fetch_many(query);
    let mut of_all = Vec::new();
    let mut of_one = Vec::new();
    while let Some(answer) = answers.try_next().await? {
        match answer {
            Either::Right(row) => of_one.push(row),
            Either::Left(_) => of_all.push(std::mem::take(&mut of_one)),
        }
    }
    Ok(of_all.into_iter())
}
