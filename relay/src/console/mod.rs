//! `chinwag-relay key ...`, `agents ...`, `sources ...`, `webhooks ...` and
//! `export ...`: what the API manages, from a command line.
//!
//! Keys are made on the data folder, whether the relay runs or not. Agents are
//! managed there too, or at a relay elsewhere by its URL and a key.

mod desk;
mod export;
mod source;
mod webhook;

use std::io::{self, IsTerminal as _, Read as _, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use self::desk::{Call, Counter, Where};
pub use self::export::{ExportCommand, export};
pub use self::source::{SourcesCommand, sources};
pub use self::webhook::{WebhooksCommand, webhooks};

use crate::app::{self, BuildError};
use crate::config::Config;
use crate::manage::{PageQuery, Refusal, key};
use crate::store::Mode;

/// What can be done with keys of the API.
#[derive(Debug, Clone)]
pub enum ApiKeys {
    /// Makes a key and prints it. It is not to be had again.
    New {
        /// What the key is for.
        name: String,
        /// Whether it sees and makes test data only.
        is_test: bool,
    },
    /// Lists the keys; never their text.
    List {
        /// As JSON, one array.
        is_json: bool,
    },
    /// Takes a key back, at once.
    Revoke {
        /// Its id, as the list shows it.
        id: String,
    },
}

/// What can be done with agents.
#[derive(Debug, Clone, Args)]
pub struct AgentsCommand {
    #[command(subcommand)]
    action: AgentAction,
    /// A relay elsewhere; without it, the data folder of the configuration.
    #[arg(long, alias = "relay", global = true, value_name = "URL", requires = "key_file")]
    url: Option<String>,
    /// The file with the key for `--url`, or - for standard input.
    #[arg(long, global = true, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Test agents in place of live ones; with `--url` the key decides.
    #[arg(long, global = true)]
    test: bool,
    /// As JSON, as the API gives it.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Clone, Subcommand)]
enum AgentAction {
    /// Lists the agents, the newest first.
    List {
        /// Only those that are active or paused.
        #[arg(long)]
        status: Option<String>,
    },
    /// Shows one.
    Show {
        /// Its id.
        id: String,
    },
    /// Makes one.
    Create(AgentOptions),
    /// Changes what is named, and nothing else.
    Update {
        /// Its id.
        id: String,
        #[command(flatten)]
        options: AgentOptions,
    },
    /// Removes one with its conversations.
    Delete {
        /// Its id.
        id: String,
    },
}

#[derive(Debug, Clone, Args)]
struct AgentOptions {
    #[arg(long)]
    name: Option<String>,
    #[arg(long)]
    model: Option<String>,
    #[arg(long, value_name = "TEXT")]
    system_prompt: Option<String>,
    #[arg(long)]
    temperature: Option<f64>,
    #[arg(long)]
    max_tokens: Option<u32>,
    /// active or paused.
    #[arg(long)]
    status: Option<String>,
    /// The provider, of those in the configuration.
    #[arg(long)]
    provider: Option<String>,
    /// The section of the configuration whose provider, address and key it uses.
    #[arg(long, value_name = "NAME")]
    base: Option<String>,
    /// The agent at the provider.
    #[arg(long, value_name = "ID")]
    provider_agent_id: Option<String>,
}

/// Why a command did nothing.
#[derive(Debug, thiserror::Error)]
pub enum ConsoleError {
    /// The data folder cannot be used.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// What was asked is refused.
    #[error("{}", told(.0))]
    Refused(#[from] Refusal),
    /// No key of that id opens anything.
    #[error("no key has the id {0}, or it was revoked before")]
    NoKey(String),
    /// The other relay did not answer, or not as one.
    #[error("{url}: {error}")]
    Remote {
        /// What was called.
        url: String,
        /// Why.
        error: String,
    },
    /// The command is not whole, or its input is other than it should be.
    #[error("{0}")]
    Usage(String),
    /// Sources could not be trained here.
    #[error("the sources could not be trained: {0}")]
    Training(String),
    /// A file or the terminal.
    #[error("{0}")]
    System(#[from] io::Error),
}

fn told(refusal: &Refusal) -> String {
    match &refusal.param {
        Some(param) => format!("{} ({param}): {}", refusal.code, refusal.message),
        None => format!("{}: {}", refusal.code, refusal.message),
    }
}

/// `chinwag-relay key ...`.
pub async fn keys(
    config: &Config,
    command: &ApiKeys,
    out: &mut (dyn Write + Send),
) -> Result<(), ConsoleError> {
    let store = app::open_data(config).await?;
    match command {
        ApiKeys::New { name, is_test } => {
            let mode = if *is_test { Mode::Test } else { Mode::Live };
            let new = key::make(&store, mode, name).await?;
            // The key alone on the line, for `$(...)`; the rest is for people.
            writeln!(out, "{}", new.text)?;
            if io::stdout().is_terminal() {
                writeln!(io::stderr(), "This is shown once. Its id is {}.", new.record.id)?;
            }
        }
        ApiKeys::List { is_json } => {
            let keys: Vec<Value> = store.keys().await.map_err(Refusal::from)?.iter().map(show_key).collect();
            if *is_json {
                writeln!(out, "{}", Value::Array(keys))?;
            } else {
                table(out, &["id", "name", "mode", "hint", "created_at", "revoked_at"], &keys)?;
            }
        }
        ApiKeys::Revoke { id } => {
            if !store.revoke_key(id).await.map_err(Refusal::from)? {
                return Err(ConsoleError::NoKey(id.clone()));
            }
        }
    }
    store.close().await;
    Ok(())
}

fn show_key(key: &crate::store::KeyRecord) -> Value {
    json!({
        "id": key.id,
        "name": key.name,
        "mode": key.mode.word(),
        "hint": format!("...{}", key.hint),
        "created_at": key.created_at,
        "revoked_at": key.revoked_at,
    })
}

/// `chinwag-relay agents ...`.
pub async fn agents(
    config: &Config,
    command: &AgentsCommand,
    out: &mut (dyn Write + Send),
) -> Result<(), ConsoleError> {
    let place = Where {
        relay: command.url.clone(),
        key_file: command.key_file.clone(),
        test: command.test,
        json: command.json,
    };
    let counter = Counter::open(config, &place).await?;
    match &command.action {
        AgentAction::List { status } => {
            let mut all = Vec::new();
            let mut cursor = None;
            loop {
                let query = PageQuery { page_size: Some("100".to_owned()), cursor, status: status.clone() };
                let mut page = counter.call(Call::Agents { query }).await?;
                if let Some(Value::Array(items)) = page.get_mut("data").map(Value::take) {
                    all.extend(items);
                }
                match page.get("next_cursor").and_then(Value::as_str) {
                    Some(next) => cursor = Some(next.to_owned()),
                    None => break,
                }
            }
            if command.json {
                writeln!(out, "{}", Value::Array(all))?;
            } else {
                table(out, &["id", "name", "status", "provider", "base", "model", "updated_at"], &all)?;
            }
        }
        AgentAction::Show { id } => print(out, command.json, &counter.call(Call::Agent { id }).await?)?,
        AgentAction::Create(options) => {
            let made = counter.call(Call::AddAgent { body: options.body() }).await?;
            print(out, command.json, &made)?;
        }
        AgentAction::Update { id, options } => {
            let changed = counter.call(Call::ChangeAgent { id, body: options.body() }).await?;
            print(out, command.json, &changed)?;
        }
        AgentAction::Delete { id } => drop(counter.call(Call::DeleteAgent { id }).await?),
    }
    counter.close().await;
    Ok(())
}

impl AgentOptions {
    /// The fields that were named.
    fn body(&self) -> Value {
        let mut body = Map::new();
        let mut set = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                body.insert(name.to_owned(), value);
            }
        };
        set("name", self.name.clone().map(Value::from));
        set("model", self.model.clone().map(Value::from));
        set("system_prompt", self.system_prompt.clone().map(Value::from));
        set("temperature", self.temperature.map(Value::from));
        set("max_tokens", self.max_tokens.map(Value::from));
        set("status", self.status.clone().map(Value::from));
        set("provider", self.provider.clone().map(Value::from));
        set("base", self.base.clone().map(Value::from));
        set("provider_agent_id", self.provider_agent_id.clone().map(Value::from));
        Value::Object(body)
    }
}

fn read_key(file: &std::path::Path) -> Result<String, ConsoleError> {
    let mut text = String::new();
    if file.as_os_str() == "-" {
        io::stdin().read_to_string(&mut text)?;
    } else {
        text = std::fs::read_to_string(file)
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", file.display())))?;
    }
    Ok(text.trim().to_owned())
}

/// One object: as JSON, or a line for each field.
fn print(out: &mut (dyn Write + Send), json: bool, value: &Value) -> io::Result<()> {
    if json {
        return writeln!(out, "{value}");
    }
    let fields = value.as_object().into_iter().flatten();
    let width = value.as_object().into_iter().flatten().map(|(name, _)| name.len()).max().unwrap_or_default();
    for (name, value) in fields {
        writeln!(out, "{name:width$}  {}", cell(value))?;
    }
    Ok(())
}

fn table(out: &mut (dyn Write + Send), columns: &[&str], rows: &[Value]) -> io::Result<()> {
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| columns.iter().map(|column| cell(row.get(*column).unwrap_or(&Value::Null))).collect())
        .collect();
    let head: Vec<String> = columns.iter().map(|&column| column.to_owned()).collect();
    let widths: Vec<usize> = (0..columns.len())
        .map(|place| {
            let all = cells.iter().chain([&head]);
            all.filter_map(|row| row.get(place)).map(|cell| cell.chars().count()).max().unwrap_or_default()
        })
        .collect();
    for row in [&head].into_iter().chain(&cells) {
        let line: Vec<String> =
            row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}")).collect();
        writeln!(out, "{}", line.join("  ").trim_end())?;
    }
    Ok(())
}

/// A value in a table. What could move the cursor of a terminal does not.
fn cell(value: &Value) -> String {
    let text = match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}
