//! Merging sites: several threads merge, one writes what they have merged in its order.

use std::collections::{BTreeMap, VecDeque};
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use fst::map::{OpBuilder, Union};

use super::batch::{Batch, Job, Merged, Worker, write_batch};
use super::pages::MergedPages;
use super::{Damage, Means, MergeError, Watch};
use crate::segment::{Segment, SegmentWriter, Side};

/// Merges the sites of one side of all inputs.
pub(super) fn merge_sites<'a, W: Write>(
    side: Side,
    inputs: &[&'a Segment],
    pages: &'a MergedPages,
    writer: &mut SegmentWriter<W>,
    means: &Means,
    watch: Watch<'_>,
) -> Result<(), MergeError> {
    let mut directories = Vec::new();
    for (input, segment) in inputs.iter().enumerate() {
        let directory = segment.whole_directory(side);
        directories.push(directory.map_err(|what| Damage { input, what }.error(inputs))?);
    }
    // An input without any has its place nevertheless.
    let empty = fst::Map::default();
    let mut sites = OpBuilder::new();
    for directory in &directories {
        match directory {
            Some(directory) => sites.push(directory),
            None => sites.push(&empty),
        }
    }
    let sites = sites.union();
    let stop = AtomicBool::new(false);
    let job = Job {
        side,
        inputs,
        pages,
        means,
        watch: Watch {
            stop: Some(&stop),
            ..watch
        },
    };
    if means.threads < 2 {
        return job.alone(sites, writer);
    }
    let shared = Shared::default();
    thread::scope(|scope| {
        let workers: Vec<_> = (0..means.threads)
            .map(|_| scope.spawn(|| shared.work(job)))
            .collect();
        let written = shared.write(job, sites, writer);
        // Whatever came of it, nobody must wait for more.
        stop.store(true, Ordering::Relaxed);
        shared.lock().is_over = true;
        shared.changed.notify_all();
        for worker in workers {
            if let Err(panic) = worker.join() {
                std::panic::resume_unwind(panic);
            }
        }
        written
    })
}

impl<'a> Job<'a, '_> {
    fn alone<W: Write>(
        self,
        mut sites: Union<'_>,
        writer: &mut SegmentWriter<W>,
    ) -> Result<(), MergeError> {
        let mut worker = Worker::new(self);
        while let Some(batch) = self.next_batch(&mut sites)? {
            write_batch(worker.merge(batch)?, writer)?;
        }
        Ok(())
    }
}

/// What the threads share.
#[derive(Default)]
struct Shared<'a> {
    state: Mutex<State<'a>>,
    changed: Condvar,
}

#[derive(Default)]
struct State<'a> {
    /// Batches to be merged, with their numbers.
    tasks: VecDeque<(u64, Batch<'a>)>,
    /// Batches to be written.
    done: BTreeMap<u64, Merged<'a>>,
    /// Bytes of memory that those hold.
    waiting_bytes: usize,
    failed: Option<MergeError>,
    is_over: bool,
}

impl<'a> Shared<'a> {
    fn lock(&self) -> MutexGuard<'_, State<'a>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'s>(&self, state: MutexGuard<'s, State<'a>>) -> MutexGuard<'s, State<'a>> {
        let waited = self.changed.wait(state);
        waited.unwrap_or_else(PoisonError::into_inner)
    }

    /// Merges batches until there are no more.
    fn work(&self, job: Job<'a, '_>) {
        let _guard = EndOnPanic(self);
        let mut worker = Worker::new(job);
        loop {
            let mut state = self.lock();
            let (number, batch) = loop {
                if state.is_over {
                    return;
                }
                if let Some(task) = state.tasks.pop_front() {
                    break task;
                }
                state = self.wait(state);
            };
            drop(state);
            let merged = worker.merge(batch);
            let mut state = self.lock();
            match merged {
                Ok(merged) => {
                    state.waiting_bytes += merged.memory();
                    state.done.insert(number, merged);
                }
                Err(error) => {
                    state.failed.get_or_insert(error);
                }
            }
            self.changed.notify_all();
        }
    }

    /// Hands out batches, and writes them when they are merged.
    fn write<W: Write>(
        &self,
        job: Job<'a, '_>,
        mut sites: Union<'_>,
        writer: &mut SegmentWriter<W>,
    ) -> Result<(), MergeError> {
        let (mut next, mut written) = (0, 0);
        let mut are_more = true;
        loop {
            let mut state = self.lock();
            if let Some(error) = state.failed.take() {
                return Err(error);
            }
            if state.is_over {
                // A worker has panicked.
                return Ok(());
            }
            let wants_more = state.tasks.len() < 2 * job.means.threads
                && state.waiting_bytes <= job.means.waiting_bytes_max;
            if are_more && wants_more {
                drop(state);
                match job.next_batch(&mut sites)? {
                    Some(batch) => {
                        self.lock().tasks.push_back((next, batch));
                        next += 1;
                        self.changed.notify_all();
                    }
                    None => are_more = false,
                }
                continue;
            }
            if let Some(merged) = state.done.remove(&written) {
                state.waiting_bytes = state.waiting_bytes.saturating_sub(merged.memory());
                drop(state);
                write_batch(merged, writer)?;
                written += 1;
            } else if !are_more && written == next {
                return Ok(());
            } else {
                drop(self.wait(state));
            }
        }
    }
}

/// Ends everybody's work where a worker panics, so that nobody waits for it.
struct EndOnPanic<'s, 'a>(&'s Shared<'a>);

impl Drop for EndOnPanic<'_, '_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.lock().is_over = true;
            self.0.changed.notify_all();
        }
    }
}
