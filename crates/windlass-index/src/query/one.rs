//! The rows of a target over a single segment.

use std::ops::Range;
use std::sync::Arc;

use windlass_links::anchor::fold_into;
use windlass_links::{History, Target};

use super::direct;
use super::gather::Gatherer;
use super::scan::Scan;
use super::{LinkDates, Question};
use crate::bytes::Corrupt;
use crate::error::IndexError;
use crate::facts::for_each_live;
use crate::finished::FinishedGroups;
use crate::range_anchors::RangeAnchors;
use crate::ready::Groups;
use crate::row_table::RowKey;
use crate::rows::{Links, Names, TargetRows, Texts};
use crate::segment::{Segment, SitePlace};
use crate::sink::{Hit, Sink};
use crate::site::SiteBlock;
use crate::strings::StringCursor;

/// An anchor while anchors are put in order: its place, and its number there.
const ORDER_BYTES: usize = 8;

pub(super) fn rows(
    segment: &Arc<Segment>,
    question: &Question<'_>,
) -> Result<TargetRows, IndexError> {
    let wrong = |corrupt: Corrupt| segment.corrupt(corrupt);
    let mut first = None;
    let mut several = None;
    question.for_each_site(segment, wrong, |site_key, offset| {
        question.check_cancelled()?;
        let found = Found::of(segment, (site_key, offset), question.target).map_err(wrong)?;
        if found.count() == 0 {
            return Ok(());
        }
        if several.is_none() && first.is_none() {
            first = Some(Box::new(found));
            return Ok(());
        }
        let several = several.get_or_insert_with(|| Several::new(segment));
        if let Some(first) = first.take() {
            several.add(*first, question)?;
        }
        several.add(found, question)
    })?;
    if let Some(several) = several {
        return several.rows(question);
    }
    let Some(found) = first else {
        return Ok(TargetRows::default());
    };
    if found.count() < question.tuning.few_links {
        listed(&found, segment, question)
    } else {
        Ok(scanned(*found, segment, question))
    }
}

/// The rows of links that are looked up now.
pub(super) fn listed(
    found: &Found<'_>,
    segment: &Arc<Segment>,
    question: &Question<'_>,
) -> Result<TargetRows, IndexError> {
    let kept = segment.rows();
    let links_min = question.tuning.kept_links_min;
    let key = RowKey::of(
        &found.block.site_key,
        &found.links,
        question.history,
        links_min,
    );
    let finished = key.as_ref().and_then(|key| kept.groups(key));
    let anchors = key.as_ref().and_then(|key| kept.anchors(key));
    let hits = match key.as_ref().and_then(|key| kept.hits(key)) {
        Some(hits) => hits,
        None => {
            let mut hits = found.hits(segment, question)?;
            Hit::sort(&mut hits);
            let hits = Arc::new(hits);
            if let Some(key) = key
                && let Some(_making) = kept.begin(&key, hits.len())
            {
                if !hits.is_empty() {
                    let groups = grouped(&hits, found, segment, question)?;
                    kept.put_groups(Arc::clone(&key), groups);
                    if let Some(anchors) = anchors_of(&hits, found, segment, question)? {
                        kept.put_anchors(Arc::clone(&key), anchors);
                    }
                }
                kept.put_hits(Arc::clone(&key), &hits);
            }
            hits
        }
    };
    Ok(TargetRows {
        links: Links::Listed(hits, found.block.pages.len()),
        names: Names::Site {
            segment: Arc::clone(segment),
            site: found.place(),
            anchors,
            tuning: question.tuning,
        },
        host_known: false,
        finished,
    })
}

/// The groups of links in order.
fn grouped(
    hits: &[Hit],
    found: &Found<'_>,
    segment: &Segment,
    question: &Question<'_>,
) -> Result<FinishedGroups, IndexError> {
    let place = found.place();
    let mut texts = Texts::of_site(segment, &place, None, question.tuning);
    let pages = found.block.pages.len();
    let mut sink = Sink::new(Groups::default(), &mut texts, hits.len(), pages);
    hits.iter().try_for_each(|hit| sink.link(*hit))?;
    let (groups, pages) = sink.finish()?;
    FinishedGroups::of(groups, pages.count())
}

/// The anchors of links in order, where they do not take too much.
fn anchors_of(
    hits: &[Hit],
    found: &Found<'_>,
    segment: &Segment,
    question: &Question<'_>,
) -> Result<Option<RangeAnchors>, IndexError> {
    let mut numbers: Vec<u32> = hits.iter().map(|hit| hit.fold).collect();
    numbers.dedup();
    numbers.shrink_to_fit();
    let all = segment.anchors().get(&found.block.site_key);
    let of_site = (&found.block, all.as_deref());
    let bytes_max = segment.rows().anchors_bytes_max();
    let bytes_max = bytes_max.min(question.tuning.memory_max);
    RangeAnchors::read(segment, of_site, numbers, bytes_max, question.cancel)
}

/// The rows of links that are read when the rows are.
pub(super) fn scanned(
    found: Found<'_>,
    segment: &Arc<Segment>,
    question: &Question<'_>,
) -> TargetRows {
    let site = found.place();
    let scan = Scan::new(
        Arc::clone(segment),
        site.clone(),
        found.urls,
        found.links,
        question.history,
        question.tuning,
    );
    TargetRows {
        names: Names::Site {
            segment: Arc::clone(segment),
            site,
            anchors: scan.kept_anchors(),
            tuning: question.tuning,
        },
        finished: scan.kept_groups(),
        links: Links::Scanned(scan),
        host_known: false,
    }
}

/// What a site has of the target.
pub(super) struct Found<'a> {
    pub(super) block: SiteBlock<'a>,
    /// Where the block is.
    offset: u64,
    urls: Vec<Range<usize>>,
    links: Vec<Range<usize>>,
}

impl<'a> Found<'a> {
    /// Of a site, whose block is at an offset.
    pub(super) fn of(
        segment: &'a Segment,
        (site_key, offset): (&[u8], u64),
        target: &Target,
    ) -> Result<Self, Corrupt> {
        let mut block = segment.site_at(site_key, offset)?;
        let urls = matching_urls(&block, target)?;
        let links = urls
            .iter()
            .map(|urls| Ok(block.hrefs.start(urls.start)?..block.hrefs.start(urls.end)?))
            .collect::<Result<_, Corrupt>>()?;
        Ok(Self {
            block,
            offset,
            urls,
            links,
        })
    }

    /// Where the site is found again.
    fn place(&self) -> SitePlace {
        SitePlace {
            key: self.block.site_key.clone(),
            offset: self.offset,
        }
    }

    pub(super) fn count(&self) -> usize {
        self.links.iter().map(ExactSizeIterator::len).sum()
    }

    /// The backlinks, in the order of the block.
    fn hits(&self, segment: &Segment, question: &Question<'_>) -> Result<Vec<Hit>, IndexError> {
        let is_large = self.block.pages.len() >= question.tuning.known_pages_min;
        let table = if is_large && question.history == History::Live {
            let makes = question.tuning.makes_tables;
            let count = (self.count(), makes);
            segment.facts_if_worth(&self.block.site_key, &self.block, count, question.cancel)
        } else {
            Ok(None)
        };
        if let Some(table) = table? {
            let mut hits = Vec::new();
            let mut block = self.block.clone();
            let mut dates = LinkDates::new(segment, question.history);
            for links in &self.links {
                question.check_cancelled()?;
                for_each_live(
                    &mut block,
                    &table,
                    &mut dates,
                    links.clone(),
                    |fold, place, own| {
                        let fact = table.fact(place)?;
                        let (first_seen, last_visited) = match own {
                            Some(dates) => dates,
                            None => fact.dates()?,
                        };
                        hits.push(Hit {
                            fold,
                            page: place,
                            domain: fact.domain,
                            first_seen,
                            last_visited,
                        });
                        Ok(())
                    },
                )
                .map_err(|corrupt: Corrupt| segment.corrupt(corrupt))?;
            }
            return Ok(hits);
        }
        direct::hits(
            (segment, &self.block),
            question.history,
            &self.links,
            &|_| true,
            question.cancel,
        )
    }
}

/// A target that lies in several sites: below a public suffix. They are read one after the other, for
/// they may be most of the index.
struct Several<'a> {
    segment: &'a Arc<Segment>,
    gatherer: Gatherer,
    /// A number that is above those of all pages.
    page_count: usize,
    folded: String,
    /// Bytes of anchors that the budget knows of.
    texts_counted: usize,
}

impl<'a> Several<'a> {
    fn new(segment: &'a Arc<Segment>) -> Self {
        Self {
            segment,
            gatherer: Gatherer::default(),
            page_count: 0,
            folded: String::new(),
            texts_counted: 0,
        }
    }

    /// Takes the backlinks of a site.
    fn add(&mut self, mut found: Found<'_>, question: &Question<'_>) -> Result<(), IndexError> {
        let wrong = |corrupt: Corrupt| self.segment.corrupt(corrupt);
        // The links of the site, and then those that the history keeps beside the others'.
        let held = question.memory.hold(found.count(), size_of::<Hit>())?;
        let mut hits = found.hits(self.segment, question)?;
        question.memory.take(hits.len(), size_of::<Hit>())?;
        hits.sort_unstable_by_key(|hit| hit.fold);
        let mut forms = StringCursor::new(found.block.forms);
        let mut fold = (u32::MAX, 0);
        for mut hit in hits {
            if fold.0 != hit.fold {
                let form = found.block.form_of_fold(hit.fold).map_err(wrong)?;
                let text = forms.get(form).map_err(wrong)?;
                let text = std::str::from_utf8(text).map_err(|_| wrong(Corrupt("an anchor")))?;
                self.folded.clear();
                fold_into(text, &mut self.folded);
                let (number, _) = self.gatherer.folds.intern(self.folded.as_bytes());
                fold = (hit.fold, number);
            }
            hit.fold = fold.1;
            // The page's number in the segment: a page may link to several of the sites.
            let page = found.block.pages.at(hit.page as usize);
            hit.page = page.map_err(wrong)?;
            self.page_count = self.page_count.max(hit.page as usize + 1);
            self.gatherer.hits.push(hit);
        }
        drop(held);
        let texts = self.gatherer.folds.memory();
        question.memory.take(1, texts - self.texts_counted)?;
        self.texts_counted = texts;
        Ok(())
    }

    fn rows(self, question: &Question<'_>) -> Result<TargetRows, IndexError> {
        let folds = self.gatherer.folds.len();
        let _ordering = question.memory.hold(folds, ORDER_BYTES)?;
        Ok(self.gatherer.rows_in(self.segment, self.page_count))
    }
}

/// The urls of a block that a target matches, as ranges.
pub(crate) fn matching_urls(
    block: &SiteBlock<'_>,
    target: &Target,
) -> Result<Vec<Range<usize>>, Corrupt> {
    let range = target.range();
    let (start, end) = (
        block.first_url_from(&range.start)?,
        block.first_url_from(&range.end)?,
    );
    if !target.names_port() {
        return Ok((start < end).then_some(start..end).into_iter().collect());
    }
    let mut ranges: Vec<Range<usize>> = Vec::new();
    // What tells the port is at the end.
    let mut keys = StringCursor::new(block.urls);
    for url in start..end {
        if target.has_port(keys.get(url)?) {
            match ranges.last_mut() {
                Some(last) if last.end == url => last.end += 1,
                _ => ranges.push(url..url + 1),
            }
        }
    }
    Ok(ranges)
}
