//! From links in several segments to backlinks in one list.

use std::sync::Arc;

use super::numbering::{FormNumbers, PageNumbers};
use super::pages::{SegmentPages, Slots};
use super::shared::{ALONE, SharedPages};
use super::source::Source;
use crate::bytes::Corrupt;
use crate::error::IndexError;
use crate::facts::{Fact, Plain};
use crate::fetch::AT_ONCE;
use crate::query::Question;
use crate::query::parts::{each_of, threads};
use crate::query::united::United;
use crate::segment::Segment;

/// What is known of a page of the answer, and its domain.
const FACT_BYTES: usize = size_of::<Fact>() + 4;

/// What is needed to put links together.
pub(super) struct Uniter<'q, 'a> {
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
pub(super) enum SourcePage {
    /// One segment alone has it. Its links that were seen at all of its times are as the fact says, in
    /// whose place of a domain is the page's number.
    Alone(Fact),
    /// Which shared page it is.
    Shared(u32),
}

/// A backlink that the history keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Found {
    pub(super) fold: u32,
    pub(super) page: u32,
    pub(super) first_seen: u32,
    pub(super) last_visited: u32,
}

impl Uniter<'_, '_> {
    /// The backlinks that the history keeps.
    pub(super) fn unite(self) -> Result<United, IndexError> {
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
        let pages = self.page_numbers.domains.len();
        self.question.memory.take(pages, FACT_BYTES)?;
        let facts = self.facts(&of_sources, &shared);
        let parts = self.parts()?;
        let parts = each_of(
            threads,
            &parts,
            || Ok(()),
            |(), (folds, links)| self.part(folds.clone(), *links, &of_sources, &shared, &facts),
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
        let ranks = 0..source.places.len();
        let of_source = ranks.filter_map(|rank| numbers.get(slots.get(rank)).copied());
        source.segment.will_need_latest_of(of_source);
        let (mut some, mut pages, mut spans) = (Vec::new(), Vec::new(), Vec::new());
        let mut places = source.places.iter();
        loop {
            self.question.check_cancelled()?;
            some.clear();
            some.extend(places.by_ref().take(AT_ONCE));
            if some.is_empty() {
                return Ok(all);
            }
            pages.clear();
            let first = all.len();
            for rank in first..first + some.len() {
                let page = numbers.get(slots.get(rank));
                pages.push(*page.ok_or(Corrupt("a page number")).map_err(&wrong)?);
            }
            // Of shared pages in vain, but most are not.
            let read = block.page_times.spans((&some, &pages), &mut spans);
            read.map_err(&wrong)?;
            for (page, span) in pages.iter().zip(&spans) {
                let slot = slots.get(all.len());
                let shared = self.shared.get(source.at, slot);
                if shared != ALONE {
                    all.push(SourcePage::Shared(shared));
                    continue;
                }
                let number = of_slot.get(slot).ok_or(Corrupt("a page number"));
                let plain = Plain::of(source.segment, *page, self.question.history, *span);
                all.push(SourcePage::Alone(Fact::new(
                    *number.map_err(&wrong)?,
                    plain,
                )));
            }
        }
    }

    pub(super) fn forms_and_folds(&self, source: usize) -> (&[u32], &[u32]) {
        let forms = self.form_numbers.forms.get(source);
        let folds = self.form_numbers.folds.get(source);
        (
            forms.map_or(&[], Vec::as_slice),
            folds.map_or(&[], Vec::as_slice),
        )
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
}

/// How many threads the links of sources are worth, where so many are worth a further one.
pub(super) fn threads_for(sources: &[Source<'_>], links_min: usize) -> usize {
    let links: usize = sources.iter().map(Source::count).sum();
    (links / links_min.max(1)).clamp(1, threads())
}
