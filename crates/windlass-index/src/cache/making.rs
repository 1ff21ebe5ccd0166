//! What several want at once is made by one of them.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::{Cache, Memory, Shelf, lock};
use crate::error::{IndexError, check};

impl<T: Memory + Send + Sync + 'static> Cache<Vec<u8>, T> {
    /// What is kept under a key, or else is made now, to be kept. One who wants what another makes waits for it, and has
    /// it even if there is no room to keep it; where making fails, the next one tries.
    pub(crate) fn get_or_make<E: From<IndexError>>(
        &self,
        key: &[u8],
        cancel: &AtomicBool,
        make: impl FnOnce() -> Result<Arc<T>, E>,
    ) -> Result<Arc<T>, E> {
        loop {
            let others = {
                let mut making = lock(&self.0.making);
                // Looked for with the lock: what was made is kept before it is no longer being made.
                if let Some(thing) = self.get(key) {
                    return Ok(thing);
                }
                match making.get(key) {
                    Some(others) => Arc::clone(others),
                    None => {
                        let own = Arc::new(Making::default());
                        making.insert(key.to_owned(), Arc::clone(&own));
                        drop(making);
                        let maker = Maker {
                            shelf: &self.0,
                            key,
                            making: &own,
                            made: None,
                        };
                        return maker.make(|| {
                            let thing = make()?;
                            self.put(key.to_owned(), &thing);
                            Ok(thing)
                        });
                    }
                }
            };
            if let Some(thing) = others.wait(cancel)? {
                return Ok(thing);
            }
        }
    }
}

/// How long one who waits does not look whether it is to stop.
const WAIT: Duration = Duration::from_millis(10);

/// What one makes, and others may wait for.
pub(super) struct Making<T> {
    outcome: Mutex<Outcome<T>>,
    changed: Condvar,
}

enum Outcome<T> {
    NotYet,
    Made(Arc<T>),
    Failed,
}

impl<T> Default for Making<T> {
    fn default() -> Self {
        Self {
            outcome: Mutex::new(Outcome::NotYet),
            changed: Condvar::new(),
        }
    }
}

impl<T> Making<T> {
    /// What was made; nothing where that failed.
    fn wait(&self, cancel: &AtomicBool) -> Result<Option<Arc<T>>, IndexError> {
        let mut outcome = lock(&self.outcome);
        loop {
            match &*outcome {
                Outcome::NotYet => {}
                Outcome::Made(thing) => return Ok(Some(Arc::clone(thing))),
                Outcome::Failed => return Ok(None),
            }
            check(cancel)?;
            let waited = self.changed.wait_timeout(outcome, WAIT);
            outcome = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// Tells those who wait how it ended, even where that was a panic.
struct Maker<'a, T> {
    shelf: &'a Shelf<Vec<u8>, T>,
    key: &'a [u8],
    making: &'a Making<T>,
    made: Option<Arc<T>>,
}

impl<T> Maker<'_, T> {
    fn make<E>(mut self, make: impl FnOnce() -> Result<Arc<T>, E>) -> Result<Arc<T>, E> {
        let thing = make()?;
        self.made = Some(Arc::clone(&thing));
        Ok(thing)
    }
}

impl<T> Drop for Maker<'_, T> {
    fn drop(&mut self) {
        lock(&self.shelf.making).remove(self.key);
        *lock(&self.making.outcome) = match self.made.take() {
            Some(thing) => Outcome::Made(thing),
            None => Outcome::Failed,
        };
        self.making.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::super::KeptMemory;
    use super::*;

    fn bytes(n: usize) -> Arc<Vec<u8>> {
        Arc::new(Vec::with_capacity(n))
    }

    #[test]
    fn what_several_want_at_once_is_made_by_one() {
        let never = AtomicBool::new(false);
        // Kept, and too large to be kept.
        for bytes_max in [4000, 0] {
            let cache = Cache::<Vec<u8>, Vec<u8>>::new(&KeptMemory::new(bytes_max));
            let (made, wanted) = (AtomicUsize::new(0), AtomicUsize::new(0));
            let want = || {
                wanted.fetch_add(1, Ordering::Relaxed);
                let make = || {
                    made.fetch_add(1, Ordering::Relaxed);
                    // The others are on their way.
                    while wanted.load(Ordering::Relaxed) < 4 {
                        std::thread::yield_now();
                    }
                    std::thread::sleep(5 * WAIT);
                    Ok::<_, IndexError>(bytes(100))
                };
                cache.get_or_make(b"a", &never, make).unwrap()
            };
            let all = std::thread::scope(|scope| {
                let wants: Vec<_> = (0..4).map(|_| scope.spawn(want)).collect();
                let all = wants.into_iter().map(|want| want.join().unwrap());
                all.collect::<Vec<_>>()
            });
            assert_eq!(made.into_inner(), 1);
            assert!(all.iter().all(|one| Arc::ptr_eq(one, &all[0])));
            assert!(lock(&cache.0.making).is_empty());
            assert_eq!(cache.get(&b"a"[..]).is_some(), bytes_max > 0);
        }
    }

    #[test]
    fn where_making_fails_the_next_one_tries_and_who_waits_can_be_stopped() {
        let cache = Cache::<Vec<u8>, Vec<u8>>::new(&KeptMemory::new(4000));
        let (never, stop) = (AtomicBool::new(false), AtomicBool::new(false));
        let (begun, go_on) = (AtomicBool::new(false), AtomicBool::new(false));
        let wait_for = |flag: &AtomicBool| {
            while !flag.load(Ordering::Relaxed) {
                std::thread::yield_now();
            }
        };
        let fails = || {
            begun.store(true, Ordering::Relaxed);
            wait_for(&go_on);
            Err(IndexError::TooLarge("a test"))
        };
        let succeeds = || Ok::<_, IndexError>(bytes(100));
        std::thread::scope(|scope| {
            let first = scope.spawn(|| cache.get_or_make(b"a", &never, fails));
            wait_for(&begun);
            let stopped = scope.spawn(|| cache.get_or_make(b"a", &stop, succeeds));
            let second = scope.spawn(|| cache.get_or_make(b"a", &never, succeeds));
            stop.store(true, Ordering::Relaxed);
            assert!(matches!(
                stopped.join().unwrap(),
                Err(IndexError::Cancelled)
            ));
            // Another thing is not waited for.
            assert!(cache.get_or_make(b"b", &never, succeeds).is_ok());
            go_on.store(true, Ordering::Relaxed);
            assert!(matches!(
                first.join().unwrap(),
                Err(IndexError::TooLarge(_))
            ));
            assert!(second.join().unwrap().is_ok());
        });
        let panics = || -> Result<_, IndexError> { std::panic::resume_unwind(Box::new(())) };
        let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            cache.get_or_make(b"c", &never, panics)
        }));
        assert!(unwound.is_err());
        assert!(cache.get_or_make(b"c", &never, succeeds).is_ok());
    }
}
