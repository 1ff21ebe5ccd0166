//! The captured pages of a target.

use std::cmp::Ordering;
use std::ops::ControlFlow;
use std::sync::atomic::AtomicBool;

use windlass_links::{History, Target};

use super::pages::{Page, id};
use super::side_by_side::{Walk, side_by_side};
use crate::bytes::Corrupt;
use crate::error::IndexError;
use crate::instant::{unite, was_captured};
use crate::query::{PageRange, Question, for_each_page_range};
use crate::segment::{PageIter, Segment};
use crate::store::Snapshot;

impl Snapshot {
    /// Calls `each` with the captured pages that a target matches (R16), whatever their captures say, but for those
    /// of which nothing but revisits of what is not known is there (R1); ordered by (registrable domain, SURT), until it breaks. About a microsecond a page.
    ///
    /// # Errors
    /// Where the index is damaged, and what `each` returns; [`IndexError::Cancelled`] soon after
    /// `cancel` is set.
    pub fn for_each_page<E: From<IndexError>>(
        &self,
        target: &Target,
        cancel: &AtomicBool,
        mut each: impl FnMut(&Page) -> Result<ControlFlow<()>, E>,
    ) -> Result<(), E> {
        let mut walks = Vec::new();
        for (at, segment) in self.segments().iter().enumerate() {
            let walk = PagesOf::new(segment, at, target, cancel);
            walks.push(walk.map_err(|corrupt| segment.corrupt(corrupt))?);
        }
        side_by_side(walks, cancel, |same| {
            let Some(first) = same.first() else {
                return Ok(ControlFlow::Continue(()));
            };
            let (domain, key) = first.key();
            if !target.has_port(key) {
                return Ok(ControlFlow::Continue(()));
            }
            let (domain, key) = (domain.to_owned(), key.to_owned());
            let (mut number, mut instants) = (u64::MAX, Vec::new());
            for walk in same {
                number = number.min(walk.id());
                instants.append(&mut walk.instants);
            }
            let instants = unite(instants);
            if !was_captured(&instants) {
                return Ok(ControlFlow::Continue(()));
            }
            let page = Page::new(number, domain, key, &instants)
                .map_err(|Corrupt(what)| IndexError::TooLarge(what))?;
            each(&page)
        })
    }
}

/// The pages of one segment in a target's range.
struct PagesOf<'a> {
    segment: &'a Segment,
    segment_at: usize,
    ranges: std::vec::IntoIter<PageRange>,
    pages: PageIter<'a>,
    range: PageRange,
    instants: Vec<crate::instant::Instant>,
}

impl<'a> PagesOf<'a> {
    fn new(
        segment: &'a Segment,
        segment_at: usize,
        target: &Target,
        cancel: &AtomicBool,
    ) -> Result<Self, Corrupt> {
        let question = Question::new(target, History::AllTime, cancel);
        Ok(Self {
            segment,
            segment_at,
            ranges: page_ranges(segment, &question)?.into_iter(),
            pages: segment.pages(0)?,
            range: PageRange::default(),
            instants: Vec::new(),
        })
    }

    fn key(&self) -> (&[u8], &[u8]) {
        (&self.range.domain_key, self.pages.key())
    }

    fn id(&self) -> u64 {
        id(
            self.segment_at,
            self.pages.position().saturating_sub(1) as u64 as u32,
        )
    }
}

impl Walk for PagesOf<'_> {
    fn compare(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }

    fn advance(&mut self) -> Result<bool, IndexError> {
        let mut next = || {
            while self.range.pages.is_empty() {
                let Some(range) = self.ranges.next() else {
                    return Ok(None);
                };
                self.pages.go_to(range.pages.start as usize)?;
                self.range = range;
            }
            self.range.pages.start += 1;
            self.pages.advance()
        };
        let instants = next().map_err(|corrupt| self.segment.corrupt(corrupt))?;
        let is_there = instants.is_some();
        self.instants = instants.unwrap_or_default();
        Ok(is_there)
    }
}

/// The pages whose SURTs are in the target's range, by registrable domain, ascending; which of them have
/// the target's port must be seen from their keys.
pub(super) fn page_ranges(
    segment: &Segment,
    question: &Question<'_>,
) -> Result<Vec<PageRange>, Corrupt> {
    let mut ranges = Vec::new();
    for_each_page_range(segment, question, &question.target.range(), |range| {
        ranges.push(range);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(ranges)
}
