//! `windlass trace`: one link, down to the archive records that show it.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::{Context, bail};
use serde_json::json;
use windlass_index::{ArchivePlace, Snapshot, Trace, TracedCapture};
use windlass_links::CanonicalUrl;

use crate::cli::{Format, TraceOptions};
use crate::commands::links::rel_text;
use crate::signals::cancel_on_signal;
use crate::table::{Align, Table, defused};

pub(crate) fn run(options: &TraceOptions) -> anyhow::Result<ExitCode> {
    for url in [&options.page, &options.target] {
        CanonicalUrl::parse(url).with_context(|| {
            format!("'{url}' is no absolute URL: write it as the report shows it, with http:// or https://")
        })?;
    }
    let cancel = cancel_on_signal()?;
    let snapshot = Snapshot::open(&options.index.index)?;
    let (page, target, anchor) = (&options.page, &options.target, &options.anchor);
    let Some(trace) = snapshot.trace(page, target, anchor, &cancel)? else {
        bail!(
            "no capture of {page} shows a link to {target} with the anchor '{anchor}': the anchor is compared as \
             written, capital letters included, which 'from=backlinks' shows; and links within one registrable \
             domain are in an index that was made with --keep-internal alone"
        );
    };
    match options.index.output {
        Format::Json => writeln!(anstream::stdout(), "{}", as_json(&trace))?,
        Format::Table => show(&trace)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn as_json(trace: &Trace) -> serde_json::Value {
    let capture = |capture: &TracedCapture| {
        let places = capture.places.iter().map(|place| {
            json!({
                "digest": place.digest,
                "offset": place.offset,
                "file_names": place.file_names,
            })
        });
        json!({
            "time": capture.time.to_string(),
            "outcome": capture.outcome,
            "status": capture.status,
            "source": capture.source,
            "shows_link": capture.shows_link,
            "rel": capture.rel.map(rel_text),
            "alt": capture.alt,
            "renews": capture.renews.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "places": places.collect::<Vec<_>>(),
        })
    };
    json!({
        "page": trace.page.url,
        "refdomain": trace.page.refdomain,
        "target": trace.target,
        "anchor": trace.anchor,
        "alt": trace.alt,
        "rel": rel_text(trace.rel),
        "link_type": trace.link_type.name(),
        "nofollow": trace.rel.is_nofollow(),
        "first_seen": trace.first_seen.to_string(),
        "last_visited": trace.last_visited.to_string(),
        "lost": trace.lost.map(|time| time.to_string()),
        "captures": trace.captures.iter().map(capture).collect::<Vec<_>>(),
    })
}

fn show(trace: &Trace) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    let or = |text: &str, nothing: &str| match text {
        "" => nothing.to_owned(),
        text => defused(text),
    };
    writeln!(out, "page    {}", defused(&trace.page.url))?;
    writeln!(out, "target  {}", defused(&trace.target))?;
    writeln!(out, "anchor  {}", or(&trace.anchor, "(empty)"))?;
    writeln!(out, "alt     {}", or(&trace.alt, "(none)"))?;
    writeln!(out, "rel     {}", or(&rel_text(trace.rel), "(none)"))?;
    writeln!(out, "type    {}", trace.link_type.name())?;
    let lost = trace.lost.map(|time| format!("lost {time}"));
    writeln!(
        out,
        "dates   first seen {}, last visited {}, {}\n",
        trace.first_seen,
        trace.last_visited,
        lost.as_deref().unwrap_or("live")
    )?;
    let mut table = Table::new(&[
        ("captured", Align::Left),
        ("outcome", Align::Left),
        ("status", Align::Right),
        ("link", Align::Left),
        ("source", Align::Left),
        ("file", Align::Right),
        ("offset", Align::Right),
    ]);
    // Names are long: they stand below.
    let mut files: Vec<&ArchivePlace> = Vec::new();
    for capture in &trace.captures {
        for place in &capture.places {
            let known = files.iter().position(|file| file.digest == place.digest);
            let file = known.unwrap_or_else(|| {
                files.push(place);
                files.len() - 1
            });
            table.row(&[
                capture.time.to_string(),
                outcome(capture),
                capture.status.map_or_else(String::new, |s| s.to_string()),
                if capture.shows_link { "yes" } else { "no" }.to_owned(),
                capture.source.unwrap_or_default().to_owned(),
                format!("[{}]", file + 1),
                place.offset.to_string(),
            ]);
        }
    }
    table.write(&mut out)?;
    writeln!(out)?;
    for (at, file) in files.iter().enumerate() {
        let names = defused(&file.file_names.join(", "));
        writeln!(out, "[{}] {names} (BLAKE3 {})", at + 1, file.digest)?;
    }
    Ok(())
}

/// With what a revisit renews.
fn outcome(capture: &TracedCapture) -> String {
    let times: Vec<String> = capture.renews.iter().map(ToString::to_string).collect();
    match times.as_slice() {
        [] => capture.outcome.to_owned(),
        times => format!("{} of {}", capture.outcome, times.join(", ")),
    }
}
