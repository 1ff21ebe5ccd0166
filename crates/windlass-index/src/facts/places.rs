//! Some of the pages of a site block, by their places.

use crate::bits::ones_before;

/// A set of places, each of which has a number among them.
#[derive(Debug, Default)]
pub(crate) struct Places {
    words: Vec<u64>,
    /// How many are in the words before each; empty as long as places come.
    before: Vec<u32>,
}

impl Places {
    /// Room for the places below `n`.
    pub(crate) fn below(n: usize) -> Self {
        Self {
            words: vec![0; n.div_ceil(64)],
            before: Vec::new(),
        }
    }

    #[inline]
    pub(crate) fn insert(&mut self, place: u32) {
        if let Some(word) = self.words.get_mut(place as usize / 64) {
            *word |= 1 << (place % 64);
        }
    }

    /// No more places come: now each has its number.
    pub(super) fn close(&mut self) {
        self.before = ones_before(&self.words);
    }

    /// 64 neighbouring places as bits.
    pub(super) fn word(&self, at: usize) -> u64 {
        self.words.get(at).copied().unwrap_or_default()
    }

    /// The number of a place among them; nothing where it is not in.
    #[inline]
    pub(super) fn number_of(&self, place: u32) -> Option<usize> {
        let word = *self.words.get(place as usize / 64)?;
        let before = *self.before.get(place as usize / 64)?;
        let bit = 1u64 << (place % 64);
        (word & bit != 0).then(|| (before + (word & (bit - 1)).count_ones()) as usize)
    }

    /// Bytes of memory.
    pub(super) fn memory(&self) -> usize {
        self.words.capacity() * 8 + self.before.capacity() * 4
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn places_are_numbered_in_order(set in prop::collection::btree_set(0u32..500, 0..100)) {
            let mut places = Places::below(500);
            set.iter().for_each(|place| places.insert(*place));
            places.close();
            let numbered: BTreeSet<u32> =
                (0..600).filter(|place| places.number_of(*place).is_some()).collect();
            prop_assert_eq!(&numbered, &set);
            for (number, place) in set.into_iter().enumerate() {
                prop_assert_eq!(places.number_of(place), Some(number));
            }
        }
    }
}
