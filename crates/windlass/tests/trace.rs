//! `windlass trace`.
#![allow(missing_docs, clippy::unwrap_used, unreachable_pub, dead_code)]

mod support;

use std::fs;
use std::io::Read;
use std::path::Path;

use support::{demo, ingest, stderr, stdout};

const PAGE: &str = "https://docs.sqlalchemy.org/en/14/index.html";
const TARGET: &str = "http://sphinx.pocoo.org/";

fn index() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let names = [
        "docs.sqlalchemy.org-2021-03-15.warc.gz",
        "docs.sqlalchemy.org-2024-09-05.warc.gz",
    ];
    ingest(directory.path(), &names.map(demo), &[]);
    directory
}

fn arguments<'a>(index: &'a Path, rest: &[&'a str]) -> Vec<&'a str> {
    [&["trace", "--index", index.to_str().unwrap()], rest].concat()
}

/// A page of the demo crawl with the anchor of its link to [`TARGET`], which is lost.
fn a_lost_link(index: &Path) -> (String, String) {
    let lines = stdout([
        "links",
        demo("docs.sqlalchemy.org-2021-03-15.warc.gz")
            .to_str()
            .unwrap(),
    ]);
    let links = lines
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let mut to_target = links.filter(|link| link["target"] == TARGET);
    to_target
        .find_map(|link| {
            let (page, anchor) = (link["page"].as_str()?, link["anchor"].as_str()?);
            let text = stdout(arguments(index, &[page, TARGET, anchor]));
            text.contains(", lost 2024-09-05")
                .then(|| (page.to_owned(), anchor.to_owned()))
        })
        .unwrap()
}

#[test]
fn a_link_leads_to_the_bytes_that_show_it() {
    let index = index();
    let (page, anchor) = a_lost_link(index.path());
    let rest = [&page, TARGET, &anchor, "--output", "json"];
    let text = stdout(arguments(index.path(), &rest));
    let trace: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(trace["page"], page);
    assert_eq!(trace["target"], TARGET);
    assert_eq!(trace["anchor"], anchor);
    assert_eq!(trace["refdomain"], "sqlalchemy.org");
    let captures = trace["captures"].as_array().unwrap();
    let shows: Vec<bool> = captures
        .iter()
        .map(|capture| capture["shows_link"].as_bool().unwrap())
        .collect();
    assert_eq!(shows, [true, false]);
    assert_eq!(trace["lost"], captures[1]["time"]);
    let stats = [
        "stats",
        "--output",
        "json",
        "--index",
        index.path().to_str().unwrap(),
    ];
    let stats: serde_json::Value = serde_json::from_str(&stdout(stats)).unwrap();
    let files = stats["files"].as_array().unwrap();
    for capture in captures {
        let place = &capture["places"][0];
        let known = files
            .iter()
            .find(|file| file["digest"] == place["digest"])
            .unwrap();
        assert_eq!(place["file_names"], known["names"]);
        let archive = fs::read(place["file_names"][0].as_str().unwrap()).unwrap();
        let offset = usize::try_from(place["offset"].as_u64().unwrap()).unwrap();
        let mut record = String::new();
        flate2::read::GzDecoder::new(&archive[offset..])
            .read_to_string(&mut record)
            .unwrap();
        assert!(record.contains(&format!("WARC-Target-URI: {page}\r\n")));
        assert_eq!(record.contains(TARGET), capture["shows_link"]);
    }
}

#[test]
fn the_table_lists_captures_and_files() {
    let index = index();
    let (page, anchor) = a_lost_link(index.path());
    let text = stdout(arguments(index.path(), &[&page, TARGET, &anchor]));
    for part in [
        format!("page    {page}\n"),
        format!("target  {TARGET}\n"),
        format!("anchor  {anchor}\n"),
        "captured              outcome  status  link  source  file".to_owned(),
        "html        200  yes   warc     [1]".to_owned(),
        "html        200  no    warc     [2]".to_owned(),
        "\n[2] ".to_owned(),
        "docs.sqlalchemy.org-2024-09-05.warc.gz (BLAKE3 ".to_owned(),
    ] {
        assert!(text.contains(&part), "{part:?} in {text}");
    }
}

#[test]
fn what_is_not_there_is_said() {
    let index = index();
    let text = stderr(arguments(index.path(), &["sqlalchemy.org", TARGET, "x"]));
    assert!(
        text.contains("'sqlalchemy.org' is no absolute URL"),
        "{text}"
    );
    let text = stderr(arguments(index.path(), &[PAGE, TARGET, "no such anchor"]));
    assert!(
        text.contains("no capture of") && text.contains("'no such anchor'"),
        "{text}"
    );
}
