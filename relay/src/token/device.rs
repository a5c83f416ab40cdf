//! Keys of devices: `cwd_<id>_<secret>`. A key is shown once, when it is made.

use aws_lc_rs::{digest, rand};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::KeyError;
use crate::hex;

/// Random bytes of the secret part.
const SECRET_BYTES: usize = 32;

/// Bytes of the id.
const ID_BYTES: usize = 8;

/// A device's key. `Debug` shows the id alone.
pub struct DeviceKey {
    id: String,
    text: String,
}

impl std::fmt::Debug for DeviceKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DeviceKey").field("id", &self.id).finish_non_exhaustive()
    }
}

impl DeviceKey {
    /// A key that nobody else has.
    pub fn generate() -> Result<Self, KeyError> {
        let (mut id, mut secret) = ([0_u8; ID_BYTES], [0_u8; SECRET_BYTES]);
        rand::fill(&mut id).map_err(|_| KeyError::Generate)?;
        rand::fill(&mut secret).map_err(|_| KeyError::Generate)?;
        let id = format!("{:016x}", u64::from_be_bytes(id));
        let text = format!("cwd_{id}_{}", URL_SAFE_NO_PAD.encode(secret));
        Ok(Self { id, text })
    }

    /// Reads what may be a key; whether it is one, only its hash tells.
    pub fn parse(unverified_key: &str) -> Option<Self> {
        let (id, secret) = unverified_key.strip_prefix("cwd_")?.split_once('_')?;
        let is_id = id.len() == ID_BYTES * 2 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        let secret = URL_SAFE_NO_PAD.decode(secret).ok()?;
        (is_id && secret.len() == SECRET_BYTES)
            .then(|| Self { id: id.to_owned(), text: unverified_key.to_owned() })
    }

    /// Names the device; no secret.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// SHA-256 of the whole key, in hex.
    pub fn hash(&self) -> String {
        let hash = digest::digest(&digest::SHA256, self.text.as_bytes());
        hex::encode(hash.as_ref())
    }

    /// The key itself, for the one who asked for it. Never into a log or a file.
    pub fn expose(&self) -> &str {
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_what_it_writes_and_hides_itself() {
        let key = DeviceKey::generate().unwrap();
        let read = DeviceKey::parse(key.expose()).unwrap();
        assert_eq!((read.id(), read.hash()), (key.id(), key.hash()));
        assert_eq!(key.hash().len(), 64);
        let (_, secret) = key.expose().rsplit_once(key.id()).unwrap();
        let shown = format!("{key:?}");
        assert!(shown.contains(key.id()) && !shown.contains(secret), "{shown}");
        assert_ne!(DeviceKey::generate().unwrap().hash(), key.hash());
    }

    #[test]
    fn what_is_no_key_is_not_read() {
        let good = DeviceKey::generate().unwrap();
        let good = good.expose();
        let short = good.get(..good.len() - 2).unwrap();
        for bad in
            ["", "cwd_", "cwd__", short, &format!("{good}AA"), &good.replacen("cwd", "cwx", 1), "cwd_zz_AA"]
        {
            assert!(DeviceKey::parse(bad).is_none(), "{bad:?}");
        }
        // The id of another length, or of other letters.
        let secret = URL_SAFE_NO_PAD.encode([0; SECRET_BYTES]);
        for id in ["0123456789abcde", "0123456789abcdef0", "0123456789abcdeg"] {
            assert!(DeviceKey::parse(&format!("cwd_{id}_{secret}")).is_none(), "{id}");
        }
    }
}
