//! K4: what could stand on any link.

use std::collections::HashSet;
use std::sync::LazyLock;

use super::without_ends;

/// One phrase a line, ordered by bytes, folded; behind a tab, the languages that it is meant in.
pub(super) const LIST: &str = include_str!("../../../../data/generic-anchors.tsv");

static PHRASES: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    LIST.lines()
        .filter_map(|line| Some(line.split_once('\t')?.0))
        .collect()
});

/// Whether the anchor, without what is around it, is one of the phrases, or there is nothing but that.
pub(super) fn is_generic(anchor: &str) -> bool {
    let bare = without_ends(anchor);
    bare.is_empty() || PHRASES.contains(bare)
}
