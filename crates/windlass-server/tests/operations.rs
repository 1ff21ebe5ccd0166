//! What the index holds, for everyone; and the pages of operators.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use support::page;
use support::site::Site;
use windlass_accounts::Moment;
use windlass_index::{Collector, FileEntry, MergePolicy, ProblemNote, Writer};
use windlass_server::{MergingOptions, ServeOptions};

const HOSTILE: &str = "/crawls/<script>alert('x')</script>&\u{202e}gz";

fn file(n: u8, names: &[&str], has_problems: bool) -> FileEntry {
    let problems = if has_problems {
        BTreeMap::from([("truncated".to_owned(), 2), ("<b>odd</b>".to_owned(), 1)])
    } else {
        BTreeMap::new()
    };
    FileEntry {
        digest: format!("{n:02x}").repeat(32),
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        bytes: 12_345_678,
        captures: 4321,
        captures_skipped: BTreeMap::from([("status 500".to_owned(), 17)]),
        first_problems: if has_problems {
            vec![ProblemNote {
                offset: 987_654,
                kind: "truncated".to_owned(),
                message: "<img src=x onerror=alert(1)> ends here".to_owned(),
            }]
        } else {
            Vec::new()
        },
        problems,
        ..FileEntry::default()
    }
}

/// Two segments, and files of which some have problems.
fn fill(directory: &Path) {
    let mut writer = Writer::open(directory, None).unwrap();
    for n in 0..2 {
        let mut collector = Collector::new(&writer, usize::MAX);
        let url = format!("http://p{n}.example/");
        let links = [("http://ahrefs.com/", "SEO")];
        collector.add(&page(&url, &links), [n; 32], 7).unwrap();
        let collected = collector.finish().unwrap();
        let files = match n {
            0 => (0..45)
                .map(|n| file(n, &[&format!("/crawls/{n}.warc.gz")], n % 2 == 0))
                .collect(),
            _ => vec![file(200, &[HOSTILE, "/other/name"], true)],
        };
        writer
            .commit_collected(collected, files, &(), &AtomicBool::new(false))
            .unwrap();
    }
}

/// What is read on a page; cells and names end in a space.
fn text(html: &str) -> String {
    let html = ["</th>", "</td>", "</dt>", "<br>"]
        .iter()
        .fold(html.to_owned(), |html, tag| {
            html.replace(tag, &format!(" {tag}"))
        });
    let mut text = String::new();
    let mut is_tag = false;
    for c in html.chars() {
        match c {
            '<' => is_tag = true,
            '>' => is_tag = false,
            c if !is_tag => text.push(c),
            _ => {}
        }
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn is_harmless(html: &str) {
    for evil in ["<script>alert", "<img src=x", "<b>odd", "\u{202e}"] {
        assert!(!html.contains(evil), "{evil}");
    }
}

#[tokio::test]
async fn the_index_says_what_it_holds() {
    let site = Site::new(fill);
    let shown = site.get("/index", &[]).await;
    assert_eq!(shown.status, 200);
    let text = text(&shown.body);
    for part in [
        "Captures 2",
        "Backlinks 2",
        "Pages 2",
        "Sites linked to 2",
        "Archive files 46",
        "First capture 2013-08-08",
        "Newest capture 2013-08-08",
        "Problems in the files 72",
        "Captures left out 782",
        "Counting rules version 1",
        "Segment format version",
        "in 2 segments",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let today = Moment::now().day().to_string();
    assert!(shown.body.contains(&format!("datetime=\"{today}T")));
    assert!(shown.body.contains("href=\"/operations\""));
    is_harmless(&shown.body);
    // As reports, it is for those who may ask.
    let token = site.token("alice", 0, false);
    assert_eq!(site.get("/index", &[]).await.status, 303);
    assert_eq!(site.see("/index", &token).await.status, 200);
    let empty = Site::new(|directory| drop(Writer::open(directory, None).unwrap()));
    let shown = empty.get("/index", &[]).await;
    assert!(shown.status == 200 && shown.body.contains("Nothing yet"));
}

#[tokio::test]
async fn operations_are_for_operators() {
    let site = Site::new(fill);
    let open = site.get("/operations", &[]).await;
    assert_eq!(open.status, 403);
    assert!(open.body.contains("windlass token create --admin"));
    let alice = site.token("alice", 100, false);
    let operator = site.token("operator", 0, true);
    let unknown = site.get("/operations", &[]).await;
    assert_eq!(unknown.status, 401);
    assert!(unknown.body.contains("/sign-in?next=%2Foperations"));
    let other = site.see("/operations", &alice).await;
    assert_eq!(other.status, 403);
    assert!(other.body.contains("windlass token create --admin"));
    for closed in [open, unknown, other] {
        assert!(!closed.body.contains("11.8 MiB") && !closed.body.contains("/crawls/"));
    }
    // Neither the header of the API nor a parameter opens it.
    let bearer = format!("Bearer {operator}");
    let headers = [("authorization", bearer.as_str())];
    assert_eq!(site.get("/operations", &headers).await.status, 401);
    let uri = format!("/operations?token={operator}");
    assert_eq!(site.get(&uri, &[]).await.status, 401);
    let shown = site.see("/operations", &operator).await;
    assert_eq!(shown.status, 200);
    assert!(!shown.body.contains(&operator) && !shown.body.contains(&alice));
}

#[tokio::test]
async fn tokens_and_usage_are_shown_by_day_and_token() {
    let site = Site::new(fill);
    site.token("alice", 5000, false);
    site.token("bob <i>", 70, false);
    let operator = site.token("operator", 0, true);
    let now = Moment::now();
    let day = |days: i64| Moment::from_unix(now.as_unix() - days * 86_400);
    for (name, table, rows, at) in [
        ("alice", "anchors", 1000, day(0)),
        ("alice", "backlinks", 234, day(0)),
        ("bob <i>", "anchors", 7, day(0)),
    ] {
        site.charge(name, table, rows, at);
    }
    let shown = site.see("/operations", &operator).await;
    assert_eq!(shown.status, 200, "{}", shown.body);
    let all = text(&shown.body);
    let today = now.day().to_string();
    for part in [
        "alice 1 Windlass reports 5,000 0 1,234 3,766",
        "operator 3 Windlass reports and operations 0 0 0 0",
        "Rows 1,241 Answers charged 3",
        &format!("{today} 1,241 3"),
        "alice anchors 1 1,000",
        "alice backlinks 1 234",
        "bob &lt;i&gt; anchors 1 7",
    ] {
        assert!(all.contains(part), "{part} in {all}");
    }
    assert!(!shown.body.contains("bob <i>"));
    let before = day(3).day().to_string();
    assert!(
        all.contains(&format!("{before} 0 0")),
        "days without usage are there"
    );
    assert!(
        shown.body.contains("data-chart=\"columns\"")
            && shown.body.contains("data-series=\"rows\"")
    );

    let of_alice = site.see("/operations?name=alice", &operator).await;
    assert!(text(&of_alice.body).contains("Rows 1,234 Answers charged 2"));
    assert!(!text(&of_alice.body).contains("bob &lt;i&gt; anchors"));
    let long_ago = site
        .see("/operations?from=2020-01-01&to=2020-01-31", &operator)
        .await;
    assert!(text(&long_ago.body).contains("Nothing was charged in these days."));
    assert!(long_ago.body.contains("value=\"2020-01-31\""));
    let years = site.see("/operations?from=2020-01-01", &operator).await;
    assert!(text(&years.body).contains(&format!("{today} 1,241 3")));
    for (uri, problem) in [
        ("/operations?from=yesterday%3Cb%3E", "is no day"),
        ("/operations?name=nobody%3Cb%3E", "nobody"),
    ] {
        let shown = site.see(uri, &operator).await;
        assert_eq!(shown.status, 200);
        assert!(shown.body.contains("role=\"alert\"") && shown.body.contains(problem));
        assert!(!shown.body.contains("<b>"), "{uri}");
    }
}

#[tokio::test]
async fn segments_and_files_are_listed_and_harmless() {
    let site = Site::new(fill);
    let operator = site.token("operator", 0, true);
    let shown = site.see("/operations", &operator).await;
    is_harmless(&shown.body);
    let all = text(&shown.body);
    for part in [
        "This server does not merge in the background",
        "24 of 46 files have problems",
        "/crawls/0.warc.gz",
        "11.8 MiB 4,321 status 500: 17",
        "&lt;b&gt;odd&lt;/b&gt;: 1",
        "/crawls/0.warc.gz 987,654 truncated &lt;img src=x onerror=alert(1)&gt; ends here",
        "1–20 of 24",
    ] {
        assert!(all.contains(part), "{part} in {all}");
    }
    assert!(
        !all.contains("/crawls/1.warc.gz"),
        "a file without problems"
    );
    for caption in [
        "<caption>Tokens",
        "<caption>Segments",
        "<caption>Ingested files with problems",
        "<caption>The first problems",
    ] {
        assert!(shown.body.contains(caption), "{caption}");
    }
    let next = site.see("/operations?start=20", &operator).await;
    let rest = text(&next.body);
    assert!(rest.contains("21–24 of 24") && rest.contains("/crawls/44.warc.gz"));
    assert!(rest.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;RLOgz"));
    is_harmless(&next.body);
    assert!(next.body.contains("href=\"/operations?"), "a way back");
    let every = site.see("/operations?files=all", &operator).await;
    assert!(text(&every.body).contains("/crawls/1.warc.gz"));
    assert!(text(&every.body).contains("1–20 of 46"));
    let behind = site.see("/operations?start=1000", &operator).await;
    assert!(behind.status == 200 && text(&behind.body).contains("No more files."));
}

#[tokio::test(flavor = "multi_thread")]
async fn merges_in_the_background_are_told() {
    let directory = tempfile::tempdir().unwrap();
    fill(directory.path());
    let accounts = directory.path().join("accounts.sqlite");
    let store = windlass_accounts::Store::open(&accounts).unwrap();
    let mut new = windlass_accounts::NewAccount::new("operator", 0);
    new.is_admin = true;
    let (_, token) = store.create(&new, Moment::now()).unwrap();
    let options = ServeOptions {
        accounts: Some(accounts),
        merging: Some(MergingOptions {
            policy: MergePolicy {
                segments_min: 2,
                ..MergePolicy::default()
            },
            ..MergingOptions::default()
        }),
        ..ServeOptions::default()
    };
    let server = support::Server::start_with(support::reader(directory.path()), options).await;
    let request = format!(
        "GET /operations HTTP/1.0\r\nhost: localhost\r\ncookie: windlass-token={}\r\n\r\n",
        token.reveal()
    );
    // It begins by itself, sooner or later.
    let shown = loop {
        let answer = server.raw(&request).await;
        assert!(answer.starts_with("HTTP/1.0 200"), "{answer}");
        let shown = text(support::body(&answer));
        if shown.contains("1 done, 0 gave way") {
            break shown;
        }
        assert!(shown.contains("0 done, 0 gave way"), "{shown}");
    };
    assert!(shown.contains("Nothing is due."), "{shown}");
    server.stop().await.unwrap().unwrap();
}
