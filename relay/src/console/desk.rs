//! Where commands do their work: on the data folder, or at a relay elsewhere by
//! its URL and a key. Each call is the same at both.

use std::path::PathBuf;

use clap::Args;
use reqwest::Method;
use serde_json::Value;

use super::{ConsoleError, read_key};
use crate::app;
use crate::config::Config;
use crate::manage::export::ExportQuery;
use crate::manage::source::{Desk, Upload};
use crate::manage::{PageQuery, agent};
use crate::outward::Outward;
use crate::store::{Mode, Store};

/// Where, and how it is shown.
#[derive(Debug, Clone, Args)]
pub(super) struct Where {
    /// A relay elsewhere; without it, the data folder of the configuration.
    #[arg(long, global = true, value_name = "URL", requires = "key_file")]
    pub(super) relay: Option<String>,
    /// The file with the key for `--relay`, or - for standard input.
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) key_file: Option<PathBuf>,
    /// Test data in place of live data; with `--relay` the key decides.
    #[arg(long, global = true)]
    pub(super) test: bool,
    /// As JSON, as the API gives it.
    #[arg(long, global = true)]
    pub(super) json: bool,
}

/// One call of the API.
#[derive(Debug, Clone)]
pub(super) enum Call<'c> {
    Agents { query: PageQuery },
    Agent { id: &'c str },
    AddAgent { body: Value },
    ChangeAgent { id: &'c str, body: Value },
    DeleteAgent { id: &'c str },
    Sources { agent: &'c str, query: PageQuery },
    Source { agent: &'c str, id: &'c str },
    AddSource { agent: &'c str, body: Value },
    AddFile { agent: &'c str, upload: Upload },
    Retrain { agent: &'c str, id: &'c str },
    DeleteSource { agent: &'c str, id: &'c str },
    Pages { agent: &'c str, id: &'c str, query: PageQuery },
    ChangePages { agent: &'c str, id: &'c str, body: Value },
    Webhooks,
    AddWebhook { body: Value },
    ChangeWebhook { id: &'c str, body: Value },
    DeleteWebhook { id: &'c str },
    Ping { id: &'c str },
    Deliveries { id: &'c str, query: PageQuery },
    Resend { id: &'c str, delivery: &'c str },
    Export { query: ExportQuery },
}

/// Where calls go.
pub(super) enum Counter<'c> {
    /// The data folder.
    Here { store: Store, config: &'c Config, mode: Mode },
    /// A relay elsewhere.
    There { client: reqwest::Client, url: String, key: String },
}

impl<'c> Counter<'c> {
    pub(super) async fn open(config: &'c Config, place: &Where) -> Result<Self, ConsoleError> {
        Ok(match (&place.relay, &place.key_file) {
            (Some(url), Some(file)) => Self::There {
                client: reqwest::Client::new(),
                url: url.trim_end_matches('/').to_owned(),
                key: read_key(file)?,
            },
            _ => Self::Here {
                store: app::open_data(config).await?,
                config,
                mode: if place.test { Mode::Test } else { Mode::Live },
            },
        })
    }

    pub(super) async fn close(self) {
        if let Self::Here { store, .. } = self {
            store.close().await;
        }
    }

    pub(super) async fn call(&self, call: Call<'_>) -> Result<Value, ConsoleError> {
        match self {
            Self::Here { store, config, mode } => {
                here(&Desk { store, config, mode: *mode }, config, call).await
            }
            Self::There { client, url, key } => there(client, url, key, call).await,
        }
    }
}

async fn here(desk: &Desk<'_>, config: &Config, call: Call<'_>) -> Result<Value, ConsoleError> {
    let outward = || {
        Outward::new(&config.server.private_targets, config.server.limits.connect_timeout)
            .map_err(|error| std::io::Error::other(error.to_string()))
    };
    let Desk { store, mode, .. } = *desk;
    Ok(match call {
        Call::Agents { query } => agent::list(store, config, mode, &query).await?,
        Call::Agent { id } => agent::get(store, config, mode, id).await?,
        Call::AddAgent { body } => agent::create(store, config, mode, &body).await?,
        Call::ChangeAgent { id, body } => agent::change(store, config, mode, id, &body).await?,
        Call::DeleteAgent { id } => {
            agent::delete(store, mode, id).await?;
            Value::Null
        }
        Call::Sources { agent, query } => desk.sources(agent, &query).await?,
        Call::Source { agent, id } => desk.source(agent, id).await?,
        Call::AddSource { agent, body } => desk.add_source(agent, &body).await?,
        Call::AddFile { agent, upload } => desk.add_file(agent, upload).await?,
        Call::Retrain { agent, id } => desk.retrain(agent, id).await?,
        Call::DeleteSource { agent, id } => {
            desk.delete_source(agent, id).await?;
            Value::Null
        }
        Call::Pages { agent, id, query } => desk.pages(agent, id, &query).await?,
        Call::ChangePages { agent, id, body } => desk.change_pages(agent, id, &body).await?,
        Call::Webhooks => desk.webhooks().await?,
        Call::AddWebhook { body } => desk.add_webhook(&outward()?, &body).await?,
        Call::ChangeWebhook { id, body } => desk.change_webhook(&outward()?, id, &body).await?,
        Call::DeleteWebhook { id } => {
            desk.delete_webhook(id).await?;
            Value::Null
        }
        Call::Ping { id } => desk.ping(id).await?,
        Call::Deliveries { id, query } => desk.deliveries(id, &query).await?,
        Call::Resend { id, delivery } => desk.resend(id, delivery).await?,
        Call::Export { query } => desk.export(&query).await?,
    })
}

async fn there(
    client: &reqwest::Client,
    url: &str,
    key: &str,
    call: Call<'_>,
) -> Result<Value, ConsoleError> {
    let part = |text: &str| -> String { url::form_urlencoded::byte_serialize(text.as_bytes()).collect() };
    let one = |agent: &str| format!("/v1/agents/{}", part(agent));
    let source = |agent: &str, id: &str| format!("{}/sources/{}", one(agent), part(id));
    let mut bytes: Option<(String, Vec<u8>)> = None;
    let (method, path, query, body) = match call {
        Call::Agents { query } => (Method::GET, "/v1/agents".to_owned(), pairs(query), None),
        Call::Agent { id } => (Method::GET, one(id), Vec::new(), None),
        Call::AddAgent { body } => (Method::POST, "/v1/agents".to_owned(), Vec::new(), Some(body)),
        Call::ChangeAgent { id, body } => (Method::PATCH, one(id), Vec::new(), Some(body)),
        Call::DeleteAgent { id } => (Method::DELETE, one(id), Vec::new(), None),
        Call::Sources { agent, query } => {
            (Method::GET, format!("{}/sources", one(agent)), pairs(query), None)
        }
        Call::Source { agent, id } => (Method::GET, source(agent, id), Vec::new(), None),
        Call::AddSource { agent, body } => {
            (Method::POST, format!("{}/sources", one(agent)), Vec::new(), Some(body))
        }
        Call::AddFile { agent, upload } => {
            bytes = Some((upload.media_type, upload.bytes));
            let query = vec![("filename", Some(upload.filename)), ("title", upload.title)];
            (Method::POST, format!("{}/sources", one(agent)), query, None)
        }
        Call::Retrain { agent, id } => {
            (Method::POST, format!("{}/retrain", source(agent, id)), Vec::new(), None)
        }
        Call::DeleteSource { agent, id } => (Method::DELETE, source(agent, id), Vec::new(), None),
        Call::Pages { agent, id, query } => {
            (Method::GET, format!("{}/pages", source(agent, id)), pairs(query), None)
        }
        Call::ChangePages { agent, id, body } => {
            (Method::PUT, format!("{}/pages", source(agent, id)), Vec::new(), Some(body))
        }
        Call::Webhooks => (Method::GET, "/v1/webhooks".to_owned(), Vec::new(), None),
        Call::AddWebhook { body } => (Method::POST, "/v1/webhooks".to_owned(), Vec::new(), Some(body)),
        Call::ChangeWebhook { id, body } => {
            (Method::PATCH, format!("/v1/webhooks/{}", part(id)), Vec::new(), Some(body))
        }
        Call::DeleteWebhook { id } => {
            (Method::DELETE, format!("/v1/webhooks/{}", part(id)), Vec::new(), None)
        }
        Call::Ping { id } => (Method::POST, format!("/v1/webhooks/{}/ping", part(id)), Vec::new(), None),
        Call::Deliveries { id, query } => {
            (Method::GET, format!("/v1/webhooks/{}/deliveries", part(id)), pairs(query), None)
        }
        Call::Resend { id, delivery } => {
            let path = format!("/v1/webhooks/{}/deliveries/{}/resend", part(id), part(delivery));
            (Method::POST, path, Vec::new(), None)
        }
        Call::Export { query } => {
            let ExportQuery { since, until, site, page_size, cursor } = query;
            let query = vec![
                ("since", since),
                ("until", until),
                ("site", site),
                ("page_size", page_size),
                ("cursor", cursor),
            ];
            (Method::GET, "/v1/export/conversations".to_owned(), query, None)
        }
    };
    let mut text = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in query {
        if let Some(value) = value {
            text.append_pair(name, &value);
        }
    }
    let url = format!("{url}{path}?{}", text.finish());
    let fault = |error: String| ConsoleError::Remote { url: url.clone(), error };
    let mut request = client.request(method, &url).bearer_auth(key);
    if let Some(body) = body {
        request = request.header("content-type", "application/json").body(body.to_string());
    }
    if let Some((media_type, bytes)) = bytes {
        request = request.header("content-type", media_type).body(bytes);
    }
    let answer = request.send().await.map_err(|error| fault(error.to_string()))?;
    let status = answer.status();
    let text = answer.text().await.map_err(|error| fault(error.to_string()))?;
    let answer: Value = if text.is_empty() {
        Value::Null
    } else {
        serde_json::from_str(&text).map_err(|_| fault(format!("{status}, and no JSON")))?
    };
    if status.is_success() {
        return Ok(answer);
    }
    let message = answer.pointer("/error/message").and_then(Value::as_str).unwrap_or("no reason given");
    Err(fault(format!("{status}: {message}")))
}

fn pairs(query: PageQuery) -> Vec<(&'static str, Option<String>)> {
    vec![("page_size", query.page_size), ("cursor", query.cursor), ("status", query.status)]
}
