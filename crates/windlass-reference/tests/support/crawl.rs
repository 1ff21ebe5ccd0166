//! Archive files, into an index and as captures.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use windlass_archive::{Archive, Limits, Problem};
use windlass_index::{IngestOptions, IngestWatcher, Writer, ingest};
use windlass_links::{Capture, ExtractOptions, Extractor, PublicSuffixList};

struct Nobody;

impl IngestWatcher for Nobody {
    fn read(&self, _: u64) {}
    fn problem(&self, _: &Path, _: &Problem) {}
    fn merging(&self, _: u64) {}
    fn making_ready(&self, _: u64) {}
    fn writing(&self, _: u64) {}
    fn advanced(&self, _: u64) {}
    fn committed(&self, _: usize) {}
}

/// The files of the demonstration crawl, in order.
pub(crate) fn demo_files() -> Vec<PathBuf> {
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../demo");
    let mut files: Vec<PathBuf> = std::fs::read_dir(demo)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "gz"))
        .collect();
    files.sort();
    files
}

/// Ingests files; each so many bytes are a segment.
pub(crate) fn ingest_files(writer: &mut Writer, files: &[PathBuf], batch_bytes: u64) {
    let options = IngestOptions {
        batch_bytes,
        memory_max: 64 << 20,
        ..IngestOptions::default()
    };
    ingest(writer, files, &options, &Nobody, &AtomicBool::new(false)).unwrap();
}

/// The captures of files.
pub(crate) fn captures(files: &[PathBuf], list: &Arc<PublicSuffixList>) -> Vec<Capture> {
    let mut extractor = Extractor::new(Arc::clone(list), ExtractOptions::default());
    let archives = files
        .iter()
        .filter_map(|path| Archive::open(path, Limits::default()).ok());
    archives
        .flat_map(Iterator::flatten)
        .filter_map(|record| extractor.capture(&record).ok())
        .collect()
}
