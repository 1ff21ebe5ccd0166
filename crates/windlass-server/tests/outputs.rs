//! Answers and refusals in the format that is asked for, wherever it is asked for.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use support::{ingest, page, reader, send, small};
use windlass_report::{Output, write};
use windlass_server::{Limits, router};

const AHREFS: &str = "from=anchors&target=ahrefs.com&mode=domain";

fn get(uri: &str) -> Request<Body> {
    Request::get(uri).body(Body::empty()).unwrap()
}

fn form(uri: &str, body: &str) -> Request<Body> {
    Request::post(uri)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(body.to_owned()))
        .unwrap()
}

#[tokio::test]
async fn answers_say_what_they_are() {
    let directory = tempfile::tempdir().unwrap();
    let router = router(small(directory.path()), Limits::default());
    for (output, content_type, first) in [
        (
            "json",
            "application/json; charset=utf-8",
            &br#"{"anchors":["#[..],
        ),
        (
            "xml",
            "application/xml; charset=utf-8",
            b"<?xml version=\"1.0\"",
        ),
        ("php", "application/vnd.php.serialized", b"a:2:{s:7:"),
        ("csv", "text/csv; charset=utf-8; header=present", b"anchor,"),
        (
            "ndjson",
            "application/x-ndjson; charset=utf-8",
            b"{\"anchor\":",
        ),
        (
            "arrow",
            "application/vnd.apache.arrow.stream",
            &[0xff, 0xff, 0xff, 0xff],
        ),
        ("parquet", "application/vnd.apache.parquet", b"PAR1"),
    ] {
        let request = get(&format!("/?{AHREFS}&output={output}"));
        let (status, headers, body) = send(&router, request).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(headers["content-type"], content_type);
        assert_eq!(headers["x-results-count"], "2");
        assert!(body.starts_with(first), "{output}");
    }
}

#[tokio::test]
async fn parquet_is_compressed_once() {
    let directory = tempfile::tempdir().unwrap();
    let router = router(small(directory.path()), Limits::default());
    for (output, encoding) in [("arrow", Some("gzip")), ("parquet", None)] {
        let request = Request::get(format!("/?{AHREFS}&output={output}"))
            .header("accept-encoding", "gzip")
            .body(Body::empty())
            .unwrap();
        let (_, headers, _) = send(&router, request).await;
        let found = headers.get("content-encoding");
        assert_eq!(found.map(|value| value.to_str().unwrap()), encoding);
    }
}

#[tokio::test]
async fn refusals_have_the_format_that_was_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let limits = Limits {
        uri_bytes_max: 200,
        body_bytes_max: 100,
        ..Limits::default()
    };
    let router = router(small(directory.path()), limits);
    for output in Output::ALL {
        let name = output.name();
        let requests = [
            (
                400,
                "missing argument from",
                get(&format!("/?OUTPUT={name}")),
            ),
            (
                400,
                "bad limit: 'x' is no integer from 0 to 5000000",
                form("/?output=yaml&limit=x", &format!("{AHREFS}&output={name}")),
            ),
            (
                404,
                "there is nothing at '/<x>'; reports are at '/'",
                get(&format!("/%3Cx%3E?output={name}")),
            ),
            (
                405,
                "method PUT is not supported; allowed: GET, HEAD, POST",
                Request::put(format!("/?output={name}"))
                    .body(Body::empty())
                    .unwrap(),
            ),
            (
                413,
                "the body is longer than 100 bytes, which are allowed",
                form(&format!("/?output={name}"), &"x".repeat(101)),
            ),
        ];
        for (status, text, request) in requests {
            let (found, headers, body) = send(&router, request).await;
            // Paths are shown as they came.
            let text = text.replace("<x>", "%3Cx%3E");
            let mut expected = Vec::new();
            write::error(&text, output, &mut expected).unwrap();
            assert_eq!(
                String::from_utf8(body).unwrap(),
                String::from_utf8(expected).unwrap()
            );
            assert_eq!(found.as_u16(), status, "{text}");
            assert_eq!(
                headers["content-type"],
                output.of_messages().content_type(),
                "{text}"
            );
        }
    }
    // A format that there is not: JSON.
    let (_, headers, _) = send(&router, get(&format!("/?{AHREFS}&output=yaml"))).await;
    assert_eq!(headers["content-type"], Output::Json.content_type());
}

/// Over several segments too, whose links are put together first.
#[tokio::test]
async fn what_takes_too_much_memory_says_so_and_what_would_do() {
    let directory = tempfile::tempdir().unwrap();
    for half in 0..2 {
        let captures: Vec<_> = (0..500)
            .map(|n| {
                let url = format!("http://site{n}.example/{half}");
                page(&url, &[("http://ahrefs.com/", &format!("{half} {n}"))])
            })
            .collect();
        ingest(directory.path(), &captures);
    }
    let uri = format!("/?{AHREFS}&limit=0");
    for (query_bytes_max, is_allowed) in [(10_000, false), (10_000_000, true)] {
        let limits = Limits {
            query_bytes_max,
            ..Limits::default()
        };
        let router = router(reader(directory.path()), limits);
        let (status, headers, body) = send(&router, get(&uri)).await;
        let body = String::from_utf8(body).unwrap();
        if is_allowed {
            assert_eq!(status, StatusCode::OK);
            assert!(body.contains(r#""backlinks":1000"#), "{body}");
        } else {
            assert_eq!(status, StatusCode::BAD_REQUEST);
            assert!(!headers.contains_key("x-rows-cost"));
            assert!(body.contains("MiB of memory"), "{body}");
            assert!(body.contains("ask for a narrower target"), "{body}");
        }
    }
}

/// What an open server says of rows that nobody counts, byte for byte as in `tests/golden`.
#[tokio::test]
async fn subscription_info_in_every_output() {
    let directory = tempfile::tempdir().unwrap();
    let router = router(small(directory.path()), Limits::default());
    for output in Output::ALL {
        let name = output.name();
        let request = get(&format!("/?from=subscription_info&output={name}"));
        let (status, headers, found) = send(&router, request).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(headers["content-type"], output.content_type());
        let file = format!(
            "{}/tests/golden/subscription_info.{name}",
            env!("CARGO_MANIFEST_DIR")
        );
        if std::env::var_os("WINDLASS_BLESS").is_some() {
            std::fs::write(&file, &found).unwrap();
        }
        let expected = std::fs::read(&file).unwrap();
        assert!(
            found == expected,
            "{file}; WINDLASS_BLESS=1 accepts what was found"
        );
    }
}
