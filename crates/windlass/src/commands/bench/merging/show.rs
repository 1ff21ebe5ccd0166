//! What was measured, for people and for programs.

use std::io::{self, Write};
use std::time::Duration;

use serde_json::{Value, json};

use super::asking::Times;
use super::{Measured, Phase};
use crate::numbers::{bytes, grouped};
use crate::table::{Align, Table};

impl Measured {
    fn phases(&self) -> [(&'static str, &Phase); 4] {
        [
            ("at_rest", &self.at_rest),
            ("merging_making_way", &self.makes_way),
            ("merging_hurrying", &self.hurries),
            ("merged", &self.merged),
        ]
    }
}

pub(super) fn json(result: &Measured, out: &mut impl Write) -> io::Result<()> {
    let seconds = |time: Option<Duration>| time.map(|time| time.as_secs_f64());
    let questions: Vec<Value> = result
        .questions
        .iter()
        .enumerate()
        .map(|(at, question)| {
            let mut value = json!({"question": question.name, "backlinks": question.backlinks});
            for (name, phase) in result.phases() {
                if let (Some(object), Some(times)) = (value.as_object_mut(), phase.times.get(at)) {
                    let measured = json!({
                        "answers": times.count(),
                        "p50_s": seconds(times.percentile(50)),
                        "p99_s": seconds(times.percentile(99)),
                    });
                    object.insert(name.to_owned(), measured);
                }
            }
            value
        })
        .collect();
    let merges = |phase: &Phase| -> Vec<Value> {
        let merges = phase.merges.iter();
        merges
            .map(
                |(took, rested)| json!({"s": took.as_secs_f64(), "rested_s": rested.as_secs_f64()}),
            )
            .collect()
    };
    let value = json!({
        "segments": result.segments,
        "bytes": result.bytes,
        "backlinks": result.backlinks,
        "merges_making_way": merges(&result.makes_way),
        "merges_hurrying": merges(&result.hurries),
        "answers_are_equal": true,
        "questions": questions,
    });
    writeln!(out, "{value}")
}

pub(super) fn table(result: &Measured, out: &mut impl Write) -> io::Result<()> {
    writeln!(
        out,
        "{} segments of {} in all, {} backlinks; every answer is the same before, while and after they are merged",
        result.segments,
        bytes(result.bytes),
        grouped(result.backlinks),
    )?;
    for (what, phase) in [
        ("making way for questions", &result.makes_way),
        ("hurrying", &result.hurries),
    ] {
        let mean = |of: fn(&(Duration, Duration)) -> Duration| {
            let total: Duration = phase.merges.iter().map(of).sum();
            total.as_secs_f64() / phase.merges.len().max(1) as f64
        };
        writeln!(
            out,
            "merged in {:.1} s, {what}; {:.1} s of it resting",
            mean(|(took, _)| *took),
            mean(|(_, rested)| *rested),
        )?;
    }
    writeln!(out, "\np50 / p99 in ms (answers measured)")?;
    let mut table = Table::new(&[
        ("question", Align::Left),
        ("backlinks", Align::Right),
        ("at rest", Align::Right),
        ("merging, making way", Align::Right),
        ("merging, hurrying", Align::Right),
        ("merged", Align::Right),
    ]);
    for (at, question) in result.questions.iter().enumerate() {
        let mut cells = vec![question.name.clone(), grouped(question.backlinks)];
        for (_, phase) in result.phases() {
            cells.push(phase.times.get(at).map(percentiles).unwrap_or_default());
        }
        table.row(&cells);
    }
    table.write(out)
}

fn percentiles(times: &Times) -> String {
    let ms = |percent| {
        times.percentile(percent).map_or_else(
            || "–".to_owned(),
            |time| format!("{:.2}", time.as_secs_f64() * 1e3),
        )
    };
    format!("{} / {} ({})", ms(50), ms(99), times.count())
}
