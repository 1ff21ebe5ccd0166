//! Collecting captures into runs, and committing them.

use std::cmp::Reverse;
use std::sync::atomic::AtomicBool;
use std::thread;

use windlass_links::Capture;

use crate::compact::{Progress, merge_to_unnamed};
use crate::error::IndexError;
use crate::run::Run;
use crate::segment::{Segment, WriteError};
use crate::store::{FileEntry, Unnamed, Writer};

/// Which part of a collector's memory is left for what writing takes beside what it holds, and for what
/// allocators keep between pieces that are in use.
const WRITING_PART: usize = 8;

/// Collects captures within a bound of memory: what does not fit is sorted and spilled to disk. One
/// a thread.
#[derive(Debug)]
pub struct Collector<'w> {
    writer: &'w Writer,
    held_max: usize,
    run: Run,
    spilled: Vec<Unnamed>,
}

/// What collectors have collected, and what is in no index yet.
#[derive(Debug, Default)]
pub struct Collected {
    /// What is written.
    written: Vec<Unnamed>,
    /// What was left in memory when each had all.
    left: Vec<Run>,
}

impl Collected {
    /// How many units merging what is [written](Writer::write_collected) counts: captures, backlinks and
    /// other links; 0 where there is nothing to merge.
    #[must_use]
    pub fn merge_total(&self) -> u64 {
        if self.written.len() < 2 {
            return 0;
        }
        let runs = self.written.iter();
        runs.map(|run| run.written.counts.merge_units()).sum()
    }

    /// How many units writing what is in memory counts: captures and links.
    #[must_use]
    pub fn write_total(&self) -> u64 {
        self.left.iter().map(Run::units).sum()
    }

    /// Puts what two collectors have together.
    pub fn append(&mut self, mut other: Self) {
        self.written.append(&mut other.written);
        self.left.append(&mut other.left);
    }
}

impl<'w> Collector<'w> {
    /// A collector that takes about `memory_max` bytes: most of them for what it holds, the others for writing
    /// it.
    #[must_use]
    pub fn new(writer: &'w Writer, memory_max: usize) -> Self {
        Self {
            writer,
            held_max: memory_max - memory_max / WRITING_PART,
            run: Run::new(writer.manifest().keep_internal, writer.public_suffix_list()),
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
        self.run.add(capture, file, offset);
        if self.run.memory() > self.held_max || self.run.is_full() {
            self.spill()?;
        }
        Ok(())
    }

    fn spill(&mut self) -> Result<(), IndexError> {
        if !self.run.is_empty() {
            // Other collectors have the other threads.
            let unnamed = self.writer.write_run(&mut self.run, 1, &())?;
            self.spilled.push(unnamed);
        }
        Ok(())
    }

    /// What it has, of which some is in memory. It is [written](Writer::write_collected) together with what
    /// other collectors have.
    ///
    /// # Errors
    /// None: writing, which may fail, comes later.
    pub fn finish(self) -> Result<Collected, IndexError> {
        let mut left = Vec::new();
        if !self.run.is_empty() {
            left.push(self.run);
        }
        Ok(Collected {
            written: self.spilled,
            left,
        })
    }
}

impl Writer {
    /// Writes what is in memory of what was collected, put together: where all of it fits, nothing is left
    /// to merge. [`commit_collected`](Self::commit_collected) does so where it was not done before. The units
    /// of its progress are [`write_total`](Collected::write_total).
    ///
    /// # Errors
    /// Where writing fails.
    pub fn write_collected(
        &self,
        mut collected: Collected,
        progress: &dyn Progress,
    ) -> Result<Collected, IndexError> {
        let mut left = std::mem::take(&mut collected.left);
        // Taking over costs by what is taken.
        left.sort_by_key(|run| Reverse(run.memory()));
        let threads = thread::available_parallelism().map_or(1, Into::into);
        let mut runs = left.into_iter();
        let Some(mut run) = runs.next() else {
            return Ok(collected);
        };
        for other in runs {
            if !run.has_room_for(&other) {
                let written = self.write_run(&mut run, threads, progress)?;
                collected.written.push(written);
            }
            run.absorb(other);
        }
        let written = self.write_run(&mut run, threads, progress)?;
        collected.written.push(written);
        Ok(collected)
    }

    /// Writes a run, which is empty then.
    fn write_run(
        &self,
        run: &mut Run,
        threads_max: usize,
        progress: &dyn Progress,
    ) -> Result<Unnamed, IndexError> {
        let list = &self.manifest().public_suffix_list;
        let means = (&self.scratch(), self.ready_links_min());
        let write = |out| run.write(out, list, means, threads_max, progress);
        self.write_segment(write, WriteError::at)
    }

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
        let mut runs = self.write_collected(collected, &())?.written;
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
            self.make_ready(new, &[], progress, cancel)?;
        }
        self.commit(new, &[], files)
    }
}

/// The digest of an archive file in hexadecimal.
#[must_use]
pub fn digest_text(digest: &[u8; 32]) -> String {
    blake3::Hash::from_bytes(*digest).to_hex().to_string()
}
