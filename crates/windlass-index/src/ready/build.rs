//! Making what is ready-made of a site, from its block and the page table.

use std::ops::Range;
use std::sync::Arc;

use windlass_links::History;

use super::groups::{EncodedNode, Groups};
use super::nodes;
use crate::bytes::{Corrupt, put_sized, put_varint};
use crate::column::write_column;
use crate::error::IndexError;
use crate::facts::{FactTable, for_each_live};
use crate::query::{LinkDates, Scan, Tuning, each_of};
use crate::segment::Segment;
use crate::site::SiteBlock;

/// How many links nodes may have together for each live link of the site. A site whose urls nest
/// deeper than any that is known has its largest nodes only.
const NODE_LINKS_MAX: usize = 12;

/// What is ready-made of a site; `None` where it has less than `min` live links.
pub(super) fn build(
    segment: &Arc<Segment>,
    site_key: &[u8],
    threads: usize,
    min: usize,
) -> Result<Option<Vec<u8>>, IndexError> {
    let wrong = |corrupt: Corrupt| segment.corrupt(corrupt);
    let Some(block) = segment.site(site_key).map_err(wrong)? else {
        return Ok(None);
    };
    if block.hrefs.len() < min.max(1) {
        return Ok(None);
    }
    let table = segment.facts(site_key, &block).map_err(wrong)?;
    let Some(order) = Order::of(segment, &block, &table, min).map_err(wrong)? else {
        return Ok(None);
    };
    let mut out = Vec::new();
    order.encode(&mut out).map_err(wrong)?;
    let ranges = nodes::ranges(block.urls, &order.live_before, min).map_err(wrong)?;
    let ranges = within_budget(ranges, &order.live_before);
    drop((order, table, block));
    let heads_min = super::heads_min(min);
    let nodes = each_of(
        threads,
        &ranges,
        || Ok(()),
        |(), urls| encode_node(segment, site_key, urls, heads_min),
    )?;
    put_nodes(&ranges, &nodes, &mut out).map_err(wrong)?;
    Ok(Some(out))
}

/// The live links of a site, ordered by (fold, page).
struct Order {
    /// First link of each fold, and their number.
    starts: Vec<u32>,
    places: Vec<u32>,
    /// (link, first seen, last visited) where these are not those of the page.
    dated: Vec<(u32, u32, u32)>,
    /// How many live links lead to the urls before each, and to all.
    live_before: Vec<u32>,
}

impl Order {
    /// Counts the links of each fold, then puts each in its place: linear in links but for the sorting
    /// of each fold's pages. Memory: 4 bytes a link and a fold.
    fn of(
        segment: &Segment,
        block: &SiteBlock<'_>,
        table: &FactTable,
        min: usize,
    ) -> Result<Option<Self>, Corrupt> {
        let mut block = block.clone();
        let mut dates = LinkDates::new(segment, History::Live);
        let mut starts = vec![0u32; block.fold_count() + 1];
        let mut live_before = vec![0u32];
        let mut live = 0u32;
        for url in 0..block.urls.len() {
            let links = block.hrefs.start(url)?..block.hrefs.start(url + 1)?;
            for_each_live(&mut block, table, &mut dates, links, |fold, _, _| {
                let count = starts.get_mut(fold as usize + 1);
                *count.ok_or(Corrupt("a form"))? += 1;
                live += 1;
                Ok::<(), Corrupt>(())
            })?;
            live_before.push(live);
        }
        if (live as usize) < min.max(1) {
            return Ok(None);
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let mut next = starts.clone();
        let mut places = vec![0u32; live as usize];
        let mut own: Vec<(u32, u32, u32, u32)> = Vec::new();
        let links = 0..block.hrefs.len();
        for_each_live(
            &mut block,
            table,
            &mut dates,
            links,
            |fold, place, dates| {
                let at = next.get_mut(fold as usize).ok_or(Corrupt("a form"))?;
                let slot = places.get_mut(*at as usize);
                *slot.ok_or(Corrupt("a link"))? = place;
                *at += 1;
                if let Some((first_seen, last_visited)) = dates {
                    own.push((fold, place, first_seen, last_visited));
                }
                Ok::<(), Corrupt>(())
            },
        )?;
        drop(next);
        for pair in starts.windows(2) {
            if let &[start, end] = pair
                && let Some(of_fold) = places.get_mut(start as usize..end as usize)
            {
                of_fold.sort_unstable();
            }
        }
        Ok(Some(Self {
            dated: date(own, &starts, &places),
            starts,
            places,
            live_before,
        }))
    }

    fn encode(&self, out: &mut Vec<u8>) -> Result<(), Corrupt> {
        let folds = self.starts.len().saturating_sub(1);
        put_varint(out, self.places.len() as u64);
        put_varint(out, folds as u64);
        write_column(self.starts.iter().take(folds).copied(), out)?;
        write_column(self.places.iter().copied(), out)?;
        put_varint(out, self.dated.len() as u64);
        if !self.dated.is_empty() {
            write_column(self.dated.iter().map(|(link, ..)| *link), out)?;
            write_column(self.dated.iter().map(|(_, first, _)| *first), out)?;
            write_column(self.dated.iter().map(|(.., last)| *last), out)?;
        }
        Ok(())
    }
}

/// Which links the dates of (fold, place, first, last) belong to: the first of those that have the
/// same fold and page, which one does not matter.
fn date(
    mut own: Vec<(u32, u32, u32, u32)>,
    starts: &[u32],
    places: &[u32],
) -> Vec<(u32, u32, u32)> {
    own.sort_unstable();
    let mut dated = Vec::with_capacity(own.len());
    let mut before = None;
    let mut repeat = 0;
    for (fold, place, first_seen, last_visited) in own {
        repeat = if before == Some((fold, place)) {
            repeat + 1
        } else {
            0
        };
        before = Some((fold, place));
        let start = starts.get(fold as usize).copied().unwrap_or(0) as usize;
        let end = starts.get(fold as usize + 1).copied().unwrap_or(0) as usize;
        let of_fold = places.get(start..end).unwrap_or_default();
        let link = start + of_fold.partition_point(|other| *other < place) + repeat;
        dated.push((link as u64 as u32, first_seen, last_visited));
    }
    dated
}

/// Of all ranges the largest, as many as the budget has room for; in order.
fn within_budget(mut ranges: Vec<Range<u32>>, live_before: &[u32]) -> Vec<Range<u32>> {
    let links = |range: &Range<u32>| {
        let before = |url: u32| live_before.get(url as usize).copied().unwrap_or(0) as usize;
        before(range.end) - before(range.start)
    };
    let mut budget = live_before.last().map_or(0, |live| *live as usize) * NODE_LINKS_MAX;
    ranges.sort_by_key(|range| (std::cmp::Reverse(links(range)), range.start, range.end));
    let fits = ranges.iter().take_while(|range| {
        let is_within = links(range) <= budget;
        budget = budget.saturating_sub(links(range));
        is_within
    });
    let n = fits.count();
    ranges.truncate(n);
    ranges.sort_unstable_by_key(|range| (range.start, range.end));
    ranges
}

fn encode_node(
    segment: &Arc<Segment>,
    site_key: &[u8],
    urls: &Range<u32>,
    heads_min: usize,
) -> Result<EncodedNode, IndexError> {
    let wrong = |corrupt: Corrupt| segment.corrupt(corrupt);
    let urls = urls.start as usize..urls.end as usize;
    let mut block = segment
        .site(site_key)
        .and_then(|block| block.ok_or(Corrupt("a site's key")))
        .map_err(wrong)?;
    let links = block.hrefs.start(urls.start).map_err(wrong)?
        ..block.hrefs.start(urls.end).map_err(wrong)?;
    let scan = Scan::new(
        Arc::clone(segment),
        site_key.to_owned(),
        vec![urls],
        vec![links],
        History::Live,
        Tuning::default(),
    );
    let (parts, refpages) = scan.run_alone(Groups::default)?;
    EncodedNode::of(parts, refpages, heads_min).map_err(wrong)
}

fn put_nodes(
    ranges: &[Range<u32>],
    nodes: &[EncodedNode],
    out: &mut Vec<u8>,
) -> Result<(), Corrupt> {
    put_varint(out, nodes.len() as u64);
    if nodes.is_empty() {
        return Ok(());
    }
    let number = |n: u64| u32::try_from(n).map_err(|_| Corrupt("more than 2^32 links to one site"));
    write_column(ranges.iter().map(|range| range.start), out)?;
    write_column(ranges.iter().map(|range| range.end), out)?;
    let mut column = |value: &dyn Fn(&EncodedNode) -> u64| -> Result<(), Corrupt> {
        let values: Result<Vec<u32>, Corrupt> = nodes.iter().map(|n| number(value(n))).collect();
        write_column(values?, out)
    };
    column(&|node| node.backlinks)?;
    column(&|node| node.refpages)?;
    column(&|node| node.groups as u64)?;
    let (mut ends, mut data) = (Vec::new(), Vec::new());
    for node in nodes {
        data.extend_from_slice(&node.bytes);
        ends.push(number(data.len() as u64)?);
    }
    write_column(ends, out)?;
    put_sized(out, &data);
    Ok(())
}
