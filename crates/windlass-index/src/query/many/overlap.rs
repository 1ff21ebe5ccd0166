//! Which pages two segments both have.
//!
//! Most questions over several segments are about pages that one of them alone has, but that must be
//! known. Few pages are looked up by their keys; once that has cost about as much as going through
//! both page tables, that is done, and what was found is kept for as long as both segments are.

use std::ops::Range;
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, PoisonError};

use crate::bits::{BitSet, RankedBits};
use crate::error::{IndexError, check};
use crate::instant::Kinds;
use crate::query::parts::{each_of, threads};
use crate::segment::{PageFinder, PageIter, Segment};

/// A page that two segments have, seen from one of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Match {
    /// Its number in the other one.
    pub(super) page: u32,
    /// Whether the latest of its captures in both tells which of its links are live: none is a revisit,
    /// and none is outranked (R14).
    pub(super) is_plain: bool,
}

/// The pages that two segments both have: the n-th of one is the n-th of the other. A fifth of a byte
/// for each page of both.
#[derive(Debug)]
pub(super) struct Overlap {
    first: RankedBits,
    second: RankedBits,
    /// Those, by their numbers in the first segment, that are not plain.
    mixed: BitSet,
}

/// A registrable domain that both segments have pages of: which, in each.
type Common = (Range<usize>, Range<usize>);

/// How many pages are looked at between looks at the stop flag.
const STRIDE: usize = 1 << 13;
/// How many domains a thread takes at a time.
const DOMAINS_AT_ONCE: usize = 1 << 8;
/// How many times more pages one segment must have of a domain for those of the other to be looked up.
const LOPSIDED: usize = 32;

impl Overlap {
    /// Goes through the pages of the domains that both segments have: some 100 ns for each.
    pub(super) fn of(
        first: &Segment,
        second: &Segment,
        cancel: &AtomicBool,
    ) -> Result<Self, IndexError> {
        let common = common_domains(first, second)?;
        let found = Mutex::new([
            BitSet::below(first.page_count()),
            BitSet::below(second.page_count()),
            BitSet::below(first.page_count()),
        ]);
        let pieces: Vec<&[Common]> = common.chunks(DOMAINS_AT_ONCE).collect();
        each_of(
            threads(),
            &pieces,
            || Both::new(first, second),
            |pages, domains| {
                for domain in *domains {
                    pages.domain(domain.clone(), cancel)?;
                }
                let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                let [of_first, of_second, mixed] = &mut *found;
                for (first, second, is_plain) in pages.found.drain(..) {
                    of_first.insert(first);
                    of_second.insert(second);
                    if !is_plain {
                        mixed.insert(first);
                    }
                }
                Ok(())
            },
        )?;
        let found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
        let [first, second, mixed] = found;
        Ok(Self {
            first: first.into(),
            second: second.into(),
            mixed,
        })
    }

    /// What the other segment has of a page of the first one or, where `is_second`, the second.
    pub(super) fn of_page(&self, is_second: bool, page: u32) -> Option<Match> {
        let (own, other) = if is_second {
            (&self.second, &self.first)
        } else {
            (&self.first, &self.second)
        };
        let found = other.select(own.rank(page)?)?;
        let is_plain = !self.mixed.contains(if is_second { found } else { page });
        Some(Match {
            page: found,
            is_plain,
        })
    }
}

/// The domains that both segments have.
fn common_domains(first: &Segment, second: &Segment) -> Result<Vec<Common>, IndexError> {
    let in_first = |corrupt| first.corrupt(corrupt);
    let in_second = |corrupt| second.corrupt(corrupt);
    let a = first.domains().map_err(in_first)?;
    let b = second.domains().map_err(in_second)?;
    let mut common = Vec::new();
    let (mut keys_a, mut keys_b) = (a.keys().iter(), b.keys().iter());
    let (mut key_a, mut key_b) = (Vec::new(), Vec::new());
    let (mut at_a, mut at_b) = (0, 0);
    let mut are_both = keys_a.next_into(&mut key_a).map_err(in_first)?
        && keys_b.next_into(&mut key_b).map_err(in_second)?;
    while are_both {
        let order = key_a.cmp(&key_b);
        if order.is_eq() {
            let pages = |(start, end): (u32, u32)| start as usize..end as usize;
            let range_a = a.range(at_a).map_err(in_first)?;
            let range_b = b.range(at_b).map_err(in_second)?;
            common.push((pages(range_a), pages(range_b)));
        }
        if order.is_le() {
            at_a += 1;
            are_both &= keys_a.next_into(&mut key_a).map_err(in_first)?;
        }
        if order.is_ge() {
            at_b += 1;
            are_both &= keys_b.next_into(&mut key_b).map_err(in_second)?;
        }
    }
    Ok(common)
}

/// Two page tables that are read in step.
struct Both<'a> {
    first: Side<'a>,
    second: Side<'a>,
    found: Vec<(u32, u32, bool)>,
}

struct Side<'a> {
    segment: &'a Segment,
    pages: PageIter<'a>,
    finder: PageFinder<'a>,
}

impl<'a> Side<'a> {
    fn new(segment: &'a Segment) -> Result<Self, IndexError> {
        let wrong = |corrupt| segment.corrupt(corrupt);
        Ok(Self {
            pages: segment.pages(0).map_err(wrong)?,
            finder: PageFinder::new(segment).map_err(wrong)?,
            segment,
        })
    }

    fn next(&mut self, end: usize) -> Result<Option<Kinds>, IndexError> {
        if self.pages.position() >= end {
            return Ok(None);
        }
        let kinds = self.pages.skip();
        kinds.map_err(|corrupt| self.segment.corrupt(corrupt))
    }

    fn go_to(&mut self, page: usize) -> Result<(), IndexError> {
        let gone = self.pages.go_to(page);
        gone.map_err(|corrupt| self.segment.corrupt(corrupt))
    }

    /// Number of the page read last.
    fn page(&self) -> u32 {
        self.pages.position().saturating_sub(1) as u64 as u32
    }
}

impl<'a> Both<'a> {
    fn new(first: &'a Segment, second: &'a Segment) -> Result<Self, IndexError> {
        Ok(Self {
            first: Side::new(first)?,
            second: Side::new(second)?,
            found: Vec::new(),
        })
    }

    fn domain(&mut self, (a, b): Common, cancel: &AtomicBool) -> Result<(), IndexError> {
        if a.len() > b.len().saturating_mul(LOPSIDED) {
            let (small, large) = (&mut self.second, &mut self.first);
            return look_up(small, b, large, a, cancel, |second, first, is_plain| {
                self.found.push((first, second, is_plain));
            });
        }
        if b.len() > a.len().saturating_mul(LOPSIDED) {
            let (small, large) = (&mut self.first, &mut self.second);
            return look_up(small, a, large, b, cancel, |first, second, is_plain| {
                self.found.push((first, second, is_plain));
            });
        }
        let (first, second) = (&mut self.first, &mut self.second);
        first.go_to(a.start)?;
        second.go_to(b.start)?;
        let (mut kinds_a, mut kinds_b) = (first.next(a.end)?, second.next(b.end)?);
        let mut n = 0usize;
        while let (Some(of_a), Some(of_b)) = (kinds_a, kinds_b) {
            n += 1;
            if n.is_multiple_of(STRIDE) {
                check(cancel)?;
            }
            let order = first.pages.key().cmp(second.pages.key());
            if order.is_eq() {
                let is_plain = of_a.union(of_b).is_plain();
                self.found.push((first.page(), second.page(), is_plain));
            }
            if order.is_le() {
                kinds_a = first.next(a.end)?;
            }
            if order.is_ge() {
                kinds_b = second.next(b.end)?;
            }
        }
        check(cancel)
    }
}

/// Looks up the pages of a domain of which one segment has few and the other many.
fn look_up(
    small: &mut Side<'_>,
    few: Range<usize>,
    large: &mut Side<'_>,
    many: Range<usize>,
    cancel: &AtomicBool,
    mut each: impl FnMut(u32, u32, bool),
) -> Result<(), IndexError> {
    let range = (many.start as u64 as u32, many.end as u64 as u32);
    small.go_to(few.start)?;
    let mut n = 0usize;
    while let Some(own) = small.next(few.end)? {
        n += 1;
        if n.is_multiple_of(STRIDE / LOPSIDED) {
            check(cancel)?;
        }
        let found = large.finder.find(range, small.pages.key());
        let found = found.map_err(|corrupt| large.segment.corrupt(corrupt))?;
        if let Some((page, kinds)) = found {
            each(small.page(), page, own.union(kinds).is_plain());
        }
    }
    check(cancel)
}
