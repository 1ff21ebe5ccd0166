//! From links in several segments to backlinks in one list.

use std::ops::Range;
use std::sync::Arc;

use windlass_links::History;

use super::numbering::{FormNumbers, PageNumbers, number_urls};
use super::pages::{SegmentPages, Slots};
use super::shared::{ALONE, SharedPages};
use super::source::Source;
use crate::bytes::Corrupt;
use crate::error::IndexError;
use crate::facts::{Fact, Plain};
use crate::places::Places;
use crate::query::dates::Dates;
use crate::query::parts::{each_of, threads};
use crate::query::united::United;
use crate::query::{LinkDates, Question};
use crate::radix;
use crate::segment::Segment;

/// How many shared pages are united between looks at the stop flag.
const STRIDE: usize = 1 << 8;

/// What is needed to put links together.
pub(super) struct Gatherer<'q, 'a> {
    pub(super) question: &'q Question<'q>,
    pub(super) segments: &'a [Arc<Segment>],
    pub(super) sources: Vec<Source<'a>>,
    /// Of each source.
    pub(super) slots: Vec<Slots>,
    pub(super) pages: Vec<SegmentPages>,
    pub(super) shared: SharedPages,
    pub(super) page_numbers: PageNumbers,
    pub(super) form_numbers: FormNumbers,
}

/// A page that links to a site, as a source has it.
#[derive(Debug, Clone, Copy)]
enum SourcePage {
    /// One segment alone has it. Its links that were seen at all of its times are as the fact says, in
    /// whose place of a domain is the page's number.
    Alone(Fact),
    /// Which shared page it is.
    Shared(u32),
}

/// A backlink that the history keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Found {
    fold: u32,
    page: u32,
    first_seen: u32,
    last_visited: u32,
}

/// A link on a shared page, as one source shows it.
#[derive(Debug, Clone, Copy)]
struct Seen {
    shared: u32,
    /// By its rank among the urls of the source; later by a number that all sources share.
    url: u32,
    form: u32,
    fold: u32,
    segment: u32,
    /// Which times.
    first_time: usize,
    times: u32,
}

/// The backlinks of a range of folds.
struct Part {
    /// How many links each fold has.
    counts: Vec<u32>,
    pages: Vec<u32>,
    /// By their places in the part.
    dated: Vec<(u32, u32, u32)>,
}

impl Gatherer<'_, '_> {
    /// The backlinks that the history keeps.
    pub(super) fn gather(self) -> Result<United, IndexError> {
        let threads = threads_for(&self.sources, self.question.tuning.part_links_min);
        let sources: Vec<_> = self.sources.iter().zip(&self.slots).collect();
        let of_sources = each_of(
            threads,
            &sources,
            || Ok(()),
            |(), (source, slots)| self.source_pages(source, slots),
        )?;
        drop(sources);
        let shared = self.shared_links(&of_sources)?;
        let facts = self.facts(&of_sources, &shared);
        let parts = self.parts()?;
        let parts = each_of(
            threads,
            &parts,
            || Ok(()),
            |(), folds| self.part(folds.clone(), &of_sources, &shared, &facts),
        )?;
        let mut united = United {
            facts,
            part_links_min: self.question.tuning.part_links_min,
            ..United::default()
        };
        let too_many = |_| IndexError::TooLarge("more than 2^32 links to one target");
        for part in parts {
            let first = u32::try_from(united.pages.len()).map_err(too_many)?;
            let mut start = first;
            for count in part.counts {
                united.starts.push(start);
                start = start.saturating_add(count);
            }
            if united.pages.is_empty() {
                united.pages = part.pages;
            } else {
                united.pages.extend_from_slice(&part.pages);
            }
            let dated = part.dated.into_iter();
            united
                .dated
                .extend(dated.map(|(link, a, b)| (first + link, a, b)));
        }
        united
            .starts
            .push(u32::try_from(united.pages.len()).map_err(too_many)?);
        united.anchors = self.form_numbers.anchors;
        united.refdomains = self.page_numbers.refdomains;
        united.starts.shrink_to_fit();
        united.pages.shrink_to_fit();
        united.dated.shrink_to_fit();
        united.anchors.shrink();
        united.refdomains.shrink();
        Ok(united)
    }

    /// The pages of a source, by the ranks of their places.
    fn source_pages(
        &self,
        source: &Source<'_>,
        slots: &Slots,
    ) -> Result<Vec<SourcePage>, IndexError> {
        let wrong = source.wrong();
        let mut block = source.block()?;
        let mut all = Vec::with_capacity(source.places.len());
        let numbers = self.pages.get(source.at).map(|pages| &pages.numbers);
        let of_slot = self.page_numbers.of_slot.get(source.at);
        let (Some(numbers), Some(of_slot)) = (numbers, of_slot) else {
            return Ok(all);
        };
        for (rank, place) in source.places.iter().enumerate() {
            if rank.is_multiple_of(STRIDE << 4) {
                self.question.check_cancelled()?;
            }
            let slot = slots.get(rank);
            let shared = self.shared.get(source.at, slot);
            if shared != ALONE {
                all.push(SourcePage::Shared(shared));
                continue;
            }
            let mut read = || -> Result<Fact, Corrupt> {
                let page = numbers.get(slot).ok_or(Corrupt("a page number"))?;
                let number = of_slot.get(slot).ok_or(Corrupt("a page number"))?;
                let (first_seen, last_visited) = block.page_times.first_and_last(place, *page)?;
                let plain = plain(source.segment, *page, self.question.history, last_visited)?;
                Ok(Fact::new(
                    *number,
                    plain.unwrap_or(Plain::Live {
                        first_seen,
                        last_visited,
                    }),
                ))
            };
            all.push(SourcePage::Alone(read().map_err(&wrong)?));
        }
        Ok(all)
    }

    /// The links on shared pages, each once, with what all segments say of it. Ordered.
    fn shared_links(&self, of_sources: &[Vec<SourcePage>]) -> Result<Vec<Found>, IndexError> {
        if self.shared.len() == 0 {
            return Ok(Vec::new());
        }
        let (mut seen, mut times, mut urls) = (Vec::new(), Vec::new(), Vec::new());
        let mut ends = Vec::with_capacity(self.sources.len());
        for (at, (source, pages)) in self.sources.iter().zip(of_sources).enumerate() {
            let mut of_source = Vec::new();
            if pages
                .iter()
                .any(|page| matches!(page, SourcePage::Shared(_)))
            {
                self.see(at, source, pages, &mut seen, &mut times, &mut of_source)?;
            }
            urls.push(Places::Few(of_source));
            ends.push(seen.len());
        }
        let numbers = number_urls(&self.sources, &urls, self.question)?;
        let mut start = 0;
        for (numbers, end) in numbers.iter().zip(ends) {
            for link in seen.get_mut(start..end).unwrap_or_default() {
                link.url = numbers.get(link.url as usize).copied().unwrap_or_default();
            }
            start = end;
        }
        seen.sort_unstable_by_key(|link| (link.shared, link.url, link.form));
        let mut found = Vec::new();
        for (n, of_page) in seen.chunk_by(|a, b| a.shared == b.shared).enumerate() {
            if n.is_multiple_of(STRIDE) {
                self.question.check_cancelled()?;
            }
            self.unite(of_page, &times, &mut found)?;
        }
        found.sort_unstable();
        Ok(found)
    }

    /// Collects the links of a source that are on shared pages, their times and their urls.
    fn see(
        &self,
        at: usize,
        source: &Source<'_>,
        pages: &[SourcePage],
        seen: &mut Vec<Seen>,
        times: &mut Vec<u32>,
        urls: &mut Vec<u32>,
    ) -> Result<(), IndexError> {
        let mut block = source.block()?;
        let (forms, folds) = self.forms_and_folds(at);
        let mut of_link = Vec::new();
        // The url of the link at hand, and where its links end.
        let mut ranges = source.urls.iter().cloned().flatten();
        let (mut url, mut url_end) = (0, 0);
        source.for_each_link(&mut block, self.question, |block, link| {
            while link.number >= url_end {
                url = ranges.next().ok_or(Corrupt("a url's links"))?;
                url_end = block.hrefs.start(url + 1)?;
            }
            let rank = source.places.rank(link.place);
            let page = rank.and_then(|rank| pages.get(rank));
            let SourcePage::Shared(shared) = *page.ok_or(Corrupt("a page's place"))? else {
                return Ok(());
            };
            let url = url as u64 as u32;
            if urls.last() != Some(&url) {
                urls.push(url);
            }
            let number = block.pages.at(link.place as usize)?;
            link.times(block, number, &mut of_link)?;
            let form = source.forms.rank(link.form).ok_or(Corrupt("a form"))?;
            seen.push(Seen {
                shared,
                url: urls.len().saturating_sub(1) as u64 as u32,
                form: *forms.get(form).ok_or(Corrupt("a form"))?,
                fold: *folds.get(form).ok_or(Corrupt("a form"))?,
                segment: source.at as u64 as u32,
                first_time: times.len(),
                times: of_link.len() as u64 as u32,
            });
            times.extend_from_slice(&of_link);
            Ok(())
        })
    }

    fn forms_and_folds(&self, source: usize) -> (&[u32], &[u32]) {
        let forms = self.form_numbers.forms.get(source);
        let folds = self.form_numbers.folds.get(source);
        (
            forms.map_or(&[], Vec::as_slice),
            folds.map_or(&[], Vec::as_slice),
        )
    }

    /// Unites what several sources show of the links on one page. `links` are ordered by (url, form).
    fn unite(
        &self,
        links: &[Seen],
        times: &[u32],
        found: &mut Vec<Found>,
    ) -> Result<(), IndexError> {
        let Some(first) = links.first() else {
            return Ok(());
        };
        let history = self.question.history;
        let united = self.shared.unite(first.shared, self.segments, history)?;
        let page = self.page_numbers.of_shared.get(first.shared as usize);
        let page = page.copied().unwrap_or_default();
        let mut all = Vec::new();
        for copies in links.chunk_by(|a, b| (a.url, a.form) == (b.url, b.form)) {
            all.clear();
            for copy in copies {
                let of_copy = times.get(copy.first_time..).unwrap_or_default();
                let of_copy = of_copy.iter().take(copy.times as usize);
                all.extend(of_copy.filter(|time| !united.is_outranked(copy.segment, **time)));
            }
            if copies.len() > 1 {
                all.sort_unstable();
                all.dedup();
            }
            if let (Some(copy), Some(dates)) = (copies.first(), united.dates(&all, history)) {
                found.push(Found::new(copy.fold, page, dates));
            }
        }
        Ok(())
    }

    /// For each page its domain, and dates that links of it have: those of most.
    fn facts(&self, of_sources: &[Vec<SourcePage>], shared: &[Found]) -> Vec<Fact> {
        let domains = self.page_numbers.domains.iter();
        let unknown = domains.map(|domain| Fact::new(*domain, Plain::Revisited));
        let mut facts: Vec<Fact> = unknown.collect();
        let mut set = |page: u32, plain: Plain| {
            if let Some(fact) = facts.get_mut(page as usize)
                && fact.plain() == Plain::Revisited
            {
                *fact = Fact::new(fact.domain, plain);
            }
        };
        for page in of_sources.iter().flatten() {
            if let SourcePage::Alone(fact) = page
                && let plain @ Plain::Live { .. } = fact.plain()
            {
                set(fact.domain, plain);
            }
        }
        for link in shared {
            let plain = Plain::Live {
                first_seen: link.first_seen,
                last_visited: link.last_visited,
            };
            set(link.page, plain);
        }
        facts
    }

    /// Ranges of folds that together have all links, each about as many.
    fn parts(&self) -> Result<Vec<Range<u32>>, IndexError> {
        let folds = self.form_numbers.anchors.len() as u64 as u32;
        let tuning = &self.question.tuning;
        let links: usize = self.sources.iter().map(Source::count).sum();
        let parts = threads_for(&self.sources, tuning.part_links_min)
            .max(links.div_ceil(tuning.part_links_max.max(1)));
        if parts == 1 {
            return Ok(std::iter::once(0..folds).collect());
        }
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
                ranges.push(start..fold);
                start = fold;
                sum = 0;
            }
            sum += *count as usize;
        }
        ranges.push(start..folds);
        Ok(ranges)
    }

    /// The backlinks of a range of folds, in order.
    fn part(
        &self,
        folds: Range<u32>,
        of_sources: &[Vec<SourcePage>],
        shared: &[Found],
        facts: &[Fact],
    ) -> Result<Part, IndexError> {
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
        Ok(Part::new(&keys, dated, page_bits, folds.len()))
    }
}

/// How many threads the links of sources are worth, where so many are worth a further one.
pub(super) fn threads_for(sources: &[Source<'_>], links_min: usize) -> usize {
    let links: usize = sources.iter().map(Source::count).sum();
    (links / links_min.max(1)).clamp(1, threads())
}

/// What the page table of its only segment says of the links that were seen at all times of a page,
/// the last of them being `last_visited`. `None`: they are kept, with these times.
fn plain(
    segment: &Segment,
    page: u32,
    history: History,
    last_visited: u32,
) -> Result<Option<Plain>, Corrupt> {
    if segment.is_revisited(page) {
        return Ok(Some(Plain::Revisited));
    }
    if history == History::AllTime || segment.latest(page)? == last_visited {
        return Ok(None);
    }
    Ok(Some(match history {
        History::Live => Plain::Lost,
        // Whether they are kept follows from all captures.
        History::AllTime | History::Since(_) => Plain::Revisited,
    }))
}

impl Found {
    fn new(fold: u32, page: u32, dates: Dates) -> Self {
        Self {
            fold,
            page,
            first_seen: dates.first_seen,
            last_visited: dates.last_visited,
        }
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
