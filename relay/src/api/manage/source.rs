//! `/v1/agents/{id}/sources`.

use axum::extract::{DefaultBodyLimit, FromRequest as _, Path, RawQuery, Request, State};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use serde_json::Value;

use super::caller::{Caller, parse};
use super::error::ManageError;
use super::once::once;
use super::talk::query;
use crate::app::App;
use crate::manage::PageQuery;
use crate::manage::Refusal;
use crate::manage::key;
use crate::manage::source::{Desk, Upload};

/// What JSON and the names around a source add to it, in bytes.
const ENVELOPE_BYTES: usize = 64 * 1024;

pub(super) fn routes(app: &App) -> Router<App> {
    let most = app.config().server.limits.source_bytes + ENVELOPE_BYTES;
    Router::new()
        .route("/agents/{id}/sources", get(list).post(add))
        .route("/agents/{id}/sources/{source}", get(show).delete(delete))
        .route("/agents/{id}/sources/{source}/retrain", post(retrain))
        .route("/agents/{id}/sources/{source}/pages", get(pages).put(change_pages))
        .layer(DefaultBodyLimit::max(most))
}

fn desk<'d>(app: &'d App, caller: &Caller) -> Desk<'d> {
    Desk { store: app.store(), config: app.config(), mode: caller.key.mode }
}

async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    raw: RawQuery,
) -> Result<Json<Value>, ManageError> {
    let [page_size, cursor, status] = query(raw, ["page_size", "cursor", "status"])?;
    let query = PageQuery { page_size, cursor, status };
    Ok(Json(desk(&app, &caller).sources(&id, &query).await?))
}

/// A JSON body, or a file as the body itself.
async fn add(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    raw: RawQuery,
    request: Request,
) -> Result<Response, ManageError> {
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let [filename, title] = query(raw, ["filename", "title"])?;
    let bytes = body(request, &app).await?;
    let call = format!("POST /agents/{id}/sources {filename:?} {title:?} {}", key::digest(&bytes));
    let work = async {
        let desk = desk(&app, &caller);
        let made = match filename {
            Some(filename) => {
                let media_type = media_type.to_owned();
                desk.add_file(&id, Upload { filename, title, media_type, bytes: bytes.into() }).await?
            }
            None if is_json(media_type) => desk.add_source(&id, &parse(&bytes)?).await?,
            None => {
                let message = "send JSON as application/json, or a file with its type and ?filename=NAME";
                return Err(Refusal::invalid("Content-Type", message));
            }
        };
        app.knowledge().wake();
        Ok((StatusCode::CREATED, Some(made)))
    };
    once(&app, &caller.key, &headers, &call, work).await
}

async fn show(
    State(app): State<App>,
    caller: Caller,
    Path((id, source)): Path<(String, String)>,
) -> Result<Json<Value>, ManageError> {
    Ok(Json(desk(&app, &caller).source(&id, &source).await?))
}

async fn retrain(
    State(app): State<App>,
    caller: Caller,
    Path((id, source)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, ManageError> {
    let call = format!("POST /agents/{id}/sources/{source}/retrain");
    let work = async {
        let queued = desk(&app, &caller).retrain(&id, &source).await?;
        app.knowledge().wake();
        Ok((StatusCode::ACCEPTED, Some(queued)))
    };
    once(&app, &caller.key, &headers, &call, work).await
}

async fn delete(
    State(app): State<App>,
    caller: Caller,
    Path((id, source)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, ManageError> {
    let call = format!("DELETE /agents/{id}/sources/{source}");
    let work = async {
        desk(&app, &caller).delete_source(&id, &source).await?;
        app.knowledge().wake();
        Ok((StatusCode::NO_CONTENT, None))
    };
    once(&app, &caller.key, &headers, &call, work).await
}

async fn pages(
    State(app): State<App>,
    caller: Caller,
    Path((id, source)): Path<(String, String)>,
    raw: RawQuery,
) -> Result<Json<Value>, ManageError> {
    let [page_size, cursor] = query(raw, ["page_size", "cursor"])?;
    let query = PageQuery { page_size, cursor, status: None };
    Ok(Json(desk(&app, &caller).pages(&id, &source, &query).await?))
}

async fn change_pages(
    State(app): State<App>,
    caller: Caller,
    Path((id, source)): Path<(String, String)>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, ManageError> {
    let bytes = body(request, &app).await?;
    let call = format!("PUT /agents/{id}/sources/{source}/pages {}", key::digest(&bytes));
    let work = async {
        let changed = desk(&app, &caller).change_pages(&id, &source, &parse(&bytes)?).await?;
        app.knowledge().wake();
        Ok((StatusCode::ACCEPTED, Some(changed)))
    };
    once(&app, &caller.key, &headers, &call, work).await
}

async fn body(request: Request, app: &App) -> Result<Bytes, Refusal> {
    let most = app.config().server.limits.source_bytes;
    Bytes::from_request(request, &()).await.map_err(|_| {
        let message = format!("the body is larger than {most} bytes, or did not arrive whole");
        Refusal::failed(413, "payload_too_large", message).about("body")
    })
}

fn is_json(media_type: &str) -> bool {
    media_type
        .split(';')
        .next()
        .is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}
