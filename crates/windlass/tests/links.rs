//! `windlass links`.
#![allow(missing_docs, clippy::unwrap_used, unreachable_pub, dead_code)]

mod support;

use std::fs;
use std::io::Read;
use std::process::Stdio;

use support::{demo, program, stdout, windlass};

const FIELDS: [&str; 12] = [
    "page",
    "time",
    "target",
    "anchor",
    "alt",
    "rel",
    "link_type",
    "nofollow",
    "refdomain",
    "external",
    "file",
    "offset",
];

fn crawl() -> String {
    demo("awesome-selfhosted.net.warc.gz").display().to_string()
}

#[test]
fn ndjson_has_the_fields_in_order() {
    let text = stdout(["links", &crawl()]);
    let first = text.lines().next().unwrap();
    let at: Vec<usize> = FIELDS
        .iter()
        .map(|field| first.find(&format!("\"{field}\":")).unwrap())
        .collect();
    assert!(at.is_sorted(), "{first}");
    for line in text.lines() {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(value.as_object().unwrap().len(), FIELDS.len());
        assert_eq!(value["external"], true);
        assert_eq!(value["refdomain"], "awesome-selfhosted.net");
    }
    assert!(text.lines().count() > 1000);
}

#[test]
fn tsv_says_the_same_and_internal_links_are_more() {
    let (ndjson, tsv) = (
        stdout(["links", &crawl()]),
        stdout(["links", "--output", "tsv", &crawl()]),
    );
    let mut lines = tsv.lines();
    assert_eq!(lines.next().unwrap(), FIELDS.join("\t"));
    for (tsv, ndjson) in lines.zip(ndjson.lines()) {
        let value: serde_json::Value = serde_json::from_str(ndjson).unwrap();
        let cells: Vec<&str> = tsv.split('\t').collect();
        assert_eq!(cells.len(), FIELDS.len());
        assert_eq!(
            (cells[0], cells[2], cells[3]),
            (
                value["page"].as_str().unwrap(),
                value["target"].as_str().unwrap(),
                value["anchor"].as_str().unwrap()
            )
        );
    }
    let internal = stdout(["links", "--internal", &crawl()]);
    assert!(internal.lines().count() > ndjson.lines().count());
    assert!(internal.contains("\"external\":false"));
}

#[test]
fn a_truncated_file_gives_what_is_before_the_damage() {
    let directory = tempfile::tempdir().unwrap();
    let whole = fs::read(crawl()).unwrap();
    let cut = directory.path().join("cut.warc.gz");
    fs::write(&cut, &whole[..whole.len() / 2]).unwrap();
    let output = windlass(["links", cut.to_str().unwrap(), &crawl()]);
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    let from = |name: &str| text.lines().filter(|line| line.contains(name)).count();
    let (before, all) = (from("cut.warc.gz\""), from("selfhosted.net.warc.gz\""));
    assert!(before > 100 && before < all, "{before} of {all}");
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert!(
        complaint.contains("\"kind\":\"compression\"") && complaint.contains("\"offset\":"),
        "{complaint}"
    );
}

#[test]
fn what_is_no_archive_fails_and_the_others_are_read() {
    let directory = tempfile::tempdir().unwrap();
    let nonsense = directory.path().join("nonsense.warc.gz");
    fs::write(&nonsense, "This is no archive.").unwrap();
    let output = windlass(["links", nonsense.to_str().unwrap(), &crawl()]);
    assert!(!output.status.success());
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .contains("unknown-format")
    );
    assert!(!output.stdout.is_empty());
}

#[test]
fn a_reader_who_has_enough_is_no_error() {
    let mut child = program()
        .args(["links", &crawl()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut some = [0; 100];
    child
        .stdout
        .as_mut()
        .unwrap()
        .read_exact(&mut some)
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
