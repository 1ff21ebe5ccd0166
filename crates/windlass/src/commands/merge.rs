//! `windlass merge`: all segments into one.

use std::io::Write;
use std::process::ExitCode;

use windlass_index::Writer;

use crate::cli::MergeOptions;
use crate::numbers::bytes;
use crate::progress::{Meter, cancel_on_signal, warn_of_left_behind};

pub(crate) fn run(options: &MergeOptions) -> anyhow::Result<ExitCode> {
    // Not to make an index of a mistyped directory.
    windlass_index::Snapshot::open(&options.index)?;
    let cancel = cancel_on_signal()?;
    let mut writer = Writer::open(&options.index, None)?;
    let before = writer.manifest().segments.len();
    let meter = Meter::items("merging", writer.merge_total());
    let merged = writer.merge_all(&meter, &cancel);
    meter.finish();
    warn_of_left_behind(&writer);
    let mut out = anstream::stdout().lock();
    if merged? {
        let size = writer
            .manifest()
            .segments
            .iter()
            .map(|segment| segment.bytes)
            .sum();
        writeln!(out, "merged {before} segments into one of {}", bytes(size))?;
    } else {
        writeln!(out, "nothing to merge: the index has {before} segments")?;
    }
    Ok(ExitCode::SUCCESS)
}
