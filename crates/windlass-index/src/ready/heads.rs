//! The first groups of a node in each order of dates.
//!
//! Groups are ordered by backlinks. Dates are spread over all of them, so that those with the latest, say,
//! cannot be found without looking at most. Of nodes with many groups the first ones in these orders are
//! therefore listed, by their places.

use crate::bytes::{Bytes, Corrupt, put_varint};
use crate::column::{Column, write_column};

/// How many groups are listed for each order; and kept of an order that is asked for again, so that both
/// answer the same pages.
pub(crate) const HEAD: usize = 1 << 10;

/// An order of groups; groups that it makes equal are ordered by anchor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DateOrder {
    /// Earliest `first_seen` first.
    FirstSeen,
    /// Latest `first_seen` first.
    FirstSeenDescending,
    /// Earliest `last_visited` first.
    LastVisited,
    /// Latest `last_visited` first.
    LastVisitedDescending,
}

impl DateOrder {
    pub(crate) const ALL: [Self; 4] = [
        Self::FirstSeen,
        Self::FirstSeenDescending,
        Self::LastVisited,
        Self::LastVisitedDescending,
    ];

    /// What groups are ordered by: their dates, their anchor's number.
    pub(crate) fn key(self, first_seen: u32, last_visited: u32, anchor: u32) -> (u32, u32) {
        let date = match self {
            Self::FirstSeen => first_seen,
            Self::FirstSeenDescending => u32::MAX - first_seen,
            Self::LastVisited => last_visited,
            Self::LastVisitedDescending => u32::MAX - last_visited,
        };
        (date, anchor)
    }
}

/// Finds the heads of groups that come in the order of the node.
///
/// ```text
/// heads := varint h | (places of groups (column of h)) × 4 where h > 0
/// ```
pub(super) struct HeadsBuilder {
    /// For each order its first groups: what each is ordered by, and its place.
    orders: [FirstOf; DateOrder::ALL.len()],
    n: u32,
}

/// The first groups of an order, and others.
#[derive(Default)]
struct FirstOf {
    groups: Vec<((u32, u32), u32)>,
    /// From here on groups are not among the first.
    end: Option<(u32, u32)>,
}

/// So many groups of each order are held before those that are not among the first go.
const HELD: usize = 4 * HEAD;

impl HeadsBuilder {
    pub(super) fn new() -> Self {
        Self {
            orders: Default::default(),
            n: 0,
        }
    }

    /// The next group, by its dates and its anchor's number.
    pub(super) fn push(&mut self, first_seen: u32, last_visited: u32, anchor: u32) {
        for (order, first) in DateOrder::ALL.into_iter().zip(&mut self.orders) {
            let key = order.key(first_seen, last_visited, anchor);
            if first.end.is_some_and(|end| key >= end) {
                continue;
            }
            first.groups.push((key, self.n));
            if first.groups.len() >= HELD {
                let (_, (end, _), _) = first.groups.select_nth_unstable(HEAD - 1);
                first.end = Some(*end);
                first.groups.truncate(HEAD);
            }
        }
        self.n += 1;
    }

    /// Writes the heads; none, where no group came.
    pub(super) fn finish(self, out: &mut Vec<u8>) -> Result<(), Corrupt> {
        let head = HEAD.min(self.n as usize);
        put_varint(out, head as u64);
        for FirstOf {
            groups: mut first, ..
        } in self.orders
        {
            first.sort_unstable();
            first.truncate(head);
            if head > 0 {
                write_column(first.into_iter().map(|(_, place)| place), out)?;
            }
        }
        Ok(())
    }
}

/// The heads of a node; empty where it has none.
#[derive(Debug, Clone)]
pub(crate) struct Heads<'a>(Vec<Column<'a>>);

impl<'a> Heads<'a> {
    pub(super) fn read(bytes: &mut Bytes<'a>, groups: usize) -> Result<Self, Corrupt> {
        let head = bytes.varint_usize()?;
        if head > groups.min(HEAD) {
            return Err(Corrupt("the first groups by date"));
        }
        let mut columns = Vec::new();
        if head > 0 {
            for _ in DateOrder::ALL {
                columns.push(Column::read(bytes, head)?);
            }
        }
        Ok(Self(columns))
    }

    /// The places of the first groups in an order: all of them, or [`HEAD`]; nothing where none are
    /// listed.
    pub(crate) fn of(&self, order: DateOrder) -> Result<Vec<u32>, Corrupt> {
        match self.0.get(order as usize) {
            Some(column) => column.clone().into_vec(),
            None => Ok(Vec::new()),
        }
    }
}
