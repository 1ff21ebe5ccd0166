//! Building an index of synthetic links, merging it, and asking it.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Duration;

use anyhow::bail;
use serde::Serialize;
use windlass_index::{Collector, Snapshot, Writer};
use windlass_links::Capture;

use super::asking::cold::{self, ColdAnswer};
use super::asking::{Answer, Question, ask, open, shown_ms};
use super::collecting::collect;
use super::machine::{Clock, Peaks, Spent, thread_time};
use super::synthetic::{Crawl, Shape, ShapeCounts, questions};
use crate::cli::{BenchOptions, Format};
use crate::commands::stats::sizes_table;
use crate::numbers::{bytes, grouped};
use crate::table::{Align, Table};

/// Pages that are made at once, so that making and collecting can be timed apart.
const PAGES_AT_ONCE: u64 = 1000;
/// Rows of a part of the crawls.
pub(super) const FILTER: &str = "first_seen>=\"2023-11-20\"";

/// What a run measured.
#[derive(Debug, Serialize)]
struct Summary {
    backlinks: u64,
    pages: u64,
    refdomains: u64,
    sites: u64,
    shape: ShapeCounts,
    threads: usize,
    memory: u64,
    bytes: u64,
    bytes_by_section: BTreeMap<String, u64>,
    /// What Sites and Ready are made of.
    bytes_by_part: BTreeMap<&'static str, u64>,
    /// Of the files in the index's directory, at any time.
    disk_max: u64,
    build: Build,
    merge: Cost,
    questions: Vec<Asked>,
    /// The same over one segment of which nothing is in memory, where that is wanted.
    cold: Vec<ColdAnswer>,
}

/// Two halves of the links, each committed as a segment.
#[derive(Debug, Serialize)]
struct Build {
    #[serde(flatten)]
    all: Cost,
    generating_cpu_s: f64,
    collecting_cpu_s: f64,
    merging_runs_cpu_s: f64,
}

#[derive(Debug, Serialize)]
struct Cost {
    wall_s: f64,
    cpu_s: f64,
    memory_max: u64,
    /// For each second of a processor's time, making the links not included.
    links_per_core_second: f64,
}

/// A question: over the two halves, after their merge, and with a filter.
#[derive(Debug, Serialize)]
struct Asked {
    two_segments: Answer,
    one_segment: Answer,
    filtered: Answer,
}

pub(super) fn run(options: &BenchOptions, links: u64) -> anyhow::Result<()> {
    let temporary = super::temporary_folder()?;
    let directory = options.asking.keep.as_deref().unwrap_or(temporary.path());
    if directory.join("manifest.json").exists() {
        bail!(
            "{} holds an index already; --keep wants a new directory",
            directory.display()
        );
    }
    std::fs::create_dir_all(directory)?;
    let crawl = Crawl::new(links).apart(options.apart);
    let peaks = Peaks::default();
    let summary = peaks.watch(directory, || measure(directory, &crawl, options, &peaks))?;
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
    crawl: &Crawl,
    options: &BenchOptions,
    peaks: &Peaks,
) -> anyhow::Result<Summary> {
    let threads = thread::available_parallelism().map_or(1, Into::into);
    let questions = if options.asking.no_ask {
        Vec::new()
    } else {
        questions()
    };
    let mut built = Built::new(crawl);
    peaks.take_memory();
    // Two halves, so that there is something to merge.
    for pages in crawl.halves() {
        built.build(directory, crawl, pages, threads, options.memory)?;
    }
    let memory_max = peaks.take_memory();
    let two_segments = ask_all(directory, &questions, options)?;

    let mut writer = Writer::open(directory, None)?;
    writer.set_memory_max(usize::try_from(options.memory)?);
    peaks.take_memory();
    let clock = Clock::start();
    writer.merge_all(&(), &AtomicBool::new(false))?;
    let merged = clock.spent();
    drop(writer);
    let merge_memory_max = peaks.take_memory();
    let one_segment = ask_all(directory, &questions, options)?;
    let with_filter: Vec<Question> = questions.iter().map(|q| q.filtered(FILTER)).collect();
    let filtered = ask_all(directory, &with_filter, options)?;

    let cold = if options.asking.cold {
        cold::ask_all(directory, &questions, false)?
    } else {
        Vec::new()
    };

    let snapshot = Snapshot::open(directory)?;
    let (mut bytes_by_section, mut bytes_by_part) = (BTreeMap::new(), BTreeMap::new());
    let mut bytes = 0;
    for segment in snapshot.segments() {
        let (sections, whole) = segment.sizes();
        bytes += whole;
        for (section, length) in sections {
            *bytes_by_section.entry(format!("{section:?}")).or_default() += length;
        }
        for (part, length) in segment.part_sizes(&AtomicBool::new(false))? {
            *bytes_by_part.entry(part).or_default() += length;
        }
    }
    let counts = snapshot
        .segments()
        .first()
        .map(|segment| segment.counts())
        .unwrap_or_default();
    let asked = two_segments.into_iter().zip(one_segment).zip(filtered);
    Ok(Summary {
        backlinks: counts.backlinks,
        pages: counts.pages,
        refdomains: counts.refdomains,
        sites: counts.sites,
        shape: built.shape.counts(),
        threads,
        memory: options.memory,
        bytes,
        bytes_by_section,
        bytes_by_part,
        disk_max: peaks.take_disk(),
        build: built.costs(counts.backlinks, memory_max),
        merge: Cost::of(merged, merged.cpu, counts.backlinks, merge_memory_max),
        questions: asked
            .map(|((two_segments, one_segment), filtered)| Asked {
                two_segments,
                one_segment,
                filtered,
            })
            .collect(),
        cold,
    })
}

impl Cost {
    fn of(spent: Spent, counted: Duration, links: u64, memory_max: u64) -> Self {
        Self {
            wall_s: spent.wall.as_secs_f64(),
            cpu_s: spent.cpu.as_secs_f64(),
            memory_max,
            links_per_core_second: links as f64 / counted.as_secs_f64().max(f64::MIN_POSITIVE),
        }
    }
}

/// What building took so far, and what was built.
struct Built {
    shape: Shape,
    all: Spent,
    generating: Duration,
    merging_runs: Duration,
}

impl Built {
    fn new(crawl: &Crawl) -> Self {
        Self {
            shape: crawl.generator().into_shape(),
            all: Spent::default(),
            generating: Duration::ZERO,
            merging_runs: Duration::ZERO,
        }
    }

    fn build(
        &mut self,
        directory: &Path,
        crawl: &Crawl,
        pages: std::ops::Range<u64>,
        threads: usize,
        memory: u64,
    ) -> anyhow::Result<()> {
        let clock = Clock::start();
        let mut writer = Writer::open(directory, None)?;
        let memory = usize::try_from(memory)?;
        writer.set_memory_max(memory);
        let work = |thread: usize, collector: &mut Collector<'_>| {
            let mut generator = crawl.generator();
            let mut generating = Duration::ZERO;
            let mut captures: Vec<Capture> = Vec::new();
            let chunks = pages.clone().step_by(PAGES_AT_ONCE as usize);
            for first in chunks.skip(thread).step_by(threads) {
                let start = thread_time();
                captures.clear();
                for page in first..(first + PAGES_AT_ONCE).min(pages.end) {
                    generator.captures(page, &mut captures)?;
                }
                generating += thread_time().saturating_sub(start);
                for (offset, capture) in (0..).zip(&captures) {
                    collector.add(capture, [0; 32], 2 * first + offset)?;
                }
            }
            Ok((generator.into_shape(), generating))
        };
        let (collected, made) = collect(&writer, threads, memory, work)?;
        for (shape, generating) in made {
            self.shape.append(&shape);
            self.generating += generating;
        }
        let collected = writer.write_collected(collected, &())?;
        let merging = Clock::start();
        writer.commit_collected(collected, Vec::new(), &(), &AtomicBool::new(false))?;
        self.merging_runs += merging.spent().cpu;
        self.all += clock.spent();
        Ok(())
    }

    fn costs(&self, links: u64, memory_max: u64) -> Build {
        let building = self.all.cpu.saturating_sub(self.generating);
        Build {
            all: Cost::of(self.all, building, links, memory_max),
            generating_cpu_s: self.generating.as_secs_f64(),
            collecting_cpu_s: building.saturating_sub(self.merging_runs).as_secs_f64(),
            merging_runs_cpu_s: self.merging_runs.as_secs_f64(),
        }
    }
}

fn ask_all(
    directory: &Path,
    questions: &[Question],
    options: &BenchOptions,
) -> anyhow::Result<Vec<Answer>> {
    let snapshot = open(directory, &options.asking)?;
    questions
        .iter()
        .map(|question| {
            let answer = ask(&snapshot, question, options.repeat, false)?;
            answer.with_first_times(question, || open(directory, &options.asking))
        })
        .collect()
}

fn show(summary: &Summary, out: &mut impl Write) -> std::io::Result<()> {
    let Summary {
        shape,
        build,
        merge,
        ..
    } = summary;
    let mut table = Table::new(&[("", Align::Left), ("number", Align::Right)]);
    for (what, number) in [
        ("backlinks", summary.backlinks),
        ("of them lost", shape.lost),
        ("target URLs", shape.targets),
        ("target sites", summary.sites),
        ("anchors", shape.anchors),
        ("pages", summary.pages),
        ("referring domains", summary.refdomains),
        ("links to the giant site", shape.to_giant),
        ("links to its biggest host", shape.to_biggest_host),
        ("links to the biggest URL", shape.to_biggest_url),
    ] {
        table.row(&[what.to_owned(), grouped(number)]);
    }
    table.write(out)?;
    writeln!(out)?;
    let mut table = Table::new(&[
        ("", Align::Left),
        ("wall s", Align::Right),
        ("cores × s", Align::Right),
        ("links/s a core", Align::Right),
        ("peak memory", Align::Right),
    ]);
    let s = |seconds: f64| format!("{seconds:.2}");
    let rate = |seconds: f64| grouped((summary.backlinks as f64 / seconds.max(1e-9)) as u64);
    let parts = [
        ("making the links", build.generating_cpu_s),
        ("collecting, sorting, writing runs", build.collecting_cpu_s),
        ("merging runs, making sites ready", build.merging_runs_cpu_s),
    ];
    for (what, cpu) in parts {
        table.row(&[
            what.to_owned(),
            String::new(),
            s(cpu),
            rate(cpu),
            String::new(),
        ]);
    }
    for (what, cost) in [
        ("build, two halves", &build.all),
        ("full merge of them", merge),
    ] {
        table.row(&[
            what.to_owned(),
            s(cost.wall_s),
            s(cost.cpu_s),
            grouped(cost.links_per_core_second as u64),
            bytes(cost.memory_max),
        ]);
    }
    table.write(out)?;
    writeln!(
        out,
        "{} threads, --memory {}; the build's rate is without making the links; peak memory is without \
         what of files is mapped; disk at most {}\n",
        summary.threads,
        bytes(summary.memory),
        bytes(summary.disk_max),
    )?;
    let whole = [("all".to_owned(), summary.bytes)];
    let sections = summary.bytes_by_section.clone().into_iter().chain(whole);
    sizes_table("section", sections, summary.backlinks).write(out)?;
    writeln!(out)?;
    let parts = summary.bytes_by_part.iter();
    let parts = parts.map(|(part, length)| ((*part).to_owned(), *length));
    sizes_table("part of Sites or Ready", parts, summary.backlinks).write(out)?;
    if summary.questions.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    let mut table = Table::new(&[
        ("question", Align::Left),
        ("backlinks", Align::Right),
        ("anchors", Align::Right),
        ("first time ms", Align::Right),
        ("again", Align::Right),
        ("with a date filter", Align::Right),
        ("again", Align::Right),
        ("over two segments", Align::Right),
        ("again", Align::Right),
    ]);
    for asked in &summary.questions {
        let one = &asked.one_segment;
        let mut cells = vec![
            one.name.clone(),
            grouped(one.totals.backlinks),
            grouped(one.totals.groups_total),
        ];
        for answer in [one, &asked.filtered, &asked.two_segments] {
            cells.push(shown_ms(answer.first_p50_ms));
            cells.push(shown_ms(Some(answer.p50_ms)));
        }
        table.row(&cells);
    }
    table.write(out)?;
    if summary.cold.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    cold::show(&summary.cold, out)
}
