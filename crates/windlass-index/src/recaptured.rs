//! When pages were really captured (R1).
//!
//! Most were once, at their latest capture, which [`Paged`] has. Of the others all is here:
//!
//! ```text
//! recaptured := nothing                                                            where there are none
//!             | n u32 | (pages before u32 | bytes before u64 | bits × 512) × ⌈pages / 512⌉ | end u32 × n | bytes
//! ```
//! The bit of a page is set where it is one of the `n`, from the lowest of the first byte on. Its bytes, from the end
//! before its own to its own, counted from those before its group, are varints: how many seconds before the latest
//! capture, then before the time just said.

use std::io::{self, Write};
use std::ops::Range;
use std::sync::Arc;

use crate::bits::{rank_in, word_at};
use crate::bytes::{Bytes, Corrupt, put_varint};
use crate::fetch::fetch_or_ask;
use crate::paged::Paged;
use crate::spool::{Scratch, Spool};
use crate::stretch::Stretch;

/// Pages of a group, bytes of their bits, and of what stands before these.
const GROUP: usize = 512;
const BITS: usize = GROUP / 8;
const HEAD: usize = 12;
const STEP: usize = HEAD + BITS;
/// Bytes of `n`, and of an end.
const NUMBER: usize = 4;

/// Encodes the captures of pages as they come.
#[derive(Debug)]
pub(crate) struct RecapturedBuilder {
    groups: Spool,
    ends: Spool,
    data: Spool,
    pages: usize,
    n: u32,
    /// Of the group that is being filled.
    bits: [u8; BITS],
    n_before: u32,
    bytes_before: u64,
    buffer: Vec<u8>,
}

impl RecapturedBuilder {
    pub(crate) fn new(scratch: &Arc<Scratch>) -> Self {
        Self {
            groups: Spool::new(scratch),
            ends: Spool::new(scratch),
            data: Spool::new(scratch),
            pages: 0,
            n: 0,
            bits: [0; BITS],
            n_before: 0,
            bytes_before: 0,
            buffer: Vec::new(),
        }
    }

    /// Adds a page that was really captured at these seconds, which ascend.
    ///
    /// # Errors
    /// Where a group of pages has more captures than can be numbered.
    pub(crate) fn push(
        &mut self,
        times: impl DoubleEndedIterator<Item = u32>,
    ) -> Result<(), Corrupt> {
        self.buffer.clear();
        let mut after = None;
        for time in times.rev() {
            if let Some(after) = after.replace(time) {
                put_varint(&mut self.buffer, u64::from(u32::wrapping_sub(after, time)));
            }
        }
        if !self.buffer.is_empty() {
            self.data.put(&self.buffer);
            let end = u32::try_from(self.data.len() - self.bytes_before);
            let end = end.map_err(|_| Corrupt("the captures of 512 pages over 4 GiB"))?;
            self.ends.put(&end.to_le_bytes());
            if let Some(byte) = self.bits.get_mut(self.pages % GROUP / 8) {
                *byte |= 1 << (self.pages % 8);
            }
            self.n += 1;
        }
        self.pages += 1;
        if self.pages.is_multiple_of(GROUP) {
            self.end_group();
        }
        Ok(())
    }

    fn end_group(&mut self) {
        self.groups.put(&self.n_before.to_le_bytes());
        self.groups.put(&self.bytes_before.to_le_bytes());
        self.groups.put(&self.bits);
        self.bits = [0; BITS];
        (self.n_before, self.bytes_before) = (self.n, self.data.len());
    }

    /// Writes what there is of all pages; nothing, where none has several captures.
    pub(crate) fn finish(mut self, out: &mut impl Write) -> io::Result<()> {
        if self.n == 0 {
            return Ok(());
        }
        if !self.pages.is_multiple_of(GROUP) {
            self.end_group();
        }
        out.write_all(&self.n.to_le_bytes())?;
        self.groups.write_to(out)?;
        self.ends.write_to(out)?;
        self.data.write_to(out)
    }
}

/// When the pages of a segment were really captured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CaptureTimes<'a> {
    latest: Paged<'a>,
    /// How many pages have several captures.
    n: usize,
    groups: Stretch<'a>,
    ends: Stretch<'a>,
    data: Stretch<'a>,
}

/// Where the captures of a page lie that has several.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Recaptured {
    /// How many such pages are before it, in all and in its group.
    number: usize,
    in_group: usize,
    bytes_before: u64,
}

impl<'a> CaptureTimes<'a> {
    /// Of so many pages: when each was last captured, and what the section has of those that were several times.
    pub(crate) fn open(
        pages: usize,
        latest: Paged<'a>,
        section: Stretch<'a>,
    ) -> Result<Self, Corrupt> {
        if section.is_empty() {
            return Ok(Self::once(latest));
        }
        let n = section.u32_at(0)? as usize;
        if n == 0 {
            return Err(Corrupt("the captures of pages"));
        }
        let rest = section.from(NUMBER)?;
        let (groups, rest) = rest.split_at(pages.div_ceil(GROUP).saturating_mul(STEP))?;
        let (ends, data) = rest.split_at(n.saturating_mul(NUMBER))?;
        Ok(Self {
            latest,
            n,
            groups,
            ends,
            data,
        })
    }

    /// Of pages that were captured once.
    fn once(latest: Paged<'a>) -> Self {
        Self {
            latest,
            n: 0,
            groups: Stretch::trusted(&[]),
            ends: Stretch::trusted(&[]),
            data: Stretch::trusted(&[]),
        }
    }

    /// When each page was last really captured.
    pub(crate) const fn latest(&self) -> &Paged<'a> {
        &self.latest
    }

    /// How many pages have several captures.
    pub(crate) const fn recaptured_pages(&self) -> usize {
        self.n
    }

    /// Fetches what [`find`](Self::find) reads of some pages.
    pub(crate) fn fetch(&self, pages: &[u32]) {
        let pages = pages.iter().map(|page| *page as usize);
        let bits = pages.map(|page| page / GROUP * STEP + HEAD + page % GROUP / 8);
        fetch_or_ask(&self.groups, bits);
    }

    /// Where a page has its captures, if it has several.
    #[inline]
    pub(crate) fn find(&self, page: u32) -> Result<Option<Recaptured>, Corrupt> {
        if self.n == 0 {
            return Ok(None);
        }
        let start = page as usize / GROUP * STEP;
        let group = self.groups.get(start..start + STEP)?;
        let (head, bits) = group.split_at_checked(HEAD).unwrap_or_default();
        let at = page as usize % GROUP;
        // Most were captured once, which costs less.
        if word_at(bits, at / 64) >> (at % 64) & 1 == 0 {
            return Ok(None);
        }
        let (_, before) = rank_in(bits, at);
        let (n_before, bytes_before) = head.split_at_checked(4).unwrap_or_default();
        let n_before = n_before.try_into().map_or(0, u32::from_le_bytes);
        Ok(Some(Recaptured {
            number: n_before as usize + before as usize,
            in_group: before as usize,
            bytes_before: bytes_before.try_into().map_or(0, u64::from_le_bytes),
        }))
    }

    /// Fetches what says where the bytes of some of those lie.
    pub(crate) fn fetch_ends(&self, found: impl Iterator<Item = Recaptured> + Clone) {
        fetch_or_ask(&self.ends, found.map(|found| found.number * NUMBER));
    }

    /// Where the bytes of a page lie.
    #[inline]
    pub(crate) fn range(&self, found: Recaptured) -> Result<Range<usize>, Corrupt> {
        const WRONG: Corrupt = Corrupt("the captures of a page");
        let end = self.ends.u32_at(found.number)?;
        let start = match (found.in_group, found.number.checked_sub(1)) {
            (1.., Some(before)) => self.ends.u32_at(before)?,
            _ => 0,
        };
        let before = usize::try_from(found.bytes_before).map_err(|_| WRONG)?;
        let at = |offset: u32| before.checked_add(offset as usize).ok_or(WRONG);
        let range = at(start)?..at(end)?;
        if range.start > range.end || range.end > self.data.len() {
            return Err(WRONG);
        }
        Ok(range)
    }

    /// Fetches some of these bytes.
    pub(crate) fn fetch_bytes(&self, positions: impl Iterator<Item = usize> + Clone) {
        fetch_or_ask(&self.data, positions);
    }

    /// How many seconds each capture was before the one after it, from the latest one on.
    #[inline]
    pub(crate) fn list(&self, range: Range<usize>) -> Result<Bytes<'a>, Corrupt> {
        self.data.get(range).map(Bytes::new)
    }

    /// The list of a page, if it has several captures.
    #[inline]
    pub(crate) fn list_of(&self, page: u32) -> Result<Option<Bytes<'a>>, Corrupt> {
        match self.find(page)? {
            Some(found) => self.list(self.range(found)?).map(Some),
            None => Ok(None),
        }
    }

    /// Checks that nothing is there that is no page's, of so many pages.
    pub(crate) fn verify(&self, pages: usize) -> Result<(), Corrupt> {
        const WRONG: Corrupt = Corrupt("the captures of pages");
        let (mut n, mut bytes) = (0usize, 0u64);
        for start in (0..pages.min(self.groups.len().saturating_mul(GROUP))).step_by(GROUP) {
            let of_group = start..pages.min(start + GROUP);
            let mut in_group = 0;
            let mut end = bytes;
            for page in of_group {
                let Some(found) = self.find(page as u64 as u32)? else {
                    continue;
                };
                let range = self.range(found)?;
                let is_next = found.number == n + in_group && found.in_group == in_group;
                if !is_next || found.bytes_before != bytes || range.start as u64 != end {
                    return Err(WRONG);
                }
                in_group += 1;
                end = range.end as u64;
            }
            let at = start / GROUP * STEP;
            let group = self.groups.get(at..at + STEP)?;
            let ones = group.iter().skip(HEAD).map(|byte| byte.count_ones());
            let head = group.split_first_chunk::<4>().ok_or(WRONG)?;
            let before = head.1.first_chunk::<8>().ok_or(WRONG)?;
            let is_right = u32::from_le_bytes(*head.0) as usize == n
                && u64::from_le_bytes(*before) == bytes
                && ones.sum::<u32>() as usize == in_group;
            if !is_right {
                return Err(WRONG);
            }
            (n, bytes) = (n + in_group, end);
        }
        if n != self.n || bytes != self.data.len() as u64 {
            return Err(WRONG);
        }
        Ok(())
    }

    /// Appends the real captures of a page before one at `latest`, which is its latest: the last one of them first.
    pub(crate) fn append_earlier(
        &self,
        page: u32,
        latest: u32,
        times: &mut Vec<u32>,
    ) -> Result<(), Corrupt> {
        match self.list_of(page)? {
            Some(list) => for_each_earlier(latest, list, |time| times.push(time)),
            None => Ok(()),
        }
    }
}

/// Calls `each` with the times that a list says, each by how many seconds it is before the one before it, and the first
/// before `time`.
#[inline]
pub(crate) fn for_each_earlier(
    mut time: u32,
    mut list: Bytes<'_>,
    mut each: impl FnMut(u32),
) -> Result<(), Corrupt> {
    while !list.is_empty() {
        time = earlier(time, &mut list)?;
        each(time);
    }
    Ok(())
}

/// The time that is so many seconds before another as the bytes say.
#[inline]
pub(crate) fn earlier(time: u32, bytes: &mut Bytes<'_>) -> Result<u32, Corrupt> {
    time.checked_sub(bytes.varint_u32()?)
        .ok_or(Corrupt("a time"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::paged::{PagedBuilder, Verified};
    use crate::stretch::{Backing, CheckedSection, Checksums};

    struct Memory(Vec<u8>);
    impl Backing for Memory {
        fn bytes(&self) -> &[u8] {
            &self.0
        }
    }

    /// These bytes as a section with checksums that are right.
    fn checked(mut bytes: Vec<u8>) -> CheckedSection {
        let n = bytes.len();
        let mut checksums = Checksums::default();
        checksums.update(&bytes);
        let sums = checksums.take();
        bytes.extend_from_slice(&sums);
        let all = bytes.len();
        let backing = Arc::new(Memory(bytes)) as Arc<dyn Backing>;
        CheckedSection::new(backing, 0..n, n..all, crc32fast::hash(&sums)).unwrap()
    }

    proptest! {
        #[test]
        fn captures_come_back(
            pages in prop::collection::vec(prop_oneof![
                4 => prop::collection::btree_set(1u32..1 << 30, 1..2),
                1 => prop::collection::btree_set(1u32..1 << 30, 0..6),
            ], 0..1700),
        ) {
            let directory = tempfile::tempdir().unwrap();
            let scratch = Scratch::new(directory.path().to_owned(), 100);
            let (mut builder, mut latest) = (RecapturedBuilder::new(&scratch), PagedBuilder::default());
            for times in &pages {
                builder.push(times.iter().copied()).unwrap();
                latest.push(times.last().copied().unwrap_or(0));
            }
            let (mut section, mut array) = (Vec::new(), Vec::new());
            builder.finish(&mut section).unwrap();
            latest.finish().write_to(&mut array).unwrap();
            let verified = Verified::new(&array);
            let latest = Paged::new(&array, &verified);
            let found = CaptureTimes::open(pages.len(), latest, Stretch::trusted(&section)).unwrap();
            found.verify(pages.len()).unwrap();
            prop_assert_eq!(found.recaptured_pages(), pages.iter().filter(|times| times.len() > 1).count());
            for (page, times) in (0..).zip(&pages) {
                let last = times.last().copied().unwrap_or(0);
                let mut all = vec![last];
                found.append_earlier(page, last, &mut all).unwrap();
                if !times.is_empty() {
                    prop_assert_eq!(&all.into_iter().collect::<BTreeSet<u32>>(), times);
                }
                prop_assert_eq!(found.find(page).unwrap().is_some(), times.len() > 1);
            }
            if found.recaptured_pages() > 0 {
                let beyond = pages.len().next_multiple_of(GROUP) as u32;
                prop_assert!(found.find(beyond).is_err());
            }
        }

        #[test]
        fn foreign_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), pages in 0usize..2000) {
            let verified = Verified::new(&[]);
            let latest = Paged::new(&[], &verified);
            let section = checked(bytes);
            if let Ok(times) = CaptureTimes::open(pages, latest, section.stretch()) {
                let _ = times.verify(pages);
                for page in 0..pages as u32 + 2 {
                    let _ = times.append_earlier(page, u32::MAX, &mut Vec::new());
                    if let Ok(Some(found)) = times.find(page) {
                        times.fetch_ends(std::iter::once(found));
                        if let Ok(range) = times.range(found) {
                            times.fetch_bytes(std::iter::once(range.start));
                        }
                    }
                }
                times.fetch(&[0, pages as u32, u32::MAX]);
            }
        }
    }
}
