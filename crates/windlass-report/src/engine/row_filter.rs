//! `where` over rows of (folded anchor, refdomain), as a scan gives them: each anchor and each refdomain of a
//! part is tested once, anchors before anything is read of them where that is possible.

use std::sync::atomic::AtomicBool;

use windlass_index::{AnchorSet, IndexError, Row, TargetRows, Texts};

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

/// What the conditions on anchors alone leave of a target's anchors: what a scan is to be about.
#[derive(Default)]
pub(crate) struct Chosen(Option<AnchorSet>);

impl Chosen {
    /// Those that pass, where there are such conditions, and the index can tell.
    pub(crate) fn of(
        filter: &Filter,
        kinds: Option<&Kinds>,
        rows: &TargetRows,
        cancel: &AtomicBool,
    ) -> Result<Self, IndexError> {
        let matcher = Matcher::new(filter);
        let tests_kind = matcher.tests(Field::Kind);
        if !matcher.tests(Field::Anchor) && !tests_kind {
            return Ok(Self(None));
        }
        let passes_kind = |text: &str| !tests_kind || passes_kind(&matcher, kinds, text);
        let set = rows.select_anchors(
            |anchors, places| matcher.passing_anchors(anchors, passes_kind, places),
            cancel,
        )?;
        Ok(Self(set))
    }

    /// The anchors that are left; `None` where each is to be tested.
    pub(crate) fn anchors(&self) -> Option<&AnchorSet> {
        self.0.as_ref()
    }

    /// Whether there were rows before `where`; a scan has or has not seen some.
    pub(crate) fn any_rows(
        &self,
        seen: bool,
        rows: &TargetRows,
        cancel: &AtomicBool,
    ) -> Result<bool, IndexError> {
        match (seen, &self.0) {
            (false, Some(_)) => rows.any(cancel),
            _ => Ok(seen),
        }
    }
}

fn passes_kind(matcher: &Matcher<'_>, kinds: Option<&Kinds>, anchor: &str) -> bool {
    kinds.is_some_and(|kinds| {
        let kind = kinds.kind_of(anchor);
        matcher.passes_string(Field::Kind, kind.name())
    })
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
    pub(crate) fn new(
        filter: &'a Filter,
        kinds: Option<&'a Kinds>,
        rows: &TargetRows,
        chosen: &Chosen,
    ) -> Self {
        let is_open = chosen.0.is_none();
        let matcher = Matcher::new(filter);
        let refdomains = match matcher.tests(Field::Refdomain) {
            true => rows.refdomain_limit(),
            false => 0,
        };
        Self {
            kinds,
            tests_anchor: is_open && matcher.tests(Field::Anchor),
            tests_kind: is_open && matcher.tests(Field::Kind),
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
        Ok(self.matcher.passes_string(Field::Anchor, text)
            && (!self.tests_kind || passes_kind(&self.matcher, self.kinds, text)))
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
