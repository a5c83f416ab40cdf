//! The log: one line per request, for people on a terminal and as JSON elsewhere.
//!
//! Never in it: bodies, tokens, query strings, addresses of visitors; instead of an
//! address stands a name that is good for a day. A path is
//! logged as its route, since a path may hold the id of a conversation.

use std::io::IsTerminal;

use axum::extract::MatchedPath;
use http::{Method, StatusCode};
use tokio::time::Instant;
use tracing_subscriber::EnvFilter;

use super::request_id::RequestId;

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum LogFormat {
    /// For people on a terminal, else JSON.
    #[default]
    Auto,
    /// One line of text per event.
    Human,
    /// One JSON object per line.
    Json,
}

/// Starts the log of this process, on standard error. `RUST_LOG` sets the level.
pub fn start_log(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT_FILTER));
    let is_terminal = std::io::stderr().is_terminal();
    let is_json = match format {
        LogFormat::Auto => !is_terminal,
        LogFormat::Human => false,
        LogFormat::Json => true,
    };
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false)
        .with_ansi(is_terminal);
    // A log that is already there is a test's, and stays.
    let _ = if is_json {
        builder.json().flatten_event(true).with_current_span(false).with_span_list(false).try_init()
    } else {
        builder.compact().try_init()
    };
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let request = RequestId::current().map(|id| id.to_string()).unwrap_or_default();
        let message = panic.payload_as_str().unwrap_or("no message");
        tracing::error!(place, request_id = request, message, "a panic: please report it");
    }));
}

/// What other people's crates say below a warning is not about us.
const DEFAULT_FILTER: &str = "warn,chinwag_relay=info";

/// The line of one request. It is written when the head of the answer is ready;
/// if the client went away before, when the request is dropped.
#[derive(Debug)]
pub(super) struct Line {
    method: Method,
    path: Option<MatchedPath>,
    id: RequestId,
    client: String,
    began: Instant,
    is_written: bool,
}

impl Line {
    pub(super) fn new(method: Method, path: Option<MatchedPath>, id: RequestId, client: String) -> Self {
        Self { method, path, id, client, began: Instant::now(), is_written: false }
    }

    pub(super) fn answered(&mut self, status: StatusCode) {
        self.write(status.as_u16());
    }

    fn write(&mut self, status: u16) {
        self.is_written = true;
        let path = self.path.as_ref().map_or("(no route)", MatchedPath::as_str);
        let ms = (self.began.elapsed().as_secs_f64() * 10_000.0).round() / 10.0;
        let (method, request_id, client) = (&self.method, &self.id, &self.client);
        if status >= 500 && !is_probe(path) {
            tracing::warn!(%method, path, status, ms, %request_id, client, "request failed");
        } else if is_probe(path) {
            tracing::debug!(%method, path, status, ms, %request_id, client, "request");
        } else {
            tracing::info!(%method, path, status, ms, %request_id, client, "request");
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if !self.is_written {
            // Nobody was there to be answered; the number is what proxies log.
            self.write(499);
        }
    }
}

/// Load balancers ask every few seconds, and a 503 is an answer there.
fn is_probe(path: &str) -> bool {
    matches!(path, "/healthz" | "/readyz")
}
