//! Rows that are links: what all pages show of them.

use windlass_report::{Answer, Cell, WriteError};

use crate::pages::link;
use crate::state::ReportState;

/// A link, and what more its page shows of it.
#[derive(Default)]
pub(super) struct LinkRow<M> {
    /// The way down to it.
    pub(super) href: String,
    pub(super) page: String,
    pub(super) target: String,
    pub(super) anchor: String,
    pub(super) more: M,
}

/// The rows of an answer. `more` takes the cells that only its page shows, with the names of their columns.
pub(super) fn link_rows<M: Default>(
    state: &ReportState,
    answer: &Answer<'_>,
    more: impl Fn(&mut M, &str, Cell<'_>),
) -> Result<Vec<LinkRow<M>>, WriteError> {
    let columns = answer.columns();
    let mut rows = Vec::new();
    answer.for_each_row(|cells| {
        let mut row = LinkRow::<M>::default();
        for (column, cell) in columns.iter().zip(cells) {
            match (column.name, *cell) {
                ("url_from", Cell::Text(text)) => text.clone_into(&mut row.page),
                ("url_to", Cell::Text(text)) => text.clone_into(&mut row.target),
                ("anchor", Cell::Text(text)) => text.clone_into(&mut row.anchor),
                (name, cell) => more(&mut row.more, name, cell),
            }
        }
        row.href = link::href(state, &row.page, &row.target, &row.anchor);
        rows.push(row);
        Ok(())
    })?;
    Ok(rows)
}
