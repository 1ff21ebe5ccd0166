//! The router without a socket: bodies, headers, statuses.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use support::{header, ingest, large, metric, page, reader, send, small};
use windlass_server::{AccessOptions, Limits, router, router_with};

const AHREFS: &str = "/?from=anchors&target=ahrefs.com&mode=domain";
const AHREFS_BODY: &str = r#"{"anchors":[{"anchor":"it's \"q\" \\ ü/","backlinks":1,"refpages":1,"refdomains":1,"first_seen":"2013-08-08T19:04:00Z","last_visited":"2013-08-08T19:04:00Z"},{"anchor":"seo","backlinks":1,"refpages":1,"refdomains":1,"first_seen":"2013-08-08T19:04:00Z","last_visited":"2013-08-08T19:04:00Z"}],"stats":{"backlinks":2,"refpages":1}}"#;
const EMPTY_BODY: &str = r#"{"anchors":[],"stats":{"backlinks":0,"refpages":0}}"#;

async fn get(router: &Router, uri: &str) -> (StatusCode, HeaderMap, String) {
    let request = Request::get(uri).body(Body::empty()).unwrap();
    let (status, headers, body) = send(router, request).await;
    (status, headers, String::from_utf8(body).unwrap())
}

#[tokio::test]
async fn an_answer_and_its_headers() {
    let directory = tempfile::tempdir().unwrap();
    let reader = small(directory.path());
    let version = reader.pinned().version().to_owned();
    let router = router(reader, Limits::default());
    let (status, headers, body) = get(&router, AHREFS).await;
    assert_eq!((status, body.as_str()), (StatusCode::OK, AHREFS_BODY));
    for (name, value) in [
        ("content-type", Some("application/json; charset=utf-8")),
        ("x-results-count", Some("2")),
        ("x-rows-cost", Some("3")),
        ("x-windlass-index", Some(version.as_str())),
        ("x-windlass-newest-capture", Some("2013-08-08T19:04:00Z")),
        ("x-windlass-empty", None),
    ] {
        assert_eq!(header(&headers, name), value, "{name}");
    }
    for (output, content_type, first) in [
        (
            "ndjson",
            "application/x-ndjson; charset=utf-8",
            "{\"anchor\":\"it's",
        ),
        (
            "csv",
            "text/csv; charset=utf-8; header=present",
            "anchor,backlinks,",
        ),
    ] {
        let (_, headers, body) = get(&router, &format!("{AHREFS}&output={output}")).await;
        assert_eq!(header(&headers, "content-type"), Some(content_type));
        assert!(body.starts_with(first), "{body}");
    }
    let request = Request::head(AHREFS).body(Body::empty()).unwrap();
    let (status, headers, body) = send(&router, request).await;
    assert_eq!((status, body.len()), (StatusCode::OK, 0));
    assert_eq!(header(&headers, "x-results-count"), Some("2"));
    let (_, headers, body) = get(&router, &format!("{AHREFS}&dry_run=1&output=csv")).await;
    assert_eq!(body, r#"{"dry_run":{"rows_cost":3,"results":2}}"#);
    assert_eq!(
        header(&headers, "content-type"),
        Some("application/json; charset=utf-8")
    );
}

#[tokio::test]
async fn r20_kinds_of_emptiness() {
    let directory = tempfile::tempdir().unwrap();
    let router = router(small(directory.path()), Limits::default());
    for (uri, emptiness) in [
        ("/?from=anchors&target=ahrefs.com/nothing", "no-backlinks"),
        (
            "/?from=anchors&target=a.example&mode=domain",
            "no-backlinks",
        ),
        (
            "/?from=anchors&target=unheard.example&mode=domain",
            "host-unknown",
        ),
        (&format!("{AHREFS}&where=backlinks%3E5"), "filtered"),
        (&format!("{AHREFS}&where=anchor=none"), "filtered"),
        // Nothing is later than the last moment that there is.
        (
            &format!("{AHREFS}&where=first_seen%3E2106-02-07T06:28:15Z"),
            "filtered",
        ),
        (
            &format!("{AHREFS}&where=last_visited%3E2106-02-07"),
            "filtered",
        ),
    ] {
        let (status, headers, body) = get(&router, uri).await;
        assert_eq!(
            (status, body.as_str()),
            (StatusCode::OK, EMPTY_BODY),
            "{uri}"
        );
        assert_eq!(
            header(&headers, "x-windlass-empty"),
            Some(emptiness),
            "{uri}"
        );
        assert_eq!(header(&headers, "x-results-count"), Some("0"), "{uri}");
    }
}

#[tokio::test]
async fn kinds_of_emptiness_of_tables_about_a_targets_own_pages() {
    let directory = tempfile::tempdir().unwrap();
    ingest(
        directory.path(),
        &[
            page("http://a.example/", &[("http://t.example/", "t")]),
            page("http://a.example/still", &[]),
        ],
    );
    let router = router(reader(directory.path()), Limits::default());
    for (table, target, emptiness) in [
        ("pages", "t.example/", Some("no-pages")),
        ("pages", "a.example/none", Some("no-pages")),
        ("pages", "unheard.example/", Some("host-unknown")),
        ("pages", "a.example/still", None),
        ("linked_anchors", "a.example/still", Some("no-links")),
        ("linked_domains", "a.example/still", Some("no-links")),
        ("linked_anchors", "t.example/", Some("no-pages")),
        ("linked_anchors", "a.example/", None),
        ("backlinks", "a.example/", Some("no-backlinks")),
        // No number of links is below none.
        ("pages", "a.example/still&where=links_external=0", None),
        (
            "pages",
            "a.example/still&where=links_external%3C0",
            Some("filtered"),
        ),
        (
            "pages",
            "a.example/still&having=links_external%3C=-1",
            Some("filtered"),
        ),
        // Links with other anchors than those asked for are links.
        (
            "backlinks",
            "t.example/&where=anchor=none",
            Some("filtered"),
        ),
        (
            "backlinks",
            "t.example/&where=anchor=none&order_by=first_seen",
            Some("filtered"),
        ),
        (
            "backlinks",
            "t.example/&where=anchor=none&order_by=url_from",
            Some("filtered"),
        ),
        (
            "backlinks_new_lost",
            "t.example/&where=anchor=none",
            Some("filtered"),
        ),
        (
            "backlinks_new_lost",
            "t.example/&where=anchor=none&order_by=date",
            Some("filtered"),
        ),
        (
            "backlinks",
            "a.example/&where=anchor=none&order_by=first_seen",
            Some("no-backlinks"),
        ),
    ] {
        let (status, headers, _) = get(&router, &format!("/?from={table}&target={target}")).await;
        assert_eq!(status, StatusCode::OK);
        let found = header(&headers, "x-windlass-empty");
        assert_eq!(found, emptiness, "{table} of {target}");
    }
}

#[tokio::test]
async fn errors_have_a_status_and_say_what_is_wrong() {
    let directory = tempfile::tempdir().unwrap();
    let limits = Limits {
        uri_bytes_max: 200,
        body_bytes_max: 100,
        ..Limits::default()
    };
    let router = router(small(directory.path()), limits);
    let long = format!("/?{}", "x".repeat(200));
    for (request, status, text) in [
        (
            Request::get("/"),
            400,
            r#"{"error":"missing argument from"}"#,
        ),
        (
            Request::get("/?from=anchors"),
            400,
            r#"{"error":"missing argument target"}"#,
        ),
        (
            Request::get("/?from=anchors&target=a.example&where=refdomains%3E1"),
            400,
            r#"{"error":"bad where: column 'refdomains' cannot be used in 'where' of table 'anchors'; allowed: anchor, backlinks, refpages, refdomain, first_seen, last_visited, kind (at character 1)"}"#,
        ),
        (
            Request::get("/v3?from=anchors"),
            404,
            r#"{"error":"there is nothing at '/v3'; reports are at '/'"}"#,
        ),
        (
            Request::delete("/?from=anchors"),
            405,
            r#"{"error":"method DELETE is not supported; allowed: GET, HEAD, POST"}"#,
        ),
        (
            Request::get(&long),
            414,
            r#"{"error":"path and query have 202 bytes; allowed: 200; a form in the body of a POST may be longer"}"#,
        ),
    ] {
        let request = request.body(Body::empty()).unwrap();
        let (found, headers, body) = send(&router, request).await;
        assert_eq!(
            (found.as_u16(), String::from_utf8(body).unwrap().as_str()),
            (status, text)
        );
        assert_eq!(
            header(&headers, "content-type"),
            Some("application/json; charset=utf-8")
        );
        assert_eq!(headers.contains_key("allow"), status == 405);
    }
    let (status, _, _) = send(
        &router,
        Request::post("/")
            .body(Body::from("x".repeat(101)))
            .unwrap(),
    )
    .await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn forms_are_read_and_other_bodies_are_not() {
    let directory = tempfile::tempdir().unwrap();
    let router = router(small(directory.path()), Limits::default());
    let form = "target=ahrefs.com&mode=domain&select=anchor&limit=1";
    for (content_type, status) in [
        (Some("application/x-www-form-urlencoded"), 200),
        (
            Some("Application/X-WWW-Form-Urlencoded; charset=UTF-8"),
            200,
        ),
        (Some("text/plain"), 400),
        (None, 400),
    ] {
        let mut request = Request::post("/?from=anchors&limit=9");
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        let (found, headers, _) = send(&router, request.body(Body::from(form)).unwrap()).await;
        assert_eq!(found.as_u16(), status, "{content_type:?}");
        // The body comes after the query string, so that its limit counts.
        let count = (status == 200).then_some("1");
        assert_eq!(header(&headers, "x-results-count"), count);
    }
}

#[tokio::test]
async fn bodies_are_compressed_where_the_client_allows() {
    let directory = tempfile::tempdir().unwrap();
    let router = router(large(directory.path(), 100), Limits::default());
    let uri = "/?from=anchors&target=t.example&mode=domain";
    let (_, headers, plain) = get(&router, uri).await;
    assert_eq!(header(&headers, "content-encoding"), None);
    for coding in ["gzip", "br", "zstd"] {
        let request = Request::get(uri).header("accept-encoding", coding);
        let (_, headers, body) = send(&router, request.body(Body::empty()).unwrap()).await;
        assert_eq!(header(&headers, "content-encoding"), Some(coding));
        assert_eq!(
            header(&headers, "content-type"),
            Some("application/json; charset=utf-8")
        );
        assert!(
            body.len() < plain.len() / 10,
            "{coding}: {} bytes",
            body.len()
        );
        if coding == "gzip" {
            let mut text = String::new();
            flate2::read::GzDecoder::new(body.as_slice())
                .read_to_string(&mut text)
                .unwrap();
            assert_eq!(text, plain);
        }
    }
}

#[tokio::test]
async fn who_takes_no_coding_that_there_is_gets_the_body_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let router = router(small(directory.path()), Limits::default());
    for codings in ["identity;q=0", "*;q=0", "gzip;q=0, br;q=0, *;q=0"] {
        let request = Request::get(AHREFS).header("accept-encoding", codings);
        let (status, headers, body) = send(&router, request.body(Body::empty()).unwrap()).await;
        assert_eq!(
            (status, header(&headers, "content-encoding")),
            (StatusCode::OK, None)
        );
        assert_eq!(body, AHREFS_BODY.as_bytes(), "{codings}");
    }
}

#[tokio::test]
async fn rows_that_are_not_sent_are_not_counted() {
    let directory = tempfile::tempdir().unwrap();
    let router = router(small(directory.path()), Limits::default());
    let rows = "windlass_rows_total{table=\"anchors\"}";
    get(&router, AHREFS).await;
    assert_eq!(metric(&router, rows).await, 2);
    let head = Request::head(AHREFS).body(Body::empty()).unwrap();
    assert_eq!(send(&router, head).await.0, StatusCode::OK);
    get(&router, &format!("{AHREFS}&dry_run=1")).await;
    assert_eq!(metric(&router, rows).await, 2);
    get(&router, AHREFS).await;
    assert_eq!(metric(&router, rows).await, 4);
}

#[tokio::test]
async fn an_answer_that_the_client_has_names_the_state_of_the_index() {
    let directory = tempfile::tempdir().unwrap();
    let router = router(small(directory.path()), Limits::default());
    let (_, first, _) = get(&router, AHREFS).await;
    let request = Request::get(AHREFS).header("if-none-match", &first["etag"]);
    let (status, headers, body) = send(&router, request.body(Body::empty()).unwrap()).await;
    assert_eq!((status, body.len()), (StatusCode::NOT_MODIFIED, 0));
    for name in ["etag", "x-windlass-index", "x-windlass-newest-capture"] {
        assert_eq!(headers[name], first[name], "{name}");
    }
    assert_eq!(headers["x-rows-cost"], "0");
}

#[tokio::test]
async fn pages_of_an_allowed_origin_may_ask_conditionally_and_read_what_is_said() {
    let directory = tempfile::tempdir().unwrap();
    let access = AccessOptions {
        cors_origins: vec!["https://tools.example".parse().unwrap()],
        ..AccessOptions::default()
    };
    let router = router_with(small(directory.path()), Limits::default(), &access);
    let preflight = Request::options(AHREFS)
        .header("origin", "https://tools.example")
        .header("access-control-request-method", "GET")
        .header("access-control-request-headers", "if-none-match");
    let (_, headers, _) = send(&router, preflight.body(Body::empty()).unwrap()).await;
    let allowed = header(&headers, "access-control-allow-headers").unwrap();
    assert!(allowed.contains("if-none-match"), "{allowed}");
    let request = Request::get(AHREFS).header("origin", "https://tools.example");
    let (_, headers, _) = send(&router, request.body(Body::empty()).unwrap()).await;
    let readable = header(&headers, "access-control-expose-headers").unwrap();
    // All that are not in answers of every server.
    let own = headers
        .keys()
        .filter(|name| name.as_str().starts_with("x-"));
    for name in own.filter(|name| *name != "x-content-type-options") {
        assert!(readable.contains(name.as_str()), "{readable} has no {name}");
    }
}

#[tokio::test]
async fn too_many_queries_at_once_are_told_to_wait() {
    let directory = tempfile::tempdir().unwrap();
    let limits = Limits {
        queries_max: 0,
        queue_time_max: Duration::from_millis(10),
        ..Limits::default()
    };
    let router = router(small(directory.path()), limits);
    let (status, headers, body) = get(&router, AHREFS).await;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(header(&headers, "retry-after"), Some("1"));
    assert!(
        body.starts_with(r#"{"error":"too many requests at once"#),
        "{body}"
    );
}

#[tokio::test]
async fn a_query_that_takes_too_long_is_stopped() {
    let directory = tempfile::tempdir().unwrap();
    let limits = Limits {
        query_time_max: Duration::ZERO,
        ..Limits::default()
    };
    let router = router(large(directory.path(), 1000), limits);
    let (status, headers, body) = get(&router, "/?from=anchors&target=t.example").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(headers.contains_key("retry-after"));
    let id = header(&headers, "x-request-id").unwrap();
    assert!(body.contains(id), "{body}");
    // Its place is free again.
    while metric(&router, "windlass_queries_running").await > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn a_damaged_segment_is_an_internal_error_with_an_id() {
    let directory = tempfile::tempdir().unwrap();
    ingest(
        directory.path(),
        &[page("http://a.example/", &[("http://t.example/", "x")])],
    );
    let reader = reader(directory.path());
    for entry in std::fs::read_dir(directory.path().join("segments")).unwrap() {
        let path = entry.unwrap().path();
        let length = std::fs::metadata(&path).unwrap().len();
        // In place and of the same length, as a bad disk would.
        let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
        std::os::unix::fs::FileExt::write_all_at(&file, &vec![0xa5; length as usize], 0).unwrap();
    }
    let router = router(reader, Limits::default());
    let (status, headers, body) = get(&router, "/?from=anchors&target=t.example").await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR, "{body}");
    let id = header(&headers, "x-request-id").unwrap();
    assert_eq!(
        body,
        format!(r#"{{"error":"internal error; the server's log has more under request {id}"}}"#)
    );
}

#[tokio::test]
async fn a_manifest_that_cannot_be_opened_leaves_the_state_before() {
    let directory = tempfile::tempdir().unwrap();
    let router = router(small(directory.path()), Limits::default());
    let (_, _, healthy) = get(&router, "/healthz").await;
    assert!(
        healthy.starts_with(r#"{"#) && healthy.contains(r#""status":"ok""#),
        "{healthy}"
    );
    std::fs::write(directory.path().join("manifest.json"), "{").unwrap();
    let (status, _, body) = get(&router, AHREFS).await;
    assert_eq!((status, body.as_str()), (StatusCode::OK, AHREFS_BODY));
    let (status, _, body) = get(&router, "/healthz").await;
    assert_eq!(
        (status, body),
        (StatusCode::OK, healthy.replace("ok", "stale"))
    );
}

/// An answer whose rows do not fit in memory at once is found in parts, and whole.
#[tokio::test]
async fn answers_in_parts_are_whole() {
    let directory = tempfile::tempdir().unwrap();
    let reader = large(directory.path(), 1000);
    let parts = Limits {
        kept_bytes_max: 1,
        groups_at_once: 7,
        ..Limits::default()
    };
    let whole = router(Arc::clone(&reader), Limits::default());
    let parts = router(reader, parts);
    for more in [
        "from=anchors",
        "from=anchors&order_by=anchor:desc",
        "from=backlinks",
        "from=backlinks&order_by=anchor:desc&limit=40",
    ] {
        let uri = format!("/?target=t.example&mode=domain&{more}");
        let (status, headers, body) = get(&whole, &uri).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        let rows: usize = header(&headers, "x-results-count")
            .unwrap()
            .parse()
            .unwrap();
        assert!(rows >= 40, "{rows}");
        assert_eq!(get(&parts, &uri).await.2, body, "{more}");
    }
}
