//! The API for servers: agents, their sources, and conversations with them,
//! under keys.
//!
//! Its paths are partly those of the widget, which has access tokens. Which of
//! the two a call is for is told by what it brings: a key begins with `cw_`.

mod agent;
mod caller;
mod error;
mod export;
mod hook;
mod once;
mod source;
mod talk;
mod webhook;

use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use http::Method;
use http::header::AUTHORIZATION;
use tower::ServiceExt as _;

use self::error::ManageError;
use crate::app::App;
use crate::edge::ClientAddress;
use crate::manage::{Refusal, key};

/// Every route of the API for servers, below `/v1`.
pub fn routes(app: App) -> Router {
    let most = app.config().server.limits.body_bytes;
    Router::new()
        .merge(agent::routes())
        .merge(source::routes(&app))
        .merge(talk::routes())
        .merge(webhook::routes())
        .merge(export::routes())
        .merge(hook::routes())
        .fallback(async || ManageError(Refusal::not_found("path")))
        .method_not_allowed_fallback(async || ManageError(Refusal::method_not_allowed()))
        .layer(DefaultBodyLimit::max(most))
        .layer(from_fn(say_route))
        .with_state(app)
}

/// Which of these routes gave an answer.
#[derive(Debug, Clone)]
pub(super) struct ServedRoute(String);

impl ServedRoute {
    pub(super) fn path(&self) -> &str {
        &self.0
    }
}

async fn say_route(path: Option<MatchedPath>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if let Some(path) = path {
        response.extensions_mut().insert(ServedRoute(format!("/v1{}", path.as_str())));
    }
    response
}

/// Hands calls of this API to its own routes, and the others on.
pub(super) async fn divert(State(app): State<App>, request: Request, next: Next) -> Response {
    if !is_ours(&request) {
        return next.run(request).await;
    }
    // What the widget's routes made of the path would stand in the way of ours.
    let (mut parts, body) = request.into_parts();
    let client = parts.extensions.get::<ClientAddress>().copied();
    parts.extensions.clear();
    if let Some(client) = client {
        parts.extensions.insert(client);
    }
    let request = Request::from_parts(parts, body);
    match routes(app).oneshot(request).await {
        Ok(response) => response.into_response(),
        Err(never) => match never {},
    }
}

fn is_ours(request: &Request) -> bool {
    let path = request.uri().path();
    if ["/agents", "/webhooks", "/export", "/hooks"]
        .iter()
        .any(|own| path.strip_prefix(own).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
    {
        return true;
    }
    // Pages have no such calls: without a key they are told about keys.
    let is_servers = match path.strip_prefix("/conversations") {
        Some("") => request.method() == Method::POST,
        Some(rest) => {
            let id = rest.strip_prefix('/').unwrap_or_default();
            request.method() == Method::GET && !id.is_empty() && !id.contains('/')
        }
        None => false,
    };
    if is_servers {
        return true;
    }
    let authorization = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = authorization.and_then(|value| value.split_once(' ')).map(|(_, token)| token.trim());
    token.is_some_and(|token| token.starts_with(key::PREFIX))
}
