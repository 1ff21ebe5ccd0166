//! Totals of a target: what a page about it says first.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use windlass_index::{
    IndexError, ReadyColumn, ReadyGroups, Row, RowVisitor, Snapshot, TargetRows, Texts, Tuning,
};
use windlass_links::{CaptureTime, History};

use crate::engine::{
    Answer, AnswerError, AnswerLimits, Beside, answer_beside, chosen_groups, kinds_asked,
    scan_passing,
};
use crate::error::Misreading;
use crate::kind::Kinds;
use crate::query::Query;
use crate::table::Source;

/// What is counted of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Number of backlinks in the rows that pass `where` (R18).
    pub backlinks: u64,
    /// Number of distinct pages with one of them (R18).
    pub refpages: u64,
    /// Number of registrable domains of these pages, over all anchors.
    pub refdomains: u64,
    /// Number of folded anchors: of groups before `having` (R17).
    pub anchors: u64,
    /// Earliest `first_seen` of these backlinks (R13); `None` where there is none.
    pub first_seen: Option<CaptureTime>,
    /// Latest `last_visited` of these backlinks (R13).
    pub last_visited: Option<CaptureTime>,
    /// Number of the target's backlinks that are live (R13), whatever `history` and `where` say.
    pub live_backlinks: u64,
    /// Number of those that are lost, likewise.
    pub lost_backlinks: u64,
}

/// Counts the backlinks of a query's target: those of its `history` that pass its `where`, and how many live
/// and lost ones there are in all. Neither `having` matters, nor order and page.
///
/// Where the index has finished groups, and there is no `where`, they tell, and the links are only looked
/// through for their domains. Otherwise it is one pass over the rows. What is live and lost costs no pass
/// over rows. Memory is what [`TargetRows::scan`] says, and a bit for each referring domain of the index.
///
/// # Errors
/// Where the query is for a table that is not made of rows of (folded anchor, refdomain), for its `where` is
/// about something else; where the index is damaged, or the links of several segments do not fit into the
/// memory of the limits; [`IndexError::Cancelled`] soon after `cancel` is set.
pub fn totals(
    query: &Query,
    snapshot: &Snapshot,
    limits: AnswerLimits,
    cancel: &AtomicBool,
) -> Result<Totals, AnswerError> {
    totals_tuned(query, snapshot, cancel, tuning(limits))
}

fn tuning(limits: AnswerLimits) -> Tuning {
    Tuning {
        memory_max: limits.memory_max,
        ..Tuning::default()
    }
}

/// The [`answer`](crate::answer) to a query, and the [`totals`] of its target. Where both need the rows, they are
/// gone through once.
///
/// # Errors
/// As for either.
pub fn answer_with_totals<'a>(
    query: &'a Query,
    snapshot: &Arc<Snapshot>,
    limits: AnswerLimits,
    cancel: &'a AtomicBool,
) -> Result<(Answer<'a>, Totals), AnswerError> {
    let (answer, beside) = answer_beside(query, snapshot, limits, cancel, Counting::default)?;
    let (Some(beside), Some(rows)) = (beside, answer.anchor_rows()) else {
        let totals = totals(query, snapshot, limits, cancel)?;
        return Ok((answer, totals));
    };
    let mut totals = of_parts(beside);
    totals.add_live_and_lost(query, rows, snapshot, cancel, tuning(limits))?;
    Ok((answer, totals))
}

/// [`totals`], by the ways that `tuning` says; for tests.
#[doc(hidden)]
pub fn totals_tuned(
    query: &Query,
    snapshot: &Snapshot,
    cancel: &AtomicBool,
    tuning: Tuning,
) -> Result<Totals, AnswerError> {
    if query.table.source != Source::AnchorRows {
        let what = format!(
            "totals are of table 'anchors', not of '{}'",
            query.table.name
        );
        return Err(Misreading::whole(what).of("from").into());
    }
    let asked = snapshot.rows_tuned(&query.target, query.history, cancel, tuning)?;
    let mut totals = match asked.ready_groups()? {
        Some(groups) if query.where_filter.is_empty() => {
            of_groups(groups, asked.count_refdomains(cancel)?)?
        }
        _ => match chosen_groups(&query.where_filter, &asked, cancel)? {
            Some(chosen) => of_groups(chosen.ready_groups()?, chosen.refdomains())?,
            None => {
                let kinds = kinds_asked(query, || Kinds::of_index(&query.target, snapshot))?;
                of_rows(query, &asked, kinds.as_ref(), cancel)?
            }
        },
    };
    totals.add_live_and_lost(query, &asked, snapshot, cancel, tuning)?;
    Ok(totals)
}

/// From finished groups, which know everything but to how many domains their pages belong together.
fn of_groups(mut groups: ReadyGroups<'_>, refdomains: u64) -> Result<Totals, IndexError> {
    let mut totals = Totals {
        backlinks: groups.backlinks(),
        refpages: groups.refpages(),
        refdomains,
        anchors: groups.len() as u64,
        ..Totals::default()
    };
    // The first by a date, where that order is known; otherwise the groups are few, or nobody asked before.
    let mut first_by = |column, is_ascending| {
        let first = groups.first(column, is_ascending, 1)?;
        Ok::<_, IndexError>(first.and_then(|first| first.first().copied()))
    };
    let first = first_by(ReadyColumn::FirstSeen, true)?;
    let last = first_by(ReadyColumn::LastVisited, false)?;
    if let (Some(first), Some(last)) = (first, last) {
        totals.add_dates(first.row.first_seen, last.row.last_visited);
        return Ok(totals);
    }
    for block in 0..groups.block_count() {
        groups.for_each_in(block, |group| {
            totals.add_dates(group.row.first_seen, group.row.last_visited);
        })?;
    }
    Ok(totals)
}

/// From the rows that pass `where`.
fn of_rows(
    query: &Query,
    rows: &TargetRows,
    kinds: Option<&Kinds>,
    cancel: &AtomicBool,
) -> Result<Totals, IndexError> {
    let passed = scan_passing(&query.where_filter, kinds, rows, Counting::default, cancel)?;
    Ok(of_parts(Beside {
        visitors: passed.visitors,
        refpages: passed.refpages,
    }))
}

fn of_parts(parts: Beside<Counting>) -> Totals {
    let mut totals = Totals {
        refpages: parts.refpages,
        ..Totals::default()
    };
    let mut refdomains = Vec::new();
    for part in parts.visitors {
        let counted = part.totals;
        totals.backlinks = totals.backlinks.saturating_add(counted.backlinks);
        // All rows of an anchor are in one part.
        totals.anchors += counted.anchors;
        if let (Some(first_seen), Some(last_visited)) = (counted.first_seen, counted.last_visited) {
            totals.add_dates(first_seen, last_visited);
        }
        unite(&mut refdomains, part.refdomains);
    }
    let ones = refdomains.iter().map(|word| u64::from(word.count_ones()));
    totals.refdomains = ones.sum();
    totals
}

/// The union of two sets of bits.
fn unite(all: &mut Vec<u64>, mut more: Vec<u64>) {
    if all.len() < more.len() {
        std::mem::swap(all, &mut more);
    }
    for (all, more) in all.iter_mut().zip(more) {
        *all |= more;
    }
}

impl Totals {
    /// Counts what is live and lost, whatever the query's history and `where`; `asked` are the rows of its history.
    fn add_live_and_lost(
        &mut self,
        query: &Query,
        asked: &TargetRows,
        snapshot: &Snapshot,
        cancel: &AtomicBool,
        tuning: Tuning,
    ) -> Result<(), IndexError> {
        let all_of = |history| {
            if history != query.history {
                let rows = snapshot.rows_tuned(&query.target, history, cancel, tuning)?;
                rows.count_backlinks(cancel)
            } else if query.where_filter.is_empty() {
                Ok(self.backlinks)
            } else {
                asked.count_backlinks(cancel)
            }
        };
        let (live, all) = (all_of(History::Live)?, all_of(History::AllTime)?);
        self.live_backlinks = live;
        self.lost_backlinks = all.saturating_sub(live);
        Ok(())
    }

    fn add_dates(&mut self, first_seen: CaptureTime, last_visited: CaptureTime) {
        let first = self
            .first_seen
            .map_or(first_seen, |first| first.min(first_seen));
        let last = self
            .last_visited
            .map_or(last_visited, |last| last.max(last_visited));
        (self.first_seen, self.last_visited) = (Some(first), Some(last));
    }
}

/// Counts the rows of one part of a scan.
#[derive(Default)]
struct Counting {
    totals: Totals,
    /// The anchor of the row before.
    anchor: Option<u32>,
    /// A bit for each refdomain, up to the highest number that occurred.
    refdomains: Vec<u64>,
}

impl RowVisitor for Counting {
    fn row(&mut self, row: &Row, _: &mut Texts<'_>) -> Result<bool, IndexError> {
        self.totals.backlinks = self.totals.backlinks.saturating_add(row.backlinks);
        self.totals.add_dates(row.first_seen, row.last_visited);
        // Rows of one anchor are neighbours.
        if self.anchor.replace(row.anchor) != Some(row.anchor) {
            self.totals.anchors += 1;
        }
        let word = row.refdomain as usize / 64;
        if self.refdomains.len() <= word {
            self.refdomains.resize(word + 1, 0);
        }
        if let Some(word) = self.refdomains.get_mut(word) {
            *word |= 1 << (row.refdomain % 64);
        }
        Ok(true)
    }
}
