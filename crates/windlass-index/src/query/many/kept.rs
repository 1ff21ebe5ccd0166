//! What questions over the same segments keep for each other.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use windlass_links::{History, Target};

use super::overlap::Overlap;
use crate::cache::{Cache, KeptMemory};
use crate::error::{IndexError, check};
use crate::query::united::United;
use crate::segment::Segment;

/// What is known of some segments together.
#[derive(Debug)]
pub(crate) struct Kept {
    segments: Vec<Arc<Segment>>,
    /// Of each segment with those before it.
    pairs: Vec<Arc<Pair>>,
    answers: Cache<(Target, History), United>,
}

/// What is known of two segments.
#[derive(Debug, Default)]
struct Pair {
    /// How many pages of one were looked up in the other.
    looked_up: AtomicUsize,
    overlap: OnceLock<Overlap>,
    making: Turns,
}

/// How often whoever waits for its turn looks whether it still has to.
const LOOK: Duration = Duration::from_millis(10);

/// Lets one at a time do what takes long.
#[derive(Debug, Default)]
struct Turns {
    is_taken: Mutex<bool>,
    ended: Condvar,
}

/// Somebody's turn, which ends with it.
#[derive(Debug)]
struct Turn<'a>(&'a Turns);

impl Turns {
    /// Waits until nobody else has the turn; [`IndexError::Cancelled`] soon after `cancel` is set.
    fn take(&self, cancel: &AtomicBool) -> Result<Turn<'_>, IndexError> {
        let mut is_taken = self.lock();
        while *is_taken {
            check(cancel)?;
            let waited = self.ended.wait_timeout(is_taken, LOOK);
            (is_taken, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
        *is_taken = true;
        Ok(Turn(self))
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        self.is_taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *self.0.lock() = false;
        self.0.ended.notify_one();
    }
}

impl Kept {
    /// For these segments; what is known of two of them from before stays known.
    pub(crate) fn new(
        segments: &[Arc<Segment>],
        memory: &KeptMemory,
        before: Option<&Self>,
    ) -> Self {
        let known = |a: &Arc<Segment>, b: &Arc<Segment>| {
            let before = before?;
            let place = |of| {
                let mut all = before.segments.iter();
                all.position(|segment| Arc::ptr_eq(segment, of))
            };
            let (a, b) = (place(a)?, place(b)?);
            // Sides would be swapped where the order is another one.
            (a < b).then(|| before.pair(a, b)).flatten().map(Arc::clone)
        };
        let mut pairs = Vec::new();
        for (at, second) in segments.iter().enumerate() {
            for first in segments.iter().take(at) {
                pairs.push(known(first, second).unwrap_or_default());
            }
        }
        Self {
            segments: segments.to_vec(),
            pairs,
            answers: Cache::new(memory),
        }
    }

    fn pair(&self, first: usize, second: usize) -> Option<&Arc<Pair>> {
        self.pairs
            .get(second * second.saturating_sub(1) / 2 + first)
    }

    /// Which pages two of the segments both have, the first before the second: where that is known, or
    /// is worth knowing because pages are looked up again and again, so many this time. A look-up costs as
    /// much as going through so many pages; 0: it is free.
    pub(super) fn overlap_if_worth(
        &self,
        (first, second): (usize, usize),
        pages: usize,
        pages_per_look_up: usize,
        cancel: &AtomicBool,
    ) -> Result<Option<&Overlap>, IndexError> {
        if pages_per_look_up == 0 {
            return Ok(None);
        }
        let segments = (self.segments.get(first), self.segments.get(second));
        let (Some(pair), (Some(a), Some(b))) = (self.pair(first, second), segments) else {
            return Ok(None);
        };
        if let Some(known) = pair.overlap.get() {
            return Ok(Some(known));
        }
        let before = pair.looked_up.fetch_add(pages, Ordering::Relaxed);
        let spent = before
            .saturating_add(pages)
            .saturating_mul(pages_per_look_up);
        if spent < a.page_count().saturating_add(b.page_count()) {
            return Ok(None);
        }
        let _turn = pair.making.take(cancel)?;
        if pair.overlap.get().is_none() {
            let overlap = Overlap::of(a, b, cancel)?;
            // Nobody else sets it.
            let _ = pair.overlap.set(overlap);
        }
        Ok(pair.overlap.get())
    }

    /// The answer to a question that was asked before, if it is there.
    pub(super) fn answer(&self, target: &Target, history: History) -> Option<Arc<United>> {
        self.answers.get(&(target.clone(), history))
    }

    /// Keeps an answer.
    pub(super) fn keep(&self, target: &Target, history: History, answer: &Arc<United>) {
        self.answers.put((target.clone(), history), answer);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;
    use std::thread;

    use super::*;

    #[test]
    fn one_has_the_turn_at_a_time_and_each_gets_it() {
        let (turns, never) = (Turns::default(), AtomicBool::new(false));
        let (inside, done) = (AtomicU32::new(0), AtomicU32::new(0));
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let _turn = turns.take(&never).unwrap();
                        assert_eq!(inside.fetch_add(1, Ordering::Relaxed), 0);
                        thread::yield_now();
                        inside.fetch_sub(1, Ordering::Relaxed);
                        done.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
        assert_eq!(done.into_inner(), 200);
    }

    #[test]
    fn nobody_waits_for_a_turn_that_is_not_wanted_any_more() {
        let (turns, never) = (Turns::default(), AtomicBool::new(false));
        let turn = turns.take(&never).unwrap();
        let cancel = AtomicBool::new(false);
        thread::scope(|scope| {
            let waiting = scope.spawn(|| turns.take(&cancel).map(drop));
            cancel.store(true, Ordering::Relaxed);
            let waited = waiting.join().unwrap();
            assert!(matches!(waited, Err(IndexError::Cancelled)));
        });
        drop(turn);
        assert!(turns.take(&never).is_ok());
    }
}
