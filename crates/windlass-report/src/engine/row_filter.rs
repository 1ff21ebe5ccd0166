//! `where` over rows of (folded anchor, refdomain): each distinct text is tested once.

use windlass_index::{IndexError, Row, TargetRows, Texts};

use crate::filter::{Filter, Matcher};
use crate::table::Field;

/// The filter of one part of a scan.
pub(crate) struct RowFilter<'a> {
    matcher: Matcher<'a>,
    tests_anchor: bool,
    /// Whether each refdomain passes, as far as is known; nothing where that does not matter.
    refdomains: Vec<Option<bool>>,
}

impl<'a> RowFilter<'a> {
    pub(crate) fn new(filter: &'a Filter, rows: &TargetRows) -> Self {
        let matcher = Matcher::new(filter);
        let refdomains = if matcher.tests(Field::Refdomain) {
            rows.refdomain_limit()
        } else {
            0
        };
        Self {
            tests_anchor: matcher.tests(Field::Anchor),
            refdomains: vec![None; refdomains],
            matcher,
        }
    }

    /// Whether rows of an anchor can pass: [`RowVisitor::wants`](windlass_index::RowVisitor::wants).
    pub(crate) fn wants(&self, anchor: u32, texts: &mut Texts<'_>) -> Result<bool, IndexError> {
        Ok(!self.tests_anchor
            || self
                .matcher
                .passes_string(Field::Anchor, texts.anchor(anchor)?))
    }

    /// Whether a row passes, whose anchor is wanted.
    pub(crate) fn passes(&mut self, row: &Row, texts: &mut Texts<'_>) -> Result<bool, IndexError> {
        if !self.matcher.passes_numbers(row) {
            return Ok(false);
        }
        if let Some(known) = self.refdomains.get_mut(row.refdomain as usize) {
            let passes = match *known {
                Some(passes) => passes,
                None => {
                    let text = texts.refdomain(row.refdomain)?;
                    *known.insert(self.matcher.passes_string(Field::Refdomain, text))
                }
            };
            if !passes {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
