//! From site key to the offset of its block, verified where it is touched.
//!
//! The directory is an fst map, whose library reads bytes as it likes. It reads a node from its address on
//! backwards, and which node is next stands in it: so the bytes that a node may have are verified, and
//! looked at (`node.rs`), before the library gets it.

mod node;
#[cfg(test)]
mod tests;
mod walk;

use fst::raw::{CompiledAddr, Fst, Node};

use crate::bytes::Corrupt;
use crate::stretch::Stretch;
pub(crate) use walk::SiteWalk;

const WRONG: Corrupt = Corrupt("the directory");
/// What stands in front of the nodes: version and type.
const HEAD_BYTES: usize = 16;
/// What stands behind them: number of keys, address of the root, checksum.
const TAIL_BYTES: usize = 20;
/// The address of a node that takes no bytes: a key ends there, and no other goes on.
const NO_BYTES: CompiledAddr = 0;

/// A directory that is read in parts.
pub(crate) struct SiteDirectory<'a> {
    fst: Fst<&'a [u8]>,
    bytes: Stretch<'a>,
    root: CompiledAddr,
    /// Offsets lie below it.
    end: u64,
}

/// A node, and the sum of the outputs that lead to it.
struct Reached<'f> {
    node: Node<'f>,
    sum: u64,
}

impl<'a> SiteDirectory<'a> {
    /// Reads head and tail. The blocks that it leads to take `blocks_bytes`.
    pub(super) fn open(bytes: Stretch<'a>, blocks_bytes: usize) -> Result<Self, Corrupt> {
        let version = bytes.head(HEAD_BYTES)?.first_chunk();
        if version != Some(&fst::raw::VERSION.to_le_bytes()) {
            return Err(WRONG);
        }
        let nodes_end = bytes.len().checked_sub(TAIL_BYTES).ok_or(WRONG)?;
        let tail = bytes.get(nodes_end..bytes.len())?;
        let root = tail.get(8..).and_then(|tail| tail.first_chunk());
        let root = u64::from_le_bytes(*root.ok_or(WRONG)?);
        let root = CompiledAddr::try_from(root).map_err(|_| WRONG)?;
        // The root is the last node.
        let is_last = match root {
            NO_BYTES => nodes_end == HEAD_BYTES,
            root => nodes_end.checked_sub(1) == Some(root),
        };
        if !is_last {
            return Err(WRONG);
        }
        Ok(Self {
            fst: Fst::new(bytes.unverified()).map_err(|_| WRONG)?,
            bytes,
            root,
            end: blocks_bytes as u64,
        })
    }

    fn root(&self) -> Result<Reached<'_>, Corrupt> {
        let node = self.node(self.root)?;
        Ok(Reached { node, sum: 0 })
    }

    fn node(&self, at: CompiledAddr) -> Result<Node<'_>, Corrupt> {
        if at != NO_BYTES {
            let end = at.checked_add(1).ok_or(WRONG)?;
            let start = end.saturating_sub(node::BYTES_MAX).max(HEAD_BYTES);
            node::check(self.bytes.get(start..end)?, start - HEAD_BYTES)?;
        }
        Ok(self.fst.node(at))
    }

    /// What a transition leads to, with its input.
    fn step<'f>(
        &'f self,
        from: &Reached<'f>,
        transition: usize,
    ) -> Result<(u8, Reached<'f>), Corrupt> {
        let transition = from.node.transition(transition);
        let node = self.node(transition.addr)?;
        // Each way leads to a key.
        if node.is_empty() && !node.is_final() {
            return Err(WRONG);
        }
        let sum = from.sum.checked_add(transition.out.value()).ok_or(WRONG)?;
        Ok((transition.inp, Reached { node, sum }))
    }

    /// What a key leads to, where there are keys that begin so.
    fn reach(&self, key: &[u8]) -> Result<Option<Reached<'_>>, Corrupt> {
        let mut at = self.root()?;
        for byte in key {
            let Some(to) = self.follow(&at, *byte)? else {
                return Ok(None);
            };
            at = to;
        }
        Ok(Some(at))
    }

    /// What the transition of a byte leads to, where there is one.
    #[inline]
    fn follow<'f>(&'f self, from: &Reached<'f>, byte: u8) -> Result<Option<Reached<'f>>, Corrupt> {
        let Some(transition) = from.node.find_input(byte) else {
            return Ok(None);
        };
        let (input, to) = self.step(from, transition)?;
        if input == byte {
            Ok(Some(to))
        } else {
            Err(WRONG)
        }
    }

    /// The offset of the block whose key ends here.
    fn offset(&self, at: &Reached<'_>) -> Result<Option<u64>, Corrupt> {
        if !at.node.is_final() {
            return Ok(None);
        }
        let offset = at.sum.checked_add(at.node.final_output().value());
        let offset = offset.filter(|offset| *offset < self.end);
        offset.map(Some).ok_or(WRONG)
    }

    /// The offset of a site's block.
    pub(crate) fn get(&self, site_key: &[u8]) -> Result<Option<u64>, Corrupt> {
        match self.reach(site_key)? {
            Some(at) => self.offset(&at),
            None => Ok(None),
        }
    }

    /// The sites whose keys a key begins with, shortest first: the length of each, and the offset of its block. One way
    /// through the directory finds them all.
    pub(crate) fn along(&self, key: &[u8]) -> Result<Vec<(usize, u64)>, Corrupt> {
        let mut found = Vec::new();
        let mut at = self.root()?;
        for (length, byte) in (1..).zip(key) {
            let Some(to) = self.follow(&at, *byte)? else {
                break;
            };
            at = to;
            if let Some(offset) = self.offset(&at)? {
                found.push((length, offset));
            }
        }
        Ok(found)
    }

    /// All sites, in order.
    pub(crate) fn sites(&self) -> Result<SiteWalk<'_>, Corrupt> {
        Ok(SiteWalk::new(self, Some(self.root()?), &[]))
    }

    /// The sites whose keys begin with a prefix, in order.
    pub(crate) fn below(&self, prefix: &[u8]) -> Result<SiteWalk<'_>, Corrupt> {
        Ok(SiteWalk::new(self, self.reach(prefix)?, prefix))
    }

    /// The sites from the one whose block is at an offset on, at which the walk is; `None` where there is none.
    pub(crate) fn walk_from(&self, offset: u64) -> Result<Option<SiteWalk<'_>>, Corrupt> {
        let mut walk = SiteWalk::new(self, None, &[]);
        let mut at = self.root()?;
        loop {
            if self.offset(&at)? == Some(offset) {
                walk.end_at(at, offset);
                return Ok(Some(walk));
            }
            // Offsets ascend with keys, and so do the outputs of a node: the last that is not above it.
            let transitions = at.node.transitions();
            let sums = transitions.map(|t| at.sum.saturating_add(t.out.value()));
            let Some(last) = sums.take_while(|sum| *sum <= offset).count().checked_sub(1) else {
                return Ok(None);
            };
            let (byte, to) = self.step(&at, last)?;
            walk.take(at, last, byte);
            at = to;
        }
    }
}
