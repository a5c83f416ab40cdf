// No text is a token, but those that were made here; and none is a panic.

use std::sync::OnceLock;

use chinwag_relay::token::{Keyring, SigningKey};

pub fn run(bytes: &[u8]) {
    static KEYRING: OnceLock<Keyring> = OnceLock::new();
    let keyring = KEYRING.get_or_init(|| Keyring::build(SigningKey::generate().unwrap()).unwrap());
    let text = String::from_utf8_lossy(bytes);
    assert!(keyring.verify_access(&text).is_err());
    assert!(keyring.verify_visitor(&text).is_err());
}
