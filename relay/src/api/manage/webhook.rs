//! `/v1/webhooks`.

use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use http::{HeaderMap, StatusCode};
use serde_json::Value;

use super::caller::{Caller, JsonValue};
use super::error::ManageError;
use super::once::once;
use super::talk::query;
use crate::app::App;
use crate::manage::PageQuery;
use crate::manage::source::Desk;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/webhooks", get(list).post(create))
        .route("/webhooks/{id}", get(show).patch(change).delete(delete))
        .route("/webhooks/{id}/ping", post(ping))
        .route("/webhooks/{id}/deliveries", get(deliveries))
        .route("/webhooks/{id}/deliveries/{delivery}/resend", post(resend))
}

fn desk<'d>(app: &'d App, caller: &Caller) -> Desk<'d> {
    Desk { store: app.store(), config: app.config(), mode: caller.key.mode }
}

async fn list(State(app): State<App>, caller: Caller) -> Result<Json<Value>, ManageError> {
    Ok(Json(desk(&app, &caller).webhooks().await?))
}

async fn create(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    JsonValue(body): JsonValue,
) -> Result<Response, ManageError> {
    let call = format!("POST /webhooks {body}");
    let work = async {
        let made = desk(&app, &caller).add_webhook(app.outward(), &body).await?;
        app.postman().wake();
        Ok((StatusCode::CREATED, Some(made)))
    };
    once(&app, &caller.key, &headers, &call, work).await
}

async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, ManageError> {
    Ok(Json(desk(&app, &caller).webhook(&id).await?))
}

async fn change(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    JsonValue(body): JsonValue,
) -> Result<Response, ManageError> {
    let call = format!("PATCH /webhooks/{id} {body}");
    let work = async {
        let changed = desk(&app, &caller).change_webhook(app.outward(), &id, &body).await?;
        app.postman().wake();
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
    let call = format!("DELETE /webhooks/{id}");
    let work = async {
        desk(&app, &caller).delete_webhook(&id).await?;
        Ok((StatusCode::NO_CONTENT, None))
    };
    once(&app, &caller.key, &headers, &call, work).await
}

async fn ping(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ManageError> {
    let call = format!("POST /webhooks/{id}/ping");
    let work = async {
        let told = desk(&app, &caller).ping(&id).await?;
        app.postman().wake();
        Ok((StatusCode::ACCEPTED, Some(told)))
    };
    once(&app, &caller.key, &headers, &call, work).await
}

async fn deliveries(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    raw: RawQuery,
) -> Result<Json<Value>, ManageError> {
    let [page_size, cursor, status] = query(raw, ["page_size", "cursor", "status"])?;
    let query = PageQuery { page_size, cursor, status };
    Ok(Json(desk(&app, &caller).deliveries(&id, &query).await?))
}

async fn resend(
    State(app): State<App>,
    caller: Caller,
    Path((id, delivery)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, ManageError> {
    let call = format!("POST /webhooks/{id}/deliveries/{delivery}/resend");
    let work = async {
        let again = desk(&app, &caller).resend(&id, &delivery).await?;
        app.postman().wake();
        Ok((StatusCode::ACCEPTED, Some(again)))
    };
    once(&app, &caller.key, &headers, &call, work).await
}
