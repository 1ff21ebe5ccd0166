//! The bytes of a segment: a file that is mapped into memory, or memory.
//!
//! The system reads ahead of what is touched in a mapped file: as far as it is told to, which may be
//! megabytes for a page of 4 KiB. A query touches few places, so it is told not to; whoever reads on
//! says so, range by range (see [`Backing::will_need`]) or for the whole file.

use std::fs::{self, File, Metadata};
use std::io;
use std::ops::Range;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use memmap2::{Advice, Mmap};

use crate::error::IndexError;
use crate::stretch::Backing;

/// Maps a file of an index: a segment, or one without a name that is whole.
pub(crate) fn map(file: &File) -> io::Result<Mmap> {
    #[expect(unsafe_code, reason = "mapping a file")]
    // SAFETY: segment files are never changed once they have their name, only unlinked, which
    // leaves the mapping whole; files without a name are not written to once they are mapped, and nobody
    // else can open them; the index directory belongs to one user, and docs/operations.md says that its
    // files must not be written to from outside.
    unsafe {
        Mmap::map(file)
    }
}

/// Tells a file from another that takes, or took, its place, without reading either. The file of a mapping keeps its
/// inode for as long as the mapping lives, so none that is made meanwhile is taken for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileStamp {
    device: u64,
    inode: u64,
    bytes: u64,
    /// Seconds and nanoseconds: a copy written over the file in place leaves all else.
    modified: (i64, i64),
}

impl FileStamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            bytes: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        }
    }

    /// Of the file that is there now; a look at its metadata. `None` where there is none that can be looked at.
    pub(crate) fn at(path: &Path) -> Option<Self> {
        fs::metadata(path).ok().as_ref().map(Self::of)
    }
}

/// The bytes of a segment.
pub(super) enum Data {
    Mapped(Mmap, FileStamp),
    Memory(Vec<u8>),
}

impl Data {
    /// Maps a file. Nothing of it is read yet.
    pub(super) fn map(path: &Path) -> Result<Self, IndexError> {
        let file = File::open(path).map_err(IndexError::io("opening", path))?;
        let metadata = file.metadata().map_err(IndexError::io("reading", path))?;
        let map = map(&file).map_err(IndexError::io("mapping", path))?;
        let data = Self::Mapped(map, FileStamp::of(&metadata));
        data.advise(Advice::Random);
        Ok(data)
    }

    /// Which file is mapped, if any is.
    pub(super) fn stamp(&self) -> Option<FileStamp> {
        match self {
            Self::Mapped(_, stamp) => Some(*stamp),
            Self::Memory(_) => None,
        }
    }

    /// Most of it will be read, from front to back.
    pub(super) fn read_ahead(&self) {
        self.advise(Advice::Normal);
    }

    /// Advice that the system does not take costs time alone.
    fn advise(&self, advice: Advice) {
        if let Self::Mapped(map, _) = self {
            let _ = map.advise(advice);
        }
    }
}

impl Backing for Data {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Mapped(map, _) => map,
            Self::Memory(bytes) => bytes,
        }
    }

    fn will_need(&self, range: Range<usize>) {
        if let Self::Mapped(map, _) = self
            && range.end <= map.len()
        {
            let _ = map.advise_range(Advice::WillNeed, range.start, range.len());
        }
    }
}
