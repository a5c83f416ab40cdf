//! What every answer carries, whatever made it.

use std::any::Any;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use chinwag_protocol::{ErrorBody, ErrorCode, ErrorEnvelope};
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use tower_http::catch_panic::CatchPanicLayer;

use super::client::{Alias, ClientAddress, Peer};
use super::cors::{Cors, cors};
use super::log::Line;
use super::request_id::RequestId;
use crate::config::{Config, Network};

/// The Content-Security-Policy of every answer that brings none of its own: no
/// part of it runs or is framed, should a browser ever take it for a page.
pub const RESPONSE_CSP: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// Puts request ids, client addresses, the log, security headers, CORS and the
/// catching of panics around a router.
///
/// Handlers find a [`RequestId`] and a [`ClientAddress`] among the request's
/// extensions, and [`RequestId::current`] works while they run. The
/// configuration must know the bound address: see [`Config::bound_to`].
pub fn dress(router: Router, config: &Config) -> Router {
    let trusted = config.server.trusted_proxies.clone();
    let visits = Arc::new(Visits { trusted, alias: Alias::new() });
    let is_tls = config.server.tls.is_some();
    router
        .layer(CatchPanicLayer::custom(answer_panic))
        .layer(from_fn_with_state(Cors::new(config), cors))
        .layer(from_fn_with_state(Guard { is_tls }, secure))
        .layer(from_fn_with_state(visits, identify))
}

/// How clients are told apart.
struct Visits {
    trusted: Vec<Network>,
    alias: Alias,
}

/// Gives the request its id and address, and writes its line of the log.
async fn identify(State(visits): State<Arc<Visits>>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<Peer>().copied();
    let is_proxied = Peer::is_of(peer, &visits.trusted);
    let given = is_proxied.then(|| RequestId::given(request.headers())).flatten();
    let id = given.unwrap_or_else(RequestId::generate);
    let client = ClientAddress::find(peer, request.headers(), &visits.trusted);
    let path = request.extensions().get::<MatchedPath>().cloned();
    let mut line = Line::new(request.method().clone(), path, id.clone(), visits.alias.of(client));
    request.extensions_mut().insert(client);
    request.extensions_mut().insert(id.clone());
    let header = id.header_value();
    let mut response = id.scope(next.run(request)).await;
    if let Some(header) = header {
        response.headers_mut().insert(REQUEST_ID, header);
    }
    line.answered(response.status());
    response
}

/// What the security headers depend on.
#[derive(Debug, Clone, Copy)]
struct Guard {
    is_tls: bool,
}

async fn secure(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    let is_api = request.uri().path().starts_with("/v1/");
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    insert_default(headers, CONTENT_SECURITY_POLICY, RESPONSE_CSP);
    insert_default(headers, REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    insert_default(headers, CORP, HeaderValue::from_static("same-origin"));
    insert_default(headers, COOP, HeaderValue::from_static("same-origin"));
    if guard.is_tls {
        // A proxy that ends TLS says this itself, if it wants to.
        insert_default(headers, STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    if is_api {
        insert_default(headers, CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

fn insert_default(headers: &mut HeaderMap, name: HeaderName, value: HeaderValue) {
    headers.entry(name).or_insert(value);
}

/// A panic is a fault of ours: the client gets the envelope and nothing more, the
/// log has the rest from the panic hook.
fn answer_panic(_: Box<dyn Any + Send + 'static>) -> Response {
    let code = ErrorCode::Internal;
    let envelope = ErrorEnvelope {
        error: ErrorBody {
            kind: "api_error".to_owned(),
            code,
            message: "something went wrong here; the request id leads to it".to_owned(),
            param: None,
            status: code.status(),
            request_id: RequestId::current().map(|id| id.to_string()).unwrap_or_default(),
            retry_after_ms: None,
        },
    };
    let mut response = Response::new(Body::from(serde_json::to_vec(&envelope).unwrap_or_default()));
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const CORP: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const COOP: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
