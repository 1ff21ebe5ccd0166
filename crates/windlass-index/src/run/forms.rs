//! The anchors of a run in the order of site blocks.

use windlass_links::anchor::fold_into;

use crate::arena::Arena;
use crate::intern::{Interner, Ranks};
use crate::order::Strings;

/// Anchors ordered by (folded, as written).
#[derive(Debug)]
pub(super) struct FormRanks {
    pub(super) ranks: Ranks,
    /// For each rank the number of its folded anchor.
    folds: Vec<u32>,
}

/// A form that is its own folded anchor.
const ITSELF: u32 = u32::MAX;

impl FormRanks {
    pub(super) fn of(forms: &Interner) -> Self {
        let mut order: Vec<u32> = (0..forms.len() as u64 as u32).collect();
        let mut folded = Arena::default();
        let mut places = vec![ITSELF; forms.len()];
        let mut buffer = String::new();
        for (form, place) in (0u32..).zip(&mut places) {
            let text = forms.get(form);
            if text.iter().all(|b| b.is_ascii() && !b.is_ascii_uppercase()) {
                continue;
            }
            buffer.clear();
            fold_into(&String::from_utf8_lossy(text), &mut buffer);
            if buffer.as_bytes() != text {
                *place = folded.push(buffer.as_bytes());
            }
        }
        let fold = |form: u32| match places.get(form as usize) {
            Some(&place) if place != ITSELF => folded.get(place),
            _ => forms.get(form),
        };
        Strings::new(fold, |a, b| forms.get(a).cmp(forms.get(b))).sort(&mut order, 0);
        let mut folds = Vec::with_capacity(order.len());
        let mut before: Option<(u32, &[u8])> = None;
        for form in &order {
            let text = fold(*form);
            let number = match before {
                Some((number, last)) if last == text => number,
                Some((number, _)) => number + 1,
                None => 0,
            };
            folds.push(number);
            before = Some((number, text));
        }
        Self {
            ranks: Ranks::of_order(order),
            folds,
        }
    }

    /// The number of the folded anchor of the form of a rank.
    pub(super) fn fold(&self, rank: u32) -> u32 {
        self.folds.get(rank as usize).copied().unwrap_or(u32::MAX)
    }
}
