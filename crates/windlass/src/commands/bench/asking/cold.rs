//! Answers that nothing is in memory for: each in a process of its own, with the index's files taken
//! out of the page cache.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use windlass_index::{Snapshot, Tuning};

use super::{Page, Question, Totals, answer};
use crate::commands::bench::machine::{
    Reads, forget_files, forget_peak_memory, peak_memory, with_peak_own_memory,
};
use crate::numbers::{bytes, grouped};
use crate::table::{Align, Table};

/// What one question gave, and took.
#[derive(Debug, Serialize, Deserialize)]
pub(in super::super) struct ColdAnswer {
    pub(in super::super) name: String,
    #[serde(flatten)]
    pub(in super::super) totals: Totals,
    /// Opening the index, once for all questions that a process is asked.
    pub(in super::super) opening: Cost,
    /// The question alone.
    pub(in super::super) asking: Cost,
    /// The most memory that the process held.
    pub(in super::super) memory_max: u64,
    /// Of memory that is its own: without mapped files, which can be let go. 0 where no rows are wanted.
    pub(in super::super) own_memory_max: u64,
    /// The groups of the first page, where they are wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in super::super) rows: Option<Vec<Value>>,
}

/// What opening or asking took.
#[derive(Debug, Serialize, Deserialize)]
pub(in super::super) struct Cost {
    pub(in super::super) ms: f64,
    #[serde(flatten)]
    pub(in super::super) reads: Reads,
}

impl Cost {
    /// Of work on an index.
    fn of<T>(index: &Path, work: impl FnOnce() -> T) -> (T, Self) {
        let before = Reads::now(index);
        let start = Instant::now();
        let result = work();
        let ms = start.elapsed().as_secs_f64() * 1e3;
        let reads = Reads::now(index).since(before, index);
        (result, Self { ms, reads })
    }
}

/// Asks one question in this process, which must have read nothing of the index yet.
pub(super) fn ask_here(index: &Path, question: &Question, with_rows: bool) -> anyhow::Result<()> {
    let query = question.query()?;
    let forget = || {
        forget_files(index)
            .with_context(|| format!("taking {} out of the page cache", index.display()))
    };
    forget()?;
    let (snapshot, opening) = Cost::of(index, || Snapshot::open(index));
    let snapshot = snapshot?;
    // What was read ahead while opening must not help; what opening itself keeps mapped stays.
    forget()?;
    forget_peak_memory();
    // The watcher's looks would count as read calls: it is for those who want more than those.
    let ask = || {
        answer(&snapshot, &query, Tuning::default(), |report| {
            let totals = Page::default().take(report);
            (totals, with_rows.then(|| super::rows(report)))
        })
    };
    let ((found, asking), own_memory_max) = if with_rows {
        with_peak_own_memory(|| Cost::of(index, ask))
    } else {
        (Cost::of(index, ask), 0)
    };
    let (totals, rows) = found?;
    let answer = ColdAnswer {
        name: question.name.clone(),
        totals,
        opening,
        asking,
        memory_max: peak_memory(),
        own_memory_max,
        rows,
    };
    let mut out = anstream::stdout().lock();
    serde_json::to_writer(&mut out, &answer)?;
    writeln!(out)?;
    Ok(())
}

/// Asks each question in a process of its own. `file` holds them, for those processes.
pub(in super::super) fn ask_each(
    index: &Path,
    file: &Path,
    questions: &[Question],
    with_rows: bool,
) -> anyhow::Result<Vec<ColdAnswer>> {
    let program = std::env::current_exe().context("finding this program")?;
    let mut answers = Vec::new();
    for question in questions {
        let done = Command::new(&program)
            .args(["bench", "--cold", "--only", &question.name, "--index"])
            .arg(index)
            .arg("--ask")
            .arg(file)
            .args(with_rows.then_some("--rows"))
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
    Ok(answers)
}

/// [`ask_each`], of questions that are in no file yet.
pub(in super::super) fn ask_all(
    index: &Path,
    questions: &[Question],
    with_rows: bool,
) -> anyhow::Result<Vec<ColdAnswer>> {
    let file = tempfile::NamedTempFile::new().context("making a file of questions")?;
    serde_json::to_writer(&file, questions)?;
    ask_each(index, file.path(), questions, with_rows)
}

/// The answers as a table.
pub(in super::super) fn show(answers: &[ColdAnswer], out: &mut impl Write) -> std::io::Result<()> {
    let mut table = Table::new(&[
        ("question", Align::Left),
        ("backlinks", Align::Right),
        ("anchors", Align::Right),
        ("opening ms", Align::Right),
        ("read", Align::Right),
        ("asking ms", Align::Right),
        ("read", Align::Right),
        ("a backlink", Align::Right),
        ("reads", Align::Right),
    ]);
    for ColdAnswer {
        name,
        totals,
        opening,
        asking,
        ..
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
            grouped(asking.reads.disk_reads),
        ]);
    }
    table.write(out)
}
