//! Segments that are written but belong to no index yet.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::durable;
use crate::error::IndexError;
use crate::segment::Written;

/// A segment that is written and synced, but not yet part of an index. Its file goes with it, so
/// that work that fails gives its disk space back.
#[derive(Debug)]
pub(crate) struct Unnamed {
    pub(crate) path: PathBuf,
    pub(crate) written: Written,
    is_named: bool,
    /// While there is unfinished work, no other writer may begin: it would use the same names.
    _lock: Arc<File>,
}

impl Unnamed {
    /// Takes charge of a file that is about to be written.
    pub(super) fn new(path: PathBuf, lock: &Arc<File>) -> Self {
        Self {
            path,
            written: Written::default(),
            is_named: false,
            _lock: Arc::clone(lock),
        }
    }

    /// Gives the file its name, durably. Where that fails, it has neither name.
    pub(super) fn name(mut self, to: &Path) -> Result<(), IndexError> {
        let renamed = durable::rename(&self.path, to);
        if renamed.is_err() {
            // No manifest names it yet.
            let _ = fs::remove_file(to);
        }
        self.is_named = renamed.is_ok();
        renamed
    }
}

impl Drop for Unnamed {
    fn drop(&mut self) {
        if !self.is_named {
            // What stays, the next commit or the next writer removes.
            let _ = fs::remove_file(&self.path);
        }
    }
}
