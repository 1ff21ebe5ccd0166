//! The links of a whole site in the ready-made order.

use std::ops::Range;
use std::sync::atomic::AtomicBool;

use super::{Scan, check};
use crate::bits::BitSet;
use crate::bytes::Corrupt;
use crate::column::BLOCK;
use crate::error::IndexError;
use crate::facts::{Fact, FactTable};
use crate::ready::{Dated, Ready};
use crate::rows::RowVisitor;
use crate::sink::{Hit, Sink};

/// Folds that are looked up between looks at the stop flag.
const FOLDS_STRIDE: usize = 1 << 10;
/// Links that are decoded at once.
const LINKS_STRIDE: usize = 1 << 12;

/// The links of a range of folds.
pub(super) fn ordered<V: RowVisitor>(
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
    let mut dates = OwnDates::from(ready.dated, start).map_err(&wrong)?;
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
                    dates.pass_to(link).map_err(&wrong)?;
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
            sink.link(dates.hit(link, fold, (place, fact)).map_err(&wrong)?)?;
            link += 1;
        }
    }
    Ok(())
}

/// The links that have dates of their own, passed as the links are.
struct OwnDates<'a> {
    dated: Dated<'a>,
    /// The place in the list of the next one, and which link that is.
    at: usize,
    next: Option<usize>,
}

impl<'a> OwnDates<'a> {
    /// From a link on.
    fn from(dated: Dated<'a>, link: usize) -> Result<Self, Corrupt> {
        let mut dates = Self {
            dated,
            at: 0,
            next: None,
        };
        dates.go_to(0)?;
        dates.pass_to(link)?;
        Ok(dates)
    }

    fn go_to(&mut self, at: usize) -> Result<(), Corrupt> {
        self.at = at;
        let links = &mut self.dated.links;
        self.next = match at < links.len() {
            true => Some(links.at(at)? as usize),
            false => None,
        };
        Ok(())
    }

    /// Leaves out those before a link.
    fn pass_to(&mut self, link: usize) -> Result<(), Corrupt> {
        if self.next.is_none_or(|next| next >= link) {
            return Ok(());
        }
        let link = u32::try_from(link).map_err(|_| Corrupt("a link's number"))?;
        let at = self.dated.links.lower_bound(link)?;
        self.go_to(at)
    }

    /// A link of a page with its dates; links ascend.
    #[inline]
    fn hit(&mut self, link: usize, fold: u32, (place, fact): (u32, Fact)) -> Result<Hit, Corrupt> {
        let (first_seen, last_visited) = if self.next == Some(link) {
            let own = self.dated.at(self.at)?;
            self.go_to(self.at + 1)?;
            own
        } else {
            fact.dates()?
        };
        Ok(Hit {
            fold,
            page: place,
            domain: fact.domain,
            first_seen,
            last_visited,
        })
    }
}

/// The links of some folds within a range. What lies between them is not read.
pub(super) fn ordered_of<V: RowVisitor>(
    scan: &Scan,
    mut ready: Ready<'_>,
    table: &FactTable,
    (among, folds): (&BitSet, Range<u32>),
    sink: &mut Sink<'_, '_, V>,
    cancel: &AtomicBool,
) -> Result<(), IndexError> {
    let wrong = scan.wrong();
    let mut starts = ready.starts.clone();
    let live = ready.pages.len();
    let mut start_of = |fold: usize| -> Result<usize, Corrupt> {
        if fold < starts.len() {
            starts.get(fold).map(|start| start as usize)
        } else {
            Ok(live)
        }
    };
    let mut dates = OwnDates::from(ready.dated, 0).map_err(&wrong)?;
    let mut places = Vec::new();
    for (n, fold) in among.within(folds).enumerate() {
        if n.is_multiple_of(FOLDS_STRIDE) {
            check(cancel)?;
        }
        let start = start_of(fold as usize).map_err(&wrong)?;
        let end = start_of(fold as usize + 1).map_err(&wrong)?;
        if start >= end || !sink.wants(fold)? {
            continue;
        }
        dates.pass_to(start).map_err(&wrong)?;
        let mut link = start;
        while link < end {
            check(cancel)?;
            let stop = end.min(link + LINKS_STRIDE);
            places.clear();
            ready
                .pages
                .append(link..stop, &mut places)
                .map_err(&wrong)?;
            for &place in &places {
                let fact = table.fact(place).map_err(&wrong)?;
                sink.link(dates.hit(link, fold, (place, fact)).map_err(&wrong)?)?;
                link += 1;
            }
        }
    }
    Ok(())
}
