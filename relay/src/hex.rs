//! Bytes as hexadecimal text. It knows nothing else.

use std::fmt::Write as _;

/// Two small letters or digits for each byte.
pub(crate) fn encode(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The bytes that letters of either size and digits stand for; `None` if the
/// text is anything else.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn each_byte_is_two_digits() {
        assert_eq!(super::encode(&[0, 10, 255]), "000aff");
    }

    #[test]
    fn what_was_written_is_read_and_nothing_else() {
        assert_eq!(super::decode("000aFF"), Some(vec![0, 10, 255]));
        for bad in ["0", "0g", "+1", "\u{e9}", " 0"] {
            assert_eq!(super::decode(bad), None, "{bad}");
        }
    }
}
