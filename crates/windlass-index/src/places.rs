//! Sets of places in a list: all of them, many as bits, few as numbers.

use crate::bits::{BitSet, RankedBits};

/// A set of places in a list.
#[derive(Debug, Clone)]
pub(crate) enum Places {
    /// All, of so many.
    All(usize),
    /// Ascending.
    Few(Vec<u32>),
    Many(RankedBits),
}

impl Default for Places {
    fn default() -> Self {
        Self::All(0)
    }
}

/// How many times fewer places than the list has are few.
const FEW: usize = 64;

/// Places that come in any order, some of them again.
#[derive(Debug)]
pub(crate) enum PlacesBuilder {
    Few(Vec<u32>),
    Many(BitSet),
}

impl PlacesBuilder {
    /// For so many places, each counted as often as it comes, in a list of so many.
    pub(crate) fn new(list: usize, insertions: usize) -> Self {
        if insertions < list / FEW {
            Self::Few(Vec::with_capacity(insertions))
        } else {
            Self::Many(BitSet::below(list))
        }
    }

    pub(crate) fn extend(&mut self, places: &[u32]) {
        match self {
            Self::Few(few) => few.extend_from_slice(places),
            Self::Many(bits) => places.iter().for_each(|place| bits.insert(*place)),
        }
    }

    pub(crate) fn build(self) -> Places {
        match self {
            Self::Few(mut few) => {
                few.sort_unstable();
                few.dedup();
                Places::Few(few)
            }
            Self::Many(bits) => Places::Many(bits.into()),
        }
    }
}

impl Places {
    /// Bytes of memory, about.
    pub(crate) fn memory(&self) -> usize {
        match self {
            Self::All(_) => 0,
            Self::Few(few) => few.capacity() * size_of::<u32>(),
            Self::Many(bits) => bits.memory(),
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
                Self::Many(bits) => bits.word(0),
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
                    self.word = *bits.words().get(self.next)?;
                }
                let place = self.next * 64 + self.word.trailing_zeros() as usize;
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
    use crate::bits::tests::arb_members;

    proptest! {
        #[test]
        fn ranks_and_members_are_those_of_a_set(
            members in arb_members(),
            spare in 0usize..200,
        ) {
            let list = members.iter().max().map_or(0, |max| *max as usize + 1) + spare;
            let expected: BTreeSet<u32> = members.iter().copied().collect();
            let builders = [
                PlacesBuilder::Few(Vec::new()),
                PlacesBuilder::Many(BitSet::below(list)),
                PlacesBuilder::new(list, members.len()),
            ];
            for mut places in builders {
                places.extend(&members);
                let places = places.build();
                prop_assert_eq!(places.len(), expected.len());
                prop_assert!(places.iter().eq(expected.iter().copied()));
                for place in 0..list as u32 + 70 {
                    let rank = expected.contains(&place).then(|| expected.range(..place).count());
                    prop_assert_eq!(places.rank(place), rank);
                }
            }
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
