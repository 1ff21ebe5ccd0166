//! The rows of a target over a single segment.

use std::collections::HashMap;

use windlass_links::anchor::fold_into;
use windlass_links::{History, Target};

use super::Question;
use super::dates::{self, Dates};
use super::gather::{Gatherer, Hit};
use crate::bytes::Corrupt;
use crate::error::IndexError;
use crate::instant::{Showing, showings};
use crate::rows::TargetRows;
use crate::segment::Segment;
use crate::site::SiteBlock;
use crate::strings::StringList;

/// How many links are read between looks at the stop flag.
const STRIDE: usize = 1 << 16;

pub(super) fn rows(segment: &Segment, question: &Question<'_>) -> Result<TargetRows, IndexError> {
    let wrong = |corrupt: Corrupt| segment.corrupt(corrupt);
    let mut gatherer = Gatherer::default();
    for site in question.sites(segment).map_err(wrong)? {
        question.check_cancelled()?;
        let Some(block) = segment.site(&site).map_err(wrong)? else {
            continue;
        };
        let mut scan = Scan {
            segment,
            block,
            history: question.history,
            pages: HashMap::new(),
            times: Vec::new(),
        };
        let before = gatherer.hits.len();
        let ranges = scan.links(question.target).map_err(wrong)?;
        scan.block
            .prepare(ranges.iter().map(ExactSizeIterator::len).sum())
            .map_err(wrong)?;
        for links in ranges {
            let mut start = links.start;
            while start < links.end {
                question.check_cancelled()?;
                let end = links.end.min(start + STRIDE);
                scan.gather(start..end, &mut gatherer.hits).map_err(wrong)?;
                start = end;
            }
        }
        scan.name_folds(&mut gatherer, before).map_err(wrong)?;
    }
    let mut domains = segment.domains().map_err(wrong)?;
    gatherer
        .rows(segment.page_count(), &mut domains)
        .map_err(wrong)
}

/// The places, in a sorted list of SURT keys, that a target matches, as ranges.
pub(super) fn matching_urls(
    urls: &StringList<'_>,
    target: &Target,
) -> Result<Vec<std::ops::Range<usize>>, Corrupt> {
    let range = target.range();
    let (start, end) = (
        urls.lower_bound(&range.start)?,
        urls.lower_bound(&range.end)?,
    );
    if !target.names_port() {
        return Ok((start < end).then_some(start..end).into_iter().collect());
    }
    let mut ranges: Vec<std::ops::Range<usize>> = Vec::new();
    let mut key = Vec::new();
    for url in start..end {
        urls.get(url, &mut key)?;
        if target.has_port(&key) {
            match ranges.last_mut() {
                Some(last) if last.end == url => last.end += 1,
                _ => ranges.push(url..url + 1),
            }
        }
    }
    Ok(ranges)
}

struct Scan<'a> {
    segment: &'a Segment,
    block: SiteBlock<'a>,
    history: History,
    /// Showings of the pages whose latest capture does not tell all.
    pages: HashMap<u32, Vec<Showing>>,
    times: Vec<u32>,
}

impl Scan<'_> {
    fn links(&mut self, target: &Target) -> Result<Vec<std::ops::Range<usize>>, Corrupt> {
        let urls = matching_urls(&self.block.urls, target)?;
        let table = &mut self.block.hrefs;
        urls.into_iter()
            .map(|urls| Ok(table.start(urls.start)?..table.start(urls.end)?))
            .collect()
    }

    /// Adds the backlinks that `history` keeps; `fold` is the form's place for now.
    fn gather(
        &mut self,
        links: std::ops::Range<usize>,
        hits: &mut Vec<Hit>,
    ) -> Result<(), Corrupt> {
        for link in links {
            let place = self.block.hrefs.pages.get(link)?;
            let page = self.block.pages.get(place as usize)?;
            let exception = self.block.hrefs.exception(link as u64 as u32)?;
            let only = match exception {
                Some(_) => None,
                None => self.block.only_time(place)?,
            };
            let latest = self.segment.latest(page)?;
            let dates = if let Some(time) = only
                && (time == latest || self.history == History::AllTime)
                && !self.segment.is_revisited(page)
            {
                // Seen in one capture: the page's latest one, or all are asked for.
                Some(Dates {
                    first_seen: time,
                    last_visited: time,
                })
            } else {
                match exception {
                    Some(seen) => {
                        self.times.clear();
                        self.times.extend(seen.iter().map(|(time, _)| time));
                    }
                    None => self.block.times(place, &mut self.times)?,
                }
                self.dates(page, latest)?
            };
            if let Some(dates) = dates {
                hits.push(Hit {
                    fold: self.block.hrefs.forms.get(link)?,
                    page,
                    dates,
                });
            }
        }
        Ok(())
    }

    /// The dates of a backlink that was seen at `self.times`.
    fn dates(&mut self, page: u32, latest: u32) -> Result<Option<Dates>, Corrupt> {
        let (Some(&first_seen), Some(&last_visited)) = (self.times.first(), self.times.last())
        else {
            return Err(Corrupt("a link without sightings"));
        };
        if !self.segment.is_revisited(page) {
            let is_live = last_visited == latest;
            match self.history {
                History::Live if !is_live => return Ok(None),
                History::Since(_) if !is_live => {}
                _ => {
                    return Ok(Some(Dates {
                        first_seen,
                        last_visited,
                    }));
                }
            }
        }
        let showings = match self.pages.entry(page) {
            std::collections::hash_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::hash_map::Entry::Vacant(unknown) => {
                unknown.insert(showings(&self.segment.page(page)?.1))
            }
        };
        Ok(dates::of(&self.times, showings, self.history))
    }

    /// Turns forms into numbers of folded anchors, in the hits from `from` on.
    fn name_folds(&mut self, gatherer: &mut Gatherer, from: usize) -> Result<(), Corrupt> {
        let hits = gatherer.hits.get_mut(from..).unwrap_or_default();
        let n = self.block.forms.len();
        let (mut text, mut folded) = (Vec::new(), String::new());
        let mut intern = |text: &[u8]| -> Result<u32, Corrupt> {
            folded.clear();
            fold_into(
                std::str::from_utf8(text).map_err(|_| Corrupt("an anchor"))?,
                &mut folded,
            );
            Ok(gatherer.folds.intern(folded.as_bytes()).0)
        };
        if hits.len() < n / 16 {
            let mut known: HashMap<u32, u32> = HashMap::new();
            for hit in hits {
                hit.fold = match known.get(&hit.fold) {
                    Some(fold) => *fold,
                    None => {
                        self.block.forms.get(hit.fold as usize, &mut text)?;
                        let fold = intern(&text)?;
                        known.insert(hit.fold, fold);
                        fold
                    }
                };
            }
            return Ok(());
        }
        // Many hits: one pass over the list of forms, naming those that are used.
        let mut folds = vec![UNUSED; n];
        for hit in hits.iter() {
            *folds.get_mut(hit.fold as usize).ok_or(Corrupt("a form"))? = USED;
        }
        let mut forms = self.block.forms.iter();
        for fold in &mut folds {
            forms.next_into(&mut text)?;
            if *fold == USED {
                *fold = intern(&text)?;
            }
        }
        for hit in hits {
            hit.fold = folds.get(hit.fold as usize).copied().unwrap_or_default();
        }
        Ok(())
    }
}

const UNUSED: u32 = u32::MAX;
const USED: u32 = u32::MAX - 1;
