//! Writing files so that a crash leaves the old or the new state, never a mixture.

use std::fs::{self, File, Metadata};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::error::IndexError;

/// Why a file was not replaced.
#[derive(Debug)]
pub(super) enum ReplaceError {
    /// The file is as it was.
    Unchanged(IndexError),
    /// The file is the old or the new one, and after a loss of power may be the other: an error of
    /// rename or of the directory's fsync does not say, and no second fsync would.
    Unsettled(IndexError),
}

/// Which file it is, whatever its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
        }
    }

    /// Removes the file where it is still the one that has this path. What stays, the next commit or the next writer
    /// removes.
    pub(super) fn remove(self, path: &Path) {
        if fs::symlink_metadata(path).is_ok_and(|found| Self::of(&found) == self) {
            let _ = fs::remove_file(path);
        }
    }
}

/// Makes the entries of a directory durable.
pub(super) fn sync_directory(directory: &Path) -> Result<(), IndexError> {
    File::open(directory)
        .and_then(|directory| directory.sync_all())
        .map_err(IndexError::io("syncing the directory", directory))
}

/// Makes a directory's own entry durable.
pub(super) fn sync_entry(path: &Path) -> Result<(), IndexError> {
    match path.parent() {
        None => Ok(()),
        Some(parent) if parent.as_os_str().is_empty() => sync_directory(Path::new(".")),
        Some(parent) => sync_directory(parent),
    }
}

/// Makes a directory durably, with those above it, where it is not there yet.
pub(super) fn create_directory(directory: &Path) -> Result<(), IndexError> {
    let mut created = fs::create_dir(directory);
    if created
        .as_ref()
        .is_err_and(|e| e.kind() == ErrorKind::NotFound)
        && let Some(parent) = directory.parent()
    {
        create_directory(parent)?;
        created = fs::create_dir(directory);
    }
    match created {
        Ok(()) => sync_entry(directory),
        Err(error) if error.kind() == ErrorKind::AlreadyExists && directory.is_dir() => Ok(()),
        Err(error) => Err(IndexError::io("creating", directory)(error)),
    }
}

/// Replaces a file whole: temporary file, fsync, rename, fsync of the directory. `check` is asked before
/// anything is written, and once more before the rename. The temporary file is gone in any case.
pub(super) fn replace(
    path: &Path,
    temporary: &Path,
    bytes: &[u8],
    check: impl Fn() -> Result<(), IndexError>,
) -> Result<(), ReplaceError> {
    check().map_err(ReplaceError::Unchanged)?;
    let mut file = File::create(temporary)
        .map_err(IndexError::io("creating", temporary))
        .map_err(ReplaceError::Unchanged)?;
    let settled = write(&mut file, temporary, bytes)
        .and_then(|()| check())
        .map_err(ReplaceError::Unchanged)
        .and_then(|()| rename(temporary, path).map_err(ReplaceError::Unsettled));
    if settled.is_err()
        && let Ok(metadata) = file.metadata()
    {
        Identity::of(&metadata).remove(temporary);
    }
    settled
}

fn write(file: &mut File, path: &Path, bytes: &[u8]) -> Result<(), IndexError> {
    file.write_all(bytes)
        .map_err(IndexError::io("writing", path))?;
    file.sync_all().map_err(IndexError::io("syncing", path))
}

/// Gives a synced file its name, durably.
pub(super) fn rename(from: &Path, to: &Path) -> Result<(), IndexError> {
    fs::rename(from, to).map_err(IndexError::io("renaming to", to))?;
    sync_entry(to)
}

impl From<ReplaceError> for IndexError {
    fn from(error: ReplaceError) -> Self {
        match error {
            ReplaceError::Unchanged(error) | ReplaceError::Unsettled(error) => error,
        }
    }
}
