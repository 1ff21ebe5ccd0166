//! Several segments gone through side by side, in the order of what they have.

use std::cmp::Ordering;
use std::ops::ControlFlow;
use std::sync::atomic::AtomicBool;

use crate::error::{IndexError, check};

/// How many keys go by between looks at the stop flag.
const STRIDE: u64 = 1 << 10;

/// Goes through what a segment has, in the order of keys.
pub(super) trait Walk {
    /// Which of two is at the smaller key.
    fn compare(&self, other: &Self) -> Ordering;

    /// Goes to the first, or the next one; whether there is one.
    fn advance(&mut self) -> Result<bool, IndexError>;
}

/// Calls `each` with those of the walks, which have not begun, that are at the smallest key, until it breaks or all are at
/// their end; in the order of keys. Which of those comes first means nothing.
pub(super) fn side_by_side<W: Walk, E: From<IndexError>>(
    mut walks: Vec<W>,
    cancel: &AtomicBool,
    mut each: impl FnMut(&mut [W]) -> Result<ControlFlow<()>, E>,
) -> Result<(), E> {
    let mut to_advance = walks.len();
    for n in 0u64.. {
        if n.is_multiple_of(STRIDE) {
            check(cancel)?;
        }
        // From the back: what takes the place of one that is at its end has gone on, or need not.
        for at in (0..to_advance).rev() {
            if let Some(walk) = walks.get_mut(at)
                && !walk.advance()?
            {
                walks.swap_remove(at);
            }
        }
        to_advance = gather_smallest(&mut walks);
        match walks.get_mut(..to_advance) {
            Some(smallest) if !smallest.is_empty() => {
                if each(smallest)?.is_break() {
                    break;
                }
            }
            _ => break,
        }
    }
    Ok(())
}

/// Puts those at the smallest key in front; how many they are.
fn gather_smallest<W: Walk>(walks: &mut [W]) -> usize {
    let mut count = 0;
    for at in 0..walks.len() {
        let ordering = match (walks.get(at), walks.first()) {
            (Some(walk), Some(smallest)) if count > 0 => walk.compare(smallest),
            _ => Ordering::Less,
        };
        match ordering {
            Ordering::Less => {
                walks.swap(0, at);
                count = 1;
            }
            Ordering::Equal => {
                walks.swap(count, at);
                count += 1;
            }
            Ordering::Greater => {}
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// Goes through numbers, from the back.
    struct Numbers(usize, Vec<u32>, Option<u32>);

    impl Walk for Numbers {
        fn compare(&self, other: &Self) -> Ordering {
            self.2.cmp(&other.2)
        }

        fn advance(&mut self) -> Result<bool, IndexError> {
            self.2 = self.1.pop();
            Ok(self.2.is_some())
        }
    }

    proptest! {
        #[test]
        fn each_key_comes_once_with_all_that_have_it(
            all in prop::collection::vec(prop::collection::btree_set(0u32..20, 0..12), 0..6),
        ) {
            let mut expected: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
            let mut walks = Vec::new();
            for (at, numbers) in all.into_iter().enumerate() {
                for number in &numbers {
                    expected.entry(*number).or_default().push(at);
                }
                walks.push(Numbers(at, numbers.into_iter().rev().collect(), None));
            }
            let mut found = Vec::new();
            let never = AtomicBool::new(false);
            side_by_side(walks, &never, |same| {
                let mut those: Vec<usize> = same.iter().map(|walk| walk.0).collect();
                those.sort_unstable();
                assert!(same.iter().all(|walk| walk.2 == same[0].2));
                found.push((same[0].2.unwrap(), those));
                Ok::<_, IndexError>(ControlFlow::Continue(()))
            })
            .unwrap();
            prop_assert_eq!(found, expected.into_iter().collect::<Vec<_>>());
        }
    }
}
