//! When something of a site is worth decoding whole, to be kept.

use std::collections::HashMap;
use std::sync::Mutex;

use super::lock;

/// When something of a site is worth decoding whole: because of what was looked up of it before, here and
/// there, or because most of it is to be looked up at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Worth {
    /// When an eighth of it was looked up.
    AfterSome,
    /// When as much was looked up as there is: where looking things up costs little.
    AfterAll,
}

/// Decoding everything costs no more than looking up one in so many.
const WORTH_AT_ONCE: usize = 2;
/// So much was looked up in sites of which nothing is to be kept.
const NEVER: usize = usize::MAX;
/// Of how many sites it is known how much was looked up.
const SITES_KNOWN_MAX: usize = 1 << 12;

/// How much was looked up in sites of which nothing is kept.
#[derive(Debug, Default)]
pub(crate) struct LookedUp(Mutex<HashMap<Vec<u8>, usize>>);

impl LookedUp {
    /// Whether all that a site has, so many things, is worth decoding, now that so many more are to be
    /// looked up.
    pub(crate) fn is_worth(&self, site_key: &[u8], more: usize, all: usize, worth: Worth) -> bool {
        let mut looked_up = lock(&self.0);
        let sum = match looked_up.get_mut(site_key) {
            Some(sum) => sum,
            None => {
                if looked_up.len() >= SITES_KNOWN_MAX {
                    looked_up.clear();
                }
                looked_up.entry(site_key.to_owned()).or_default()
            }
        };
        if *sum == NEVER {
            return false;
        }
        let enough = match worth {
            Worth::AfterSome => all / 8,
            Worth::AfterAll => all,
        };
        let is_worth = *sum > enough || more > all / WORTH_AT_ONCE;
        *sum = sum.saturating_add(more).min(NEVER - 1);
        if is_worth {
            looked_up.remove(site_key);
        }
        is_worth
    }

    /// Whether nothing of that site is to be kept.
    pub(crate) fn is_never(&self, site_key: &[u8]) -> bool {
        lock(&self.0).get(site_key) == Some(&NEVER)
    }

    /// Nothing of that site is to be kept, however much is looked up.
    pub(crate) fn never(&self, site_key: &[u8]) {
        let mut looked_up = lock(&self.0);
        looked_up.insert(site_key.to_owned(), NEVER);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_again_and_again_is_worth_its_while() {
        let looked_up = LookedUp::default();
        let ask = |key: &[u8], more| looked_up.is_worth(key, more, 800, Worth::AfterSome);
        assert!(!ask(b"a", 101));
        assert!(!ask(b"b", 60));
        assert!(ask(b"a", 1));
        // From the beginning.
        assert!(!ask(b"a", 50));
        assert!(!ask(b"b", 60));
        assert!(ask(b"b", 1));
        // So much at once that reading all takes no longer.
        assert!(!ask(b"c", 400));
        assert!(ask(b"d", 401));
        let ask_cheaply = |key: &[u8], more| looked_up.is_worth(key, more, 800, Worth::AfterAll);
        assert!(!ask_cheaply(b"e", 400));
        assert!(!ask_cheaply(b"e", 400));
        assert!(!ask_cheaply(b"e", 1));
        assert!(ask_cheaply(b"e", 1));
        assert!(!looked_up.is_never(b"c"));
        looked_up.never(b"c");
        assert!(looked_up.is_never(b"c"));
        assert!(!ask(b"c", usize::MAX));
    }
}
