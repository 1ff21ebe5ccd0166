//! Finding many pages by their keys.

use std::cmp::Ordering;

use super::pages::{CHUNK, PageIter};
use super::reader::Segment;
use crate::bytes::Corrupt;
use crate::instant::Kinds;

/// Finds pages by their keys, which come in ascending order: each search goes on where the one before
/// ended, and reads the chunks on its way there that a search by halves of what is left needs.
#[derive(Debug)]
pub(crate) struct PageFinder<'a> {
    iter: PageIter<'a>,
    /// Reads the first keys of chunks.
    probe: PageIter<'a>,
    /// Of the page last read.
    kinds: Kinds,
}

impl<'a> PageFinder<'a> {
    pub(crate) fn new(segment: &'a Segment) -> Result<Self, Corrupt> {
        Ok(Self {
            iter: segment.pages(0)?,
            probe: segment.pages(0)?,
            kinds: Kinds::default(),
        })
    }

    /// The number of the page with this key among those of a registrable domain (see
    /// [`Domains::range_of`](super::Domains::range_of)), and which kinds of instants it has. Neither
    /// domains nor keys may come before those asked for earlier.
    pub(crate) fn find(
        &mut self,
        (start, end): (u32, u32),
        key: &[u8],
    ) -> Result<Option<(u32, Kinds)>, Corrupt> {
        let (start, end) = (start as usize, end as usize);
        let at = self.iter.position();
        let is_inside = start < at && at <= end;
        if is_inside {
            match self.iter.key().cmp(key) {
                Ordering::Equal => return Ok(Some(self.found())),
                // All before it are before what was sought last.
                Ordering::Greater => return Ok(None),
                Ordering::Less => {}
            }
        }
        let low = if is_inside { at - 1 } else { start } / CHUNK;
        let chunk = self.chunk_of(low, end.div_ceil(CHUNK), key)?;
        if chunk != low || !is_inside {
            self.iter.go_to((chunk * CHUNK).max(start))?;
        }
        while self.iter.position() < end {
            let Some(kinds) = self.iter.skip()? else {
                break;
            };
            self.kinds = kinds;
            match self.iter.key().cmp(key) {
                Ordering::Equal => return Ok(Some(self.found())),
                Ordering::Greater => break,
                Ordering::Less => {}
            }
        }
        Ok(None)
    }

    fn found(&self) -> (u32, Kinds) {
        let number = self.iter.position().saturating_sub(1);
        (number as u64 as u32, self.kinds)
    }

    /// The last of the chunks from `low` to before `high` that does not begin behind the key, or `low`.
    fn chunk_of(&mut self, mut low: usize, mut high: usize, key: &[u8]) -> Result<usize, Corrupt> {
        let mut step = 1;
        while low + step < high {
            if self.first_key(low + step)? <= key {
                low += step;
                step *= 2;
            } else {
                high = low + step;
            }
        }
        while high.saturating_sub(low) > 1 {
            let middle = low + (high - low) / 2;
            if self.first_key(middle)? <= key {
                low = middle;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    fn first_key(&mut self, chunk: usize) -> Result<&[u8], Corrupt> {
        self.probe.go_to(chunk * CHUNK)?;
        match self.probe.skip()? {
            Some(_) => Ok(self.probe.key()),
            None => Err(Corrupt("a page number")),
        }
    }
}
