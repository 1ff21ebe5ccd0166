//! An answer: one page of groups, with totals and cost.

use std::fmt;

use windlass_links::CaptureTime;

use crate::filter::Subject;
use crate::query::Query;
use crate::table::{Column, Field, Table, Total};

/// A group of rows: one folded anchor (R17).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group {
    /// The anchor's number in the [`TargetRows`](windlass_index::TargetRows), in byte order.
    pub anchor: u32,
    /// Number of backlinks.
    pub backlinks: u64,
    /// Number of distinct pages.
    pub refpages: u64,
    /// Number of referring domains.
    pub refdomains: u64,
    /// Earliest `first_seen`.
    pub first_seen: CaptureTime,
    /// Latest `last_visited`.
    pub last_visited: CaptureTime,
    /// The place of its anchor among those of the report.
    pub(crate) place: u32,
}

impl Subject for Group {
    fn integer(&self, field: Field) -> Option<u64> {
        match field {
            Field::Backlinks => Some(self.backlinks),
            Field::Refpages => Some(self.refpages),
            Field::Refdomains => Some(self.refdomains),
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

/// A value in an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell<'a> {
    /// A string.
    Text(&'a str),
    /// A number.
    Integer(u64),
    /// A moment.
    Date(CaptureTime),
    /// Yes or no.
    Boolean(bool),
    /// A value that the index does not have.
    Missing,
}

/// Numbers, dates and booleans as on the wire, strings bare, nothing for what is missing.
impl fmt::Display for Cell<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Integer(number) => number.fmt(f),
            Self::Date(time) => time.fmt(f),
            Self::Boolean(is_true) => is_true.fmt(f),
            Self::Missing => Ok(()),
        }
    }
}

/// Why an answer has no groups (R20).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Emptiness {
    /// The host occurs in the index, but no backlink that the request's `history` asks for leads to
    /// the target.
    NoBacklinks,
    /// The host occurs in the index, but no page of the target was captured.
    NoPages,
    /// Pages of the target were captured, and none has a link that the request's `history` asks for.
    NoLinks,
    /// There are backlinks, and `where` or `having` removed all of them.
    FilteredOut,
    /// The host occurs nowhere in the index, neither as a page's nor as a link target's.
    HostUnknown,
}

impl Emptiness {
    /// The keyword of the response header.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoBacklinks => "no-backlinks",
            Self::NoPages => "no-pages",
            Self::NoLinks => "no-links",
            Self::FilteredOut => "filtered",
            Self::HostUnknown => "host-unknown",
        }
    }
}

/// A sentence for people.
impl fmt::Display for Emptiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoBacklinks => "the index has no backlinks for this target",
            Self::NoPages => "the index has no captured page of this target",
            Self::NoLinks => "the captured pages of this target have no such links",
            Self::FilteredOut => "the filters removed everything",
            Self::HostUnknown => "this host is not in any crawl given to the index",
        })
    }
}

/// The anchors of the groups that are returned, in one buffer.
#[derive(Debug, Default)]
pub(crate) struct Anchors {
    pub(crate) text: String,
    /// Where each ends.
    pub(crate) ends: Vec<usize>,
}

impl Anchors {
    fn get(&self, place: u32) -> &str {
        let place = place as usize;
        let start = match place.checked_sub(1) {
            Some(before) => self.ends.get(before).copied(),
            None => Some(0),
        };
        let range = start.zip(self.ends.get(place).copied());
        let text = range.and_then(|(start, end)| self.text.get(start..end));
        text.unwrap_or_default()
    }
}

/// An answer.
#[derive(Debug)]
pub struct Report<'a> {
    pub(crate) table: &'static Table,
    pub(crate) select: &'a [&'static Column],
    pub(crate) anchors: Anchors,
    pub(crate) page: Vec<Group>,
    /// Whether groups that were wanted are left out at its end, because anchors take too much.
    pub(crate) is_cut: bool,
    pub(crate) groups_total: u64,
    pub(crate) backlinks: u64,
    pub(crate) refpages: u64,
    pub(crate) emptiness: Option<Emptiness>,
    pub(crate) query: &'a Query,
}

impl<'a> Report<'a> {
    /// The table that was asked.
    #[must_use]
    pub fn table(&self) -> &'static Table {
        self.table
    }

    /// The columns returned, in order.
    #[must_use]
    pub fn columns(&self) -> &'a [&'static Column] {
        self.select
    }

    /// The groups of the page, in order.
    #[must_use]
    pub fn groups(&self) -> &[Group] {
        &self.page
    }

    /// The selected columns of a group with their values. No string is copied.
    pub fn cells(&self, group: &Group) -> impl Iterator<Item = (&'static Column, Cell<'_>)> {
        let (anchors, group) = (&self.anchors, *group);
        self.select.iter().filter_map(move |column| {
            let cell = match column.field {
                Field::Anchor => Cell::Text(anchors.get(group.place)),
                field => match group.integer(field) {
                    Some(number) => Cell::Integer(number),
                    None => Cell::Date(group.date(field)?),
                },
            };
            Some((*column, cell))
        })
    }

    /// The anchor of a group.
    #[must_use]
    pub fn anchor(&self, group: &Group) -> &str {
        self.anchors.get(group.place)
    }

    /// How many results are returned: groups after `offset` and `limit`.
    #[must_use]
    pub fn results(&self) -> u64 {
        self.page.len() as u64
    }

    /// Leaves out groups from the first on.
    pub(crate) fn pass_over(&mut self, groups: u64) {
        let groups = usize::try_from(groups).unwrap_or(usize::MAX);
        self.page.drain(..groups.min(self.page.len()));
    }

    /// How many groups passed `having`, before `offset` and `limit`.
    #[must_use]
    pub fn groups_total(&self) -> u64 {
        self.groups_total
    }

    /// Backlinks in the rows that pass `where` (R18).
    #[must_use]
    pub fn backlinks(&self) -> u64 {
        self.backlinks
    }

    /// Distinct pages that carry one of them (R18).
    #[must_use]
    pub fn refpages(&self) -> u64 {
        self.refpages
    }

    /// The members of `stats`, in order.
    pub fn stats(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.table.stats.iter().map(|stat| {
            let value = match stat.total {
                Total::Backlinks => self.backlinks,
                Total::Refpages => self.refpages,
                Total::Results => self.groups_total,
            };
            (stat.name, value)
        })
    }

    /// Why no group passed; `None` where one did, whatever `offset` and `limit` left of them (R20).
    #[must_use]
    pub fn emptiness(&self) -> Option<Emptiness> {
        self.emptiness
    }

    /// What the answer costs, in account rows.
    #[must_use]
    pub fn rows_cost(&self) -> u64 {
        self.query.cost(self.results())
    }
}
