//! Answers that were kept are those that would be made, and are given as long as the index is the same.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use support::{ask, ingest, large, metric, page, reader, send, small};
use windlass_index::{Reader, Writer};
use windlass_server::{Limits, router};

fn keeping(reader: &Arc<Reader>, kept_answers_bytes_max: usize) -> Router {
    let limits = Limits {
        kept_answers_bytes_max,
        ..Limits::default()
    };
    router(Arc::clone(reader), limits)
}

/// How many answers were kept from a request before.
async fn kept(router: &Router) -> u64 {
    metric(router, "windlass_answers_kept_total").await
}

const QUERIES: [&str; 12] = [
    "from=anchors&target=ahrefs.com&mode=domain",
    "from=anchors&target=ahrefs.com&mode=domain&output=csv",
    "from=anchors&target=ahrefs.com&mode=domain&output=arrow",
    "from=anchors&target=ahrefs.com&mode=domain&output=parquet",
    "from=anchors&target=ahrefs.com&mode=domain&dry_run=1",
    "from=anchors&target=ahrefs.com&mode=domain&where=backlinks%3E7",
    "from=anchors&target=nowhere.invalid&mode=domain",
    "from=refdomains&target=ahrefs.com&mode=domain",
    "from=backlinks&target=ahrefs.com&mode=domain&output=xml",
    "from=backlinks_new_lost&target=ahrefs.com&mode=domain&output=php",
    "from=pages&target=a.example&mode=domain&output=ndjson",
    "from=metrics&target=ahrefs.com&mode=domain",
];

#[tokio::test]
async fn what_was_kept_is_what_would_be_made() {
    let directory = tempfile::tempdir().unwrap();
    let reader = small(directory.path());
    let plain = keeping(&reader, 0);
    for query in QUERIES {
        let uri = format!("/?{query}");
        for method in [Method::GET, Method::HEAD, Method::POST] {
            let router = keeping(&reader, 1 << 20);
            let expected = ask(&plain, &method, &uri).await;
            assert_eq!(expected.0, StatusCode::OK, "{uri}");
            for before in 0..3 {
                assert_eq!(kept(&router).await, u64::max(before, 1) - 1, "{uri}");
                assert_eq!(ask(&router, &method, &uri).await, expected, "{uri}");
            }
        }
    }
    assert_eq!(kept(&plain).await, 0);
    assert_eq!(metric(&plain, "windlass_answers_kept_size_bytes").await, 0);
}

#[tokio::test]
async fn parameters_that_decide_nothing_find_the_same_answer() {
    let directory = tempfile::tempdir().unwrap();
    let router = keeping(&small(directory.path()), 1 << 20);
    let ask = |uri: &'static str| ask(&router, &Method::GET, uri);
    let first = ask("/?from=anchors&target=ahrefs.com&mode=domain").await;
    let again = ask("/?target=ahrefs.com&MODE=domain&from=anchors&limit=&token=x").await;
    assert_eq!(first, again);
    assert_eq!(kept(&router).await, 1);
    let other = ask("/?from=anchors&target=ahrefs.com&mode=domain&limit=1").await;
    assert_ne!(first.2, other.2);
    assert_eq!(kept(&router).await, 1);
}

#[tokio::test]
async fn a_client_that_has_another_answer_gets_the_one_that_is_kept() {
    let directory = tempfile::tempdir().unwrap();
    let router = keeping(&small(directory.path()), 1 << 20);
    let uri = "/?from=anchors&target=ahrefs.com&mode=domain";
    let first = ask(&router, &Method::GET, uri).await;
    let tag = first.1["etag"].to_str().unwrap();
    for (known, status, kept_before) in [
        ("\"x\"", StatusCode::OK, 1),
        (tag, StatusCode::NOT_MODIFIED, 1),
    ] {
        let request = Request::get(uri).header("if-none-match", known);
        let request = request.body(Body::empty()).unwrap();
        assert_eq!(send(&router, request).await.0, status);
        assert_eq!(kept(&router).await, kept_before, "{known}");
    }
}

#[tokio::test]
async fn a_new_state_is_answered_from() {
    let directory = tempfile::tempdir().unwrap();
    let commit = |n: usize| {
        let url = format!("http://p{n}.example/");
        ingest(
            directory.path(),
            &[page(&url, &[("http://t.example/", "x")])],
        );
    };
    commit(0);
    let router = keeping(&reader(directory.path()), 1 << 20);
    let mut versions = HashSet::new();
    for n in 1..4 {
        for _ in 0..2 {
            let uri = "/?from=anchors&target=t.example&select=backlinks";
            let (_, headers, body) = ask(&router, &Method::GET, uri).await;
            let expected = format!(r#"{{"anchors":[{{"backlinks":{n}}}],"#);
            assert!(body.starts_with(expected.as_bytes()));
            versions.insert(headers.get("x-windlass-index").unwrap().clone());
        }
        assert_eq!(kept(&router).await, n);
        assert_eq!(versions.len() as u64, n);
        commit(n as usize);
    }
    // A merge changes no answer, but is a new state.
    let mut writer = Writer::open(directory.path(), None).unwrap();
    writer.merge_all(&(), &AtomicBool::new(false)).unwrap();
    let uri = "/?from=anchors&target=t.example&select=backlinks";
    ask(&router, &Method::GET, uri).await;
    assert_eq!(kept(&router).await, 3);
}

#[tokio::test]
async fn no_more_is_kept_than_there_is_room_for() {
    const ROOM: u64 = 100_000;
    let directory = tempfile::tempdir().unwrap();
    let router = keeping(&large(directory.path(), 40), ROOM as usize);
    for limit in 1..40 {
        let uri = format!("/?from=anchors&target=t.example&limit={limit}");
        let first = ask(&router, &Method::GET, &uri).await;
        let again = ask(&router, &Method::GET, &uri).await;
        assert_eq!(first, again);
        let size = metric(&router, "windlass_answers_kept_size_bytes").await;
        assert!(size <= ROOM, "{size}");
    }
    // The longest do not fit in a chunk, and are made each time.
    let before = kept(&router).await;
    assert!(before > 0);
    let uri = "/?from=anchors&target=t.example&limit=40";
    ask(&router, &Method::GET, uri).await;
    assert_eq!(kept(&router).await, before);
}

#[tokio::test]
async fn errors_are_not_kept() {
    let directory = tempfile::tempdir().unwrap();
    let router = keeping(&small(directory.path()), 1 << 20);
    for _ in 0..3 {
        let uri = "/?from=anchors&target=ahrefs.com&where=nonsense";
        let (status, ..) = ask(&router, &Method::GET, uri).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
    }
    assert_eq!(kept(&router).await, 0);
}
