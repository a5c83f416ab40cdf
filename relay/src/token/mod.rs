//! Tokens: made here, verified here, nowhere else.
//!
//! A token that came from outside is text until [`Keyring::verify_access`],
//! [`Keyring::verify_visitor`] or [`IdentityKeys::verify`] has turned it into a
//! value whose fields nobody outside this room can set. All are JWTs of one
//! algorithm per key id; the header is read by a list of its fields, so that no
//! token can name a key, an URL of a key, or an algorithm of its own.
//!
//! This room knows neither the store nor HTTP: what is revoked, and which keys
//! are retired, it is told.

mod chain;
mod device;
mod identity;
mod key;
mod keyring;
mod read;
mod revoked;
mod seen;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub use chain::Chain;
pub use device::DeviceKey;
pub use identity::{IdentityKeys, IdentityProof, NamingKey, Profile, UserError, UserId, VerifiedIdentity};
pub use key::{KeyError, PublicKey, RetiredKey, SigningKey};
pub use keyring::{Grant, Keyring, VerifiedClaims, VerifiedVisitor};
pub use revoked::Revoked;

/// Life of an access token from an exchange: short, because it lies open in a
/// page.
pub const ACCESS_LIFE: Duration = Duration::from_mins(10);

/// Longest life of an access token that a site's own server asked for.
pub const MAX_ACCESS_LIFE: Duration = Duration::from_hours(1);

/// Shortest life of an access token that a site's own server may ask for.
pub const MIN_ACCESS_LIFE: Duration = Duration::from_mins(1);

/// Life of a visitor token from its last exchange: how long a visitor may stay
/// away and still find their conversations.
pub const VISITOR_LIFE: Duration = Duration::from_hours(24 * 180);

/// Longest life of an identity, as its site signed it.
pub const MAX_IDENTITY_LIFE: Duration = Duration::from_hours(1);

/// How long an identity that has run out, or has been used, still holds together
/// with the visitor token that it got: a page that stays open signs nobody anew.
pub const IDENTIFIED_LIFE: Duration = Duration::from_hours(12);

/// How far two clocks may be apart.
pub const LEEWAY: Duration = Duration::from_secs(30);

/// Why a token is not accepted. The caller is told only [`TokenError::Expired`]
/// apart from the rest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not three parts of base64url, too long, or its header has other fields
    /// than `alg`, `typ` and `kid`.
    #[error("the token cannot be read")]
    Malformed,
    /// Its `alg` is not the key's, or its `typ` is of another kind.
    #[error("the token is of another kind")]
    Kind,
    /// Its `kid` is none of ours.
    #[error("the token's key is not known")]
    UnknownKey,
    /// Signature or claims do not hold.
    #[error("the token does not verify: {0}")]
    Invalid(String),
    /// It was good and is no longer.
    #[error("the token has expired")]
    Expired,
    /// It was good and has been ended before its time.
    #[error("the token has been revoked")]
    Revoked,
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
