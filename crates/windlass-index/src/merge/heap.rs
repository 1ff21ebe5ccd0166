//! Which of several sorted sources comes next.

/// A binary heap of the numbers of sources, ordered by what lies at their heads. The caller compares:
/// heads are texts that change in place.
#[derive(Debug, Default)]
pub(super) struct Heap(Vec<u32>);

impl Heap {
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// The source that comes first.
    pub(super) fn first(&self) -> Option<u32> {
        self.0.first().copied()
    }

    /// Adds a source. `is_less` compares the heads of two.
    pub(super) fn push(&mut self, source: u32, is_less: impl Fn(u32, u32) -> bool) {
        let mut at = self.0.len();
        self.0.push(source);
        while at > 0 {
            let parent = (at - 1) / 2;
            match self.0.get(parent) {
                Some(above) if is_less(source, *above) => self.0.swap(at, parent),
                _ => break,
            }
            at = parent;
        }
    }

    /// Takes the first source off.
    pub(super) fn pop(&mut self, is_less: impl Fn(u32, u32) -> bool) -> Option<u32> {
        if self.0.is_empty() {
            return None;
        }
        let first = self.0.swap_remove(0);
        let mut at = 0;
        loop {
            let child = 2 * at + 1;
            let (Some(left), right) = (self.0.get(child), self.0.get(child + 1)) else {
                break;
            };
            let child = match right {
                Some(right) if is_less(*right, *left) => child + 1,
                _ => child,
            };
            match (self.0.get(child), self.0.get(at)) {
                (Some(below), Some(here)) if is_less(*below, *here) => self.0.swap(at, child),
                _ => break,
            }
            at = child;
        }
        Some(first)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn gives_sources_in_order(heads in prop::collection::vec(0u32..50, 0..40)) {
            let is_less = |a: u32, b: u32| heads[a as usize] < heads[b as usize];
            let mut heap = Heap::default();
            for source in 0..heads.len() as u32 {
                heap.push(source, is_less);
            }
            let mut found = Vec::new();
            while let Some(first) = heap.first() {
                prop_assert_eq!(heap.pop(is_less), Some(first));
                found.push(heads[first as usize]);
            }
            let mut expected = heads.clone();
            expected.sort_unstable();
            prop_assert_eq!(found, expected);
        }
    }
}
