//! Live links of a range, gathered from the columns and sorted as integers.

use std::ops::Range;
use std::sync::atomic::AtomicBool;

use super::{STRIDE, Source, check};
use crate::bits::BitSet;
use crate::bytes::Corrupt;
use crate::column::BLOCK;
use crate::error::IndexError;
use crate::facts::{FactTable, for_each_live_of};
use crate::query::LinkDates;
use crate::query::parts::{each_of, threads};
use crate::radix;
use crate::rows::RowVisitor;
use crate::sink::{Hit, Sink};

/// Links as integers, (fold, page's place).
#[derive(Debug, Default)]
pub(super) struct Gathered {
    keys: Vec<u64>,
    /// Key and dates of those that have dates of their own.
    dated: Vec<(u64, u32, u32)>,
}

/// Which links are gathered.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    /// Forms, neighbouring ones.
    forms: (u32, u32),
    /// Some of them, where not all are wanted.
    among: Option<&'a BitSet>,
}

impl<'a> Wanted<'a> {
    /// Links whose folds lie in a range, and of which the forms are in the set.
    pub(super) fn of(table: &FactTable, folds: &Range<u32>, among: Option<&'a BitSet>) -> Self {
        let first_form = |fold| table.folds.first_form(fold);
        Self {
            forms: (first_form(folds.start), first_form(folds.end)),
            among,
        }
    }

    #[inline]
    fn has(&self, form: u32) -> bool {
        self.forms.0 <= form
            && form < self.forms.1
            && self.among.is_none_or(|among| among.contains(form))
    }
}

impl Source<'_> {
    fn place_bits(&self) -> u32 {
        radix::bits_below(self.block.pages.len())
    }

    /// The links of some stretches of the block.
    fn gather(
        &self,
        table: &FactTable,
        stretches: &[Range<usize>],
        wanted: Wanted<'_>,
        cancel: &AtomicBool,
    ) -> Result<Gathered, IndexError> {
        let mut block = self.block.clone();
        let mut dates = LinkDates::new(&self.scan.segment, self.scan.history);
        let place_bits = self.place_bits();
        let mut found = Gathered::default();
        for links in stretches {
            for start in links.clone().step_by(STRIDE) {
                check(cancel)?;
                let some = start..links.end.min(start + STRIDE);
                for_each_live_of(
                    &mut block,
                    table,
                    &mut dates,
                    some,
                    |form| wanted.has(form),
                    |fold, place, own| {
                        let key = u64::from(fold) << place_bits | u64::from(place);
                        found.keys.push(key);
                        if let Some((first_seen, last_visited)) = own {
                            found.dated.push((key, first_seen, last_visited));
                        }
                        Ok::<(), Corrupt>(())
                    },
                )
                .map_err(self.scan.wrong())?;
            }
        }
        Ok(found)
    }

    /// The links whose folds are wanted, gathered by several threads where there are many. 8 bytes a link.
    pub(super) fn gather_at_once(
        &self,
        table: &FactTable,
        among: Option<&BitSet>,
        cancel: &AtomicBool,
    ) -> Result<Vec<Gathered>, IndexError> {
        let forms = among.map(|among| table.folds.forms_of(among));
        let wanted = Wanted::of(table, &(0..u32::MAX), forms.as_ref());
        let gather = |(): &mut (), links: &Range<usize>| {
            self.gather(table, std::slice::from_ref(links), wanted, cancel)
        };
        // Whole blocks of the columns, so that none is unpacked twice.
        let length = (self.links / (4 * threads())).max(self.scan.tuning.part_links_min / 4);
        let length = length.max(1).next_multiple_of(BLOCK);
        let mut stretches = Vec::new();
        for links in &self.scan.links {
            let mut start = links.start;
            while start < links.end {
                let end = (start / BLOCK * BLOCK).saturating_add(length);
                let end = end.min(links.end);
                stretches.push(start..end);
                start = end;
            }
        }
        each_of(threads(), &stretches, || Ok(()), gather)
    }

    /// Ranges of folds that share gathered links about equally among threads.
    pub(super) fn shares(&self, gathered: &[Gathered]) -> Vec<Range<u32>> {
        const STEP: usize = 64;
        let folds = self.block.fold_count() as u64 as u32;
        let links: usize = gathered.iter().map(|some| some.keys.len()).sum();
        let parts = (links / self.scan.tuning.part_links_min.max(1)).min(threads());
        if parts < 2 {
            return std::iter::once(0..folds).collect();
        }
        let place_bits = self.place_bits();
        // Some of them tell where the others lie.
        let some = gathered.iter().flat_map(|some| some.keys.iter());
        let mut sample: Vec<u64> = some.step_by(STEP).copied().collect();
        sample.sort_unstable();
        let mut start = 0;
        let mut shares = Vec::with_capacity(parts);
        for part in 1..parts {
            let key = sample.get(sample.len() / parts * part).copied();
            let fold = key.map_or(start, |key| (key >> place_bits) as u32);
            if fold > start {
                shares.push(start..fold);
                start = fold;
            }
        }
        shares.push(start..folds);
        shares
    }

    /// Gives a sink the gathered links whose folds lie in a range.
    pub(super) fn sort_share<V: RowVisitor>(
        &self,
        table: &FactTable,
        gathered: &[Gathered],
        folds: &Range<u32>,
        sink: &mut Sink<'_, '_, V>,
        cancel: &AtomicBool,
    ) -> Result<(), IndexError> {
        let place_bits = self.place_bits();
        let range = u64::from(folds.start) << place_bits..u64::from(folds.end) << place_bits;
        let mut share = Gathered::default();
        for some in gathered {
            check(cancel)?;
            let within = some.keys.iter().filter(|key| range.contains(key));
            share.keys.extend(within);
            let within = some.dated.iter().filter(|(key, ..)| range.contains(key));
            share.dated.extend(within);
        }
        self.give(table, share, folds, sink, cancel)
    }

    /// Gathers the links whose folds lie in a range, and gives them to a sink.
    pub(super) fn gathered<V: RowVisitor>(
        &self,
        table: &FactTable,
        (folds, among): (&Range<u32>, Option<&BitSet>),
        sink: &mut Sink<'_, '_, V>,
        cancel: &AtomicBool,
    ) -> Result<(), IndexError> {
        let forms = among.map(|among| table.folds.forms_of(among));
        let wanted = Wanted::of(table, folds, forms.as_ref());
        let share = self.gather(table, &self.scan.links, wanted, cancel)?;
        self.give(table, share, folds, sink, cancel)
    }

    /// Sorts links of a range of folds, and gives them to a sink.
    fn give<V: RowVisitor>(
        &self,
        table: &FactTable,
        links: Gathered,
        folds: &Range<u32>,
        sink: &mut Sink<'_, '_, V>,
        cancel: &AtomicBool,
    ) -> Result<(), IndexError> {
        let wrong = self.scan.wrong();
        let Gathered {
            mut keys,
            mut dated,
        } = links;
        let place_bits = self.place_bits();
        if !keys.is_sorted() {
            // Few bits are soon sorted by.
            let least = u64::from(folds.start) << place_bits;
            keys.iter_mut().for_each(|key| *key -= least);
            radix::sort(&mut keys, place_bits + radix::bits_below(folds.len()));
            keys.iter_mut().for_each(|key| *key += least);
        }
        dated.sort_unstable();
        let mut dated = dated.into_iter().peekable();
        let place_of = |key: u64| (key & ((1 << place_bits) - 1)) as u32;
        let mut facts = Vec::with_capacity(BLOCK);
        for keys in keys.chunks(BLOCK) {
            check(cancel)?;
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
                    fold: (key >> place_bits) as u32,
                    page: place_of(*key),
                    domain: fact.domain,
                    first_seen,
                    last_visited,
                })?;
            }
        }
        Ok(())
    }
}
