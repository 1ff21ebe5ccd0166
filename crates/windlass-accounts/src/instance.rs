//! Which meters are alive: each holds a lock of the system's on a file of its own beside the accounts file, which
//! goes with its process. A meter without such a file, or whose file nobody has locked, is dead.
//!
//! The files are not the accounts file, so that opening and closing them gives up no lock of SQLite's.

use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::error::AccountsError;

/// Between the name of the accounts file and that of a meter.
const INFIX: &str = "-server-";
/// How long the name of a meter is: 64 random bits.
const ID_CHARACTERS: usize = 16;

/// A meter that is alive, as long as this is.
#[derive(Debug)]
pub(crate) struct Instance {
    id: String,
    /// The accounts file, wherever links to it lie: all that charge it find the same files beside it.
    accounts: PathBuf,
    path: PathBuf,
    /// Holds the lock.
    _file: File,
}

impl Instance {
    /// Begins one, of an accounts file that is there.
    pub(crate) fn begin(accounts: &Path) -> Result<Self, AccountsError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| AccountsError::Lock { path, source }
        };
        let accounts = fs::canonicalize(accounts).map_err(failed(accounts))?;
        loop {
            let id = format!("{:016x}", getrandom::u64().map_err(AccountsError::Random)?);
            let path = path_of(&accounts, &id);
            let file = File::options()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&path)
                .map_err(failed(&path))?;
            // Who looks for dead ones may have it, for a moment.
            file.lock().map_err(failed(&path))?;
            // If so, that one has removed it, for nobody had locked it.
            if file.metadata().map_err(failed(&path))?.nlink() > 0 {
                return Ok(Self {
                    id,
                    accounts,
                    path,
                    _file: file,
                });
            }
        }
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Whether another one is alive. What cannot be told is taken to be.
    pub(crate) fn is_alive(&self, id: &str) -> bool {
        // What is no name of a meter is none of a file either.
        id == self.id || (is_id(id) && take(&path_of(&self.accounts, id)).is_err())
    }

    /// Removes the files of those that are dead.
    pub(crate) fn sweep(&self) {
        let (Some(directory), Some(name)) = (self.accounts.parent(), self.accounts.file_name())
        else {
            return;
        };
        // What cannot be seen or removed stays; it says nothing but that its meter is dead.
        let Ok(entries) = fs::read_dir(directory) else {
            return;
        };
        for entry in entries.flatten() {
            let found = entry.file_name();
            let id = found
                .as_encoded_bytes()
                .strip_prefix(name.as_encoded_bytes())
                .and_then(|rest| rest.strip_prefix(INFIX.as_bytes()))
                .and_then(|id| str::from_utf8(id).ok());
            if let Some(id) = id
                && is_id(id)
                && id != self.id
                && let Ok(Some(_held)) = take(&entry.path())
            {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // While it is locked, so that nobody else does it. Where it stays, the next one sweeps it.
        let _ = fs::remove_file(&self.path);
    }
}

fn path_of(accounts: &Path, id: &str) -> PathBuf {
    let mut path = OsString::from(accounts);
    path.push(INFIX);
    path.push(id);
    path.into()
}

fn is_id(text: &str) -> bool {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    text.len() == ID_CHARACTERS && text.bytes().all(is_digit)
}

/// Takes the lock of a meter that is dead; `None` where it has no file.
fn take(path: &Path) -> io::Result<Option<File>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
        Err(TryLockError::Error(error)) => Err(error),
    }
}
