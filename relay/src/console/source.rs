//! `chinwag-relay sources ...`.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, IsTerminal as _, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::desk::{Call, Counter, Where};
use super::{ConsoleError, print, table};
use crate::config::{Config, Hosted, Provider, Secret};
use crate::knowledge::Knowledge;
use crate::knowledge::crawl::strip_repeated;
use crate::manage::PageQuery;
use crate::manage::source::Upload;
use crate::store::SourcePage;

/// How often a source that is trained elsewhere is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Pages of one call, and their text, in bytes.
const BATCH_PAGES: usize = 200;
const BATCH_BYTES: usize = 4 * 1024 * 1024;

/// Shortest name of a chatbot at Chatbase, in characters.
const MIN_CHATBOT_NAME: usize = 3;

/// How long Chatbase may take to take a corpus in.
const CHATBASE_PATIENCE: Duration = Duration::from_mins(2);

/// Longest title of a page, in characters.
const MAX_TITLE_CHARS: usize = 200;

/// What can be done with the sources of an agent.
#[derive(Debug, Clone, Args)]
pub struct SourcesCommand {
    #[command(subcommand)]
    action: Action,
    /// The agent: `agent_` and ten characters.
    #[arg(long, global = true, value_name = "ID", default_value = "")]
    agent: String,
    #[command(flatten)]
    place: Where,
}

#[derive(Debug, Clone, Subcommand)]
enum Action {
    /// Lists the sources of an agent, the newest first.
    List {
        /// queued, training, trained or failed.
        #[arg(long)]
        status: Option<String>,
    },
    /// Shows one.
    Show {
        /// Its id.
        id: String,
    },
    /// Adds a file (Markdown, HTML, text, PDF) or a website, and waits until it
    /// is trained.
    Add(Added),
    /// Reads and indexes one again.
    Retrain {
        /// Its id.
        id: String,
    },
    /// Removes one.
    Delete {
        /// Its id.
        id: String,
    },
    /// Brings a crawl's pages in: adds, replaces and removes what has changed.
    Sync(Sync),
}

#[derive(Debug, Clone, Args)]
#[group(skip)]
struct Added {
    /// The file.
    #[arg(long, value_name = "FILE", conflicts_with = "website", required_unless_present = "website")]
    file: Option<PathBuf>,
    /// The first page of a website.
    #[arg(long, value_name = "URL")]
    website: Option<String>,
    /// What it is called in citations.
    #[arg(long)]
    title: Option<String>,
    /// Most pages of a website.
    #[arg(long)]
    max_pages: Option<u64>,
    /// Most links from the first page.
    #[arg(long)]
    max_depth: Option<u64>,
    /// auto, sitemap or links.
    #[arg(long)]
    follow: Option<String>,
}

#[derive(Debug, Clone, Args)]
#[group(skip)]
struct Sync {
    /// The crawl as a file: a JSON array of `{url, metadata?.title, markdown | text}`.
    #[arg(long, value_name = "FILE", conflicts_with = "url", required_unless_present = "url")]
    file: Option<PathBuf>,
    /// The crawl as a URL, such as that of an Apify dataset's items.
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// What the source is called; a crawl of the same name takes its place.
    #[arg(long, default_value = "crawl")]
    name: String,
    /// `chatbase` sends the pages to the chatbot of the section `--agent` of the
    /// configuration in place of the relay's own index.
    #[arg(long, value_parser = ["chatbase"])]
    to: Option<String>,
}

/// `chinwag-relay sources ...`.
pub async fn sources(
    config: &Config,
    command: &SourcesCommand,
    out: &mut (dyn Write + Send),
) -> Result<(), ConsoleError> {
    if command.agent.is_empty() {
        return Err(ConsoleError::Usage("--agent says whose sources they are".to_owned()));
    }
    if let Action::Sync(sync) = &command.action
        && sync.to.is_some()
    {
        return to_chatbase(config, &command.agent, sync, command.place.json, out).await;
    }
    let counter = Counter::open(config, &command.place).await?;
    let (agent, json) = (command.agent.as_str(), command.place.json);
    match &command.action {
        Action::List { status } => {
            let query =
                |cursor| PageQuery { page_size: Some("100".to_owned()), cursor, status: status.clone() };
            let (mut all, mut cursor) = (Vec::new(), None);
            loop {
                let mut page = counter.call(Call::Sources { agent, query: query(cursor) }).await?;
                if let Some(Value::Array(items)) = page.get_mut("data").map(Value::take) {
                    all.extend(items);
                }
                match page.get("next_cursor").and_then(Value::as_str) {
                    Some(next) => cursor = Some(next.to_owned()),
                    None => break,
                }
            }
            if json {
                writeln!(out, "{}", Value::Array(all))?;
            } else {
                table(out, &["id", "type", "title", "status", "reason", "updated_at"], &all)?;
            }
        }
        Action::Show { id } => print(out, json, &counter.call(Call::Source { agent, id }).await?)?,
        Action::Add(added) => {
            let made = match &added.file {
                Some(file) => counter.call(Call::AddFile { agent, upload: upload(file, added)? }).await?,
                None => counter.call(Call::AddSource { agent, body: website(added) }).await?,
            };
            print(out, json, &settle(&counter, config, agent, &made).await?)?;
        }
        Action::Retrain { id } => {
            let queued = counter.call(Call::Retrain { agent, id }).await?;
            print(out, json, &settle(&counter, config, agent, &queued).await?)?;
        }
        Action::Delete { id } => {
            counter.call(Call::DeleteSource { agent, id }).await?;
        }
        Action::Sync(sync) => {
            let told = bring_in(&counter, config, agent, sync).await?;
            print(out, json, &told)?;
        }
    }
    counter.close().await;
    Ok(())
}

fn upload(file: &Path, added: &Added) -> Result<Upload, ConsoleError> {
    let bytes = std::fs::read(file)
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", file.display())))?;
    let filename = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let media_type = "application/octet-stream".to_owned();
    Ok(Upload { filename, title: added.title.clone(), media_type, bytes })
}

fn website(added: &Added) -> Value {
    let mut body = json!({ "type": "website", "url": added.website });
    if let Some(body) = body.as_object_mut() {
        for (name, value) in [
            ("title", added.title.clone().map(Value::from)),
            ("max_pages", added.max_pages.map(Value::from)),
            ("max_depth", added.max_depth.map(Value::from)),
            ("follow", added.follow.clone().map(Value::from)),
        ] {
            if let Some(value) = value {
                body.insert(name.to_owned(), value);
            }
        }
    }
    body
}

/// Waits until a source is trained or has failed; trains it here, if no relay
/// runs on the data folder.
async fn settle(
    counter: &Counter<'_>,
    config: &Config,
    agent: &str,
    source: &Value,
) -> Result<Value, ConsoleError> {
    let id = source.get("id").and_then(Value::as_str).unwrap_or_default();
    let training = match counter {
        Counter::Here { store, .. } => {
            let knowledge = Knowledge::new(store.clone(), config);
            Some(tokio::spawn(async move { knowledge.work_off().await }))
        }
        Counter::There { .. } => None,
    };
    let is_shown = io::stderr().is_terminal();
    let settled = loop {
        let now = counter.call(Call::Source { agent, id }).await?;
        if matches!(now.get("status").and_then(Value::as_str), Some("trained" | "failed")) {
            break now;
        }
        if is_shown {
            let count = |name| now.pointer(&format!("/progress/{name}")).and_then(Value::as_u64).unwrap_or(0);
            write!(io::stderr(), "\r{} of {} pages ", count("done"), count("total"))?;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    };
    if is_shown {
        writeln!(io::stderr(), "\r{}", settled.get("status").and_then(Value::as_str).unwrap_or_default())?;
    }
    if let Some(training) = training
        && let Ok(Err(error)) = training.await
    {
        return Err(ConsoleError::Training(error.to_string()));
    }
    Ok(settled)
}

/// The pages of a crawl, cleaned, by URL.
async fn read_crawl(sync: &Sync) -> Result<Vec<SourcePage>, ConsoleError> {
    let (text, place) = match (&sync.file, &sync.url) {
        (Some(file), _) => {
            let text = std::fs::read_to_string(file)
                .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", file.display())))?;
            (text, file.display().to_string())
        }
        (None, url) => {
            let url = url.clone().unwrap_or_default();
            let fault = |error: reqwest::Error| ConsoleError::Remote {
                url: url.split('?').next().unwrap_or_default().to_owned(),
                error: error.without_url().to_string(),
            };
            let answer = reqwest::Client::new().get(&url).send().await.map_err(fault)?;
            let answer = answer.error_for_status().map_err(fault)?;
            (answer.text().await.map_err(fault)?, url.split('?').next().unwrap_or_default().to_owned())
        }
    };
    let items: Vec<Value> = serde_json::from_str(&text).map_err(|error| {
        ConsoleError::Usage(format!("{place}: a JSON array of pages is expected: {error}"))
    })?;
    let mut pages: BTreeMap<String, SourcePage> = BTreeMap::new();
    for item in &items {
        let text = |pointer: &str| {
            item.pointer(pointer).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty())
        };
        // A page that was not read has an address and no text.
        let (Some(url), Some(body)) = (text("/url"), text("/markdown").or_else(|| text("/text"))) else {
            continue;
        };
        let title = text("/metadata/title").or_else(|| text("/title")).unwrap_or(url);
        let title: String = title.chars().take(MAX_TITLE_CHARS).collect();
        pages.insert(url.to_owned(), SourcePage { url: url.to_owned(), title, text: body.to_owned() });
    }
    if pages.is_empty() {
        return Err(ConsoleError::Usage(format!("{place}: there is no page with url and markdown or text")));
    }
    let mut pages: Vec<SourcePage> = pages.into_values().collect();
    strip_repeated(&mut pages);
    Ok(pages)
}

async fn bring_in(
    counter: &Counter<'_>,
    config: &Config,
    agent: &str,
    sync: &Sync,
) -> Result<Value, ConsoleError> {
    let pages = read_crawl(sync).await?;
    let id = crawl_source(counter, agent, &sync.name).await?;
    let known = known_pages(counter, agent, &id).await?;
    let there: BTreeSet<&str> = pages.iter().map(|page| page.url.as_str()).collect();
    let removed: Vec<&String> = known.keys().filter(|url| !there.contains(url.as_str())).collect();
    let changed: Vec<&SourcePage> =
        pages.iter().filter(|page| known.get(&page.url) != Some(&page.hash())).collect();
    let replaced = changed.iter().filter(|page| known.contains_key(&page.url)).count();
    let mut rest: &[&SourcePage] = &changed;
    while !rest.is_empty() {
        let mut bytes = 0;
        let fits = rest.iter().take(BATCH_PAGES).take_while(|page| {
            bytes += page.text.len();
            bytes <= BATCH_BYTES
        });
        let (batch, after) = rest.split_at(fits.count().max(1));
        rest = after;
        let batch: Vec<Value> = batch
            .iter()
            .map(|page| json!({ "url": page.url, "title": page.title, "text": page.text }))
            .collect();
        counter.call(Call::ChangePages { agent, id: &id, body: json!({ "pages": batch }) }).await?;
    }
    for batch in removed.chunks(BATCH_PAGES) {
        counter.call(Call::ChangePages { agent, id: &id, body: json!({ "remove": batch }) }).await?;
    }
    let source = settle(counter, config, agent, &json!({ "id": id })).await?;
    Ok(json!({
        "source_id": id,
        "added": changed.len() - replaced,
        "replaced": replaced,
        "removed": removed.len(),
        "unchanged": pages.len() - changed.len(),
        "status": source.get("status"),
        "reason": source.get("reason"),
    }))
}

/// The source of that name, made if there is none.
async fn crawl_source(counter: &Counter<'_>, agent: &str, name: &str) -> Result<String, ConsoleError> {
    let mut cursor = None;
    loop {
        let query = PageQuery { page_size: Some("100".to_owned()), cursor, status: None };
        let page = counter.call(Call::Sources { agent, query }).await?;
        let found = page.get("data").and_then(Value::as_array).into_iter().flatten().find(|source| {
            source.get("type").is_some_and(|kind| kind == "pages")
                && source.get("title").is_some_and(|title| title == name)
        });
        if let Some(id) = found.and_then(|source| source.get("id")).and_then(Value::as_str) {
            return Ok(id.to_owned());
        }
        match page.get("next_cursor").and_then(Value::as_str) {
            Some(next) => cursor = Some(next.to_owned()),
            None => break,
        }
    }
    let made =
        counter.call(Call::AddSource { agent, body: json!({ "type": "pages", "title": name }) }).await?;
    Ok(made.get("id").and_then(Value::as_str).unwrap_or_default().to_owned())
}

/// What a source has: hashes by URL.
async fn known_pages(
    counter: &Counter<'_>,
    agent: &str,
    id: &str,
) -> Result<BTreeMap<String, String>, ConsoleError> {
    let (mut known, mut cursor) = (BTreeMap::new(), None);
    loop {
        let query = PageQuery { page_size: Some("100".to_owned()), cursor, status: None };
        let page = counter.call(Call::Pages { agent, id, query }).await?;
        for entry in page.get("data").and_then(Value::as_array).into_iter().flatten() {
            let text = |name| entry.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            known.insert(text("url"), text("hash"));
        }
        match page.get("next_cursor").and_then(Value::as_str) {
            Some(next) => cursor = Some(next.to_owned()),
            None => return Ok(known),
        }
    }
}

/// Sends a crawl as the text of a chatbot at Chatbase; it takes the place of all
/// text that the chatbot had.
async fn to_chatbase(
    config: &Config,
    agent: &str,
    sync: &Sync,
    is_json: bool,
    out: &mut (dyn Write + Send),
) -> Result<(), ConsoleError> {
    let section = config.agents.get(agent);
    let Some((section, Provider::ChatbaseV1(chatbase))) = section.map(|section| (section, &section.provider))
    else {
        let message = "--to chatbase needs --agent NAME of a section with provider = \"chatbase-v1\"";
        return Err(ConsoleError::Usage(message.to_owned()));
    };
    let pages = read_crawl(sync).await?;
    let texts: Vec<String> =
        pages.iter().map(|page| format!("# {}\n{}\n\n{}", page.title, page.url, page.text)).collect();
    let text = texts.join("\n\n---\n\n");
    let account = Chatbase { hosted: &chatbase.hosted, client: reqwest::Client::new() };
    // The call sets the name too: that of the chatbot stays, where it can be read.
    let name = account.name().await.unwrap_or_else(|| section.name.clone());
    if name.chars().count() < MIN_CHATBOT_NAME {
        let message = format!(
            "Chatbase takes names of {MIN_CHATBOT_NAME} characters or more: set `name` of [agent.{agent}]"
        );
        return Err(ConsoleError::Usage(message));
    }
    account
        .update(&json!({ "chatbotId": chatbase.hosted.agent_id, "chatbotName": name, "sourceText": text }))
        .await?;
    let told = json!({ "chatbot_id": chatbase.hosted.agent_id, "pages": pages.len(), "characters": text.chars().count() });
    Ok(print(out, is_json, &told)?)
}

/// A chatbot's account at Chatbase.
struct Chatbase<'c> {
    hosted: &'c Hosted,
    client: reqwest::Client,
}

impl Chatbase<'_> {
    fn request(&self, method: reqwest::Method, path: &str) -> (String, reqwest::RequestBuilder) {
        let url = format!("{}/{path}", self.hosted.base_url.as_str().trim_end_matches('/'));
        let key = self.hosted.api_key.as_ref().map(Secret::expose).unwrap_or_default();
        let request = self.client.request(method, &url).bearer_auth(key).headers(self.hosted.headers.clone());
        (url, request.timeout(CHATBASE_PATIENCE))
    }

    /// What the chatbot is called there; `None` if that cannot be read.
    async fn name(&self) -> Option<String> {
        let (_, request) = self.request(reqwest::Method::GET, "get-chatbots");
        let answer = request.send().await.ok()?.error_for_status().ok()?;
        let body: Value = serde_json::from_slice(&answer.bytes().await.ok()?).ok()?;
        // The list is documented bare, and in `chatbots` and `data`.
        let list = ["/chatbots/data", "/chatbots", "/data", ""]
            .iter()
            .find_map(|place| body.pointer(place)?.as_array());
        let own = list?.iter().find(|chatbot| {
            let id = chatbot.get("id").or_else(|| chatbot.get("chatbotId")).and_then(Value::as_str);
            id.is_some() && id == self.hosted.agent_id.as_deref()
        })?;
        Some(own.get("name").or_else(|| own.get("chatbotName"))?.as_str()?.to_owned())
    }

    async fn update(&self, body: &Value) -> Result<(), ConsoleError> {
        let (url, request) = self.request(reqwest::Method::POST, "update-chatbot-data");
        let fault = |error: String| ConsoleError::Remote { url: url.clone(), error };
        let request = request.header("content-type", "application/json").body(body.to_string());
        let answer = request.send().await.map_err(|error| fault(error.without_url().to_string()))?;
        let status = answer.status();
        let said = answer.bytes().await.map_err(|error| fault(error.without_url().to_string()))?;
        let said: Value = serde_json::from_slice(&said).unwrap_or_default();
        if status.is_success() {
            return Ok(());
        }
        let message = said.get("message").and_then(Value::as_str).unwrap_or_default();
        let message: String = message.chars().take(MAX_TITLE_CHARS).collect();
        Err(fault(format!("{status} {message}").trim_end().to_owned()))
    }
}
