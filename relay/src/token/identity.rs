//! Identities: who a visitor is, signed by their site's own server.
//!
//! HS256 with a secret that the site shares with this relay alone. A site may
//! have several secrets, told apart by `kid`, so that one can replace another.

use std::collections::BTreeMap;
use std::fmt;
use std::time::SystemTime;

use aws_lc_rs::hmac;
use chinwag_protocol::SiteKey;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::{Deserialize, Serialize};

use super::read::{UnverifiedHeader, is_key_id};
use super::{LEEWAY, MAX_IDENTITY_LIFE, TokenError, seconds};
use crate::hex;
use crate::store::Owner;

/// Shortest secret, in bytes: HS256 is as strong as this.
const MIN_SECRET_BYTES: usize = 32;

/// Longest user id, name, e-mail address or `jti`, in bytes.
const MAX_TEXT_BYTES: usize = 256;

/// A user of a site, as the site names them: 1 to 256 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserId(String);

/// Why a text names no user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the id of a user is 1 to 256 bytes")]
pub struct UserError;

impl UserId {
    /// Reads an id that a site's server gave.
    pub fn parse(text: &str) -> Result<Self, UserError> {
        if text.is_empty() || text.len() > MAX_TEXT_BYTES {
            Err(UserError)
        } else {
            Ok(Self(text.to_owned()))
        }
    }
}

/// What a site's server says of a visitor beside who they are.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Profile {
    /// What they are called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where mail reaches them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

impl Profile {
    /// Whether nothing was said.
    pub fn is_empty(&self) -> bool {
        self.name.is_none() && self.email.is_none()
    }

    /// Whether every text is short enough to be kept.
    pub fn is_short(&self) -> bool {
        [&self.name, &self.email].into_iter().flatten().all(|text| text.len() <= MAX_TEXT_BYTES)
    }
}

/// Turns users of sites into visitors: the same user is always the same visitor,
/// and nobody reads the user out of the visitor's name.
pub struct NamingKey(hmac::Key);

impl fmt::Debug for NamingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NamingKey(***)")
    }
}

impl NamingKey {
    /// A key of those bytes.
    pub fn new(bytes: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    /// The visitor that a user of a site is: `u_` and 32 hexadecimal digits.
    pub fn owner(&self, site: &SiteKey, user: &UserId) -> Owner {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(site.as_str().as_bytes());
        // No site key holds one: no two pairs of site and user read alike.
        context.update(&[0]);
        context.update(user.0.as_bytes());
        let tag = context.sign();
        let name = hex::encode(tag.as_ref().get(..16).unwrap_or_default());
        Owner { site: site.clone(), visitor: format!("u_{name}") }
    }
}

/// What an identity says. Only this room can make one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedIdentity {
    user: UserId,
    profile: Profile,
    id: Option<String>,
    expires_at: u64,
}

impl VerifiedIdentity {
    /// Who it is.
    pub fn user(&self) -> &UserId {
        &self.user
    }

    /// What else the site says.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// Its `jti`, by which it is told apart from the next one for the same user.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// When it runs out, in seconds since 1970.
    pub fn expires_at(&self) -> u64 {
        self.expires_at
    }
}

/// How much an identity proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdentityProof {
    /// The site says so now.
    Fresh(VerifiedIdentity),
    /// The site said so, and it has run out: good for nothing by itself.
    Stale(VerifiedIdentity),
}

/// The claims that are looked at. A site may add others, which mean nothing here.
#[derive(Debug, Deserialize)]
struct Claims {
    sub: String,
    exp: u64,
    #[serde(default)]
    iat: Option<u64>,
    #[serde(default)]
    nbf: Option<u64>,
    #[serde(default)]
    jti: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    email: Option<String>,
}

/// The secrets that a site signs identities with.
pub struct IdentityKeys {
    keys: BTreeMap<String, DecodingKey>,
    validation: Validation,
}

impl fmt::Debug for IdentityKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdentityKeys").field("kids", &self.keys.keys()).finish_non_exhaustive()
    }
}

impl IdentityKeys {
    /// Whether a secret is long enough, and its name a key id; else what is
    /// wrong with it.
    pub fn check(kid: &str, secret: &str) -> Result<(), &'static str> {
        if !is_key_id(kid) {
            Err("the id of a secret is 1 to 32 characters of A-Z, a-z, 0-9, _ and -")
        } else if secret.len() < MIN_SECRET_BYTES {
            Err("the secret is shorter than 32 bytes; make one with: openssl rand -hex 32")
        } else {
            Ok(())
        }
    }

    /// The secrets of a site, by their ids.
    pub fn new<'s>(site: &SiteKey, secrets: impl IntoIterator<Item = (&'s str, &'s str)>) -> Self {
        let keys = secrets
            .into_iter()
            .map(|(kid, secret)| (kid.to_owned(), DecodingKey::from_secret(secret.as_bytes())))
            .collect();
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_audience(&[site.as_str()]);
        validation.set_required_spec_claims(&["exp", "aud", "sub"]);
        // Told apart from the rest below: what has run out may still say who.
        validation.validate_exp = false;
        validation.validate_nbf = true;
        validation.leeway = LEEWAY.as_secs();
        Self { keys, validation }
    }

    /// Whether the site has secrets at all.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Verifies an identity. A site with one secret need not name it.
    pub fn verify(&self, unverified_token: &str, now: SystemTime) -> Result<IdentityProof, TokenError> {
        let header = UnverifiedHeader::of(unverified_token)?;
        if header.alg != "HS256" || header.typ.as_deref().is_some_and(|typ| !typ.eq_ignore_ascii_case("JWT"))
        {
            return Err(TokenError::Kind);
        }
        let key = match header.kid() {
            Some(kid) => self.keys.get(kid),
            None if self.keys.len() == 1 => self.keys.values().next(),
            None => None,
        };
        let key = key.ok_or(TokenError::UnknownKey)?;
        let claims = jsonwebtoken::decode::<Claims>(unverified_token, key, &self.validation)
            .map_err(|error| TokenError::Invalid(error.to_string()))?
            .claims;
        Self::judge(claims, seconds(now))
    }

    fn judge(claims: Claims, now: u64) -> Result<IdentityProof, TokenError> {
        let invalid = |reason: &str| Err(TokenError::Invalid(reason.to_owned()));
        let leeway = LEEWAY.as_secs();
        let life = MAX_IDENTITY_LIFE.as_secs();
        if claims.iat.is_some_and(|iat| iat > now.saturating_add(leeway)) {
            return invalid("it was issued in the future");
        }
        // From its making, if it says when, else from now: a site that signs for
        // a year has not signed for us.
        let from = claims.iat.or(claims.nbf).unwrap_or(now).min(now);
        if claims.exp.saturating_sub(from) > life.saturating_add(leeway) {
            return invalid("its life is longer than an hour");
        }
        let Ok(user) = UserId::parse(&claims.sub) else { return invalid("sub is empty or too long") };
        let profile = Profile { name: claims.name, email: claims.email };
        if !profile.is_short() {
            return invalid("name or email is too long");
        }
        if claims.jti.as_ref().is_some_and(|jti| jti.is_empty() || jti.len() > MAX_TEXT_BYTES) {
            return invalid("jti is empty or too long");
        }
        let identity = VerifiedIdentity { user, profile, id: claims.jti, expires_at: claims.exp };
        let is_over = claims.exp.saturating_add(leeway) < now;
        Ok(if is_over { IdentityProof::Stale(identity) } else { IdentityProof::Fresh(identity) })
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::{Value, json};
    use std::time::Duration;

    use super::*;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";
    const OTHER: &str = "fedcba9876543210fedcba9876543210";
    const NOW: u64 = 4_000_000_000;

    fn site() -> SiteKey {
        SiteKey::parse("site_shop").unwrap()
    }

    fn sign(secret: &str, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(header), part(claims));
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), message.as_bytes());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag.as_ref()))
    }

    fn claims() -> Value {
        json!({"sub": "user-7", "aud": "site_shop", "exp": NOW + 300, "iat": NOW, "name": "Ada"})
    }

    fn verify(keys: &IdentityKeys, token: &str) -> Result<IdentityProof, TokenError> {
        keys.verify(token, std::time::UNIX_EPOCH + Duration::from_secs(NOW))
    }

    fn with(name: &str, value: Value) -> Value {
        let mut claims = claims();
        claims[name] = value;
        claims
    }

    #[test]
    fn a_good_identity_says_who_it_is() {
        let keys = IdentityKeys::new(&site(), [("k1", SECRET)]);
        for header in [json!({"alg": "HS256"}), json!({"alg": "HS256", "typ": "JWT", "kid": "k1"})] {
            let Ok(IdentityProof::Fresh(identity)) = verify(&keys, &sign(SECRET, &header, &claims())) else {
                panic!("{header}");
            };
            assert_eq!(identity.user(), &UserId::parse("user-7").unwrap());
            assert_eq!(identity.profile().name.as_deref(), Some("Ada"));
            assert_eq!((identity.id(), identity.expires_at()), (None, NOW + 300));
        }
        let list = with("aud", json!(["elsewhere", "site_shop"]));
        assert!(verify(&keys, &sign(SECRET, &json!({"alg": "HS256"}), &list)).is_ok());
    }

    #[test]
    fn of_several_secrets_the_one_that_is_named_counts() {
        let keys = IdentityKeys::new(&site(), [("old", OTHER), ("new", SECRET)]);
        let signed = |secret: &str, kid: &str| sign(secret, &json!({"alg": "HS256", "kid": kid}), &claims());
        assert!(verify(&keys, &signed(SECRET, "new")).is_ok());
        assert!(verify(&keys, &signed(OTHER, "old")).is_ok());
        assert!(matches!(verify(&keys, &signed(SECRET, "old")), Err(TokenError::Invalid(_))));
        assert_eq!(verify(&keys, &signed(SECRET, "none")), Err(TokenError::UnknownKey));
        let nameless = sign(SECRET, &json!({"alg": "HS256"}), &claims());
        assert_eq!(verify(&keys, &nameless), Err(TokenError::UnknownKey));
    }

    #[test]
    fn a_header_decides_nothing() {
        let keys = IdentityKeys::new(&site(), [("k1", SECRET)]);
        for (header, error) in [
            (json!({"alg": "none"}), TokenError::Kind),
            (json!({"alg": "HS512"}), TokenError::Kind),
            (json!({"alg": "hs256"}), TokenError::Kind),
            (json!({"alg": "EdDSA"}), TokenError::Kind),
            (json!({"alg": "HS256", "typ": "cw-at+jwt"}), TokenError::Kind),
            (json!({"alg": "HS256", "kid": "../k1"}), TokenError::UnknownKey),
            (json!({"alg": "HS256", "jku": "https://evil.example"}), TokenError::Malformed),
            (json!({"alg": "HS256", "crit": ["exp"]}), TokenError::Malformed),
            (json!({"alg": "HS256", "jwk": {}}), TokenError::Malformed),
            (json!({"typ": "JWT"}), TokenError::Malformed),
        ] {
            assert_eq!(verify(&keys, &sign(SECRET, &header, &claims())), Err(error), "{header}");
        }
    }

    #[test]
    fn claims_that_do_not_hold_are_refused() {
        let keys = IdentityKeys::new(&site(), [("k1", SECRET)]);
        let long = "x".repeat(MAX_TEXT_BYTES + 1);
        for (name, value) in [
            ("sub", json!("")),
            ("sub", json!(long)),
            ("sub", json!(7)),
            ("sub", Value::Null),
            ("aud", json!("site_other")),
            ("aud", Value::Null),
            ("exp", json!((NOW + 300).to_string())),
            ("exp", json!(-1)),
            ("exp", Value::Null),
            ("exp", json!(NOW + 3631)),
            ("iat", json!(NOW + 31)),
            ("iat", json!(NOW - 3600)),
            ("iat", json!("now")),
            ("nbf", json!("now")),
            ("jti", json!("")),
            ("jti", json!(long)),
            ("name", json!(long)),
            ("email", json!(long)),
        ] {
            let token = sign(SECRET, &json!({"alg": "HS256"}), &with(name, value.clone()));
            assert!(matches!(verify(&keys, &token), Err(TokenError::Invalid(_))), "{name} = {value}");
        }
        let mut undated = claims();
        undated.as_object_mut().unwrap().remove("iat");
        undated["exp"] = json!(NOW + 3631);
        assert!(verify(&keys, &sign(SECRET, &json!({"alg": "HS256"}), &undated)).is_err(), "a long life");
        undated["exp"] = json!(NOW + 3600);
        assert!(verify(&keys, &sign(SECRET, &json!({"alg": "HS256"}), &undated)).is_ok());
        let exact = with("exp", json!(NOW + 3630));
        assert!(verify(&keys, &sign(SECRET, &json!({"alg": "HS256"}), &exact)).is_ok(), "within the leeway");
        let early = with("iat", json!(NOW + 30));
        assert!(verify(&keys, &sign(SECRET, &json!({"alg": "HS256"}), &early)).is_ok(), "within the leeway");
        for name in ["name", "email", "jti", "sub"] {
            let longest = with(name, json!("x".repeat(MAX_TEXT_BYTES)));
            assert!(verify(&keys, &sign(SECRET, &json!({"alg": "HS256"}), &longest)).is_ok(), "{name}");
        }
    }

    #[test]
    fn an_identity_that_has_run_out_is_told_apart_and_proves_nothing() {
        let keys = IdentityKeys::new(&site(), [("k1", SECRET)]);
        for (exp, is_fresh) in [(NOW - 30, true), (NOW - 31, false), (NOW - 3600, false)] {
            let old = json!({"sub": "u", "aud": "site_shop", "exp": exp});
            let proof = verify(&keys, &sign(SECRET, &json!({"alg": "HS256"}), &old)).unwrap();
            assert_eq!(matches!(proof, IdentityProof::Fresh(_)), is_fresh, "{exp}");
            assert!(verify(&keys, &sign(OTHER, &json!({"alg": "HS256"}), &old)).is_err());
        }
    }

    #[test]
    fn a_user_is_the_same_visitor_on_every_device_and_another_on_another_site() {
        let key = NamingKey::new(&[7; 32]);
        let user = UserId::parse("user-7").unwrap();
        let owner = key.owner(&site(), &user);
        assert_eq!(owner, key.owner(&site(), &user));
        assert!(owner.visitor.starts_with("u_") && owner.visitor.len() == 34, "{}", owner.visitor);
        let elsewhere = SiteKey::parse("site_other").unwrap();
        for other in [
            key.owner(&elsewhere, &user),
            key.owner(&site(), &UserId::parse("user-8").unwrap()),
            NamingKey::new(&[8; 32]).owner(&site(), &user),
        ] {
            assert_ne!(other.visitor, owner.visitor);
        }
        assert_eq!(UserId::parse(&"x".repeat(256)).map(|_| ()), Ok(()));
    }

    #[test]
    fn a_secret_must_be_long_and_its_name_plain() {
        assert!(IdentityKeys::check("k1", SECRET).is_ok());
        assert!(IdentityKeys::check("k1", SECRET.get(1..).unwrap()).is_err());
        assert!(IdentityKeys::check("k 1", SECRET).is_err());
        assert!(IdentityKeys::new(&site(), []).is_empty());
        let keys = IdentityKeys::new(&site(), [("k1", SECRET)]);
        assert!(!keys.is_empty());
        let shown = format!("{keys:?} {:?}", NamingKey::new(&[1; 32]));
        assert!(shown.contains("k1") && !shown.contains("0123"), "{shown}");
    }
}
