//! The file: an SQLite database in WAL mode, whose commits are synced before they return.
//!
//! ```text
//! accounts      one row for each token that was ever made
//! usage         one row for each account, day and table: kept for ever
//! open_charges  what was charged for answers that are not finished, by server: at rest nothing
//! ```

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use crate::error::AccountsError;

/// What the file is called where it lies in the folder of an index. Two more lie beside it while it is
/// open: `-wal`, which holds commits, and `-shm`.
pub const FILE_NAME: &str = "accounts.sqlite";

/// Refuses what is left of accounts whose file is empty, or gone while SQLite's files lie beside it: to make a new one
/// there would be to forget all tokens, and to answer everybody.
///
/// # Errors
/// [`AccountsError::Lost`].
pub fn check_left(path: &Path) -> Result<(), AccountsError> {
    let is_there = |path: &Path| fs::symlink_metadata(path).is_ok();
    let found = match fs::metadata(path) {
        Ok(file) if file.len() == 0 => "empty",
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let beside = ["-wal", "-shm"].map(|end| {
                let mut name = path.as_os_str().to_owned();
                name.push(end);
                PathBuf::from(name)
            });
            if !beside.iter().any(|path| is_there(path)) {
                return Ok(());
            }
            "not there, though its -wal or -shm is"
        }
        _ => return Ok(()),
    };
    Err(AccountsError::Lost {
        path: path.to_owned(),
        found,
    })
}

/// `WLAC`, in the header of the file.
const APPLICATION_ID: i64 = 0x574c_4143;
/// The version of the schema.
const VERSION: i64 = 2;
/// How long another process's transaction is waited for. They take milliseconds.
const BUSY_TIME_MAX: Duration = Duration::from_secs(10);
const BUSY_PAUSE: Duration = Duration::from_millis(10);

/// Days are `YYYY-MM-DD` and months `YYYY-MM`, so that people can read them with the `sqlite3` tool; moments
/// are seconds since 1970. The checks repeat what the code sees to: no bug may overdraw an account.
const SCHEMA: &str = "
CREATE TABLE accounts (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    name         TEXT NOT NULL,
    token_key    INTEGER NOT NULL,
    token_digest BLOB NOT NULL UNIQUE CHECK (length(token_digest) = 32),
    subscription TEXT NOT NULL,
    is_admin     INTEGER NOT NULL CHECK (is_admin IN (0, 1)),
    rows_limit   INTEGER NOT NULL CHECK (rows_limit >= 0),
    topped_up    INTEGER NOT NULL CHECK (topped_up >= 0),
    used         INTEGER NOT NULL CHECK (used >= 0 AND used <= rows_limit + topped_up),
    month        TEXT NOT NULL,
    created      INTEGER NOT NULL,
    revoked      INTEGER
) STRICT;
CREATE UNIQUE INDEX accounts_by_name ON accounts (name) WHERE revoked IS NULL;
CREATE INDEX accounts_by_token ON accounts (token_key);
CREATE TABLE usage (
    account  INTEGER NOT NULL REFERENCES accounts (id),
    day      TEXT NOT NULL,
    table_   TEXT NOT NULL,
    requests INTEGER NOT NULL CHECK (requests > 0),
    rows     INTEGER NOT NULL CHECK (rows >= 0),
    PRIMARY KEY (account, day, table_)
) STRICT, WITHOUT ROWID;
";

/// What version 2 has more than version 1.
const SCHEMA_2: &str = "
CREATE TABLE open_charges (
    server  TEXT NOT NULL,
    account INTEGER NOT NULL REFERENCES accounts (id),
    day     TEXT NOT NULL,
    table_  TEXT NOT NULL,
    rows    INTEGER NOT NULL CHECK (rows > 0),
    PRIMARY KEY (server, account, day, table_)
) STRICT, WITHOUT ROWID;
";

/// Opens the file, and makes it where there is none; its folder must be there.
pub(crate) fn open(path: &Path) -> Result<Connection, AccountsError> {
    make_private(path)?;
    let failed = |source| AccountsError::Open {
        path: path.to_owned(),
        source,
    };
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    connection.busy_timeout(BUSY_TIME_MAX).map_err(failed)?;
    let (application, version) =
        identity_at_once(&mut connection).map_err(|error| match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => AccountsError::NotAccounts(path.to_owned()),
            _ => failed(error),
        })?;
    if (application, version) != (0, 0) {
        check(path, application, version)?;
    }
    configure(&connection).map_err(failed)?;
    if version < VERSION {
        make_tables(path, &mut connection)?;
    }
    Ok(connection)
}

/// Makes an empty file that only its owner can read. It is never opened here where it is there
/// already: closing it again would give up the locks that this process holds on it (POSIX).
fn make_private(path: &Path) -> Result<(), AccountsError> {
    let made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    match made {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(AccountsError::Create {
            path: path.to_owned(),
            source: error,
        }),
        _ => Ok(()),
    }
}

/// Both numbers of one state: another process may be making the tables between one and the other.
fn identity_at_once(connection: &mut Connection) -> rusqlite::Result<(i64, i64)> {
    let transaction = connection.transaction()?;
    let identity = identity(&transaction)?;
    transaction.finish()?;
    Ok(identity)
}

fn identity(connection: &Connection) -> rusqlite::Result<(i64, i64)> {
    let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get(0));
    Ok((number("application_id")?, number("user_version")?))
}

fn check(path: &Path, application: i64, version: i64) -> Result<(), AccountsError> {
    if application != APPLICATION_ID || version < 1 {
        return Err(AccountsError::NotAccounts(path.to_owned()));
    }
    if version > VERSION {
        return Err(AccountsError::TooNew {
            path: path.to_owned(),
            found: version,
            known: VERSION,
        });
    }
    Ok(())
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    // Readers never wait for the writer, nor it for them.
    begin_wal(connection)?;
    // Each commit is on the disk before it returns, here and (where a sync alone says little) on macOS.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "checkpoint_fullfsync", true)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "trusted_schema", false)
}

/// SQLite does not wait by itself where two processes turn a new file to WAL mode at once.
fn begin_wal(connection: &Connection) -> rusqlite::Result<()> {
    let start = Instant::now();
    loop {
        match connection.pragma_update(None, "journal_mode", "WAL") {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && start.elapsed() < BUSY_TIME_MAX =>
            {
                sleep(BUSY_PAUSE);
            }
            result => return result,
        }
    }
}

/// Makes the tables that a new file, or one of an earlier version, does not have.
fn make_tables(path: &Path, connection: &mut Connection) -> Result<(), AccountsError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have been faster.
    let (application, version) = identity(&transaction)?;
    if (application, version) == (0, 0) {
        let tables: i64 =
            transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        if tables > 0 {
            return Err(AccountsError::NotAccounts(path.to_owned()));
        }
        transaction.execute_batch(SCHEMA)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    } else {
        check(path, application, version)?;
    }
    if version < VERSION {
        transaction.execute_batch(SCHEMA_2)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
    }
    Ok(transaction.commit()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a loss of power leaves hangs on it: no test of charges can tell.
    #[test]
    fn commits_are_synced_before_they_return() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(FILE_NAME);
        for _ in 0..2 {
            let connection = open(&path).unwrap();
            let of = |pragma: &str| -> i64 {
                let value = connection.pragma_query_value(None, pragma, |row| row.get(0));
                value.unwrap()
            };
            // FULL.
            assert_eq!(of("synchronous"), 2);
            for pragma in ["fullfsync", "checkpoint_fullfsync", "foreign_keys"] {
                assert_eq!(of(pragma), 1, "{pragma}");
            }
            let mode: String = connection
                .pragma_query_value(None, "journal_mode", |row| row.get(0))
                .unwrap();
            assert_eq!(mode, "wal");
        }
    }
}
