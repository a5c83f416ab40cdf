//! `/v1/export/conversations`: pages with a cursor, or all of it as a stream.

use std::collections::VecDeque;
use std::io;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use bytes::Bytes;
use http::HeaderValue;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use serde_json::Value;

use super::caller::Caller;
use super::error::ManageError;
use super::talk::query;
use crate::app::App;
use crate::manage::Refusal;
use crate::manage::export::{ExportFormat, ExportQuery};
use crate::manage::source::Desk;
use crate::store::Mode;

/// Rows that are in memory at once.
const PORTION: &str = "500";

pub(super) fn routes() -> Router<App> {
    Router::new().route("/export/conversations", get(export))
}

async fn export(State(app): State<App>, caller: Caller, raw: RawQuery) -> Result<Response, ManageError> {
    let [since, until, site, format, page_size, cursor] =
        query(raw, ["since", "until", "site", "format", "page_size", "cursor"])?;
    let mut query = ExportQuery { since, until, site, page_size, cursor };
    let mode = caller.key.mode;
    let Some(format) = format.as_deref() else {
        return Ok(Json(desk(&app, mode).export(&query).await?).into_response());
    };
    let format = ExportFormat::parse(format)?;
    if query.page_size.is_some() || query.cursor.is_some() {
        let message = "with a format there are no pages: all of it is sent";
        return Err(Refusal::invalid("format", message).into());
    }
    query.page_size = Some(PORTION.to_owned());
    // The first portion before the head of the answer: what is wrong is told.
    let first = desk(&app, mode).export(&query).await?;
    let (media_type, file) = match format {
        ExportFormat::Ndjson => ("application/x-ndjson", "attachment; filename=\"conversations.ndjson\""),
        ExportFormat::Csv => ("text/csv; charset=utf-8", "attachment; filename=\"conversations.csv\""),
    };
    let state = (app, query, VecDeque::from([format.head()]), Some(first));
    let pieces =
        futures_util::stream::unfold(state, move |(app, mut query, mut ready, mut next)| async move {
            loop {
                if let Some(piece) = ready.pop_front() {
                    if piece.is_empty() {
                        continue;
                    }
                    return Some((Ok::<_, io::Error>(Bytes::from(piece)), (app, query, ready, next)));
                }
                let page = next.take()?;
                let rows = page.get("data").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
                ready.push_back(rows.iter().flat_map(|row| format.row(row)).collect());
                if let Some(cursor) = page.get("next_cursor").and_then(Value::as_str) {
                    query.cursor = Some(cursor.to_owned());
                    match desk(&app, mode).export(&query).await {
                        Ok(page) => next = Some(page),
                        // The head is out: an end that is cut tells that this is not all.
                        Err(refusal) => {
                            let broken = Err(io::Error::other(refusal.message));
                            return Some((broken, (app, query, VecDeque::new(), None)));
                        }
                    }
                }
            }
        });
    let mut response = Response::new(Body::from_stream(pieces));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static(file));
    Ok(response)
}

fn desk(app: &App, mode: Mode) -> Desk<'_> {
    Desk { store: app.store(), config: app.config(), mode }
}
