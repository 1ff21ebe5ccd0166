//! What the index answers for one target: the rows before aggregation (R15).

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use windlass_links::CaptureTime;

use crate::bits::BitSet;
use crate::cache::Memory;
use crate::error::IndexError;
use crate::finished::FinishedGroups;
use crate::intern::Interner;
use crate::query::{ReadyGroups, Scan, Tuning, United};
use crate::range_anchors::RangeAnchors;
use crate::row_table::RowBounds;
use crate::segment::{Segment, SitePlace};
use crate::sink::{Hit, PageSet, Sink};

pub use crate::texts::Texts;

/// One row for each (folded anchor, refdomain) that a target's backlinks have (R15).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// Number of the folded anchor: see [`Texts::anchor`]. Numbers are in byte order.
    pub anchor: u32,
    /// Number of the referring domain: see [`Texts::refdomain`]. Numbers are in no order that means
    /// anything, and below [`TargetRows::refdomain_limit`].
    pub refdomain: u32,
    /// Number of backlinks.
    pub backlinks: u64,
    /// Number of distinct page URLs.
    pub refpages: u64,
    /// Earliest `first_seen` of its backlinks (R13).
    pub first_seen: CaptureTime,
    /// Latest `last_visited` of its backlinks (R13).
    pub last_visited: CaptureTime,
}

/// What takes the rows of a part of a scan.
pub trait RowVisitor: Send {
    /// Takes a row; whether its pages are among those to be counted (R18). Rows come ordered by
    /// anchor, and all of one anchor come to one visitor.
    ///
    /// # Errors
    /// What reading texts gives.
    fn row(&mut self, row: &Row, texts: &mut Texts<'_>) -> Result<bool, IndexError>;

    /// Takes the pages of the row before: their numbers among the pages that link to the site.
    #[doc(hidden)]
    fn pages(&mut self, pages: &[u32]) {
        let _ = pages;
    }

    /// Whether the rows of an anchor are to come: asked before the first of them.
    ///
    /// # Errors
    /// What reading texts gives.
    fn wants(&mut self, anchor: u32, texts: &mut Texts<'_>) -> Result<bool, IndexError> {
        let _ = (anchor, texts);
        Ok(true)
    }
}

/// Which rows of a target a scan is to be about. Others may come all the same; a visitor is to look.
#[derive(Debug, Clone, Default)]
pub struct RowChoice {
    /// Those of some anchors, that [`select_anchors`](TargetRows::select_anchors) gave; or of all.
    pub anchors: Option<BitSet>,
    /// Those whose numbers lie within.
    pub bounds: RowBounds,
}

/// The rows of one target. They are made as they are read, by [`scan`](Self::scan), and where they
/// are many, by several threads; what is ready-made need not be scanned: see
/// [`ready_groups`](Self::ready_groups).
#[derive(Debug)]
pub struct TargetRows {
    pub(crate) links: Links,
    pub(crate) names: Names,
    pub(crate) host_known: bool,
    /// The groups of all rows, where they are kept.
    pub(crate) finished: Option<Arc<FinishedGroups>>,
}

/// The backlinks behind the rows.
#[derive(Debug)]
pub(crate) enum Links {
    /// In memory, ordered by (fold, page); page numbers are below the number given.
    Listed(Arc<Vec<Hit>>, usize),
    /// To be read from a site block.
    Scanned(Scan),
    /// In memory, from several segments.
    United(Arc<United>),
}

/// What numbers of anchors and refdomains mean.
#[derive(Debug)]
pub(crate) enum Names {
    /// In memory.
    Listed {
        anchors: Strings,
        refdomains: Strings,
    },
    /// Folds gathered from several sites, in their order, and registrable domains of a segment.
    Gathered {
        segment: Arc<Segment>,
        folds: Interner,
        order: Vec<u32>,
    },
    /// Folds of a site block, and registrable domains of its segment.
    Site {
        segment: Arc<Segment>,
        site: SitePlace,
        /// The anchors of the target, where they are kept.
        anchors: Option<Arc<RangeAnchors>>,
        tuning: Tuning,
    },
    /// In memory, with the links.
    United(Arc<United>),
}

impl Default for TargetRows {
    fn default() -> Self {
        Self {
            links: Links::Listed(Arc::default(), 0),
            names: Names::Listed {
                anchors: Strings::default(),
                refdomains: Strings::default(),
            },
            host_known: false,
            finished: None,
        }
    }
}

impl TargetRows {
    /// Whether the target's host occurs in the index at all, as the host of a captured page or of a
    /// link's target (R20).
    #[must_use]
    pub fn host_known(&self) -> bool {
        self.host_known
    }

    /// Bytes of memory, about, that they take as long as they are there.
    #[must_use]
    pub fn memory(&self) -> usize {
        let names = match &self.names {
            Names::Listed {
                anchors,
                refdomains,
            } => anchors.memory() + refdomains.memory(),
            Names::Gathered { folds, order, .. } => folds.memory() + order.capacity() * 4,
            Names::Site { .. } | Names::United(_) => 0,
        };
        names
            + match &self.links {
                Links::Listed(hits, _) => hits.capacity() * size_of::<Hit>(),
                Links::Scanned(_) => 0,
                Links::United(united) => united.memory(),
            }
    }

    /// A number that all refdomain numbers are below.
    #[must_use]
    pub fn refdomain_limit(&self) -> usize {
        match &self.names {
            Names::Listed { refdomains, .. } => refdomains.len(),
            Names::United(united) => united.refdomains.len(),
            Names::Gathered { segment, .. } | Names::Site { segment, .. } => {
                usize::try_from(segment.counts().refdomains).unwrap_or(usize::MAX)
            }
        }
    }

    /// Anchors and refdomains by their numbers.
    ///
    /// # Errors
    /// Where the segment is damaged.
    pub fn texts(&self) -> Result<Texts<'_>, IndexError> {
        match &self.names {
            Names::Listed {
                anchors,
                refdomains,
            } => Ok(Texts::listed(anchors, refdomains)),
            Names::United(united) => Ok(united.texts()),
            Names::Gathered {
                segment,
                folds,
                order,
            } => Texts::gathered(segment, folds, order).map_err(|corrupt| segment.corrupt(corrupt)),
            Names::Site {
                segment,
                site,
                anchors,
                tuning,
            } => Ok(Texts::of_site(segment, site, anchors.as_deref(), *tuning)),
        }
    }

    /// The finished groups (R17) of all rows, where the index has them, or they are kept because they were asked
    /// for before: no scan is needed then.
    ///
    /// # Errors
    /// Where the segment is damaged.
    pub fn ready_groups(&self) -> Result<Option<ReadyGroups<'_>>, IndexError> {
        if let Some(finished) = &self.finished {
            return finished.ready_groups().map(Some);
        }
        match &self.links {
            Links::Listed(..) => Ok(None),
            Links::Scanned(scan) => scan.ready_groups(),
            Links::United(united) => united.ready_groups(),
        }
    }

    /// Whether there is a row at all. Where finished groups tell it, or every link counts that there ever
    /// was, nothing is read for it; otherwise links are, up to the first one.
    ///
    /// # Errors
    /// Where the segment is damaged; [`IndexError::Cancelled`] soon after `cancel` is set.
    pub fn any(&self, cancel: &AtomicBool) -> Result<bool, IndexError> {
        match &self.links {
            Links::Listed(hits, _) => Ok(!hits.is_empty()),
            Links::Scanned(scan) => scan.any(cancel),
            Links::United(united) => Ok(!united.is_empty()),
        }
    }

    /// Gives all rows to visitors, in one part or in several at once, each with a visitor of its
    /// own: the visitors, in the order of their anchors, and the number of distinct pages behind the
    /// rows that they kept (R18). About 10 ns a backlink and thread; memory: 8 bytes for each backlink
    /// of a part, of at most some millions, and, for each thread, a bit for each page that links to the site.
    ///
    /// # Errors
    /// Where the segment is damaged, and what visitors return; [`IndexError::Cancelled`] soon after
    /// `cancel` is set.
    pub fn scan<V: RowVisitor>(
        &self,
        visitor: impl Fn() -> V + Sync,
        cancel: &AtomicBool,
    ) -> Result<(Vec<V>, u64), IndexError> {
        self.scan_of(&RowChoice::default(), visitor, cancel)
    }

    /// [`scan`](Self::scan), of some of the rows. The links of the others cost a nanosecond each, or nothing.
    ///
    /// # Errors
    /// As there.
    pub fn scan_of<V: RowVisitor>(
        &self,
        choice: &RowChoice,
        visitor: impl Fn() -> V + Sync,
        cancel: &AtomicBool,
    ) -> Result<(Vec<V>, u64), IndexError> {
        let (visitors, pages) = self.scan_pages(choice, visitor, cancel)?;
        Ok((visitors, pages.count()))
    }

    /// [`scan`](Self::scan), with the number of distinct pages of each refdomain behind the rows that visitors
    /// kept.
    ///
    /// # Errors
    /// As there.
    pub fn scan_by_refdomain<V: RowVisitor>(
        &self,
        visitor: impl Fn() -> V + Sync,
        cancel: &AtomicBool,
    ) -> Result<(Vec<V>, HashMap<u32, u64>), IndexError> {
        let (visitors, pages) = self.scan_pages(&RowChoice::default(), visitor, cancel)?;
        let mut counts = HashMap::new();
        // Pages of one domain are neighbours.
        let mut last = (u32::MAX, 0u64);
        let mut count = |domain: u32| {
            if last.0 != domain {
                *counts.entry(last.0).or_default() += last.1;
                last = (domain, 0);
            }
            last.1 += 1;
        };
        match &self.links {
            Links::Scanned(scan) => {
                let mut domain_of = scan.domains_of_pages()?;
                pages.for_each(|page| domain_of(page).map(&mut count))?;
            }
            Links::United(united) => {
                pages.for_each(|page| united.domain_of_page(page).map(&mut count))?;
            }
            Links::Listed(hits, _) => {
                let domains: HashMap<u32, u32> =
                    hits.iter().map(|hit| (hit.page, hit.domain)).collect();
                pages.for_each(|page| {
                    let domain = domains.get(&page).copied();
                    domain
                        .map(&mut count)
                        .ok_or(IndexError::TooLarge("a page's number"))
                })?;
            }
        }
        *counts.entry(last.0).or_default() += last.1;
        counts.retain(|_, count| *count > 0);
        Ok((visitors, counts))
    }

    fn scan_pages<V: RowVisitor>(
        &self,
        choice: &RowChoice,
        visitor: impl Fn() -> V + Sync,
        cancel: &AtomicBool,
    ) -> Result<(Vec<V>, PageSet), IndexError> {
        if cancel.load(Ordering::Relaxed) {
            return Err(IndexError::Cancelled);
        }
        let (hits, page_count) = match &self.links {
            Links::Scanned(scan) => return scan.run(self, choice, visitor, cancel),
            Links::United(united) => return united.run(self, visitor, cancel),
            Links::Listed(hits, page_count) => (hits, *page_count),
        };
        let mut texts = self.texts()?;
        let mut sink = Sink::new(visitor(), &mut texts, hits.len(), page_count);
        for some in hits.chunks(1 << 14) {
            if cancel.load(Ordering::Relaxed) {
                return Err(IndexError::Cancelled);
            }
            for hit in some {
                sink.link(*hit)?;
            }
        }
        let (visitor, pages): (V, PageSet) = sink.finish()?;
        Ok((vec![visitor], pages))
    }
}

/// A [`Row`] with its texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedRow {
    /// The folded anchor.
    pub anchor: String,
    /// The referring domain.
    pub refdomain: String,
    /// Its numbers.
    pub row: Row,
}

impl TargetRows {
    /// All rows whose pages are counted, with their texts, and the number of those pages: for tests,
    /// and whoever wants to see everything. Memory grows with the number of rows.
    ///
    /// # Errors
    /// As [`scan`](Self::scan).
    pub fn list(
        &self,
        keep: impl Fn(&NamedRow) -> bool + Sync,
        cancel: &AtomicBool,
    ) -> Result<(Vec<NamedRow>, u64), IndexError> {
        struct Lister<'a, K> {
            keep: &'a K,
            rows: Vec<NamedRow>,
        }
        impl<K: Fn(&NamedRow) -> bool + Sync> RowVisitor for Lister<'_, K> {
            fn row(&mut self, row: &Row, texts: &mut Texts<'_>) -> Result<bool, IndexError> {
                let named = NamedRow {
                    anchor: texts.anchor(row.anchor)?.to_owned(),
                    refdomain: texts.refdomain(row.refdomain)?.to_owned(),
                    row: *row,
                };
                let is_kept = (self.keep)(&named);
                if is_kept {
                    self.rows.push(named);
                }
                Ok(is_kept)
            }
        }
        let new = || Lister {
            keep: &keep,
            rows: Vec::new(),
        };
        let (parts, refpages) = self.scan(new, cancel)?;
        Ok((
            parts.into_iter().flat_map(|part| part.rows).collect(),
            refpages,
        ))
    }
}

/// A page's number, `first_seen` and `last_visited`.
type PageAndDates = (u32, CaptureTime, CaptureTime);

/// Makes [`TargetRows`] from single backlinks: plain and slow, for tests.
#[derive(Debug, Default)]
pub struct TargetRowsBuilder {
    /// Pages by (folded anchor, refdomain), with the dates of each backlink.
    rows: BTreeMap<(String, String), Vec<PageAndDates>>,
}

impl TargetRowsBuilder {
    /// Adds one backlink. Pages are numbered by the caller, from 0 without gaps worth speaking of.
    pub fn add(
        &mut self,
        folded_anchor: &str,
        refdomain: &str,
        page: u32,
        first_seen: CaptureTime,
        last_visited: CaptureTime,
    ) -> &mut Self {
        self.rows
            .entry((folded_anchor.to_owned(), refdomain.to_owned()))
            .or_default()
            .push((page, first_seen, last_visited));
        self
    }

    /// The rows of what was added.
    #[must_use]
    pub fn build(&self) -> TargetRows {
        let (mut anchors, mut refdomains) = (Strings::default(), Strings::default());
        let mut numbers = BTreeMap::new();
        for (_, refdomain) in self.rows.keys() {
            if !numbers.contains_key(refdomain) {
                numbers.insert(refdomain.clone(), refdomains.push(refdomain));
            }
        }
        let (mut hits, mut last) = (Vec::new(), None);
        for ((anchor, refdomain), links) in &self.rows {
            let fold = match &last {
                Some((before, fold)) if *before == anchor => *fold,
                _ => anchors.push(anchor),
            };
            last = Some((anchor, fold));
            let mut links = links.clone();
            links.sort_unstable();
            hits.extend(links.iter().map(|(page, first_seen, last_visited)| Hit {
                fold,
                page: *page,
                domain: numbers.get(refdomain).copied().unwrap_or_default(),
                first_seen: first_seen.unix(),
                last_visited: last_visited.unix(),
            }));
        }
        let page_count = hits.iter().map(|hit| hit.page as usize + 1).max();
        TargetRows {
            links: Links::Listed(Arc::new(hits), page_count.unwrap_or(0)),
            names: Names::Listed {
                anchors,
                refdomains,
            },
            host_known: true,
            finished: None,
        }
    }
}

/// A list of strings in one buffer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Strings {
    text: String,
    ends: Vec<usize>,
}

impl Strings {
    pub(crate) fn push(&mut self, text: &str) -> u32 {
        let number = self.ends.len();
        self.text.push_str(text);
        self.ends.push(self.text.len());
        u32::try_from(number).unwrap_or(u32::MAX)
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Bytes of memory.
    pub(crate) fn memory(&self) -> usize {
        self.text.capacity() + self.ends.capacity() * size_of::<usize>()
    }

    /// Gives back what memory is not used.
    pub(crate) fn shrink(&mut self) {
        self.text.shrink_to_fit();
        self.ends.shrink_to_fit();
    }

    pub(crate) fn get(&self, number: u32) -> &str {
        let number = number as usize;
        let start = match number.checked_sub(1) {
            Some(before) => self.ends.get(before).copied().unwrap_or_default(),
            None => 0,
        };
        let end = self.ends.get(number).copied().unwrap_or(start);
        self.text.get(start..end).unwrap_or_default()
    }
}
