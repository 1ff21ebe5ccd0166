//! What the page table says about each page of a site block, decoded: for questions about many links.

use std::ops::Range;

use crate::anchors::AnchorSet;
use crate::bytes::Corrupt;
use crate::cache::{Cache, LookedUp, Memory};
use crate::query::LinkDates;
use crate::segment::Segment;
use crate::site::SiteBlock;

/// A page of a site block, as far as links are concerned that were seen at all of its times there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fact {
    /// Number of the page's registrable domain.
    pub(crate) domain: u32,
    first_seen: u32,
    /// Below `first_seen` where it is no time.
    last_visited: u32,
}

/// What a [`Fact`] says of the links that were seen at all of the page's times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plain {
    /// They are live, with these dates (R13).
    Live {
        /// Seconds.
        first_seen: u32,
        /// Seconds.
        last_visited: u32,
    },
    /// They are lost.
    Lost,
    /// The page has revisits: its showings must be asked.
    Revisited,
}

impl Fact {
    #[inline]
    pub(crate) fn plain(self) -> Plain {
        match self {
            Self {
                first_seen,
                last_visited,
                ..
            } if first_seen <= last_visited => Plain::Live {
                first_seen,
                last_visited,
            },
            Self { first_seen: 1, .. } => Plain::Lost,
            _ => Plain::Revisited,
        }
    }

    /// The dates of live links that were seen at all of the page's times.
    #[inline]
    pub(crate) fn dates(self) -> Result<(u32, u32), Corrupt> {
        match self.plain() {
            Plain::Live {
                first_seen,
                last_visited,
            } => Ok((first_seen, last_visited)),
            Plain::Lost | Plain::Revisited => Err(Corrupt("a page of live links")),
        }
    }

    pub(crate) fn new(domain: u32, plain: Plain) -> Self {
        let (first_seen, last_visited) = match plain {
            Plain::Live {
                first_seen,
                last_visited,
            } => (first_seen, last_visited),
            Plain::Lost => (1, 0),
            Plain::Revisited => (2, 0),
        };
        Self {
            domain,
            first_seen,
            last_visited,
        }
    }
}

/// The facts of all pages of a site block, and the folds of its forms. 12 bytes a page; 4 a form where
/// forms share folds.
#[derive(Debug)]
pub(crate) struct FactTable {
    facts: Vec<Fact>,
    /// A bit for each page whose plain links are live: most are, and of all of them these few bytes stay
    /// near the processor where the facts do not.
    live: Vec<u64>,
    /// Fold of each form; empty where each has its own.
    folds: Vec<u32>,
}

impl FactTable {
    /// Reads the page columns of a block. About 10 ns a page.
    pub(crate) fn of(segment: &Segment, block: &SiteBlock<'_>) -> Result<Self, Corrupt> {
        let mut block = block.clone();
        let domains = segment.domains()?;
        let n = block.pages.len();
        if let Some(last) = n.checked_sub(1) {
            segment.will_need_latest(block.pages.get(0)?, block.pages.get(last)?, n);
        }
        let (mut facts, mut live) = (Vec::new(), vec![0u64; n.div_ceil(64)]);
        let (mut domain, mut domain_end) = (0, 0);
        for place in 0..n {
            let page = block.pages.get(place)?;
            if page >= domain_end {
                domain = domains.of_page(page)?;
                domain_end = domains.range(domain as usize)?.1;
            }
            let (first_seen, last_visited) =
                block.page_times.first_and_last(place as u64 as u32, page)?;
            let plain = if segment.is_revisited(page) {
                Plain::Revisited
            } else if segment.latest(page)? == last_visited {
                Plain::Live {
                    first_seen,
                    last_visited,
                }
            } else {
                Plain::Lost
            };
            if matches!(plain, Plain::Live { .. })
                && let Some(word) = live.get_mut(place / 64)
            {
                *word |= 1 << (place % 64);
            }
            facts.push(Fact::new(domain, plain));
        }
        Ok(Self {
            facts,
            live,
            folds: block.folds()?,
        })
    }

    /// Whether links that were seen at all of a page's times are live for sure, by its place in the block.
    #[inline]
    fn is_live(&self, place: u32) -> bool {
        let word = self.live.get(place as usize / 64);
        word.is_some_and(|word| word >> (place % 64) & 1 == 1)
    }

    /// The fact of a page, by its place in the block.
    #[inline]
    pub(crate) fn fact(&self, place: u32) -> Result<Fact, Corrupt> {
        self.facts
            .get(place as usize)
            .copied()
            .ok_or(Corrupt("a page's place"))
    }

    /// The number of a form's folded anchor.
    #[inline]
    pub(crate) fn fold(&self, form: u32) -> Result<u32, Corrupt> {
        if self.folds.is_empty() {
            return Ok(form);
        }
        self.folds
            .get(form as usize)
            .copied()
            .ok_or(Corrupt("a form"))
    }

    /// The first form with a fold, or one behind it.
    pub(crate) fn first_form(&self, fold: u32) -> u32 {
        if self.folds.is_empty() {
            return fold;
        }
        self.folds.partition_point(|of| *of < fold) as u64 as u32
    }

    /// The forms, below a number, of some folds. Some nanoseconds a fold.
    pub(crate) fn forms_of(&self, folds: &AnchorSet, forms: usize) -> AnchorSet {
        if self.folds.is_empty() {
            return folds.clone();
        }
        let mut set = AnchorSet::below(forms);
        let (mut form, mut last) = (0usize, 0u32);
        for fold in folds.within(0..self.folds.last().map_or(0, |last| last + 1)) {
            // Each fold has a form at least.
            form += (fold - last) as usize;
            while let Some(short) = self.folds.get(form).and_then(|of| fold.checked_sub(*of))
                && short > 0
            {
                form += short as usize;
            }
            last = fold;
            let mut same = form;
            while self.folds.get(same) == Some(&fold) {
                set.insert(same as u64 as u32);
                same += 1;
            }
        }
        set
    }
}

impl Memory for FactTable {
    fn memory(&self) -> usize {
        self.facts.capacity() * size_of::<Fact>()
            + self.live.capacity() * 8
            + self.folds.capacity() * 4
    }
}

/// Calls `each` with the live backlinks (R13) among the links at a range of places in the block, in
/// their order: (fold, page's place, dates of its own — otherwise those of the page's [`Fact`]).
pub(crate) fn for_each_live<E: From<Corrupt>>(
    block: &mut SiteBlock<'_>,
    table: &FactTable,
    dates: &mut LinkDates<'_>,
    links: Range<usize>,
    each: impl FnMut(u32, u32, Option<(u32, u32)>) -> Result<(), E>,
) -> Result<(), E> {
    for_each_live_of(block, table, dates, links, |_| true, each)
}

/// [`for_each_live`], of those whose forms are wanted. The others cost little more than being unpacked.
pub(crate) fn for_each_live_of<E: From<Corrupt>>(
    block: &mut SiteBlock<'_>,
    table: &FactTable,
    dates: &mut LinkDates<'_>,
    links: Range<usize>,
    wants: impl Fn(u32) -> bool,
    mut each: impl FnMut(u32, u32, Option<(u32, u32)>) -> Result<(), E>,
) -> Result<(), E> {
    let mut times = Vec::new();
    let mut exception = block.hrefs.next_exception(links.start)?;
    let mut link = links.start;
    while link < links.end {
        // Up to the end of a block of the columns, or the next exception.
        let stop = links
            .end
            .min((link / crate::column::BLOCK + 1) * crate::column::BLOCK)
            .min(exception.unwrap_or(usize::MAX).max(link));
        let (forms, places) = block.hrefs.forms_and_pages(link..stop)?;
        for (&form, &place) in forms.iter().zip(places) {
            if !wants(form) {
                continue;
            }
            if table.is_live(place) {
                each(table.fold(form)?, place, None)?;
            } else if table.fact(place)?.plain() == Plain::Revisited {
                let page = block.pages.at(place as usize)?;
                block.page_times.of(place, page, &mut times)?;
                if let Some(found) = dates.of(page, &times)? {
                    let own = Some((found.first_seen, found.last_visited));
                    each(table.fold(form)?, place, own)?;
                }
            }
        }
        link = stop;
        if exception == Some(link) && link < links.end {
            let form = block.hrefs.forms.get(link)?;
            if wants(form) {
                let place = block.hrefs.pages.get(link)?;
                let seen = block.hrefs.exception(link as u64 as u32)?;
                times.clear();
                times.extend(seen.unwrap_or_default().iter().map(|(time, _)| *time));
                let page = block.pages.at(place as usize)?;
                if let Some(found) = dates.of(page, &times)? {
                    let own = Some((found.first_seen, found.last_visited));
                    each(table.fold(form)?, place, own)?;
                }
            }
            link += 1;
            exception = block.hrefs.next_exception(link)?;
        }
    }
    Ok(())
}

/// How many bytes of tables a segment keeps for the next question.
const CACHE_BYTES_MAX: usize = 256 << 20;

/// The tables used last, by the keys of their sites, and of other sites how many links were looked up.
#[derive(Debug)]
pub(crate) struct FactCache {
    pub(crate) tables: Cache<Vec<u8>, FactTable>,
    pub(crate) looked_up: LookedUp,
}

impl Default for FactCache {
    fn default() -> Self {
        Self {
            tables: Cache::new(CACHE_BYTES_MAX),
            looked_up: LookedUp::default(),
        }
    }
}
