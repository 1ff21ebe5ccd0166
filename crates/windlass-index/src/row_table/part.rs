//! Rows as they are kept: in blocks of columns, so that those within bounds are found without reading the rest.

use std::hint::black_box;
use std::ops::Range;

use windlass_links::CaptureTime;

use super::bounds::{Between, RowBounds};
use crate::error::IndexError;
use crate::rows::{Row, RowVisitor, Texts};

/// Bytes that a row takes, with one page.
pub(super) const ROW_BYTES: usize = 6 * size_of::<u32>();
/// Bytes that an anchor takes.
pub(super) const ANCHOR_BYTES: usize = 8;
/// Rows that lie together, and are compared with bounds at once.
pub(super) const BLOCK: usize = u16::BITS as usize;

/// Rows that lie together, in columns, each of which is one line of the processor's cache. Those of other blocks are
/// far, and each place far from the last one read takes its time: so the numbers of one row are near each other, and
/// those of a column beside each other all the same.
#[derive(Debug, Clone)]
struct RowBlock {
    first_seen: [u32; BLOCK],
    last_visited: [u32; BLOCK],
    backlinks: [u32; BLOCK],
    refdomains: [u32; BLOCK],
    /// Where the pages of each row end among all.
    pages_ends: [u32; BLOCK],
}

impl RowBlock {
    const EMPTY: Self = Self {
        first_seen: [0; BLOCK],
        last_visited: [0; BLOCK],
        backlinks: [0; BLOCK],
        refdomains: [0; BLOCK],
        pages_ends: [0; BLOCK],
    };
}

/// Rows in order of their anchors, and the pages behind each: those of one part of a scan. 24 bytes a link at
/// most, and 8 an anchor.
#[derive(Debug, Default)]
pub(crate) struct RowPart {
    /// Each anchor that has rows, and where these end among all.
    anchors: Vec<(u32, u32)>,
    blocks: Vec<RowBlock>,
    rows: usize,
    /// Places of pages.
    pages: Vec<u32>,
}

impl RowVisitor for RowPart {
    fn row(&mut self, row: &Row, _: &mut Texts<'_>) -> Result<bool, IndexError> {
        let number = |n: u64| u32::try_from(n).map_err(|_| IndexError::TooLarge("a row"));
        let at = self.rows % BLOCK;
        if at == 0 {
            self.blocks.push(RowBlock::EMPTY);
        }
        let pages_end = number(self.pages.len() as u64 + row.refpages)?;
        if let Some(block) = self.blocks.last_mut() {
            let values = [
                (&mut block.first_seen, row.first_seen.unix()),
                (&mut block.last_visited, row.last_visited.unix()),
                (&mut block.backlinks, number(row.backlinks)?),
                (&mut block.refdomains, row.refdomain),
                (&mut block.pages_ends, pages_end),
            ];
            for (column, value) in values {
                if let Some(place) = column.get_mut(at) {
                    *place = value;
                }
            }
        }
        self.rows += 1;
        let end = number(self.rows as u64)?;
        match self.anchors.last_mut() {
            Some((anchor, of_anchor)) if *anchor == row.anchor => *of_anchor = end,
            _ => self.anchors.push((row.anchor, end)),
        }
        Ok(false)
    }

    fn pages(&mut self, pages: &[u32]) {
        self.pages.extend_from_slice(pages);
    }
}

impl RowPart {
    pub(super) fn is_empty(&self) -> bool {
        self.rows == 0
    }

    pub(super) fn shrink(&mut self) {
        self.anchors.shrink_to_fit();
        self.blocks.shrink_to_fit();
        self.pages.shrink_to_fit();
    }

    /// Bytes of memory.
    pub(super) fn memory(&self) -> usize {
        self.anchors.capacity() * ANCHOR_BYTES
            + self.blocks.capacity() * size_of::<RowBlock>()
            + self.pages.capacity() * size_of::<u32>()
    }

    /// The numbers of the anchors that have rows, ascending.
    pub(crate) fn anchors(&self) -> impl Iterator<Item = u32> {
        self.anchors.iter().map(|(anchor, _)| *anchor)
    }

    pub(super) fn backlinks(&self) -> u64 {
        // What no row has is 0.
        let all = self.blocks.iter().flat_map(|block| block.backlinks);
        all.map(u64::from).sum()
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
                    let [backlinks, ..] = block.backlinks;
                    let [refdomain, ..] = block.refdomains;
                    touched ^= first_seen ^ last_visited ^ backlinks ^ refdomain;
                }
            }
            touched ^= self.pages_start(rows.start).unwrap_or_default();
        }
        black_box(touched);
        for rows in anchors {
            let start = self.pages_start(rows.start).unwrap_or_default();
            touched ^= self.pages.get(start as usize).unwrap_or(&0);
        }
        black_box(touched);
    }

    /// Where the pages of a row begin among all.
    #[inline]
    fn pages_start(&self, at: usize) -> Option<u32> {
        match at.checked_sub(1) {
            Some(before) => {
                let block = self.blocks.get(before / BLOCK)?;
                block.pages_ends.get(before % BLOCK).copied()
            }
            None => Some(0),
        }
    }

    /// A row of an anchor by its place, and its pages.
    #[inline]
    pub(crate) fn get(&self, anchor: u32, at: usize) -> Option<(Row, &[u32])> {
        let start = self.pages_start(at)?;
        let (block, at) = (self.blocks.get(at / BLOCK)?, at % BLOCK);
        let end = *block.pages_ends.get(at)?;
        let pages = self.pages.get(start as usize..end as usize)?;
        let row = Row {
            anchor,
            refdomain: *block.refdomains.get(at)?,
            backlinks: (*block.backlinks.get(at)?).into(),
            refpages: pages.len() as u64,
            first_seen: CaptureTime::from_unix(*block.first_seen.get(at)?),
            last_visited: CaptureTime::from_unix(*block.last_visited.get(at)?),
        };
        Some((row, pages))
    }

    /// The rows within bounds.
    pub(crate) fn within(&self, bounds: &RowBounds) -> Within<'_> {
        Within {
            blocks: &self.blocks,
            first_seen: bounds.of_first_seen(),
            last_visited: bounds.of_last_visited(),
            backlinks: bounds.of_backlinks(),
            last: (usize::MAX, 0),
        }
    }
}

/// Which rows of a part lie within bounds: those of a block are looked at when the first of them is asked for.
pub(crate) struct Within<'a> {
    blocks: &'a [RowBlock],
    first_seen: Between,
    last_visited: Between,
    backlinks: Between,
    /// The block looked at last, and a bit for each of its rows within.
    last: (usize, u16),
}

impl Within<'_> {
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
            let mask = self.blocks.get(at).map_or(0, |block| {
                self.first_seen.mask(&block.first_seen)
                    & self.last_visited.mask(&block.last_visited)
                    & self.backlinks.mask(&block.backlinks)
            });
            self.last = (at, mask);
        }
        self.last.1
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn row(at: usize, (backlinks, first_seen, more): (u32, u32, u32)) -> Row {
        Row {
            anchor: at as u32 / 5,
            refdomain: at as u32 % 5,
            backlinks: backlinks.into(),
            refpages: u64::from(backlinks.min(2)),
            first_seen: CaptureTime::from_unix(first_seen),
            last_visited: CaptureTime::from_unix(first_seen + more),
        }
    }

    proptest! {
        #[test]
        fn rows_come_as_they_were_put_and_within_bounds_as_one_by_one(
            numbers in prop::collection::vec((1u32..4, 0u32..9, 0u32..3), 0..200),
            (backlinks_min, first_seen_min, last_visited_max) in (0u64..4, 0u32..9, 0u32..12),
        ) {
            let rows: Vec<Row> = (0..).zip(numbers).map(|(at, numbers)| row(at, numbers)).collect();
            let (mut part, pages) = (RowPart::default(), [7, 9]);
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
            all.retain(|row| {
                bounds.backlinks.contains(&row.backlinks)
                    && bounds.first_seen.contains(&row.first_seen)
                    && bounds.last_visited.contains(&row.last_visited)
            });
            prop_assert_eq!(some, all);
        }
    }
}
