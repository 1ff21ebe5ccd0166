//! Bits of words.

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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn each_one_is_found(word in any::<u64>()) {
            let ones: Vec<usize> = (0..64).filter(|place| word >> place & 1 == 1).collect();
            for (n, place) in ones.iter().enumerate() {
                prop_assert_eq!(nth_one(word, n), *place);
            }
            prop_assert!(nth_one(word, ones.len()) >= 64);
        }
    }
}
