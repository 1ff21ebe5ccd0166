//! Sorting many strings that are known by their numbers.
//!
//! Strings lie all over memory, so what costs is to look at one. They are sorted by eight bytes at a
//! time, which are fetched once and then compared as integers; only those that agree in all of them
//! are looked at again, eight bytes further on. (Most significant digit first with cached keys: Ng and
//! Kakehi, "Cache efficient radix sort for string sorting", 2007.)

use std::cmp::Ordering;

/// So few are compared one with another.
const FEW: usize = 24;
/// Strings that agree over more than so many eighths are too: they are so long that few fit into
/// memory.
const STEPS_MAX: usize = 64;

/// The strings behind numbers.
pub(crate) struct Strings<T, C> {
    text: T,
    tie: C,
    keyed: Vec<(u64, u32)>,
}

impl<'a, T, C> Strings<T, C>
where
    T: Fn(u32) -> &'a [u8],
    C: Fn(u32, u32) -> Ordering,
{
    /// `text` gives the string of a number, `tie` the order of two numbers whose strings are equal.
    pub(crate) fn new(text: T, tie: C) -> Self {
        Self {
            text,
            tie,
            keyed: Vec::new(),
        }
    }

    /// Sorts numbers by their strings' bytes from `depth` on; up to there they are the same.
    pub(crate) fn sort(&mut self, numbers: &mut [u32], depth: usize) {
        self.sort_from(numbers, depth, 0);
    }

    fn sort_from(&mut self, numbers: &mut [u32], depth: usize, step: usize) {
        if numbers.len() <= FEW || step == STEPS_MAX {
            self.compare(numbers, depth);
            return;
        }
        self.keyed.clear();
        for number in numbers.iter() {
            self.keyed.push((key((self.text)(*number), depth), *number));
        }
        self.keyed.sort_unstable_by_key(|(key, _)| *key);
        let mut equal = Vec::new();
        let mut start = 0;
        for group in self.keyed.chunk_by(|a, b| a.0 == b.0) {
            if let [(key, _), _, ..] = group {
                equal.push((start..start + group.len(), *key));
            }
            start += group.len();
        }
        for (slot, (_, number)) in numbers.iter_mut().zip(&self.keyed) {
            *slot = *number;
        }
        for (range, key) in equal {
            let Some(group) = numbers.get_mut(range) else {
                continue;
            };
            if key & 0xFF == 0 {
                // Some end here, and a zero byte in others looks like their end.
                self.compare(group, depth);
            } else {
                self.sort_from(group, depth + 8, step + 1);
            }
        }
    }

    fn compare(&self, numbers: &mut [u32], depth: usize) {
        if numbers.len() < 2 {
            return;
        }
        let rest = |number| (self.text)(number).get(depth..).unwrap_or_default();
        numbers.sort_unstable_by(|a, b| rest(*a).cmp(rest(*b)).then_with(|| (self.tie)(*a, *b)));
    }
}

/// Eight bytes that compare like those of the text from `depth` on; zeros where it ends.
fn key(text: &[u8], depth: usize) -> u64 {
    let rest = text.get(depth..).unwrap_or_default();
    if let Some(bytes) = rest.first_chunk::<8>() {
        return u64::from_be_bytes(*bytes);
    }
    let mut bytes = [0; 8];
    for (slot, byte) in bytes.iter_mut().zip(rest) {
        *slot = *byte;
    }
    u64::from_be_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn sorts_as_bytes_compare(
            mut texts in prop::collection::vec("(common|com|commonplaces of all|\0|){0,3}[ab\0]{0,12}", 0..400),
            deep in any::<bool>(),
        ) {
            if deep {
                for text in &mut texts {
                    *text = "x".repeat(8 * STEPS_MAX + 20) + text;
                }
            }
            let mut numbers: Vec<u32> = (0..texts.len() as u32).rev().collect();
            let mut expected = numbers.clone();
            let text = |number: u32| texts[number as usize].as_bytes();
            expected.sort_by_key(|number| (text(*number), *number));
            Strings::new(text, |a, b| a.cmp(&b)).sort(&mut numbers, 0);
            prop_assert_eq!(numbers, expected);
        }
    }
}
