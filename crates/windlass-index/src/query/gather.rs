//! From single backlinks to rows (R15).

use std::collections::HashMap;

use windlass_archive::CaptureTime;
use windlass_links::surt::host_of_key;

use super::dates::Dates;
use crate::bytes::Corrupt;
use crate::intern::{Interner, Ranks};
use crate::rows::{Row, TargetRows};

/// One backlink of the report.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hit {
    /// Number of the folded anchor in the gatherer's dictionary.
    pub(super) fold: u32,
    /// Number of the page. Pages of one registrable domain have neighbouring numbers.
    pub(super) page: u32,
    pub(super) dates: Dates,
}

/// Collects backlinks. Memory: 32 bytes each, and their folded anchors.
#[derive(Debug, Default)]
pub(super) struct Gatherer {
    pub(super) folds: Interner,
    pub(super) hits: Vec<Hit>,
}

/// Where pages belong.
pub(super) trait Domains {
    /// The number of a page's registrable domain.
    fn of_page(&mut self, page: u32) -> Result<u32, Corrupt>;
    /// Its site key.
    fn key(&self, domain: u32) -> Result<Vec<u8>, Corrupt>;
}

impl Domains for crate::segment::Domains<'_> {
    fn of_page(&mut self, page: u32) -> Result<u32, Corrupt> {
        crate::segment::Domains::of_page(self, page)
    }

    fn key(&self, domain: u32) -> Result<Vec<u8>, Corrupt> {
        crate::segment::Domains::key(self, domain)
    }
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

    /// The rows of what was gathered. O(n log n) for n backlinks, the logarithm that of the most that
    /// one anchor has.
    pub(super) fn rows(
        mut self,
        page_count: usize,
        domains: &mut dyn Domains,
    ) -> Result<TargetRows, Corrupt> {
        let ranks = self.folds.byte_ranks();
        self.sort(&ranks);
        let mut rows = TargetRows {
            page_starts: vec![0],
            page_count,
            ..TargetRows::default()
        };
        for rank in 0..self.folds.len() as u64 as u32 {
            // Anchors are valid UTF-8: they were strings when they were interned.
            rows.anchors
                .push(&String::from_utf8_lossy(self.folds.get(ranks.number(rank))));
        }
        let mut numbers: HashMap<u32, u32> = HashMap::new();
        let mut of_page = (u32::MAX, 0);
        let mut open: Option<Row> = None;
        let mut last_page = None;
        for hit in &self.hits {
            if of_page.0 != hit.page {
                let domain = domains.of_page(hit.page)?;
                let number = match numbers.get(&domain) {
                    Some(number) => *number,
                    None => {
                        let number = rows.refdomains.push(&host_of_key(&domains.key(domain)?));
                        numbers.insert(domain, number);
                        number
                    }
                };
                of_page = (hit.page, number);
            }
            let first_seen = CaptureTime::from_unix(hit.dates.first_seen);
            let last_visited = CaptureTime::from_unix(hit.dates.last_visited);
            match &mut open {
                Some(row) if row.anchor == hit.fold && row.refdomain == of_page.1 => {
                    row.backlinks += 1;
                    row.first_seen = row.first_seen.min(first_seen);
                    row.last_visited = row.last_visited.max(last_visited);
                }
                _ => {
                    if let Some(row) = open.take() {
                        rows.close(row);
                    }
                    last_page = None;
                    open = Some(Row {
                        anchor: hit.fold,
                        refdomain: of_page.1,
                        backlinks: 1,
                        refpages: 0,
                        first_seen,
                        last_visited,
                    });
                }
            }
            if last_page != Some(hit.page) {
                last_page = Some(hit.page);
                rows.pages.push(hit.page);
                if let Some(row) = &mut open {
                    row.refpages += 1;
                }
            }
        }
        if let Some(row) = open {
            rows.close(row);
        }
        Ok(rows)
    }
}
