//! What the index answers for one target: the rows before aggregation (R15).

use std::collections::BTreeMap;

use windlass_links::CaptureTime;

/// One row for each (folded anchor, refdomain) that a target's backlinks have (R15).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// Number of the folded anchor: see [`TargetRows::anchor`]. Numbers are in byte order.
    pub anchor: u32,
    /// Number of the referring domain: see [`TargetRows::refdomain`]. Numbers are in no order that
    /// means anything.
    pub refdomain: u32,
    /// Number of backlinks.
    pub backlinks: u64,
    /// Number of distinct page URLs.
    pub refpages: u64,
    /// Earliest `first_seen` of its backlinks (R13).
    pub first_seen: CaptureTime,
    /// Latest `last_visited` of its backlinks (R13).
    pub last_visited: CaptureTime,
}

/// The rows of one target, ordered by anchor (bytes), then refdomain number; with the pages behind
/// each row, so that distinct pages can be counted over any choice of rows (R18).
#[derive(Debug, Clone, Default)]
pub struct TargetRows {
    pub(crate) anchors: Strings,
    pub(crate) refdomains: Strings,
    pub(crate) rows: Vec<Row>,
    /// Row `i` has the pages `pages[page_starts[i]..page_starts[i + 1]]`, each once.
    pub(crate) page_starts: Vec<usize>,
    /// Page numbers, all below `page_count`.
    pub(crate) pages: Vec<u32>,
    pub(crate) page_count: usize,
    pub(crate) host_known: bool,
}

impl TargetRows {
    /// The rows.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// How many distinct folded anchors the rows have; their numbers are `0..anchor_count()`.
    #[must_use]
    pub fn anchor_count(&self) -> usize {
        self.anchors.len()
    }

    /// A folded anchor by its number; empty for a number out of range.
    #[must_use]
    pub fn anchor(&self, number: u32) -> &str {
        self.anchors.get(number)
    }

    /// How many distinct referring domains the rows have; their numbers are `0..refdomain_count()`.
    #[must_use]
    pub fn refdomain_count(&self) -> usize {
        self.refdomains.len()
    }

    /// A referring domain by its number; empty for a number out of range.
    #[must_use]
    pub fn refdomain(&self, number: u32) -> &str {
        self.refdomains.get(number)
    }

    /// Whether the target's host occurs in the index at all, as the host of a captured page or of a
    /// link's target (R20).
    #[must_use]
    pub fn host_known(&self) -> bool {
        self.host_known
    }

    /// Ends a row whose pages have been pushed.
    pub(crate) fn close(&mut self, row: Row) {
        self.rows.push(row);
        self.page_starts.push(self.pages.len());
    }

    /// The number of distinct pages behind the rows that `keep` chooses by their position (R18).
    /// Time and memory grow with the number of pages behind all rows.
    #[must_use]
    pub fn refpages_of(&self, mut keep: impl FnMut(usize) -> bool) -> u64 {
        if self.pages.len() < self.page_count / 64 {
            // Few pages among many: sorting them is cheaper than a bit for each that there is.
            let kept = self
                .page_starts
                .windows(2)
                .enumerate()
                .filter(|(i, _)| keep(*i));
            let mut pages: Vec<u32> = kept
                .filter_map(|(_, range)| self.pages.get(*range.first()?..*range.last()?))
                .flatten()
                .copied()
                .collect();
            pages.sort_unstable();
            pages.dedup();
            return pages.len() as u64;
        }
        let mut seen = vec![0u64; self.page_count.div_ceil(64)];
        let mut count = 0;
        for (i, range) in self.page_starts.windows(2).enumerate() {
            if !keep(i) {
                continue;
            }
            let &[start, end] = range else { continue };
            for &page in self.pages.get(start..end).unwrap_or_default() {
                if let Some(word) = seen.get_mut(page as usize / 64) {
                    let bit = 1 << (page % 64);
                    count += u64::from(*word & bit == 0);
                    *word |= bit;
                }
            }
        }
        count
    }
}

/// Makes [`TargetRows`] from single backlinks: plain and slow, for tests.
#[derive(Debug, Default)]
pub struct TargetRowsBuilder {
    rows: BTreeMap<(String, String), PlainRow>,
}

#[derive(Debug, Default)]
struct PlainRow {
    backlinks: u64,
    pages: BTreeMap<u32, ()>,
    first_seen: Option<CaptureTime>,
    last_visited: CaptureTime,
}

impl TargetRowsBuilder {
    /// Adds one backlink. Pages are numbered by the caller, from 0 without gaps worth speaking of.
    pub fn add(
        &mut self,
        folded_anchor: &str,
        refdomain: &str,
        page: u32,
        first_seen: CaptureTime,
        last_visited: CaptureTime,
    ) -> &mut Self {
        let row = self
            .rows
            .entry((folded_anchor.to_owned(), refdomain.to_owned()))
            .or_default();
        row.backlinks += 1;
        row.pages.insert(page, ());
        row.first_seen = Some(row.first_seen.map_or(first_seen, |old| old.min(first_seen)));
        row.last_visited = row.last_visited.max(last_visited);
        self
    }

    /// The rows of what was added.
    #[must_use]
    pub fn build(&self) -> TargetRows {
        let mut rows = TargetRows {
            host_known: true,
            page_starts: vec![0],
            ..TargetRows::default()
        };
        let mut numbers = BTreeMap::new();
        for (_, refdomain) in self.rows.keys() {
            if !numbers.contains_key(refdomain) {
                numbers.insert(refdomain.clone(), rows.refdomains.push(refdomain));
            }
        }
        for ((anchor, refdomain), row) in &self.rows {
            let last = u32::try_from(rows.anchors.len())
                .unwrap_or(u32::MAX)
                .wrapping_sub(1);
            let anchor = if rows.anchors.len() > 0 && rows.anchors.get(last) == anchor {
                last
            } else {
                rows.anchors.push(anchor)
            };
            rows.rows.push(Row {
                anchor,
                refdomain: numbers.get(refdomain).copied().unwrap_or_default(),
                backlinks: row.backlinks,
                refpages: row.pages.len() as u64,
                first_seen: row.first_seen.unwrap_or_default(),
                last_visited: row.last_visited,
            });
            rows.pages.extend(row.pages.keys());
            rows.page_starts.push(rows.pages.len());
        }
        rows.page_count = rows.pages.iter().max().map_or(0, |max| *max as usize + 1);
        rows
    }
}

/// A list of strings in one buffer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Strings {
    text: String,
    ends: Vec<usize>,
}

impl Strings {
    pub(crate) fn push(&mut self, text: &str) -> u32 {
        let number = self.ends.len();
        self.text.push_str(text);
        self.ends.push(self.text.len());
        u32::try_from(number).unwrap_or(u32::MAX)
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(crate) fn get(&self, number: u32) -> &str {
        let number = number as usize;
        let start = match number.checked_sub(1) {
            Some(before) => self.ends.get(before).copied().unwrap_or_default(),
            None => 0,
        };
        let end = self.ends.get(number).copied().unwrap_or(start);
        self.text.get(start..end).unwrap_or_default()
    }
}
