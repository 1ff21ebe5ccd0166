//! Why there is no page.

use windlass_report::{AnswerError, QueryError, WriteError};

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PageError {
    /// There is no answer.
    #[error(transparent)]
    Answer(#[from] AnswerError),
    /// The address asks for something that there is not.
    #[error("{0}")]
    NotFound(String),
    /// The page could not be put together.
    #[error("the page could not be written: {0}")]
    Io(#[from] std::io::Error),
}

impl From<QueryError> for PageError {
    fn from(error: QueryError) -> Self {
        Self::Answer(error.into())
    }
}

impl From<windlass_index::IndexError> for PageError {
    fn from(error: windlass_index::IndexError) -> Self {
        Self::Answer(error.into())
    }
}

impl From<WriteError> for PageError {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Answer(error) => Self::Answer(error),
            WriteError::Io(error) => Self::Io(error),
            error => Self::Io(std::io::Error::other(error)),
        }
    }
}
