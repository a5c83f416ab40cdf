//! TLS of the relay's own, for those who run it without a proxy: certificate and
//! key from files, HTTP/2 or HTTP/1.1 by ALPN, renewed without a restart.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ServerConfig};

use crate::config::TlsFiles;

/// How often the files are looked at again: certificates are renewed for months.
const LOOK_EVERY: Duration = Duration::from_mins(1);

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or holds something else.
    #[error("server.tls.{key} {path}: {reason}", path = path.display())]
    File {
        /// `cert` or `key`.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it; never what it holds.
        reason: String,
    },
    /// The two do not belong together, or are of no use.
    #[error("server.tls: the certificate and the key cannot be used together: {0}")]
    Pair(rustls::Error),
}

/// Certificate and key, as they are in their files.
pub struct Tls {
    files: TlsFiles,
    loaded: Mutex<Loaded>,
}

struct Loaded {
    config: Arc<ServerConfig>,
    changed_at: [Option<SystemTime>; 2],
    looked_at: Instant,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("files", &self.files).finish_non_exhaustive()
    }
}

impl Tls {
    /// Reads both files.
    pub fn load(files: &TlsFiles) -> Result<Self, TlsError> {
        let changed_at = changed_at(files);
        let loaded = Loaded { config: read(files)?, changed_at, looked_at: Instant::now() };
        Ok(Self { files: files.clone(), loaded: Mutex::new(loaded) })
    }

    /// What a handshake goes by: the files of a minute ago at most. Files that
    /// cannot be used leave what there was.
    pub(super) fn current(&self) -> Arc<ServerConfig> {
        // What is in it is replaced whole: a panic elsewhere spoils nothing.
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if loaded.looked_at.elapsed() >= LOOK_EVERY {
            loaded.looked_at = Instant::now();
            let changed_at = changed_at(&self.files);
            if changed_at != loaded.changed_at {
                match read(&self.files) {
                    Ok(config) => {
                        tracing::info!("a new certificate is in use");
                        (loaded.config, loaded.changed_at) = (config, changed_at);
                    }
                    // One of the two may still be on its way.
                    Err(error) => {
                        tracing::warn!(%error, "the new certificate cannot be used; the old one stays");
                    }
                }
            }
        }
        Arc::clone(&loaded.config)
    }
}

fn changed_at(files: &TlsFiles) -> [Option<SystemTime>; 2] {
    [&files.cert, &files.key]
        .map(|file| std::fs::metadata(file).and_then(|metadata| metadata.modified()).ok())
}

fn read(files: &TlsFiles) -> Result<Arc<ServerConfig>, TlsError> {
    let chain: Vec<_> = CertificateDer::pem_file_iter(&files.cert)
        .and_then(Iterator::collect)
        .map_err(|error| describe("cert", &files.cert, &error))?;
    if chain.is_empty() {
        let reason = "there is no certificate in it: PEM begins with -----BEGIN CERTIFICATE-----".to_owned();
        return Err(TlsError::File { key: "cert", path: files.cert.clone(), reason });
    }
    let key =
        PrivateKeyDer::from_pem_file(&files.key).map_err(|error| describe("key", &files.key, &error))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(TlsError::Pair)?;
    config.alpn_protocols = vec![HTTP_2.to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// HTTP/2, as ALPN has it.
pub(super) const HTTP_2: &[u8] = b"h2";

fn describe(key: &'static str, path: &Path, error: &rustls::pki_types::pem::Error) -> TlsError {
    use rustls::pki_types::pem::Error;

    let reason = match error {
        Error::Io(error) if error.kind() == io::ErrorKind::NotFound => "there is no such file".to_owned(),
        Error::Io(error) => format!("the file cannot be read: {error}"),
        Error::NoItemsFound => {
            format!("there is no {} in it, as PEM", if key == "key" { "private key" } else { "certificate" })
        }
        // Some of these quote the file.
        _ => "it is not PEM".to_owned(),
    };
    TlsError::File { key, path: path.to_owned(), reason }
}
