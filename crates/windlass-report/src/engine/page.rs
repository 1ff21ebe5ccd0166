//! The groups between `offset` and `offset + limit` of an order, in bounded memory (R19).

use std::cmp::Ordering;

use crate::columns::{Direction, OrderKey};
use crate::filter::Subject;
use crate::query::Query;
use crate::report::Group;
use crate::table::Field;

/// Collects the groups of one page out of all, which come in the order of anchors.
///
/// Without `order_by` that is the order already, and nothing outside the page is kept. With it, at
/// most `2 × (offset + limit)` groups are kept: whenever there are so many, the worse half goes. Each
/// group costs constant time on average.
pub(super) struct Page<'a> {
    order: &'a [OrderKey],
    offset: usize,
    limit: usize,
    kept: Vec<Group>,
    groups_total: u64,
}

impl<'a> Page<'a> {
    pub(super) fn new(query: &'a Query) -> Self {
        Self {
            order: &query.order_by,
            offset: usize::try_from(query.offset).unwrap_or(usize::MAX),
            limit: query.limit as usize,
            kept: Vec::new(),
            groups_total: 0,
        }
    }

    pub(super) fn add(&mut self, group: Group) {
        let position = self.groups_total;
        self.groups_total += 1;
        if self.limit == 0 {
            return;
        }
        if self.order.is_empty() {
            if position >= self.offset as u64 && self.kept.len() < self.limit {
                self.kept.push(group);
            }
            return;
        }
        let wanted = self.offset.saturating_add(self.limit);
        if self.kept.len() >= wanted.saturating_mul(2) {
            let order = self.order;
            self.kept
                .select_nth_unstable_by(wanted - 1, |a, b| compare(order, a, b));
            self.kept.truncate(wanted);
        }
        self.kept.push(group);
    }

    /// The page, and the number of all groups.
    pub(super) fn finish(mut self) -> (Vec<Group>, u64) {
        if !self.order.is_empty() {
            let order = self.order;
            self.kept.sort_unstable_by(|a, b| compare(order, a, b));
            self.kept.truncate(self.offset.saturating_add(self.limit));
            self.kept.drain(..self.offset.min(self.kept.len()));
        }
        (self.kept, self.groups_total)
    }
}

/// The named keys in turn, then the anchor: no two groups are equal (R19).
fn compare(order: &[OrderKey], a: &Group, b: &Group) -> Ordering {
    order
        .iter()
        .map(|key| {
            let ordering = rank(a, key.column.field).cmp(&rank(b, key.column.field));
            match key.direction {
                Direction::Ascending => ordering,
                Direction::Descending => ordering.reverse(),
            }
        })
        .find(|ordering| ordering.is_ne())
        .unwrap_or_else(|| a.anchor.cmp(&b.anchor))
}

/// A number that orders groups as the column does. Anchors are numbered in byte order.
fn rank(group: &Group, field: Field) -> u64 {
    match field {
        Field::Anchor => group.anchor.into(),
        field => group
            .integer(field)
            .or_else(|| Some(group.date(field)?.unix().into()))
            .unwrap_or_default(),
    }
}
