//! The folds of a site block's forms.

use crate::bits::{BitSet, nth_one, ones_before};
use crate::bytes::Corrupt;
use crate::gallop::partition_point_from;
use crate::site::SiteBlock;

/// Which form has which fold. 1.5 bits a form where forms share folds, so that those of millions are there at once, and
/// stay near the processor.
#[derive(Debug)]
pub(crate) struct Folds {
    /// How many forms there are.
    forms: usize,
    /// A bit for each form: whether it is the first one with its fold. Empty where each has its own.
    firsts: Vec<u64>,
    /// How many folds begin in the words before each.
    before: Vec<u32>,
}

impl Folds {
    pub(crate) fn of(block: &SiteBlock<'_>) -> Result<Self, Corrupt> {
        let mut firsts = block.clone().same_folds()?;
        let forms = block.forms.len();
        firsts.iter_mut().for_each(|word| *word = !*word);
        if let Some(last) = firsts.last_mut() {
            // Behind the last form none begins.
            *last &= u64::MAX >> (forms.next_multiple_of(64) - forms);
        }
        Ok(Self {
            forms,
            before: ones_before(&firsts),
            firsts,
        })
    }

    /// The number of a form's folded anchor.
    #[inline]
    pub(crate) fn fold(&self, form: u32) -> Result<u32, Corrupt> {
        if self.firsts.is_empty() {
            return Ok(form);
        }
        let at = form as usize / 64;
        let (Some(word), Some(before)) = (self.firsts.get(at), self.before.get(at)) else {
            return Err(Corrupt("a form"));
        };
        let up_to_it = word & u64::MAX >> (63 - form % 64);
        (before + up_to_it.count_ones())
            .checked_sub(1)
            .filter(|_| (form as usize) < self.forms)
            .ok_or(Corrupt("a form"))
    }

    /// The first form with a fold, or one behind all.
    pub(crate) fn first_form(&self, fold: u32) -> u32 {
        let behind = self.before.partition_point(|before| *before <= fold);
        self.first_in(behind, fold)
    }

    /// The same, where the word behind that one is known.
    fn first_in(&self, behind: usize, fold: u32) -> u32 {
        let at = behind.saturating_sub(1);
        let (Some(word), Some(before)) = (self.firsts.get(at), self.before.get(at)) else {
            return fold;
        };
        let left = fold.saturating_sub(*before);
        if left < word.count_ones() {
            (at * 64 + nth_one(*word, left as usize)) as u64 as u32
        } else {
            self.forms as u64 as u32
        }
    }

    /// The forms of some folds. Some 10 ns a fold.
    pub(crate) fn forms_of(&self, folds: &BitSet) -> BitSet {
        if self.firsts.is_empty() {
            return folds.clone();
        }
        let mut set = BitSet::below(self.forms);
        let mut behind = 0;
        for fold in folds.within(0..self.forms as u64 as u32) {
            behind = partition_point_from(&self.before, behind, |before| *before <= fold);
            let first = self.first_in(behind, fold);
            set.insert(first);
            let others = (first.saturating_add(1)..).take_while(|form| self.is_same(*form));
            others.for_each(|form| set.insert(form));
        }
        set
    }

    /// Whether a form has the fold of the one before it.
    fn is_same(&self, form: u32) -> bool {
        let word = self.firsts.get(form as usize / 64);
        (form as usize) < self.forms && word.is_some_and(|word| word >> (form % 64) & 1 == 0)
    }

    /// Bytes of memory.
    pub(super) fn memory(&self) -> usize {
        self.firsts.capacity() * 8 + self.before.capacity() * 4
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn folds_of(same: &[bool]) -> Folds {
        let mut firsts = vec![0u64; same.len().div_ceil(64)];
        let mut before = Vec::new();
        for (form, same) in same.iter().enumerate() {
            firsts[form / 64] |= u64::from(!same) << (form % 64);
        }
        for at in 0..firsts.len() {
            before.push(firsts[..at].iter().map(|word| word.count_ones()).sum());
        }
        Folds {
            forms: same.len(),
            firsts,
            before,
        }
    }

    proptest! {
        #[test]
        fn forms_and_folds_are_found(
            mut same in prop_oneof![
                prop::collection::vec(any::<bool>(), 1..300),
                prop::collection::vec(prop::bool::weighted(0.99), 1..500),
                prop::collection::vec(prop::bool::weighted(0.01), 1..500),
            ],
            asked in prop::collection::vec(any::<prop::sample::Index>(), 0..50),
        ) {
            same[0] = false;
            let folds = folds_of(&same);
            let mut expected = Vec::new();
            for same in &same {
                expected.push(expected.last().map_or(0, |last| last + u32::from(!same)));
            }
            for (form, fold) in (0..).zip(&expected) {
                prop_assert_eq!(folds.fold(form), Ok(*fold));
            }
            prop_assert!(folds.fold(same.len() as u32).is_err());
            prop_assert!(folds.fold(u32::MAX).is_err());
            let count = expected[expected.len() - 1] + 1;
            for fold in (0..=count).chain([u32::MAX - 1, u32::MAX]) {
                let first = expected.partition_point(|of| *of < fold);
                prop_assert_eq!(folds.first_form(fold) as usize, first);
            }
            let mut some = BitSet::below(count as usize);
            asked.iter().for_each(|index| some.insert(index.index(count as usize) as u32));
            let forms = folds.forms_of(&some);
            for (form, fold) in (0..).zip(&expected) {
                prop_assert_eq!(forms.contains(form), some.contains(*fold));
            }
        }
    }

    #[test]
    fn a_first_form_that_is_like_one_before_is_damage() {
        assert!(folds_of(&[true, false]).fold(0).is_err());
    }
}
