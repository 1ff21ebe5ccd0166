//! Building an index of a hostile shape, as segments that are then merged.

use std::ops::Range;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Duration;

use serde::Serialize;
use windlass_index::{Collected, Collector, Snapshot, Writer};

use super::shape::Shape;
use crate::commands::bench::machine::{Clock, Spent, forget_peak_memory, peak_memory, thread_time};

/// The captures are committed in so many parts, so that there is something to merge.
const SEGMENTS: u64 = 3;
/// Links that are made at once, so that making and collecting can be timed apart.
const LINKS_AT_ONCE: u64 = 10_000;

/// What building or merging took.
#[derive(Debug, Default, Serialize)]
pub(super) struct Cost {
    pub(super) wall_s: f64,
    /// Without making the links.
    pub(super) cpu_s: f64,
    pub(super) memory_max: u64,
}

impl Cost {
    fn of(spent: Spent, generating: Duration) -> Self {
        Self {
            wall_s: spent.wall.as_secs_f64(),
            cpu_s: spent.cpu.saturating_sub(generating).as_secs_f64(),
            memory_max: peak_memory(),
        }
    }
}

/// Commits the captures in some segments. Also says how many of those were merged from several runs.
pub(super) fn build(directory: &Path, shape: &Shape, memory: u64) -> anyhow::Result<(Cost, u64)> {
    forget_peak_memory();
    let clock = Clock::start();
    let (mut generating, mut merged) = (Duration::ZERO, 0);
    for part in 0..SEGMENTS {
        let bound = |part| shape.captures() * part / SEGMENTS;
        let captures = bound(part)..bound(part + 1);
        if captures.is_empty() {
            continue;
        }
        let mut writer = Writer::open(directory, None)?;
        writer.set_memory_max(usize::try_from(memory)?);
        let (collected, made) = collect(&writer, shape, captures, memory)?;
        generating += made;
        merged += u64::from(collected.merge_total() > 0);
        writer.commit_collected(collected, Vec::new(), &(), &AtomicBool::new(false))?;
    }
    Ok((Cost::of(clock.spent(), generating), merged))
}

/// Merges all segments.
pub(super) fn merge(directory: &Path, memory: u64) -> anyhow::Result<Cost> {
    forget_peak_memory();
    let clock = Clock::start();
    let mut writer = Writer::open(directory, None)?;
    writer.set_memory_max(usize::try_from(memory)?);
    writer.merge_all(&(), &AtomicBool::new(false))?;
    Ok(Cost::of(clock.spent(), Duration::ZERO))
}

/// Reads all of the index and checks it.
pub(super) fn verify(directory: &Path) -> anyhow::Result<Cost> {
    forget_peak_memory();
    let clock = Clock::start();
    for segment in Snapshot::open(directory)?.segments() {
        segment.verify(&AtomicBool::new(false))?;
    }
    Ok(Cost::of(clock.spent(), Duration::ZERO))
}

/// Collects captures, with all processors; also the time that making them took.
fn collect(
    writer: &Writer,
    shape: &Shape,
    captures: Range<u64>,
    memory: u64,
) -> anyhow::Result<(Collected, Duration)> {
    let threads = thread::available_parallelism().map_or(1, Into::into);
    let memory_max = usize::try_from(memory)? / threads;
    let at_once = (LINKS_AT_ONCE / shape.links_a_page()).max(1);
    let work = |thread: usize| -> anyhow::Result<(Collected, Duration)> {
        let mut collector = Collector::new(writer, memory_max);
        let mut generator = shape.generator();
        let mut generating = Duration::ZERO;
        let mut made = Vec::new();
        let chunks = captures.clone().step_by(usize::try_from(at_once)?);
        for first in chunks.skip(thread).step_by(threads) {
            let start = thread_time();
            made.clear();
            for number in first..(first + at_once).min(captures.end) {
                made.push(generator.capture(number)?);
            }
            generating += thread_time().saturating_sub(start);
            for (offset, capture) in (first..).zip(&made) {
                collector.add(capture, [0; 32], offset)?;
            }
        }
        Ok((collector.finish()?, generating))
    };
    let parts: Vec<anyhow::Result<_>> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|thread| {
                let work = &work;
                scope.spawn(move || work(thread))
            })
            .collect();
        let join = |worker: thread::ScopedJoinHandle<'_, _>| {
            worker
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        workers.into_iter().map(join).collect()
    });
    let (mut collected, mut generating) = (Collected::default(), Duration::ZERO);
    for part in parts {
        let (runs, made) = part?;
        collected.append(runs);
        generating += made;
    }
    Ok((collected, generating))
}
