//! The dates of single links: from their sightings and their page's instants (R13).

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use windlass_links::History;

use super::dates::{self, Dates};
use crate::bytes::Corrupt;
use crate::facts::Plain;
use crate::segment::Segment;
use crate::showings::Showings;
use crate::site::PageSpan;

/// Bytes of pages' showings that are kept: those of some ten thousands of pages, as a rule.
const KEPT_BYTES_MAX: usize = 4 << 20;
/// What a page takes among them beside its showings.
const PAGE_BYTES: usize = 64;

/// Reads dates; keeps the showings of pages that were asked for.
#[derive(Debug)]
pub(crate) struct LinkDates<'a> {
    segment: &'a Segment,
    history: History,
    /// Showings of the pages whose latest capture does not tell all.
    pages: HashMap<u32, Showings>,
    /// Bytes that these take.
    bytes: usize,
}

impl<'a> LinkDates<'a> {
    pub(crate) fn new(segment: &'a Segment, history: History) -> Self {
        Self {
            segment,
            history,
            pages: HashMap::new(),
            bytes: 0,
        }
    }

    /// The dates of a backlink that was seen at all of its page's times, which lie between these; `None` where the
    /// history leaves it out. Nothing where these do not tell: then [`of`](Self::of) does, of all times.
    #[inline]
    pub(crate) fn of_span(&self, page: u32, seen: PageSpan) -> Option<Option<Dates>> {
        match Plain::of(self.segment, page, self.history, seen) {
            Plain::Live {
                first_seen,
                last_visited,
            } => Some(Some(Dates {
                first_seen,
                last_visited,
            })),
            Plain::Lost => Some(None),
            Plain::Revisited => None,
        }
    }

    /// The dates of a backlink on a page that was seen at these times, in order; `None` where the
    /// history leaves it out.
    pub(crate) fn of(&mut self, page: u32, times: &[u32]) -> Result<Option<Dates>, Corrupt> {
        let (Some(&first), Some(&last)) = (times.first(), times.last()) else {
            return Err(Corrupt("a link without sightings"));
        };
        let latest = self.segment.latest(page)?;
        let seen = PageSpan {
            first,
            last,
            latest,
        };
        if let Some(known) = self.of_span(page, seen) {
            return Ok(known);
        }
        if self.bytes > KEPT_BYTES_MAX {
            self.pages.clear();
            self.bytes = 0;
        }
        let showings = match self.pages.entry(page) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => {
                let showings = Showings::of(&self.segment.page(page)?.1);
                self.bytes += PAGE_BYTES + showings.memory();
                unknown.insert(showings)
            }
        };
        Ok(dates::of(times, showings, self.history))
    }
}
