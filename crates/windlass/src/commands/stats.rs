//! `windlass stats`: what an index holds.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::ExitCode;

use serde_json::json;
use windlass_index::{CaptureTime, Manifest, Snapshot};

use crate::cli::{Format, IndexOptions};
use crate::numbers::{bytes, grouped};
use crate::table::{Align, Table};

pub(crate) fn run(options: &IndexOptions) -> anyhow::Result<ExitCode> {
    let snapshot = Snapshot::open(&options.index)?;
    match options.output {
        Format::Json => {
            let value = as_json(&snapshot);
            writeln!(anstream::stdout(), "{value}")?;
        }
        Format::Table => show(&snapshot)?,
    }
    Ok(ExitCode::SUCCESS)
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

fn show(snapshot: &Snapshot) -> std::io::Result<()> {
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
        ("bytes/link", Align::Right),
        ("first capture", Align::Left),
        ("last capture", Align::Left),
    ]);
    let date = |time: Option<u32>| {
        time.map_or_else(String::new, |time| CaptureTime::from_unix(time).to_string())
    };
    for segment in &manifest.segments {
        let counts = segment.counts;
        let links = counts.backlinks + counts.other_links;
        table.row(&[
            segment.name.clone(),
            bytes(segment.bytes),
            grouped(counts.captures),
            grouped(counts.pages),
            grouped(counts.refdomains),
            grouped(counts.sites),
            grouped(counts.backlinks),
            grouped(counts.other_links),
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
    let mut table = Table::new(&[("section", Align::Left), ("size", Align::Right)]);
    for (section, length) in sections(snapshot) {
        table.row(&[section, bytes(length)]);
    }
    writeln!(out)?;
    table.write(&mut out)?;
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
