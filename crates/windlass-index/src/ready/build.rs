//! Making what is ready-made of a site, from its block and the page table.

use std::cmp::Reverse;
use std::sync::Arc;

use super::Means;
use super::groups::Groups;
use super::links::{LINK_BYTES, LinksInOrder, Watch};
use super::nodes::{self, NodeUrls};
use super::order::OrderEncoder;
use crate::bytes::{Corrupt, write_varint};
use crate::column::write_column;
use crate::error::IndexError;
use crate::facts::FactTable;
use crate::in_order::{self, Bounds, Work};
use crate::segment::{Segment, WriteError};
use crate::sink::PageSet;
use crate::spool::{Scratch, Spool};

/// How many links nodes may have together for each live link of the site. A site whose urls nest
/// deeper than any that is known has its largest nodes only.
const NODE_LINKS_MAX: usize = 12;
/// Which part of the memory may be taken by the links that are held, by all threads.
const HELD_PART: usize = 4;
/// And which by nodes that wait for those before them.
const WAITING_PART: usize = 16;

/// What is ready-made of a site; `None` where it has less than [`Means::links_min`] live links. `write_error`
/// says where writing failed.
pub(super) fn build(
    segment: &Segment,
    site_key: &[u8],
    means: &Means,
    watch: Watch<'_>,
    write_error: &(dyn Fn(WriteError) -> IndexError + Sync),
) -> Result<Option<Spool>, IndexError> {
    let wrong = |corrupt: Corrupt| segment.corrupt(corrupt);
    let min = means.links_min.max(1);
    let Some(block) = segment.site(site_key).map_err(wrong)? else {
        return Ok(None);
    };
    if block.hrefs.len() < min {
        return Ok(None);
    }
    // Not kept, as there may be many large sites.
    let table = FactTable::of(segment, &block, means.threads, watch.cancel)?;
    let links = LinksInOrder {
        segment,
        block: &block,
        table: &table,
        watch,
    };
    let (ranges, live) = live_ranges(&links, min)?;
    if (live as usize) < min {
        return Ok(None);
    }
    // Fewer than make a site large are never too many.
    let held_max = |threads: usize| (means.memory_max / HELD_PART / threads / LINK_BYTES).max(min);

    let mut out = Spool::new(&means.scratch);
    let mut order = OrderEncoder::new(&means.scratch);
    links.for_each(0..block.hrefs.len(), held_max(1), |link| order.link(link))?;
    order
        .finish(block.fold_count(), &mut out)
        .map_err(write_error)?;

    let ranges = within_budget(ranges, live);
    let threads = means.threads.min(ranges.len()).max(1);
    let nodes = Nodes {
        links,
        held_max: held_max(threads),
        heads_min: super::heads_min(means.links_min),
        scratch: &means.scratch,
        write_error,
    };
    let bounds = Bounds {
        threads,
        waiting_bytes_max: means.memory_max / WAITING_PART,
    };
    let mut columns = NodeColumns::new(&means.scratch);
    let mut next = ranges.iter();
    in_order::run(
        &nodes,
        bounds,
        || Ok(next.next().cloned()),
        |node: Node| columns.push(node).map_err(write_error),
    )?;
    columns.finish(&mut out).map_err(write_error)?;
    Ok(Some(out))
}

/// The ranges of urls that have enough live links, and the number of all live links.
fn live_ranges(links: &LinksInOrder<'_>, min: usize) -> Result<(Vec<NodeUrls>, u32), IndexError> {
    let wrong = |corrupt| links.segment.corrupt(corrupt);
    let mut hrefs = links.block.hrefs.clone();
    let mut count = links.counter();
    let live = |url: usize| {
        let start = hrefs.start(url).map_err(wrong)?;
        count(start..hrefs.start(url + 1).map_err(wrong)?)
    };
    nodes::ranges(links.block.urls, live, min, wrong)
}

/// Of all ranges the largest, as many as the budget has room for; in order.
fn within_budget(mut ranges: Vec<NodeUrls>, live: u32) -> Vec<NodeUrls> {
    let mut budget = live as usize * NODE_LINKS_MAX;
    ranges.sort_by_key(|range| (Reverse(range.links), range.urls.start, range.urls.end));
    let fits = ranges.iter().take_while(|range| {
        let links = range.links as usize;
        let is_within = links <= budget;
        budget = budget.saturating_sub(links);
        is_within
    });
    let n = fits.count();
    ranges.truncate(n);
    ranges.sort_unstable_by_key(|range| (range.urls.start, range.urls.end));
    ranges
}

/// The nodes of a site, made by several threads.
struct Nodes<'a> {
    links: LinksInOrder<'a>,
    /// How many links each thread may hold.
    held_max: usize,
    heads_min: usize,
    scratch: &'a Arc<Scratch>,
    write_error: &'a (dyn Fn(WriteError) -> IndexError + Sync),
}

/// A node, encoded.
struct Node {
    urls: NodeUrls,
    backlinks: u64,
    refpages: u64,
    groups: usize,
    bytes: Spool,
}

impl Work for Nodes<'_> {
    type Task = NodeUrls;
    type Done = Node;
    type Error = IndexError;
    type Worker = ();

    fn worker(&self) {}

    fn work(&self, (): &mut (), urls: NodeUrls) -> Result<Node, IndexError> {
        let block = self.links.block;
        let mut hrefs = block.hrefs.clone();
        let mut link = |url: u32| {
            let start = hrefs.start(url as usize);
            start.map_err(|corrupt| self.links.segment.corrupt(corrupt))
        };
        let links = link(urls.urls.start)?..link(urls.urls.end)?;
        let mut groups = Groups::new(self.scratch);
        let mut pages = PageSet::new(links.len(), block.pages.len());
        self.links.for_each(links, self.held_max, |link| {
            groups.link(link);
            pages.extend(&[link.place]);
        })?;
        let mut bytes = Spool::new(self.scratch);
        let encoded = groups.encode(self.heads_min, &mut bytes);
        let (groups, backlinks) = encoded.map_err(self.write_error)?;
        Ok(Node {
            urls,
            backlinks,
            refpages: pages.count(),
            groups,
            bytes,
        })
    }

    fn memory(node: &Node) -> usize {
        node.bytes.memory()
    }
}

/// What is known of the nodes that are done.
struct NodeColumns {
    first_urls: Vec<u32>,
    end_urls: Vec<u32>,
    backlinks: Vec<u32>,
    refpages: Vec<u32>,
    groups: Vec<u32>,
    /// Where each ends in `data`.
    ends: Vec<u32>,
    data: Spool,
}

impl NodeColumns {
    fn new(scratch: &Arc<Scratch>) -> Self {
        Self {
            first_urls: Vec::new(),
            end_urls: Vec::new(),
            backlinks: Vec::new(),
            refpages: Vec::new(),
            groups: Vec::new(),
            ends: Vec::new(),
            data: Spool::new(scratch),
        }
    }

    fn push(&mut self, mut node: Node) -> Result<(), WriteError> {
        let number =
            |n: u64| u32::try_from(n).map_err(|_| Corrupt("more than 2^32 links to one site"));
        node.bytes.write_to(&mut self.data)?;
        self.first_urls.push(node.urls.urls.start);
        self.end_urls.push(node.urls.urls.end);
        self.backlinks.push(number(node.backlinks)?);
        self.refpages.push(number(node.refpages)?);
        self.groups.push(number(node.groups as u64)?);
        self.ends.push(number(self.data.len())?);
        Ok(())
    }

    fn finish(mut self, out: &mut Spool) -> Result<(), WriteError> {
        write_varint(out, self.ends.len() as u64)?;
        if self.ends.is_empty() {
            return Ok(());
        }
        for column in [
            self.first_urls,
            self.end_urls,
            self.backlinks,
            self.refpages,
            self.groups,
            self.ends,
        ] {
            let mut bytes = Vec::new();
            write_column(column, &mut bytes)?;
            out.put(&bytes);
        }
        write_varint(out, self.data.len())?;
        self.data.write_to(out)?;
        Ok(())
    }
}
