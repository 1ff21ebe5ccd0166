//! What the page table says about the pages of a site block, decoded: for questions about many links.

mod build;
mod folds;

use std::ops::Range;

use windlass_links::History;

use crate::bits::{BitSet, RankedBits};
use crate::bytes::Corrupt;
use crate::cache::{Cache, KeptMemory, LookedUp, Memory};
use crate::query::LinkDates;
use crate::segment::Segment;
use crate::site::{PageSpan, SiteBlock};

pub(crate) use folds::Folds;

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
    /// The history keeps them, with these dates (R13).
    Live {
        /// Seconds.
        first_seen: u32,
        /// Seconds.
        last_visited: u32,
    },
    /// They are lost.
    Lost,
    /// The page has revisits, or it hangs on more than its latest capture: its showings must be asked.
    Revisited,
}

impl Plain {
    /// What the only segment that has a page says of the links that were seen at all of its times, by a history.
    #[inline]
    pub(crate) fn of(segment: &Segment, page: u32, history: History, seen: PageSpan) -> Self {
        if segment.is_revisited(page) {
            return Self::Revisited;
        }
        if history == History::AllTime || seen.latest == seen.last {
            return Self::Live {
                first_seen: seen.first,
                last_visited: seen.last,
            };
        }
        match history {
            History::Live => Self::Lost,
            // Whether they are kept follows from all captures.
            History::AllTime | History::Since(_) => Self::Revisited,
        }
    }
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

/// The facts of the pages of a site block, of all or of some, and the folds of its forms. 12 bytes a page.
#[derive(Debug)]
pub(crate) struct FactTable {
    facts: Vec<Fact>,
    /// A bit for each page whose plain links are live: most are, and of all of them these few bytes stay
    /// near the processor where the facts do not.
    live: BitSet,
    /// The pages that it knows, where these are not all.
    places: Option<RankedBits>,
    pub(crate) folds: Folds,
}

impl FactTable {
    /// Whether links that were seen at all of a page's times are live for sure, by its place in the block.
    #[inline]
    fn is_live(&self, place: u32) -> bool {
        self.live.contains(place)
    }

    /// The fact of a page, by its place in the block.
    #[inline]
    pub(crate) fn fact(&self, place: u32) -> Result<Fact, Corrupt> {
        let number = match &self.places {
            None => Some(place as usize),
            Some(places) => places.rank(place),
        };
        let fact = number.and_then(|number| self.facts.get(number));
        fact.copied().ok_or(Corrupt("a page's place"))
    }
}

impl Memory for FactTable {
    fn memory(&self) -> usize {
        self.facts.capacity() * size_of::<Fact>()
            + self.live.memory()
            + self.places.as_ref().map_or(0, RankedBits::memory)
            + self.folds.memory()
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
                each(table.folds.fold(form)?, place, None)?;
            } else if table.fact(place)?.plain() == Plain::Revisited {
                let page = block.pages.at(place as usize)?;
                block.page_times.of(place, page, &mut times)?;
                if let Some(found) = dates.of(page, &times)? {
                    let own = Some((found.first_seen, found.last_visited));
                    each(table.folds.fold(form)?, place, own)?;
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
                    each(table.folds.fold(form)?, place, own)?;
                }
            }
            link += 1;
            exception = block.hrefs.next_exception(link)?;
        }
    }
    Ok(())
}

/// The tables used last, by the keys of their sites, and of other sites how many links were looked up.
#[derive(Debug)]
pub(crate) struct FactCache {
    pub(crate) tables: Cache<Vec<u8>, FactTable>,
    pub(crate) looked_up: LookedUp,
}

impl FactCache {
    pub(crate) fn new(memory: &KeptMemory) -> Self {
        Self {
            tables: Cache::new(memory),
            looked_up: LookedUp::default(),
        }
    }
}
