//! How long answers take while segments are merged beside them, with and without making way; and
//! whether they are the same before, meanwhile and after.

mod asking;
mod index;
mod show;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, bail};
use windlass_index::{BackgroundMerge, BackgroundStep, MergePolicy, lower_thread_priority};

use super::synthetic::Crawl;
use crate::cli::{BenchOptions, Format};
use asking::{Question, Readers, Times};

/// How often each question is answered at rest, for each repetition, and beside merges at least: less
/// would say nothing of the slowest of a hundred.
const ANSWERS_MIN: usize = 100;
/// How many merges there are at most for that, for each repetition.
const MERGES_MAX: u32 = 10;

/// How a merge treats the answers beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manners {
    /// As `serve` does: low priority, and resting while there are questions.
    MakesWay,
    /// As fast as it can.
    Hurries,
}

/// What was measured while something was merged, or nothing was.
#[derive(Debug)]
struct Phase {
    /// By question.
    times: Vec<Times>,
    /// How long the merges took, and for how much of that they rested.
    merges: Vec<(Duration, Duration)>,
}

impl Phase {
    fn of(questions: &[Question]) -> Self {
        Self {
            times: questions.iter().map(|_| Times::default()).collect(),
            merges: Vec::new(),
        }
    }

    fn is_enough(&self) -> bool {
        self.times.iter().all(|times| times.count() >= ANSWERS_MIN)
    }
}

/// What there is to show.
#[derive(Debug)]
struct Measured {
    questions: Vec<Question>,
    segments: usize,
    bytes: u64,
    backlinks: u64,
    at_rest: Phase,
    makes_way: Phase,
    hurries: Phase,
    merged: Phase,
}

pub(super) fn run(options: &BenchOptions, links: u64) -> anyhow::Result<()> {
    let directory = super::temporary_folder()?;
    let base = directory.path().join("base");
    index::build(&base, Crawl::new(links), options.memory)?;
    let readers = Readers::open(&base)?;
    let manifest = readers.pinned();
    let manifest = manifest.manifest();
    let questions = asking::questions(&readers)?;
    let mut result = Measured {
        segments: manifest.segments.len(),
        bytes: manifest.segments.iter().map(|segment| segment.bytes).sum(),
        backlinks: manifest
            .segments
            .iter()
            .map(|segment| segment.counts.backlinks)
            .sum(),
        at_rest: Phase::of(&questions),
        makes_way: Phase::of(&questions),
        hurries: Phase::of(&questions),
        merged: Phase::of(&questions),
        questions,
    };
    let repeat = options.repeat.max(1);
    for _ in 0..repeat {
        ask_enough(&result.questions, &readers, &mut result.at_rest)?;
    }
    for (manners, phase) in [
        (Manners::MakesWay, &mut result.makes_way),
        (Manners::Hurries, &mut result.hurries),
    ] {
        let mut merges = 0;
        while merges < repeat || (!phase.is_enough() && merges < MERGES_MAX * repeat) {
            let copy = directory.path().join(format!("{manners:?}-{merges}"));
            index::copy(&base, &copy)?;
            ask_while_merging(&copy, &result.questions, manners, phase)?;
            if merges == 0 {
                ask_merged(&copy, &result.questions, &mut result.merged)?;
            }
            std::fs::remove_dir_all(&copy).context("removing an index")?;
            merges += 1;
        }
    }
    let mut out = anstream::stdout().lock();
    match options.output {
        Format::Json => show::json(&result, &mut out)?,
        Format::Table => show::table(&result, &mut out)?,
    }
    Ok(())
}

/// The same answers, from one segment.
fn ask_merged(directory: &Path, questions: &[Question], phase: &mut Phase) -> anyhow::Result<()> {
    let readers = Readers::open(directory)?;
    ask_once(questions, &readers, &mut Phase::of(questions))?;
    ask_enough(questions, &readers, phase)
}

fn ask_enough(questions: &[Question], readers: &Readers, phase: &mut Phase) -> anyhow::Result<()> {
    for _ in 0..ANSWERS_MIN {
        ask_once(questions, readers, phase)?;
    }
    Ok(())
}

fn ask_once(questions: &[Question], readers: &Readers, phase: &mut Phase) -> anyhow::Result<()> {
    for (question, times) in questions.iter().zip(&mut phase.times) {
        times.add(question.ask(readers)?);
    }
    Ok(())
}

/// Asks again and again as long as all segments of an index are being merged.
fn ask_while_merging(
    directory: &Path,
    questions: &[Question],
    manners: Manners,
    phase: &mut Phase,
) -> anyhow::Result<()> {
    let readers = Readers::open(directory)?;
    // What is read for the first time is checked, which is not what is measured here.
    ask_once(questions, &readers, &mut Phase::of(questions))?;
    let is_asking = AtomicBool::new(false);
    let merged = thread::scope(|scope| {
        let merging = scope.spawn(|| merge(directory, manners, &is_asking));
        // It ends where it panics too.
        let is_done = || merging.is_finished();
        let asked = ask_until(is_done, questions, &readers, &is_asking, phase);
        let merged = merging
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        asked.and(merged)
    });
    phase.merges.push(merged?);
    Ok(())
}

fn ask_until(
    is_done: impl Fn() -> bool,
    questions: &[Question],
    readers: &Readers,
    is_asking: &AtomicBool,
    phase: &mut Phase,
) -> anyhow::Result<()> {
    loop {
        for (question, times) in questions.iter().zip(&mut phase.times) {
            is_asking.store(true, Ordering::Relaxed);
            let time = question.ask(readers);
            is_asking.store(false, Ordering::Relaxed);
            let time = time?;
            // An answer that the merge did not accompany to its end does not count.
            if is_done() {
                return Ok(());
            }
            times.add(time);
        }
    }
}

/// Merges all segments; how long it took and rested.
fn merge(
    directory: &Path,
    manners: Manners,
    is_asking: &AtomicBool,
) -> anyhow::Result<(Duration, Duration)> {
    let makes_way = manners == Manners::MakesWay;
    if makes_way {
        lower_thread_priority();
    }
    let is_busy = || makes_way && is_asking.load(Ordering::Relaxed);
    let merge = BackgroundMerge {
        directory,
        policy: MergePolicy::default(),
        bytes_per_second_max: None,
        is_busy: &is_busy,
        stop: &AtomicBool::new(false),
    };
    match merge.step()? {
        BackgroundStep::Merged(merged) if merged.plan.segments.len() == index::SEGMENTS => {
            Ok((merged.elapsed, merged.rested))
        }
        other => bail!("the segments were not merged: {other:?}"),
    }
}
