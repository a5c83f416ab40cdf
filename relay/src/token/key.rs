//! The signing key: an Ed25519 private key in PKCS #8 PEM, made at first start.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{DecodingKey, EncodingKey};

/// The file's name in `data_dir`.
const FILE: &str = "signing-key.pem";

/// Why there is no key to sign with.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read, made or put in place.
    #[error("the signing key {path}: {error}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Others than the owner may read the file.
    #[error("the signing key {path} can be read by others (mode {mode:03o}): run \"chmod 600\" on it")]
    Open {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Not an Ed25519 private key in PKCS #8 PEM. Says nothing of the content.
    #[error("the signing key is not an Ed25519 private key in PKCS #8 PEM")]
    Format,
    /// The system gave no randomness.
    #[error("no signing key could be made")]
    Generate,
    /// A token could not be signed.
    #[error("a token could not be signed: {0}")]
    Signing(String),
    /// What was signed does not verify.
    #[error("the self-test of the signing key failed: {0}")]
    SelfTest(String),
}

/// A key pair and its id. `Debug` shows the id alone.
pub struct SigningKey {
    kid: String,
    signing: EncodingKey,
    verifying: DecodingKey,
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}

impl SigningKey {
    /// Reads a key that the operator named.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        let signing = EncodingKey::from_ed_pem(pem.as_bytes()).map_err(|_| KeyError::Format)?;
        let pair = Ed25519KeyPair::from_pkcs8(signing.as_bytes()).map_err(|_| KeyError::Format)?;
        Ok(Self::new(&pair, signing))
    }

    /// A key that nobody else has, kept nowhere.
    pub fn generate() -> Result<Self, KeyError> {
        Self::from_pem(&generate_pem()?)
    }

    /// Reads the key of a data folder, which is made when it is not there yet.
    ///
    /// # Errors
    /// [`KeyError::Open`] if others may read the file: whoever reads it can be
    /// any visitor, so the relay does not start on it.
    pub fn load_or_generate(data_dir: &Path) -> Result<Self, KeyError> {
        let path = data_dir.join(FILE);
        let fault = |error| KeyError::File { path: path.clone(), error };
        match fs::read_to_string(&path) {
            Ok(pem) => {
                check_mode(&path)?;
                Self::from_pem(&pem).map_err(|error| fault(io::Error::new(io::ErrorKind::InvalidData, error)))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let pem = generate_pem()?;
                match keep(&path, &pem) {
                    Ok(()) => Self::from_pem(&pem),
                    // Another start of the relay was faster: its key counts.
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                        Self::from_pem(&fs::read_to_string(&path).map_err(fault)?)
                    }
                    Err(error) => Err(fault(error)),
                }
            }
            Err(error) => Err(fault(error)),
        }
    }

    fn new(pair: &Ed25519KeyPair, signing: EncodingKey) -> Self {
        let public = pair.public_key().as_ref();
        let hash = digest::digest(&digest::SHA256, public);
        let kid = URL_SAFE_NO_PAD.encode(hash.as_ref().get(..12).unwrap_or_default());
        Self { kid, signing, verifying: DecodingKey::from_ed_der(public) }
    }

    /// Names the key in the tokens that it signs: the start of its public
    /// half's hash, `[A-Za-z0-9_-]{16}`.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    pub(super) fn signing(&self) -> &EncodingKey {
        &self.signing
    }

    pub(super) fn verifying(&self) -> &DecodingKey {
        &self.verifying
    }
}

fn generate_pem() -> Result<String, KeyError> {
    let pair = Ed25519KeyPair::generate().map_err(|_| KeyError::Generate)?;
    let der = pair.to_pkcs8v1().map_err(|_| KeyError::Generate)?;
    // 48 bytes are 64 characters: one line of PEM.
    let body = STANDARD.encode(der.as_ref());
    Ok(format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n"))
}

/// Writes beside and links into place: a crash leaves no half key, and a key
/// that is there is never replaced.
fn keep(path: &Path, pem: &str) -> io::Result<()> {
    let beside = path.with_extension(format!("pem.{}", std::process::id()));
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&beside)?;
    let written = file.write_all(pem.as_bytes()).and_then(|()| file.sync_all());
    let linked = written.and_then(|()| fs::hard_link(&beside, path));
    fs::remove_file(&beside)?;
    linked
}

#[cfg(unix)]
fn check_mode(path: &Path) -> Result<(), KeyError> {
    use std::os::unix::fs::PermissionsExt as _;

    let metadata = fs::metadata(path).map_err(|error| KeyError::File { path: path.to_owned(), error })?;
    let mode = metadata.permissions().mode() & 0o777;
    let of_others = mode & 0o077;
    if of_others == 0 { Ok(()) } else { Err(KeyError::Open { path: path.to_owned(), mode }) }
}

#[cfg(not(unix))]
fn check_mode(_path: &Path) -> Result<(), KeyError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        let first = SigningKey::load_or_generate(folder.path()).unwrap();
        let second = SigningKey::load_or_generate(folder.path()).unwrap();
        assert_eq!(first.kid(), second.kid());
        let names: Vec<_> =
            fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, [FILE], "nothing is left beside it");
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_can_read_the_key_and_an_open_one_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;

        let folder = tempfile::tempdir().unwrap();
        SigningKey::load_or_generate(folder.path()).unwrap();
        let path = folder.path().join(FILE);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let error = SigningKey::load_or_generate(folder.path()).unwrap_err();
        assert!(matches!(error, KeyError::Open { mode: 0o640, .. }), "{error}");
    }

    #[test]
    fn a_file_that_holds_no_key_is_named_and_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        keep(&path, "not a key").unwrap();
        let error = SigningKey::load_or_generate(folder.path()).unwrap_err();
        assert!(error.to_string().contains("signing-key.pem"), "{error}");
        assert!(!error.to_string().contains("not a key"), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "not a key");
    }
}
