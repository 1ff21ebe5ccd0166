//! Merging an index's segments: all into one, or those that a policy chooses, also in the background.

mod background;
mod policy;
mod throttle;
mod writer;

pub use background::{BackgroundMerge, BackgroundStep, Merged, lower_thread_priority};
pub use policy::{MergePlan, MergePolicy};

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::IndexError;
use crate::merge::{MergeError, MergeProgress, merge};
use crate::segment::Segment;
use crate::store::{Snapshot, Unnamed, Writer};

/// What long work tells of itself.
pub trait Progress: Sync {
    /// `done` more units of the total that was announced are done.
    fn advance(&self, done: u64);
}

/// Nobody looks.
impl Progress for () {
    fn advance(&self, _done: u64) {}
}

struct Watched<'a> {
    progress: &'a dyn Progress,
    cancel: &'a AtomicBool,
}

impl MergeProgress for Watched<'_> {
    fn advance(&mut self, done: u64) -> bool {
        self.progress.advance(done);
        !self.cancel.load(Ordering::Relaxed)
    }
}

/// Merges segments into one that belongs to no index yet.
pub(crate) fn merge_to_unnamed(
    writer: &Writer,
    inputs: &[&Segment],
    progress: &dyn Progress,
    cancel: &AtomicBool,
) -> Result<Unnamed, IndexError> {
    let list = writer.manifest().public_suffix_list.clone();
    let mut watched = Watched { progress, cancel };
    writer.write_segment(
        |out| merge(inputs, &list, out, &mut watched),
        MergeError::at,
    )
}

/// Merges the segments of a snapshot into one file, which belongs to no index: for work that wants
/// to see every link once.
///
/// # Errors
/// Where a segment is damaged or `path` cannot be written; or [`IndexError::Cancelled`].
pub fn merge_to_file(
    snapshot: &Snapshot,
    path: &Path,
    progress: &dyn Progress,
    cancel: &AtomicBool,
) -> Result<Segment, IndexError> {
    let inputs: Vec<&Segment> = snapshot.segments().iter().map(AsRef::as_ref).collect();
    let file = File::create(path).map_err(IndexError::io("creating", path))?;
    let mut watched = Watched { progress, cancel };
    let merged = merge(
        &inputs,
        &snapshot.manifest().public_suffix_list,
        BufWriter::new(file),
        &mut watched,
    );
    let (mut out, _) = merged.map_err(|error| error.at(path))?;
    out.flush().map_err(IndexError::io("writing", path))?;
    Segment::open(path)
}

impl MergeError {
    /// With the file that was being written.
    fn at(self, path: &Path) -> IndexError {
        match self {
            Self::Input(error) => error,
            Self::Output(error) => error.at(path),
            Self::Cancelled => IndexError::Cancelled,
        }
    }
}
