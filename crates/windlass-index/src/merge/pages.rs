//! Merging page tables.

use std::io::{self, Write};
use std::sync::Arc;

use super::heap::Heap;
use super::{Damage, MergeError, Watch};
use crate::bits::BitSet;
use crate::bytes::Corrupt;
use crate::instant::{self, Captured, Instant};
use crate::numbers::{Numbers, NumbersBuilder};
use crate::segment::{Digest, PageIter, Segment, SegmentWriter, WriteError};
use crate::spool::Scratch;

/// What merging the page tables gives.
#[derive(Debug, Default)]
pub(super) struct MergedPages {
    /// For each input.
    pub(super) mappings: Vec<Mapping>,
    /// Of each (new) page the second of its latest real capture, and how many it has: side by side, so that both are
    /// one access to memory.
    captured: Numbers,
}

impl MergedPages {
    /// Of pages with these real captures.
    #[cfg(test)]
    pub(super) fn of(mappings: Vec<Mapping>, captured: &[Captured]) -> Self {
        let numbers = captured.iter().flat_map(|page| [page.latest, page.count]);
        Self {
            mappings,
            captured: Numbers::Memory(numbers.collect()),
        }
    }

    /// The real captures of a (new) page, as far as all inputs know.
    #[inline]
    pub(super) fn captured(&self, page: u32) -> Captured {
        let at = page as usize * 2;
        Captured {
            latest: self.captured.get(at).unwrap_or(0),
            count: self.captured.get(at + 1).unwrap_or(0),
        }
    }
}

/// What is known of the pages while their tables are merged.
struct Merging {
    /// For each input, still without the numbers of pages.
    mappings: Vec<Mapping>,
    /// For each input.
    pages: Vec<NumbersBuilder>,
    captured: NumbersBuilder,
}

impl Merging {
    /// Of so many inputs.
    fn of(inputs: usize, scratch: &Arc<Scratch>) -> Self {
        let bytes_max = usize::try_from(scratch.part_bytes()).unwrap_or(usize::MAX);
        // Two for each page of an input, and for each page.
        let numbers = || NumbersBuilder::new(scratch, bytes_max / (inputs + 1));
        Self {
            mappings: (0..inputs).map(|_| Mapping::default()).collect(),
            pages: (0..inputs).map(|_| numbers()).collect(),
            captured: numbers(),
        }
    }

    /// An input has the page with that new number, and knows of its latest real capture at that time.
    fn page(&mut self, input: usize, number: u32, latest: u32) {
        if let Some(pages) = self.pages.get_mut(input) {
            pages.push(number);
            pages.push(latest);
        }
    }

    /// The next (new) page has these real captures.
    fn captured(&mut self, captured: Captured) {
        self.captured.push(captured.latest);
        self.captured.push(captured.count);
    }

    fn finish(mut self) -> io::Result<MergedPages> {
        for (mapping, pages) in self.mappings.iter_mut().zip(self.pages) {
            mapping.pages = pages.finish()?;
        }
        Ok(MergedPages {
            mappings: self.mappings,
            captured: self.captured.finish()?,
        })
    }
}

/// What merging the page tables says about one input.
#[derive(Debug, Default)]
pub(super) struct Mapping {
    /// Of each page its new number, and the second of its latest real capture that the input has: side by side, so
    /// that both are one access to memory.
    pub(super) pages: Numbers,
    /// Captures, by (new page, second), whose links are not taken because another input has them
    /// from a WARC (R14). Ascending.
    outranked: Vec<(u32, u32)>,
    /// The (new) pages of those captures.
    outranked_pages: BitSet,
    /// The (new) pages of which other inputs have more real captures.
    recaptured_pages: BitSet,
    /// The (new) pages that other inputs have too, and of which there are or were revisits: what these show may be
    /// another's.
    reshown_pages: BitSet,
}

impl Mapping {
    /// The new number of a page.
    #[inline]
    pub(super) fn number(&self, page: u32) -> Option<u32> {
        self.pages.get((page as usize).checked_mul(2)?)
    }

    /// And the second of its latest real capture that the input has.
    #[inline]
    pub(super) fn number_and_latest(&self, page: u32) -> Option<(u32, u32)> {
        let at = (page as usize).checked_mul(2)?;
        Some((self.pages.get(at)?, self.pages.get(at + 1)?))
    }

    /// Whether other inputs have more real captures of a (new) page.
    pub(super) fn is_recaptured(&self, page: u32) -> bool {
        self.recaptured_pages.contains(page)
    }

    pub(super) fn outrank(&mut self, page: u32, second: u32) {
        self.outranked.push((page, second));
        self.outranked_pages.insert_any(page);
    }

    /// Other inputs have more real captures of a (new) page.
    pub(super) fn recapture(&mut self, page: u32) {
        self.recaptured_pages.insert_any(page);
    }

    /// Another input has a (new) page too, and there are or were revisits of it.
    fn reshow(&mut self, page: u32) {
        self.reshown_pages.insert_any(page);
    }

    /// Whether links on a (new) page may have other dates though blocks say of it what they said.
    pub(super) fn has_other_dates(&self, page: u32) -> bool {
        self.reshown_pages.contains(page)
    }

    /// Whether all blocks say what they said.
    pub(super) fn is_whole(&self) -> bool {
        self.outranked.is_empty() && self.recaptured_pages.is_empty()
    }

    /// Whether blocks with a (new) page say something else than they said.
    pub(super) fn is_changed(&self, page: u32) -> bool {
        self.has_outranked(page) || self.is_recaptured(page)
    }

    /// Whether some captures of a (new) page are outranked.
    pub(super) fn has_outranked(&self, page: u32) -> bool {
        self.outranked_pages.contains(page)
    }

    /// Whether the capture of a (new) page at a second is outranked.
    pub(super) fn is_outranked(&self, page: u32, second: u32) -> bool {
        self.has_outranked(page) && self.outranked.binary_search(&(page, second)).is_ok()
    }
}

/// The page table of one input, at its present page.
struct Cursor<'a> {
    segment: &'a Segment,
    iter: PageIter<'a>,
    domain: u32,
    domain_key: Vec<u8>,
    domain_end: u32,
    file_map: Vec<u32>,
    instants: Vec<Instant>,
}

impl<'a> Cursor<'a> {
    fn new(segment: &'a Segment, files: &[Digest]) -> Result<Self, Corrupt> {
        let file_map = segment
            .files()
            .iter()
            .map(|file| files.binary_search(file).unwrap_or_default() as u64 as u32)
            .collect();
        Ok(Self {
            segment,
            iter: segment.pages(0)?,
            domain: 0,
            domain_key: Vec::new(),
            domain_end: 0,
            file_map,
            instants: Vec::new(),
        })
    }

    /// Goes to the next page; `false` at the end.
    fn advance(&mut self) -> Result<bool, Corrupt> {
        let page = self.iter.position() as u64 as u32;
        let Some(instants) = self.iter.advance()? else {
            return Ok(false);
        };
        self.instants = instants;
        if page >= self.domain_end {
            let domains = self.segment.domains()?;
            self.domain_key = domains.key(self.domain)?;
            self.domain_end = domains.range(self.domain as usize)?.1;
            self.domain += 1;
        }
        for origin in self.instants.iter_mut().flat_map(|i| &mut i.origins) {
            let file = self.file_map.get(origin.file as usize);
            origin.file = *file.ok_or(Corrupt("the number of an archive file"))?;
        }
        Ok(true)
    }

    fn key(&self) -> (&[u8], &[u8]) {
        (&self.domain_key, self.iter.key())
    }
}

fn cmp(cursors: &[Cursor<'_>], a: u32, b: u32) -> std::cmp::Ordering {
    let key = |at: u32| cursors.get(at as usize).map(Cursor::key);
    key(a).cmp(&key(b))
}

/// Writes the union of the page tables.
pub(super) fn merge<W: Write>(
    inputs: &[&Segment],
    files: &[Digest],
    writer: &mut SegmentWriter<W>,
    scratch: &Arc<Scratch>,
    watch: Watch<'_>,
) -> Result<MergedPages, MergeError> {
    let damage = |input, what| Damage { input, what }.error(inputs);
    let mut cursors = Vec::new();
    let mut merged = Merging::of(inputs.len(), scratch);
    for (input, segment) in inputs.iter().enumerate() {
        cursors.push(Cursor::new(segment, files).map_err(|what| damage(input, what))?);
    }
    let mut heap = Heap::default();
    // The inputs that have the present page; before the first, all.
    let mut having: Vec<u32> = (0..inputs.len() as u64 as u32).collect();
    let mut unreported = 0;
    loop {
        for at in having.drain(..) {
            if let Some(cursor) = cursors.get_mut(at as usize)
                && cursor.advance().map_err(|what| damage(at as usize, what))?
            {
                heap.push(at, |a, b| cmp(&cursors, a, b).is_lt());
            }
        }
        let Some(first) = heap.pop(|a, b| cmp(&cursors, a, b).is_lt()) else {
            break;
        };
        having.push(first);
        while let Some(next) = heap.first()
            && cmp(&cursors, first, next).is_eq()
        {
            heap.pop(|a, b| cmp(&cursors, a, b).is_lt());
            having.push(next);
        }
        unreported += page(&having, &cursors, &mut merged, writer)?;
        if unreported >= 4096 {
            watch.advance(std::mem::take(&mut unreported))?;
        }
    }
    watch.advance(unreported)?;
    Ok(merged.finish().map_err(WriteError::from)?)
}

/// Writes a page that some inputs have. Returns the number of their captures of it.
fn page<W: Write>(
    having: &[u32],
    cursors: &[Cursor<'_>],
    merged: &mut Merging,
    writer: &mut SegmentWriter<W>,
) -> Result<u64, MergeError> {
    let mut parts = having
        .iter()
        .filter_map(|at| Some((*at as usize, cursors.get(*at as usize)?)));
    let Some((input, cursor)) = parts.next() else {
        return Ok(0);
    };
    let (domain, key) = cursor.key();
    if having.len() == 1 {
        let (number, captured) = writer.page(domain, key, &cursor.instants)?;
        merged.captured(captured);
        merged.page(input, number, captured.latest);
        return Ok(cursor.instants.len() as u64);
    }
    let mut all = cursor.instants.clone();
    for (_, cursor) in parts {
        all.extend_from_slice(&cursor.instants);
    }
    let n = all.len() as u64;
    let united = instant::unite(all);
    let (number, captured) = writer.page(domain, key, &united)?;
    merged.captured(captured);
    for at in having {
        let Some(cursor) = cursors.get(*at as usize) else {
            continue;
        };
        let was = Captured::of(&cursor.instants);
        merged.page(*at as usize, number, was.latest);
        let Some(mapping) = merged.mappings.get_mut(*at as usize) else {
            continue;
        };
        // A real capture may take a revisit's place, too.
        if instant::has_revisits(&united) || instant::has_revisits(&cursor.instants) {
            mapping.reshow(number);
        }
        // United, it has all that each input has.
        if was.count != captured.count {
            mapping.recapture(number);
        }
        let wats = instant::times_of_wats(&cursor.instants);
        for time in wats.filter(|time| instant::is_outranked(*time, &united)) {
            mapping.outrank(number, time.unix());
        }
    }
    Ok(n)
}
