//! `windlass bench --shape`: links in hostile shapes, built with little memory, and answered exactly
//! over several segments and one. The bench itself compares answers with what the shape's formula
//! says; what is said of its summary here is said independently.
#![allow(missing_docs, clippy::unwrap_used, unreachable_pub, dead_code)]

mod support;

use std::path::Path;

use serde_json::Value;
use support::stdout;

const LINKS: u64 = 12_345;

/// Builds with so little memory that every segment is merged from several runs, of which what is large
/// waits in files.
fn bench(shape: &str, index: &Path) -> Value {
    let arguments = [
        "bench", "--shape", shape, "--links", "12345", "--memory", "128k",
    ];
    let more = [
        "--output",
        "json",
        "--repeat",
        "1",
        "--keep",
        index.to_str().unwrap(),
    ];
    let summary: Value = serde_json::from_str(&stdout([&arguments[..], &more].concat())).unwrap();
    assert_eq!(summary["backlinks"], LINKS, "{shape}");
    assert_eq!(summary["segments"], 3, "{shape}");
    assert!(
        summary["segments_of_runs"].as_u64().unwrap() >= 1,
        "{summary}"
    );
    assert!(summary["bytes"].as_u64().unwrap() > 0);
    for question in summary["questions"].as_array().unwrap() {
        for how in ["several_segments", "one_segment", "warm"] {
            assert!(
                question[how]["backlinks"].as_u64().unwrap() > 0,
                "{question}"
            );
        }
        assert!(question["one_segment"]["own_memory_max"].as_u64().unwrap() > 0);
    }
    summary
}

/// The report of a target, as the API gives it.
fn report(index: &Path, target: &str, mode: &str) -> Value {
    let index = index.to_str().unwrap();
    let arguments = [
        "anchors", target, "--index", index, "--mode", mode, "--limit", "5",
    ];
    let order = ["--order-by", "backlinks:desc", "--output", "json"];
    serde_json::from_str(&stdout([&arguments[..], &order].concat())).unwrap()
}

fn stats(report: &Value) -> (u64, u64) {
    let number = |name| report["stats"][name].as_u64().unwrap();
    (number("backlinks"), number("refpages"))
}

#[test]
fn a_farm_of_sites_with_one_link_each() {
    let directory = tempfile::tempdir().unwrap();
    let summary = bench("farm", directory.path());
    for what in ["pages", "refdomains", "sites"] {
        assert_eq!(summary[what], LINKS, "{what}");
    }
    // Sites are read one after the other: kept open, they would take 10 KiB each.
    for question in summary["questions"].as_array().unwrap() {
        let memory = question["one_segment"]["memory_max"].as_u64().unwrap();
        assert!(memory < 80 << 20, "{memory} in {question}");
    }
    let all = report(directory.path(), "com", "subdomains");
    assert_eq!(stats(&all), (LINKS, LINKS));
    let first = &all["anchors"][0];
    assert_eq!(first["anchor"], "farm 0000000000");
    assert_eq!(first["first_seen"], "2023-11-14T00:00:00Z");
}

#[test]
fn one_page_that_every_domain_links_to() {
    let directory = tempfile::tempdir().unwrap();
    let summary = bench("hub", directory.path());
    assert_eq!(
        (&summary["sites"], &summary["refdomains"]),
        (&1.into(), &LINKS.into())
    );
    let all = report(directory.path(), "hub.com", "subdomains");
    assert_eq!(stats(&all), (LINKS, LINKS));
    assert_eq!(all["anchors"][0]["refdomains"], 13);
}

#[test]
fn one_page_with_very_many_links() {
    let directory = tempfile::tempdir().unwrap();
    let summary = bench("page", directory.path());
    assert_eq!(
        (&summary["pages"], &summary["sites"]),
        (&1.into(), &1235.into())
    );
    let all = report(directory.path(), "com", "subdomains");
    // Each tenth is gone from the last capture.
    assert_eq!(stats(&all), (LINKS - 1234, 1));
    assert_eq!(all["anchors"][0]["last_visited"], "2023-11-17T00:00:00Z");
}

#[test]
fn one_site_with_very_many_subdomains() {
    let directory = tempfile::tempdir().unwrap();
    let summary = bench("subdomains", directory.path());
    assert_eq!(
        (&summary["pages"], &summary["sites"]),
        (&124.into(), &1.into())
    );
    let all = report(directory.path(), "many-hosts.com", "subdomains");
    assert_eq!(stats(&all), (LINKS, 124));
}

#[test]
fn anchors_of_64_kib_that_differ_in_their_ends() {
    let directory = tempfile::tempdir().unwrap();
    let summary = bench("anchor", directory.path());
    assert_eq!(summary["sites"], 100);
    // A site's 64 anchors are in it once, and share what they start with.
    assert!(
        summary["bytes"].as_u64().unwrap() < 100 * 4 * (64 << 10),
        "{summary}"
    );
    let question = &summary["questions"][0]["warm"];
    assert_eq!(
        (&question["backlinks"], &question["groups_total"]),
        (&123.into(), &64.into())
    );
}

#[test]
fn very_many_anchors_to_one_page() {
    let directory = tempfile::tempdir().unwrap();
    let summary = bench("anchors", directory.path());
    assert_eq!(
        (&summary["pages"], &summary["sites"]),
        (&124.into(), &1.into())
    );
    let all = report(directory.path(), "www.one-target.com", "exact");
    assert_eq!(stats(&all), (LINKS, 124));
    assert_eq!(all["anchors"][4]["anchor"], "no. 0000000004");
}
