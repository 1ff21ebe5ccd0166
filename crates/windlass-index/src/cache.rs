//! What is kept in memory for the questions that come, within a bound.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hashlink::LruCache;

/// What says how much room it takes.
pub(crate) trait Memory {
    /// Bytes of memory, about.
    fn memory(&self) -> usize;
}

/// The things used last, as many as fit.
pub(crate) struct Cache<K, T> {
    bytes_max: usize,
    kept: Mutex<Entries<K, T>>,
}

struct Entries<K, T> {
    all: LruCache<K, (usize, Arc<T>)>,
    bytes: usize,
}

impl<K, T> fmt::Debug for Cache<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache")
            .field("bytes_max", &self.bytes_max)
            .finish_non_exhaustive()
    }
}

impl<K: Hash + Eq, T: Memory> Cache<K, T> {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self {
            bytes_max,
            kept: Mutex::new(Entries {
                all: LruCache::new_unbounded(),
                bytes: 0,
            }),
        }
    }

    fn entries(&self) -> MutexGuard<'_, Entries<K, T>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is kept under a key.
    pub(crate) fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<Arc<T>>
    where
        K: Borrow<Q>,
    {
        let mut entries = self.entries();
        entries.all.get(key).map(|(_, thing)| Arc::clone(thing))
    }

    /// Keeps a thing, and lets those go that were used longest ago. One that is too large is not kept.
    pub(crate) fn put(&self, key: K, thing: &Arc<T>) {
        // What an entry takes beside it.
        let bytes = thing.memory() + size_of::<T>() + 4 * size_of::<K>();
        if bytes > self.bytes_max {
            return;
        }
        let mut entries = self.entries();
        if let Some((before, _)) = entries.all.insert(key, (bytes, Arc::clone(thing))) {
            entries.bytes -= before;
        }
        entries.bytes += bytes;
        while entries.bytes > self.bytes_max {
            match entries.all.remove_lru() {
                Some((_, (gone, _))) => entries.bytes -= gone,
                None => break,
            }
        }
    }
}

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
        let mut looked_up = self.0.lock().unwrap_or_else(PoisonError::into_inner);
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

    /// Nothing of that site is to be kept, however much is looked up.
    pub(crate) fn never(&self, site_key: &[u8]) {
        let mut looked_up = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        looked_up.insert(site_key.to_owned(), NEVER);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Memory for Vec<u8> {
        fn memory(&self) -> usize {
            self.capacity()
        }
    }

    fn bytes(n: usize) -> Arc<Vec<u8>> {
        Arc::new(Vec::with_capacity(n))
    }

    #[test]
    fn things_stay_within_the_bound_and_those_used_longest_ago_go_first() {
        let cache = Cache::<u8, Vec<u8>>::new(4000);
        let kept = |key: u8| cache.get(&key).map(|thing| thing.capacity());
        cache.put(1, &bytes(1200));
        cache.put(2, &bytes(1200));
        cache.put(3, &bytes(1200));
        assert_eq!(kept(1), Some(1200));
        cache.put(4, &bytes(1200));
        assert_eq!(
            [1, 2, 3, 4].map(kept),
            [Some(1200), None, Some(1200), Some(1200)]
        );
        // The same one again takes no more room.
        cache.put(4, &bytes(1300));
        assert_eq!([1, 3, 4].map(kept), [Some(1200), Some(1200), Some(1300)]);
        // One that does not fit goes by, one that fills all is alone.
        cache.put(5, &bytes(4001));
        assert_eq!([1, 5].map(kept), [Some(1200), None]);
        cache.put(5, &bytes(3900));
        assert_eq!([1, 3, 4, 5].map(kept), [None, None, None, Some(3900)]);
        assert!(cache.entries().bytes <= 4000);
    }

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
        looked_up.never(b"c");
        assert!(!ask(b"c", usize::MAX));
    }
}
