//! Writing an index: one process at a time.

use std::fs::{self, File};
use std::io::{BufWriter, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use windlass_links::PublicSuffixList;

use super::lock::{self, Waiting, Work};
use super::manifest::{FileEntry, Manifest, SegmentEntry};
use super::{MANIFEST, PUBLIC_SUFFIX_LIST, SEGMENTS, TMP, durable};
use crate::error::IndexError;
use crate::segment::{Counts, Segment, WriteError};

/// The one writer of an index. While it lives, the lock is held; a dead process holds none.
#[derive(Debug)]
pub struct Writer {
    directory: PathBuf,
    lock: File,
    manifest: Manifest,
    list: Arc<PublicSuffixList>,
    next_temporary: AtomicU64,
}

/// A segment that is written and synced, but not yet part of an index.
#[derive(Debug)]
pub(crate) struct Unnamed {
    pub(crate) path: PathBuf,
    pub(crate) counts: Counts,
}

impl Writer {
    /// Opens an index for writing, or makes a new one. `public_suffix_list` is the text of a list
    /// (R7); without it an existing index keeps its own, a new one gets the list that travels with
    /// Windlass.
    ///
    /// # Errors
    /// [`IndexError::Locked`] where another process writes; [`IndexError::PublicSuffixList`] where
    /// the list given is not the index's.
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
        lock: impl FnOnce(&Path) -> Result<File, IndexError>,
    ) -> Result<Self, IndexError> {
        for part in [
            directory.to_owned(),
            directory.join(SEGMENTS),
            directory.join(TMP),
        ] {
            fs::create_dir_all(&part).map_err(IndexError::io("creating", &part))?;
        }
        let lock = lock(directory)?;
        let path = directory.join(MANIFEST);
        let list_path = directory.join(PUBLIC_SUFFIX_LIST);
        let (manifest, list) = match fs::read(&path) {
            Ok(bytes) => {
                let manifest = Manifest::from_bytes(&path, &bytes)?;
                let own = fs::read_to_string(&list_path)
                    .map_err(IndexError::io("reading", &list_path))?;
                let list = PublicSuffixList::parse(&own)?;
                if digest(&own) != manifest.public_suffix_list_digest {
                    let what = "it is not the list that the index was built with".to_owned();
                    return Err(IndexError::Corrupt {
                        path: list_path,
                        what,
                    });
                }
                if let Some(given) = public_suffix_list
                    .filter(|given| digest(given) != manifest.public_suffix_list_digest)
                {
                    return Err(IndexError::PublicSuffixList {
                        index: manifest.public_suffix_list,
                        given: PublicSuffixList::parse(given)?.version().to_owned(),
                    });
                }
                (manifest, list)
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let text = public_suffix_list.unwrap_or(PublicSuffixList::BUNDLED);
                let list = PublicSuffixList::parse(text)?;
                durable::replace(
                    &list_path,
                    &directory.join(TMP).join(PUBLIC_SUFFIX_LIST),
                    text.as_bytes(),
                )?;
                (
                    Manifest::empty(list.version().to_owned(), digest(text)),
                    list,
                )
            }
            Err(error) => return Err(IndexError::io("reading", &path)(error)),
        };
        let is_new = manifest.generation == 0;
        let mut writer = Self {
            directory: directory.to_owned(),
            lock,
            manifest,
            list: Arc::new(list),
            next_temporary: AtomicU64::new(0),
        };
        writer.remove_garbage()?;
        if is_new {
            // From here on the directory is an index, if an empty one.
            writer.replace_manifest(writer.manifest.clone())?;
        }
        Ok(writer)
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
    pub(crate) fn open_segments(&self, names: &[String]) -> Result<Vec<Segment>, IndexError> {
        self.manifest
            .segments
            .iter()
            .filter(|entry| names.contains(&entry.name))
            .map(|entry| Segment::open(&self.directory.join(SEGMENTS).join(&entry.name)))
            .collect()
    }

    /// Writes a segment that belongs to nothing yet, durably.
    pub(crate) fn write_segment<E>(
        &self,
        write: impl FnOnce(BufWriter<File>) -> Result<(BufWriter<File>, Counts), E>,
        error: impl FnOnce(E, &Path) -> IndexError,
    ) -> Result<Unnamed, IndexError> {
        let number = self.next_temporary.fetch_add(1, Ordering::Relaxed);
        let path = self.directory.join(TMP).join(format!("{number}.segment"));
        let file = File::create(&path).map_err(IndexError::io("creating", &path))?;
        let written = write(BufWriter::with_capacity(1 << 20, file));
        let (out, counts) = written.map_err(|e| error(e, &path))?;
        let file = out
            .into_inner()
            .map_err(|e| IndexError::io("writing", &path)(e.into_error()))?;
        file.sync_all().map_err(IndexError::io("syncing", &path))?;
        Ok(Unnamed { path, counts })
    }

    /// Makes `new` part of the index in place of the segments named in `replaced`, together with
    /// what is known of the files that it came from. When this returns, it is durable; before, none
    /// of it is visible.
    pub(crate) fn commit(
        &mut self,
        new: Option<Unnamed>,
        replaced: &[String],
        files: Vec<FileEntry>,
    ) -> Result<(), IndexError> {
        let mut manifest = self.manifest.clone();
        manifest.generation += 1;
        manifest
            .segments
            .retain(|entry| !replaced.contains(&entry.name));
        if let Some(new) = new {
            let name = format!("{}.segment", manifest.generation);
            let path = self.directory.join(SEGMENTS).join(&name);
            let metadata = fs::metadata(&new.path).map_err(IndexError::io("reading", &new.path))?;
            durable::rename(&new.path, &path)?;
            manifest.segments.push(SegmentEntry {
                name,
                bytes: metadata.len(),
                counts: new.counts,
            });
        }
        for file in files {
            manifest.put_file(file);
        }
        self.replace_manifest(manifest)?;
        self.remove_garbage()
    }

    fn replace_manifest(&mut self, mut manifest: Manifest) -> Result<(), IndexError> {
        manifest.generation = manifest.generation.max(1);
        let path = self.directory.join(MANIFEST);
        let bytes = manifest
            .to_bytes()
            .map_err(|e| IndexError::io("writing", &path)(e.into()))?;
        durable::replace(&path, &self.directory.join(TMP).join(MANIFEST), &bytes)?;
        self.manifest = manifest;
        Ok(())
    }

    /// Removes segments that the manifest does not name, and unfinished work. Readers that have
    /// them open keep them.
    pub(crate) fn remove_garbage(&self) -> Result<(), IndexError> {
        for part in [SEGMENTS, TMP] {
            let directory = self.directory.join(part);
            let entries =
                fs::read_dir(&directory).map_err(IndexError::io("listing", &directory))?;
            for entry in entries {
                let entry = entry.map_err(IndexError::io("listing", &directory))?;
                let name = entry.file_name();
                let is_used = part == SEGMENTS
                    && self
                        .manifest
                        .segments
                        .iter()
                        .any(|s| name == s.name.as_str());
                if !is_used {
                    fs::remove_file(entry.path())
                        .map_err(IndexError::io("removing", &entry.path()))?;
                }
            }
        }
        Ok(())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // The lock goes with the file in any case; an empty file tells people that nobody writes.
        let _ = self.lock.set_len(0);
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

fn digest(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex().to_string()
}
