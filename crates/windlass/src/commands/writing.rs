//! Opening an index to write it: who is waited for, and for how long.

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use windlass_index::{IndexError, MergePolicy, Waiting, Work, Writer};

use crate::cli::{PolicyOptions, WaitingOptions};

/// How long a merge is waited for where nothing else is said.
const WAIT_FOR_MERGE: Duration = Duration::from_secs(600);

/// Opens an index for writing, or makes a new one, waiting for another writer as the flags say.
pub(super) fn open(
    index: &Path,
    list: Option<&str>,
    work: Work,
    options: &WaitingOptions,
    cancel: &AtomicBool,
) -> Result<Writer, IndexError> {
    let wait = options.wait.map(Duration::from_secs);
    let waiting = Waiting {
        merge_max: wait.unwrap_or(WAIT_FOR_MERGE),
        other_max: wait.unwrap_or_default(),
        on_wait: &|holder| tracing::info!(index = %index.display(), "waiting for {holder}"),
        cancel,
    };
    Writer::open_waiting(index, list, work, &waiting)
}

impl PolicyOptions {
    /// The policy that the flags ask for.
    pub(super) fn policy(&self) -> MergePolicy {
        let usual = MergePolicy::default();
        MergePolicy {
            bytes_max: self.merge_max.unwrap_or(usual.bytes_max),
            ..usual
        }
    }
}
