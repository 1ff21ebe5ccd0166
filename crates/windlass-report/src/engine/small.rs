//! Answers that are known to take little, before anything is done for them.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use windlass_index::{Snapshot, WorkBound};

use super::anchors::Nothing;
use super::sources::Asked;
use super::{Answer, AnswerError, AnswerLimits, answer_anchors};
use crate::query::Query;
use crate::table::{Field, Grouping, Source};

/// Links that are looked at, at most: a tenth of a millisecond.
const LINKS_MAX: usize = 1 << 10;
/// Finished groups. Where the order was asked for before, those are read that are wanted; where not, blocks of them
/// are looked at: two milliseconds, if it is all of them.
const GROUPS_MAX: usize = 1 << 19;
/// Finished groups that are taken out, and their anchors read.
const WANTED_MAX: u64 = 1 << 7;

/// What [`answer`](super::answer) gives, where it is known before that it takes some tenths of a millisecond at
/// most, whatever the size of the index; `None` where it may take more: the question is about another table, is
/// filtered, or about many links. It is assumed that anchors have an ordinary length, and pages an ordinary
/// number of captures.
///
/// # Errors
/// See [`AnswerError`].
pub fn answer_if_small<'a>(
    query: &'a Query,
    snapshot: &Arc<Snapshot>,
    limits: AnswerLimits,
    cancel: &'a AtomicBool,
) -> Result<Option<Answer<'a>>, AnswerError> {
    if !may_be_small(query) {
        return Ok(None);
    }
    let wanted = query.offset.saturating_add(query.limit.into());
    let bound = WorkBound {
        links_max: LINKS_MAX,
        groups_max: if wanted > WANTED_MAX { 0 } else { GROUPS_MAX },
    };
    let rows = snapshot.rows_within(bound, &query.target, query.history, cancel)?;
    let asked = Asked {
        query,
        cancel,
        limits,
    };
    // Without conditions no kinds are asked for.
    let Some(rows) = rows else {
        return Ok(None);
    };
    let (answer, _) = answer_anchors(asked, snapshot, rows, None, || Nothing)?;
    Ok(Some(answer))
}

/// Whether a query is of the kind that [`answer_if_small`] may answer.
#[must_use]
pub fn may_be_small(query: &Query) -> bool {
    query.table.source == Source::AnchorRows
        && query.table.grouping == Grouping::By(&[Field::Anchor])
        // Conditions may be on texts, each of which must be read.
        && query.where_filter.is_empty()
        && query.having.is_empty()
}
