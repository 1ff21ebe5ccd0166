//! The report from finished groups: blocks that cannot hold a group of the page are not read.

use std::sync::atomic::{AtomicBool, Ordering};

use windlass_index::{IndexError, ReadyColumn, ReadyGroup, ReadyGroups, TargetRows};

use super::Found;
use super::page::Page;
use crate::columns::{Direction, OrderKey};
use crate::filter::Matcher;
use crate::query::Query;
use crate::report::{Group, Report};
use crate::table::Field;

pub(super) fn report<'a>(
    query: &'a Query,
    rows: &TargetRows,
    mut groups: ReadyGroups<'_>,
    cancel: &AtomicBool,
) -> Result<Report<'a>, IndexError> {
    let found = Found {
        any_rows: !groups.is_empty(),
        backlinks: groups.backlinks(),
        refpages: groups.refpages(),
    };
    // Finished groups do not come in the order of anchors, which is the one that nothing asks for.
    let mut page = Page::unordered(query);
    if query.having.is_empty() {
        best(query, &mut groups, &mut page, cancel)?;
    } else {
        filtered(query, rows, &mut groups, &mut page, cancel)?;
    }
    found.report(query, rows, page)
}

fn check(cancel: &AtomicBool) -> Result<(), IndexError> {
    if cancel.load(Ordering::Relaxed) {
        Err(IndexError::Cancelled)
    } else {
        Ok(())
    }
}

/// All groups that pass `having`.
fn filtered(
    query: &Query,
    rows: &TargetRows,
    groups: &mut ReadyGroups<'_>,
    page: &mut Page<'_>,
    cancel: &AtomicBool,
) -> Result<(), IndexError> {
    let having = Matcher::new(&query.having);
    let mut texts = rows.texts()?;
    let mut passing = Vec::new();
    for block in 0..groups.block_count() {
        check(cancel)?;
        groups.for_each_in(block, |group| {
            let group = Group::from(group);
            if having.passes_numbers(&group) {
                passing.push(group);
            }
        })?;
        if having.tests(Field::Anchor) {
            // In ascending order, which is how anchors are read fastest.
            passing.sort_unstable_by_key(|group| group.anchor);
        }
        for group in passing.drain(..) {
            if !having.tests(Field::Anchor)
                || having.passes_string(Field::Anchor, texts.anchor(group.anchor)?)
            {
                page.add(group);
            }
        }
    }
    Ok(())
}

/// The groups that can be on the page: those whose first key is not worse than that of the worst one
/// kept, once there are enough.
fn best(
    query: &Query,
    groups: &mut ReadyGroups<'_>,
    page: &mut Page<'_>,
    cancel: &AtomicBool,
) -> Result<(), IndexError> {
    let (column, direction) = match query.order_by.first() {
        Some(OrderKey { column, direction }) => (ready_column(column.field), *direction),
        None => (ReadyColumn::Anchor, Direction::Ascending),
    };
    let is_worse = |value: u64, worst: u64| match direction {
        Direction::Ascending => value > worst,
        Direction::Descending => value < worst,
    };
    let mut values = Vec::new();
    let mut first = 0;
    for block in 0..groups.block_count() {
        if block.is_multiple_of(1024) {
            check(cancel)?;
        }
        let worst = page.worst();
        if let Some(worst) = worst {
            let (min, max) = groups.bounds(column, block)?;
            let best = match direction {
                Direction::Ascending => min,
                Direction::Descending => max,
            };
            if is_worse(best, worst) {
                let n = groups.block_len(block);
                page.pass_over(n as u64);
                first += n;
                continue;
            }
        }
        groups.values(column, block, &mut values)?;
        for value in &values {
            if worst.is_some_and(|worst| is_worse(*value, worst)) {
                page.pass_over(1);
            } else {
                page.add(groups.group(first)?.into());
            }
            first += 1;
        }
    }
    Ok(())
}

fn ready_column(field: Field) -> ReadyColumn {
    match field {
        Field::Anchor | Field::Refdomain => ReadyColumn::Anchor,
        Field::Backlinks => ReadyColumn::Backlinks,
        Field::Refpages => ReadyColumn::Refpages,
        Field::Refdomains => ReadyColumn::Refdomains,
        Field::FirstSeen => ReadyColumn::FirstSeen,
        Field::LastVisited => ReadyColumn::LastVisited,
    }
}

impl From<ReadyGroup> for Group {
    fn from(group: ReadyGroup) -> Self {
        Self {
            anchor: group.row.anchor,
            backlinks: group.row.backlinks,
            refpages: group.row.refpages,
            refdomains: group.refdomains,
            first_seen: group.row.first_seen,
            last_visited: group.row.last_visited,
        }
    }
}
