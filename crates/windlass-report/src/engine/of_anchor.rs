//! The rows of one anchor before they are grouped (R15): the way from a group down to its refdomains.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use windlass_index::{IndexError, Row, RowVisitor, Snapshot, Texts};
use windlass_links::CaptureTime;

use super::memory::SharedMemory;
use super::row_filter::{kinds_asked, scan_passing};
use super::{AnswerError, AnswerLimits};
use crate::filter::{Condition, Operator, Value};
use crate::kind::Kinds;
use crate::query::Query;
use crate::table::FOLDED_ANCHOR;

/// What one referring domain adds to the group of an anchor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnchorRow {
    /// The referring domain.
    pub refdomain: String,
    /// Number of backlinks.
    pub backlinks: u64,
    /// Number of distinct pages.
    pub refpages: u64,
    /// Earliest `first_seen`.
    pub first_seen: CaptureTime,
    /// Latest `last_visited`.
    pub last_visited: CaptureTime,
}

/// The rows that the group of a folded anchor is made of, in an answer to the query: those of its target
/// and history that pass its `where`. Most backlinks first, then by refdomain. The anchor is found first, where the
/// index can tell, and links with others are passed over.
///
/// # Errors
/// Where the index is damaged, or the rows do not fit into memory; [`IndexError::Cancelled`] soon after
/// `cancel` is set.
pub fn rows_of_anchor(
    query: &Query,
    folded_anchor: &str,
    snapshot: &Arc<Snapshot>,
    limits: AnswerLimits,
    cancel: &AtomicBool,
) -> Result<Vec<AnchorRow>, AnswerError> {
    let max = limits.memory_max;
    let rows = snapshot.rows_in_memory(&query.target, query.history, max, cancel)?;
    let kinds = kinds_asked(query, || Kinds::of_index(&query.target, snapshot))?;
    let filter = query.where_filter.and(Condition::Compare {
        column: &FOLDED_ANCHOR,
        operator: Operator::Equal,
        value: Value::Text(folded_anchor.to_owned()),
    });
    let memory = SharedMemory::new(max);
    let visitor = || Collecting {
        found: Vec::new(),
        memory: &memory,
    };
    let passed = scan_passing(&filter, kinds.as_ref(), &rows, visitor, cancel);
    let parts = memory.unless_spent(passed)?.visitors;
    let mut found: Vec<AnchorRow> = parts.into_iter().flat_map(|part| part.found).collect();
    found.sort_unstable_by(|a, b| {
        b.backlinks
            .cmp(&a.backlinks)
            .then_with(|| a.refdomain.cmp(&b.refdomain))
    });
    Ok(found)
}

/// Collects the rows of one part of a scan.
struct Collecting<'a> {
    found: Vec<AnchorRow>,
    memory: &'a SharedMemory,
}

impl RowVisitor for Collecting<'_> {
    fn row(&mut self, row: &Row, texts: &mut Texts<'_>) -> Result<bool, IndexError> {
        let refdomain = texts.refdomain(row.refdomain)?;
        self.memory.take(size_of::<AnchorRow>() + refdomain.len())?;
        self.found.push(AnchorRow {
            refdomain: refdomain.to_owned(),
            backlinks: row.backlinks,
            refpages: row.refpages,
            first_seen: row.first_seen,
            last_visited: row.last_visited,
        });
        // Pages are not counted, so that no row is to be kept for them.
        Ok(false)
    }
}
