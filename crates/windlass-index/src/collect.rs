//! Collecting captures into runs, and committing them.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use windlass_links::{Capture, PublicSuffixList};

use crate::compact::{Progress, merge_to_unnamed};
use crate::error::IndexError;
use crate::run::Run;
use crate::segment::{Segment, WriteError};
use crate::store::{FileEntry, Unnamed, Writer};

/// Collects captures within a bound of memory: what does not fit is sorted and spilled to disk. One
/// a thread.
#[derive(Debug)]
pub struct Collector<'w> {
    writer: &'w Writer,
    list: Arc<PublicSuffixList>,
    memory_max: usize,
    run: Run,
    spilled: Vec<Unnamed>,
}

/// What collectors have collected: written, but in no index yet.
#[derive(Debug, Default)]
pub struct Collected(Vec<Unnamed>);

impl Collected {
    /// How many units merging it counts: captures, backlinks and other links; 0 where there is
    /// nothing to merge.
    #[must_use]
    pub fn merge_total(&self) -> u64 {
        if self.0.len() < 2 {
            return 0;
        }
        self.0.iter().map(|run| run.counts.merge_units()).sum()
    }

    /// Puts what two collectors have together.
    pub fn append(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }
}

impl<'w> Collector<'w> {
    /// A collector that holds about `memory_max` bytes.
    #[must_use]
    pub fn new(writer: &'w Writer, memory_max: usize) -> Self {
        Self {
            writer,
            list: Arc::clone(writer.public_suffix_list()),
            memory_max,
            run: Run::new(writer.manifest().keep_internal),
            spilled: Vec::new(),
        }
    }

    /// Adds a capture, read at `offset` of the archive file with that BLAKE3 digest. Its internal
    /// links are passed over (R11), unless the index keeps them.
    ///
    /// # Errors
    /// Where the memory is full and spilling fails.
    pub fn add(
        &mut self,
        capture: &Capture,
        digest: [u8; 32],
        offset: u64,
    ) -> Result<(), IndexError> {
        let file = self.run.file(digest);
        self.run.add(capture, file, offset, &self.list);
        if self.run.memory() > self.memory_max || self.run.is_full() {
            self.spill()?;
        }
        Ok(())
    }

    fn spill(&mut self) -> Result<(), IndexError> {
        if !self.run.is_empty() {
            let (run, list) = (&mut self.run, &self.writer.manifest().public_suffix_list);
            let scratch = self.writer.scratch();
            let unnamed = self
                .writer
                .write_segment(|out| run.write(out, list, &scratch), WriteError::at)?;
            self.spilled.push(unnamed);
        }
        Ok(())
    }

    /// Writes what is left.
    ///
    /// # Errors
    /// Where writing fails.
    pub fn finish(mut self) -> Result<Collected, IndexError> {
        self.spill()?;
        Ok(Collected(self.spilled))
    }
}

impl Writer {
    /// Makes what was collected part of the index, together with the files that it came from, as one
    /// segment. When this returns, it is durable; before, nothing of it is visible.
    ///
    /// # Errors
    /// Where merging the runs or writing fails: the index is then as it was.
    pub fn commit_collected(
        &mut self,
        collected: Collected,
        files: Vec<FileEntry>,
        progress: &dyn Progress,
        cancel: &AtomicBool,
    ) -> Result<(), IndexError> {
        let mut runs = collected.0;
        let new = if runs.len() < 2 {
            runs.pop()
        } else {
            let segments = runs
                .iter()
                .map(|run| Segment::open(&run.path))
                .collect::<Result<Vec<_>, _>>()?;
            let merged =
                merge_to_unnamed(self, &segments.iter().collect::<Vec<_>>(), progress, cancel)?;
            // Their space is free before the commit needs some.
            drop(runs);
            Some(merged)
        };
        if let Some(new) = &new {
            self.make_ready(new, progress, cancel)?;
        }
        self.commit(new, &[], files)
    }
}

/// The digest of an archive file in hexadecimal.
#[must_use]
pub fn digest_text(digest: &[u8; 32]) -> String {
    blake3::Hash::from_bytes(*digest).to_hex().to_string()
}
