//! Numbers that are appended, then read at any place: in memory where they are few; otherwise in a file
//! without a name that is mapped, so that the system may take its memory back.

use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;

use memmap2::Mmap;

use crate::bytes::u32_at;
use crate::segment::map;
use crate::spool::Scratch;

/// How much is written at once.
const WRITTEN_BYTES: usize = 1 << 16;

/// Collects numbers.
#[derive(Debug)]
pub(crate) struct NumbersBuilder {
    /// What is in no file.
    memory: Vec<u32>,
    kept_max: usize,
    scratch: Arc<Scratch>,
    /// Where there are more than may be kept.
    file: Option<io::Result<File>>,
    buffer: Vec<u8>,
}

impl NumbersBuilder {
    /// For numbers that stay in memory up to so many bytes.
    pub(crate) fn new(scratch: &Arc<Scratch>, bytes_max: usize) -> Self {
        Self {
            memory: Vec::new(),
            kept_max: bytes_max / size_of::<u32>(),
            scratch: Arc::clone(scratch),
            file: None,
            buffer: Vec::new(),
        }
    }

    /// Appends a number. Where that fails, [`finish`](Self::finish) tells.
    #[inline]
    pub(crate) fn push(&mut self, number: u32) {
        self.memory.push(number);
        if self.memory.len() > self.kept_max {
            self.spill();
        }
    }

    #[cold]
    fn spill(&mut self) {
        self.kept_max = WRITTEN_BYTES / size_of::<u32>();
        let file = self.file.get_or_insert_with(|| self.scratch.file());
        for numbers in self.memory.chunks(self.kept_max) {
            self.buffer.clear();
            for number in numbers {
                self.buffer.extend_from_slice(&number.to_le_bytes());
            }
            if let Ok(to) = file
                && let Err(error) = to.write_all(&self.buffer)
            {
                *file = Err(error);
            }
        }
        self.memory.clear();
        self.memory.shrink_to(self.kept_max + 1);
    }

    /// No more numbers come.
    pub(crate) fn finish(mut self) -> io::Result<Numbers> {
        if self.file.is_none() {
            return Ok(Numbers::Memory(self.memory));
        }
        self.spill();
        match self.file.transpose()? {
            Some(file) => Ok(Numbers::Mapped(map(&file)?)),
            None => Ok(Numbers::default()),
        }
    }
}

/// Numbers by their places.
#[derive(Debug)]
pub(crate) enum Numbers {
    Memory(Vec<u32>),
    Mapped(Mmap),
}

impl Default for Numbers {
    fn default() -> Self {
        Self::Memory(Vec::new())
    }
}

impl Numbers {
    /// The number at a place.
    #[inline]
    pub(crate) fn get(&self, place: usize) -> Option<u32> {
        match self {
            Self::Memory(numbers) => numbers.get(place).copied(),
            Self::Mapped(bytes) => u32_at(bytes, place).ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn numbers_come_back_from_memory_and_from_files() {
        let directory = tempfile::tempdir().unwrap();
        let scratch = Scratch::new(directory.path().to_owned(), 0);
        for n in [0u32, 1, 2, 20_000, 50_000] {
            for bytes_max in [0, 4, 100_000, usize::MAX] {
                let mut builder = NumbersBuilder::new(&scratch, bytes_max);
                let number = |i: u32| i.wrapping_mul(2_654_435_761);
                (0..n).for_each(|i| builder.push(number(i)));
                let numbers = builder.finish().unwrap();
                let is_mapped = matches!(numbers, Numbers::Mapped(_));
                assert_eq!(is_mapped, n as usize * 4 > bytes_max);
                for i in 0..n {
                    assert_eq!(numbers.get(i as usize), Some(number(i)));
                }
                assert_eq!(numbers.get(n as usize), None);
                assert_eq!(numbers.get(usize::MAX), None);
            }
        }
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_cannot_be_kept_is_told() {
        let scratch = Scratch::new(PathBuf::from("/nonexistent"), 0);
        let mut builder = NumbersBuilder::new(&scratch, 4);
        (0..100_000).for_each(|number| builder.push(number));
        assert!(builder.finish().is_err());
    }
}
