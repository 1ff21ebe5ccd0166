//! Reading the facts about pages: of all of a site block, or of some.

use std::ops::Range;
use std::sync::atomic::AtomicBool;

use windlass_links::History;

use super::folds::Folds;
use super::{Fact, FactTable, Plain};
use crate::bits::{BitSet, RankedBits};
use crate::bytes::Corrupt;
use crate::column::SPARSE;
use crate::error::{IndexError, check};
use crate::fetch::AT_ONCE;
use crate::query::{each_of, threads};
use crate::segment::Segment;
use crate::site::SiteBlock;

/// Words of places, 64 in each, that a thread takes at once.
const SHARE_WORDS: usize = 1 << 10;

/// The facts of neighbouring places.
struct Part {
    facts: Vec<Fact>,
    live: Vec<u64>,
}

impl FactTable {
    /// Reads the page columns of a block. About 10 ns a page, which threads share.
    pub(crate) fn of(
        segment: &Segment,
        block: &SiteBlock<'_>,
        threads: usize,
        cancel: &AtomicBool,
    ) -> Result<Self, IndexError> {
        let wrong = |corrupt| segment.corrupt(corrupt);
        let mut pages = block.pages.clone();
        let n = pages.len();
        if let Some(last) = n.checked_sub(1) {
            let first = pages.get(0).map_err(wrong)?;
            let last = pages.get(last).map_err(wrong)?;
            segment.will_need_latest(first, last, n);
        }
        let folds = Folds::of(block).map_err(wrong)?;
        Self::read(segment, block, (None, folds), threads, cancel)
    }

    /// Reads what is said of some of the pages. About 20 ns each, which threads share.
    pub(crate) fn of_places(
        segment: &Segment,
        block: &SiteBlock<'_>,
        places: BitSet,
        folds: Folds,
        cancel: &AtomicBool,
    ) -> Result<Self, IndexError> {
        let places = Some(places.into());
        Self::read(segment, block, (places, folds), threads(), cancel)
    }

    fn read(
        segment: &Segment,
        block: &SiteBlock<'_>,
        (places, folds): (Option<RankedBits>, Folds),
        threads: usize,
        cancel: &AtomicBool,
    ) -> Result<Self, IndexError> {
        let words = block.pages.len().div_ceil(64);
        let shares: Vec<Range<usize>> = (0..words)
            .step_by(SHARE_WORDS)
            .map(|start| start..words.min(start + SHARE_WORDS))
            .collect();
        let parts = each_of(
            threads,
            &shares,
            || Ok(()),
            |(), words| {
                check(cancel)?;
                Part::read(segment, block, words.clone(), places.as_ref())
                    .map_err(|corrupt| segment.corrupt(corrupt))
            },
        )?;
        let mut facts = Vec::with_capacity(parts.iter().map(|part| part.facts.len()).sum());
        let mut live = Vec::with_capacity(words);
        for part in parts {
            facts.extend_from_slice(&part.facts);
            live.extend_from_slice(&part.live);
        }
        Ok(Self {
            facts,
            live: BitSet::of_words(live),
            places,
            folds,
        })
    }
}

impl Part {
    /// Reads the facts of the places in a range of words, or of some of them.
    fn read(
        segment: &Segment,
        block: &SiteBlock<'_>,
        words: Range<usize>,
        places: Option<&RankedBits>,
    ) -> Result<Self, Corrupt> {
        let mut block = block.clone();
        let domains = segment.domains()?;
        let n = block.pages.len();
        let word_of = |at: usize| match places {
            Some(places) => places.word(at),
            // All that there are.
            None => u64::MAX >> 64usize.saturating_sub(n - at * 64),
        };
        let mut part = Self {
            facts: Vec::new(),
            live: vec![0; words.len()],
        };
        let mut all = Vec::new();
        for_each_place(words.clone(), word_of, |place| all.push(place));
        part.facts.reserve_exact(all.len());
        let mut pages = Vec::with_capacity(all.len());
        let is_sparse = all.len() * SPARSE < words.len() * 64;
        for some in all.chunks(AT_ONCE) {
            let some = some.iter().map(|place| *place as usize);
            if is_sparse {
                block.pages.fetch(some.clone());
            }
            for place in some {
                pages.push(match is_sparse {
                    true => block.pages.at(place)?,
                    false => block.pages.get(place)?,
                });
            }
        }
        segment.will_need_latest_of(pages.iter().copied());
        let mut spans = Vec::new();
        let (mut domain, mut domain_end) = (0, 0);
        for (some, pages) in all.chunks(AT_ONCE).zip(pages.chunks(AT_ONCE)) {
            block.page_times.spans((some, pages), &mut spans)?;
            domains.fetch(pages);
            for ((place, page), seen) in some.iter().zip(pages).zip(&spans) {
                if *page >= domain_end {
                    domain = domains.of_page(*page)?;
                    domain_end = domains.range(domain as usize)?.1;
                }
                let plain = Plain::of(segment, *page, History::Live, *seen);
                if matches!(plain, Plain::Live { .. })
                    && let Some(word) = part.live.get_mut(*place as usize / 64 - words.start)
                {
                    *word |= 1 << (place % 64);
                }
                part.facts.push(Fact::new(domain, plain));
            }
        }
        Ok(part)
    }
}

/// Calls `each` with the places, of those in a range of words, whose bits are set.
fn for_each_place(words: Range<usize>, word_of: impl Fn(usize) -> u64, mut each: impl FnMut(u32)) {
    for at in words {
        let mut word = word_of(at);
        while word != 0 {
            each((at * 64) as u64 as u32 + word.trailing_zeros());
            word &= word - 1;
        }
    }
}
