//! `where` over rows of (folded anchor, refdomain), as a scan gives them: each anchor and each refdomain of a
//! part is tested once, anchors before anything is read of them where that is possible.
//! [`scan_passing`] gives visitors those that pass.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use windlass_index::{
    ChosenGroups, IndexError, Row, RowBounds, RowChoice, RowVisitor, TargetRows, Texts,
};

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

/// Gives the rows that pass `where` to visitors, as [`TargetRows::scan`] gives all. `kinds` must be there where a
/// condition asks for kinds: without them no row passes it.
pub(crate) fn scan_passing<V: RowVisitor>(
    filter: &Filter,
    kinds: Option<&Kinds>,
    rows: &TargetRows,
    visitor: impl Fn() -> V + Sync,
    cancel: &AtomicBool,
) -> Result<Passed<V>, IndexError> {
    let choice = choice(filter, kinds, rows, cancel)?;
    let new = || Passing {
        filter: RowFilter::new(filter, kinds, rows, &choice),
        visitor: visitor(),
    };
    let (parts, refpages) = rows.scan_of(&choice, new, cancel)?;
    let is_chosen = choice.anchors.is_some() || !choice.bounds.is_open();
    Ok(Passed::of(parts, refpages, is_chosen))
}

/// The groups of the rows that pass `where`, where it has conditions on anchors and no others, and the index has them,
/// for the same was asked before.
pub(crate) fn chosen_groups(
    filter: &Filter,
    rows: &TargetRows,
    cancel: &AtomicBool,
) -> Result<Option<Arc<ChosenGroups>>, IndexError> {
    if filter.is_empty() || filter.of_column(Field::Anchor) != *filter {
        return Ok(None);
    }
    let matcher = Matcher::new(filter);
    rows.chosen_groups(
        &filter.to_string(),
        |anchors, places| matcher.passing_anchors(anchors, |_| true, places),
        cancel,
    )
}

/// [`scan_passing`], with the number of distinct pages of each refdomain behind the rows that visitors kept. It is
/// for conditions on refdomains alone: anchors are not chosen first.
pub(crate) fn scan_passing_by_refdomain<V: RowVisitor>(
    filter: &Filter,
    rows: &TargetRows,
    visitor: impl Fn() -> V + Sync,
    cancel: &AtomicBool,
) -> Result<Passed<V, HashMap<u32, u64>>, IndexError> {
    let new = || Passing {
        filter: RowFilter::new(filter, None, rows, &RowChoice::default()),
        visitor: visitor(),
    };
    let (parts, refpages) = rows.scan_by_refdomain(new, cancel)?;
    Ok(Passed::of(parts, refpages, false))
}

/// What a scan of the rows that pass gives.
pub(crate) struct Passed<V, P = u64> {
    /// In the order of their anchors.
    pub(crate) visitors: Vec<V>,
    /// Distinct pages behind the rows that they kept.
    pub(crate) refpages: P,
    /// Whether there were rows before `where`, as far as the scan tells.
    any_seen: bool,
    /// Whether rows were passed over that it does not tell of.
    is_chosen: bool,
}

impl<V, P> Passed<V, P> {
    fn of(parts: Vec<Passing<'_, V>>, refpages: P, is_chosen: bool) -> Self {
        Self {
            any_seen: parts.iter().any(|part| part.filter.any_rows),
            visitors: parts.into_iter().map(|part| part.visitor).collect(),
            refpages,
            is_chosen,
        }
    }

    /// Whether there were rows before `where`.
    pub(crate) fn any_rows(
        &self,
        rows: &TargetRows,
        cancel: &AtomicBool,
    ) -> Result<bool, IndexError> {
        match (self.any_seen, self.is_chosen) {
            (false, true) => rows.any(cancel),
            _ => Ok(self.any_seen),
        }
    }
}

/// Gives a visitor the rows that pass.
struct Passing<'a, V> {
    filter: RowFilter<'a>,
    visitor: V,
}

impl<V: RowVisitor> RowVisitor for Passing<'_, V> {
    #[inline]
    fn wants(&mut self, anchor: u32, texts: &mut Texts<'_>) -> Result<bool, IndexError> {
        Ok(self.filter.passes_anchor(anchor, texts)? && self.visitor.wants(anchor, texts)?)
    }

    #[inline]
    fn row(&mut self, row: &Row, texts: &mut Texts<'_>) -> Result<bool, IndexError> {
        Ok(self.filter.passes(row, texts)? && self.visitor.row(row, texts)?)
    }
}

/// What is known of the rows that pass before any of them is read: which anchors they have, where there are conditions
/// on anchors alone and the index can tell, and between which numbers theirs lie.
fn choice(
    filter: &Filter,
    kinds: Option<&Kinds>,
    rows: &TargetRows,
    cancel: &AtomicBool,
) -> Result<RowChoice, IndexError> {
    let matcher = Matcher::new(filter);
    let tests_kind = matcher.tests(Field::Kind);
    let anchors = if matcher.tests(Field::Anchor) || tests_kind {
        let passes_kind = |text: &str| !tests_kind || passes_kind(&matcher, kinds, text);
        // What a kind is, the conditions do not tell.
        let condition = (!tests_kind).then(|| filter.of_column(Field::Anchor).to_string());
        rows.select_anchors(
            condition.as_deref(),
            |anchors, places| matcher.passing_anchors(anchors, passes_kind, places),
            cancel,
        )?
    } else {
        None
    };
    Ok(RowChoice {
        anchors,
        bounds: matcher.row_bounds().0,
    })
}

fn passes_kind(matcher: &Matcher<'_>, kinds: Option<&Kinds>, anchor: &str) -> bool {
    kinds.is_some_and(|kinds| {
        let kind = kinds.kind_of(anchor);
        matcher.passes_string(Field::Kind, kind.name())
    })
}

/// The conditions of a `where`, for the rows of one part of a scan.
struct RowFilter<'a> {
    matcher: Matcher<'a>,
    /// What its conditions on numbers say, or a part of it.
    bounds: RowBounds,
    /// Whether they say more.
    tests_more: bool,
    kinds: Option<&'a Kinds>,
    tests_anchor: bool,
    tests_kind: bool,
    /// Whether each refdomain passes, as far as is known; nothing where that does not matter.
    refdomains: Vec<Option<bool>>,
    /// Whether there were rows before `where`.
    any_rows: bool,
}

impl<'a> RowFilter<'a> {
    fn new(
        filter: &'a Filter,
        kinds: Option<&'a Kinds>,
        rows: &TargetRows,
        choice: &RowChoice,
    ) -> Self {
        let is_open = choice.anchors.is_none();
        let matcher = Matcher::new(filter);
        let refdomains = match matcher.tests(Field::Refdomain) {
            true => rows.refdomain_limit(),
            false => 0,
        };
        let (bounds, is_all) = matcher.row_bounds();
        Self {
            bounds,
            tests_more: !is_all,
            kinds,
            tests_anchor: is_open && matcher.tests(Field::Anchor),
            tests_kind: is_open && matcher.tests(Field::Kind),
            refdomains: vec![None; refdomains],
            matcher,
            any_rows: false,
        }
    }

    /// Whether an anchor passes the conditions on it. To be asked of each anchor, before its rows.
    #[inline]
    fn passes_anchor(&mut self, anchor: u32, texts: &mut Texts<'_>) -> Result<bool, IndexError> {
        self.any_rows = true;
        if !self.tests_anchor && !self.tests_kind {
            return Ok(true);
        }
        self.passes_text(anchor, texts)
    }

    fn passes_text(&mut self, anchor: u32, texts: &mut Texts<'_>) -> Result<bool, IndexError> {
        let text = texts.anchor(anchor)?;
        Ok(self.matcher.passes_string(Field::Anchor, text)
            && (!self.tests_kind || passes_kind(&self.matcher, self.kinds, text)))
    }

    /// Whether a row passes the other conditions.
    #[inline]
    fn passes(&mut self, row: &Row, texts: &mut Texts<'_>) -> Result<bool, IndexError> {
        if !self.bounds.contains(row) {
            return Ok(false);
        }
        if !self.tests_more && self.refdomains.is_empty() {
            return Ok(true);
        }
        self.passes_rest(row, texts)
    }

    /// Whether a row within the bounds passes what there is beside them.
    fn passes_rest(&mut self, row: &Row, texts: &mut Texts<'_>) -> Result<bool, IndexError> {
        if self.tests_more && !self.matcher.passes_numbers(row) {
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
