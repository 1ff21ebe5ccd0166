//! Why there is no answer, or not all of it.

use windlass_index::IndexError;

use crate::error::QueryError;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// The request asks for what this index does not have.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The index is damaged, or the query was cancelled.
    #[error(transparent)]
    Index(IndexError),
    /// What the answer is made of does not fit.
    #[error(
        "the answer would take more than {} MiB of memory, which are allowed for one query; ask for a narrower \
         target, or filter with 'where'",
        max >> 20
    )]
    Memory {
        /// Bytes that are allowed.
        max: usize,
    },
}

impl From<IndexError> for AnswerError {
    fn from(error: IndexError) -> Self {
        match error {
            IndexError::Memory { max } => Self::Memory { max },
            error => Self::Index(error),
        }
    }
}

/// Why an answer was not written to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// More of it could not be found.
    #[error(transparent)]
    Answer(#[from] AnswerError),
    /// The output failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl From<IndexError> for WriteError {
    fn from(error: IndexError) -> Self {
        Self::Answer(error.into())
    }
}
