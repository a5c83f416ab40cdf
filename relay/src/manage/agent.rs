//! Agents as the API takes and gives them: `snake_case`, every field checked and
//! named when it is wrong.

use serde_json::{Map, Value, json};

use super::{PageQuery, Refusal, new_id};
use crate::config::{Config, Provider};
use crate::store::{AgentFields, AgentRecord, Listed, Mode, Store, StoreError};

/// Longest name, in characters.
const MAX_NAME_CHARS: usize = 100;

/// Longest prompt, in characters: it is paid for with every turn.
const MAX_PROMPT_CHARS: usize = 4_000;

/// Longest name of a model, or of an agent at the provider, in bytes.
const MAX_REFERENCE_BYTES: usize = 200;

/// Longest reply that may be asked for, in tokens.
const MAX_TOKENS: u32 = 4_096;

/// Longest reply if the caller does not say, in tokens.
const DEFAULT_TOKENS: u32 = 1_024;

/// The temperature if the caller does not say.
const DEFAULT_TEMPERATURE: f64 = 0.7;

/// Most items of a page, and how many there are if the caller does not say.
pub(crate) const MAX_PAGE_SIZE: usize = 100;
pub(crate) const DEFAULT_PAGE_SIZE: usize = 20;

/// Every field that a caller may send.
const FIELDS: &[&str] = &[
    "name",
    "model",
    "system_prompt",
    "temperature",
    "max_tokens",
    "status",
    "provider",
    "base",
    "provider_agent_id",
];

/// Makes an agent.
pub async fn create(store: &Store, config: &Config, mode: Mode, body: &Value) -> Result<Value, Refusal> {
    let body = object(body)?;
    if !body.contains_key("name") {
        return Err(Refusal::missing("name"));
    }
    let mut fields = AgentFields {
        name: String::new(),
        base: choose_base(config, body)?,
        model: None,
        system_prompt: None,
        temperature: DEFAULT_TEMPERATURE,
        max_tokens: DEFAULT_TOKENS,
        provider_agent_id: None,
        is_paused: false,
    };
    apply(&mut fields, body)?;
    check(config, &fields)?;
    let record = store.add_agent(mode, &new_id("agent"), &fields).await?;
    Ok(show(config, &record))
}

/// A page of agents, the newest first.
pub async fn list(store: &Store, config: &Config, mode: Mode, query: &PageQuery) -> Result<Value, Refusal> {
    let is_paused = match query.status.as_deref() {
        None => None,
        Some("active") => Some(false),
        Some("paused") => Some(true),
        Some(_) => return Err(Refusal::invalid("status", "status is active or paused")),
    };
    let limit = page_size(query.page_size.as_deref())?;
    let listed = store.agents(mode, is_paused, query.cursor.as_deref(), limit).await?;
    Ok(page(listed, |record| show(config, &record)))
}

/// One agent.
pub async fn get(store: &Store, config: &Config, mode: Mode, id: &str) -> Result<Value, Refusal> {
    Ok(show(config, &find(store, mode, id).await?))
}

/// The agent of that id, for keys of that mode.
pub async fn find(store: &Store, mode: Mode, id: &str) -> Result<AgentRecord, Refusal> {
    let found = store.agent(id).await?.filter(|record| record.mode == mode);
    found.ok_or_else(|| Refusal::not_found("agent"))
}

/// Changes what is sent, and nothing else.
pub async fn change(
    store: &Store,
    config: &Config,
    mode: Mode,
    id: &str,
    body: &Value,
) -> Result<Value, Refusal> {
    let body = object(body)?;
    let changed = store.change_agent(mode, id, |fields| {
        if body.contains_key("base") || body.contains_key("provider") {
            fields.base = choose_base(config, body)?;
        }
        apply(fields, body)?;
        check(config, fields)
    });
    let record = changed.await.map_err(|refusal: Refusal| match refusal.status {
        404 => Refusal::not_found("agent"),
        _ => refusal,
    })?;
    Ok(show(config, &record))
}

/// Removes an agent and its conversations.
pub async fn delete(store: &Store, mode: Mode, id: &str) -> Result<(), Refusal> {
    store.delete_agent(mode, id).await.map_err(|error| match error {
        StoreError::Missing => Refusal::not_found("agent"),
        error => error.into(),
    })
}

/// An agent as callers see it.
pub fn show(config: &Config, record: &AgentRecord) -> Value {
    let fields = &record.fields;
    let base = config.agents.get(&fields.base).map(|agent| &agent.provider);
    let hosted = base.and_then(Provider::hosted);
    let own_model = hosted.and_then(|hosted| hosted.model.as_deref());
    json!({
        "id": record.id,
        "name": fields.name,
        "model": fields.model.as_deref().or(own_model),
        "system_prompt": fields.system_prompt,
        "temperature": fields.temperature,
        "max_tokens": fields.max_tokens,
        "status": if fields.is_paused { "paused" } else { "active" },
        "provider": base.map(Provider::name),
        "base": fields.base,
        "provider_agent_id": fields.provider_agent_id,
        "created_at": record.created_at,
        "updated_at": record.updated_at,
    })
}

/// A page in the envelope of lists.
pub(crate) fn page<T>(listed: Listed<T>, show: impl Fn(T) -> Value) -> Value {
    let data: Vec<Value> = listed.data.into_iter().map(show).collect();
    json!({ "data": data, "has_more": listed.next_cursor.is_some(), "next_cursor": listed.next_cursor })
}

pub(crate) fn page_size(text: Option<&str>) -> Result<usize, Refusal> {
    let Some(text) = text else { return Ok(DEFAULT_PAGE_SIZE) };
    let size = text.parse().ok().filter(|size| (1..=MAX_PAGE_SIZE).contains(size));
    size.ok_or_else(|| Refusal::invalid("page_size", format!("page_size is 1 to {MAX_PAGE_SIZE}")))
}

fn object(body: &Value) -> Result<&Map<String, Value>, Refusal> {
    let Some(object) = body.as_object() else {
        return Err(Refusal::invalid("body", "the body is a JSON object"));
    };
    match object.keys().find(|key| !FIELDS.contains(&key.as_str())) {
        Some(unknown) => Err(Refusal::invalid(
            unknown,
            format!("an agent has no field {unknown}; there are {}", FIELDS.join(", ")),
        )),
        None => Ok(object),
    }
}

/// Puts what was sent into the fields. `null` takes a choice back.
fn apply(fields: &mut AgentFields, body: &Map<String, Value>) -> Result<(), Refusal> {
    if let Some(value) = body.get("name") {
        let name = text("name", value)?.trim();
        if !(1..=MAX_NAME_CHARS).contains(&name.chars().count()) {
            return Err(Refusal::unprocessable(
                "name",
                format!("a name has 1 to {MAX_NAME_CHARS} characters"),
            ));
        }
        name.clone_into(&mut fields.name);
    }
    if let Some(value) = body.get("system_prompt") {
        let prompt = maybe("system_prompt", value)?;
        if prompt.is_some_and(|prompt| prompt.chars().count() > MAX_PROMPT_CHARS) {
            let message = format!("a system_prompt has at most {MAX_PROMPT_CHARS} characters");
            return Err(Refusal::unprocessable("system_prompt", message));
        }
        fields.system_prompt = prompt.map(str::to_owned);
    }
    for (param, place) in [("model", &mut fields.model), ("provider_agent_id", &mut fields.provider_agent_id)]
    {
        let Some(value) = body.get(param) else { continue };
        let reference = maybe(param, value)?;
        if reference.is_some_and(|text| !(1..=MAX_REFERENCE_BYTES).contains(&text.len())) {
            let message = format!("{param} has 1 to {MAX_REFERENCE_BYTES} bytes");
            return Err(Refusal::unprocessable(param, message));
        }
        *place = reference.map(str::to_owned);
    }
    if let Some(value) = body.get("temperature") {
        let temperature =
            value.as_f64().ok_or_else(|| Refusal::invalid("temperature", "temperature is a number"))?;
        if !(0.0..=2.0).contains(&temperature) {
            return Err(Refusal::unprocessable("temperature", "temperature is 0.0 to 2.0"));
        }
        fields.temperature = temperature;
    }
    if let Some(value) = body.get("max_tokens") {
        let number =
            value.as_i64().ok_or_else(|| Refusal::invalid("max_tokens", "max_tokens is a whole number"))?;
        let tokens = u32::try_from(number).ok().filter(|tokens| (1..=MAX_TOKENS).contains(tokens));
        let message = format!("max_tokens is 1 to {MAX_TOKENS}");
        fields.max_tokens = tokens.ok_or_else(|| Refusal::unprocessable("max_tokens", message))?;
    }
    if let Some(value) = body.get("status") {
        fields.is_paused = match text("status", value)? {
            "active" => false,
            "paused" => true,
            _ => return Err(Refusal::unprocessable("status", "status is active or paused")),
        };
    }
    Ok(())
}

/// What the provider behind an agent has no place for would do nothing.
fn check(config: &Config, fields: &AgentFields) -> Result<(), Refusal> {
    let Some(base) = config.agents.get(&fields.base) else { return Ok(()) };
    let name = base.provider.name();
    let takes = base.provider.takes();
    for (param, is_set, is_taken) in [
        ("model", fields.model.is_some(), takes.model),
        ("system_prompt", fields.system_prompt.is_some(), takes.system_prompt),
        ("provider_agent_id", fields.provider_agent_id.is_some(), takes.agent_id),
    ] {
        if is_set && !is_taken {
            let message = format!("{param} would do nothing: the provider {name} takes none from here");
            return Err(Refusal::unprocessable(param, message));
        }
    }
    Ok(())
}

/// The section of the configuration that an agent stands on: the one that is
/// named, or the first of the provider that is named, or of those with a model.
fn choose_base(config: &Config, body: &Map<String, Value>) -> Result<String, Refusal> {
    let provider = body.get("provider").map(|value| text("provider", value)).transpose()?;
    if let Some(value) = body.get("base") {
        let base = text("base", value)?;
        let agent = config.agents.get(base).ok_or_else(|| {
            let known: Vec<&str> = config.agents.keys().map(String::as_str).collect();
            let message =
                format!("there is no [agent.{base}] in the configuration; there are {}", known.join(", "));
            Refusal::unprocessable("base", message)
        })?;
        if provider.is_some_and(|provider| provider != agent.provider.name()) {
            let message = format!("[agent.{base}] has the provider {}", agent.provider.name());
            return Err(Refusal::unprocessable("provider", message));
        }
        return Ok(base.to_owned());
    }
    let mut agents = config.agents.iter();
    let found = if let Some(provider) = provider {
        agents.find(|(_, agent)| agent.provider.name() == provider)
    } else {
        let with_model = config.agents.iter().find(|(_, agent)| agent.provider.takes().model);
        with_model.or_else(|| agents.next())
    };
    found.map(|(name, _)| name.clone()).ok_or_else(|| {
        let known: Vec<&str> = config.agents.values().map(|agent| agent.provider.name()).collect();
        let message = format!("the configuration has no agent of that provider; it has {}", known.join(", "));
        Refusal::unprocessable("provider", message)
    })
}

fn text<'v>(param: &str, value: &'v Value) -> Result<&'v str, Refusal> {
    value.as_str().ok_or_else(|| Refusal::invalid(param, format!("{param} is a text")))
}

fn maybe<'v>(param: &str, value: &'v Value) -> Result<Option<&'v str>, Refusal> {
    if value.is_null() { Ok(None) } else { text(param, value).map(Some) }
}
