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
    let extent = Extent {
        after: None,
        groups_max: query.offset.saturating_add(query.limit.into()),
        text_bytes_max: usize::MAX,
    };
    let mut report = window(query, rows, kinds, cancel, extent)?;
    report.pass_over(query.offset);
    Ok(report)
}

/// Which groups of an order a report has.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Extent {
    /// Those that come behind this one.
    pub(super) after: Option<Group>,
    /// So many at most, the first of them.
    pub(super) groups_max: u64,
    /// Whose anchors take so many bytes together at most; and one at least.
    pub(super) text_bytes_max: usize,
}

/// A report whose page are some groups.
pub(super) fn window<'a>(
    query: &'a Query,
    rows: &TargetRows,
    kinds: Option<&Kinds>,
    cancel: &AtomicBool,
    extent: Extent,
) -> Result<Report<'a>, IndexError> {
    window_beside(query, rows, kinds, cancel, extent, || Nothing).map(|found| found.0)
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
    extent: Extent,
    beside: impl Fn() -> V + Sync,
) -> Result<(Report<'a>, Option<Beside<V>>), IndexError> {
    let new = || Page::new(query, extent.after, extent.groups_max);
    let text_max = extent.text_bytes_max;
    let of_groups =
        |groups| ready::report(query, rows, groups, (new().unordered(), text_max), cancel);
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
    let report = found.report(query, rows, (new().join(pages), text_max))?;
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
    /// The report with a page, or with as much of it, from its beginning, as has anchors of so many bytes.
    pub(super) fn report<'a>(
        self,
        query: &'a Query,
        rows: &TargetRows,
        (page, text_bytes_max): (Page<'_>, usize),
    ) -> Result<Report<'a>, IndexError> {
        let mut finished = page.finish();
        let mut is_cut = false;
        let anchors = loop {
            if let Some(anchors) = texts(&finished.anchors, rows, text_bytes_max)? {
                break anchors;
            }
            is_cut = true;
            finished.truncate(finished.groups.len() / 2);
        };
        let Finished {
            groups,
            groups_total,
            ..
        } = finished;
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
            anchors,
            page: groups,
            is_cut,
            groups_total,
            backlinks: self.backlinks,
            refpages: self.refpages,
            emptiness,
        })
    }
}

/// Anchors whose texts are read between looks at how much they take: 16 MiB at most.
const TEXTS_AT_ONCE: usize = 1 << 8;

/// The texts of anchors, whose numbers ascend, which is how they are read fastest; nothing where several take more than
/// so many bytes.
fn texts(
    numbers: &[u32],
    rows: &TargetRows,
    bytes_max: usize,
) -> Result<Option<Anchors>, IndexError> {
    let mut anchors = Anchors::default();
    if !numbers.is_empty() {
        anchors.ends.reserve_exact(numbers.len());
        let mut texts = rows.texts()?;
        for some in numbers.chunks(TEXTS_AT_ONCE) {
            texts.append_anchors(some, &mut anchors.text, &mut anchors.ends)?;
            if anchors.text.len() > bytes_max && numbers.len() > 1 {
                return Ok(None);
            }
        }
    }
    Ok(Some(anchors))
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
        let Some(group) = self.open else {
            return Ok(());
        };
        self.open = None;
        let tests_anchor = self.having.tests(Field::Anchor);
        if self.having.passes_numbers(&group)
            && (!tests_anchor
                || self
                    .having
                    .passes_string(Field::Anchor, texts.anchor(group.anchor)?))
        {
            self.page.add(&group);
        }
        Ok(())
    }
}

impl<V: RowVisitor> RowVisitor for Grouping<'_, V> {
    #[inline]
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
