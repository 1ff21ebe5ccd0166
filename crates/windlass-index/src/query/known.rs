//! Whether a target's host occurs in the index at all (R20).

use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use windlass_links::surt::KeyRange;
use windlass_links::{CaptureTime, Mode};

use super::Question;
use super::page_ranges::for_each_page_range;
use crate::bytes::Corrupt;
use crate::error::IndexError;
use crate::instant::{is_outranked, times_of_wats, unite, was_captured};
use crate::segment::Segment;
use crate::sighting::Sighting;

/// Whether the target's host — with `subdomains`, or one below it — is the host of a captured page
/// or of a link's target (R20).
pub(crate) fn host_occurs(
    segments: &[Arc<Segment>],
    question: &Question<'_>,
) -> Result<bool, IndexError> {
    let range = match question.target.mode() {
        Mode::Subdomains => KeyRange::subdomains(question.target.host()),
        _ => KeyRange::host(question.target.host()),
    };
    for segment in segments {
        if is_page(segment, question, &range).map_err(|corrupt| segment.corrupt(corrupt))? {
            return Ok(true);
        }
    }
    // Almost always the first link of some segment answers.
    for sightings_max in [1, usize::MAX] {
        for segment in segments {
            question.check_cancelled()?;
            if is_linked(segment, segments, question, &range, sightings_max)? {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

fn is_page(segment: &Segment, question: &Question<'_>, range: &KeyRange) -> Result<bool, Corrupt> {
    let mut is_page = false;
    for_each_page_range(segment, question, range, |range| {
        is_page = any_captured(segment, range.pages)?;
        Ok(match is_page {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        })
    })?;
    Ok(is_page)
}

/// Whether one of the pages was really captured (R1): most are.
fn any_captured(segment: &Segment, pages: Range<u32>) -> Result<bool, Corrupt> {
    for page in pages {
        // That second may be meant.
        if segment.latest(page)? != 0 || was_captured(&segment.page(page)?.1) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Why reading sightings ends early.
enum Stop {
    Found,
    Enough,
    Index(IndexError),
    Corrupt(Corrupt),
}

impl From<Corrupt> for Stop {
    fn from(corrupt: Corrupt) -> Self {
        Self::Corrupt(corrupt)
    }
}

/// Whether one of the first links into the range, in one segment, is in the union of all.
fn is_linked(
    segment: &Segment,
    segments: &[Arc<Segment>],
    question: &Question<'_>,
    range: &KeyRange,
    sightings_max: usize,
) -> Result<bool, IndexError> {
    let found = question.for_each_site(segment, Stop::Corrupt, |site_key, offset| {
        let mut block = segment.site_at(site_key, offset)?;
        let start = block.first_url_from(&range.start)?;
        let end = block.first_url_from(&range.end)?;
        let mut read = 0;
        let stopped = block.for_each_sighting(start..end, |sighting| {
            question.check_cancelled().map_err(Stop::Index)?;
            read += 1;
            if survives(segment, segments, &sighting)? {
                Err(Stop::Found)
            } else if read == sightings_max {
                Err(Stop::Enough)
            } else {
                Ok(())
            }
        });
        match stopped {
            Err(Stop::Enough) => Ok(()),
            stopped => stopped,
        }
    });
    match found {
        Ok(()) | Err(Stop::Enough) => Ok(false),
        Err(Stop::Found) => Ok(true),
        Err(Stop::Index(error)) => Err(error),
        Err(Stop::Corrupt(corrupt)) => Err(segment.corrupt(corrupt)),
    }
}

/// Whether a sighting stays when the segments are merged: one from a WAT goes where another segment
/// has the capture from a WARC (R14).
fn survives(
    segment: &Segment,
    segments: &[Arc<Segment>],
    sighting: &Sighting,
) -> Result<bool, Stop> {
    if segments.len() < 2 {
        return Ok(true);
    }
    let time = CaptureTime::from_unix(sighting.time);
    let (key, mut all) = segment.page(sighting.page)?;
    if !times_of_wats(&all).any(|of_wat| of_wat == time) {
        return Ok(true);
    }
    let domains = segment.domains()?;
    let domain = domains.of_page(sighting.page)?;
    let domain = domains.key(domain)?;
    for other in segments {
        let found = other
            .page_from(&domain, &key)
            .map_err(|corrupt| Stop::Index(other.corrupt(corrupt)))?;
        if let Some((_, found, instants)) = found
            && found == key
        {
            all.extend(instants);
        }
    }
    Ok(!is_outranked(time, &unite(all)))
}
