//! The captured pages of a target.

use std::ops::ControlFlow;
use std::sync::atomic::AtomicBool;

use windlass_links::{History, Target};

use super::pages::{Page, id};
use crate::bytes::Corrupt;
use crate::error::{IndexError, check};
use crate::instant::{unite, was_captured};
use crate::query::{PageRange, Question, for_each_page_range};
use crate::segment::{PageIter, Segment};
use crate::store::Snapshot;

/// How many pages go by between looks at the stop flag.
const STRIDE: u64 = 1 << 10;

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
            let mut walk = Walk::new(segment, at, target, cancel)
                .map_err(|corrupt| segment.corrupt(corrupt))?;
            if walk.advance()? {
                walks.push(walk);
            }
        }
        for n in 0u64.. {
            if n.is_multiple_of(STRIDE) {
                check(cancel)?;
            }
            let Some(first) = walks.iter().map(Walk::key).min() else {
                break;
            };
            let (domain, key) = (first.0.to_owned(), first.1.to_owned());
            let (mut number, mut instants) = (u64::MAX, Vec::new());
            let mut at = 0;
            while let Some(walk) = walks.get_mut(at) {
                if walk.key() != (domain.as_slice(), key.as_slice()) {
                    at += 1;
                    continue;
                }
                number = number.min(walk.id());
                instants.append(&mut walk.instants);
                if walk.advance()? {
                    at += 1;
                } else {
                    walks.swap_remove(at);
                }
            }
            if !target.has_port(&key) {
                continue;
            }
            let instants = unite(instants);
            if !was_captured(&instants) {
                continue;
            }
            let page = Page::new(number, domain, key, &instants)
                .map_err(|Corrupt(what)| IndexError::TooLarge(what))?;
            if each(&page)?.is_break() {
                break;
            }
        }
        Ok(())
    }
}

/// The pages of one segment in a target's range.
struct Walk<'a> {
    segment: &'a Segment,
    segment_at: usize,
    ranges: std::vec::IntoIter<PageRange>,
    pages: PageIter<'a>,
    range: PageRange,
    instants: Vec<crate::instant::Instant>,
}

impl<'a> Walk<'a> {
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

    /// Goes to the next page; whether there is one.
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
