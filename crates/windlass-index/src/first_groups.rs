//! The first finished groups in each order, kept for the questions that follow.
//!
//! A page of ten anchors needs ten groups; in most orders, where they lie is only known after a look at the bounds
//! of all blocks. What stands first in an order of a range never changes: a segment is immutable.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, PoisonError, RwLock};

use crate::query::ReadyGroup;

/// How many orders are kept; beyond, all are forgotten.
const ORDERS_MAX: usize = 1 << 8;

/// An order of the groups of a range of a site's urls.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct GroupOrder {
    pub(crate) site_key: Vec<u8>,
    pub(crate) urls: Range<usize>,
    /// Number of a column.
    pub(crate) column: u8,
    pub(crate) is_ascending: bool,
}

/// What is known of an order.
#[derive(Debug, Clone)]
pub(crate) enum Known {
    /// Nobody asked for it.
    New,
    /// It was asked for once: who asks for it again may do so once more.
    Asked,
    /// Its first groups: all, or [`HEAD`](crate::ready::HEAD).
    First(First),
}

/// The first groups of an order.
#[derive(Debug, Clone)]
pub(crate) enum First {
    /// Where they are, where they are soon read.
    Places(Arc<[u32]>),
    /// Of a segment, where what is known of each lies anywhere.
    Groups(Arc<[ReadyGroup]>),
}

/// Up to 10 MiB of groups.
#[derive(Debug, Default)]
pub(crate) struct FirstGroups {
    orders: RwLock<HashMap<GroupOrder, Known>>,
}

impl FirstGroups {
    /// What was known of an order before; it counts as asked for now.
    pub(crate) fn ask(&self, order: &GroupOrder) -> Known {
        {
            let orders = self.orders.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(known) = orders.get(order) {
                return known.clone();
            }
        }
        self.put(order.clone(), Known::Asked);
        Known::New
    }

    /// Keeps the first groups.
    pub(crate) fn keep(&self, order: GroupOrder, first: First) {
        self.put(order, Known::First(first));
    }

    fn put(&self, order: GroupOrder, known: Known) {
        let mut orders = self.orders.write().unwrap_or_else(PoisonError::into_inner);
        if orders.len() >= ORDERS_MAX && !orders.contains_key(&order) {
            orders.clear();
        }
        orders.insert(order, known);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(first_url: usize) -> GroupOrder {
        GroupOrder {
            site_key: b"com\x02example".to_vec(),
            urls: first_url..first_url + 1,
            column: 0,
            is_ascending: true,
        }
    }

    #[test]
    fn an_order_is_new_then_asked_then_known() {
        let kept = FirstGroups::default();
        assert!(matches!(kept.ask(&order(0)), Known::New));
        assert!(matches!(kept.ask(&order(0)), Known::Asked));
        kept.keep(order(0), First::Places(Arc::from([3, 1])));
        let known = kept.ask(&order(0));
        assert!(matches!(known, Known::First(First::Places(places)) if *places == [3, 1]));
        assert!(matches!(kept.ask(&order(1)), Known::New));
    }

    #[test]
    fn no_more_than_so_many_are_kept() {
        let kept = FirstGroups::default();
        for url in 0..=ORDERS_MAX {
            kept.ask(&order(url));
        }
        assert!(matches!(kept.ask(&order(ORDERS_MAX)), Known::Asked));
        assert!(matches!(kept.ask(&order(0)), Known::New));
    }
}
