//! Commits and merges under requests: every request is answered, from a whole state.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use axum::http::Method;
use support::{Server, ask, body, header, ingest, metric, page, reader};
use windlass_index::Writer;
use windlass_server::{Limits, router};

const COMMITS: usize = 12;
const REQUEST: &str = "GET /?from=anchors&target=t.example&select=backlinks HTTP/1.0\r\n\r\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_fails_while_the_index_is_written() {
    let directory = tempfile::tempdir().unwrap();
    let commit = |i: usize, directory: &std::path::Path| {
        let page_url = format!("http://p{i}.example/");
        ingest(directory, &[page(&page_url, &[("http://t.example/", "x")])]);
    };
    commit(0, directory.path());
    let server = Arc::new(Server::start(reader(directory.path()), Limits::default()).await);
    let done = Arc::new(AtomicBool::new(false));
    let answered = Arc::new(AtomicUsize::new(0));
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let (server, done, answered) = (
                Arc::clone(&server),
                Arc::clone(&done),
                Arc::clone(&answered),
            );
            tokio::spawn(async move {
                let mut seen = BTreeSet::new();
                let mut last = 0;
                while !done.load(Ordering::Relaxed) {
                    let answer = server.raw(REQUEST).await;
                    assert!(answer.starts_with("HTTP/1.0 200 OK"), "{answer}");
                    // The number of commits is the number of backlinks, and never goes back.
                    let count = (1..=COMMITS + 1)
                        .find(|n| body(&answer) == expected(*n))
                        .unwrap_or_default();
                    assert_ne!(count, 0, "{answer}");
                    assert!(count >= last, "{count} after {last}");
                    last = count;
                    seen.insert(count);
                    answered.fetch_add(1, Ordering::Relaxed);
                }
                seen
            })
        })
        .collect();
    let path = directory.path().to_owned();
    let counted = Arc::clone(&answered);
    tokio::task::spawn_blocking(move || {
        for i in 1..=COMMITS {
            commit(i, &path);
            if i % 4 == 0 {
                let mut writer = Writer::open(&path, None).unwrap();
                writer.merge_all(&(), &AtomicBool::new(false)).unwrap();
            }
            // Each state is asked for before the next comes.
            let before = counted.load(Ordering::Relaxed);
            while counted.load(Ordering::Relaxed) < before + 8 {
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
        }
    })
    .await
    .unwrap();
    done.store(true, Ordering::Relaxed);
    let mut seen = BTreeSet::new();
    for client in clients {
        seen.append(&mut client.await.unwrap());
    }
    assert!(seen.len() > COMMITS / 2, "the states seen: {seen:?}");
    assert_eq!(body(&server.raw(REQUEST).await), expected(COMMITS + 1));
    Arc::into_inner(server)
        .unwrap()
        .stop()
        .await
        .unwrap()
        .unwrap();
}

fn expected(backlinks: usize) -> String {
    format!(
        r#"{{"anchors":[{{"backlinks":{backlinks}}}],"stats":{{"backlinks":{backlinks},"refpages":{backlinks}}}}}"#
    )
}

#[tokio::test]
async fn what_tells_of_the_index_tells_of_the_newest_state() {
    let directory = tempfile::tempdir().unwrap();
    let add = |url: &str| {
        ingest(
            directory.path(),
            &[page(url, &[("http://t.example/", "x")])],
        );
    };
    add("http://a.example/");
    let router = router(reader(directory.path()), Limits::default());
    assert_eq!(metric(&router, "windlass_index_segments").await, 1);
    add("http://b.example/");
    assert_eq!(metric(&router, "windlass_index_segments").await, 2);
    add("http://c.example/");
    let info = "/?from=subscription_info";
    let (_, headers, _) = ask(&router, &Method::GET, info).await;
    let newest = reader(directory.path()).pinned();
    assert_eq!(header(&headers, "x-windlass-index"), Some(newest.version()));
}
