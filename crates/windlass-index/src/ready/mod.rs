//! What is ready-made of large sites: their live backlinks in the order of the report, and finished
//! groups for each range of urls that many of them lead to.
//!
//! ```text
//! ready := varint live | varint folds
//!        | first link of each fold (column of folds) | page of each link (column of live)
//!        | varint n, and where n > 0: links (column) | first seen (column) | last visited (column)
//!        | varint nodes, and where there are any:
//!          first url (column) | url behind the last (column) | backlinks (column)
//!        | refpages (column) | groups (column) | end of the node (column) | varint bytes | node × nodes
//! node  := varint several | fold (column) | backlinks (column)
//!        | backlinks − refpages | refpages − refdomains | first seen | last visited − first seen (four columns of several)
//!        | link (column of the others) | heads (see [`heads`])
//! ```
//! Links are those that `history=live` reports, ordered by (fold, page); pages are places in the site
//! block. The dates of a link are the first and the last of its page's times there, but for the links
//! in the list, which carry their own. A node is a range of urls that a target can ask for (R16): one
//! URL, a prefix, a host, a host and all below it. Its groups (R17) are ordered by backlinks, most
//! first, then by fold: the columns are then nearly constant over long stretches, and the most
//! frequent question, for the anchors with most backlinks, reads the first of them. `several` have more than one backlink. Of the
//! others, which are most of them, it is said which one that is, of all links of the fold: its dates are theirs.
//!
//! All of it follows from the segment's pages and site blocks. A site or a range that has less than
//! [`LINKS_MIN`] live links has nothing ready-made: reading them is as fast.

mod append;
mod build;
mod encode;
mod grouping;
mod groups;
mod heads;
mod links;
mod lone;
mod nest;
mod nodes;
mod order;
mod runs;

use std::ops::Range;

use crate::bytes::{Bytes, Corrupt};
use crate::column::Column;
use crate::stretch::Stretch;

pub(crate) use append::{Means, append};
pub(crate) use groups::{EncodedNode, Groups};
pub(crate) use heads::{DateOrder, HEAD, Heads};
pub(crate) use lone::{LoneLink, LoneLinks};

/// How many live links a site or a range needs for something to be ready-made of it. Part of the format, as is all that
/// says what is made: merges copy it.
pub(crate) const LINKS_MIN: usize = 1 << 15;

/// From how many groups on a node has heads, where nodes have at least so many links: below, looking at
/// all groups is as fast.
pub(crate) const fn heads_min(links_min: usize) -> usize {
    links_min / 8
}

/// What is ready-made of one site.
#[derive(Debug, Clone)]
pub(crate) struct Ready<'a> {
    /// First link of each fold.
    pub(crate) starts: Column<'a>,
    /// Page of each link, by its place in the site block.
    pub(crate) pages: Column<'a>,
    /// Links that have dates of their own.
    pub(crate) dated: Dated<'a>,
    nodes: Nodes<'a>,
}

/// The links of an order whose dates are not those of their page.
#[derive(Debug, Clone)]
pub(crate) struct Dated<'a> {
    pub(crate) links: Column<'a>,
    pub(crate) first_seen: Column<'a>,
    pub(crate) last_visited: Column<'a>,
}

#[derive(Debug, Clone)]
struct Nodes<'a> {
    first_url: Column<'a>,
    end_url: Column<'a>,
    backlinks: Column<'a>,
    refpages: Column<'a>,
    groups: Column<'a>,
    ends: Column<'a>,
    data: Stretch<'a>,
}

/// The finished groups of a range of urls.
#[derive(Debug, Clone)]
pub(crate) struct Node<'a> {
    /// Number of backlinks.
    pub(crate) backlinks: u64,
    /// Number of distinct pages (R18).
    pub(crate) refpages: u64,
    pub(crate) fold: Column<'a>,
    pub(crate) backlinks_of: Column<'a>,
    /// `backlinks − refpages`: this and what follows of the first groups, which have several backlinks; or of all.
    pub(crate) repeats: Column<'a>,
    /// `refpages − refdomains`.
    pub(crate) siblings: Column<'a>,
    pub(crate) first_seen: Column<'a>,
    /// `last_visited − first_seen`.
    pub(crate) span: Column<'a>,
    /// Of those behind them, whose only backlink it is: how many links of its fold are before it in the ready-made order.
    pub(crate) lone: Column<'a>,
    pub(crate) heads: Heads<'a>,
}

impl Dated<'_> {
    /// The dates of the link at a place in the list.
    pub(crate) fn at(&mut self, at: usize) -> Result<(u32, u32), Corrupt> {
        Ok((self.first_seen.at(at)?, self.last_visited.at(at)?))
    }
}

impl<'a> Ready<'a> {
    /// Reads where the parts lie.
    pub(crate) fn open(part: Stretch<'a>) -> Result<Self, Corrupt> {
        let mut bytes = Bytes::over(part);
        let live = bytes.varint_usize()?;
        let folds = bytes.varint_usize()?;
        let starts = Column::read(&mut bytes, folds)?;
        let pages = Column::read(&mut bytes, live)?;
        let n = bytes.varint_usize()?;
        let column = |bytes: &mut Bytes<'a>, n| match n {
            0 => Ok(Column::empty()),
            n => Column::read(bytes, n),
        };
        let dated = Dated {
            links: column(&mut bytes, n)?,
            first_seen: column(&mut bytes, n)?,
            last_visited: column(&mut bytes, n)?,
        };
        let n = bytes.varint_usize()?;
        let nodes = Nodes {
            first_url: column(&mut bytes, n)?,
            end_url: column(&mut bytes, n)?,
            backlinks: column(&mut bytes, n)?,
            refpages: column(&mut bytes, n)?,
            groups: column(&mut bytes, n)?,
            ends: column(&mut bytes, n)?,
            data: if n == 0 {
                Stretch::trusted(&[])
            } else {
                bytes.sized_stretch()?
            },
        };
        if !bytes.is_empty() {
            return Err(Corrupt("a ready-made part with bytes left over"));
        }
        Ok(Self {
            starts,
            pages,
            dated,
            nodes,
        })
    }

    /// How many bytes the finished groups have.
    pub(crate) fn groups_bytes(&self) -> usize {
        self.nodes.data.len()
    }

    /// Place of the first link of a fold, or of those behind it.
    pub(crate) fn start(&mut self, fold: usize) -> Result<usize, Corrupt> {
        if fold >= self.starts.len() {
            return Ok(self.pages.len());
        }
        Ok(self.starts.at(fold)? as usize)
    }

    /// The places of the links of a fold.
    pub(crate) fn links_of(&mut self, fold: u32) -> Result<Range<usize>, Corrupt> {
        let start = self.start(fold as usize)?;
        Ok(start..self.start(fold as usize + 1)?.max(start))
    }

    /// The node of a range of urls, if that is ready-made. O(log nodes).
    pub(crate) fn node(&mut self, urls: &Range<usize>) -> Result<Option<Node<'a>>, Corrupt> {
        let nodes = &mut self.nodes;
        let n = nodes.first_url.len();
        let (Ok(first), Ok(end)) = (u32::try_from(urls.start), u32::try_from(urls.end)) else {
            return Ok(None);
        };
        let mut at = nodes.first_url.lower_bound(first)?;
        // Ranges that start together nest: there are as many as the URL has prefixes that count.
        while at < n && nodes.first_url.at(at)? == first {
            if nodes.end_url.at(at)? == end {
                return self.node_at(at).map(Some);
            }
            at += 1;
        }
        Ok(None)
    }

    /// All nodes, with the urls that they are of.
    pub(crate) fn all_nodes(&mut self) -> Result<Vec<(Range<usize>, Node<'a>)>, Corrupt> {
        let mut all = Vec::new();
        for at in 0..self.nodes.first_url.len() {
            let start = self.nodes.first_url.at(at)? as usize;
            let end = self.nodes.end_url.at(at)? as usize;
            all.push((start..end, self.node_at(at)?));
        }
        Ok(all)
    }

    fn node_at(&mut self, at: usize) -> Result<Node<'a>, Corrupt> {
        let nodes = &mut self.nodes;
        let start = match at.checked_sub(1) {
            None => 0,
            Some(before) => nodes.ends.at(before)? as usize,
        };
        let end = nodes.ends.at(at)? as usize;
        let (data, _) = nodes.data.split_at(end)?;
        let mut bytes = Bytes::over(data.from(start)?);
        let n = nodes.groups.at(at)? as usize;
        let backlinks = nodes.backlinks.at(at)?.into();
        let refpages = nodes.refpages.at(at)?.into();
        Node::read(&mut bytes, n, backlinks, refpages)
    }
}
