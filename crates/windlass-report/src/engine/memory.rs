//! How much memory a query may take for what grows with its target rather than with its answer.

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
