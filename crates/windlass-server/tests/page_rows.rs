//! Rows and numbers of pages, and those of where their links lead.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::path::Path;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use support::{ingest, page, reader, send};
use windlass_links::Capture;
use windlass_server::{Limits, router};

/// Anchors that came in three months, one of which one site has taken away again.
fn fill(directory: &Path) {
    let t = "http://t.example/";
    let at = |time: &str, url: &str, links: &[(&str, &str)]| Capture {
        time: time.parse().unwrap(),
        ..page(url, links)
    };
    let pages = [
        at(
            "2020-01-05",
            "http://one.com/",
            &[(t, "alpha"), (t, "beta")],
        ),
        at(
            "2020-02-05",
            "http://two.com/",
            &[(t, "alpha"), (t, "gamma")],
        ),
        at(
            "2020-02-07",
            "http://three.org/",
            &[(t, "beta"), (t, "t.example"), (t, "")],
        ),
        at(
            "2020-02-08",
            "http://three.org/b",
            &[(t, "beta"), (t, "here")],
        ),
        at("2020-03-01", "http://one.com/", &[(t, "alpha")]),
        at(
            "2020-03-02",
            "http://four.net/",
            &[(t, "delta"), ("http://u.example/", "alpha")],
        ),
    ];
    ingest(directory, &pages);
}

fn served() -> (tempfile::TempDir, Router) {
    let directory = tempfile::tempdir().unwrap();
    fill(directory.path());
    let router = router(reader(directory.path()), Limits::default());
    (directory, router)
}

async fn get(router: &Router, uri: &str) -> String {
    let request = Request::get(uri).header("host", "windlass.example:8600");
    let (status, _, body) = send(router, request.body(Body::empty()).unwrap()).await;
    let body = String::from_utf8(body).unwrap();
    assert_eq!(status, StatusCode::OK, "{uri}: {body}");
    body
}

/// What stands between two texts.
fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    text.split_once(start)?
        .1
        .split_once(end)
        .map(|(found, _)| found)
}

fn href(html: &str) -> Option<String> {
    let href = between(html, " href=\"", "\"")?;
    Some(href.replace("&#38;", "&").replace("&amp;", "&"))
}

fn number(html: &str) -> Option<u64> {
    between(html, "<data value=\"", "\"")?.parse().ok()
}

/// A total of a report.
fn total(report: &str, name: &str) -> Option<u64> {
    number(between(report, &format!("<dt>{name}</dt>"), "</div>")?)
}

/// How many rows there are on all pages of a table.
fn rows(page: &str) -> Option<u64> {
    let pager = between(page, "<nav class=\"pager\"", "</p>")?;
    pager.rsplit(' ').next()?.parse().ok()
}

/// A row of a picture: where it leads, and its numbers with where they lead.
struct Drawn {
    href: Option<String>,
    cells: Vec<(u64, Option<String>)>,
}

/// The rows of a picture.
fn drawn(pictures: &str, title: &str) -> Vec<Drawn> {
    let figure = between(pictures, &format!("<figcaption>{title}"), "</figure>").unwrap();
    let body = between(figure, "<tbody>", "</tbody>").unwrap();
    let lines = body.split("<tr>").skip(1).map(|line| {
        let mut parts = line.split("<td");
        Drawn {
            href: href(parts.next().unwrap()),
            cells: parts
                .map(|cell| (number(cell).unwrap(), href(cell)))
                .collect(),
        }
    });
    lines.collect()
}

/// States of a report, some of which leave out much of what is drawn.
const REPORTS: &[&str] = &[
    "target=t.example",
    "target=t.example&history=all_time&limit=1&order_by=anchor",
    "target=t.example&having=backlinks%3E1",
    "target=t.example&where=refdomain%3C%3E%22one.com%22&having=backlinks%3E1,substring(anchor,%22a%22)",
    "target=t.example&where=subdomain(refdomain,%22org%22)",
    "target=t.example&where=substring(anchor,%22a%22),kind=%22other%22",
    "target=t.example&where=kind=%22generic%22",
    "target=t.example&history=since:2020-02-01&where=backlinks%3E1",
];

#[tokio::test]
async fn numbers_of_pictures_lead_to_the_same_numbers() {
    let (_directory, router) = served();
    let mut followed = 0;
    for report in REPORTS {
        let pictures = get(&router, &format!("/report/pictures?{report}")).await;
        for (title, names) in [
            ("Share of the top anchors", &["Backlinks"] as &[&str]),
            (
                "Kinds of anchors",
                &["Backlinks", "Anchors", "Referring domains"],
            ),
            (
                "Referring domains by top-level domain",
                &["Referring domains", "Backlinks"],
            ),
        ] {
            for row in drawn(&pictures, title) {
                let Some(href) = row.href else { continue };
                let report = get(&router, &href).await;
                for ((value, _), name) in row.cells.iter().zip(names) {
                    assert_eq!(total(&report, name), Some(*value), "{name} of {href}");
                    followed += 1;
                }
            }
        }
        for row in drawn(&pictures, "New and lost anchors") {
            let Some((value, Some(href))) = row.cells.first() else {
                continue;
            };
            assert_eq!(rows(&get(&router, href).await), Some(*value), "{href}");
            followed += 1;
        }
        // An anchor is drawn whatever groups the report hides, and is then there to be seen.
        for row in drawn(&pictures, "Share of the top anchors") {
            let Some(href) = row.href else { continue };
            assert_eq!(rows(&get(&router, &href).await), Some(1), "{href}");
        }
    }
    assert!(followed > 100, "{followed}");
}

#[tokio::test]
async fn r9a_pages_of_an_anchor_fold_the_anchor() {
    let (_directory, router) = served();
    for (uri, only) in [
        ("/report/refdomains?target=t.example&anchor=", 1),
        (
            "/report/backlinks?target=t.example&refdomain=three.org&anchor=",
            2,
        ),
    ] {
        let folded = get(&router, &format!("{uri}beta")).await;
        assert_eq!(rows(&folded), Some(only), "{uri}");
        for written in ["BETA", "Beta"] {
            assert_eq!(get(&router, &format!("{uri}{written}")).await, folded);
        }
    }
}

#[tokio::test]
async fn pictures_are_the_same_however_their_table_is_sorted() {
    let (_directory, router) = served();
    let mut parts = Vec::new();
    for order in [
        "",
        "&order_by=anchor&limit=25",
        "&having=backlinks%3E1&offset=1",
    ] {
        let uri = format!("/report?target=t.example&where=backlinks%3E0{order}");
        let report = get(&router, &uri).await;
        parts.push(between(&report, "data-lazy=\"", "\"").unwrap().to_owned());
    }
    parts.dedup();
    assert_eq!(parts.len(), 1, "{parts:?}");
}

#[tokio::test]
async fn behind_the_last_row_pages_say_so_and_lead_back() {
    let (_directory, router) = served();
    for (uri, parameter, only, none) in [
        (
            "/report?target=t.example",
            "offset",
            7,
            "filters removed everything",
        ),
        (
            "/report/refdomains?target=t.example&anchor=alpha",
            "start",
            2,
            "No referring domain uses",
        ),
        (
            "/report/backlinks?target=t.example&anchor=beta&refdomain=three.org",
            "start",
            2,
            "No such backlink",
        ),
        (
            "/report/changes?target=t.example",
            "start",
            11,
            "No backlink was found",
        ),
        (
            "/compare?target=t.example&target=u.example",
            "start",
            1,
            "There is no such anchor",
        ),
    ] {
        for start in ["1000", "18446744073709551615"] {
            let behind = format!("{uri}&{parameter}={start}");
            let shown = get(&router, &behind).await;
            let said = match only {
                1 => "There is only one row".to_owned(),
                only => format!("There are only {only} rows"),
            };
            assert!(shown.contains(&said), "{behind}: {shown}");
            assert!(!shown.contains(none), "{behind}");
            let back = shown
                .split("<a ")
                .find(|link| link.contains("id=\"page-back\""));
            let back = get(&router, &href(back.unwrap()).unwrap()).await;
            assert_eq!(rows(&back), Some(only), "{behind}");
            assert!(back.contains("<tbody>\n<tr>"), "{behind}");
        }
        let first = get(&router, uri).await;
        assert!(!first.contains("notice-empty"), "{uri}");
    }
    // Where there is no row at all, the reason is another.
    let none = get(
        &router,
        "/report/changes?target=t.example&from=2021-01-01&start=50",
    )
    .await;
    assert!(none.contains("No backlink was found") && !none.contains("There are only"));
}

#[tokio::test]
async fn the_request_that_is_shown_gives_the_rows_of_the_page() {
    let (_directory, router) = served();
    for (limit, rows) in [("", 7), ("0", 1), ("4", 4), ("501", 7), ("5000000", 7)] {
        let report = get(&router, &format!("/report?target=t.example&limit={limit}")).await;
        let request = between(&report, "<code id=\"request-url\">", "</code>").unwrap();
        let request = request.replace("&#38;", "&").replace("&amp;", "&");
        let (_, query) = request.split_once("/?").unwrap();
        let answer = get(&router, &format!("/?{query}")).await;
        assert_eq!(
            answer.matches("\"anchor\":").count(),
            rows,
            "{request}: {answer}"
        );
        let table = between(&report, "<tbody>", "</tbody>").unwrap();
        assert_eq!(table.matches("<tr>").count(), rows, "{limit}");
    }
}
