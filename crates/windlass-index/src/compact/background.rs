//! Merging in the background of something more important.
//!
//! A step takes the writer's lock only where a merge is due and nobody holds the lock or waits for
//! it; while it works it makes way (see `throttle`). A step that is given up, or killed, leaves the
//! index as it was.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::throttle::Throttle;
use super::writer::next_merge;
use super::{MergePlan, MergePolicy};
use crate::error::IndexError;
use crate::store::{Manifest, Wanted, Writer};

/// What a background merge has to know.
#[derive(Clone, Copy)]
pub struct BackgroundMerge<'a> {
    /// The index.
    pub directory: &'a Path,
    /// When segments are merged.
    pub policy: MergePolicy,
    /// How many bytes of segments are merged in a second at most, on average over a merge.
    pub bytes_per_second_max: Option<u64>,
    /// Whether somebody waits for an answer at this moment: then the merge works about a fifth of the
    /// time. Asked often, so it must be cheap.
    pub is_busy: &'a (dyn Fn() -> bool + Sync),
    /// Ends the merge at its next step of progress.
    pub stop: &'a AtomicBool,
}

/// What came of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BackgroundStep {
    /// Nothing is due.
    NothingDue,
    /// Somebody else writes, or waits to.
    Occupied,
    /// A merge was given up, because somebody wants to write.
    GaveWay,
    /// One merge is committed.
    Merged(Merged),
}

/// A merge that was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// What was merged.
    pub plan: MergePlan,
    /// Bytes of the merged segment.
    pub bytes: u64,
    /// How long it took.
    pub elapsed: Duration,
    /// For how much of that it rested.
    pub rested: Duration,
}

impl BackgroundMerge<'_> {
    /// Whether a merge is due in that state of the index.
    #[must_use]
    pub fn is_due(&self, manifest: &Manifest) -> bool {
        next_merge(self.directory, manifest, &self.policy).is_some()
    }

    /// Merges once, if a merge is due and nobody else writes.
    ///
    /// # Errors
    /// Where the index cannot be written or is damaged; [`IndexError::Cancelled`] where `stop` was
    /// set. The index is then as it was.
    pub fn step(&self) -> Result<BackgroundStep, IndexError> {
        let wanted = Wanted::open(self.directory)?;
        if wanted.is_wanted() {
            return Ok(BackgroundStep::Occupied);
        }
        let mut writer = match Writer::open_for(self.directory, None, WORK) {
            Ok(writer) => writer,
            Err(IndexError::Locked { .. }) => return Ok(BackgroundStep::Occupied),
            Err(error) => return Err(error),
        };
        let Some(plan) = writer.next_merge(&self.policy) else {
            return Ok(BackgroundStep::NothingDue);
        };
        let start = Instant::now();
        let throttle = Throttle::new(self, &wanted, &plan);
        match writer.merge(&plan, &throttle, throttle.cancel()) {
            Ok(_) => {}
            Err(IndexError::Cancelled) if !self.stop.load(Ordering::Relaxed) => {
                return Ok(BackgroundStep::GaveWay);
            }
            Err(error) => return Err(error),
        }
        let rested = throttle.rested();
        let bytes = writer.manifest().segments.last().map_or(0, |new| new.bytes);
        Ok(BackgroundStep::Merged(Merged {
            plan,
            bytes,
            elapsed: start.elapsed(),
            rested,
        }))
    }
}

const WORK: crate::store::Work = crate::store::Work::MergingInBackground;

/// Lets the calling thread, and those that it starts from now on, have processors and disk after the
/// other threads. Where the system knows no priorities of threads, nothing happens.
pub fn lower_thread_priority() {
    /// A tenth of what others get where there is not enough for all: the lowest, 19, would let a merge
    /// starve on a machine that is always busy. The priority of reading and writing follows from it.
    #[cfg(target_os = "linux")]
    const NICENESS: i32 = 10;
    // Allowed to everyone; and a merge with the usual priority is no failure.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(None, NICENESS);
}
