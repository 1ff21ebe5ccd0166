//! `windlass stats`: what an index holds.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;

use serde_json::json;
use windlass_index::{CaptureTime, IndexError, Manifest, Snapshot};

use crate::cli::{Format, StatsOptions};
use crate::numbers::{bytes, grouped};
use crate::table::{Align, Table};

pub(crate) fn run(options: &StatsOptions) -> anyhow::Result<ExitCode> {
    let snapshot = Snapshot::open(&options.index.index)?;
    let parts = match options.parts {
        true => Some(parts(&snapshot)?),
        false => None,
    };
    match options.index.output {
        Format::Json => {
            let mut value = as_json(&snapshot);
            if let (Some(parts), Some(value)) = (parts, value.as_object_mut()) {
                value.insert("bytes_by_part".to_owned(), json!(parts));
            }
            writeln!(anstream::stdout(), "{value}")?;
        }
        Format::Table => show(&snapshot, parts.as_ref())?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Sizes, and what they are for each of so many links.
pub(crate) fn sizes_table(
    what: &str,
    sizes: impl Iterator<Item = (String, u64)>,
    links: u64,
) -> Table {
    let mut table = Table::new(&[
        (what, Align::Left),
        ("size", Align::Right),
        ("bytes a link", Align::Right),
    ]);
    for (what, length) in sizes {
        let each = length as f64 / links.max(1) as f64;
        table.row(&[what, bytes(length), format!("{each:.2}")]);
    }
    table
}

fn problems(manifest: &Manifest) -> BTreeMap<&str, u64> {
    let mut all = BTreeMap::new();
    for (kind, n) in manifest.files.iter().flat_map(|file| &file.problems) {
        *all.entry(kind.as_str()).or_default() += n;
    }
    all
}

fn sections(snapshot: &Snapshot) -> BTreeMap<String, u64> {
    let mut all = BTreeMap::new();
    for (section, length) in snapshot
        .segments()
        .iter()
        .flat_map(|segment| segment.sizes().0)
    {
        *all.entry(format!("{section:?}")).or_default() += length;
    }
    all
}

/// What Sites and Ready are made of, in bytes.
type Parts = BTreeMap<&'static str, u64>;

fn parts(snapshot: &Snapshot) -> Result<Parts, IndexError> {
    let mut all = BTreeMap::new();
    for segment in snapshot.segments() {
        for (part, length) in segment.part_sizes(&AtomicBool::new(false))? {
            *all.entry(part).or_default() += length;
        }
    }
    Ok(all)
}

fn as_json(snapshot: &Snapshot) -> serde_json::Value {
    let manifest = snapshot.manifest();
    json!({
        "version": snapshot.version(),
        "format_version": manifest.format_version,
        "rules_version": manifest.rules_version,
        "public_suffix_list": manifest.public_suffix_list,
        "segments": manifest.segments,
        "bytes_by_section": sections(snapshot),
        "problems": problems(manifest),
        "files": manifest.files,
    })
}

fn show(snapshot: &Snapshot, parts: Option<&Parts>) -> std::io::Result<()> {
    let manifest = snapshot.manifest();
    let mut out = anstream::stdout().lock();
    writeln!(
        out,
        "index version {} (format {}, counting rules {}, Public Suffix List {})\n",
        snapshot.version(),
        manifest.format_version,
        manifest.rules_version,
        manifest.public_suffix_list,
    )?;
    let mut table = Table::new(&[
        ("segment", Align::Left),
        ("size", Align::Right),
        ("captures", Align::Right),
        ("pages", Align::Right),
        ("refdomains", Align::Right),
        ("sites", Align::Right),
        ("backlinks", Align::Right),
        ("other links", Align::Right),
        ("internal links", Align::Right),
        ("bytes/link", Align::Right),
        ("first capture", Align::Left),
        ("last capture", Align::Left),
    ]);
    let date = |time: Option<u32>| {
        time.map_or_else(String::new, |time| CaptureTime::from_unix(time).to_string())
    };
    for segment in &manifest.segments {
        let counts = segment.counts;
        let links = counts.backlinks + counts.other_links + counts.internal_links;
        table.row(&[
            segment.name.clone(),
            bytes(segment.bytes),
            grouped(counts.captures),
            grouped(counts.pages),
            grouped(counts.refdomains),
            grouped(counts.sites),
            grouped(counts.backlinks),
            grouped(counts.other_links),
            grouped(counts.internal_links),
            if links == 0 {
                String::new()
            } else {
                format!("{:.1}", segment.bytes as f64 / links as f64)
            },
            date(counts.first_capture),
            date(counts.last_capture),
        ]);
    }
    table.write(&mut out)?;
    let counts = manifest.segments.iter().map(|segment| segment.counts);
    let links = counts
        .map(|of| of.backlinks + of.other_links + of.internal_links)
        .sum();
    writeln!(out)?;
    sizes_table("section", sections(snapshot).into_iter(), links).write(&mut out)?;
    if let Some(parts) = parts {
        let parts = parts
            .iter()
            .map(|(part, length)| ((*part).to_owned(), *length));
        writeln!(out)?;
        sizes_table("part of Sites or Ready", parts, links).write(&mut out)?;
    }
    let total =
        |of: fn(&windlass_index::FileEntry) -> u64| grouped(manifest.files.iter().map(of).sum());
    writeln!(
        out,
        "\n{} files ingested ({}): {} captures, {} links, {} of them external",
        grouped(manifest.files.len() as u64),
        bytes(manifest.files.iter().map(|file| file.bytes).sum()),
        total(|file| file.captures),
        total(|file| file.links),
        total(|file| file.external_links),
    )?;
    for (kind, n) in problems(manifest) {
        writeln!(out, "{} problems: {kind}", grouped(n))?;
    }
    Ok(())
}
