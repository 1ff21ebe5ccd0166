//! What pages charge, and what they tell of sites and tokens to whom.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::path::Path;
use std::time::Duration;

use support::site::{ORIGIN, Site};
use support::{ingest, page};
use windlass_accounts::Moment;

/// Three anchors of `t.example`, of which one is that of `u.example` too.
fn fill(directory: &Path) {
    let t = "http://t.example/";
    let pages = [
        page("http://one.com/", &[(t, "alpha"), (t, "beta")]),
        page("http://one.com/other", &[(t, "alpha")]),
        page("http://two.com/", &[(t, "alpha"), (t, "gamma")]),
        page("http://three.org/", &[("http://u.example/", "alpha")]),
    ];
    ingest(directory, &pages);
}

/// A page: its address, what it costs, and the requests to the API that cost the same.
struct Priced {
    page: &'static str,
    rows: u64,
    requests: &'static [&'static str],
}

const PRICED: &[Priced] = &[
    Priced {
        page: "/report?target=t.example",
        rows: 1 + 3,
        requests: &["from=anchors&target=t.example&mode=subdomains&limit=50"],
    },
    Priced {
        page: "/report?target=t.example&limit=2&offset=2",
        rows: 1 + 1,
        requests: &["from=anchors&target=t.example&mode=subdomains&limit=2&offset=2"],
    },
    Priced {
        page: "/report?target=t.example&where=refdomain=%22one.com%22,kind=%22other%22",
        rows: 1 + 2 + 5,
        requests: &[
            "from=anchors&target=t.example&mode=subdomains&where=refdomain=%22one.com%22,kind=%22other%22",
        ],
    },
    Priced {
        page: "/report?target=t.example&where=refdomain=%22one.com%22&having=backlinks%3E1",
        rows: 1 + 1 + 5 + 5,
        requests: &[
            "from=anchors&target=t.example&mode=subdomains&where=refdomain=%22one.com%22&having=backlinks%3E1",
        ],
    },
    // The list of an anchor's domains costs what the report does, with as many rows.
    Priced {
        page: "/report/refdomains?target=t.example&anchor=alpha",
        rows: 1 + 2,
        requests: &["from=anchors&target=t.example&mode=subdomains&limit=2"],
    },
    Priced {
        page: "/report/backlinks?target=t.example&anchor=alpha&refdomain=one.com",
        rows: 1 + 1 + 5,
        requests: &[
            "from=backlinks&target=t.example&mode=subdomains&where=anchor=alpha,refdomain=one.com",
        ],
    },
    // Without a filter there is no 'where' to pay for.
    Priced {
        page: "/report/changes?target=t.example",
        rows: 1 + 1,
        requests: &["from=backlinks_new_lost&target=t.example&mode=subdomains&limit=50"],
    },
    Priced {
        page: "/report/changes?target=t.example&type=new&from=2013-01-01",
        rows: 1 + 1 + 5,
        requests: &[
            "from=backlinks_new_lost&target=t.example&mode=subdomains&where=type=new,date%3E=2013-01-01",
        ],
    },
    Priced {
        page: "/compare?target=t.example&target=u.example",
        rows: 2 * (1 + 1),
        requests: &[
            "from=anchors&target=t.example&mode=subdomains&having=&limit=1",
            "from=anchors&target=u.example&mode=subdomains&limit=1",
        ],
    },
    Priced {
        page: "/compare?target=t.example&target=u.example&show=only-1",
        rows: 1 + 2 + 1,
        requests: &[
            "from=anchors&target=t.example&mode=subdomains&limit=2",
            "from=anchors&target=u.example&mode=subdomains&limit=0",
        ],
    },
    Priced {
        page: "/export/download?target=t.example&output=csv",
        rows: 1 + 3,
        requests: &["from=anchors&target=t.example&mode=subdomains&limit=5000000&output=csv"],
    },
    // Behind the last row there is nothing to pay for but the request.
    Priced {
        page: "/report/changes?target=t.example&start=1000",
        rows: 1,
        requests: &["from=backlinks_new_lost&target=t.example&mode=subdomains&offset=1000"],
    },
];

/// Pages that cost nothing.
const FREE: &[&str] = &[
    "/start",
    "/index",
    "/report/pictures?target=t.example",
    "/report/pictures?target=t.example&part=1",
    "/report/link?target=t.example&page=http://one.com/&to=http://t.example/&anchor=alpha",
    "/compare",
    "/export?target=t.example",
    // What cannot be answered.
    "/report?target=t.example&where=color=1",
    "/report/changes?target=t.example&from=yesterday",
];

fn used(site: &Site, name: &str) -> u64 {
    let account = site.store().find(name, Moment::now()).unwrap();
    account.balance.used
}

#[tokio::test]
async fn pages_charge_what_the_requests_do_that_give_the_same_rows() {
    let site = Site::new(fill);
    let reader = site.token("reader", 10_000, false);
    let bearer = format!("Bearer {}", site.token("program", 10_000, false));
    for Priced {
        page,
        rows,
        requests,
    } in PRICED
    {
        let before = used(&site, "reader");
        let shown = site.see(page, &reader).await;
        assert_eq!(shown.status, 200, "{page}: {}", shown.body);
        assert_eq!(used(&site, "reader") - before, *rows, "{page}");
        // Of a page that takes a while, as on a busy machine, the head is sent before the cost is known.
        if !shown.body.contains("id=\"loading\"") {
            assert_eq!(shown.header("x-rows-cost"), rows.to_string(), "{page}");
        }
        let mut of_requests = 0;
        for request in *requests {
            let headers = [("authorization", bearer.as_str())];
            let answer = site.get(&format!("/?{request}"), &headers).await;
            assert_eq!(answer.status, 200, "{request}: {}", answer.body);
            of_requests += answer.header("x-rows-cost").parse::<u64>().unwrap();
        }
        assert_eq!(of_requests, *rows, "{page}");
    }
    let before = used(&site, "reader");
    for page in FREE {
        site.see(page, &reader).await;
        assert_eq!(used(&site, "reader"), before, "{page}");
    }
}

#[tokio::test]
async fn whoever_steps_back_pays_nothing_until_signed_out() {
    let site = Site::new(fill);
    let token = site.token("alice", 100, false);
    let report = site.see("/report?target=t.example", &token).await;
    // Browsers go back to what they have, unless it may not be stored.
    assert_eq!(report.header("cache-control"), "private, no-cache");
    for free in ["/start", "/sign-in", "/report?target=t.example&mode=none"] {
        let shown = site.see(free, &token).await;
        assert_eq!(shown.header("cache-control"), "no-store", "{free}");
    }
    let own = [("origin", ORIGIN)];
    let out = site.post("/sign-out", &[], &own).await;
    assert_eq!(out.header("clear-site-data"), "\"cache\"");
    // Of which domain the links are is asked first.
    let led = site
        .see("/report/backlinks?target=t.example&anchor=", &token)
        .await;
    assert_eq!(led.status, 303);
    assert!(
        led.location().starts_with("/report/refdomains?") && led.location().ends_with("&anchor=")
    );
}

#[tokio::test]
async fn the_sites_of_an_index_are_for_those_who_may_ask_it() {
    const SITE: &str = "/report?target=t.example";
    let site = Site::new(fill);
    // They may still be counted.
    let names_sites = async |token: Option<&str>| {
        for _ in 0..200 {
            let shown = match token {
                None => site.get("/start", &[]).await,
                Some(token) => site.see("/start", token).await,
            };
            assert_eq!(shown.status, 200);
            if !shown.body.contains("They are being counted") {
                return shown.body.contains(SITE);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        unreachable!("never counted")
    };
    assert!(names_sites(None).await, "an open server");
    let token = site.token("alice", 0, false);
    assert!(!names_sites(None).await);
    assert!(!names_sites(Some("unknown")).await);
    assert!(names_sites(Some(&token)).await);
    let anybody = site.get("/start", &[]).await;
    assert!(anybody.body.contains("/sign-in?next=%2Fstart"));
}

#[tokio::test]
async fn usage_is_told_apart_where_a_name_was_used_again() {
    let site = Site::new(fill);
    let operator = site.token("operator", 0, true);
    let now = Moment::now();
    let mut ids = Vec::new();
    for rows in [700, 41] {
        site.token("alice", 1000, false);
        site.charge("alice", "anchors", rows, now);
        let id = site.store().find("alice", now).unwrap().id;
        site.store().revoke("alice", now).unwrap();
        ids.push(id.get());
    }
    site.token("bob", 1000, false);
    site.charge("bob", "anchors", 5, now);
    let shown = site.see("/operations", &operator).await;
    let used = |name: &str, rows: u64| {
        let lines = shown.body.split("<tr>").filter(|line| {
            line.contains(name)
                && line.contains("data-label=\"Table\"")
                && line.contains(&format!("value=\"{rows}\""))
        });
        lines.count()
    };
    for (id, rows) in ids.iter().zip([700, 41]) {
        let name = format!("<bdi>alice</bdi> <span class=\"note\">id {id}</span>");
        assert_eq!(used(&name, rows), 1, "{}", shown.body);
    }
    assert_eq!(used("<bdi>bob</bdi></th>", 5), 1, "a name of one token");
}

/// Whoever asks for the head of a page gets no rows.
#[tokio::test]
async fn the_head_of_a_page_costs_nothing() {
    let site = Site::new(fill);
    let token = site.token("reader", 10_000, false);
    let poor = site.token("poor", 0, false);
    for Priced { page, .. } in PRICED {
        for token in [&token, &poor] {
            let request = axum::http::Request::head(*page)
                .header("host", "windlass.test")
                .header("cookie", format!("windlass-token={token}"))
                .body(axum::body::Body::empty())
                .unwrap();
            let shown = site.send(request).await;
            assert_eq!((shown.status, shown.body.as_str()), (200, ""), "{page}");
        }
    }
    assert_eq!((used(&site, "reader"), used(&site, "poor")), (0, 0));
}
