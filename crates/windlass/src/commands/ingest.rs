//! `windlass ingest`: archive files into an index.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::json;
use windlass_index::{Counts, FileEntry, IngestSummary, SegmentEntry, Work, Writer};

use crate::cli::{Format, IngestMerge, IngestOptions, WaitingOptions};
use crate::commands::writing;
use crate::inputs::{self, Inputs};
use crate::memory;
use crate::numbers::{bytes, grouped};
use crate::progress::{IngestMeter, Meter, told, warn_of_left_behind};
use crate::signals::cancel_on_signal;
use crate::table::defused;

pub(crate) fn run(options: &IngestOptions) -> anyhow::Result<ExitCode> {
    let Inputs { files: paths, bad } = inputs::expand(&options.paths).some()?;
    let list = options.list.text()?;
    let memory_max = options.memory.unwrap_or_else(memory::quarter_of_ram);
    let mut settings = windlass_index::IngestOptions {
        memory_max: usize::try_from(memory_max).unwrap_or(usize::MAX),
        limits: options.reading.limits(),
        force: options.force,
        keep_internal: options.keep_internal,
        batch_bytes: options.batch,
        merge: (options.merge == IngestMerge::Tiered).then(|| options.policy.policy()),
        ..windlass_index::IngestOptions::default()
    };
    if let Some(threads) = options.threads {
        settings.threads = threads.max(1);
    }
    let cancel = cancel_on_signal()?;
    let mut writer = writing::open(
        &options.index,
        list.as_deref(),
        Work::Ingesting,
        &options.waiting,
        &cancel,
    )?;
    let (mut summary, elapsed) = ingest(&mut writer, &paths, &settings, &cancel)?;
    summary.files_failed.extend(bad);
    if options.merge == IngestMerge::Full {
        merge_all(&mut writer, &mut summary, &cancel);
    }
    warn_of_left_behind(&writer);
    match options.output {
        Format::Table => told(show(&summary, elapsed, &writer))?,
        Format::Json => {
            let summary = as_json(&summary, elapsed, &writer);
            told(writeln!(anstream::stdout(), "{summary}"))?;
        }
    }
    Ok(
        if summary.files_failed.is_empty() && summary.merge_failed.is_none() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        },
    )
}

/// Reads the files into an index, with progress, as `demo` wants it: merged in tiers.
pub(crate) fn ingest_tiered(
    index: &Path,
    paths: &[PathBuf],
    memory_max: usize,
) -> anyhow::Result<(IngestSummary, Duration, Writer)> {
    let settings = windlass_index::IngestOptions {
        memory_max,
        merge: Some(windlass_index::MergePolicy::default()),
        ..windlass_index::IngestOptions::default()
    };
    let cancel = cancel_on_signal()?;
    let waiting = WaitingOptions { wait: None };
    let mut writer = writing::open(index, None, Work::Ingesting, &waiting, &cancel)?;
    let (summary, elapsed) = ingest(&mut writer, paths, &settings, &cancel)?;
    warn_of_left_behind(&writer);
    Ok((summary, elapsed, writer))
}

/// Reads the files into the index, with progress.
fn ingest(
    writer: &mut Writer,
    paths: &[PathBuf],
    settings: &windlass_index::IngestOptions,
    cancel: &AtomicBool,
) -> anyhow::Result<(IngestSummary, Duration)> {
    let total = paths
        .iter()
        .filter_map(|path| path.metadata().ok())
        .map(|metadata| metadata.len())
        .sum();
    let meter = IngestMeter::new(total);
    let start = Instant::now();
    let summary = windlass_index::ingest(writer, paths, settings, &meter, cancel);
    meter.finish();
    Ok((summary?, start.elapsed()))
}

/// Merges all segments. What was read is in the index whether this succeeds or not, so that the
/// summary is shown in any case.
fn merge_all(writer: &mut Writer, summary: &mut IngestSummary, cancel: &AtomicBool) {
    let meter = Meter::items("merging", writer.merge_total());
    match writer.merge_all(&meter, cancel) {
        Ok(merged) => summary.merges += u64::from(merged),
        Err(error) => summary.merge_failed = Some(error.to_string()),
    }
    meter.finish();
}

fn sum(summary: &IngestSummary, of: impl Fn(&FileEntry) -> u64) -> u64 {
    summary.files.iter().map(of).sum()
}

pub(crate) fn show(
    summary: &IngestSummary,
    elapsed: Duration,
    writer: &Writer,
) -> std::io::Result<()> {
    let mut out = anstream::stdout().lock();
    let seconds = elapsed.as_secs_f64().max(1e-9);
    let rate = |n: u64| bytes((n as f64 / seconds) as u64);
    writeln!(
        out,
        "{} files read, {} known already, {} failed, in {seconds:.1} s",
        grouped(summary.files.len() as u64),
        grouped(summary.files_known.len() as u64),
        grouped(summary.files_failed.len() as u64),
    )?;
    writeln!(
        out,
        "{} read ({}/s), {} decompressed ({}/s)",
        bytes(summary.bytes),
        rate(summary.bytes),
        bytes(summary.bytes_decompressed),
        rate(summary.bytes_decompressed),
    )?;
    let skipped = sum(summary, |file| file.captures_skipped.values().sum());
    writeln!(
        out,
        "{} captures, {} links, {} of them external; {} captures that say nothing, {} other records",
        grouped(sum(summary, |file| file.captures)),
        grouped(sum(summary, |file| file.links)),
        grouped(sum(summary, |file| file.external_links)),
        grouped(skipped),
        grouped(sum(summary, |file| file.records_skipped)),
    )?;
    for (kind, n) in summary.problems() {
        writeln!(out, "{} problems: {kind}", grouped(n))?;
    }
    for (path, why) in &summary.files_failed {
        let text = defused(&format!("{}: {why}", path.display()));
        writeln!(out, "failed: {text}")?;
    }
    if summary.merges > 0 {
        writeln!(out, "{} merges of segments", grouped(summary.merges))?;
    }
    if let Some(why) = &summary.merge_failed {
        writeln!(
            out,
            "merging failed: {why}\nwhat was read is in the index; 'windlass merge' merges later"
        )?;
    }
    let segments = &writer.manifest().segments;
    let Held {
        backlinks,
        sites,
        pages,
    } = Held::of(segments);
    let each = match segments.len() {
        0 | 1 => "",
        _ => "; what several of them hold is counted in each",
    };
    writeln!(
        out,
        "the index now has {} segments with {} backlinks to {} sites, from {} pages{each}",
        grouped(segments.len() as u64),
        grouped(backlinks),
        grouped(sites),
        grouped(pages),
    )
}

/// What segments hold, added up: what several of them hold is counted in each.
#[derive(Debug, Serialize)]
struct Held {
    backlinks: u64,
    sites: u64,
    pages: u64,
}

impl Held {
    fn of(segments: &[SegmentEntry]) -> Self {
        let total =
            |of: fn(&Counts) -> u64| segments.iter().map(|segment| of(&segment.counts)).sum();
        Self {
            backlinks: total(|counts| counts.backlinks),
            sites: total(|counts| counts.sites),
            pages: total(|counts| counts.pages),
        }
    }
}

fn as_json(summary: &IngestSummary, elapsed: Duration, writer: &Writer) -> serde_json::Value {
    let segments = &writer.manifest().segments;
    // It need not be UTF-8.
    let name = |path: &PathBuf| path.display().to_string();
    json!({
        "files_read": summary.files.len(),
        "files_known": summary.files_known.iter().map(name).collect::<Vec<_>>(),
        "files_failed": summary.files_failed.iter()
            .map(|(path, why)| json!({"file": name(path), "error": why})).collect::<Vec<_>>(),
        "seconds": elapsed.as_secs_f64(),
        "bytes": summary.bytes,
        "bytes_decompressed": summary.bytes_decompressed,
        "captures": sum(summary, |file| file.captures),
        "captures_skipped": sum(summary, |file| file.captures_skipped.values().sum()),
        "records_skipped": sum(summary, |file| file.records_skipped),
        "links": sum(summary, |file| file.links),
        "external_links": sum(summary, |file| file.external_links),
        "links_rejected": sum(summary, |file| file.links_rejected),
        "anchors_cut": sum(summary, |file| file.anchors_cut),
        "problems": summary.problems(),
        "merges": summary.merges,
        "merge_error": summary.merge_failed,
        "segments": segments.len(),
        "in_segments": Held::of(segments),
    })
}
