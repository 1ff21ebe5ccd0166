//! The rows of one anchor before they are grouped (R15): the way from a group down to its refdomains.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use windlass_index::{IndexError, Row, RowVisitor, Snapshot, Texts};
use windlass_links::CaptureTime;

use super::row_filter::{self, Chosen, RowFilter};
use super::{AnswerError, AnswerLimits};
use crate::kind::Kinds;
use crate::query::Query;

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
/// and history that pass its `where`. Most backlinks first, then by refdomain.
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
    let kinds = row_filter::kinds_asked(query, || Kinds::of_index(&query.target, snapshot))?;
    let visitor = || OneAnchor {
        folded_anchor,
        filter: RowFilter::new(
            &query.where_filter,
            kinds.as_ref(),
            &rows,
            &Chosen::default(),
        ),
        found: Vec::new(),
        bytes: 0,
        bytes_max: limits.memory_max,
    };
    let (parts, _) = rows.scan(visitor, cancel)?;
    let mut bytes = 0usize;
    let mut found = Vec::new();
    for part in parts {
        bytes = bytes.saturating_add(part.bytes);
        found.extend(part.found);
    }
    if bytes > limits.memory_max {
        return Err(AnswerError::Memory {
            max: limits.memory_max,
        });
    }
    found.sort_unstable_by(|a, b| {
        b.backlinks
            .cmp(&a.backlinks)
            .then_with(|| a.refdomain.cmp(&b.refdomain))
    });
    Ok(found)
}

struct OneAnchor<'a> {
    folded_anchor: &'a str,
    filter: RowFilter<'a>,
    found: Vec<AnchorRow>,
    /// What the rows take; beyond the maximum none is kept any more, and the answer is refused.
    bytes: usize,
    bytes_max: usize,
}

impl RowVisitor for OneAnchor<'_> {
    fn wants(&mut self, anchor: u32, texts: &mut Texts<'_>) -> Result<bool, IndexError> {
        Ok(texts.anchor(anchor)? == self.folded_anchor
            && self.filter.passes_anchor(anchor, texts)?)
    }

    fn row(&mut self, row: &Row, texts: &mut Texts<'_>) -> Result<bool, IndexError> {
        if !self.filter.passes(row, texts)? {
            return Ok(false);
        }
        let refdomain = texts.refdomain(row.refdomain)?;
        self.bytes = self
            .bytes
            .saturating_add(size_of::<AnchorRow>() + refdomain.len());
        if self.bytes <= self.bytes_max {
            self.found.push(AnchorRow {
                refdomain: refdomain.to_owned(),
                backlinks: row.backlinks,
                refpages: row.refpages,
                first_seen: row.first_seen,
                last_visited: row.last_visited,
            });
        }
        Ok(true)
    }
}
