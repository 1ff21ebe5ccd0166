//! The links on pages that several segments have, united.

use super::numbering::number_urls;
use super::source::Source;
use super::uniter::{Found, SourcePage, Uniter, threads_for};
use crate::bytes::Corrupt;
use crate::error::IndexError;
use crate::places::Places;
use crate::query::dates::Dates;
use crate::query::parts::each_of;

/// How many shared pages are united between looks at the stop flag.
const STRIDE: usize = 1 << 8;
/// What a link on a shared page takes, with its url and usually one time, and what comes of it.
const SEEN_BYTES: usize = size_of::<Seen>() + 8 + size_of::<Found>();

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

impl Uniter<'_, '_> {
    /// The links on shared pages, each once, with what all segments say of it. Ordered.
    pub(super) fn shared_links(
        &self,
        of_sources: &[Vec<SourcePage>],
    ) -> Result<Vec<Found>, IndexError> {
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
                self.allow_links(source, pages)?;
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
        let threads = threads_for(&self.sources, self.question.tuning.part_links_min);
        let pieces = whole_pages(&seen, threads);
        let united = each_of(
            threads,
            &pieces,
            || Ok(()),
            |(), links| {
                let mut found = Vec::with_capacity(links.len());
                for (n, of_page) in links.chunk_by(|a, b| a.shared == b.shared).enumerate() {
                    if n.is_multiple_of(STRIDE) {
                        self.question.check_cancelled()?;
                    }
                    self.unite_page(of_page, &times, &mut found)?;
                }
                Ok(found)
            },
        )?;
        let mut found = united.concat();
        found.sort_unstable();
        Ok(found)
    }

    /// Takes memory for the links of a source that are on shared pages. To count them costs little beside
    /// what is done with each.
    fn allow_links(&self, source: &Source<'_>, pages: &[SourcePage]) -> Result<(), IndexError> {
        let mut shared = 0;
        source.for_each_link(&mut source.block()?, self.question, |_, link| {
            let rank = source.places.rank(link.place);
            let page = rank.and_then(|rank| pages.get(rank));
            shared += usize::from(matches!(page, Some(SourcePage::Shared(_))));
            Ok(())
        })?;
        self.question.memory.take(shared, SEEN_BYTES)
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

    /// Unites what several sources show of the links on one page. `links` are ordered by (url, form).
    fn unite_page(
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
}

/// Divides links, ordered by page, into so many pieces or less, none of which ends within a page.
fn whole_pages(links: &[Seen], pieces: usize) -> Vec<&[Seen]> {
    let size = links.len().div_ceil(pieces.max(1)).max(1);
    let mut all = Vec::with_capacity(pieces);
    let mut rest = links;
    while let Some(last) = rest.get(size - 1) {
        let end = rest.partition_point(|link| link.shared <= last.shared);
        let (piece, others) = rest.split_at(end);
        all.push(piece);
        rest = others;
    }
    if !rest.is_empty() {
        all.push(rest);
    }
    all
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
