//! Tokens and identities as a forger, or a site's own server, makes them.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::hmac;
use aws_lc_rs::signature::Ed25519KeyPair;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::world::SIGNING_KEY;

pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// One part of a token: the header is 0, the claims are 1.
pub fn part_of(token: &str, part: usize) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(part).unwrap()).unwrap()).unwrap()
}

pub fn message(header: &Value, claims: &Value) -> String {
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()))
}

/// The relay's own key pair.
fn pair() -> Ed25519KeyPair {
    let body: String = SIGNING_KEY.lines().filter(|line| !line.starts_with("-----")).collect();
    Ed25519KeyPair::from_pkcs8_maybe_unchecked(&STANDARD.decode(body).unwrap()).unwrap()
}

/// The public half of the relay's key: everybody may know it.
pub fn public_key() -> Vec<u8> {
    use aws_lc_rs::signature::KeyPair as _;
    pair().public_key().as_ref().to_vec()
}

/// Signs with the relay's own key.
pub fn ours(header: &Value, claims: &Value) -> String {
    let message = message(header, claims);
    let signature = pair().sign(message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
}

/// Signs with a secret.
pub fn hs256(secret: &[u8], header: &Value, claims: &Value) -> String {
    let message = message(header, claims);
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag.as_ref()))
}

/// An identity as the documentation says to make one.
pub fn identity(secret: &str, kid: &str, site: &str, user: &str) -> String {
    let claims = json!({
        "sub": user, "aud": site, "iat": now(), "exp": now() + 300, "name": "Ada Lovelace",
        "jti": uuid::Uuid::new_v4().to_string(),
    });
    hs256(secret.as_bytes(), &json!({"alg": "HS256", "typ": "JWT", "kid": kid}), &claims)
}
