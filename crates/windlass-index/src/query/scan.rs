//! The rows of a target inside one site of one segment, made as they are read.
//!
//! Five ways lead to them, the first that applies is taken: finished groups, for a range of urls that
//! many links lead to; the rows of the range, where they are kept because it is asked about again; the
//! links of the whole site in the order of the report, ready-made; the links of the range in the
//! order of the block, gathered and sorted; and, of other histories than `live`, these links looked up with nothing prepared. The
//! last three are divided into parts by folds, so that several threads work at once and none holds more than
//! [`Tuning::part_links_max`] links. Where only some anchors are asked about, the links of the others
//! are neither sorted nor looked up.

mod counts;
mod facts;
mod gathered;
mod kept;
mod ordered;
mod select;

use std::iter;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use windlass_links::History;

use super::groups::{KeptOrders, Lone};
use super::parts::{in_parts, threads};
use super::{ReadyGroups, Tuning};
use crate::bits::BitSet;
use crate::bytes::Corrupt;
use crate::error::{IndexError, check};
use crate::facts::FactTable;
use crate::ready::Ready;
use crate::row_table::RowKey;
use crate::rows::{RowChoice, RowVisitor, TargetRows, Texts};
use crate::segment::{Segment, SitePlace};
use crate::sink::{Hit, PageSet, Sink};
use crate::site::SiteBlock;
use ordered::{ordered, ordered_of};

/// How many links are read between looks at the stop flag.
const STRIDE: usize = 1 << 14;
/// Bytes that a link takes while it is gathered and sorted, in two vectors and room to sort in.
const LINK_BYTES: usize = 24;

/// What is to be read.
#[derive(Debug)]
pub(crate) struct Scan {
    segment: Arc<Segment>,
    site: SitePlace,
    /// Places of the urls, and of the links to them.
    urls: Vec<Range<usize>>,
    links: Vec<Range<usize>>,
    history: History,
    tuning: Tuning,
    /// What its rows are kept by, where they may be.
    key: Option<Arc<RowKey>>,
}

impl Scan {
    pub(crate) fn new(
        segment: Arc<Segment>,
        site: SitePlace,
        urls: Vec<Range<usize>>,
        links: Vec<Range<usize>>,
        history: History,
        tuning: Tuning,
    ) -> Self {
        Self {
            key: RowKey::of(&site.key, &links, history, tuning.kept_links_min),
            segment,
            site,
            urls,
            links,
            history,
            tuning,
        }
    }

    fn wrong(&self) -> impl Fn(Corrupt) -> IndexError {
        |corrupt| self.segment.corrupt(corrupt)
    }

    /// How many links a part holds at most, about, so that all threads keep within the question's memory.
    fn part_links_max(&self) -> usize {
        let fit = self.tuning.memory_max / LINK_BYTES / threads();
        self.tuning.part_links_max.min(fit.max(1))
    }

    fn block(&self) -> Result<SiteBlock<'_>, Corrupt> {
        self.segment.site_at(&self.site.key, self.site.offset)
    }

    /// What is ready-made of the site, where the question can use it.
    fn ready(&self) -> Result<Option<Ready<'_>>, Corrupt> {
        match self.history {
            History::Live => self.segment.ready(&self.site.key),
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
            let node = ready.node(urls)?;
            Ok(node.map(|node| (node, ready, urls.clone())))
        };
        let found = found().map_err(self.wrong())?;
        Ok(found.map(|(node, ready, urls)| ReadyGroups {
            segment: Some(&self.segment),
            node,
            lone: Lone::Of(&self.site, Box::new(ready)),
            kept: KeptOrders {
                first: self.segment.first_groups(),
                site_key: &self.site.key,
                urls,
            },
        }))
    }

    pub(crate) fn run<V: RowVisitor>(
        &self,
        rows: &TargetRows,
        choice: &RowChoice,
        visitor: impl Fn() -> V + Sync,
        cancel: &AtomicBool,
    ) -> Result<(Vec<V>, PageSet), IndexError> {
        match self.rows_if_worth(rows, cancel)? {
            Some(table) => self.run_kept(rows, &table, choice, visitor, cancel),
            None => self.read(rows, choice.anchors.as_ref(), visitor, cancel),
        }
    }

    /// Reads the rows of anchors, all or some.
    fn read<V: RowVisitor>(
        &self,
        rows: &TargetRows,
        among: Option<&BitSet>,
        visitor: impl Fn() -> V + Sync,
        cancel: &AtomicBool,
    ) -> Result<(Vec<V>, PageSet), IndexError> {
        let source = self.source(among, cancel)?;
        let at_once = self.part_links_max().saturating_mul(threads());
        if let (None, Some(table)) = (&source.ready, &source.table)
            && source.links <= at_once
        {
            let gathered = source.gather_at_once(table, among, cancel)?;
            let shares = source.shares(&gathered);
            return in_parts(rows, &shares, |folds, texts| {
                let mut sink = source.sink(visitor(), texts);
                source.sort_share(table, &gathered, &folds, &mut sink, cancel)?;
                sink.finish()
            });
        }
        let parts = source.parts(threads()).map_err(self.wrong())?;
        in_parts(rows, &parts, |folds, texts| {
            source.part((folds, among), visitor(), texts, cancel)
        })
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

    /// For the rows of anchors, all or some.
    fn source(
        &self,
        among: Option<&BitSet>,
        cancel: &AtomicBool,
    ) -> Result<Source<'_>, IndexError> {
        let block = self.block().map_err(self.wrong())?;
        let links = self.link_count();
        let is_whole = links == block.hrefs.len();
        let ready = match is_whole {
            true => self.ready().map_err(self.wrong())?,
            false => None,
        };
        let table = self.facts(&block, ready.as_ref(), among, cancel)?;
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
        // Those in the ready-made order are not gathered.
        let links_max = match self.ready {
            Some(_) => self.scan.tuning.part_links_max,
            None => self.scan.part_links_max(),
        };
        let parts = (self.links / self.scan.tuning.part_links_min)
            .min(threads)
            .max(self.links.div_ceil(links_max))
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
                            Some(table) => table.folds.fold(form)?,
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

    fn sink<'t, 'a, V: RowVisitor>(&self, visitor: V, texts: &'t mut Texts<'a>) -> Sink<'t, 'a, V> {
        Sink::new(visitor, texts, self.links, self.block.pages.len())
    }

    /// A part, by its folds, and those of them that are wanted where not all are.
    fn part<V: RowVisitor>(
        &self,
        (folds, among): (Range<u32>, Option<&BitSet>),
        visitor: V,
        texts: &mut Texts<'_>,
        cancel: &AtomicBool,
    ) -> Result<(V, PageSet), IndexError> {
        let mut sink = self.sink(visitor, texts);
        match (&self.ready, &self.table) {
            (Some(ready), Some(table)) => {
                let ready = ready.clone();
                match among {
                    None => ordered(self.scan, ready, table, folds, &mut sink, cancel)?,
                    Some(among) => {
                        let wanted = (among, folds);
                        ordered_of(self.scan, ready, table, wanted, &mut sink, cancel)?;
                    }
                }
            }
            (_, Some(table)) => self.gathered(table, (&folds, among), &mut sink, cancel)?,
            (_, None) => {
                let wants =
                    |fold| folds.contains(&fold) && among.is_none_or(|among| among.contains(fold));
                let hits = self.direct(&wants, cancel)?;
                for hit in hits {
                    sink.link(hit)?;
                }
            }
        }
        sink.finish()
    }

    /// Links of the range, each looked up by itself: for a few among many pages, and for other
    /// histories than `live`.
    fn direct(
        &self,
        wants: &dyn Fn(u32) -> bool,
        cancel: &AtomicBool,
    ) -> Result<Vec<Hit>, IndexError> {
        let scan = &self.scan;
        let mut hits = super::direct::hits(
            (&scan.segment, &self.block),
            scan.history,
            &scan.links,
            wants,
            cancel,
        )?;
        Hit::sort(&mut hits);
        Ok(hits)
    }
}
