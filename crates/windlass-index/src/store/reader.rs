//! Reading an index while others may write it.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard};
use std::time::SystemTime;

use windlass_links::{CaptureTime, History, PublicSuffixList, Target};

use super::manifest::{Manifest, SegmentEntry, digest};
use super::{MANIFEST, PUBLIC_SUFFIX_LIST, SEGMENTS};
use crate::cache::KeptMemory;
use crate::error::IndexError;
use crate::query::{self, Question};
use crate::rows::TargetRows;
use crate::segment::{FileStamp, Segment};

/// How often the manifest is read anew where a merge removed a segment between reading it and
/// opening its segments.
pub(super) const ATTEMPTS_MAX: usize = 16;

/// One state of an index, for ever: later commits do not show, and merges that delete its files do
/// not hurt it.
#[derive(Debug)]
pub struct Snapshot {
    manifest: Manifest,
    changed: Option<SystemTime>,
    version: String,
    segments: Vec<Arc<Segment>>,
    kept: query::Kept,
    memory: KeptMemory,
    /// The Public Suffix List, once somebody has asked for it.
    suffixes: OnceLock<Arc<PublicSuffixList>>,
    directory: PathBuf,
}

impl Snapshot {
    /// Opens the present state.
    ///
    /// # Errors
    /// Where there is no index, or it cannot be read, or is damaged.
    pub fn open(directory: &Path) -> Result<Self, IndexError> {
        Self::open_keeping(directory, KeptMemory::default())
    }

    /// Opens the present state. What its questions keep for the next ones is kept in that memory.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_keeping(directory: &Path, memory: KeptMemory) -> Result<Self, IndexError> {
        Self::open_from(directory, memory, None)
    }

    fn open_from(
        directory: &Path,
        memory: KeptMemory,
        before: Option<&Self>,
    ) -> Result<Self, IndexError> {
        let known = before.map_or(&[][..], |before| &before.segments);
        let mut attempt = 0;
        loop {
            attempt += 1;
            let (manifest, changed) = read_manifest(directory)?;
            match open_segments(directory, &manifest, known, &memory) {
                Ok(segments) => {
                    let version = format!("{}-{}", manifest.generation, crc_of(&manifest));
                    let digest = &manifest.public_suffix_list_digest;
                    let known_suffixes = before
                        .filter(|before| before.manifest.public_suffix_list_digest == *digest)
                        .and_then(|before| before.suffixes.get().cloned());
                    return Ok(Self {
                        suffixes: known_suffixes.map(OnceLock::from).unwrap_or_default(),
                        manifest,
                        changed,
                        version,
                        kept: query::Kept::new(
                            &segments,
                            &memory,
                            before.map(|before| &before.kept),
                        ),
                        memory,
                        segments,
                        directory: directory.to_owned(),
                    });
                }
                // A merge has deleted it: the manifest that took its place is there already.
                Err(IndexError::Io { source, .. })
                    if source.kind() == ErrorKind::NotFound && attempt < ATTEMPTS_MAX => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// What the index consists of.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// When this state was committed, by an ingest or a merge, as far as the file system tells.
    #[must_use]
    pub fn changed(&self) -> Option<SystemTime> {
        self.changed
    }

    /// Names this state: the generation and a checksum of the manifest.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Time of the newest capture in it.
    #[must_use]
    pub fn newest_capture(&self) -> Option<CaptureTime> {
        let times = self.manifest.segments.iter();
        let newest = times
            .filter_map(|segment| segment.counts.last_capture)
            .max();
        newest.map(CaptureTime::from_unix)
    }

    /// Its segments.
    #[must_use]
    pub fn segments(&self) -> &[Arc<Segment>] {
        &self.segments
    }

    /// What questions over its segments keep for each other.
    pub(crate) fn kept(&self) -> &query::Kept {
        &self.kept
    }

    /// Whether the other one is this state, of the same files.
    fn is_same(&self, other: &Self) -> bool {
        let (own, others) = (&self.segments, &other.segments);
        self.version == other.version
            && own.len() == others.len()
            && own.iter().zip(others).all(|(a, b)| Arc::ptr_eq(a, b))
    }

    /// The memory in which its questions keep what the next ones need.
    #[must_use]
    pub fn kept_memory(&self) -> &KeptMemory {
        &self.memory
    }

    /// The Public Suffix List that the index was built with, as text (R7).
    ///
    /// # Errors
    /// Where it cannot be read, or is another one.
    pub fn public_suffix_list(&self) -> Result<String, IndexError> {
        read_public_suffix_list(&self.directory, &self.manifest)
    }

    /// That list, ready for questions. It is read when it is first asked for, and kept, also for the states that
    /// follow.
    ///
    /// # Errors
    /// Where it cannot be read, or is another one.
    pub fn suffixes(&self) -> Result<Arc<PublicSuffixList>, IndexError> {
        if let Some(list) = self.suffixes.get() {
            return Ok(Arc::clone(list));
        }
        let list = Arc::new(PublicSuffixList::parse(&self.public_suffix_list()?)?);
        Ok(Arc::clone(self.suffixes.get_or_init(|| list)))
    }

    /// The rows of a target (R15). Bytes read grow with the number of backlinks in the target's
    /// range, not with the index.
    ///
    /// # Errors
    /// Where a segment is damaged; [`IndexError::Cancelled`] soon after `cancel` is set.
    pub fn rows(
        &self,
        target: &Target,
        history: History,
        cancel: &AtomicBool,
    ) -> Result<TargetRows, IndexError> {
        self.rows_tuned(target, history, cancel, query::Tuning::default())
    }

    /// [`rows`](Self::rows), where what must be put together of several segments or sites takes no more than
    /// about so many bytes of memory, as long as the rows are there ([`TargetRows::memory`]) and before.
    ///
    /// # Errors
    /// As there; [`IndexError::Memory`] where it takes more.
    pub fn rows_in_memory(
        &self,
        target: &Target,
        history: History,
        memory_max: usize,
        cancel: &AtomicBool,
    ) -> Result<TargetRows, IndexError> {
        let tuning = query::Tuning {
            memory_max,
            ..query::Tuning::default()
        };
        self.rows_tuned(target, history, cancel, tuning)
    }

    /// [`rows`](Self::rows), where it is known before anything but their number is read that they take no more
    /// than a bound; `None` where they may. That is told in some microseconds.
    ///
    /// # Errors
    /// As there.
    pub fn rows_within(
        &self,
        bound: query::WorkBound,
        target: &Target,
        history: History,
        cancel: &AtomicBool,
    ) -> Result<Option<TargetRows>, IndexError> {
        let tuning = query::Tuning {
            // One by one: a table of all pages or anchors may be worth its while, but takes long.
            few_links: usize::MAX,
            makes_tables: false,
            ..query::Tuning::default()
        };
        let question = Question::tuned(target, history, cancel, tuning);
        query::small_rows(&self.segments, &question, bound)
    }

    /// [`rows`](Self::rows), by the ways that `tuning` says; for tests.
    #[doc(hidden)]
    pub fn rows_tuned(
        &self,
        target: &Target,
        history: History,
        cancel: &AtomicBool,
        tuning: query::Tuning,
    ) -> Result<TargetRows, IndexError> {
        let question = Question::tuned(target, history, cancel, tuning);
        query::rows(&self.segments, &self.kept, &question)
    }
}

/// The manifest, and when it was written.
pub(super) fn read_manifest(
    directory: &Path,
) -> Result<(Manifest, Option<SystemTime>), IndexError> {
    let path = directory.join(MANIFEST);
    let read = || -> io::Result<_> {
        // Both of one file, for another may take its place meanwhile.
        let mut file = File::open(&path)?;
        let changed = file.metadata()?.modified().ok();
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok((bytes, changed))
    };
    match read() {
        Ok((bytes, changed)) => Ok((Manifest::from_bytes(&path, &bytes)?, changed)),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Err(IndexError::NotAnIndex(directory.to_owned()))
        }
        Err(error) => Err(IndexError::io("reading", &path)(error)),
    }
}

/// The list of an index, which must be the one that its manifest names.
pub(super) fn read_public_suffix_list(
    directory: &Path,
    manifest: &Manifest,
) -> Result<String, IndexError> {
    let path = directory.join(PUBLIC_SUFFIX_LIST);
    let bytes = fs::read(&path).map_err(IndexError::io("reading", &path))?;
    if digest(&bytes) == manifest.public_suffix_list_digest
        && let Ok(text) = String::from_utf8(bytes)
    {
        return Ok(text);
    }
    Err(IndexError::Corrupt {
        path,
        what: "it is not the list that the index was built with".to_owned(),
    })
}

fn open_segments(
    directory: &Path,
    manifest: &Manifest,
    known: &[Arc<Segment>],
    memory: &KeptMemory,
) -> Result<Vec<Arc<Segment>>, IndexError> {
    let segments = manifest.segments.iter();
    let segments = segments.map(|entry| open_segment(directory, entry, known, memory));
    segments.collect()
}

/// The segment that an entry of the manifest names, which must be the one that is there.
pub(super) fn open_segment(
    directory: &Path,
    entry: &SegmentEntry,
    known: &[Arc<Segment>],
    memory: &KeptMemory,
) -> Result<Arc<Segment>, IndexError> {
    let path = directory.join(SEGMENTS).join(&entry.name);
    // A path alone does not tell: the index may have been put back from a copy, or made anew.
    let segment = match known.iter().find(|segment| segment.is_at(&path)) {
        Some(open) => Arc::clone(open),
        None => Arc::new(Segment::open_keeping(&path, memory)?),
    };
    let is_other = |digest: &String| *digest != segment.footer_digest();
    if segment.sizes().1 != entry.bytes
        || segment.counts() != entry.counts
        || entry.footer_digest.as_ref().is_some_and(is_other)
    {
        return Err(IndexError::Corrupt {
            path,
            what: "it is not the segment that the manifest names".to_owned(),
        });
    }
    Ok(segment)
}

fn crc_of(manifest: &Manifest) -> String {
    format!(
        "{:08x}",
        crc32fast::hash(&manifest.to_bytes().unwrap_or_default())
    )
}

/// Follows an index: always the latest state, reopened when the manifest changes.
#[derive(Debug)]
pub struct Reader {
    directory: PathBuf,
    manifest: PathBuf,
    state: RwLock<Opened>,
}

/// A state that was opened.
#[derive(Debug, Clone)]
struct Opened {
    /// Of a manifest that says so; that one, or one that was there before.
    stamp: Option<FileStamp>,
    snapshot: Arc<Snapshot>,
}

impl Opened {
    /// Whether nothing was opened since.
    fn is(&self, other: &Self) -> bool {
        self.stamp == other.stamp && Arc::ptr_eq(&self.snapshot, &other.snapshot)
    }
}

impl Reader {
    /// Opens an index.
    ///
    /// # Errors
    /// As [`Snapshot::open`].
    pub fn open(directory: &Path) -> Result<Self, IndexError> {
        Self::open_keeping(directory, KeptMemory::default())
    }

    /// Opens an index. What questions keep for the next ones is kept in that memory.
    ///
    /// # Errors
    /// As [`Snapshot::open`].
    pub fn open_keeping(directory: &Path, memory: KeptMemory) -> Result<Self, IndexError> {
        let manifest = directory.join(MANIFEST);
        let stamp = FileStamp::at(&manifest);
        let snapshot = Arc::new(Snapshot::open_keeping(directory, memory)?);
        Ok(Self {
            directory: directory.to_owned(),
            manifest,
            state: RwLock::new(Opened { stamp, snapshot }),
        })
    }

    /// Where the index lies.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The present state, or one that came after the call. Costs a look at the manifest's metadata where nothing has
    /// changed. It may be an older one than the state before, or of another index: where somebody has put back a copy,
    /// or made the index anew.
    ///
    /// # Errors
    /// Where a new manifest cannot be opened; [`pinned`](Self::pinned) then still gives the state
    /// before.
    pub fn current(&self) -> Result<Arc<Snapshot>, IndexError> {
        loop {
            let known = self.read().clone();
            // Looked at first: a manifest that takes its place meanwhile is then looked at once more.
            let stamp = FileStamp::at(&self.manifest);
            if stamp.is_some() && stamp == known.stamp {
                return Ok(known.snapshot);
            }
            // Opened without the lock, so that others go on with the state before.
            let before = &known.snapshot;
            let memory = before.memory.clone();
            let snapshot = Snapshot::open_from(&self.directory, memory, Some(before))?;
            let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
            // Another call may have opened a state meanwhile. Numbers of generations do not tell which of the two is the
            // present one; and what questions keep must not be kept twice.
            if !state.is(&known) {
                continue;
            }
            state.stamp = stamp;
            if !snapshot.is_same(before) {
                state.snapshot = Arc::new(snapshot);
            }
            return Ok(Arc::clone(&state.snapshot));
        }
    }

    /// The present state, where it is the one last opened; a look at the manifest's metadata. `None` where there
    /// is a new one, which takes time to open.
    #[must_use]
    pub fn unchanged(&self) -> Option<Arc<Snapshot>> {
        let stamp = FileStamp::at(&self.manifest)?;
        let state = self.read();
        (state.stamp == Some(stamp)).then(|| Arc::clone(&state.snapshot))
    }

    /// The state last opened.
    #[must_use]
    pub fn pinned(&self) -> Arc<Snapshot> {
        Arc::clone(&self.read().snapshot)
    }

    fn read(&self) -> RwLockReadGuard<'_, Opened> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }
}
