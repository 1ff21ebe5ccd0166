//! `where` over rows of (folded anchor, refdomain), as a scan gives them: each anchor and each refdomain of a
//! part is tested once.

use windlass_index::{IndexError, Row, TargetRows, Texts};

use crate::filter::{Filter, Matcher};
use crate::kind::Kinds;
use crate::query::Query;
use crate::table::Field;

/// The kinds of the anchors of a query's target, where a condition asks for them.
pub(crate) fn kinds_asked<E>(
    query: &Query,
    kinds: impl FnOnce() -> Result<Kinds, E>,
) -> Result<Option<Kinds>, E> {
    query.names(Field::Kind).map(|_| kinds()).transpose()
}

/// The conditions of a `where`, for the rows of one part of a scan.
pub(crate) struct RowFilter<'a> {
    matcher: Matcher<'a>,
    kinds: Option<&'a Kinds>,
    tests_anchor: bool,
    tests_kind: bool,
    /// Whether each refdomain passes, as far as is known; nothing where that does not matter.
    refdomains: Vec<Option<bool>>,
    /// Whether there were rows before `where`.
    pub(crate) any_rows: bool,
}

impl<'a> RowFilter<'a> {
    /// `kinds` must be there where a condition asks for kinds: without them no row passes it.
    pub(crate) fn new(filter: &'a Filter, kinds: Option<&'a Kinds>, rows: &TargetRows) -> Self {
        let matcher = Matcher::new(filter);
        let refdomains = match matcher.tests(Field::Refdomain) {
            true => rows.refdomain_limit(),
            false => 0,
        };
        Self {
            kinds,
            tests_anchor: matcher.tests(Field::Anchor),
            tests_kind: matcher.tests(Field::Kind),
            refdomains: vec![None; refdomains],
            matcher,
            any_rows: false,
        }
    }

    /// Whether an anchor passes the conditions on it. To be asked of each anchor, before its rows.
    pub(crate) fn passes_anchor(
        &mut self,
        anchor: u32,
        texts: &mut Texts<'_>,
    ) -> Result<bool, IndexError> {
        self.any_rows = true;
        if !self.tests_anchor && !self.tests_kind {
            return Ok(true);
        }
        let text = texts.anchor(anchor)?;
        let passes_kind = |kinds: &Kinds| {
            let kind = kinds.kind_of(text);
            self.matcher.passes_string(Field::Kind, kind.name())
        };
        Ok(self.matcher.passes_string(Field::Anchor, text)
            && (!self.tests_kind || self.kinds.is_some_and(passes_kind)))
    }

    /// Whether a row passes the other conditions.
    pub(crate) fn passes(&mut self, row: &Row, texts: &mut Texts<'_>) -> Result<bool, IndexError> {
        if !self.matcher.passes_numbers(row) {
            return Ok(false);
        }
        let Some(known) = self.refdomains.get_mut(row.refdomain as usize) else {
            return Ok(true);
        };
        Ok(match *known {
            Some(passes) => passes,
            None => {
                let text = texts.refdomain(row.refdomain)?;
                *known.insert(self.matcher.passes_string(Field::Refdomain, text))
            }
        })
    }
}
