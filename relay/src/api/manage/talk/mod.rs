//! `/v1/conversations` under a key: a server talks to an agent.

mod answer;

use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use axum::routing::get;
use axum::{Json, Router};
use chinwag_protocol::limits::MAX_MESSAGE_CHARS;
use chinwag_protocol::{ConversationId, MessageId, Part, Role, UiMessage};
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use self::answer::{Answering, sources};
use super::caller::{Caller, JsonValue};
use super::error::ManageError;
use super::once::{key_of, once};
use crate::app::App;
use crate::edge::RequestId;
use crate::generation::{Ask, AskError};
use crate::limit::{Asker, StreamRefused};
use crate::manage::{Refusal, agent, key, new_id};
use crate::store::{Mode, Question, Store, StoreError, Talk};

/// Most keys of a conversation's metadata.
const MAX_METADATA_KEYS: usize = 20;

/// Largest metadata, in bytes of its JSON text.
const MAX_METADATA_BYTES: usize = 8 * 1024;

/// Most messages that are given with a conversation.
const MAX_MESSAGES: usize = 1_000;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/conversations", get(list).post(say))
        .route("/conversations/{id}", get(show).patch(note).delete(delete))
}

/// The named parameters of a query; one that nobody knows is refused.
pub(super) fn query<const N: usize>(
    RawQuery(raw): RawQuery,
    known: [&str; N],
) -> Result<[Option<String>; N], Refusal> {
    let mut values = [const { None }; N];
    for (name, value) in url::form_urlencoded::parse(raw.unwrap_or_default().as_bytes()) {
        let place = known.iter().position(|known| *known == name).and_then(|place| values.get_mut(place));
        let Some(place) = place else {
            let message = format!("there is no such parameter; there are {}", known.join(", "));
            return Err(Refusal::invalid(&name, message));
        };
        *place = Some(value.into_owned());
    }
    Ok(values)
}

/// What `POST /v1/conversations` is asked.
struct Saying {
    agent_id: String,
    message: String,
    conversation_id: Option<String>,
    is_stream: bool,
    metadata: Option<String>,
}

impl Saying {
    fn read(body: &Value) -> Result<Self, Refusal> {
        let body = object(body, &["agent_id", "message", "conversation_id", "stream", "metadata"])?;
        let message = required(body, "message")?;
        let chars = message.chars().count();
        if message.trim().is_empty() || chars > MAX_MESSAGE_CHARS {
            let words = format!("a message has 1 to {MAX_MESSAGE_CHARS} characters; this one has {chars}");
            return Err(Refusal::unprocessable("message", words));
        }
        let conversation_id = match body.get("conversation_id") {
            None | Some(Value::Null) => None,
            Some(Value::String(id)) => Some(id.clone()),
            Some(_) => return Err(Refusal::invalid("conversation_id", "conversation_id is a text")),
        };
        let is_stream = match body.get("stream") {
            None | Some(Value::Null) => false,
            Some(Value::Bool(is_stream)) => *is_stream,
            Some(_) => return Err(Refusal::invalid("stream", "stream is true or false")),
        };
        Ok(Self {
            agent_id: required(body, "agent_id")?.to_owned(),
            message: message.to_owned(),
            conversation_id,
            is_stream,
            metadata: body.get("metadata").map(metadata).transpose()?,
        })
    }
}

async fn say(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    JsonValue(body): JsonValue,
) -> Result<Response, ManageError> {
    let saying = Saying::read(&body)?;
    let (store, mode) = (app.store(), caller.key.mode);
    let agent =
        agent::find(store, mode, &saying.agent_id).await.map_err(|refusal| refusal.about("agent_id"))?;
    if agent.fields.is_paused {
        return Err(Refusal::conflict("agent_paused", "the agent is paused").about("agent_id").into());
    }
    let owner = Store::talks_of(mode, &agent.id)?;
    let in_use = app.agent(&agent.id).await?.ok_or_else(|| {
        Refusal::failed(503, "agent_unavailable", "the agent cannot be set up; the relay's log says why")
    })?;

    // With an Idempotency-Key question and conversation have ids that follow
    // from it: sent again, it is the same question, and gets the same reply.
    let once = key_of(&headers)?.map(|once| key::hash(&format!("{} {once}", caller.key.id)));
    let id = match (&saying.conversation_id, &once) {
        (Some(id), _) => known(&app, mode, &agent.id, id).await?,
        (None, Some(once)) => conversation_id(&format!("conv_{}", once.get(..20).unwrap_or(once)))?,
        (None, None) => conversation_id(&new_id("conv"))?,
    };
    let question_id = once.unwrap_or_else(|| Uuid::now_v7().to_string());
    let question_id = MessageId::parse(&question_id)
        .map_err(|error| Refusal::failed(500, "internal", error.to_string()))?;
    let message = UiMessage {
        id: question_id.as_str().to_owned(),
        role: Role::User,
        parts: vec![Part::Text { text: saying.message }],
        metadata: None,
    };
    let asker = || Asker { owner: &owner, address: caller.address, agent: &agent.id };
    app.limits().message(asker())?;
    let permit = app.limits().stream(asker()).map_err(|refused| {
        let message = match refused {
            StreamRefused::TooMany { limit } => format!("at most {limit} replies can run at once"),
            StreamRefused::Full => "the relay has as many open replies as it can hold".to_owned(),
        };
        Refusal::failed(429, "rate_limit_exceeded", message)
    })?;
    let ask = Ask {
        owner,
        conversation: id.clone(),
        tools: Vec::new(),
        context: None,
        public_origin: app.config().own_origins().first().map(ToString::to_string).unwrap_or_default(),
        upstream: in_use.upstream,
        agent: app.counted_as(&agent.id),
        request_id: RequestId::current().map(|id| id.to_string()).unwrap_or_default(),
    };
    let question = Question::new(question_id, message)?;
    let reader = app.generations().submit(ask, question).await.map_err(refuse)?;
    let talk = match &saying.metadata {
        Some(metadata) => store.note_talk(mode, id.as_str(), metadata).await?,
        None => store.talk(mode, id.as_str()).await?,
    };
    let answering = Answering::new(talk, reader, permit);
    Ok(if saying.is_stream {
        answering.stream(app.config().server.limits.heartbeat)
    } else {
        answering.whole().await?
    })
}

/// A conversation that the caller names.
async fn known(app: &App, mode: Mode, agent: &str, id: &str) -> Result<ConversationId, Refusal> {
    let missing = || Refusal::not_found("conversation").about("conversation_id");
    let id = ConversationId::parse(id).map_err(|_| missing())?;
    let talk = app.store().talk(mode, id.as_str()).await.map_err(|_| missing())?;
    if talk.agent_id != agent {
        let message = "this conversation is with another agent";
        return Err(Refusal::unprocessable("conversation_id", message));
    }
    Ok(id)
}

async fn list(State(app): State<App>, caller: Caller, raw: RawQuery) -> Result<Json<Value>, ManageError> {
    let [page_size, cursor, agent_id] = query(raw, ["page_size", "cursor", "agent_id"])?;
    let limit = agent::page_size(page_size.as_deref())?;
    let listed = app.store().talks(caller.key.mode, agent_id.as_deref(), cursor.as_deref(), limit).await?;
    Ok(Json(agent::page(listed, |talk| describe(&talk))))
}

async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, ManageError> {
    let talk = find(&app, caller.key.mode, &id).await?;
    let messages = app.store().talk_messages(caller.key.mode, &talk, MAX_MESSAGES).await?;
    let mut body = describe(&talk);
    if let Some(body) = body.as_object_mut() {
        body.insert("messages".to_owned(), messages.iter().map(show_message).collect());
    }
    Ok(Json(body))
}

async fn note(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    JsonValue(body): JsonValue,
) -> Result<Response, ManageError> {
    let call = format!("PATCH /conversations/{id} {body}");
    let work = async {
        let body = object(&body, &["metadata"])?;
        let value = body.get("metadata").ok_or_else(|| Refusal::missing("metadata"))?;
        find(&app, caller.key.mode, &id).await?;
        let talk = app.store().note_talk(caller.key.mode, &id, &metadata(value)?).await?;
        Ok((StatusCode::OK, Some(describe(&talk))))
    };
    once(&app, &caller.key, &headers, &call, work).await
}

async fn delete(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ManageError> {
    let call = format!("DELETE /conversations/{id}");
    let work = async {
        let talk = find(&app, caller.key.mode, &id).await?;
        let owner = Store::talks_of(caller.key.mode, &talk.agent_id)?;
        app.generations().delete(&owner, &conversation_id(&talk.id)?).await?;
        Ok((StatusCode::NO_CONTENT, None))
    };
    once(&app, &caller.key, &headers, &call, work).await
}

async fn find(app: &App, mode: Mode, id: &str) -> Result<Talk, Refusal> {
    app.store().talk(mode, id).await.map_err(|error| match error {
        StoreError::Missing => Refusal::not_found("conversation"),
        error => error.into(),
    })
}

fn conversation_id(text: &str) -> Result<ConversationId, Refusal> {
    ConversationId::parse(text).map_err(|error| Refusal::failed(500, "internal", error.to_string()))
}

fn describe(talk: &Talk) -> Value {
    json!({
        "id": talk.id,
        "agent_id": talk.agent_id,
        "metadata": serde_json::from_str(&talk.metadata).unwrap_or_else(|_| json!({})),
        "created_at": talk.created_at,
        "updated_at": talk.updated_at,
    })
}

fn show_message(message: &UiMessage) -> Value {
    let timestamp = message.metadata.as_ref().and_then(|metadata| metadata.created_at.clone());
    let mut shown = json!({ "role": message.role, "content": message.text(), "timestamp": timestamp });
    if let (Role::Assistant, Some(shown)) = (message.role, shown.as_object_mut()) {
        shown.insert("sources_used".to_owned(), sources(&message.parts));
    }
    shown
}

fn object<'b>(body: &'b Value, known: &[&str]) -> Result<&'b Map<String, Value>, Refusal> {
    let Some(object) = body.as_object() else {
        return Err(Refusal::invalid("body", "the body is a JSON object"));
    };
    match object.keys().find(|key| !known.contains(&key.as_str())) {
        Some(unknown) => {
            let message = format!("there is no field {unknown}; there are {}", known.join(", "));
            Err(Refusal::invalid(unknown, message))
        }
        None => Ok(object),
    }
}

fn required<'b>(body: &'b Map<String, Value>, name: &str) -> Result<&'b str, Refusal> {
    let value = body.get(name).ok_or_else(|| Refusal::missing(name))?;
    value.as_str().ok_or_else(|| Refusal::invalid(name, format!("{name} is a text")))
}

fn metadata(value: &Value) -> Result<String, Refusal> {
    let object = value.as_object().ok_or_else(|| Refusal::invalid("metadata", "metadata is an object"))?;
    let text = value.to_string();
    if object.len() > MAX_METADATA_KEYS || text.len() > MAX_METADATA_BYTES {
        let message = format!("metadata has at most {MAX_METADATA_KEYS} keys and {MAX_METADATA_BYTES} bytes");
        return Err(Refusal::unprocessable("metadata", message));
    }
    Ok(text)
}

fn refuse(error: AskError) -> Refusal {
    match error {
        AskError::Conflict => {
            let message = "this Idempotency-Key was used for another message";
            Refusal::conflict("idempotency_key_reused", message).about("Idempotency-Key")
        }
        AskError::Busy => Refusal::conflict("conversation_busy", error.to_string()),
        AskError::Closing => Refusal::failed(503, "shutting_down", error.to_string()),
        AskError::Broken => Refusal::failed(500, "internal", error.to_string()),
        AskError::Store(error) => error.into(),
    }
}
