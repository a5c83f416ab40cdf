//! The HTTP face: one file per family of routes, one shape of failure.
//!
//! What every answer carries whatever made it (request id, CORS, security
//! headers) is put around this router by [`crate::edge::dress`].

mod asset;
mod body;
mod caller;
mod chat;
mod conversation;
mod description;
mod document;
mod error;
mod exchange;
mod file;
mod frame;
mod health;
mod kiosk;
mod manage;
mod metrics;
mod page;
mod stream;
mod token;
mod visitor;

use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use http::HeaderValue;
use http::header::HeaderName;

pub use description::{FOR_SERVERS, FOR_VISITORS};
pub use error::ApiError;
pub use manage::routes as for_servers;
pub use metrics::router as metrics;

use crate::app::App;
use crate::edge::ClientAddress;
use crate::limit::Standing;

/// Every route of the relay.
pub fn router(app: App) -> Router {
    let api = Router::new()
        .merge(token::routes())
        .merge(chat::routes())
        .merge(conversation::routes())
        .merge(file::routes(&app.config().server.limits))
        .merge(visitor::routes())
        .fallback(async || ApiError::not_found())
        .method_not_allowed_fallback(async || ApiError::method_not_allowed())
        .layer(DefaultBodyLimit::max(app.config().server.limits.body_bytes))
        .layer(from_fn_with_state(app.clone(), manage::divert))
        .layer(from_fn_with_state(app.clone(), count));
    Router::new()
        .nest("/v1", api)
        .merge(document::routes())
        .merge(page::routes())
        .merge(frame::routes())
        .merge(kiosk::routes())
        .merge(health::routes())
        .merge(description::routes())
        .merge(asset::routes())
        .fallback(async || ApiError::not_found())
        .method_not_allowed_fallback(async || ApiError::method_not_allowed())
        .layer(from_fn_with_state(app.clone(), observe))
        .with_state(app)
}

/// Counts a call against its address, and says on the answer where the caller
/// stands: with the budget that the handler charged, or with that of all calls.
async fn count(State(app): State<App>, client: ClientAddress, request: Request, next: Next) -> Response {
    let (mut response, standing) = match app.limits().call(client.into()) {
        Ok(standing) => (next.run(request).await, standing),
        Err(limited) => (ApiError::from(limited).into_response(), limited.standing),
    };
    let standing = response.extensions().get::<Standing>().copied().unwrap_or(standing);
    let headers = response.headers_mut();
    headers.insert(LIMIT, HeaderValue::from(standing.limit));
    headers.insert(REMAINING, HeaderValue::from(standing.remaining));
    headers.insert(RESET, HeaderValue::from(standing.reset));
    response
}

/// Counts an answer by its route. What servers ask is routed elsewhere, and says on
/// the answer which route it was.
async fn observe(
    State(app): State<App>,
    path: Option<MatchedPath>,
    request: Request,
    next: Next,
) -> Response {
    let method = match request.method().as_str() {
        method @ ("GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS") => method.to_owned(),
        // Anybody may make up a method, and each would be a series of its own.
        _ => "(other)".to_owned(),
    };
    let response = next.run(request).await;
    let served = response.extensions().get::<manage::ServedRoute>();
    let route = served.map(manage::ServedRoute::path).or(path.as_ref().map(MatchedPath::as_str));
    app.metrics().answered(&method, route, response.status().as_u16());
    response
}

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");
