//! Rows as they are kept: in blocks of columns, so that those within bounds are found without reading the rest.

use std::hint::black_box;
use std::ops::Range;

use windlass_links::CaptureTime;

use super::bounds::{Between, RowBounds};
use crate::error::IndexError;
use crate::rows::{Row, RowVisitor, Texts};

/// Bytes that a row takes, with one page.
pub(super) const ROW_BYTES: usize = size_of::<RowBlock>() / BLOCK + size_of::<u32>();
/// Bytes that an anchor takes.
pub(super) const ANCHOR_BYTES: usize = 8;
/// Rows that lie together, and are compared with bounds at once.
pub(super) const BLOCK: usize = u16::BITS as usize;
/// In place of the number of a wide block, where there is none.
const NARROW: u32 = u32::MAX;

/// Rows that lie together, in columns. Those of other blocks are far, and each place far from the last one read takes
/// its time: so the numbers of one row are near each other, in four lines of the processor's cache, and those of a
/// column beside each other all the same.
///
/// Most rows are of few backlinks: their counts lie in few bits, and only where one does not fit, in a [`WideBlock`].
#[derive(Debug, Clone)]
#[repr(C, align(64))]
struct RowBlock {
    first_seen: [u32; BLOCK],
    last_visited: [u32; BLOCK],
    /// Where the pages of each row end, from where those of the first one begin.
    pages_ends: [u16; BLOCK],
    backlinks: [u8; BLOCK],
    /// Where the pages of the first row begin among all.
    pages_start: u32,
    /// Which wide block has the counts, or [`NARROW`].
    wide: u32,
    /// The place of the first row's anchor among all.
    anchor: u32,
    /// A bit for each row: whether its anchor is the next one.
    next_anchor: u16,
    refdomains: [u32; BLOCK],
}

const _: () = assert!(size_of::<RowBlock>() == 256);

impl RowBlock {
    const fn starting(pages_start: u32, anchor: u32) -> Self {
        Self {
            first_seen: [0; BLOCK],
            last_visited: [0; BLOCK],
            pages_ends: [0; BLOCK],
            backlinks: [0; BLOCK],
            pages_start,
            wide: NARROW,
            anchor,
            next_anchor: 0,
            refdomains: [0; BLOCK],
        }
    }

    /// The place of a row's anchor among all.
    #[inline]
    fn anchor_of(&self, at: usize) -> usize {
        let before = self.next_anchor & u16::MAX >> (BLOCK - 1 - at % BLOCK);
        self.anchor as usize + before.count_ones() as usize
    }
}

/// The counts of a block whose rows have many backlinks, at least 256 together.
#[derive(Debug, Clone)]
struct WideBlock {
    /// Where the pages of each row end, from where those of the first one begin.
    pages_ends: [u32; BLOCK],
    backlinks: [u32; BLOCK],
}

impl WideBlock {
    fn of(narrow: &RowBlock) -> Self {
        Self {
            pages_ends: narrow.pages_ends.map(u32::from),
            backlinks: narrow.backlinks.map(u32::from),
        }
    }
}

/// Rows in order of their anchors, and the pages behind each: those of one part of a scan. 20 bytes a link at
/// most, and 8 an anchor.
#[derive(Debug, Default)]
pub(crate) struct RowPart {
    /// Each anchor that has rows, and where these end among all.
    anchors: Vec<(u32, u32)>,
    blocks: Vec<RowBlock>,
    wide: Vec<WideBlock>,
    rows: usize,
    /// Places of pages.
    pages: Vec<u32>,
}

impl RowVisitor for RowPart {
    fn row(&mut self, row: &Row, _: &mut Texts<'_>) -> Result<bool, IndexError> {
        let number = |n: u64| u32::try_from(n).map_err(|_| IndexError::TooLarge("a row"));
        let at = self.rows % BLOCK;
        let pages_start = number(self.pages.len() as u64)?;
        let pages_end = number(self.pages.len() as u64 + row.refpages)?;
        let backlinks = number(row.backlinks)?;
        let end = number(self.rows as u64 + 1)?;
        let is_next = match self.anchors.last_mut() {
            Some((anchor, of_anchor)) if *anchor == row.anchor => {
                *of_anchor = end;
                false
            }
            _ => {
                self.anchors.push((row.anchor, end));
                true
            }
        };
        if at == 0 {
            let anchor = number(self.anchors.len() as u64 - 1)?;
            self.blocks.push(RowBlock::starting(pages_start, anchor));
        }
        if let Some(block) = self.blocks.last_mut() {
            if at > 0 {
                block.next_anchor |= u16::from(is_next) << at;
            }
            let pages_end = pages_end - block.pages_start;
            let columns = [
                (&mut block.first_seen, row.first_seen.unix()),
                (&mut block.last_visited, row.last_visited.unix()),
                (&mut block.refdomains, row.refdomain),
            ];
            for (column, value) in columns {
                put(column, at, value);
            }
            match (u16::try_from(pages_end), u8::try_from(backlinks)) {
                (Ok(pages_end), Ok(backlinks)) if block.wide == NARROW => {
                    put(&mut block.pages_ends, at, pages_end);
                    put(&mut block.backlinks, at, backlinks);
                }
                _ => {
                    if block.wide == NARROW {
                        block.wide = number(self.wide.len() as u64)?;
                        self.wide.push(WideBlock::of(block));
                    }
                    if let Some(wide) = self.wide.last_mut() {
                        put(&mut wide.pages_ends, at, pages_end);
                        put(&mut wide.backlinks, at, backlinks);
                    }
                }
            }
        }
        self.rows += 1;
        Ok(false)
    }

    fn pages(&mut self, pages: &[u32]) {
        self.pages.extend_from_slice(pages);
    }
}

/// Sets a value of a column.
fn put<T>(column: &mut [T; BLOCK], at: usize, value: T) {
    if let Some(place) = column.get_mut(at) {
        *place = value;
    }
}

impl RowPart {
    pub(super) fn is_empty(&self) -> bool {
        self.rows == 0
    }

    pub(super) fn shrink(&mut self) {
        self.anchors.shrink_to_fit();
        self.blocks.shrink_to_fit();
        self.wide.shrink_to_fit();
        self.pages.shrink_to_fit();
    }

    /// Bytes of memory.
    pub(super) fn memory(&self) -> usize {
        self.anchors.capacity() * ANCHOR_BYTES
            + self.blocks.capacity() * size_of::<RowBlock>()
            + self.wide.capacity() * size_of::<WideBlock>()
            + self.pages.capacity() * size_of::<u32>()
    }

    /// The numbers of the anchors that have rows, ascending.
    pub(crate) fn anchors(&self) -> impl Iterator<Item = u32> {
        self.anchors.iter().map(|(anchor, _)| *anchor)
    }

    pub(super) fn backlinks(&self) -> u64 {
        // What no row has is 0.
        let of_block = |block: &RowBlock| match self.wide(block) {
            None => block.backlinks.iter().map(|n| u64::from(*n)).sum::<u64>(),
            Some(wide) => wide.backlinks.iter().map(|n| u64::from(*n)).sum(),
        };
        self.blocks.iter().map(of_block).sum()
    }

    /// The counts of a block's rows, where they are not in the block.
    #[inline]
    fn wide(&self, block: &RowBlock) -> Option<&WideBlock> {
        match block.wide {
            NARROW => None,
            wide => self.wide.get(wide as usize),
        }
    }

    /// The pages of all rows.
    pub(super) fn all_pages(&self) -> &[u32] {
        &self.pages
    }

    /// Calls `each` with the anchors that have rows, and these.
    pub(crate) fn for_each_anchor<E>(
        &self,
        mut each: impl FnMut(u32, Range<usize>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut start = 0;
        for &(anchor, end) in &self.anchors {
            let rows = start..end as usize;
            start = end as usize;
            each(anchor, rows)?;
        }
        Ok(())
    }

    /// Touches the first rows of anchors, of each of which these are the places, and their pages: they are wanted soon.
    /// Each waits for memory, but here they do it side by side, as nothing depends on what is found.
    pub(crate) fn fetch<'r>(&self, anchors: impl Iterator<Item = &'r Range<usize>> + Clone) {
        let mut touched = 0;
        for rows in anchors.clone() {
            let (first, last) = (rows.start / BLOCK, rows.end.saturating_sub(1) / BLOCK);
            // What follows, the processor fetches of itself.
            for at in [first, last] {
                if let Some(block) = self.blocks.get(at) {
                    let [first_seen, ..] = block.first_seen;
                    let [last_visited, ..] = block.last_visited;
                    let [refdomain, ..] = block.refdomains;
                    touched ^= first_seen ^ last_visited ^ block.pages_start ^ refdomain;
                }
            }
        }
        black_box(touched);
        for rows in anchors {
            let block = self.blocks.get(rows.start / BLOCK);
            let first = block.and_then(|block| {
                let pages = self.pages_of(block, rows.start % BLOCK)?;
                self.pages.get(pages.start)
            });
            touched ^= first.unwrap_or(&0);
        }
        black_box(touched);
    }

    /// The places of the pages of a block's row among all.
    #[inline]
    fn pages_of(&self, block: &RowBlock, at: usize) -> Option<Range<usize>> {
        let end = |at: usize| match self.wide(block) {
            None => block.pages_ends.get(at).map(|end| u32::from(*end)),
            Some(wide) => wide.pages_ends.get(at).copied(),
        };
        let start = at.checked_sub(1).map_or(Some(0), end)?;
        let all = block.pages_start as usize;
        Some(all + start as usize..all + end(at)? as usize)
    }

    /// A row of an anchor by its place, and its pages.
    #[inline]
    pub(crate) fn get(&self, anchor: u32, at: usize) -> Option<(Row, &[u32])> {
        let (block, at) = (self.blocks.get(at / BLOCK)?, at % BLOCK);
        let pages = self.pages.get(self.pages_of(block, at)?)?;
        let backlinks = match self.wide(block) {
            None => u64::from(*block.backlinks.get(at)?),
            Some(wide) => u64::from(*wide.backlinks.get(at)?),
        };
        let row = Row {
            anchor,
            refdomain: *block.refdomains.get(at)?,
            backlinks,
            refpages: pages.len() as u64,
            first_seen: CaptureTime::from_unix(*block.first_seen.get(at)?),
            last_visited: CaptureTime::from_unix(*block.last_visited.get(at)?),
        };
        Some((row, pages))
    }

    /// The rows within bounds.
    pub(crate) fn within(&self, bounds: &RowBounds) -> Within<'_> {
        Within {
            part: self,
            first_seen: bounds.of_first_seen(),
            last_visited: bounds.of_last_visited(),
            backlinks: bounds.of_backlinks(),
            last: (usize::MAX, 0),
        }
    }
}

/// Which rows of a part lie within bounds: those of a block are looked at when the first of them is asked for.
pub(crate) struct Within<'a> {
    part: &'a RowPart,
    first_seen: Between,
    last_visited: Between,
    backlinks: Between,
    /// The block looked at last, and a bit for each of its rows within.
    last: (usize, u16),
}

impl Within<'_> {
    /// Calls `each` with the anchors and the places of those within among all rows, ascending, and `at_block` before
    /// each [`BLOCK`] rows, whether any is within or not. Nothing is done for anchors without rows within.
    #[inline]
    pub(crate) fn for_each_of_all<E>(
        &mut self,
        mut at_block: impl FnMut() -> Result<(), E>,
        mut each: impl FnMut(u32, usize) -> Result<(), E>,
    ) -> Result<(), E> {
        let part = self.part;
        for (at, block) in part.blocks.iter().enumerate() {
            at_block()?;
            let start = at * BLOCK;
            let mut mask = self.mask(at);
            if part.rows - start < BLOCK {
                mask &= !(u16::MAX << (part.rows - start));
            }
            while mask != 0 {
                let at = mask.trailing_zeros() as usize;
                if let Some((anchor, _)) = part.anchors.get(block.anchor_of(at)) {
                    each(*anchor, start + at)?;
                }
                mask &= mask - 1;
            }
        }
        Ok(())
    }

    /// Calls `each` with the places of those within among some rows, ascending.
    #[inline]
    pub(crate) fn for_each<E>(
        &mut self,
        rows: Range<usize>,
        mut each: impl FnMut(usize) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut start = rows.start;
        while start < rows.end {
            let block = start / BLOCK;
            let mut mask = self.mask(block) & u16::MAX << (start % BLOCK);
            start = (block + 1) * BLOCK;
            if start > rows.end {
                mask &= u16::MAX >> (start - rows.end);
            }
            while mask != 0 {
                each(block * BLOCK + mask.trailing_zeros() as usize)?;
                mask &= mask - 1;
            }
        }
        Ok(())
    }

    #[inline]
    fn mask(&mut self, at: usize) -> u16 {
        if self.last.0 != at {
            let mask = self.part.blocks.get(at).map_or(0, |block| {
                self.first_seen.mask(&block.first_seen)
                    & self.last_visited.mask(&block.last_visited)
                    & self.of_backlinks(block)
            });
            self.last = (at, mask);
        }
        self.last.1
    }

    #[inline]
    fn of_backlinks(&self, block: &RowBlock) -> u16 {
        if self.backlinks.is_all() {
            return u16::MAX;
        }
        match self.part.wide(block) {
            None => self.backlinks.mask(&block.backlinks.map(u32::from)),
            Some(wide) => self.backlinks.mask(&wide.backlinks),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PAGES: usize = 40_000;

    fn row(at: usize, (backlinks, first_seen, more): (u32, u32, u32)) -> Row {
        Row {
            anchor: at as u32 / 5,
            refdomain: at as u32 % 5,
            backlinks: backlinks.into(),
            refpages: u64::from(backlinks.min(PAGES as u32)),
            first_seen: CaptureTime::from_unix(first_seen),
            last_visited: CaptureTime::from_unix(first_seen + more),
        }
    }

    /// Few as a rule, so that most blocks are narrow; and what just fits into their columns or does not.
    fn backlinks() -> impl Strategy<Value = u32> {
        prop_oneof![
            60 => 1u32..4,
            1 => 254u32..258,
            1 => Just(40_000u32),
            1 => Just(u32::MAX),
        ]
    }

    proptest! {
        #[test]
        fn rows_come_as_they_were_put_and_within_bounds_as_one_by_one(
            numbers in prop::collection::vec((backlinks(), 0u32..9, 0u32..3), 0..200),
            (backlinks_min, first_seen_min, last_visited_max) in
                (prop_oneof![0u64..4, 250u64..260], 0u32..9, 0u32..12),
        ) {
            let rows: Vec<Row> = (0..).zip(numbers).map(|(at, numbers)| row(at, numbers)).collect();
            let pages: Vec<u32> = (7..).take(PAGES).collect();
            let mut part = RowPart::default();
            let strings = Default::default();
            let mut texts = Texts::listed(&strings, &strings);
            for row in &rows {
                part.row(row, &mut texts).unwrap();
                part.pages(&pages[..row.refpages as usize]);
            }
            let bounds = RowBounds {
                backlinks: backlinks_min..=u64::MAX,
                first_seen: CaptureTime::from_unix(first_seen_min)..=CaptureTime::MAX,
                last_visited: CaptureTime::MIN..=CaptureTime::from_unix(last_visited_max),
            };
            let (mut all, mut some, mut within) = (Vec::new(), Vec::new(), part.within(&bounds));
            part.for_each_anchor(|anchor, places| {
                for at in places.clone() {
                    let (row, of_row) = part.get(anchor, at).unwrap();
                    assert_eq!(of_row, &pages[..row.refpages as usize]);
                    all.push(row);
                }
                within.for_each(places, |at| {
                    some.push(part.get(anchor, at).unwrap().0);
                    Ok::<(), ()>(())
                })
            })
            .unwrap();
            prop_assert_eq!(&all, &rows);
            prop_assert_eq!(part.backlinks(), rows.iter().map(|row| row.backlinks).sum::<u64>());
            all.retain(|row| {
                bounds.backlinks.contains(&row.backlinks)
                    && bounds.first_seen.contains(&row.first_seen)
                    && bounds.last_visited.contains(&row.last_visited)
            });
            prop_assert_eq!(&some, &all);
            some.clear();
            let mut blocks = 0;
            within
                .for_each_of_all(
                    || {
                        blocks += 1;
                        Ok(())
                    },
                    |anchor, at| {
                        some.push(part.get(anchor, at).unwrap().0);
                        Ok::<(), ()>(())
                    },
                )
                .unwrap();
            prop_assert_eq!(some, all);
            prop_assert_eq!(blocks, rows.len().div_ceil(BLOCK));
        }
    }
}
