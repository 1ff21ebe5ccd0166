//! where → group → having → order → page (R15–R19), in one pass over the rows.

mod page;

use std::sync::atomic::{AtomicBool, Ordering};

use windlass_index::{Row, TargetRows};
use windlass_links::CaptureTime;

use crate::filter::{Matcher, Subject};
use crate::query::Query;
use crate::report::{Emptiness, Group, Report};
use crate::table::Field;
use page::Page;

/// The caller asked to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("stopped on request")]
pub struct Cancelled;

/// Answers a query from the rows of its target.
///
/// Time grows with the number of rows, and of pages behind them; memory with `offset + limit` and a
/// byte for each row. Each distinct anchor and refdomain is tested once.
#[must_use]
pub fn run<'a>(query: &'a Query, rows: &'a TargetRows) -> Report<'a> {
    evaluate(query, rows, &AtomicBool::new(false))
}

/// [`run`], until `cancel` is set.
///
/// # Errors
/// Soon after `cancel` is set.
pub fn run_cancellable<'a>(
    query: &'a Query,
    rows: &'a TargetRows,
    cancel: &AtomicBool,
) -> Result<Report<'a>, Cancelled> {
    let report = evaluate(query, rows, cancel);
    // The flag is never taken back: a report cut short cannot get through.
    if cancel.load(Ordering::Relaxed) {
        return Err(Cancelled);
    }
    Ok(report)
}

fn evaluate<'a>(query: &'a Query, rows: &'a TargetRows, cancel: &AtomicBool) -> Report<'a> {
    let cancelled = || cancel.load(Ordering::Relaxed);
    let chosen = choose(query, rows, cancelled);
    let is_chosen = |i: usize| chosen.as_ref().is_none_or(|c| c.get(i) == Some(&true));

    let having = Matcher::new(&query.having);
    let mut page = Page::new(query);
    let mut backlinks = 0u64;
    let mut close = |group: Group| {
        if having.passes_numbers(&group)
            && having.passes_string(Field::Anchor, rows.anchor(group.anchor))
        {
            page.add(group);
        }
    };
    let mut open: Option<Group> = None;
    // Rows of one anchor are neighbours, and anchors come in byte order (R19).
    for (i, row) in rows.rows().iter().enumerate() {
        if !is_chosen(i) {
            continue;
        }
        backlinks = backlinks.saturating_add(row.backlinks);
        match &mut open {
            Some(group) if group.anchor == row.anchor => group.add(row),
            _ => {
                if let Some(group) = open.replace(Group::of(row)) {
                    if cancelled() {
                        break;
                    }
                    close(group);
                }
            }
        }
    }
    if let Some(group) = open {
        close(group);
    }
    let (page, groups_total) = page.finish();

    let refpages = if cancelled() {
        0
    } else {
        rows.refpages_of(is_chosen)
    };
    let emptiness = if groups_total > 0 {
        None
    } else if !rows.rows().is_empty() {
        Some(Emptiness::FilteredOut)
    } else if rows.host_known() {
        Some(Emptiness::NoBacklinks)
    } else {
        Some(Emptiness::HostUnknown)
    };
    Report {
        table: query.table,
        select: &query.select,
        rows,
        rows_cost: query.cost(page.len() as u64),
        page,
        groups_total,
        backlinks,
        refpages,
        emptiness,
    }
}

/// For each row, whether it passes `where`; `None` where all do.
fn choose(query: &Query, rows: &TargetRows, cancelled: impl Fn() -> bool) -> Option<Vec<bool>> {
    if query.where_filter.is_empty() {
        return None;
    }
    let matcher = Matcher::new(&query.where_filter);
    let refdomains: Option<Vec<bool>> = matcher.tests(Field::Refdomain).then(|| {
        (0..rows.refdomain_count())
            .map_while(|i| {
                let i = u32::try_from(i).ok()?;
                (!cancelled()).then(|| matcher.passes_string(Field::Refdomain, rows.refdomain(i)))
            })
            .collect()
    });
    let tests_anchor = matcher.tests(Field::Anchor);
    // The anchor tested last: rows of one anchor are neighbours.
    let mut last_anchor: Option<(u32, bool)> = None;
    let mut anchor_passes = |anchor: u32| match last_anchor {
        Some((last, passes)) if last == anchor => passes,
        _ => {
            let passes = !cancelled() && matcher.passes_string(Field::Anchor, rows.anchor(anchor));
            last_anchor = Some((anchor, passes));
            passes
        }
    };
    let chosen = rows.rows().iter().map(|row| {
        let refdomain_passes = refdomains
            .as_ref()
            .is_none_or(|passes| passes.get(row.refdomain as usize) == Some(&true));
        refdomain_passes
            && matcher.passes_numbers(row)
            && (!tests_anchor || anchor_passes(row.anchor))
    });
    Some(chosen.collect())
}

impl Group {
    fn of(row: &Row) -> Self {
        Self {
            anchor: row.anchor,
            backlinks: row.backlinks,
            refpages: row.refpages,
            refdomains: 1,
            first_seen: row.first_seen,
            last_visited: row.last_visited,
        }
    }

    /// R17: a page belongs to one refdomain, so that pages of different rows are different pages.
    fn add(&mut self, row: &Row) {
        self.backlinks = self.backlinks.saturating_add(row.backlinks);
        self.refpages = self.refpages.saturating_add(row.refpages);
        self.refdomains += 1;
        self.first_seen = self.first_seen.min(row.first_seen);
        self.last_visited = self.last_visited.max(row.last_visited);
    }
}

impl Subject for Row {
    fn integer(&self, field: Field) -> Option<u64> {
        match field {
            Field::Backlinks => Some(self.backlinks),
            Field::Refpages => Some(self.refpages),
            _ => None,
        }
    }

    fn date(&self, field: Field) -> Option<CaptureTime> {
        match field {
            Field::FirstSeen => Some(self.first_seen),
            Field::LastVisited => Some(self.last_visited),
            _ => None,
        }
    }
}
