//! Merging segments: the union of their captures and links (R14).
//!
//! Commutative, associative, idempotent: the result depends on the set of captures alone, to the
//! byte. Everything is sorted in the inputs, and numbers old and new have the same order, so a merge
//! compares what lies at the heads of its inputs and keeps little more: page tables first, then one
//! site after the other, several sites at once. Blocks of sites that one input alone has are copied,
//! with their pages renumbered.

mod batch;
mod dictionaries;
mod heap;
mod pages;
mod parallel;
mod site;
mod union;

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::bytes::Corrupt;
use crate::compact::Progress;
use crate::error::IndexError;
use crate::segment::{Digest, Segment, SegmentWriter, Side, WriteError, Written};
use crate::spool::Scratch;
pub(crate) use dictionaries::MergedStrings;

/// Why a merge stopped.
#[derive(Debug)]
pub(crate) enum MergeError {
    /// An input is not what it should be.
    Input(IndexError),
    /// The output could not be written.
    Output(WriteError),
    /// The caller asked for it.
    Cancelled,
}

impl From<WriteError> for MergeError {
    fn from(error: WriteError) -> Self {
        Self::Output(error)
    }
}

/// Something wrong in one of the inputs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Damage {
    pub(crate) input: usize,
    pub(crate) what: Corrupt,
}

impl Damage {
    /// What was found in that input.
    fn of(input: usize) -> impl FnOnce(Corrupt) -> Self {
        move |what| Self { input, what }
    }

    fn error(self, inputs: &[&Segment]) -> MergeError {
        match inputs.get(self.input) {
            Some(segment) => MergeError::Input(segment.corrupt(self.what)),
            None => MergeError::Output(WriteError::from(self.what)),
        }
    }
}

/// Who looks on while a merge runs, and may stop it. Progress is counted in captures, then in
/// backlinks and other links of the inputs.
#[derive(Clone, Copy)]
pub(crate) struct Watch<'a> {
    pub(crate) progress: &'a dyn Progress,
    pub(crate) cancel: &'a AtomicBool,
    /// Another thread of the merge has met an error.
    pub(crate) stop: Option<&'a AtomicBool>,
}

impl Watch<'_> {
    /// So many more units are done.
    fn advance(&self, done: u64) -> Result<(), MergeError> {
        self.progress.advance(done);
        self.check()
    }

    fn check(&self) -> Result<(), MergeError> {
        let is_stopped = self.stop.is_some_and(|stop| stop.load(Ordering::Relaxed));
        if is_stopped || self.cancel.load(Ordering::Relaxed) {
            return Err(MergeError::Cancelled);
        }
        Ok(())
    }
}

/// What a merge may use.
#[derive(Debug, Clone)]
pub(crate) struct Means {
    pub(crate) threads: usize,
    /// Bytes of finished blocks that wait for those before them.
    pub(crate) waiting_bytes_max: usize,
    /// From how many backlinks on sites are large (see [`Written`]).
    pub(crate) large_min: usize,
    pub(crate) scratch: Arc<Scratch>,
}

/// Merges segments into one. Memory: for each site in work 4 bytes for each of the pages and forms that it has in
/// each input, and 4 for each registrable domain that has pages; the rest is bounded.
pub(crate) fn merge<W: Write>(
    inputs: &[&Segment],
    public_suffix_list: &str,
    out: W,
    means: &Means,
    watch: Watch<'_>,
) -> Result<(W, Written), MergeError> {
    inputs.iter().for_each(|input| input.read_ahead());
    let mut files: Vec<Digest> = inputs.iter().flat_map(|input| input.files()).collect();
    files.sort_unstable();
    files.dedup();
    let mut writer = SegmentWriter::new(out, public_suffix_list, &files, &means.scratch)?;
    writer.list_large(means.large_min);
    let pages = pages::merge(inputs, &files, &mut writer, &means.scratch, watch)?;
    for side in Side::ALL {
        parallel::merge_sites(side, inputs, &pages, &mut writer, means, watch)?;
    }
    Ok(writer.finish()?)
}
