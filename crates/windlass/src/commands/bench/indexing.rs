//! Building an index of synthetic links, merging it, and asking it.

use std::io::Write;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use windlass_index::{Collected, Collector, Snapshot, Writer};
use windlass_links::Mode;
use windlass_report::{Query, run as evaluate};

use super::synthetic::Crawl;
use crate::cli::{BenchOptions, Format};
use crate::numbers::{bytes, grouped};
use crate::table::{Align, Table};

/// What is asked for, from few backlinks to many.
const QUESTIONS: [(&str, Mode); 8] = [
    ("site900.com/7", Mode::Exact),
    ("site20.com/", Mode::Prefix),
    ("site0.com", Mode::Domain),
    ("h100.giant.com", Mode::Domain),
    ("h0.giant.com/0", Mode::Exact),
    ("h0.giant.com/1", Mode::Prefix),
    ("h0.giant.com", Mode::Domain),
    ("giant.com", Mode::Subdomains),
];

struct Answer {
    question: String,
    backlinks: u64,
    anchors: u64,
    p50: Duration,
    filtered: Duration,
}

pub(super) fn run(options: &BenchOptions, links: u64) -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let crawl = Crawl::new(links);
    let threads = thread::available_parallelism().map_or(1, Into::into);
    // Two halves that overlap in sites, so that there is something to merge.
    let half = crawl.pages() / 2;
    let mut built = Duration::ZERO;
    for pages in [0..half, half..crawl.pages()] {
        built += build(directory.path(), crawl, pages, threads, options.memory)?;
    }
    let several = ask_all(directory.path(), options.repeat)?;
    let mut writer = Writer::open(directory.path(), None)?;
    let start = Instant::now();
    writer.merge_all(&(), &AtomicBool::new(false))?;
    let merged = start.elapsed();
    drop(writer);
    let one = ask_all(directory.path(), options.repeat)?;
    let snapshot = Snapshot::open(directory.path())?;
    let counts = snapshot
        .segments()
        .first()
        .map(|segment| segment.counts())
        .unwrap_or_default();
    let size: u64 = snapshot
        .segments()
        .iter()
        .map(|segment| segment.sizes().1)
        .sum();
    let mut out = anstream::stdout().lock();
    if options.output == Format::Json {
        let questions: Vec<_> = several
            .iter()
            .zip(&one)
            .map(|(several, one)| {
                json!({
                    "question": one.question, "backlinks": one.backlinks, "anchors": one.anchors,
                    "p50_s": one.p50.as_secs_f64(), "filtered_p50_s": one.filtered.as_secs_f64(),
                    "two_segments_p50_s": several.p50.as_secs_f64(),
                })
            })
            .collect();
        let value = json!({
            "backlinks": counts.backlinks, "pages": counts.pages, "sites": counts.sites, "bytes": size,
            "threads": threads, "build_s": built.as_secs_f64(), "merge_s": merged.as_secs_f64(), "questions": questions,
        });
        writeln!(out, "{value}")?;
        return Ok(());
    }
    let rate = |time: Duration| grouped((counts.backlinks as f64 / time.as_secs_f64()) as u64);
    writeln!(
        out,
        "{} backlinks from {} pages to {} sites in {} ({:.1} bytes a backlink)\nbuilt by {threads} threads in {:.1} s ({} backlinks/s, making them included), merged by one in {:.1} s ({} backlinks/s)\n",
        grouped(counts.backlinks),
        grouped(counts.pages),
        grouped(counts.sites),
        bytes(size),
        size as f64 / counts.backlinks.max(1) as f64,
        built.as_secs_f64(),
        rate(built),
        merged.as_secs_f64(),
        rate(merged),
    )?;
    let mut table = Table::new(&[
        ("question", Align::Left),
        ("backlinks", Align::Right),
        ("anchors", Align::Right),
        ("p50 ms", Align::Right),
        ("with a date filter", Align::Right),
        ("over two segments", Align::Right),
    ]);
    let ms = |time: Duration| format!("{:.3}", time.as_secs_f64() * 1e3);
    for (several, one) in several.iter().zip(&one) {
        table.row(&[
            one.question.clone(),
            grouped(one.backlinks),
            grouped(one.anchors),
            ms(one.p50),
            ms(one.filtered),
            ms(several.p50),
        ]);
    }
    table.write(&mut out)?;
    Ok(())
}

fn build(
    directory: &Path,
    crawl: Crawl,
    pages: std::ops::Range<u64>,
    threads: usize,
    memory: u64,
) -> anyhow::Result<Duration> {
    let start = Instant::now();
    let mut writer = Writer::open(directory, None)?;
    let memory_max = usize::try_from(memory)? / threads;
    let work = |thread: usize| -> anyhow::Result<Collected> {
        let mut collector = Collector::new(&writer, memory_max);
        for page in pages.clone().skip(thread).step_by(threads) {
            for capture in crawl.captures(page)? {
                collector.add(&capture, [0; 32], page)?;
            }
        }
        Ok(collector.finish()?)
    };
    let mut collected = Collected::default();
    let parts: Vec<anyhow::Result<Collected>> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|thread| scope.spawn(move || work(thread)))
            .collect();
        workers
            .into_iter()
            .map(|worker| {
                worker
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
            .collect()
    });
    for part in parts {
        collected.append(part?);
    }
    writer.commit_collected(collected, Vec::new(), &(), &AtomicBool::new(false))?;
    Ok(start.elapsed())
}

fn ask_all(directory: &Path, repeat: u32) -> anyhow::Result<Vec<Answer>> {
    let snapshot = Snapshot::open(directory)?;
    QUESTIONS
        .iter()
        .map(|(target, mode)| {
            let (p50, backlinks, anchors) = ask(&snapshot, target, *mode, "", repeat)?;
            let (filtered, ..) = ask(
                &snapshot,
                target,
                *mode,
                "first_seen>=\"2023-11-20\"",
                repeat,
            )?;
            Ok(Answer {
                question: format!("{target} {mode}"),
                backlinks,
                anchors,
                p50,
                filtered,
            })
        })
        .collect()
}

/// The median time of an answer, with its backlinks and anchors.
fn ask(
    snapshot: &Snapshot,
    target: &str,
    mode: Mode,
    filter: &str,
    repeat: u32,
) -> anyhow::Result<(Duration, u64, u64)> {
    let parameters = [
        ("from", "anchors"),
        ("target", target),
        ("mode", mode.name()),
        ("where", filter),
        ("order_by", "backlinks:desc"),
    ];
    let query = Query::from_params(parameters)?;
    let mut times = Vec::new();
    let mut totals = (0, 0);
    for _ in 0..repeat.max(1) {
        let start = Instant::now();
        let rows = snapshot.rows(&query.target, query.history, &AtomicBool::new(false))?;
        let report = evaluate(&query, &rows)?;
        totals = (report.backlinks(), report.groups_total());
        times.push(start.elapsed());
    }
    times.sort_unstable();
    let p50 = times.get(times.len() / 2).copied().unwrap_or_default();
    Ok((p50, totals.0, totals.1))
}
