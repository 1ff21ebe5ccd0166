//! Going through a directory.

use windlass_links::url::URL_LENGTH_MAX;

use super::{Reached, SiteDirectory, WRONG};
use crate::bytes::Corrupt;

/// Goes through sites in the order of their keys, and so of their blocks.
pub(crate) struct SiteWalk<'d> {
    directory: &'d SiteDirectory<'d>,
    /// The nodes from the first one to the present one, each with its next step: 0 is the key that ends there, others
    /// are transitions.
    way: Vec<(Reached<'d>, usize)>,
    key: Vec<u8>,
    last: Option<u64>,
}

impl<'d> SiteWalk<'d> {
    /// From what a prefix leads to.
    pub(super) fn new(
        directory: &'d SiteDirectory<'d>,
        start: Option<Reached<'d>>,
        prefix: &[u8],
    ) -> Self {
        Self {
            directory,
            way: start.map(|start| (start, 0)).into_iter().collect(),
            key: prefix.to_owned(),
            last: None,
        }
    }

    /// Takes a transition of the node that its way has come to.
    pub(super) fn take(&mut self, at: Reached<'d>, transition: usize, byte: u8) {
        self.key.push(byte);
        // The key that ends there, the transition, and those before it are passed.
        self.way.push((at, transition + 2));
    }

    /// Its way has come to the node at which the key of a site ends.
    pub(super) fn end_at(&mut self, at: Reached<'d>, offset: u64) {
        self.way.push((at, 1));
        self.last = Some(offset);
    }

    /// The offset of the block of the site that it is at, if it is at one.
    pub(crate) const fn offset(&self) -> Option<u64> {
        self.last
    }

    /// The key of the site that it is at.
    pub(crate) fn key(&self) -> &[u8] {
        &self.key
    }

    /// Goes to the next site. The offset of its block.
    pub(crate) fn advance(&mut self) -> Result<Option<u64>, Corrupt> {
        while let Some((at, next)) = self.way.last_mut() {
            let step = *next;
            *next += 1;
            if let Some(transition) = step.checked_sub(1) {
                if transition < at.node.len() {
                    if self.key.len() >= URL_LENGTH_MAX {
                        return Err(WRONG);
                    }
                    let (byte, to) = self.directory.step(at, transition)?;
                    self.key.push(byte);
                    self.way.push((to, 0));
                } else {
                    self.way.pop();
                    self.key.pop();
                }
            } else if let Some(offset) = self.directory.offset(at)? {
                // Nodes are shared, so that there can be any number of ways through a few damaged ones. But
                // offsets that ascend come to their bound.
                if self.last.is_some_and(|last| last >= offset) {
                    return Err(WRONG);
                }
                self.last = Some(offset);
                return Ok(Some(offset));
            }
        }
        Ok(None)
    }
}
