//! Every table in every format over the demo crawl, to the byte.
#![allow(missing_docs, clippy::unwrap_used, unreachable_pub, dead_code)]

mod support;

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use support::{demo, root, stdout};
use windlass_index::Snapshot;
use windlass_report::table::Source;
use windlass_report::{AnswerLimits, Output, Query, Table, answer};

/// Compares with a golden file; writes it anew where `WINDLASS_BLESS` is set.
fn check(file: &str, found: &[u8]) {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden")).join(file);
    if std::env::var_os("WINDLASS_BLESS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, found).unwrap();
    }
    let expected = fs::read(&path).unwrap_or_default();
    assert!(
        found == expected,
        "{file} is another now; WINDLASS_BLESS=1 accepts what was found, which begins\n{}",
        String::from_utf8_lossy(found.get(..2000.min(found.len())).unwrap_or_default())
    );
}

#[test]
fn every_table_in_every_format() {
    let folder = tempfile::tempdir().unwrap();
    let index = folder.path().join("index");
    let crawl = root().join("demo");
    assert!(demo("NOTICE").exists());
    stdout([
        "ingest".as_ref(),
        "--keep-internal".as_ref(),
        "--index".as_ref(),
        index.as_os_str(),
        crawl.as_os_str(),
    ]);
    let snapshot = Arc::new(Snapshot::open(&index).unwrap());
    let cancel = AtomicBool::new(false);
    for table in Table::ALL {
        // Those that other sites link to have more backlinks, those that were crawled have pages.
        let target = match table.source {
            Source::Account => continue,
            Source::Outgoing | Source::Pages => "docs.sqlalchemy.org",
            _ => "postgresql.org",
        };
        for output in Output::ALL {
            let parameters = [
                ("from", table.name),
                ("target", target),
                ("mode", "subdomains"),
                ("history", "all_time"),
                ("limit", "3"),
                ("output", output.name()),
            ];
            let query = Query::from_params(parameters).unwrap();
            let answer = answer(&query, &snapshot, AnswerLimits::default(), &cancel).unwrap();
            assert!(
                answer.results() > 0 && answer.emptiness().is_none(),
                "{}",
                table.name
            );
            let mut found = Vec::new();
            answer.write(output, &mut found).unwrap();
            check(&format!("{}.{}", table.name, output.name()), &found);
        }
    }
}
