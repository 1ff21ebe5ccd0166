//! From backlinks to the report: rows (R15), groups (R17), stats (R18), order (R19).

use std::collections::{BTreeMap, BTreeSet};

use windlass_links::CaptureTime;

use crate::backlink::Backlink;

/// A row before aggregation: one for each (folded anchor, refdomain) (R15).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlainRow {
    /// The folded anchor.
    pub anchor: String,
    /// The referring domain.
    pub refdomain: String,
    /// Number of backlinks.
    pub backlinks: u64,
    /// Number of distinct pages.
    pub refpages: u64,
    /// Earliest of the backlinks.
    pub first_seen: CaptureTime,
    /// Latest of the backlinks.
    pub last_visited: CaptureTime,
}

/// A group of rows: one for each folded anchor (R17).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlainGroup {
    /// The folded anchor.
    pub anchor: String,
    /// Sum of the rows.
    pub backlinks: u64,
    /// Sum of the rows.
    pub refpages: u64,
    /// Number of the rows.
    pub refdomains: u64,
    /// Earliest of the rows.
    pub first_seen: CaptureTime,
    /// Latest of the rows.
    pub last_visited: CaptureTime,
}

/// Totals of a target (R18).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PlainStats {
    /// Number of backlinks.
    pub backlinks: u64,
    /// Number of distinct pages.
    pub refpages: u64,
}

/// The rows of some backlinks (R15), ordered by (anchor, refdomain) in bytes.
#[must_use]
pub fn rows(backlinks: &[Backlink]) -> Vec<PlainRow> {
    let mut cells: BTreeMap<(&str, &str), Vec<&Backlink>> = BTreeMap::new();
    for backlink in backlinks {
        let cell = (backlink.folded.as_str(), backlink.refdomain.as_str());
        cells.entry(cell).or_default().push(backlink);
    }
    let row = |((anchor, refdomain), of_cell): ((&str, &str), Vec<&Backlink>)| {
        Some(PlainRow {
            anchor: anchor.to_owned(),
            refdomain: refdomain.to_owned(),
            backlinks: of_cell.len() as u64,
            refpages: distinct_pages(&of_cell),
            first_seen: of_cell.iter().map(|backlink| backlink.first_seen).min()?,
            last_visited: of_cell.iter().map(|backlink| backlink.last_visited).max()?,
        })
    };
    cells.into_iter().filter_map(row).collect()
}

/// The groups of the rows that passed `where` (R17), in the order without `order_by`: by anchor, by
/// bytes (R19).
#[must_use]
pub fn groups(rows: &[PlainRow]) -> Vec<PlainGroup> {
    let mut by_anchor: BTreeMap<&str, Vec<&PlainRow>> = BTreeMap::new();
    for row in rows {
        by_anchor.entry(&row.anchor).or_default().push(row);
    }
    let group = |(anchor, of_anchor): (&str, Vec<&PlainRow>)| {
        Some(PlainGroup {
            anchor: anchor.to_owned(),
            backlinks: of_anchor.iter().map(|row| row.backlinks).sum(),
            refpages: of_anchor.iter().map(|row| row.refpages).sum(),
            refdomains: of_anchor.len() as u64,
            first_seen: of_anchor.iter().map(|row| row.first_seen).min()?,
            last_visited: of_anchor.iter().map(|row| row.last_visited).max()?,
        })
    };
    by_anchor.into_iter().filter_map(group).collect()
}

/// The totals of the backlinks whose rows pass `keep`, the `where` of the request (R18).
#[must_use]
pub fn stats(backlinks: &[Backlink], keep: impl Fn(&PlainRow) -> bool) -> PlainStats {
    let passed: BTreeSet<(String, String)> = rows(backlinks)
        .into_iter()
        .filter(|row| keep(row))
        .map(|row| (row.anchor, row.refdomain))
        .collect();
    let kept: Vec<&Backlink> = backlinks
        .iter()
        .filter(|backlink| passed.contains(&(backlink.folded.clone(), backlink.refdomain.clone())))
        .collect();
    PlainStats {
        backlinks: kept.len() as u64,
        refpages: distinct_pages(&kept),
    }
}

fn distinct_pages(backlinks: &[&Backlink]) -> u64 {
    let pages: BTreeSet<&str> = backlinks
        .iter()
        .map(|backlink| backlink.page.as_str())
        .collect();
    pages.len() as u64
}
