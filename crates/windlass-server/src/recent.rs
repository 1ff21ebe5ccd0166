//! Targets that were answered a moment ago, and fast.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use windlass_index::Snapshot;
use windlass_report::Query;

/// How many are known: each new one takes the place of another.
const TARGETS: usize = 1 << 12;

/// Targets that were answered a moment ago in little time, as far as there is a place for each: what is read of
/// the index for them is in memory then. Takes no lock. That a target is taken for another happens once in
/// 2^64.
#[derive(Debug)]
pub(crate) struct RecentTargets {
    hashes: Box<[AtomicU64]>,
    hasher: RandomState,
}

/// A target in a state of the index.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RecentTarget(u64);

impl RecentTargets {
    pub(crate) fn new() -> Self {
        Self {
            hashes: (0..TARGETS).map(|_| AtomicU64::new(0)).collect(),
            hasher: RandomState::new(),
        }
    }

    /// The target of a query; with another history other links are read.
    pub(crate) fn target(&self, snapshot: &Snapshot, query: &Query) -> RecentTarget {
        let target = (snapshot.version(), &query.target, query.history);
        // 0 is nobody's.
        RecentTarget(self.hasher.hash_one(target).max(1))
    }

    fn place(&self, RecentTarget(hash): RecentTarget) -> Option<&AtomicU64> {
        self.hashes.get(hash as usize % TARGETS)
    }

    pub(crate) fn has(&self, target: RecentTarget) -> bool {
        let found = self
            .place(target)
            .map(|place| place.load(Ordering::Relaxed));
        found == Some(target.0)
    }

    pub(crate) fn add(&self, target: RecentTarget) {
        if let Some(place) = self.place(target) {
            place.store(target.0, Ordering::Relaxed);
        }
    }

    pub(crate) fn remove(&self, target: RecentTarget) {
        if let Some(place) = self.place(target) {
            let _ = place.compare_exchange(target.0, 0, Ordering::Relaxed, Ordering::Relaxed);
        }
    }
}
