//! `windlass export`: captures and links as Parquet, for other engines.

mod parquet_file;

use std::collections::HashMap;
use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, bail};
use windlass_index::{
    CaptureRow, CaptureTime, IndexError, LinkRow, Segment, Snapshot, merge_to_file,
};

use crate::cli::ExportOptions;
use crate::commands::links::rel_text;
use crate::numbers::grouped;
use crate::progress::Meter;
use crate::signals::cancel_on_signal;
use parquet_file::{Kind, ParquetFile, Value};

const CAPTURES: &[(&str, Kind)] = &[
    ("page", Kind::Text),
    ("refdomain", Kind::Text),
    ("time", Kind::Time),
    ("outcome", Kind::Text),
    ("source", Kind::OptionalText),
    ("status", Kind::OptionalInteger),
    ("title", Kind::OptionalText),
    ("internal_links", Kind::Integer),
    ("external_links", Kind::Integer),
    ("file", Kind::Text),
    ("file_digest", Kind::Text),
    ("offset", Kind::Integer),
];

const LINKS: &[(&str, Kind)] = &[
    ("site", Kind::Text),
    ("target", Kind::Text),
    ("page", Kind::Text),
    ("refdomain", Kind::Text),
    ("link_type", Kind::Text),
    ("anchor", Kind::Text),
    ("anchor_folded", Kind::Text),
    ("alt", Kind::Text),
    ("rel", Kind::Text),
    ("nofollow", Kind::Flag),
    ("first_seen", Kind::Time),
    ("last_visited", Kind::Time),
    ("lost", Kind::OptionalTime),
];

/// A folder for unfinished work. What a program that was killed left in it is cleared away by the next one.
struct Unfinished {
    path: PathBuf,
    /// Locked as long as somebody works there.
    _lock: File,
}

impl Unfinished {
    fn begin(to: &Path) -> anyhow::Result<Self> {
        let path = to.join(".windlass-export");
        let about = || format!("making a folder for unfinished work, {}", path.display());
        fs::create_dir_all(&path).with_context(about)?;
        let lock = File::create(path.join("lock")).with_context(about)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!("another export writes to {}", to.display()),
            Err(TryLockError::Error(error)) => return Err(error).with_context(about),
        }
        for entry in fs::read_dir(&path).with_context(about)? {
            let entry = entry.with_context(about)?;
            if entry.file_name() != "lock" {
                fs::remove_file(entry.path())
                    .with_context(|| format!("clearing away {}", entry.path().display()))?;
            }
        }
        Ok(Self { path, _lock: lock })
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // What stays is cleared away by the next one.
        let _ = fs::remove_dir_all(&self.path);
    }
}

pub(crate) fn run(options: &ExportOptions) -> anyhow::Result<ExitCode> {
    let cancel = cancel_on_signal()?;
    let snapshot = Snapshot::open(&options.index)?;
    fs::create_dir_all(&options.to)
        .with_context(|| format!("making the folder {}", options.to.display()))?;
    let unfinished = Unfinished::begin(&options.to)?;
    let segment = match snapshot.segments() {
        [only] => Arc::clone(only),
        several => {
            let counts = several.iter().map(|segment| segment.counts());
            let meter = Meter::items(
                "merging",
                counts
                    .map(|c| c.captures + c.backlinks + c.other_links + c.internal_links)
                    .sum(),
            );
            let merged = merge_to_file(
                &snapshot,
                &unfinished.path.join("merged.segment"),
                &meter,
                &cancel,
            );
            meter.finish();
            Arc::new(merged?)
        }
    };
    let counts = segment.counts();
    let meter = Meter::items(
        "exporting",
        counts.captures + counts.backlinks + counts.other_links,
    );
    let names: HashMap<&str, &str> = snapshot
        .manifest()
        .files
        .iter()
        .filter_map(|file| Some((file.digest.as_str(), file.names.first()?.as_str())))
        .collect();
    let work = Work {
        segment: &segment,
        names: &names,
        meter: &meter,
        cancel: &cancel,
    };
    let mut file = ParquetFile::create(&unfinished.path.join("captures"), CAPTURES)?;
    work.captures(&mut file)?;
    let captures = file.close()?;
    let mut file = ParquetFile::create(&unfinished.path.join("links"), LINKS)?;
    work.links(&mut file)?;
    let links = file.close()?;
    meter.finish();
    // Only now that both are whole: those of an earlier export belong together, too.
    captures.rename(&options.to.join("captures.parquet"))?;
    links.rename(&options.to.join("links.parquet"))?;
    let to = options.to.display();
    File::open(&options.to)
        .and_then(|folder| folder.sync_all())
        .with_context(|| format!("syncing {to}"))?;
    let mut out = anstream::stdout().lock();
    writeln!(
        out,
        "{to}/captures.parquet: {} rows",
        grouped(captures.rows)
    )?;
    writeln!(out, "{to}/links.parquet: {} rows", grouped(links.rows))?;
    Ok(ExitCode::SUCCESS)
}

struct Work<'a> {
    segment: &'a Segment,
    names: &'a HashMap<&'a str, &'a str>,
    meter: &'a Meter,
    cancel: &'a AtomicBool,
}

impl Work<'_> {
    fn step(&self) -> anyhow::Result<()> {
        if self.cancel.load(Ordering::Relaxed) {
            return Err(IndexError::Cancelled.into());
        }
        self.meter.add(1);
        Ok(())
    }

    fn captures(&self, file: &mut ParquetFile) -> anyhow::Result<()> {
        self.segment.for_each_capture(|row: &CaptureRow<'_>| {
            self.step()?;
            let name = self.names.get(row.file_digest).copied().unwrap_or_default();
            file.row(&[
                Value::Text(row.page),
                Value::Text(row.refdomain),
                time(row.time),
                Value::Text(row.outcome),
                row.source.map_or(Value::Null, Value::Text),
                row.status
                    .map_or(Value::Null, |status| Value::Integer(status.into())),
                row.title.map_or(Value::Null, Value::Text),
                Value::Integer(row.internal_links.into()),
                Value::Integer(row.external_links.into()),
                Value::Text(name),
                Value::Text(row.file_digest),
                Value::Integer(i64::try_from(row.offset)?),
            ])
        })
    }

    fn links(&self, file: &mut ParquetFile) -> anyhow::Result<()> {
        self.segment.for_each_link(|row: &LinkRow<'_>| {
            self.step()?;
            file.row(&[
                Value::Text(row.site),
                Value::Text(row.target),
                Value::Text(&row.page.url),
                Value::Text(&row.page.refdomain),
                Value::Text(row.link_type.name()),
                Value::Text(row.anchor),
                Value::Text(row.folded_anchor),
                Value::Text(row.alt),
                Value::Text(&rel_text(row.rel)),
                Value::Flag(row.rel.is_nofollow()),
                time(row.first_seen),
                time(row.last_visited),
                row.lost.map_or(Value::Null, time),
            ])
        })
    }
}

fn time(time: CaptureTime) -> Value<'static> {
    Value::Integer(i64::from(time.unix()) * 1000)
}
