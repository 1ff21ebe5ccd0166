//! The requests that known clients send, as recorded, parse and are answered.
#![allow(missing_docs, clippy::unwrap_used)]

use windlass_index::TargetRowsBuilder;
use windlass_links::{CaptureTime, Mode};
use windlass_report::{Direction, Query, run, write};

const NODE: &str = "where=backlinks%3C10%2Crefpages%3C5&having=word(anchor%2C%22it%5C%27s%20%5C%22q%5C%22%20%5C%5C%20x%22)%2Cfirst_seen%3E%3D%222018-01-01%22&select=anchor%2Cbacklinks&order_by=first_seen%2Clast_visited%3Adesc&mode=domain&output=json&token=TOK&target=ahrefs.com&from=anchors&limit=10&offset=5";
const PHP: &str = "output=json&target=ahrefs.com&mode=domain&select=anchor%2Cbacklinks&where=backlinks%3C10%2Cfirst_seen%3E%3D%222018-01-01%22%2Csubdomain%28refdomain%2C%22blogspot.com%22%29&having=word%28anchor%2C%22it%5C%27s+%5C%22q%5C%22+%5C%5C+%C3%BC%22%29%2Canchor%3C%3E%22%22&order_by=backlinks%3Adesc%2Canchor&limit=10&offset=5&from=anchors&token=TOK";
const RAHREFS: &str = "token=TOK&from=anchors&target=ahrefs.com&mode=domain&select=anchor,backlinks&limit=2&output=json&where=backlinks%3E10,first_seen%3C%3D%222018-12-31%22,substring%28anchor,%22seo%22%29&having=refdomains%3C%3E1&order_by=refpages%3Aasc";
const RAHREFS_PROBE: &str =
    "token=TOK&from=anchors&target=ahrefs.com&mode=domain&limit=2&output=json";
const MHAIRI: &str = "target=ahrefs.com%2Fblog&token=TOK&from=anchors&mode=prefix&having=word%28anchor%2C%22seo%22%29%2Cbacklinks%3E%3D%222%22&order_by=backlinks%3Adesc%2Canchor%3Aasc&offset=0&limit=3&output=json";

fn parse(query_string: &str) -> Query {
    Query::from_params(url::form_urlencoded::parse(query_string.as_bytes())).unwrap()
}

/// Backlinks with the given (anchor, refdomain, how many), all seen on one day.
fn answer(query_string: &str, day: &str, backlinks: &[(&str, &str, u32)]) -> String {
    let time: CaptureTime = day.parse().unwrap();
    let mut builder = TargetRowsBuilder::default();
    for (row, (anchor, refdomain, count)) in (0u32..).zip(backlinks) {
        for page in 0..*count {
            builder.add(anchor, refdomain, row * 100 + page, time, time);
        }
    }
    let query = parse(query_string);
    let mut body = Vec::new();
    write::report(
        &run(&query, &builder.build()).unwrap(),
        query.output,
        &mut body,
    )
    .unwrap();
    String::from_utf8(body).unwrap()
}

#[test]
fn node() {
    let query = parse(NODE);
    assert_eq!(query.target.to_string(), "ahrefs.com/*");
    assert_eq!((query.limit, query.offset), (10, 5));
    assert_eq!(query.where_filter.to_string(), "backlinks<10,refpages<5");
    assert_eq!(
        query.having.to_string(),
        r#"word(anchor,"it's \"q\" \\ x"),first_seen>="2018-01-01""#
    );
    let order: Vec<_> = query
        .order_by
        .iter()
        .map(|key| (key.column.name, key.direction))
        .collect();
    assert_eq!(
        order,
        [
            ("first_seen", Direction::Ascending),
            ("last_visited", Direction::Descending)
        ]
    );
    let matching = r#"that it's "q" \ x!"#;
    let body = answer(
        &NODE.replace("offset=5", "offset=0"),
        "2018-01-01",
        &[
            (matching, "a.example", 2),
            (matching, "b.example", 5),
            ("it's", "a.example", 1),
        ],
    );
    assert_eq!(
        body,
        r#"{"anchors":[{"anchor":"that it's \"q\" \\ x!","backlinks":2}],"stats":{"backlinks":3,"refpages":3}}"#
    );
}

#[test]
fn php() {
    let query = parse(PHP);
    assert_eq!(
        query.where_filter.to_string(),
        r#"backlinks<10,first_seen>="2018-01-01",subdomain(refdomain,"blogspot.com")"#
    );
    assert_eq!(
        query.having.to_string(),
        r#"word(anchor,"it's \"q\" \\ ü"),anchor<>"""#
    );
    let body = answer(
        &PHP.replace("offset=5", "offset=1"),
        "2018-01-02",
        &[
            (r#"1 it's "q" \ ü"#, "x.blogspot.com", 3),
            (r#"2 it's "q" \ ü"#, "blogspot.com", 2),
            (r#"3 it's "q" \ ü"#, "x.blogspot.com", 2),
            (r#"4 it's "q" \ üb"#, "x.blogspot.com", 2),
            ("", "x.blogspot.com", 1),
            (r#"5 it's "q" \ ü"#, "notblogspot.com", 2),
        ],
    );
    assert_eq!(
        body,
        r#"{"anchors":[{"anchor":"2 it's \"q\" \\ ü","backlinks":2},{"anchor":"3 it's \"q\" \\ ü","backlinks":2}],"stats":{"backlinks":10,"refpages":10}}"#
    );
}

#[test]
fn rahrefs() {
    let backlinks = [
        ("an seo tool", "a.example", 12),
        ("an seo tool", "b.example", 11),
        ("seo", "a.example", 11),
        ("aseot", "a.example", 12),
        ("aseot", "b.example", 13),
        ("aseot", "c.example", 10),
    ];
    assert_eq!(
        answer(RAHREFS, "2018-12-31T23:59:59Z", &backlinks),
        r#"{"anchors":[{"anchor":"an seo tool","backlinks":23},{"anchor":"aseot","backlinks":25}],"stats":{"backlinks":59,"refpages":59}}"#
    );
    let empty = r#"{"anchors":[],"stats":{"backlinks":0,"refpages":0}}"#;
    assert_eq!(answer(RAHREFS, "2019-01-01", &backlinks), empty);
    assert_eq!(answer(RAHREFS_PROBE, "2019-01-01", &[]), empty);
}

#[test]
fn mhairi() {
    let query = parse(MHAIRI);
    assert_eq!(query.target.mode(), Mode::Prefix);
    assert_eq!(query.target.to_string(), "ahrefs.com/blog*");
    assert_eq!(
        answer(
            MHAIRI,
            "2013-08-08T19:04:00Z",
            &[("seo", "a.example", 2), ("seo b", "b.example", 1)]
        ),
        r#"{"anchors":[{"anchor":"seo","backlinks":2,"refpages":2,"refdomains":1,"first_seen":"2013-08-08T19:04:00Z","last_visited":"2013-08-08T19:04:00Z"}],"stats":{"backlinks":3,"refpages":3}}"#
    );
}
