//! Rows before `where`, from the index.

use std::ops::ControlFlow;
use std::sync::atomic::AtomicBool;

use windlass_index::{LinkFilter, LinkRow, Snapshot, TargetRows};
use windlass_links::{CaptureTime, History};

use super::memory::Memory;
use super::record::{ChangeRecord, LinkRecord};
use super::{AnswerError, AnswerLimits};
use crate::query::Query;
use crate::table::Field;

/// A question under way.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) query: &'a Query,
    pub(super) cancel: &'a AtomicBool,
    pub(super) limits: AnswerLimits,
}

impl Asked<'_> {
    pub(super) const fn memory(&self) -> Memory {
        Memory::new(self.limits.memory_max)
    }

    /// What is left beside rows that are there.
    pub(super) fn memory_beside(&self, rows: &TargetRows) -> Result<Memory, AnswerError> {
        let mut memory = self.memory();
        memory.take(rows.memory())?;
        Ok(memory)
    }

    /// Whether a condition looks at a field.
    fn tests(&self, field: Field) -> bool {
        let conditions = |filter: &crate::filter::Filter| {
            let mut conditions = filter.conditions().iter();
            conditions.any(|condition| condition.column().field == field)
        };
        conditions(&self.query.where_filter) || conditions(&self.query.having)
    }

    /// Whether a condition or the order looks at a field.
    pub(super) fn names(&self, field: Field) -> bool {
        let mut keys = self.query.order_by.iter();
        self.tests(field) || keys.any(|key| key.column.field == field)
    }

    /// Whether links of other types than `href` are rows too: where a condition looks at the type. Without
    /// one, rows are backlinks (R12), and as many as the other tables count.
    pub(super) fn wants_all_types(&self) -> bool {
        self.tests(Field::LinkType)
    }
}

/// Whether more is wanted.
pub(super) type Flow = Result<ControlFlow<()>, AnswerError>;

/// The links to the target from other registrable domains that the history keeps.
pub(super) fn backlinks(
    asked: &Asked<'_>,
    snapshot: &Snapshot,
    all_types: bool,
    wants_anchor: Option<&dyn Fn(&str) -> bool>,
    mut each: impl FnMut(LinkRecord<'_>) -> Flow,
) -> Result<(), AnswerError> {
    let filter = LinkFilter {
        history: asked.query.history,
        all_types,
    };
    links(asked, snapshot, filter, wants_anchor, |row| {
        each(LinkRecord(row))
    })
}

fn links(
    asked: &Asked<'_>,
    snapshot: &Snapshot,
    filter: LinkFilter,
    wants_anchor: Option<&dyn Fn(&str) -> bool>,
    each: impl FnMut(&LinkRow<'_>) -> Flow,
) -> Result<(), AnswerError> {
    let (target, cancel) = (&asked.query.target, asked.cancel);
    match wants_anchor {
        None => snapshot.for_each_link_to(target, filter, cancel, each),
        Some(wants) => snapshot.for_each_link_with_anchor(target, filter, wants, cancel, each),
    }
}

/// When a link was found, and lost, and which of both it is; of `since` what happened since then.
pub(super) fn changes_of(
    first_seen: CaptureTime,
    lost: Option<CaptureTime>,
    history: History,
) -> impl Iterator<Item = (CaptureTime, bool)> {
    let changes = [(Some(first_seen), true), (lost, false)];
    let changes = changes
        .into_iter()
        .filter_map(|(date, is_new)| Some((date?, is_new)));
    changes.filter(move |(date, _)| !matches!(history, History::Since(since) if *date < since))
}

/// When each of these links was found, and lost. `since` keeps what happened since then; the others keep
/// all.
pub(super) fn changes(
    asked: &Asked<'_>,
    snapshot: &Snapshot,
    wants_anchor: Option<&dyn Fn(&str) -> bool>,
    mut each: impl FnMut(ChangeRecord<'_>) -> Flow,
) -> Result<(), AnswerError> {
    let filter = LinkFilter {
        history: History::AllTime,
        all_types: asked.wants_all_types(),
    };
    links(
        asked,
        snapshot,
        filter,
        wants_anchor,
        |row: &LinkRow<'_>| {
            for (date, is_new) in changes_of(row.first_seen, row.lost, asked.query.history) {
                let record = ChangeRecord {
                    link: LinkRecord(row),
                    date,
                    is_new,
                };
                if each(record)?.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
            Ok(ControlFlow::Continue(()))
        },
    )
}

/// The `href` links on the target's own pages that the history keeps.
pub(super) fn outgoing(
    asked: &Asked<'_>,
    snapshot: &Snapshot,
    mut each: impl FnMut(LinkRecord<'_>) -> Flow,
) -> Result<(), AnswerError> {
    let filter = LinkFilter {
        history: asked.query.history,
        all_types: false,
    };
    let (target, memory_max) = (&asked.query.target, asked.limits.memory_max);
    snapshot.for_each_link_from(target, filter, memory_max, asked.cancel, |row| {
        each(LinkRecord(row))
    })
}
