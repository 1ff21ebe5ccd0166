//! Bytes that wait for their place: in memory up to a bound, beyond it in a temporary file.
//!
//! The parts of a site block are written side by side and read one after the other. For most sites
//! that is a few hundred bytes; for the largest it is more than a merge may hold.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How files are called for the moment in which they have a name.
pub(crate) const SPOOL_ENDING: &str = ".spool";

/// How much is read back at once.
const READ_BYTES: usize = 1 << 18;

/// A spool keeps so much at least, that what is written at once is not too little.
const KEPT_MIN: usize = 1 << 12;
/// More spools than this that are filled side by side keep less each.
const SHARED_BY_MORE: usize = 16;

/// Where spools put what they do not keep.
#[derive(Debug)]
pub(crate) struct Scratch {
    directory: PathBuf,
    /// Bytes that each spool keeps in memory.
    keep_max: usize,
    /// The number of the next file.
    next: AtomicU64,
}

impl Scratch {
    /// Temporary files in a directory, which has none of the names that end in `.spool`.
    pub(crate) fn new(directory: PathBuf, keep_max: usize) -> Arc<Self> {
        Arc::new(Self {
            directory,
            keep_max,
            next: AtomicU64::new(0),
        })
    }

    /// For so many spools that together keep what some keep otherwise.
    pub(crate) fn shared_by(&self, spools: usize) -> Arc<Self> {
        let all = self.keep_max.saturating_mul(SHARED_BY_MORE);
        Arc::new(Self {
            directory: self.directory.clone(),
            keep_max: self.keep_max.min((all / spools.max(1)).max(KEPT_MIN)),
            next: AtomicU64::new(0),
        })
    }

    /// For work that may use so much memory in all, some hundred spools at a time.
    pub(crate) fn within(directory: PathBuf, memory_max: usize) -> Arc<Self> {
        Self::new(directory, (memory_max / 512).clamp(1 << 14, 1 << 23))
    }

    /// Bytes that something may be put together in at a time, before it is written.
    pub(crate) fn part_bytes(&self) -> u64 {
        (self.keep_max as u64).saturating_mul(32).max(1 << 20)
    }

    /// A file without a name, so that nothing stays of it whatever happens.
    pub(crate) fn file(&self) -> io::Result<File> {
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let path = self.directory.join(format!("{number}{SPOOL_ENDING}"));
            let created = File::options()
                .read(true)
                .write(true)
                .create_new(true)
                .open(&path);
            match created {
                // Another thread has a file of that name at this moment, or a process that died had it:
                // both would write into one.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
                Ok(file) => {
                    // Where an open file cannot be removed, the next writer does it.
                    let _ = fs::remove_file(&path);
                    return Ok(file);
                }
            }
        }
    }
}

/// Bytes, appended now and read back later.
#[derive(Debug, Default)]
pub(crate) struct Spool {
    memory: Vec<u8>,
    /// `None`: everything stays in memory.
    scratch: Option<Arc<Scratch>>,
    spilled: Option<Box<Spilled>>,
}

/// What is in a file, in front of what is in memory.
#[derive(Debug)]
struct Spilled {
    file: io::Result<File>,
    length: u64,
}

impl Spool {
    pub(crate) fn new(scratch: &Arc<Scratch>) -> Self {
        Self {
            scratch: Some(Arc::clone(scratch)),
            ..Self::default()
        }
    }

    /// Appends bytes. Where that fails, [`write_to`](Self::write_to) tells.
    #[inline]
    pub(crate) fn put(&mut self, bytes: &[u8]) {
        self.memory.extend_from_slice(bytes);
        if let Some(scratch) = &self.scratch
            && self.memory.len() > scratch.keep_max
        {
            self.spill();
        }
    }

    #[cold]
    fn spill(&mut self) {
        let Some(scratch) = &self.scratch else {
            return;
        };
        let spilled = self.spilled.get_or_insert_with(|| {
            Box::new(Spilled {
                file: scratch.file(),
                length: 0,
            })
        });
        let written = |file: &mut File| {
            // Where reading has left it.
            file.seek(SeekFrom::Start(spilled.length))?;
            file.write_all(&self.memory)
        };
        if let Ok(file) = &mut spilled.file
            && let Err(error) = written(file)
        {
            spilled.file = Err(error);
        }
        spilled.length += self.memory.len() as u64;
        self.memory.clear();
    }

    pub(crate) fn len(&self) -> u64 {
        let spilled = self.spilled.as_ref().map_or(0, |spilled| spilled.length);
        spilled + self.memory.len() as u64
    }

    /// Bytes of memory held.
    pub(crate) fn memory(&self) -> usize {
        self.memory.capacity()
    }

    /// Writes everything, and empties the spool.
    pub(crate) fn write_to(&mut self, out: &mut impl Write) -> io::Result<()> {
        if let Some(spilled) = self.spilled.take() {
            let mut file = spilled.file?;
            file.rewind()?;
            let mut buffer = vec![0; READ_BYTES];
            let mut left = spilled.length;
            while left > 0 {
                let n = buffer
                    .len()
                    .min(usize::try_from(left).unwrap_or(usize::MAX));
                let part = buffer.get_mut(..n).unwrap_or_default();
                file.read_exact(part)?;
                out.write_all(part)?;
                left -= n as u64;
            }
        }
        out.write_all(&self.memory)?;
        self.memory.clear();
        Ok(())
    }

    /// Reads bytes that lie at an offset.
    pub(crate) fn read_at(&self, offset: u64, mut out: &mut [u8]) -> io::Result<()> {
        let mut start = offset;
        if let Some(spilled) = &self.spilled {
            let mut file = match &spilled.file {
                Ok(file) => file,
                Err(error) => return Err(io::Error::new(error.kind(), error.to_string())),
            };
            let in_file = spilled.length.saturating_sub(start);
            let n = out
                .len()
                .min(usize::try_from(in_file).unwrap_or(usize::MAX));
            if n > 0 {
                let (first, rest) = out.split_at_mut(n);
                file.seek(SeekFrom::Start(start))?;
                file.read_exact(first)?;
                out = rest;
                start += n as u64;
            }
            start = start.saturating_sub(spilled.length);
        }
        let bytes = usize::try_from(start).ok().and_then(|start| {
            let end = start.checked_add(out.len())?;
            self.memory.get(start..end)
        });
        match bytes {
            Some(bytes) => out.copy_from_slice(bytes),
            None if out.is_empty() => {}
            None => return Err(ErrorKind::UnexpectedEof.into()),
        }
        Ok(())
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.memory.clear();
        self.spilled = None;
    }
}

impl Write for Spool {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.put(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_comes_back_from_memory_and_from_files() {
        let directory = tempfile::tempdir().unwrap();
        for keep_max in [0, 1, 100, 1 << 20] {
            let scratch = Scratch::new(directory.path().to_owned(), keep_max);
            let mut spool = Spool::new(&scratch);
            for round in 0..3u8 {
                let mut expected = Vec::new();
                for i in 0..1000u32 {
                    let bytes = vec![round; (i % 40) as usize];
                    spool.put(&bytes);
                    expected.extend_from_slice(&bytes);
                }
                assert_eq!(spool.len(), expected.len() as u64);
                for (start, n) in [(0, 1), (17, 300), (expected.len() - 250, 250), (99, 0)] {
                    let mut part = vec![0; n];
                    spool.read_at(start as u64, &mut part).unwrap();
                    assert!(part == expected[start..start + n], "{keep_max} {start}");
                    // What is put behind it comes behind it.
                    spool.put(&part);
                    expected.extend_from_slice(&part);
                }
                let mut beyond = [0; 2];
                assert!(spool.read_at(spool.len() - 1, &mut beyond).is_err());
                let mut found = Vec::new();
                spool.write_to(&mut found).unwrap();
                assert!(found == expected, "{keep_max}");
                assert_eq!(spool.len(), 0);
                spool.put(b"forgotten");
                spool.clear();
            }
            // No file keeps a name.
            assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
        }
    }

    #[test]
    fn spools_of_several_threads_in_one_directory_are_files_of_their_own() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("1.spool"), "left behind").unwrap();
        std::thread::scope(|scope| {
            for thread in 0..4u8 {
                let directory = directory.path().to_owned();
                scope.spawn(move || {
                    // Each counts its files from the beginning.
                    let scratch = Scratch::new(directory, 0);
                    for round in 0..200u8 {
                        let expected = [[thread, round]; 50];
                        let mut spool = Spool::new(&scratch);
                        expected.iter().for_each(|bytes| spool.put(bytes));
                        let mut found = Vec::new();
                        spool.write_to(&mut found).unwrap();
                        assert!(found == expected.concat());
                    }
                });
            }
        });
        // What was there before is another's.
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_cannot_be_kept_is_told() {
        let scratch = Scratch::new(PathBuf::from("/nonexistent"), 10);
        let mut spool = Spool::new(&scratch);
        spool.put(&[0; 100]);
        spool.put(&[0; 100]);
        assert_eq!(spool.len(), 200);
        assert!(spool.read_at(0, &mut [0]).is_err());
        assert!(spool.write_to(&mut Vec::new()).is_err());
        assert_eq!(spool.len(), 0);
    }
}
