//! What the pictures of a report show, plainly.

use std::collections::{BTreeMap, BTreeSet};

use crate::backlink::Backlink;
use crate::report::PlainRow;

/// Counts of some rows by a property of their anchors or refdomains.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PlainSummary {
    /// Of each kind that there is: anchors, backlinks, refdomains.
    pub kinds: BTreeMap<&'static str, (u64, u64, u64)>,
    /// Of each top-level domain that there is: refdomains, backlinks.
    pub tlds: BTreeMap<String, (u64, u64)>,
}

/// The counts of the rows that passed `where`.
#[must_use]
pub fn summary(rows: &[PlainRow], kind: impl Fn(&str) -> &'static str) -> PlainSummary {
    let mut by_kind: BTreeMap<&str, Vec<&PlainRow>> = BTreeMap::new();
    let mut by_tld: BTreeMap<String, Vec<&PlainRow>> = BTreeMap::new();
    for row in rows {
        by_kind.entry(kind(&row.anchor)).or_default().push(row);
        by_tld.entry(tld(&row.refdomain)).or_default().push(row);
    }
    let anchors = |rows: &[&PlainRow]| {
        let all: BTreeSet<&str> = rows.iter().map(|row| row.anchor.as_str()).collect();
        all.len() as u64
    };
    let refdomains = |rows: &[&PlainRow]| {
        let all: BTreeSet<&str> = rows.iter().map(|row| row.refdomain.as_str()).collect();
        all.len() as u64
    };
    let backlinks = |rows: &[&PlainRow]| rows.iter().map(|row| row.backlinks).sum();
    PlainSummary {
        kinds: by_kind
            .into_iter()
            .map(|(kind, rows)| (kind, (anchors(&rows), backlinks(&rows), refdomains(&rows))))
            .collect(),
        tlds: by_tld
            .into_iter()
            .map(|(tld, rows)| (tld, (refdomains(&rows), backlinks(&rows))))
            .collect(),
    }
}

/// The last label, with the dot that may be at the end.
fn tld(refdomain: &str) -> String {
    let is_number = |label: &&str| label.parse::<u8>().is_ok();
    if refdomain.starts_with('[') || refdomain.split('.').filter(is_number).count() == 4 {
        return "IP address".to_owned();
    }
    let mut labels: Vec<&str> = refdomain.split('.').collect();
    let end = match labels.last() {
        Some(&"") => {
            labels.pop();
            "."
        }
        _ => "",
    };
    format!("{}{end}", labels.last().copied().unwrap_or_default())
}

/// Of each month (`2021-03`) in which there are any: folded anchors that were new in it, and those that were
/// lost.
#[must_use]
pub fn months(of_all_time: &[Backlink]) -> BTreeMap<String, (u64, u64)> {
    let mut by_anchor: BTreeMap<&str, Vec<&Backlink>> = BTreeMap::new();
    for backlink in of_all_time {
        by_anchor
            .entry(&backlink.folded)
            .or_default()
            .push(backlink);
    }
    let month = |time: windlass_links::CaptureTime| time.to_string().chars().take(7).collect();
    let mut months: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for backlinks in by_anchor.values() {
        if let Some(first) = backlinks.iter().map(|backlink| backlink.first_seen).min() {
            months.entry(month(first)).or_default().0 += 1;
        }
        let is_lost = backlinks.iter().all(|backlink| backlink.lost.is_some());
        if let Some(lost) = backlinks.iter().filter_map(|backlink| backlink.lost).max()
            && is_lost
        {
            months.entry(month(lost)).or_default().1 += 1;
        }
    }
    months
}
