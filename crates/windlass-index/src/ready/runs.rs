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
use crate::spool::{Scratch, Spool};

/// Bytes of a group in a run.
const RECORD: usize = 28;
/// Of each run so many groups are read at once, at most and at least.
const READ_MAX: usize = 1 << 10;
const READ_MIN: usize = 1 << 4;

/// A group of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NodeGroup {
    pub(super) node: u32,
    pub(super) group: Group,
}

impl NodeGroup {
    fn record(&self) -> [u8; RECORD] {
        let mut record = [0; RECORD];
        let Group {
            anchor,
            backlinks,
            refpages,
            refdomains,
            first_seen,
            last_visited,
        } = self.group;
        let values = [
            self.node,
            anchor,
            backlinks,
            refpages,
            refdomains,
            first_seen,
            last_visited,
        ];
        for (bytes, value) in record.chunks_exact_mut(4).zip(values) {
            bytes.copy_from_slice(&value.to_le_bytes());
        }
        record
    }

    fn of_record(record: &[u8; RECORD]) -> Self {
        let (values, _) = record.as_chunks::<4>();
        let mut values = values.iter().map(|bytes| u32::from_le_bytes(*bytes));
        let mut next = || values.next().unwrap_or_default();
        Self {
            node: next(),
            group: Group {
                anchor: next(),
                backlinks: next(),
                refpages: next(),
                refdomains: next(),
                first_seen: next(),
                last_visited: next(),
            },
        }
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
        for group in groups {
            self.spool.put(&group.record());
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
        let read = (memory_max / RECORD / self.runs.len().max(1)).clamp(READ_MIN, READ_MAX);
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
            if let Some(group) = cursor.last {
                each(group)?;
            }
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
    /// How many groups are read at once.
    read: usize,
    buffer: Vec<u8>,
    at: usize,
    last: Option<NodeGroup>,
}

impl Cursor {
    fn new(left: Range<u64>, read: usize) -> Self {
        Self {
            left,
            read,
            buffer: Vec::new(),
            at: 0,
            last: None,
        }
    }

    /// The next group, which is the last one then.
    fn next(&mut self, spool: &mut Spool) -> io::Result<Option<NodeGroup>> {
        if self.at == self.buffer.len() {
            let n = (self.left.end - self.left.start).min((self.read * RECORD) as u64);
            self.buffer.resize(n as usize, 0);
            spool.read_at(self.left.start, &mut self.buffer)?;
            self.left.start += n;
            self.at = 0;
        }
        let record = self.buffer.get(self.at..).and_then(<[u8]>::first_chunk);
        self.last = record.map(NodeGroup::of_record);
        self.at = (self.at + RECORD).min(self.buffer.len());
        Ok(self.last)
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
                let numbers = (anchor + 1, anchor + 2, anchor + 3, anchor + 4);
                let (refpages, refdomains, first_seen, last_visited) = numbers;
                let group = Group { anchor, backlinks, refpages, refdomains, first_seen, last_visited };
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
