//! Writing files so that a crash leaves the old or the new state, never a mixture.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use crate::error::IndexError;

/// Makes the entries of a directory durable.
pub(super) fn sync_directory(directory: &Path) -> Result<(), IndexError> {
    File::open(directory)
        .and_then(|directory| directory.sync_all())
        .map_err(IndexError::io("syncing the directory", directory))
}

/// Replaces a file whole: temporary file, fsync, rename, fsync of the directory.
pub(super) fn replace(path: &Path, temporary: &Path, bytes: &[u8]) -> Result<(), IndexError> {
    let mut file = File::create(temporary).map_err(IndexError::io("creating", temporary))?;
    file.write_all(bytes)
        .map_err(IndexError::io("writing", temporary))?;
    file.sync_all()
        .map_err(IndexError::io("syncing", temporary))?;
    drop(file);
    rename(temporary, path)
}

/// Gives a synced file its name, durably.
pub(super) fn rename(from: &Path, to: &Path) -> Result<(), IndexError> {
    fs::rename(from, to).map_err(IndexError::io("renaming to", to))?;
    to.parent().map_or(Ok(()), sync_directory)
}
