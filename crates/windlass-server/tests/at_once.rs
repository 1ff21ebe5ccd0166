//! Answers made at once, without a thread of their own, are the same to the byte.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use axum::Router;
use axum::http::{Method, StatusCode};
use support::{ask, ingest, large, metric, page, reader, small};
use windlass_index::{Collector, Reader, Writer};
use windlass_server::{Limits, router};

/// However long an answer takes, the next one about its target may be made at once.
fn eager(reader: &Arc<Reader>) -> Router {
    let limits = Limits {
        at_once_time_max: Some(Duration::MAX),
        kept_answers_bytes_max: 0,
        ..Limits::default()
    };
    router(Arc::clone(reader), limits)
}

/// None is made at once.
fn never(reader: &Arc<Reader>) -> Router {
    let limits = Limits {
        at_once_time_max: None,
        kept_answers_bytes_max: 0,
        ..Limits::default()
    };
    router(Arc::clone(reader), limits)
}

/// How many queries ran at once.
async fn at_once(router: &Router) -> u64 {
    metric(router, "windlass_queries_at_once_total").await
}

/// An index of one site with finished groups: 1,500 links with as many anchors.
fn ready(directory: &Path) -> Arc<Reader> {
    let anchors: Vec<String> = (0..1500)
        .map(|i| format!("anchor {}", i * 7919 % 1500))
        .collect();
    let links: Vec<(&str, &str)> = anchors
        .iter()
        .map(|anchor| ("http://t.example/", anchor.as_str()))
        .collect();
    let mut writer = Writer::open(directory, None).unwrap();
    writer.set_ready_links_min(1);
    let mut collector = Collector::new(&writer, usize::MAX);
    for (at, url) in ["http://a.example/", "http://b.example/"]
        .iter()
        .enumerate()
    {
        let links = links.get(at * 700..).unwrap();
        collector
            .add(&page(url, links), [0; 32], at as u64)
            .unwrap();
    }
    let collected = collector.finish().unwrap();
    writer
        .commit_collected(collected, Vec::new(), &(), &AtomicBool::new(false))
        .unwrap();
    reader(directory)
}

/// What is asked behind `from=anchors`, and whether it is answered at once when its target was asked for
/// before.
const SMALL: [(&str, bool); 18] = [
    ("target=ahrefs.com&mode=domain", true),
    ("target=ahrefs.com&mode=domain&limit=1&offset=1", true),
    ("target=ahrefs.com&mode=domain&limit=0", true),
    ("target=ahrefs.com&mode=domain&offset=7", true),
    (
        "target=ahrefs.com&mode=subdomains&order_by=backlinks:desc",
        true,
    ),
    ("target=ahrefs.com/blog&mode=prefix&select=anchor", true),
    ("target=ahrefs.com/&mode=exact&history=all_time", true),
    ("target=other.example&mode=subdomains&output=csv", true),
    ("target=other.example&mode=subdomains&output=ndjson", true),
    ("target=other.example&mode=subdomains&output=php", true),
    ("target=other.example&mode=subdomains&output=xml", true),
    ("target=other.example&mode=subdomains&dry_run=1", true),
    ("target=other.example&mode=subdomains&output=arrow", false),
    ("target=other.example&mode=subdomains&output=parquet", false),
    ("target=ahrefs.com&mode=domain&where=backlinks%3E0", false),
    ("target=ahrefs.com&mode=domain&having=backlinks%3E5", false),
    // What is not there, or not plain to see.
    ("target=nowhere.invalid&mode=domain", false),
    ("target=ahrefs.com:80&mode=domain", false),
];

const READY: [(&str, bool); 13] = [
    ("limit=10", true),
    ("limit=10&order_by=anchor", true),
    ("limit=100&order_by=backlinks", true),
    ("limit=10&offset=90&order_by=backlinks:desc", true),
    ("limit=10&order_by=refpages", true),
    ("limit=10&offset=20&order_by=first_seen:desc", true),
    ("limit=10&order_by=last_visited:desc", true),
    ("limit=10&order_by=refdomains", true),
    ("limit=10&offset=90&order_by=anchor:desc", true),
    ("limit=10&order_by=refdomains:desc", true),
    ("limit=10&order_by=last_visited,backlinks", true),
    // More than is worth a look without a thread.
    ("limit=1000", false),
    ("limit=10&history=all_time", false),
];

async fn check(reader: &Arc<Reader>, queries: impl IntoIterator<Item = (String, bool)>) {
    let plain = never(reader);
    for (query, expected) in queries {
        let uri = format!("/?from=anchors&{query}");
        for method in [Method::GET, Method::HEAD, Method::POST] {
            let router = eager(reader);
            let first = ask(&router, &method, &uri).await;
            assert_eq!(at_once(&router).await, 0, "{uri}");
            let second = ask(&router, &method, &uri).await;
            assert_eq!(at_once(&router).await, u64::from(expected), "{uri}");
            let other = ask(&plain, &method, &uri).await;
            assert_eq!(first, other, "{uri}");
            assert_eq!(second, other, "{uri} at once");
            assert_eq!(other.0, StatusCode::OK, "{uri}");
        }
    }
    assert_eq!(at_once(&plain).await, 0);
}

#[tokio::test]
async fn few_links_are_reported_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let queries = SMALL.map(|(query, expected)| (query.to_owned(), expected));
    check(&small(directory.path()), queries).await;
}

#[tokio::test]
async fn finished_groups_are_reported_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let queries = READY.map(|(query, expected)| {
        let query = format!("target=t.example&mode=domain&{query}");
        (query, expected)
    });
    check(&ready(directory.path()), queries).await;
}

#[tokio::test]
async fn what_does_not_fit_in_a_chunk_has_a_thread() {
    let directory = tempfile::tempdir().unwrap();
    let reader = large(directory.path(), 40);
    let (router, plain) = (eager(&reader), never(&reader));
    let uri = |limit: u32| format!("/?from=anchors&target=t.example&limit={limit}");
    let expected = ask(&plain, &Method::GET, &uri(40)).await;
    assert!(expected.2.len() > 40 * 4096);
    // The target is asked for in small before, so that it is tried.
    for at_once_before in [0, 1] {
        ask(&router, &Method::GET, &uri(2)).await;
        assert_eq!(at_once(&router).await, at_once_before);
        ask(&router, &Method::GET, &uri(2)).await;
        let whole = ask(&router, &Method::GET, &uri(40)).await;
        assert_eq!(whole, expected);
        assert_eq!(at_once(&router).await, at_once_before + 1);
    }
}

#[tokio::test]
async fn a_new_state_is_answered_from() {
    let directory = tempfile::tempdir().unwrap();
    let commit = |n: u32| {
        let url = format!("http://p{n}.example/");
        ingest(
            directory.path(),
            &[page(&url, &[("http://t.example/", "x")])],
        );
        let mut writer = Writer::open(directory.path(), None).unwrap();
        writer.merge_all(&(), &AtomicBool::new(false)).unwrap();
    };
    commit(0);
    let router = eager(&reader(directory.path()));
    let uri = "/?from=anchors&target=t.example&select=backlinks";
    for n in 1..4 {
        for _ in 0..2 {
            let (_, _, body) = ask(&router, &Method::GET, uri).await;
            let text = String::from_utf8(body).unwrap();
            let expected = format!(r#"{{"anchors":[{{"backlinks":{n}}}],"#);
            assert!(text.starts_with(&expected), "{text}");
        }
        assert_eq!(at_once(&router).await, n);
        commit(n as u32);
    }
}
