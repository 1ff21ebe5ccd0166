//! TLS: certificates that are replaced while connections are open.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use support::{Server, small};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use windlass_server::{Limits, ServeError, ServeOptions, TlsError, TlsFiles, check_tls, serve};

const REQUEST: &[u8] =
    b"GET /?from=anchors&target=ahrefs.com&limit=0 HTTP/1.1\r\nhost: localhost\r\n\r\n";

/// Makes a certificate for `localhost` and its key.
fn write(files: &TlsFiles) -> CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
    fs::write(&files.certificate, made.cert.pem()).unwrap();
    made.cert.der().clone()
}

fn files(folder: &Path) -> TlsFiles {
    TlsFiles {
        certificate: folder.join("certificate.pem"),
        key: folder.join("key.pem"),
    }
}

/// A connection, where the server has that certificate.
async fn connect(
    address: SocketAddr,
    certificate: &CertificateDer<'static>,
) -> Option<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let connection = TlsConnector::from(Arc::new(config)).connect(name, stream);
    connection.await.ok()
}

/// Asks over a connection that is kept.
async fn ask(stream: &mut TlsStream<TcpStream>) {
    stream.write_all(REQUEST).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"}}") {
        assert_ne!(stream.read_buf(&mut answer).await.unwrap(), 0);
    }
    assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_are_replaced_under_open_connections() {
    let directory = tempfile::tempdir().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let files = files(folder.path());
    let first = write(&files);
    assert_eq!(check_tls(&files).unwrap(), 1);
    let reload = Arc::new(Notify::new());
    let options = ServeOptions {
        tls: Some(files.clone()),
        reload: Arc::clone(&reload),
        ..ServeOptions::default()
    };
    let server = Server::start_with(small(directory.path()), options).await;
    let mut kept = connect(server.address, &first).await.unwrap();
    assert_eq!(kept.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    ask(&mut kept).await;
    assert!(!server.raw("GET / HTTP/1.0\r\n\r\n").await.contains("HTTP"));

    // What is no good changes nothing.
    fs::write(&files.certificate, "this is no certificate").unwrap();
    reload.notify_one();
    assert!(matches!(check_tls(&files), Err(TlsError::Pem { .. })));
    ask(&mut connect(server.address, &first).await.unwrap()).await;

    let second = write(&files);
    reload.notify_one();
    let mut fresh = loop {
        match connect(server.address, &second).await {
            Some(stream) => break stream,
            None => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    };
    ask(&mut fresh).await;
    ask(&mut kept).await;
    assert!(connect(server.address, &first).await.is_none());
    drop((kept, fresh));
    server.stop().await.unwrap().unwrap();
}

#[tokio::test]
async fn a_key_of_another_certificate_stops_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut files = files(folder.path());
    write(&files);
    files.key = folder.path().join("other.pem");
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(&files.key, other.signing_key.serialize_pem()).unwrap();
    let options = ServeOptions {
        listen: "127.0.0.1:0".parse().unwrap(),
        tls: Some(files),
        ..ServeOptions::default()
    };
    let result = serve(options, small(directory.path()), async {}, |_| {}).await;
    assert!(
        matches!(result, Err(ServeError::Tls(TlsError::Unfit { .. }))),
        "{result:?}"
    );
}

#[tokio::test]
async fn a_client_that_never_shakes_hands_does_not_hold_up_the_end() {
    let directory = tempfile::tempdir().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let files = files(folder.path());
    write(&files);
    let options = ServeOptions {
        tls: Some(files),
        limits: Limits {
            shutdown_time_max: Duration::from_secs(3600),
            request_time_max: Duration::from_secs(3600),
            ..Limits::default()
        },
        ..ServeOptions::default()
    };
    let server = Server::start_with(small(directory.path()), options).await;
    let _silent = TcpStream::connect(server.address).await.unwrap();
    // Its connection is open on both sides before the end begins.
    tokio::time::sleep(Duration::from_millis(50)).await;
    server.stop().await.unwrap().unwrap();
}
