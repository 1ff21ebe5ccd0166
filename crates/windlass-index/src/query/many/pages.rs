//! The pages that link to a question's range, of one segment, and which of them others have too.

use std::sync::Arc;

use super::kept::Kept;
use super::overlap::Match;
use super::source::Source;
use crate::bytes::Corrupt;
use crate::error::IndexError;
use crate::fetch::AT_ONCE;
use crate::places::Places;
use crate::query::Question;
use crate::segment::{PageFinder, PageKeys, Segment};

/// How many pages are looked up between looks at the stop flag.
const STRIDE: usize = 1 << 8;
/// What another segment has of a page.
const MATCH_BYTES: usize = size_of::<(u32, u32, Match)>();

/// The pages of one segment that link to the range.
#[derive(Debug, Default)]
pub(super) struct SegmentPages {
    /// Their numbers, ascending. A page's place here is its slot.
    pub(super) numbers: Vec<u32>,
    /// The registrable domains that have them.
    pub(super) domains: Places,
    /// For each slot, the rank of its domain among those.
    pub(super) domain_ranks: Vec<u32>,
}

/// Where the pages of a source are among those of its segment.
#[derive(Debug)]
pub(super) enum Slots {
    /// The source is the only one of the segment.
    Same,
    /// The slot for each rank of a page's place.
    Listed(Vec<u32>),
}

impl Slots {
    /// The slot of the page that has so many of the source before it.
    #[inline]
    pub(super) fn get(&self, rank: usize) -> usize {
        match self {
            Self::Same => rank,
            Self::Listed(slots) => slots.get(rank).map_or(usize::MAX, |slot| *slot as usize),
        }
    }
}

impl SegmentPages {
    /// The pages of the sources in a segment, and for each source where its pages are among them.
    pub(super) fn of(
        segment: &Segment,
        sources: &[Source<'_>],
    ) -> Result<(Self, Vec<Slots>), IndexError> {
        let mut numbers = Vec::new();
        let mut ends = Vec::with_capacity(sources.len());
        for source in sources {
            let mut block = source.block()?;
            numbers.reserve(source.places.len());
            for place in source.places.iter() {
                let number = block.pages.get(place as usize);
                numbers.push(number.map_err(source.wrong())?);
            }
            ends.push(numbers.len());
        }
        let mut slots = Vec::with_capacity(sources.len());
        if sources.len() == 1 {
            slots.push(Slots::Same);
        } else {
            let all = numbers.clone();
            numbers.sort_unstable();
            numbers.dedup();
            let mut start = 0;
            for end in ends {
                let of_source = all.get(start..end).unwrap_or_default();
                let place = |number: &u32| numbers.partition_point(|other| other < number);
                let places = of_source.iter().map(|number| place(number) as u64 as u32);
                slots.push(Slots::Listed(places.collect()));
                start = end;
            }
        }
        let pages = Self::with_domains(segment, numbers);
        Ok((pages.map_err(|corrupt| segment.corrupt(corrupt))?, slots))
    }

    fn with_domains(segment: &Segment, numbers: Vec<u32>) -> Result<Self, Corrupt> {
        let all = segment.domains()?;
        let (mut domains, mut domain_ranks) = (Vec::new(), Vec::with_capacity(numbers.len()));
        let mut end = 0;
        for numbers in numbers.chunks(AT_ONCE) {
            all.fetch(numbers);
            for number in numbers {
                if *number >= end {
                    let domain = all.of_page(*number)?;
                    end = all.range(domain as usize)?.1;
                    domains.push(domain);
                }
                domain_ranks.push(domains.len().saturating_sub(1) as u64 as u32);
            }
        }
        Ok(Self {
            numbers,
            domains: Places::Few(domains),
            domain_ranks,
        })
    }

    /// Which of the pages other segments have too: (slot, segment, what it has), in this order.
    pub(super) fn matches(
        &self,
        at: usize,
        segments: &[Arc<Segment>],
        kept: &Kept,
        question: &Question<'_>,
    ) -> Result<Vec<(u32, u32, Match)>, IndexError> {
        let mut found = Vec::new();
        if self.numbers.is_empty() {
            return Ok(found);
        }
        let mut unknown = Vec::new();
        for (other, segment) in segments.iter().enumerate() {
            if other == at {
                continue;
            }
            let overlap = kept.overlap_if_worth(
                (at.min(other), at.max(other)),
                self.numbers.len(),
                question.tuning.pages_per_look_up,
                question.cancel,
            )?;
            let Some(overlap) = overlap else {
                unknown.push((other as u64 as u32, &**segment));
                continue;
            };
            let before = found.len();
            for (slot, page) in (0u32..).zip(&self.numbers) {
                if let Some(of_page) = overlap.of_page(at > other, *page) {
                    found.push((slot, other as u64 as u32, of_page));
                }
            }
            let added = found.len() - before;
            question.memory.take(added, MATCH_BYTES)?;
        }
        if let Some(own) = segments.get(at)
            && !unknown.is_empty()
        {
            self.look_up(own, &unknown, question, &mut found)?;
        }
        found.sort_unstable_by_key(|(slot, other, _)| (*slot, *other));
        Ok(found)
    }

    /// Looks the pages up by their keys in other segments.
    fn look_up(
        &self,
        own: &Segment,
        others: &[(u32, &Segment)],
        question: &Question<'_>,
        found: &mut Vec<(u32, u32, Match)>,
    ) -> Result<(), IndexError> {
        let wrong = |corrupt| own.corrupt(corrupt);
        let mut keys = PageKeys::new(own).map_err(wrong)?;
        let mut key = Vec::new();
        let domains = own.domains().map_err(wrong)?;
        let others = others.iter();
        let others = others.map(|(at, of)| Other::new(*at, of));
        let mut others = others.collect::<Result<Vec<Other<'_>>, IndexError>>()?;
        let mut of_domains = self.domains.iter();
        let mut last_rank = None;
        let mut counted = found.len();
        for ((slot, number), rank) in (0u32..).zip(&self.numbers).zip(&self.domain_ranks) {
            if slot.is_multiple_of(STRIDE as u32) {
                question.check_cancelled()?;
                question.memory.take(found.len() - counted, MATCH_BYTES)?;
                counted = found.len();
            }
            if last_rank != Some(*rank) {
                last_rank = Some(*rank);
                let domain = of_domains.next().ok_or(Corrupt("a domain"));
                let domain = domain.and_then(|domain| domains.key(domain));
                let domain = domain.map_err(wrong)?;
                for other in &mut others {
                    other.begin_domain(&domain)?;
                }
            }
            if others.iter().all(|other| other.range.is_none()) {
                continue;
            }
            let kinds = keys.read(*number, &mut key).map_err(wrong)?;
            for other in &mut others {
                let Some(range) = other.range else { continue };
                let page = other.finder.find(range, &key);
                let page = page.map_err(|corrupt| other.segment.corrupt(corrupt))?;
                if let Some((page, of_other)) = page {
                    let is_plain = kinds.union(of_other).is_plain();
                    found.push((slot, other.at, Match { page, is_plain }));
                }
            }
        }
        Ok(())
    }
}

/// A segment that pages are looked up in.
struct Other<'a> {
    at: u32,
    segment: &'a Segment,
    finder: PageFinder<'a>,
    /// Its pages of the domain at hand.
    range: Option<(u32, u32)>,
}

impl<'a> Other<'a> {
    fn new(at: u32, segment: &'a Segment) -> Result<Self, IndexError> {
        let finder = PageFinder::new(segment);
        Ok(Self {
            at,
            segment,
            finder: finder.map_err(|corrupt| segment.corrupt(corrupt))?,
            range: None,
        })
    }

    fn begin_domain(&mut self, key: &[u8]) -> Result<(), IndexError> {
        let range = self
            .segment
            .domains()
            .and_then(|domains| domains.range_of(key));
        self.range = range.map_err(|corrupt| self.segment.corrupt(corrupt))?;
        Ok(())
    }
}
