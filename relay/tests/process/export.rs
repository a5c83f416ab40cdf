//! Exports of many messages: the memory of whoever writes them out stays the
//! same however many there are.
//!
//! Fifty thousand messages in the tests; a million with `CHINWAG_EXPORT=1000000`,
//! as `cargo xtask bench export` does.

use std::collections::HashSet;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};

use crate::relay::{Relay, command, run};

const CONFIG: &str = "[server.limits]\ncalls_per_minute = 1000000\n\n\
    [[site]]\nkey = \"site_a\"\norigins = []\nagent = \"docs\"\n\n\
    [agent.docs]\nprovider = \"docs\"\npath = \"docs\"\n";

/// Messages of one conversation.
const IN_ONE: usize = 20;

/// How much more a process may have had with ten times as many messages: what
/// the allocator and `SQLite`'s page cache make of it, in kB.
const MAX_GROWTH_KB: u64 = 24 * 1024;

/// Adds messages to a database that the relay has made, without the relay: it
/// would take an hour for a million.
async fn fill(folder: &Path, count: usize) {
    let file = folder.join("chinwag-data").join("chinwag.db");
    let pool = SqlitePool::connect_with(SqliteConnectOptions::new().filename(file)).await.unwrap();
    for statement in [
        "INSERT OR IGNORE INTO visitor (site, id, created_at, seen_at) VALUES ('site_a', 'v', 0, 0)",
        "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?)
         INSERT OR IGNORE INTO conversation (key, site, visitor, id, title, created_at, updated_at)
         SELECT printf('key%08d', i), 'site_a', 'v', printf('c%d', i), 'Where is the harbour?', i, i FROM n",
        "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?)
         INSERT OR IGNORE INTO message (conversation, id, ordinal, role, parts, status, created_at)
         SELECT printf('key%08d', i / 20), printf('m%d', i), i % 20,
             CASE WHEN i % 2 THEN 'assistant' ELSE 'user' END,
             printf('[{\"type\":\"text\",\"text\":\"Message %d: the harbour, \\\"quoted\\\", is behind the church, and the lighthouse at the end of the mole is lit at dusk; the ferry leaves from the second quay every hour until ten.\"}]', i),
             'done', i FROM n",
    ] {
        let mut query = sqlx::query(statement);
        if statement.contains('?') {
            let rows = if statement.contains("INTO conversation") { count.div_ceil(IN_ONE) } else { count };
            query = query.bind(i64::try_from(rows).unwrap());
        }
        query.execute(&pool).await.unwrap();
    }
    pool.close().await;
}

/// The most memory that a process has had, in kB; `None` once it has ended.
fn peak(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// What the command writes out: how many messages, each once, and its memory.
fn by_command(folder: &Path, format: &str) -> (usize, u64) {
    let mut export = command(folder, &["export", "conversations", "--format", format]);
    let mut child = export.stdout(Stdio::piped()).spawn().unwrap();
    let pid = child.id();
    let watching = thread::spawn(move || {
        let mut most = 0;
        while let Some(now) = peak(pid) {
            most = most.max(now);
            thread::sleep(Duration::from_millis(5));
        }
        most
    });
    let mut rows = 0;
    let mut before = String::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        assert_ne!(line, before, "a row comes twice");
        rows += usize::from(!line.starts_with("conversation_id,"));
        before = line;
    }
    assert!(child.wait().unwrap().success());
    (rows, watching.join().unwrap())
}

/// What the relay streams, and walks through by cursors.
fn by_api(relay: &Relay, key: &str) -> (usize, usize) {
    let bearer = format!("authorization: Bearer {key}");
    let head = format!("GET /v1/export/conversations?format=ndjson HTTP/1.0\r\n{bearer}\r\n\r\n");
    let streamed = BufReader::new(relay.connect(&head)).lines();
    let streamed = streamed.filter(|line| line.as_ref().unwrap().starts_with('{')).count();
    let (mut seen, mut cursor) = (HashSet::new(), String::new());
    loop {
        let path = format!("/v1/export/conversations?page_size=1000{cursor}");
        let answer = relay.ask("GET", &path, &[&bearer]);
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        let page: Value = serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer:.300}"));
        for row in page["data"].as_array().unwrap() {
            assert!(seen.insert(row["message_id"].as_str().unwrap().to_owned()), "{row} comes twice");
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return (streamed, seen.len()),
        }
    }
}

#[expect(clippy::print_stdout, reason = "the bench shows what was measured")]
#[test]
fn an_export_takes_the_same_memory_for_ten_times_as_many_messages() {
    let count: usize = std::env::var("CHINWAG_EXPORT").map_or(50_000, |text| text.parse().unwrap());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let relay = Relay::with_config(CONFIG);
    let here = relay.folder().to_owned();
    let key = String::from_utf8(run(&here, &["key", "new", "--name", "server"]).stdout).unwrap();
    let key = key.trim();
    let mut peaks = Vec::new();
    for messages in [count / 10, count] {
        runtime.block_on(fill(&here, messages));
        let began = Instant::now();
        let (lines, by_lines) = by_command(&here, "ndjson");
        let (rows, by_rows) = by_command(&here, "csv");
        assert_eq!((lines, rows), (messages, messages));
        let took = began.elapsed() / 2;
        assert_eq!(by_api(&relay, key), (messages, messages));
        let at_relay = peak(relay.pid()).unwrap();
        println!(
            "{messages} messages: {:.1} s by command; at most {} MB as ndjson, {} MB as csv, {} MB the relay",
            took.as_secs_f64(),
            by_lines / 1_000,
            by_rows / 1_000,
            at_relay / 1_000
        );
        peaks.push([by_lines, by_rows, at_relay]);
    }
    for (few, many) in peaks[0].iter().zip(&peaks[1]) {
        assert!(many.saturating_sub(*few) < MAX_GROWTH_KB, "{peaks:?}");
    }
}
