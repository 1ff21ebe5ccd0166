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
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;

use crate::error::IndexError;
use crate::merge::{Means, MergeError, Watch, merge};
use crate::segment::Segment;
use crate::spool::Scratch;
use crate::store::{DEFAULT_MEMORY, Snapshot, Unnamed, Writer};

/// What long work tells of itself.
pub trait Progress: Sync {
    /// `done` more units of the total that was announced are done.
    fn advance(&self, done: u64);
    /// What was announced is done. The reports of large sites are made ready now, which is so many units, those of
    /// [`readied`](Self::readied).
    fn making_ready(&self, _total: u64) {}
    /// `done` more units of making ready are done; often none, by who asks whether to make way.
    fn readied(&self, _done: u64) {
        self.advance(0);
    }
}

/// Nobody looks.
impl Progress for () {
    fn advance(&self, _done: u64) {}
}

/// Merges segments into one that belongs to no index yet.
pub(crate) fn merge_to_unnamed(
    writer: &Writer,
    inputs: &[&Segment],
    progress: &dyn Progress,
    cancel: &AtomicBool,
) -> Result<Unnamed, IndexError> {
    let list = writer.manifest().public_suffix_list.clone();
    let means = Means {
        large_min: writer.ready_links_min(),
        ..means(writer.scratch(), writer.memory_max())
    };
    writer.write_segment(
        |out| merge(inputs, &list, out, &means, watch(progress, cancel)),
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
    let directory = path.parent().unwrap_or(Path::new("")).to_owned();
    let scratch = Scratch::within(directory, DEFAULT_MEMORY);
    let merged = merge(
        &inputs,
        &snapshot.manifest().public_suffix_list,
        BufWriter::new(file),
        &means(scratch, DEFAULT_MEMORY),
        watch(progress, cancel),
    );
    let (mut out, _) = merged.map_err(|error| error.at(path))?;
    out.flush().map_err(IndexError::io("writing", path))?;
    Segment::open(path)
}

/// What a merge may use of so much memory.
fn means(scratch: Arc<Scratch>, memory_max: usize) -> Means {
    Means {
        threads: thread::available_parallelism().map_or(1, Into::into),
        waiting_bytes_max: memory_max / 8,
        large_min: usize::MAX,
        scratch,
    }
}

fn watch<'a>(progress: &'a dyn Progress, cancel: &'a AtomicBool) -> Watch<'a> {
    Watch {
        progress,
        cancel,
        stop: None,
    }
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
