//! `/v1/visitor`: all that is kept of the visitor who asks.

use axum::extract::State;
use axum::routing::{delete, get};
use axum::{Json, Router};
use http::StatusCode;
use http::header::{CONTENT_DISPOSITION, HeaderName};

use super::caller::Caller;
use super::error::ApiError;
use crate::app::App;
use crate::store::VisitorExport;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/visitor", delete(erase)).route("/visitor/export", get(export))
}

/// Ends everything of the visitor: replies that run, conversations, and every
/// token, that of this call included. It is the answer to "forget me", and to
/// the end of a visitor's turn at a kiosk.
async fn erase(State(app): State<App>, caller: Caller) -> Result<StatusCode, ApiError> {
    app.erase_visitor(&caller.owner).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn export(
    State(app): State<App>,
    caller: Caller,
) -> Result<([(HeaderName, &'static str); 1], Json<VisitorExport>), ApiError> {
    // It reads everything: it costs what a message costs.
    app.limits().message(caller.asker())?;
    let export = app.store().export_visitor(&caller.owner).await?;
    Ok(([(CONTENT_DISPOSITION, "attachment; filename=\"conversations.json\"")], Json(export)))
}
