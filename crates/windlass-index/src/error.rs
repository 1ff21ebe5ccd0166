//! What can go wrong with an index.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// Why an index could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IndexError {
    /// The operating system refused.
    #[error("{doing} {}: {source}", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The directory holds no index.
    #[error("{} holds no Windlass index: it has no manifest.json; make one with 'windlass ingest --index {} FILE…'", .0.display(), .0.display())]
    NotAnIndex(PathBuf),
    /// A file is not what the format says.
    #[error("{} is damaged: {what}; 'windlass verify' reads everything and lists what is wrong; restore the file, or ingest again into a new index", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What was found.
        what: String,
    },
    /// A file was written by a Windlass that this one does not know.
    #[error("{} has {what} version {found}; this Windlass reads version {known}", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// What has the version.
        what: &'static str,
        /// Its version.
        found: u64,
        /// Ours.
        known: u64,
    },
    /// Somebody else is writing.
    #[error("the index {} is being written by {holder}; wait until it is done, or stop it", path.display())]
    Locked {
        /// The index.
        path: PathBuf,
        /// Who holds the lock.
        holder: String,
    },
    /// What lies at the index's path is not what was locked.
    #[error("the index {} is no longer the one that this process locked: its folder, or the file 'lock' in it, was removed or replaced meanwhile; nothing more was written there; run the command again, and leave the file 'lock' alone: a dead process holds no lock", .0.display())]
    Replaced(PathBuf),
    /// The directory has segments or other people's files, but no manifest.
    #[error("{} has no manifest.json, but there is {}: to make a new index here would destroy that; restore manifest.json from a copy, or give another directory", directory.display(), found.display())]
    Occupied {
        /// The directory.
        directory: PathBuf,
        /// What is there.
        found: PathBuf,
    },
    /// The directory is part of another index.
    #[error("{} is part of the index of {}: give the folder above it, or another one", directory.display(), found.display())]
    Inside {
        /// The directory.
        directory: PathBuf,
        /// The manifest of that index.
        found: PathBuf,
    },
    /// Parts of the index lie on several file systems.
    #[error("{} is on another file system than {}: an index is written by renaming files from one of its folders to another, so all of it must be on one; mount or link the folder of the index, not those in it", other.display(), path.display())]
    FileSystems {
        /// The index.
        path: PathBuf,
        /// The part that is elsewhere.
        other: PathBuf,
    },
    /// An earlier commit of this writer failed half-way.
    #[error("whether the last commit to {} was kept is not known, for it failed: {cause}; open the index again", path.display())]
    Unsettled {
        /// The index.
        path: PathBuf,
        /// What went wrong.
        cause: String,
    },
    /// The index was built with another Public Suffix List (R7).
    #[error(
        "the index was built with Public Suffix List {index}, not with {given}: registrable domains would not agree; leave --psl away, or build a new index"
    )]
    PublicSuffixList {
        /// The list's version in the index.
        index: String,
        /// The version given.
        given: String,
    },
    /// The index keeps links within registrable domains, or not, and was to be fed otherwise (R11).
    #[error(
        "the index {} was built {} --keep-internal, which cannot change: ingest {} it, or into a new index", path.display(),
        if *kept { "with" } else { "without" }, if *kept { "with" } else { "without" }
    )]
    InternalLinks {
        /// The index.
        path: PathBuf,
        /// Whether it keeps them.
        kept: bool,
    },
    /// The list given does not parse.
    #[error(transparent)]
    BadPublicSuffixList(#[from] windlass_links::domain::PublicSuffixListError),
    /// More than the format can hold.
    #[error("{0}, which is more than the segment format can hold")]
    TooLarge(&'static str),
    /// A question would take more memory than it may.
    #[error(
        "the answer would take more than {} MiB of memory, which are allowed for one query; ask for a narrower target",
        max >> 20
    )]
    Memory {
        /// Bytes that are allowed.
        max: usize,
    },
    /// The caller asked to stop.
    #[error("stopped on request; nothing of this step was kept")]
    Cancelled,
}

impl IndexError {
    pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io {
            doing,
            path,
            source,
        }
    }
}

/// [`IndexError::Cancelled`] where the caller has asked to stop.
#[inline]
pub(crate) fn check(cancel: &AtomicBool) -> Result<(), IndexError> {
    if cancel.load(Ordering::Relaxed) {
        Err(IndexError::Cancelled)
    } else {
        Ok(())
    }
}
