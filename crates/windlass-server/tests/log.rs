//! The log has a line for each answer, and no token, whatever the level.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::http::Request;
use support::{Server, send, small};
use tracing_subscriber::fmt::MakeWriter;
use windlass_accounts::{Moment, NewAccount, Store};
use windlass_server::{Limits, metered_router};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// Sends requests that are charged, refused and for operators, in both ways that a token comes; gives
/// the tokens.
async fn metered(index: &Path) -> Vec<String> {
    let accounts = index.join("accounts.sqlite");
    let store = Store::open(&accounts).unwrap();
    let tokens: Vec<String> = [("alice", 3), ("operator", 0)]
        .into_iter()
        .map(|(name, rows)| {
            let mut new = NewAccount::new(name, rows);
            new.is_admin = rows == 0;
            let (_, token) = store.create(&new, Moment::now()).unwrap();
            token.reveal().to_owned()
        })
        .collect();
    let router = metered_router(support::reader(index), Limits::default(), &accounts);
    let report = "/?from=anchors&target=ahrefs.com&mode=domain";
    for (uri, bearer, status) in [
        (format!("{report}&token={}", tokens[0]), "S3CRET", 200),
        (report.to_owned(), tokens[0].as_str(), 402),
        (report.to_owned(), "S3CRET", 401),
        ("/admin/usage".to_owned(), &tokens[0], 403),
        (
            format!("/admin/tokens?token={}", tokens[0]),
            &tokens[1],
            200,
        ),
        (format!("/admin/usage?from={}", tokens[0]), &tokens[1], 400),
    ] {
        let request = Request::get(&uri).header("authorization", format!("Bearer {bearer}"));
        let request = request.body(Body::empty()).unwrap();
        let (answered, ..) = send(&router, request).await;
        assert_eq!(answered.as_u16(), status, "{uri}");
    }
    for (token, status) in [(tokens[0].as_str(), 303), ("S3CRET", 401)] {
        let request = Request::post("/sign-in")
            .header("sec-fetch-site", "same-origin")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(format!("token={token}")));
        let (answered, ..) = send(&router, request.unwrap()).await;
        assert_eq!(answered.as_u16(), status);
        let request = Request::get("/index").header("cookie", format!("windlass-token={token}"));
        let request = request.body(Body::empty()).unwrap();
        let (answered, ..) = send(&router, request).await;
        assert!(answered.as_u16() < 400);
    }
    tokens
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_logged_and_tokens_are_not() {
    let lines = Lines::default();
    tracing_subscriber::fmt()
        .with_ansi(false)
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(lines.clone())
        .init();
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(small(directory.path()), Limits::default()).await;
    for request in [
        "GET /?from=anchors&target=ahrefs.com&mode=domain&token=S3CRET HTTP/1.0\r\n\r\n",
        "GET /?from=nothing&token=S3CRET HTTP/1.0\r\nAuthorization: Bearer S3CRET\r\n\r\n",
    ] {
        server.raw(request).await;
    }
    server.stop().await.unwrap().unwrap();
    let secrets = metered(directory.path()).await;
    let log = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let answered: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("answered"))
        .collect();
    assert_eq!(answered.len(), 12, "{log}");
    for (line, parts) in answered.iter().zip([
        ["status=200", "rows=2", "path=\"/\"", "method=GET"],
        ["status=400", "request=", "ms=", "path=\"/\""],
    ]) {
        for part in parts {
            assert!(line.contains(part), "{line} has no {part}");
        }
    }
    for secret in secrets.iter().map(String::as_str).chain(["S3CRET"]) {
        assert!(!log.contains(secret), "{log}");
    }
}
