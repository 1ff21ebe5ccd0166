//! Bounds of the numbers of rows: which of many rows lie within, found out for 16 of them at once.

use std::ops::RangeInclusive;

use windlass_links::CaptureTime;

use super::part::BLOCK;
use crate::rows::Row;

/// Within what the numbers of a row must lie for it to matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowBounds {
    /// Number of backlinks.
    pub backlinks: RangeInclusive<u64>,
    /// Earliest `first_seen`.
    pub first_seen: RangeInclusive<CaptureTime>,
    /// Latest `last_visited`.
    pub last_visited: RangeInclusive<CaptureTime>,
}

impl Default for RowBounds {
    /// All rows lie within these.
    fn default() -> Self {
        Self {
            backlinks: 0..=u64::MAX,
            first_seen: CaptureTime::MIN..=CaptureTime::MAX,
            last_visited: CaptureTime::MIN..=CaptureTime::MAX,
        }
    }
}

impl RowBounds {
    /// Whether all rows lie within.
    #[must_use]
    pub fn is_open(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a row lies within.
    #[inline]
    #[must_use]
    pub fn contains(&self, row: &Row) -> bool {
        self.first_seen.contains(&row.first_seen)
            && self.last_visited.contains(&row.last_visited)
            && self.backlinks.contains(&row.backlinks)
    }

    /// Bounds of numbers of 32 bits, which is all that rows have that are kept.
    pub(super) fn of_backlinks(&self) -> Between {
        let (first, last) = (*self.backlinks.start(), *self.backlinks.end());
        match u32::try_from(first) {
            Ok(first) => Between::new(first, u32::try_from(last).unwrap_or(u32::MAX)),
            Err(_) => Between::NONE,
        }
    }

    pub(super) fn of_first_seen(&self) -> Between {
        Between::times(&self.first_seen)
    }

    pub(super) fn of_last_visited(&self) -> Between {
        Between::times(&self.last_visited)
    }
}

/// The numbers from one to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Between {
    first: u32,
    last: u32,
}

impl Between {
    const ALL: Self = Self::new(0, u32::MAX);
    const NONE: Self = Self::new(1, 0);

    const fn new(first: u32, last: u32) -> Self {
        Self { first, last }
    }

    fn times(times: &RangeInclusive<CaptureTime>) -> Self {
        Self::new(times.start().unix(), times.end().unix())
    }

    /// Whether all numbers lie between.
    #[inline]
    pub(super) fn is_all(self) -> bool {
        self == Self::ALL
    }

    /// A bit for each of 16 numbers: those between, the first one lowest. Without branches, so that the
    /// compiler compares several at once.
    #[inline]
    pub(super) fn mask(self, numbers: &[u32; BLOCK]) -> u16 {
        if self.is_all() {
            return u16::MAX;
        }
        let bits = numbers.iter().zip(0u32..).map(|(number, at)| {
            u16::from(self.first <= *number) << at & u16::from(*number <= self.last) << at
        });
        bits.fold(0, |mask, bit| mask | bit)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_mask_has_the_numbers_between(
            numbers in prop::array::uniform16(prop_oneof![0u32..8, any::<u32>()]),
            first in prop_oneof![0u32..8, any::<u32>()],
            last in prop_oneof![0u32..8, any::<u32>()],
        ) {
            let mask = Between::new(first, last).mask(&numbers);
            for (at, number) in numbers.iter().enumerate() {
                prop_assert_eq!(mask >> at & 1 == 1, (first..=last).contains(number));
            }
        }
    }

    #[test]
    fn counts_of_more_than_32_bits_bound_nothing_or_all() {
        let of = |backlinks| {
            let bounds = RowBounds {
                backlinks,
                ..RowBounds::default()
            };
            bounds.of_backlinks()
        };
        assert_eq!(of(0..=u64::MAX), Between::ALL);
        assert_eq!(of(7..=1 << 40), Between::new(7, u32::MAX));
        assert_eq!(of(1 << 40..=u64::MAX).mask(&[u32::MAX; BLOCK]), 0);
        assert_eq!(of(RangeInclusive::new(2, 1)).mask(&[1; BLOCK]), 0);
    }
}
