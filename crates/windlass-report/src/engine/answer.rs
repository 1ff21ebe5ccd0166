//! An answer, once it is known: what it says of itself, and how it is written.

use std::io::Write;
use std::sync::Arc;

use windlass_index::{Snapshot, TargetRows};

use super::anchors::{self, Extent};
use super::error::WriteError;
use super::grouped::Groups;
use super::record::{Named, OwnedCell, Record};
use super::single;
use super::sources::Asked;
use crate::kind::Kinds;
use crate::output::Output;
use crate::report::{Cell, Emptiness, Group, Report};
use crate::table::{Column, Field, Source};
use crate::write::{self, Shape};

/// An answer: everything is known of it, and its rows are in memory, or, where they are too many, found as
/// they are written.
pub struct Answer<'a> {
    pub(super) asked: Asked<'a>,
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) content: Content<'a>,
    pub(super) total: Option<u64>,
    pub(super) results: u64,
    pub(super) emptiness: Option<Emptiness>,
    pub(super) stats: Vec<(&'static str, u64)>,
}

/// The rows of an answer.
pub(super) enum Content<'a> {
    /// Groups of anchors: the first of them, and where more come from.
    Anchors(Box<(Report<'a>, TargetRows, Option<Kinds>)>),
    /// Other groups: all of them, from `offset` on.
    Groups(Groups),
    Single(single::Found),
    Object(Vec<OwnedCell>),
}

impl Answer<'_> {
    /// The columns of its rows: those selected, but of `*` only those that this index can tell.
    #[must_use]
    pub fn columns(&self) -> Vec<&'static Column> {
        let Asked { query, .. } = self.asked;
        let is_known = |column: &&'static Column| {
            query.table.source != Source::Outgoing
                || column.field != Field::LinksInternal
                || self.snapshot.manifest().keep_internal
        };
        query.select.iter().copied().filter(is_known).collect()
    }

    /// The rows that groups of anchors are made of; nothing where the answer has none.
    pub(crate) fn anchor_rows(&self) -> Option<&TargetRows> {
        match &self.content {
            Content::Anchors(found) => Some(&found.1),
            _ => None,
        }
    }

    /// How many results there are before `offset` and `limit`. `None` where nobody counted them: single rows
    /// that come in the order of the index are looked for no further than the answer goes.
    #[must_use]
    pub fn total(&self) -> Option<u64> {
        self.total
    }

    /// How many results it has.
    #[must_use]
    pub fn results(&self) -> u64 {
        self.results
    }

    /// What it costs, in account rows.
    #[must_use]
    pub fn rows_cost(&self) -> u64 {
        self.asked.query.cost(self.results)
    }

    /// Why no result passed; `None` where one did, whatever `offset` and `limit` left of them (R20).
    #[must_use]
    pub fn emptiness(&self) -> Option<Emptiness> {
        self.emptiness
    }

    /// The members of `stats`, in order.
    #[must_use]
    pub fn stats(&self) -> &[(&'static str, u64)] {
        &self.stats
    }

    /// Writes it. Writes are small: give it a buffered writer. Memory does not grow with the number of
    /// results.
    ///
    /// # Errors
    /// Those of `out`, and of the index.
    pub fn write(&self, output: Output, out: impl Write + Send) -> Result<(), WriteError> {
        let query = self.asked.query;
        let columns = self.columns();
        if let Content::Object(cells) = &self.content {
            let members: Vec<(&'static str, Cell<'_>)> = columns
                .iter()
                .map(|column| column.name)
                .zip(cells.iter().map(OwnedCell::as_cell))
                .collect();
            return Ok(write::object(query.table.rows_key, &members, output, out)?);
        }
        let shape = Shape {
            rows_key: query.table.rows_key,
            row_name: query.table.row_name,
            columns: &columns,
            results: self.results,
            has_stats: !query.table.stats.is_empty(),
        };
        let mut writer = write::rows(shape, output, out)?;
        self.for_each_row(|cells| Ok(writer.row(cells)?))?;
        Ok(writer.finish(&self.stats)?)
    }

    /// Calls `each` with the cells of each result, one for each of [`columns`](Self::columns).
    ///
    /// # Errors
    /// Those of the index, and what `each` returns.
    pub fn for_each_row(
        &self,
        mut each: impl FnMut(&[Cell<'_>]) -> Result<(), WriteError>,
    ) -> Result<(), WriteError> {
        match &self.content {
            Content::Object(cells) => {
                let cells: Vec<Cell<'_>> = cells.iter().map(OwnedCell::as_cell).collect();
                each(&cells)
            }
            Content::Groups(groups) => {
                let columns = self.columns();
                for record in &groups.records {
                    let named = Named {
                        fields: &groups.fields,
                        record,
                    };
                    let cells: Vec<Cell<'_>> = columns
                        .iter()
                        .map(|column| named.cell(column.field))
                        .collect();
                    each(&cells)?;
                }
                Ok(())
            }
            Content::Single(found) => found.write(&self.asked, &self.snapshot, each),
            Content::Anchors(found) => {
                let (first, rows, kinds) = found.as_ref();
                let mut left = self.results;
                let mut last = write_groups(first, &mut left, &mut each)?;
                while left > 0 && last.is_some() {
                    let Asked {
                        query,
                        cancel,
                        limits,
                    } = self.asked;
                    let extent = Extent {
                        after: last,
                        groups_max: left.min(limits.groups_at_once.max(1)),
                        text_bytes_max: limits.kept_bytes_max,
                    };
                    let next = anchors::window(query, rows, kinds.as_ref(), cancel, extent)?;
                    last = write_groups(&next, &mut left, &mut each)?;
                }
                Ok(())
            }
        }
    }
}

/// Writes the groups of a window, no more than are left; the last of them.
fn write_groups(
    report: &Report<'_>,
    left: &mut u64,
    each: &mut impl FnMut(&[Cell<'_>]) -> Result<(), WriteError>,
) -> Result<Option<Group>, WriteError> {
    let mut cells = Vec::with_capacity(report.columns().len());
    let mut last = None;
    for group in report.groups() {
        if *left == 0 {
            break;
        }
        cells.clear();
        cells.extend(report.cells(group).map(|(_, cell)| cell));
        each(&cells)?;
        *left -= 1;
        last = Some(*group);
    }
    Ok(last)
}
