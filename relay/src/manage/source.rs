//! Sources as the API takes and gives them.

use serde_json::{Map, Value, json};
use url::Url;

use super::agent::{page, page_size};
use super::{PageQuery, Refusal, agent, new_id};
use crate::config::Config;
use crate::knowledge::read::FileKind;
use crate::store::{
    AgentRecord, Mode, NewSource, SourceKind, SourcePage, SourceRecord, SourceStatus, Store, StoreError,
};

/// Longest title, in characters.
const MAX_TITLE_CHARS: usize = 200;

/// Longest URL, in bytes.
const MAX_URL_BYTES: usize = 2_000;

/// Pages that are added or removed by one call.
const MAX_PAGES_AT_ONCE: usize = 500;

/// Most pages of a website, and how many there are if the caller does not say.
pub(crate) const MAX_WEBSITE_PAGES: u64 = 1_000;
const DEFAULT_WEBSITE_PAGES: u64 = 200;

/// How many links deep a website is walked at most, and if the caller does not say.
pub(crate) const MAX_WEBSITE_DEPTH: u64 = 10;
const DEFAULT_WEBSITE_DEPTH: u64 = 3;

/// A file that is sent.
#[derive(Debug, Clone)]
pub struct Upload {
    /// Its name, by which its kind is told where the media type says nothing.
    pub filename: String,
    /// What it is to be called; the name without it.
    pub title: Option<String>,
    /// `Content-Type`.
    pub media_type: String,
    /// The file.
    pub bytes: Vec<u8>,
}

/// What the calls on an agent's sources share: who calls, and for which agent.
#[derive(Debug, Clone, Copy)]
pub struct Desk<'d> {
    /// Where everything is.
    pub store: &'d Store,
    /// What the operator decided.
    pub config: &'d Config,
    /// Whose data.
    pub mode: Mode,
}

impl Desk<'_> {
    /// The agent of that id, if it can have sources.
    async fn agent(&self, id: &str) -> Result<AgentRecord, Refusal> {
        agent::find(self.store, self.mode, id).await
    }

    /// Adds a text, a website or pages: a JSON body.
    pub async fn add_source(&self, agent: &str, body: &Value) -> Result<Value, Refusal> {
        let agent = self.agent(agent).await?;
        self.takes_sources(&agent)?;
        let body = body.as_object().ok_or_else(|| Refusal::invalid("body", "the body is a JSON object"))?;
        let kind = match required(body, "type")? {
            "text" => SourceKind::Text,
            "website" => SourceKind::Website,
            "pages" => SourceKind::Pages,
            "file" => {
                let message = "a file is sent as the body itself: with its Content-Type, and ?filename=NAME";
                return Err(Refusal::unprocessable("type", message));
            }
            _ => return Err(Refusal::unprocessable("type", "type is text, file, website or pages")),
        };
        let known: &[&str] = match kind {
            SourceKind::Text => &["type", "title", "content"],
            SourceKind::Website => &["type", "title", "url", "max_pages", "max_depth", "follow"],
            SourceKind::Pages | SourceKind::File => &["type", "title"],
        };
        only(body, known)?;
        let mut new = NewSource {
            id: new_id("src"),
            kind,
            title: String::new(),
            origin: None,
            media_type: None,
            options: "{}".to_owned(),
            content: None,
        };
        match kind {
            SourceKind::Text => {
                let content = required(body, "content")?;
                let most = self.config.server.limits.source_bytes;
                if content.trim().is_empty() || content.len() > most {
                    let message = format!("content has 1 to {most} bytes of text");
                    return Err(Refusal::unprocessable("content", message));
                }
                new.content = Some(content.as_bytes().to_vec());
                new.title = title(required(body, "title")?)?;
            }
            SourceKind::Website => {
                let url = website(required(body, "url")?)?;
                new.title = match body.get("title") {
                    Some(_) => title(required(body, "title")?)?,
                    None => url.host_str().unwrap_or_default().to_owned(),
                };
                let max_pages = count(body, "max_pages", DEFAULT_WEBSITE_PAGES, 1, MAX_WEBSITE_PAGES)?;
                let max_depth = count(body, "max_depth", DEFAULT_WEBSITE_DEPTH, 0, MAX_WEBSITE_DEPTH)?;
                let follow = match body.get("follow").map(Value::as_str) {
                    None => "auto",
                    Some(Some(way @ ("auto" | "sitemap" | "links"))) => way,
                    Some(_) => {
                        return Err(Refusal::unprocessable("follow", "follow is auto, sitemap or links"));
                    }
                };
                new.options =
                    json!({ "max_pages": max_pages, "max_depth": max_depth, "follow": follow }).to_string();
                new.origin = Some(url.into());
            }
            SourceKind::Pages | SourceKind::File => new.title = title(required(body, "title")?)?,
        }
        Ok(show(&self.store.add_source(&agent.id, &new).await?))
    }

    /// Adds a file.
    pub async fn add_file(&self, agent: &str, upload: Upload) -> Result<Value, Refusal> {
        let agent = self.agent(agent).await?;
        self.takes_sources(&agent)?;
        let name = upload.filename.trim();
        if name.is_empty() || name.len() > MAX_TITLE_CHARS || name.contains(char::is_control) {
            let message =
                format!("?filename=NAME says what the file is called, in 1 to {MAX_TITLE_CHARS} bytes");
            return Err(Refusal::invalid("filename", message));
        }
        let most = self.config.server.limits.source_bytes;
        if upload.bytes.is_empty() || upload.bytes.len() > most {
            return Err(Refusal::unprocessable("body", format!("a file has 1 to {most} bytes")));
        }
        let kind = FileKind::of(&upload.media_type, name)
            .map_err(|error| Refusal::unprocessable("filename", error.to_string()))?;
        let new = NewSource {
            id: new_id("src"),
            kind: SourceKind::File,
            title: title(upload.title.as_deref().unwrap_or(name))?,
            origin: Some(name.to_owned()),
            media_type: Some(kind.media_type().to_owned()),
            options: "{}".to_owned(),
            content: Some(upload.bytes),
        };
        Ok(show(&self.store.add_source(&agent.id, &new).await?))
    }

    /// A page of an agent's sources, the newest first.
    pub async fn sources(&self, agent: &str, query: &PageQuery) -> Result<Value, Refusal> {
        let agent = self.agent(agent).await?;
        let status = query.status.as_deref().map(|word| {
            SourceStatus::parse(word)
                .ok_or_else(|| Refusal::invalid("status", "status is queued, training, trained or failed"))
        });
        let limit = page_size(query.page_size.as_deref())?;
        let listed =
            self.store.sources(&agent.id, status.transpose()?, query.cursor.as_deref(), limit).await?;
        Ok(page(listed, |record| show(&record)))
    }

    /// One source.
    pub async fn source(&self, agent: &str, id: &str) -> Result<Value, Refusal> {
        let agent = self.agent(agent).await?;
        Ok(show(&self.store.source(&agent.id, id).await.map_err(missing)?))
    }

    /// Reads and indexes a source again.
    pub async fn retrain(&self, agent: &str, id: &str) -> Result<Value, Refusal> {
        let agent = self.agent(agent).await?;
        Ok(show(&self.store.queue_source(&agent.id, id).await.map_err(missing)?))
    }

    /// Removes a source.
    pub async fn delete_source(&self, agent: &str, id: &str) -> Result<(), Refusal> {
        let agent = self.agent(agent).await?;
        self.store.delete_source(&agent.id, id).await.map_err(missing)
    }

    /// A page of the pages that a source was read to, without their text.
    pub async fn pages(&self, agent: &str, id: &str, query: &PageQuery) -> Result<Value, Refusal> {
        let agent = self.agent(agent).await?;
        let source = self.store.source(&agent.id, id).await.map_err(missing)?;
        let limit = page_size(query.page_size.as_deref())?;
        let listed = self.store.page_entries(&source.id, query.cursor.as_deref(), limit).await?;
        Ok(page(
            listed,
            |entry| json!({ "url": entry.url, "title": entry.title, "hash": entry.hash, "characters": entry.chars }),
        ))
    }

    /// Adds, replaces and removes pages of a source of the type `pages`, and
    /// trains it.
    pub async fn change_pages(&self, agent: &str, id: &str, body: &Value) -> Result<Value, Refusal> {
        let agent = self.agent(agent).await?;
        let body = body.as_object().ok_or_else(|| Refusal::invalid("body", "the body is a JSON object"))?;
        only(body, &["pages", "remove"])?;
        let list = |name: &str| match body.get(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) => Ok(items.clone()),
            Some(_) => Err(Refusal::invalid(name, format!("{name} is a list"))),
        };
        let (pages, removed) = (list("pages")?, list("remove")?);
        if pages.len() + removed.len() > MAX_PAGES_AT_ONCE {
            let message = format!("one call changes at most {MAX_PAGES_AT_ONCE} pages");
            return Err(Refusal::unprocessable("pages", message));
        }
        let pages = pages.iter().map(|page| self.page(page)).collect::<Result<Vec<_>, _>>()?;
        let removed = removed.iter().map(|url| {
            url.as_str().map(str::to_owned).ok_or_else(|| Refusal::invalid("remove", "remove lists URLs"))
        });
        let removed = removed.collect::<Result<Vec<_>, _>>()?;
        let kept = self.store.change_pages(&agent.id, id, &pages, &removed).await.map_err(missing)?;
        Ok(show(&kept))
    }

    fn page(&self, page: &Value) -> Result<SourcePage, Refusal> {
        let page = page.as_object().ok_or_else(|| Refusal::invalid("pages", "a page is an object"))?;
        only(page, &["url", "title", "text"])?;
        let (url, text) = (required(page, "url")?, required(page, "text")?);
        let is_web = Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
        if !is_web || url.len() > MAX_URL_BYTES {
            let message = format!("the url of a page is an http(s) URL of at most {MAX_URL_BYTES} bytes");
            return Err(Refusal::unprocessable("url", message));
        }
        let most = self.config.server.limits.source_bytes;
        if text.len() > most {
            return Err(Refusal::unprocessable("text", format!("a page has at most {most} bytes")));
        }
        let named =
            page.get("title").and_then(Value::as_str).map(str::trim).filter(|title| !title.is_empty());
        let title: String = named.unwrap_or(url).chars().take(MAX_TITLE_CHARS).collect();
        Ok(SourcePage { url: url.to_owned(), title, text: text.to_owned() })
    }

    fn takes_sources(&self, agent: &AgentRecord) -> Result<(), Refusal> {
        let Some(section) = self.config.agents.get(&agent.fields.base) else { return Ok(()) };
        if section.provider.takes().knowledge {
            return Ok(());
        }
        let provider = section.provider.name();
        let message = format!("an agent of {provider} answers from what it is given there");
        Err(Refusal::unprocessable("agent_id", message))
    }
}

/// A source as callers see it.
pub fn show(record: &SourceRecord) -> Value {
    let mut shown = json!({
        "id": record.id,
        "agent_id": record.agent,
        "type": record.kind.word(),
        "title": record.title,
        "status": record.status.word(),
        "reason": record.reason,
        "progress": { "done": record.done, "total": record.total },
        "created_at": record.created_at,
        "updated_at": record.updated_at,
        "trained_at": record.trained_at,
    });
    let Some(object) = shown.as_object_mut() else { return shown };
    match record.kind {
        SourceKind::Website => {
            object.insert("url".to_owned(), json!(record.origin));
            let options: Map<String, Value> = serde_json::from_str(&record.options).unwrap_or_default();
            object.extend(options);
        }
        SourceKind::File => {
            object.insert("filename".to_owned(), json!(record.origin));
            object.insert("media_type".to_owned(), json!(record.media_type));
        }
        SourceKind::Text | SourceKind::Pages => {}
    }
    shown
}

fn missing(error: StoreError) -> Refusal {
    match error {
        StoreError::Missing => Refusal::not_found("source"),
        error => error.into(),
    }
}

fn only(body: &Map<String, Value>, known: &[&str]) -> Result<(), Refusal> {
    match body.keys().find(|key| !known.contains(&key.as_str())) {
        Some(unknown) => {
            let message = format!("there is no field {unknown}; there are {}", known.join(", "));
            Err(Refusal::invalid(unknown, message))
        }
        None => Ok(()),
    }
}

fn required<'b>(body: &'b Map<String, Value>, name: &str) -> Result<&'b str, Refusal> {
    let value = body.get(name).ok_or_else(|| Refusal::missing(name))?;
    value.as_str().ok_or_else(|| Refusal::invalid(name, format!("{name} is a text")))
}

fn title(text: &str) -> Result<String, Refusal> {
    let text = text.trim();
    if !(1..=MAX_TITLE_CHARS).contains(&text.chars().count()) {
        let message = format!("a title has 1 to {MAX_TITLE_CHARS} characters");
        return Err(Refusal::unprocessable("title", message));
    }
    Ok(text.to_owned())
}

fn website(text: &str) -> Result<Url, Refusal> {
    let message =
        format!("url is an http(s) URL of at most {MAX_URL_BYTES} bytes, without user and password");
    let url = Url::parse(text).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && text.len() <= MAX_URL_BYTES
    });
    url.ok_or_else(|| Refusal::unprocessable("url", message))
}

fn count(body: &Map<String, Value>, name: &str, default: u64, least: u64, most: u64) -> Result<u64, Refusal> {
    let Some(value) = body.get(name) else { return Ok(default) };
    let number = value.as_u64().ok_or_else(|| Refusal::invalid(name, format!("{name} is a whole number")))?;
    if !(least..=most).contains(&number) {
        return Err(Refusal::unprocessable(name, format!("{name} is {least} to {most}")));
    }
    Ok(number)
}
