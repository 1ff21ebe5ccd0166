//! From archive files to a segment: several files at once, one commit a batch.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use windlass_archive::{Archive, Limits, Problem, ProblemKind};
use windlass_links::extract::{ExtractOptions, Extractor};

use crate::collect::{Collected, Collector, digest_text};
use crate::compact::{MergePolicy, Progress};
use crate::error::IndexError;
use crate::store::{FileEntry, ProblemNote, Writer};

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
        let mut reported = 0;
        while let Some(item) = archive.next() {
            let done = archive.bytes_read().min(bytes);
            if done > reported {
                self.watcher.read(done - reported);
                reported = done;
                self.check_cancelled()?;
            }
            match item {
                Err(problem) => {
                    self.watcher.problem(path, &problem);
                    note(&mut entry, &problem);
                }
                Ok(record) => match extractor.capture(&record) {
                    Ok(capture) => {
                        entry.captures += 1;
                        let counts = capture.counts;
                        entry.links += u64::from(counts.internal) + u64::from(counts.external);
                        entry.external_links += u64::from(counts.external);
                        entry.links_rejected += u64::from(counts.rejected);
                        entry.anchors_cut += u64::from(counts.anchors_cut);
                        collector.add(&capture, digest, record.offset)?;
                    }
                    Err(skip) => {
                        *entry
                            .captures_skipped
                            .entry(skip.name().to_owned())
                            .or_default() += 1;
                    }
                },
            }
        }
        self.watcher.read(bytes.saturating_sub(reported));
        let offset = archive.bytes_read();
        let changed = match again.is_what_it_was() {
            Ok(true) => None,
            Ok(false) => Some("it changed while it was read".to_owned()),
            Err(error) => Some(error.to_string()),
        };
        if let Some(message) = changed
            && entry.read_error().is_none()
        {
            let kind = ProblemKind::Io;
            let problem = Problem {
                offset,
                kind,
                message,
            };
            self.watcher.problem(path, &problem);
            note(&mut entry, &problem);
        }
        entry.records_skipped = archive.skipped();
        let decompressed = archive.bytes_decompressed();
        Ok(Outcome::Read(path.to_owned(), entry, decompressed))
    }
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

/// An archive file that was read to its end once, for its digest. It stays open: another may take its path before it
/// is read for what is in it.
struct Opened {
    file: File,
    digest: [u8; 32],
    bytes: u64,
}

impl Opened {
    /// Of a file that can be read again, and has an end.
    fn read(path: &Path) -> io::Result<Self> {
        let found = fs::metadata(path)?;
        if !found.is_file() {
            let what = if found.is_dir() {
                // Folders that can be listed are not asked to be read.
                fs::read_dir(path)?;
                "a folder"
            } else {
                "a pipe or a device"
            };
            let text = format!("it is {what}, not a file; archives are read twice");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        let mut hashed = Hashed::new(File::open(path)?);
        let bytes = hashed.read_on()?;
        Ok(Self {
            digest: hashed.digest(),
            file: hashed.file,
            bytes,
        })
    }

    /// From its beginning.
    fn again(mut self) -> io::Result<Again> {
        self.file.rewind()?;
        Ok(Again {
            hashed: Hashed::new(self.file),
            digest: self.digest,
        })
    }
}

/// A file that is read the second time, and whether it is still what it was the first time. Its bytes are compared,
/// by their digests: what a file system says of the time of a change is coarse, and may be set.
struct Again {
    hashed: Hashed,
    digest: [u8; 32],
}

impl Again {
    /// Who reads it.
    fn second(&self) -> io::Result<Hashed> {
        Ok(Hashed {
            // They share their place in the file.
            file: self.hashed.file.try_clone()?,
            hasher: Arc::clone(&self.hashed.hasher),
        })
    }

    /// Whether all that was read, and what was left, is what it was.
    fn is_what_it_was(&mut self) -> io::Result<bool> {
        self.hashed.read_on()?;
        Ok(self.hashed.digest() == self.digest)
    }
}

/// A file, and the digest of what was read of it.
struct Hashed {
    file: File,
    hasher: Arc<Mutex<blake3::Hasher>>,
}

impl Hashed {
    fn new(file: File) -> Self {
        Self {
            file,
            hasher: Arc::default(),
        }
    }

    fn hasher(&self) -> MutexGuard<'_, blake3::Hasher> {
        self.hasher.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn digest(&self) -> [u8; 32] {
        *self.hasher().finalize().as_bytes()
    }

    /// Reads what is left, and says how much that is.
    fn read_on(&mut self) -> io::Result<u64> {
        let mut buffer = vec![0; 1 << 18];
        let mut bytes = 0;
        loop {
            match self.read(&mut buffer) {
                Ok(0) => return Ok(bytes),
                Ok(n) => bytes += n as u64,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl Read for Hashed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.file.read(buffer)?;
        self.hasher().update(buffer.get(..n).unwrap_or_default());
        Ok(n)
    }
}
