//! The backlinks of a target, sorted in parts that threads share.

use std::ops::Range;

use super::source::Source;
use super::uniter::{Found, SourcePage, Uniter, threads_for};
use crate::bytes::Corrupt;
use crate::error::IndexError;
use crate::facts::{Fact, Plain};
use crate::query::LinkDates;
use crate::radix;

/// A link while it is sorted: its key, once more where they are moved.
const KEY_BYTES: usize = 16;

/// The backlinks of a range of folds.
pub(super) struct Part {
    /// How many links each fold has.
    pub(super) counts: Vec<u32>,
    pub(super) pages: Vec<u32>,
    /// By their places in the part.
    pub(super) dated: Vec<(u32, u32, u32)>,
}

impl Uniter<'_, '_> {
    /// Ranges of folds that together have all links, each about as many; and how many those are.
    pub(super) fn parts(&self) -> Result<Vec<(Range<u32>, usize)>, IndexError> {
        let folds = self.form_numbers.anchors.len() as u64 as u32;
        let tuning = &self.question.tuning;
        let links: usize = self.sources.iter().map(Source::count).sum();
        let parts = threads_for(&self.sources, tuning.part_links_min)
            .max(links.div_ceil(tuning.part_links_max.max(1)));
        if parts == 1 {
            return Ok(vec![(0..folds, links)]);
        }
        let _counts = self.question.memory.hold(folds as usize, 4)?;
        let mut counts = vec![0u32; folds as usize];
        for (at, source) in self.sources.iter().enumerate() {
            let (_, folds) = self.forms_and_folds(at);
            let mut block = source.block()?;
            source.for_each_link(&mut block, self.question, |_, link| {
                let rank = source.forms.rank(link.form);
                let fold = rank.and_then(|rank| folds.get(rank));
                let fold = fold.ok_or(Corrupt("a form"))?;
                if let Some(count) = counts.get_mut(*fold as usize) {
                    *count += 1;
                }
                Ok(())
            })?;
        }
        let (mut ranges, mut start, mut sum) = (Vec::with_capacity(parts), 0, 0);
        for (fold, count) in (0u32..).zip(&counts) {
            if sum >= links / parts && fold > start {
                ranges.push((start..fold, sum));
                start = fold;
                sum = 0;
            }
            sum += *count as usize;
        }
        ranges.push((start..folds, sum));
        Ok(ranges)
    }

    /// The backlinks of a range of folds that has so many links, in order.
    pub(super) fn part(
        &self,
        folds: Range<u32>,
        links: usize,
        of_sources: &[Vec<SourcePage>],
        shared: &[Found],
        facts: &[Fact],
    ) -> Result<Part, IndexError> {
        let _sorting = self.question.memory.hold(links, KEY_BYTES)?;
        let page_bits = radix::bits_below(facts.len());
        let mut keys = Vec::new();
        let mut dated = Vec::new();
        let mut add = |fold: u32, page: u32, first_seen: u32, last_visited: u32| {
            let key = u64::from(fold - folds.start) << page_bits | u64::from(page);
            keys.push(key);
            let usual = facts.get(page as usize).map(|fact| fact.plain());
            let own = Plain::Live {
                first_seen,
                last_visited,
            };
            if usual != Some(own) {
                dated.push((key, first_seen, last_visited));
            }
        };
        for (at, (source, pages)) in self.sources.iter().zip(of_sources).enumerate() {
            let mut dates = LinkDates::new(source.segment, self.question.history);
            let (_, of_forms) = self.forms_and_folds(at);
            let (mut block, mut times) = (source.block()?, Vec::new());
            source.for_each_link(&mut block, self.question, |block, link| {
                let rank = source.forms.rank(link.form);
                let fold = rank.and_then(|rank| of_forms.get(rank));
                let fold = *fold.ok_or(Corrupt("a form"))?;
                if !folds.contains(&fold) {
                    return Ok(());
                }
                let rank = source.places.rank(link.place);
                let page = rank.and_then(|rank| pages.get(rank));
                let SourcePage::Alone(fact) = *page.ok_or(Corrupt("a page's place"))? else {
                    return Ok(());
                };
                match fact.plain() {
                    Plain::Live {
                        first_seen,
                        last_visited,
                    } if !link.is_exception => {
                        add(fold, fact.domain, first_seen, last_visited);
                    }
                    Plain::Lost if !link.is_exception => {}
                    _ => {
                        let number = block.pages.at(link.place as usize)?;
                        link.times(block, number, &mut times)?;
                        if let Some(found) = dates.of(number, &times)? {
                            add(fold, fact.domain, found.first_seen, found.last_visited);
                        }
                    }
                }
                Ok(())
            })?;
        }
        let start = shared.partition_point(|link| link.fold < folds.start);
        let end = shared.partition_point(|link| link.fold < folds.end);
        for link in shared.get(start..end).unwrap_or_default() {
            add(link.fold, link.page, link.first_seen, link.last_visited);
        }
        if !keys.is_sorted() {
            radix::sort(&mut keys, page_bits + radix::bits_below(folds.len()));
        }
        dated.sort_unstable();
        let memory = &self.question.memory;
        memory.take(keys.len(), size_of::<u32>())?;
        memory.take(folds.len(), size_of::<u32>())?;
        memory.take(dated.len(), size_of::<(u32, u32, u32)>())?;
        Ok(Part::new(&keys, dated, page_bits, folds.len()))
    }
}

impl Part {
    /// From keys of (fold, page), ordered, and the dates of some of them.
    fn new(keys: &[u64], dated: Vec<(u64, u32, u32)>, page_bits: u32, folds: usize) -> Self {
        let mut part = Self {
            counts: vec![0; folds],
            pages: Vec::with_capacity(keys.len()),
            dated: Vec::with_capacity(dated.len()),
        };
        let mut dated = dated.into_iter().peekable();
        for (link, key) in (0u32..).zip(keys) {
            if let Some(count) = part.counts.get_mut((key >> page_bits) as usize) {
                *count += 1;
            }
            part.pages.push((key & ((1 << page_bits) - 1)) as u32);
            // Of links with the same fold and page the first ones take them: which does not matter.
            if let Some((_, first_seen, last_visited)) = dated.next_if(|(of, ..)| of == key) {
                part.dated.push((link, first_seen, last_visited));
            }
        }
        part
    }
}
