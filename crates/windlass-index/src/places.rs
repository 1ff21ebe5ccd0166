//! Sets of places in a list: all of them, many as bits, few as numbers.

use crate::bits::nth_one;

/// Bits of a word.
const WORD: usize = 64;
/// Words whose members are counted together.
const STEP: usize = 8;

/// A set of numbers below a bound, as bits. Takes an eighth of a byte for each number below the bound.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bits {
    words: Vec<u64>,
    /// How many members come before each [`STEP`] words, and all of them.
    before: Vec<u32>,
}

impl Bits {
    /// The empty set of numbers below `bound`.
    pub(crate) fn new(bound: usize) -> Self {
        Self {
            words: vec![0; bound.div_ceil(WORD)],
            before: Vec::new(),
        }
    }

    /// Adds a number, which is below the bound.
    #[inline]
    pub(crate) fn insert(&mut self, number: u32) {
        if let Some(word) = self.words.get_mut(number as usize / WORD) {
            *word |= 1 << (number as usize % WORD);
        }
    }

    pub(crate) fn contains(&self, number: u32) -> bool {
        let word = self.words.get(number as usize / WORD);
        word.is_some_and(|word| word & (1 << (number as usize % WORD)) != 0)
    }

    /// Counts the members, after which they have ranks.
    pub(crate) fn close(&mut self) {
        let mut sum = 0;
        self.before.clear();
        for words in self.words.chunks(STEP) {
            self.before.push(sum);
            sum += words.iter().map(|word| word.count_ones()).sum::<u32>();
        }
        self.before.push(sum);
    }

    /// How many members a closed set has.
    pub(crate) fn len(&self) -> usize {
        self.before.last().map_or(0, |all| *all as usize)
    }

    /// How many members of a closed set are below a number, if that is a member itself.
    #[inline]
    pub(crate) fn rank(&self, number: u32) -> Option<usize> {
        let at = number as usize / WORD;
        let word = *self.words.get(at)?;
        let bit = 1u64 << (number as usize % WORD);
        if word & bit == 0 {
            return None;
        }
        let first = at / STEP * STEP;
        let whole = self.words.get(first..at)?;
        let before: u32 = whole.iter().map(|word| word.count_ones()).sum();
        let inside = (word & (bit - 1)).count_ones();
        Some((*self.before.get(at / STEP)? + before + inside) as usize)
    }

    /// The member of a closed set that has so many before it.
    pub(crate) fn select(&self, rank: usize) -> Option<u32> {
        let rank = u32::try_from(rank).ok()?;
        let step = self.before.partition_point(|before| *before <= rank);
        let step = step.checked_sub(1)?;
        let mut left = rank - *self.before.get(step)?;
        let words = self.words.get(step * STEP..)?;
        for (at, word) in words.iter().enumerate() {
            let here = word.count_ones();
            if left >= here {
                left -= here;
                continue;
            }
            let number = (step * STEP + at) * WORD + nth_one(*word, left as usize);
            return u32::try_from(number).ok();
        }
        None
    }
}

/// A set of places in a list.
#[derive(Debug, Clone)]
pub(crate) enum Places {
    /// All, of so many.
    All(usize),
    /// Ascending.
    Few(Vec<u32>),
    Many(Bits),
}

impl Default for Places {
    fn default() -> Self {
        Self::All(0)
    }
}

/// How many times fewer places than the list has are few.
const FEW: usize = 64;

impl Places {
    /// The empty set of places in a list of so many, for so many insertions. Becomes a set by
    /// [`close`](Self::close).
    pub(crate) fn new(list: usize, insertions: usize) -> Self {
        if insertions < list / FEW {
            Self::Few(Vec::with_capacity(insertions))
        } else {
            Self::Many(Bits::new(list))
        }
    }

    pub(crate) fn extend(&mut self, places: &[u32]) {
        match self {
            Self::All(_) => {}
            Self::Few(few) => few.extend_from_slice(places),
            Self::Many(bits) => places.iter().for_each(|place| bits.insert(*place)),
        }
    }

    pub(crate) fn close(&mut self) {
        match self {
            Self::All(_) => {}
            Self::Few(few) => {
                few.sort_unstable();
                few.dedup();
            }
            Self::Many(bits) => bits.close(),
        }
    }

    /// Bytes of memory, about.
    pub(crate) fn memory(&self) -> usize {
        match self {
            Self::All(_) => 0,
            Self::Few(few) => few.capacity() * size_of::<u32>(),
            Self::Many(bits) => bits.words.capacity() * 8 + bits.before.capacity() * 4,
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::All(n) => *n,
            Self::Few(few) => few.len(),
            Self::Many(bits) => bits.len(),
        }
    }

    /// How many places of the set come before one that is in it.
    #[inline]
    pub(crate) fn rank(&self, place: u32) -> Option<usize> {
        match self {
            Self::All(n) => (place as usize).lt(n).then_some(place as usize),
            Self::Few(few) => few.binary_search(&place).ok(),
            Self::Many(bits) => bits.rank(place),
        }
    }

    /// The places, ascending.
    pub(crate) fn iter(&self) -> PlacesIter<'_> {
        PlacesIter {
            places: self,
            next: 0,
            word: match self {
                Self::Many(bits) => bits.words.first().copied().unwrap_or(0),
                Self::All(_) | Self::Few(_) => 0,
            },
        }
    }
}

/// Goes through a set of places.
#[derive(Debug, Clone)]
pub(crate) struct PlacesIter<'a> {
    places: &'a Places,
    /// The next place, its index, or the word that it may be in.
    next: usize,
    /// What is left of that word.
    word: u64,
}

impl PlacesIter<'_> {
    /// Whether these are all places in a list of so many.
    pub(crate) fn is_all_of(&self, list: usize) -> bool {
        matches!(self.places, Places::All(n) if *n == list)
    }
}

impl Iterator for PlacesIter<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        match self.places {
            Places::All(n) => {
                let place = self.next;
                self.next += 1;
                (place < *n).then_some(place as u64 as u32)
            }
            Places::Few(few) => {
                self.next += 1;
                few.get(self.next - 1).copied()
            }
            Places::Many(bits) => {
                while self.word == 0 {
                    self.next += 1;
                    self.word = *bits.words.get(self.next)?;
                }
                let place = self.next * WORD + self.word.trailing_zeros() as usize;
                self.word &= self.word - 1;
                Some(place as u64 as u32)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn ranks_and_members_are_those_of_a_set(
            members in prop_oneof![
                prop::collection::vec(0u32..3000, 0..40),
                prop::collection::vec(0u32..3000, 0..4000),
                prop::collection::vec(0u32..200, 0..40),
            ],
            spare in 0usize..200,
        ) {
            let list = members.iter().max().map_or(0, |max| *max as usize + 1) + spare;
            let expected: BTreeSet<u32> = members.iter().copied().collect();
            let mut bits = Bits::new(list);
            members.iter().for_each(|member| bits.insert(*member));
            bits.close();
            let few = {
                let mut few = members.clone();
                few.sort_unstable();
                few.dedup();
                Places::Few(few)
            };
            let mut places = Places::new(list, members.len());
            places.extend(&members);
            places.close();
            for places in [few, places, Places::Many(bits.clone())] {
                prop_assert_eq!(places.len(), expected.len());
                prop_assert!(places.iter().eq(expected.iter().copied()));
                for place in 0..list as u32 + 70 {
                    let rank = expected.contains(&place).then(|| expected.range(..place).count());
                    prop_assert_eq!(places.rank(place), rank);
                }
            }
            for (rank, member) in expected.iter().enumerate() {
                prop_assert_eq!(bits.select(rank), Some(*member));
            }
            prop_assert_eq!(bits.select(expected.len()), None);
        }
    }

    #[test]
    fn all_places_are_their_own_ranks() {
        let all = Places::All(5);
        assert_eq!(all.len(), 5);
        assert!(all.iter().eq(0..5));
        assert_eq!((all.rank(4), all.rank(5)), (Some(4), None));
    }
}
