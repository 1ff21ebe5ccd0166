//! Writing an index: one process at a time.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{BufWriter, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use windlass_links::PublicSuffixList;

use super::durable::{self, Identity, ReplaceError};
use super::lock::{self, Held, Waiting, Work};
use super::manifest::{FileEntry, Manifest, SegmentEntry, digest};
use super::reader::{open_segment, read_public_suffix_list};
use super::unnamed::Unnamed;
use super::{MANIFEST, PUBLIC_SUFFIX_LIST, SEGMENTS, TMP};
use crate::cache::KeptMemory;
use crate::compact::Progress;
use crate::error::IndexError;
use crate::ready;
use crate::segment::{Segment, WriteError, Written};
use crate::spool::{SPOOL_ENDING, Scratch};

/// Memory of a writer's merges, in bytes, where nobody says.
pub(crate) const DEFAULT_MEMORY: usize = 1 << 30;

/// The one writer of an index. While it lives, the lock is held; a dead process holds none.
#[derive(Debug)]
pub struct Writer {
    directory: PathBuf,
    lock: Arc<Held>,
    manifest: Manifest,
    list: Arc<PublicSuffixList>,
    next_temporary: AtomicU64,
    memory_max: usize,
    ready_links_min: usize,
    /// Why a commit failed so that nobody knows which manifest a loss of power would leave.
    unsettled: Option<String>,
    left_behind: Option<IndexError>,
    /// Digests of files and further names of them, for the next commit.
    names: Vec<(String, String)>,
}

impl Writer {
    /// Opens an index for writing, or makes a new one. `public_suffix_list` is the text of a list
    /// (R7); without it an existing index keeps its own, a new one gets the list that travels with
    /// Windlass.
    ///
    /// # Errors
    /// [`IndexError::Locked`] where another process writes; [`IndexError::PublicSuffixList`] where
    /// the list given is not the index's; [`IndexError::Occupied`] where the directory has segments
    /// but no manifest.
    pub fn open(directory: &Path, public_suffix_list: Option<&str>) -> Result<Self, IndexError> {
        Self::open_for(directory, public_suffix_list, Work::Writing)
    }

    /// [`open`](Self::open), with what others are told that it is doing.
    pub(crate) fn open_for(
        directory: &Path,
        public_suffix_list: Option<&str>,
        work: Work,
    ) -> Result<Self, IndexError> {
        Self::open_with(directory, public_suffix_list, |directory| {
            lock::take(directory, work)
        })
    }

    /// [`open`](Self::open), after waiting for another writer to end. Others are told what this one
    /// is doing; merges in the background give way to it.
    ///
    /// # Errors
    /// As there; [`IndexError::Locked`] only after the time to wait.
    pub fn open_waiting(
        directory: &Path,
        public_suffix_list: Option<&str>,
        work: Work,
        waiting: &Waiting<'_>,
    ) -> Result<Self, IndexError> {
        Self::open_with(directory, public_suffix_list, |directory| {
            lock::wait(directory, work, waiting)
        })
    }

    fn open_with(
        directory: &Path,
        public_suffix_list: Option<&str>,
        lock: impl FnOnce(&Path) -> Result<Held, IndexError>,
    ) -> Result<Self, IndexError> {
        let path = directory.join(MANIFEST);
        if !path.exists() {
            check_outside(directory)?;
        }
        durable::create_directory(directory)?;
        let lock = Arc::new(lock(directory)?);
        let known = match fs::read(&path) {
            Ok(bytes) => Some(Manifest::from_bytes(&path, &bytes)?),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(IndexError::io("reading", &path)(error)),
        };
        let is_new = known.is_none();
        let (manifest, list) = match known {
            Some(manifest) => {
                let list =
                    PublicSuffixList::parse(&read_public_suffix_list(directory, &manifest)?)?;
                if let Some(given) = public_suffix_list
                    .filter(|given| digest(given.as_bytes()) != manifest.public_suffix_list_digest)
                {
                    return Err(IndexError::PublicSuffixList {
                        index: manifest.public_suffix_list,
                        given: PublicSuffixList::parse(given)?.version().to_owned(),
                    });
                }
                // The writer before may have died between the rename and the fsync: before anything
                // is removed that only the older manifest names, this one must be there to stay.
                durable::sync_directory(directory)?;
                check_segments(directory, &manifest)?;
                (manifest, list)
            }
            None => {
                let text = public_suffix_list.unwrap_or(PublicSuffixList::BUNDLED);
                let list = PublicSuffixList::parse(text)?;
                check_unoccupied(directory)?;
                let manifest = Manifest::empty(list.version().to_owned(), digest(text.as_bytes()));
                (manifest, list)
            }
        };
        for part in [SEGMENTS, TMP] {
            durable::create_directory(&directory.join(part))?;
        }
        check_file_systems(directory)?;
        let mut writer = Self {
            directory: directory.to_owned(),
            lock,
            manifest,
            list: Arc::new(list),
            next_temporary: AtomicU64::new(0),
            memory_max: DEFAULT_MEMORY,
            ready_links_min: ready::LINKS_MIN,
            unsettled: None,
            left_behind: None,
            names: Vec::new(),
        };
        writer.remove_garbage()?;
        if is_new {
            writer.begin(public_suffix_list.unwrap_or(PublicSuffixList::BUNDLED))?;
        }
        Ok(writer)
    }

    /// Says whether links within registrable domains are kept (R11). That is chosen for an index that holds
    /// nothing yet, and then belongs to it.
    ///
    /// # Errors
    /// [`IndexError::InternalLinks`] where the index was built with the other choice; or where the manifest
    /// cannot be written.
    pub fn keep_internal(&mut self, keep: bool) -> Result<(), IndexError> {
        if self.manifest.keep_internal == keep {
            return Ok(());
        }
        self.check_settled()?;
        if !self.manifest.segments.is_empty() || !self.manifest.files.is_empty() {
            return Err(IndexError::InternalLinks {
                path: self.directory.clone(),
                kept: self.manifest.keep_internal,
            });
        }
        let mut manifest = self.manifest.clone();
        manifest.generation += 1;
        manifest.keep_internal = keep;
        self.replace_manifest(manifest)?;
        Ok(())
    }

    /// Bounds the memory that merges of this writer use; 1 GiB where nobody says. What they need in any case
    /// `docs/operations.md` tells: 16 bytes for each page that links to the largest site are the most of it.
    pub fn set_memory_max(&mut self, bytes: usize) {
        self.memory_max = bytes;
    }

    pub(crate) fn memory_max(&self) -> usize {
        self.memory_max
    }

    /// For what does not fit into memory.
    pub(crate) fn scratch(&self) -> Arc<Scratch> {
        Scratch::within(self.directory.join(TMP), self.memory_max)
    }

    /// From how many live links on reports are made ready (see `docs/format.md`); for tests, which
    /// have few.
    #[doc(hidden)]
    pub fn set_ready_links_min(&mut self, links: usize) {
        self.ready_links_min = links;
    }

    /// Makes the directory an index, if an empty one.
    fn begin(&mut self, public_suffix_list: &str) -> Result<(), IndexError> {
        durable::sync_entry(&self.directory)?;
        durable::replace(
            &self.directory.join(PUBLIC_SUFFIX_LIST),
            &self.directory.join(TMP).join(PUBLIC_SUFFIX_LIST),
            public_suffix_list.as_bytes(),
            || self.lock.check(),
        )?;
        let mut manifest = self.manifest.clone();
        manifest.generation = 1;
        self.replace_manifest(manifest)?;
        Ok(())
    }

    /// What the index consists of.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The Public Suffix List of the index (R7).
    #[must_use]
    pub fn public_suffix_list(&self) -> &Arc<PublicSuffixList> {
        &self.list
    }

    /// Where the index lies.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// The segments of the present state that have these names.
    pub(crate) fn open_segments(&self, names: &[String]) -> Result<Vec<Arc<Segment>>, IndexError> {
        self.manifest
            .segments
            .iter()
            .filter(|entry| names.contains(&entry.name))
            .map(|entry| self.open_segment(entry))
            .collect()
    }

    fn open_segment(&self, entry: &SegmentEntry) -> Result<Arc<Segment>, IndexError> {
        open_segment(&self.directory, entry, &[], &KeptMemory::default())
    }

    /// Writes a segment that belongs to nothing yet, durably.
    pub(crate) fn write_segment<E>(
        &self,
        write: impl FnOnce(BufWriter<File>) -> Result<(BufWriter<File>, Written), E>,
        error: impl FnOnce(E, &Path) -> IndexError,
    ) -> Result<Unnamed, IndexError> {
        self.lock.check()?;
        let (path, file) = self.temporary()?;
        let metadata = file.metadata().map_err(IndexError::io("reading", &path))?;
        let mut unnamed = Unnamed::new(path.clone(), Identity::of(&metadata), &self.lock);
        let written = write(BufWriter::with_capacity(1 << 20, file));
        let (out, written) = written.map_err(|e| error(e, &path))?;
        let file = out
            .into_inner()
            .map_err(|e| IndexError::io("writing", &path)(e.into_error()))?;
        file.sync_all().map_err(IndexError::io("syncing", &path))?;
        unnamed.written = written;
        Ok(unnamed)
    }

    /// A new file for a segment.
    fn temporary(&self) -> Result<(PathBuf, File), IndexError> {
        loop {
            let number = self.next_temporary.fetch_add(1, Ordering::Relaxed);
            let path = self.directory.join(TMP).join(format!("{number}.segment"));
            match File::create_new(&path) {
                // Nobody's work is written over.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(IndexError::io("creating", &path)(error)),
                Ok(file) => return Ok((path, file)),
            }
        }
    }

    pub(crate) fn ready_links_min(&self) -> usize {
        self.ready_links_min
    }

    /// Adds what is ready-made to a segment that is about to become part of the index. `inputs` are the segments
    /// that it was merged from, if that is so.
    pub(crate) fn make_ready(
        &self,
        new: &Unnamed,
        inputs: &[&Segment],
        progress: &dyn Progress,
        cancel: &AtomicBool,
    ) -> Result<(), IndexError> {
        self.lock.check()?;
        let means = ready::Means {
            links_min: self.ready_links_min,
            threads: thread::available_parallelism().map_or(1, Into::into),
            memory_max: self.memory_max,
            scratch: self.scratch(),
        };
        ready::append(
            &new.path,
            (&new.written.large, inputs),
            &means,
            progress,
            cancel,
        )
    }

    /// Makes `new` part of the index in place of the segments named in `replaced`, together with
    /// what is known of the files that it came from. When this returns, it is durable; before, none
    /// of it is visible.
    ///
    /// Where it fails, the index is as it was, and so is another that was put in its place; or, where renaming the manifest or syncing its
    /// directory failed, in either state: this writer then commits no more, because what it would
    /// build upon is not known.
    pub(crate) fn commit(
        &mut self,
        new: Option<Unnamed>,
        replaced: &[String],
        files: Vec<FileEntry>,
    ) -> Result<(), IndexError> {
        self.check_settled()?;
        // Before the segment has its name: where that is another index by now, it may have one of that name.
        self.lock.check()?;
        let mut manifest = self.manifest.clone();
        manifest.generation += 1;
        manifest
            .segments
            .retain(|entry| !replaced.contains(&entry.name));
        for entry in &mut manifest.segments {
            if entry.footer_digest.is_none() {
                // One that cannot be opened is left to who reads it.
                let segment = self.open_segment(entry).ok();
                entry.footer_digest = segment.map(|segment| segment.footer_digest());
            }
        }
        let mut named = None;
        if let Some(new) = new {
            let name = format!("{}.segment", manifest.generation);
            let path = self.directory.join(SEGMENTS).join(&name);
            let segment = Segment::open(&new.path)?;
            manifest.segments.push(SegmentEntry {
                name,
                bytes: segment.sizes().1,
                counts: new.written.counts,
                footer_digest: Some(segment.footer_digest()),
            });
            let identity = new.identity();
            new.name(&path)?;
            named = Some((path, identity));
        }
        for file in files {
            manifest.put_file(file);
        }
        for (digest, name) in &self.names {
            manifest.put_name(digest, name);
        }
        match self.replace_manifest(manifest) {
            Ok(()) => self.names.clear(),
            Err(ReplaceError::Unchanged(error)) => {
                if let Some((path, identity)) = named {
                    identity.remove(&path);
                }
                return Err(error);
            }
            Err(ReplaceError::Unsettled(error)) => return Err(error),
        }
        // The commit is durable, whatever becomes of the files that it replaces.
        self.left_behind = self.remove_garbage().err();
        Ok(())
    }

    /// Notes a name under which a file was given that the index has, or will have. It is kept with the next commit:
    /// none is made for names alone, which would have every reader open the index anew.
    pub(crate) fn note_name(&mut self, digest: String, name: String) {
        let known = self.manifest.file(&digest);
        if known.is_none_or(|file| !file.names.contains(&name)) {
            self.names.push((digest, name));
        }
    }

    /// Why files that the index no longer needs could not be removed after the last commit. The
    /// next commit, or the next writer, tries again.
    #[must_use]
    pub fn left_behind(&self) -> Option<&IndexError> {
        self.left_behind.as_ref()
    }

    /// Whether the last commit happened or not: after one of which nobody knows, this writer commits no more.
    ///
    /// # Errors
    /// [`IndexError::Unsettled`], with the cause.
    pub(crate) fn check_settled(&self) -> Result<(), IndexError> {
        match &self.unsettled {
            None => Ok(()),
            Some(cause) => Err(IndexError::Unsettled {
                path: self.directory.clone(),
                cause: cause.clone(),
            }),
        }
    }

    fn replace_manifest(&mut self, manifest: Manifest) -> Result<(), ReplaceError> {
        let path = self.directory.join(MANIFEST);
        let bytes = manifest
            .to_bytes()
            .map_err(|e| ReplaceError::Unchanged(IndexError::io("writing", &path)(e.into())))?;
        let temporary = self.directory.join(TMP).join(MANIFEST);
        let replaced = durable::replace(&path, &temporary, &bytes, || self.lock.check());
        if let Err(ReplaceError::Unsettled(error)) = &replaced {
            self.unsettled = Some(error.to_string());
        }
        replaced?;
        self.manifest = manifest;
        Ok(())
    }

    /// Removes segments that the manifest does not name, and unfinished work: all that can be
    /// removed. Readers that have them open keep them. Folders, and files with names that no writer gives, are somebody
    /// else's, such as `lost+found`.
    fn remove_garbage(&self) -> Result<(), IndexError> {
        // Else the manifest on disk may name what this one does not.
        self.check_settled()?;
        self.lock.check()?;
        let mut result = Ok(());
        for part in [SEGMENTS, TMP] {
            for path in list(&self.directory.join(part))? {
                let is_used = part == SEGMENTS
                    && self
                        .manifest
                        .segments
                        .iter()
                        .any(|s| path.file_name() == Some(s.name.as_ref()));
                if !is_used && is_own(part, &path) {
                    let removed = fs::remove_file(&path).map_err(IndexError::io("removing", &path));
                    result = result.and(removed);
                }
            }
        }
        result
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.lock.clear();
    }
}

impl WriteError {
    /// With the file that was being written.
    pub(crate) fn at(self, path: &Path) -> IndexError {
        match self {
            Self::Io(source) => IndexError::io("writing", path)(source),
            Self::TooLarge(what) => IndexError::TooLarge(what),
        }
    }
}

/// What lies in a directory.
fn list(directory: &Path) -> Result<Vec<PathBuf>, IndexError> {
    fs::read_dir(directory)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect())
        .map_err(IndexError::io("listing", directory))
}

/// Whether a path below a part of an index is a file with a name that writers give there.
fn is_own(part: &str, path: &Path) -> bool {
    let Some(name) = path.file_name().and_then(OsStr::to_str) else {
        return false;
    };
    let is_numbered = |ending| {
        let number: Option<&str> = name.strip_suffix(ending);
        number.is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
    };
    let is_named = match part {
        SEGMENTS => is_numbered(".segment"),
        _ => {
            is_numbered(".segment")
                || is_numbered(SPOOL_ENDING)
                || [MANIFEST, PUBLIC_SUFFIX_LIST].contains(&name)
        }
    };
    is_named && !is_folder(path)
}

/// Whether it is a folder, and no link to one.
fn is_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_dir())
}

/// Whether the segments are there, and are those that the manifest names: not to add to an index that cannot be read.
fn check_segments(directory: &Path, manifest: &Manifest) -> Result<(), IndexError> {
    for entry in &manifest.segments {
        let path = directory.join(SEGMENTS).join(&entry.name);
        let found = fs::metadata(&path).map_err(IndexError::io("opening", &path))?;
        if found.len() != entry.bytes {
            let what = format!("it has {} bytes, not {}", found.len(), entry.bytes);
            return Err(IndexError::Corrupt { path, what });
        }
        open_segment(directory, entry, &[], &KeptMemory::new(0))?;
    }
    Ok(())
}

/// Whether files can be renamed from `tmp` to where they belong: not from one file system to another. Not to find that
/// when all has been read.
fn check_file_systems(directory: &Path) -> Result<(), IndexError> {
    let device = |path: &Path| {
        let found = fs::metadata(path).map_err(IndexError::io("looking at", path))?;
        Ok::<_, IndexError>(found.dev())
    };
    let own = device(directory)?;
    for path in [SEGMENTS, TMP].map(|part| directory.join(part)) {
        if device(&path)? != own {
            return Err(IndexError::FileSystems {
                path: directory.to_owned(),
                other: path,
            });
        }
    }
    Ok(())
}

/// A new index is no part of another one, at whatever depth: it would go with the folder that it is in, and who
/// tidies up there would take it for garbage.
fn check_outside(directory: &Path) -> Result<(), IndexError> {
    let Ok(directory) = std::path::absolute(directory) else {
        return Ok(());
    };
    // Links lead elsewhere than they seem to.
    let there = directory
        .ancestors()
        .find_map(|above| above.canonicalize().ok());
    let is_part = |path: &Path| {
        let parts = [SEGMENTS, TMP].map(OsStr::new).map(Some);
        parts.contains(&path.file_name())
    };
    let paths = directory
        .ancestors()
        .chain(there.iter().flat_map(|there| there.ancestors()));
    for above in paths.filter(|path| is_part(path)).filter_map(Path::parent) {
        let found = above.join(MANIFEST);
        // Other programs have a manifest.json too.
        if found.exists() && above.join(SEGMENTS).is_dir() {
            let directory = directory.clone();
            return Err(IndexError::Inside { directory, found });
        }
    }
    Ok(())
}

/// Whether a new index may be made in a directory: not where there are segments, which an index
/// would lose that has lost its manifest, nor other people's files, which a writer would take for
/// garbage. The beginnings of a new index that a crash left are no hindrance.
fn check_unoccupied(directory: &Path) -> Result<(), IndexError> {
    let beginnings: [&OsStr; 2] = [MANIFEST.as_ref(), PUBLIC_SUFFIX_LIST.as_ref()];
    for part in [SEGMENTS, TMP] {
        let part_path = directory.join(part);
        if !part_path.exists() {
            continue;
        }
        for path in list(&part_path)? {
            // Folders are never taken for garbage.
            let is_harmless = is_folder(&path);
            let is_beginning = part == TMP
                && path
                    .file_name()
                    .is_some_and(|name| beginnings.contains(&name));
            if !is_harmless && !is_beginning {
                return Err(IndexError::Occupied {
                    directory: directory.to_owned(),
                    found: path,
                });
            }
        }
    }
    Ok(())
}
