//! Answers that nothing is in memory for: each in a process of its own, with the index's files taken
//! out of the page cache.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use windlass_index::{Snapshot, Tuning};

use super::{Page, Question, Totals, answer};
use crate::cli::Format;
use crate::commands::bench::machine::{Reads, forget_files};
use crate::numbers::{bytes, grouped};
use crate::table::{Align, Table};

/// What one question gave, and took.
#[derive(Debug, Serialize, Deserialize)]
struct ColdAnswer {
    name: String,
    #[serde(flatten)]
    totals: Totals,
    /// Opening the index, once for all questions that a process is asked.
    opening: Cost,
    /// The question alone.
    asking: Cost,
}

#[derive(Debug, Serialize, Deserialize)]
struct Cost {
    ms: f64,
    #[serde(flatten)]
    reads: Reads,
}

impl Cost {
    fn of<T>(work: impl FnOnce() -> T) -> (T, Self) {
        let before = Reads::now();
        let start = Instant::now();
        let result = work();
        let ms = start.elapsed().as_secs_f64() * 1e3;
        let reads = Reads::now().since(before);
        (result, Self { ms, reads })
    }
}

/// Asks one question in this process, which must have read nothing of the index yet.
pub(super) fn ask_here(index: &Path, question: &Question) -> anyhow::Result<()> {
    let query = question.query()?;
    let forget = || {
        forget_files(index)
            .with_context(|| format!("taking {} out of the page cache", index.display()))
    };
    forget()?;
    let (snapshot, opening) = Cost::of(|| Snapshot::open(index));
    let snapshot = snapshot?;
    // What was read ahead while opening must not help; what opening itself keeps mapped stays.
    forget()?;
    let usual = Tuning::default();
    let (totals, asking) = Cost::of(|| {
        answer(&snapshot, &query, usual, |report| {
            Page::default().take(report)
        })
    });
    let answer = ColdAnswer {
        name: question.name.clone(),
        totals: totals?,
        opening,
        asking,
    };
    let mut out = anstream::stdout().lock();
    serde_json::to_writer(&mut out, &answer)?;
    writeln!(out)?;
    Ok(())
}

/// Asks each question in a process of its own.
pub(super) fn ask_each(
    index: &Path,
    file: &Path,
    questions: &[Question],
    output: Format,
) -> anyhow::Result<()> {
    let program = std::env::current_exe().context("finding this program")?;
    let mut answers = Vec::new();
    for question in questions {
        let done = Command::new(&program)
            .args(["bench", "--cold", "--only", &question.name, "--index"])
            .arg(index)
            .arg("--ask")
            .arg(file)
            .stderr(Stdio::inherit())
            .output()
            .with_context(|| format!("starting {}", program.display()))?;
        if !done.status.success() {
            bail!("'{}' was not answered: {}", question.name, done.status);
        }
        let answer: ColdAnswer = serde_json::from_slice(&done.stdout)
            .with_context(|| format!("reading the answer to '{}'", question.name))?;
        answers.push(answer);
    }
    let mut out = anstream::stdout().lock();
    if output == Format::Json {
        serde_json::to_writer(&mut out, &answers)?;
        writeln!(out)?;
    } else {
        show(&answers, &mut out)?;
    }
    Ok(())
}

fn show(answers: &[ColdAnswer], out: &mut impl Write) -> std::io::Result<()> {
    let mut table = Table::new(&[
        ("question", Align::Left),
        ("backlinks", Align::Right),
        ("anchors", Align::Right),
        ("opening ms", Align::Right),
        ("read", Align::Right),
        ("asking ms", Align::Right),
        ("read", Align::Right),
        ("a backlink", Align::Right),
        ("calls", Align::Right),
        ("major faults", Align::Right),
    ]);
    for ColdAnswer {
        name,
        totals,
        opening,
        asking,
    } in answers
    {
        let each = asking.reads.disk_bytes as f64 / totals.backlinks.max(1) as f64;
        table.row(&[
            name.clone(),
            grouped(totals.backlinks),
            grouped(totals.groups_total),
            format!("{:.2}", opening.ms),
            bytes(opening.reads.disk_bytes),
            format!("{:.2}", asking.ms),
            bytes(asking.reads.disk_bytes),
            format!("{each:.1} B"),
            grouped(asking.reads.calls),
            grouped(asking.reads.major_faults),
        ]);
    }
    table.write(out)
}
