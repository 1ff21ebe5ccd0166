//! Small indexes, and a server on a socket of its own.
#![allow(dead_code, clippy::unwrap_used)]

pub(crate) mod site;

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tower::ServiceExt;
use windlass_index::{Collector, Reader, Writer};
use windlass_links::{CanonicalUrl, Capture, CaptureTime, Link, LinkType, Rel};
use windlass_server::{Limits, ServeError, ServeOptions, serve};

/// A page with links, captured at 2013-08-08T19:04:00Z.
pub(crate) fn page(url: &str, links: &[(&str, &str)]) -> Capture {
    let link = |(target, anchor): &(&str, &str)| Link {
        link_type: LinkType::Href,
        target: CanonicalUrl::parse(target).unwrap(),
        anchor: (*anchor).to_owned(),
        alt: String::new(),
        rel: Rel::NONE,
        external: true,
    };
    Capture::html(
        CanonicalUrl::parse(url).unwrap(),
        "2013-08-08T19:04:00Z".parse::<CaptureTime>().unwrap(),
        links.iter().map(link).collect(),
    )
}

/// Commits captures to the index in a directory.
pub(crate) fn ingest(directory: &Path, captures: &[Capture]) {
    let mut writer = Writer::open(directory, None).unwrap();
    let mut collector = Collector::new(&writer, usize::MAX);
    for (i, capture) in captures.iter().enumerate() {
        collector.add(capture, [0; 32], i as u64).unwrap();
    }
    let collected = collector.finish().unwrap();
    writer
        .commit_collected(collected, Vec::new(), &(), &AtomicBool::new(false))
        .unwrap();
}

pub(crate) fn reader(directory: &Path) -> Arc<Reader> {
    Arc::new(Reader::open(directory).unwrap())
}

/// An index of three backlinks to two hosts.
pub(crate) fn small(directory: &Path) -> Arc<Reader> {
    ingest(
        directory,
        &[
            page(
                "http://a.example/",
                &[
                    ("http://ahrefs.com/blog/x", "SEO"),
                    ("http://ahrefs.com/", "it's \"q\" \\ ü/"),
                ],
            ),
            page(
                "http://b.example/",
                &[("http://www.other.example/", "Other")],
            ),
        ],
    );
    reader(directory)
}

/// An index of one page with that many anchors of 4 KB each, for answers that fill every buffer.
pub(crate) fn large(directory: &Path, anchors: usize) -> Arc<Reader> {
    let texts: Vec<String> = (0..anchors)
        .map(|i| format!("{i:06} {}", "x".repeat(4096)))
        .collect();
    let links: Vec<(&str, &str)> = texts
        .iter()
        .map(|text| ("http://t.example/", text.as_str()))
        .collect();
    ingest(directory, &[page("http://a.example/", &links)]);
    reader(directory)
}

/// A server that runs until it is told to stop.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), ServeError>>,
}

impl Server {
    pub(crate) async fn start(reader: Arc<Reader>, limits: Limits) -> Self {
        let options = ServeOptions {
            limits,
            ..ServeOptions::default()
        };
        Self::start_with(reader, options).await
    }

    /// On a free port of its own.
    pub(crate) async fn start_with(reader: Arc<Reader>, options: ServeOptions) -> Self {
        let options = ServeOptions {
            listen: "127.0.0.1:0".parse().unwrap(),
            ..options
        };
        let (stop, stopped) = oneshot::channel();
        let (bound, address) = oneshot::channel();
        let task = tokio::spawn(async move {
            let shutdown = async {
                let _ = stopped.await;
            };
            serve(options, reader, shutdown, |address| {
                bound.send(address).unwrap();
            })
            .await
        });
        Self {
            address: address.await.unwrap(),
            stop,
            task,
        }
    }

    /// Tells it to stop; the task ends when it has.
    pub(crate) fn stop(self) -> JoinHandle<Result<(), ServeError>> {
        self.stop.send(()).unwrap();
        self.task
    }

    /// Sends bytes, closes the sending side, and reads to the end.
    pub(crate) async fn raw(&self, request: &str) -> String {
        let (address, request) = (self.address, request.to_owned());
        tokio::task::spawn_blocking(move || {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.write_all(request.as_bytes()).unwrap();
            stream.shutdown(Shutdown::Write).unwrap();
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).unwrap();
            String::from_utf8(answer).unwrap()
        })
        .await
        .unwrap()
    }
}

/// The body of a raw answer.
pub(crate) fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").unwrap().1
}

/// Status, headers and body of an answer.
pub(crate) async fn send(
    router: &Router,
    request: Request<Body>,
) -> (StatusCode, HeaderMap, Vec<u8>) {
    let response = router.clone().oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap().to_vec();
    (head.status, head.headers, body)
}

/// Sends a request without a body, and drops what names it in the answer.
pub(crate) async fn ask(
    router: &Router,
    method: &Method,
    uri: &str,
) -> (StatusCode, HeaderMap, Vec<u8>) {
    let request = Request::builder().method(method).uri(uri);
    let (status, mut headers, body) = send(router, request.body(Body::empty()).unwrap()).await;
    headers.remove("x-request-id").unwrap();
    (status, headers, body)
}

/// What the server counts under a name.
pub(crate) async fn metric(router: &Router, name: &str) -> u64 {
    let (_, _, body) = ask(router, &Method::GET, "/metrics").await;
    let text = String::from_utf8(body).unwrap();
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.unwrap().parse().unwrap()
}

pub(crate) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap())
}
