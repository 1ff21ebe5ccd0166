//! The backlinks of a target from several segments, put together in memory.

use std::ops::Range;
use std::sync::atomic::AtomicBool;

use super::parts::{in_parts, threads};
use super::{ReadyGroups, Tuning};
use crate::bytes::Corrupt;
use crate::cache::Memory;
use crate::error::{IndexError, check};
use crate::facts::Fact;
use crate::first_groups::FirstGroups;
use crate::ready::{EncodedNode, Groups, LINKS_MIN, heads_min};
use crate::rows::{RowVisitor, Strings, TargetRows, Texts};
use crate::sink::{Hit, PageSet, Sink};

/// How many folds are read between looks at the stop flag.
const STRIDE: u32 = 1 << 10;

/// Backlinks that a history keeps, ordered by (fold, page). 4 bytes a link, 12 a page, 4 a fold, and the
/// texts.
#[derive(Debug, Default)]
pub(crate) struct United {
    /// First link of each fold, and their number.
    pub(super) starts: Vec<u32>,
    /// Page of each link. Those of one domain have neighbouring numbers.
    pub(super) pages: Vec<u32>,
    /// Domain of each page, and the dates of its links.
    pub(super) facts: Vec<Fact>,
    /// (link, first seen, last visited) where these are not those of the page.
    pub(super) dated: Vec<(u32, u32, u32)>,
    /// By fold.
    pub(super) anchors: Strings,
    pub(crate) refdomains: Strings,
    /// The groups of all of them, where they are many.
    pub(super) groups: Option<EncodedNode>,
    /// Orders of the groups.
    pub(super) first_groups: FirstGroups,
    pub(super) part_links_min: usize,
}

fn wrong(Corrupt(what): Corrupt) -> IndexError {
    // The numbers are our own: they cannot be wrong.
    IndexError::TooLarge(what)
}

impl Memory for United {
    fn memory(&self) -> usize {
        size_of::<Self>()
            + (self.starts.capacity() + self.pages.capacity()) * 4
            + self.facts.capacity() * size_of::<Fact>()
            + self.dated.capacity() * size_of::<(u32, u32, u32)>()
            + self.anchors.memory()
            + self.refdomains.memory()
            + self.groups.as_ref().map_or(0, EncodedNode::memory)
    }
}

impl United {
    pub(crate) fn is_empty(&self) -> bool {
        self.pages.is_empty()
    }

    pub(crate) fn texts(&self) -> Texts<'_> {
        Texts::listed(&self.anchors, &self.refdomains)
    }

    pub(crate) fn ready_groups(&self) -> Result<Option<ReadyGroups<'_>>, IndexError> {
        let node = self.groups.as_ref().map(EncodedNode::node).transpose();
        let node = node.map_err(wrong)?;
        Ok(node.map(|node| ReadyGroups::in_memory(node, &self.first_groups)))
    }

    /// Makes the groups of all links, where there are enough.
    pub(super) fn make_groups(
        &mut self,
        tuning: &Tuning,
        cancel: &AtomicBool,
    ) -> Result<(), IndexError> {
        if self.pages.len() < tuning.groups_links_min.max(1) {
            return Ok(());
        }
        let folds = 0..self.fold_limit();
        let (groups, pages) = self.part(folds, Groups::default(), &mut self.texts(), cancel)?;
        self.groups =
            Some(EncodedNode::of(groups, pages.count(), heads_min(LINKS_MIN)).map_err(wrong)?);
        Ok(())
    }

    pub(crate) fn run<V: RowVisitor>(
        &self,
        rows: &TargetRows,
        visitor: impl Fn() -> V + Sync,
        cancel: &AtomicBool,
    ) -> Result<(Vec<V>, PageSet), IndexError> {
        in_parts(rows, &self.parts(), |folds, texts| {
            self.part(folds, visitor(), texts, cancel)
        })
    }

    /// The registrable domain of a page.
    pub(crate) fn domain_of_page(&self, page: u32) -> Result<u32, IndexError> {
        let fact = self.facts.get(page as usize);
        fact.map(|fact| fact.domain)
            .ok_or_else(|| wrong(Corrupt("a page")))
    }

    /// How many folds there are; a number that fits into 32 bits.
    pub(super) fn fold_count(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    fn fold_limit(&self) -> u32 {
        self.fold_count() as u64 as u32
    }

    fn start(&self, fold: u32) -> u32 {
        self.starts.get(fold as usize).copied().unwrap_or_default()
    }

    /// Ranges of folds that together have all links, each about as many.
    fn parts(&self) -> Vec<Range<u32>> {
        let links = self.pages.len();
        let parts = (links / self.part_links_min.max(1)).clamp(1, threads());
        let mut ranges = Vec::with_capacity(parts);
        let mut start = 0;
        for part in 1..=parts {
            let end = if part == parts {
                self.fold_limit()
            } else {
                let link = (links / parts * part) as u64 as u32;
                let fold = self.starts.partition_point(|first| *first < link);
                (fold as u64 as u32).min(self.fold_limit())
            };
            if start < end || parts == 1 {
                ranges.push(start..end);
            }
            start = end;
        }
        ranges
    }

    fn part<V: RowVisitor>(
        &self,
        folds: Range<u32>,
        visitor: V,
        texts: &mut Texts<'_>,
        cancel: &AtomicBool,
    ) -> Result<(V, PageSet), IndexError> {
        let (first, end) = (self.start(folds.start), self.start(folds.end));
        let links = end.saturating_sub(first) as usize;
        let mut sink = Sink::new(visitor, texts, links, self.facts.len());
        let dated = self.dated.partition_point(|(link, ..)| *link < first);
        let mut dated = self
            .dated
            .get(dated..)
            .unwrap_or_default()
            .iter()
            .peekable();
        for fold in folds {
            if fold.is_multiple_of(STRIDE) {
                check(cancel)?;
            }
            let (start, end) = (self.start(fold), self.start(fold + 1));
            if start == end {
                continue;
            }
            let is_wanted = sink.wants(fold)?;
            while !is_wanted && dated.next_if(|(link, ..)| *link < end).is_some() {}
            if !is_wanted {
                continue;
            }
            let pages = self.pages.get(start as usize..end as usize);
            for (link, page) in (start..end).zip(pages.unwrap_or_default()) {
                let fact = self.facts.get(*page as usize).copied();
                let fact = fact.ok_or_else(|| wrong(Corrupt("a page")))?;
                let (first_seen, last_visited) = match dated.next_if(|(of, ..)| *of == link) {
                    Some((_, first_seen, last_visited)) => (*first_seen, *last_visited),
                    None => fact.dates().map_err(wrong)?,
                };
                sink.link(Hit {
                    fold,
                    page: *page,
                    domain: fact.domain,
                    first_seen,
                    last_visited,
                })?;
            }
        }
        sink.finish()
    }
}
