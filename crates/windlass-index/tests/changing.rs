//! Archive files that change while they are read.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use tempfile::TempDir;
use windlass_archive::Problem;
use windlass_index::{IngestOptions, IngestSummary, IngestWatcher, Writer, ingest};

/// Changes something when the first record was read.
struct Changing<'a> {
    change: &'a (dyn Fn() + Sync),
    is_done: AtomicBool,
}

impl IngestWatcher for Changing<'_> {
    fn read(&self, _: u64) {
        if !self.is_done.swap(true, Ordering::Relaxed) {
            (self.change)();
        }
    }

    fn problem(&self, _: &Path, _: &Problem) {}
    fn writing(&self, _: u64) {}
    fn merging(&self, _: u64) {}
    fn making_ready(&self, _: u64) {}
    fn advanced(&self, _: u64) {}
    fn committed(&self, _: usize) {}
}

/// A WARC of pages of 200 KiB each that link to a site.
fn archive(pages: usize, site: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for page in 0..pages {
        let message = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<a href=http://{site}/>{site}</a>{}",
            " ".repeat(200 << 10)
        );
        write!(
            out,
            "WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://source.org/{page}\r\n\
             WARC-Date: 2024-01-01T00:00:00Z\r\nContent-Type: application/http\r\n\
             Content-Length: {}\r\n\r\n{message}\r\n\r\n",
            message.len()
        )
        .unwrap();
    }
    out
}

const PAGES: usize = 40;

struct Crawl {
    directory: TempDir,
    path: PathBuf,
    whole: Vec<u8>,
}

impl Crawl {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("crawl.warc");
        let whole = archive(PAGES, "target-a.org");
        fs::write(&path, &whole).unwrap();
        Self {
            directory,
            path,
            whole,
        }
    }

    fn writer(&self) -> Writer {
        Writer::open(&self.directory.path().join("index"), None).unwrap()
    }

    /// Ingests the file, which changes when its first record was read.
    fn ingest(&self, change: &(dyn Fn() + Sync)) -> IngestSummary {
        let watcher = Changing {
            change,
            is_done: AtomicBool::new(false),
        };
        let (options, never) = (IngestOptions::default(), AtomicBool::new(false));
        let paths = std::slice::from_ref(&self.path);
        ingest(&mut self.writer(), paths, &options, &watcher, &never).unwrap()
    }
}

#[test]
fn a_file_that_changes_has_failed_and_is_read_again() {
    let changes: [fn(&Crawl); 3] = [
        |crawl| {
            let mut file = File::options().append(true).open(&crawl.path).unwrap();
            file.write_all(b"more").unwrap();
        },
        |crawl| {
            let file = File::options().write(true).open(&crawl.path).unwrap();
            file.set_len(crawl.whole.len() as u64 / 2).unwrap();
        },
        // Of the same length, in place.
        |crawl| fs::write(&crawl.path, archive(PAGES, "target-b.org")).unwrap(),
    ];
    for change in changes {
        let crawl = Crawl::new();
        let summary = crawl.ingest(&|| change(&crawl));
        let [(path, why)] = summary.files_failed.as_slice() else {
            panic!("{:?}", summary.files_failed);
        };
        assert_eq!(path, &crawl.path);
        assert!(why.ends_with("it changed while it was read"), "{why}");
        assert!(crawl.writer().manifest().files[0].read_error().is_some());
        // As it was when its digest was taken.
        fs::write(&crawl.path, &crawl.whole).unwrap();
        let summary = crawl.ingest(&|| {});
        assert_eq!((summary.files.len(), summary.files_failed.len()), (1, 0));
        assert_eq!(summary.files[0].captures, PAGES as u64);
        let summary = crawl.ingest(&|| {});
        assert_eq!((summary.files.len(), summary.files_known.len()), (0, 1));
    }
}

#[test]
fn a_file_whose_path_another_takes_is_read_as_it_was() {
    let crawl = Crawl::new();
    let other = crawl.path.with_file_name("other.warc");
    fs::write(&other, archive(1, "target-b.org")).unwrap();
    let summary = crawl.ingest(&|| fs::rename(&other, &crawl.path).unwrap());
    assert_eq!(summary.files_failed.len(), 0, "{:?}", summary.files_failed);
    assert_eq!(summary.files[0].captures, PAGES as u64);
    let summary = crawl.ingest(&|| {});
    assert_eq!(summary.files[0].captures, 1);
    fs::write(&crawl.path, &crawl.whole).unwrap();
    assert_eq!(crawl.ingest(&|| {}).files_known.len(), 1);
}

/// Why a file was not read to its end is told, however much else is wrong in it.
#[test]
fn what_kept_a_file_from_being_read_is_told_whatever_came_before() {
    const DAMAGED: usize = 30;
    let crawl = Crawl::new();
    let mut bytes = b"no record\r\n\r\n".to_vec();
    for _ in 0..DAMAGED {
        bytes.extend_from_slice(&archive(1, "target-a.org"));
        bytes.extend_from_slice(b"no record\r\n\r\n");
    }
    fs::write(&crawl.path, &bytes).unwrap();
    let summary = crawl.ingest(&|| {
        let mut file = File::options().append(true).open(&crawl.path).unwrap();
        file.write_all(b"more").unwrap();
    });
    let problems: u64 = summary.files[0].problems.values().sum();
    assert!(problems > DAMAGED as u64, "{problems}");
    let why = &summary.files_failed[0].1;
    assert!(why.ends_with("it changed while it was read"), "{why}");
    let writer = crawl.writer();
    let kept = &writer.manifest().files[0];
    assert_eq!(kept.first_problems.len(), 20);
    assert_eq!(kept.read_error().as_ref(), Some(why));
}
