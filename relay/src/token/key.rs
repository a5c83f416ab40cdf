//! The signing key: an Ed25519 private key in PKCS #8 PEM, made at first start.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{DecodingKey, EncodingKey};
use uuid::Uuid;

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
    /// The file was to be replaced, and the configuration names another key.
    #[error(
        "the configuration names the signing key: put a new one in its place, and the old one into server.accepted_keys"
    )]
    Configured,
    /// Neither an Ed25519 public key nor a private one, in PEM.
    #[error("this is not an Ed25519 key in PEM, public or private")]
    PublicFormat,
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

/// The public half of a key, and its id.
#[derive(Clone)]
pub struct PublicKey {
    kid: String,
    bytes: Vec<u8>,
}

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("PublicKey").field(&self.kid).finish()
    }
}

/// A key that no longer signs, and is accepted for what it signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetiredKey {
    /// Its id.
    pub kid: String,
    /// Its public half, 32 bytes.
    pub public_key: Vec<u8>,
    /// When it stopped, in seconds since 1970.
    pub retired_at: u64,
}

impl PublicKey {
    /// Reads a key that the operator named: the public half, or both.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        if let Ok(key) = SigningKey::from_pem(pem) {
            return Ok(key.public);
        }
        let body: String = pem.lines().map(str::trim).filter(|line| !line.starts_with("-----")).collect();
        let der = STANDARD.decode(body).map_err(|_| KeyError::PublicFormat)?;
        match der.strip_prefix(ED25519_SPKI) {
            Some(bytes) if bytes.len() == PUBLIC_KEY_BYTES => Ok(Self::new(bytes)),
            _ => Err(KeyError::PublicFormat),
        }
    }

    fn new(bytes: &[u8]) -> Self {
        let hash = digest::digest(&digest::SHA256, bytes);
        let kid = URL_SAFE_NO_PAD.encode(hash.as_ref().get(..12).unwrap_or_default());
        Self { kid, bytes: bytes.to_vec() }
    }

    /// Names the key in the tokens that it signs: the start of its hash,
    /// `[A-Za-z0-9_-]{16}`.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The key itself, 32 bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn verifying(&self) -> DecodingKey {
        DecodingKey::from_ed_der(&self.bytes)
    }
}

/// A key pair and its id. `Debug` shows the id alone.
pub struct SigningKey {
    public: PublicKey,
    signing: EncodingKey,
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.public.kid).finish_non_exhaustive()
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

    /// Puts another key in the place of a data folder's own, and gives it. What
    /// the old one signed is good only where its public half is kept, which the
    /// caller has done.
    pub fn replace(data_dir: &Path) -> Result<Self, KeyError> {
        let path = data_dir.join(FILE);
        let fault = |error| KeyError::File { path: path.clone(), error };
        let pem = generate_pem()?;
        let beside = beside(&path);
        let put = || {
            write_private(&beside, &pem)?;
            give_to_owner_of(&beside, &path)?;
            fs::rename(&beside, &path)
        };
        put().map_err(fault)?;
        Self::from_pem(&pem)
    }

    fn new(pair: &Ed25519KeyPair, signing: EncodingKey) -> Self {
        Self { public: PublicKey::new(pair.public_key().as_ref()), signing }
    }

    /// Names the key in the tokens that it signs.
    pub fn kid(&self) -> &str {
        &self.public.kid
    }

    /// The half that everybody may know.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    pub(super) fn signing(&self) -> &EncodingKey {
        &self.signing
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
    let beside = beside(path);
    let linked = write_private(&beside, pem).and_then(|()| fs::hard_link(&beside, path));
    fs::remove_file(&beside)?;
    linked
}

/// A name of its own for each who asks: in containers all relays have one process id.
fn beside(path: &Path) -> PathBuf {
    path.with_extension(format!("pem.{}", Uuid::now_v7().simple()))
}

/// Makes a file that its owner alone may read.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all())
}

/// A key that root puts into place must stay the relay's to read.
#[cfg(unix)]
fn give_to_owner_of(file: &Path, old: &Path) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, chown};

    let (given, old) = (fs::metadata(file)?, fs::metadata(old)?);
    if (given.uid(), given.gid()) == (old.uid(), old.gid()) {
        return Ok(());
    }
    chown(file, Some(old.uid()), Some(old.gid()))
}

#[cfg(not(unix))]
fn give_to_owner_of(_file: &Path, _old: &Path) -> io::Result<()> {
    Ok(())
}

/// What stands before the 32 bytes of an Ed25519 key in `SubjectPublicKeyInfo`
/// (RFC 8410).
const ED25519_SPKI: &[u8] = &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

const PUBLIC_KEY_BYTES: usize = 32;

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

    #[test]
    fn relays_that_start_at_once_have_one_key() {
        for _ in 0..20 {
            let folder = tempfile::tempdir().unwrap();
            let start = std::sync::Barrier::new(8);
            let begin = || {
                start.wait();
                SigningKey::load_or_generate(folder.path()).unwrap().kid().to_owned()
            };
            let mut kids: Vec<String> = std::thread::scope(|scope| {
                let relays: Vec<_> = (0..8).map(|_| scope.spawn(begin)).collect();
                relays.into_iter().map(|relay| relay.join().unwrap()).collect()
            });
            kids.dedup();
            assert_eq!(kids.len(), 1);
        }
    }

    #[test]
    fn a_replaced_key_is_another_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let first = SigningKey::load_or_generate(folder.path()).unwrap();
        let second = SigningKey::replace(folder.path()).unwrap();
        assert_ne!(first.kid(), second.kid());
        assert_eq!(SigningKey::load_or_generate(folder.path()).unwrap().kid(), second.kid());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_public_key_is_read_from_either_half() {
        // RFC 8410, section 10: a key pair of that appendix.
        let public = "-----BEGIN PUBLIC KEY-----\n\
                      MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n\
                      -----END PUBLIC KEY-----\n";
        let private = "-----BEGIN PRIVATE KEY-----\n\
                       MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
                       -----END PRIVATE KEY-----\n";
        let key = PublicKey::from_pem(public).unwrap();
        assert_eq!(key.kid(), PublicKey::from_pem(private).unwrap().kid());
        assert_eq!((key.kid().len(), key.bytes().len()), (16, 32));
        let longer = public.replacen("MCow", "MCowMCow", 1);
        for bad in
            ["", "-----BEGIN PUBLIC KEY-----", "not a key", &longer, &public.replacen("MCow", "MCox", 1)]
        {
            assert!(matches!(PublicKey::from_pem(bad), Err(KeyError::PublicFormat)), "{bad:?}");
        }
        for (count, is_key) in [(31, false), (32, true), (33, false)] {
            let der = STANDARD.encode([ED25519_SPKI, &vec![7; count]].concat());
            let pem = format!("-----BEGIN PUBLIC KEY-----\n{der}\n-----END PUBLIC KEY-----\n");
            assert_eq!(PublicKey::from_pem(&pem).is_ok(), is_key, "{count} bytes");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_root_replaces_stays_its_owners() {
        use std::os::unix::fs::{MetadataExt as _, chown};

        let folder = tempfile::tempdir().unwrap();
        SigningKey::load_or_generate(folder.path()).unwrap();
        let path = folder.path().join(FILE);
        // Nobody but root can give a file away.
        if chown(&path, Some(1), Some(2)).is_ok() {
            SigningKey::replace(folder.path()).unwrap();
            let metadata = fs::metadata(&path).unwrap();
            assert_eq!((metadata.uid(), metadata.gid()), (1, 2));
        }
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
