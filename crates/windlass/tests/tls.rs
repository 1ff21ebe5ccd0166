//! TLS as operators meet it: certificates that are replaced while the server runs, with SIGHUP and without.
#![allow(missing_docs, clippy::unwrap_used, unreachable_pub, dead_code)]

mod support;

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use support::{Server, program, small_index};
use tempfile::TempDir;

/// When what should come is taken to come no more: far longer than it takes on any machine.
const PATIENCE: Duration = Duration::from_secs(120);
const READ_ANEW: &str = "the certificate was read anew";
const NO_GOOD: &str = "the new certificate is no good";

/// A server that speaks TLS, and what it reads and writes.
struct Secure {
    folder: TempDir,
    server: Server,
}

impl Secure {
    /// With the certificate that is given back.
    fn start() -> (Self, CertificateDer<'static>) {
        let folder = tempfile::tempdir().unwrap();
        let index = folder.path().join("index");
        small_index(&index);
        let certificate = make(folder.path());
        let [cert, key] = files(folder.path()).map(|path| path.to_str().unwrap().to_owned());
        let log = File::create(folder.path().join("log")).unwrap();
        let flags = ["--tls-cert", &cert, "--tls-key", &key, "--merge", "off"];
        let server = Server::spawn(program().stderr(log), &index, &flags);
        (Self { folder, server }, certificate)
    }

    /// How often the log says something.
    fn said(&self, what: &str) -> usize {
        let log = fs::read_to_string(self.folder.path().join("log")).unwrap();
        log.matches(what).count()
    }

    /// Whether the server shows that certificate to a new client, who then asks something.
    fn shows(&self, certificate: &CertificateDer<'static>) -> bool {
        let mut roots = RootCertStore::empty();
        roots.add(certificate.clone()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("localhost").unwrap();
        let connection = ClientConnection::new(Arc::new(config), name).unwrap();
        let socket = TcpStream::connect(&self.server.address).unwrap();
        let mut stream = StreamOwned::new(connection, socket);
        if stream.write_all(b"GET /healthz HTTP/1.0\r\n\r\n").is_err() {
            return false;
        }
        let mut answer = String::new();
        // HTTP/1.0 ends with the connection, which need not be closed as TLS wants it.
        let _ = stream.read_to_string(&mut answer);
        assert!(answer.starts_with("HTTP/1.0 200 "), "{answer}");
        true
    }

    fn files(&self) -> [PathBuf; 2] {
        files(self.folder.path())
    }
}

fn files(folder: &Path) -> [PathBuf; 2] {
    ["certificate.pem", "key.pem"].map(|name| folder.join(name))
}

/// Puts a new certificate for `localhost` and its key in place.
fn make(folder: &Path) -> CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let [certificate, key] = files(folder);
    fs::write(key, made.signing_key.serialize_pem()).unwrap();
    fs::write(certificate, made.cert.pem()).unwrap();
    made.cert.der().clone()
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "it never came: {what}");
        sleep(Duration::from_millis(20));
    }
}

/// The files are the same all the time: nothing but the signal has them read.
#[test]
fn sighup_has_the_certificate_read_anew() {
    let (secure, certificate) = Secure::start();
    for times in 1..4 {
        assert_eq!(secure.said(READ_ANEW), times - 1);
        secure.server.signal("HUP");
        wait_until("a line for each signal", || secure.said(READ_ANEW) == times);
        assert!(secure.shows(&certificate));
    }
    assert_eq!(secure.said(NO_GOOD), 0);
    assert_eq!(secure.server.stop(), Some(0));
}

/// Signals that come while the files are read are not lost, so the last state is the one that is served.
#[test]
fn sighup_after_a_change_serves_the_change() {
    let (secure, first) = Secure::start();
    fs::write(&secure.files()[0], "this is no certificate").unwrap();
    secure.server.signal("HUP");
    wait_until("the complaint", || secure.said(NO_GOOD) > 0);
    assert!(secure.shows(&first));
    let second = make(secure.folder.path());
    secure.server.signal("HUP");
    wait_until("the second certificate", || secure.shows(&second));
    assert!(!secure.shows(&first));
    assert_eq!(secure.server.stop(), Some(0));
}

#[test]
fn changed_files_are_served_without_a_signal_and_broken_ones_are_not() {
    let (secure, first) = Secure::start();
    let [certificate, key] = secure.files();
    assert!(secure.shows(&first));
    let second = make(secure.folder.path());
    wait_until("the second certificate", || secure.shows(&second));
    assert!(!secure.shows(&first));

    // A key that belongs to another certificate, and one that is gone.
    let good = fs::read(&key).unwrap();
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    for (at, is_missing) in [(1, false), (2, true)] {
        let complaints = secure.said(NO_GOOD);
        if is_missing {
            fs::remove_file(&key).unwrap();
        } else {
            fs::write(&key, other.signing_key.serialize_pem()).unwrap();
        }
        wait_until("a complaint", || secure.said(NO_GOOD) > complaints);
        assert!(secure.said(NO_GOOD) >= at);
        assert!(secure.shows(&second), "the one before goes on");
    }
    let named = format!("reading {}", key.display());
    assert!(secure.said(&named) > 0, "the file is named");

    // What is whole again is taken again, and stays what it was.
    let read = secure.said(READ_ANEW);
    fs::write(&key, good).unwrap();
    wait_until("the key again", || secure.said(READ_ANEW) > read);
    assert!(secure.shows(&second));
    // A certificate that takes the other's place by its name, as certbot does it.
    let place = tempfile::tempdir_in(secure.folder.path()).unwrap();
    let third = make(place.path());
    let [new_certificate, new_key] = files(place.path());
    fs::rename(new_key, key).unwrap();
    fs::rename(new_certificate, certificate).unwrap();
    wait_until("the third certificate", || secure.shows(&third));
    assert_eq!(secure.server.stop(), Some(0));
}

/// By default the signal ends a program.
#[test]
fn sighup_without_tls_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let index = folder.path().join("index");
    small_index(&index);
    let mut server = Server::start(&index);
    for _ in 0..3 {
        server.signal("HUP");
        assert!(server.get("/healthz").0.contains(" 200 "));
    }
    assert!(server.child.try_wait().unwrap().is_none());
    assert_eq!(server.stop(), Some(0));
}
