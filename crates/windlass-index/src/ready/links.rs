//! The live links of a site in the order of the report, (folded anchor, page), of which some are held at
//! a time.
//!
//! They lie by url. Where they are too many to be gathered and sorted at once, a sample tells which
//! ranges of the order have about as many as may be held, and each range takes a pass over all of them.

use std::ops::Range;
use std::sync::atomic::AtomicBool;

use windlass_links::History;

use crate::bytes::Corrupt;
use crate::column::BLOCK;
use crate::compact::Progress;
use crate::error::{IndexError, check};
use crate::facts::{FactTable, for_each_live, for_each_live_of};
use crate::query::LinkDates;
use crate::radix;
use crate::segment::Segment;
use crate::site::SiteBlock;

/// Bytes that a link takes while it is held: its key, room to sort it in, and what the vector that it is
/// in has to spare.
pub(super) const LINK_BYTES: usize = 24;
/// One of so many links is in the sample, at most.
const SAMPLED: usize = 1 << 6;
/// Links that are read, or given, by a thread before it looks whether it has to make way: some milliseconds.
const STRIDE: usize = 1 << 16;

/// Who looks on while parts are made ready, and may stop that, from any thread.
#[derive(Clone, Copy)]
pub(super) struct Watch<'a> {
    pub(super) progress: &'a dyn Progress,
    pub(super) cancel: &'a AtomicBool,
}

impl Watch<'_> {
    /// Makes way, where somebody asks for that: rests, or ends with [`IndexError::Cancelled`].
    pub(super) fn look(&self) -> Result<(), IndexError> {
        // Nothing that counts is done: but only so a merge in the background finds out that it may have to.
        self.progress.advance(0);
        check(self.cancel)
    }
}

/// A live link.
#[derive(Debug, Clone, Copy)]
pub(super) struct Link {
    /// Number of the folded anchor.
    pub(super) fold: u32,
    /// The page's place in the site block.
    pub(super) place: u32,
    /// Number of the page's registrable domain.
    pub(super) domain: u32,
    pub(super) first_seen: u32,
    pub(super) last_visited: u32,
    /// Whether the dates are not those of the page.
    pub(super) is_dated: bool,
}

/// The live links of a site, to be gone through in order.
pub(super) struct LinksInOrder<'a> {
    pub(super) segment: &'a Segment,
    pub(super) block: &'a SiteBlock<'a>,
    pub(super) table: &'a FactTable,
    pub(super) watch: Watch<'a>,
}

/// Keys of links, (fold, page's place) each, from one to another one.
type Keys = std::ops::RangeInclusive<u64>;

/// The links of a pass.
#[derive(Debug, Default)]
struct Gathered {
    keys: Vec<u64>,
    /// Key and dates of those that have dates of their own.
    dated: Vec<(u64, u32, u32)>,
}

impl LinksInOrder<'_> {
    fn wrong(&self) -> impl Fn(Corrupt) -> IndexError {
        |corrupt| self.segment.corrupt(corrupt)
    }

    fn place_bits(&self) -> u32 {
        radix::bits_below(self.block.pages.len())
    }

    /// Counts the live ones of links that lie one behind the other, a range of places in the block at each call.
    pub(super) fn counter(&self) -> impl FnMut(Range<usize>) -> Result<u32, IndexError> + use<'_> {
        let mut block = self.block.clone();
        let mut dates = LinkDates::new(self.segment, History::Live);
        move |mut links| {
            let mut live = 0;
            while !links.is_empty() {
                // Of few links to each of many urls, and of many to one, as often.
                if links.start.is_multiple_of(STRIDE) {
                    self.watch.look()?;
                }
                let stop = links.end.min((links.start / STRIDE + 1) * STRIDE);
                let some = links.start..stop;
                for_each_live(&mut block, self.table, &mut dates, some, |_, _, _| {
                    live += 1;
                    Ok::<(), Corrupt>(())
                })
                .map_err(self.wrong())?;
                links.start = stop;
            }
            Ok(live)
        }
    }

    /// Calls `each` with the live ones among the links at a range of places in the block, of which about
    /// so many are held at a time.
    pub(super) fn for_each(
        &self,
        links: Range<usize>,
        held_max: usize,
        mut each: impl FnMut(&Link),
    ) -> Result<(), IndexError> {
        for keys in self.passes(&links, held_max.max(1))? {
            let gathered = self.gather(&links, &keys, held_max)?;
            self.give(gathered, &mut each)?;
        }
        Ok(())
    }

    /// Ranges of keys, in order, that about so many links have each, unless these are of one anchor on one
    /// page.
    fn passes(&self, links: &Range<usize>, held_max: usize) -> Result<Vec<Keys>, IndexError> {
        if links.len() <= held_max {
            return Ok(vec![0..=u64::MAX]);
        }
        let step = (held_max / 16).clamp(1, SAMPLED);
        let (mut sample, mut n) = (Vec::new(), 0usize);
        self.for_each_key(links, &(0..=u64::MAX), |key, _| {
            if n.is_multiple_of(step) {
                sample.push(key);
            }
            n += 1;
        })?;
        sample.sort_unstable();
        let passes = n.div_ceil(held_max).max(1);
        let mut keys = Vec::with_capacity(passes);
        let mut first = 0;
        for pass in 1..passes {
            let at = sample.len() as u128 * pass as u128 / passes as u128;
            let end = sample.get(at as usize).copied().unwrap_or(u64::MAX);
            if end > first {
                keys.push(first..=end - 1);
                first = end;
            }
        }
        keys.push(first..=u64::MAX);
        Ok(keys)
    }

    /// Calls `each` with the keys of live links that lie in a range, as the links lie in the block, and with
    /// their dates where they have some of their own.
    fn for_each_key(
        &self,
        links: &Range<usize>,
        keys: &Keys,
        mut each: impl FnMut(u64, Option<(u32, u32)>),
    ) -> Result<(), IndexError> {
        let mut block = self.block.clone();
        let mut dates = LinkDates::new(self.segment, History::Live);
        let place_bits = self.place_bits();
        let fold_of = |key: u64| u32::try_from(key >> place_bits).unwrap_or(u32::MAX);
        let first_form = self.table.folds.first_form(fold_of(*keys.start()));
        let end_form = match fold_of(*keys.end()).checked_add(1) {
            Some(fold) => self.table.folds.first_form(fold),
            None => u32::MAX,
        };
        let forms = first_form..end_form;
        for start in links.clone().step_by(STRIDE) {
            self.watch.look()?;
            let some = start..links.end.min(start + STRIDE);
            for_each_live_of(
                &mut block,
                self.table,
                &mut dates,
                some,
                |form| forms.contains(&form),
                |fold, place, own| {
                    let key = u64::from(fold) << place_bits | u64::from(place);
                    if keys.contains(&key) {
                        each(key, own);
                    }
                    Ok::<(), Corrupt>(())
                },
            )
            .map_err(self.wrong())?;
        }
        Ok(())
    }

    fn gather(
        &self,
        links: &Range<usize>,
        keys: &Keys,
        held_max: usize,
    ) -> Result<Gathered, IndexError> {
        let mut gathered = Gathered::default();
        gathered.keys.reserve(links.len().min(held_max));
        self.for_each_key(links, keys, |key, own| {
            gathered.keys.push(key);
            if let Some((first_seen, last_visited)) = own {
                gathered.dated.push((key, first_seen, last_visited));
            }
        })?;
        Ok(gathered)
    }

    /// Sorts the links of a pass, and calls `each` with them.
    fn give(&self, gathered: Gathered, mut each: impl FnMut(&Link)) -> Result<(), IndexError> {
        let Gathered {
            mut keys,
            mut dated,
        } = gathered;
        // Few bits are soon sorted by.
        let least = keys.iter().min().copied().unwrap_or_default();
        let most = keys.iter().max().copied().unwrap_or_default();
        keys.iter_mut().for_each(|key| *key -= least);
        radix::sort(&mut keys, u64::BITS - (most - least).leading_zeros());
        dated.sort_unstable();
        let mut dated = dated.into_iter().peekable();
        let place_bits = self.place_bits();
        let mut facts = Vec::with_capacity(BLOCK);
        for (n, keys) in keys.chunks(BLOCK).enumerate() {
            if n.is_multiple_of(STRIDE / BLOCK) {
                self.watch.look()?;
            }
            // All at once, so that waiting for one is waiting for all.
            facts.clear();
            for key in keys {
                let key = key + least;
                let place = (key & ((1 << place_bits) - 1)) as u32;
                let fact = self.table.fact(place).map_err(self.wrong())?;
                facts.push((key, place, fact));
            }
            for (key, place, fact) in &facts {
                let own = dated.next_if(|(of, ..)| of == key);
                let (first_seen, last_visited) = match own {
                    Some((_, first_seen, last_visited)) => (first_seen, last_visited),
                    None => fact.dates().map_err(self.wrong())?,
                };
                each(&Link {
                    fold: (key >> place_bits) as u32,
                    place: *place,
                    domain: fact.domain,
                    first_seen,
                    last_visited,
                    is_dated: own.is_some(),
                });
            }
        }
        Ok(())
    }
}
