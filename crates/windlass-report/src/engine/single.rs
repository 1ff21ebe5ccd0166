//! Tables whose results are single rows. They are gone through once to be counted; those that do not fit
//! into memory then, once more to be written, or, where they are ordered, once for each window of the
//! order.

use std::ops::ControlFlow;

use windlass_index::Snapshot;

use super::AnswerError;
use super::glanced::Glanced;
use super::order::Order;
use super::record::{OwnedCell, OwnedRecord, Record, RecordFilter};
use super::sources::{self, Asked, Flow};
use super::window::{Placed, Window};
use crate::filter::Matcher;
use crate::report::Cell;
use crate::table::{Column, Field, Source};

/// The results of such a table.
#[derive(Debug)]
pub(super) struct Found {
    /// The first of them, in the order of the answer, each with its place in that of the index.
    kept: Vec<Placed>,
    /// Whether those are known from a glance, and must be read.
    is_glanced: bool,
    /// Of ordered ones, the last row looked at so far: the next window comes behind it.
    last: Option<Placed>,
    /// How many results the answer has.
    pub(super) results: u64,
    /// How many rows pass, before `offset` and `limit`; where nobody asks, no more than are needed are
    /// counted.
    pub(super) total: u64,
    /// The rows before that.
    pub(super) before: Before,
}

/// The rows that were gone through.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Before {
    /// Whether there were any before `where`.
    pub(super) any_rows: bool,
    /// How many were left before `having`, of those that were looked at.
    pub(super) passed_where: u64,
}

/// Calls `each` with every row that passes both clauses, in the order of the index.
fn for_each_passing(
    asked: &Asked<'_>,
    snapshot: &Snapshot,
    mut each: impl FnMut(&dyn Record) -> Flow,
) -> Result<Before, AnswerError> {
    let filter = RecordFilter::new(&asked.query.where_filter);
    let having = RecordFilter::new(&asked.query.having);
    let mut before = Before::default();
    let anchors = Matcher::new(&asked.query.where_filter);
    let wants_anchor = |folded: &str| anchors.passes_string(Field::Anchor, folded);
    let wants_anchor: Option<&dyn Fn(&str) -> bool> = match anchors.tests(Field::Anchor) {
        true => Some(&wants_anchor),
        false => None,
    };
    let mut row = |record: &dyn Record| {
        before.any_rows = true;
        if !filter.passes(record) {
            return Ok(ControlFlow::Continue(()));
        }
        before.passed_where += 1;
        match having.passes(record) {
            true => each(record),
            false => Ok(ControlFlow::Continue(())),
        }
    };
    match asked.query.table.source {
        Source::Changes => sources::changes(asked, snapshot, wants_anchor, |change| row(&change))?,
        Source::Pages => {
            let target = &asked.query.target;
            snapshot.for_each_page(target, asked.cancel, |page| row(page))?;
        }
        // The other sources are grouped.
        _ => {
            let all_types = asked.wants_all_types();
            sources::backlinks(asked, snapshot, all_types, wants_anchor, |link| row(&link))?;
        }
    }
    before.any_rows = before.any_rows || any_with_other_anchors(asked, snapshot)?;
    Ok(before)
}

/// Whether there are rows before `where`, where only those were looked at whose anchors it wants, and there
/// are none. The first tells.
fn any_with_other_anchors(asked: &Asked<'_>, snapshot: &Snapshot) -> Result<bool, AnswerError> {
    let mut any_rows = false;
    if !Matcher::new(&asked.query.where_filter).tests(Field::Anchor) {
        return Ok(any_rows);
    }
    let mut first = || {
        any_rows = true;
        Ok(ControlFlow::Break(()))
    };
    match asked.query.table.source {
        Source::Changes => sources::changes(asked, snapshot, None, |_| first())?,
        Source::Backlinks => {
            let all_types = asked.wants_all_types();
            sources::backlinks(asked, snapshot, all_types, None, |_| first())?;
        }
        _ => {}
    }
    Ok(any_rows)
}

/// Finds the results.
pub(super) fn find(asked: &Asked<'_>, snapshot: &Snapshot) -> Result<Found, AnswerError> {
    if asked.query.order_by.is_empty() {
        find_in_order(asked, snapshot)
    } else {
        find_ordered(asked, snapshot)
    }
}

fn find_in_order(asked: &Asked<'_>, snapshot: &Snapshot) -> Result<Found, AnswerError> {
    let (offset, limit) = (asked.query.offset, u64::from(asked.query.limit));
    let wanted = offset.saturating_add(limit);
    // Without `stats` one row is enough to know that there are any.
    let counted_max = match asked.query.table.stats {
        [] => wanted.max(1),
        _ => u64::MAX,
    };
    let (mut total, mut bytes, mut kept) = (0u64, 0, Vec::new());
    let before = for_each_passing(asked, snapshot, |record| {
        if (offset..wanted).contains(&total) && bytes < asked.limits.kept_bytes_max {
            let record = OwnedRecord::of(record, &asked.query.select);
            bytes += record.memory();
            kept.push((record, total));
        }
        total += 1;
        Ok(until(total >= counted_max))
    })?;
    Ok(Found {
        kept,
        is_glanced: false,
        last: None,
        results: total.saturating_sub(offset).min(limit),
        total,
        before,
    })
}

const fn until(is_enough: bool) -> ControlFlow<()> {
    if is_enough {
        ControlFlow::Break(())
    } else {
        ControlFlow::Continue(())
    }
}

/// The columns that are kept of ordered rows: those shown, then those that order.
struct Ordered<'a> {
    columns: Vec<&'a Column>,
    order: Order,
}

impl<'a> Ordered<'a> {
    fn of(asked: &Asked<'a>) -> Self {
        let mut columns: Vec<&Column> = asked.query.select.clone();
        columns.extend(asked.query.order_by.iter().map(|key| key.column));
        let fields: Vec<Field> = columns.iter().map(|column| column.field).collect();
        Self {
            order: Order::new(&asked.query.order_by, &fields),
            columns,
        }
    }

    /// The rows that come behind one, no more than a given number of them; and how many pass in all, and
    /// whether there are others.
    fn window(
        &self,
        asked: &Asked<'_>,
        snapshot: &Snapshot,
        after: Option<&Placed>,
        rows_max: u64,
    ) -> Result<(Vec<Placed>, u64, Before), AnswerError> {
        // Each window is one pass over all rows, so it is worth more than what is merely kept.
        let bytes_max = asked.limits.kept_bytes_max.saturating_mul(8);
        let mut window = Window::new(&self.order, after, rows_max, bytes_max);
        let mut total = 0u64;
        let before = for_each_passing(asked, snapshot, |record| {
            if !window.drops(record) {
                window.add((OwnedRecord::of(record, &self.columns), total));
            }
            total += 1;
            Ok(ControlFlow::Continue(()))
        })?;
        Ok((window.finish(), total, before))
    }
}

fn find_ordered(asked: &Asked<'_>, snapshot: &Snapshot) -> Result<Found, AnswerError> {
    let (offset, limit) = (asked.query.offset, u64::from(asked.query.limit));
    let glanced = Glanced::of(asked, snapshot)?;
    let ordered = Ordered::of(asked);
    // The rows before `offset` are windows too.
    let mut last: Option<Placed> = None;
    let mut passed_over = 0u64;
    loop {
        let left = offset - passed_over;
        let wanted = if limit == 0 {
            0
        } else {
            left.saturating_add(limit)
        };
        let (rows, total, before) = match &glanced {
            Some(glanced) => {
                let (rows, total, any_rows) = glanced.window(last.as_ref(), wanted)?;
                let before = Before {
                    any_rows: any_rows || any_with_other_anchors(asked, snapshot)?,
                    // No table of links says that in its `stats`.
                    passed_where: total,
                };
                (rows, total, before)
            }
            None => ordered.window(asked, snapshot, last.as_ref(), wanted)?,
        };
        let count = rows.len() as u64;
        last = rows.last().cloned().or(last);
        if count == 0 || count > left {
            let skipped = usize::try_from(left).unwrap_or(usize::MAX);
            return Ok(Found {
                kept: rows.into_iter().skip(skipped).collect(),
                is_glanced: glanced.is_some(),
                last,
                results: total.saturating_sub(offset).min(limit),
                total,
                before,
            });
        }
        passed_over += count;
    }
}

impl Found {
    /// Calls `each` with the cells of each result.
    pub(super) fn write<E: From<AnswerError>>(
        &self,
        asked: &Asked<'_>,
        snapshot: &Snapshot,
        mut each: impl FnMut(&[Cell<'_>]) -> Result<(), E>,
    ) -> Result<(), E> {
        let shown = asked.query.select.len();
        let mut write = |record: &OwnedRecord| {
            let cells: Vec<Cell<'_>> = record
                .0
                .iter()
                .take(shown)
                .map(OwnedCell::as_cell)
                .collect();
            each(&cells)
        };
        let mut written = self.kept.len() as u64;
        let glanced = match self.is_glanced {
            true => Glanced::of(asked, snapshot)?,
            false => None,
        };
        match &glanced {
            Some(glanced) => glanced.read(&self.kept, &mut write)?,
            None => self.kept.iter().try_for_each(|(row, _)| write(row))?,
        }
        if !asked.query.order_by.is_empty() {
            let ordered = Ordered::of(asked);
            let mut last = self.last.clone();
            while written < self.results {
                let left = self.results - written;
                let rows = match &glanced {
                    Some(glanced) => {
                        let (rows, ..) = glanced.window(last.as_ref(), left)?;
                        glanced.read(&rows, &mut write)?;
                        rows
                    }
                    None => {
                        let (rows, ..) = ordered.window(asked, snapshot, last.as_ref(), left)?;
                        rows.iter().try_for_each(|(row, _)| write(row))?;
                        rows
                    }
                };
                written += rows.len() as u64;
                last = rows.last().cloned();
                if last.is_none() {
                    break;
                }
            }
            return Ok(());
        }
        if written >= self.results {
            return Ok(());
        }
        let first = asked.query.offset.saturating_add(written);
        let (mut passed, mut failed) = (0u64, None);
        for_each_passing(asked, snapshot, |record| {
            passed += 1;
            if passed > first {
                if let Err(error) = write(&OwnedRecord::of(record, &asked.query.select)) {
                    failed = Some(error);
                    return Ok(ControlFlow::Break(()));
                }
                written += 1;
            }
            Ok(until(written >= self.results))
        })?;
        failed.map_or(Ok(()), Err)
    }
}
