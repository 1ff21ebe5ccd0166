//! Asking an index: how long answers take from the page cache, and what they read from the disk.

pub(super) mod cold;
mod once;
mod question;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use windlass_index::{KeptMemory, Snapshot, Tuning};
use windlass_report::{Cell, Query, Report, run as evaluate};

use crate::cli::{AskingOptions, BenchOptions, Format};
use crate::memory;
use crate::numbers::grouped;
use crate::table::{Align, Table};
pub(super) use question::Question;

/// Few answers say nothing of the next.
const REPETITIONS_MIN: u32 = 3;
/// After that, a question is asked no more than so long.
const TIME_MAX: Duration = Duration::from_secs(2);
/// How often a question is asked for the first time, where that does not take too long.
const FIRST_TIMES: u32 = 9;

/// What one question gave.
#[derive(Debug, Serialize)]
pub(super) struct Answer {
    pub(super) name: String,
    #[serde(flatten)]
    pub(super) totals: Totals,
    pub(super) repetitions: usize,
    /// Of readers that have read nothing yet, where the index was opened for it again and again. Its files are
    /// in the page cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) first_p50_ms: Option<f64>,
    pub(super) p50_ms: f64,
    pub(super) p95_ms: f64,
    /// The groups of the first page, as in the API's JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rows: Option<Vec<Value>>,
}

/// The numbers of an answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Totals {
    pub(super) backlinks: u64,
    pub(super) refpages: u64,
    pub(super) groups_total: u64,
    results: u64,
}

pub(super) fn run(options: &BenchOptions, index: &Path, questions: &Path) -> anyhow::Result<()> {
    let text = fs::read(questions).with_context(|| format!("reading {}", questions.display()))?;
    let all: Vec<Question> = serde_json::from_slice(&text)
        .with_context(|| format!("{} is no list of questions", questions.display()))?;
    if let Some(name) = &options.asking.only {
        let Some(question) = all.iter().find(|question| question.name == *name) else {
            bail!("{} has no question '{name}'", questions.display());
        };
        return cold::ask_here(index, question, options.asking.rows);
    }
    if options.asking.cold {
        let answers = cold::ask_each(index, questions, &all, options.asking.rows)?;
        return print(options.output, &answers, |mut out| {
            cold::show(&answers, &mut out)
        });
    }
    let snapshot = open(index, &options.asking)?;
    if options.asking.once {
        let asked = once::ask_each(&snapshot, &all)?;
        return print(options.output, &asked, |mut out| {
            once::show(&asked, &mut out)
        });
    }
    let answers = all
        .iter()
        .map(|question| {
            let answer = ask(&snapshot, question, options.repeat, options.asking.rows)?;
            answer.with_first_times(question, || open(index, &options.asking))
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    print(options.output, &answers, |mut out| show(&answers, &mut out))
}

/// Prints answers as JSON, or as a table.
fn print(
    output: Format,
    answers: &impl Serialize,
    show: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
) -> anyhow::Result<()> {
    let mut out = anstream::stdout().lock();
    if output == Format::Json {
        serde_json::to_writer(&mut out, answers)?;
        writeln!(out)?;
    } else {
        show(&mut out)?;
    }
    Ok(())
}

/// Opens an index, with as much memory for what is kept as was asked for.
pub(super) fn open(index: &Path, options: &AskingOptions) -> anyhow::Result<Snapshot> {
    let bytes_max = options.kept_index_bytes_max;
    let kept = KeptMemory::new(bytes_max.unwrap_or_else(memory::kept_bytes));
    Ok(Snapshot::open_keeping(index, kept)?)
}

fn show(answers: &[Answer], out: &mut impl Write) -> std::io::Result<()> {
    let mut table = Table::new(&[
        ("question", Align::Left),
        ("backlinks", Align::Right),
        ("anchors", Align::Right),
        ("first time ms", Align::Right),
        ("again ms", Align::Right),
        ("p95 ms", Align::Right),
        ("times", Align::Right),
    ]);
    for answer in answers {
        table.row(&[
            answer.name.clone(),
            grouped(answer.totals.backlinks),
            grouped(answer.totals.groups_total),
            shown_ms(answer.first_p50_ms),
            shown_ms(Some(answer.p50_ms)),
            shown_ms(Some(answer.p95_ms)),
            answer.repetitions.to_string(),
        ]);
    }
    table.write(out)
}

/// Milliseconds in a table; nothing where they were not measured.
pub(super) fn shown_ms(ms: Option<f64>) -> String {
    ms.map_or_else(String::new, |ms| format!("{ms:.3}"))
}

impl Answer {
    /// The same with what a first time takes: nothing is decoded, and no checksum was looked at, but
    /// everything is in the page cache. Opening is not counted.
    pub(super) fn with_first_times(
        self,
        question: &Question,
        open: impl Fn() -> anyhow::Result<Snapshot>,
    ) -> anyhow::Result<Self> {
        let query = question.query()?;
        let mut page = Page::default();
        let mut times = Vec::new();
        let start = Instant::now();
        while times.len() < REPETITIONS_MIN as usize
            || (times.len() < FIRST_TIMES as usize && start.elapsed() < TIME_MAX)
        {
            let snapshot = open()?;
            let start = Instant::now();
            let tuning = Tuning::default();
            let totals = answer(&snapshot, &query, tuning, |report| page.take(report))?;
            times.push(start.elapsed());
            if totals != self.totals {
                bail!("'{}' was not answered alike twice", question.name);
            }
        }
        times.sort_unstable();
        Ok(Self {
            first_p50_ms: Some(quantile_ms(&times, 50)),
            ..self
        })
    }
}

/// Asks up to `repeat` times, and again until there are enough to tell or it has taken too long.
pub(super) fn ask(
    snapshot: &Snapshot,
    question: &Question,
    repeat: u32,
    with_rows: bool,
) -> anyhow::Result<Answer> {
    let query = question.query()?;
    let tuning = Tuning::default();
    let mut page = Page::default();
    // The first answer brings everything into memory, and does not count.
    let (totals, rows) = answer(snapshot, &query, tuning, |report| {
        (page.take(report), with_rows.then(|| rows(report)))
    })?;
    let mut times = Vec::new();
    let start = Instant::now();
    while times.len() < REPETITIONS_MIN as usize
        || (times.len() < repeat as usize && start.elapsed() < TIME_MAX)
    {
        let start = Instant::now();
        let again = answer(snapshot, &query, tuning, |report| page.take(report))?;
        times.push(start.elapsed());
        if again != totals {
            bail!("'{}' was not answered alike twice", question.name);
        }
    }
    times.sort_unstable();
    Ok(Answer {
        name: question.name.clone(),
        totals,
        repetitions: times.len(),
        first_p50_ms: None,
        p50_ms: quantile_ms(&times, 50),
        p95_ms: quantile_ms(&times, 95),
        rows,
    })
}

/// The whole work of an answer, up to its report.
fn answer<T>(
    snapshot: &Snapshot,
    query: &Query,
    tuning: Tuning,
    take: impl FnOnce(&Report<'_>) -> T,
) -> anyhow::Result<T> {
    let cancel = AtomicBool::new(false);
    let rows = snapshot.rows_tuned(&query.target, query.history, &cancel, tuning)?;
    Ok(take(&evaluate(query, &rows)?))
}

/// The first page of an answer, with its texts: what a caller who wants no format would keep.
#[derive(Debug, Default)]
struct Page {
    text: String,
    cells: Vec<u64>,
}

impl Page {
    fn take(&mut self, report: &Report<'_>) -> Totals {
        self.text.clear();
        self.cells.clear();
        for (_, cell) in report.groups().iter().flat_map(|group| report.cells(group)) {
            self.cells.push(match cell {
                Cell::Text(text) => {
                    self.text.push_str(text);
                    self.text.len() as u64
                }
                Cell::Integer(number) => number,
                Cell::Date(time) => time.unix().into(),
                Cell::Boolean(is_true) => is_true.into(),
                Cell::Missing => 0,
            });
        }
        std::hint::black_box((&self.text, &self.cells));
        Totals {
            backlinks: report.backlinks(),
            refpages: report.refpages(),
            groups_total: report.groups_total(),
            results: report.results(),
        }
    }
}

fn rows(report: &Report<'_>) -> Vec<Value> {
    let row = |group| {
        report
            .cells(group)
            .map(|(column, cell)| {
                let value = match cell {
                    Cell::Text(text) => Value::from(text),
                    Cell::Integer(number) => Value::from(number),
                    Cell::Date(time) => Value::from(time.to_string()),
                    Cell::Boolean(is_true) => Value::from(is_true),
                    Cell::Missing => Value::Null,
                };
                (column.name.to_owned(), value)
            })
            .collect()
    };
    report.groups().iter().map(row).collect()
}

/// The time below which `percent` of the times lie, which are sorted.
fn quantile_ms(times: &[Duration], percent: usize) -> f64 {
    let at = (times.len().saturating_sub(1) * percent).div_ceil(100);
    times.get(at).copied().unwrap_or_default().as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles() {
        let times: Vec<Duration> = (1..=101).map(Duration::from_millis).collect();
        assert_eq!(quantile_ms(&times, 50).round(), 51.0);
        assert_eq!(quantile_ms(&times, 95).round(), 96.0);
        assert_eq!(quantile_ms(&[], 50), 0.0);
    }
}
