//! Sightings: one link, seen in one capture.

use windlass_links::Rel;

/// A link as one capture of its page shows it. Numbers are those of the block that it is read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sighting {
    pub(crate) url: u32,
    /// Number of the anchor as written; for links other than `href` the link type.
    pub(crate) form: u32,
    pub(crate) page: u32,
    pub(crate) time: u32,
    /// Number of (rel, alt).
    pub(crate) attr: u32,
    /// Not an `href` link.
    pub(crate) other: bool,
}

/// The attr of two copies of a link: rel by R12, the smallest alt that is not empty. Commutative,
/// associative, idempotent.
pub(crate) fn unite_attrs(a: &[u8], b: &[u8]) -> Vec<u8> {
    let (rel_a, alt_a) = a.split_first().unwrap_or((&0, &[]));
    let (rel_b, alt_b) = b.split_first().unwrap_or((&0, &[]));
    let rel = Rel::from_bits(*rel_a).union(Rel::from_bits(*rel_b));
    let alt = match (alt_a.is_empty(), alt_b.is_empty()) {
        (true, _) => alt_b,
        (_, true) => alt_a,
        _ => alt_a.min(alt_b),
    };
    let mut united = vec![rel.bits()];
    united.extend_from_slice(alt);
    united
}
