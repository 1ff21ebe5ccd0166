//! The rows of a target over several segments: as if they were merged.
//!
//! A page that one segment alone has is all there: which of its links are live, and since when, follows
//! from that segment, as over a single one. Only pages that several segments have must be united: their
//! captures (R14), and their links, which are the same where url and anchor are. So the segments are
//! asked which pages they share ([`overlap`]); what they have is numbered alike ([`numbering`]); the links
//! of shared pages are united ([`shared`], [`links`]); and all that the history keeps is sorted as integers
//! ([`uniter`], [`sort`]). What comes of it stays in memory for the next question about the target ([`kept`]).
//!
//! Memory: 16 bytes for each link of a part, 4 for each link of the answer; for each page that links to
//! the target 32 in each segment that has it; 60 for each link on a page that several segments have;
//! for each anchor 8 in each segment, and its text; for each site, of which there are many below a public suffix,
//! about a kilobyte. Before much of it is taken, the question's budget is asked.

mod kept;
mod links;
mod numbering;
mod overlap;
mod pages;
mod shared;
mod sort;
mod source;
mod uniter;

use std::sync::Arc;

use super::Question;
use super::parts::{each_of, threads};
use super::united::United;
use crate::cache::Memory;
use crate::error::IndexError;
use crate::rows::{Links, Names, TargetRows};
use crate::segment::Segment;
use numbering::{FormNumbers, PageNumbers};
use pages::SegmentPages;
use shared::SharedPages;
use source::Source;
use uniter::Uniter;

pub(crate) use kept::Kept;

/// What is known of a page that links to the range, for each segment that has it.
const PAGE_BYTES: usize = 32;
/// The same of a page that several segments have, for each pair of them.
const SHARED_PAGE_BYTES: usize = 80;
/// A group, while it is made and afterwards.
const GROUP_BYTES: usize = 80;
/// The pages of fewer links than this are not worth a further thread to look them up.
const LOOK_UPS_MIN: usize = 1 << 11;

pub(super) fn rows(
    segments: &[Arc<Segment>],
    kept: &Kept,
    question: &Question<'_>,
) -> Result<TargetRows, IndexError> {
    let keeps = question.tuning.keeps_answers;
    let known = if keeps {
        kept.answer(question.target, question.history)
    } else {
        None
    };
    let united = match known {
        Some(known) => {
            question.memory.check(known.memory())?;
            known
        }
        None => {
            let united = Arc::new(unite(segments, kept, question)?);
            if keeps {
                kept.keep(question.target, question.history, &united);
            }
            united
        }
    };
    if united.is_empty() {
        return Ok(TargetRows::default());
    }
    Ok(TargetRows {
        links: Links::United(Arc::clone(&united)),
        names: Names::United(united),
        host_known: false,
        finished: None,
    })
}

/// The links of the range, put together.
pub(super) fn unite(
    segments: &[Arc<Segment>],
    kept: &Kept,
    question: &Question<'_>,
) -> Result<United, IndexError> {
    let mut of_segments = Vec::with_capacity(segments.len());
    for (at, segment) in segments.iter().enumerate() {
        of_segments.push((at, segment, sources(at, segment, question)?));
    }
    let links = |sources: &Vec<Source<'_>>| sources.iter().map(Source::count).sum::<usize>();
    let links: usize = of_segments.iter().map(|(.., sources)| links(sources)).sum();
    if links == 0 {
        return Ok(United::default());
    }
    let (mut pages, mut slots) = (Vec::new(), Vec::new());
    let read = each_of(
        if links < LOOK_UPS_MIN { 1 } else { threads() },
        &of_segments,
        || Ok(()),
        |(), (at, segment, sources)| {
            let places = sources.iter().map(|source| source.places.len()).sum();
            question.memory.take(places, PAGE_BYTES)?;
            let (pages, slots) = SegmentPages::of(segment, sources)?;
            let matches = pages.matches(*at, segments, kept, question)?;
            Ok((pages, slots, matches))
        },
    )?;
    let mut matches = Vec::new();
    for (of_segment, of_sources, of_pages) in read {
        pages.push(of_segment);
        slots.extend(of_sources);
        matches.push(of_pages);
    }
    let matched = matches.iter().map(Vec::len).sum();
    question.memory.take(matched, SHARED_PAGE_BYTES)?;
    let shared = SharedPages::new(&pages, &matches);
    drop(matches);
    let sources: Vec<Source<'_>> = of_segments
        .into_iter()
        .flat_map(|(.., sources)| sources)
        .collect();
    let of_segments: Vec<&Segment> = segments.iter().map(|segment| &**segment).collect();
    let uniter = Uniter {
        page_numbers: PageNumbers::new(&of_segments, &pages, &shared, question)?,
        form_numbers: FormNumbers::new(&sources, question)?,
        question,
        segments,
        sources,
        slots,
        pages,
        shared,
    };
    let mut united = uniter.unite()?;
    let _groups = question.memory.hold(united.fold_count(), GROUP_BYTES)?;
    united.make_groups(&question.tuning, question.cancel)?;
    Ok(united)
}

/// What a segment has of the range, site by site.
fn sources<'a>(
    at: usize,
    segment: &'a Segment,
    question: &Question<'_>,
) -> Result<Vec<Source<'a>>, IndexError> {
    let mut sources = Vec::new();
    let wrong = |corrupt| segment.corrupt(corrupt);
    question.for_each_site(segment, wrong, |site_key, offset| {
        question.check_cancelled()?;
        if let Some(source) = Source::open(at, segment, (site_key, offset), question)? {
            question.memory.take(1, source.memory())?;
            sources.push(source);
        }
        Ok(())
    })?;
    Ok(sources)
}
