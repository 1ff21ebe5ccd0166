//! Merging sites: several threads merge, one writes what they have merged in its order.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};

use super::batch::{Batch, Job, Merged, Worker, write_batch};
use super::pages::MergedPages;
use super::union::Union;
use super::{Damage, Means, MergeError, Watch};
use crate::in_order::{self, Bounds, Work};
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
    let (mut directories, mut captures) = (Vec::new(), Vec::new());
    for (input, segment) in inputs.iter().enumerate() {
        let damage = |what| Damage { input, what }.error(inputs);
        captures.push(segment.captures().map_err(damage)?);
        let directory = segment.whole_directory(side).map_err(damage)?;
        directories.extend(directory.map(|directory| (input, directory)));
    }
    let sites = directories.iter();
    let sites = Union::new(sites.map(|(input, directory)| (*input, directory)));
    let mut sites = sites.map_err(|damage| damage.error(inputs))?;
    let stop = AtomicBool::new(false);
    let job = Job {
        side,
        inputs,
        captures: &captures,
        pages,
        means,
        watch: Watch {
            stop: Some(&stop),
            ..watch
        },
    };
    let bounds = Bounds {
        threads: means.threads,
        waiting_bytes_max: means.waiting_bytes_max,
    };
    let write = |merged| Ok(write_batch(merged, writer)?);
    in_order::run(&job, bounds, || job.next_batch(&mut sites), write)
}

impl<'a, 'w> Work for Job<'a, 'w> {
    type Task = Batch<'a>;
    type Done = Merged<'a>;
    type Error = MergeError;
    type Worker = Worker<'a, 'w>;

    fn worker(&self) -> Worker<'a, 'w> {
        Worker::new(*self)
    }

    fn work(
        &self,
        worker: &mut Worker<'a, 'w>,
        batch: Batch<'a>,
    ) -> Result<Merged<'a>, MergeError> {
        worker.merge(batch)
    }

    fn memory(merged: &Merged<'a>) -> usize {
        merged.memory()
    }

    fn stop(&self) {
        if let Some(stop) = self.watch.stop {
            stop.store(true, Ordering::Relaxed);
        }
    }
}
