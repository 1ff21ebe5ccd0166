//! Fetching what lies anywhere in memory before it is needed.
//!
//! One access to memory that something waits for takes as long as some ten that nothing waits for. So what the
//! next entries of a list need is touched for many of them in loops without a branch, whose accesses the
//! processor makes side by side; then it is near.

use std::hint::black_box;
use std::ops::Range;

use crate::stretch::Stretch;

/// For so many entries at once: enough to wait side by side, and few enough that what was fetched is still near
/// when it is needed. 64 are as fast.
pub(crate) const AT_ONCE: usize = 256;

/// Bytes that come near together.
pub(crate) const LINE: usize = 64;

/// Up to where what the entries of a list need has been fetched.
#[derive(Debug, Default)]
pub(crate) struct Fetching {
    end: usize,
}

impl Fetching {
    /// The entries up to `end` come next, of so many: what is to be fetched now, where that is something. Of more
    /// than [`AT_ONCE`] that come together the first.
    #[inline]
    pub(crate) fn before(&mut self, entries: Range<usize>, of: usize) -> Option<Range<usize>> {
        (entries.end > self.end).then(|| {
            self.end = of.min(entries.start.saturating_add(AT_ONCE));
            entries.start..self.end
        })
    }
}

/// What is no longer is near after some accesses to it. Tests, whose data are short, fetch all.
const NEAR: usize = if cfg!(test) { 0 } else { 1 << 16 };

/// Whether so many bytes are worth fetching from, here and there.
pub(crate) const fn is_far(bytes: usize) -> bool {
    bytes > NEAR
}

/// Fetches bytes of a stretch from some positions on.
#[inline]
pub(crate) fn fetch(stretch: &Stretch<'_>, positions: impl Iterator<Item = usize>) {
    black_box(positions.fold(0, |all, at| all ^ stretch.touch(at)));
}

/// The same; and what may have to be read from the disk is asked of it, all at once.
pub(crate) fn fetch_or_ask(stretch: &Stretch<'_>, positions: impl Iterator<Item = usize> + Clone) {
    if is_far(stretch.len()) {
        stretch.will_need(positions.clone());
        fetch(stretch, positions);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_is_fetched_before_it_comes_unless_too_much_comes_together() {
        let mut fetching = Fetching::default();
        let mut fetched = 0..0;
        for entries in [0..1, 1..200, 200..300, 300..1000, 1000..1001, 1001..1002] {
            if let Some(now) = fetching.before(entries.clone(), 1002) {
                assert_eq!(now.start, entries.start);
                fetched = now;
            }
            assert!(fetched.start <= entries.start && fetched.end > entries.start);
            assert!(fetched.end >= entries.end || entries.len() > AT_ONCE);
        }
        assert_eq!(fetched, 1000..1002);
    }
}
