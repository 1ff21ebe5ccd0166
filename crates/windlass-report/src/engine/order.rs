//! The order of records that have cells of their own.

use std::cmp::Ordering;

use super::record::{OwnedCell, OwnedRecord, Record};
use crate::columns::{Direction, OrderKey};
use crate::table::Field;

/// The keys of `order_by`, as places of cells, with what is there.
pub(super) struct Order(Vec<(usize, Field, Direction)>);

impl Order {
    /// `fields` says what the cells of records are.
    pub(super) fn new(keys: &[OrderKey], fields: &[Field]) -> Self {
        Self(
            keys.iter()
                .filter_map(|key| {
                    let at = fields.iter().position(|field| *field == key.column.field)?;
                    Some((at, key.column.field, key.direction))
                })
                .collect(),
        )
    }

    /// Strings compare by bytes (R19); what is missing comes first.
    pub(super) fn compare(&self, a: &OwnedRecord, b: &OwnedRecord) -> Ordering {
        self.0
            .iter()
            .map(|(at, _, direction)| directed(a.0.get(*at).cmp(&b.0.get(*at)), *direction))
            .find(|ordering| ordering.is_ne())
            .unwrap_or(Ordering::Equal)
    }

    /// The same, of a record with one that has cells of its own.
    pub(super) fn compare_with(
        &self,
        record: &(impl Record + ?Sized),
        other: &OwnedRecord,
    ) -> Ordering {
        self.0
            .iter()
            .map(|(at, field, direction)| {
                let ordering = match other.0.get(*at) {
                    Some(owned) => OwnedCell::compare_from(record.cell(*field), owned),
                    None => Ordering::Greater,
                };
                directed(ordering, *direction)
            })
            .find(|ordering| ordering.is_ne())
            .unwrap_or(Ordering::Equal)
    }
}

const fn directed(ordering: Ordering, direction: Direction) -> Ordering {
    match direction {
        Direction::Ascending => ordering,
        Direction::Descending => ordering.reverse(),
    }
}
