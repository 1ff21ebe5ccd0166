//! `windlass anchors`: the report, on the command line.

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use windlass_index::Snapshot;
use windlass_report::{Cell, Emptiness, Query, Report, run_on, write};

use crate::cli::{AnchorsFormat, AnchorsOptions};
use crate::numbers::grouped;
use crate::progress::cancel_on_signal;
use crate::table::{Align, Table};

/// How many anchors a table shows where nothing is said.
const TABLE_LIMIT: &str = "30";
/// In which order, where nothing is said.
const TABLE_ORDER: &str = "refdomains:desc,backlinks:desc";
/// Width of the bar that shows a share.
const BAR_WIDTH: usize = 12;

pub(crate) fn run(options: &AnchorsOptions) -> anyhow::Result<ExitCode> {
    let query = Query::from_params(parameters(options))?;
    let cancel = cancel_on_signal()?;
    let snapshot = Snapshot::open(&options.index)?;
    let report = run_on(&query, &snapshot, &cancel)?;
    if options.output == AnchorsFormat::Table {
        show(&query, &report)?;
    } else {
        let mut out = BufWriter::new(io::stdout());
        write::report(&report, query.output, &mut out)?;
        out.flush()?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The flags as the parameters of the wire contract.
fn parameters(options: &AnchorsOptions) -> Vec<(&'static str, String)> {
    let is_table = options.output == AnchorsFormat::Table;
    let or = |given: &Option<String>, default: &str| {
        given
            .clone()
            .or_else(|| is_table.then(|| default.to_owned()))
    };
    let output = options.output.output().unwrap_or_default().name();
    let given = [
        ("where", options.filter.clone()),
        ("having", options.having.clone()),
        ("select", options.select.clone()),
        ("order_by", or(&options.order_by, TABLE_ORDER)),
        ("limit", or(&options.limit, TABLE_LIMIT)),
        ("offset", options.offset.clone()),
        ("history", options.history.clone()),
    ];
    let mut parameters = vec![
        ("from", "anchors".to_owned()),
        ("target", options.target.clone()),
        ("mode", options.mode.clone()),
        ("output", output.to_owned()),
    ];
    parameters.extend(
        given
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    parameters
}

fn show(query: &Query, report: &Report<'_>) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    writeln!(
        out,
        "anchors of the links to {} ({})\n",
        query.target, query.history
    )?;
    if let Some(emptiness) = report.emptiness() {
        return writeln!(out, "nothing: {emptiness}\n{}", hint(query, emptiness));
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

fn text(cell: Cell<'_>) -> String {
    match cell {
        Cell::Text("") => "(empty)".to_owned(),
        Cell::Text(text) => text.to_owned(),
        Cell::Integer(number) => grouped(number),
        Cell::Date(time) => time.to_string().chars().take(10).collect(),
        Cell::Boolean(_) | Cell::Missing => cell.to_string(),
    }
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

/// What to do about an empty answer (R20).
fn hint(query: &Query, emptiness: Emptiness) -> &'static str {
    use windlass_links::{History, Mode};
    match emptiness {
        Emptiness::FilteredOut => "leave --where or --having away, or widen them",
        Emptiness::NoBacklinks if query.target.mode() == Mode::Exact => {
            "the mode is 'exact', which is that URL alone: --mode prefix, domain or subdomains asks for more"
        }
        Emptiness::NoBacklinks if query.history == History::Live => {
            "lost backlinks are left out: --history all_time asks for them too"
        }
        Emptiness::NoBacklinks
        | Emptiness::HostUnknown
        | Emptiness::NoPages
        | Emptiness::NoLinks => {
            "is the target spelt right, www. included? 'windlass ingest' adds crawls that link to it"
        }
    }
}
