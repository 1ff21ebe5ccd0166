//! Kinds and top-level domains, counted in one pass over the rows of a target.

use std::collections::HashMap;
use std::sync::atomic::AtomicBool;

use windlass_index::{IndexError, Row, RowVisitor, Snapshot, TargetRows, Texts};
use windlass_links::surt::is_ip;

use super::{IP_ADDRESS, KindCount, Summary, TldCount};
use crate::engine::{AnswerError, AnswerLimits, Memory, SharedMemory, scan_passing};
use crate::kind::{AnchorKind, Kinds};
use crate::query::Query;

/// Counts the rows of a query's target and history that pass its `where`; all else of the query does not
/// matter. It takes one scan, which see for its time ([`TargetRows::scan`](windlass_index::TargetRows::scan)), and
/// tells the kind of each anchor once. Memory: what the scan says, and 72 bytes for each referring domain in
/// each of its parts.
///
/// # Errors
/// Where the index is damaged, or the memory of the limits does not suffice; [`IndexError::Cancelled`] soon
/// after `cancel` is set.
pub fn summarise(
    query: &Query,
    snapshot: &Snapshot,
    limits: AnswerLimits,
    cancel: &AtomicBool,
) -> Result<Summary, AnswerError> {
    let kinds = Kinds::of_index(&query.target, snapshot)?;
    let max = limits.memory_max;
    let rows = snapshot.rows_in_memory(&query.target, query.history, max, cancel)?;
    let shared = SharedMemory::new(limits.memory_max);
    let new = || Part::new(&kinds, &shared);
    let passed = scan_passing(&query.where_filter, Some(&kinds), &rows, new, cancel);
    let passed = shared.unless_spent(passed)?;
    let mut memory = Memory::new(limits.memory_max);
    let mut counts = [(0u64, 0u64); KINDS];
    let mut refdomains: HashMap<u32, OfRefdomain> = HashMap::new();
    for part in passed.visitors {
        for (sum, (anchors, backlinks)) in counts.iter_mut().zip(part.counts) {
            sum.0 += anchors;
            sum.1 = sum.1.saturating_add(backlinks);
        }
        for (refdomain, found) in part.refdomains {
            let known = refdomains.entry(refdomain).or_default();
            if known.kinds == 0 {
                memory.take(REFDOMAIN_BYTES)?;
            }
            known.kinds |= found.kinds;
            known.backlinks = known.backlinks.saturating_add(found.backlinks);
        }
    }
    Ok(Summary {
        kinds: by_kind(counts, &refdomains),
        tlds: by_tld(refdomains, &rows)?,
    })
}

const KINDS: usize = AnchorKind::ALL.len();

fn by_kind(
    counts: [(u64, u64); KINDS],
    refdomains: &HashMap<u32, OfRefdomain>,
) -> [KindCount; KINDS] {
    let mut of_kind = AnchorKind::ALL.map(|kind| KindCount {
        kind,
        anchors: 0,
        backlinks: 0,
        refdomains: 0,
    });
    for (count, (anchors, backlinks)) in of_kind.iter_mut().zip(counts) {
        let with_it = refdomains
            .values()
            .filter(|refdomain| refdomain.kinds & bit(count.kind) != 0);
        count.refdomains = with_it.count() as u64;
        (count.anchors, count.backlinks) = (anchors, backlinks);
    }
    of_kind
}

fn by_tld(
    refdomains: HashMap<u32, OfRefdomain>,
    rows: &TargetRows,
) -> Result<Vec<TldCount>, IndexError> {
    let mut refdomains: Vec<(u32, u64)> = refdomains
        .into_iter()
        .map(|(number, refdomain)| (number, refdomain.backlinks))
        .collect();
    // Ascending, which is how texts are read fastest.
    refdomains.sort_unstable();
    let mut texts = rows.texts()?;
    let mut tlds: HashMap<String, (u64, u64)> = HashMap::new();
    for (number, backlinks) in refdomains {
        let tld = tld_of(texts.refdomain(number)?);
        let known = match tlds.get_mut(tld) {
            Some(known) => known,
            None => tlds.entry(tld.to_owned()).or_default(),
        };
        known.0 += 1;
        known.1 = known.1.saturating_add(backlinks);
    }
    let mut tlds: Vec<TldCount> = tlds
        .into_iter()
        .map(|(tld, (refdomains, backlinks))| TldCount {
            tld,
            refdomains,
            backlinks,
        })
        .collect();
    tlds.sort_by(|a, b| {
        let by_count = b.refdomains.cmp(&a.refdomains);
        by_count.then_with(|| a.tld.cmp(&b.tld))
    });
    Ok(tlds)
}

/// The last label of a host, with a dot that may stand behind it.
fn tld_of(host: &str) -> &str {
    if is_ip(host) {
        return IP_ADDRESS;
    }
    let bare = host.strip_suffix('.').unwrap_or(host);
    let start = bare.rfind('.').map_or(0, |dot| dot + 1);
    host.get(start..).unwrap_or(host)
}

/// What is known of a referring domain.
#[derive(Debug, Clone, Copy, Default)]
struct OfRefdomain {
    /// A bit for each kind of anchor that it uses.
    kinds: u8,
    backlinks: u64,
}

const fn bit(kind: AnchorKind) -> u8 {
    1 << kind as u8
}

/// An entry of the map, and what the map takes beside it while it grows.
const REFDOMAIN_BYTES: usize = 3 * size_of::<(u32, OfRefdomain)>();

/// Counts the rows of one part of a scan.
struct Part<'a> {
    kinds: &'a Kinds,
    memory: &'a SharedMemory,
    /// Of the present anchor: its kind, and whether a row of it has passed.
    kind: AnchorKind,
    is_counted: bool,
    /// Anchors and backlinks of each kind.
    counts: [(u64, u64); KINDS],
    refdomains: HashMap<u32, OfRefdomain>,
}

impl<'a> Part<'a> {
    fn new(kinds: &'a Kinds, memory: &'a SharedMemory) -> Self {
        Self {
            kinds,
            memory,
            kind: AnchorKind::Other,
            is_counted: false,
            counts: [(0, 0); KINDS],
            refdomains: HashMap::new(),
        }
    }
}

impl RowVisitor for Part<'_> {
    fn wants(&mut self, anchor: u32, texts: &mut Texts<'_>) -> Result<bool, IndexError> {
        self.kind = self.kinds.kind_of(texts.anchor(anchor)?);
        self.is_counted = false;
        Ok(true)
    }

    fn row(&mut self, row: &Row, _: &mut Texts<'_>) -> Result<bool, IndexError> {
        if let Some((anchors, backlinks)) = self.counts.get_mut(self.kind as usize) {
            *anchors += u64::from(!self.is_counted);
            *backlinks = backlinks.saturating_add(row.backlinks);
            self.is_counted = true;
        }
        let refdomain = self.refdomains.entry(row.refdomain).or_default();
        if refdomain.kinds == 0 {
            self.memory.take(REFDOMAIN_BYTES)?;
        }
        refdomain.kinds |= bit(self.kind);
        refdomain.backlinks = refdomain.backlinks.saturating_add(row.backlinks);
        // Pages are not counted, so that no row is to be kept for them.
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::tld_of;

    #[test]
    fn top_level_domains() {
        for (host, expected) in [
            ("example.com", "com"),
            ("example.co.uk", "uk"),
            ("example.com.", "com."),
            ("localhost", "localhost"),
            ("xn--d1abbgf6aiiy.xn--p1ai", "xn--p1ai"),
            ("192.0.2.1", "IP address"),
            ("[2001:db8::1]", "IP address"),
            ("", ""),
            (".", "."),
        ] {
            assert_eq!(tld_of(host), expected, "{host}");
        }
    }
}
