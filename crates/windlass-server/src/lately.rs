//! Looks at the file system that are not made again at once.
//!
//! An answer that is kept costs some ten microseconds, and each look at a file's metadata a tenth of that. Under
//! load hundreds of requests come in a millisecond; what the first of them saw holds for those right behind it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long what was seen holds. Shorter than a program takes to change an index or accounts, to end, and to have
/// its caller send a request: whoever waits for a change to be done sees it.
const HOLDS: Duration = Duration::from_micros(500);

/// When something was last seen to be as it is known. Takes no lock.
#[derive(Debug)]
pub(crate) struct Lately {
    start: Instant,
    /// Nanoseconds from the start until what was seen holds no more; 0: it was never seen.
    until: AtomicU64,
}

impl Default for Lately {
    fn default() -> Self {
        Self {
            start: Instant::now(),
            until: AtomicU64::new(0),
        }
    }
}

impl Lately {
    /// Whether it is as known: it was seen to be so a moment ago, or a look says so.
    pub(crate) fn is_so(&self, look: impl FnOnce() -> bool) -> bool {
        self.is_so_at(self.start.elapsed(), look)
    }

    fn is_so_at(&self, now: Duration, look: impl FnOnce() -> bool) -> bool {
        if nanos(now) < self.until.load(Ordering::Relaxed) {
            return true;
        }
        let is_so = look();
        if is_so {
            // From before the look on: what changes meanwhile may not have been seen.
            self.until.store(nanos(now + HOLDS), Ordering::Relaxed);
        }
        is_so
    }
}

/// How often [`Seldom`] lets something pass.
const SELDOM: Duration = Duration::from_secs(10);

/// When something was last said that may be true of each request.
#[derive(Debug)]
pub(crate) struct Seldom(Mutex<Option<Instant>>);

impl Seldom {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(None))
    }

    /// Whether it is to be said again.
    pub(crate) fn is_time(&self) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_time = last.is_none_or(|last| last.elapsed() >= SELDOM);
        if is_time {
            *last = Some(Instant::now());
        }
        is_time
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_true_of_each_request_is_said_once() {
        let seldom = Seldom::new();
        assert_eq!([(); 3].map(|()| seldom.is_time()), [true, false, false]);
    }

    #[test]
    fn what_was_seen_holds_for_a_moment() {
        let lately = Lately::default();
        let at = |micros, found| lately.is_so_at(Duration::from_micros(micros), || found);
        assert!(!at(0, false), "nothing was seen yet");
        assert!(at(0, true));
        assert!(at(499, false), "nobody looks");
        assert!(!at(500, false));
        assert!(!at(501, false), "what is not so is looked for each time");
        assert!(at(502, true));
        assert!(at(1001, false));
        assert!(!at(1002, false));
    }
}
