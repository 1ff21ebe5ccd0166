//! What merging in the background has done since the server started, for the operations page.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use windlass_accounts::Moment;
use windlass_index::{BackgroundStep, IndexError, MergePolicy};
use windlass_web::pages::operations::{DoneMerge, Merges};

/// How many merges are remembered.
const LAST_MAX: usize = 20;

/// All of it.
#[derive(Debug, Default)]
pub(crate) struct MergeHistory(Mutex<History>);

#[derive(Debug, Default)]
struct History {
    policy: Option<MergePolicy>,
    merged: u64,
    gave_way: u64,
    failed: u64,
    last_failure: Option<String>,
    /// The last one first.
    last: VecDeque<DoneMerge>,
}

impl MergeHistory {
    /// Merging begins, or ends where there is no policy.
    pub(crate) fn follow(&self, policy: Option<MergePolicy>) {
        self.lock().policy = policy;
    }

    /// A step was done.
    pub(crate) fn add(&self, step: &BackgroundStep) {
        let mut history = self.lock();
        match step {
            BackgroundStep::Merged(merged) => {
                history.merged += 1;
                history.last.push_front(DoneMerge {
                    at: Moment::now().to_string(),
                    segments: merged.plan.segments.len() as u64,
                    bytes_before: merged.plan.bytes,
                    bytes_after: merged.bytes,
                    seconds: merged.elapsed.as_secs(),
                });
                history.last.truncate(LAST_MAX);
            }
            BackgroundStep::GaveWay => history.gave_way += 1,
            BackgroundStep::Occupied | BackgroundStep::NothingDue => {}
        }
    }

    /// A step failed.
    pub(crate) fn add_failure(&self, error: &IndexError) {
        let mut history = self.lock();
        history.failed += 1;
        history.last_failure = Some(error.to_string());
    }

    /// As the page shows it.
    pub(crate) fn shown(&self) -> Merges {
        let history = self.lock();
        Merges {
            policy: history.policy,
            merged: history.merged,
            gave_way: history.gave_way,
            failed: history.failed,
            last_failure: history.last_failure.clone(),
            last: history.last.iter().cloned().collect(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, History> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
