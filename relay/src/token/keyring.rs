//! The relay's own tokens, signed and verified: the one place where a text
//! becomes [`VerifiedClaims`] or a [`VerifiedVisitor`].

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use chinwag_protocol::SiteKey;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::read::UnverifiedHeader;
use super::seen::Seen;
use super::{
    ACCESS_LIFE, KeyError, LEEWAY, MAX_ACCESS_LIFE, PublicKey, RetiredKey, Revoked, SigningKey, TokenError,
    VISITOR_LIFE, seconds,
};
use crate::store::Owner;

/// Who issues, and who shall accept. A key belongs to one relay, so the names
/// need not tell relays apart.
const ISSUER: &str = "chinwag-relay";

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

    fn longest_life(self) -> Duration {
        match self {
            Self::Access => MAX_ACCESS_LIFE,
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

/// The claims of both kinds. `org` stands in access tokens, `gen` and `auth` in
/// visitor tokens; `sid` is the same in both, and `dev` in both that a device got.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    site: SiteKey,
    sid: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    org: Option<String>,
    #[serde(default, rename = "gen", skip_serializing_if = "Option::is_none")]
    generation: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    auth: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dev: Option<String>,
    jti: String,
    iat: u64,
    nbf: u64,
    exp: u64,
    ver: u32,
}

/// What a verified access token says. Only this room can make one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedClaims {
    owner: Owner,
    origin: String,
    session: String,
    device: Option<String>,
    id: String,
    issued_at: u64,
    expires_at: u64,
    version: u32,
}

impl VerifiedClaims {
    /// The site whose page got the token.
    pub fn site(&self) -> &SiteKey {
        &self.owner.site
    }

    /// The visitor, as the store names them.
    pub fn visitor(&self) -> &str {
        &self.owner.visitor
    }

    /// Whose data the token opens.
    pub fn owner(&self) -> &Owner {
        &self.owner
    }

    /// The origin of the page that got the token. Every call is held against it.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The chain of exchanges that the token came from: one browser's.
    pub fn session(&self) -> &str {
        &self.session
    }

    /// The token's own id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// When it runs out, in seconds since 1970.
    pub fn expires_at(&self) -> u64 {
        self.expires_at
    }
}

/// What a verified visitor token says, or who a visitor is from now on. Only
/// this room can make one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedVisitor {
    owner: Owner,
    family: String,
    generation: u32,
    device: Option<String>,
    proven_at: Option<u64>,
    issued_at: u64,
}

impl VerifiedVisitor {
    /// A visitor whom nobody has seen yet.
    pub fn new(site: SiteKey) -> Self {
        // 122 random bits: nobody guesses another visitor's id.
        let visitor = format!("v_{}", Uuid::new_v4().simple());
        Self::begin(Owner { site, visitor }, None)
    }

    /// A user whom their site's own server has named just now, in a browser that
    /// nobody has seen yet.
    pub fn of_user(owner: Owner, now: SystemTime) -> Self {
        Self::begin(owner, Some(seconds(now)))
    }

    fn begin(owner: Owner, proven_at: Option<u64>) -> Self {
        let family = Uuid::new_v4().simple().to_string();
        Self { owner, family, generation: 0, device: None, proven_at, issued_at: 0 }
    }

    /// The same, after the token was exchanged: its successor has that generation.
    #[must_use]
    pub fn advanced_to(self, generation: u32) -> Self {
        Self { generation, ..self }
    }

    /// The same, after the user was named again.
    #[must_use]
    pub fn proven(self, now: SystemTime) -> Self {
        Self { proven_at: Some(seconds(now)), ..self }
    }

    /// The same, on a device with a key.
    #[must_use]
    pub fn on_device(self, device: Option<String>) -> Self {
        Self { device, ..self }
    }

    /// The site that the visitor belongs to.
    pub fn site(&self) -> &SiteKey {
        &self.owner.site
    }

    /// The visitor, as the store names them.
    pub fn visitor(&self) -> &str {
        &self.owner.visitor
    }

    /// Whose data it is.
    pub fn owner(&self) -> Owner {
        self.owner.clone()
    }

    /// Names the chain of tokens that began in one browser.
    pub fn family(&self) -> &str {
        &self.family
    }

    /// The token's place in the chain.
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// The device that the token was got on.
    pub fn device(&self) -> Option<&str> {
        self.device.as_deref()
    }

    /// When the token was made, in seconds since 1970.
    pub fn issued_at(&self) -> u64 {
        self.issued_at
    }

    /// Whether the site has named this visitor, whenever that was.
    pub fn is_user(&self) -> bool {
        self.proven_at.is_some()
    }

    /// Whether the site named them within that time.
    pub fn was_proven_within(&self, life: Duration, now: SystemTime) -> bool {
        self.proven_at.is_some_and(|at| seconds(now).saturating_sub(at) <= life.as_secs())
    }
}

/// What an access token is made for.
#[derive(Debug, Clone, Copy)]
pub struct Grant<'g> {
    /// Who may use it.
    pub visitor: &'g VerifiedVisitor,
    /// On pages of which origin.
    pub origin: &'g str,
    /// For how long; at most [`MAX_ACCESS_LIFE`].
    pub life: Duration,
}

/// A key whose signatures are accepted.
struct Accepted {
    key: DecodingKey,
    /// What it signed later, in seconds since 1970, is not.
    until: Option<u64>,
}

struct Keys {
    signing: SigningKey,
    accepted: HashMap<String, Accepted>,
}

/// The keys, one that signs and all whose signatures are accepted, and what has
/// been revoked of that.
pub struct Keyring {
    keys: RwLock<Arc<Keys>>,
    revoked: RwLock<Arc<Revoked>>,
    configured: Vec<PublicKey>,
    access: Validation,
    visitor: Validation,
    /// Access tokens alone: a visitor token is shown once.
    seen: Seen<Claims>,
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring").field("signing", &self.keys().signing).finish_non_exhaustive()
    }
}

impl Keyring {
    /// A keyring that signs with, and accepts, one key; after it has signed and
    /// verified a token, and refused one that was changed.
    ///
    /// # Errors
    /// [`KeyError::SelfTest`]: the cryptography of this build does not work.
    pub fn build(signing: SigningKey) -> Result<Self, KeyError> {
        Self::with_accepted(signing, Vec::new())
    }

    /// The same, and accepts keys that the operator names besides.
    pub fn with_accepted(signing: SigningKey, configured: Vec<PublicKey>) -> Result<Self, KeyError> {
        let keys = Keys { accepted: accepted(&signing, &configured, &[]), signing };
        let keyring = Self {
            keys: RwLock::new(Arc::new(keys)),
            revoked: RwLock::default(),
            configured,
            access: Kind::Access.validation(),
            visitor: Kind::Visitor.validation(),
            seen: Seen::new(),
        };
        keyring.test_itself()?;
        Ok(keyring)
    }

    /// Signs with that key from now on, and accepts what earlier ones signed
    /// before they were retired.
    pub fn replace_keys(&self, signing: SigningKey, retired: &[RetiredKey]) {
        let keys = Keys { accepted: accepted(&signing, &self.configured, retired), signing };
        // A value is put in whole: a panic elsewhere spoils nothing.
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
    }

    /// Refuses from now on what has been revoked.
    pub fn set_revoked(&self, revoked: Revoked) {
        *self.revoked.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(revoked);
    }

    /// What is refused.
    pub fn revoked(&self) -> Arc<Revoked> {
        Arc::clone(&self.revoked.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The id of the key that signs.
    pub fn kid(&self) -> String {
        self.keys().signing.kid().to_owned()
    }

    fn keys(&self) -> Arc<Keys> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// An access token.
    pub fn issue_access(&self, grant: Grant<'_>, now: SystemTime) -> Result<String, KeyError> {
        let life = grant.life.min(MAX_ACCESS_LIFE);
        let mut claims = self.claims(Kind::Access, grant.visitor, life, now);
        claims.org = Some(grant.origin.to_owned());
        self.sign(Kind::Access, &claims)
    }

    /// The visitor token that a browser brings to its next exchange.
    pub fn issue_visitor(&self, visitor: &VerifiedVisitor, now: SystemTime) -> Result<String, KeyError> {
        let mut claims = self.claims(Kind::Visitor, visitor, VISITOR_LIFE, now);
        claims.generation = Some(visitor.generation);
        claims.auth = visitor.proven_at;
        self.sign(Kind::Visitor, &claims)
    }

    /// Verifies an access token. The caller still has to hold its origin against
    /// the request's.
    pub fn verify_access(&self, unverified_token: &str) -> Result<VerifiedClaims, TokenError> {
        self.verify_access_at(unverified_token, SystemTime::now())
    }

    fn verify_access_at(
        &self,
        unverified_token: &str,
        now: SystemTime,
    ) -> Result<VerifiedClaims, TokenError> {
        let claims = self.open(Kind::Access, unverified_token, now)?;
        let verified = VerifiedClaims {
            owner: Owner { site: claims.site, visitor: claims.sub },
            origin: claims.org.ok_or_else(|| missing("org"))?,
            session: claims.sid,
            device: claims.dev,
            id: claims.jti,
            issued_at: claims.iat,
            expires_at: claims.exp,
            version: claims.ver,
        };
        self.check_revoked(&verified)?;
        Ok(verified)
    }

    /// Whether an access token that was good when its call began is good still.
    pub fn check_again(&self, claims: &VerifiedClaims, now: SystemTime) -> Result<(), TokenError> {
        if seconds(now) > claims.expires_at.saturating_add(LEEWAY.as_secs()) {
            return Err(TokenError::Expired);
        }
        self.check_revoked(claims)
    }

    /// Verifies a visitor token. The caller still has to redeem it: whether it
    /// has been followed, the store knows.
    pub fn verify_visitor(&self, unverified_token: &str) -> Result<VerifiedVisitor, TokenError> {
        let claims = self.open(Kind::Visitor, unverified_token, SystemTime::now())?;
        let revoked = self.revoked();
        let is_revoked = claims.ver != revoked.version(&claims.site)
            || revoked.sessions.contains(&claims.sid)
            || claims.dev.as_ref().is_some_and(|device| revoked.devices.contains(device));
        if is_revoked {
            return Err(TokenError::Revoked);
        }
        Ok(VerifiedVisitor {
            owner: Owner { site: claims.site, visitor: claims.sub },
            family: claims.sid,
            generation: claims.generation.ok_or_else(|| missing("gen"))?,
            device: claims.dev,
            proven_at: claims.auth,
            issued_at: claims.iat,
        })
    }

    fn check_revoked(&self, claims: &VerifiedClaims) -> Result<(), TokenError> {
        let revoked = self.revoked();
        let is_revoked = claims.version != revoked.version(claims.site())
            || claims.issued_at < revoked.first_good_second(&claims.owner)
            || revoked.sessions.contains(&claims.session)
            || revoked.tokens.contains(&claims.id)
            || claims.device.as_ref().is_some_and(|device| revoked.devices.contains(device));
        if is_revoked { Err(TokenError::Revoked) } else { Ok(()) }
    }

    fn claims(&self, kind: Kind, visitor: &VerifiedVisitor, life: Duration, now: SystemTime) -> Claims {
        let revoked = self.revoked();
        // Whoever was revoked in this very second begins in the next one.
        let now = seconds(now).max(revoked.first_good_second(&visitor.owner));
        Claims {
            iss: ISSUER.to_owned(),
            aud: kind.audience().to_owned(),
            sub: visitor.owner.visitor.clone(),
            site: visitor.owner.site.clone(),
            sid: visitor.family.clone(),
            org: None,
            generation: None,
            auth: None,
            dev: visitor.device.clone(),
            jti: Uuid::new_v4().simple().to_string(),
            iat: now,
            nbf: now,
            exp: now.saturating_add(life.as_secs()),
            ver: revoked.version(&visitor.owner.site),
        }
    }

    fn sign(&self, kind: Kind, claims: &Claims) -> Result<String, KeyError> {
        let keys = self.keys();
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(kind.typ().to_owned());
        header.kid = Some(keys.signing.kid().to_owned());
        jsonwebtoken::encode(&header, claims, keys.signing.signing())
            .map_err(|error| KeyError::Signing(error.to_string()))
    }

    fn open(&self, kind: Kind, unverified_token: &str, now: SystemTime) -> Result<Claims, TokenError> {
        let header = UnverifiedHeader::of(unverified_token)?;
        let keys = self.keys();
        let key = header.kid().and_then(|kid| keys.accepted.get(kid)).ok_or(TokenError::UnknownKey)?;
        if header.alg != "EdDSA" || header.typ.as_deref() != Some(kind.typ()) {
            return Err(TokenError::Kind);
        }
        let claims = match kind {
            Kind::Access => {
                let verify = || Self::decode(unverified_token, &key.key, &self.access);
                Arc::unwrap_or_clone(self.seen.or_verify(unverified_token, verify)?)
            }
            Kind::Visitor => Self::decode(unverified_token, &key.key, &self.visitor)?,
        };
        let leeway = LEEWAY.as_secs();
        let now = seconds(now);
        // Looked at here too: a signature that was seen holds for ever, its token does not.
        if now > claims.exp.saturating_add(leeway) {
            return Err(TokenError::Expired);
        }
        if claims.iat > now.saturating_add(leeway) {
            return Err(TokenError::Invalid("it was issued in the future".to_owned()));
        }
        if claims.exp.saturating_sub(claims.iat) > kind.longest_life().as_secs() {
            return Err(TokenError::Invalid("its life is too long".to_owned()));
        }
        // The relay learns of a rotation within seconds of it.
        if key.until.is_some_and(|until| claims.iat > until.saturating_add(leeway)) {
            return Err(TokenError::Invalid("its key had been retired when it was made".to_owned()));
        }
        Ok(claims)
    }

    fn decode(
        unverified_token: &str,
        key: &DecodingKey,
        validation: &Validation,
    ) -> Result<Claims, TokenError> {
        let decoded = jsonwebtoken::decode::<Claims>(unverified_token, key, validation);
        decoded.map(|token| token.claims).map_err(|error| match error.kind() {
            ErrorKind::ExpiredSignature => TokenError::Expired,
            _ => TokenError::Invalid(error.to_string()),
        })
    }

    /// The library chooses its cryptography at run time, and panics or fails
    /// there; better at the start than at the first visitor.
    fn test_itself(&self) -> Result<(), KeyError> {
        let site = SiteKey::parse("site_self-test").map_err(|error| KeyError::SelfTest(error.to_string()))?;
        let visitor = VerifiedVisitor::new(site);
        let grant = Grant { visitor: &visitor, origin: "https://self.test", life: ACCESS_LIFE };
        let token = self.issue_access(grant, SystemTime::now())?;
        let claims = self.verify_access(&token).map_err(|error| KeyError::SelfTest(error.to_string()))?;
        if claims.owner != visitor.owner {
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

fn accepted(
    signing: &SigningKey,
    configured: &[PublicKey],
    retired: &[RetiredKey],
) -> HashMap<String, Accepted> {
    let retired = retired.iter().map(|key| {
        let accepted =
            Accepted { key: DecodingKey::from_ed_der(&key.public_key), until: Some(key.retired_at) };
        (key.kid.clone(), accepted)
    });
    let always = configured
        .iter()
        .chain([signing.public()])
        .map(|key| (key.kid().to_owned(), Accepted { key: key.verifying(), until: None }));
    // The later ones win: a key that signs again is no longer retired.
    retired.chain(always).collect()
}

fn missing(name: &str) -> TokenError {
    TokenError::Invalid(format!("claim {name} is missing"))
}

#[cfg(test)]
mod tests;
