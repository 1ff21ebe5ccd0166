//! The order of records that have cells of their own.

use std::cmp::Ordering;

use super::record::OwnedRecord;
use crate::columns::{Direction, OrderKey};
use crate::table::Field;

/// The keys of `order_by`, as places of cells.
pub(super) struct Order(Vec<(usize, Direction)>);

impl Order {
    /// `fields` says what the cells of records are.
    pub(super) fn new(keys: &[OrderKey], fields: &[Field]) -> Self {
        Self(
            keys.iter()
                .filter_map(|key| {
                    let at = fields.iter().position(|field| *field == key.column.field)?;
                    Some((at, key.direction))
                })
                .collect(),
        )
    }

    /// Strings compare by bytes (R19); what is missing comes first.
    pub(super) fn compare(&self, a: &OwnedRecord, b: &OwnedRecord) -> Ordering {
        self.0
            .iter()
            .map(|(at, direction)| {
                let ordering = a.0.get(*at).cmp(&b.0.get(*at));
                match direction {
                    Direction::Ascending => ordering,
                    Direction::Descending => ordering.reverse(),
                }
            })
            .find(|ordering| ordering.is_ne())
            .unwrap_or(Ordering::Equal)
    }
}
