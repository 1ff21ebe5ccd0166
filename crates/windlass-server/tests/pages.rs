//! The pages over HTTP: what they are sent with, what they say when there is nothing to show, and that
//! nothing foreign gets out of its place.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use support::{header, ingest, large, page, reader, send, small};
use tower::ServiceExt;
use windlass_server::{Limits, router};

const REPORT: &str = "/report?target=ahrefs.com&mode=domain";

async fn get(router: &Router, uri: &str) -> (StatusCode, HeaderMap, String) {
    let request = Request::get(uri).header("host", "windlass.example:8600");
    let (status, headers, body) = send(router, request.body(Body::empty()).unwrap()).await;
    (status, headers, String::from_utf8(body).unwrap())
}

fn served() -> (tempfile::TempDir, Router) {
    let directory = tempfile::tempdir().unwrap();
    let router = router(small(directory.path()), Limits::default());
    (directory, router)
}

/// The addresses in a page's `href` attributes, as a browser reads them.
fn hrefs(html: &str) -> Vec<String> {
    let hrefs = html.split(" href=\"").skip(1);
    let hrefs = hrefs.filter_map(|rest| rest.split('"').next());
    hrefs
        .map(|href| href.replace("&#38;", "&").replace("&amp;", "&"))
        .collect()
}

#[tokio::test]
async fn browsers_are_led_to_the_start_page_and_programs_are_not() {
    let (_directory, router) = served();
    let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    let request = Request::get("/").header("accept", browser);
    let (status, headers, _) = send(&router, request.body(Body::empty()).unwrap()).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    assert_eq!(header(&headers, "location"), Some("/start"));
    for (uri, accept) in [
        ("/", "*/*"),
        ("/", "application/json"),
        ("/?from=anchors&target=ahrefs.com", browser),
    ] {
        let request = Request::get(uri).header("accept", accept);
        let (_, headers, body) = send(&router, request.body(Body::empty()).unwrap()).await;
        let content_type = header(&headers, "content-type").unwrap();
        assert!(
            content_type.starts_with("application/json"),
            "{uri}: {body:?}"
        );
    }
}

#[tokio::test]
async fn a_browser_that_has_lost_its_way_gets_a_page() {
    let (_directory, router) = served();
    for (accept, content_type) in [
        ("text/html", "text/html; charset=utf-8"),
        ("*/*", "application/json; charset=utf-8"),
    ] {
        let request = Request::get("/nothing/here").header("accept", accept);
        let (status, headers, body) = send(&router, request.body(Body::empty()).unwrap()).await;
        assert_eq!(status, StatusCode::NOT_FOUND);
        assert_eq!(header(&headers, "content-type"), Some(content_type));
        let body = String::from_utf8(body).unwrap();
        assert!(body.contains("there is nothing at") || body.contains("There is nothing at"));
    }
}

#[tokio::test]
async fn pages_may_do_what_they_need_and_no_more() {
    let (_directory, router) = served();
    for uri in [
        "/start",
        REPORT,
        "/compare",
        "/export?target=ahrefs.com",
        "/report?mode=none",
    ] {
        let (_, headers, body) = get(&router, uri).await;
        if header(&headers, "location").is_some() {
            continue;
        }
        assert_eq!(
            header(&headers, "content-type"),
            Some("text/html; charset=utf-8")
        );
        let policy = header(&headers, "content-security-policy").unwrap();
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self'; "),
            "{policy}"
        );
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(header(&headers, "x-content-type-options"), Some("nosniff"));
        assert_eq!(header(&headers, "cache-control"), Some("no-store"));
        // The policy would stop them.
        for inline in ["<script>", " style=\"", " onclick=", "javascript:"] {
            assert!(!body.contains(inline), "{uri}: {inline}");
        }
    }
}

#[tokio::test]
async fn assets_are_kept_for_ever_and_what_is_none_is_not_there() {
    let (_directory, router) = served();
    let (_, _, body) = get(&router, "/start").await;
    let assets: Vec<String> = hrefs(&body)
        .into_iter()
        .filter(|href| href.ends_with(".css"))
        .collect();
    assert!(!assets.is_empty());
    for asset in assets {
        let (status, headers, _) = get(&router, &asset).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(
            header(&headers, "content-type"),
            Some("text/css; charset=utf-8")
        );
        let caching = header(&headers, "cache-control").unwrap();
        assert!(caching.contains("immutable"), "{caching}");
    }
    for uri in [
        "/assets/nothing.js",
        "/assets/..%2fpackage.json",
        "/assets/manifest.json",
    ] {
        assert_eq!(get(&router, uri).await.0, StatusCode::NOT_FOUND, "{uri}");
    }
}

#[tokio::test]
async fn a_report_leads_down_to_a_link_and_its_record() {
    let (_directory, router) = served();
    let mut uri = REPORT.to_owned();
    for part in ["/report/refdomains?", "/report/backlinks?", "/report/link?"] {
        let (status, _, body) = get(&router, &uri).await;
        assert_eq!(status, StatusCode::OK, "{uri}");
        uri = hrefs(&body)
            .into_iter()
            .find(|href| href.starts_with(part))
            .unwrap();
    }
    let (status, _, body) = get(&router, &uri).await;
    assert_eq!(status, StatusCode::OK, "{uri}");
    for text in [
        "http://a.example/",
        "http://ahrefs.com/",
        "2013-08-08T19:04:00Z",
        "BLAKE3",
    ] {
        assert!(body.contains(text), "{text}: {body}");
    }
    let none =
        "/report/link?target=ahrefs.com&page=http://a.example/&to=http://ahrefs.com/&anchor=no";
    let (status, _, body) = get(&router, none).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(body.contains("no such link"), "{body}");
}

#[tokio::test]
async fn forms_lead_to_the_address_of_what_they_ask_for() {
    let (_directory, router) = served();
    let uri = format!(
        "{REPORT}&offset=50&add_clause=where&add_column=anchor&add_op=substring&add_value=s%22eo"
    );
    let (status, headers, _) = get(&router, &uri).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    assert_eq!(
        header(&headers, "location"),
        Some("/report?target=ahrefs.com&mode=domain&where=substring%28anchor%2C%22s%5C%22eo%22%29")
    );
    let (status, headers, _) = get(&router, "/report").await;
    assert_eq!(
        (status, header(&headers, "location")),
        (StatusCode::SEE_OTHER, Some("/start"))
    );
}

#[tokio::test]
async fn r20_emptiness_says_what_to_do() {
    let (_directory, router) = served();
    for (uri, heading, way) in [
        (
            "/report?target=nosuch.example",
            "This host is not in any crawl given to the index",
            "/index",
        ),
        (
            "/report?target=ahrefs.com/nothing",
            "The index has no backlinks for this target",
            "/report?target=ahrefs.com%2Fnothing&mode=subdomains",
        ),
        (
            "/report?target=ahrefs.com&having=backlinks%3E99",
            "The filters removed everything",
            "/report?target=ahrefs.com",
        ),
    ] {
        let (status, _, body) = get(&router, uri).await;
        assert_eq!(status, StatusCode::OK);
        assert!(body.contains(heading), "{uri}: {body}");
        assert!(
            hrefs(&body).iter().any(|href| href == way),
            "{uri}: {:?}",
            hrefs(&body)
        );
    }
}

#[tokio::test]
async fn errors_are_pages_in_plain_words_with_the_id_of_the_request() {
    let (_directory, router) = served();
    for (uri, text) in [
        ("/report?target=ahrefs.com&where=backlinks%3E%3E1", "where"),
        ("/report?target=exa%20mple.com", "neither a URL nor a host"),
        ("/report?target=a.com&mode=all", "is no mode"),
        (
            "/compare?target=a.com&target=http%3A%2F%2F%5B",
            "neither a URL nor a host",
        ),
        ("/export?target=a.com&order_by=nothing", "order_by"),
    ] {
        let (status, headers, body) = get(&router, uri).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{uri}");
        assert!(body.contains(text), "{uri}: {body}");
        let id = header(&headers, "x-request-id").unwrap();
        assert!(
            body.contains(&format!("<code>{id}</code>")),
            "{uri}: {body}"
        );
    }
}

/// Each of a report's links has all of its filters: together they grow with the square of an address.
#[tokio::test]
async fn the_address_of_a_page_has_a_bound() {
    let (_directory, router) = served();
    let address = |bytes: usize| {
        let address = "/report?target=ahrefs.com&mode=domain&where=anchor%3E".to_owned();
        let rest = bytes - address.len();
        address + &"b".repeat(rest)
    };
    assert_eq!(get(&router, &address(4096)).await.0, StatusCode::OK);
    let (status, _, body) = get(&router, &address(4097)).await;
    assert_eq!(status, StatusCode::URI_TOO_LONG);
    assert!(body.contains("has 4097 bytes; allowed: 4096"), "{body}");
}

#[tokio::test]
async fn hostile_text_stays_where_it_belongs() {
    let directory = tempfile::tempdir().unwrap();
    let anchor = "<script>alert(1)</script>\"'\u{202e}\u{200b}&amp;";
    let page = page(
        "http://a.example/?<b>\"",
        &[("http://t.example/'\"<i>", anchor)],
    );
    ingest(directory.path(), &[page]);
    let router = router(reader(directory.path()), Limits::default());
    let mut uris = vec![
        "/report?target=t.example".to_owned(),
        "/report?target=%22%3E%3Cscript%3E.example&where=anchor%3D%22%3Cscript%3E%22".to_owned(),
        "/report/pictures?target=t.example&part=1".to_owned(),
        "/report/changes?target=t.example&type=%3Cscript%3E".to_owned(),
        "/compare?target=t.example&target=%3Cscript%3E".to_owned(),
    ];
    let mut seen = 0;
    while let Some(uri) = uris.pop() {
        let (_, _, body) = get(&router, &uri).await;
        assert!(!body.contains("<script>"), "{uri}: {body}");
        assert!(!body.contains('\u{202e}'), "{uri}: {body}");
        seen += usize::from(body.contains("title=\"U+202E right-to-left override\""));
        if uri.starts_with("/report?target=t") {
            let down = hrefs(&body);
            uris.extend(
                down.into_iter()
                    .filter(|href| href.starts_with("/report/refdomains")),
            );
        } else if uri.starts_with("/report/refdomains") || uri.starts_with("/report/backlinks") {
            let part = if uri.contains("refdomains?") {
                "/report/backlinks"
            } else {
                "/report/link"
            };
            uris.extend(
                hrefs(&body)
                    .into_iter()
                    .filter(|href| href.starts_with(part)),
            );
        }
    }
    assert!(seen >= 5, "{seen}");
}

#[tokio::test]
async fn what_is_around_a_page_does_not_wait_for_its_answer() {
    let directory = tempfile::tempdir().unwrap();
    let limits = Limits {
        queries_max: 1,
        queue_time_max: Duration::from_secs(600),
        ..Limits::default()
    };
    let router = router(large(directory.path(), 1000), limits);
    // Fills all buffers, and so keeps the one place that there is.
    let request = Request::get("/?from=anchors&target=t.example")
        .body(Body::empty())
        .unwrap();
    let busy = router.clone().oneshot(request).await.unwrap();
    let request = Request::get("/report?target=t.example")
        .body(Body::empty())
        .unwrap();
    let mut body = router.clone().oneshot(request).await.unwrap().into_body();
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    let first = String::from_utf8(first.to_vec()).unwrap();
    assert!(
        first.contains("id=\"loading\"") && !first.contains("id=\"page\""),
        "{first}"
    );
    drop(busy);
    let rest = body.collect().await.unwrap().to_bytes();
    let rest = String::from_utf8(rest.to_vec()).unwrap();
    assert!(rest.contains("id=\"page\"") && rest.trim_end().ends_with("</html>"));
}

#[tokio::test]
async fn an_export_is_the_answer_of_the_api_as_a_file() {
    let (_directory, router) = served();
    let (status, _, body) = get(&router, "/export?target=ahrefs.com&limit=1").await;
    assert_eq!(status, StatusCode::OK);
    let files: Vec<String> = hrefs(&body)
        .into_iter()
        .filter(|href| href.starts_with("/export/download"))
        .collect();
    assert_eq!(files.len(), 3, "{files:?}");
    for (output, file) in ["csv", "json", "parquet"].into_iter().zip(files) {
        let request = Request::get(&file).body(Body::empty()).unwrap();
        let (status, headers, bytes) = send(&router, request).await;
        assert_eq!(status, StatusCode::OK);
        let name = format!("attachment; filename=\"anchors-ahrefs.com.{output}\"");
        assert_eq!(header(&headers, "content-disposition"), Some(name.as_str()));
        assert_eq!(header(&headers, "x-results-count"), Some("2"));
        let order = "refdomains:desc,backlinks:desc";
        let api = format!(
            "/?from=anchors&target=ahrefs.com&mode=subdomains&order_by={order}&limit=5000000&output={output}"
        );
        let (_, _, expected) = send(&router, Request::get(api).body(Body::empty()).unwrap()).await;
        assert_eq!(bytes, expected, "{output}");
    }
}

#[tokio::test]
async fn what_is_typed_is_recognised() {
    let (_directory, router) = served();
    for (target, mode, text) in [
        ("example.com", "subdomains", "*example.com/*"),
        ("https://example.com/a/", "prefix", "example.com/a/*"),
        ("exa mple", "subdomains", "neither a URL nor a host"),
    ] {
        let target = target.replace(' ', "%20");
        let (status, _, body) = get(&router, &format!("/recognise?target={target}")).await;
        assert_eq!(status, StatusCode::OK);
        assert!(
            body.contains(&format!("data-default-mode=\"{mode}\"")),
            "{body}"
        );
        assert!(body.contains(text), "{body}");
    }
    assert_eq!(get(&router, "/recognise?target=").await.2, "");
}
