//! What HTTP asks of a server beside its answers: methods, headers, conditions, other origins, metrics.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use support::{Server, body, ingest, large, page, reader, small};
use windlass_server::{AccessOptions, Limits, MetricsAccess, router, router_with};

const REPORT: &str = "/?from=anchors&target=ahrefs.com&mode=domain";

async fn send(router: &Router, uri: &str, headers: &[(&str, &str)]) -> (u16, HeaderMap, Vec<u8>) {
    let mut request = Request::get(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::empty()).unwrap();
    let (status, headers, body) = support::send(router, request).await;
    (status.as_u16(), headers, body)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers
        .get(name)
        .map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn every_answer_has_an_id_and_is_no_page_for_browsers() {
    let directory = tempfile::tempdir().unwrap();
    let router = router(small(directory.path()), Limits::default());
    let mut ids = Vec::new();
    for (uri, status, caching) in [
        (REPORT, 200, "private, no-cache"),
        ("/?from=nothing", 400, "no-store"),
        ("/nowhere", 404, "no-store"),
        ("/healthz", 200, "no-store"),
        ("/openapi.json", 200, "no-store"),
    ] {
        let (found, headers, _) = send(&router, uri, &[]).await;
        assert_eq!(found, status, "{uri}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            (
                "content-security-policy",
                "default-src 'none'; frame-ancestors 'none'",
            ),
            ("cache-control", caching),
            ("access-control-allow-origin", ""),
        ] {
            assert_eq!(text(&headers, name), value, "{uri}: {name}");
        }
        ids.push(text(&headers, "x-request-id").to_owned());
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 5);
}

#[tokio::test]
async fn what_a_client_has_is_not_sent_again() {
    let directory = tempfile::tempdir().unwrap();
    let router = router(large(directory.path(), 10), Limits::default());
    let uri = "/?from=anchors&target=t.example&token=one";
    let (_, headers, _) = send(&router, uri, &[]).await;
    let tag = text(&headers, "etag").to_owned();
    assert!(tag.starts_with('"') && tag.ends_with('"'), "{tag}");
    // The token and the order of parameters do not decide the answer.
    let same = "/?target=t.example&from=anchors&token=two";
    let (status, headers, sent) = send(&router, same, &[("if-none-match", &tag)]).await;
    assert_eq!((status, sent.len()), (304, 0));
    assert_eq!(text(&headers, "etag"), tag);
    assert_eq!(text(&headers, "x-rows-cost"), "0");
    assert_eq!(text(&headers, "vary"), "accept-encoding");
    // Other bytes have another tag, which is known too.
    let gzip = [("accept-encoding", "gzip")];
    let (_, headers, _) = send(&router, uri, &gzip).await;
    let coded = text(&headers, "etag").to_owned();
    assert_ne!(coded, tag);
    assert_eq!(text(&headers, "content-encoding"), "gzip");
    assert_eq!(text(&headers, "vary"), "accept-encoding");
    let (status, headers, _) = send(&router, uri, &[gzip[0], ("if-none-match", &coded)]).await;
    assert_eq!((status, text(&headers, "etag")), (304, coded.as_str()));
    for other in ["&limit=3", "&output=csv", "&history=all_time"] {
        let uri = format!("{uri}{other}");
        assert_eq!(send(&router, &uri, &[("if-none-match", &tag)]).await.0, 200);
    }
    // A commit makes it another answer.
    ingest(
        directory.path(),
        &[page("http://b.example/", &[("http://t.example/", "new")])],
    );
    let (status, headers, _) = send(&router, uri, &[("if-none-match", &tag)]).await;
    assert_eq!(status, 200);
    assert_ne!(text(&headers, "etag"), tag);
}

/// `*` stands for any answer: that there is one only the query can tell.
#[tokio::test]
async fn whoever_has_any_answer_hears_what_is_wrong_with_the_question() {
    let directory = tempfile::tempdir().unwrap();
    let router = router(small(directory.path()), Limits::default());
    let any = [("if-none-match", "*")];
    // Where the index was built without them, naming them is an error that the query finds.
    let refused = "/?from=linked_anchors&target=a.example&mode=domain&select=links_internal";
    assert_eq!(send(&router, refused, &[]).await.0, 400);
    assert_eq!(send(&router, refused, &any).await.0, 400);
    // As it is made, and as it is kept.
    for _ in 0..2 {
        let (status, headers, body) = send(&router, REPORT, &any).await;
        assert_eq!((status, body.len()), (304, 0));
        assert_eq!(text(&headers, "x-rows-cost"), "0");
        let (_, whole, _) = send(&router, REPORT, &[]).await;
        assert_eq!(text(&headers, "etag"), text(&whole, "etag"));
    }
}

#[tokio::test]
async fn other_origins_read_answers_where_that_is_allowed() {
    let directory = tempfile::tempdir().unwrap();
    let access = AccessOptions {
        cors_origins: vec!["https://a.example".parse().unwrap()],
        metrics: MetricsAccess::Nobody,
    };
    let router = router_with(small(directory.path()), Limits::default(), &access);
    let allowed = "access-control-allow-origin";
    let (_, headers, _) = send(&router, REPORT, &[("origin", "https://a.example")]).await;
    assert_eq!(text(&headers, allowed), "https://a.example");
    assert!(text(&headers, "access-control-expose-headers").contains("x-rows-cost"));
    let (_, headers, _) = send(&router, REPORT, &[("origin", "https://b.example")]).await;
    assert_eq!(text(&headers, allowed), "");
    assert_eq!(send(&router, "/metrics", &[]).await.0, 404);
}

#[tokio::test]
async fn metrics_count_what_was_answered() {
    let directory = tempfile::tempdir().unwrap();
    let router = router(small(directory.path()), Limits::default());
    let badly_asked = "/report?target=ahrefs.com&where=nothing";
    for uri in [REPORT, REPORT, "/?from=anchors", "/nowhere", badly_asked] {
        send(&router, uri, &[]).await;
    }
    let (status, headers, metrics) = send(&router, "/metrics", &[]).await;
    let metrics = String::from_utf8(metrics).unwrap();
    assert_eq!(status, 200);
    assert!(text(&headers, "content-type").starts_with("application/openmetrics-text"));
    for line in [
        "windlass_requests_total{table=\"anchors\",status=\"200\"} 2",
        "windlass_requests_total{table=\"none\",status=\"404\"} 1",
        "windlass_rows_total{table=\"anchors\"} 4",
        "windlass_refused_total{reason=\"bad_request\"} 2",
        "windlass_index_segments 1",
        "windlass_index_stale 0",
        "# EOF",
    ] {
        assert!(metrics.lines().any(|l| l == line), "{line}\n{metrics}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn old_and_new_http_heads_keeping_and_closing() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(small(directory.path()), Limits::default()).await;
    let head = server
        .raw(&format!(
            "HEAD {REPORT} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
        ))
        .await;
    let get = server
        .raw(&format!(
            "GET {REPORT} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
        ))
        .await;
    assert!(
        head.starts_with("HTTP/1.1 200 ") && body(&head).is_empty(),
        "{head}"
    );
    let length = format!("content-length: {}\r\n", body(&get).len());
    assert!(head.contains(&length) && get.contains(&length), "{head}");
    assert!(get.contains("connection: close"), "{get}");

    let kept = format!("GET {REPORT} HTTP/1.0\r\nconnection: keep-alive\r\n\r\n");
    let answers = server.raw(&format!("{kept}{kept}")).await;
    assert_eq!(answers.matches(" 200 OK\r\n").count(), 2, "{answers}");
    let once = format!("GET {REPORT} HTTP/1.0\r\n\r\n");
    let answers = server.raw(&format!("{once}{once}")).await;
    assert_eq!(answers.matches(" 200 OK\r\n").count(), 1, "{answers}");
    server.stop().await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_of_requests_have_limits() {
    let directory = tempfile::tempdir().unwrap();
    let limits = Limits {
        headers_max: 20,
        head_bytes_max: 16_384,
        ..Limits::default()
    };
    let server = Server::start(small(directory.path()), limits).await;
    let with = |headers: &str| {
        format!("GET {REPORT} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n")
    };
    let many = |n| "a: b\r\n".repeat(n);
    assert!(
        server
            .raw(&with(&many(18)))
            .await
            .starts_with("HTTP/1.1 200 ")
    );
    assert!(
        server
            .raw(&with(&many(19)))
            .await
            .starts_with("HTTP/1.1 431 ")
    );
    // All that is allowed, and no end: what comes after it would be answered by a reset.
    let mut endless = with("a: ");
    endless.truncate(endless.len() - 2);
    endless.push_str(&"b".repeat(16_384 - endless.len()));
    assert!(server.raw(&endless).await.starts_with("HTTP/1.1 431 "));
    server.stop().await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_has_all_its_places_is_told_to_wait() {
    let directory = tempfile::tempdir().unwrap();
    let limits = Limits {
        queries_max: 4,
        queries_per_client_max: 1,
        queue_time_max: Duration::from_millis(50),
        ..Limits::default()
    };
    let server = Server::start(large(directory.path(), 8000), limits).await;
    let long = "GET /?from=anchors&target=t.example&limit=5000000 HTTP/1.1\r\nhost: x\r\n\r\n";
    let address = server.address;
    // Its answer fills all buffers, and is not read.
    let stream = tokio::task::spawn_blocking(move || {
        use std::io::{Read, Write};
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        stream.write_all(long.as_bytes()).unwrap();
        let mut first = [0; 16];
        stream.read_exact(&mut first).unwrap();
        stream
    })
    .await
    .unwrap();
    let second = server
        .raw("GET /?from=anchors&target=t.example&limit=0 HTTP/1.0\r\n\r\n")
        .await;
    assert!(second.starts_with("HTTP/1.0 429 "), "{second}");
    assert!(second.contains("retry-after: 1") && second.contains("1 of yours"));
    drop(stream);
    server.stop().await.unwrap().unwrap();
}

#[tokio::test]
async fn the_document_names_all_tables_and_paths() {
    let directory = tempfile::tempdir().unwrap();
    let router = router(
        reader(small(directory.path()).directory()),
        Limits::default(),
    );
    let (status, _, document) = send(&router, "/openapi.json", &[]).await;
    assert_eq!(status, StatusCode::OK);
    let document: serde_json::Value = serde_json::from_slice(&document).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    for table in windlass_report::Table::ALL {
        let schema = &document["components"]["schemas"][table.name];
        assert!(
            schema["properties"][table.rows_key].is_object(),
            "{}",
            table.name
        );
    }
    let refusals = &document["components"]["responses"];
    assert!(refusals["405"]["content"].is_object());
    assert!(refusals["431"]["description"].is_string() && refusals["431"]["content"].is_null());
    for path in document["paths"].as_object().unwrap().keys() {
        assert_ne!(send(&router, path, &[]).await.0, 404, "{path}");
    }
}
