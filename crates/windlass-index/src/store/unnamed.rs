//! Segments that are written but belong to no index yet.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::durable::{self, Identity};
use super::lock::Held;
use crate::error::IndexError;
use crate::segment::Written;

/// A segment that is written and synced, but not yet part of an index. Its file goes with it, so
/// that work that fails gives its disk space back.
#[derive(Debug)]
pub(crate) struct Unnamed {
    pub(crate) path: PathBuf,
    pub(crate) written: Written,
    is_named: bool,
    identity: Identity,
    /// While there is unfinished work, no other writer may begin: it would use the same names.
    _lock: Arc<Held>,
}

impl Unnamed {
    /// Takes charge of a file that is about to be written.
    pub(super) fn new(path: PathBuf, identity: Identity, lock: &Arc<Held>) -> Self {
        Self {
            path,
            written: Written::default(),
            is_named: false,
            identity,
            _lock: Arc::clone(lock),
        }
    }

    /// Which file it is.
    pub(super) fn identity(&self) -> Identity {
        self.identity
    }

    /// Gives the file its name, durably. Where that fails, it has neither name.
    pub(super) fn name(mut self, to: &Path) -> Result<(), IndexError> {
        let renamed = durable::rename(&self.path, to);
        if renamed.is_err() {
            // No manifest names it yet.
            self.identity.remove(to);
        }
        self.is_named = renamed.is_ok();
        renamed
    }
}

impl Drop for Unnamed {
    fn drop(&mut self) {
        if !self.is_named {
            self.identity.remove(&self.path);
        }
    }
}
