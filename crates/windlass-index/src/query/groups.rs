//! Finished groups of a target (R17), ready-made in the segment, or made in memory.

use std::ops::Range;
use std::sync::Arc;

use windlass_links::CaptureTime;

use crate::bytes::Corrupt;
use crate::column::{BLOCK, Column};
use crate::error::IndexError;
use crate::first_groups::{First, FirstGroups, GroupOrder, Known};
use crate::ready::{DateOrder, HEAD, LoneLink, LoneLinks, Node, Ready};
use crate::rows::Row;
use crate::segment::{Segment, SitePlace};

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
    /// Where the dates are that the node does not have.
    pub(super) lone: Lone<'a>,
    pub(super) kept: KeptOrders<'a>,
}

/// The links of groups that have a single one.
#[derive(Debug, Clone)]
pub(super) enum Lone<'a> {
    /// They are not needed: the node has all dates.
    Nothing,
    /// They have not been asked for.
    Of(&'a SitePlace, Box<Ready<'a>>),
    Open(Box<LoneLinks<'a>>),
}

impl<'a> Lone<'a> {
    /// Appends the dates of links, which lie in a segment.
    fn dates(
        &mut self,
        segment: Option<&'a Segment>,
        links: &[LoneLink],
        dates: &mut Vec<(u32, u32)>,
    ) -> Result<(), Corrupt> {
        if let (Self::Of(site, ready), Some(segment)) = (&*self, segment) {
            let block = segment.site_at(&site.key, site.offset)?;
            *self = Self::Open(Box::new(LoneLinks::of(ready, &block)));
        }
        match self {
            Self::Open(open) => open.dates(links, dates),
            Self::Nothing | Self::Of(..) => Err(Corrupt("the dates of a group")),
        }
    }
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
            lone: Lone::Nothing,
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
        let dates = match column {
            ReadyColumn::FirstSeen => |(first, _): (u32, u32)| u64::from(first),
            ReadyColumn::LastVisited => |(_, last): (u32, u32)| u64::from(last),
            _ => {
                let read = column_values(&mut self.node, column, block, values);
                return read.map_err(|corrupt| wrong(self.segment, corrupt));
            }
        };
        let read = self.dates_in(block);
        let read = read.map_err(|corrupt| wrong(self.segment, corrupt))?;
        values.extend(read.into_iter().map(dates));
        Ok(())
    }

    /// Groups by their positions.
    ///
    /// # Errors
    /// Where the segment is damaged.
    pub fn groups(&mut self, positions: &[u32]) -> Result<Vec<ReadyGroup>, IndexError> {
        let read = self.groups_at(positions);
        read.map_err(|corrupt| wrong(self.segment, corrupt))
    }

    fn groups_at(&mut self, positions: &[u32]) -> Result<Vec<ReadyGroup>, Corrupt> {
        let dates = self.dates_of(positions.iter().copied())?;
        let node = &mut self.node;
        let mut groups = Vec::with_capacity(positions.len());
        for (position, dates) in positions.iter().zip(dates) {
            let at = *position as usize;
            let (repeats, siblings) = match at < node.dated() {
                true => (node.repeats.at(at)?, node.siblings.at(at)?),
                false => (0, 0),
            };
            let counts = [node.backlinks_of.at(at)?, repeats, siblings];
            groups.push(group_of(node.fold.at(at)?, counts, dates));
        }
        Ok(groups)
    }

    /// The first and the last date of each group in a block.
    fn dates_in(&mut self, block: usize) -> Result<Vec<(u32, u32)>, Corrupt> {
        let first = self.first_in(block) as u64 as u32;
        self.dates_of(first..first + self.block_len(block) as u64 as u32)
    }

    /// The first and the last date of groups by their positions.
    fn dates_of(
        &mut self,
        positions: impl Iterator<Item = u32> + Clone,
    ) -> Result<Vec<(u32, u32)>, Corrupt> {
        let (lone, segment) = (&mut self.lone, self.segment);
        self.node
            .dates(positions, |links, dates| lone.dates(segment, links, dates))
    }

    /// At least so many first groups by a column, and among equal ones by anchor, or all groups, or more.
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
    ) -> Result<Option<Arc<[ReadyGroup]>>, IndexError> {
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
        let places: Arc<[u32]> = match known {
            Known::First(first) => match &*first {
                First::Groups(groups) => return Ok(Some(Arc::clone(groups))),
                First::Places(places) => Arc::clone(places),
            },
            Known::New => match self.listed(column, is_ascending)? {
                Some(places) => places.into(),
                None => return Ok(None),
            },
            Known::Asked => {
                let places: Arc<[u32]> = match self.listed(column, is_ascending)? {
                    Some(places) => places.into(),
                    None => self.found(column, is_ascending)?.into(),
                };
                if !matches!(self.lone, Lone::Nothing) {
                    let groups: Arc<[ReadyGroup]> = self.groups(&places)?.into();
                    let first = First::Groups(Arc::clone(&groups));
                    self.kept.first.keep(order, &Arc::new(first));
                    return Ok(Some(groups));
                }
                let first = First::Places(Arc::clone(&places));
                self.kept.first.keep(order, &Arc::new(first));
                places
            }
        };
        let places = places.get(..wanted.min(places.len())).unwrap_or_default();
        self.groups(places).map(|groups| Some(groups.into()))
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
        let dates = self.dates_in(block);
        let dates = dates.map_err(|corrupt| wrong(self.segment, corrupt))?;
        let mut dates = dates.into_iter();
        self.for_each_counted(block, |mut group| {
            if let Some((first_seen, last_visited)) = dates.next() {
                group.row.first_seen = CaptureTime::from_unix(first_seen);
                group.row.last_visited = CaptureTime::from_unix(last_visited);
            }
            each(group);
        })
    }

    /// Calls `each` with the groups of a block, whose dates mean nothing: those of most are read from somewhere else.
    ///
    /// # Errors
    /// Where the segment is damaged.
    pub fn for_each_counted(
        &mut self,
        block: usize,
        mut each: impl FnMut(ReadyGroup),
    ) -> Result<(), IndexError> {
        let is_dated = self.first_in(block) < self.node.dated();
        let node = &mut self.node;
        let mut read = || -> Result<(), Corrupt> {
            let folds = node.fold.block(block)?.iter();
            let groups = folds.zip(node.backlinks_of.block(block)?);
            let (mut repeats, mut siblings): (&[u32], &[u32]) = (&[], &[]);
            if is_dated {
                (repeats, siblings) = (node.repeats.block(block)?, node.siblings.block(block)?);
            }
            // A single backlink is of one page and one domain.
            let none = || std::iter::repeat(&0);
            let less = repeats.iter().chain(none());
            let less = less.zip(siblings.iter().chain(none()));
            for ((fold, backlinks), (repeats, siblings)) in groups.zip(less) {
                each(group_of(*fold, [*backlinks, *repeats, *siblings], (0, 0)));
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

/// A group as the columns of its node have it: its fold, the backlinks, what they are more than the pages, and these
/// more than the domains; and its dates.
#[inline]
fn group_of(
    fold: u32,
    [backlinks, repeats, siblings]: [u32; 3],
    (first_seen, last_visited): (u32, u32),
) -> ReadyGroup {
    let refpages = backlinks.saturating_sub(repeats);
    ReadyGroup {
        row: Row {
            anchor: fold,
            refdomain: u32::MAX,
            backlinks: backlinks.into(),
            refpages: refpages.into(),
            first_seen: CaptureTime::from_unix(first_seen),
            last_visited: CaptureTime::from_unix(last_visited),
        },
        refdomains: refpages.saturating_sub(siblings).into(),
    }
}

fn bounds(node: &mut Node<'_>, column: ReadyColumn, block: usize) -> Result<(u64, u64), Corrupt> {
    let (start, end) = (block * BLOCK, node.fold.len().min((block + 1) * BLOCK));
    let dated = node.dated();
    let wide = |(min, max): (u32, u32)| (u64::from(min), u64::from(max));
    // Of groups with a single backlink it is 0.
    let of_several = |column: &mut Column<'_>| -> Result<(u64, u64), Corrupt> {
        if dated <= start {
            return Ok((0, 0));
        }
        let (min, max) = wide(column.bounds(block)?);
        Ok((if dated < end { 0 } else { min }, max))
    };
    let less = |(min, max): (u64, u64), (less_min, less_max): (u64, u64)| {
        (min.saturating_sub(less_max), max.saturating_sub(less_min))
    };
    Ok(match column {
        ReadyColumn::Anchor => wide(node.fold.bounds(block)?),
        ReadyColumn::Backlinks => wide(node.backlinks_of.bounds(block)?),
        ReadyColumn::Refpages => less(
            wide(node.backlinks_of.bounds(block)?),
            of_several(&mut node.repeats)?,
        ),
        ReadyColumn::Refdomains => less(
            bounds(node, ReadyColumn::Refpages, block)?,
            of_several(&mut node.siblings)?,
        ),
        // Dates of links are not known before they are read.
        ReadyColumn::FirstSeen | ReadyColumn::LastVisited if dated < end => (0, u32::MAX.into()),
        ReadyColumn::FirstSeen => wide(node.first_seen.bounds(block)?),
        ReadyColumn::LastVisited => {
            let (min, max) = wide(node.first_seen.bounds(block)?);
            let (span_min, span_max) = wide(node.span.bounds(block)?);
            (min + span_min, max + span_max)
        }
    })
}

/// The values of a column that are no dates.
fn column_values(
    node: &mut Node<'_>,
    column: ReadyColumn,
    block: usize,
    values: &mut Vec<u64>,
) -> Result<(), Corrupt> {
    let is_dated = block * BLOCK < node.dated();
    let first = match column {
        ReadyColumn::Anchor => &mut node.fold,
        _ => &mut node.backlinks_of,
    };
    values.extend(first.block(block)?.iter().map(|value| u64::from(*value)));
    // Where there is nothing to take off, it is 0.
    let mut take_off = |less: &mut Column<'_>| -> Result<(), Corrupt> {
        if is_dated {
            for (value, less) in values.iter_mut().zip(less.block(block)?) {
                *value = value.saturating_sub(u64::from(*less));
            }
        }
        Ok(())
    };
    if matches!(column, ReadyColumn::Refpages | ReadyColumn::Refdomains) {
        take_off(&mut node.repeats)?;
    }
    if column == ReadyColumn::Refdomains {
        take_off(&mut node.siblings)?;
    }
    Ok(())
}
