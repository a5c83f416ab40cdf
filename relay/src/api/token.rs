//! `POST /v1/token`: a page's origin against an access token; and
//! `POST /v1/tokens`: a site's secret key against one.

use std::time::{Duration, SystemTime};

use aws_lc_rs::digest;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Extension, Json, Router};
use chinwag_protocol::{ErrorCode, Features, SiteKey, TokenAnswer, TokenRequest};
use http::HeaderMap;
use http::header::ORIGIN;
use serde::Deserialize;
use subtle::ConstantTimeEq as _;

use super::body::JsonBody;
use super::caller::{bearer, is_own, origin};
use super::error::ApiError;
use super::{exchange, file};
use crate::app::App;
use crate::config::{Secret, Site};
use crate::edge::ClientAddress;
use crate::token::{ACCESS_LIFE, Grant, MAX_ACCESS_LIFE, MIN_ACCESS_LIFE, Profile, UserId};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/token", post(exchange)).route("/tokens", post(mint))
}

async fn exchange(
    State(app): State<App>,
    client: ClientAddress,
    headers: HeaderMap,
    JsonBody(request): JsonBody<TokenRequest>,
) -> Result<Response, ApiError> {
    let config = app.config();
    let origin = origin(&headers);
    let site = config
        .site(&request.site)
        .filter(|site| origin.is_some_and(|origin| site.allows(origin) || is_own(config, origin)));
    let (standing, device) = exchange::admit(&app, site, &request, client.into()).await?;
    let (Some(site), Some(origin)) = (site, origin) else {
        tracing::info!(site = %request.site, origin, "no such site, or not its origin");
        return Err(ApiError::origin_not_allowed());
    };
    app.limits().site_token(&site.key)?;
    let now = SystemTime::now();
    let visitor = exchange::identify(&app, site, &request, device, now).await?;
    let answer = answer(&app, site, Grant { visitor: &visitor, origin, life: ACCESS_LIFE }, now).await?;
    Ok((Extension(standing), Json(answer)).into_response())
}

/// What a site's own server sends to get a token for one of its pages.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct MintRequest {
    site: SiteKey,
    /// Who it is for; without it, for a visitor without a name.
    #[serde(default)]
    user_id: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    email: Option<String>,
    /// Life in seconds.
    #[serde(default)]
    ttl: Option<u64>,
    /// The page's origin; only needed where the site has several.
    #[serde(default)]
    origin: Option<String>,
    /// The visitor token of an earlier answer: keeps the conversations.
    #[serde(default)]
    visitor: Option<String>,
}

async fn mint(
    State(app): State<App>,
    client: ClientAddress,
    headers: HeaderMap,
    JsonBody(request): JsonBody<MintRequest>,
) -> Result<Response, ApiError> {
    // A secret key in a page is a mistake that must not seem to work.
    if headers.contains_key(ORIGIN) {
        let message = "this is for servers: a page exchanges its site key at /v1/token";
        return Err(ApiError::new(ErrorCode::OriginNotAllowed, message));
    }
    let site = app.config().site(&request.site).filter(|site| {
        bearer(&headers).is_some_and(|unverified_key| is_one_of(&site.secret_keys, unverified_key))
    });
    let Some(site) = site else {
        // Whoever guesses keys is slowed down; a site's server is not.
        app.limits().token(client.into())?;
        let message = "no site of that key has this secret key; see secret_key of [[site]] in chinwag.toml";
        return Err(ApiError::new(ErrorCode::Unauthenticated, message));
    };
    let standing = app.limits().site_token(&site.key)?;
    let origin = page_origin(site, request.origin.as_deref())?;
    let life = life(request.ttl)?;
    let profile = Profile { name: request.name, email: request.email };
    if !profile.is_short() {
        return Err(ApiError::invalid("name", "name and email are at most 256 bytes each"));
    }
    let now = SystemTime::now();
    let brought = request.visitor.as_deref();
    let brought = brought.and_then(|unverified_token| app.keyring().verify_visitor(unverified_token).ok());
    // What a kiosk got is for that kiosk.
    let brought = brought.filter(|visitor| visitor.device().is_none());
    let visitor = match &request.user_id {
        Some(user) => {
            let user = UserId::parse(user).map_err(|error| ApiError::invalid("userId", error.to_string()))?;
            let owner = app.naming_key().owner(&site.key, &user);
            exchange::named_user(&app, site, owner, brought, now).await?
        }
        None => exchange::nameless(&app, site, brought).await?,
    };
    if !profile.is_empty() {
        app.store().keep_profile(&visitor.owner(), &profile).await?;
    }
    let answer = answer(&app, site, Grant { visitor: &visitor, origin, life }, now).await?;
    Ok((Extension(standing), Json(answer)).into_response())
}

/// The same answer for both ways to a token.
async fn answer(app: &App, site: &Site, grant: Grant<'_>, now: SystemTime) -> Result<TokenAnswer, ApiError> {
    let Some(agent) = app.agent(&site.agent).await? else {
        return Err(ApiError::internal(&format!("site {} has no agent {}", site.key, site.agent)));
    };
    let features = agent.upstream.features();
    Ok(TokenAnswer {
        token: app.keyring().issue_access(grant, now)?,
        expires_in: grant.life.as_secs(),
        visitor: app.keyring().issue_visitor(grant.visitor, now)?,
        agent: agent.card,
        // The store gives every agent a history, ratings and another try.
        features: Features { history: true, feedback: true, retry: true, updates: agent.is_told, ..features },
        files: features.attachments.then(|| file::told(&app.config().server.limits)),
    })
}

/// Compares hashes: neither length nor content of a key shows in the time.
fn is_one_of(keys: &[Secret], unverified_key: &str) -> bool {
    let hash = |text: &str| digest::digest(&digest::SHA256, text.as_bytes());
    let given = hash(unverified_key);
    keys.iter()
        .fold(false, |found, key| found | bool::from(hash(key.expose()).as_ref().ct_eq(given.as_ref())))
}

/// The origin that a minted token is bound to.
fn page_origin<'s>(site: &'s Site, named: Option<&str>) -> Result<&'s str, ApiError> {
    let known = || site.origins.iter().map(crate::config::Origin::as_str).collect::<Vec<_>>().join(", ");
    match (named, site.origins.as_slice()) {
        (Some(named), origins) => {
            let found = origins.iter().find(|origin| origin.is(named));
            let message = || format!("this is not an origin of the site; its origins: {}", known());
            found.map(crate::config::Origin::as_str).ok_or_else(|| ApiError::invalid("origin", message()))
        }
        (None, [only]) => Ok(only.as_str()),
        (None, _) => {
            let message = format!("name the origin of the page that the token is for: {}", known());
            Err(ApiError::invalid("origin", message))
        }
    }
}

fn life(ttl: Option<u64>) -> Result<Duration, ApiError> {
    let Some(ttl) = ttl else { return Ok(ACCESS_LIFE) };
    let (shortest, longest) = (MIN_ACCESS_LIFE.as_secs(), MAX_ACCESS_LIFE.as_secs());
    if (shortest..=longest).contains(&ttl) {
        Ok(Duration::from_secs(ttl))
    } else {
        Err(ApiError::invalid("ttl", format!("ttl is {shortest} to {longest} seconds")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_listed_twice_is_one_of_them() {
        let keys =
            |listed: &[&str]| listed.iter().map(|key| Secret::new((*key).to_owned())).collect::<Vec<_>>();
        assert!(is_one_of(&keys(&["one", "two", "two"]), "two"));
        assert!(!is_one_of(&keys(&["one", "two"]), "tw"));
        assert!(!is_one_of(&[], ""));
    }
}
