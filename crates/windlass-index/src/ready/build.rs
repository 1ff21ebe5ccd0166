//! Making what is ready-made of a site, from its block and the page table.

use std::cmp::Reverse;
use std::io;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use super::Means;
use super::encode::NodeEncoder;
use super::grouping::{Grouping, Part};
use super::links::{LINK_BYTES, LinksInOrder, Orders, STRIDE, Sample, SiteLinks, Sorted, Watch};
use super::nest::Nest;
use super::nodes::{self, NodeUrls};
use super::order::OrderEncoder;
use super::runs::{self, NodeGroup, Runs};
use crate::bytes::{Corrupt, write_varint};
use crate::column::write_column;
use crate::error::IndexError;
use crate::facts::FactTable;
use crate::in_order::{self, Bounds, Work};
use crate::segment::{Segment, WriteError};
use crate::spool::{Scratch, Spool};

/// How many links nodes may have together for each live link of the site. A site whose urls nest
/// deeper than any that is known has its largest nodes only. Part of the format: merges copy what was made so.
const NODE_LINKS_MAX: usize = 12;
/// Which part of the memory may be taken by the links that are held, by all threads.
const HELD_PART: usize = 4;
/// And which by links that wait for those before them.
const WAITING_PART: usize = 16;
/// And which by groups that are not sorted yet, by all threads, each of which takes so many bytes, with what the
/// vector that it is in has to spare, and room to sort it in.
const GROUPS_PART: usize = 16;
const GROUP_BYTES: usize = 96;
/// And which by what is read ahead of sorted ones.
const READ_PART: usize = 16;

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
    let site = SiteLinks {
        segment,
        block: &block,
        table: &table,
        watch,
    };
    let threads = means.threads.max(1);
    let held_max = held_max(means);
    let mut sample = Sample::new(held_max);
    let (ranges, live) = live_ranges(&site, &mut sample, min)?;
    if (live as usize) < min {
        return Ok(None);
    }
    let nodes = within_budget(ranges, live);
    let nest = Nest::of(&nodes);
    let links = LinksInOrder::new(site, &nest)?;
    // Each pass unpacks all links: of few of them each thread would have next to nothing else to do.
    let threads = threads.min(live as usize / STRIDE + 1);
    let orders = links.passes(sample, threads, held_max);
    let passes = Passes {
        links: &links,
        groups_max: (means.memory_max / GROUPS_PART / threads / GROUP_BYTES).max(min),
        runs: Mutex::new(Runs::new(&means.scratch)),
    };
    let bounds = Bounds {
        threads,
        waiting_bytes_max: means.memory_max / WAITING_PART,
    };
    let mut order = OrderEncoder::new(&means.scratch);
    let (mut refpages, mut parts) = (Vec::new(), Vec::new());
    let mut number = PassNumbers::default();
    let mut tasks = std::iter::once(Task::Refpages).chain(orders.into_iter().map(Task::Links));
    in_order::run(
        &passes,
        bounds,
        || Ok(tasks.next()),
        |done: Done| {
            match done {
                Done::Refpages(counted) => refpages = counted,
                Done::Links(sorted, mut some) => {
                    number.pass(links.ends(&sorted), &mut some);
                    links
                        .for_each_ordered(&sorted, |fold, place, own| order.link(fold, place, own));
                    parts.extend(some);
                }
            }
            Ok(())
        },
    )?;
    let mut out = Spool::new(&means.scratch);
    order
        .finish(block.fold_count(), &mut out)
        .map_err(write_error)?;

    let runs = passes.runs.into_inner();
    let mut runs = runs.unwrap_or_else(PoisonError::into_inner);
    let mut parts = Part::unite(parts);
    runs::sort(&mut parts);
    runs.add(&parts);
    let mut writer = NodesWriter::new(&nodes, refpages, means);
    let mut looks = (0..STRIDE).cycle();
    let read_error = |error: io::Error| write_error(error.into());
    runs.merge(means.memory_max / READ_PART, read_error, |group| {
        if looks.next() == Some(0) {
            watch.look()?;
        }
        writer.push(&group).map_err(write_error)
    })?;
    writer.finish(&mut out).map_err(write_error)?;
    Ok(Some(out))
}

/// How many links a thread may hold.
fn held_max(means: &Means) -> usize {
    let held = means.memory_max / HELD_PART / means.threads.max(1) / LINK_BYTES;
    // Fewer than make a site large are never too many.
    held.max(means.links_min).max(1)
}

/// How many times so many links are gone through, about: counted, for their pages, for each part of their order, and in
/// that.
pub(super) fn times_through(links: u64, means: &Means) -> u64 {
    let passes = links.div_ceil(held_max(means) as u64);
    3 + passes.max(means.threads as u64)
}

/// The ranges of urls that have enough live links, and the number of all live links, of which it takes a sample.
fn live_ranges(
    site: &SiteLinks<'_>,
    sample: &mut Sample,
    min: usize,
) -> Result<(Vec<NodeUrls>, u32), IndexError> {
    let wrong = site.wrong();
    let mut hrefs = site.block.hrefs.clone();
    let mut count = site.counter(sample);
    let live = |url: usize| {
        let start = hrefs.start(url).map_err(&wrong)?;
        count(start..hrefs.start(url + 1).map_err(&wrong)?)
    };
    nodes::ranges((&site.block.site_key, site.block.urls), live, min, &wrong)
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

/// Numbers the links of an anchor that passes on from one pass to the next.
#[derive(Default)]
struct PassNumbers {
    /// The last anchor, and how many links it has so far.
    last: Option<(u32, u32)>,
}

impl PassNumbers {
    /// Takes what the next pass has of groups that may not be whole, and the first and last anchor of all its links, each
    /// with how many it has there.
    fn pass(&mut self, ends: Option<[(u32, u32); 2]>, parts: &mut [Part]) {
        let Some([first, mut last]) = ends else {
            return;
        };
        if let Some((anchor, before)) = self.last
            && anchor == first.0
        {
            let of_first = parts.iter_mut().filter(|part| part.group.anchor == anchor);
            of_first.for_each(|part| part.begin_behind(before));
            if last.0 == anchor {
                last.1 += before;
            }
        }
        self.last = Some(last);
    }
}

/// The passes over a site's links, which several threads take.
struct Passes<'a> {
    links: &'a LinksInOrder<'a>,
    /// How many groups each thread may hold.
    groups_max: usize,
    /// What comes of all passes, in any order.
    runs: Mutex<Runs>,
}

/// One time through all links.
enum Task {
    Refpages,
    /// For those in a range of their order.
    Links(Orders),
}

/// What comes of it.
enum Done {
    /// The pages that link to each node.
    Refpages(Vec<u32>),
    /// The links, and of groups what the passes before and behind may have links of.
    Links(Sorted, Vec<Part>),
}

impl Passes<'_> {
    /// Groups that are there from the first to the last link.
    fn put(&self, groups: &mut Vec<NodeGroup>) {
        runs::sort(groups);
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        runs.add(groups);
        groups.clear();
    }
}

impl Work for Passes<'_> {
    type Task = Task;
    type Done = Done;
    type Error = IndexError;
    type Worker = ();

    fn worker(&self) {}

    fn work(&self, (): &mut (), task: Task) -> Result<Done, IndexError> {
        let Task::Links(orders) = task else {
            return Ok(Done::Refpages(self.links.refpages()?));
        };
        let links = self.links.sorted(&orders)?;
        let mut grouping = Grouping::new(self.links.nest);
        self.links.for_each_sorted(&links, |link| {
            grouping.link(link);
            if grouping.groups.len() >= self.groups_max {
                self.put(&mut grouping.groups);
            }
        })?;
        let (mut groups, parts) = grouping.finish();
        self.put(&mut groups);
        Ok(Done::Links(links, parts))
    }

    fn memory(done: &Done) -> usize {
        match done {
            Done::Refpages(counted) => counted.capacity() * size_of::<u32>(),
            Done::Links(links, parts) => links.memory() + parts.capacity() * size_of::<Part>(),
        }
    }
}

/// Encodes nodes one after the other.
struct NodesWriter<'a> {
    nodes: std::iter::Zip<std::slice::Iter<'a, NodeUrls>, std::vec::IntoIter<u32>>,
    open: NodeEncoder,
    heads_min: usize,
    columns: NodeColumns,
    scratch: &'a Arc<Scratch>,
}

impl<'a> NodesWriter<'a> {
    /// Of nodes to which so many pages link.
    fn new(nodes: &'a [NodeUrls], refpages: Vec<u32>, means: &'a Means) -> Self {
        Self {
            nodes: nodes.iter().zip(refpages),
            open: NodeEncoder::new(&means.scratch),
            heads_min: super::heads_min(means.links_min),
            columns: NodeColumns::new(&means.scratch),
            scratch: &means.scratch,
        }
    }

    /// Takes the next group.
    fn push(&mut self, group: &NodeGroup) -> Result<(), WriteError> {
        while self.columns.len() < group.node as usize {
            self.close()?;
        }
        self.open.push(&group.group);
        Ok(())
    }

    /// No more groups of the node come.
    fn close(&mut self) -> Result<(), WriteError> {
        let Some((node, refpages)) = self.nodes.next() else {
            return Err(Corrupt("the nodes of a site").into());
        };
        let next = NodeEncoder::new(self.scratch);
        let done = std::mem::replace(&mut self.open, next);
        self.columns
            .push(&node.urls, refpages, done, self.heads_min)
    }

    /// All nodes are there.
    fn finish(mut self, out: &mut Spool) -> Result<(), WriteError> {
        while self.nodes.len() > 0 {
            self.close()?;
        }
        self.columns.finish(out)
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

    /// How many nodes are done.
    fn len(&self) -> usize {
        self.ends.len()
    }

    fn push(
        &mut self,
        urls: &Range<u32>,
        refpages: u32,
        node: NodeEncoder,
        heads_min: usize,
    ) -> Result<(), WriteError> {
        let number =
            |n: u64| u32::try_from(n).map_err(|_| Corrupt("more than 2^32 links to one site"));
        let (groups, backlinks) = node.finish(heads_min, &mut self.data)?;
        self.first_urls.push(urls.start);
        self.end_urls.push(urls.end);
        self.backlinks.push(number(backlinks)?);
        self.refpages.push(refpages);
        self.groups.push(number(groups as u64)?);
        self.ends.push(number(self.data.len())?);
        Ok(())
    }

    fn finish(mut self, out: &mut Spool) -> Result<(), WriteError> {
        write_varint(out, self.len() as u64)?;
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
