//! What many links have in common and are ordered by first: their pages, targets or anchors. Each is read
//! once, in the order of the index; which of them can be in a window follows from how many links have them.

use std::cmp::Ordering;
use std::collections::HashMap;

use windlass_index::{Glances, LinkPart, ReadPart};

use super::AnswerError;
use super::order::Order;
use super::record::{OwnedRecord, Record};
use super::sources::Asked;
use super::window::Placed;
use crate::query::Query;
use crate::report::Cell;
use crate::table::Field;

/// What a page tells of its links.
const OF_PAGE: [Field; 6] = [
    Field::UrlFrom,
    Field::Refdomain,
    Field::Title,
    Field::HttpCode,
    Field::LinksInternal,
    Field::LinksExternal,
];

/// The part of links that has a field.
pub(super) fn part_of(field: Field) -> Option<LinkPart> {
    match field {
        Field::UrlTo => Some(LinkPart::Target),
        Field::Anchor => Some(LinkPart::Anchor),
        field => OF_PAGE.contains(&field).then_some(LinkPart::Page),
    }
}

/// The part that tells by what the links are ordered first. `None` where that is no part's; a second part
/// is not told then either.
pub(super) fn first_part(query: &Query) -> Option<LinkPart> {
    part_of(query.order_by.first()?.column.field)
}

/// A part, as a record.
pub(super) struct PartRecord<'a>(pub(super) ReadPart<'a>);

impl Record for PartRecord<'_> {
    fn cell(&self, field: Field) -> Cell<'_> {
        match self.0 {
            ReadPart::Page(page) => page.cell(field),
            ReadPart::Text(text) => Cell::Text(text),
        }
    }
}

/// The parts of those links that can be in a window, by their numbers: what orders links with them.
#[derive(Default)]
pub(super) struct Parts {
    /// The fields of the cells.
    pub(super) fields: Vec<Field>,
    cells: HashMap<u32, OwnedRecord>,
}

impl Parts {
    /// What orders links that have a part; `None` where they come behind the window, or before it.
    pub(super) fn cells(&self, part: u32) -> Option<&OwnedRecord> {
        self.cells.get(&part)
    }
}

/// Chooses the parts of the first rows behind one.
pub(super) struct Choice<'a> {
    pub(super) asked: Asked<'a>,
    pub(super) part: LinkPart,
    pub(super) after: Option<&'a Placed>,
    pub(super) rows_max: u64,
}

impl Choice<'_> {
    /// From how many rows have each part, by its number. The parts chosen have `rows_max` rows at least behind
    /// that one; for want of memory fewer, but one.
    pub(super) fn of(&self, glances: &Glances<'_>, rows: &[u32]) -> Result<Parts, AnswerError> {
        let Asked {
            query,
            cancel,
            limits,
        } = self.asked;
        let parts: Vec<u32> = (0u32..)
            .zip(rows)
            .filter_map(|(number, rows)| (*rows > 0).then_some(number))
            .collect();
        let of_part = query.order_by.iter().map(|key| key.column.field);
        let fields: Vec<Field> = of_part
            .filter(|field| part_of(*field) == Some(self.part))
            .collect();
        let first = query.order_by.get(..1).unwrap_or_default();
        let order = Order::new(first, &fields);
        // What orders a row before all else is its first cell, as it is that of a part.
        let after = self.after.map(|(record, _)| record);
        let mut candidates = Candidates {
            order: &order,
            rows_max: self.rows_max,
            bytes_max: limits.kept_bytes_max.saturating_mul(8),
            kept: Vec::new(),
            rows: 0,
            bytes: 0,
            worst: None,
        };
        // Where there are twice as many, the worse ones go. Where many are level, that takes little away.
        let (mut rows_limit, mut bytes_limit) = (0, 0);
        glances.for_each_part(self.part, &parts, cancel, |number, part| {
            let links = rows.get(number as usize).copied().unwrap_or_default();
            let record = PartRecord(part);
            let beside = |row: &OwnedRecord| order.compare_with(&record, row);
            let (worst, after) = (candidates.worst.as_ref().map(beside), after.map(beside));
            if worst.is_some_and(Ordering::is_gt) || after.is_some_and(Ordering::is_lt) {
                return Ok::<_, AnswerError>(());
            }
            // Of a part that is level with the row before the window, none of its links may be behind that.
            let links = match after {
                Some(Ordering::Equal) => 0,
                _ => links.into(),
            };
            candidates.add(number, links, OwnedRecord::of_fields(&record, &fields));
            if candidates.rows > rows_limit || candidates.bytes > bytes_limit {
                candidates.cut();
                rows_limit = candidates.rows.max(self.rows_max).saturating_mul(2);
                bytes_limit = candidates.bytes.max(candidates.bytes_max).saturating_mul(2);
            }
            Ok(())
        })?;
        candidates.cut();
        let cells = candidates.kept.into_iter();
        let cells = cells
            .map(|candidate| (candidate.number, candidate.cells))
            .collect();
        Ok(Parts { fields, cells })
    }
}

/// A part that can be in the window.
struct Candidate {
    number: u32,
    links: u64,
    cells: OwnedRecord,
}

impl Candidate {
    fn bytes(&self) -> usize {
        size_of::<Self>() + self.cells.memory()
    }
}

/// The parts that come first.
struct Candidates<'a> {
    order: &'a Order,
    rows_max: u64,
    bytes_max: usize,
    kept: Vec<Candidate>,
    /// How many links they have, and their bytes.
    rows: u64,
    bytes: usize,
    /// Once something was dropped, the last that was not: what comes behind it is not kept.
    worst: Option<OwnedRecord>,
}

impl Candidates<'_> {
    fn add(&mut self, number: u32, links: u64, cells: OwnedRecord) {
        let candidate = Candidate {
            number,
            links,
            cells,
        };
        self.rows = self.rows.saturating_add(links);
        self.bytes = self.bytes.saturating_add(candidate.bytes());
        self.kept.push(candidate);
    }

    /// Drops what comes behind as many rows as are wanted, or fit, and is not level with them.
    fn cut(&mut self) {
        let order = self.order;
        self.kept
            .sort_unstable_by(|a, b| order.compare(&a.cells, &b.cells));
        let (mut rows, mut bytes) = (0u64, 0usize);
        let last = self.kept.iter().find(|candidate| {
            rows = rows.saturating_add(candidate.links);
            bytes = bytes.saturating_add(candidate.bytes());
            rows > 0 && (rows >= self.rows_max || bytes >= self.bytes_max)
        });
        let Some(worst) = last.map(|candidate| candidate.cells.clone()) else {
            return;
        };
        let is_kept = |candidate: &Candidate| order.compare(&candidate.cells, &worst).is_le();
        let end = self.kept.partition_point(is_kept);
        if end < self.kept.len() {
            self.kept.truncate(end);
            self.rows = self.kept.iter().map(|candidate| candidate.links).sum();
            self.bytes = self.kept.iter().map(Candidate::bytes).sum();
            self.worst = Some(worst);
        }
    }
}
