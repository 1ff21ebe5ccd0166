//! From a query to its answer: rows from the index, where → group → having → order → page (R15–R19).
//!
//! `anchors`, the table that everything is built for, has an engine of its own (`anchors.rs`). The others are
//! groups that are all in memory (`grouped.rs`), single rows (`single.rs`), or one object (`overview.rs`).

mod anchors;
mod glanced;
mod glanced_parts;
mod grouped;
mod memory;
mod of_anchor;
mod order;
mod overview;
mod page;
mod ready;
mod record;
mod row_filter;
mod single;
mod small;
mod sources;
mod window;

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use windlass_index::{IndexError, RowVisitor, Snapshot, TargetRows};

use crate::error::{Misreading, QueryError};
use crate::kind::Kinds;
use crate::output::Output;
use crate::query::Query;
use crate::report::{Cell, Emptiness, Group, Report};
use crate::table::{Column, Field, Grouping, Source};
use crate::write::{self, Shape};
use grouped::Groups;
use record::{Named, OwnedCell, Record};
use sources::Asked;

pub(crate) use anchors::Beside;
pub use anchors::{run, run_cancellable, run_on};
pub(crate) use memory::{Memory, SharedMemory};
pub use of_anchor::{AnchorRow, rows_of_anchor};
pub(crate) use row_filter::{kinds_asked, scan_passing};
pub use small::{answer_if_small, may_be_small};

/// What an answer may take. Whatever the numbers, the answer is the same, or refused.
#[derive(Debug, Clone, Copy)]
pub struct AnswerLimits {
    /// Bytes of memory, about, for groups and what they are made of, links of several segments among it; where
    /// they do not fit, the query is refused.
    pub memory_max: usize,
    /// Bytes of single rows, about, that are kept until they are written; what does not fit is found once
    /// more. Eight times as much where they are ordered, and twice that while they are.
    pub kept_bytes_max: usize,
    /// How many groups of `anchors` are in memory at once: 48 bytes each, with their anchors, and twice as
    /// many while they are found. A longer answer takes one pass for each so many.
    pub groups_at_once: u64,
}

impl Default for AnswerLimits {
    fn default() -> Self {
        Self {
            memory_max: 512 << 20,
            kept_bytes_max: 32 << 20,
            groups_at_once: 1 << 18,
        }
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// The request asks for what this index does not have.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The index is damaged, or the query was cancelled.
    #[error(transparent)]
    Index(IndexError),
    /// What the answer is made of does not fit.
    #[error(
        "the answer would take more than {} MiB of memory, which are allowed for one query; ask for a narrower \
         target, or filter with 'where'",
        max >> 20
    )]
    Memory {
        /// Bytes that are allowed.
        max: usize,
    },
}

impl From<IndexError> for AnswerError {
    fn from(error: IndexError) -> Self {
        match error {
            IndexError::Memory { max } => Self::Memory { max },
            error => Self::Index(error),
        }
    }
}

/// Why an answer was not written to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// More of it could not be found.
    #[error(transparent)]
    Answer(#[from] AnswerError),
    /// The output failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl From<IndexError> for WriteError {
    fn from(error: IndexError) -> Self {
        Self::Answer(error.into())
    }
}

/// An answer: everything is known of it, and its rows are in memory, or, where they are too many, found as
/// they are written.
pub struct Answer<'a> {
    asked: Asked<'a>,
    snapshot: Arc<Snapshot>,
    content: Content<'a>,
    total: Option<u64>,
    results: u64,
    emptiness: Option<Emptiness>,
    stats: Vec<(&'static str, u64)>,
}

/// The rows of an answer.
enum Content<'a> {
    /// Groups of anchors: the first of them, and where more come from.
    Anchors(Box<(Report<'a>, TargetRows, Option<Kinds>)>),
    /// Other groups: all of them, from `offset` on.
    Groups(Groups),
    Single(single::Found),
    Object(Vec<OwnedCell>),
}

/// Answers a query from one state of the index.
///
/// Beside what the limits say, a query takes what [`TargetRows::scan`] says. `cancel` stops it soon after it
/// is set.
///
/// # Errors
/// See [`AnswerError`].
pub fn answer<'a>(
    query: &'a Query,
    snapshot: &Arc<Snapshot>,
    limits: AnswerLimits,
    cancel: &'a AtomicBool,
) -> Result<Answer<'a>, AnswerError> {
    answer_beside(query, snapshot, limits, cancel, || anchors::Nothing).map(|found| found.0)
}

/// [`answer`], with other visitors given the rows that its groups are made of; nothing where it is not about anchors,
/// or made without rows.
pub(crate) fn answer_beside<'a, V: RowVisitor>(
    query: &'a Query,
    snapshot: &Arc<Snapshot>,
    limits: AnswerLimits,
    cancel: &'a AtomicBool,
    beside: impl Fn() -> V + Sync,
) -> Result<(Answer<'a>, Option<Beside<V>>), AnswerError> {
    check_internal(query, snapshot)?;
    let asked = Asked {
        query,
        cancel,
        limits,
    };
    let rows = || snapshot.rows_in_memory(&query.target, query.history, limits.memory_max, cancel);
    let kinds = row_filter::kinds_asked(query, || Kinds::of_index(&query.target, snapshot))?;
    if query.table.source == Source::AnchorRows
        && query.table.grouping == Grouping::By(&[Field::Anchor])
    {
        return answer_anchors(asked, snapshot, rows()?, kinds, beside);
    }
    let (content, total, any_rows) = match (query.table.source, query.table.grouping) {
        (Source::AnchorRows, _) => {
            let groups = grouped::anchors_refdomains(&asked, &rows()?, kinds.as_ref())?;
            of_groups(&asked, groups)
        }
        (Source::Refpages, _) => {
            of_groups(&asked, grouped::refdomains(&asked, snapshot, &rows()?)?)
        }
        (Source::Outgoing, Grouping::By([Field::Anchor])) => {
            of_groups(&asked, grouped::linked_anchors(&asked, snapshot)?)
        }
        (Source::Outgoing, _) => of_groups(&asked, grouped::linked_domains(&asked, snapshot)?),
        (Source::Overview, _) => {
            let (cells, any) = overview::overview(&asked, snapshot, &rows()?)?;
            (Content::Object(cells), u64::from(any), any)
        }
        (Source::Backlinks | Source::Changes | Source::Pages, _) => {
            let found = single::find(&asked, snapshot)?;
            let (total, any_rows) = (found.total, found.any_rows);
            (Content::Single(found), total, any_rows)
        }
        (Source::Account, _) => {
            let what = format!("'{}' is not in the index: a server tells", query.table.name);
            return Err(Misreading::whole(what).of("from").into());
        }
    };
    let results = match &content {
        Content::Groups(groups) => groups.records.len() as u64,
        Content::Single(found) => found.results,
        Content::Anchors(_) | Content::Object(_) => 1,
    };
    let emptiness = match (total, any_rows) {
        (1.., _) => None,
        (0, true) => Some(Emptiness::FilteredOut),
        (0, false) => Some(nothing(&asked, snapshot)?),
    };
    let stats = query.table.stats.iter().map(|stat| (stat.name, total));
    let answer = Answer {
        stats: stats.collect(),
        asked,
        snapshot: Arc::clone(snapshot),
        total: match content {
            Content::Single(_) if query.order_by.is_empty() && query.table.stats.is_empty() => None,
            _ => Some(total),
        },
        content,
        results,
        emptiness,
    };
    Ok((answer, None))
}

fn answer_anchors<'a, V: RowVisitor>(
    asked: Asked<'a>,
    snapshot: &Arc<Snapshot>,
    rows: TargetRows,
    kinds: Option<Kinds>,
    beside: impl Fn() -> V + Sync,
) -> Result<(Answer<'a>, Option<Beside<V>>), AnswerError> {
    let Asked {
        query,
        cancel,
        limits,
    } = asked;
    let at_once = limits.groups_at_once.max(1);
    let mut left = query.offset;
    let wanted_of = |left: u64| left.saturating_add(query.limit.into()).min(at_once);
    let (known, mut wanted) = (kinds.as_ref(), wanted_of(left));
    let (mut report, beside) =
        anchors::window_beside(query, &rows, known, cancel, None, wanted, beside)?;
    loop {
        let count = report.results();
        // Where nothing is wanted, nothing more comes either.
        if left < count || count < wanted || wanted == 0 {
            report.pass_over(left);
            break;
        }
        left -= count;
        wanted = wanted_of(left);
        let last = report.groups().last().copied();
        report = anchors::window(query, &rows, known, cancel, last.as_ref(), wanted)?;
    }
    let results = report.groups_total().saturating_sub(query.offset);
    let answer = Answer {
        total: Some(report.groups_total()),
        results: results.min(query.limit.into()),
        emptiness: report.emptiness(),
        stats: report.stats().collect(),
        content: Content::Anchors(Box::new((report, rows, kinds))),
        snapshot: Arc::clone(snapshot),
        asked,
    };
    Ok((answer, beside))
}

/// Cuts groups to the page; how many there were before.
fn of_groups<'a>(asked: &Asked<'_>, mut groups: Groups) -> (Content<'a>, u64, bool) {
    let (total, any_rows) = (groups.records.len(), groups.any_rows);
    let offset = usize::try_from(asked.query.offset).unwrap_or(usize::MAX);
    groups.records.drain(..offset.min(total));
    groups.records.truncate(asked.query.limit as usize);
    (Content::Groups(groups), total as u64, any_rows)
}

/// Why there is nothing (R20).
fn nothing(asked: &Asked<'_>, snapshot: &Snapshot) -> Result<Emptiness, AnswerError> {
    let target = &asked.query.target;
    if !snapshot.knows_host(target, asked.cancel)? {
        return Ok(Emptiness::HostUnknown);
    }
    Ok(match asked.query.table.source {
        Source::Pages => Emptiness::NoPages,
        Source::Outgoing => {
            let mut any = false;
            snapshot.for_each_page(target, asked.cancel, |_| {
                any = true;
                Ok::<_, IndexError>(std::ops::ControlFlow::Break(()))
            })?;
            if any {
                Emptiness::NoLinks
            } else {
                Emptiness::NoPages
            }
        }
        _ => Emptiness::NoBacklinks,
    })
}

/// Refuses what only an index that keeps internal links can tell.
fn check_internal(query: &Query, snapshot: &Snapshot) -> Result<(), QueryError> {
    if query.table.source != Source::Outgoing || snapshot.manifest().keep_internal {
        return Ok(());
    }
    match query.names(Field::LinksInternal) {
        None => Ok(()),
        Some(parameter) => Err(Misreading::whole(
            "this index keeps no internal links, so 'links_internal' is not known; build it with `windlass \
             ingest --keep-internal`, or leave the column out"
                .to_owned(),
        )
        .of(parameter)),
    }
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
                    let Asked { query, cancel, .. } = self.asked;
                    let wanted = left.min(self.asked.limits.groups_at_once.max(1));
                    let kinds = kinds.as_ref();
                    let next = anchors::window(query, rows, kinds, cancel, last.as_ref(), wanted)?;
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
