//! `/openapi.json` and `/openapi-servers.json`: what the two APIs take and give.
//!
//! They are two documents because the APIs share paths, which a document can have
//! but once. The tests hold them against the router, and every answer that a test
//! gets against its schema.

use axum::Router;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::HeaderValue;
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE};

use crate::app::App;

/// What pages ask, as an OpenAPI document.
pub const FOR_VISITORS: &str = include_str!("../../openapi/visitors.json");

/// What servers ask under a key, as an OpenAPI document.
pub const FOR_SERVERS: &str = include_str!("../../openapi/servers.json");

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/openapi.json", get(async || document(FOR_VISITORS)))
        .route("/openapi-servers.json", get(async || document(FOR_SERVERS)))
}

fn document(text: &'static str) -> Response {
    let mut response = text.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    // It is public, and tools that show it live on other origins.
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}
