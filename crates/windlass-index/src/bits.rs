//! Sets of numbers as bits.

use std::ops::Range;

/// Bits of a word.
const WORD: usize = 64;

/// How many bits are 1 in the words before each.
pub(crate) fn ones_before(words: &[u64]) -> Vec<u32> {
    let mut count = 0;
    let before = words.iter().map(|word| {
        let before = count;
        count += word.count_ones();
        before
    });
    before.collect()
}

/// The place of the bit that is 1 and has `n` such before it, lowest first; where there are not so many, at least
/// 64.
pub(crate) fn nth_one(word: u64, n: usize) -> usize {
    let (mut word, mut left, mut place) = (word, n, 0);
    for width in [32, 16, 8, 4] {
        let below = (word & ((1 << width) - 1)).count_ones() as usize;
        if left >= below {
            left -= below;
            word >>= width;
            place += width;
        }
    }
    for _ in 0..left {
        word &= word.wrapping_sub(1);
    }
    place + word.trailing_zeros() as usize
}

/// 64 bits of a file, lowest bits of the first byte first; zeros behind the end.
#[inline]
pub(crate) fn word_at(bits: &[u8], word: usize) -> u64 {
    let rest = bits.get(word * 8..).unwrap_or_default();
    if let Some(bytes) = rest.first_chunk::<8>() {
        return u64::from_le_bytes(*bytes);
    }
    let mut bytes = [0; 8];
    for (to, from) in bytes.iter_mut().zip(rest) {
        *to = *from;
    }
    u64::from_le_bytes(bytes)
}

/// Whether a bit of a file is 1, and how many before it are.
#[inline]
pub(crate) fn rank_in(bits: &[u8], at: usize) -> (bool, u32) {
    let (word, bit) = (at / WORD, at % WORD);
    let before = (0..word).map(|word| word_at(bits, word).count_ones());
    let own = word_at(bits, word);
    let before = before.sum::<u32>() + (own & ((1 << bit) - 1)).count_ones();
    (own >> bit & 1 == 1, before)
}

/// A set of numbers below a bound. Takes an eighth of a byte for each number below it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BitSet {
    words: Vec<u64>,
}

impl BitSet {
    /// The empty set of numbers below `bound`.
    pub(crate) fn below(bound: usize) -> Self {
        Self {
            words: vec![0; bound.div_ceil(WORD)],
        }
    }

    /// The numbers whose bits are 1, lowest first.
    pub(crate) fn of_words(words: Vec<u64>) -> Self {
        Self { words }
    }

    /// Adds a number; one that is not below the bound is passed over.
    #[inline]
    pub(crate) fn insert(&mut self, number: u32) {
        if let Some(word) = self.words.get_mut(number as usize / WORD) {
            *word |= 1 << (number as usize % WORD);
        }
    }

    /// Adds a number, and moves the bound where it is not below it.
    pub(crate) fn insert_any(&mut self, number: u32) {
        let words = number as usize / WORD + 1;
        if self.words.len() < words {
            self.words.resize(words, 0);
        }
        self.insert(number);
    }

    #[inline]
    pub(crate) fn contains(&self, number: u32) -> bool {
        self.word(number as usize / WORD) >> (number as usize % WORD) & 1 == 1
    }

    /// Whether numbers below this are in the set: 64 that are neighbours, lowest first.
    #[inline]
    pub(crate) fn word(&self, at: usize) -> u64 {
        self.words.get(at).copied().unwrap_or_default()
    }

    /// Those within a range, ascending.
    pub(crate) fn within(&self, numbers: Range<u32>) -> impl Iterator<Item = u32> {
        let words = (numbers.start / 64)..numbers.end.div_ceil(64);
        words.flat_map(move |at| {
            let mut word = self.word(at as usize);
            if at == numbers.start / 64 {
                word &= u64::MAX << (numbers.start % 64);
            }
            if at == numbers.end / 64 {
                word &= (1 << (numbers.end % 64)) - 1;
            }
            std::iter::from_fn(move || {
                let bit = (word != 0).then(|| word.trailing_zeros())?;
                word &= word - 1;
                Some(at * 64 + bit)
            })
        })
    }

    /// How many they are.
    pub(crate) fn len(&self) -> usize {
        let ones = self.words.iter().map(|word| word.count_ones() as usize);
        ones.sum()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// Bytes of memory.
    pub(crate) fn memory(&self) -> usize {
        self.words.capacity() * 8
    }
}

/// A set whose members have ranks, and can be found by them.
#[derive(Debug, Clone, Default)]
pub(crate) struct RankedBits {
    set: BitSet,
    /// How many members are in the words before each.
    before: Vec<u32>,
}

impl From<BitSet> for RankedBits {
    fn from(set: BitSet) -> Self {
        Self {
            before: ones_before(&set.words),
            set,
        }
    }
}

impl RankedBits {
    /// 64 neighbouring numbers, lowest first.
    #[inline]
    pub(crate) fn word(&self, at: usize) -> u64 {
        self.set.word(at)
    }

    /// All of them.
    pub(crate) fn words(&self) -> &[u64] {
        &self.set.words
    }

    /// How many members there are.
    pub(crate) fn len(&self) -> usize {
        let last = self.set.words.last().zip(self.before.last());
        last.map_or(0, |(word, before)| (before + word.count_ones()) as usize)
    }

    /// How many members are below a number, if that is a member itself.
    #[inline]
    pub(crate) fn rank(&self, number: u32) -> Option<usize> {
        let at = number as usize / WORD;
        let (word, before) = (*self.set.words.get(at)?, *self.before.get(at)?);
        let bit = 1u64 << (number as usize % WORD);
        (word & bit != 0).then(|| (before + (word & (bit - 1)).count_ones()) as usize)
    }

    /// The member that has so many before it.
    pub(crate) fn select(&self, rank: usize) -> Option<u32> {
        let rank = u32::try_from(rank).ok()?;
        let behind = self.before.partition_point(|before| *before <= rank);
        let at = behind.checked_sub(1)?;
        let (word, before) = (*self.set.words.get(at)?, *self.before.get(at)?);
        let left = rank - before;
        (left < word.count_ones()).then(|| (at * WORD + nth_one(word, left as usize)) as u64 as u32)
    }

    /// Bytes of memory.
    pub(crate) fn memory(&self) -> usize {
        self.set.memory() + self.before.capacity() * 4
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// Members of a set, in any order, some of them again: few, many, or few of few numbers.
    pub(crate) fn arb_members() -> impl Strategy<Value = Vec<u32>> {
        prop_oneof![
            prop::collection::vec(0u32..3000, 0..40),
            prop::collection::vec(0u32..3000, 0..4000),
            prop::collection::vec(0u32..200, 0..40),
        ]
    }

    proptest! {
        #[test]
        fn each_one_is_found(word in any::<u64>()) {
            let ones: Vec<usize> = (0..64).filter(|place| word >> place & 1 == 1).collect();
            for (n, place) in ones.iter().enumerate() {
                prop_assert_eq!(nth_one(word, n), *place);
            }
            prop_assert!(nth_one(word, ones.len()) >= 64);
        }

        #[test]
        fn members_ranks_and_ranges_are_those_of_a_set(
            members in arb_members(),
            spare in 0usize..200,
            (from, to) in (0u32..3300, 0u32..3300),
        ) {
            let bound = members.iter().max().map_or(0, |max| *max as usize + 1) + spare;
            let expected: BTreeSet<u32> = members.iter().copied().collect();
            let (mut set, mut grown) = (BitSet::below(bound), BitSet::default());
            for member in &members {
                set.insert(*member);
                grown.insert_any(*member);
            }
            // Behind the bound, by a word at least.
            set.insert(bound as u32 + 64);
            prop_assert_eq!(set.len(), expected.len());
            prop_assert_eq!(set.is_empty(), expected.is_empty());
            let within = |set: &BitSet| set.within(from..to.max(from)).collect::<Vec<u32>>();
            prop_assert_eq!(within(&set), within(&grown));
            prop_assert!(within(&set).iter().eq(expected.range(from..to.max(from))));
            let ranked = RankedBits::from(set.clone());
            prop_assert_eq!(ranked.len(), expected.len());
            for number in 0..bound as u32 + 70 {
                let is_in = expected.contains(&number);
                prop_assert_eq!(set.contains(number), is_in);
                prop_assert_eq!(grown.contains(number), is_in);
                let rank = is_in.then(|| expected.range(..number).count());
                prop_assert_eq!(ranked.rank(number), rank);
            }
            for (rank, member) in expected.iter().enumerate() {
                prop_assert_eq!(ranked.select(rank), Some(*member));
            }
            prop_assert_eq!(ranked.select(expected.len()), None);
        }
    }
}
