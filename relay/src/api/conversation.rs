//! `/v1/conversations`: lists, titles, ratings, and the end of conversations.

use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::routing::{get, patch, put};
use axum::{Json, Router};
use chinwag_protocol::limits::{DEFAULT_PAGE_ITEMS, MAX_PAGE_ITEMS, MAX_TITLE_CHARS};
use chinwag_protocol::{Conversation, ConversationId, Feedback, MessageId, Page, UiMessage};
use http::StatusCode;
use serde::Deserialize;

use super::body::JsonBody;
use super::caller::Caller;
use super::chat::read_id;
use super::error::ApiError;
use crate::app::App;
use crate::upstream;

/// Longest reason of a rating, in Unicode scalar values.
const MAX_REASON_CHARS: usize = 1_000;

/// How long a visitor waits for a provider to take a rating.
const RATING_PATIENCE: Duration = Duration::from_secs(2);

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/conversations", get(list))
        .route("/conversations/{id}", patch(rename).delete(delete))
        .route("/conversations/{id}/messages", get(messages))
        .route("/conversations/{id}/messages/{message}/feedback", put(rate))
}

/// Which part of a list.
#[derive(Debug, Deserialize)]
struct Window {
    cursor: Option<String>,
    limit: Option<String>,
}

/// Which conversations.
#[derive(Debug, Deserialize)]
struct Search {
    title: Option<String>,
}

impl Window {
    fn limit(&self) -> Result<usize, ApiError> {
        let Some(text) = &self.limit else { return Ok(DEFAULT_PAGE_ITEMS) };
        let limit = text.parse().ok().filter(|limit| (1..=MAX_PAGE_ITEMS).contains(limit));
        limit.ok_or_else(|| ApiError::invalid("limit", format!("limit is 1 to {MAX_PAGE_ITEMS}")))
    }
}

type RawWindow = Result<Query<Window>, axum::extract::rejection::QueryRejection>;

fn window(query: RawWindow) -> Result<Window, ApiError> {
    query.map(|Query(window)| window).map_err(|error| ApiError::invalid("query", error.body_text()))
}

async fn list(
    State(app): State<App>,
    caller: Caller,
    query: RawWindow,
    search: Result<Query<Search>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<Page<Conversation>>, ApiError> {
    let window = window(query)?;
    let Query(Search { title }) = search.map_err(|error| ApiError::invalid("query", error.body_text()))?;
    let title = title.as_deref().map(str::trim).filter(|title| !title.is_empty());
    if title.is_some_and(|title| title.chars().count() > MAX_TITLE_CHARS) {
        return Err(ApiError::too_large("title", format!("a title is at most {MAX_TITLE_CHARS} characters")));
    }
    let (cursor, limit) = (window.cursor.as_deref(), window.limit()?);
    let page = app.store().conversations(&caller.owner, title, cursor, limit).await?;
    Ok(Json(page))
}

async fn messages(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    query: RawWindow,
) -> Result<Json<Page<UiMessage>>, ApiError> {
    let window = window(query)?;
    let id = read_id(&id)?;
    if window.cursor.is_none()
        && let Some(agent) = app.agent(&caller.agent).await?
    {
        let (store, upstream) = (app.store(), &agent.upstream);
        app.handovers().catch_up(store, upstream, &caller.owner, &id, &caller.request_id).await;
    }
    let page = app.store().messages(&caller.owner, &id, window.cursor.as_deref(), window.limit()?).await?;
    Ok(Json(page))
}

#[derive(Debug, Deserialize)]
struct Rename {
    title: String,
}

async fn rename(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<Rename>,
) -> Result<Json<Conversation>, ApiError> {
    let id = read_id(&id)?;
    let title = body.title.trim();
    if title.is_empty() {
        return Err(ApiError::invalid("title", "the title is empty"));
    }
    if title.chars().count() > MAX_TITLE_CHARS {
        return Err(ApiError::too_large("title", format!("a title is at most {MAX_TITLE_CHARS} characters")));
    }
    Ok(Json(app.store().rename(&caller.owner, &id, title).await?))
}

async fn delete(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let id = read_id(&id)?;
    app.generations().delete(&caller.owner, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize)]
struct Rating {
    /// `null` takes a rating back; a body without it is a mistake.
    #[serde(deserialize_with = "Option::deserialize")]
    value: Option<Feedback>,
    reason: Option<String>,
}

async fn rate(
    State(app): State<App>,
    caller: Caller,
    Path((id, message)): Path<(String, String)>,
    JsonBody(body): JsonBody<Rating>,
) -> Result<StatusCode, ApiError> {
    let id = read_id(&id)?;
    let message =
        MessageId::parse(&message).map_err(|error| ApiError::invalid("messageId", error.to_string()))?;
    let reason = body.reason.as_deref().filter(|_| body.value.is_some());
    if reason.is_some_and(|reason| reason.chars().count() > MAX_REASON_CHARS) {
        return Err(ApiError::too_large(
            "reason",
            format!("a reason is at most {MAX_REASON_CHARS} characters"),
        ));
    }
    app.store().rate(&caller.owner, &id, &message, body.value, reason).await?;
    tell_provider(&app, &caller, &id, &message, body.value, reason).await;
    Ok(StatusCode::NO_CONTENT)
}

/// Hands a rating on to providers that take one. The relay has it: what the
/// provider makes of it is told to the operator alone.
async fn tell_provider(
    app: &App,
    caller: &Caller,
    conversation: &ConversationId,
    reply: &MessageId,
    value: Option<Feedback>,
    reason: Option<&str>,
) {
    let Ok(Some(agent)) = app.agent(&caller.agent).await else { return };
    let agent = agent.upstream;
    let scope = agent.memory_scope();
    if scope.is_empty() {
        return;
    }
    let ids = match app.store().provider_ids_of(&caller.owner, conversation, reply, &scope).await {
        Ok(Some(ids)) => ids,
        Ok(None) => return,
        Err(error) => {
            tracing::warn!(request_id = caller.request_id, %error, "a rating is not handed on");
            return;
        }
    };
    let rating = upstream::Rating {
        conversation: ids.0,
        reply: ids.1,
        value,
        reason: reason.map(str::to_owned),
        request_id: caller.request_id.clone(),
    };
    let request_id = caller.request_id.clone();
    let told = tokio::spawn(async move {
        if let Err(failure) = agent.rate(rating).await {
            let (code, detail) = (failure.code().as_str(), failure.detail().unwrap_or_default());
            tracing::warn!(request_id, code, detail, "a provider did not take a rating");
        }
    });
    // Waited for, so that two ratings of one reply arrive in their order; not for
    // long, because the visitor waits too.
    let _ = tokio::time::timeout(RATING_PATIENCE, told).await;
}
