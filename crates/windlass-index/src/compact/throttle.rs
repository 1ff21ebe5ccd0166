//! Making way: for queries, for whoever waits to write, for those who stop the program.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::{BackgroundMerge, MergePlan, Progress};
use crate::store::Wanted;

/// While queries are being answered, a merge rests up to so many times as long as it has worked.
const REST_FACTOR: u32 = 4;
/// The most that it rests at once: work that takes long may have been waiting for a processor.
const REST_MAX: Duration = Duration::from_secs(1);
/// How long it rests before it looks again.
const PAUSE: Duration = Duration::from_millis(2);
/// The same, where only the rate is to be kept.
const LONG_PAUSE: Duration = Duration::from_millis(20);

/// Slows a merge down, and stops it, each time that the merge tells of progress.
pub(super) struct Throttle<'a> {
    merge: &'a BackgroundMerge<'a>,
    wanted: &'a Wanted,
    plan: &'a MergePlan,
    /// Set when the merge has to end; never taken back.
    cancel: AtomicBool,
    state: Mutex<State>,
}

struct State {
    started: Instant,
    /// Units done.
    done: u64,
    /// When the merge went on after its last rest.
    resumed: Instant,
    rested: Duration,
}

impl<'a> Throttle<'a> {
    pub(super) fn new(
        merge: &'a BackgroundMerge<'a>,
        wanted: &'a Wanted,
        plan: &'a MergePlan,
    ) -> Self {
        let now = Instant::now();
        Self {
            merge,
            wanted,
            plan,
            cancel: AtomicBool::new(false),
            state: Mutex::new(State {
                started: now,
                done: 0,
                resumed: now,
                rested: Duration::ZERO,
            }),
        }
    }

    /// The flag that ends the merge.
    pub(super) fn cancel(&self) -> &AtomicBool {
        &self.cancel
    }

    /// How long the merge has rested.
    pub(super) fn rested(&self) -> Duration {
        self.lock().rested
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn must_end(&self) -> bool {
        if self.merge.stop.load(Ordering::Relaxed) || self.wanted.is_wanted() {
            self.cancel.store(true, Ordering::Relaxed);
        }
        self.cancel.load(Ordering::Relaxed)
    }

    /// How long after its start the merge may have done so many units.
    fn due(&self, done: u64) -> Duration {
        let Some(rate) = self.merge.bytes_per_second_max else {
            return Duration::ZERO;
        };
        let share = done as f64 / self.plan.units.max(1) as f64;
        let seconds = share * self.plan.bytes as f64 / rate.max(1) as f64;
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
    }
}

impl Progress for Throttle<'_> {
    fn advance(&self, done: u64) {
        // Other threads of the merge that come here meanwhile rest too.
        let mut state = self.lock();
        state.done += done;
        let due = self.due(state.done);
        let rest = Instant::now();
        let rest_max = state
            .resumed
            .elapsed()
            .saturating_mul(REST_FACTOR)
            .min(REST_MAX);
        while !self.must_end() {
            let makes_way = (self.merge.is_busy)() && rest.elapsed() < rest_max;
            let is_early = state.started.elapsed() < due;
            if !makes_way && !is_early {
                break;
            }
            thread::sleep(if makes_way { PAUSE } else { LONG_PAUSE });
        }
        state.rested += rest.elapsed();
        state.resumed = Instant::now();
    }
}
