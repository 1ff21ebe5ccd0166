//! The sites with most referring domains, without counting all sites.
//!
//! How many registrable domains link to a site is written nowhere, and takes a look at each of its links.
//! But it is at most what cheaper things say, and a site is counted only while each of them allows it a
//! place among the first: the bytes of its blocks, which follow from the directory alone, so that most
//! blocks are not touched at all; the numbers of pages and links at the head of a block; the domains of these
//! pages. The largest blocks come first, so that soon few others are allowed one.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeSet, BinaryHeap, HashSet};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use windlass_links::surt::host_of_key;

use super::side_by_side::{Walk, side_by_side};
use crate::bytes::Corrupt;
use crate::error::IndexError;
use crate::query::counts::{SiteCounts, domains_of_block};
use crate::segment::{Section, Segment, SiteDirectory, SiteWalk};
use crate::store::Snapshot;

/// How many times as many sites as are wanted are counted first, and at least how many.
const FIRST: usize = 4;
const FIRST_MIN: usize = 64;

/// A registrable domain that is linked to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopSite {
    /// Its name.
    pub site: String,
    /// How many registrable domains have pages with live backlinks to it.
    pub refdomains: u64,
    /// How many live backlinks it has (R12, R13).
    pub backlinks: u64,
}

impl Snapshot {
    /// The sites that most other registrable domains link to (R7, R11), at most `count`: by number of
    /// referring domains, most first, then by number of backlinks, most first, then by name. Sites without
    /// live backlinks (R13) are not among them.
    ///
    /// It goes through the directories twice, about 0.2 µs a site, and counts the few sites that may be
    /// among the first: some nanoseconds a link over one segment, some hundred over several. Memory: names
    /// of `count` sites and of 4 times as many more, and what counting the largest of them takes: a bit and
    /// up to 12 bytes a page over one segment, as much as a question about it over several; of that at most
    /// about `memory_max` bytes. It does not grow with the number of sites.
    ///
    /// # Errors
    /// Where the index is damaged; [`IndexError::Memory`] where a site takes more than it may;
    /// [`IndexError::Cancelled`] soon after `cancel` is set.
    pub fn top_sites(
        &self,
        count: usize,
        memory_max: usize,
        cancel: &AtomicBool,
    ) -> Result<Vec<TopSite>, IndexError> {
        let first = count.saturating_mul(FIRST).max(FIRST_MIN);
        self.top_sites_after(first, count, memory_max, cancel)
    }

    /// [`top_sites`](Self::top_sites), after the largest sites, so many of them, have been counted; for tests,
    /// whose sites are few. The answer does not hang on it.
    ///
    /// # Errors
    /// As there.
    #[doc(hidden)]
    pub fn top_sites_after(
        &self,
        first: usize,
        count: usize,
        memory_max: usize,
        cancel: &AtomicBool,
    ) -> Result<Vec<TopSite>, IndexError> {
        let counting = Counting {
            snapshot: self,
            memory_max,
            cancel,
        };
        let mut best = Best::new(count);
        if count == 0 {
            return Ok(best.finish());
        }
        let segments = self.segments();
        let first = largest(segments, first, cancel)?;
        for key in &first {
            counting.consider(key, &mut best)?;
        }
        let first: HashSet<Vec<u8>> = first.into_iter().collect();
        for_each_site(segments, cancel, |key, bytes| {
            // Pages are distinct, so that each takes a bit of a block at least.
            if best.may_have(bytes.saturating_mul(8)) && !first.contains(key) {
                counting.consider(key, &mut best)?;
            }
            Ok(())
        })?;
        Ok(best.finish())
    }
}

/// How sites are counted.
struct Counting<'a> {
    snapshot: &'a Snapshot,
    /// Bytes, about, that counting one may take.
    memory_max: usize,
    cancel: &'a AtomicBool,
}

impl Counting<'_> {
    /// Counts a site, if it may be among the best.
    fn consider(&self, key: &[u8], best: &mut Best) -> Result<(), IndexError> {
        let site = host_of_key(key);
        let mut blocks = Vec::new();
        let (mut pages, mut links) = (0u64, 0u64);
        let segments = self.snapshot.segments();
        for segment in segments {
            let block = segment.site(key);
            if let Some(block) = block.map_err(|corrupt| segment.corrupt(corrupt))? {
                // Other types have pages there too (R8).
                pages += block.pages.len().min(block.hrefs.len()) as u64;
                links += block.hrefs.len() as u64;
                blocks.push((segment, block));
            }
        }
        if !best.allows(pages, links, &site) {
            return Ok(());
        }
        let mut domains = 0;
        for (segment, block) in &blocks {
            domains += domains_of_block(segment, block)?;
        }
        if !best.allows(domains.min(pages), links, &site) {
            return Ok(());
        }
        let (max, cancel) = (self.memory_max, self.cancel);
        let counts = match (segments, blocks.as_slice()) {
            ([_], [(segment, block)]) => SiteCounts::of_block(segment, key, block, max, cancel)?,
            // A later capture, without the links, may be in a segment that has no block of the site.
            (segments, _) => SiteCounts::of_site(segments, self.snapshot.kept(), key, max, cancel)?,
        };
        best.add(counts, site);
        Ok(())
    }
}

/// The best sites found yet, the last of them first.
struct Best {
    count: usize,
    sites: BTreeSet<(u64, u64, Reverse<String>)>,
}

impl Best {
    const fn new(count: usize) -> Self {
        Self {
            count,
            sites: BTreeSet::new(),
        }
    }

    /// The last one, where there are as many as are wanted.
    fn last(&self) -> Option<&(u64, u64, Reverse<String>)> {
        let is_full = self.sites.len() >= self.count;
        self.sites.first().filter(|_| is_full)
    }

    /// Whether a site with at most so many referring domains may be among them.
    fn may_have(&self, refdomains_max: u64) -> bool {
        self.last().is_none_or(|last| refdomains_max >= last.0)
    }

    /// Whether a site with at most so many referring domains and backlinks may be among them.
    fn allows(&self, refdomains_max: u64, backlinks_max: u64, site: &str) -> bool {
        refdomains_max > 0
            && self.last().is_none_or(|(refdomains, backlinks, name)| {
                let of_last = (*refdomains, *backlinks, Reverse(name.0.as_str()));
                (refdomains_max, backlinks_max, Reverse(site)) > of_last
            })
    }

    fn add(&mut self, counts: SiteCounts, site: String) {
        if self.allows(counts.refdomains, counts.backlinks, &site) {
            self.sites
                .insert((counts.refdomains, counts.backlinks, Reverse(site)));
            if self.sites.len() > self.count {
                self.sites.pop_first();
            }
        }
    }

    fn finish(self) -> Vec<TopSite> {
        let sites = self.sites.into_iter().rev();
        sites
            .map(|(refdomains, backlinks, Reverse(site))| TopSite {
                site,
                refdomains,
                backlinks,
            })
            .collect()
    }
}

/// The keys of the sites that have most bytes of blocks, most first, at most so many.
fn largest(
    segments: &[Arc<Segment>],
    count: usize,
    cancel: &AtomicBool,
) -> Result<Vec<Vec<u8>>, IndexError> {
    let mut largest: BinaryHeap<Reverse<(u64, Vec<u8>)>> = BinaryHeap::new();
    for_each_site(segments, cancel, |key, bytes| {
        if largest.len() < count {
            largest.push(Reverse((bytes, key.to_vec())));
        } else if let Some(mut smallest) = largest.peek_mut()
            && smallest.0.0 < bytes
        {
            *smallest = Reverse((bytes, key.to_vec()));
        }
        Ok(())
    })?;
    let sites = largest.into_sorted_vec().into_iter();
    Ok(sites.map(|Reverse((_, key))| key).collect())
}

/// Calls `each` with the key of each site, in order, and the bytes of its blocks in all segments. Reads
/// nothing but the directories.
fn for_each_site(
    segments: &[Arc<Segment>],
    cancel: &AtomicBool,
    mut each: impl FnMut(&[u8], u64) -> Result<(), IndexError>,
) -> Result<(), IndexError> {
    let mut directories = Vec::with_capacity(segments.len());
    for segment in segments {
        let directory = segment.all_sites();
        directories.push(directory.map_err(|corrupt| segment.corrupt(corrupt))?);
    }
    let mut walks = Vec::with_capacity(segments.len());
    for (segment, directory) in segments.iter().zip(&directories) {
        walks.push(SizesOf::new(segment, directory)?);
    }
    side_by_side(walks, cancel, |same| {
        let bytes = same.iter().map(|walk| walk.bytes);
        let bytes = bytes.fold(0, u64::saturating_add);
        if let Some(walk) = same.first() {
            each(&walk.key, bytes)?;
        }
        Ok(ControlFlow::Continue(()))
    })
}

/// The sites of one segment, by its directory.
struct SizesOf<'a> {
    segment: &'a Segment,
    sites: SiteWalk<'a>,
    /// The site that it is at, and the bytes of its block.
    key: Vec<u8>,
    bytes: u64,
    /// The site behind that, and the offset of its block.
    next: Option<(Vec<u8>, u64)>,
    /// Where the last block ends.
    end: u64,
}

impl<'a> SizesOf<'a> {
    fn new(segment: &'a Segment, directory: &'a SiteDirectory<'_>) -> Result<Self, IndexError> {
        let wrong = |corrupt| segment.corrupt(corrupt);
        let mut all = directory.sites().map_err(wrong)?;
        let first = all.advance().map_err(wrong)?;
        let next = first.map(|offset| (all.key().to_vec(), offset));
        let (sections, _) = segment.sizes();
        let mut sections = sections.into_iter();
        let sites = sections.find(|(section, _)| *section == Section::Sites);
        Ok(Self {
            segment,
            sites: all,
            key: Vec::new(),
            bytes: 0,
            next,
            end: sites.map_or(0, |(_, bytes)| bytes),
        })
    }
}

impl Walk for SizesOf<'_> {
    fn compare(&self, other: &Self) -> Ordering {
        self.key.cmp(&other.key)
    }

    fn advance(&mut self) -> Result<bool, IndexError> {
        let Some((key, offset)) = &mut self.next else {
            return Ok(false);
        };
        std::mem::swap(&mut self.key, key);
        let start = *offset;
        let wrong = |corrupt| self.segment.corrupt(corrupt);
        let end = match self.sites.advance().map_err(wrong)? {
            Some(at) => {
                key.clear();
                key.extend_from_slice(self.sites.key());
                *offset = at;
                at
            }
            None => {
                self.next = None;
                self.end
            }
        };
        // Blocks are in the order of their keys.
        let bytes = end.checked_sub(start).filter(|bytes| *bytes > 0);
        self.bytes = bytes.ok_or_else(|| wrong(Corrupt("the directory")))?;
        Ok(true)
    }
}
