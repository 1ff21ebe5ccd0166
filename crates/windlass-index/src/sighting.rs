//! Sightings: one link, seen in one capture. What runs collect and merges unite.

use windlass_links::Rel;

use crate::intern::Interner;

/// A link as one capture of its page shows it. Numbers are those of some [`Dictionaries`].
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
    /// Read from a WAT.
    pub(crate) wat: bool,
}

impl Sighting {
    /// The order of a site block.
    pub(crate) fn key(&self) -> (u32, bool, u32, u32, u32) {
        (self.url, self.other, self.form, self.page, self.time)
    }

    pub(crate) fn same_link(&self, other: &Self) -> bool {
        (self.url, self.other, self.form, self.page)
            == (other.url, other.other, other.form, other.page)
    }
}

/// What the numbers in sightings mean. Numbers of urls and forms are in the block's order.
pub(crate) struct Dictionaries<'a> {
    pub(crate) urls: &'a dyn Fn(u32) -> &'a [u8],
    pub(crate) forms: &'a dyn Fn(u32) -> &'a [u8],
    pub(crate) attrs: &'a Interner,
}

impl<'a> Dictionaries<'a> {
    /// The SURT key of a target.
    pub(crate) fn url(&self, number: u32) -> &'a [u8] {
        (self.urls)(number)
    }

    /// An anchor as written.
    pub(crate) fn form(&self, number: u32) -> &'a [u8] {
        (self.forms)(number)
    }

    /// A rel byte, then the alt.
    pub(crate) fn attr(&self, number: u32) -> &'a [u8] {
        self.attrs.get(number)
    }
}

/// Sorts sightings and unites those of one link at one time (R12).
pub(crate) fn combine(sightings: &mut Vec<Sighting>, attrs: &mut Interner) {
    sightings.sort_unstable_by_key(Sighting::key);
    sightings.dedup_by(|later, kept| {
        let same = later.key() == kept.key();
        if same && later.attr != kept.attr {
            let united = unite_attrs(attrs.get(kept.attr), attrs.get(later.attr));
            kept.attr = attrs.intern(&united).0;
        }
        same
    });
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
