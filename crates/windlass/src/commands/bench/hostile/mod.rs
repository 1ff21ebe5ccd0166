//! Indexes of links in hostile shapes: what they cost, and whether their reports are exact.

mod building;
mod expected;
mod shape;

use std::io::Write;
use std::path::Path;

use anyhow::{Context, bail};
use clap::ValueEnum;
use serde::Serialize;
use windlass_index::Snapshot;

use super::asking::cold::{self, ColdAnswer};
use super::asking::{Answer, Question, ask};
use super::machine::{Peaks, forget_peak_memory};
use crate::cli::{BenchOptions, Format, HostileShape};
use crate::numbers::{bytes, grouped};
use crate::table::{Align, Table};
use building::Cost;
use expected::{Known, questions};
use shape::Shape;

/// What a run measured.
#[derive(Debug, Serialize)]
struct Summary {
    shape: String,
    backlinks: u64,
    pages: u64,
    refdomains: u64,
    sites: u64,
    memory: u64,
    bytes: u64,
    disk_max: u64,
    build: Cost,
    /// Segments of the build, and how many of them were merged from several runs.
    segments: u64,
    segments_of_runs: u64,
    merge: Cost,
    verify: Cost,
    questions: Vec<Asked>,
}

/// A question, answered exactly.
#[derive(Debug, Serialize)]
struct Asked {
    /// With nothing in memory before.
    several_segments: ColdAnswer,
    one_segment: ColdAnswer,
    warm: Answer,
}

pub(super) fn run(options: &BenchOptions, kind: HostileShape) -> anyhow::Result<()> {
    let temporary = super::temporary_folder()?;
    let directory = options.asking.keep.as_deref().unwrap_or(temporary.path());
    if directory.join("manifest.json").exists() {
        bail!(
            "{} holds an index already; --keep wants a new directory",
            directory.display()
        );
    }
    std::fs::create_dir_all(directory)?;
    let shape = Shape::new(kind, options.links);
    let known = if options.asking.no_ask {
        Vec::new()
    } else {
        questions(&shape)
    };
    let peaks = Peaks::default();
    let summary = peaks.watch(directory, || measure(directory, &shape, &known, options));
    let summary = Summary {
        disk_max: peaks.take_disk(),
        ..summary?
    };
    let mut out = anstream::stdout().lock();
    if options.output == Format::Json {
        serde_json::to_writer(&mut out, &summary)?;
        writeln!(out)?;
    } else {
        show(&summary, &mut out)?;
    }
    Ok(())
}

fn measure(
    directory: &Path,
    shape: &Shape,
    known: &[Known],
    options: &BenchOptions,
) -> anyhow::Result<Summary> {
    let (segments_of_runs, build) = building::build(directory, shape, options.memory)?;
    let segments = Snapshot::open(directory)?.segments().len() as u64;
    let several_segments = ask_cold(directory, known, "over several segments")?;
    let merge = building::merge(directory, options.memory)?;
    let verify = building::verify(directory)?;
    let one_segment = ask_cold(directory, known, "over one segment")?;
    let snapshot = Snapshot::open(directory)?;
    let [segment] = snapshot.segments() else {
        bail!("the segments were not merged");
    };
    let counts = segment.counts();
    for (what, found, exact) in [
        ("backlinks", counts.backlinks, shape.links),
        ("pages", counts.pages, shape.pages()),
        ("referring domains", counts.refdomains, shape.domains()),
        ("captures", counts.captures, shape.captures()),
    ] {
        if found != exact {
            bail!("the index has {found} {what}, not {exact}");
        }
    }
    forget_peak_memory();
    let mut asked = Vec::new();
    for ((known, several_segments), one_segment) in
        known.iter().zip(several_segments).zip(one_segment)
    {
        let mut warm = ask(&snapshot, &known.question, options.repeat, true)?;
        let rows = warm.rows.take().unwrap_or_default();
        known.check(&warm.totals, &rows).context("asked again")?;
        asked.push(Asked {
            several_segments,
            one_segment,
            warm,
        });
    }
    Ok(Summary {
        shape: name(shape.kind),
        backlinks: counts.backlinks,
        pages: counts.pages,
        refdomains: counts.refdomains,
        sites: counts.sites,
        memory: options.memory,
        bytes: segment.sizes().1,
        disk_max: 0,
        build,
        segments,
        segments_of_runs,
        merge,
        verify,
        questions: asked,
    })
}

/// Asks each question in a process of its own, and compares the answers with the exact ones.
fn ask_cold(directory: &Path, known: &[Known], how: &str) -> anyhow::Result<Vec<ColdAnswer>> {
    let questions: Vec<Question> = known.iter().map(|known| known.question.clone()).collect();
    let mut answers = cold::ask_all(directory, &questions, true)?;
    for (known, answer) in known.iter().zip(&mut answers) {
        let rows = answer.rows.take().unwrap_or_default();
        let checked = known.check(&answer.totals, &rows);
        checked.with_context(|| format!("asked {how}"))?;
    }
    Ok(answers)
}

fn name(kind: HostileShape) -> String {
    kind.to_possible_value()
        .map(|value| value.get_name().to_owned())
        .unwrap_or_default()
}

fn show(summary: &Summary, out: &mut impl Write) -> std::io::Result<()> {
    let each = summary.bytes as f64 / summary.backlinks.max(1) as f64;
    writeln!(
        out,
        "{}: {} backlinks from {} pages of {} domains to {} sites; {}, {each:.2} bytes a backlink\n",
        summary.shape,
        grouped(summary.backlinks),
        grouped(summary.pages),
        grouped(summary.refdomains),
        grouped(summary.sites),
        bytes(summary.bytes),
    )?;
    let mut table = Table::new(&[
        ("", Align::Left),
        ("wall s", Align::Right),
        ("cores × s", Align::Right),
        ("links/s a core", Align::Right),
        ("peak memory", Align::Right),
        ("with mapped files", Align::Right),
    ]);
    for (what, cost) in [
        ("build", &summary.build),
        ("full merge", &summary.merge),
        ("verify", &summary.verify),
    ] {
        let rate = summary.backlinks as f64 / cost.cpu_s.max(1e-9);
        table.row(&[
            what.to_owned(),
            format!("{:.2}", cost.wall_s),
            format!("{:.2}", cost.cpu_s),
            grouped(rate as u64),
            bytes(cost.own_memory_max),
            bytes(cost.memory_max),
        ]);
    }
    table.write(out)?;
    writeln!(
        out,
        "--memory {}; {} segments, {} of them of several runs; cores × s without making the links; disk \
         at most {}",
        bytes(summary.memory),
        summary.segments,
        summary.segments_of_runs,
        bytes(summary.disk_max),
    )?;
    if summary.questions.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    let mut table = Table::new(&[
        ("question", Align::Left),
        ("backlinks", Align::Right),
        ("anchors", Align::Right),
        ("p50 ms", Align::Right),
        ("cold ms", Align::Right),
        ("read", Align::Right),
        ("peak memory", Align::Right),
        ("with mapped files", Align::Right),
        ("several segments ms", Align::Right),
        ("peak memory", Align::Right),
    ]);
    for asked in &summary.questions {
        let (one, several) = (&asked.one_segment, &asked.several_segments);
        table.row(&[
            one.name.clone(),
            grouped(one.totals.backlinks),
            grouped(one.totals.groups_total),
            format!("{:.3}", asked.warm.p50_ms),
            format!("{:.2}", one.opening.ms + one.asking.ms),
            bytes(one.opening.reads.disk_bytes + one.asking.reads.disk_bytes),
            bytes(one.own_memory_max),
            bytes(one.memory_max),
            format!("{:.2}", several.asking.ms),
            bytes(several.own_memory_max),
        ]);
    }
    table.write(out)?;
    writeln!(
        out,
        "all answers are the exact ones; mapped files can be let go by the system"
    )
}

#[cfg(test)]
mod tests {
    use super::super::asking::Totals;
    use super::*;
    use serde_json::json;

    const LINKS: u64 = 12_345;

    #[test]
    fn shapes_are_as_their_names_say() {
        for kind in HostileShape::value_variants() {
            let shape = Shape::new(*kind, Some(LINKS));
            let mut generator = shape.generator();
            let mut links = std::collections::BTreeSet::new();
            let mut longest = 0;
            for number in 0..shape.captures() {
                let capture = generator.capture(number).unwrap();
                for link in capture.links {
                    longest = longest.max(link.anchor.len());
                    // Long ones differ in their ends.
                    let end = link.anchor.len().saturating_sub(20);
                    let anchor = link.anchor.get(end..).unwrap().to_owned();
                    links.insert((
                        capture.page.as_str().to_owned(),
                        link.target.as_str().to_owned(),
                        anchor,
                    ));
                }
            }
            // Each is a backlink of its own (R12).
            assert_eq!(links.len() as u64, LINKS, "{kind:?}");
            let targets: std::collections::BTreeSet<_> =
                links.iter().map(|(_, to, _)| to).collect();
            let is_one = matches!(kind, HostileShape::Hub | HostileShape::Anchors);
            assert_eq!(targets.len() == 1, is_one, "{kind:?}");
            assert_eq!(
                longest == 64 << 10,
                *kind == HostileShape::Anchor,
                "{longest}"
            );
        }
    }

    #[test]
    fn wrong_answers_are_found() {
        let known = &questions(&Shape::new(HostileShape::Hub, Some(LINKS)))[0];
        let totals = |backlinks: u64| -> Totals {
            serde_json::from_value(json!({
                "backlinks": backlinks, "refpages": LINKS, "groups_total": 1000, "results": 1000,
            }))
            .unwrap()
        };
        let row = |anchor: u64| {
            let backlinks = if anchor < LINKS % 1000 { 13 } else { 12 };
            // 1000 steps are 40 days, modulo 64: each anchor comes on eight days.
            let day = |day: u64| 1_699_920_000 + 86_400 * day as u32;
            let time = |day| windlass_links::CaptureTime::from_unix(day).to_string();
            json!({
                "anchor": format!("hub {anchor:010}"), "backlinks": backlinks,
                "refpages": backlinks, "refdomains": backlinks,
                "first_seen": time(day(anchor % 8)), "last_visited": time(day(56 + anchor % 8)),
            })
        };
        let right: Vec<_> = (0..1000).map(row).collect();
        known.check(&totals(LINKS), &right).unwrap();
        assert!(known.check(&totals(LINKS - 1), &right).is_err());
        assert!(known.check(&totals(LINKS), &right[1..]).is_err());
        for field in [
            "anchor",
            "backlinks",
            "refdomains",
            "first_seen",
            "last_visited",
        ] {
            let mut wrong = right.clone();
            wrong[999][field] = json!("other");
            assert!(known.check(&totals(LINKS), &wrong).is_err(), "{field}");
        }
    }
}
