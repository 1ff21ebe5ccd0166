//! Building an index of a hostile shape, as segments that are then merged.

use std::ops::Range;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Duration;

use serde::Serialize;
use windlass_index::{Collected, Collector, Snapshot, Writer};

use super::shape::Shape;
use crate::commands::bench::collecting::collect;
use crate::commands::bench::machine::{
    Clock, forget_peak_memory, peak_memory, thread_time, with_peak_own_memory,
};

/// The captures are committed in so many parts, so that there is something to merge.
const SEGMENTS: u64 = 3;
/// Bytes of links that are made at once, about, so that making and collecting can be timed apart.
const BYTES_AT_ONCE: u64 = 1 << 21;

/// What building or merging took.
#[derive(Debug, Default, Serialize)]
pub(super) struct Cost {
    pub(super) wall_s: f64,
    /// Without making the links.
    pub(super) cpu_s: f64,
    /// Mapped files included.
    pub(super) memory_max: u64,
    /// Without mapped files, which can be let go.
    pub(super) own_memory_max: u64,
}

/// What some work gives, and what it costs, less what it says to have taken for making links.
fn measured<T>(work: impl FnOnce() -> anyhow::Result<(T, Duration)>) -> anyhow::Result<(T, Cost)> {
    forget_peak_memory();
    let clock = Clock::start();
    let (done, own_memory_max) = with_peak_own_memory(work);
    let (result, generating) = done?;
    let spent = clock.spent();
    let cost = Cost {
        wall_s: spent.wall.as_secs_f64(),
        cpu_s: spent.cpu.saturating_sub(generating).as_secs_f64(),
        memory_max: peak_memory(),
        own_memory_max,
    };
    Ok((result, cost))
}

/// Commits the captures in some segments. Also says how many of those were merged from several runs.
pub(super) fn build(directory: &Path, shape: &Shape, memory: u64) -> anyhow::Result<(u64, Cost)> {
    measured(|| {
        let (mut generating, mut merged) = (Duration::ZERO, 0);
        for part in 0..SEGMENTS {
            let bound = |part| shape.captures() * part / SEGMENTS;
            let captures = bound(part)..bound(part + 1);
            if captures.is_empty() {
                continue;
            }
            let mut writer = Writer::open(directory, None)?;
            writer.set_memory_max(usize::try_from(memory)?);
            let (collected, made) = collect_range(&writer, shape, captures, memory)?;
            generating += made;
            merged += u64::from(collected.merge_total() > 0);
            writer.commit_collected(collected, Vec::new(), &(), &AtomicBool::new(false))?;
        }
        Ok((merged, generating))
    })
}

/// Merges all segments.
pub(super) fn merge(directory: &Path, memory: u64) -> anyhow::Result<Cost> {
    let ((), cost) = measured(|| {
        let mut writer = Writer::open(directory, None)?;
        writer.set_memory_max(usize::try_from(memory)?);
        writer.merge_all(&(), &AtomicBool::new(false))?;
        Ok(((), Duration::ZERO))
    })?;
    Ok(cost)
}

/// Reads all of the index and checks it.
pub(super) fn verify(directory: &Path) -> anyhow::Result<Cost> {
    let ((), cost) = measured(|| {
        for segment in Snapshot::open(directory)?.segments() {
            segment.verify(&AtomicBool::new(false))?;
        }
        Ok(((), Duration::ZERO))
    })?;
    Ok(cost)
}

/// Collects captures, with all processors; also the time that making them took.
fn collect_range(
    writer: &Writer,
    shape: &Shape,
    captures: Range<u64>,
    memory: u64,
) -> anyhow::Result<(Collected, Duration)> {
    let threads = thread::available_parallelism().map_or(1, Into::into);
    let at_once = (BYTES_AT_ONCE / shape.capture_bytes()).max(1);
    let work = |thread: usize, collector: &mut Collector<'_>| {
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
        Ok(generating)
    };
    let (collected, generating) = collect(writer, threads, usize::try_from(memory)?, work)?;
    Ok((collected, generating.into_iter().sum()))
}
