//! Whether the process lives, and whether it can answer visitors.

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderName};

use crate::app::App;

/// `/healthz` and `/readyz`.
pub(super) fn routes() -> Router<App> {
    Router::new().route("/healthz", get(alive)).route("/readyz", get(ready))
}

type Answer = (StatusCode, [(HeaderName, &'static str); 1], &'static str);

/// Answers as soon as the process accepts connections, and until it ends: a
/// supervisor that kills on failure must not kill a relay that is still indexing.
async fn alive() -> Answer {
    (StatusCode::OK, NO_STORE, "ok\n")
}

/// 503 until every agent can answer, and again once the relay is stopping, so
/// that a load balancer sends visitors elsewhere.
async fn ready(State(app): State<App>) -> Answer {
    if app.shutdown().has_begun() {
        (StatusCode::SERVICE_UNAVAILABLE, NO_STORE, "stopping\n")
    } else if app.is_ready() {
        (StatusCode::OK, NO_STORE, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, NO_STORE, "starting\n")
    }
}

const NO_STORE: [(HeaderName, &str); 1] = [(CACHE_CONTROL, "no-store")];
