//! What the tests share: the corpus, counting, packing.

#![allow(dead_code)]

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use windlass_archive::{Archive, Limits, Payload, Problem, Record};

/// The corpus: that of `WINDLASS_CORPUS`, which must be there, or what lies beside the repository, if something does. `None`
/// is said past the test harness, which shows nothing of a test that passes.
pub(crate) fn corpus() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("WINDLASS_CORPUS").map(PathBuf::from) {
        let shown = named.display();
        assert!(named.is_dir(), "WINDLASS_CORPUS: {shown} is no folder");
        return Some(named);
    }
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    if beside.is_dir() {
        return Some(beside);
    }
    let shown = beside.display();
    let text = format!("skipped: there is no corpus at {shown}; set WINDLASS_CORPUS\n");
    std::io::stderr().write_all(text.as_bytes()).unwrap();
    None
}

/// A small archive that travels with the tests.
pub(crate) fn data(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name);
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// What a file holds, as the tables of the tests write it: `response=2 skipped=6 !bad-length=1`.
pub(crate) fn summary(archive: Result<Archive, Problem>) -> String {
    let mut archive = match archive {
        Ok(archive) => archive,
        Err(problem) => return format!("!{}", problem.kind.name()),
    };
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for item in &mut archive {
        let key = match item {
            Ok(record) => kind(&record.payload).to_owned(),
            Err(problem) => format!("~!{}", problem.kind.name()),
        };
        *counts.entry(key).or_default() += 1;
    }
    if archive.skipped() > 0 {
        counts.insert("skipped".to_owned(), archive.skipped());
    }
    let shown = counts
        .iter()
        .map(|(key, n)| format!("{}={n}", key.trim_start_matches('~')));
    shown.collect::<Vec<_>>().join(" ")
}

pub(crate) fn kind(payload: &Payload) -> &'static str {
    match payload {
        Payload::Response(_) => "response",
        Payload::Resource { .. } => "resource",
        Payload::Revisit { .. } => "revisit",
        Payload::Wat(_) => "wat",
    }
}

/// The records without their places, which depend on the packing.
pub(crate) fn without_offsets(mut records: Vec<Record>) -> Vec<Record> {
    for record in &mut records {
        record.offset = 0;
    }
    records
}

pub(crate) fn read(bytes: &[u8]) -> (Vec<Record>, Vec<Problem>) {
    windlass_archive::read_all(bytes, Limits::default())
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// One record with its header, content and separator.
pub(crate) fn warc_record(fields: &str, content: &[u8]) -> Vec<u8> {
    let mut record = format!(
        "WARC/1.0\r\n{fields}\r\nContent-Length: {}\r\n\r\n",
        content.len()
    )
    .into_bytes();
    record.extend_from_slice(content);
    record.extend_from_slice(b"\r\n\r\n");
    record
}

/// A `response` record of an HTTP message.
pub(crate) fn response(uri: &str, http: &[u8]) -> Vec<u8> {
    let fields = format!(
        "WARC-Type: response\r\nWARC-Target-URI: {uri}\r\nWARC-Date: 2024-05-18T01:58:10Z\r\n\
         Content-Type: application/http; msgtype=response"
    );
    warc_record(&fields, http)
}

/// The body of the only record, which must be a response, and the kinds of the problems.
pub(crate) fn only_body(warc: &[u8]) -> (Vec<u8>, Vec<&'static str>) {
    let (records, problems) = read(warc);
    let problems = problems.iter().map(|p| p.kind.name()).collect();
    match records.as_slice() {
        [
            Record {
                payload: Payload::Response(response),
                ..
            },
        ] => (response.body.clone(), problems),
        other => panic!("expected one response, found {other:?} and {problems:?}"),
    }
}
