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

/// Rel bytes lie below this; the last byte of an alt hardly ever does.
const REL_END: u8 = 0x20;
const _: () = assert!(Rel::from_bits(u8::MAX).bits() < REL_END);

/// Appends an attr: the alt, and behind it the rel byte where there is any. So the attrs without an alt, which most links
/// have, are the first ones of a list, and their numbers take a few bits.
pub(crate) fn put_attr(rel: Rel, alt: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(alt);
    let is_told = alt.last().is_none_or(|last| *last >= REL_END);
    if rel.bits() != 0 || !is_told {
        out.push(rel.bits());
    }
}

/// Rel and alt of an attr.
pub(crate) fn split_attr(attr: &[u8]) -> (Rel, &[u8]) {
    match attr.split_last() {
        Some((rel, alt)) if *rel < REL_END => (Rel::from_bits(*rel), alt),
        _ => (Rel::NONE, attr),
    }
}

/// The attr of two copies of a link: rel by R12, the smallest alt that is not empty. Commutative,
/// associative, idempotent.
pub(crate) fn unite_attrs(a: &[u8], b: &[u8]) -> Vec<u8> {
    let ((rel_a, alt_a), (rel_b, alt_b)) = (split_attr(a), split_attr(b));
    let alt = match (alt_a.is_empty(), alt_b.is_empty()) {
        (true, _) => alt_b,
        (_, true) => alt_a,
        _ => alt_a.min(alt_b),
    };
    let mut united = Vec::new();
    put_attr(rel_a.union(rel_b), alt, &mut united);
    united
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn attr(rel: u8, alt: &[u8]) -> Vec<u8> {
        let mut attr = Vec::new();
        put_attr(Rel::from_bits(rel), alt, &mut attr);
        attr
    }

    proptest! {
        #[test]
        fn attrs_are_told_apart(
            rel in 0u8..32,
            alt in prop_oneof!["[a-c]{0,3}", "[a-b\u{0}-\u{2}\u{1f} ]{0,4}", any::<String>()],
        ) {
            let attr = attr(rel, alt.as_bytes());
            prop_assert_eq!(split_attr(&attr), (Rel::from_bits(rel), alt.as_bytes()));
            prop_assert!(attr.len() <= alt.len() + 1);
        }
    }

    #[test]
    fn without_an_alt_they_come_first() {
        assert!(attr(0, b"").is_empty());
        assert!(attr(0, b"") < attr(31, b""));
        assert!(attr(31, b"") < attr(0, b" "));
        assert_eq!(
            unite_attrs(&attr(1, b"b"), &attr(0, b"")),
            attr(16 | 1, b"b")
        );
        assert_eq!(unite_attrs(&attr(1, b""), &attr(1, b"a")), attr(1, b"a"));
    }
}
