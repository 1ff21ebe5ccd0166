//! The first finished groups in each order, kept for the questions that follow.
//!
//! A page of ten anchors needs ten groups; in most orders, where they lie is only known after a look at the bounds
//! of all blocks. What stands first in an order of a range never changes: a segment is immutable.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use crate::cache::{Cache, KeptMemory, Memory};
use crate::query::ReadyGroup;

/// How many orders are remembered as asked for; beyond, all are forgotten.
const ORDERS_MAX: usize = 1 << 10;

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
    /// Nobody asked for it, or what is found is not kept.
    New,
    /// It was asked for once: who asks for it again may do so once more.
    Asked,
    /// Its first groups: all, or [`HEAD`](crate::ready::HEAD).
    First(Arc<First>),
}

/// The first groups of an order.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum First {
    /// Where they are, where they are soon read.
    Places(Arc<[u32]>),
    /// Of a segment, where what is known of each lies anywhere.
    Groups(Arc<[ReadyGroup]>),
}

impl Memory for First {
    fn memory(&self) -> usize {
        match self {
            Self::Places(places) => size_of_val(&**places),
            Self::Groups(groups) => size_of_val(&**groups),
        }
    }
}

/// The first groups of orders that were asked for.
#[derive(Debug)]
pub(crate) struct FirstGroups {
    asked: Mutex<HashSet<GroupOrder>>,
    kept: Kept,
}

/// Where they are kept.
#[derive(Debug)]
enum Kept {
    /// As long as the groups are: whoever keeps these counts them.
    Here(Mutex<HashMap<GroupOrder, Arc<First>>>),
    /// With all that is kept of segments.
    Shared(Cache<GroupOrder, First>),
    Nowhere,
}

impl Default for FirstGroups {
    /// Of groups that are kept themselves, in a few orders.
    fn default() -> Self {
        Self::kept(Kept::Here(Mutex::default()))
    }
}

impl FirstGroups {
    /// Of a segment's groups.
    pub(crate) fn shared(memory: &KeptMemory) -> Self {
        Self::kept(match memory.bytes_max() {
            0 => Kept::Nowhere,
            _ => Kept::Shared(Cache::new(memory)),
        })
    }

    fn kept(kept: Kept) -> Self {
        Self {
            asked: Mutex::default(),
            kept,
        }
    }

    /// What was known of an order before; it counts as asked for now.
    pub(crate) fn ask(&self, order: &GroupOrder) -> Known {
        let first = match &self.kept {
            Kept::Here(orders) => {
                let orders = orders.lock().unwrap_or_else(PoisonError::into_inner);
                orders.get(order).cloned()
            }
            Kept::Shared(orders) => orders.get(order),
            Kept::Nowhere => return Known::New,
        };
        if let Some(first) = first {
            return Known::First(first);
        }
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if asked.contains(order) {
            return Known::Asked;
        }
        if asked.len() >= ORDERS_MAX {
            asked.clear();
        }
        asked.insert(order.clone());
        Known::New
    }

    /// Keeps the first groups.
    pub(crate) fn keep(&self, order: GroupOrder, first: &Arc<First>) {
        match &self.kept {
            Kept::Here(orders) => {
                let mut orders = orders.lock().unwrap_or_else(PoisonError::into_inner);
                orders.insert(order, Arc::clone(first));
            }
            Kept::Shared(orders) => orders.put(order, first),
            Kept::Nowhere => {}
        }
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
        for kept in [
            FirstGroups::default(),
            FirstGroups::shared(&KeptMemory::default()),
        ] {
            assert!(matches!(kept.ask(&order(0)), Known::New));
            assert!(matches!(kept.ask(&order(0)), Known::Asked));
            let places = Arc::new(First::Places(Arc::from([3, 1])));
            kept.keep(order(0), &places);
            let known = kept.ask(&order(0));
            assert!(matches!(known, Known::First(first) if first == places));
            assert!(matches!(kept.ask(&order(1)), Known::New));
        }
    }

    #[test]
    fn so_many_orders_are_remembered() {
        let kept = FirstGroups::default();
        for url in 0..=ORDERS_MAX {
            kept.ask(&order(url));
        }
        assert!(matches!(kept.ask(&order(ORDERS_MAX)), Known::Asked));
        assert!(matches!(kept.ask(&order(0)), Known::New));
    }

    #[test]
    fn nothing_is_kept_where_nothing_may_be() {
        let kept = FirstGroups::shared(&KeptMemory::new(0));
        kept.keep(order(0), &Arc::new(First::Places(Arc::from([3]))));
        assert!(matches!(kept.ask(&order(0)), Known::New));
        assert!(matches!(kept.ask(&order(0)), Known::New));
    }
}
