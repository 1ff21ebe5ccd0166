//! How many backlinks and referring domains there are, counted without making rows (R15).

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use windlass_links::surt::host_of_key;
use windlass_links::{History, Mode, Target};

use super::budget::Budget;
use super::{Kept, LinkDates, Question, Tuning, United, many};
use crate::bytes::Corrupt;
use crate::error::{IndexError, check};
use crate::facts::{Fact, FactTable, for_each_live};
use crate::ready::Ready;
use crate::rows::{Links, TargetRows};
use crate::segment::Segment;
use crate::sink::PageSet;
use crate::site::SiteBlock;

/// How many links, or blocks of them, are read between looks at the stop flag.
const STRIDE: usize = 1 << 14;

impl TargetRows {
    /// Number of backlinks of all rows. Where finished groups tell it, or every link counts that there ever
    /// was, nothing is read for it; otherwise some nanoseconds a link, or 50 in small sites and with
    /// `since`.
    ///
    /// # Errors
    /// Where the segment is damaged; [`IndexError::Cancelled`] soon after `cancel` is set.
    pub fn count_backlinks(&self, cancel: &AtomicBool) -> Result<u64, IndexError> {
        match &self.links {
            Links::Listed(hits, _) => Ok(hits.len() as u64),
            Links::Scanned(scan) => scan.count_backlinks(cancel),
            Links::United(united) => Ok(united.count_backlinks()),
        }
    }

    /// Number of referring domains of all rows: each counts once, however many anchors it has. Some
    /// nanoseconds a link, or 50 in small sites and for other histories than `live`. Memory: a bit for each
    /// page that links to the site.
    ///
    /// # Errors
    /// Where the segment is damaged; [`IndexError::Cancelled`] soon after `cancel` is set.
    pub fn count_refdomains(&self, cancel: &AtomicBool) -> Result<u64, IndexError> {
        match &self.links {
            Links::Listed(hits, _) => {
                let mut domains: Vec<u32> = hits.iter().map(|hit| hit.domain).collect();
                domains.sort_unstable();
                domains.dedup();
                Ok(domains.len() as u64)
            }
            Links::Scanned(scan) => scan.count_refdomains(cancel),
            Links::United(united) => united.count_refdomains(),
        }
    }
}

impl United {
    pub(super) fn count_backlinks(&self) -> u64 {
        self.pages.len() as u64
    }

    pub(super) fn count_refdomains(&self) -> Result<u64, IndexError> {
        let mut domains = PageSet::new(self.pages.len(), self.refdomains.len());
        for page in &self.pages {
            domains.extend(&[self.domain_of_page(*page)?]);
        }
        Ok(domains.count())
    }
}

/// The live backlinks of a site (R8, R11, R13), counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SiteCounts {
    pub(crate) refdomains: u64,
    pub(crate) backlinks: u64,
}

impl SiteCounts {
    /// Those of a block, whose segment is alone. About 10 ns a page, and some a link. What is decoded for
    /// it — 12 bytes a page, unless the site has its links ready-made — is not kept: it would drive out
    /// what the questions of the day need.
    pub(crate) fn of_block(
        segment: &Segment,
        site_key: &[u8],
        block: &SiteBlock<'_>,
        memory_max: usize,
        cancel: &AtomicBool,
    ) -> Result<Self, IndexError> {
        let wrong = |corrupt: Corrupt| segment.corrupt(corrupt);
        let mut pages = PageSet::new(block.hrefs.len(), block.pages.len());
        let mut backlinks = 0;
        let mut add = |places: &[u32]| {
            backlinks += places.len() as u64;
            pages.extend(places);
        };
        match segment.ready(site_key).map_err(wrong)? {
            Some(ready) => ready_places(segment, ready, cancel, &mut add)?,
            None => {
                let bytes = block.pages.len().saturating_mul(size_of::<Fact>());
                Budget::new(memory_max).check(bytes)?;
                let table = FactTable::of(segment, block, 1, cancel)?;
                live_places(
                    segment,
                    block,
                    &table,
                    0..block.hrefs.len(),
                    cancel,
                    &mut add,
                )?;
            }
        }
        Ok(Self {
            refdomains: refdomains_of(segment, block, pages).map_err(wrong)?,
            backlinks,
        })
    }

    /// Those of a site over several segments. Time and memory are those of a question about the site; its
    /// answer is not kept.
    pub(crate) fn of_site(
        segments: &[Arc<Segment>],
        kept: &Kept,
        site_key: &[u8],
        memory_max: usize,
        cancel: &AtomicBool,
    ) -> Result<Self, IndexError> {
        let target = format!("http://{}/", host_of_key(site_key));
        // The end of a host that was parsed is one that can be parsed.
        let target = Target::parse(&target, Mode::Subdomains)
            .map_err(|_| IndexError::TooLarge("a site's key"))?;
        let tuning = Tuning {
            groups_links_min: usize::MAX,
            memory_max,
            ..Tuning::default()
        };
        let question = Question {
            site: Some(site_key),
            ..Question::tuned(&target, History::Live, cancel, tuning)
        };
        let united = many::unite(segments, kept, &question)?;
        Ok(Self {
            refdomains: united.count_refdomains()?,
            backlinks: united.count_backlinks(),
        })
    }
}

/// How many registrable domains the pages of a block are of, whatever became of their links. Pages of one
/// domain are neighbours: about a hundred nanoseconds a domain, however many pages it has.
pub(crate) fn domains_of_block(
    segment: &Segment,
    block: &SiteBlock<'_>,
) -> Result<u64, IndexError> {
    let count = || {
        let mut pages = block.pages.clone();
        let domains = segment.domains()?;
        let (mut count, mut place) = (0, 0);
        while place < pages.len() {
            let domain = domains.of_page(pages.get(place)?)?;
            let (_, end) = domains.range(domain as usize)?;
            count += 1;
            // Most domains have a page or two there.
            place += 1;
            if place < pages.len() && pages.get(place)? < end {
                place = pages.lower_bound(end)?.max(place);
            }
        }
        Ok(count)
    };
    count().map_err(|corrupt| segment.corrupt(corrupt))
}

/// How many registrable domains pages are of, which are named by their places in a block.
pub(super) fn refdomains_of(
    segment: &Segment,
    block: &SiteBlock<'_>,
    places: PageSet,
) -> Result<u64, Corrupt> {
    let mut pages = block.pages.clone();
    let domains = segment.domains()?;
    // They come in order, and those of one domain are neighbours.
    let (mut count, mut end) = (0, 0);
    places.for_each(|place| {
        let page = pages.get(place as usize)?;
        if page >= end {
            count += 1;
            end = domains.range(domains.of_page(page)? as usize)?.1;
        }
        Ok(())
    })?;
    Ok(count)
}

/// Calls `each` with the places of pages, one for each live backlink of a site.
pub(super) fn ready_places(
    segment: &Segment,
    mut ready: Ready<'_>,
    cancel: &AtomicBool,
    mut each: impl FnMut(&[u32]),
) -> Result<(), IndexError> {
    for block in 0..ready.pages.block_count() {
        if block.is_multiple_of(STRIDE) {
            check(cancel)?;
        }
        let places = ready.pages.block(block);
        each(places.map_err(|corrupt| segment.corrupt(corrupt))?);
    }
    Ok(())
}

/// Calls `each` with the places of pages, one for each live backlink among a range of links.
pub(super) fn live_places(
    segment: &Segment,
    block: &SiteBlock<'_>,
    table: &FactTable,
    links: Range<usize>,
    cancel: &AtomicBool,
    mut each: impl FnMut(&[u32]),
) -> Result<(), IndexError> {
    let mut block = block.clone();
    let mut dates = LinkDates::new(segment, History::Live);
    for start in links.clone().step_by(STRIDE) {
        check(cancel)?;
        let some = start..links.end.min(start + STRIDE);
        for_each_live(&mut block, table, &mut dates, some, |_, place, _| {
            each(&[place]);
            Ok(())
        })
        .map_err(|corrupt| segment.corrupt(corrupt))?;
    }
    Ok(())
}
