//! What must not be in a log, whatever a test did: held against every log of every
//! relay that the tests of processes start.

use std::fs;
use std::path::{Path, PathBuf};

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{Connection as _, Row as _};

/// How tokens, keys and their headers begin; and the key of simulators.
const SECRETS: &[&str] =
    &["eyJ", "Bearer ", "bearer ", "cw_live_", "cw_test_", "-----BEGIN", "simulator-key", "openai-key"];

/// Shorter texts may be in a log by chance.
const TELLING_CHARS: usize = 10;

/// Fails if a log holds a secret, or a text out of the database of that folder.
#[track_caller]
pub(crate) fn hold(log: &str, folder: &Path) {
    for secret in SECRETS {
        assert!(!log.contains(secret), "the log has {secret:?}:\n{log}");
    }
    let databases = find(folder, "chinwag.db");
    let texts = databases.iter().flat_map(|database| texts_of(database));
    let keys = find(folder, "signing-key.pem").into_iter().flat_map(|file| {
        let text = fs::read_to_string(file).unwrap_or_default();
        text.lines().filter(|line| !line.starts_with('-')).map(str::to_owned).collect::<Vec<_>>()
    });
    for text in texts.chain(keys).filter(|text| text.chars().count() >= TELLING_CHARS) {
        assert!(!log.contains(&text), "the log has {text:?}:\n{log}");
    }
}

fn find(folder: &Path, name: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    paths
        .flat_map(|path| match path {
            path if path.is_dir() => find(&path, name),
            path if path.ends_with(name) => vec![path],
            _ => Vec::new(),
        })
        .collect()
}

/// What visitors and agents said, line by line; titles and reasons with it.
fn texts_of(database: &Path) -> Vec<String> {
    let database = database.to_owned();
    // A thread of its own: a relay may end within a test's runtime.
    let read = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let options = SqliteConnectOptions::new().filename(&database);
            let Ok(mut connection) = SqliteConnection::connect_with(&options).await else { return Vec::new() };
            let query = "SELECT title FROM conversation UNION ALL SELECT feedback_reason FROM message \
                         UNION ALL SELECT json_extract(part.value, '$.text') FROM message, json_each(message.parts) AS part";
            // A relay that did not come as far has no tables.
            let rows = sqlx::query(query).fetch_all(&mut connection).await.unwrap_or_default();
            rows.iter().filter_map(|row| row.get::<Option<String>, _>(0)).collect::<Vec<_>>()
        })
    });
    let texts = read.join().unwrap();
    texts.iter().flat_map(|text| text.lines().map(str::to_owned)).collect()
}

#[test]
fn a_log_with_a_message_is_noticed() {
    let relay = crate::relay::Relay::start();
    let database = relay.folder().join("chinwag-data/chinwag.db");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let options = SqliteConnectOptions::new().filename(&database);
        let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
        for statement in [
            "INSERT INTO visitor (site, id, created_at, seen_at) VALUES ('site_demo', 'v', 0, 0)",
            "INSERT INTO conversation (key, site, visitor, id, title, created_at, updated_at) \
             VALUES ('k', 'site_demo', 'v', 'c', 'A title of it', 0, 0)",
            "INSERT INTO message (conversation, id, ordinal, role, parts, status, created_at) \
             VALUES ('k', 'm', 1, 'user', '[{\"type\":\"text\",\"text\":\"words of a visitor\"}]', 'done', 0)",
        ] {
            sqlx::query(statement).execute(&mut connection).await.unwrap();
        }
    });
    for log in ["said: words of a visitor", "A title of it", "authorization: Bearer abc", "eyJhbGciOi"] {
        let folder = relay.folder().to_owned();
        let held = std::panic::catch_unwind(|| hold(log, &folder));
        assert!(held.is_err(), "{log:?} was not noticed");
    }
    hold("nothing of the kind", relay.folder());
}
