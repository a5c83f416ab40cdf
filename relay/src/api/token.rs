//! `POST /v1/token`: a page's origin against an access token.

use std::time::SystemTime;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Extension, Json, Router};
use chinwag_protocol::{AgentCard, Features, TokenAnswer, TokenRequest};
use http::HeaderMap;

use super::body::JsonBody;
use super::caller::{is_own, origin};
use super::error::ApiError;
use crate::app::App;
use crate::edge::ClientAddress;
use crate::token::{ACCESS_LIFE, VerifiedVisitor};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/token", post(exchange))
}

async fn exchange(
    State(app): State<App>,
    client: ClientAddress,
    headers: HeaderMap,
    JsonBody(request): JsonBody<TokenRequest>,
) -> Result<Response, ApiError> {
    let standing = app.limits().token(client.into())?;
    // Both would be a promise: to a site that a visitor is who they say, and
    // that a device can be locked out.
    for (param, value) in [("identity", &request.identity), ("device", &request.device)] {
        if value.is_some() {
            return Err(ApiError::unsupported(param, format!("this relay does not take \"{param}\"")));
        }
    }
    let config = app.config();
    let origin = origin(&headers).ok_or_else(ApiError::origin_not_allowed)?;
    let site = config
        .site(&request.site)
        .filter(|site| site.allows(origin) || is_own(config, origin))
        .ok_or_else(|| {
            tracing::info!(site = %request.site, origin, "no such site, or not its origin");
            ApiError::origin_not_allowed()
        })?;
    app.limits().site_token(&site.key)?;

    // A visitor token that is too old or of another site costs the visitor
    // their history, not the chat.
    let known = request.visitor.as_deref().and_then(|unverified_token| {
        let visitor = app.keyring().verify_visitor(unverified_token);
        visitor.ok().filter(|visitor| *visitor.site() == site.key)
    });
    let visitor = known.unwrap_or_else(|| VerifiedVisitor::new(site.key.clone()));

    let agent = config.agents.get(&site.agent);
    let upstream = app.agent(&site.agent);
    let (Some(agent), Some(upstream)) = (agent, upstream) else {
        return Err(ApiError::internal(&format!("site {} has no agent {}", site.key, site.agent)));
    };
    let now = SystemTime::now();
    let answer = TokenAnswer {
        token: app.keyring().issue_access(&visitor, origin, now)?,
        expires_in: ACCESS_LIFE.as_secs(),
        visitor: app.keyring().issue_visitor(&visitor, now)?,
        agent: AgentCard {
            name: agent.name.clone(),
            avatar_url: agent.avatar_url.clone(),
            greeting: agent.greeting.clone(),
            suggestions: agent.suggestions.clone(),
        },
        // The store gives every agent a history, ratings and another try.
        features: Features { history: true, feedback: true, retry: true, ..upstream.features() },
    };
    Ok((Extension(standing), Json(answer)).into_response())
}
