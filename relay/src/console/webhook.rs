//! `chinwag-relay webhooks ...`.

use std::io::Write;

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::desk::{Call, Counter, Where};
use super::{ConsoleError, print, table};
use crate::config::Config;
use crate::manage::PageQuery;

/// What can be done with webhooks.
#[derive(Debug, Clone, Args)]
pub struct WebhooksCommand {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    place: Where,
}

#[derive(Debug, Clone, Subcommand)]
enum Action {
    /// Lists the webhooks.
    List,
    /// Makes one, and prints its secret this once.
    Create(Options),
    /// Changes what is named, and nothing else.
    Update {
        /// Its id.
        id: String,
        #[command(flatten)]
        options: Options,
    },
    /// Removes one with its deliveries.
    Delete {
        /// Its id.
        id: String,
    },
    /// Sends it a `ping`.
    Ping {
        /// Its id.
        id: String,
    },
    /// Lists what was sent, or is to be, the newest first.
    Deliveries {
        /// Its id.
        id: String,
        /// pending, delivered or failed.
        #[arg(long)]
        status: Option<String>,
    },
    /// Sends a delivery again.
    Resend {
        /// The webhook's id.
        id: String,
        /// The delivery's id.
        delivery: String,
    },
}

#[derive(Debug, Clone, Args)]
#[group(skip)]
struct Options {
    /// Where the endpoint is.
    #[arg(long, value_name = "URL")]
    endpoint: Option<String>,
    /// What it hears of, separated by commas; all of it without this.
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    events: Option<Vec<String>>,
    /// active or paused.
    #[arg(long)]
    status: Option<String>,
}

impl Options {
    fn body(&self) -> Value {
        let mut body = Map::new();
        body.extend(self.endpoint.iter().map(|url| ("url".to_owned(), json!(url))));
        body.extend(self.events.iter().map(|events| ("events".to_owned(), json!(events))));
        body.extend(self.status.iter().map(|status| ("status".to_owned(), json!(status))));
        Value::Object(body)
    }
}

/// `chinwag-relay webhooks ...`.
pub async fn webhooks(
    config: &Config,
    command: &WebhooksCommand,
    out: &mut (dyn Write + Send),
) -> Result<(), ConsoleError> {
    let counter = Counter::open(config, &command.place).await?;
    let is_json = command.place.json;
    let mut list = |page: Value, columns: &[&str]| {
        let items = page.get("data").and_then(Value::as_array).cloned().unwrap_or_default();
        if is_json { writeln!(out, "{}", Value::Array(items)) } else { table(out, columns, &items) }
    };
    let one = match &command.action {
        Action::List => {
            list(counter.call(Call::Webhooks).await?, &["id", "url", "status", "events", "updated_at"])?;
            None
        }
        Action::Deliveries { id, status } => {
            let query = PageQuery { page_size: Some("100".to_owned()), cursor: None, status: status.clone() };
            let columns = ["id", "type", "status", "tries", "answer_status", "answer_error", "created_at"];
            list(counter.call(Call::Deliveries { id, query }).await?, &columns)?;
            None
        }
        Action::Create(options) => Some(counter.call(Call::AddWebhook { body: options.body() }).await?),
        Action::Update { id, options } => {
            Some(counter.call(Call::ChangeWebhook { id, body: options.body() }).await?)
        }
        Action::Delete { id } => {
            counter.call(Call::DeleteWebhook { id }).await?;
            None
        }
        Action::Ping { id } => Some(counter.call(Call::Ping { id }).await?),
        Action::Resend { id, delivery } => Some(counter.call(Call::Resend { id, delivery }).await?),
    };
    if let Some(one) = one {
        print(out, is_json, &one)?;
    }
    counter.close().await;
    Ok(())
}
