//! The groups of all nodes of a site, which come by anchor, and are wanted node by node, those with most backlinks
//! first.
//!
//! They are sorted in runs, as many as may be in memory; the runs lie in a spool, and are merged when all are there.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use super::groups::Group;
use crate::bytes::{Bytes, Corrupt, put_signed, put_varint};
use crate::spool::{Scratch, Spool};

/// Bytes of a group in a run, at most: eight numbers. Most have a dozen.
const RECORD_MAX: usize = 8 * 10;
/// Of each run so many bytes are read at once, at most and at least.
const READ_MAX: usize = 1 << 15;
const READ_MIN: usize = 1 << 9;

/// A group of a node.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct NodeGroup {
    pub(super) node: u32,
    pub(super) group: Group,
}

impl NodeGroup {
    /// Appends the group that comes behind this one in a run:
    /// `varint nodes on | signed anchor less that before | varint backlinks | varint backlinks − refpages
    /// | varint refpages − refdomains | signed first seen less that before | varint last visited − first seen
    /// | varint link (where there is one backlink)`.
    fn put_next(&self, next: &Self, out: &mut Vec<u8>) {
        let (before, group) = (&self.group, &next.group);
        let step = |from: u32, to: u32| i64::from(to) - i64::from(from);
        let less = |from: u32, to: u32| u64::from(from.wrapping_sub(to));
        put_varint(out, less(next.node, self.node));
        put_signed(out, step(before.anchor, group.anchor));
        put_varint(out, group.backlinks.into());
        put_varint(out, less(group.backlinks, group.refpages));
        put_varint(out, less(group.refpages, group.refdomains));
        put_signed(out, step(before.first_seen, group.first_seen));
        put_varint(out, less(group.last_visited, group.first_seen));
        if group.backlinks == 1 {
            put_varint(out, group.link.into());
        }
    }

    /// Takes the next one off.
    fn take_next(&self, bytes: &mut Bytes<'_>) -> Result<Self, Corrupt> {
        let before = &self.group;
        let after = |from: u32, step: i64| (i64::from(from) + step) as u32;
        let node = self.node.wrapping_add(bytes.varint_u32()?);
        let anchor = after(before.anchor, bytes.signed()?);
        let backlinks = bytes.varint_u32()?;
        let refpages = backlinks.wrapping_sub(bytes.varint_u32()?);
        let refdomains = refpages.wrapping_sub(bytes.varint_u32()?);
        let first_seen = after(before.first_seen, bytes.signed()?);
        let last_visited = first_seen.wrapping_add(bytes.varint_u32()?);
        let link = match backlinks {
            1 => bytes.varint_u32()?,
            _ => 0,
        };
        let group = Group {
            anchor,
            backlinks,
            refpages,
            refdomains,
            first_seen,
            last_visited,
            link,
        };
        Ok(Self { node, group })
    }

    /// What they are ordered by.
    fn order(&self) -> (u32, Reverse<u32>, u32) {
        (self.node, Reverse(self.group.backlinks), self.group.anchor)
    }
}

/// Runs of groups.
#[derive(Debug)]
pub(super) struct Runs {
    spool: Spool,
    /// Where each begins and ends.
    runs: Vec<Range<u64>>,
}

impl Runs {
    pub(super) fn new(scratch: &Arc<Scratch>) -> Self {
        Self {
            spool: Spool::new(scratch),
            runs: Vec::new(),
        }
    }

    /// Adds groups, which [`sort`] has sorted.
    pub(super) fn add(&mut self, groups: &[NodeGroup]) {
        let start = self.spool.len();
        let (mut last, mut buffer) = (NodeGroup::default(), Vec::new());
        for group in groups {
            buffer.clear();
            last.put_next(group, &mut buffer);
            self.spool.put(&buffer);
            last = *group;
        }
        if !groups.is_empty() {
            self.runs.push(start..self.spool.len());
        }
    }

    /// Calls `each` with all groups, node by node, ordered by backlinks, most first, then by anchor. What is read
    /// ahead takes about so many bytes. `read_error` says where reading failed.
    pub(super) fn merge<E>(
        mut self,
        memory_max: usize,
        read_error: impl Fn(io::Error) -> E,
        mut each: impl FnMut(NodeGroup) -> Result<(), E>,
    ) -> Result<(), E> {
        let read = (memory_max / self.runs.len().max(1)).clamp(READ_MIN, READ_MAX);
        let mut cursors = Vec::with_capacity(self.runs.len());
        let mut heads = BinaryHeap::with_capacity(self.runs.len());
        for (run, bytes) in self.runs.into_iter().enumerate() {
            let mut cursor = Cursor::new(bytes, read);
            if let Some(first) = cursor.next(&mut self.spool).map_err(&read_error)? {
                heads.push(Reverse((first.order(), run)));
            }
            cursors.push(cursor);
        }
        while let Some(mut head) = heads.peek_mut() {
            let Reverse((_, run)) = *head;
            let Some(cursor) = cursors.get_mut(run) else {
                break;
            };
            each(cursor.last)?;
            match cursor.next(&mut self.spool).map_err(&read_error)? {
                Some(next) => *head = Reverse((next.order(), run)),
                None => drop(std::collections::binary_heap::PeekMut::pop(head)),
            }
        }
        Ok(())
    }
}

/// Puts groups, of which those of one node come by anchor, in the order of a run.
pub(super) fn sort(groups: &mut [NodeGroup]) {
    groups.sort_by_key(|group| (group.node, Reverse(group.group.backlinks)));
}

/// Reads a run.
struct Cursor {
    left: Range<u64>,
    /// How many bytes are read at once.
    read: usize,
    buffer: Vec<u8>,
    at: usize,
    last: NodeGroup,
}

impl Cursor {
    fn new(left: Range<u64>, read: usize) -> Self {
        Self {
            left,
            read,
            buffer: Vec::new(),
            at: 0,
            last: NodeGroup::default(),
        }
    }

    /// The next group, which is the last one then.
    fn next(&mut self, spool: &mut Spool) -> io::Result<Option<NodeGroup>> {
        if self.buffer.len() - self.at < RECORD_MAX && !self.left.is_empty() {
            self.buffer.drain(..self.at);
            self.at = 0;
            let n = (self.left.end - self.left.start).min(self.read as u64);
            let kept = self.buffer.len();
            self.buffer.resize(kept + n as usize, 0);
            let new = self.buffer.get_mut(kept..).unwrap_or_default();
            spool.read_at(self.left.start, new)?;
            self.left.start += n;
        }
        let rest = self.buffer.get(self.at..).unwrap_or_default();
        if rest.is_empty() {
            return Ok(None);
        }
        let mut bytes = Bytes::new(rest);
        let next = self.last.take_next(&mut bytes);
        self.last = next.map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
        self.at = self.buffer.len() - bytes.rest().len();
        Ok(Some(self.last))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn groups_come_node_by_node_whatever_the_runs(
            groups in prop::collection::vec((0u32..4, 1u32..5), 0..200),
            cuts in prop::collection::vec(0usize..200, 0..5),
            (keep_max, memory_max) in (0usize..8000, 0usize..9000),
        ) {
            let groups: Vec<NodeGroup> = (0u32..).zip(groups).map(|(anchor, (node, backlinks))| {
                let (refpages, refdomains) = (backlinks.div_ceil(2), backlinks.div_ceil(3));
                let first_seen = anchor.wrapping_mul(0x9e37_79b9) / 2;
                let last_visited = first_seen + anchor;
                let link = if backlinks == 1 { anchor / 3 } else { 0 };
                let group = Group { anchor, backlinks, refpages, refdomains, first_seen, last_visited, link };
                NodeGroup { node, group }
            }).collect();
            let directory = tempfile::tempdir().unwrap();
            let scratch = Scratch::new(directory.path().to_owned(), keep_max);
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(groups.len())).collect();
            cuts.extend([0, groups.len()]);
            cuts.sort_unstable();
            let mut runs = Runs::new(&scratch);
            for cut in cuts.windows(2) {
                let mut run = groups[cut[0]..cut[1]].to_vec();
                sort(&mut run);
                runs.add(&run);
            }
            let mut found = Vec::new();
            runs.merge(memory_max, |error| error, |group| {
                found.push(group);
                Ok::<(), io::Error>(())
            }).unwrap();
            let mut expected = groups;
            expected.sort_by_key(NodeGroup::order);
            prop_assert_eq!(found, expected);
        }
    }
}
