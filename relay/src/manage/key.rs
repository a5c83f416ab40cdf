//! Keys of the API: `cw_live_` or `cw_test_` and 40 characters. Only their hash
//! is kept, so that whoever reads the database can call nothing.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use super::{Refusal, new_id};
use crate::store::{KeyRecord, Mode, Store};

/// What every key begins with, and no access token does.
pub const PREFIX: &str = "cw_";

/// Longest name of a key, in characters.
const MAX_NAME_CHARS: usize = 100;

/// How much of a key is shown in lists.
const HINT_CHARS: usize = 4;

/// A key that was made just now: its text is not to be had again.
#[derive(Debug)]
pub struct NewKey {
    /// The key itself.
    pub text: String,
    /// What is kept of it.
    pub record: KeyRecord,
}

/// Makes a key and keeps its hash.
pub async fn make(store: &Store, mode: Mode, name: &str) -> Result<NewKey, Refusal> {
    let name = name.trim();
    if !(1..=MAX_NAME_CHARS).contains(&name.chars().count()) {
        return Err(Refusal::unprocessable("name", format!("a name has 1 to {MAX_NAME_CHARS} characters")));
    }
    let random = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
    let random = random.get(..KEY_CHARS).unwrap_or(&random);
    let text = format!("{PREFIX}{}_{random}", mode.word());
    let hint = random.get(random.len().saturating_sub(HINT_CHARS)..).unwrap_or_default();
    let record = KeyRecord {
        id: new_id("key"),
        name: name.to_owned(),
        mode,
        hint: hint.to_owned(),
        created_at: String::new(),
        revoked_at: None,
    };
    store.add_key(&record, &hash(&text)).await?;
    Ok(NewKey { text, record })
}

/// The key that a text is, if it opens anything.
pub async fn find(store: &Store, unverified_key: &str) -> Result<KeyRecord, Refusal> {
    if !unverified_key.starts_with(PREFIX) {
        return Err(Refusal::unauthenticated());
    }
    store.key_of(&hash(unverified_key)).await?.ok_or_else(Refusal::unauthenticated)
}

/// What is looked up in place of the key: a search by hash tells a guesser
/// nothing about how near they are.
pub(crate) fn hash(text: &str) -> String {
    digest(text.as_bytes())
}

/// SHA-256 in base64url.
pub(crate) fn digest(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, bytes))
}

const KEY_CHARS: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_key_opens_until_it_is_revoked_and_is_not_kept() {
        let store = Store::in_memory().await.unwrap();
        let live = make(&store, Mode::Live, " shop ").await.unwrap();
        let test = make(&store, Mode::Test, "trial").await.unwrap();
        assert!(live.text.starts_with("cw_live_") && test.text.starts_with("cw_test_"));
        assert_eq!(live.text.len(), "cw_live_".len() + KEY_CHARS);
        let found = find(&store, &live.text).await.unwrap();
        assert_eq!((found.name.as_str(), found.mode), ("shop", Mode::Live));
        assert!(live.text.ends_with(&found.hint));
        let listed = store.keys().await.unwrap();
        assert_eq!(listed.len(), 2);
        assert!(!format!("{listed:?}").contains(&live.text));

        assert!(store.revoke_key(&found.id).await.unwrap());
        assert!(!store.revoke_key(&found.id).await.unwrap());
        assert_eq!(find(&store, &live.text).await.unwrap_err().status, 401);
        for bad in ["", "cw_live_", "cw_live_0", "eyJ0.e.s"] {
            assert_eq!(find(&store, bad).await.unwrap_err().code, "invalid_api_key", "{bad}");
        }
        assert_eq!(make(&store, Mode::Live, "  ").await.unwrap_err().param.as_deref(), Some("name"));
    }
}
