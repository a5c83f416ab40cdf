//! `/metrics`, on an address of its own: how much is asked of a relay, and of whom,
//! is nobody's business but the operator's.

use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::get;
use http::header::CONTENT_TYPE;

use super::ApiError;
use crate::app::App;
use crate::metrics;

/// What listens at `server.metrics_addr`.
pub fn router(app: App) -> Router {
    Router::new().route("/metrics", get(show)).fallback(async || ApiError::not_found()).with_state(app)
}

async fn show(State(app): State<App>) -> impl IntoResponse {
    ([(CONTENT_TYPE, metrics::CONTENT_TYPE)], app.metrics_text())
}
