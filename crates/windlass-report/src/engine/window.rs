//! The next rows of an order, as many as fit in bounded memory.

use std::cmp::Ordering;

use super::order::Order;
use super::record::{OwnedRecord, Record};

/// A row, and its place among all that pass, in the order of the index: what decides between equal ones.
pub(super) type Placed = (OwnedRecord, u64);

/// Takes rows in any order and keeps the first of them that come behind a given one.
pub(super) struct Window<'a> {
    order: &'a Order,
    after: Option<&'a Placed>,
    rows_max: u64,
    bytes_max: usize,
    kept: Vec<Placed>,
    bytes: usize,
    /// Once something was dropped, the last that was not: what comes behind it is not kept.
    worst: Option<Placed>,
}

impl<'a> Window<'a> {
    /// At most `rows_max` rows, and about `bytes_max` bytes, but at least one row; while it is filled, twice
    /// as much.
    pub(super) const fn new(
        order: &'a Order,
        after: Option<&'a Placed>,
        rows_max: u64,
        bytes_max: usize,
    ) -> Self {
        Self {
            order,
            after,
            rows_max,
            bytes_max,
            kept: Vec::new(),
            bytes: 0,
            worst: None,
        }
    }

    fn compare(&self, a: &Placed, b: &Placed) -> Ordering {
        self.order.compare(&a.0, &b.0).then_with(|| a.1.cmp(&b.1))
    }

    /// Whether a row that comes now would not be kept, as far as is known without a copy of it. Rows come in
    /// the order of the index, so that of equal ones a later one is behind.
    pub(super) fn drops(&self, record: &(impl Record + ?Sized)) -> bool {
        let is_behind = |worst: &Placed| self.order.compare_with(record, &worst.0).is_ge();
        self.worst.as_ref().is_some_and(is_behind)
    }

    pub(super) fn add(&mut self, row: Placed) {
        let is_before = |bound: &Placed, row: &Placed| self.compare(bound, row).is_lt();
        if self.rows_max == 0
            || self.after.is_some_and(|after| !is_before(after, &row))
            || self
                .worst
                .as_ref()
                .is_some_and(|worst| is_before(worst, &row))
        {
            return;
        }
        self.bytes += row.0.memory();
        self.kept.push(row);
        if self.bytes > 2 * self.bytes_max
            || self.kept.len() as u64 > self.rows_max.saturating_mul(2)
        {
            self.cut();
        }
    }

    /// Orders, and drops what is too much.
    fn cut(&mut self) {
        let mut kept = std::mem::take(&mut self.kept);
        kept.sort_unstable_by(|a, b| self.compare(a, b));
        let (mut bytes, mut rows) = (0, 0);
        for (record, _) in &kept {
            let more = record.memory();
            if rows > 0 && (rows as u64 >= self.rows_max || bytes + more > self.bytes_max) {
                break;
            }
            bytes += more;
            rows += 1;
        }
        if rows < kept.len() {
            kept.truncate(rows);
            self.worst = kept.last().cloned();
        }
        self.kept = kept;
        self.bytes = bytes;
    }

    /// The rows, in order.
    pub(super) fn finish(mut self) -> Vec<Placed> {
        self.cut();
        self.kept
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::columns::{Direction, OrderKey};
    use crate::engine::record::{Named, OwnedCell};
    use crate::table::{Field, PAGES};

    proptest! {
        /// Windows, one after the other, give all rows in order, whatever fits in one.
        #[test]
        fn windows_give_all_rows_in_order(
            texts in prop::collection::vec("[ab]{0,3}", 0..60),
            rows_max in 1u64..70,
            bytes_max in 1usize..4000,
            is_descending in any::<bool>(),
        ) {
            let column = PAGES.column("title").unwrap();
            let direction = match is_descending {
                true => Direction::Descending,
                false => Direction::Ascending,
            };
            let order = Order::new(&[OrderKey { column, direction }], &[Field::Title]);
            let rows: Vec<Placed> = (0u64..)
                .zip(&texts)
                .map(|(i, text)| (OwnedRecord(Box::new([OwnedCell::Text(text.as_str().into())])), i))
                .collect();
            let mut expected = rows.clone();
            expected.sort_by(|a, b| order.compare(&a.0, &b.0));
            let mut found: Vec<Placed> = Vec::new();
            loop {
                let after = found.last().cloned();
                let mut window = Window::new(&order, after.as_ref(), rows_max, bytes_max);
                for row in &rows {
                    let record = Named { fields: &[Field::Title], record: &row.0 };
                    if !window.drops(&record) {
                        window.add(row.clone());
                    }
                }
                let more = window.finish();
                if more.is_empty() {
                    break;
                }
                found.extend(more);
            }
            prop_assert_eq!(found, expected);
        }
    }
}
