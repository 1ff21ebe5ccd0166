//! Who writes: one at a time, and how others wait for it.
//!
//! The lock is a lock of the system's on the file `lock`, which goes with the process that holds it;
//! what is written in the file is for people, and for those who decide whether to wait. Whoever waits
//! holds the lock on the file `wanted` meanwhile: a background merge that finds it held gives up.

use std::fmt;
use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::durable::Identity;
use super::{LOCK, WANTED};
use crate::error::IndexError;

/// How often a waiting writer tries again.
const POLL: Duration = Duration::from_millis(20);
/// For how long what the lock says of its holder is not believed: it may be just changing hands.
const SETTLING: Duration = Duration::from_millis(250);
/// What is read of the lock at most, in bytes.
const HOLDER_BYTES_MAX: usize = 200;

/// What a writer does, as its lock tells others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Anything.
    Writing,
    /// Reading archives into the index.
    Ingesting,
    /// Merging because somebody asked for it.
    Merging,
    /// Merging because it is time, and giving up as soon as somebody else wants to write.
    MergingInBackground,
}

impl Work {
    const MERGES: [Self; 2] = [Self::Merging, Self::MergingInBackground];
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Writing => "writing",
            Self::Ingesting => "ingesting",
            Self::Merging => "merging",
            Self::MergingInBackground => "merging in the background",
        })
    }
}

/// How long a writer waits for the one before it.
#[derive(Clone, Copy)]
pub struct Waiting<'a> {
    /// Where that one merges: it ends by itself, in the background at once.
    pub merge_max: Duration,
    /// Where it does anything else.
    pub other_max: Duration,
    /// Told who is being waited for, whenever that changes.
    pub on_wait: &'a dyn Fn(&str),
    /// Ends the waiting.
    pub cancel: &'a AtomicBool,
}

/// The lock of an index, for as long as this lives.
#[derive(Debug)]
pub(super) struct Held {
    /// Where the index was when it was locked.
    path: PathBuf,
    directory: File,
    lock: File,
}

impl Held {
    fn new(directory: &Path, lock: File) -> Result<Self, IndexError> {
        let held = Self {
            path: directory.to_owned(),
            directory: File::open(directory).map_err(IndexError::io("opening", directory))?,
            lock,
        };
        // Who held it before may have removed it.
        held.check()?;
        Ok(held)
    }

    /// Whether what lies at the index's path is what was locked. The lock belongs to a file, what is written goes by
    /// paths: where the lock was removed, or another index put in the place of this one, others may write there.
    pub(super) fn check(&self) -> Result<(), IndexError> {
        let lock = self.path.join(LOCK);
        for (held, path) in [(&self.directory, &self.path), (&self.lock, &lock)] {
            let is_same = is_at(held, path).map_err(IndexError::io("looking at", path))?;
            if !is_same {
                return Err(IndexError::Replaced(self.path.clone()));
            }
        }
        Ok(())
    }

    /// Says that nobody writes, to people who look into the file. The lock itself goes with it.
    pub(super) fn clear(&self) {
        let _ = self.lock.set_len(0);
    }
}

/// Whether a file is still the one that has this path.
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    match fs::metadata(path) {
        Ok(found) => Ok(Identity::of(&found) == Identity::of(&file.metadata()?)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Takes the lock, or says who holds it.
pub(super) fn take(directory: &Path, work: Work) -> Result<Held, IndexError> {
    let file = open(directory, LOCK)?;
    if try_take(&file, directory, work)? {
        Held::new(directory, file)
    } else {
        Err(locked(directory, &holder(&file)))
    }
}

/// Takes the lock as soon as it is free.
pub(super) fn wait(
    directory: &Path,
    work: Work,
    waiting: &Waiting<'_>,
) -> Result<Held, IndexError> {
    let file = open(directory, LOCK)?;
    let wanted = Wanted::open(directory)?;
    let start = Instant::now();
    // What the lock last said, since when, and whether it was told.
    let mut seen = (String::new(), start, false);
    while !try_take(&file, directory, work)? {
        if waiting.cancel.load(Ordering::Relaxed) {
            return Err(IndexError::Cancelled);
        }
        // One who waits is enough; where another does, this has no effect.
        wanted.want();
        let holder = holder(&file);
        if holder != seen.0 {
            seen = (holder, Instant::now(), false);
        }
        let (holder, since, is_told) = &mut seen;
        if since.elapsed() >= SETTLING {
            let max = if merges(holder) {
                waiting.merge_max
            } else {
                waiting.other_max
            };
            if start.elapsed() >= max {
                return Err(locked(directory, holder));
            }
            if !std::mem::replace(is_told, true) {
                (waiting.on_wait)(holder);
            }
        }
        thread::sleep(POLL);
    }
    Held::new(directory, file)
}

/// Takes the lock where it is free, and writes into it who holds it.
fn try_take(file: &File, directory: &Path, work: Work) -> Result<bool, IndexError> {
    let path = directory.join(LOCK);
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(false),
        Err(TryLockError::Error(error)) => return Err(IndexError::io("locking", &path)(error)),
    }
    let text = format!("process {}, {work}\n", std::process::id());
    file.write_all_at(text.as_bytes(), 0)
        .and_then(|()| file.set_len(text.len() as u64))
        .map_err(IndexError::io("writing", &path))?;
    Ok(true)
}

/// Whether somebody waits for the lock; held, by the one who does.
#[derive(Debug)]
pub(crate) struct Wanted(File);

impl Wanted {
    pub(crate) fn open(directory: &Path) -> Result<Self, IndexError> {
        open(directory, WANTED).map(Self)
    }

    /// Whether somebody else waits for the lock.
    pub(crate) fn is_wanted(&self) -> bool {
        // Shared, so that those who ask do not take each other for waiting.
        match self.0.try_lock_shared() {
            Ok(()) => {
                // Where it cannot be given back now, it goes with the file.
                let _ = self.0.unlock();
                false
            }
            Err(TryLockError::WouldBlock) => true,
            Err(TryLockError::Error(_)) => false,
        }
    }

    /// Says that somebody waits, for as long as this lives.
    fn want(&self) {
        // Fails where another waits, and for a moment where somebody asks: there will be a next time.
        let _ = self.0.try_lock();
    }
}

fn open(directory: &Path, name: &str) -> Result<File, IndexError> {
    let path = directory.join(name);
    File::options()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(&path)
        .map_err(IndexError::io("opening", &path))
}

/// Who holds the lock, by what the file says.
fn holder(lock: &File) -> String {
    let mut text = [0; HOLDER_BYTES_MAX];
    let n = lock.read_at(&mut text, 0).unwrap_or(0);
    let text = String::from_utf8_lossy(text.get(..n).unwrap_or_default());
    match text.lines().next().unwrap_or_default().trim() {
        "" => "another process".to_owned(),
        holder => holder.to_owned(),
    }
}

fn merges(holder: &str) -> bool {
    let (_, work) = holder.rsplit_once(", ").unwrap_or_default();
    Work::MERGES.iter().any(|merge| work == merge.to_string())
}

fn locked(directory: &Path, holder: &str) -> IndexError {
    IndexError::Locked {
        path: directory.to_owned(),
        holder: holder.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::cell::RefCell;

    use super::*;

    fn waiting<'a>(on_wait: &'a dyn Fn(&str), cancel: &'a AtomicBool) -> Waiting<'a> {
        Waiting {
            merge_max: Duration::MAX,
            other_max: Duration::ZERO,
            on_wait,
            cancel,
        }
    }

    #[test]
    fn a_merge_is_waited_for_and_anybody_else_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let never = AtomicBool::new(false);
        let ingest = take(directory.path(), Work::Ingesting).unwrap();
        let refused = wait(directory.path(), Work::Ingesting, &waiting(&|_| {}, &never));
        let message = refused.unwrap_err().to_string();
        let expected = format!("process {}, ingesting", std::process::id());
        assert!(message.contains(&expected), "{message}");
        drop(ingest);
        // A merge lets go when whoever waits has been told of it.
        let merge = Cell::new(Some(take(directory.path(), Work::Merging).unwrap()));
        let told = RefCell::new(Vec::new());
        let on_wait = |holder: &str| {
            told.borrow_mut().push(holder.to_owned());
            drop(merge.take());
        };
        let lock = wait(
            directory.path(),
            Work::Ingesting,
            &waiting(&on_wait, &never),
        );
        drop(lock.unwrap());
        let expected = format!("process {}, merging", std::process::id());
        assert_eq!(*told.borrow(), [expected]);
    }

    #[test]
    fn whoever_waits_is_seen_to_wait_until_it_has_the_lock() {
        let directory = tempfile::tempdir().unwrap();
        let seen = Wanted::open(directory.path()).unwrap();
        let also = Wanted::open(directory.path()).unwrap();
        assert!(!seen.is_wanted() && !also.is_wanted());
        let never = AtomicBool::new(false);
        let holder = take(directory.path(), Work::MergingInBackground).unwrap();
        let holder = Cell::new(Some(holder));
        let on_wait = |_: &str| {
            assert!(seen.is_wanted() && also.is_wanted());
            drop(holder.take());
        };
        let lock = wait(directory.path(), Work::Merging, &waiting(&on_wait, &never));
        assert!(lock.is_ok() && !seen.is_wanted());
    }

    #[test]
    fn waiting_ends_when_it_is_told_to() {
        let directory = tempfile::tempdir().unwrap();
        let cancel = AtomicBool::new(false);
        let _merge = take(directory.path(), Work::Merging).unwrap();
        let on_wait = |_: &str| cancel.store(true, Ordering::Relaxed);
        let waited = wait(directory.path(), Work::Merging, &waiting(&on_wait, &cancel));
        assert!(matches!(waited, Err(IndexError::Cancelled)));
        assert!(!Wanted::open(directory.path()).unwrap().is_wanted());
    }

    #[test]
    fn a_lock_that_was_removed_or_went_with_its_folder_is_none() {
        let above = tempfile::tempdir().unwrap();
        let directory = above.path().join("index");
        fs::create_dir(&directory).unwrap();
        let is_replaced = |held: &Held| matches!(held.check(), Err(IndexError::Replaced(path)) if path == directory);
        let held = take(&directory, Work::Ingesting).unwrap();
        assert!(held.check().is_ok());
        fs::remove_file(directory.join(LOCK)).unwrap();
        assert!(is_replaced(&held));
        let second = take(&directory, Work::Ingesting).unwrap();
        assert!(is_replaced(&held) && second.check().is_ok());
        fs::rename(&directory, above.path().join("away")).unwrap();
        assert!(is_replaced(&second));
        fs::create_dir(&directory).unwrap();
        let third = take(&directory, Work::Ingesting).unwrap();
        assert!(is_replaced(&second) && third.check().is_ok());
        // The very lock, in another folder.
        fs::remove_file(directory.join(LOCK)).unwrap();
        fs::hard_link(above.path().join("away").join(LOCK), directory.join(LOCK)).unwrap();
        assert!(is_replaced(&second));
    }

    #[test]
    fn the_lock_says_who_has_it_now_whatever_a_dead_process_left() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(LOCK);
        std::fs::write(&path, "process 4294967295, merging in the background\n").unwrap();
        let _lock = take(directory.path(), Work::Writing).unwrap();
        let expected = format!("process {}, writing\n", std::process::id());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), expected);
    }
}
