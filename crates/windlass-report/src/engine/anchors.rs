//! The table `anchors`: where → group → having → order → page (R15–R19), in one pass over the rows, by as
//! many threads as the index divides them among, or from finished groups.

use std::sync::atomic::AtomicBool;

use windlass_index::{IndexError, Row, RowVisitor, Snapshot, TargetRows, Texts};
use windlass_links::CaptureTime;

use super::page::{Finished, Page};
use super::ready;
use super::row_filter::{chosen_groups, kinds_asked, scan_passing};
use crate::filter::{Matcher, Subject};
use crate::kind::Kinds;
use crate::query::Query;
use crate::report::{Anchors, Emptiness, Group, Report};
use crate::table::Field;

/// Answers a query from the rows of its target.
///
/// Where the index has finished groups of what `where` asks for, those are read that can be on
/// the page. Otherwise time grows with the number of backlinks. Memory grows with `offset + limit`.
/// Each distinct anchor and refdomain is tested once. Kinds of anchors are told by the Public Suffix List
/// that travels with Windlass; [`run_on`] takes that of the index.
///
/// # Errors
/// Where the index is damaged.
pub fn run<'a>(query: &'a Query, rows: &TargetRows) -> Result<Report<'a>, IndexError> {
    run_cancellable(query, rows, &AtomicBool::new(false))
}

/// [`run`], until `cancel` is set.
///
/// # Errors
/// Where the index is damaged; [`IndexError::Cancelled`] soon after `cancel` is set.
pub fn run_cancellable<'a>(
    query: &'a Query,
    rows: &TargetRows,
    cancel: &AtomicBool,
) -> Result<Report<'a>, IndexError> {
    let bundled = || Ok::<_, IndexError>(Kinds::of_bundled(&query.target));
    let kinds = kinds_asked(query, bundled)?;
    page(query, rows, kinds.as_ref(), cancel)
}

/// [`run_cancellable`], on one state of an index.
///
/// # Errors
/// As there.
pub fn run_on<'a>(
    query: &'a Query,
    snapshot: &Snapshot,
    memory_max: usize,
    cancel: &AtomicBool,
) -> Result<Report<'a>, IndexError> {
    let rows = snapshot.rows_in_memory(&query.target, query.history, memory_max, cancel)?;
    let kinds = kinds_asked(query, || Kinds::of_index(&query.target, snapshot))?;
    page(query, &rows, kinds.as_ref(), cancel)
}

fn page<'a>(
    query: &'a Query,
    rows: &TargetRows,
    kinds: Option<&Kinds>,
    cancel: &AtomicBool,
) -> Result<Report<'a>, IndexError> {
    let wanted = query.offset.saturating_add(query.limit.into());
    let mut report = window(query, rows, kinds, cancel, None, wanted)?;
    report.pass_over(query.offset);
    Ok(report)
}

/// A report whose page are the first groups, at most `groups_max`, that come behind one in the order.
pub(super) fn window<'a>(
    query: &'a Query,
    rows: &TargetRows,
    kinds: Option<&Kinds>,
    cancel: &AtomicBool,
    after: Option<&Group>,
    groups_max: u64,
) -> Result<Report<'a>, IndexError> {
    let nothing = || Nothing;
    window_beside(query, rows, kinds, cancel, after, groups_max, nothing).map(|found| found.0)
}

/// What other visitors made of the rows that a report is made of, and how many distinct pages are behind these.
pub(crate) struct Beside<V> {
    pub(crate) visitors: Vec<V>,
    pub(crate) refpages: u64,
}

/// A visitor that makes nothing of rows.
pub(super) struct Nothing;

impl RowVisitor for Nothing {
    #[inline]
    fn row(&mut self, _: &Row, _: &mut Texts<'_>) -> Result<bool, IndexError> {
        Ok(false)
    }
}

/// [`window`], with other visitors given the same rows, whatever anchors they want; nothing where the report is
/// made without rows.
pub(super) fn window_beside<'a, V: RowVisitor>(
    query: &'a Query,
    rows: &TargetRows,
    kinds: Option<&Kinds>,
    cancel: &AtomicBool,
    after: Option<&Group>,
    groups_max: u64,
    beside: impl Fn() -> V + Sync,
) -> Result<(Report<'a>, Option<Beside<V>>), IndexError> {
    let new = || Page::new(query, after.copied(), groups_max);
    let of_groups = |groups| ready::report(query, rows, groups, new().unordered(), cancel);
    if query.where_filter.is_empty()
        && let Some(groups) = rows.ready_groups()?
    {
        return Ok((of_groups(groups)?, None));
    }
    if let Some(chosen) = chosen_groups(&query.where_filter, rows, cancel)? {
        return Ok((of_groups(chosen.ready_groups()?)?, None));
    }
    let grouping = || Grouping::new(query, new(), beside());
    let passed = scan_passing(&query.where_filter, kinds, rows, grouping, cancel)?;
    let mut found = Found {
        any_rows: passed.any_rows(rows, cancel)?,
        refpages: passed.refpages,
        ..Found::default()
    };
    let (mut pages, mut visitors) = (Vec::new(), Vec::new());
    for mut part in passed.visitors {
        part.close(&mut rows.texts()?)?;
        found.backlinks = found.backlinks.saturating_add(part.backlinks);
        pages.push(part.page);
        visitors.push(part.beside);
    }
    let beside = Beside {
        visitors,
        refpages: found.refpages,
    };
    let report = found.report(query, rows, new().join(pages))?;
    Ok((report, Some(beside)))
}

/// What a report is made of, beside its page.
#[derive(Default)]
pub(super) struct Found {
    /// Whether there were rows before `where`.
    pub(super) any_rows: bool,
    pub(super) backlinks: u64,
    pub(super) refpages: u64,
}

impl Found {
    pub(super) fn report<'a>(
        self,
        query: &'a Query,
        rows: &TargetRows,
        page: Page<'_>,
    ) -> Result<Report<'a>, IndexError> {
        let Finished {
            groups,
            anchors,
            groups_total,
        } = page.finish();
        let emptiness = if groups_total > 0 {
            None
        } else if self.any_rows {
            Some(Emptiness::FilteredOut)
        } else if rows.host_known() {
            Some(Emptiness::NoBacklinks)
        } else {
            Some(Emptiness::HostUnknown)
        };
        Ok(Report {
            query,
            table: query.table,
            select: &query.select,
            anchors: texts(&anchors, rows)?,
            page: groups,
            groups_total,
            backlinks: self.backlinks,
            refpages: self.refpages,
            emptiness,
        })
    }
}

/// The texts of anchors, whose numbers ascend, which is how they are read fastest.
fn texts(numbers: &[u32], rows: &TargetRows) -> Result<Anchors, IndexError> {
    let mut anchors = Anchors::default();
    if !numbers.is_empty() {
        anchors.ends.reserve_exact(numbers.len());
        let mut texts = rows.texts()?;
        texts.append_anchors(numbers, &mut anchors.text, &mut anchors.ends)?;
    }
    Ok(anchors)
}

/// group → having → order, over the rows of one part of a scan.
struct Grouping<'a, V> {
    having: Matcher<'a>,
    open: Option<Group>,
    page: Page<'a>,
    backlinks: u64,
    beside: V,
}

impl<'a, V> Grouping<'a, V> {
    fn new(query: &'a Query, page: Page<'a>, beside: V) -> Self {
        Self {
            having: Matcher::new(&query.having),
            open: None,
            page,
            backlinks: 0,
            beside,
        }
    }

    /// Ends the open group.
    fn close(&mut self, texts: &mut Texts<'_>) -> Result<(), IndexError> {
        let Some(group) = self.open.take() else {
            return Ok(());
        };
        let tests_anchor = self.having.tests(Field::Anchor);
        if self.having.passes_numbers(&group)
            && (!tests_anchor
                || self
                    .having
                    .passes_string(Field::Anchor, texts.anchor(group.anchor)?))
        {
            self.page.add(group);
        }
        Ok(())
    }
}

impl<V: RowVisitor> RowVisitor for Grouping<'_, V> {
    fn row(&mut self, row: &Row, texts: &mut Texts<'_>) -> Result<bool, IndexError> {
        self.beside.row(row, texts)?;
        self.backlinks = self.backlinks.saturating_add(row.backlinks);
        match &mut self.open {
            // Rows of one anchor are neighbours, and anchors come in byte order (R19).
            Some(group) if group.anchor == row.anchor => group.add(row),
            _ => {
                self.close(texts)?;
                self.open = Some(Group::of(row));
            }
        }
        Ok(true)
    }
}

impl Group {
    fn of(row: &Row) -> Self {
        Self {
            anchor: row.anchor,
            backlinks: row.backlinks,
            refpages: row.refpages,
            refdomains: 1,
            first_seen: row.first_seen,
            last_visited: row.last_visited,
            place: 0,
        }
    }

    /// R17: a page belongs to one refdomain, so that pages of different rows are different pages.
    fn add(&mut self, row: &Row) {
        self.backlinks = self.backlinks.saturating_add(row.backlinks);
        self.refpages = self.refpages.saturating_add(row.refpages);
        self.refdomains += 1;
        self.first_seen = self.first_seen.min(row.first_seen);
        self.last_visited = self.last_visited.max(row.last_visited);
    }
}

impl Subject for Row {
    fn integer(&self, field: Field) -> Option<u64> {
        match field {
            Field::Backlinks => Some(self.backlinks),
            Field::Refpages => Some(self.refpages),
            _ => None,
        }
    }

    fn date(&self, field: Field) -> Option<CaptureTime> {
        match field {
            Field::FirstSeen => Some(self.first_seen),
            Field::LastVisited => Some(self.last_visited),
            _ => None,
        }
    }
}
