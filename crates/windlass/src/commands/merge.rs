//! `windlass merge`: all segments into one, or those that are due.

use std::io::Write;
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;

use windlass_index::{IndexError, MergePlan, Work, Writer};

use crate::cli::MergeOptions;
use crate::commands::writing;
use crate::memory;
use crate::numbers::{bytes, grouped};
use crate::progress::{Meter, warn_of_left_behind};
use crate::signals::cancel_on_signal;

pub(crate) fn run(options: &MergeOptions) -> anyhow::Result<ExitCode> {
    // Not to make an index of a mistyped directory.
    windlass_index::Snapshot::open(&options.index)?;
    let cancel = cancel_on_signal()?;
    let (index, waiting) = (&options.index, &options.waiting);
    let mut writer = writing::open(index, None, Work::Merging, waiting, &cancel)?;
    let memory = options.memory.unwrap_or_else(memory::quarter_of_ram);
    writer.set_memory_max(usize::try_from(memory).unwrap_or(usize::MAX));
    let before = writer.manifest().segments.len();
    let mut merges = 0u64;
    if options.tiered {
        let policy = options.policy.policy();
        while let Some(plan) = writer.next_merge(&policy) {
            merge(&mut writer, &plan, &cancel)?;
            merges += 1;
        }
    } else if let Some(plan) = MergePlan::full(writer.manifest()) {
        merge(&mut writer, &plan, &cancel)?;
        merges += 1;
    }
    warn_of_left_behind(&writer);
    let segments = &writer.manifest().segments;
    let size = bytes(segments.iter().map(|segment| segment.bytes).sum());
    let mut out = anstream::stdout().lock();
    match (merges, segments.len()) {
        (0, _) => writeln!(out, "nothing to merge: the index has {before} segments")?,
        (1, 1) => writeln!(out, "merged {before} segments into one of {size}")?,
        (_, after) => writeln!(
            out,
            "merged {before} segments into {after} of {size} in all, in {} merges",
            grouped(merges)
        )?,
    }
    Ok(ExitCode::SUCCESS)
}

fn merge(writer: &mut Writer, plan: &MergePlan, cancel: &AtomicBool) -> Result<bool, IndexError> {
    let meter = Meter::items("merging", plan.units);
    let merged = writer.merge(plan, &meter, cancel);
    meter.finish();
    merged
}
