//! Finished groups (R17), made of rows and encoded as a node.

use super::Node;
use super::heads::{self, Heads};
use crate::bytes::{Bytes, Corrupt};
use crate::column::{Column, ColumnBuilder};
use crate::error::IndexError;
use crate::rows::{Row, RowVisitor, Texts};

/// Groups rows as they come.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    /// Each row is a group; with it the number of its rows.
    groups: Vec<(Row, u64)>,
    backlinks: u64,
}

impl RowVisitor for Groups {
    fn row(&mut self, row: &Row, _: &mut Texts<'_>) -> Result<bool, IndexError> {
        self.backlinks += row.backlinks;
        match self.groups.last_mut() {
            Some((group, refdomains)) if group.anchor == row.anchor => {
                group.backlinks += row.backlinks;
                group.refpages += row.refpages;
                group.first_seen = group.first_seen.min(row.first_seen);
                group.last_visited = group.last_visited.max(row.last_visited);
                *refdomains += 1;
            }
            _ => self.groups.push((*row, 1)),
        }
        Ok(true)
    }
}

/// A node's totals and bytes.
#[derive(Debug)]
pub(crate) struct EncodedNode {
    pub(super) backlinks: u64,
    pub(super) refpages: u64,
    pub(super) groups: usize,
    pub(super) bytes: Vec<u8>,
}

impl EncodedNode {
    /// From the groups of all parts of a range, and the number of distinct pages behind them; with heads
    /// where there are at least `heads_min` groups.
    pub(crate) fn of(parts: Vec<Groups>, refpages: u64, heads_min: usize) -> Result<Self, Corrupt> {
        let backlinks = parts.iter().map(|part| part.backlinks).sum();
        let mut groups: Vec<(Row, u64)> = parts.into_iter().flat_map(|part| part.groups).collect();
        groups
            .sort_unstable_by_key(|(group, _)| (std::cmp::Reverse(group.backlinks), group.anchor));
        let mut bytes = Vec::new();
        let mut column = |value: &dyn Fn(&Row, u64) -> u64| -> Result<(), Corrupt> {
            let mut column = ColumnBuilder::default();
            for (group, refdomains) in &groups {
                let value = u32::try_from(value(group, *refdomains));
                column.push(value.map_err(|_| Corrupt("more than 2^32 links to one site"))?);
            }
            column.finish(&mut bytes)
        };
        column(&|group, _| group.anchor.into())?;
        column(&|group, _| group.backlinks)?;
        column(&|group, _| group.backlinks - group.refpages)?;
        column(&|group, refdomains| group.refpages - refdomains)?;
        column(&|group, _| group.first_seen.unix().into())?;
        column(&|group, _| (group.last_visited.unix() - group.first_seen.unix()).into())?;
        let dated: Vec<(u32, u32, u32)> = if groups.len() >= heads_min {
            let dates = |(group, _): &(Row, u64)| {
                let (first, last) = (group.first_seen.unix(), group.last_visited.unix());
                (first, last, group.anchor)
            };
            groups.iter().map(dates).collect()
        } else {
            Vec::new()
        };
        heads::encode(&dated, &mut bytes)?;
        Ok(Self {
            backlinks,
            refpages,
            groups: groups.len(),
            bytes,
        })
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
    /// Reads the columns of so many groups.
    pub(super) fn read(
        bytes: &mut Bytes<'a>,
        groups: usize,
        backlinks: u64,
        refpages: u64,
    ) -> Result<Self, Corrupt> {
        Ok(Self {
            backlinks,
            refpages,
            fold: Column::read(bytes, groups)?,
            backlinks_of: Column::read(bytes, groups)?,
            repeats: Column::read(bytes, groups)?,
            siblings: Column::read(bytes, groups)?,
            first_seen: Column::read(bytes, groups)?,
            span: Column::read(bytes, groups)?,
            heads: Heads::read(bytes, groups)?,
        })
    }
}
