//! `chinwag-relay export ...`.

use std::io::Write;

use clap::{Args, Subcommand};
use serde_json::Value;

use super::ConsoleError;
use super::desk::{Call, Counter, Where};
use crate::config::Config;
use crate::manage::export::{ExportFormat, ExportQuery};

/// Rows that are in memory at once.
const PORTION: &str = "500";

/// What can be exported.
#[derive(Debug, Clone, Args)]
pub struct ExportCommand {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    place: Where,
}

#[derive(Debug, Clone, Subcommand)]
enum What {
    /// Every message with its conversation, in order, to standard output.
    Conversations {
        /// Written at this date or time, or later: 2026-11-22, 2026-11-22T10:00:00Z.
        #[arg(long, value_name = "TIME")]
        since: Option<String>,
        /// Written before this date or time.
        #[arg(long, value_name = "TIME")]
        until: Option<String>,
        /// Of one site.
        #[arg(long, value_name = "KEY")]
        site: Option<String>,
        /// ndjson (one JSON object a line) or csv.
        #[arg(long, default_value = "ndjson")]
        format: String,
    },
}

/// `chinwag-relay export ...`.
pub async fn export(
    config: &Config,
    command: &ExportCommand,
    out: &mut (dyn Write + Send),
) -> Result<(), ConsoleError> {
    let What::Conversations { since, until, site, format } = &command.what;
    let format = ExportFormat::parse(format)?;
    let counter = Counter::open(config, &command.place).await?;
    out.write_all(&format.head())?;
    let mut cursor = None;
    loop {
        let query = ExportQuery {
            since: since.clone(),
            until: until.clone(),
            site: site.clone(),
            page_size: Some(PORTION.to_owned()),
            cursor,
        };
        let page = counter.call(Call::Export { query }).await?;
        for row in page.get("data").and_then(Value::as_array).into_iter().flatten() {
            out.write_all(&format.row(row))?;
        }
        match page.get("next_cursor").and_then(Value::as_str) {
            Some(next) => cursor = Some(next.to_owned()),
            None => break,
        }
    }
    out.flush()?;
    counter.close().await;
    Ok(())
}
