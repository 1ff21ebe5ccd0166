//! The sites that can hold a target's range, in the order of their keys, over several segments.

use std::cmp::Ordering;
use std::ops::ControlFlow;
use std::vec;

use super::side_by_side::{Walk, side_by_side};
use crate::bytes::Corrupt;
use crate::error::IndexError;
use crate::query::Question;
use crate::segment::{Segment, SiteDirectory, SiteWalk};

/// A segment, by its place among those of a listing, and the offset of a site's block there.
pub(super) type SitePlace = (usize, u64);

/// Calls `each` with the key of each site that can hold the question's target, and where the segments have it,
/// until it breaks. The directories are gone through side by side: memory does not grow with the number of sites,
/// which are as many as the index has below `com`.
pub(super) fn for_each_site<E: From<IndexError>>(
    segments: &[&Segment],
    question: &Question<'_>,
    mut each: impl FnMut(&[u8], &[SitePlace]) -> Result<ControlFlow<()>, E>,
) -> Result<(), E> {
    let mut directories = Vec::with_capacity(segments.len());
    for segment in segments {
        let directory = segment.directory();
        directories.push(directory.map_err(|corrupt| segment.corrupt(corrupt))?);
    }
    let mut walks = Vec::with_capacity(segments.len());
    for (at, (segment, directory)) in segments.iter().zip(&directories).enumerate() {
        walks.push(SitesOf::new(at, segment, directory, question)?);
    }
    let mut places = Vec::new();
    side_by_side(walks, question.cancel, |same| {
        places.clear();
        places.extend(same.iter().map(|walk| (walk.segment_at, walk.offset)));
        // In the order of the segments, so that an answer is the same each time.
        places.sort_unstable();
        match same.first() {
            Some(walk) => each(&walk.key, &places),
            None => Ok(ControlFlow::Continue(())),
        }
    })
}

/// The sites of one segment.
struct SitesOf<'d> {
    segment_at: usize,
    segment: &'d Segment,
    /// Those of which the target's host is, or is below.
    above: vec::IntoIter<(Vec<u8>, u64)>,
    /// Those below the host.
    below: Option<SiteWalk<'d>>,
    /// Where it is.
    key: Vec<u8>,
    offset: u64,
}

impl<'d> SitesOf<'d> {
    fn new(
        segment_at: usize,
        segment: &'d Segment,
        directory: &'d SiteDirectory<'d>,
        question: &Question<'_>,
    ) -> Result<Self, IndexError> {
        let sites = question.sites_above(directory);
        let below = question.sites_below(directory);
        let wrong = |corrupt: Corrupt| segment.corrupt(corrupt);
        Ok(Self {
            segment_at,
            segment,
            above: sites.map_err(wrong)?.into_iter(),
            below: below.map_err(wrong)?,
            key: Vec::new(),
            offset: 0,
        })
    }
}

impl Walk for SitesOf<'_> {
    fn compare(&self, other: &Self) -> Ordering {
        self.key.cmp(&other.key)
    }

    fn advance(&mut self) -> Result<bool, IndexError> {
        if let Some((key, offset)) = self.above.next() {
            (self.key, self.offset) = (key, offset);
            return Ok(true);
        }
        let Some(below) = &mut self.below else {
            return Ok(false);
        };
        let offset = below.advance();
        let offset = offset.map_err(|corrupt| self.segment.corrupt(corrupt))?;
        let Some(offset) = offset else {
            return Ok(false);
        };
        self.key.clear();
        self.key.extend_from_slice(below.key());
        self.offset = offset;
        Ok(true)
    }
}
