//! What the pictures of a report show: anchors by kind, referring domains by top-level domain, and when
//! anchors came and went.

mod counting;
mod timeline;

pub use counting::summarise;
pub use timeline::{SPANS_MAX, Timeline, TimelineSpan, TimelineUnit, timeline};

use crate::kind::AnchorKind;

/// Counts of the rows (R15) of a query that pass its `where`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// One for each kind, in the order of [`AnchorKind::ALL`].
    pub kinds: [KindCount; 5],
    /// One for each top-level domain that there is, those with most referring domains first; among equals, by
    /// name.
    pub tlds: Vec<TldCount>,
}

/// What has anchors of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KindCount {
    /// The kind.
    pub kind: AnchorKind,
    /// Number of folded anchors.
    pub anchors: u64,
    /// Number of backlinks with them.
    pub backlinks: u64,
    /// Number of referring domains that use one of them; a domain may use several kinds.
    pub refdomains: u64,
}

/// What comes from one top-level domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TldCount {
    /// What `subdomain(refdomain,"…")` finds them by: the last label, in ASCII, with a dot behind it where the
    /// hosts have one there. [`IP_ADDRESS`] for IP addresses.
    pub tld: String,
    /// Number of referring domains.
    pub refdomains: u64,
    /// Number of backlinks from them.
    pub backlinks: u64,
}

/// The name of what has no top-level domain.
pub const IP_ADDRESS: &str = "IP address";
