//! `windlass anchors`: the report, on the command line.

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use windlass_index::Snapshot;
use windlass_report::{ANCHORS, Query, Report, run_on, write};

use crate::cli::report::{AnchorsOptions, ReportFormat};
use crate::commands::report::{hint, nothing, text};
use crate::memory::lone_query_bytes;
use crate::numbers::grouped;
use crate::signals::cancel_on_signal;
use crate::table::{Align, Table};

/// In which order, where nothing is said.
const TABLE_ORDER: &str = "refdomains:desc,backlinks:desc";
/// Width of the bar that shows a share.
const BAR_WIDTH: usize = 12;

pub(crate) fn run(options: &AnchorsOptions) -> anyhow::Result<ExitCode> {
    let asked = &options.asked;
    let query = Query::from_params(asked.parameters(&ANCHORS, "", TABLE_ORDER))?;
    let cancel = cancel_on_signal()?;
    let snapshot = Snapshot::open(&asked.index)?;
    let report = run_on(&query, &snapshot, lone_query_bytes(), &cancel)?;
    if asked.output == ReportFormat::Table {
        show(&query, &report)?;
    } else {
        let mut out = BufWriter::new(io::stdout());
        write::report(&report, query.output, &mut out)?;
        out.flush()?;
    }
    Ok(ExitCode::SUCCESS)
}

fn show(query: &Query, report: &Report<'_>) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    writeln!(
        out,
        "anchors of the links to {} ({})\n",
        query.target, query.history
    )?;
    if let Some(emptiness) = report.emptiness() {
        let (why, hint) = (nothing(query, emptiness), hint(query, emptiness));
        return writeln!(out, "nothing: {why}\n{hint}");
    }
    let mut columns = Vec::new();
    for column in report.columns() {
        let is_text = matches!(column.name, "anchor" | "first_seen" | "last_visited");
        columns.push((
            column.name,
            if is_text { Align::Left } else { Align::Right },
        ));
        if column.name == "anchor" {
            columns.push(("share of backlinks", Align::Left));
        }
    }
    let mut table = Table::new(&columns);
    for group in report.groups() {
        let mut cells = Vec::new();
        for (column, cell) in report.cells(group) {
            cells.push(text(cell));
            if column.name == "anchor" {
                cells.push(share(group.backlinks, report.backlinks()));
            }
        }
        table.row(&cells);
    }
    table.write(&mut out)?;
    writeln!(
        out,
        "\n{} of {} anchors; {} backlinks from {} pages in all",
        grouped(report.results()),
        grouped(report.groups_total()),
        grouped(report.backlinks()),
        grouped(report.refpages()),
    )?;
    let next = query.offset + report.results();
    if report.results() > 0 && next < report.groups_total() {
        writeln!(out, "more: --offset {next}, or --limit")?;
    }
    Ok(())
}

/// A share as a bar and a percentage.
fn share(part: u64, whole: u64) -> String {
    let share = if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    };
    let filled = (share * BAR_WIDTH as f64).round() as usize;
    let bar: String = (0..BAR_WIDTH)
        .map(|i| if i < filled { '█' } else { '·' })
        .collect();
    format!("{bar} {:>5.1} %", share * 100.0)
}
