//! `windlass anchors` and `windlass serve`: one report by two doors.
#![allow(missing_docs, clippy::unwrap_used, unreachable_pub, dead_code)]

mod support;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use support::{Server, demo, ingest, stderr, stdout, windlass};

fn index() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let names = [
        "awesome-selfhosted.net.warc.gz",
        "docs.sqlalchemy.org-2021-03-15.warc.gz",
        "docs.sqlalchemy.org-2024-09-05.warc.gz",
    ];
    ingest(directory.path(), &names.map(demo), &[]);
    directory
}

fn anchors(index: &Path, arguments: &[&str]) -> String {
    let index = index.to_str().unwrap();
    stdout([&["anchors", "--index", index], arguments].concat())
}

fn encoded(text: &str) -> String {
    text.bytes().map(|b| format!("%{b:02X}")).collect()
}

#[test]
fn the_command_and_the_server_give_the_same_bytes() {
    let index = index();
    let server = Server::start(index.path());
    let mut with_rows = 0;
    for target in [
        "github.com",
        "www.postgresql.org/docs/",
        "wikipedia.org",
        "sphinx.pocoo.org",
        "http://nowhere.invalid/",
    ] {
        for mode in ["exact", "prefix", "domain", "subdomains"] {
            for (filter, having, order, history) in [
                ("", "", "", "live"),
                (
                    "backlinks>1",
                    "refdomains<5,anchor<>\"\"",
                    "backlinks:desc,first_seen",
                    "all_time",
                ),
                (
                    r#"subdomain(refdomain,"sqlalchemy.org")"#,
                    r#"substring(anchor,"s")"#,
                    "last_visited",
                    "since:2022-01-01",
                ),
            ] {
                let (_, _, body) = server.get(&format!(
                    "/?from=anchors&target={}&mode={mode}&where={}&having={}&order_by={order}&history={history}&limit=20",
                    encoded(target),
                    encoded(filter),
                    encoded(having),
                ));
                let arguments = [
                    target,
                    "--mode",
                    mode,
                    "--where",
                    filter,
                    "--having",
                    having,
                    "--order-by",
                    order,
                    "--history",
                    history,
                    "--limit",
                    "20",
                    "--output",
                    "json",
                ];
                assert_eq!(
                    anchors(index.path(), &arguments),
                    body,
                    "{target} {mode} {filter}"
                );
                with_rows += usize::from(!body.starts_with(r#"{"anchors":[]"#));
            }
        }
    }
    assert!(with_rows > 10, "{with_rows}");
    let (status, head, _) = server.get("/?from=anchors&target=nowhere.invalid&mode=domain");
    assert!(
        status.contains("200") && head.contains("x-windlass-empty: host-unknown"),
        "{head}"
    );
    assert!(server.get("/healthz").0.contains("200"));
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn r13_two_crawls_tell_what_was_lost() {
    let index = index();
    let stats = |history: &str| {
        let text = anchors(
            index.path(),
            &[
                "sphinx.pocoo.org",
                "--mode",
                "domain",
                "--history",
                history,
                "--output",
                "json",
            ],
        );
        serde_json::from_str::<serde_json::Value>(&text).unwrap()["stats"]["backlinks"]
            .as_u64()
            .unwrap()
    };
    assert_eq!(
        (stats("live"), stats("all_time"), stats("since:2024-09-06")),
        (1, 33, 1)
    );
}

#[test]
fn the_table_is_for_people() {
    let index = index();
    let text = anchors(
        index.path(),
        &["github.com", "--mode", "subdomains", "--limit", "5"],
    );
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "anchors of the links to *github.com/* (live)");
    assert!(
        lines[2].starts_with("anchor ") && lines[2].contains("share of backlinks"),
        "{text}"
    );
    assert!(
        text.contains("5 of ") && text.contains("more: --offset 5"),
        "{text}"
    );
    assert!(!text.contains('\u{1b}'), "colours in a pipe");
    for (arguments, hint) in [
        (&["nowhere.invalid"][..], "not in any crawl"),
        (&["github.com/nothing/here"][..], "--mode prefix"),
        (
            &[
                "github.com",
                "--mode",
                "subdomains",
                "--where",
                "backlinks>99999999",
            ][..],
            "leave --where",
        ),
    ] {
        let text = anchors(index.path(), arguments);
        assert!(text.contains(hint), "{text}");
    }
}

#[test]
fn mistakes_are_told_where_they_are() {
    let index = index();
    let index = index.path().to_str().unwrap();
    let complaint = stderr([
        "anchors",
        "w3.org",
        "--index",
        index,
        "--where",
        "backlinks>=1,refdomains>2",
    ]);
    assert!(
        complaint.contains("bad where: column 'refdomains' cannot be used in 'where'"),
        "{complaint}"
    );
    assert!(complaint.contains("at character 14"), "{complaint}");
    assert!(
        stderr(["anchors", "w3.org", "--index", index, "--mode", "host"])
            .contains("allowed: exact, domain, subdomains, prefix")
    );
    assert!(
        stderr(["anchors", "w3.org", "--index", index, "--hvaing", "x"]).contains("'--having'")
    );
    assert!(stderr(["stats", "--index", "/nowhere/at/all"]).contains("windlass ingest"));
    assert!(
        stderr(["serve", "--index", index, "--listen", "0.0.0.0:0"]).contains("--allow-remote")
    );
    assert!(windlass(["--help"]).status.success());
}

#[test]
fn a_server_picks_up_what_is_ingested_while_it_answers() {
    let directory = tempfile::tempdir().unwrap();
    let first: Vec<PathBuf> = vec![demo("docs.sqlalchemy.org-2021-03-15.warc.gz")];
    ingest(directory.path(), &first, &[]);
    let server = Server::start(directory.path());
    let ask = || {
        let (status, _, body) =
            server.get("/?from=anchors&target=github.com&mode=subdomains&limit=0&history=all_time");
        assert!(status.contains("200"), "{status} {body}");
        serde_json::from_str::<serde_json::Value>(&body).unwrap()["stats"]["backlinks"]
            .as_u64()
            .unwrap()
    };
    let before = ask();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let asker = scope.spawn(|| {
            let mut asked = 0;
            while !done.load(Ordering::Relaxed) {
                assert!(ask() >= before);
                asked += 1;
            }
            asked
        });
        ingest(
            directory.path(),
            &[demo("awesome-selfhosted.net.warc.gz")],
            &[],
        );
        stdout([
            "merge".as_ref(),
            "--index".as_ref(),
            directory.path().as_os_str(),
        ]);
        done.store(true, Ordering::Relaxed);
        assert!(asker.join().unwrap() > 0);
    });
    assert!(ask() > before, "the new crawl does not show");
}

/// Every table but that of accounts, with a target that has something in it.
const TABLES: [(&str, &str); 9] = [
    ("anchors", "github.com"),
    ("anchors_refdomains", "github.com"),
    ("refdomains", "github.com"),
    ("backlinks", "github.com"),
    ("backlinks_new_lost", "github.com"),
    ("linked_anchors", "docs.sqlalchemy.org"),
    ("linked_domains", "docs.sqlalchemy.org"),
    ("pages", "docs.sqlalchemy.org"),
    ("metrics", "github.com"),
];

#[test]
fn every_table_is_the_same_by_the_command_and_by_the_server() {
    let index = index();
    let server = Server::start(index.path());
    let report = |table: &str, arguments: &[&str]| {
        let index = index.path().to_str().unwrap();
        stdout([&["report", table, "--index", index], arguments].concat())
    };
    for (table, target) in TABLES {
        let flags = [target, "--mode", "subdomains", "--limit", "7"];
        for output in ["json", "csv", "xml", "php", "ndjson"] {
            let (status, _, body) = server.get(&format!(
                "/?from={table}&target={target}&mode=subdomains&limit=7&output={output}"
            ));
            assert!(status.contains(" 200 "), "{table}: {body}");
            let found = report(table, &[&flags[..], &["--output", output]].concat());
            assert_eq!(found, body, "{table} {output}");
        }
        let text = report(table, &flags);
        let title = format!("{table} of *{target}/* (live)\n\n");
        assert!(text.starts_with(&title), "{text}");
        assert!(text.lines().count() > 5, "{text}");
        let empty = report(table, &["nowhere.invalid"]);
        assert!(empty.contains("this host is not in any crawl"), "{empty}");
    }
    let (_, _, body) = server.get(&format!(
        "/?from=backlinks_new_lost&target=sphinx.pocoo.org&mode=domain&where={}&having={}&select=date,type,anchor\
         &order_by=date:desc,anchor&history=since:2022-01-01&offset=2&limit=5",
        encoded(r#"type="lost""#),
        encoded(r#"anchor<>"nothing""#),
    ));
    assert!(body.matches(r#""type":"lost""#).count() > 1, "{body}");
    let found = report(
        "backlinks_new_lost",
        &[
            "sphinx.pocoo.org",
            "--mode",
            "domain",
            "--where",
            r#"type="lost""#,
            "--having",
            r#"anchor<>"nothing""#,
            "--select",
            "date,type,anchor",
            "--order-by",
            "date:desc,anchor",
            "--history",
            "since:2022-01-01",
            "--offset",
            "2",
            "--limit",
            "5",
            "--output",
            "json",
        ],
    );
    assert_eq!(found, body);
}

#[test]
fn tables_for_people_are_ordered_and_say_what_is_left() {
    let index = index();
    let report = |arguments: &[&str]| {
        let index = index.path().to_str().unwrap();
        stdout([&["report"], arguments, &["--index", index]].concat())
    };
    let text = report(&["refdomains", "github.com", "--mode", "subdomains"]);
    let header = text.lines().nth(2).unwrap();
    let at = header
        .split_whitespace()
        .position(|name| name == "backlinks");
    let numbers: Vec<u64> = text
        .lines()
        .skip(3)
        .take_while(|line| !line.is_empty())
        .map(|line| {
            let cell = line.split_whitespace().nth(at.unwrap()).unwrap();
            cell.replace(',', "").parse().unwrap()
        })
        .collect();
    assert!(
        !numbers.is_empty() && numbers.is_sorted_by(|a, b| a >= b),
        "{text}"
    );

    let some = [
        "backlinks",
        "github.com",
        "--mode",
        "subdomains",
        "--limit",
        "3",
    ];
    let text = report(&some);
    let header = text.lines().nth(2).unwrap();
    assert!(
        header.starts_with("url_from") && !header.contains("link_type"),
        "{header}"
    );
    assert!(
        text.contains("3 results\nthere may be more: --offset 3"),
        "{text}"
    );
    let text = report(&[&some[..], &["--select", "*"]].concat());
    assert!(text.lines().nth(2).unwrap().contains("link_type"), "{text}");
    let text = report(&[&some[..], &["--order-by", "first_seen"]].concat());
    assert!(
        text.contains("3 of ") && text.contains("more: --offset 3"),
        "{text}"
    );

    let text = report(&["metrics", "github.com", "--mode", "subdomains"]);
    let line = text.lines().find(|line| line.starts_with("backlinks "));
    assert!(line.is_some_and(|line| !line.ends_with(" 0")), "{text}");
}

#[test]
fn mistakes_in_a_report_say_what_is_allowed() {
    let index = index();
    let index = index.path().to_str().unwrap();
    let complaint =
        |arguments: &[&str]| stderr([&["report"], arguments, &["--index", index]].concat());
    let unknown = complaint(&["backlink", "w3.org"]);
    assert!(
        unknown.contains("'backlinks'") && unknown.contains("anchors_refdomains"),
        "{unknown}"
    );
    let account = complaint(&["subscription_info", "w3.org"]);
    assert!(
        account.contains("invalid value 'subscription_info'"),
        "{account}"
    );
    let column = complaint(&["backlinks", "w3.org", "--where", "refdomains>2"]);
    assert!(
        column.contains("bad where: table 'backlinks' has no column 'refdomains'"),
        "{column}"
    );
    let missing = complaint(&["pages"]);
    assert!(missing.contains("<TARGET>"), "{missing}");
    let help = stdout(["report", "--help"]);
    for name in ["backlinks_new_lost", "http_code", "windlass report metrics"] {
        assert!(help.contains(name), "{name}: {help}");
    }
    assert!(!help.contains("subscription_info"), "{help}");
}
