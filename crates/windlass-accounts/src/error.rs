//! What can go wrong with accounts.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::balance::ROWS_MAX;

/// Why the accounts could not be read or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccountsError {
    /// The file cannot be made.
    #[error("making the accounts file {path}: {source}")]
    Create {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file cannot be opened.
    #[error("opening the accounts file {path}: {source}")]
    Open {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// The file that says that a meter is alive cannot be made or locked.
    #[error("making and locking {path}, beside the accounts file: {source}")]
    Lock {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is a database of something else.
    #[error("{0} is no accounts file of Windlass")]
    NotAccounts(PathBuf),
    /// The file was written by a later Windlass.
    #[error("{path} has version {found} of the accounts; this Windlass knows version {known}")]
    TooNew {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The latest version that is known here.
        known: i64,
    },
    /// Reading or writing failed; nothing was changed.
    #[error("the accounts file: {0}")]
    Store(#[from] rusqlite::Error),
    /// No account has that name or number.
    #[error("there is no token '{0}'; 'windlass token list' shows those that there are")]
    NoSuchAccount(String),
    /// Another account that is not revoked has that name.
    #[error("there is a token '{0}' already; revoke it first, or take another name")]
    NameTaken(String),
    /// A token that nobody gets to know is not made.
    #[error("telling the new token: {0}; it was not made")]
    Untold(#[source] io::Error),
    /// The file is there, or what belongs to it, but not what was in it.
    #[error(
        "the accounts are lost: {path} is {found}; put it back from a backup, or remove what is left of it to begin anew"
    )]
    Lost {
        /// The file.
        path: PathBuf,
        /// How it is found.
        found: &'static str,
    },
    /// A name is not one that is allowed.
    #[error("'{name}' is no name for a token or subscription: {why}")]
    BadName {
        /// The name, cut.
        name: String,
        /// Why not.
        why: &'static str,
    },
    /// More rows than an account may have.
    #[error("a token has at most {ROWS_MAX} rows a month, with top-ups")]
    TooManyRows,
    /// The account cannot be changed any more.
    #[error("the token '{0}' is revoked")]
    Revoked(String),
    /// The operating system gives no random numbers.
    #[error("random numbers, for a token or the name of a server: {0}")]
    Random(getrandom::Error),
    /// The thread that charges cannot be started.
    #[error("starting the thread that charges: {0}")]
    Thread(io::Error),
}

/// Why nothing was charged.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ChargeError {
    /// Fewer rows are left than are needed.
    #[error("{needed} rows are needed, {left} are left")]
    NotEnoughRows {
        /// Rows left this month.
        left: u64,
        /// Rows to be charged.
        needed: u64,
    },
    /// The account is revoked, or was never there.
    #[error("the token is unknown or revoked")]
    NoSuchAccount,
    /// The accounts could not be written. All charges of the same transaction share the reason.
    #[error(transparent)]
    Store(Arc<AccountsError>),
    /// The thread that charges has ended; this charge was not made, or is of unknown outcome where it
    /// was being made.
    #[error("the thread that charges has ended")]
    Ended,
}
