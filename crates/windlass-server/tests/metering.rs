//! Tokens, charges and the pages of operators, through the router.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request};
use http_body_util::BodyExt;
use support::{large, small};
use tempfile::TempDir;
use tower::ServiceExt;
use windlass_accounts::{Days, Moment, NewAccount, Store};
use windlass_index::Reader;
use windlass_server::{Limits, ServeError, ServeOptions, metered_router, serve};

/// Costs 3 rows: one for the request, and two results.
const REPORT: &str = "/?from=anchors&target=ahrefs.com&mode=domain";

struct Metered {
    directory: TempDir,
    router: Router,
}

impl Metered {
    fn new() -> Self {
        Self::over(small, Limits::default())
    }

    fn over(index: impl FnOnce(&Path) -> Arc<Reader>, limits: Limits) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let accounts = directory.path().join("accounts.sqlite");
        let router = metered_router(index(directory.path()), limits, &accounts);
        Self { directory, router }
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("accounts.sqlite")
    }

    /// As another process would.
    fn store(&self) -> Store {
        Store::open(&self.file()).unwrap()
    }

    fn token(&self, name: &str, rows: u64) -> String {
        let new = NewAccount::new(name, rows);
        let (_, token) = self.store().create(&new, Moment::now()).unwrap();
        token.reveal().to_owned()
    }

    fn used(&self, name: &str) -> u64 {
        self.store().find(name, Moment::now()).unwrap().balance.used
    }

    async fn send(&self, request: axum::http::request::Builder) -> (u16, HeaderMap, String) {
        let request = request.body(Body::empty()).unwrap();
        let (status, headers, body) = support::send(&self.router, request).await;
        (status.as_u16(), headers, String::from_utf8(body).unwrap())
    }

    async fn get(&self, uri: &str) -> (u16, HeaderMap, String) {
        self.send(Request::get(uri)).await
    }
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    let value = headers.get(name)?;
    Some(value.to_str().unwrap().parse().unwrap())
}

#[tokio::test]
async fn the_first_token_closes_the_server_and_revoking_it_does_not_open_it() {
    let metered = Metered::new();
    let (status, headers, _) = metered.get(REPORT).await;
    assert_eq!((status, number(&headers, "x-rows-cost")), (200, Some(3)));
    assert!(!headers.contains_key("x-rows-left"));
    assert!(!metered.file().exists(), "an open server writes nothing");
    assert_eq!(metered.get(&format!("{REPORT}&token=TOK")).await.0, 200);

    let token = metered.token("alice", 100);
    let missing = r#"{"error":"missing argument token"}"#;
    let bad = r#"{"error":"bad token: it is unknown or revoked"}"#;
    let longer = format!("{token}x");
    for (uri, text) in [
        (REPORT.to_owned(), missing),
        ("/".to_owned(), missing),
        (format!("{REPORT}&token=+"), missing),
        ("/?from=subscription_info".to_owned(), missing),
        (format!("{REPORT}&token=TOK"), bad),
        (format!("{REPORT}&token={longer}"), bad),
        (format!("{REPORT}&token={}", token.to_uppercase()), bad),
    ] {
        let (status, headers, body) = metered.get(&uri).await;
        assert_eq!((status, body.as_str()), (401, text), "{uri}");
        assert!(headers.contains_key("www-authenticate"));
    }
    let (status, headers, _) = metered.get(&format!("{REPORT}&token={token}")).await;
    assert_eq!((status, number(&headers, "x-rows-left")), (200, Some(97)));

    metered.store().revoke("alice", Moment::now()).unwrap();
    let (status, _, body) = metered.get(&format!("{REPORT}&token={token}")).await;
    assert_eq!((status, body.as_str()), (401, bad));
    assert_eq!(metered.get(REPORT).await.0, 401);
}

#[tokio::test]
async fn a_token_comes_as_a_parameter_or_as_bearer_and_the_parameter_counts() {
    let metered = Metered::new();
    let token = metered.token("alice", 100);
    let get = |uri: &str, authorization: &str| {
        metered.send(Request::get(uri).header("authorization", authorization))
    };
    let with_token = format!("{REPORT}&Token={token}");
    for (uri, authorization, status) in [
        (REPORT, format!("Bearer {token}"), 200),
        (REPORT, format!("bearer  {token} "), 200),
        (REPORT, format!("Basic {token}"), 401),
        (REPORT, token.clone(), 401),
        (REPORT, "Bearer".to_owned(), 401),
        (with_token.as_str(), "Bearer TOK".to_owned(), 200),
    ] {
        assert_eq!(get(uri, &authorization).await.0, status, "{authorization}");
    }
    assert_eq!(metered.used("alice"), 9);
}

#[tokio::test]
async fn answers_are_charged_and_what_brings_no_rows_is_not() {
    let metered = Metered::new();
    let token = metered.token("alice", 100);
    let report = format!("{REPORT}&token={token}");
    for (uri, status) in [
        (format!("{report}&dry_run=1"), 200),
        (format!("/?from=subscription_info&token={token}"), 200),
        (format!("{report}&where=nothing"), 400),
        (format!("/?token={token}"), 400),
        (format!("/nowhere?token={token}"), 404),
    ] {
        let (found, headers, _) = metered.get(&uri).await;
        assert_eq!(found, status, "{uri}");
        if uri.contains("dry_run") {
            assert_eq!(number(&headers, "x-rows-cost"), Some(3));
            assert_eq!(number(&headers, "x-rows-left"), Some(100));
        }
    }
    let (status, headers, _) = metered.send(Request::head(&report)).await;
    assert_eq!((status, number(&headers, "x-rows-left")), (200, Some(100)));
    assert_eq!(metered.used("alice"), 0);

    for (filter, left) in [("", 97), ("&where=backlinks%3E0", 89), ("&limit=0", 88)] {
        let (status, headers, _) = metered.get(&format!("{report}{filter}")).await;
        assert_eq!((status, number(&headers, "x-rows-left")), (200, Some(left)));
    }
    let (status, _, _) = metered.send(Request::post(&report)).await;
    assert_eq!((status, metered.used("alice")), (200, 15));
    let usage = metered.store().usage(None, Days::default()).unwrap();
    let sum = |of: fn(&windlass_accounts::Usage) -> u64| usage.iter().map(of).sum::<u64>();
    assert_eq!((sum(|used| used.requests), sum(|used| used.rows)), (4, 15));
    assert!(
        usage
            .iter()
            .all(|used| used.table == "anchors" && used.name == "alice")
    );
}

#[tokio::test]
async fn too_few_rows_bring_nothing_and_cost_nothing() {
    let metered = Metered::new();
    let token = metered.token("alice", 5);
    let report = format!("{REPORT}&token={token}");
    let cost = |needed, left| {
        format!(
            "{{\"error\":\"not enough rows: the answer costs at least {needed}, and {left} are left for \
             this month; ask for less with 'limit', or for the cost alone with 'dry_run=1'\"}}"
        )
    };
    // Before the query, by what every answer to it costs; and after it.
    let filtered = format!("{report}&having=backlinks%3E0");
    assert_eq!(metered.get(&filtered).await.2, cost(6, 5));
    assert_eq!(metered.get(&report).await.0, 200);
    let (status, headers, body) = metered.get(&report).await;
    assert_eq!((status, body), (402, cost(3, 2)));
    assert!(!headers.contains_key("x-results-count"));
    assert_eq!(metered.used("alice"), 3);
    let (status, headers, _) = metered.get(&format!("{report}&limit=1")).await;
    assert_eq!((status, number(&headers, "x-rows-left")), (200, Some(0)));
    assert_eq!(metered.get(&format!("{report}&limit=0")).await.0, 402);
    metered.store().top_up("alice", 3, Moment::now()).unwrap();
    let (status, headers, _) = metered.get(&report).await;
    assert_eq!((status, number(&headers, "x-rows-left")), (200, Some(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_at_once_share_what_there_is() {
    let metered = std::sync::Arc::new(Metered::new());
    let token = metered.token("alice", 40);
    let asking: Vec<_> = (0..40)
        .map(|_| {
            let (metered, uri) = (metered.clone(), format!("{REPORT}&token={token}"));
            tokio::spawn(async move { metered.get(&uri).await.0 })
        })
        .collect();
    let mut answered = 0;
    for asked in asking {
        match asked.await.unwrap() {
            200 => answered += 1,
            status => assert_eq!(status, 402),
        }
    }
    assert_eq!((answered, metered.used("alice")), (13, 39));
}

/// The places of an account are its own, from wherever it asks.
#[tokio::test]
async fn who_has_all_places_of_a_token_is_told_to_wait_and_others_are_not() {
    let limits = Limits {
        queries_max: 4,
        queries_per_client_max: 1,
        queue_time_max: Duration::from_millis(50),
        ..Limits::default()
    };
    let metered = Metered::over(|directory| large(directory, 8000), limits);
    let (alice, bob) = (metered.token("alice", 20_000), metered.token("bob", 20_000));
    let report = "/?from=anchors&target=t.example";
    let long = format!("{report}&limit=8000&token={alice}");
    let long = Request::get(long).body(Body::empty()).unwrap();
    // Its body fills all that waits for a client, and is not read.
    let held = metered.router.clone().oneshot(long).await.unwrap();
    assert_eq!(held.status(), 200);
    let short = format!("{report}&limit=1");
    let (status, headers, body) = metered.get(&format!("{short}&token={alice}")).await;
    assert_eq!((status, number(&headers, "retry-after")), (429, Some(1)));
    assert!(body.contains("1 of yours"), "{body}");
    assert_eq!(metered.get(&format!("{short}&token={bob}")).await.0, 200);
    drop(held);
    // The thread notices soon.
    for _ in 0..200 {
        if metered.get(&format!("{short}&token={alice}")).await.0 == 200 {
            return;
        }
    }
    unreachable!("the place was not given back");
}

#[tokio::test]
async fn subscription_info_says_what_is_left() {
    let metered = Metered::new();
    let info = "/?target=x&mode=nonsense&FROM=Subscription_Info";
    assert_eq!(
        metered.get(info).await.2,
        r#"{"info":{"rows_left":1000000000,"rows_limit":1000000000,"subscription":"open"}}"#
    );
    let mut new = NewAccount::new("alice", 500_000);
    new.subscription = "Enterprise Subscription".to_owned();
    let (_, token) = metered.store().create(&new, Moment::now()).unwrap();
    metered
        .get(&format!("{REPORT}&token={}", token.reveal()))
        .await;
    metered.store().top_up("alice", 10, Moment::now()).unwrap();
    let (status, headers, body) = metered
        .get(&format!("{info}&token={}", token.reveal()))
        .await;
    assert_eq!(
        (status, body.as_str()),
        (
            200,
            r#"{"info":{"rows_left":500007,"rows_limit":500010,"subscription":"Enterprise Subscription"}}"#
        )
    );
    assert_eq!(headers["content-type"], "application/json; charset=utf-8");
    assert_eq!(number(&headers, "x-results-count"), Some(1));
    assert_eq!(number(&headers, "x-rows-cost"), Some(0));
    assert_eq!(number(&headers, "x-rows-left"), Some(500_007));
    assert!(headers.contains_key("x-windlass-index"));
    let info = format!("{info}&token={}", token.reveal());
    let (status, _, body) = metered.get(&format!("{info}&dry_run=1")).await;
    assert_eq!(
        (status, body.as_str()),
        (200, r#"{"dry_run":{"rows_cost":0,"results":1}}"#)
    );
    for wrong in ["output=bogus", "dry_run=x"] {
        let (status, _, body) = metered.get(&format!("{info}&{wrong}")).await;
        let name = wrong.split('=').next().unwrap();
        assert!(
            body.starts_with(&format!(r#"{{"error":"bad {name}: "#)),
            "{body}"
        );
        assert_eq!(status, 400);
    }
}

#[tokio::test]
async fn pages_of_operators_are_theirs() {
    let metered = Metered::new();
    assert_eq!(metered.get("/admin/usage").await.0, 401);
    let token = metered.token("alice", 100);
    let mut new = NewAccount::new("operator", 0);
    new.is_admin = true;
    let (_, admin) = metered.store().create(&new, Moment::now()).unwrap();
    metered.get(&format!("{REPORT}&token={token}")).await;
    let get = |uri: &str, token: &str| {
        metered.send(Request::get(uri).header("authorization", format!("Bearer {token}")))
    };
    for page in ["/admin/usage", "/admin/tokens"] {
        assert_eq!(metered.get(page).await.0, 401);
        let in_address = format!("{page}?token={}", admin.reveal());
        assert_eq!(metered.get(&in_address).await.0, 401);
        assert_eq!(get(page, "TOK").await.0, 401);
        assert_eq!(get(page, &token).await.0, 403);
    }
    let page = |uri: &str| {
        let asked = get(uri, admin.reveal());
        async move {
            let (status, headers, body) = asked.await;
            assert_eq!(status, 200, "{body}");
            assert_eq!(headers["cache-control"], "no-store");
            serde_json::from_str::<serde_json::Value>(&body).unwrap()
        }
    };
    let tokens = page("/admin/tokens").await;
    assert_eq!(tokens["tokens"][0]["name"], "alice");
    assert_eq!(tokens["tokens"][0]["rows_left"], 97);
    assert_eq!(tokens["tokens"][1]["admin"], true);
    let usage = page("/admin/usage?name=alice&from=2020-01-01").await;
    assert_eq!(usage["usage"][0]["rows"], 3);
    assert_eq!(usage["usage"][0]["table"], "anchors");
    assert_eq!(
        page("/admin/usage?to=2020-01-01").await["usage"],
        serde_json::json!([])
    );
    for (uri, text) in [
        (
            "/admin/usage?from=yesterday",
            "bad from: 'yesterday' is no day",
        ),
        ("/admin/usage?name=bob", "bad name: there is no token 'bob'"),
    ] {
        let (status, _, body) = get(uri, admin.reveal()).await;
        assert!(status == 400 && body.contains(text), "{body}");
    }
    // Without rows, an operator's token opens its pages, and no report.
    assert_eq!(
        metered
            .get(&format!("{REPORT}&token={}", admin.reveal()))
            .await
            .0,
        402
    );
}

#[tokio::test]
async fn accounts_that_cannot_be_read_close_the_server() {
    let metered = Metered::new();
    std::fs::write(metered.file(), "this is no database, and not meant to be").unwrap();
    let (status, headers, body) = metered.get(REPORT).await;
    assert_eq!(status, 503);
    let id = headers["x-request-id"].to_str().unwrap();
    assert!(body.contains(id), "{body}");
    std::fs::remove_file(metered.file()).unwrap();
    std::os::unix::fs::symlink("/nonexistent/accounts", metered.file()).unwrap();
    assert_eq!(metered.get(REPORT).await.0, 503);
}

#[tokio::test]
async fn with_a_token_the_server_may_listen_anywhere() {
    let metered = Metered::new();
    let start = || {
        let options = ServeOptions {
            listen: "0.0.0.0:0".parse().unwrap(),
            accounts: Some(metered.file()),
            ..ServeOptions::default()
        };
        let reader = support::reader(metered.directory.path());
        serve(options, reader, async {}, |_| {})
    };
    // An empty file is no token.
    drop(metered.store());
    assert!(matches!(start().await, Err(ServeError::NotLoopback(_))));
    metered.token("alice", 1);
    start().await.unwrap();
    std::fs::write(metered.file(), "this is no database, and not meant to be").unwrap();
    let result = start().await;
    assert!(matches!(result, Err(ServeError::Accounts(_))), "{result:?}");
}

/// Damages a byte in the middle of the segment, where the anchors are.
fn damage(index: &Path) {
    let segment = fs::read_dir(index.join("segments")).unwrap().next();
    let segment = segment.unwrap().unwrap().path();
    let file = File::options()
        .read(true)
        .write(true)
        .open(segment)
        .unwrap();
    let middle = file.metadata().unwrap().len() / 2;
    let mut byte = [0];
    file.read_exact_at(&mut byte, middle).unwrap();
    file.write_all_at(&[!byte[0]], middle).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_an_answer_that_cannot_be_ended_are_given_back() {
    // The damage is far behind those that the answer begins with.
    let limits = Limits {
        groups_at_once: 100,
        ..Limits::default()
    };
    let metered = Metered::over(|index| large(index, 1000), limits);
    let token = metered.token("alice", 5000);
    damage(metered.directory.path());
    let uri = format!("/?from=anchors&target=t.example&token={token}");
    for encoding in ["identity", "gzip"] {
        let request = Request::get(&uri).header("accept-encoding", encoding);
        let request = request.body(Body::empty()).unwrap();
        let answer = metered.router.clone().oneshot(request).await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(number(answer.headers(), "x-rows-cost"), Some(1001));
        assert!(answer.into_body().collect().await.is_err(), "{encoding}");
        // Another thread does it.
        while metered.used("alice") > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

/// Moves the accounts file, with what lies beside it while it is open.
fn move_accounts(from: &Path, to: &Path) {
    for ending in ["", "-wal", "-shm"] {
        let of = |folder: &Path| folder.join(format!("accounts.sqlite{ending}"));
        if of(from).exists() {
            fs::rename(of(from), of(to)).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_that_are_put_in_place_of_others_count_from_the_next_request_on() {
    let metered = Metered::new();
    let (here, aside) = (metered.directory.path(), tempfile::tempdir().unwrap());
    let alice = metered.token("alice", 100);
    let ask = async |token: &str| metered.get(&format!("{REPORT}&token={token}")).await.0;
    assert_eq!(ask(&alice).await, 200);
    move_accounts(here, aside.path());
    // The looks of the last moment hold.
    let moment = Duration::from_millis(1);
    tokio::time::sleep(moment).await;
    assert_eq!(ask(&alice).await, 503);
    assert!(!metered.file().exists(), "nobody makes it");

    let bob = metered.token("bob", 100);
    tokio::time::sleep(moment).await;
    assert_eq!((ask(&alice).await, ask(&bob).await), (401, 200));
    assert_eq!(metered.used("bob"), 3);

    // One without tokens opens nothing.
    let others = tempfile::tempdir().unwrap();
    move_accounts(here, others.path());
    drop(metered.store());
    tokio::time::sleep(moment).await;
    assert_eq!((ask(&bob).await, metered.get(REPORT).await.0), (401, 401));

    fs::remove_file(metered.file()).unwrap();
    move_accounts(aside.path(), here);
    tokio::time::sleep(moment).await;
    assert_eq!((ask(&bob).await, ask(&alice).await), (401, 200));
    metered.store().revoke("alice", Moment::now()).unwrap();
    assert_eq!(ask(&alice).await, 401);
}
