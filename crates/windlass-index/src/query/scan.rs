//! The rows of a target inside one site of one segment, made as they are read.
//!
//! Three ways lead to them, the first that applies is taken: finished groups, for a range of urls that
//! many links lead to; the links of the whole site in the order of the report, ready-made; and the
//! links of the range in the order of the block, gathered and sorted. The last two are divided into
//! parts by folds, so that several threads work at once and none holds more than
//! [`Tuning::part_links_max`] links.

mod counts;

use std::iter;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use windlass_links::History;

use super::groups::KeptOrders;
use super::parts::{in_parts, threads};
use super::{LinkDates, ReadyGroups, Tuning};
use crate::bytes::Corrupt;
use crate::column::{BLOCK, Column};
use crate::error::IndexError;
use crate::facts::{FactTable, for_each_live};
use crate::radix;
use crate::ready::Ready;
use crate::rows::{RowVisitor, TargetRows, Texts};
use crate::segment::Segment;
use crate::sink::{Hit, PageSet, Sink};
use crate::site::SiteBlock;

/// How many links are read between looks at the stop flag.
const STRIDE: usize = 1 << 14;

/// What is to be read.
#[derive(Debug)]
pub(crate) struct Scan {
    segment: Arc<Segment>,
    site_key: Vec<u8>,
    /// Places of the urls, and of the links to them.
    urls: Vec<Range<usize>>,
    links: Vec<Range<usize>>,
    history: History,
    tuning: Tuning,
}

impl Scan {
    pub(crate) fn new(
        segment: Arc<Segment>,
        site_key: Vec<u8>,
        urls: Vec<Range<usize>>,
        links: Vec<Range<usize>>,
        history: History,
        tuning: Tuning,
    ) -> Self {
        Self {
            segment,
            site_key,
            urls,
            links,
            history,
            tuning,
        }
    }

    fn wrong(&self) -> impl Fn(Corrupt) -> IndexError {
        |corrupt| self.segment.corrupt(corrupt)
    }

    fn block(&self) -> Result<SiteBlock<'_>, Corrupt> {
        self.segment
            .site(&self.site_key)?
            .ok_or(Corrupt("a site's key"))
    }

    /// What is ready-made of the site, where the question can use it.
    fn ready(&self) -> Result<Option<Ready<'_>>, Corrupt> {
        match self.history {
            History::Live => self.segment.ready(&self.site_key),
            History::Since(_) | History::AllTime => Ok(None),
        }
    }

    pub(crate) fn ready_groups(&self) -> Result<Option<ReadyGroups<'_>>, IndexError> {
        let found = || {
            let [urls] = self.urls.as_slice() else {
                return Ok(None);
            };
            let Some(mut ready) = self.ready()? else {
                return Ok(None);
            };
            Ok(ready.node(urls)?.map(|node| (node, urls.clone())))
        };
        let node = found().map_err(self.wrong())?;
        Ok(node.map(|(node, urls)| ReadyGroups {
            segment: Some(&self.segment),
            node,
            kept: KeptOrders {
                first: self.segment.first_groups(),
                site_key: &self.site_key,
                urls,
            },
        }))
    }

    pub(crate) fn run<V: RowVisitor>(
        &self,
        rows: &TargetRows,
        visitor: impl Fn() -> V + Sync,
        cancel: &AtomicBool,
    ) -> Result<(Vec<V>, PageSet), IndexError> {
        let source = self.source().map_err(self.wrong())?;
        let parts = source.parts(threads()).map_err(self.wrong())?;
        in_parts(rows, &parts, |folds, texts| {
            source.part(folds, visitor(), texts, cancel)
        })
    }

    /// [`run`](Self::run) on this thread, to the end, for visitors that look at no text.
    pub(crate) fn run_alone<V: RowVisitor>(
        &self,
        visitor: impl Fn() -> V,
    ) -> Result<(Vec<V>, u64), IndexError> {
        let source = self.source().map_err(self.wrong())?;
        let mut texts = Texts::of_site(&self.segment, &self.site_key).map_err(self.wrong())?;
        let (mut visitors, mut pages) = (Vec::new(), None::<PageSet>);
        for folds in source.parts(1).map_err(self.wrong())? {
            let (done, more) =
                source.part(folds, visitor(), &mut texts, &AtomicBool::new(false))?;
            visitors.push(done);
            pages = Some(match pages.take() {
                Some(pages) => pages.union(more),
                None => more,
            });
        }
        Ok((visitors, pages.map_or(0, PageSet::count)))
    }

    /// The registrable domains of pages, which are numbered as in the block.
    pub(crate) fn domains_of_pages(
        &self,
    ) -> Result<impl FnMut(u32) -> Result<u32, IndexError>, IndexError> {
        let mut pages = self.block().map_err(self.wrong())?.pages;
        let domains = self.segment.domains().map_err(self.wrong())?;
        Ok(move |place: u32| {
            let page = pages.get(place as usize).map_err(self.wrong())?;
            domains.of_page(page).map_err(self.wrong())
        })
    }

    fn source(&self) -> Result<Source<'_>, Corrupt> {
        let block = self.block()?;
        let links: usize = self.links.iter().map(ExactSizeIterator::len).sum();
        let is_whole = links == block.hrefs.len();
        let ready = if is_whole { self.ready()? } else { None };
        let table = match self.history {
            History::Live if ready.is_some() => Some(self.segment.facts(&self.site_key, &block)?),
            History::Live => self.segment.facts_if_worth(&self.site_key, &block, links)?,
            History::Since(_) | History::AllTime => None,
        };
        Ok(Source {
            scan: self,
            block,
            ready,
            table,
            links,
        })
    }
}

/// Where the links come from.
struct Source<'a> {
    scan: &'a Scan,
    block: SiteBlock<'a>,
    ready: Option<Ready<'a>>,
    table: Option<Arc<FactTable>>,
    /// How many links there are in the range, lost ones included.
    links: usize,
}

impl Source<'_> {
    /// Ranges of folds that together have all links, each about as many.
    fn parts(&self, threads: usize) -> Result<Vec<Range<u32>>, Corrupt> {
        let folds = self.block.fold_count();
        let fold = |n: usize| u32::try_from(n).map_err(|_| Corrupt("the number of folds"));
        let parts = (self.links / self.scan.tuning.part_links_min)
            .min(threads)
            .max(self.links.div_ceil(self.scan.tuning.part_links_max))
            .max(1);
        if parts == 1 {
            return Ok(iter::once(0..fold(folds)?).collect());
        }
        let mut bounds = vec![0];
        if let Some(ready) = &self.ready {
            let mut starts = ready.starts.clone();
            for part in 1..parts {
                let link = fold(ready.pages.len() / parts * part)?;
                bounds.push(fold(starts.lower_bound(link)?)?);
            }
        } else {
            // Counted in stretches of neighbouring folds.
            let width = folds.div_ceil(1 << 12).max(1);
            let mut counts = vec![0usize; folds.div_ceil(width)];
            let mut block = self.block.clone();
            let mut forms = Vec::new();
            for links in &self.scan.links {
                for start in links.clone().step_by(STRIDE) {
                    forms.clear();
                    let end = links.end.min(start + STRIDE);
                    block.hrefs.forms.append(start..end, &mut forms)?;
                    for &form in &forms {
                        let of = match &self.table {
                            Some(table) => table.fold(form)?,
                            None => block.fold_of(form)?,
                        };
                        if let Some(count) = counts.get_mut(of as usize / width) {
                            *count += 1;
                        }
                    }
                }
            }
            let mut sum = 0;
            for (i, count) in counts.iter().enumerate() {
                if sum >= self.links / parts * bounds.len() && bounds.len() < parts {
                    bounds.push(fold(i * width)?);
                }
                sum += count;
            }
        }
        bounds.push(fold(folds)?);
        let pairs = bounds.windows(2).filter_map(|pair| match pair {
            &[start, end] if start < end => Some(start..end),
            _ => None,
        });
        Ok(pairs.collect())
    }

    fn part<V: RowVisitor>(
        &self,
        folds: Range<u32>,
        visitor: V,
        texts: &mut Texts<'_>,
        cancel: &AtomicBool,
    ) -> Result<(V, PageSet), IndexError> {
        let mut sink = Sink::new(visitor, texts, self.links, self.block.pages.len());
        match (&self.ready, &self.table) {
            (Some(ready), Some(table)) => {
                ordered(self.scan, ready.clone(), table, folds, &mut sink, cancel)?;
            }
            (_, Some(table)) => self.gathered(table, &folds, &mut sink, cancel)?,
            (_, None) => {
                let hits = self.direct(&folds, cancel)?;
                for hit in hits {
                    sink.link(hit)?;
                }
            }
        }
        sink.finish()
    }

    /// Live links of the range, from the columns, sorted as integers.
    fn gathered<V: RowVisitor>(
        &self,
        table: &FactTable,
        folds: &Range<u32>,
        sink: &mut Sink<'_, '_, V>,
        cancel: &AtomicBool,
    ) -> Result<(), IndexError> {
        let wrong = self.scan.wrong();
        let mut block = self.block.clone();
        let mut dates = LinkDates::new(&self.scan.segment, self.scan.history);
        let place_bits = radix::bits_below(block.pages.len());
        let is_all = folds.len() == block.fold_count();
        let mut keys: Vec<u64> = Vec::with_capacity(if is_all { self.links } else { 0 });
        let mut dated: Vec<(u64, u32, u32)> = Vec::new();
        let (mut last, mut is_sorted) = (0, true);
        for links in &self.scan.links {
            for start in links.clone().step_by(STRIDE) {
                check(cancel)?;
                let some = start..links.end.min(start + STRIDE);
                let taken =
                    for_each_live(&mut block, table, &mut dates, some, |fold, place, own| {
                        if !folds.contains(&fold) {
                            return Ok(());
                        }
                        let key = u64::from(fold - folds.start) << place_bits | u64::from(place);
                        is_sorted &= last <= key;
                        last = key;
                        keys.push(key);
                        if let Some((first_seen, last_visited)) = own {
                            dated.push((key, first_seen, last_visited));
                        }
                        Ok::<(), Corrupt>(())
                    });
                taken.map_err(&wrong)?;
            }
        }
        if !is_sorted {
            radix::sort(&mut keys, place_bits + radix::bits_below(folds.len()));
        }
        dated.sort_unstable();
        let mut dated = dated.into_iter().peekable();
        let place_of = |key: u64| (key & ((1 << place_bits) - 1)) as u32;
        let mut facts = Vec::with_capacity(BLOCK);
        for keys in keys.chunks(BLOCK) {
            // All at once, so that waiting for one is waiting for all.
            facts.clear();
            for key in keys {
                facts.push(table.fact(place_of(*key)).map_err(&wrong)?);
            }
            for (key, fact) in keys.iter().zip(&facts) {
                let (first_seen, last_visited) = match dated.next_if(|(of, ..)| of == key) {
                    Some((_, first_seen, last_visited)) => (first_seen, last_visited),
                    None => fact.dates().map_err(&wrong)?,
                };
                sink.link(Hit {
                    fold: (key >> place_bits) as u32 + folds.start,
                    page: place_of(*key),
                    domain: fact.domain,
                    first_seen,
                    last_visited,
                })?;
            }
        }
        Ok(())
    }

    /// Links of the range, each looked up by itself: for a few among many pages, and for other
    /// histories than `live`.
    fn direct(&self, folds: &Range<u32>, cancel: &AtomicBool) -> Result<Vec<Hit>, IndexError> {
        let mut hits = Vec::new();
        for links in &self.scan.links {
            for start in links.clone().step_by(STRIDE) {
                check(cancel)?;
                let some = start..links.end.min(start + STRIDE);
                let (segment, history) = (&self.scan.segment, self.scan.history);
                super::direct::append(segment, &self.block, history, some, folds, &mut hits)
                    .map_err(self.scan.wrong())?;
            }
        }
        hits.sort_unstable_by_key(|hit| (hit.fold, hit.page));
        Ok(hits)
    }
}

fn check(cancel: &AtomicBool) -> Result<(), IndexError> {
    if cancel.load(Ordering::Relaxed) {
        Err(IndexError::Cancelled)
    } else {
        Ok(())
    }
}

/// The links of a range of folds, in the ready-made order.
fn ordered<V: RowVisitor>(
    scan: &Scan,
    mut ready: Ready<'_>,
    table: &FactTable,
    folds: Range<u32>,
    sink: &mut Sink<'_, '_, V>,
    cancel: &AtomicBool,
) -> Result<(), IndexError> {
    let wrong = scan.wrong();
    let mut fold = folds.start;
    let start = ready.start(fold as usize).map_err(&wrong)?;
    let end = ready.start(folds.end as usize).map_err(&wrong)?;
    let mut fold_end = start;
    let mut at = lower_bound(&mut ready.dated.links, start).map_err(&wrong)?;
    let mut dated = next_dated(&mut ready.dated.links, at).map_err(&wrong)?;
    let mut starts = ready.starts.clone();
    let mut link = start;
    // The fold of the first link is the first one that does not end before it.
    let mut next_fold = |fold: &mut u32, link: usize| -> Result<usize, Corrupt> {
        loop {
            let next = *fold as usize + 1;
            let end = if next < starts.len() {
                starts.get(next)? as usize
            } else {
                usize::MAX
            };
            if end > link {
                return Ok(end);
            }
            *fold += 1;
        }
    };
    let mut facts = Vec::with_capacity(BLOCK);
    while link < end {
        check(cancel)?;
        let block = link / BLOCK;
        let first = block * BLOCK;
        let values = ready.pages.block(block).map_err(&wrong)?;
        let values = values.get(..(end - first).min(values.len()));
        let values = values.unwrap_or_default();
        if values.len() <= link - first {
            return Err(wrong(Corrupt("the links of a site")));
        }
        facts.clear();
        while let Some(&place) = values.get(link - first) {
            if link >= fold_end {
                fold_end = next_fold(&mut fold, link).map_err(&wrong)?.min(end);
                if !sink.wants(fold)? {
                    link = fold_end;
                    at = lower_bound(&mut ready.dated.links, link).map_err(&wrong)?;
                    dated = next_dated(&mut ready.dated.links, at).map_err(&wrong)?;
                    continue;
                }
            }
            if facts.is_empty() {
                // All at once, so that waiting for one is waiting for all.
                for place in values {
                    facts.push(table.fact(*place).map_err(&wrong)?);
                }
            }
            let fact = facts.get(link - first).copied();
            let fact = fact.ok_or(Corrupt("a page's place")).map_err(&wrong)?;
            let (first_seen, last_visited) = if dated == Some(link) {
                let own = (
                    ready.dated.first_seen.at(at).map_err(&wrong)?,
                    ready.dated.last_visited.at(at).map_err(&wrong)?,
                );
                at += 1;
                dated = next_dated(&mut ready.dated.links, at).map_err(&wrong)?;
                own
            } else {
                fact.dates().map_err(&wrong)?
            };
            sink.link(Hit {
                fold,
                page: place,
                domain: fact.domain,
                first_seen,
                last_visited,
            })?;
            link += 1;
        }
    }
    Ok(())
}

fn lower_bound(links: &mut Column<'_>, link: usize) -> Result<usize, Corrupt> {
    links.lower_bound(u32::try_from(link).map_err(|_| Corrupt("a link's number"))?)
}

fn next_dated(links: &mut Column<'_>, at: usize) -> Result<Option<usize>, Corrupt> {
    if at < links.len() {
        Ok(Some(links.at(at)? as usize))
    } else {
        Ok(None)
    }
}
