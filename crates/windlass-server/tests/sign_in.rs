//! Signing in and out: cookies, where one goes then, and who may ask for it.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use support::site::{ORIGIN, Site};
use support::small;
use windlass_accounts::Moment;

const OWN: &[(&str, &str)] = &[("origin", ORIGIN)];
const REPORT: &str = "/report?target=ahrefs.com&mode=domain";

fn site() -> Site {
    Site::new(|directory| {
        small(directory);
    })
}

#[tokio::test]
async fn a_token_becomes_a_cookie_that_opens_pages() {
    let site = site();
    let token = site.token("alice <b>", 100, false);
    let led = site.get(REPORT, &[]).await;
    assert_eq!(led.status, 303);
    assert_eq!(
        led.location(),
        "/sign-in?next=%2Freport%3Ftarget%3Dahrefs.com%26mode%3Ddomain"
    );
    let form = site.get(led.location(), &[]).await;
    assert_eq!(form.status, 200);
    assert_eq!(form.header("cache-control"), "no-store");
    assert_eq!(form.header("referrer-policy"), "same-origin");
    for part in [
        "<form class=\"card\" method=\"post\" action=\"/sign-in\">",
        "type=\"password\" name=\"token\"",
        "name=\"next\" value=\"/report?target=ahrefs.com&#38;mode=domain\"",
    ] {
        assert!(form.body.contains(part), "{part} in {}", form.body);
    }

    let fields = [("token", token.as_str()), ("next", REPORT)];
    let signed_in = site.post("/sign-in", &fields, OWN).await;
    assert_eq!((signed_in.status, signed_in.location()), (303, REPORT));
    let (name, value, attributes) = signed_in.cookie();
    assert_eq!((name.as_str(), &value), ("windlass-token", &token));
    assert_eq!(attributes, "Path=/; HttpOnly; SameSite=Strict");
    assert!(!signed_in.body.contains(&token));

    let report = site.see(REPORT, &token).await;
    assert_eq!(report.status, 200, "{}", report.body);
    assert!(report.body.contains("alice &lt;b&gt;") || report.body.contains("alice &#60;b&#62;"));
    assert!(report.body.contains("action=\"/sign-out\""));
    assert!(!report.body.contains(&token), "no page has the token in it");
    let again = site.see("/sign-in?next=/start", &token).await;
    assert_eq!((again.status, again.location()), (303, "/start"));
    let known = site.see("/sign-in", &token).await;
    assert_eq!(known.status, 200);
    assert!(known.body.contains("Signed in as") && !known.body.contains(&token));
}

#[tokio::test]
async fn over_tls_the_cookie_is_of_this_host_alone() {
    let site = site();
    let token = site.token("alice", 100, false);
    let secure = ("x-forwarded-proto", "https");
    let own = [("origin", "https://windlass.test"), secure];
    let signed_in = site.post("/sign-in", &[("token", &token)], &own).await;
    assert_eq!((signed_in.status, signed_in.location()), (303, "/start"));
    let (name, value, attributes) = signed_in.cookie();
    assert_eq!((name.as_str(), &value), ("__Host-windlass-token", &token));
    assert_eq!(attributes, "Path=/; HttpOnly; SameSite=Strict; Secure");

    let cookie = format!("a=b; __Host-windlass-token={token}");
    let report = site.get(REPORT, &[("cookie", &cookie), secure]).await;
    assert_eq!(report.status, 200);
    // One that any neighbour could have set counts for nothing here.
    let cookie = format!("windlass-token={token}");
    let report = site.get(REPORT, &[("cookie", &cookie), secure]).await;
    assert_eq!(report.status, 303);
    let out = site.post("/sign-out", &[], &own).await;
    let (name, value, attributes) = out.cookie();
    assert_eq!((name.as_str(), &*value), ("__Host-windlass-token", ""));
    assert!(attributes.ends_with("Secure; Max-Age=0"), "{attributes}");
}

#[tokio::test]
async fn what_is_no_token_is_said_so() {
    let site = site();
    let revoked = site.token("alice", 100, false);
    site.token("bob", 100, false);
    site.store().revoke("alice", Moment::now()).unwrap();
    for token in [
        "",
        "  ",
        "wr0ng",
        revoked.as_str(),
        "\r\nset-cookie: a=b",
        "\"><script>",
    ] {
        let fields = [("token", token), ("next", REPORT)];
        let answer = site.post("/sign-in", &fields, OWN).await;
        assert_eq!(answer.status, 401, "{token:?}");
        assert!(!answer.headers.contains_key("set-cookie"), "{token:?}");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        assert!(answer.body.contains("role=\"alert\""), "{}", answer.body);
        let is_shown = !token.trim().is_empty() && answer.body.contains(token);
        assert!(!is_shown, "{token:?} in {}", answer.body);
        // What was asked for is not forgotten.
        assert!(answer.body.contains("target=ahrefs.com"));
    }
    // A cookie that is no good any more leads to the form.
    assert_eq!(site.see(REPORT, &revoked).await.status, 303);
    // Neither the token of an address counts, nor other methods.
    let token = site.token("carol", 100, false);
    let uri = format!("/sign-in?token={token}");
    assert_eq!(site.post(&uri, &[], OWN).await.status, 401);
    let get = site.get(&uri, &[]).await;
    assert!(get.status == 200 && !get.headers.contains_key("set-cookie"));
    assert!(!get.body.contains(&token));
}

#[tokio::test]
async fn one_goes_to_addresses_of_this_server_alone() {
    let site = site();
    let token = site.token("alice", 100, false);
    for (next, expected) in [
        (REPORT, REPORT),
        ("/index#x", "/index#x"),
        ("", "/start"),
        ("https://evil.example/", "/start"),
        ("//evil.example/", "/start"),
        ("/\\evil.example/", "/start"),
        ("/\t/evil.example/", "/start"),
        ("/a\r\nset-cookie: evil=1", "/start"),
        ("javascript:alert(1)", "/start"),
    ] {
        let fields = [("token", token.as_str()), ("next", next)];
        let answer = site.post("/sign-in", &fields, OWN).await;
        assert_eq!(
            (answer.status, answer.location()),
            (303, expected),
            "{next:?}"
        );
        assert!(!answer.cookie().0.contains("evil"));
        let uri = format!(
            "/sign-in?{}",
            form_urlencoded::Serializer::new(String::new())
                .append_pair("next", next)
                .finish()
        );
        if !next.is_empty() {
            let answer = site.see(&uri, &token).await;
            assert_eq!(answer.location(), expected, "{next:?}");
        }
        let form = site.get(&uri, &[]).await;
        assert!(!form.body.contains("evil"), "{next:?}");
    }
}

#[tokio::test]
async fn forms_of_other_sites_are_refused() {
    let site = site();
    let token = site.token("alice", 100, false);
    let fields = [("token", token.as_str())];
    for headers in [
        &[][..],
        &[("origin", "null")],
        &[("origin", "http://evil.example")],
        &[("origin", "http://windlass.test.evil.example")],
        &[("origin", "http://windlass.test:81")],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site"), ("origin", ORIGIN)],
    ] {
        for path in ["/sign-in", "/sign-out"] {
            let answer = site.post(path, &fields, headers).await;
            assert_eq!(answer.status, 403, "{path} {headers:?}");
            assert!(!answer.headers.contains_key("set-cookie"));
        }
    }
    let own = [("sec-fetch-site", "same-origin"), ("origin", "null")];
    assert_eq!(site.post("/sign-in", &fields, &own).await.status, 303);
    assert_eq!(site.post("/sign-out", &[], &own).await.status, 303);
}

#[tokio::test]
async fn the_cookie_is_for_pages_and_not_for_the_api() {
    let site = site();
    let token = site.token("operator", 100, true);
    for uri in [
        "/?from=anchors&target=ahrefs.com&mode=domain",
        "/?from=subscription_info",
        "/admin/tokens",
        "/admin/usage",
    ] {
        let cookie = format!("windlass-token={token}; __Host-windlass-token={token}");
        let answer = site.get(uri, &[("cookie", &cookie)]).await;
        assert_eq!(answer.status, 401, "{uri}");
    }
    let used = site.store().find("operator", Moment::now());
    assert_eq!(used.unwrap().balance.used, 0);
}

#[tokio::test]
async fn links_from_other_sites_find_the_cookie_at_the_second_try_and_spend_nothing() {
    let site = site();
    let token = site.token("alice", 100, false);
    let cookie = format!("windlass-token={token}");
    let used = || {
        site.store()
            .find("alice", Moment::now())
            .unwrap()
            .balance
            .used
    };
    for from in ["cross-site", "same-site"] {
        // Browsers send it to a neighbour, which is another port or name of the same site.
        let elsewhere = [("sec-fetch-site", from), ("cookie", cookie.as_str())];
        for page in [REPORT, "/export/download?target=ahrefs.com&mode=domain"] {
            let led = site.get(page, &elsewhere).await;
            assert_eq!(led.status, 303, "{from} {page}");
            let form = site.get(led.location(), &elsewhere).await;
            assert_eq!(form.status, 200);
            assert!(form.body.contains("name=\"token\""));
            let again = format!("{}&elsewhere=1", led.location());
            assert_eq!(form.header("refresh"), format!("0; url={again}"));
            // The second time the cookie is there, or the form stays.
            let same = ("sec-fetch-site", "same-origin");
            let stays = site.get(&again, &[same]).await;
            assert!(stays.status == 200 && !stays.headers.contains_key("refresh"));
            let asks = site.get(&again, &[same, ("cookie", &cookie)]).await;
            assert!(asks.status == 200 && !asks.headers.contains_key("refresh"));
            let href = page.replace('&', "&#38;");
            assert!(
                asks.body.contains(&format!("href=\"{href}\"")),
                "{}",
                asks.body
            );
        }
    }
    assert_eq!(used(), 0);
    // What is typed, or comes from here, needs no second try.
    for from in ["none", "same-origin"] {
        let headers = [("sec-fetch-site", from), ("cookie", cookie.as_str())];
        assert_eq!(site.get(REPORT, &headers).await.status, 200, "{from}");
    }
    assert!(used() > 0);
}

#[tokio::test]
async fn one_signs_in_for_any_address_that_pages_have() {
    let site = site();
    let token = site.token("alice", 100, false);
    let report = |letters| format!("{REPORT}&where=anchor%3D%22{}%22", "%D1%8F".repeat(letters));
    // 4,096 bytes at most.
    let (longest, longer) = (report(670), report(680));
    let led = site.get(&longest, &[]).await;
    assert_eq!(led.status, 303);
    let form = site.get(led.location(), &[]).await;
    assert_eq!(form.status, 200);
    let fields = [("token", token.as_str()), ("next", longest.as_str())];
    let signed_in = site.post("/sign-in", &fields, OWN).await;
    assert_eq!(signed_in.location(), longest);
    assert_eq!(site.see(&longest, &token).await.status, 200);
    assert_eq!(site.get(&longer, &[]).await.status, 414);
}

#[tokio::test]
async fn without_accounts_there_is_nothing_to_sign_in_to() {
    let site = site();
    assert_eq!(site.get(REPORT, &[]).await.status, 200);
    let form = site.get("/sign-in", &[]).await;
    assert_eq!(form.status, 200);
    assert!(form.body.contains("windlass token create") && !form.body.contains("name=\"token\""));
    let answer = site.post("/sign-in", &[("token", "x")], OWN).await;
    assert_eq!((answer.status, answer.location()), (303, "/start"));
    assert!(!answer.headers.contains_key("set-cookie"));
    let out = site.get("/sign-out", &[]).await;
    assert_eq!((out.status, out.location()), (303, "/sign-in"));
}
