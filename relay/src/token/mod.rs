//! Tokens: made here, verified here, nowhere else.
//!
//! A token that came from outside is text until [`Keyring::verify_access`] or
//! [`Keyring::verify_visitor`] has turned it into a value whose fields nobody
//! outside this room can set. Both kinds are JWTs of one algorithm per key id;
//! the header is read by a list of three fields, so that no token can name a
//! key, an URL of a key, or an algorithm of its own.

mod key;

use std::collections::HashMap;
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chinwag_protocol::SiteKey;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Header, Validation};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use key::{KeyError, SigningKey};

/// Life of an access token: short, because it lies open in a page.
pub const ACCESS_LIFE: Duration = Duration::from_mins(10);

/// Life of a visitor token from its last exchange: how long a visitor may stay
/// away and still find their conversations.
pub const VISITOR_LIFE: Duration = Duration::from_hours(24 * 180);

/// How far two clocks may be apart.
const LEEWAY: Duration = Duration::from_secs(30);

/// Longest token that is looked at, in bytes.
const MAX_TOKEN_BYTES: usize = 4 * 1024;

/// Who issues, and who shall accept. A key belongs to one relay, so the names
/// need not tell relays apart.
const ISSUER: &str = "chinwag-relay";

/// The version of a site's tokens; a site that raises it ends all older ones.
const SITE_VERSION: u32 = 1;

/// What a token is for. Each kind has its own `typ` and `aud`, so that one never
/// passes for the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Access,
    Visitor,
}

impl Kind {
    fn typ(self) -> &'static str {
        match self {
            Self::Access => "cw-at+jwt",
            Self::Visitor => "cw-vt+jwt",
        }
    }

    fn audience(self) -> &'static str {
        match self {
            Self::Access => "chinwag-relay/api",
            Self::Visitor => "chinwag-relay/token",
        }
    }

    fn life(self) -> Duration {
        match self {
            Self::Access => ACCESS_LIFE,
            Self::Visitor => VISITOR_LIFE,
        }
    }

    fn validation(self) -> Validation {
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.leeway = LEEWAY.as_secs();
        validation.validate_nbf = true;
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[self.audience()]);
        validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
        validation
    }
}

/// The claims of both kinds. `org` and `sid` stand in access tokens, `fam` in
/// visitor tokens.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    site: SiteKey,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    org: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sid: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fam: Option<String>,
    jti: String,
    iat: u64,
    nbf: u64,
    exp: u64,
    ver: u32,
}

/// A JOSE header as it may be. A further field, above all one that names a key
/// or is `crit`, makes the token unreadable.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct UnverifiedHeader {
    alg: String,
    typ: String,
    kid: String,
}

/// What a verified access token says. Only this room can make one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedClaims {
    site: SiteKey,
    visitor: String,
    origin: String,
    session: String,
}

impl VerifiedClaims {
    /// The site whose page got the token.
    pub fn site(&self) -> &SiteKey {
        &self.site
    }

    /// The visitor, as the store names them.
    pub fn visitor(&self) -> &str {
        &self.visitor
    }

    /// The origin of the page that got the token. Every call is held against it.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The exchange that the token came from.
    pub fn session(&self) -> &str {
        &self.session
    }
}

/// What a verified visitor token says. Only this room can make one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedVisitor {
    site: SiteKey,
    visitor: String,
    family: String,
}

impl VerifiedVisitor {
    /// A visitor whom nobody has seen yet.
    pub fn new(site: SiteKey) -> Self {
        // 122 random bits: nobody guesses another visitor's id.
        Self {
            site,
            visitor: format!("v_{}", Uuid::new_v4().simple()),
            family: Uuid::new_v4().simple().to_string(),
        }
    }

    /// The site that the visitor belongs to.
    pub fn site(&self) -> &SiteKey {
        &self.site
    }

    /// The visitor, as the store names them.
    pub fn visitor(&self) -> &str {
        &self.visitor
    }

    /// Names the chain of tokens that began with one first visit.
    pub fn family(&self) -> &str {
        &self.family
    }
}

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
}

/// The keys: one that signs, and all whose signatures are accepted.
pub struct Keyring {
    signing: SigningKey,
    accepted: HashMap<String, jsonwebtoken::DecodingKey>,
    access: Validation,
    visitor: Validation,
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring").field("signing", &self.signing).finish_non_exhaustive()
    }
}

impl Keyring {
    /// A keyring that signs with, and accepts, one key; after it has signed and
    /// verified a token, and refused one that was changed.
    ///
    /// # Errors
    /// [`KeyError::SelfTest`]: the cryptography of this build does not work.
    pub fn build(signing: SigningKey) -> Result<Self, KeyError> {
        let accepted = HashMap::from([(signing.kid().to_owned(), signing.verifying().clone())]);
        let keyring = Self {
            signing,
            accepted,
            access: Kind::Access.validation(),
            visitor: Kind::Visitor.validation(),
        };
        keyring.test_itself()?;
        Ok(keyring)
    }

    /// An access token for a visitor on a page of `origin`.
    pub fn issue_access(
        &self,
        visitor: &VerifiedVisitor,
        origin: &str,
        now: SystemTime,
    ) -> Result<String, KeyError> {
        let mut claims = Self::claims(Kind::Access, visitor, now);
        claims.org = Some(origin.to_owned());
        claims.sid = Some(Uuid::now_v7().simple().to_string());
        self.sign(Kind::Access, &claims)
    }

    /// A visitor token, of the same family as the one that was brought.
    pub fn issue_visitor(&self, visitor: &VerifiedVisitor, now: SystemTime) -> Result<String, KeyError> {
        let mut claims = Self::claims(Kind::Visitor, visitor, now);
        claims.fam = Some(visitor.family.clone());
        self.sign(Kind::Visitor, &claims)
    }

    /// Verifies an access token. The caller still has to hold its origin against
    /// the request's.
    pub fn verify_access(&self, unverified_token: &str) -> Result<VerifiedClaims, TokenError> {
        let claims = self.open(Kind::Access, unverified_token)?;
        let missing = |name: &str| TokenError::Invalid(format!("claim {name} is missing"));
        Ok(VerifiedClaims {
            site: claims.site,
            visitor: claims.sub,
            origin: claims.org.ok_or_else(|| missing("org"))?,
            session: claims.sid.ok_or_else(|| missing("sid"))?,
        })
    }

    /// Verifies a visitor token.
    pub fn verify_visitor(&self, unverified_token: &str) -> Result<VerifiedVisitor, TokenError> {
        let claims = self.open(Kind::Visitor, unverified_token)?;
        let family = claims.fam.ok_or_else(|| TokenError::Invalid("claim fam is missing".to_owned()))?;
        Ok(VerifiedVisitor { site: claims.site, visitor: claims.sub, family })
    }

    fn claims(kind: Kind, visitor: &VerifiedVisitor, now: SystemTime) -> Claims {
        let now = seconds(now);
        Claims {
            iss: ISSUER.to_owned(),
            aud: kind.audience().to_owned(),
            sub: visitor.visitor.clone(),
            site: visitor.site.clone(),
            org: None,
            sid: None,
            fam: None,
            jti: Uuid::new_v4().simple().to_string(),
            iat: now,
            nbf: now,
            exp: now + kind.life().as_secs(),
            ver: SITE_VERSION,
        }
    }

    fn sign(&self, kind: Kind, claims: &Claims) -> Result<String, KeyError> {
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(kind.typ().to_owned());
        header.kid = Some(self.signing.kid().to_owned());
        jsonwebtoken::encode(&header, claims, self.signing.signing())
            .map_err(|error| KeyError::Signing(error.to_string()))
    }

    fn open(&self, kind: Kind, unverified_token: &str) -> Result<Claims, TokenError> {
        let header: UnverifiedHeader = unverified_header(unverified_token)?;
        let key = self.accepted.get(&header.kid).ok_or(TokenError::UnknownKey)?;
        if header.alg != "EdDSA" || header.typ != kind.typ() {
            return Err(TokenError::Kind);
        }
        let validation = match kind {
            Kind::Access => &self.access,
            Kind::Visitor => &self.visitor,
        };
        let claims = jsonwebtoken::decode::<Claims>(unverified_token, key, validation)
            .map_err(|error| match error.kind() {
                ErrorKind::ExpiredSignature => TokenError::Expired,
                _ => TokenError::Invalid(error.to_string()),
            })?
            .claims;
        if claims.iat > seconds(SystemTime::now()) + LEEWAY.as_secs() {
            return Err(TokenError::Invalid("it was issued in the future".to_owned()));
        }
        if claims.exp.saturating_sub(claims.iat) > kind.life().as_secs() {
            return Err(TokenError::Invalid("its life is too long".to_owned()));
        }
        if claims.ver != SITE_VERSION {
            return Err(TokenError::Invalid("its version has been ended".to_owned()));
        }
        Ok(claims)
    }

    /// The library chooses its cryptography at run time, and panics or fails
    /// there; better at the start than at the first visitor.
    fn test_itself(&self) -> Result<(), KeyError> {
        let site = SiteKey::parse("site_self-test").map_err(|error| KeyError::SelfTest(error.to_string()))?;
        let visitor = VerifiedVisitor::new(site);
        let token = self.issue_access(&visitor, "https://self.test", SystemTime::now())?;
        let claims = self.verify_access(&token).map_err(|error| KeyError::SelfTest(error.to_string()))?;
        if claims.visitor != visitor.visitor {
            return Err(KeyError::SelfTest("a token came back with another visitor".to_owned()));
        }
        let signature_at = token.rfind('.').unwrap_or_default() + 1;
        let mut forged = token.clone();
        let other = if token.get(signature_at..=signature_at) == Some("A") { "B" } else { "A" };
        forged.replace_range(signature_at..=signature_at, other);
        if self.verify_access(&forged).is_ok() {
            return Err(KeyError::SelfTest("a forged token was accepted".to_owned()));
        }
        Ok(())
    }
}

/// Reads the header of a token that is at most [`MAX_TOKEN_BYTES`] long and has
/// exactly three parts of base64url without padding.
fn unverified_header<T: DeserializeOwned>(unverified_token: &str) -> Result<T, TokenError> {
    let mut parts = unverified_token.split('.');
    let (Some(header), Some(_), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(TokenError::Malformed);
    };
    if unverified_token.len() > MAX_TOKEN_BYTES {
        return Err(TokenError::Malformed);
    }
    let header = URL_SAFE_NO_PAD.decode(header).map_err(|_| TokenError::Malformed)?;
    serde_json::from_slice(&header).map_err(|_| TokenError::Malformed)
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keyring() -> Keyring {
        Keyring::build(SigningKey::generate().unwrap()).unwrap()
    }

    fn visitor() -> VerifiedVisitor {
        VerifiedVisitor::new(SiteKey::parse("site_demo").unwrap())
    }

    /// A token of our key with any header and claims.
    fn forge(keyring: &Keyring, header: &serde_json::Value, claims: &serde_json::Value) -> String {
        let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(header), part(claims));
        let key = keyring.signing.signing();
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), key, Algorithm::EdDSA).unwrap();
        format!("{message}.{signature}")
    }

    fn good(keyring: &Keyring) -> (serde_json::Value, serde_json::Value) {
        let mut claims = Keyring::claims(Kind::Access, &visitor(), SystemTime::now());
        claims.org = Some("https://shop.example".to_owned());
        claims.sid = Some("s".to_owned());
        let header = serde_json::json!({"alg": "EdDSA", "typ": "cw-at+jwt", "kid": keyring.signing.kid()});
        (header, serde_json::to_value(claims).unwrap())
    }

    #[test]
    fn a_token_says_what_was_put_into_it() {
        let (keyring, visitor) = (keyring(), visitor());
        let token = keyring.issue_access(&visitor, "https://shop.example", SystemTime::now()).unwrap();
        let claims = keyring.verify_access(&token).unwrap();
        assert_eq!(claims.visitor(), visitor.visitor());
        assert_eq!(claims.site(), visitor.site());
        assert_eq!(claims.origin(), "https://shop.example");
        let kept = keyring.issue_visitor(&visitor, SystemTime::now()).unwrap();
        assert_eq!(keyring.verify_visitor(&kept), Ok(visitor));
    }

    #[test]
    fn one_kind_of_token_never_passes_for_the_other() {
        let (keyring, visitor) = (keyring(), visitor());
        let access = keyring.issue_access(&visitor, "https://shop.example", SystemTime::now()).unwrap();
        let kept = keyring.issue_visitor(&visitor, SystemTime::now()).unwrap();
        assert_eq!(keyring.verify_visitor(&access), Err(TokenError::Kind));
        assert_eq!(keyring.verify_access(&kept), Err(TokenError::Kind));
    }

    #[test]
    fn another_relays_token_is_not_known_here() {
        let (ours, theirs) = (keyring(), keyring());
        let token = theirs.issue_access(&visitor(), "https://shop.example", SystemTime::now()).unwrap();
        assert_eq!(ours.verify_access(&token), Err(TokenError::UnknownKey));
    }

    #[test]
    fn the_forge_of_these_tests_makes_tokens_that_hold() {
        let keyring = keyring();
        let (header, claims) = good(&keyring);
        assert!(keyring.verify_access(&forge(&keyring, &header, &claims)).is_ok());
    }

    #[test]
    fn a_header_with_anything_but_its_three_fields_is_refused() {
        let keyring = keyring();
        let (header, claims) = good(&keyring);
        for field in ["jku", "jwk", "x5u", "x5c", "crit", "zip", "b64", "cty"] {
            let mut header = header.clone();
            header[field] = serde_json::json!("x");
            let token = forge(&keyring, &header, &claims);
            assert_eq!(keyring.verify_access(&token), Err(TokenError::Malformed), "{field}");
        }
        for (field, value, error) in [
            ("alg", "none", TokenError::Kind),
            ("alg", "HS256", TokenError::Kind),
            ("alg", "eddsa", TokenError::Kind),
            ("typ", "JWT", TokenError::Kind),
            ("typ", "cw-vt+jwt", TokenError::Kind),
            ("kid", "other", TokenError::UnknownKey),
            ("kid", "../../etc/passwd", TokenError::UnknownKey),
        ] {
            let mut header = header.clone();
            header[field] = serde_json::json!(value);
            let token = forge(&keyring, &header, &claims);
            assert_eq!(keyring.verify_access(&token), Err(error), "{field} {value}");
        }
    }

    #[test]
    fn claims_that_are_missing_wrong_or_of_another_type_are_refused() {
        let keyring = keyring();
        let (header, claims) = good(&keyring);
        for name in ["iss", "aud", "sub", "site", "org", "sid", "jti", "iat", "nbf", "exp", "ver"] {
            let mut claims = claims.clone();
            claims.as_object_mut().unwrap().remove(name);
            assert!(keyring.verify_access(&forge(&keyring, &header, &claims)).is_err(), "without {name}");
        }
        let now = seconds(SystemTime::now());
        for (name, value) in [
            ("iss", serde_json::json!("someone")),
            ("aud", serde_json::json!("chinwag-relay/token")),
            ("exp", serde_json::json!((now + 60).to_string())),
            ("exp", serde_json::json!(now + 11 * 60)),
            ("exp", serde_json::json!(-1)),
            ("nbf", serde_json::json!(now + 60)),
            ("nbf", serde_json::json!("soon")),
            ("iat", serde_json::json!(now + 60)),
            ("ver", serde_json::json!(0)),
            ("admin", serde_json::json!(true)),
        ] {
            let mut claims = claims.clone();
            claims[name] = value.clone();
            assert!(keyring.verify_access(&forge(&keyring, &header, &claims)).is_err(), "{name} = {value}");
        }
    }

    #[test]
    fn an_expired_token_is_told_apart_only_if_its_signature_holds() {
        let keyring = keyring();
        let long_ago = SystemTime::now() - ACCESS_LIFE - LEEWAY - Duration::from_secs(2);
        let token = keyring.issue_access(&visitor(), "https://shop.example", long_ago).unwrap();
        assert_eq!(keyring.verify_access(&token), Err(TokenError::Expired));
        let just_now = SystemTime::now() - ACCESS_LIFE - Duration::from_secs(10);
        let token = keyring.issue_access(&visitor(), "https://shop.example", just_now).unwrap();
        assert!(keyring.verify_access(&token).is_ok(), "within the leeway");
        let token = keyring.issue_access(&visitor(), "https://shop.example", long_ago).unwrap();
        let forged = format!("{}AAAA", token.get(..token.len() - 4).unwrap());
        assert!(matches!(keyring.verify_access(&forged), Err(TokenError::Invalid(_))));
    }

    #[test]
    fn what_is_not_a_token_is_refused() {
        let keyring = keyring();
        let token = keyring.issue_access(&visitor(), "https://shop.example", SystemTime::now()).unwrap();
        let padded = token.replacen('.', "=.", 1);
        let long = format!("{token}{}", "A".repeat(MAX_TOKEN_BYTES));
        for bad in
            ["", ".", "..", "a.b", "a.b.c.d", "\u{0}.\u{0}.\u{0}", &padded, &long, &format!("{token}.")]
        {
            assert!(keyring.verify_access(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_keyring_does_not_show_its_key() {
        let keyring = keyring();
        let shown = format!("{keyring:?}");
        assert!(shown.contains(keyring.signing.kid()));
        assert!(!shown.contains("302e") && !shown.contains("PRIVATE"), "{shown}");
    }
}
