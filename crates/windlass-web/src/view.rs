//! What pages are made from, and of.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use windlass_index::Snapshot;
use windlass_report::{Answer, AnswerLimits, Query};

/// One state of the index, and what a page may take to look at it.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// The state.
    pub snapshot: &'a Arc<Snapshot>,
    /// What an answer may take.
    pub limits: AnswerLimits,
    /// Stops the work soon after it is set.
    pub cancel: &'a AtomicBool,
}

/// The total of backlinks that an answer tells (R18); none, where it tells no totals.
pub(crate) fn backlinks_of(answer: &Answer<'_>) -> u64 {
    let mut stats = answer.stats().iter();
    let total = stats.find(|(name, _)| *name == "backlinks");
    total.map_or(0, |(_, value)| *value)
}

/// What a page costs: what the requests cost that give the same rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charge {
    /// The table that was asked.
    pub table: &'static str,
    /// Account rows.
    pub rows: u64,
    /// Results that are shown.
    pub results: u64,
}

impl Charge {
    /// Of so many results of a query.
    #[must_use]
    pub fn of(query: &Query, results: u64) -> Self {
        Self {
            table: query.table.name,
            rows: query.cost(results),
            results,
        }
    }
}

/// A page, all but what is around it.
#[derive(Debug, Default)]
pub struct Rendered {
    /// HTML.
    pub html: String,
    /// What it costs.
    pub charge: Option<Charge>,
}
