//! What the page table says about each page of a site block, decoded: for questions about many links.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::bytes::Corrupt;
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
        let mut facts = Vec::new();
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
            facts.push(Fact::new(domain, plain));
        }
        Ok(Self {
            facts,
            folds: block.folds()?,
        })
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

    /// Bytes of memory.
    pub(crate) fn memory(&self) -> usize {
        self.facts.capacity() * size_of::<Fact>() + self.folds.capacity() * 4
    }
}

/// Calls `each` with the live backlinks (R13) among the links at a range of places in the block, in
/// their order: (fold, page's place, dates of its own — otherwise those of the page's [`Fact`]).
pub(crate) fn for_each_live<E: From<Corrupt>>(
    block: &mut SiteBlock<'_>,
    table: &FactTable,
    dates: &mut LinkDates<'_>,
    links: std::ops::Range<usize>,
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
            match table.fact(place)?.plain() {
                Plain::Live { .. } => each(table.fold(form)?, place, None)?,
                Plain::Lost => {}
                Plain::Revisited => {
                    let page = block.pages.at(place as usize)?;
                    block.page_times.of(place, page, &mut times)?;
                    if let Some(found) = dates.of(page, &times)? {
                        let own = Some((found.first_seen, found.last_visited));
                        each(table.fold(form)?, place, own)?;
                    }
                }
            }
        }
        link = stop;
        if exception == Some(link) && link < links.end {
            let place = block.hrefs.pages.get(link)?;
            let form = block.hrefs.forms.get(link)?;
            let seen = block.hrefs.exception(link as u64 as u32)?;
            times.clear();
            times.extend(seen.unwrap_or_default().iter().map(|(time, _)| *time));
            let page = block.pages.at(place as usize)?;
            if let Some(found) = dates.of(page, &times)? {
                let own = Some((found.first_seen, found.last_visited));
                each(table.fold(form)?, place, own)?;
            }
            link += 1;
            exception = block.hrefs.next_exception(link)?;
        }
    }
    Ok(())
}

/// How many bytes of tables a segment keeps for the next question.
const CACHE_BYTES_MAX: usize = 256 << 20;

/// A table is worth making when links were looked up without it that are so many times fewer than the
/// pages it is about.
const WORTH: usize = 8;
/// Of how many sites it is known how many links were looked up.
const SITES_KNOWN_MAX: usize = 1 << 12;

/// The tables used last, within a bound of memory.
#[derive(Debug, Default)]
pub(crate) struct FactCache {
    tables: Mutex<Vec<(Vec<u8>, Arc<FactTable>)>>,
    /// Links looked up in sites that have no table.
    looked_up: Mutex<HashMap<Vec<u8>, usize>>,
}

impl FactCache {
    /// Whether a table of a site of so many pages is worth making, now that so many more links are to
    /// be looked up.
    pub(crate) fn is_worth(&self, site_key: &[u8], links: usize, pages: usize) -> bool {
        let mut looked_up = self
            .looked_up
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if looked_up.len() >= SITES_KNOWN_MAX && !looked_up.contains_key(site_key) {
            looked_up.clear();
        }
        let sum = looked_up.entry(site_key.to_owned()).or_default();
        *sum = sum.saturating_add(links);
        let is_worth = *sum > pages / WORTH;
        if is_worth {
            looked_up.remove(site_key);
        }
        is_worth
    }

    /// The table of a site, if it is there.
    pub(crate) fn get(&self, site_key: &[u8]) -> Option<Arc<FactTable>> {
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        let at = tables.iter().position(|(key, _)| key == site_key)?;
        let found = tables.remove(at);
        let table = Arc::clone(&found.1);
        tables.push(found);
        Some(table)
    }

    /// Keeps a table, and lets those go that were used longest ago.
    pub(crate) fn put(&self, site_key: &[u8], table: &Arc<FactTable>) {
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        tables.retain(|(key, _)| key != site_key);
        tables.push((site_key.to_owned(), Arc::clone(table)));
        let mut bytes: usize = tables.iter().map(|(_, table)| table.memory()).sum();
        while bytes > CACHE_BYTES_MAX && !tables.is_empty() {
            bytes -= tables.remove(0).1.memory();
        }
    }
}
