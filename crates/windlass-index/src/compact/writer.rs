//! Merges as commits: chosen segments are replaced by one, the others stay.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use super::{MergePlan, MergePolicy, Progress, merge_to_unnamed};
use crate::error::IndexError;
use crate::segment::Segment;
use crate::store::{Manifest, Writer};

impl Writer {
    /// How many units a full merge counts for [`Progress`]: captures, backlinks and other links.
    #[must_use]
    pub fn merge_total(&self) -> u64 {
        MergePlan::full(self.manifest()).map_or(0, |plan| plan.units)
    }

    /// The merge that is due by a policy, if one is and the disk has room for it.
    #[must_use]
    pub fn next_merge(&self, policy: &MergePolicy) -> Option<MergePlan> {
        next_merge(self.directory(), self.manifest(), policy)
    }

    /// Merges the segments of a plan into one, and leaves the others. What the index answers does not
    /// change, nor what a later full merge gives (R14). Does nothing where the index has less than
    /// two of them.
    ///
    /// # Errors
    /// Where a segment is damaged or the disk is full, or on [`IndexError::Cancelled`]: the index is
    /// then as it was, and the unfinished segment is removed.
    pub fn merge(
        &mut self,
        plan: &MergePlan,
        progress: &dyn Progress,
        cancel: &AtomicBool,
    ) -> Result<bool, IndexError> {
        let segments = self.open_segments(&plan.segments)?;
        if segments.len() < 2 {
            return Ok(false);
        }
        let inputs: Vec<&Segment> = segments.iter().map(AsRef::as_ref).collect();
        let merged = merge_to_unnamed(self, &inputs, progress, cancel)?;
        self.make_ready(&merged, &inputs, progress, cancel)?;
        self.commit(Some(merged), &plan.segments, Vec::new())?;
        Ok(true)
    }

    /// Merges all segments into one (R14). The segment's bytes are a function of the set of
    /// captures: order, batches, repetition of ingests and merges of some segments do not show. Does
    /// nothing where there is at most one.
    ///
    /// # Errors
    /// As [`merge`](Self::merge).
    pub fn merge_all(
        &mut self,
        progress: &dyn Progress,
        cancel: &AtomicBool,
    ) -> Result<bool, IndexError> {
        match MergePlan::full(self.manifest()) {
            Some(plan) => self.merge(&plan, progress, cancel),
            None => Ok(false),
        }
    }
}

/// The merge that is due by a policy and has room on the disk.
pub(super) fn next_merge(
    directory: &Path,
    manifest: &Manifest,
    policy: &MergePolicy,
) -> Option<MergePlan> {
    // Most of the time nothing is due: then the disk need not be asked.
    policy.plan(manifest)?;
    let bounded = MergePolicy {
        bytes_max: policy.bytes_max.min(room(directory)),
        ..*policy
    };
    bounded.plan(manifest)
}

/// How many bytes may be merged with what the disk has free. A merged segment can be a little longer
/// than its inputs, whose numbers are smaller, and others write too.
fn room(directory: &Path) -> u64 {
    match rustix::fs::statvfs(directory) {
        Ok(found) => found.f_bavail.saturating_mul(found.f_frsize) / 10 * 9,
        // Unknown: a full disk costs the merge, not the index.
        Err(_) => u64::MAX,
    }
}
