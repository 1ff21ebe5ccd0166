//! Finished groups (R17) of a range of links that are made in memory, for questions that are asked again.

use crate::cache::Memory;
use crate::error::IndexError;
use crate::first_groups::FirstGroups;
use crate::query::ReadyGroups;
use crate::ready::{EncodedNode, Groups, HEAD};

/// Orders of which the first groups may be kept: six columns, two directions.
const ORDERS: usize = 12;

/// The groups of all links of a range, as a segment has them of its largest ranges.
#[derive(Debug)]
pub(crate) struct FinishedGroups {
    node: EncodedNode,
    first: FirstGroups,
}

impl FinishedGroups {
    /// Of all groups, and the number of distinct pages behind them.
    pub(crate) fn of(groups: Groups, refpages: u64) -> Result<Self, IndexError> {
        // Looking at all of them for the first by a date is fast.
        let node = EncodedNode::of(groups, refpages, usize::MAX)
            .map_err(|what| IndexError::TooLarge(what.0))?;
        Ok(Self {
            node,
            first: FirstGroups::default(),
        })
    }

    pub(crate) fn ready_groups(&self) -> Result<ReadyGroups<'_>, IndexError> {
        let node = self.node.node();
        let node = node.map_err(|what| IndexError::TooLarge(what.0))?;
        Ok(ReadyGroups::in_memory(node, &self.first))
    }
}

impl Memory for FinishedGroups {
    fn memory(&self) -> usize {
        self.node.memory() + ORDERS * HEAD.min(self.node.groups()) * size_of::<u32>()
    }
}
