//! The definition of each table. A further table is one more of these, and its row source.

mod columns;
mod grouped;
mod links;
mod whole;
mod withheld;

use super::Prices;

pub(crate) use columns::FOLDED_ANCHOR;
pub use grouped::{ANCHORS, ANCHORS_REFDOMAINS, REFDOMAINS};
pub use links::{BACKLINKS, BACKLINKS_NEW_LOST, LINKED_ANCHORS, LINKED_DOMAINS};
pub use whole::{METRICS, PAGES, SUBSCRIPTION_INFO};

const PRICES: Prices = Prices {
    request: 1,
    five_results: 5,
    where_clause: 5,
    having_clause: 5,
};
