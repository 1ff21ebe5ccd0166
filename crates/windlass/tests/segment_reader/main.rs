//! A reader in Python that was written from `docs/format.md` finds in segments what `windlass export`
//! says is there, and that all else in them follows from it.
#![allow(missing_docs, clippy::unwrap_used, unreachable_pub, dead_code)]

mod crawl;
mod exported;
mod internal;
#[path = "../support/mod.rs"]
mod support;
mod warc;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use support::{demo, ingest, merged_bytes, root, segments, stdout};
use warc::Warc;

/// What the reader printed of an index, one line for each row.
struct Read {
    captures: Vec<String>,
    links: Vec<String>,
    internal: Vec<String>,
    /// What was checked, and how often each form of what can be written in several was met.
    checked: Value,
}

fn python(index: &Path) -> Output {
    Command::new("python3")
        .arg("-B")
        .arg(root().join("crates/windlass/tests/clients/segment_reader"))
        .arg(index)
        .env("PYTHONIOENCODING", "utf-8")
        .output()
        .unwrap()
}

fn read(index: &Path) -> Read {
    let output = python(index);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}");
    let text = String::from_utf8(output.stdout).unwrap();
    let of = |row: &str| -> Vec<String> {
        let start = format!("{{\"row\":\"{row}\",");
        let lines = text.lines().filter(|line| line.starts_with(&start));
        lines.map(str::to_owned).collect()
    };
    Read {
        captures: of("capture"),
        links: of("link"),
        internal: of("internal"),
        checked: serde_json::from_str(text.lines().last().unwrap()).unwrap(),
    }
}

/// Compares rows one by one, so that a difference is one row and not thousands.
fn compare(found: &[String], wanted: &[String]) {
    for (found, wanted) in found.iter().zip(wanted) {
        assert_eq!(found, wanted);
    }
    assert_eq!(found.len(), wanted.len());
}

/// Reads an index, whose captures and links must be those that are exported.
fn read_and_compare(index: &Path) -> Read {
    let read = read(index);
    let to = index.with_extension("parquet");
    let arguments = ["export".as_ref(), "--index".as_ref(), index.as_os_str()];
    stdout(
        arguments
            .into_iter()
            .chain(["--to".as_ref(), to.as_os_str()]),
    );
    let captures = exported::lines(&to.join("captures.parquet"), "capture");
    let links = exported::lines(&to.join("links.parquet"), "link");
    compare(&read.captures, &captures);
    compare(&read.links, &links);
    assert!(!captures.is_empty() && !links.is_empty());
    read
}

/// Each of these forms must have been met.
fn met(read: &Read, forms: &[&str]) {
    for form in forms {
        let times = read.checked["met"][*form].as_u64();
        assert!(times > Some(0), "no {form}: {}", read.checked);
    }
}

/// Pieces of real crawls, a WAT, and what those do not have: a segment for each.
fn crawl_index(directory: &Path) -> PathBuf {
    let [one, two] = ["one.warc", "two.warc"].map(|name| directory.join(name));
    crawl::first().write(&one);
    crawl::second().write(&two);
    let index = directory.join("index");
    let mut files = internal::DEMO.map(demo).to_vec();
    files.extend([demo("awesome-selfhosted.net.warc.wat.gz"), one, two]);
    for file in files {
        ingest(&index, &[file], &["--keep-internal", "--merge", "none"]);
    }
    index
}

#[test]
fn a_crawl_in_several_segments_and_in_one() {
    let directory = tempfile::tempdir().unwrap();
    let index = crawl_index(directory.path());
    let several = read_and_compare(&index);
    assert_eq!(several.checked["segments"], 6);
    internal::compare(&several.internal, &several.captures);
    for (column, least) in [
        ("\"lost\":null", 6000),
        ("\"lost\":1", 100),
        ("\"rel\":\"ugc sponsored followed-copy\"", 1),
        ("\"rel\":\"nofollow ugc\"", 1),
        ("\"rel\":\"nofollow page-nofollow\"", 1),
        ("\"alt\":\"a\"", 1),
        ("\"link_type\":\"frame\"", 1),
        ("\"site\":\"[2001:db8::1]\"", 1),
    ] {
        let found = several.links.iter().filter(|row| row.contains(column));
        assert!(found.count() >= least, "{column}");
    }
    met(
        &several,
        &[
            "small column",
            "small column with a minimum",
            "small column of steps",
            "block: plain",
            "block: patched",
            "block: steps",
            "block: patched steps",
            "subset in bits",
            "subset in groups of bits",
            "string list of coding 0",
            "string list of coding 1",
            "string list of coding 2",
            "byte that stands for itself",
            "string as it is",
            "string in symbols",
            "tag with bit 2",
            "tag with bit 3",
            "tag with bit 4",
            "tag with bit 5",
            "tag with bit 6",
            "tag with bit 7",
            "node",
            "final node",
            "node of one step",
            "node that leads to the one before",
            "node with an index",
        ],
    );

    merged_bytes(&index);
    let one = read_and_compare(&index);
    assert_eq!(one.checked["segments"], 1);
    compare(&one.captures, &several.captures);
    compare(&one.links, &several.links);
    compare(&one.internal, &several.internal);
}

/// An index of one archive.
fn indexed(directory: &Path, archive: &Warc, arguments: &[&str]) -> PathBuf {
    let path = directory.join("one.warc");
    archive.write(&path);
    let index = directory.join("index");
    ingest(&index, &[path], arguments);
    index
}

#[test]
fn a_large_site_and_what_is_ready_made_of_it() {
    let directory = tempfile::tempdir().unwrap();
    let index = indexed(directory.path(), &crawl::large_site(), &[]);
    let read = read_and_compare(&index);
    // The site, what is on one host, what begins with `/d/`, one URL with both schemes, one of them.
    assert_eq!(read.checked["nodes"], 5);
    met(
        &read,
        &[
            "ready links with dates",
            "groups of one link",
            "link behind others of its anchor",
            "heads",
        ],
    );
}

/// Skew, as of the web, gives blocks in which all forms of columns and lists are the shortest.
#[test]
fn a_generated_index() {
    let directory = tempfile::tempdir().unwrap();
    let index = directory.path().join("index");
    let arguments = ["bench", "--links", "20k", "--no-ask", "--keep"];
    stdout(arguments.into_iter().chain([index.to_str().unwrap()]));
    let read = read_and_compare(&index);
    assert!(read.links.iter().any(|row| !row.contains("\"lost\":null")));
    met(
        &read,
        &[
            "block: plain",
            "block: patched",
            "block: steps",
            "block: patched steps",
            "subset by places",
            "subset in groups of bits",
            "string list of coding 3",
            "exception",
            "own times",
            "pages with several captures",
        ],
    );
}

#[test]
fn the_reader_finds_damage() {
    let directory = tempfile::tempdir().unwrap();
    let index = indexed(directory.path(), &crawl::first(), &["--keep-internal"]);
    read(&index);
    let [segment]: [PathBuf; 1] = segments(&index).try_into().unwrap();
    for (path, parts) in [(segment, 8), (index.join("manifest.json"), 3)] {
        let whole = fs::read(&path).unwrap();
        for part in 0..parts {
            let mut damaged = whole.clone();
            let at = whole.len() * part / parts;
            damaged[at] ^= 0x10;
            fs::write(&path, damaged).unwrap();
            let output = python(&index);
            assert!(!output.status.success(), "byte {at} of {}", path.display());
        }
        fs::write(&path, whole).unwrap();
    }
}
