//! How much memory a query may take for what grows with its target rather than with its answer.

use std::sync::atomic::{AtomicUsize, Ordering};

use windlass_index::IndexError;

use super::AnswerError;

/// Counts bytes, about, and refuses more than are allowed.
#[derive(Debug, Clone)]
pub(crate) struct Memory {
    left: usize,
    max: usize,
}

impl Memory {
    pub(crate) const fn new(max: usize) -> Self {
        Self { left: max, max }
    }

    pub(crate) const fn take(&mut self, bytes: usize) -> Result<(), AnswerError> {
        match self.left.checked_sub(bytes) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(AnswerError::Memory { max: self.max }),
        }
    }
}

/// [`Memory`] that the parts of a scan take from at once. Once it did not suffice, it does not any more.
#[derive(Debug)]
pub(crate) struct SharedMemory {
    taken: AtomicUsize,
    max: usize,
}

impl SharedMemory {
    pub(crate) const fn new(max: usize) -> Self {
        Self {
            taken: AtomicUsize::new(0),
            max,
        }
    }

    /// Takes some, in a visitor. Where there is not enough the scan ends, as when it is cancelled, and
    /// [`unless_spent`](Self::unless_spent) says why.
    pub(crate) fn take(&self, bytes: usize) -> Result<(), IndexError> {
        let before = self.taken.fetch_add(bytes, Ordering::Relaxed);
        match before.saturating_add(bytes) <= self.max {
            true => Ok(()),
            false => Err(IndexError::Cancelled),
        }
    }

    /// What a scan gave, refused where it took more than there was.
    pub(crate) fn unless_spent<T>(&self, scanned: Result<T, IndexError>) -> Result<T, AnswerError> {
        match self.taken.load(Ordering::Relaxed) <= self.max {
            true => Ok(scanned?),
            false => Err(AnswerError::Memory { max: self.max }),
        }
    }
}
