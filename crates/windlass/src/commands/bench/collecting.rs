//! Captures that are made and collected with many threads.

use std::thread;

use windlass_index::{Collected, Collector, Writer};

/// Runs `work` on so many threads; each is given its number, and a collector that may hold its share of the memory, in
/// bytes. What they collected, together, and what each gave beside.
pub(super) fn collect<T: Send>(
    writer: &Writer,
    threads: usize,
    memory: usize,
    work: impl Fn(usize, &mut Collector<'_>) -> anyhow::Result<T> + Sync,
) -> anyhow::Result<(Collected, Vec<T>)> {
    let work = |thread: usize| -> anyhow::Result<(Collected, T)> {
        let mut collector = Collector::new(writer, memory / threads);
        let beside = work(thread, &mut collector)?;
        Ok((collector.finish()?, beside))
    };
    let parts: Vec<_> = thread::scope(|scope| {
        let work = &work;
        let workers: Vec<_> = (0..threads)
            .map(|thread| scope.spawn(move || work(thread)))
            .collect();
        let join = |worker: thread::ScopedJoinHandle<'_, _>| {
            worker
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        workers.into_iter().map(join).collect()
    });
    let (mut collected, mut beside) = (Collected::default(), Vec::with_capacity(threads));
    for part in parts {
        let (runs, more) = part?;
        collected.append(runs);
        beside.push(more);
    }
    Ok((collected, beside))
}
