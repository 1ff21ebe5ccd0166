//! Answers and error texts, byte for byte as in `tests/golden`.
#![allow(missing_docs, clippy::unwrap_used)]

use std::path::PathBuf;

use windlass_index::{TargetRows, TargetRowsBuilder};
use windlass_links::CaptureTime;
use windlass_report::{Output, Query, run, write};

/// Compares with a golden file; writes it anew where `WINDLASS_BLESS` is set.
fn check(file: &str, found: &[u8]) {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden")).join(file);
    if std::env::var_os("WINDLASS_BLESS").is_some() {
        std::fs::write(&path, found).unwrap();
    }
    let expected = std::fs::read(&path).unwrap();
    assert_eq!(
        String::from_utf8_lossy(found),
        String::from_utf8_lossy(&expected),
        "{file}; WINDLASS_BLESS=1 accepts what was found"
    );
}

/// Anchors that each format must take care of.
fn rows() -> TargetRows {
    let at = |text: &str| text.parse::<CaptureTime>().unwrap();
    let (first, last) = (at("2013-08-08T19:04:00Z"), at("2013-08-08T20:18:13Z"));
    let mut builder = TargetRowsBuilder::default();
    builder
        .add("$11.99/month", "a.example", 0, first, first)
        .add("$11.99/month", "a.example", 1, last, last)
        .add("", "a.example", 0, last, last)
        .add("say \"hi\", c:\\dir", "b.example", 2, first, last)
        .add("=1+cmd|' /c calc'!a0", "b.example", 2, first, last)
        .add("@sum(a1)", "b.example", 3, first, last)
        .add("-5", "c.example", 4, first, last)
        .add("＝1+1", "c.example", 4, first, last)
        .add("größe 日本 </a>\u{2028}", "c.example", 4, first, last)
        .add("größe 日本 </a>\u{2028}", "a.example", 0, first, last);
    builder.build()
}

fn body(parameters: &[(&str, &str)]) -> Vec<u8> {
    let base = [("from", "anchors"), ("target", "example.com")];
    let query = Query::from_params(base.into_iter().chain(parameters.iter().copied())).unwrap();
    let rows = rows();
    let report = run(&query, &rows).unwrap();
    let mut body = Vec::new();
    if query.dry_run {
        write::dry_run(
            report.rows_cost(),
            report.results(),
            query.output,
            &mut body,
        )
        .unwrap();
    } else {
        write::report(&report, query.output, &mut body).unwrap();
    }
    body
}

#[test]
fn bodies() {
    check("all.json", &body(&[]));
    check("all.ndjson", &body(&[("output", "ndjson")]));
    check("all.csv", &body(&[("output", "CSV")]));
    check("all.xml", &body(&[("output", "xml")]));
    check("all.php", &body(&[("output", "Php")]));
    for output in ["json", "xml", "php", "csv", "ndjson"] {
        let nothing = body(&[("limit", "0"), ("output", output)]);
        check(&format!("stats-only.{output}"), &nothing);
    }
    check(
        "one-column.csv",
        &body(&[("output", "csv"), ("select", "anchor")]),
    );
    check(
        "page.json",
        &body(&[
            ("select", "refdomains, anchor"),
            ("order_by", "refdomains:desc,backlinks:desc"),
            ("offset", "1"),
            ("limit", "2"),
        ]),
    );
    for output in ["json", "xml", "php"] {
        let dry_run = body(&[
            ("dry_run", "1"),
            ("where", "backlinks>0"),
            ("having", "refpages>0"),
            ("output", output),
        ]);
        check(&format!("dry-run.{output}"), &dry_run);
    }
    for output in ["csv", "ndjson", "arrow", "parquet"] {
        let dry_run = body(&[("dry_run", "1"), ("limit", "0"), ("output", output)]);
        assert_eq!(dry_run, br#"{"dry_run":{"rows_cost":1,"results":0}}"#);
    }
}

#[test]
fn errors() {
    let mut found = Vec::new();
    for parameters in [
        "",
        "from=&target=a.example",
        "from=anchors",
        "from=anchors&target=+",
        "from=refips&target=a.example",
        "from=anchors&target=exa%20mple.com",
        "from=anchors&target=ftp://a.example",
        "from=anchors&target=a.example&mode=site",
        "from=anchors&target=a.example&output=yaml",
        "from=anchors&target=a.example&limit=5000001",
        "from=anchors&target=a.example&limit=-1",
        "from=anchors&target=a.example&limit=ten",
        "from=anchors&target=a.example&offset=18446744073709551616",
        "from=anchors&target=a.example&history=dead",
        "from=anchors&target=a.example&dry_run=perhaps",
        "from=anchors&target=a.example&select=anchor,refdomain",
        "from=anchors&target=a.example&select=anchor,,backlinks",
        "from=anchors&target=a.example&select=color",
        "from=anchors&target=a.example&order_by=anchor,refdomain",
        "from=anchors&target=a.example&order_by=anchor:down",
        "from=anchors&target=a.example&where=refdomains>1",
        "from=anchors&target=a.example&having=refdomain=\"x\"",
        "from=anchors&target=a.example&where=backlinks<10,color=\"red\"",
        "from=anchors&target=a.example&where=backlinks!5",
        "from=anchors&target=a.example&where=backlinks",
        "from=anchors&target=a.example&where=backlinks>",
        "from=anchors&target=a.example&where=backlinks>\"many\"",
        "from=anchors&target=a.example&where=backlinks>99999999999999999999",
        "from=anchors&target=a.example&where=backlinks>1+refpages>1",
        "from=anchors&target=a.example&where=backlinks>1,",
        "from=anchors&target=a.example&where=anchor=\"ü\",anchor=\"open",
        "from=anchors&target=a.example&where=anchor='a\\",
        "from=anchors&target=a.example&where=first_seen>\"2018-02-30\"",
        "from=anchors&target=a.example&where=regex(anchor,\"a\")",
        "from=anchors&target=a.example&where=word(backlinks,\"a\")",
        "from=anchors&target=a.example&where=subdomain(anchor,\"a\")",
        "from=anchors&target=a.example&having=subdomain(anchor,\"a\")",
        "from=anchors&target=a.example&where=word(anchor)",
        "from=anchors&target=a.example&where=word(anchor,\"a\"",
        "from=anchors&target=a.example&where=word(anchor,two words)",
        "from=anchors&target=a.example&where=kind=\"naked\"",
        "from=anchors&target=a.example&where=kind>brand",
        "from=anchors&target=a.example&where=substring(kind,\"brand\")",
        "from=anchors&target=a.example&having=kind=brand",
        "from=anchors&target=a.example&select=kind",
    ] {
        let error =
            Query::from_params(url::form_urlencoded::parse(parameters.as_bytes())).unwrap_err();
        found.extend_from_slice(format!("{parameters}\n  ").as_bytes());
        write::error(&error.to_string(), Output::Json, &mut found).unwrap();
        found.push(b'\n');
    }
    check("errors.txt", &found);
}

#[test]
fn errors_in_each_format() {
    let mut found = Vec::new();
    for output in Output::ALL {
        found.extend_from_slice(output.name().as_bytes());
        found.push(b' ');
        let text = "bad where: found '\u{1}', not \"<\" & größe";
        write::error(text, output, &mut found).unwrap();
        found.push(b'\n');
    }
    check("errors-by-output.txt", &found);
}

#[test]
fn the_format_of_errors_is_known_before_the_request_is() {
    for (query, expected) in [
        ("", Output::Json),
        ("output=xml", Output::Xml),
        ("from=x&OUTPUT=PHP&limit=x", Output::Php),
        ("output=php&output=xml&output=+", Output::Xml),
        ("output=xml&output=yaml", Output::Json),
    ] {
        let parameters = url::form_urlencoded::parse(query.as_bytes());
        assert_eq!(
            Output::requested(&parameters.collect()),
            expected,
            "{query}"
        );
    }
}

#[test]
fn parameters_blank_repeated_unknown_and_in_any_case() {
    let query = Query::from_params([
        ("FROM", "Anchors"),
        ("target", "a.example"),
        ("target", "b.example"),
        ("target", " "),
        ("where", ""),
        ("limit", ""),
        ("color", "red"),
        ("Mode", "SubDomains"),
        ("select", "*"),
    ])
    .unwrap();
    assert_eq!(query.target.to_string(), "*b.example/*");
    assert_eq!((query.limit, query.offset), (1000, 0));
    assert_eq!(query.select.len(), 6);
    assert_eq!(query.cost(3), 4);
}

#[test]
fn of_a_column_that_the_order_names_twice_the_first_counts() {
    let order = |text: &str| {
        let parameters = [
            ("from", "anchors"),
            ("target", "a.example"),
            ("order_by", text),
        ];
        let query = Query::from_params(parameters).unwrap();
        let keys = query.order_by.iter();
        let keys = keys.map(|key| (key.column.name, key.direction));
        keys.collect::<Vec<_>>()
    };
    let once = order("refdomains:desc,backlinks");
    assert_eq!(once.len(), 2);
    assert_eq!(
        order("refdomains:desc,backlinks,Refdomains,backlinks:desc"),
        once
    );
}
