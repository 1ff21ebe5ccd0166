//! Stretches of bytes that are verified, page by page, when they are first touched.
//!
//! A section that is read in parts has a CRC-32 for each [`CHECKED_BYTES`] of it. Reading a number in
//! the middle of a block of hundreds of megabytes then costs the checksum of 16 KiB, once.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::bytes::Corrupt;

/// How many bytes have a checksum together.
pub(crate) const CHECKED_BYTES: usize = 1 << 14;

/// Bytes that something owns: a mapped file, or memory.
pub(crate) trait Backing: Send + Sync {
    /// All of them. The same at each call.
    fn bytes(&self) -> &[u8];
}

/// A section with its checksums, and which of them have been looked at.
pub(crate) struct CheckedSection {
    backing: Arc<dyn Backing>,
    range: Range<usize>,
    /// CRC-32, little-endian, of each [`CHECKED_BYTES`].
    checksums: Range<usize>,
    verified: Vec<AtomicU64>,
}

impl std::fmt::Debug for CheckedSection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CheckedSection")
            .field("range", &self.range)
            .finish_non_exhaustive()
    }
}

impl CheckedSection {
    /// The section at `range` of the backing bytes, whose checksums lie at `checksums`.
    pub(crate) fn new(
        backing: Arc<dyn Backing>,
        range: Range<usize>,
        checksums: Range<usize>,
    ) -> Result<Self, Corrupt> {
        let bytes = backing
            .bytes()
            .get(range.clone())
            .ok_or(Corrupt("a section"))?;
        let pages = bytes.len().div_ceil(CHECKED_BYTES);
        let sums = backing
            .bytes()
            .get(checksums.clone())
            .ok_or(Corrupt("a section of checksums"))?;
        if sums.len() != pages * 4 {
            return Err(Corrupt("the number of checksums"));
        }
        Ok(Self {
            verified: (0..pages.div_ceil(64)).map(|_| AtomicU64::new(0)).collect(),
            backing,
            range,
            checksums,
        })
    }

    /// All of it, nothing verified yet.
    pub(crate) fn stretch(&self) -> Stretch<'_> {
        Stretch {
            bytes: self
                .backing
                .bytes()
                .get(self.range.clone())
                .unwrap_or_default(),
            section: Some(self),
            start: 0,
        }
    }

    /// Verifies the pages that hold the bytes from `start` to `end`. An atomic load for each that has
    /// been verified before.
    #[inline]
    fn verify(&self, start: usize, end: usize) -> Result<(), Corrupt> {
        let mut page = start / CHECKED_BYTES;
        while page * CHECKED_BYTES < end {
            let word = self.verified.get(page / 64).ok_or(Corrupt("a position"))?;
            if word.load(Ordering::Relaxed) & (1 << (page % 64)) == 0 {
                self.verify_page(page)?;
            }
            page += 1;
        }
        Ok(())
    }

    #[cold]
    fn verify_page(&self, page: usize) -> Result<(), Corrupt> {
        let all = self.backing.bytes();
        let section = all.get(self.range.clone()).unwrap_or_default();
        let start = page * CHECKED_BYTES;
        let end = section.len().min(start + CHECKED_BYTES);
        let found = crc32fast::hash(section.get(start..end).ok_or(Corrupt("a position"))?);
        let sums = all.get(self.checksums.clone()).unwrap_or_default();
        if crate::bytes::u32_at(sums, page)? != found {
            return Err(Corrupt("a checksum"));
        }
        if let Some(word) = self.verified.get(page / 64) {
            word.fetch_or(1 << (page % 64), Ordering::Relaxed);
        }
        Ok(())
    }
}

/// Bytes of a section that verifies itself, or of memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stretch<'a> {
    bytes: &'a [u8],
    section: Option<&'a CheckedSection>,
    /// Where `bytes` starts in the section.
    start: usize,
}

impl<'a> Stretch<'a> {
    /// Bytes that need no verifying.
    pub(crate) const fn trusted(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            section: None,
            start: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The bytes of a range, verified.
    #[inline]
    pub(crate) fn get(&self, range: Range<usize>) -> Result<&'a [u8], Corrupt> {
        if let Some(section) = self.section {
            section.verify(self.start + range.start, self.start + range.end)?;
        }
        self.bytes.get(range).ok_or(Corrupt("a position"))
    }

    /// All of it, verified.
    pub(crate) fn all(&self) -> Result<&'a [u8], Corrupt> {
        self.get(0..self.bytes.len())
    }

    /// At most the first `n` bytes, verified.
    #[inline]
    pub(crate) fn head(&self, n: usize) -> Result<&'a [u8], Corrupt> {
        self.get(0..n.min(self.bytes.len()))
    }

    /// Divides it, without looking at a byte.
    pub(crate) fn split_at(&self, n: usize) -> Result<(Self, Self), Corrupt> {
        let (head, tail) = self.bytes.split_at_checked(n).ok_or(Corrupt("a length"))?;
        let part = |bytes, start| Self {
            bytes,
            section: self.section,
            start,
        };
        Ok((part(head, self.start), part(tail, self.start + n)))
    }

    /// The part from `n` on, without looking at a byte.
    pub(crate) fn from(&self, n: usize) -> Result<Self, Corrupt> {
        self.split_at(n).map(|(_, tail)| tail)
    }

    /// The `u32` at position `i` of a little-endian array.
    #[inline]
    pub(crate) fn u32_at(&self, i: usize) -> Result<u32, Corrupt> {
        let at = i.checked_mul(4).ok_or(Corrupt("an array"))?;
        let end = at.checked_add(4).ok_or(Corrupt("an array"))?;
        let bytes = self.get(at..end)?;
        Ok(u32::from_le_bytes(
            bytes.try_into().map_err(|_| Corrupt("an array"))?,
        ))
    }
}

/// Makes the checksums of a section as it is written.
#[derive(Debug, Default)]
pub(crate) struct Checksums {
    hasher: crc32fast::Hasher,
    filled: usize,
    out: Vec<u8>,
}

impl Checksums {
    pub(crate) fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let n = bytes.len().min(CHECKED_BYTES - self.filled);
            let (now, later) = bytes.split_at(n);
            self.hasher.update(now);
            self.filled += n;
            bytes = later;
            if self.filled == CHECKED_BYTES {
                self.close();
            }
        }
    }

    fn close(&mut self) {
        let hasher = std::mem::take(&mut self.hasher);
        self.out.extend_from_slice(&hasher.finalize().to_le_bytes());
        self.filled = 0;
    }

    /// The checksums, and an empty maker.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        if self.filled > 0 {
            self.close();
        }
        std::mem::take(&mut self.out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Memory(Vec<u8>);
    impl Backing for Memory {
        fn bytes(&self) -> &[u8] {
            &self.0
        }
    }

    fn section(n: usize, damage: Option<usize>) -> CheckedSection {
        let mut bytes: Vec<u8> = (0..n).map(|i| (i * 31 % 251) as u8).collect();
        let mut sums = Checksums::default();
        for part in bytes.chunks(1000) {
            sums.update(part);
        }
        let sums = sums.take();
        if let Some(at) = damage {
            bytes[at] ^= 4;
        }
        bytes.extend_from_slice(&sums);
        let end = bytes.len();
        CheckedSection::new(Arc::new(Memory(bytes)), 0..n, n..end).unwrap()
    }

    #[test]
    fn damage_is_found_where_it_is_touched_and_only_there() {
        for n in [
            0,
            1,
            CHECKED_BYTES - 1,
            CHECKED_BYTES,
            3 * CHECKED_BYTES + 5,
        ] {
            let whole = section(n, None);
            assert_eq!(whole.stretch().all().unwrap().len(), n);
        }
        let damaged = section(3 * CHECKED_BYTES + 5, Some(CHECKED_BYTES + 7));
        let all = damaged.stretch();
        assert!(all.get(0..CHECKED_BYTES).is_ok());
        assert!(all.get(CHECKED_BYTES..CHECKED_BYTES + 1).is_err());
        assert!(all.get(CHECKED_BYTES - 1..CHECKED_BYTES + 1).is_err());
        let (_, tail) = all.split_at(2 * CHECKED_BYTES).unwrap();
        assert!(tail.all().is_ok());
        assert!(all.all().is_err());
    }
}
