//! The folded anchors of a site block (R9a), many at a time: decoded and kept for questions that look at
//! anchors again and again, or decoded in stretches.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use windlass_links::anchor::fold_into;

use crate::bytes::Corrupt;
use crate::cache::{Cache, KeptMemory, LookedUp, Memory, Worth};
use crate::error::{IndexError, check};
use crate::gallop::partition_point_from;
use crate::query::{each_of, threads};
use crate::segment::Segment;
use crate::site::SiteBlock;
use crate::strings::StringCursor;

/// The anchors of one site take at most one of so many parts of the memory for all that is kept.
const SITE_SHARE: usize = 4;
/// Anchors that are decoded by a thread at once, and lie together.
const PART_ANCHORS: usize = 1 << 14;
/// Anchors, and bytes of them, that a stretch has at most, and one more.
const STRETCH_ANCHORS_MAX: usize = 1 << 12;
const STRETCH_BYTES_MAX: usize = 1 << 18;

/// Anchors with neighbouring numbers, folded (R9a), one behind the other in one text.
#[derive(Debug, Clone, Copy)]
pub struct AnchorStretch<'a> {
    text: &'a str,
    /// Where each ends, and where the text starts.
    ends: &'a [u32],
    start: u32,
}

impl<'a> AnchorStretch<'a> {
    /// Those in a text, which begins where the one before them ends.
    pub(crate) const fn of(text: &'a str, ends: &'a [u32], start: u32) -> Self {
        Self { text, ends, start }
    }

    /// How many of the first of them are looked at between looks at the stop flag: tests of texts take time that
    /// grows with these, which may be long.
    fn at_once(&self) -> usize {
        let end = self.start.saturating_add(STRETCH_BYTES_MAX as u32);
        let fitting = self.ends.partition_point(|of_one| *of_one <= end);
        fitting.clamp(1, STRETCH_ANCHORS_MAX)
    }

    /// Calls `each` with stretches that together are this one, and the place in it where each begins, unless it is
    /// cancelled.
    pub(crate) fn for_each_part(
        mut self,
        cancel: &AtomicBool,
        mut each: impl FnMut(usize, Self),
    ) -> Result<(), IndexError> {
        let mut first = 0;
        while !self.is_empty() {
            check(cancel)?;
            let (ends, later_ends) = self.ends.split_at(self.at_once().min(self.len()));
            let end = ends.last().map_or(self.start, |end| *end);
            let bytes = end.wrapping_sub(self.start) as usize;
            let (text, later) = self.text.split_at_checked(bytes).unwrap_or((self.text, ""));
            each(first, Self::of(text, ends, self.start));
            first += ends.len();
            self = Self::of(later, later_ends, end);
        }
        Ok(())
    }

    /// How many they are.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// All of them, with nothing between.
    #[must_use]
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// Where in the text an anchor lies, by its place among them; an empty range behind the last one.
    #[inline]
    #[must_use]
    pub fn range(&self, at: usize) -> Range<usize> {
        let end = |at: usize| self.ends.get(at).map(|end| end.wrapping_sub(self.start));
        let start = at.checked_sub(1).and_then(end).unwrap_or_default();
        start as usize..end(at).unwrap_or(start) as usize
    }

    /// The place of the anchor that a byte of the text is of, from one on, soon found where it is near; the number of
    /// anchors where there is none.
    #[must_use]
    pub fn place_from(&self, first: usize, byte: usize) -> usize {
        partition_point_from(self.ends, first, |end| {
            (end.wrapping_sub(self.start) as usize) <= byte
        })
    }

    /// An anchor by its place among them.
    #[inline]
    #[must_use]
    pub fn get(&self, at: usize) -> &'a str {
        self.text.get(self.range(at)).unwrap_or_default()
    }
}

/// Reads anchors in the order of their numbers.
struct Reader<'a> {
    block: SiteBlock<'a>,
    forms: StringCursor<'a>,
    /// The first form of the next anchor.
    form: usize,
    /// The first form from there on that folds like the one before it.
    same: Option<usize>,
    next: u32,
}

impl<'a> Reader<'a> {
    /// From an anchor on.
    fn from(block: &SiteBlock<'a>, number: u32) -> Result<Self, Corrupt> {
        let mut block = block.clone();
        let form = block.form_of_fold(number)?;
        Ok(Self {
            forms: StringCursor::new(block.forms),
            form,
            same: block.next_same_fold(form)?,
            block,
            next: number,
        })
    }

    /// Passes over those before an anchor, which is not behind the next one.
    fn go_to(&mut self, number: u32) -> Result<(), Corrupt> {
        if self.next != number {
            self.form = self.block.form_of_fold(number)?;
            self.same = self.block.next_same_fold(self.form)?;
            self.next = number;
        }
        Ok(())
    }

    /// Appends the next anchor.
    fn append_next(&mut self, text: &mut String) -> Result<(), Corrupt> {
        let form = std::str::from_utf8(self.forms.get(self.form)?);
        let form = form.map_err(|_| Corrupt("an anchor"))?;
        let start = text.len();
        if form.is_ascii() {
            text.push_str(form);
            if let Some(new) = text.get_mut(start..) {
                new.make_ascii_lowercase();
            }
        } else {
            fold_into(form, text);
        }
        self.next += 1;
        self.form += 1;
        while self.same.is_some_and(|same| same <= self.form) {
            if self.same == Some(self.form) {
                self.form += 1;
            }
            self.same = self.block.next_same_fold(self.form)?;
        }
        Ok(())
    }
}

/// All folded anchors of a site block, by their numbers: [`PART_ANCHORS`] in each part.
#[derive(Debug, Default)]
pub(crate) struct AnchorTable(Vec<AnchorPart>);

#[derive(Debug, Default)]
struct AnchorPart {
    text: String,
    ends: Vec<u32>,
}

impl AnchorPart {
    /// Reads anchors, until they take more than so many bytes.
    fn read(
        block: &SiteBlock<'_>,
        numbers: Range<u32>,
        bytes_max: usize,
        check: impl Fn() -> Result<(), IndexError>,
        wrong: impl Fn(Corrupt) -> IndexError,
    ) -> Result<Self, IndexError> {
        let mut reader = Reader::from(block, numbers.start).map_err(&wrong)?;
        let mut part = Self::default();
        part.ends.reserve_exact(numbers.len());
        for number in numbers {
            if number.is_multiple_of(STRETCH_ANCHORS_MAX as u32) {
                check()?;
            }
            reader.append_next(&mut part.text).map_err(&wrong)?;
            part.ends.push(part.text.len() as u64 as u32);
            if part.text.len() > bytes_max {
                break;
            }
        }
        part.text.shrink_to_fit();
        Ok(part)
    }

    fn start(&self, at: usize) -> u32 {
        let before = at.checked_sub(1).and_then(|before| self.ends.get(before));
        before.copied().unwrap_or_default()
    }

    fn memory(&self) -> usize {
        self.text.capacity() + self.ends.capacity() * 4 + size_of::<Self>()
    }
}

impl AnchorTable {
    /// Reads the anchors of a block, unless they take more than so many bytes. About 20 ns an anchor, which
    /// threads share.
    fn of(
        segment: &Segment,
        block: &SiteBlock<'_>,
        bytes_max: usize,
        cancel: &AtomicBool,
    ) -> Result<Option<Self>, IndexError> {
        let anchors = block.fold_count();
        let ends_bytes = anchors.saturating_mul(4);
        // Symbols make a text at most twice as long.
        if ends_bytes.saturating_add(block.forms.bytes() / 2) > bytes_max {
            return Ok(None);
        }
        let shares: Vec<Range<u32>> = (0..anchors as u64 as u32)
            .step_by(PART_ANCHORS)
            .map(|start| start..(anchors as u64 as u32).min(start + PART_ANCHORS as u32))
            .collect();
        let left = AtomicUsize::new(bytes_max);
        let parts = each_of(
            threads(),
            &shares,
            || Ok(()),
            |(), numbers| {
                if left.load(Ordering::Relaxed) == 0 {
                    return Ok(AnchorPart::default());
                }
                let wrong = |corrupt| segment.corrupt(corrupt);
                let numbers = numbers.clone();
                let part = AnchorPart::read(block, numbers, bytes_max, || check(cancel), wrong)?;
                let bytes = part.memory();
                let take = |left: usize| Some(left.saturating_sub(bytes));
                let _ = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
                Ok(part)
            },
        )?;
        Ok((left.into_inner() > 0).then_some(Self(parts)))
    }

    /// An anchor by its number.
    pub(crate) fn get(&self, number: u32) -> Option<&str> {
        let part = self.0.get(number as usize / PART_ANCHORS)?;
        let at = number as usize % PART_ANCHORS;
        let end = *part.ends.get(at)? as usize;
        part.text.get(part.start(at) as usize..end)
    }

    /// The anchors with these numbers, which must be of one part.
    fn stretch(&self, numbers: Range<u32>) -> AnchorStretch<'_> {
        let start_at = numbers.start as usize % PART_ANCHORS;
        let part = self.0.get(numbers.start as usize / PART_ANCHORS);
        let found = part.map(|part| {
            let ends = part.ends.get(start_at..start_at + numbers.len());
            let ends = ends.unwrap_or_default();
            let start = part.start(start_at);
            let end = ends.last().map_or(start, |end| *end);
            let text = part.text.get(start as usize..end as usize);
            AnchorStretch {
                text: text.unwrap_or_default(),
                ends,
                start,
            }
        });
        found.unwrap_or(AnchorStretch {
            text: "",
            ends: &[],
            start: 0,
        })
    }
}

impl Memory for AnchorTable {
    fn memory(&self) -> usize {
        self.0.iter().map(AnchorPart::memory).sum()
    }
}

/// Why there is no table.
enum NotMade {
    TooLarge,
    Failed(IndexError),
}

impl From<IndexError> for NotMade {
    fn from(error: IndexError) -> Self {
        Self::Failed(error)
    }
}

/// The anchors used last, by the keys of their sites, and of other sites how many were looked up.
#[derive(Debug)]
pub(crate) struct AnchorCache {
    tables: Cache<Vec<u8>, AnchorTable>,
    looked_up: LookedUp,
    site_bytes_max: usize,
}

impl AnchorCache {
    pub(crate) fn new(memory: &KeptMemory) -> Self {
        Self {
            tables: Cache::new(memory),
            looked_up: LookedUp::default(),
            site_bytes_max: memory.bytes_max() / SITE_SHARE,
        }
    }

    /// The anchors of a site, where they are kept.
    pub(crate) fn get(&self, site_key: &[u8]) -> Option<Arc<AnchorTable>> {
        self.tables.get(site_key)
    }

    /// The anchors of a site, where they are kept, or are worth keeping now that so many more are to be
    /// looked up. Those that take too much room are not.
    pub(crate) fn get_if_worth(
        &self,
        segment: &Segment,
        site_key: &[u8],
        block: &SiteBlock<'_>,
        (more, worth): (usize, Worth),
        cancel: &AtomicBool,
    ) -> Result<Option<Arc<AnchorTable>>, IndexError> {
        if let Some(known) = self.get(site_key) {
            return Ok(Some(known));
        }
        if !self
            .looked_up
            .is_worth(site_key, more, block.fold_count(), worth)
        {
            return Ok(None);
        }
        let bytes_max = self.site_bytes_max;
        let make = || {
            // Another question may have found that out meanwhile.
            if self.looked_up.is_never(site_key) {
                return Err(NotMade::TooLarge);
            }
            match AnchorTable::of(segment, block, bytes_max, cancel)? {
                Some(table) => Ok(Arc::new(table)),
                None => {
                    self.looked_up.never(site_key);
                    Err(NotMade::TooLarge)
                }
            }
        };
        match self.tables.get_or_make(site_key, cancel, make) {
            Ok(table) => Ok(Some(table)),
            Err(NotMade::TooLarge) => Ok(None),
            Err(NotMade::Failed(error)) => Err(error),
        }
    }
}

/// Calls `each` with stretches of anchors that together are those with these numbers, and the number of
/// the first of each.
pub(crate) fn for_each_stretch(
    segment: &Segment,
    block: &SiteBlock<'_>,
    table: Option<&AnchorTable>,
    numbers: Range<u32>,
    cancel: &AtomicBool,
    mut each: impl FnMut(u32, AnchorStretch<'_>),
) -> Result<(), IndexError> {
    if numbers.is_empty() {
        return Ok(());
    }
    if let Some(table) = table {
        let mut first = numbers.start;
        while first < numbers.end {
            // None goes beyond the end of a part.
            let next = first / PART_ANCHORS as u32 * PART_ANCHORS as u32;
            let end = numbers.end.min(next + PART_ANCHORS as u32);
            table
                .stretch(first..end)
                .for_each_part(cancel, |at, stretch| {
                    each(first + at as u64 as u32, stretch);
                })?;
            first = end;
        }
        return Ok(());
    }
    let wrong = |corrupt| segment.corrupt(corrupt);
    let mut reader = Reader::from(block, numbers.start).map_err(wrong)?;
    let (mut text, mut ends) = (String::new(), Vec::new());
    let mut first = numbers.start;
    for number in numbers.clone() {
        reader.append_next(&mut text).map_err(wrong)?;
        ends.push(text.len() as u64 as u32);
        let is_full = ends.len() >= STRETCH_ANCHORS_MAX || text.len() >= STRETCH_BYTES_MAX;
        if is_full || number + 1 == numbers.end {
            check(cancel)?;
            let stretch = AnchorStretch {
                text: &text,
                ends: &ends,
                start: 0,
            };
            each(first, stretch);
            first = number + 1;
            text.clear();
            ends.clear();
        }
    }
    Ok(())
}

/// Calls `each` with stretches of anchors that together are those with these numbers, which ascend, and with
/// their numbers.
pub(crate) fn for_each_stretch_of(
    segment: &Segment,
    block: &SiteBlock<'_>,
    table: Option<&AnchorTable>,
    numbers: &[u32],
    cancel: &AtomicBool,
    mut each: impl FnMut(&[u32], AnchorStretch<'_>),
) -> Result<(), IndexError> {
    let wrong = |corrupt| segment.corrupt(corrupt);
    let Some(first) = numbers.first() else {
        return Ok(());
    };
    let mut reader = match table {
        Some(_) => None,
        None => Some(Reader::from(block, *first).map_err(wrong)?),
    };
    let (mut text, mut ends) = (String::new(), Vec::new());
    let mut left = numbers;
    while !left.is_empty() {
        check(cancel)?;
        text.clear();
        ends.clear();
        for number in left.iter().take(STRETCH_ANCHORS_MAX) {
            match (&mut reader, table) {
                (Some(reader), _) => {
                    reader.go_to(*number).map_err(wrong)?;
                    reader.append_next(&mut text).map_err(wrong)?;
                }
                (None, Some(table)) => {
                    let anchor = table.get(*number).ok_or(Corrupt("an anchor's number"));
                    text.push_str(anchor.map_err(wrong)?);
                }
                (None, None) => {}
            }
            ends.push(text.len() as u64 as u32);
            if text.len() >= STRETCH_BYTES_MAX {
                break;
            }
        }
        let (some, rest) = left.split_at(ends.len());
        left = rest;
        let stretch = AnchorStretch {
            text: &text,
            ends: &ends,
            start: 0,
        };
        each(some, stretch);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_stretch_are_all_of_it_and_none_is_long() {
        let anchors: Vec<String> = (0..3 * STRETCH_ANCHORS_MAX)
            .map(|n| match n % 1000 {
                7 => "é".repeat(STRETCH_BYTES_MAX / 3),
                8 => String::new(),
                n => n.to_string(),
            })
            .collect();
        let (mut text, mut ends) = ("before".to_owned(), Vec::new());
        for anchor in &anchors {
            text.push_str(anchor);
            ends.push(text.len() as u32);
        }
        let stretch = AnchorStretch::of(&text[6..], &ends, 6);
        let mut found = Vec::new();
        let never = AtomicBool::new(false);
        stretch
            .for_each_part(&never, |first, part| {
                assert_eq!(first, found.len());
                assert!(part.len() <= STRETCH_ANCHORS_MAX);
                assert!(part.text().len() <= STRETCH_BYTES_MAX || part.len() == 1);
                found.extend((0..part.len()).map(|at| part.get(at).to_owned()));
            })
            .unwrap();
        assert_eq!(found, anchors);
    }

    #[test]
    fn no_part_comes_once_it_is_cancelled() {
        let ends: Vec<u32> = (1..=2 * STRETCH_ANCHORS_MAX as u32).collect();
        let text = "a".repeat(ends.len());
        let cancel = AtomicBool::new(false);
        let mut parts = 0;
        let stopped = AnchorStretch::of(&text, &ends, 0).for_each_part(&cancel, |_, _| {
            parts += 1;
            cancel.store(true, Ordering::Relaxed);
        });
        assert!(matches!(stopped, Err(IndexError::Cancelled)));
        assert_eq!(parts, 1);
    }
}
