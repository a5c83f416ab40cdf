//! The outside of a token: three parts, a bounded length, and a header that is
//! read by a list. Nothing here trusts anything.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use super::TokenError;

/// Longest token that is looked at, in bytes.
const MAX_TOKEN_BYTES: usize = 4 * 1024;

/// Longest key id, in bytes.
const MAX_KID_BYTES: usize = 32;

/// A JOSE header as it may be. A further field, above all one that names a key
/// or is `crit`, makes the token unreadable.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UnverifiedHeader {
    pub(super) alg: String,
    #[serde(default)]
    pub(super) typ: Option<String>,
    #[serde(default)]
    kid: Option<String>,
}

impl UnverifiedHeader {
    /// Reads the header of a token that is at most 4 KiB long and has exactly
    /// three parts, the first of base64url without padding.
    pub(super) fn of(unverified_token: &str) -> Result<Self, TokenError> {
        if unverified_token.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::Malformed);
        }
        let mut parts = unverified_token.split('.');
        let (Some(header), Some(_), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(TokenError::Malformed);
        };
        let header = URL_SAFE_NO_PAD.decode(header).map_err(|_| TokenError::Malformed)?;
        let header: Self = serde_json::from_slice(&header).map_err(|_| TokenError::Malformed)?;
        match &header.kid {
            Some(kid) if !is_key_id(kid) => Err(TokenError::UnknownKey),
            _ => Ok(header),
        }
    }

    /// Names the key, if the token says one.
    pub(super) fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }
}

/// Whether a text may name a key: 1 to 32 characters of `A-Z a-z 0-9 _ -`.
pub(super) fn is_key_id(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    (1..=MAX_KID_BYTES).contains(&text.len()) && text.bytes().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_id_is_short_and_plain() {
        for good in ["a", "2026-11", "A_b-9", &"x".repeat(32)] {
            assert!(is_key_id(good), "{good}");
        }
        for bad in ["", "a b", "../key", "k\u{e9}y", "a.b", &"x".repeat(33)] {
            assert!(!is_key_id(bad), "{bad}");
        }
    }

    #[test]
    fn a_token_of_the_greatest_length_is_read_and_a_longer_one_is_not() {
        let head = format!("{}..", URL_SAFE_NO_PAD.encode(r#"{"alg":"x"}"#));
        let longest = format!("{head}{}", "A".repeat(4_096 - head.len()));
        assert_eq!(UnverifiedHeader::of(&longest).unwrap().alg, "x");
        assert_eq!(UnverifiedHeader::of(&format!("{longest}A")).unwrap_err(), TokenError::Malformed);
    }

    #[test]
    fn a_header_names_a_key_as_keys_are_named() {
        let of = |kid: &str| {
            let header = format!(r#"{{"alg":"x","kid":"{kid}"}}"#);
            UnverifiedHeader::of(&format!("{}..", URL_SAFE_NO_PAD.encode(header)))
        };
        assert_eq!(of("2026-11").unwrap().kid(), Some("2026-11"));
        for bad in ["", "../key", &"x".repeat(33)] {
            assert_eq!(of(bad).unwrap_err(), TokenError::UnknownKey, "{bad}");
        }
    }
}
