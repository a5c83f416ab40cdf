//! Which pages of other origins may read answers of `/v1`: those of our sites.
//!
//! No cookies are involved, so a page can do nothing here that its own server
//! could not; the lists stop other people's pages from using a site's key.

use std::collections::HashSet;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use crate::config::Config;

/// Every origin that any site allows, and the relay's own. Which site a request
/// is for is known only later, from its token; that check is the token's.
#[derive(Debug, Clone)]
pub(super) struct Cors(Arc<HashSet<String>>);

impl Cors {
    pub(super) fn new(config: &Config) -> Self {
        let own = config.own_origins();
        let all = config.sites.iter().flat_map(|site| &site.origins).chain(&own);
        Self(Arc::new(all.map(|origin| origin.as_str().to_owned()).collect()))
    }

    fn allowed(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let origin = headers.get(ORIGIN)?;
        self.0.contains(origin.to_str().ok()?).then(|| origin.clone())
    }
}

/// Answers preflights of `/v1`, and lets known origins read its answers, errors
/// included: a widget must be able to read why it was refused.
pub(super) async fn cors(State(cors): State<Cors>, request: Request, next: Next) -> Response {
    if !request.uri().path().starts_with("/v1/") {
        return next.run(request).await;
    }
    let allowed = cors.allowed(request.headers());
    let is_preflight =
        request.method() == Method::OPTIONS && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = if is_preflight {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        if allowed.is_some() {
            let headers = response.headers_mut();
            headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS);
            headers.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
        }
        response
    } else {
        let mut response = next.run(request).await;
        if allowed.is_some() {
            response.headers_mut().insert(ACCESS_CONTROL_EXPOSE_HEADERS, RESPONSE_HEADERS);
        }
        response
    };
    let headers = response.headers_mut();
    // Without it a shared cache would hand one origin's answer to another.
    headers.append(VARY, HeaderValue::from_static("origin"));
    if let Some(origin) = allowed {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    }
    response
}

const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, PUT, PATCH, DELETE");
const REQUEST_HEADERS: HeaderValue =
    HeaderValue::from_static("authorization, content-type, idempotency-key, last-event-id");
const RESPONSE_HEADERS: HeaderValue = HeaderValue::from_static(
    "retry-after, x-request-id, x-ratelimit-limit, x-ratelimit-remaining, x-ratelimit-reset",
);
/// Seconds; the most that Chromium keeps.
const MAX_AGE: HeaderValue = HeaderValue::from_static("7200");
