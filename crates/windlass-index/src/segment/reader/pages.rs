//! Pages by number, by SURT, and when each was captured last.

use std::ops::Range;

use windlass_links::surt::KeyRange;

use super::Segment;
use crate::bytes::Corrupt;
use crate::instant::Instant;
use crate::paged::Paged;
use crate::recaptured::CaptureTimes;
use crate::segment::layout::Section;
use crate::segment::pages::{CHUNK, Chunks, PageIter};
use crate::stretch::Backing;

/// A page: its number, SURT and instants.
pub(crate) type PageEntry = (u32, Vec<u8>, Vec<Instant>);

/// What the system reads at least.
const PAGE_BYTES: usize = 1 << 12;

/// How many pages of a block of latest captures are wanted where it is dense.
const DENSE: usize = 8;

/// Blocks of latest captures, of 4 KiB, that are asked of the disk together lie no further apart.
const LATEST_GAP: usize = 4;

impl Segment {
    pub(crate) fn page_count(&self) -> usize {
        usize::try_from(self.sections.footer().counts.pages).unwrap_or(0)
    }

    pub(in crate::segment) fn page_chunks(&self) -> Result<Chunks<'_>, Corrupt> {
        Ok(Chunks::new(
            self.sections.unverified(Section::Pages),
            self.sections.verified(Section::PageIndex)?,
            &self.chunks_verified,
        ))
    }

    /// The pages from number `first` on.
    pub(crate) fn pages(&self, first: usize) -> Result<PageIter<'_>, Corrupt> {
        PageIter::new(
            self.page_chunks()?,
            self.latest_times(),
            self.page_count(),
            first,
        )
    }

    /// The SURT and the instants of a page.
    pub(crate) fn page(&self, number: u32) -> Result<(Vec<u8>, Vec<Instant>), Corrupt> {
        let mut pages = self.pages(number as usize)?;
        let instants = pages.advance()?.ok_or(Corrupt("a page number"))?;
        Ok((pages.key().to_owned(), instants))
    }

    /// Seconds of the latest real capture of a page.
    pub(crate) fn latest(&self, page: u32) -> Result<u32, Corrupt> {
        self.latest_times().get(page as usize)
    }

    /// The latest captures of so many pages, from one to another, will be asked for. Where there are several in each
    /// block, and so in all that lies there, it is asked of the disk at once, which costs little beside reading them.
    pub(crate) fn will_need_latest(&self, first: u32, last: u32, pages: usize) {
        let bytes = Paged::bytes(first as usize..last as usize + 1);
        if pages.saturating_mul(PAGE_BYTES / DENSE) >= bytes.len() {
            self.will_need_latest_bytes(bytes);
        }
    }

    fn will_need_latest_bytes(&self, bytes: Range<usize>) {
        if let Some(section) = self.sections.range(Section::PageLatest) {
            let end = section.end.min(section.start + bytes.end);
            self.sections
                .data()
                .will_need((section.start + bytes.start).min(end)..end);
        }
    }

    /// The latest captures of some pages, here and there, will be asked for: those that may not be in memory are asked
    /// of the disk all at once, which answers many requests in the time of one. Costs some ns a page where all are.
    pub(crate) fn will_need_latest_of(&self, pages: impl Iterator<Item = u32>) {
        let times = self.latest_times();
        let mut blocks = Vec::new();
        for page in pages {
            let block = times.unknown_block(page as usize);
            if block != blocks.last().copied() {
                blocks.extend(block);
            }
        }
        if !blocks.is_sorted() {
            blocks.sort_unstable();
        }
        // What lies between is read with them: each call costs as much as some blocks.
        for neighbours in blocks.chunk_by(|a, b| b - a <= LATEST_GAP) {
            if let (Some(first), Some(last)) = (neighbours.first(), neighbours.last()) {
                self.will_need_latest_bytes(Paged::bytes_of(*first..last + 1));
            }
        }
    }

    /// Seconds of the latest real capture of each page.
    pub(crate) fn latest_times(&self) -> Paged<'_> {
        Paged::new(
            self.sections.unverified(Section::PageLatest),
            &self.latest_verified,
        )
    }

    /// When the pages were really captured.
    pub(crate) fn captures(&self) -> Result<CaptureTimes<'_>, Corrupt> {
        let recaptured = self.recaptured.stretch();
        CaptureTimes::open(self.page_count(), self.latest_times(), recaptured)
    }

    /// Whether a page has revisits.
    pub(crate) fn is_revisited(&self, page: u32) -> bool {
        let (numbers, _) = self
            .sections
            .unverified(Section::Revisited)
            .as_chunks::<4>();
        numbers
            .binary_search_by_key(&page, |bytes| u32::from_le_bytes(*bytes))
            .is_ok()
    }

    /// The numbers of the pages of a registrable domain (see `Domains::range_of`) whose SURTs lie in a
    /// range. Reads O(log pages) chunks.
    pub(crate) fn pages_in(
        &self,
        domain: (u32, u32),
        surts: &KeyRange,
    ) -> Result<Range<u32>, Corrupt> {
        let bound = |key: &[u8]| {
            let found = self.page_from_in(domain, key)?;
            Ok(found.map_or(domain.1, |(number, ..)| number))
        };
        let start = bound(&surts.start)?;
        Ok(start..bound(&surts.end)?.max(start))
    }

    /// The number of the first page of a registrable domain whose SURT is not below `key`, with
    /// that SURT and its instants.
    pub(crate) fn page_from(
        &self,
        site_key: &[u8],
        key: &[u8],
    ) -> Result<Option<PageEntry>, Corrupt> {
        match self.domains()?.range_of(site_key)? {
            Some(range) => self.page_from_in(range, key),
            None => Ok(None),
        }
    }

    /// [`page_from`](Self::page_from), among the pages of a registrable domain.
    fn page_from_in(
        &self,
        (start, end): (u32, u32),
        key: &[u8],
    ) -> Result<Option<PageEntry>, Corrupt> {
        // Chunks whose first page lies inside the domain are searched; then pages in order.
        let (mut low, mut high) = (start as usize / CHUNK, (end as usize).div_ceil(CHUNK));
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            let mut pages = self.pages(middle * CHUNK)?;
            pages.skip()?;
            if pages.key() <= key {
                low = middle;
            } else {
                high = middle;
            }
        }
        let mut pages = self.pages((low * CHUNK).max(start as usize))?;
        let found = pages.seek(key, end as usize)?;
        let number = pages.position().saturating_sub(1) as u64 as u32;
        Ok(found.map(|instants| (number, pages.key().to_owned(), instants)))
    }
}
