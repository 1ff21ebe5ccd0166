//! Finished groups of a target (R17), ready-made in the segment, or made in memory.

use std::ops::Range;
use std::sync::Arc;

use windlass_links::CaptureTime;

use crate::bytes::Corrupt;
use crate::column::BLOCK;
use crate::error::IndexError;
use crate::first_groups::{FirstGroups, GroupOrder, Known};
use crate::ready::{DateOrder, HEAD, Node};
use crate::rows::Row;
use crate::segment::Segment;

/// A column of finished groups, for ordering them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadyColumn {
    /// Number of the anchor, in byte order.
    Anchor,
    /// Number of backlinks.
    Backlinks,
    /// Number of distinct pages.
    Refpages,
    /// Number of referring domains.
    Refdomains,
    /// Earliest `first_seen`, in seconds.
    FirstSeen,
    /// Latest `last_visited`, in seconds.
    LastVisited,
}

/// Finished groups (R17) of all live backlinks of a target, most backlinks first, then by anchor; in
/// blocks, of which a reader can leave out those whose bounds say that nothing in them matters.
#[derive(Debug, Clone)]
pub struct ReadyGroups<'a> {
    /// Where they were read; `None`: they were made in memory.
    pub(super) segment: Option<&'a Segment>,
    pub(super) node: Node<'a>,
    pub(super) kept: KeptOrders<'a>,
}

/// Where the orders of a range's groups are kept.
#[derive(Debug, Clone)]
pub(super) struct KeptOrders<'a> {
    pub(super) first: &'a FirstGroups,
    pub(super) site_key: &'a [u8],
    pub(super) urls: Range<usize>,
}

/// One finished group: a row that has as many referring domains as `refdomains` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadyGroup {
    /// The group's numbers; `refdomain` means nothing.
    pub row: Row,
    /// Number of referring domains.
    pub refdomains: u64,
}

impl<'a> ReadyGroups<'a> {
    /// Groups that are read nowhere, with what is kept of their orders.
    pub(crate) fn in_memory(node: Node<'a>, first: &'a FirstGroups) -> Self {
        Self {
            segment: None,
            node,
            kept: KeptOrders {
                first,
                site_key: &[],
                urls: 0..0,
            },
        }
    }
}

impl ReadyGroups<'_> {
    /// How many groups there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.node.fold.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Calls `each` with the numbers of the anchors, in the order of the groups.
    pub(super) fn for_each_anchor(mut self, mut each: impl FnMut(u32)) -> Result<(), IndexError> {
        for block in 0..self.block_count() {
            let anchors = self.node.fold.block(block);
            let anchors = anchors.map_err(|corrupt| wrong(self.segment, corrupt))?;
            anchors.iter().for_each(|anchor| each(*anchor));
        }
        Ok(())
    }

    /// How many blocks they are in.
    #[must_use]
    pub fn block_count(&self) -> usize {
        self.node.fold.block_count()
    }

    /// How many groups a block holds.
    #[must_use]
    pub fn block_len(&self, block: usize) -> usize {
        self.len().saturating_sub(block * BLOCK).min(BLOCK)
    }

    /// The position of the first group of a block.
    #[must_use]
    pub fn first_in(&self, block: usize) -> usize {
        block * BLOCK
    }

    /// Backlinks of the target (R18).
    #[must_use]
    pub fn backlinks(&self) -> u64 {
        self.node.backlinks
    }

    /// Distinct pages with one of them (R18).
    #[must_use]
    pub fn refpages(&self) -> u64 {
        self.node.refpages
    }

    /// Numbers that no value of a column is below, and none above, in a block.
    ///
    /// # Errors
    /// Where the segment is damaged.
    pub fn bounds(&mut self, column: ReadyColumn, block: usize) -> Result<(u64, u64), IndexError> {
        let bounds = bounds(&mut self.node, column, block);
        bounds.map_err(|corrupt| wrong(self.segment, corrupt))
    }

    /// The values of a column in a block, into `values`.
    ///
    /// # Errors
    /// Where the segment is damaged.
    pub fn values(
        &mut self,
        column: ReadyColumn,
        block: usize,
        values: &mut Vec<u64>,
    ) -> Result<(), IndexError> {
        values.clear();
        let read = column_values(&mut self.node, column, block, values);
        read.map_err(|corrupt| wrong(self.segment, corrupt))
    }

    /// A group by its position.
    ///
    /// # Errors
    /// Where the segment is damaged.
    pub fn group(&mut self, i: usize) -> Result<ReadyGroup, IndexError> {
        let group = group(&mut self.node, i);
        group.map_err(|corrupt| wrong(self.segment, corrupt))
    }

    /// The positions of at least so many first groups by a column, and among equal ones by anchor, or of all groups.
    /// `None` where they are best found by looking at all blocks: they are too many, or it is the first time that
    /// this order is asked for.
    ///
    /// # Errors
    /// Where the segment is damaged.
    pub fn first(
        &mut self,
        column: ReadyColumn,
        is_ascending: bool,
        wanted: usize,
    ) -> Result<Option<Arc<[u32]>>, IndexError> {
        let all = self.len();
        let wanted = wanted.min(all);
        if wanted > HEAD {
            return Ok(None);
        }
        let order = GroupOrder {
            site_key: self.kept.site_key.to_owned(),
            urls: self.kept.urls.clone(),
            column: column as u8,
            is_ascending,
        };
        let known = self.kept.first.ask(&order);
        if let Known::First(places) = known {
            return Ok(Some(places));
        }
        let places: Arc<[u32]> = match self.listed(column, is_ascending)? {
            Some(places) => places.into(),
            None if matches!(known, Known::New) => return Ok(None),
            None => self.found(column, is_ascending)?.into(),
        };
        self.kept.first.keep(order, &places);
        Ok(Some(places))
    }

    /// The first groups by a date, where the segment lists them.
    fn listed(
        &self,
        column: ReadyColumn,
        is_ascending: bool,
    ) -> Result<Option<Vec<u32>>, IndexError> {
        let order = match (column, is_ascending) {
            (ReadyColumn::FirstSeen, true) => DateOrder::FirstSeen,
            (ReadyColumn::FirstSeen, false) => DateOrder::FirstSeenDescending,
            (ReadyColumn::LastVisited, true) => DateOrder::LastVisited,
            (ReadyColumn::LastVisited, false) => DateOrder::LastVisitedDescending,
            _ => return Ok(None),
        };
        let places = self.node.heads.of(order);
        let places = places.map_err(|corrupt| wrong(self.segment, corrupt))?;
        // Less than that is of a segment whose lists are shorter.
        Ok(Some(places).filter(|places| places.len() >= self.len().min(HEAD)))
    }

    /// The first groups, from a look at all: some ns each.
    fn found(&mut self, column: ReadyColumn, is_ascending: bool) -> Result<Vec<u32>, IndexError> {
        // What it is ordered by, its anchor, and its position.
        let mut first: Vec<(u64, u64, u32)> = Vec::with_capacity(2 * HEAD);
        let mut last = None;
        let (mut values, mut anchors) = (Vec::new(), Vec::new());
        for block in 0..self.block_count() {
            self.values(column, block, &mut values)?;
            self.values(ReadyColumn::Anchor, block, &mut anchors)?;
            let positions = self.first_in(block) as u64 as u32..;
            for ((value, anchor), position) in values.iter().zip(&anchors).zip(positions) {
                let key = if is_ascending {
                    *value
                } else {
                    u64::MAX - *value
                };
                let group = (key, *anchor, position);
                if last.is_some_and(|last| group >= last) {
                    continue;
                }
                first.push(group);
                if first.len() >= 2 * HEAD {
                    let (_, worst, _) = first.select_nth_unstable(HEAD - 1);
                    last = Some(*worst);
                    first.truncate(HEAD);
                }
            }
        }
        first.sort_unstable();
        first.truncate(HEAD);
        Ok(first.into_iter().map(|(.., position)| position).collect())
    }

    /// Calls `each` with the groups of a block.
    ///
    /// # Errors
    /// Where the segment is damaged.
    pub fn for_each_in(
        &mut self,
        block: usize,
        mut each: impl FnMut(ReadyGroup),
    ) -> Result<(), IndexError> {
        let node = &mut self.node;
        let mut read = || -> Result<(), Corrupt> {
            let folds = node.fold.block(block)?.iter();
            let counts = node.backlinks_of.block(block)?.iter();
            let counts = counts.zip(node.repeats.block(block)?);
            let counts = counts.zip(node.siblings.block(block)?);
            let first_seen = node.first_seen.block(block)?.iter();
            let dates = first_seen.zip(node.span.block(block)?);
            for ((fold, ((backlinks, repeats), siblings)), (first_seen, span)) in
                folds.zip(counts).zip(dates)
            {
                let counts = [*backlinks, *repeats, *siblings];
                each(group_of(*fold, counts, (*first_seen, *span)));
            }
            Ok(())
        };
        read().map_err(|corrupt| wrong(self.segment, corrupt))
    }
}

fn wrong(segment: Option<&Segment>, corrupt: Corrupt) -> IndexError {
    match segment {
        Some(segment) => segment.corrupt(corrupt),
        None => IndexError::TooLarge(corrupt.0),
    }
}

fn group(node: &mut Node<'_>, i: usize) -> Result<ReadyGroup, Corrupt> {
    let counts = [
        node.backlinks_of.at(i)?,
        node.repeats.at(i)?,
        node.siblings.at(i)?,
    ];
    let dates = (node.first_seen.at(i)?, node.span.at(i)?);
    Ok(group_of(node.fold.at(i)?, counts, dates))
}

/// A group as the columns of its node have it: its fold, the backlinks, what they are more than the pages, and these
/// more than the domains; and the first date, and how far the last is behind it.
#[inline]
fn group_of(
    fold: u32,
    [backlinks, repeats, siblings]: [u32; 3],
    (first_seen, span): (u32, u32),
) -> ReadyGroup {
    let refpages = backlinks.saturating_sub(repeats);
    ReadyGroup {
        row: Row {
            anchor: fold,
            refdomain: u32::MAX,
            backlinks: backlinks.into(),
            refpages: refpages.into(),
            first_seen: CaptureTime::from_unix(first_seen),
            last_visited: CaptureTime::from_unix(first_seen.saturating_add(span)),
        },
        refdomains: refpages.saturating_sub(siblings).into(),
    }
}

fn bounds(node: &mut Node<'_>, column: ReadyColumn, block: usize) -> Result<(u64, u64), Corrupt> {
    let wide = |(min, max): (u32, u32)| (u64::from(min), u64::from(max));
    let less = |(min, max): (u64, u64), (less_min, less_max): (u64, u64)| {
        (min.saturating_sub(less_max), max.saturating_sub(less_min))
    };
    Ok(match column {
        ReadyColumn::Anchor => wide(node.fold.bounds(block)?),
        ReadyColumn::Backlinks => wide(node.backlinks_of.bounds(block)?),
        ReadyColumn::Refpages => less(
            wide(node.backlinks_of.bounds(block)?),
            wide(node.repeats.bounds(block)?),
        ),
        ReadyColumn::Refdomains => less(
            bounds(node, ReadyColumn::Refpages, block)?,
            wide(node.siblings.bounds(block)?),
        ),
        ReadyColumn::FirstSeen => wide(node.first_seen.bounds(block)?),
        ReadyColumn::LastVisited => {
            let (min, max) = wide(node.first_seen.bounds(block)?);
            let (span_min, span_max) = wide(node.span.bounds(block)?);
            (min + span_min, max + span_max)
        }
    })
}

fn column_values(
    node: &mut Node<'_>,
    column: ReadyColumn,
    block: usize,
    values: &mut Vec<u64>,
) -> Result<(), Corrupt> {
    let first = match column {
        ReadyColumn::Anchor => &mut node.fold,
        ReadyColumn::FirstSeen | ReadyColumn::LastVisited => &mut node.first_seen,
        ReadyColumn::Backlinks | ReadyColumn::Refpages | ReadyColumn::Refdomains => {
            &mut node.backlinks_of
        }
    };
    values.extend(first.block(block)?.iter().map(|value| u64::from(*value)));
    let mut combine = |more: &[u32], with: fn(u64, u64) -> u64| {
        for (value, more) in values.iter_mut().zip(more) {
            *value = with(*value, u64::from(*more));
        }
    };
    if column == ReadyColumn::LastVisited {
        combine(node.span.block(block)?, u64::saturating_add);
    }
    if matches!(column, ReadyColumn::Refpages | ReadyColumn::Refdomains) {
        combine(node.repeats.block(block)?, u64::saturating_sub);
    }
    if column == ReadyColumn::Refdomains {
        combine(node.siblings.block(block)?, u64::saturating_sub);
    }
    Ok(())
}
