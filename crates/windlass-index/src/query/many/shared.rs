//! Pages that several segments have: only all of their captures together tell what is live (R13, R14).

use std::sync::Arc;

use windlass_links::History;

use super::overlap::Match;
use super::pages::SegmentPages;
use crate::error::IndexError;
use crate::instant;
use crate::query::dates::{self, Dates};
use crate::segment::Segment;
use crate::showings::Showings;

/// No group.
pub(super) const ALONE: u32 = u32::MAX;

/// The pages that link to the range and that several segments have.
#[derive(Debug, Default)]
pub(super) struct SharedPages {
    /// For each segment and slot, which of them the page is, or [`ALONE`].
    pub(super) of_slot: Vec<Vec<u32>>,
    /// Where each begins in `members`.
    starts: Vec<usize>,
    /// (segment, number of the page there).
    members: Vec<(u32, u32)>,
    is_plain: Vec<bool>,
}

/// A page that has been found in several segments, seen from one that has links on it.
struct Sight {
    /// The first segment that has it, and its number there.
    first: (u32, u32),
    segment: u32,
    slot: u32,
    /// Which matches are about it.
    matches: std::ops::Range<usize>,
}

impl SharedPages {
    /// From the pages of all segments, and what was found of each in the others.
    pub(super) fn new(pages: &[SegmentPages], matches: &[Vec<(u32, u32, Match)>]) -> Self {
        let mut shared = Self::default();
        let mut sights = Vec::new();
        for ((segment, pages), matches) in (0u32..).zip(pages).zip(matches) {
            let of_slot = if matches.is_empty() {
                Vec::new()
            } else {
                vec![ALONE; pages.numbers.len()]
            };
            shared.of_slot.push(of_slot);
            let mut start = 0;
            for of_page in matches.chunk_by(|a, b| a.0 == b.0) {
                let Some((slot, other, found)) = of_page.first() else {
                    continue;
                };
                let own = pages.numbers.get(*slot as usize);
                let own = (segment, own.copied().unwrap_or_default());
                sights.push(Sight {
                    first: own.min((*other, found.page)),
                    segment,
                    slot: *slot,
                    matches: start..start + of_page.len(),
                });
                start += of_page.len();
            }
        }
        sights.sort_unstable_by_key(|sight| (sight.first, sight.segment));
        for of_page in sights.chunk_by(|a, b| a.first == b.first) {
            shared.add(of_page, pages, matches);
        }
        shared
    }

    /// Adds a page with its sights, at least one.
    fn add(
        &mut self,
        sights: &[Sight],
        pages: &[SegmentPages],
        matches: &[Vec<(u32, u32, Match)>],
    ) {
        let number = self.starts.len() as u64 as u32;
        self.starts.push(self.members.len());
        let mut is_plain = true;
        for (at, sight) in sights.iter().enumerate() {
            let of_segment = matches.get(sight.segment as usize);
            let of_page = of_segment.and_then(|all| all.get(sight.matches.clone()));
            let of_page = of_page.unwrap_or_default();
            is_plain &= of_page.iter().all(|(.., found)| found.is_plain);
            if at == 0 {
                // All sights have the same members.
                let numbers = pages.get(sight.segment as usize).map(|p| &p.numbers);
                let own = numbers.and_then(|numbers| numbers.get(sight.slot as usize));
                self.members
                    .push((sight.segment, own.copied().unwrap_or_default()));
                let others = of_page.iter().map(|(_, other, found)| (*other, found.page));
                self.members.extend(others);
            }
            let of_slot = self.of_slot.get_mut(sight.segment as usize);
            if let Some(slot) = of_slot.and_then(|slots| slots.get_mut(sight.slot as usize)) {
                *slot = number;
            }
        }
        self.is_plain.push(is_plain);
    }

    pub(super) fn len(&self) -> usize {
        self.starts.len()
    }

    /// Which shared page a slot of a segment has, or [`ALONE`].
    #[inline]
    pub(super) fn get(&self, segment: usize, slot: usize) -> u32 {
        let of_segment = self.of_slot.get(segment);
        let shared = of_segment.and_then(|slots| slots.get(slot));
        shared.copied().unwrap_or(ALONE)
    }

    /// What all segments together say of a shared page.
    pub(super) fn unite(
        &self,
        shared: u32,
        segments: &[Arc<Segment>],
        history: History,
    ) -> Result<UnitedPage, IndexError> {
        let shared = shared as usize;
        let start = self.starts.get(shared).copied().unwrap_or_default();
        let end = self.starts.get(shared + 1).copied();
        let members = self.members.get(start..end.unwrap_or(self.members.len()));
        let members = members.unwrap_or_default();
        let mut page = UnitedPage {
            is_plain: self.is_plain.get(shared) == Some(&true),
            ..UnitedPage::default()
        };
        if !page.is_plain || matches!(history, History::Since(_)) {
            page.unite_instants(members, segments)?;
            return Ok(page);
        }
        for (segment, number) in members {
            let Some(segment) = segments.get(*segment as usize) else {
                continue;
            };
            let latest = segment.latest(*number);
            let latest = latest.map_err(|corrupt| segment.corrupt(corrupt))?;
            page.latest = page.latest.max(latest);
        }
        Ok(page)
    }
}

/// What several segments together say of a page.
#[derive(Debug, Default)]
pub(super) struct UnitedPage {
    is_plain: bool,
    /// Of a plain page: seconds of the latest capture.
    latest: u32,
    /// Where the latest capture does not tell all.
    showings: Showings,
    /// (segment, second) of captures whose links are not taken (R14).
    outranked: Vec<(u32, u32)>,
}

impl UnitedPage {
    fn unite_instants(
        &mut self,
        members: &[(u32, u32)],
        segments: &[Arc<Segment>],
    ) -> Result<(), IndexError> {
        let (mut all, mut wat) = (Vec::new(), Vec::new());
        for (at, number) in members {
            let Some(segment) = segments.get(*at as usize) else {
                continue;
            };
            let page = segment.page(*number);
            let (_, instants) = page.map_err(|corrupt| segment.corrupt(corrupt))?;
            wat.extend(instant::times_of_wats(&instants).map(|time| (*at, time)));
            all.extend(instants);
        }
        let united = instant::unite(all);
        wat.retain(|(_, time)| instant::is_outranked(*time, &united));
        let seconds = wat.into_iter().map(|(at, time)| (at, time.unix()));
        self.outranked.extend(seconds);
        self.showings = Showings::of(&united);
        self.latest = instant::latest(&united);
        Ok(())
    }

    /// Whether the links of a segment's capture at a second are not taken.
    pub(super) fn is_outranked(&self, segment: u32, second: u32) -> bool {
        !self.outranked.is_empty() && self.outranked.contains(&(segment, second))
    }

    /// The dates of a link that was seen at these times, in order; `None` where the history leaves it
    /// out, or it was seen at none.
    pub(super) fn dates(&self, times: &[u32], history: History) -> Option<Dates> {
        let (Some(&first_seen), Some(&last_visited)) = (times.first(), times.last()) else {
            return None;
        };
        if !self.showings.is_empty() {
            return dates::of(times, &self.showings, history);
        }
        let is_kept = history == History::AllTime || last_visited == self.latest;
        is_kept.then_some(Dates {
            first_seen,
            last_visited,
        })
    }
}
