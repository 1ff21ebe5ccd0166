//! What is kept in memory for the questions that come, within one bound for all of it.

mod making;
mod worth;

use std::any::Any;
use std::borrow::Borrow;
use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use hashlink::LruCache;

use making::Making;
pub(crate) use worth::{LookedUp, Worth};

/// What says how much room it takes.
pub(crate) trait Memory {
    /// Bytes of memory, about.
    fn memory(&self) -> usize;
}

/// Bytes that are kept where nothing else is said.
const BYTES_MAX: usize = 512 << 20;

/// The memory in which what questions decode, and what their answers are made of, is kept for the next ones: one for
/// all segments of an index, and for what is known of several together. What was used longest ago goes
/// first, whatever it is. Copies are the same memory.
#[derive(Debug, Clone)]
pub struct KeptMemory(Arc<Pool>);

struct Pool {
    bytes_max: usize,
    bytes: AtomicUsize,
    /// Counts uses, so that they can be told apart by age.
    uses: AtomicU64,
    caches: Mutex<Vec<Weak<dyn Forgets>>>,
}

/// A cache, whatever it holds.
trait Forgets: Send + Sync {
    /// When that was used which was used longest ago.
    fn oldest(&self) -> Option<u64>;
    /// Keeps that no longer, and gives it to the caller, who frees it.
    fn forget_oldest(&self) -> Option<Forgotten>;
}

/// What is no longer kept, whatever it is: freed where nobody asks about it.
type Forgotten = Arc<dyn Any + Send + Sync>;

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("bytes_max", &self.bytes_max)
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}

impl Default for KeptMemory {
    /// Half a gibibyte.
    fn default() -> Self {
        Self::new(BYTES_MAX)
    }
}

impl KeptMemory {
    /// So many bytes at most; 0 keeps nothing.
    #[must_use]
    pub fn new(bytes_max: usize) -> Self {
        Self(Arc::new(Pool {
            bytes_max,
            bytes: AtomicUsize::new(0),
            uses: AtomicU64::new(0),
            caches: Mutex::default(),
        }))
    }

    /// How many bytes are kept at most.
    #[must_use]
    pub fn bytes_max(&self) -> usize {
        self.0.bytes_max
    }

    /// How many bytes are kept now.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.0.bytes.load(Ordering::Relaxed)
    }
}

impl Pool {
    fn next_use(&self) -> u64 {
        self.uses.fetch_add(1, Ordering::Relaxed)
    }

    /// Lets go what was used longest ago, in whichever cache, until the rest fits.
    fn make_room(&self) {
        if self.bytes.load(Ordering::Relaxed) <= self.bytes_max {
            return;
        }
        // Both are freed when this returns, without the lock: there may be hundreds of megabytes of what is forgotten,
        // and of a cache whose segment goes meanwhile, and whoever keeps something would wait for it.
        let (mut forgotten, mut alive) = (Vec::new(), Vec::new());
        let caches = lock(&self.caches);
        alive.extend(caches.iter().filter_map(Weak::upgrade));
        while self.bytes.load(Ordering::Relaxed) > self.bytes_max {
            let oldest = alive
                .iter()
                .filter_map(|cache| Some((cache.oldest()?, cache)));
            match oldest.min_by_key(|(used, _)| *used) {
                Some((_, cache)) => forgotten.extend(cache.forget_oldest()),
                None => break,
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The things of one kind used last, as many as fit into the memory that is shared with others.
pub(crate) struct Cache<K, T>(Arc<Shelf<K, T>>);

struct Shelf<K, T> {
    pool: Arc<Pool>,
    entries: Mutex<LruCache<K, Entry<T>>>,
    /// What is being made.
    making: Mutex<HashMap<K, Arc<Making<T>>>>,
}

struct Entry<T> {
    bytes: usize,
    used: u64,
    thing: Arc<T>,
}

impl<K, T> fmt::Debug for Cache<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Cache").field(&self.0.pool).finish()
    }
}

impl<K, T> Cache<K, T>
where
    K: Hash + Eq + Send + 'static,
    T: Memory + Send + Sync + 'static,
{
    pub(crate) fn new(memory: &KeptMemory) -> Self {
        let shelf = Arc::new(Shelf {
            pool: Arc::clone(&memory.0),
            entries: Mutex::new(LruCache::new_unbounded()),
            making: Mutex::default(),
        });
        let as_any = Arc::downgrade(&shelf);
        let mut caches = lock(&memory.0.caches);
        // Those of segments that are gone.
        caches.retain(|cache| cache.strong_count() > 0);
        caches.push(as_any);
        Self(shelf)
    }

    /// What is kept under a key.
    pub(crate) fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<Arc<T>>
    where
        K: Borrow<Q>,
    {
        let mut entries = lock(&self.0.entries);
        let entry = entries.get_mut(key)?;
        entry.used = self.0.pool.next_use();
        Some(Arc::clone(&entry.thing))
    }

    /// Keeps a thing, and lets those go that were used longest ago. One that is too large is not kept.
    pub(crate) fn put(&self, key: K, thing: &Arc<T>) {
        // What an entry takes beside it.
        let bytes = thing.memory() + size_of::<Entry<T>>() + size_of::<T>() + 4 * size_of::<K>();
        let pool = &self.0.pool;
        if bytes > pool.bytes_max {
            return;
        }
        let before = {
            let mut entries = lock(&self.0.entries);
            pool.bytes.fetch_add(bytes, Ordering::Relaxed);
            let entry = Entry {
                bytes,
                used: pool.next_use(),
                thing: Arc::clone(thing),
            };
            entries.insert(key, entry)
        };
        // Freed without the lock.
        if let Some(before) = before {
            pool.bytes.fetch_sub(before.bytes, Ordering::Relaxed);
        }
        pool.make_room();
    }
}

impl<K: Hash + Eq + Send, T: Send + Sync + 'static> Forgets for Shelf<K, T> {
    fn oldest(&self) -> Option<u64> {
        let entries = lock(&self.entries);
        entries.iter().next().map(|(_, entry)| entry.used)
    }

    fn forget_oldest(&self) -> Option<Forgotten> {
        let (_, entry) = lock(&self.entries).remove_lru()?;
        self.pool.bytes.fetch_sub(entry.bytes, Ordering::Relaxed);
        Some(entry.thing)
    }
}

impl<K, T> Drop for Shelf<K, T> {
    fn drop(&mut self) {
        let entries = self.entries.get_mut();
        let entries = entries.unwrap_or_else(PoisonError::into_inner);
        let bytes = entries.iter().map(|(_, entry)| entry.bytes).sum();
        self.pool.bytes.fetch_sub(bytes, Ordering::Relaxed);
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
        let memory = KeptMemory::new(4000);
        let cache = Cache::<u8, Vec<u8>>::new(&memory);
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
        cache.put(4, &bytes(1250));
        assert_eq!([1, 3, 4].map(kept), [Some(1200), Some(1200), Some(1250)]);
        // One that does not fit goes by, one that fills all is alone.
        cache.put(5, &bytes(4001));
        assert_eq!([1, 5].map(kept), [Some(1200), None]);
        cache.put(5, &bytes(3900));
        assert_eq!([1, 3, 4, 5].map(kept), [None, None, None, Some(3900)]);
        assert!(memory.bytes() > 3900 && memory.bytes() <= 4000);
    }

    #[test]
    fn caches_of_one_memory_make_room_for_each_other() {
        let memory = KeptMemory::new(4000);
        let numbers = Cache::<u8, Vec<u8>>::new(&memory);
        let names = Cache::<Vec<u8>, Vec<u8>>::new(&memory);
        let kept = || {
            let a = [1, 2].map(|key: u8| lock(&numbers.0.entries).contains_key(&key));
            let b = ["x", "y"].map(|key| lock(&names.0.entries).contains_key(key.as_bytes()));
            (a, b)
        };
        numbers.put(1, &bytes(1100));
        names.put(b"x".to_vec(), &bytes(1100));
        numbers.put(2, &bytes(1100));
        assert!(numbers.get(&1).is_some());
        names.put(b"y".to_vec(), &bytes(1100));
        assert_eq!(kept(), ([true, true], [false, true]));
        names.put(b"x".to_vec(), &bytes(1100));
        assert_eq!(kept(), ([true, false], [true, true]));
        // What one had is free when it goes.
        let before = memory.bytes();
        drop(names);
        assert!(memory.bytes() + 2 * 1100 <= before);
        drop(numbers);
        assert_eq!(memory.bytes(), 0);
    }

    /// Freed slowly, others would wait; being freed, it tells whether they would.
    struct Told {
        bytes: usize,
        memory: KeptMemory,
        shelf: Weak<Shelf<u8, Told>>,
        /// How many were freed, and how many of them while a lock was held.
        freed: Arc<[AtomicUsize; 2]>,
    }

    impl Memory for Told {
        fn memory(&self) -> usize {
            self.bytes
        }
    }

    impl Drop for Told {
        fn drop(&mut self) {
            let shelf = self.shelf.upgrade();
            let is_held = self.memory.0.caches.try_lock().is_err()
                || shelf.is_some_and(|shelf| shelf.entries.try_lock().is_err());
            let [freed, held] = &*self.freed;
            freed.fetch_add(1, Ordering::Relaxed);
            held.fetch_add(usize::from(is_held), Ordering::Relaxed);
        }
    }

    #[test]
    fn what_goes_is_freed_without_a_lock() {
        let memory = KeptMemory::new(4000);
        let cache = Cache::<u8, Told>::new(&memory);
        let freed = Arc::<[AtomicUsize; 2]>::default();
        let put = |key, bytes| {
            let thing = Told {
                bytes,
                memory: memory.clone(),
                shelf: Arc::downgrade(&cache.0),
                freed: Arc::clone(&freed),
            };
            cache.put(key, &Arc::new(thing));
            freed.each_ref().map(|n| n.load(Ordering::Relaxed))
        };
        assert_eq!(put(1, 1000), [0, 0]);
        assert_eq!(put(2, 1000), [0, 0]);
        // One takes the place of another, then of all.
        assert_eq!(put(2, 1100), [1, 0]);
        assert_eq!(put(3, 3500), [3, 0]);
    }

    #[test]
    fn none_is_kept_in_no_memory() {
        let memory = KeptMemory::new(0);
        let cache = Cache::<u8, Vec<u8>>::new(&memory);
        cache.put(1, &bytes(0));
        assert!(cache.get(&1).is_none());
    }
}
