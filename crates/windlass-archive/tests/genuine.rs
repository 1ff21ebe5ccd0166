//! Every genuine and every derived archive of the corpus, with what is in it.
//!
//! Records were counted a second time with Python's `warcio` wherever it reads the file; bodies,
//! URIs and statuses agree. Where it does not read a file, or where a line has problems, the file
//! was looked at by hand; the comment says what is wrong with it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::collections::BTreeMap;
use std::path::Path;

use windlass_archive::{Archive, Limits};

/// Path in the corpus, a blank, what is in the file; `#` starts a comment.
const EXPECTED: &str = include_str!("genuine.txt");

fn expected() -> BTreeMap<&'static str, String> {
    let lines = EXPECTED
        .lines()
        .map(|l| l.split('#').next().unwrap_or(l).trim());
    lines
        .filter(|line| !line.is_empty())
        .map(|line| {
            let (path, counts) = line.split_once(' ').unwrap_or((line, ""));
            (path, counts.trim().to_owned())
        })
        .collect()
}

fn files_below(root: &Path, folder: &str, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(root.join(folder)).unwrap() {
        let entry = entry.unwrap();
        let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
        if entry.file_type().unwrap().is_dir() {
            files_below(root, &path, found);
        } else {
            found.push(path);
        }
    }
}

#[test]
fn every_genuine_and_derived_file_reads_as_written_down() {
    let Some(corpus) = support::corpus() else {
        return;
    };
    let mut files = Vec::new();
    files_below(&corpus, "genuine", &mut files);
    files_below(&corpus, "derived", &mut files);
    let found: BTreeMap<&str, String> = files
        .iter()
        .map(|file| {
            let archive = Archive::open(&corpus.join(file), Limits::default());
            (file.as_str(), support::summary(archive))
        })
        .collect();
    let expected = expected();
    let differing: Vec<String> = found
        .iter()
        .filter(|(file, counts)| expected.get(**file) != Some(counts))
        .map(|(file, counts)| format!("{file} {counts} (expected {:?})", expected.get(*file)))
        .collect();
    assert!(differing.is_empty(), "{}", differing.join("\n"));
    let missing: Vec<_> = expected
        .keys()
        .filter(|f| !found.contains_key(*f))
        .collect();
    assert!(missing.is_empty(), "not in the corpus: {missing:?}");
}
