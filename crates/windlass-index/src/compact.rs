//! Merging all of an index's segments into one.

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

impl Writer {
    /// How many units a full merge counts for [`Progress`]: captures, backlinks and other links.
    #[must_use]
    pub fn merge_total(&self) -> u64 {
        let counts = self.manifest().segments.iter().map(|entry| entry.counts);
        counts
            .map(|c| c.captures + c.backlinks + c.other_links)
            .sum()
    }

    /// Merges all segments into one (R14). The segment's bytes are a function of the set of
    /// captures: order, batches and repetition of ingests do not show. Does nothing where there is
    /// at most one.
    ///
    /// # Errors
    /// Where a segment is damaged or the disk is full: the index is then as it was.
    pub fn merge_all(
        &mut self,
        progress: &dyn Progress,
        cancel: &AtomicBool,
    ) -> Result<bool, IndexError> {
        let segments = self.open_segments()?;
        if segments.len() < 2 {
            return Ok(false);
        }
        let inputs: Vec<&Segment> = segments.iter().collect();
        let merged = merge_to_unnamed(self, &inputs, progress, cancel)?;
        let replaced: Vec<String> = self
            .manifest()
            .segments
            .iter()
            .map(|entry| entry.name.clone())
            .collect();
        self.commit(Some(merged), &replaced, Vec::new())?;
        Ok(true)
    }
}
