//! The folds of a site block's forms, decoded.

use crate::anchors::AnchorSet;
use crate::bytes::Corrupt;
use crate::site::SiteBlock;

/// The fold of each form; empty where each has its own. 4 bytes a form where forms share folds.
#[derive(Debug)]
pub(crate) struct Folds(Vec<u32>);

impl Folds {
    pub(crate) fn of(block: &SiteBlock<'_>) -> Result<Self, Corrupt> {
        block.clone().folds().map(Self)
    }

    /// The number of a form's folded anchor.
    #[inline]
    pub(crate) fn fold(&self, form: u32) -> Result<u32, Corrupt> {
        if self.0.is_empty() {
            return Ok(form);
        }
        self.0.get(form as usize).copied().ok_or(Corrupt("a form"))
    }

    /// The first form with a fold, or one behind it.
    pub(crate) fn first_form(&self, fold: u32) -> u32 {
        if self.0.is_empty() {
            return fold;
        }
        self.0.partition_point(|of| *of < fold) as u64 as u32
    }

    /// The forms, below a number, of some folds. Some nanoseconds a fold.
    pub(crate) fn forms_of(&self, folds: &AnchorSet, forms: usize) -> AnchorSet {
        if self.0.is_empty() {
            return folds.clone();
        }
        let mut set = AnchorSet::below(forms);
        let (mut form, mut last) = (0usize, 0u32);
        for fold in folds.within(0..self.0.last().map_or(0, |last| last + 1)) {
            // Each fold has a form at least.
            form += (fold - last) as usize;
            while let Some(short) = self.0.get(form).and_then(|of| fold.checked_sub(*of))
                && short > 0
            {
                form += short as usize;
            }
            last = fold;
            let mut same = form;
            while self.0.get(same) == Some(&fold) {
                set.insert(same as u64 as u32);
                same += 1;
            }
        }
        set
    }

    /// Bytes of memory.
    pub(super) fn memory(&self) -> usize {
        self.0.capacity() * 4
    }
}
