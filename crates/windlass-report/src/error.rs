//! What can be wrong with a request.

use std::fmt;

/// Why a request is refused, in the words of the wire contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueryError {
    /// A mandatory parameter is absent or empty.
    Missing {
        /// Its name.
        parameter: &'static str,
    },
    /// A parameter's value is not one that is allowed.
    Bad {
        /// Its name.
        parameter: &'static str,
        /// What was found, what is allowed, and where.
        why: Misreading,
    },
}

impl QueryError {
    /// The parameter that is to blame.
    #[must_use]
    pub const fn parameter(&self) -> &'static str {
        match self {
            Self::Missing { parameter } | Self::Bad { parameter, .. } => parameter,
        }
    }
}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { parameter } => write!(f, "missing argument {parameter}"),
            Self::Bad { parameter, why } => write!(f, "bad {parameter}: {why}"),
        }
    }
}

impl std::error::Error for QueryError {}

/// What is wrong inside one parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misreading {
    /// What was found and what is allowed.
    pub what: String,
    /// Where: the number of the character, from 1, in the decoded value; `None` where the whole
    /// value is meant.
    pub character: Option<usize>,
}

impl Misreading {
    pub(crate) const fn whole(what: String) -> Self {
        Self {
            what,
            character: None,
        }
    }

    /// At a byte offset of `text`.
    pub(crate) fn at(text: &str, byte: usize, what: String) -> Self {
        let before = text.get(..byte).unwrap_or(text);
        Self {
            what,
            character: Some(before.chars().count() + 1),
        }
    }

    pub(crate) const fn of(self, parameter: &'static str) -> QueryError {
        QueryError::Bad {
            parameter,
            why: self,
        }
    }
}

impl fmt::Display for Misreading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        match self.character {
            Some(character) => write!(f, " (at character {character})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Misreading {}

/// A value as quoted in messages: cut to a length that fits a line.
pub(crate) fn shown(text: &str) -> String {
    const CHARACTERS_MAX: usize = 64;
    let mut shown: String = text.chars().take(CHARACTERS_MAX).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}
