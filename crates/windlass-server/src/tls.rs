//! TLS, with certificates that may be replaced while connections are open.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use tokio::sync::Notify;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ServerConfig};
use tokio_rustls::server::TlsStream;

use crate::cut::CutStream;
use crate::options::TlsFiles;

/// How often the files are looked at.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);

/// Why TLS cannot be spoken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read.
    #[error("reading {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file holds no PEM of the kind that is wanted.
    #[error("{path} has no {what} in PEM form: {source}")]
    Pem {
        /// The file.
        path: PathBuf,
        /// What was looked for.
        what: &'static str,
        /// What was found.
        source: pem::Error,
    },
    /// Certificate and key are not fit for TLS, or do not belong together.
    #[error("{certificate} with {key}: {source}")]
    Unfit {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// What is wrong.
        source: rustls::Error,
    },
}

/// Whether TLS can be spoken with these files: says how many certificates there are.
///
/// # Errors
/// Says what is wrong with them.
pub fn check_tls(files: &TlsFiles) -> Result<usize, TlsError> {
    let count = certificates(&files.certificate)?.len();
    load(files).map(|_| count)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let text = read(path)?;
    let unusable = |source| TlsError::Pem {
        path: path.to_owned(),
        what: "certificate",
        source,
    };
    let chain = CertificateDer::pem_slice_iter(&text)
        .collect::<Result<Vec<_>, _>>()
        .map_err(unusable)?;
    if chain.is_empty() {
        return Err(unusable(pem::Error::NoItemsFound));
    }
    Ok(chain)
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|source| TlsError::Read {
        path: path.to_owned(),
        source,
    })
}

fn load(files: &TlsFiles) -> Result<Arc<ServerConfig>, TlsError> {
    let chain = certificates(&files.certificate)?;
    let key =
        PrivateKeyDer::from_pem_slice(&read(&files.key)?).map_err(|source| TlsError::Pem {
            path: files.key.clone(),
            what: "private key",
            source,
        })?;
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key));
    let mut config = config.map_err(|source| TlsError::Unfit {
        certificate: files.certificate.clone(),
        key: files.key.clone(),
        source,
    })?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Tells a file from the one that takes its place, without reading it.
type Stamp = Option<(SystemTime, u64, u64)>;

fn stamps(files: &TlsFiles) -> [Stamp; 2] {
    [&files.certificate, &files.key].map(|path| {
        let metadata = fs::metadata(path).ok()?;
        Some((metadata.modified().ok()?, metadata.ino(), metadata.len()))
    })
}

/// Speaks TLS with the certificate that was last read.
#[derive(Debug)]
pub(crate) struct Tls {
    files: TlsFiles,
    /// What the files were when they were last read.
    seen: Mutex<[Stamp; 2]>,
    config: RwLock<Arc<ServerConfig>>,
    handshake_time_max: Duration,
}

impl Tls {
    /// Reads the files. Blocks on the file system.
    pub(crate) fn new(files: TlsFiles, handshake_time_max: Duration) -> Result<Self, TlsError> {
        // Before the files are read: what changes meanwhile is seen the next time.
        let seen = stamps(&files);
        Ok(Self {
            seen: Mutex::new(seen),
            config: RwLock::new(load(&files)?),
            files,
            handshake_time_max,
        })
    }

    /// Shakes hands; open connections keep the certificate that they began with.
    pub(crate) async fn accept(&self, stream: CutStream) -> io::Result<TlsStream<CutStream>> {
        let config = Arc::clone(&self.config.read().unwrap_or_else(PoisonError::into_inner));
        timeout(
            self.handshake_time_max,
            TlsAcceptor::from(config).accept(stream),
        )
        .await?
    }

    /// Reads the files anew whenever `reload` says so or they have changed, for ever. Those that are
    /// no good are logged, and what was read before stays.
    pub(crate) async fn follow(self: Arc<Self>, reload: Arc<Notify>) {
        loop {
            let is_told = timeout(LOOK_INTERVAL, reload.notified()).await.is_ok();
            let tls = Arc::clone(&self);
            // Ends unsuccessfully only with the runtime.
            let _ = spawn_blocking(move || tls.look(is_told)).await;
        }
    }

    /// Reads the files anew where they have changed, or it is told to.
    fn look(&self, is_told: bool) {
        let now = stamps(&self.files);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if is_told || now != *seen {
            *seen = now;
            self.reload();
        }
    }

    fn reload(&self) {
        let certificate = self.files.certificate.display();
        match load(&self.files) {
            Ok(config) => {
                *self.config.write().unwrap_or_else(PoisonError::into_inner) = config;
                tracing::info!(%certificate, "the certificate was read anew");
            }
            Err(error) => tracing::error!(
                error = %error,
                "the new certificate is no good; going on with the one before"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(files: &TlsFiles) {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
        fs::write(&files.certificate, made.cert.pem()).unwrap();
    }

    /// Before anybody follows the files.
    #[test]
    fn what_is_replaced_while_the_server_starts_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let files = TlsFiles {
            certificate: folder.path().join("certificate.pem"),
            key: folder.path().join("key.pem"),
        };
        write(&files);
        let tls = Tls::new(files.clone(), Duration::from_secs(1)).unwrap();
        let config = || Arc::clone(&tls.config.read().unwrap());
        let first = config();
        tls.look(false);
        assert!(Arc::ptr_eq(&config(), &first), "nothing has changed");
        for path in [&files.certificate, &files.key] {
            // Not in their place: a file system may give the same number to a file that follows at once.
            fs::rename(path, path.with_extension("old")).unwrap();
        }
        write(&files);
        tls.look(false);
        assert!(!Arc::ptr_eq(&config(), &first));
    }

    /// Certificate and key are seldom written in one moment: each of them tells.
    #[test]
    fn either_file_that_changes_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let files = TlsFiles {
            certificate: folder.path().join("certificate"),
            key: folder.path().join("key"),
        };
        fs::write(&files.certificate, "a").unwrap();
        fs::write(&files.key, "b").unwrap();
        for path in [&files.certificate, &files.key] {
            let before = stamps(&files);
            assert_eq!(stamps(&files), before);
            let other = folder.path().join("other");
            fs::write(&other, "c").unwrap();
            fs::rename(&other, path).unwrap();
            assert_ne!(stamps(&files), before, "{}", path.display());
        }
    }
}
