//! Stretches of bytes that are verified, page by page, when they are first touched.
//!
//! A section that is read in parts has a CRC-32 for each [`CHECKED_BYTES`] of it. Reading a number in
//! the middle of a block of hundreds of megabytes then costs the checksum of 16 KiB, once.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::bytes::Corrupt;

/// How many bytes have a checksum together.
pub(crate) const CHECKED_BYTES: usize = 1 << 14;

/// Bytes that something owns: a mapped file, or memory.
pub(crate) trait Backing: Send + Sync {
    /// All of them. The same at each call.
    fn bytes(&self) -> &[u8];

    /// They will be read soon, those of a range.
    fn will_need(&self, range: Range<usize>) {
        let _ = range;
    }
}

/// How many pages are read ahead at most, where pages are read one after the other: 1 MiB.
const AHEAD_MAX: usize = 64;

/// A section with its checksums, and which of them have been looked at.
pub(crate) struct CheckedSection {
    backing: Arc<dyn Backing>,
    range: Range<usize>,
    /// CRC-32, little-endian, of each [`CHECKED_BYTES`].
    checksums: Range<usize>,
    /// CRC-32 of those.
    checksums_crc32: u32,
    checksums_verified: AtomicBool,
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
    /// The section at `range` of the backing bytes, whose checksums lie at `checksums` and have a
    /// checksum themselves.
    pub(crate) fn new(
        backing: Arc<dyn Backing>,
        range: Range<usize>,
        checksums: Range<usize>,
        checksums_crc32: u32,
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
            checksums_crc32,
            checksums_verified: AtomicBool::new(false),
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

    /// How many pages have been verified, and how many there are.
    #[cfg(test)]
    pub(crate) fn verified_pages(&self) -> (u32, usize) {
        let words = self.verified.iter();
        let verified = words.map(|word| word.load(Ordering::Relaxed).count_ones());
        (verified.sum(), self.range.len().div_ceil(CHECKED_BYTES))
    }

    /// Verifies the pages that hold the bytes from `start` to `end`. An atomic load for each that has
    /// been verified before.
    #[inline]
    fn verify(&self, start: usize, end: usize) -> Result<(), Corrupt> {
        let mut page = start / CHECKED_BYTES;
        while page * CHECKED_BYTES < end {
            if !self.is_verified(page).ok_or(Corrupt("a position"))? {
                self.verify_page(page)?;
            }
            page += 1;
        }
        Ok(())
    }

    #[inline]
    fn is_verified(&self, page: usize) -> Option<bool> {
        let word = self.verified.get(page / 64)?;
        Some(word.load(Ordering::Relaxed) & (1 << (page % 64)) != 0)
    }

    /// Asks for a page that is not verified yet, and for some behind it where those before it are: as
    /// many as those, up to a bound. So what is read in vain is never more than what was of use, and who
    /// reads on waits seldom.
    fn read_ahead(&self, page: usize) {
        let is_verified = |page| self.is_verified(page) == Some(true);
        let before = (0..page).rev().take(AHEAD_MAX);
        let before = before.take_while(|page| is_verified(*page)).count();
        let end = if before < AHEAD_MAX / 2 {
            if before > 0 && !before.is_power_of_two() {
                // Asked for already.
                return;
            }
            page + before.max(1)
        } else if before == AHEAD_MAX / 2 {
            (page + before).next_multiple_of(AHEAD_MAX)
        } else if page.is_multiple_of(AHEAD_MAX) {
            page + AHEAD_MAX
        } else {
            return;
        };
        self.ask(page..end);
    }

    /// Pages will be read soon.
    fn ask(&self, pages: Range<usize>) {
        let start = self.range.start + pages.start * CHECKED_BYTES;
        let end = self.range.start + pages.end * CHECKED_BYTES;
        self.backing.will_need(start..end.min(self.range.end));
    }

    /// Verifies the checksums themselves, once.
    fn verify_checksums(&self, sums: &[u8]) -> Result<(), Corrupt> {
        if !self.checksums_verified.load(Ordering::Relaxed) {
            self.backing.will_need(self.checksums.clone());
            if crc32fast::hash(sums) != self.checksums_crc32 {
                return Err(Corrupt("the checksum of the checksums"));
            }
            self.checksums_verified.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    #[cold]
    fn verify_page(&self, page: usize) -> Result<(), Corrupt> {
        let all = self.backing.bytes();
        let sums = all.get(self.checksums.clone()).unwrap_or_default();
        self.verify_checksums(sums)?;
        self.read_ahead(page);
        let section = all.get(self.range.clone()).unwrap_or_default();
        let start = page * CHECKED_BYTES;
        let end = section.len().min(start + CHECKED_BYTES);
        let found = crc32fast::hash(section.get(start..end).ok_or(Corrupt("a position"))?);
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

    /// All of it, for a reader that verifies what it looks at before.
    pub(crate) const fn unverified(&self) -> &'a [u8] {
        self.bytes
    }

    /// The bytes of a range, verified.
    #[inline]
    pub(crate) fn get(&self, range: Range<usize>) -> Result<&'a [u8], Corrupt> {
        if let Some(section) = self.section {
            section.verify(self.start + range.start, self.start + range.end)?;
        }
        self.bytes.get(range).ok_or(Corrupt("a position"))
    }

    /// Brings the byte at a position near; its value means nothing. Does nothing where its page has not been verified,
    /// which may have to be read from the disk.
    #[inline]
    pub(crate) fn touch(&self, at: usize) -> u8 {
        let is_known = self.section.is_none_or(|section| {
            section.is_verified((self.start + at) / CHECKED_BYTES) == Some(true)
        });
        if is_known {
            self.bytes.get(at).copied().unwrap_or_default()
        } else {
            0
        }
    }

    /// The bytes at some positions will be asked for: those whose pages have not been verified, and so may not be in memory,
    /// are asked for at once.
    pub(crate) fn will_need(&self, positions: impl Iterator<Item = usize>) {
        let Some(section) = self.section else {
            return;
        };
        let mut pages = Vec::new();
        for at in positions {
            let page = self.start.saturating_add(at) / CHECKED_BYTES;
            if section.is_verified(page) == Some(false) && pages.last() != Some(&page) {
                pages.push(page);
            }
        }
        if !pages.is_sorted() {
            pages.sort_unstable();
        }
        for neighbours in pages.chunk_by(|a, b| b - a <= 1) {
            if let (Some(first), Some(last)) = (neighbours.first(), neighbours.last()) {
                section.ask(*first..last + 1);
            }
        }
    }

    /// All of it, verified.
    #[inline]
    pub(crate) fn all(&self) -> Result<&'a [u8], Corrupt> {
        self.get(0..self.bytes.len())
    }

    /// At most the first `n` bytes, verified.
    #[inline]
    pub(crate) fn head(&self, n: usize) -> Result<&'a [u8], Corrupt> {
        self.get(0..n.min(self.bytes.len()))
    }

    /// Divides it, without looking at a byte.
    #[inline]
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
    #[inline]
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
    use std::sync::Mutex;

    use super::*;

    /// Remembers what it was asked for.
    #[derive(Default)]
    struct Memory(Vec<u8>, Mutex<Vec<Range<usize>>>);
    impl Backing for Memory {
        fn bytes(&self) -> &[u8] {
            &self.0
        }

        fn will_need(&self, range: Range<usize>) {
            self.1.lock().unwrap().push(range);
        }
    }

    /// Before damage, if any: `n` bytes, then their checksums.
    fn section(n: usize, damage: Option<usize>) -> (CheckedSection, Arc<Memory>) {
        let mut bytes: Vec<u8> = (0..n).map(|i| (i * 31 % 251) as u8).collect();
        let mut sums = Checksums::default();
        for part in bytes.chunks(1000) {
            sums.update(part);
        }
        let sums = sums.take();
        let crc32 = crc32fast::hash(&sums);
        bytes.extend_from_slice(&sums);
        if let Some(at) = damage {
            bytes[at] ^= 4;
        }
        let end = bytes.len();
        let memory = Arc::new(Memory(bytes, Mutex::default()));
        let backing = Arc::clone(&memory) as Arc<dyn Backing>;
        let section = CheckedSection::new(backing, 0..n, n..end, crc32).unwrap();
        (section, memory)
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
            let (whole, _) = section(n, None);
            assert_eq!(whole.stretch().all().unwrap().len(), n);
        }
        let (damaged, _) = section(3 * CHECKED_BYTES + 5, Some(CHECKED_BYTES + 7));
        let all = damaged.stretch();
        assert!(all.get(0..CHECKED_BYTES).is_ok());
        assert!(all.get(CHECKED_BYTES..CHECKED_BYTES + 1).is_err());
        assert!(all.get(CHECKED_BYTES - 1..CHECKED_BYTES + 1).is_err());
        let (_, tail) = all.split_at(2 * CHECKED_BYTES).unwrap();
        assert!(tail.all().is_ok());
        assert!(all.all().is_err());
    }

    #[test]
    fn touching_verifies_nothing_and_reads_what_is_verified() {
        let n = 2 * CHECKED_BYTES + 9;
        let (section, memory) = section(n, None);
        let all = section.stretch();
        let (_, tail) = all.split_at(5).unwrap();
        assert_eq!(all.touch(100), 0);
        assert_eq!(section.verified_pages().0, 0);
        all.get(0..1).unwrap();
        assert_eq!(section.verified_pages().0, 1);
        memory.1.lock().unwrap().clear();
        let byte = |at: usize| (at * 31 % 251) as u8;
        assert_eq!((all.touch(100), tail.touch(100)), (byte(100), byte(105)));
        for at in [CHECKED_BYTES, n - 1, n, 10 * n, usize::MAX / 2] {
            assert_eq!(all.touch(at), 0);
        }
        assert_eq!(section.verified_pages().0, 1);
        assert!(memory.1.lock().unwrap().is_empty());
        assert_eq!(Stretch::trusted(b"ab").touch(1), b'b');
        assert_eq!(Stretch::trusted(b"ab").touch(2), 0);
    }

    #[test]
    fn damaged_checksums_are_found_whatever_is_touched() {
        let n = 2 * CHECKED_BYTES;
        for at in n..n + 8 {
            let (damaged, _) = section(n, Some(at));
            for page in [0, 1] {
                assert!(damaged.stretch().get(page * CHECKED_BYTES..n).is_err());
            }
        }
    }

    #[test]
    fn reading_on_asks_for_more_and_more_and_for_nothing_twice() {
        const PAGES: usize = 300;
        let n = PAGES * CHECKED_BYTES - 9;
        let (section, memory) = section(n, None);
        let stretch = section.stretch();
        // Here and there: for what is touched.
        for page in [7, 250] {
            stretch
                .get(page * CHECKED_BYTES..page * CHECKED_BYTES + 1)
                .unwrap();
        }
        let asked = std::mem::take(&mut *memory.1.lock().unwrap());
        let page = |page: usize| page * CHECKED_BYTES..(page + 1) * CHECKED_BYTES;
        assert_eq!(asked[1..], [page(7), page(250)]);
        // From there on: all of it, in few steps, none beyond twice what was read.
        for page in 251..PAGES {
            stretch
                .get(page * CHECKED_BYTES..page * CHECKED_BYTES + 1)
                .unwrap();
        }
        let asked = std::mem::take(&mut *memory.1.lock().unwrap());
        assert_eq!(asked.first().unwrap().start, 251 * CHECKED_BYTES);
        assert_eq!(asked.last().unwrap().end, n);
        assert!(
            asked.windows(2).all(|pair| pair[0].end == pair[1].start),
            "{asked:?}"
        );
        assert!(asked.len() < 10, "{asked:?}");
        for range in &asked {
            let read = range.start - 250 * CHECKED_BYTES;
            assert!(range.end - range.start <= read + AHEAD_MAX / 2 * CHECKED_BYTES);
        }
        let (section, memory) = self::section(n, None);
        section.stretch().all().unwrap();
        let asked = std::mem::take(&mut *memory.1.lock().unwrap());
        let mut asked = asked[1..].to_vec();
        asked.dedup();
        assert!(
            asked.windows(2).all(|pair| pair[0].end == pair[1].start),
            "{asked:?}"
        );
        assert_eq!((asked[0].start, asked.last().unwrap().end), (0, n));
    }
}
