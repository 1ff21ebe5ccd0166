//! What merging in the background has done, and does next.

use windlass_index::{Manifest, MergePlan, MergePolicy};

/// A merge that was done.
#[derive(Debug, Clone, Default)]
pub struct DoneMerge {
    /// When it was done.
    pub at: String,
    /// How many segments became one.
    pub segments: u64,
    /// Their bytes.
    pub bytes_before: u64,
    /// Bytes of that one.
    pub bytes_after: u64,
    /// How long it took, in seconds.
    pub seconds: u64,
}

/// Merging in the background, since the server started.
#[derive(Debug, Clone, Default)]
pub struct Merges {
    /// When merges are due; nothing where this server does not merge.
    pub policy: Option<MergePolicy>,
    /// Merges that were done.
    pub merged: u64,
    /// Merges that were given up, because another process wanted to write.
    pub gave_way: u64,
    /// Merges that failed; the log says why.
    pub failed: u64,
    /// Why the last one failed.
    pub last_failure: Option<String>,
    /// The last ones that were done, the last one first.
    pub last: Vec<DoneMerge>,
}

impl Merges {
    /// The merge that is due, if one is.
    pub(super) fn next(&self, manifest: &Manifest) -> Option<MergePlan> {
        self.policy?.plan(manifest)
    }
}
