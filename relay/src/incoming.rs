//! Webhooks that a provider sends: whether it was the provider who sent them.
//!
//! Anybody may call the address. What is not signed with the secret that the
//! provider and the operator share is read by nobody.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http::{HeaderMap, HeaderName};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::config::{Incoming, SignatureEncoding};
use crate::hex;

/// How far the time of sending may be from ours, where it is signed.
pub const TOLERANCE: Duration = Duration::from_mins(5);

/// How long an event is remembered, and how old one may be that says when it
/// happened: what is older could have been here before.
pub const MEMORY: Duration = Duration::from_hours(24 * 30);

/// Most signatures in one header: a provider that changes its secret sends two.
const MAX_SIGNATURES: usize = 8;

/// Above this a time is in milliseconds.
const LEAST_MILLISECONDS: u64 = 100_000_000_000;

/// Why a call is not believed. It names no secret and no signature.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Forged {
    /// A header is missing, or holds no text.
    #[error("the header {0} is missing")]
    Missing(HeaderName),
    /// No signature of the header is that of the body.
    #[error("the signature in {0} is not that of the body")]
    Signature(HeaderName),
    /// It was sent too long ago, or is not to be sent yet.
    #[error("the time in {0} is not within five minutes of now")]
    Time(HeaderName),
}

/// Whether a call comes from the provider, and was sent now.
///
/// What the provider signs beside the body is not documented; here it is the
/// body, or the time of sending, a dot and the body.
pub fn verify(incoming: &Incoming, headers: &HeaderMap, body: &[u8], now: SystemTime) -> Result<(), Forged> {
    let text = |name: &HeaderName| {
        let value = headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
        value.filter(|value| !value.is_empty()).ok_or_else(|| Forged::Missing(name.clone()))
    };
    let given = text(&incoming.header)?;
    let sent = incoming.timestamp_header.as_ref().map(|name| Ok((name, text(name)?))).transpose()?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, incoming.secret.expose().as_bytes());
    let signed = match sent {
        Some((_, time)) => [time.as_bytes(), b".", body].concat(),
        None => body.to_vec(),
    };
    // The comparison is the library's, in constant time.
    let is_signed = signatures(given, incoming.encoding).any(|tag| hmac::verify(&key, &signed, &tag).is_ok());
    if !is_signed {
        return Err(Forged::Signature(incoming.header.clone()));
    }
    match sent {
        Some((name, time)) if !is_recent(time, now) => Err(Forged::Time(name.clone())),
        _ => Ok(()),
    }
}

/// The signatures of a header: one, or several with blanks or commas between
/// them, each bare or behind the name of its scheme (`sha256=`, `v1=`, `v1,`).
fn signatures(given: &str, encoding: SignatureEncoding) -> impl Iterator<Item = Vec<u8>> {
    given
        .split([' ', ','])
        .map(|word| word.trim().trim_start_matches("sha256=").trim_start_matches("v1="))
        .filter(|word| !word.is_empty())
        .take(MAX_SIGNATURES)
        .filter_map(move |word| match encoding {
            SignatureEncoding::Hex => hex::decode(word),
            SignatureEncoding::Base64 => ENGINES.iter().find_map(|engine| engine.decode(word).ok()),
        })
}

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);

const ENGINES: [GeneralPurpose; 2] =
    [GeneralPurpose::new(&STANDARD, LENIENT), GeneralPurpose::new(&URL_SAFE, LENIENT)];

fn is_recent(time: &str, now: SystemTime) -> bool {
    let Some(sent) = parse_time(time) else { return false };
    let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    sent.abs_diff(now) <= TOLERANCE
}

/// Whether something happened so long ago that it may have been here before.
pub fn is_stale(time: &str, now: SystemTime) -> bool {
    let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    parse_time(time).is_some_and(|at| now.saturating_sub(at) > MEMORY)
}

/// Seconds or milliseconds since 1970, or ISO 8601.
fn parse_time(text: &str) -> Option<Duration> {
    if let Ok(number) = text.parse::<u64>() {
        let is_seconds = number < LEAST_MILLISECONDS;
        return Some(if is_seconds { Duration::from_secs(number) } else { Duration::from_millis(number) });
    }
    let at = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    u64::try_from(at.unix_timestamp()).ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;
    use crate::config::Secret;

    const NOW: Duration = Duration::from_secs(1_790_000_000);

    fn incoming(encoding: SignatureEncoding, is_timed: bool) -> Incoming {
        Incoming {
            secret: Secret::new("whsec_test".to_owned()),
            header: HeaderName::from_static("x-signature"),
            encoding,
            timestamp_header: is_timed.then(|| HeaderName::from_static("x-time")),
        }
    }

    fn judge(incoming: &Incoming, signature: &str, time: Option<&str>, body: &str) -> Result<(), Forged> {
        let mut headers = HeaderMap::new();
        headers.insert("x-signature", HeaderValue::from_str(signature).unwrap());
        if let Some(time) = time {
            headers.insert("x-time", HeaderValue::from_str(time).unwrap());
        }
        verify(incoming, &headers, body.as_bytes(), UNIX_EPOCH + NOW)
    }

    fn sign(text: &str) -> Vec<u8> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"whsec_test");
        hmac::sign(&key, text.as_bytes()).as_ref().to_vec()
    }

    #[test]
    fn a_signature_is_taken_in_each_way_of_writing_it() {
        let tag = sign("{}");
        let hex = hex::encode(&tag);
        for good in [&hex, &hex.to_uppercase(), &format!("sha256={hex}"), &format!("v1,00ff v1,{hex}")] {
            assert_eq!(judge(&incoming(SignatureEncoding::Hex, false), good, None, "{}"), Ok(()), "{good}");
        }
        let standard = base64::engine::general_purpose::STANDARD.encode(&tag);
        let bare = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(&tag);
        for good in [&standard, &bare, &format!("v1,{standard}")] {
            let base64 = incoming(SignatureEncoding::Base64, false);
            assert_eq!(judge(&base64, good, None, "{}"), Ok(()), "{good}");
        }
    }

    #[test]
    fn what_is_altered_unsigned_or_signed_otherwise_is_forged() {
        let hex = hex::encode(&sign("{}"));
        let signature = Err(Forged::Signature(HeaderName::from_static("x-signature")));
        for (given, body) in
            [(hex.as_str(), "{ }"), ("", "{}"), ("00", "{}"), ("no hex", "{}"), (&hex[2..], "{}")]
        {
            let told = judge(&incoming(SignatureEncoding::Hex, false), given, None, body);
            let expected = if given.is_empty() {
                Err(Forged::Missing(HeaderName::from_static("x-signature")))
            } else {
                signature.clone()
            };
            assert_eq!(told, expected, "{given} {body}");
        }
        assert_eq!(judge(&incoming(SignatureEncoding::Base64, false), &hex, None, "{}"), signature);
        let none = verify(&incoming(SignatureEncoding::Hex, false), &HeaderMap::new(), b"{}", UNIX_EPOCH);
        assert_eq!(none, Err(Forged::Missing(HeaderName::from_static("x-signature"))));
    }

    #[test]
    fn a_time_is_signed_and_near() {
        let timed = incoming(SignatureEncoding::Hex, true);
        let late = Err(Forged::Time(HeaderName::from_static("x-time")));
        for (time, expected) in [
            ("1790000000", Ok(())),
            ("1790000300", Ok(())),
            ("1789999700000", Ok(())),
            ("2026-09-21T14:13:20Z", Ok(())),
            ("1789999699", late.clone()),
            ("1790000301", late.clone()),
            ("now", late),
        ] {
            let signature = hex::encode(&sign(&format!("{time}.{{}}")));
            assert_eq!(judge(&timed, &signature, Some(time), "{}"), expected, "{time}");
        }
        let moved = hex::encode(&sign("1789999000.{}"));
        assert!(matches!(judge(&timed, &moved, Some("1790000000"), "{}"), Err(Forged::Signature(_))));
        assert!(matches!(judge(&timed, &moved, None, "{}"), Err(Forged::Missing(_))));
    }

    #[test]
    fn what_happened_before_the_memory_begins_is_stale() {
        let now = UNIX_EPOCH + NOW;
        for (time, expected) in
            [("2026-09-21T14:13:20Z", false), ("2026-08-01T00:00:00Z", true), ("soon", false)]
        {
            assert_eq!(is_stale(time, now), expected, "{time}");
        }
    }
}
