//! Sorting many strings that are known by their numbers.
//!
//! Strings lie all over memory, so what costs is to look at one. They are sorted by eight bytes at a
//! time, which are fetched once and then compared as integers; only those that agree in all of them
//! are looked at again, eight bytes further on. (Most significant digit first with cached keys: Ng and
//! Kakehi, "Cache efficient radix sort for string sorting", 2007.)

use std::cmp::Ordering;

use crate::room::make_room;

/// So few are compared one with another.
const FEW: usize = 24;
/// Strings that agree over more than so many eighths are too: they are so long that few fit into
/// memory.
const STEPS_MAX: usize = 64;

/// So many have their eight bytes beside them at a time, 16 MiB; more are divided first.
const KEYED_MAX: usize = 1 << 20;
/// By so many of them it is told how.
const SAMPLE: usize = 1 << 10;

/// The strings behind numbers.
pub(crate) struct Strings<T, C> {
    text: T,
    tie: C,
    keyed: Vec<(u64, u32)>,
    keyed_max: usize,
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
            keyed_max: KEYED_MAX,
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
        if numbers.len() > self.keyed_max && self.sort_divided(numbers, depth, step) {
            return;
        }
        self.keyed.clear();
        make_room(&mut self.keyed, numbers.len());
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

    /// Divides numbers, where they are, into some of which all have smaller keys than the next ones, and sorts those.
    /// `false` where a sample does not tell how.
    fn sort_divided(&mut self, numbers: &mut [u32], depth: usize, step: usize) -> bool {
        let key_of = |number: u32| key((self.text)(number), depth);
        let every = numbers.len() / SAMPLE + 1;
        let mut sample: Vec<u64> = numbers.iter().step_by(every).map(|n| key_of(*n)).collect();
        sample.sort_unstable();
        let parts = 2 * numbers.len() / self.keyed_max.max(1) + 1;
        let mut bounds: Vec<u64> = sample
            .into_iter()
            .step_by(SAMPLE / parts.min(SAMPLE))
            .collect();
        bounds.dedup();
        let part_of = |number: u32| {
            let key = key_of(number);
            bounds.partition_point(|bound| *bound <= key)
        };
        let mut ends = vec![0; bounds.len() + 1];
        for number in numbers.iter() {
            if let Some(count) = ends.get_mut(part_of(*number)) {
                *count += 1;
            }
        }
        if ends.contains(&numbers.len()) {
            // All in one: the same eight bytes, or no sample of them.
            let first = numbers.first().map_or(0, |number| key_of(*number));
            let is_same = first & 0xFF != 0 && numbers.iter().all(|n| key_of(*n) == first);
            if is_same {
                self.sort_from(numbers, depth + 8, step + 1);
            }
            return is_same;
        }
        let mut sum = 0;
        let mut next: Vec<usize> = Vec::with_capacity(ends.len());
        for end in &mut ends {
            next.push(sum);
            sum += *end;
            *end = sum;
        }
        for part in 0..ends.len() {
            // What stands where the part goes on goes where it belongs, until it is one of the part.
            while let (Some(&at), Some(&end)) = (next.get(part), ends.get(part))
                && at < end
                && let Some(number) = numbers.get(at)
            {
                let own = part_of(*number);
                let Some(slot) = next.get_mut(own) else {
                    break;
                };
                numbers.swap(at, *slot);
                *slot += 1;
            }
        }
        let mut start = 0;
        for end in ends {
            if let Some(part) = numbers.get_mut(start..end) {
                self.sort_from(part, depth, step);
            }
            start = end;
        }
        true
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
            keyed_max in prop_oneof![Just(KEYED_MAX), 0usize..60],
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
            let mut strings = Strings::new(text, |a, b| a.cmp(&b));
            strings.keyed_max = keyed_max;
            strings.sort(&mut numbers, 0);
            prop_assert_eq!(numbers, expected);
        }
    }
}
