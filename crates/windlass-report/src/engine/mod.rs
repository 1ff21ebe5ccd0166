//! From a query to its answer: rows from the index, where → group → having → order → page (R15–R19).
//!
//! `anchors`, the table that everything is built for, has an engine of its own (`anchors.rs`). The others are
//! groups that are all in memory (`grouped.rs`), single rows (`single.rs`), or one object (`overview.rs`).

mod anchors;
mod answer;
mod error;
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

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use windlass_index::{IndexError, RowVisitor, Snapshot, TargetRows};

use crate::error::{Misreading, QueryError};
use crate::kind::Kinds;
use crate::query::Query;
use crate::report::Emptiness;
use crate::table::{Field, Grouping, Source};
use anchors::Extent;
use answer::Content;
use grouped::Groups;
use single::Before;
use sources::Asked;

pub(crate) use anchors::Beside;
pub use anchors::{run, run_cancellable, run_on};
pub use answer::Answer;
pub use error::{AnswerError, WriteError};
pub(crate) use memory::{Memory, SharedMemory};
pub use of_anchor::{AnchorRow, rows_of_anchor};
pub(crate) use row_filter::{chosen_groups, kinds_asked, scan_passing};
pub use small::{answer_if_small, may_be_small};

/// What an answer may take. Whatever the numbers, the answer is the same, or refused.
#[derive(Debug, Clone, Copy)]
pub struct AnswerLimits {
    /// Bytes of memory, about, for groups and what they are made of, links of several segments among it; where
    /// they do not fit, the query is refused.
    pub memory_max: usize,
    /// Bytes of single rows, about, that are kept until they are written, and of the anchors of groups; what does not
    /// fit is found once more. Eight times as much where single rows are ordered, and twice that while they are.
    pub kept_bytes_max: usize,
    /// How many groups of `anchors` are in memory at once: 48 bytes each, beside their anchors, and twice as
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
    let (content, total, before) = match (query.table.source, query.table.grouping) {
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
            let before = Before {
                any_rows: any,
                passed_where: u64::from(any),
            };
            (Content::Object(cells), u64::from(any), before)
        }
        (Source::Backlinks | Source::Changes | Source::Pages, _) => {
            let found = single::find(&asked, snapshot)?;
            let (total, before) = (found.total, found.before);
            (Content::Single(found), total, before)
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
    let emptiness = match (total, before.any_rows) {
        (1.., _) => None,
        (0, true) => Some(Emptiness::FilteredOut),
        (0, false) => Some(nothing(&asked, snapshot)?),
    };
    let stats = query
        .table
        .stats
        .iter()
        .map(|stat| (stat.name, before.passed_where));
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
    let known = kinds.as_ref();
    let mut extent = Extent {
        after: None,
        groups_max: wanted_of(left),
        text_bytes_max: limits.kept_bytes_max,
    };
    let (mut report, beside) = anchors::window_beside(query, &rows, known, cancel, extent, beside)?;
    loop {
        let count = report.results();
        let is_last = count < extent.groups_max && !report.is_cut;
        // Where nothing is wanted, nothing more comes either.
        if left < count || is_last || extent.groups_max == 0 {
            report.pass_over(left);
            break;
        }
        left -= count;
        extent.groups_max = wanted_of(left);
        extent.after = report.groups().last().copied();
        report = anchors::window(query, &rows, known, cancel, extent)?;
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

/// Cuts groups to the page; how many there were before that, and before `having`.
fn of_groups<'a>(asked: &Asked<'_>, mut groups: Groups) -> (Content<'a>, u64, Before) {
    let total = groups.records.len();
    let before = groups.before;
    let offset = usize::try_from(asked.query.offset).unwrap_or(usize::MAX);
    groups.records.drain(..offset.min(total));
    groups.records.truncate(asked.query.limit as usize);
    (Content::Groups(groups), total as u64, before)
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
