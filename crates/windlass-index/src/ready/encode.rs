//! The groups of a node, encoded as they come.

use std::io::Write;
use std::sync::Arc;

use super::groups::Group;
use super::heads::HeadsBuilder;
use crate::bytes::{Corrupt, write_varint};
use crate::column::ColumnBuilder;
use crate::segment::WriteError;
use crate::spool::Scratch;

/// Encodes groups, which come in the order of the node: by backlinks, most first, then by anchor.
pub(super) struct NodeEncoder {
    /// Anchors and backlinks.
    columns: [ColumnBuilder; 2],
    /// What else there is to say of groups with several backlinks, or of all.
    dated: [ColumnBuilder; 4],
    dated_groups: usize,
    /// Which links the others are. Nothing where the dates of all are wanted.
    lone: Option<ColumnBuilder>,
    heads: Option<HeadsBuilder>,
    groups: usize,
    backlinks: u64,
}

impl NodeEncoder {
    /// In memory, of links that have no ready-made order, with heads or without.
    pub(super) fn in_memory(has_heads: bool) -> Self {
        Self {
            lone: None,
            ..Self::with(ColumnBuilder::default, has_heads)
        }
    }

    /// Of a node that may be larger than memory, and of which it is not known how many groups it has.
    pub(super) fn new(scratch: &Arc<Scratch>) -> Self {
        Self::with(|| ColumnBuilder::new(scratch), true)
    }

    fn with(column: impl Fn() -> ColumnBuilder, has_heads: bool) -> Self {
        Self {
            columns: std::array::from_fn(|_| column()),
            dated: std::array::from_fn(|_| column()),
            dated_groups: 0,
            lone: Some(column()),
            heads: has_heads.then(HeadsBuilder::new),
            groups: 0,
            backlinks: 0,
        }
    }

    #[inline]
    pub(super) fn push(&mut self, group: &Group) {
        let values = [group.anchor, group.backlinks];
        for (column, value) in self.columns.iter_mut().zip(values) {
            column.push(value);
        }
        match &mut self.lone {
            Some(lone) if group.backlinks == 1 => lone.push(group.link),
            _ => {
                let values = [
                    group.backlinks - group.refpages,
                    group.refpages - group.refdomains,
                    group.first_seen,
                    group.last_visited - group.first_seen,
                ];
                for (column, value) in self.dated.iter_mut().zip(values) {
                    column.push(value);
                }
                self.dated_groups += 1;
            }
        }
        if let Some(heads) = &mut self.heads {
            heads.push(group.first_seen, group.last_visited, group.anchor);
        }
        self.groups += 1;
        self.backlinks += u64::from(group.backlinks);
    }

    /// Writes the node, with heads where there are at least `heads_min` groups. Returns the number of groups, and
    /// of the backlinks of all.
    pub(super) fn finish(
        mut self,
        heads_min: usize,
        out: &mut impl Write,
    ) -> Result<(usize, u64), WriteError> {
        if u32::try_from(self.backlinks).is_err() {
            return Err(Corrupt("more than 2^32 links to one site").into());
        }
        write_varint(out, self.dated_groups as u64)?;
        let columns = self.columns.iter_mut().chain(&mut self.dated);
        for column in columns.chain(&mut self.lone) {
            column.close()?;
            column.write_to(out)?;
        }
        let heads = self.heads.filter(|_| self.groups >= heads_min);
        let mut bytes = Vec::new();
        heads.unwrap_or_else(HeadsBuilder::new).finish(&mut bytes)?;
        out.write_all(&bytes)?;
        Ok((self.groups, self.backlinks))
    }
}
