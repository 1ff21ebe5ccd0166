//! Tables whose results are groups, anchors apart: all groups are in memory, in the order of their keys.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::hash::Hash;
use std::ops::ControlFlow;

use windlass_index::{IndexError, Row, RowVisitor, Snapshot, TargetRows, Texts};
use windlass_links::CaptureTime;

use super::memory::{Memory, SharedMemory};
use super::record::{Named, OutgoingRecord, OwnedCell, OwnedRecord, Record, RecordFilter};
use super::row_filter::{Passed, scan_passing, scan_passing_by_refdomain};
use super::single::Before;
use super::sources::{self, Asked};
use super::{AnswerError, order};
use crate::kind::Kinds;
use crate::report::Cell;
use crate::table::Field;

/// All groups of a table that pass `having`, in the order of the answer.
pub(super) struct Groups {
    /// What the cells of records are.
    pub(super) fields: Vec<Field>,
    pub(super) records: Vec<OwnedRecord>,
    /// What there was before that.
    pub(super) before: Before,
}

/// All groups of a table, in any order.
struct AllGroups {
    fields: Vec<Field>,
    records: Vec<OwnedRecord>,
    any_rows: bool,
}

impl AllGroups {
    /// Filters and orders; `keys` says how many cells, from the first, name a group.
    fn finish(self, asked: &Asked<'_>, keys: &[Field]) -> Groups {
        let Self {
            fields,
            mut records,
            any_rows,
        } = self;
        let before = Before {
            any_rows,
            passed_where: records.len() as u64,
        };
        let having = RecordFilter::new(&asked.query.having);
        records.retain(|record| {
            having.passes(&Named {
                fields: &fields,
                record,
            })
        });
        let order = order::Order::new(&asked.query.order_by, &fields);
        let keys: Vec<usize> = keys
            .iter()
            .filter_map(|key| fields.iter().position(|field| field == key))
            .collect();
        records.sort_by(|a, b| {
            let by_key = || {
                keys.iter()
                    .map(|at| a.0.get(*at).cmp(&b.0.get(*at)))
                    .find(|ordering| ordering.is_ne())
                    .unwrap_or(Ordering::Equal)
            };
            order.compare(a, b).then_with(by_key)
        });
        Groups {
            fields,
            records,
            before,
        }
    }
}

/// Adds to a group, which is made where there is none.
fn entry<'m, K: Eq + Hash, V: Default>(
    groups: &'m mut HashMap<K, V>,
    key: K,
    memory: &mut Memory,
    bytes: usize,
) -> Result<&'m mut V, AnswerError> {
    match groups.entry(key) {
        std::collections::hash_map::Entry::Occupied(known) => Ok(known.into_mut()),
        std::collections::hash_map::Entry::Vacant(new) => {
            // What the table itself takes, and what doubling it takes for a while.
            memory.take(bytes + 3 * size_of::<(K, V)>())?;
            Ok(new.insert(V::default()))
        }
    }
}

/// `anchors_refdomains`: from rows of (folded anchor, refdomain).
pub(super) fn anchors_refdomains(
    asked: &Asked<'_>,
    rows: &TargetRows,
    kinds: Option<&Kinds>,
) -> Result<Groups, AnswerError> {
    let filter = &asked.query.where_filter;
    let shared = SharedMemory::new(asked.limits.memory_max);
    let counting = || Counting::new(&shared);
    let passed = scan_passing(filter, kinds, rows, counting, asked.cancel);
    let passed = shared.unless_spent(passed)?;
    let any_rows = passed.any_rows(rows, asked.cancel)?;
    let mut memory = asked.memory_beside(rows)?;
    let groups = by_refdomain(passed.visitors, &mut memory)?;
    let mut records = Vec::with_capacity(groups.len());
    for (_, text, counts) in named(groups, rows, &mut memory)? {
        records.push(OwnedRecord(Box::new([
            OwnedCell::Integer(counts.rows),
            OwnedCell::Integer(counts.backlinks),
            OwnedCell::Text(text),
        ])));
    }
    let fields = vec![Field::Anchors, Field::Backlinks, Field::Refdomain];
    let groups = AllGroups {
        fields,
        records,
        any_rows,
    };
    Ok(groups.finish(asked, &[Field::Refdomain]))
}

/// `refdomains`: from rows of (folded anchor, refdomain) where `where` looks at nothing but the refdomain;
/// from rows of pages otherwise.
pub(super) fn refdomains(
    asked: &Asked<'_>,
    snapshot: &Snapshot,
    rows: &TargetRows,
) -> Result<Groups, AnswerError> {
    let of_refdomain =
        |condition: &crate::filter::Condition| condition.column().field == Field::Refdomain;
    let groups = if asked
        .query
        .where_filter
        .conditions()
        .iter()
        .all(of_refdomain)
    {
        refdomains_of_rows(asked, rows)?
    } else {
        refdomains_of_pages(asked, snapshot)?
    };
    Ok(groups.finish(asked, &[Field::Refdomain]))
}

fn refdomain_record(text: Box<str>, counts: &Counts, refpages: u64) -> OwnedRecord {
    OwnedRecord(Box::new([
        OwnedCell::Text(text),
        OwnedCell::Integer(counts.backlinks),
        OwnedCell::Integer(refpages),
        OwnedCell::Date(counts.first_seen()),
        OwnedCell::Date(counts.last_visited()),
    ]))
}

const REFDOMAIN_FIELDS: [Field; 5] = [
    Field::Refdomain,
    Field::Backlinks,
    Field::Refpages,
    Field::FirstSeen,
    Field::LastVisited,
];

fn refdomains_of_rows(asked: &Asked<'_>, rows: &TargetRows) -> Result<AllGroups, AnswerError> {
    let filter = &asked.query.where_filter;
    let shared = SharedMemory::new(asked.limits.memory_max);
    let counting = || Counting::new(&shared);
    let passed = scan_passing_by_refdomain(filter, rows, counting, asked.cancel);
    let passed = shared.unless_spent(passed)?;
    let any_rows = passed.any_rows(rows, asked.cancel)?;
    let Passed {
        visitors, refpages, ..
    } = passed;
    let mut memory = asked.memory_beside(rows)?;
    let groups = by_refdomain(visitors, &mut memory)?;
    let records = named(groups, rows, &mut memory)?
        .into_iter()
        .map(|(refdomain, text, counts)| {
            let refpages = refpages.get(&refdomain).copied().unwrap_or_default();
            refdomain_record(text, &counts, refpages)
        })
        .collect();
    Ok(AllGroups {
        fields: REFDOMAIN_FIELDS.into(),
        records,
        any_rows,
    })
}

fn refdomains_of_pages(asked: &Asked<'_>, snapshot: &Snapshot) -> Result<AllGroups, AnswerError> {
    let mut memory = asked.memory();
    let filter = RecordFilter::new(&asked.query.where_filter);
    let mut pages: HashMap<u64, (Counts, Box<str>, Box<str>)> = HashMap::new();
    sources::backlinks(asked, snapshot, false, None, |link| {
        let row = link.0;
        let (url, refdomain) = (row.page.url.as_str(), row.page.refdomain.as_str());
        let page = entry(
            &mut pages,
            row.page.id,
            &mut memory,
            url.len() + refdomain.len(),
        )?;
        if page.1.is_empty() {
            (page.1, page.2) = (url.into(), refdomain.into());
        }
        page.0.add(&Counts::one(row.first_seen, row.last_visited));
        Ok(ControlFlow::Continue(()))
    })?;
    let any_rows = !pages.is_empty();
    let mut groups: HashMap<Box<str>, (Counts, u64)> = HashMap::new();
    for (counts, url, refdomain) in pages.into_values() {
        let row = PageRow {
            counts,
            url: &url,
            refdomain: &refdomain,
        };
        if filter.passes(&row) {
            let bytes = refdomain.len();
            let group = entry(&mut groups, refdomain, &mut memory, bytes)?;
            group.0.add(&counts);
            group.1 += 1;
        }
    }
    let records = groups
        .into_iter()
        .map(|(text, (counts, refpages))| refdomain_record(text, &counts, refpages))
        .collect();
    Ok(AllGroups {
        fields: REFDOMAIN_FIELDS.into(),
        records,
        any_rows,
    })
}

/// How many pages of each referring domain, by its number, link to the target.
pub(super) fn refpages_by_refdomain(
    asked: &Asked<'_>,
    rows: &TargetRows,
) -> Result<HashMap<u32, u64>, AnswerError> {
    struct All;
    impl RowVisitor for All {
        fn row(&mut self, _: &Row, _: &mut Texts<'_>) -> Result<bool, IndexError> {
            Ok(true)
        }
    }
    Ok(rows.scan_by_refdomain(|| All, asked.cancel)?.1)
}

/// A page that links to the target, as a row.
struct PageRow<'a> {
    counts: Counts,
    url: &'a str,
    refdomain: &'a str,
}

impl Record for PageRow<'_> {
    fn cell(&self, field: Field) -> Cell<'_> {
        match field {
            Field::UrlFrom => Cell::Text(self.url),
            Field::Refdomain => Cell::Text(self.refdomain),
            Field::Backlinks => Cell::Integer(self.counts.backlinks),
            Field::Refpages => Cell::Integer(1),
            Field::FirstSeen => Cell::Date(self.counts.first_seen()),
            Field::LastVisited => Cell::Date(self.counts.last_visited()),
            _ => Cell::Missing,
        }
    }
}

/// `linked_anchors`: from the links on the target's own pages.
pub(super) fn linked_anchors(
    asked: &Asked<'_>,
    snapshot: &Snapshot,
) -> Result<Groups, AnswerError> {
    let mut memory = asked.memory();
    let filter = RecordFilter::new(&asked.query.where_filter);
    let (mut any_rows, mut groups) = (false, HashMap::<Box<str>, (u64, u64)>::new());
    sources::outgoing(asked, snapshot, |link| {
        any_rows = true;
        let record = OutgoingRecord(link);
        if filter.passes(&record) {
            let anchor = record.0.0.folded_anchor;
            let group = match groups.get_mut(anchor) {
                Some(group) => group,
                None => entry(&mut groups, anchor.into(), &mut memory, anchor.len())?,
            };
            match record.is_internal() {
                true => group.0 += 1,
                false => group.1 += 1,
            }
        }
        Ok(ControlFlow::Continue(()))
    })?;
    let records = groups.into_iter().map(|(anchor, (internal, external))| {
        OwnedRecord(Box::new([
            OwnedCell::Text(anchor),
            OwnedCell::Integer(internal),
            OwnedCell::Integer(external),
        ]))
    });
    let groups = AllGroups {
        fields: vec![Field::Anchor, Field::LinksInternal, Field::LinksExternal],
        records: records.collect(),
        any_rows,
    };
    Ok(groups.finish(asked, &[Field::Anchor]))
}

/// `linked_domains`: from the external links on the target's own pages.
pub(super) fn linked_domains(
    asked: &Asked<'_>,
    snapshot: &Snapshot,
) -> Result<Groups, AnswerError> {
    let mut memory = asked.memory();
    type Key = (Box<str>, Box<str>);
    let mut groups = HashMap::<Key, (u64, std::collections::HashSet<u64>)>::new();
    sources::outgoing(asked, snapshot, |link| {
        let row = link.0;
        if row.page.refdomain == row.site {
            return Ok(ControlFlow::Continue(()));
        }
        let (from, to) = (row.page.refdomain.as_str(), row.site);
        let key = (from.into(), to.into());
        let group = entry(&mut groups, key, &mut memory, from.len() + to.len())?;
        group.0 += 1;
        if group.1.insert(row.page.id) {
            memory.take(32)?;
        }
        Ok(ControlFlow::Continue(()))
    })?;
    let any_rows = !groups.is_empty();
    let records = groups.into_iter().map(|((from, to), (links, pages))| {
        OwnedRecord(Box::new([
            OwnedCell::Text(from),
            OwnedCell::Text(to),
            OwnedCell::Integer(links),
            OwnedCell::Integer(pages.len() as u64),
        ]))
    });
    let fields = vec![
        Field::DomainFrom,
        Field::DomainTo,
        Field::Links,
        Field::Refpages,
    ];
    let groups = AllGroups {
        fields,
        records: records.collect(),
        any_rows,
    };
    Ok(groups.finish(asked, &[Field::DomainFrom, Field::DomainTo]))
}

/// What is counted of some backlinks.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    /// Rows of (folded anchor, refdomain).
    rows: u64,
    backlinks: u64,
    /// `None` where there is none yet.
    dates: Option<(CaptureTime, CaptureTime)>,
}

impl Counts {
    fn one(first_seen: CaptureTime, last_visited: CaptureTime) -> Self {
        Self {
            rows: 1,
            backlinks: 1,
            dates: Some((first_seen, last_visited)),
        }
    }

    fn add(&mut self, other: &Self) {
        self.rows += other.rows;
        self.backlinks = self.backlinks.saturating_add(other.backlinks);
        self.dates = match (self.dates, other.dates) {
            (Some((first, last)), Some((first2, last2))) => {
                Some((first.min(first2), last.max(last2)))
            }
            (known, None) | (None, known) => known,
        };
    }

    fn first_seen(&self) -> CaptureTime {
        self.dates
            .map_or(CaptureTime::from_unix(0), |(first, _)| first)
    }

    fn last_visited(&self) -> CaptureTime {
        self.dates
            .map_or(CaptureTime::from_unix(0), |(_, last)| last)
    }
}

/// Counts rows by refdomain.
struct Counting<'m> {
    counts: HashMap<u32, Counts>,
    memory: &'m SharedMemory,
}

impl<'m> Counting<'m> {
    fn new(memory: &'m SharedMemory) -> Self {
        Self {
            counts: HashMap::new(),
            memory,
        }
    }
}

impl RowVisitor for Counting<'_> {
    fn row(&mut self, row: &Row, _: &mut Texts<'_>) -> Result<bool, IndexError> {
        let known = self.counts.entry(row.refdomain).or_default();
        if known.rows == 0 {
            // As in `entry`.
            self.memory.take(3 * size_of::<(u32, Counts)>())?;
        }
        known.add(&Counts {
            rows: 1,
            backlinks: row.backlinks,
            dates: Some((row.first_seen, row.last_visited)),
        });
        Ok(true)
    }
}

/// What all parts counted of each refdomain, by its number.
fn by_refdomain(
    parts: Vec<Counting<'_>>,
    memory: &mut Memory,
) -> Result<HashMap<u32, Counts>, AnswerError> {
    let mut groups: HashMap<u32, Counts> = HashMap::new();
    for part in parts {
        for (refdomain, counts) in part.counts {
            entry(&mut groups, refdomain, memory, 0)?.add(&counts);
        }
    }
    Ok(groups)
}

/// Groups by refdomain, with its text, in the order of its number.
fn named(
    groups: HashMap<u32, Counts>,
    rows: &TargetRows,
    memory: &mut Memory,
) -> Result<Vec<(u32, Box<str>, Counts)>, AnswerError> {
    let mut groups: Vec<(u32, Counts)> = groups.into_iter().collect();
    // Ascending, which is how texts are read fastest.
    groups.sort_unstable_by_key(|(refdomain, _)| *refdomain);
    let mut texts = rows.texts()?;
    let mut named = Vec::with_capacity(groups.len());
    for (refdomain, counts) in groups {
        let text: Box<str> = texts.refdomain(refdomain)?.into();
        memory.take(text.len() + 128)?;
        named.push((refdomain, text, counts));
    }
    Ok(named)
}
