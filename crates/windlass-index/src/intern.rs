//! A set of byte strings, each known by a number: dictionaries while a run is being built.

use std::hash::BuildHasher;
use std::hint::black_box;

use hashbrown::DefaultHashBuilder;

use crate::arena::Arena;
use crate::fetch::AT_ONCE;
use crate::order;
use crate::room::{filled, make_room, with_room};

/// Different byte strings, numbered in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Interner {
    texts: Arena,
    slots: Slots,
    hasher: DefaultHashBuilder,
}

impl Interner {
    /// The number of `text`, and whether it is new. O(length).
    pub(crate) fn intern(&mut self, text: &[u8]) -> (u32, bool) {
        self.intern_tagged(text, self.tag(text))
    }

    /// Appends the numbers of texts, in their order. What looking them up reads lies anywhere in memory: it is
    /// fetched for many at once.
    pub(crate) fn intern_all(&mut self, texts: &Arena, numbers: &mut Vec<u32>) {
        make_room(numbers, texts.len());
        let (mut tags, mut found) = ([0u32; AT_ONCE], [0u32; AT_ONCE]);
        for first in (0..texts.len()).step_by(AT_ONCE) {
            let some = first as u64 as u32..texts.len().min(first + AT_ONCE) as u64 as u32;
            for (tag, number) in tags.iter_mut().zip(some.clone()) {
                *tag = self.tag(texts.get(number));
            }
            let tags = tags.iter().take(some.len());
            // Where searches begin, all at once; then what they find, which mostly is in the same lines.
            black_box(tags.clone().fold(0, |a, tag| a ^ self.slots.first(*tag)));
            for (found, tag) in found.iter_mut().zip(tags.clone()) {
                // In place of what is not there, something that does no harm.
                *found = self.slots.find(*tag, |_| true).unwrap_or_default();
            }
            let found = found.get(..some.len());
            self.texts.fetch(found.unwrap_or_default());
            for (tag, number) in tags.zip(some) {
                numbers.push(self.intern_tagged(texts.get(number), *tag).0);
            }
        }
    }

    /// Takes the strings of another over: the number here of each, by its number there.
    pub(crate) fn absorb(&mut self, other: &Self) -> Vec<u32> {
        let mut numbers = with_room(other.len());
        self.intern_all(&other.texts, &mut numbers);
        numbers
    }

    fn tag(&self, text: &[u8]) -> u32 {
        // The upper half of a hash is as good as the lower one.
        (self.hasher.hash_one(text) >> 32) as u32
    }

    fn intern_tagged(&mut self, text: &[u8], tag: u32) -> (u32, bool) {
        let found = self.slots.find(tag, |number| self.get(number) == text);
        if let Some(number) = found {
            return (number, false);
        }
        let number = self.texts.push(text);
        self.slots.insert(tag, number);
        (number, true)
    }

    #[inline]
    pub(crate) fn get(&self, number: u32) -> &[u8] {
        self.texts.get(number)
    }

    /// Touches strings that are wanted soon: see [`Arena::fetch`].
    pub(crate) fn fetch(&self, numbers: &[u32]) {
        self.texts.fetch(numbers);
    }

    pub(crate) fn len(&self) -> usize {
        self.texts.len()
    }

    /// Gives up what finding strings by their bytes needs: from now on all that come are new.
    pub(crate) fn forget_hashes(&mut self) {
        self.slots = Slots::default();
    }

    /// Bytes of the strings and of their numbers.
    pub(crate) fn memory(&self) -> usize {
        self.texts.memory() + self.hashes_memory()
    }

    /// Those that finding strings by their bytes needs; while it grows, half as much again.
    pub(crate) fn hashes_memory(&self) -> usize {
        self.slots.slots.len() * 12
    }

    /// Ranks in byte order.
    pub(crate) fn byte_ranks(&self) -> Ranks {
        let mut order: Vec<u32> = with_room(self.len());
        order.extend(0..self.len() as u64 as u32);
        order::Strings::new(|number| self.get(number), |a, b| a.cmp(&b)).sort(&mut order, 0);
        Ranks::of_order(order)
    }
}

/// A hash table with open addressing: half of a string's hash, and its number plus 1. That the hash is
/// there saves looking at other strings, and at any when the table grows; that both are in one word
/// makes most searches one access to memory.
#[derive(Debug, Default)]
struct Slots {
    /// 0 where free. Their number is a power of two, or 0.
    slots: Vec<u64>,
    used: usize,
}

impl Slots {
    const FIRST: usize = 16;

    fn start(&self, tag: u32) -> usize {
        // The upper bits, so that a table that grows is filled from one end to the other.
        let bits = self.slots.len().checked_ilog2().unwrap_or(0);
        (u64::from(tag) << bits >> 32) as usize
    }

    /// What stands where a search begins.
    #[inline]
    fn first(&self, tag: u32) -> u64 {
        self.slots.get(self.start(tag)).copied().unwrap_or(0)
    }

    #[inline]
    fn find(&self, tag: u32, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        let mask = self.slots.len().wrapping_sub(1);
        let mut at = self.start(tag);
        loop {
            let slot = *self.slots.get(at)?;
            if slot == 0 {
                return None;
            }
            let number = (slot as u32).wrapping_sub(1);
            if (slot >> 32) as u32 == tag && is_it(number) {
                return Some(number);
            }
            at = (at + 1) & mask;
        }
    }

    fn insert(&mut self, tag: u32, number: u32) {
        // Full to two thirds at most.
        if self.used * 3 >= self.slots.len() * 2 {
            self.grow();
        }
        self.used += 1;
        self.put(u64::from(tag) << 32 | u64::from(number.wrapping_add(1)));
    }

    fn put(&mut self, entry: u64) {
        let mask = self.slots.len().wrapping_sub(1);
        let mut at = self.start((entry >> 32) as u32);
        while let Some(slot) = self.slots.get_mut(at) {
            if *slot == 0 {
                *slot = entry;
                return;
            }
            at = (at + 1) & mask;
        }
    }

    fn grow(&mut self) {
        let n = (self.slots.len() * 2).max(Self::FIRST);
        let old = std::mem::replace(&mut self.slots, filled(0, n));
        for entry in old.into_iter().filter(|entry| *entry != 0) {
            self.put(entry);
        }
    }
}

/// An order of interned strings.
#[derive(Debug, Default)]
pub(crate) struct Ranks {
    /// The numbers in order.
    pub(crate) order: Vec<u32>,
    /// The place of each number in the order.
    pub(crate) rank: Vec<u32>,
}

impl Ranks {
    pub(crate) fn of_order(order: Vec<u32>) -> Self {
        let mut rank = filled(0, order.len());
        for (place, &number) in order.iter().enumerate() {
            if let Some(slot) = rank.get_mut(number as usize) {
                *slot = place as u64 as u32;
            }
        }
        Self { order, rank }
    }

    #[inline]
    pub(crate) fn rank(&self, number: u32) -> u32 {
        self.rank.get(number as usize).copied().unwrap_or(u32::MAX)
    }

    #[inline]
    pub(crate) fn number(&self, rank: u32) -> u32 {
        self.order.get(rank as usize).copied().unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_and_ranks(texts in prop::collection::vec("[ab\0]{0,20}", 0..300)) {
            let mut interner = Interner::default();
            let mut known: HashMap<&str, u32> = HashMap::new();
            for text in &texts {
                let next = known.len() as u32;
                let expected = *known.entry(text).or_insert(next);
                prop_assert_eq!(interner.intern(text.as_bytes()), (expected, expected == next));
            }
            prop_assert_eq!(interner.len(), known.len());
            let mut ordered: Vec<(&str, u32)> = known.into_iter().collect();
            ordered.sort_unstable();
            let ranks = interner.byte_ranks();
            for (rank, (text, number)) in (0..).zip(ordered) {
                prop_assert_eq!(interner.get(number), text.as_bytes());
                prop_assert_eq!((ranks.rank(number), ranks.number(rank)), (rank, number));
            }
        }
    }

    proptest! {
        #[test]
        fn what_another_set_has_is_taken_over(
            texts in prop::collection::vec("[ab]{0,12}", 0..700),
            others in prop::collection::vec("[ab]{0,12}", 0..700),
        ) {
            let of = |texts: &[String]| {
                let mut interner = Interner::default();
                texts.iter().for_each(|text| {
                    interner.intern(text.as_bytes());
                });
                interner
            };
            let (mut interner, other) = (of(&texts), of(&others));
            let before = interner.len();
            let numbers = interner.absorb(&other);
            prop_assert_eq!(numbers.len(), other.len());
            for (there, here) in (0..).zip(&numbers) {
                prop_assert_eq!(interner.get(*here), other.get(there));
            }
            let new: Vec<u32> = numbers.into_iter().filter(|n| *n as usize >= before).collect();
            prop_assert!(new.into_iter().eq(before as u32..interner.len() as u32));
            for text in texts.iter().chain(&others) {
                prop_assert!(!interner.intern(text.as_bytes()).1);
            }
        }
    }

    #[test]
    fn a_table_of_equal_tags_keeps_them_apart() {
        let mut slots = Slots::default();
        for number in 0..1000 {
            let tag = u32::MAX - number % 3;
            assert_eq!(slots.find(tag, |found| found == number), None);
            slots.insert(tag, number);
        }
        for number in 0..1000 {
            let tag = u32::MAX - number % 3;
            assert_eq!(slots.find(tag, |found| found == number), Some(number));
        }
    }
}
