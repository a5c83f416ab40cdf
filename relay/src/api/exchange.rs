//! Who a page's visitor is: the visitor token, the identity and the device key
//! that an exchange brings, held against each other.

use std::time::SystemTime;

use chinwag_protocol::{ErrorCode, TokenRequest};

use super::error::ApiError;
use crate::app::App;
use crate::config::{Devices, Site};
use crate::limit::{Address, Standing};
use crate::store::Owner;
use crate::token::{IDENTIFIED_LIFE, IdentityProof, VerifiedIdentity, VerifiedVisitor};

/// Counts an exchange, and finds the device that it comes from. One with a good
/// key has a budget of its own; everybody else has that of their address.
///
/// `site` is the one that the page may use, if there is one.
pub(super) async fn admit(
    app: &App,
    site: Option<&Site>,
    request: &TokenRequest,
    address: Address,
) -> Result<(Standing, Option<String>), ApiError> {
    let device = match (&request.device, site) {
        (Some(unverified_key), Some(site)) => app.store().find_device(&site.key, unverified_key).await?,
        _ => None,
    };
    let standing = match &device {
        Some(device) => app.limits().device_token(device)?,
        None => app.limits().token(address)?,
    };
    let Some(site) = site else { return Ok((standing, None)) };
    match (site.devices, &request.device, &device) {
        (Devices::None, Some(_), _) => {
            Err(ApiError::unsupported("device", "this site has no device keys: set devices in its [[site]]"))
        }
        (Devices::Required, None, _) => {
            Err(unproven("device", "this site asks for a device key: chinwag-relay device new makes one"))
        }
        (_, Some(_), None) => Err(unproven("device", "the device key is not known here, or was revoked")),
        _ => Ok((standing, device)),
    }
}

/// The visitor that an exchange is for.
///
/// A visitor token that is too old, was copied, or is another site's or device's
/// costs the visitor their history, not the chat. An identity that does not hold
/// is an error: who meant to be someone must not become nobody unnoticed.
pub(super) async fn identify(
    app: &App,
    site: &Site,
    request: &TokenRequest,
    device: Option<String>,
    now: SystemTime,
) -> Result<VerifiedVisitor, ApiError> {
    let brought = request.visitor.as_deref().and_then(|unverified_token| {
        let visitor = app.keyring().verify_visitor(unverified_token).ok()?;
        (*visitor.site() == site.key && visitor.device() == device.as_deref()).then_some(visitor)
    });
    let visitor = match &request.identity {
        Some(unverified_identity) => {
            let proof = read_identity(app, site, unverified_identity, now)?;
            known_user(app, site, brought, proof, now).await?
        }
        None => nameless(app, site, brought).await?,
    };
    Ok(visitor.on_device(device))
}

/// The visitor whom nobody names; `visitor` is the visitor token that they had
/// before, if any. On a page where nobody is logged in, that of a user is worth
/// nothing: it does not show what was said on one where somebody was.
pub(super) async fn nameless(
    app: &App,
    site: &Site,
    visitor: Option<VerifiedVisitor>,
) -> Result<VerifiedVisitor, ApiError> {
    let known = match visitor.filter(|visitor| *visitor.site() == site.key && !visitor.is_user()) {
        Some(visitor) => redeem(app, visitor).await?,
        None => None,
    };
    Ok(known.unwrap_or_else(|| VerifiedVisitor::new(site.key.clone())))
}

/// The visitor that a user of the site is, whom its own server has named now;
/// `visitor` is the visitor token that they had before, if any.
pub(super) async fn named_user(
    app: &App,
    site: &Site,
    owner: Owner,
    visitor: Option<VerifiedVisitor>,
    now: SystemTime,
) -> Result<VerifiedVisitor, ApiError> {
    let brought = match visitor.filter(|visitor| *visitor.site() == site.key) {
        Some(visitor) => redeem(app, visitor).await?,
        None => None,
    };
    Ok(match brought {
        Some(visitor) if visitor.owner() == owner => visitor.proven(now),
        Some(anonymous) if !anonymous.is_user() => {
            app.adopt(&anonymous.owner(), &owner).await?;
            VerifiedVisitor::of_user(owner, now)
        }
        // Another user had this browser before.
        _ => VerifiedVisitor::of_user(owner, now),
    })
}

async fn known_user(
    app: &App,
    site: &Site,
    brought: Option<VerifiedVisitor>,
    proof: IdentityProof,
    now: SystemTime,
) -> Result<VerifiedVisitor, ApiError> {
    let (identity, problem) = match proof {
        IdentityProof::Fresh(identity) => {
            let problem = check_once(app, site, &identity).await?;
            (identity, problem)
        }
        IdentityProof::Stale(identity) => {
            let expired = ApiError::new(ErrorCode::TokenExpired, "the identity has expired; sign a new one");
            (identity, Some(expired.about("identity")))
        }
    };
    let owner = app.naming_key().owner(&site.key, identity.user());
    let Some(problem) = problem else {
        let visitor = named_user(app, site, owner, brought, now).await?;
        if !identity.profile().is_empty() {
            app.store().keep_profile(&visitor.owner(), identity.profile()).await?;
        }
        return Ok(visitor);
    };
    // By itself it proves nothing any more. Together with the visitor token that
    // this user got for it, it keeps a page alive that stays open.
    let same =
        brought.filter(|visitor| visitor.owner() == owner && visitor.was_proven_within(IDENTIFIED_LIFE, now));
    match same {
        Some(visitor) => redeem(app, visitor).await?.ok_or(problem),
        None => Err(problem),
    }
}

/// The visitor of the token's successor; `None` if the token is worth nothing.
async fn redeem(app: &App, visitor: VerifiedVisitor) -> Result<Option<VerifiedVisitor>, ApiError> {
    let generation = app.store().redeem(&visitor).await?;
    Ok(generation.map(|generation| visitor.advanced_to(generation)))
}

fn read_identity(
    app: &App,
    site: &Site,
    unverified_identity: &str,
    now: SystemTime,
) -> Result<IdentityProof, ApiError> {
    let keys = app.identity_keys(&site.key).filter(|keys| !keys.is_empty());
    let Some(keys) = keys else {
        let message = "this site has no identity_secrets in its [[site]]";
        return Err(ApiError::unsupported("identity", message));
    };
    keys.verify(unverified_identity, now).map_err(|error| {
        // The site's own people have to find out why; a forger is told nothing.
        tracing::info!(site = %site.key, %error, "an identity was refused");
        unproven("identity", "the identity does not verify; the relay's log says why")
    })
}

/// What is wrong with an identity of a site that lets each be used once.
async fn check_once(
    app: &App,
    site: &Site,
    identity: &VerifiedIdentity,
) -> Result<Option<ApiError>, ApiError> {
    if !site.identity_once {
        return Ok(None);
    }
    let Some(id) = identity.id() else {
        return Err(unproven("identity", "identity_once is set: an identity needs a jti"));
    };
    let is_first = app.store().use_identity(&site.key, id, identity.expires_at()).await?;
    Ok((!is_first).then(|| unproven("identity", "the identity has been used before; sign a new one")))
}

fn unproven(param: &str, message: &str) -> ApiError {
    ApiError::new(ErrorCode::Unauthenticated, message).about(param)
}
