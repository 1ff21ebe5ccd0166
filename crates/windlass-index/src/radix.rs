//! Sorting integers by their digits.

/// Bits of a digit: a table of counts that stays in the first-level cache.
const DIGIT_BITS: u32 = 11;
/// Below so many values a comparison sort is faster.
const FEW: usize = 1 << 10;

/// Sorts numbers, of which only the lowest `bits` are used. O(n × bits / 11); 8 bytes a number beside
/// them.
pub(crate) fn sort(values: &mut Vec<u64>, bits: u32) {
    if values.len() < FEW {
        values.sort_unstable();
        return;
    }
    let mut other = vec![0u64; values.len()];
    let mut shift = 0;
    while shift < bits {
        let digit = |value: u64| (value >> shift) as usize & ((1 << DIGIT_BITS) - 1);
        let mut places = [0usize; 1 << DIGIT_BITS];
        for value in values.iter() {
            if let Some(count) = places.get_mut(digit(*value)) {
                *count += 1;
            }
        }
        let mut sum = 0;
        for place in &mut places {
            sum += std::mem::replace(place, sum);
        }
        for value in values.iter() {
            if let Some(place) = places.get_mut(digit(*value)) {
                if let Some(slot) = other.get_mut(*place) {
                    *slot = *value;
                }
                *place += 1;
            }
        }
        std::mem::swap(values, &mut other);
        shift += DIGIT_BITS;
    }
}

/// How many bits the numbers below `n` need.
pub(crate) fn bits_below(n: usize) -> u32 {
    usize::BITS - n.saturating_sub(1).leading_zeros()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn sorts(mut values in prop::collection::vec(0u64..1 << 43, 0..5000)) {
            let mut expected = values.clone();
            expected.sort_unstable();
            sort(&mut values, 43);
            prop_assert_eq!(values, expected);
        }
    }

    #[test]
    fn bits() {
        assert_eq!([0, 1, 2, 3, 256, 257].map(bits_below), [0, 0, 1, 2, 8, 9]);
    }
}
