//! The dates of single links: from their sightings and their page's instants (R13).

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use windlass_links::History;

use super::dates::{self, Dates};
use crate::bytes::Corrupt;
use crate::instant::{Showing, showings};
use crate::segment::Segment;

/// How many pages' showings are kept.
const PAGES_KEPT_MAX: usize = 1 << 15;

/// Reads dates; keeps the showings of pages that were asked for.
#[derive(Debug)]
pub(crate) struct LinkDates<'a> {
    segment: &'a Segment,
    history: History,
    /// Showings of the pages whose latest capture does not tell all.
    pages: HashMap<u32, Vec<Showing>>,
}

impl<'a> LinkDates<'a> {
    pub(crate) fn new(segment: &'a Segment, history: History) -> Self {
        Self {
            segment,
            history,
            pages: HashMap::new(),
        }
    }

    /// The dates of a backlink on a page that was seen at these times, in order; `None` where the
    /// history leaves it out.
    pub(crate) fn of(&mut self, page: u32, times: &[u32]) -> Result<Option<Dates>, Corrupt> {
        let (Some(&first_seen), Some(&last_visited)) = (times.first(), times.last()) else {
            return Err(Corrupt("a link without sightings"));
        };
        if !self.segment.is_revisited(page) {
            let plain = Dates {
                first_seen,
                last_visited,
            };
            if self.history == History::AllTime || self.segment.latest(page)? == last_visited {
                return Ok(Some(plain));
            }
            if self.history == History::Live {
                return Ok(None);
            }
        }
        if self.pages.len() >= PAGES_KEPT_MAX {
            self.pages.clear();
        }
        let showings = match self.pages.entry(page) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => unknown.insert(showings(&self.segment.page(page)?.1)),
        };
        Ok(dates::of(times, showings, self.history))
    }
}
