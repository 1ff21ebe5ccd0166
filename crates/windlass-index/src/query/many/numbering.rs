//! Numbers that all segments share: of registrable domains, pages, anchors and urls.

use windlass_links::surt::host_of_key;

use super::pages::SegmentPages;
use super::shared::{ALONE, SharedPages};
use super::source::{ALLOCATION_BYTES, Source};
use crate::bytes::Corrupt;
use crate::error::IndexError;
use crate::merge::{Damage, MergedStrings};
use crate::places::{Places, PlacesIter};
use crate::query::Question;
use crate::rows::Strings;
use crate::segment::Segment;
use crate::strings::StringList;

/// How many strings are read between looks at the stop flag, and at the budget.
const STRIDE: u32 = 1 << 13;
/// The two numbers of an anchor, for each source that has it.
const FORM_BYTES: usize = 8;

/// A list of a source, as it is given, and as it is read.
const LIST_BYTES: usize = size_of::<(&[u8], StringList<'_>, PlacesIter<'_>)>()
    + MergedStrings::LIST_BYTES
    + ALLOCATION_BYTES;
/// The lists of numbers that a source has beside: its forms and folds, its pages and where they are.
const NUMBERS_BYTES: usize = 4 * (size_of::<Vec<u32>>() + ALLOCATION_BYTES);

/// Domains and pages.
#[derive(Debug, Default)]
pub(super) struct PageNumbers {
    /// The host of each domain.
    pub(super) refdomains: Strings,
    /// The number of the page in each slot of each segment. Those of one domain are neighbours.
    pub(super) of_slot: Vec<Vec<u32>>,
    pub(super) of_shared: Vec<u32>,
    /// The domain of each page.
    pub(super) domains: Vec<u32>,
}

impl PageNumbers {
    pub(super) fn new(
        segments: &[&Segment],
        pages: &[SegmentPages],
        shared: &SharedPages,
        question: &Question<'_>,
    ) -> Result<Self, IndexError> {
        let mut numbers = Self {
            of_shared: vec![ALONE; shared.len()],
            ..Self::default()
        };
        let domains = numbers.number_domains(segments, pages, question)?;
        for pages in pages {
            let of_slot = Vec::with_capacity(pages.numbers.len());
            numbers.of_slot.push(of_slot);
        }
        for domain in 0..numbers.refdomains.len() as u64 as u32 {
            if domain.is_multiple_of(STRIDE) {
                question.check_cancelled()?;
            }
            for (at, (pages, domains)) in pages.iter().zip(&domains).enumerate() {
                numbers.number_pages(domain, at, pages, domains, shared)?;
            }
        }
        Ok(numbers)
    }

    /// The number of each domain that has pages, for each segment by its rank there.
    fn number_domains(
        &mut self,
        segments: &[&Segment],
        pages: &[SegmentPages],
        question: &Question<'_>,
    ) -> Result<Vec<Vec<u32>>, IndexError> {
        let mut lists = Vec::new();
        for (segment, pages) in segments.iter().zip(pages) {
            let domains = segment.domains();
            let domains = domains.map_err(|corrupt| segment.corrupt(corrupt))?;
            lists.push((&[][..], domains.keys(), pages.domains.iter()));
        }
        let mut numbers = vec![Vec::new(); lists.len()];
        let damaged = |damage: Damage| match segments.get(damage.input) {
            Some(segment) => segment.corrupt(damage.what),
            None => IndexError::TooLarge(damage.what.0),
        };
        let mut counted = 0;
        let mut strings = MergedStrings::default();
        strings.begin_some(lists.into_iter(), false);
        while strings.advance().map_err(damaged)? {
            let number = self.refdomains.push(&host_of_key(strings.text()));
            if number.is_multiple_of(STRIDE) {
                question.check_cancelled()?;
                question
                    .memory
                    .take(1, self.refdomains.memory() - counted)?;
                counted = self.refdomains.memory();
            }
            for (at, _) in strings.having() {
                if let Some(of_segment) = numbers.get_mut(at) {
                    of_segment.push(number);
                }
            }
        }
        Ok(numbers)
    }

    /// Numbers the pages that a segment has of a domain. Domains come in their order, and for each the
    /// segments.
    fn number_pages(
        &mut self,
        domain: u32,
        at: usize,
        pages: &SegmentPages,
        domains: &[u32],
        shared: &SharedPages,
    ) -> Result<(), IndexError> {
        let Some(of_slot) = self.of_slot.get_mut(at) else {
            return Ok(());
        };
        while let Some(rank) = pages.domain_ranks.get(of_slot.len())
            && domains.get(*rank as usize) == Some(&domain)
        {
            let next = u32::try_from(self.domains.len())
                .map_err(|_| IndexError::TooLarge("more than 2^32 pages"))?;
            let shared = shared.get(at, of_slot.len());
            let number = match self.of_shared.get_mut(shared as usize) {
                Some(known) if *known != ALONE => *known,
                Some(unknown) => {
                    *unknown = next;
                    next
                }
                None => next,
            };
            if number == next {
                self.domains.push(domain);
            }
            of_slot.push(number);
        }
        Ok(())
    }
}

/// The anchors of the links, as written and folded.
#[derive(Debug, Default)]
pub(super) struct FormNumbers {
    /// The folded anchors, in the order of bytes.
    pub(super) anchors: Strings,
    /// For each source, by the rank of its form there: the number of the anchor as written.
    pub(super) forms: Vec<Vec<u32>>,
    /// Likewise of the folded anchor.
    pub(super) folds: Vec<Vec<u32>>,
}

impl FormNumbers {
    pub(super) fn new(sources: &[Source<'_>], question: &Question<'_>) -> Result<Self, IndexError> {
        let forms = sources.iter().map(|source| source.forms.len()).sum();
        question.memory.take(forms, FORM_BYTES)?;
        question.memory.take(sources.len(), NUMBERS_BYTES)?;
        let _lists = question.memory.hold(sources.len(), LIST_BYTES)?;
        let mut lists = Vec::with_capacity(sources.len());
        for source in sources {
            lists.push((&[][..], source.block()?.forms, source.forms.iter()));
        }
        let vectors = || {
            let of_source = |source: &Source<'_>| Vec::with_capacity(source.forms.len());
            sources.iter().map(of_source).collect()
        };
        let mut numbers = Self {
            anchors: Strings::default(),
            forms: vectors(),
            folds: vectors(),
        };
        let mut strings = MergedStrings::default();
        strings.begin_some(lists.into_iter(), true);
        let mut fold = None;
        let mut form = 0u32;
        let mut counted = 0;
        while strings
            .advance()
            .map_err(|damage| damaged(sources, damage))?
        {
            let folded = std::str::from_utf8(strings.folded());
            let folded = folded.map_err(|_| {
                let input = strings.having().next().map_or(0, |(at, _)| at);
                let what = Corrupt("an anchor");
                damaged(sources, Damage { input, what })
            })?;
            let fold = match fold {
                Some(last) if numbers.anchors.get(last) == folded => last,
                _ => *fold.insert(numbers.anchors.push(folded)),
            };
            for (at, _) in strings.having() {
                if let (Some(forms), Some(folds)) =
                    (numbers.forms.get_mut(at), numbers.folds.get_mut(at))
                {
                    forms.push(form);
                    folds.push(fold);
                }
            }
            if form.is_multiple_of(STRIDE) {
                question.check_cancelled()?;
                question
                    .memory
                    .take(1, numbers.anchors.memory() - counted)?;
                counted = numbers.anchors.memory();
            }
            form = form.checked_add(1).ok_or(IndexError::TooLarge("anchors"))?;
        }
        Ok(numbers)
    }
}

/// The numbers of urls, for each source by their rank among its urls that are given.
pub(super) fn number_urls(
    sources: &[Source<'_>],
    urls: &[Places],
    question: &Question<'_>,
) -> Result<Vec<Vec<u32>>, IndexError> {
    let _lists = question.memory.hold(sources.len(), LIST_BYTES)?;
    let mut lists = Vec::with_capacity(sources.len());
    for (source, urls) in sources.iter().zip(urls) {
        lists.push((
            source.site_key.as_slice(),
            source.block()?.urls,
            urls.iter(),
        ));
    }
    let mut numbers = vec![Vec::new(); lists.len()];
    let mut strings = MergedStrings::default();
    strings.begin_some(lists.into_iter(), false);
    let mut number = 0u32;
    while strings
        .advance()
        .map_err(|damage| damaged(sources, damage))?
    {
        for (at, _) in strings.having() {
            if let Some(of_source) = numbers.get_mut(at) {
                of_source.push(number);
            }
        }
        if number.is_multiple_of(STRIDE) {
            question.check_cancelled()?;
        }
        number = number.checked_add(1).ok_or(IndexError::TooLarge("urls"))?;
    }
    Ok(numbers)
}

fn damaged(sources: &[Source<'_>], Damage { input, what }: Damage) -> IndexError {
    match sources.get(input) {
        Some(source) => source.segment.corrupt(what),
        None => IndexError::TooLarge(what.0),
    }
}
