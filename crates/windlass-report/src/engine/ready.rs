//! The report from finished groups: blocks that cannot hold a group of the page are not read.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::atomic::{AtomicBool, Ordering};

use windlass_index::{IndexError, ReadyColumn, ReadyGroup, ReadyGroups, TargetRows};

use super::anchors::Found;
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
    (mut page, text_bytes_max): (Page<'a>, usize),
    cancel: &AtomicBool,
) -> Result<Report<'a>, IndexError> {
    let found = Found {
        any_rows: !groups.is_empty() || (!query.where_filter.is_empty() && rows.any(cancel)?),
        backlinks: groups.backlinks(),
        refpages: groups.refpages(),
    };
    if query.having.is_empty() {
        best(query, &mut groups, &mut page, cancel)?;
    } else {
        filtered(query, rows, &mut groups, &mut page, cancel)?;
    }
    found.report(query, rows, (page, text_bytes_max))
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
    let tests_dates = having.tests(Field::FirstSeen) || having.tests(Field::LastVisited);
    let mut texts = rows.texts()?;
    let (mut passing, mut places) = (Vec::new(), Vec::new());
    for block in 0..groups.block_count() {
        check(cancel)?;
        if tests_dates {
            groups.for_each_in(block, |group| {
                let group = Group::from(group);
                if having.passes_numbers(&group) {
                    passing.push(group);
                }
            })?;
        } else {
            // The dates of those that pass are enough.
            places.clear();
            let mut place = groups.first_in(block) as u64 as u32;
            groups.for_each_counted(block, |group| {
                if having.passes_numbers(&Group::from(group)) {
                    places.push(place);
                }
                place += 1;
            })?;
            passing.extend(groups.groups(&places)?.into_iter().map(Group::from));
        }
        if having.tests(Field::Anchor) {
            // In ascending order, which is how anchors are read fastest.
            passing.sort_unstable_by_key(|group| group.anchor);
        }
        for group in passing.drain(..) {
            if !having.tests(Field::Anchor)
                || having.passes_string(Field::Anchor, texts.anchor(group.anchor)?)
            {
                page.add(&group);
            }
        }
    }
    Ok(())
}

/// Whether groups lie in an order.
fn is_in_order(column: ReadyColumn, direction: Direction) -> bool {
    column == ReadyColumn::Backlinks && direction == Direction::Descending
}

/// The page, where it is known where the first groups in an order lie; whether it is.
fn first_ones(
    groups: &mut ReadyGroups<'_>,
    column: ReadyColumn,
    direction: Direction,
    page: &mut Page<'_>,
) -> Result<bool, IndexError> {
    let wanted = page.wanted().min(groups.len());
    let mut taken = Vec::with_capacity(wanted);
    if is_in_order(column, direction) {
        leading(groups, wanted, &mut taken)?;
    } else {
        let is_ascending = direction == Direction::Ascending;
        let Some(first) = groups.first(column, is_ascending, wanted)? else {
            return Ok(false);
        };
        taken.extend(first.iter().take(wanted).copied().map(Group::from));
    }
    page.with_ordered(taken);
    page.pass_over((groups.len() as u64).saturating_sub(wanted as u64));
    Ok(true)
}

/// So many groups from the first on, as they lie.
fn leading(
    groups: &mut ReadyGroups<'_>,
    wanted: usize,
    taken: &mut Vec<Group>,
) -> Result<(), IndexError> {
    let mut block = 0;
    while taken.len() < wanted {
        groups.for_each_in(block, |group| {
            if taken.len() < wanted {
                taken.push(group.into());
            }
        })?;
        block += 1;
    }
    Ok(())
}

/// The groups that can be on the page. The block with the best first key comes first, so that soon
/// enough groups are known for most blocks to have none better.
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
    // Behind equal keys groups come by their anchors, if nothing else is asked for.
    let by_anchor = query.order_by.len() <= 1;
    let is_in_order = is_in_order(column, direction);
    if by_anchor && page.is_first() && first_ones(groups, column, direction, page)? {
        return Ok(());
    }
    let key = |value: u64| match direction {
        Direction::Ascending => value,
        Direction::Descending => u64::MAX - value,
    };
    let mut blocks = Vec::with_capacity(groups.block_count());
    for block in 0..groups.block_count() {
        let (anchor, _) = groups.bounds(ReadyColumn::Anchor, block)?;
        let best = if is_in_order {
            // What comes in the order asked for needs no looking at.
            block as u64
        } else {
            let (min, max) = groups.bounds(column, block)?;
            key(min).min(key(max))
        };
        blocks.push(Reverse((best, anchor, block)));
    }
    let mut blocks = BinaryHeap::from(blocks);
    let (mut values, mut anchors) = (Vec::new(), Vec::new());
    let mut left = groups.len() as u64;
    while let Some(Reverse((_, _, block))) = blocks.pop() {
        check(cancel)?;
        // Whether a group with that first key and that anchor comes behind all that can be on the page.
        let worst = page.worst().map(|(first, anchor)| (key(first), anchor));
        let is_behind = |first: u64, anchor: u64| match worst {
            None => false,
            Some((worst, _)) if first != worst => first > worst,
            Some((_, worst)) => by_anchor && anchor > worst,
        };
        let (min, max) = groups.bounds(column, block)?;
        let (anchor, _) = groups.bounds(ReadyColumn::Anchor, block)?;
        if is_behind(key(min).min(key(max)), anchor) {
            // So is all that follows.
            break;
        }
        groups.values(column, block, &mut values)?;
        groups.values(ReadyColumn::Anchor, block, &mut anchors)?;
        let near = (0u32..).zip(values.iter().zip(&anchors));
        let near = near.filter(|(_, (value, anchor))| !is_behind(key(**value), **anchor));
        let first = groups.first_in(block) as u64 as u32;
        let places: Vec<u32> = near.map(|(at, _)| first + at).collect();
        left -= places.len() as u64;
        for group in groups.groups(&places)? {
            page.add(&group.into());
        }
    }
    page.pass_over(left);
    Ok(())
}

fn ready_column(field: Field) -> ReadyColumn {
    match field {
        Field::Backlinks => ReadyColumn::Backlinks,
        Field::Refpages => ReadyColumn::Refpages,
        Field::Refdomains => ReadyColumn::Refdomains,
        Field::FirstSeen => ReadyColumn::FirstSeen,
        Field::LastVisited => ReadyColumn::LastVisited,
        // The table `anchors` is ordered by nothing else.
        _ => ReadyColumn::Anchor,
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
            place: 0,
        }
    }
}
