//! The live links of a site in the order of the report, (folded anchor, page), of which some are held at
//! a time.
//!
//! They lie by url. Where they are too many to be gathered and sorted at once, a sample tells which
//! ranges of the order have about as many as may be held, and each range takes a pass over all of them.

use std::hint::black_box;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use windlass_links::History;

use super::nest::Nest;
use crate::bytes::Corrupt;
use crate::column::BLOCK;
use crate::compact::Progress;
use crate::error::{IndexError, check};
use crate::facts::{FactTable, for_each_live, for_each_live_of};
use crate::fetch::AT_ONCE;
use crate::query::LinkDates;
use crate::radix;
use crate::segment::Segment;
use crate::site::SiteBlock;

/// Bytes that a link takes while it is held: its key, room to sort it in, what the vector that it is in has to
/// spare, and its key where it waits for links before it.
pub(super) const LINK_BYTES: usize = 32;
/// One of so many links is in the sample, at most.
const SAMPLED: usize = 1 << 6;
/// And so many are at most.
const SAMPLE_MAX: usize = 1 << 20;
/// Links that are read, or given, or groups that are written, by a thread before it looks whether it has to make way:
/// some milliseconds.
pub(super) const STRIDE: usize = 1 << 16;

/// How far the part of a site is, of which so many units are told as its links are gone through, time after time.
pub(super) struct Share<'a> {
    progress: &'a dyn Progress,
    units: u64,
    /// How many links are gone through in all, about.
    links: u64,
    gone_through: AtomicU64,
    told: AtomicU64,
}

impl<'a> Share<'a> {
    /// Of a site with so many links, which are gone through so many times.
    pub(super) fn new(progress: &'a dyn Progress, links: u64, times: u64) -> Self {
        Self {
            progress,
            units: links,
            links: links.saturating_mul(times).max(1),
            gone_through: AtomicU64::new(0),
            told: AtomicU64::new(0),
        }
    }

    fn went_through(&self, links: usize) {
        let links = links as u64;
        let done = self.gone_through.fetch_add(links, Ordering::Relaxed) + links;
        let share = u128::from(done) * u128::from(self.units) / u128::from(self.links);
        let due = u64::try_from(share).map_or(self.units, |due| due.min(self.units));
        let told = self.told.fetch_max(due, Ordering::Relaxed);
        // Told where nothing is new, too: but only so a merge in the background finds out that it may have to make way.
        self.progress.readied(due.saturating_sub(told));
    }

    /// All is done, however many times that took.
    pub(super) fn finish(self) {
        self.progress.readied(self.units - self.told.into_inner());
    }
}

/// Who looks on while a part is made ready, and may stop that, from any thread.
#[derive(Clone, Copy)]
pub(super) struct Watch<'a> {
    pub(super) share: &'a Share<'a>,
    pub(super) cancel: &'a AtomicBool,
}

impl Watch<'_> {
    /// Makes way, where somebody asks for that: rests, or ends with [`IndexError::Cancelled`].
    pub(super) fn look(&self) -> Result<(), IndexError> {
        self.look_before(0)
    }

    /// The same, before so many links are gone through.
    fn look_before(&self, links: usize) -> Result<(), IndexError> {
        self.share.went_through(links);
        check(self.cancel)
    }
}

/// The links of a site.
#[derive(Clone, Copy)]
pub(super) struct SiteLinks<'a> {
    pub(super) segment: &'a Segment,
    pub(super) block: &'a SiteBlock<'a>,
    pub(super) table: &'a FactTable,
    pub(super) watch: Watch<'a>,
}

impl<'a> SiteLinks<'a> {
    /// Says where damage was found.
    pub(super) fn wrong(&self) -> impl Fn(Corrupt) -> IndexError + use<'a> {
        let segment = self.segment;
        move |corrupt| segment.corrupt(corrupt)
    }

    fn place_bits(&self) -> u32 {
        radix::bits_below(self.block.pages.len())
    }

    /// Counts the live ones of links that lie one behind the other, a range of places in the block at each call,
    /// and takes a sample of them.
    pub(super) fn counter<'s>(
        &'s self,
        sample: &'s mut Sample,
    ) -> impl FnMut(Range<usize>) -> Result<u32, IndexError> + use<'a, 's> {
        let mut block = self.block.clone();
        let mut dates = LinkDates::new(self.segment, History::Live);
        let place_bits = self.place_bits();
        move |mut links| {
            let before = sample.links;
            while !links.is_empty() {
                // Of few links to each of many urls, and of many to one, as often.
                if links.start.is_multiple_of(STRIDE) {
                    self.watch.look_before(STRIDE)?;
                }
                let stop = links.end.min((links.start / STRIDE + 1) * STRIDE);
                let some = links.start..stop;
                for_each_live(
                    &mut block,
                    self.table,
                    &mut dates,
                    some,
                    |fold, place, _| {
                        sample.link(u64::from(fold) << place_bits | u64::from(place));
                        Ok::<(), Corrupt>(())
                    },
                )
                .map_err(self.wrong())?;
                links.start = stop;
            }
            // A block has less than 2^32 links.
            Ok((sample.links - before) as u64 as u32)
        }
    }
}

/// Some of the live links: how the order of all is spread.
#[derive(Debug)]
pub(super) struct Sample {
    /// One of so many links is in it.
    step: usize,
    /// What orders them.
    orders: Vec<u64>,
    /// How many links there are.
    links: usize,
}

impl Sample {
    /// Of links of which so many may be held at a time.
    pub(super) fn new(held_max: usize) -> Self {
        Self {
            step: (held_max / 16).clamp(1, SAMPLED),
            orders: Vec::new(),
            links: 0,
        }
    }

    #[inline]
    fn link(&mut self, order: u64) {
        if self.links.is_multiple_of(self.step) {
            if self.orders.len() >= SAMPLE_MAX {
                self.thin();
            }
            self.orders.push(order);
        }
        self.links += 1;
    }

    /// Leaves every other one.
    #[cold]
    fn thin(&mut self) {
        let mut keep = false;
        self.orders.retain(|_| {
            keep = !keep;
            keep
        });
        self.step *= 2;
    }
}

/// A live link.
#[derive(Debug, Clone, Copy)]
pub(super) struct Link {
    /// Number of the folded anchor.
    pub(super) fold: u32,
    /// The page's place in the site block.
    pub(super) place: u32,
    /// The innermost node that has its url, or a number that no node has.
    pub(super) node: u32,
    /// Number of the page's registrable domain.
    pub(super) domain: u32,
    pub(super) first_seen: u32,
    pub(super) last_visited: u32,
    /// How many links of its anchor are before it in the pass, or before the first one of its page with the same dates.
    pub(super) number: u32,
}

/// The live links of a site with nodes, to be gone through in order.
pub(super) struct LinksInOrder<'a> {
    site: SiteLinks<'a>,
    pub(super) nest: &'a Nest,
    /// First link, and the innermost node, of each stretch of the nest.
    stretches: Vec<(usize, u32)>,
    place_bits: u32,
    node_bits: u32,
}

/// What orders links, fold and page's place in one number, from one to another one.
pub(super) type Orders = std::ops::RangeInclusive<u64>;

/// The links of a pass, in order.
#[derive(Debug, Default)]
pub(super) struct Sorted {
    /// The order of a link, above the least one of the pass, and its node in the lowest bits.
    keys: Vec<u64>,
    least: u64,
    node_bits: u32,
    /// Key and dates of those that have dates of their own, in order.
    dated: Vec<(u64, u32, u32)>,
}

impl Sorted {
    /// What orders the link with a key.
    #[inline]
    fn order(&self, key: u64) -> u64 {
        (key >> self.node_bits) + self.least
    }

    /// Bytes of memory.
    pub(super) fn memory(&self) -> usize {
        self.keys.capacity() * size_of::<u64>()
            + self.dated.capacity() * size_of::<(u64, u32, u32)>()
    }
}

impl<'a> LinksInOrder<'a> {
    /// Of a site with nodes that are nested so.
    pub(super) fn new(site: SiteLinks<'a>, nest: &'a Nest) -> Result<Self, IndexError> {
        let mut hrefs = site.block.hrefs.clone();
        let link = |(url, node): &(u32, u32)| Ok((hrefs.start(*url as usize)?, *node));
        let stretches: Result<_, Corrupt> = nest.stretches().iter().map(link).collect();
        Ok(Self {
            stretches: stretches.map_err(site.wrong())?,
            place_bits: site.place_bits(),
            // One more, of links that are in none.
            node_bits: radix::bits_below(nest.nodes() + 1),
            site,
            nest,
        })
    }

    /// Calls `each` with the live links to forms in a range, as they lie in the block: stretch, node, fold, page's
    /// place, and dates where they have some of their own.
    fn for_each(
        &self,
        forms: &Range<u32>,
        mut each: impl FnMut((u32, u32), u32, u32, Option<(u32, u32)>),
    ) -> Result<(), IndexError> {
        let SiteLinks {
            segment,
            block,
            table,
            watch,
        } = self.site;
        let all = block.hrefs.len();
        let mut block = block.clone();
        let mut dates = LinkDates::new(segment, History::Live);
        let ends = self.stretches.iter().skip(1).map(|(first, _)| *first);
        let stretches = self.stretches.iter().zip(ends.chain([all]));
        for (stretch, ((first, node), end)) in (0u32..).zip(stretches) {
            for start in (*first..end).step_by(STRIDE) {
                let some = start..end.min(start + STRIDE);
                watch.look_before(some.len())?;
                for_each_live_of(
                    &mut block,
                    table,
                    &mut dates,
                    some,
                    |form| forms.contains(&form),
                    |fold, place, own| {
                        each((stretch, *node), fold, place, own);
                        Ok::<(), Corrupt>(())
                    },
                )
                .map_err(self.site.wrong())?;
            }
        }
        Ok(())
    }

    fn order(&self, fold: u32, place: u32) -> u64 {
        u64::from(fold) << self.place_bits | u64::from(place)
    }

    fn fold_and_place(&self, order: u64) -> (u32, u32) {
        let place = order & ((1 << self.place_bits) - 1);
        ((order >> self.place_bits) as u32, place as u32)
    }

    /// How many distinct pages link to each node.
    pub(super) fn refpages(&self) -> Result<Vec<u32>, IndexError> {
        let nodes = self.nest.nodes();
        // For each node its first stretch; for each page the last stretch that it links to, from 1.
        let mut firsts = vec![u32::MAX; nodes];
        for (stretch, (_, node)) in (0u32..).zip(&self.stretches) {
            for node in self.nest.from(*node) {
                if let Some(first) = firsts.get_mut(node as usize) {
                    *first = (*first).min(stretch);
                }
            }
        }
        let mut lasts = vec![0u32; self.site.block.pages.len()];
        let mut refpages = vec![0u32; nodes];
        let mut some: Vec<u32> = Vec::with_capacity(AT_ONCE);
        let mut of_stretch = (0, 0);
        let mut count = |(stretch, node): (u32, u32), places: &mut Vec<u32>| {
            let last = |place: &u32| lasts.get(*place as usize).copied().unwrap_or_default();
            black_box(places.iter().map(last).fold(0, |a, last| a ^ last));
            for place in places.drain(..) {
                let Some(last) = lasts.get_mut(place as usize) else {
                    continue;
                };
                let last = std::mem::replace(last, stretch + 1);
                if last == stretch + 1 {
                    continue;
                }
                for node in self.nest.from(node) {
                    // What is around a node that has the page has it too.
                    if firsts.get(node as usize).is_some_and(|first| last > *first) {
                        break;
                    }
                    if let Some(refpages) = refpages.get_mut(node as usize) {
                        *refpages += 1;
                    }
                }
            }
        };
        self.for_each(&(0..u32::MAX), |stretch, _, place, _| {
            if stretch != of_stretch || some.len() == AT_ONCE {
                count(of_stretch, &mut some);
                of_stretch = stretch;
            }
            some.push(place);
        })?;
        count(of_stretch, &mut some);
        Ok(refpages)
    }

    /// Ranges of the order, at least so many where there are links enough, that have at most about so many links
    /// each, unless these are of one anchor on one page.
    pub(super) fn passes(&self, sample: Sample, least: usize, held_max: usize) -> Vec<Orders> {
        let passes = sample.links.div_ceil(held_max.max(1)).max(least);
        let mut sample = sample.orders;
        sample.sort_unstable();
        let mut all = Vec::with_capacity(passes);
        // A key has room for so much above the least.
        let span_max = u64::MAX >> self.node_bits;
        let mut add = |mut first: u64, last: u64| {
            while last - first > span_max {
                all.push(first..=first + span_max);
                first += span_max + 1;
            }
            all.push(first..=last);
        };
        let mut first = 0;
        for pass in 1..passes {
            let at = sample.len() as u128 * pass as u128 / passes as u128;
            let Some(end) = sample.get(at as usize) else {
                continue;
            };
            if *end > first {
                add(first, end - 1);
                first = *end;
            }
        }
        let folds = self.site.block.forms.len() as u64;
        let end = u128::from(folds) << self.place_bits;
        let last = u64::try_from(end.saturating_sub(1)).unwrap_or(u64::MAX);
        add(first, last.max(first));
        all
    }

    /// The links in a range of the order, sorted.
    pub(super) fn sorted(&self, orders: &Orders) -> Result<Sorted, IndexError> {
        let table = self.site.table;
        let (first_fold, _) = self.fold_and_place(*orders.start());
        let (last_fold, _) = self.fold_and_place(*orders.end());
        let end_form = match last_fold.checked_add(1) {
            Some(fold) => table.folds.first_form(fold),
            None => u32::MAX,
        };
        let forms = table.folds.first_form(first_fold)..end_form;
        let least = *orders.start();
        let mut sorted = Sorted {
            least,
            node_bits: self.node_bits,
            ..Sorted::default()
        };
        self.for_each(&forms, |(_, node), fold, place, own| {
            let order = self.order(fold, place);
            if !orders.contains(&order) {
                return;
            }
            let key = (order - least) << self.node_bits | u64::from(node);
            sorted.keys.push(key);
            if let Some((first_seen, last_visited)) = own {
                sorted.dated.push((key, first_seen, last_visited));
            }
        })?;
        let most = sorted.keys.iter().max().copied().unwrap_or_default();
        radix::sort(&mut sorted.keys, u64::BITS - most.leading_zeros());
        sorted.dated.sort_unstable();
        Ok(sorted)
    }

    /// Calls `each` with sorted links.
    pub(super) fn for_each_sorted(
        &self,
        sorted: &Sorted,
        mut each: impl FnMut(&Link),
    ) -> Result<(), IndexError> {
        let mut dated = sorted.dated.iter().peekable();
        let mut facts = Vec::with_capacity(BLOCK);
        let mut numbers = LinkNumbers::new(sorted, self.place_bits);
        for (n, keys) in sorted.keys.chunks(BLOCK).enumerate() {
            if n.is_multiple_of(STRIDE / BLOCK) {
                let left = sorted.keys.len() - n * BLOCK;
                self.site.watch.look_before(left.min(STRIDE))?;
            }
            // All at once, so that waiting for one is waiting for all.
            facts.clear();
            for key in keys {
                let (fold, place) = self.fold_and_place(sorted.order(*key));
                let fact = self.site.table.fact(place).map_err(self.site.wrong())?;
                facts.push((fold, place, fact));
            }
            for (key, (fold, place, fact)) in keys.iter().zip(&facts) {
                let own = dated.next_if(|(of, ..)| of == key);
                let own = own.map(|(_, first_seen, last_visited)| (*first_seen, *last_visited));
                let number = numbers.next(own);
                let (first_seen, last_visited) = match own {
                    Some(own) => own,
                    None => fact.dates().map_err(self.site.wrong())?,
                };
                each(&Link {
                    fold: *fold,
                    place: *place,
                    node: (key & ((1 << self.node_bits) - 1)) as u32,
                    domain: fact.domain,
                    first_seen,
                    last_visited,
                    number,
                });
            }
        }
        Ok(())
    }

    /// The anchors of the first and of the last link, with how many links each has there.
    pub(super) fn ends(&self, sorted: &Sorted) -> Option<[(u32, u32); 2]> {
        let fold = |key: &u64| self.fold_and_place(sorted.order(*key)).0;
        let (first, last) = (fold(sorted.keys.first()?), fold(sorted.keys.last()?));
        let of_first = sorted.keys.partition_point(|key| fold(key) == first);
        let before_last = sorted.keys.partition_point(|key| fold(key) < last);
        // A block has less than 2^32 links.
        let number = |n: usize| n as u64 as u32;
        let of_last = sorted.keys.len() - before_last;
        Some([(first, number(of_first)), (last, number(of_last))])
    }

    /// Calls `each` with sorted links as far as they are in the ready-made order: fold, page's place, and dates
    /// where they have some of their own. Of links of one anchor on one page it does not matter which has which
    /// dates: the first ones have them, in their order, which [`LinkNumbers`] knows.
    pub(super) fn for_each_ordered(
        &self,
        sorted: &Sorted,
        mut each: impl FnMut(u32, u32, Option<(u32, u32)>),
    ) {
        let order = |key: u64| sorted.order(key);
        let mut dated = sorted.dated.as_slice();
        let mut of_page = Vec::new();
        for links in sorted.keys.chunk_by(|a, b| order(*a) == order(*b)) {
            let Some(first) = links.first().map(|key| order(*key)) else {
                continue;
            };
            let n = dated.iter().take_while(|(key, ..)| order(*key) == first);
            let (own, rest) = dated.split_at(n.count());
            dated = rest;
            own_dates(own, &mut of_page);
            let mut own = of_page.drain(..);
            let (fold, place) = self.fold_and_place(first);
            for _ in links {
                each(fold, place, own.next());
            }
        }
    }
}

/// Dates that links of one anchor on one page have of their own, in the order in which they come.
fn own_dates(dated: &[(u64, u32, u32)], own: &mut Vec<(u32, u32)>) {
    own.clear();
    own.extend(dated.iter().map(|(_, from, to)| (*from, *to)));
    own.sort_unstable();
}

/// Numbers the links of each anchor, in the order in which [`LinksInOrder::for_each_ordered`] gives them: of those of one
/// page that have the same dates all as the first of them.
struct LinkNumbers<'s> {
    sorted: &'s Sorted,
    place_bits: u32,
    next: usize,
    /// The first link of the anchor, and of the page.
    fold: usize,
    page: usize,
    /// The dates of links of the page, where it has several and some have their own.
    own: Vec<(u32, u32)>,
    dated: &'s [(u64, u32, u32)],
}

impl<'s> LinkNumbers<'s> {
    fn new(sorted: &'s Sorted, place_bits: u32) -> Self {
        Self {
            sorted,
            place_bits,
            next: 0,
            fold: 0,
            page: 0,
            own: Vec::new(),
            dated: &sorted.dated,
        }
    }

    /// What orders a link.
    fn order(&self, at: usize) -> Option<u64> {
        let key = self.sorted.keys.get(at)?;
        Some(self.sorted.order(*key))
    }

    /// The number of the next link, which has these dates or those of its page.
    #[inline]
    fn next(&mut self, own: Option<(u32, u32)>) -> u32 {
        let at = self.next;
        self.next += 1;
        let order = self.order(at);
        let before = at.checked_sub(1).and_then(|before| self.order(before));
        if before != order {
            self.page = at;
            let fold = |order: Option<u64>| order.map(|order| order >> self.place_bits);
            if fold(before) != fold(order) {
                self.fold = at;
            }
            self.own.clear();
            if !self.dated.is_empty() && self.order(self.next) == order {
                self.begin_page(order);
            }
        }
        let among = match own {
            Some(own) => self.own.partition_point(|dates| *dates < own),
            None => self.own.len(),
        };
        // A block has less than 2^32 links.
        (self.page - self.fold + among) as u64 as u32
    }

    /// The links of a page are several.
    #[cold]
    fn begin_page(&mut self, order: Option<u64>) {
        let of = |key: u64| Some(self.sorted.order(key));
        let start = self.dated.partition_point(|(key, ..)| of(*key) < order);
        let (_, rest) = self.dated.split_at(start);
        let n = rest.partition_point(|(key, ..)| of(*key) == order);
        let (own, rest) = rest.split_at(n);
        own_dates(own, &mut self.own);
        self.dated = rest;
    }
}
