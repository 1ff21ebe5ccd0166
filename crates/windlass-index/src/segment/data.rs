//! The bytes of a segment: a file that is mapped into memory, or memory.
//!
//! The system reads ahead of what is touched in a mapped file: as far as it is told to, which may be
//! megabytes for a page of 4 KiB. A query touches few places, so it is told not to; whoever reads on
//! says so, range by range (see [`Backing::will_need`]) or for the whole file.

use std::fs::File;
use std::io;
use std::ops::Range;
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

/// The bytes of a segment.
pub(super) enum Data {
    Mapped(Mmap),
    Memory(Vec<u8>),
}

impl Data {
    /// Maps a file. Nothing of it is read yet.
    pub(super) fn map(path: &Path) -> Result<Self, IndexError> {
        let file = File::open(path).map_err(IndexError::io("opening", path))?;
        let data = Self::Mapped(map(&file).map_err(IndexError::io("mapping", path))?);
        data.advise(Advice::Random);
        Ok(data)
    }

    /// Most of it will be read, from front to back.
    pub(super) fn read_ahead(&self) {
        self.advise(Advice::Normal);
    }

    /// Advice that the system does not take costs time alone.
    fn advise(&self, advice: Advice) {
        if let Self::Mapped(map) = self {
            let _ = map.advise(advice);
        }
    }
}

impl Backing for Data {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Memory(bytes) => bytes,
        }
    }

    fn will_need(&self, range: Range<usize>) {
        if let Self::Mapped(map) = self
            && range.end <= map.len()
        {
            let _ = map.advise_range(Advice::WillNeed, range.start, range.len());
        }
    }
}
