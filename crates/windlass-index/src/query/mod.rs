//! From a target to its rows (R13, R15, R16).
//!
//! Over one segment the columns are read straight into the aggregation ([`one`]); over several the
//! links of the target's range are put together first, with those of pages that several segments have
//! united ([`many`]), so that the answer is that of the merged index.

mod budget;
mod chosen;
pub(crate) mod counts;
pub(crate) mod dates;
mod direct;
mod gather;
mod groups;
mod known;
mod link_dates;
mod many;
mod one;
mod page_ranges;
mod parts;
mod scan;
mod small;
mod united;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use windlass_links::{History, Mode, Target};

use crate::bytes::Corrupt;
use crate::cache::KeptMemory;
use crate::error::{IndexError, check};
use crate::rows::{Links, TargetRows};
use crate::segment::{Segment, SiteDirectory, SiteWalk};
use budget::Budget;

pub use chosen::ChosenGroups;
pub use groups::{ReadyColumn, ReadyGroup, ReadyGroups};
pub(crate) use known::host_occurs;
pub(crate) use link_dates::LinkDates;
pub(crate) use many::Kept;
pub(crate) use one::matching_urls;
pub(crate) use page_ranges::{PageRange, for_each_page_range};
pub(crate) use parts::{each_of, threads};
pub(crate) use scan::Scan;
pub use small::WorkBound;
pub(crate) use small::rows as small_rows;
pub(crate) use united::United;

/// From how many links on which way is taken. All ways give the same answers; tests, which have few
/// links, take each of them.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub struct Tuning {
    /// Fewer links than this are looked up at once, one by one.
    pub few_links: usize,
    /// In sites that fewer pages than this link to, few links are always looked up one by one.
    pub known_pages_min: usize,
    /// In sites that have fewer anchors than this, anchors are always read one by one.
    pub known_anchors_min: usize,
    /// Of so many links the rows are kept for the next question about the same target, where it is not
    /// the first one.
    pub kept_links_min: usize,
    /// Whether what is worth keeping is made now, or used only where it is there already.
    pub makes_tables: bool,
    /// Fewer links than this are not worth a further part of a scan.
    pub part_links_min: usize,
    /// How many links a part holds at most, about: 8 to 28 bytes each while they are sorted.
    pub part_links_max: usize,
    /// Of several segments: how many pages of both page tables are gone through in the time in which
    /// one is looked up by its key.
    pub pages_per_look_up: usize,
    /// Of several segments: how many live links an answer has whose groups are made too.
    pub groups_links_min: usize,
    /// Of several segments: whether answers are kept, and those that are kept are given.
    pub keeps_answers: bool,
    /// Bytes of memory, about, that a question may take for what is put together of several segments or
    /// sites. Where that does not suffice there is an error, and no answer.
    pub memory_max: usize,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            few_links: 1 << 12,
            known_pages_min: 1 << 10,
            known_anchors_min: 1 << 7,
            kept_links_min: 1 << 6,
            makes_tables: true,
            part_links_min: 1 << 16,
            part_links_max: 1 << 22,
            pages_per_look_up: 48,
            groups_links_min: crate::ready::LINKS_MIN,
            keeps_answers: true,
            memory_max: usize::MAX,
        }
    }
}

/// What a query asks.
pub(crate) struct Question<'a> {
    pub(crate) target: &'a Target,
    /// The key of the site that alone is meant, of those that the target's range lies in.
    pub(crate) site: Option<&'a [u8]>,
    pub(crate) history: History,
    pub(crate) cancel: &'a AtomicBool,
    pub(crate) tuning: Tuning,
    /// What is left of the memory that the tuning allows.
    memory: Budget,
}

impl<'a> Question<'a> {
    /// One whose answer does not hang on the way that is taken.
    pub(crate) fn new(target: &'a Target, history: History, cancel: &'a AtomicBool) -> Self {
        Self::tuned(target, history, cancel, Tuning::default())
    }

    /// The same, of which it may take some memory.
    pub(crate) fn in_memory(
        target: &'a Target,
        history: History,
        memory_max: usize,
        cancel: &'a AtomicBool,
    ) -> Self {
        let tuning = Tuning {
            memory_max,
            ..Tuning::default()
        };
        Self::tuned(target, history, cancel, tuning)
    }

    pub(crate) const fn tuned(
        target: &'a Target,
        history: History,
        cancel: &'a AtomicBool,
        tuning: Tuning,
    ) -> Self {
        Self {
            target,
            site: None,
            history,
            cancel,
            tuning,
            memory: Budget::new(tuning.memory_max),
        }
    }
}

impl Question<'_> {
    /// Calls `each` with the key of each site, among those in the segment, that can hold the target's
    /// range, and the offset of its block. The registrable domain of the host is one of the host's own
    /// suffixes; with `subdomains`, hosts below it may have registrable domains of their own.
    pub(crate) fn for_each_site<E>(
        &self,
        segment: &Segment,
        wrong: impl Fn(Corrupt) -> E,
        mut each: impl FnMut(&[u8], u64) -> Result<(), E>,
    ) -> Result<(), E> {
        let directory = segment.directory().map_err(&wrong)?;
        for (site, offset) in self.sites_above(&directory).map_err(&wrong)? {
            each(&site, offset)?;
        }
        if let Some(mut below) = self.sites_below(&directory).map_err(&wrong)? {
            while let Some(offset) = below.advance().map_err(&wrong)? {
                each(below.key(), offset)?;
            }
        }
        Ok(())
    }

    /// The sites, by their keys, that the target's host is or is below, with the offsets of their blocks; or the one
    /// that the question is about.
    pub(crate) fn sites_above(
        &self,
        directory: &SiteDirectory<'_>,
    ) -> Result<Vec<(Vec<u8>, u64)>, Corrupt> {
        if let Some(site) = self.site {
            let offset = directory.get(site)?;
            return Ok(offset
                .map(|offset| (site.to_owned(), offset))
                .into_iter()
                .collect());
        }
        let host = self.target.host_key();
        let along = directory.along(&host)?.into_iter();
        let found = along.filter_map(|(length, offset)| {
            // Of all that it begins with, the host and the domains above it.
            let (site, below) = host.split_at_checked(length)?;
            let is_above = matches!(below.first(), None | Some(&LABEL_END));
            is_above.then(|| (site.to_owned(), offset))
        });
        Ok(found.collect())
    }

    /// The sites below the target's host, where these matter: those behind [`sites_above`](Self::sites_above).
    pub(crate) fn sites_below<'d>(
        &self,
        directory: &'d SiteDirectory<'d>,
    ) -> Result<Option<SiteWalk<'d>>, Corrupt> {
        if self.site.is_some() || self.target.mode() != Mode::Subdomains {
            return Ok(None);
        }
        let mut below = self.target.host_key();
        below.push(LABEL_END);
        directory.below(&below).map(Some)
    }

    /// Takes memory for something that it needs as long as it lasts.
    ///
    /// # Errors
    /// [`IndexError::Memory`] where it may not take so much more.
    pub(crate) fn take(&self, bytes: usize) -> Result<(), IndexError> {
        self.memory.take(1, bytes)
    }

    pub(crate) fn check_cancelled(&self) -> Result<(), IndexError> {
        check(self.cancel)
    }
}

/// What ends each label but the last in a host's key.
pub(crate) const LABEL_END: u8 = 0x02;

/// The keys of a host and of the domains above it, shortest first.
pub(crate) fn suffixes(host_key: &[u8]) -> impl Iterator<Item = &[u8]> {
    let ends = host_key
        .iter()
        .enumerate()
        .filter(|(_, b)| **b == LABEL_END)
        .map(|(at, _)| at);
    ends.chain([host_key.len()])
        .filter_map(|end| host_key.get(..end))
        .filter(|key| !key.is_empty())
}

/// The rows of a target over all segments.
pub(crate) fn rows(
    segments: &[Arc<Segment>],
    kept: &Kept,
    question: &Question<'_>,
) -> Result<TargetRows, IndexError> {
    let mut rows = match segments {
        [] => TargetRows::default(),
        [only] => one::rows(only, question)?,
        several => many::rows(several, kept, question)?,
    };
    let is_empty = matches!(&rows.links, Links::Listed(hits, _) if hits.is_empty());
    rows.host_known = !is_empty || known::host_occurs(segments, question)?;
    Ok(rows)
}

/// The rows of a target over segments that need not belong to one index (R15): what
/// [`Snapshot::rows`](crate::Snapshot::rows) does with its own.
///
/// # Errors
/// As there.
pub fn query_segments(
    segments: &[Arc<Segment>],
    target: &Target,
    history: History,
    cancel: &AtomicBool,
) -> Result<TargetRows, IndexError> {
    rows(
        segments,
        &Kept::new(segments, &KeptMemory::default(), None),
        &Question::new(target, history, cancel),
    )
}
