//! Questions that are new to an index that is open: each is asked once, after the others.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::{Duration, Instant};

use serde::Serialize;
use windlass_index::{Snapshot, Tuning};

use super::{Page, Question, answer, quantile_ms, shown_ms};
use crate::numbers::grouped;
use crate::table::{Align, Table};

/// What the questions of a group took, each asked once.
#[derive(Debug, Serialize)]
pub(super) struct Asked {
    group: String,
    questions: usize,
    /// Of all of them.
    backlinks: u64,
    p50_ms: f64,
    p90_ms: f64,
    p99_ms: f64,
    max_ms: f64,
}

/// Asks each question once, in order. Those of a file that have no group are one.
pub(super) fn ask_each(snapshot: &Snapshot, questions: &[Question]) -> anyhow::Result<Vec<Asked>> {
    let mut page = Page::default();
    let mut groups: BTreeMap<&str, (Vec<Duration>, u64)> = BTreeMap::new();
    for question in questions {
        let start = Instant::now();
        let query = question.query()?;
        let totals = answer(snapshot, &query, Tuning::default(), |report| {
            page.take(report)
        })?;
        let (times, backlinks) = groups.entry(question.group()).or_default();
        times.push(start.elapsed());
        *backlinks += totals.backlinks;
    }
    let asked = groups.into_iter().map(|(group, (mut times, backlinks))| {
        times.sort_unstable();
        Asked {
            group: group.to_owned(),
            questions: times.len(),
            backlinks,
            p50_ms: quantile_ms(&times, 50),
            p90_ms: quantile_ms(&times, 90),
            p99_ms: quantile_ms(&times, 99),
            max_ms: quantile_ms(&times, 100),
        }
    });
    Ok(asked.collect())
}

pub(super) fn show(asked: &[Asked], out: &mut impl Write) -> std::io::Result<()> {
    let mut table = Table::new(&[
        ("group", Align::Left),
        ("questions", Align::Right),
        ("backlinks", Align::Right),
        ("p50 ms", Align::Right),
        ("p90 ms", Align::Right),
        ("p99 ms", Align::Right),
        ("max ms", Align::Right),
    ]);
    for group in asked {
        table.row(&[
            group.group.clone(),
            grouped(group.questions as u64),
            grouped(group.backlinks),
            shown_ms(Some(group.p50_ms)),
            shown_ms(Some(group.p90_ms)),
            shown_ms(Some(group.p99_ms)),
            shown_ms(Some(group.max_ms)),
        ]);
    }
    table.write(out)
}
