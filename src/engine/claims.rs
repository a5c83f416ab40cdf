//! What an access token says of itself. It is read, never verified: only the
//! relay can do that, and nothing but comfort depends on it here.

use chinwag_protocol::{FieldError, Fields, FromFields};

/// Longest token that is looked into, in bytes; the relay takes none longer.
const MAX_TOKEN_BYTES: usize = 4_096;

/// The claims of an access token that the widget has a use for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Claims {
    /// Whom it was made out to. Two tabs of one visitor have the same.
    pub subject: Option<String>,
    /// How long it is good for, in s, from when it was made.
    pub life_s: Option<u64>,
}

impl Claims {
    /// Reads the claims of a JWT; of anything else there are none.
    pub fn of(token: &str) -> Self {
        let payload = token.split('.').nth(1).filter(|_| token.len() <= MAX_TOKEN_BYTES);
        let text = payload.and_then(decode).and_then(|bytes| String::from_utf8(bytes).ok());
        text.and_then(|text| Self::from_json(&text).ok()).unwrap_or_default()
    }
}

impl FromFields for Claims {
    fn from_fields(fields: &Fields<'_>) -> Result<Self, FieldError> {
        let times = (fields.number("iat").ok().flatten(), fields.number("exp").ok().flatten());
        let life_s = match times {
            (Some(made), Some(ends)) => ends.checked_sub(made),
            _ => None,
        };
        Ok(Self { subject: fields.text("sub").ok().flatten(), life_s })
    }
}

/// Reads base64url without padding (RFC 4648, 5).
fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 2);
    let (mut held, mut bits) = (0_u32, 0_u32);
    for letter in text.bytes() {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'-' => 62,
            b'_' => 63,
            _ => return None,
        };
        held = held << 6 | u32::from(value);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.extend((held >> bits).to_le_bytes().first());
            held &= (1 << bits) - 1;
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_subject_and_the_life_of_a_token_are_read() {
        // {"sub":"v_ä","iat":1000,"exp":1600,"more":[1]}
        let token = "e30.eyJzdWIiOiJ2X8OkIiwiaWF0IjoxMDAwLCJleHAiOjE2MDAsIm1vcmUiOlsxXX0.c2ln";
        assert_eq!(Claims::of(token), Claims { subject: Some("v_ä".into()), life_s: Some(600) });
    }

    #[test]
    fn what_is_no_token_claims_nothing() {
        let huge = format!("e30.{}.x", "A".repeat(MAX_TOKEN_BYTES));
        for bad in ["", "opaque", "a.b", "a.é.c", "a..c", "e30.bm8.c", "e30.e30.c", &huge] {
            assert_eq!(Claims::of(bad), Claims::default(), "{bad:.20}");
        }
    }
}
