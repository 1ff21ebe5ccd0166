//! From archive files to a segment: several files at once, one commit a batch.

mod twice;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use windlass_archive::{Archive, Limits, Problem, ProblemKind, Record};
use windlass_links::Capture;
use windlass_links::extract::{ExtractOptions, Extractor};

use crate::collect::{Collected, Collector, digest_text};
use crate::compact::{MergePolicy, Progress};
use crate::error::IndexError;
use crate::store::{FileEntry, ProblemNote, Writer};
use twice::{Again, Opened};

/// How many problems of one file are kept word for word in the manifest.
const PROBLEMS_KEPT_MAX: usize = 20;

/// How an ingest runs.
#[derive(Debug, Clone)]
pub struct IngestOptions {
    /// Files read at once.
    pub threads: usize,
    /// Bytes of memory for captures that are not written yet, over all threads.
    pub memory_max: usize,
    /// What is read of records.
    pub limits: Limits,
    /// Read files again that the index has.
    pub force: bool,
    /// Compressed bytes after which what was read is committed.
    pub batch_bytes: u64,
    /// Keep links within registrable domains, apart from the backlinks (R11). It belongs to the index: see
    /// [`Writer::keep_internal`].
    pub keep_internal: bool,
    /// When segments are merged, after each commit; never, where there is no policy.
    pub merge: Option<MergePolicy>,
}

impl Default for IngestOptions {
    fn default() -> Self {
        Self {
            threads: thread::available_parallelism().map_or(1, Into::into),
            memory_max: 1 << 30,
            limits: Limits::default(),
            force: false,
            batch_bytes: 4 << 30,
            keep_internal: false,
            merge: None,
        }
    }
}

/// Who looks on while an ingest runs. Called from several threads.
pub trait IngestWatcher: Sync {
    /// So many compressed bytes of the input are done.
    fn read(&self, bytes: u64);
    /// Something was wrong in a file.
    fn problem(&self, path: &Path, problem: &Problem);
    /// What was collected in memory is being written: so many units in all.
    fn writing(&self, total: u64);
    /// Runs or segments are being merged: so many units in all; 0 where there is nothing to merge.
    fn merging(&self, total: u64);
    /// Runs or segments are merged; the reports of large sites are made ready: so many units in all.
    fn making_ready(&self, total: u64);
    /// So many units of what was announced last are done.
    fn advanced(&self, done: u64);
    /// A batch of files is durable; without files, a merge.
    fn committed(&self, files: usize);
}

/// What an ingest did.
#[derive(Debug, Clone, Default)]
pub struct IngestSummary {
    /// Files read, with what was found in them.
    pub files: Vec<FileEntry>,
    /// Files that the index had already.
    pub files_known: Vec<PathBuf>,
    /// Files that could not be read, or not to their end, with the reason. Of the latter the index has what came before.
    pub files_failed: Vec<(PathBuf, String)>,
    /// Bytes read, as they lie on disk.
    pub bytes: u64,
    /// The same, decompressed.
    pub bytes_decompressed: u64,
    /// Merges of segments, after commits.
    pub merges: u64,
    /// Why a merge failed. What was read is in the index nevertheless.
    pub merge_failed: Option<String>,
}

impl IngestSummary {
    /// Problems by kind, over all files.
    #[must_use]
    pub fn problems(&self) -> BTreeMap<&str, u64> {
        let mut all = BTreeMap::new();
        for (kind, n) in self.files.iter().flat_map(|file| &file.problems) {
            *all.entry(kind.as_str()).or_default() += n;
        }
        all
    }
}

/// What one file gave.
enum Outcome {
    Read(PathBuf, FileEntry, u64),
    /// With its digest.
    Known(PathBuf, String),
    /// With its digest: that of a file which some thread had begun to read. What became of that one is known at the end.
    Repeats(PathBuf, String),
    /// With its digest, where it has one, and why.
    Failed(PathBuf, Option<String>, String),
}

/// Reads archive files into the index. Files that it has already are passed over. Each batch of
/// files is committed whole: after a crash, the files of unfinished batches are simply not in the
/// index.
///
/// # Errors
/// Where the index cannot be written, [`IndexError::InternalLinks`], or on [`IndexError::Cancelled`]; batches committed before
/// stay. What is wrong with input files is no error: it is in the summary.
pub fn ingest(
    writer: &mut Writer,
    paths: &[PathBuf],
    options: &IngestOptions,
    watcher: &dyn IngestWatcher,
    cancel: &AtomicBool,
) -> Result<IngestSummary, IndexError> {
    writer.set_memory_max(options.memory_max);
    writer.keep_internal(options.keep_internal)?;
    let mut summary = IngestSummary::default();
    let sized: Vec<(u64, &PathBuf)> = paths
        .iter()
        .map(|path| (path.metadata().map_or(0, |m| m.len()), path))
        .collect();
    let mut rest = sized.as_slice();
    while !rest.is_empty() {
        // Not to read what could not be committed.
        writer.check_settled()?;
        let mut bytes = 0;
        let fits = rest.iter().take_while(|(length, _)| {
            let is_within = bytes < options.batch_bytes;
            bytes += length;
            is_within
        });
        let (batch, after) = rest.split_at(fits.count().max(1));
        rest = after;
        ingest_batch(writer, batch, options, watcher, cancel, &mut summary)?;
        merge_due(writer, options, watcher, cancel, &mut summary)?;
    }
    Ok(summary)
}

/// Merges until nothing is due. The ingest goes on where a merge fails: it needs more disk than the
/// next batch may.
fn merge_due(
    writer: &mut Writer,
    options: &IngestOptions,
    watcher: &dyn IngestWatcher,
    cancel: &AtomicBool,
    summary: &mut IngestSummary,
) -> Result<(), IndexError> {
    let Some(policy) = options.merge else {
        return Ok(());
    };
    while let Some(plan) = writer
        .next_merge(&policy)
        .filter(|_| summary.merge_failed.is_none())
    {
        watcher.merging(plan.units);
        match writer.merge(&plan, &Watched(watcher), cancel) {
            Ok(_) => summary.merges += 1,
            Err(IndexError::Cancelled) => return Err(IndexError::Cancelled),
            Err(error) => summary.merge_failed = Some(error.to_string()),
        }
        watcher.committed(0);
    }
    Ok(())
}

fn ingest_batch(
    writer: &mut Writer,
    batch: &[(u64, &PathBuf)],
    options: &IngestOptions,
    watcher: &dyn IngestWatcher,
    cancel: &AtomicBool,
    summary: &mut IngestSummary,
) -> Result<(), IndexError> {
    // The largest first, so that the threads end together.
    let mut order = batch.to_vec();
    order.sort_by_key(|(bytes, _)| std::cmp::Reverse(*bytes));
    let threads = options.threads.clamp(1, order.len().max(1));
    let shared = Shared {
        writer,
        order: &order,
        next: AtomicUsize::new(0),
        begun: Mutex::default(),
        options,
        memory_max: options.memory_max / threads,
        watcher,
        cancel,
        failed: AtomicBool::new(false),
    };
    let results: Vec<Result<(Collected, Vec<Outcome>), IndexError>> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|_| scope.spawn(|| shared.work()))
            .collect();
        workers
            .into_iter()
            .map(|worker| {
                worker
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
            .collect()
    });
    let mut collected = Collected::default();
    let mut files = Vec::new();
    let (mut repeating, mut failed) = (Vec::new(), HashMap::new());
    for result in root_cause_first(results) {
        let (more, outcomes) = result?;
        collected.append(more);
        for outcome in outcomes {
            match outcome {
                Outcome::Read(path, file, decompressed) => {
                    summary.bytes += file.bytes;
                    summary.bytes_decompressed += decompressed;
                    if let Some(why) = file.read_error() {
                        failed.insert(file.digest.clone(), why.clone());
                        summary.files_failed.push((path, why));
                    }
                    files.push(file);
                }
                Outcome::Known(path, digest) => {
                    writer.note_name(digest, path.display().to_string());
                    summary.files_known.push(path);
                }
                Outcome::Repeats(path, digest) => repeating.push((path, digest)),
                Outcome::Failed(path, digest, why) => {
                    failed.extend(digest.map(|digest| (digest, why.clone())));
                    summary.files_failed.push((path, why));
                }
            }
        }
    }
    for (path, digest) in repeating {
        match failed.get(&digest) {
            Some(why) => summary.files_failed.push((path, why.clone())),
            None => {
                writer.note_name(digest, path.display().to_string());
                summary.files_known.push(path);
            }
        }
    }
    if !files.is_empty() {
        let n = files.len();
        summary.files.extend(files.iter().cloned());
        watcher.writing(collected.write_total());
        let collected = writer.write_collected(collected, &Watched(watcher))?;
        watcher.merging(collected.merge_total());
        writer.commit_collected(collected, files, &Watched(watcher), cancel)?;
        watcher.committed(n);
    }
    Ok(())
}

/// Where one thread failed, the others were stopped: its error is the one to tell.
fn root_cause_first<T>(mut results: Vec<Result<T, IndexError>>) -> Vec<Result<T, IndexError>> {
    let is_cause =
        |result: &Result<T, IndexError>| !matches!(result, Ok(_) | Err(IndexError::Cancelled));
    results.sort_by_key(|result| !is_cause(result));
    results
}

struct Watched<'a>(&'a dyn IngestWatcher);

impl Progress for Watched<'_> {
    fn advance(&self, done: u64) {
        self.0.advanced(done);
    }

    fn making_ready(&self, total: u64) {
        self.0.making_ready(total);
    }

    fn readied(&self, done: u64) {
        self.0.advanced(done);
    }
}

struct Shared<'a> {
    writer: &'a Writer,
    order: &'a [(u64, &'a PathBuf)],
    next: AtomicUsize,
    /// Digests of the files that some thread has begun to read.
    begun: Mutex<HashSet<[u8; 32]>>,
    options: &'a IngestOptions,
    memory_max: usize,
    watcher: &'a dyn IngestWatcher,
    cancel: &'a AtomicBool,
    /// Another thread met an error of the index's own.
    failed: AtomicBool,
}

impl Shared<'_> {
    fn work(&self) -> Result<(Collected, Vec<Outcome>), IndexError> {
        let result = self.work_until_done();
        if result.is_err() {
            self.failed.store(true, Ordering::Relaxed);
        }
        result
    }

    fn work_until_done(&self) -> Result<(Collected, Vec<Outcome>), IndexError> {
        let mut collector = Collector::new(self.writer, self.memory_max);
        let list = Arc::clone(self.writer.public_suffix_list());
        let mut extractor = Extractor::new(
            list,
            ExtractOptions {
                // Where they are not kept they are only counted (R11).
                keep_internal: self.options.keep_internal,
            },
        );
        let mut outcomes = Vec::new();
        while let Some((_, path)) = self.order.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            outcomes.push(self.file(path, &mut collector, &mut extractor)?);
        }
        Ok((collector.finish()?, outcomes))
    }

    fn check_cancelled(&self) -> Result<(), IndexError> {
        if self.cancel.load(Ordering::Relaxed) || self.failed.load(Ordering::Relaxed) {
            return Err(IndexError::Cancelled);
        }
        Ok(())
    }

    /// Whether all of a file is in the index.
    fn is_known(&self, digest: &str) -> bool {
        let known = self.writer.manifest().file(digest);
        known.is_some_and(|file| file.read_error().is_none())
    }

    fn file(
        &self,
        path: &Path,
        collector: &mut Collector<'_>,
        extractor: &mut Extractor,
    ) -> Result<Outcome, IndexError> {
        self.check_cancelled()?;
        let opened = match Opened::read(path) {
            Ok(opened) => opened,
            Err(error) => {
                let why = error.to_string();
                return Ok(Outcome::Failed(path.to_owned(), None, why));
            }
        };
        let (digest, bytes) = (opened.digest, opened.bytes);
        let text = digest_text(&digest);
        let failed = |why: String| {
            let digest = Some(digest_text(&digest));
            Ok(Outcome::Failed(path.to_owned(), digest, why))
        };
        let is_first = self
            .begun
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(digest);
        if !is_first || (!self.options.force && self.is_known(&text)) {
            self.watcher.read(bytes);
            let path = path.to_owned();
            return Ok(if is_first {
                Outcome::Known(path, text)
            } else {
                Outcome::Repeats(path, text)
            });
        }
        let mut again = match opened.again() {
            Ok(again) => again,
            Err(error) => return failed(error.to_string()),
        };
        let opened = again
            .second()
            .map(|second| Archive::from_reader(second, self.options.limits));
        let mut archive = match opened {
            Err(error) => return failed(error.to_string()),
            Ok(Ok(archive)) => archive,
            Ok(Err(problem)) => {
                self.watcher.read(bytes);
                return failed(problem.to_string());
            }
        };
        let mut entry = FileEntry {
            digest: text,
            names: vec![path.display().to_string()],
            bytes,
            ..FileEntry::default()
        };
        self.records(path, &mut archive, &mut entry, |record, entry| {
            match extractor.capture(&record) {
                Ok(capture) => {
                    count(entry, &capture);
                    collector.add(&capture, digest, record.offset)?;
                }
                Err(skip) => {
                    let skipped = entry.captures_skipped.entry(skip.name().to_owned());
                    *skipped.or_default() += 1;
                }
            }
            Ok(())
        })?;
        if let Some(problem) = changed(&mut again, archive.bytes_read())
            && entry.read_error().is_none()
        {
            self.watcher.problem(path, &problem);
            note(&mut entry, &problem);
        }
        entry.records_skipped = archive.skipped();
        let decompressed = archive.bytes_decompressed();
        Ok(Outcome::Read(path.to_owned(), entry, decompressed))
    }

    /// Calls `each` with the records of a file, and notes what is wrong in it.
    fn records(
        &self,
        path: &Path,
        archive: &mut Archive,
        entry: &mut FileEntry,
        mut each: impl FnMut(Record, &mut FileEntry) -> Result<(), IndexError>,
    ) -> Result<(), IndexError> {
        let mut reported = 0;
        while let Some(item) = archive.next() {
            let done = archive.bytes_read().min(entry.bytes);
            if done > reported {
                self.watcher.read(done - reported);
                reported = done;
                self.check_cancelled()?;
            }
            match item {
                Err(problem) => {
                    self.watcher.problem(path, &problem);
                    note(entry, &problem);
                }
                Ok(record) => each(record, entry)?,
            }
        }
        self.watcher.read(entry.bytes.saturating_sub(reported));
        Ok(())
    }
}

/// Counts what a capture has.
fn count(entry: &mut FileEntry, capture: &Capture) {
    let counts = capture.counts;
    entry.captures += 1;
    entry.links += u64::from(counts.internal) + u64::from(counts.external);
    entry.external_links += u64::from(counts.external);
    entry.links_rejected += u64::from(counts.rejected);
    entry.anchors_cut += u64::from(counts.anchors_cut);
}

/// What is wrong where a file is not what it was when its digest was made; that was found when it was read to `offset`.
fn changed(again: &mut Again, offset: u64) -> Option<Problem> {
    let message = match again.is_what_it_was() {
        Ok(true) => return None,
        Ok(false) => "it changed while it was read".to_owned(),
        Err(error) => error.to_string(),
    };
    Some(Problem {
        offset,
        kind: ProblemKind::Io,
        message,
    })
}

fn note(entry: &mut FileEntry, problem: &Problem) {
    *entry
        .problems
        .entry(problem.kind.name().to_owned())
        .or_default() += 1;
    // What kept a file from being read to its end is told of it, whatever came before.
    if problem.kind == ProblemKind::Io && entry.first_problems.len() >= PROBLEMS_KEPT_MAX {
        entry.first_problems.truncate(PROBLEMS_KEPT_MAX - 1);
    }
    if entry.first_problems.len() < PROBLEMS_KEPT_MAX {
        entry.first_problems.push(ProblemNote {
            offset: problem.offset,
            kind: problem.kind.name().to_owned(),
            message: problem.message.clone(),
        });
    }
}
