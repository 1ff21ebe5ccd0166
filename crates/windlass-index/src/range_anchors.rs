//! The anchors (R9a) of a range of links, one behind the other: kept for questions that are asked about a target
//! again. Those of its site lie wherever the site has others between them, and may be many times as many.

use std::ops::Range;
use std::sync::atomic::AtomicBool;

use crate::anchors::{AnchorStretch, AnchorTable, for_each_stretch_of};
use crate::cache::Memory;
use crate::error::IndexError;
use crate::gallop::partition_point_from;
use crate::segment::Segment;
use crate::site::SiteBlock;

/// Bytes that an anchor takes beside its text.
const ANCHOR_BYTES: usize = 8;
/// Anchors that are read between looks at how much they take.
const AT_ONCE: usize = 1 << 8;

/// Folded anchors with ascending numbers.
#[derive(Debug, Default)]
pub(crate) struct RangeAnchors {
    numbers: Vec<u32>,
    text: String,
    /// Where each ends in the text.
    ends: Vec<u32>,
}

impl RangeAnchors {
    /// Reads anchors of a site to keep them, whose numbers ascend, unless they take more than so many bytes, or one of
    /// them is damaged: an answer that needs that one says so. Some 30 ns each from all anchors of the site, where these
    /// are kept, otherwise up to some hundreds.
    pub(crate) fn read(
        segment: &Segment,
        of_site: (&SiteBlock<'_>, Option<&AnchorTable>),
        numbers: Vec<u32>,
        bytes_max: usize,
        cancel: &AtomicBool,
    ) -> Result<Option<Self>, IndexError> {
        match Self::read_all(segment, of_site, numbers, bytes_max, cancel) {
            Err(IndexError::Cancelled) => Err(IndexError::Cancelled),
            Err(_) => Ok(None),
            read => read,
        }
    }

    fn read_all(
        segment: &Segment,
        (block, table): (&SiteBlock<'_>, Option<&AnchorTable>),
        numbers: Vec<u32>,
        bytes_max: usize,
        cancel: &AtomicBool,
    ) -> Result<Option<Self>, IndexError> {
        let Some(text_max) = bytes_max.checked_sub(numbers.len().saturating_mul(ANCHOR_BYTES))
        else {
            return Ok(None);
        };
        let text_max = text_max.min(u32::MAX as usize);
        let (mut text, mut ends) = (String::new(), Vec::with_capacity(numbers.len()));
        for some in numbers.chunks(AT_ONCE) {
            let mut fits = true;
            for_each_stretch_of(segment, block, table, some, cancel, |_, stretch| {
                fits = fits && text.len() + stretch.text().len() <= text_max;
                if fits {
                    let start = text.len();
                    let end = |at| (start + stretch.range(at).end) as u64 as u32;
                    ends.extend((0..stretch.len()).map(end));
                    text.push_str(stretch.text());
                }
            })?;
            if !fits {
                return Ok(None);
            }
        }
        text.shrink_to_fit();
        Ok(Some(Self {
            numbers,
            text,
            ends,
        }))
    }

    pub(crate) fn len(&self) -> usize {
        self.numbers.len()
    }

    /// The anchors at some places, and their numbers.
    pub(crate) fn stretch(&self, places: Range<usize>) -> (&[u32], AnchorStretch<'_>) {
        let numbers = self.numbers.get(places.clone()).unwrap_or_default();
        let ends = self.ends.get(places.clone()).unwrap_or_default();
        let start = self.start(places.start);
        let end = ends.last().map_or(start, |end| *end as usize);
        let text = self.text.get(start..end).unwrap_or_default();
        (numbers, AnchorStretch::of(text, ends, start as u64 as u32))
    }

    /// An anchor by its number, and its place. It is soon found from the place of one whose number is a little less.
    pub(crate) fn get_from(&self, near: usize, number: u32) -> Option<(usize, &str)> {
        let is_before = |found: &u32| *found < number;
        let place = if self.numbers.get(near).is_some_and(is_before) {
            // All up to there come before it, too.
            partition_point_from(&self.numbers, near + 1, is_before)
        } else {
            self.numbers.partition_point(is_before)
        };
        if self.numbers.get(place) != Some(&number) {
            return None;
        }
        let end = *self.ends.get(place)? as usize;
        Some((place, self.text.get(self.start(place)..end)?))
    }

    /// Where an anchor begins in the text.
    fn start(&self, place: usize) -> usize {
        let before = place.checked_sub(1).and_then(|at| self.ends.get(at));
        before.map_or(0, |end| *end as usize)
    }
}

impl Memory for RangeAnchors {
    fn memory(&self) -> usize {
        self.numbers.capacity() * 4 + self.text.capacity() + self.ends.capacity() * 4
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn anchors(numbers: impl IntoIterator<Item = u32>) -> RangeAnchors {
        let mut anchors = RangeAnchors::default();
        for number in numbers {
            anchors.numbers.push(number);
            anchors.text.push_str(&"é".repeat(number as usize % 3));
            anchors.text.push_str(&number.to_string());
            anchors.ends.push(anchors.text.len() as u32);
        }
        anchors
    }

    fn text(number: u32) -> String {
        "é".repeat(number as usize % 3) + &number.to_string()
    }

    proptest! {
        #[test]
        fn an_anchor_is_found_from_anywhere(
            numbers in prop::collection::btree_set(0u32..300, 0..150),
            sought in prop::collection::vec((0usize..200, 0u32..300), 1..60),
        ) {
            let all = anchors(numbers.iter().copied());
            for (near, number) in sought {
                let found = all.get_from(near, number);
                let place = numbers.iter().position(|found| *found == number);
                prop_assert_eq!(found.map(|(place, _)| place), place);
                if let Some((_, found)) = found {
                    prop_assert_eq!(found, text(number));
                }
            }
        }

        #[test]
        fn a_stretch_has_the_anchors_at_its_places(
            numbers in prop::collection::btree_set(0u32..300, 0..50),
            start in 0usize..50,
            length in 0usize..50,
        ) {
            let numbers: Vec<u32> = numbers.into_iter().collect();
            let all = anchors(numbers.iter().copied());
            let start = start.min(numbers.len());
            let places = start..numbers.len().min(start + length);
            let (found, stretch) = all.stretch(places.clone());
            prop_assert_eq!(found, &numbers[places]);
            prop_assert_eq!(stretch.len(), found.len());
            for (at, number) in found.iter().enumerate() {
                prop_assert_eq!(stretch.get(at), text(*number));
            }
        }
    }
}
