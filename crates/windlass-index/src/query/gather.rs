//! Backlinks from several places, with one numbering of anchors and domains.

use std::collections::HashMap;
use std::sync::Arc;

use windlass_links::surt::host_of_key;

use crate::bytes::Corrupt;
use crate::intern::{Interner, Ranks};
use crate::rows::{Links, Names, Strings, TargetRows};
use crate::segment::Segment;
use crate::sink::Hit;

/// Collects backlinks. Memory: 20 bytes each, and their folded anchors.
#[derive(Debug, Default)]
pub(super) struct Gatherer {
    /// What folds are numbered by.
    pub(super) folds: Interner,
    pub(super) hits: Vec<Hit>,
}

impl Gatherer {
    /// Orders the backlinks by folded anchor (now its rank), then page: distributed by anchor, which
    /// is dense, then each anchor's by page.
    fn sort(&mut self, ranks: &Ranks) {
        let mut ends = vec![0usize; self.folds.len() + 1];
        for hit in &mut self.hits {
            hit.fold = ranks.rank(hit.fold);
            if let Some(count) = ends.get_mut(hit.fold as usize + 1) {
                *count += 1;
            }
        }
        let mut sum = 0;
        for end in &mut ends {
            sum += *end;
            *end = sum;
        }
        // `ends[r]` is where rank r starts, and moves to where it ends.
        let mut sorted = self.hits.clone();
        for hit in &self.hits {
            if let Some(at) = ends.get_mut(hit.fold as usize) {
                if let Some(slot) = sorted.get_mut(*at) {
                    *slot = *hit;
                }
                *at += 1;
            }
        }
        let mut start = 0;
        for end in ends {
            if let Some(of_anchor) = sorted.get_mut(start..end) {
                of_anchor.sort_unstable_by_key(|hit| hit.page);
            }
            start = end;
        }
        self.hits = sorted;
    }

    /// The rows of what was gathered from one segment, by its numbers of pages, which are below the
    /// number given, and of domains. Memory: while anchors are put in order, 24 bytes for each more.
    pub(super) fn rows_in(mut self, segment: &Arc<Segment>, page_count: usize) -> TargetRows {
        self.folds.forget_hashes();
        let Ranks { order, rank } = self.folds.byte_ranks();
        for hit in &mut self.hits {
            hit.fold = rank.get(hit.fold as usize).copied().unwrap_or(u32::MAX);
        }
        drop(rank);
        // In place: there may be as many as the segment has links.
        self.hits.sort_unstable_by_key(|hit| (hit.fold, hit.page));
        TargetRows {
            links: Links::Listed(self.hits, page_count),
            names: Names::Gathered {
                segment: Arc::clone(segment),
                folds: self.folds,
                order,
            },
            host_known: false,
        }
    }

    /// The rows of what was gathered, with numbers of domains of its own. Memory: backlinks twice, and
    /// all texts once more. `key_of` gives the site key of a hit's domain. O(n log n) for n
    /// backlinks, the logarithm that of the most that one anchor has.
    pub(super) fn rows(
        mut self,
        page_count: usize,
        key_of: impl Fn(u32) -> Result<Vec<u8>, Corrupt>,
    ) -> Result<TargetRows, Corrupt> {
        let ranks = self.folds.byte_ranks();
        self.sort(&ranks);
        let (mut anchors, mut refdomains) = (Strings::default(), Strings::default());
        for rank in 0..self.folds.len() as u64 as u32 {
            // Anchors are valid UTF-8: they were strings when they were interned.
            anchors.push(&String::from_utf8_lossy(self.folds.get(ranks.number(rank))));
        }
        let mut numbers: HashMap<u32, u32> = HashMap::new();
        for hit in &mut self.hits {
            hit.domain = match numbers.get(&hit.domain) {
                Some(number) => *number,
                None => {
                    let number = refdomains.push(&host_of_key(&key_of(hit.domain)?));
                    numbers.insert(hit.domain, number);
                    number
                }
            };
        }
        Ok(TargetRows {
            links: Links::Listed(self.hits, page_count),
            names: Names::Listed {
                anchors,
                refdomains,
            },
            host_known: false,
        })
    }
}
