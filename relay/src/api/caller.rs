//! Who calls, and from which page: the access token held against the request.

use axum::extract::FromRequestParts;
use chinwag_protocol::ErrorCode;
use http::header::{AUTHORIZATION, HOST, HeaderName, ORIGIN};
use http::request::Parts;
use http::{HeaderMap, Method};

use super::error::ApiError;
use crate::app::App;
use crate::config::Config;
use crate::edge::{ClientAddress, RequestId};
use crate::limit::{Address, Asker};
use crate::store::Owner;
use crate::token::VerifiedClaims;

/// A visitor with a good token, on a page that the token was made for.
#[derive(Debug)]
pub(super) struct Caller {
    /// Whose data they may see.
    pub(super) owner: Owner,
    /// The token: a stream that outlives it ends.
    pub(super) claims: VerifiedClaims,
    /// The name of the agent that answers them.
    pub(super) agent: String,
    /// Where their budget is counted.
    pub(super) address: Address,
    /// Names the request in logs.
    pub(super) request_id: String,
    /// The origin under which they reach the relay.
    pub(super) public_origin: String,
}

impl Caller {
    /// In every way that is counted.
    pub(super) fn asker(&self) -> Asker<'_> {
        Asker { owner: &self.owner, address: self.address, agent: &self.agent }
    }
}

impl FromRequestParts<App> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let unverified_token = bearer(&parts.headers)
            .ok_or_else(|| ApiError::new(ErrorCode::Unauthenticated, "send Authorization: Bearer <token>"))?;
        let claims = app.keyring().verify_access(unverified_token)?;
        let config = app.config();
        check_origin(config, parts, claims.origin())?;
        let Some(site) = config.site(claims.site()) else {
            return Err(ApiError::new(ErrorCode::Unauthenticated, "the access token does not verify"));
        };
        if !site.allows(claims.origin()) && !is_own(config, claims.origin()) {
            return Err(ApiError::origin_not_allowed());
        }
        let Ok(client) = ClientAddress::from_request_parts(parts, app).await;
        Ok(Self {
            owner: claims.owner().clone(),
            claims,
            agent: site.agent.clone(),
            address: client.into(),
            request_id: RequestId::current().map(|id| id.to_string()).unwrap_or_default(),
            public_origin: public_origin(config, &parts.headers),
        })
    }
}

/// What stands in `Authorization` after `Bearer`.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// A token is worth something on its own page alone. A browser sends no
/// `Origin` with a GET of the page's own origin; that it is one, it says in
/// `Sec-Fetch-Site`, which no page can set.
fn check_origin(config: &Config, parts: &Parts, expected: &str) -> Result<(), ApiError> {
    let is_allowed = if parts.headers.contains_key(ORIGIN) {
        origin(&parts.headers) == Some(expected)
    } else {
        let is_read = parts.method == Method::GET || parts.method == Method::HEAD;
        let is_same = parts.headers.get(SEC_FETCH_SITE).is_some_and(|value| value == "same-origin");
        is_read && is_same && is_own(config, expected)
    };
    if is_allowed { Ok(()) } else { Err(ApiError::origin_not_allowed()) }
}

/// The request's `Origin`, if it has exactly one.
pub(super) fn origin(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(ORIGIN).iter();
    match (values.next(), values.next()) {
        (Some(origin), None) => origin.to_str().ok(),
        _ => None,
    }
}

/// Whether an origin is the relay's own.
pub(super) fn is_own(config: &Config, origin: &str) -> bool {
    config.own_origins().iter().any(|own| own.is(origin))
}

/// The origin under which a request reached the relay: `server.public_url` if
/// it is set, else what `Host` says, else our address. `Host` is the caller's
/// word; what is made of it goes back to that caller alone.
fn public_origin(config: &Config, headers: &HeaderMap) -> String {
    let own = config.own_origins();
    if config.server.public_url.is_none()
        && let Some(host) = headers.get(HOST).and_then(|host| host.to_str().ok())
        && let Ok(origin) = crate::config::Origin::parse(&format!("{}://{host}", config.scheme()))
    {
        return origin.as_str().to_owned();
    }
    own.first().map(|origin| origin.as_str().to_owned()).unwrap_or_default()
}

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
