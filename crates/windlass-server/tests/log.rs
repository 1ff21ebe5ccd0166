//! The log has a line for each answer, and no token, whatever the level.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::io;
use std::sync::{Arc, Mutex};

use support::{Server, small};
use tracing_subscriber::fmt::MakeWriter;
use windlass_server::Limits;

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
    let log = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let answered: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("answered"))
        .collect();
    assert_eq!(answered.len(), 2, "{log}");
    for (line, parts) in answered.iter().zip([
        ["status=200", "rows=2", "path=\"/\"", "method=GET"],
        ["status=400", "request=", "ms=", "path=\"/\""],
    ]) {
        for part in parts {
            assert!(line.contains(part), "{line} has no {part}");
        }
    }
    assert!(!log.contains("S3CRET"), "{log}");
}
