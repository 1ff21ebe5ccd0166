//! Finished groups (R17), made of rows and encoded as a node in memory.

use std::cmp::Reverse;

use super::Node;
use super::encode::NodeEncoder;
use super::heads::Heads;
use super::lone::LoneLink;
use crate::bytes::{Bytes, Corrupt};
use crate::column::Column;
use crate::error::IndexError;
use crate::rows::{Row, RowVisitor, Texts};
use crate::segment::WriteError;

/// Groups with at most so many backlinks, which nearly all have, are put aside by their number.
const FEW: u32 = 32;
/// A group that is put aside.
type Record = [u32; 5];

/// Groups rows, which come in the order of their anchors.
///
/// The order of a node is by backlinks, then by anchor: of those that have the same few backlinks, it is the
/// order in which they come. The others are few enough to be sorted in memory.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    open: Option<Group>,
    /// Those with 1, 2, … backlinks.
    few: Vec<Vec<Record>>,
    many: Vec<Group>,
    /// How many there are, and the backlinks of all.
    groups: usize,
    backlinks: u64,
}

/// An anchor's links to a node.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Group {
    /// Number of the folded anchor.
    pub(super) anchor: u32,
    pub(super) backlinks: u32,
    pub(super) refpages: u32,
    pub(super) refdomains: u32,
    pub(super) first_seen: u32,
    pub(super) last_visited: u32,
    /// Of one that has a single backlink, and is for a segment: which of all live links to the site with its anchor, in
    /// the ready-made order, that is, or the first one of its page with the same dates.
    pub(super) link: u32,
}

impl Group {
    /// What is put aside of one with few backlinks, whose number is known.
    fn record(&self) -> Record {
        [
            self.anchor,
            self.refpages,
            self.refdomains,
            self.first_seen,
            self.last_visited,
        ]
    }

    fn of_record(backlinks: u32, record: Record) -> Self {
        let [anchor, refpages, refdomains, first_seen, last_visited] = record;
        Self {
            anchor,
            backlinks,
            refpages,
            refdomains,
            first_seen,
            last_visited,
            link: 0,
        }
    }
}

impl Groups {
    /// No more comes to the open group.
    fn close(&mut self) {
        let Some(group) = self.open.take() else {
            return;
        };
        self.groups += 1;
        if group.backlinks > FEW {
            self.many.push(group);
            return;
        }
        if self.few.is_empty() {
            self.few.resize_with(FEW as usize, Vec::new);
        }
        let at = group.backlinks.saturating_sub(1);
        if let Some(few) = self.few.get_mut(at as usize) {
            few.push(group.record());
        }
    }

    /// Encodes the node, with heads where there are at least `heads_min` groups. Returns the number of
    /// groups, and of the backlinks of all.
    fn encode(mut self, heads_min: usize, out: &mut Vec<u8>) -> Result<(usize, u64), WriteError> {
        self.close();
        // No group then has more than fit into its numbers.
        if u32::try_from(self.backlinks).is_err() {
            return Err(Corrupt("more than 2^32 links to one site").into());
        }
        let mut node = NodeEncoder::in_memory(self.groups >= heads_min);
        self.many
            .sort_unstable_by_key(|group| (Reverse(group.backlinks), group.anchor));
        for group in std::mem::take(&mut self.many) {
            node.push(&group);
        }
        for (backlinks, few) in (1..=FEW).rev().zip(self.few.into_iter().rev()) {
            for record in few {
                node.push(&Group::of_record(backlinks, record));
            }
        }
        node.finish(heads_min, out)
    }

    /// Takes the next row, in order of anchors.
    pub(crate) fn add(&mut self, row: &Row) {
        // What does not fit is an error in the end: see `encode`.
        let number = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
        let (backlinks, refpages) = (number(row.backlinks), number(row.refpages));
        let (first_seen, last_visited) = (row.first_seen.unix(), row.last_visited.unix());
        self.backlinks += row.backlinks;
        match &mut self.open {
            Some(group) if group.anchor == row.anchor => {
                group.backlinks = group.backlinks.saturating_add(backlinks);
                group.refpages = group.refpages.saturating_add(refpages);
                group.refdomains += 1;
                group.first_seen = group.first_seen.min(first_seen);
                group.last_visited = group.last_visited.max(last_visited);
            }
            _ => {
                self.close();
                self.open = Some(Group {
                    anchor: row.anchor,
                    backlinks,
                    refpages,
                    refdomains: 1,
                    first_seen,
                    last_visited,
                    link: 0,
                });
            }
        }
    }

    /// Takes the groups of rows whose anchors come behind.
    pub(crate) fn append(&mut self, mut more: Self) {
        self.close();
        more.close();
        self.groups += more.groups;
        self.backlinks += more.backlinks;
        self.many.append(&mut more.many);
        if self.few.is_empty() {
            self.few = more.few;
        } else {
            for (few, more) in self.few.iter_mut().zip(&mut more.few) {
                few.append(more);
            }
        }
    }
}

impl RowVisitor for Groups {
    fn row(&mut self, row: &Row, _: &mut Texts<'_>) -> Result<bool, IndexError> {
        self.add(row);
        Ok(true)
    }
}

/// A node in memory.
#[derive(Debug)]
pub(crate) struct EncodedNode {
    backlinks: u64,
    refpages: u64,
    groups: usize,
    bytes: Vec<u8>,
}

impl EncodedNode {
    /// From the groups of a range, and the number of distinct pages behind them; with heads where there are
    /// at least `heads_min` groups.
    pub(crate) fn of(groups: Groups, refpages: u64, heads_min: usize) -> Result<Self, Corrupt> {
        let mut bytes = Vec::new();
        let encoded = groups.encode(heads_min, &mut bytes);
        let (groups, backlinks) = encoded.map_err(|error| match error {
            WriteError::TooLarge(what) => Corrupt(what),
            WriteError::Io(_) => Corrupt("groups that were put aside"),
        })?;
        Ok(Self {
            backlinks,
            refpages,
            groups,
            bytes,
        })
    }

    /// How many groups it has.
    pub(crate) const fn groups(&self) -> usize {
        self.groups
    }

    /// Bytes of memory.
    pub(crate) fn memory(&self) -> usize {
        self.bytes.capacity()
    }

    /// The node, for reading.
    pub(crate) fn node(&self) -> Result<Node<'_>, Corrupt> {
        let mut bytes = Bytes::new(&self.bytes);
        Node::read(&mut bytes, self.groups, self.backlinks, self.refpages)
    }
}

impl<'a> Node<'a> {
    /// How many groups, the first ones, have their dates here.
    pub(crate) fn dated(&self) -> usize {
        self.first_seen.len()
    }

    /// The first and the last date of groups by their places; `lone` appends those of links.
    pub(crate) fn dates(
        &mut self,
        places: impl Iterator<Item = u32> + Clone,
        lone: impl FnOnce(&[LoneLink], &mut Vec<(u32, u32)>) -> Result<(), Corrupt>,
    ) -> Result<Vec<(u32, u32)>, Corrupt> {
        let mut links = Vec::new();
        for place in places.clone() {
            if let Some(at) = (place as usize).checked_sub(self.dated()) {
                links.push((self.fold.at(place as usize)?, self.lone.at(at)?));
            }
        }
        let mut of_links = Vec::with_capacity(links.len());
        if !links.is_empty() {
            lone(&links, &mut of_links)?;
        }
        let mut of_links = of_links.into_iter();
        let dates = places.map(|place| {
            let at = place as usize;
            if at < self.dated() {
                let first_seen = self.first_seen.at(at)?;
                return Ok((first_seen, first_seen.saturating_add(self.span.at(at)?)));
            }
            of_links.next().ok_or(Corrupt("the dates of a group"))
        });
        dates.collect()
    }

    /// Reads the columns of so many groups.
    pub(super) fn read(
        bytes: &mut Bytes<'a>,
        groups: usize,
        backlinks: u64,
        refpages: u64,
    ) -> Result<Self, Corrupt> {
        let dated = bytes.varint_usize()?;
        let lone = groups.checked_sub(dated);
        let lone = lone.ok_or(Corrupt("the groups with several backlinks"))?;
        Ok(Self {
            backlinks,
            refpages,
            fold: Column::read(bytes, groups)?,
            backlinks_of: Column::read(bytes, groups)?,
            repeats: Column::read(bytes, dated)?,
            siblings: Column::read(bytes, dated)?,
            first_seen: Column::read(bytes, dated)?,
            span: Column::read(bytes, dated)?,
            lone: Column::read(bytes, lone)?,
            heads: Heads::read(bytes, groups)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use windlass_links::CaptureTime;

    use super::*;

    proptest! {
        #[test]
        fn groups_made_in_parts_are_those_made_at_once(
            rows in prop::collection::vec((0u32..3, 1u32..50, 0u32..9, 0u32..3), 0..80),
            parts in 1usize..5,
        ) {
            let (mut whole, mut some) = (Groups::default(), Vec::new());
            some.resize_with(parts, Groups::default);
            let mut anchor = 0;
            let rows: Vec<Row> = rows.into_iter().map(|(more, backlinks, seen, span)| {
                anchor += more;
                Row {
                    anchor,
                    refdomain: 0,
                    backlinks: backlinks.into(),
                    refpages: u64::from(backlinks.div_ceil(2)),
                    first_seen: CaptureTime::from_unix(seen),
                    last_visited: CaptureTime::from_unix(seen + span),
                }
            }).collect();
            for row in &rows {
                whole.add(row);
                some[(row.anchor * parts as u32 / (anchor + 1)) as usize].add(row);
            }
            let mut together = Groups::default();
            for part in some {
                together.append(part);
            }
            let encoded = |groups| {
                let node = EncodedNode::of(groups, 7, usize::MAX).unwrap();
                (node.backlinks, node.groups, node.bytes)
            };
            prop_assert_eq!(encoded(together), encoded(whole));
        }
    }
}
