//! The rows of a target over several segments: as if they were merged.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use windlass_links::anchor::fold;

use super::Question;
use super::dates;
use super::gather::Gatherer;
use super::one::matching_urls;
use crate::bytes::Corrupt;
use crate::error::IndexError;
use crate::instant::{self, Showing};
use crate::intern::{Interner, Ranks};
use crate::rows::TargetRows;
use crate::segment::Segment;
use crate::sink::Hit;

/// A sighting of an `href` link, in numbers that all segments share: url, form, page, second.
type Seen = (u32, u32, u32, u32);

pub(super) fn rows(
    segments: &[Arc<Segment>],
    question: &Question<'_>,
) -> Result<TargetRows, IndexError> {
    let mut union = Union::default();
    for (i, segment) in segments.iter().enumerate() {
        union.read(i, segment, question)?;
    }
    let showings = union.unite_pages(segments, question)?;
    union.gather(&showings, question)
}

/// What the segments hold of the target's range.
#[derive(Default)]
struct Union {
    urls: Interner,
    forms: Interner,
    /// SURTs of pages, and for each the number of its registrable domain.
    pages: Interner,
    page_domains: Vec<u32>,
    domains: Interner,
    /// Which segment, and what it saw.
    seen: Vec<(usize, Seen)>,
}

impl Union {
    fn read(
        &mut self,
        number: usize,
        segment: &Segment,
        question: &Question<'_>,
    ) -> Result<(), IndexError> {
        let wrong = |corrupt: Corrupt| segment.corrupt(corrupt);
        // From this segment's pages to ours.
        let mut pages: HashMap<u32, u32> = HashMap::new();
        for site in question.sites(segment).map_err(wrong)? {
            let Some(mut block) = segment.site(&site).map_err(wrong)? else {
                continue;
            };
            let (urls, forms) = (block.urls, block.forms);
            let mut form_numbers: HashMap<u32, u32> = HashMap::new();
            let mut text = Vec::new();
            for range in matching_urls(&urls, question.target).map_err(wrong)? {
                let mut url_number = (usize::MAX, 0);
                question.check_cancelled()?;
                block
                    .for_each_sighting(range, |sighting| {
                        if sighting.other {
                            return Ok(());
                        }
                        if url_number.0 != sighting.url as usize {
                            urls.get(sighting.url as usize, &mut text)?;
                            url_number = (sighting.url as usize, self.urls.intern(&text).0);
                        }
                        let form = match form_numbers.get(&sighting.form) {
                            Some(form) => *form,
                            None => {
                                forms.get(sighting.form as usize, &mut text)?;
                                let form = self.forms.intern(&text).0;
                                form_numbers.insert(sighting.form, form);
                                form
                            }
                        };
                        let page = match pages.get(&sighting.page) {
                            Some(page) => *page,
                            None => {
                                let page = self.page(segment, sighting.page)?;
                                pages.insert(sighting.page, page);
                                page
                            }
                        };
                        self.seen
                            .push((number, (url_number.1, form, page, sighting.time)));
                        Ok::<(), Corrupt>(())
                    })
                    .map_err(wrong)?;
            }
        }
        Ok(())
    }

    fn page(&mut self, segment: &Segment, number: u32) -> Result<u32, Corrupt> {
        let (key, _) = segment.page(number)?;
        let (page, is_new) = self.pages.intern(&key);
        if is_new {
            let domains = segment.domains()?;
            let domain = domains.of_page(number)?;
            self.page_domains
                .push(self.domains.intern(&domains.key(domain)?).0);
        }
        Ok(page)
    }

    fn domain_of(&self, page: u32) -> u32 {
        self.page_domains
            .get(page as usize)
            .copied()
            .unwrap_or_default()
    }

    /// All pages, those of one domain together.
    fn pages_by_domain(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.pages.len() as u64 as u32).collect();
        order.sort_by_key(|page| self.domain_of(*page));
        order
    }

    /// The showings of each page over all segments; drops sightings whose capture another segment
    /// has from a WARC (R14).
    fn unite_pages(
        &mut self,
        segments: &[Arc<Segment>],
        question: &Question<'_>,
    ) -> Result<Vec<Vec<Showing>>, IndexError> {
        let mut all = vec![Vec::new(); self.pages.len()];
        let mut outranked: HashSet<(usize, u32, u32)> = HashSet::new();
        // Where each segment has the pages of the domain at hand.
        let mut ranges: Vec<Option<(u32, u32)>> = Vec::new();
        let mut last_domain = None;
        for (n, page) in self.pages_by_domain().into_iter().enumerate() {
            if n.is_multiple_of(1024) {
                question.check_cancelled()?;
            }
            let domain = self.domain_of(page);
            if last_domain != Some(domain) {
                last_domain = Some(domain);
                ranges.clear();
                for segment in segments {
                    let range = segment
                        .domains()
                        .and_then(|domains| domains.range_of(self.domains.get(domain)));
                    ranges.push(range.map_err(|corrupt| segment.corrupt(corrupt))?);
                }
            }
            let key = self.pages.get(page);
            let mut instants = Vec::new();
            let mut wat = Vec::new();
            for (i, (segment, range)) in segments.iter().zip(&ranges).enumerate() {
                let Some(range) = range else { continue };
                let found = segment
                    .page_from_in(*range, key)
                    .map_err(|corrupt| segment.corrupt(corrupt))?;
                let Some((_, _, of_segment)) = found.filter(|(_, found, _)| found == key) else {
                    continue;
                };
                wat.extend(
                    of_segment
                        .iter()
                        .filter(|s| s.state.is_wat())
                        .map(|s| (i, s.time)),
                );
                instants.extend(of_segment);
            }
            let united = instant::unite(instants);
            for (i, time) in wat {
                let winner = united.binary_search_by_key(&time, |instant| instant.time);
                if winner
                    .ok()
                    .and_then(|at| united.get(at))
                    .is_some_and(|s| !s.state.is_wat())
                {
                    outranked.insert((i, page, time.unix()));
                }
            }
            if let Some(showings) = all.get_mut(page as usize) {
                *showings = instant::showings(&united);
            }
        }
        if !outranked.is_empty() {
            self.seen
                .retain(|(i, (_, _, page, time))| !outranked.contains(&(*i, *page, *time)));
        }
        Ok(all)
    }

    fn gather(
        self,
        showings: &[Vec<Showing>],
        question: &Question<'_>,
    ) -> Result<TargetRows, IndexError> {
        let mut seen: Vec<Seen> = self.seen.iter().map(|(_, seen)| *seen).collect();
        seen.sort_unstable();
        seen.dedup();
        // Pages in an order that keeps those of one domain together.
        let ranks = Ranks::of_order(self.pages_by_domain());
        let mut gatherer = Gatherer::default();
        let mut times = Vec::new();
        for link in seen.chunk_by(|a, b| (a.0, a.1, a.2) == (b.0, b.1, b.2)) {
            let Some((_, form, page, _)) = link.first() else {
                continue;
            };
            times.clear();
            times.extend(link.iter().map(|(.., time)| time));
            let of_page = showings.get(*page as usize).map_or(&[][..], Vec::as_slice);
            if let Some(dates) = dates::of(&times, of_page, question.history) {
                let folded = fold(&String::from_utf8_lossy(self.forms.get(*form)));
                let fold = gatherer.folds.intern(folded.as_bytes()).0;
                gatherer.hits.push(Hit {
                    fold,
                    page: ranks.rank(*page),
                    domain: self.domain_of(*page),
                    first_seen: dates.first_seen,
                    last_visited: dates.last_visited,
                });
            }
        }
        let rows = gatherer.rows(self.pages.len(), |domain| {
            Ok(self.domains.get(domain).to_owned())
        });
        // The numbers are our own: they cannot be wrong.
        rows.map_err(|Corrupt(what)| IndexError::TooLarge(what))
    }
}
