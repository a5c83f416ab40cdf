//! `/v1/agents`.

use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use axum::routing::get;
use axum::{Json, Router};
use http::{HeaderMap, StatusCode};
use serde_json::Value;

use super::caller::{Caller, JsonValue};
use super::error::ManageError;
use super::once::once;
use super::talk::query;
use crate::app::App;
use crate::manage::{PageQuery, agent};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/agents", get(list).post(create))
        .route("/agents/{id}", get(show).patch(change).delete(delete))
}

async fn list(State(app): State<App>, caller: Caller, raw: RawQuery) -> Result<Json<Value>, ManageError> {
    let [page_size, cursor, status] = query(raw, ["page_size", "cursor", "status"])?;
    let query = PageQuery { page_size, cursor, status };
    Ok(Json(agent::list(app.store(), app.config(), caller.key.mode, &query).await?))
}

async fn create(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    JsonValue(body): JsonValue,
) -> Result<Response, ManageError> {
    let call = format!("POST /agents {body}");
    let work = async {
        let made = agent::create(app.store(), app.config(), caller.key.mode, &body).await?;
        Ok((StatusCode::CREATED, Some(made)))
    };
    once(&app, &caller.key, &headers, &call, work).await
}

async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, ManageError> {
    Ok(Json(agent::get(app.store(), app.config(), caller.key.mode, &id).await?))
}

async fn change(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    JsonValue(body): JsonValue,
) -> Result<Response, ManageError> {
    let call = format!("PATCH /agents/{id} {body}");
    let work = async {
        let changed = agent::change(app.store(), app.config(), caller.key.mode, &id, &body).await?;
        Ok((StatusCode::OK, Some(changed)))
    };
    once(&app, &caller.key, &headers, &call, work).await
}

async fn delete(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ManageError> {
    let call = format!("DELETE /agents/{id}");
    let work = async {
        agent::delete(app.store(), caller.key.mode, &id).await?;
        Ok((StatusCode::NO_CONTENT, None))
    };
    once(&app, &caller.key, &headers, &call, work).await
}
