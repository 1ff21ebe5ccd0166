//! The first groups of a node in each order of dates.
//!
//! Groups are ordered by backlinks. Dates are spread over all of them, so that those with the latest, say,
//! cannot be found without looking at most. Of nodes with many groups the first ones in these orders are
//! therefore listed, by their places.

use crate::bytes::{Bytes, Corrupt, put_varint};
use crate::column::{Column, write_column};

/// How many groups are listed for each order.
const HEAD: usize = 1 << 10;

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

/// Writes the heads of groups, each by its dates and its anchor's number.
///
/// ```text
/// heads := varint h | (places of groups (column of h)) × 4 where h > 0
/// ```
pub(super) fn encode(groups: &[(u32, u32, u32)], out: &mut Vec<u8>) -> Result<(), Corrupt> {
    let head = groups.len().min(HEAD);
    put_varint(out, head as u64);
    for order in DateOrder::ALL {
        let key = |place: &u32| {
            let group = groups.get(*place as usize).copied();
            let (first_seen, last_visited, anchor) = group.unwrap_or_default();
            order.key(first_seen, last_visited, anchor)
        };
        let mut places: Vec<u32> = (0..groups.len() as u64 as u32).collect();
        if let Some(last) = head.checked_sub(1) {
            places.select_nth_unstable_by_key(last, key);
        }
        places.truncate(head);
        places.sort_unstable_by_key(key);
        if head > 0 {
            write_column(places, out)?;
        }
    }
    Ok(())
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
