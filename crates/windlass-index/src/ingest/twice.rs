//! Archive files are read twice, for their digest and for what is in them, and must be the same both times.

use std::fs::{self, File};
use std::io::{self, Read, Seek};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// An archive file that was read to its end once, for its digest. It stays open: another may take its path before it
/// is read for what is in it.
pub(super) struct Opened {
    file: File,
    pub(super) digest: [u8; 32],
    pub(super) bytes: u64,
}

impl Opened {
    /// Of a file that can be read again, and has an end.
    pub(super) fn read(path: &Path) -> io::Result<Self> {
        let found = fs::metadata(path)?;
        if !found.is_file() {
            let what = if found.is_dir() {
                // Folders that can be listed are not asked to be read.
                fs::read_dir(path)?;
                "a folder"
            } else {
                "a pipe or a device"
            };
            let text = format!("it is {what}, not a file; archives are read twice");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        let mut hashed = Hashed::new(File::open(path)?);
        let bytes = hashed.read_on()?;
        Ok(Self {
            digest: hashed.digest(),
            file: hashed.file,
            bytes,
        })
    }

    /// From its beginning.
    pub(super) fn again(mut self) -> io::Result<Again> {
        self.file.rewind()?;
        Ok(Again {
            hashed: Hashed::new(self.file),
            digest: self.digest,
        })
    }
}

/// A file that is read the second time, and whether it is still what it was the first time. Its bytes are compared,
/// by their digests: what a file system says of the time of a change is coarse, and may be set.
pub(super) struct Again {
    hashed: Hashed,
    digest: [u8; 32],
}

impl Again {
    /// Who reads it.
    pub(super) fn second(&self) -> io::Result<Hashed> {
        Ok(Hashed {
            // They share their place in the file.
            file: self.hashed.file.try_clone()?,
            hasher: Arc::clone(&self.hashed.hasher),
        })
    }

    /// Whether all that was read, and what was left, is what it was.
    pub(super) fn is_what_it_was(&mut self) -> io::Result<bool> {
        self.hashed.read_on()?;
        Ok(self.hashed.digest() == self.digest)
    }
}

/// A file, and the digest of what was read of it.
pub(super) struct Hashed {
    file: File,
    hasher: Arc<Mutex<blake3::Hasher>>,
}

impl Hashed {
    fn new(file: File) -> Self {
        Self {
            file,
            hasher: Arc::default(),
        }
    }

    fn hasher(&self) -> MutexGuard<'_, blake3::Hasher> {
        self.hasher.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn digest(&self) -> [u8; 32] {
        *self.hasher().finalize().as_bytes()
    }

    /// Reads what is left, and says how much that is.
    fn read_on(&mut self) -> io::Result<u64> {
        let mut buffer = vec![0; 1 << 18];
        let mut bytes = 0;
        loop {
            match self.read(&mut buffer) {
                Ok(0) => return Ok(bytes),
                Ok(n) => bytes += n as u64,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl Read for Hashed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.file.read(buffer)?;
        self.hasher().update(buffer.get(..n).unwrap_or_default());
        Ok(n)
    }
}
