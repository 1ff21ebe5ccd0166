//! How much memory a query may take for what grows with its target rather than with its answer.

use super::AnswerError;

/// Counts bytes, about, and refuses more than are allowed.
#[derive(Debug, Clone)]
pub(super) struct Memory {
    left: usize,
    max: usize,
}

impl Memory {
    pub(super) const fn new(max: usize) -> Self {
        Self { left: max, max }
    }

    pub(super) const fn take(&mut self, bytes: usize) -> Result<(), AnswerError> {
        match self.left.checked_sub(bytes) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(AnswerError::Memory { max: self.max }),
        }
    }
}
