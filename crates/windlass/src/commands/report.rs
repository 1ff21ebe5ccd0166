//! `windlass report`: any table of the API, on the command line.

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;
use std::sync::Arc;

use windlass_index::Snapshot;
use windlass_links::{History, Mode};
use windlass_report::table::{Field, Grouping, Source};
use windlass_report::{
    Answer, AnswerLimits, Cell, ColumnType, Emptiness, Query, Table as Definition, WriteError,
    answer,
};

use crate::cli::report::{ReportFormat, ReportOptions};
use crate::memory::lone_query_bytes;
use crate::numbers::grouped;
use crate::signals::cancel_on_signal;
use crate::table::{Align, Table};

pub(crate) fn run(options: &ReportOptions) -> anyhow::Result<ExitCode> {
    let (definition, asked) = (options.table, &options.asked);
    let (select, order) = (columns_for_people(definition), order_for_people(definition));
    let query = Query::from_params(asked.parameters(definition, &select, &order))?;
    let cancel = cancel_on_signal()?;
    let snapshot = Arc::new(Snapshot::open(&asked.index)?);
    let limits = AnswerLimits {
        memory_max: lone_query_bytes(),
        ..AnswerLimits::default()
    };
    let answer = answer(&query, &snapshot, limits, &cancel)?;
    if asked.output == ReportFormat::Table {
        show(&query, &answer)?;
    } else {
        let mut out = BufWriter::new(io::stdout());
        answer.write(query.output, &mut out)?;
        out.flush()?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The columns that fit side by side; nothing where all do.
fn columns_for_people(table: &Definition) -> String {
    const OF_LINKS: [Field; 6] = [
        Field::UrlFrom,
        Field::UrlTo,
        Field::Anchor,
        Field::LastVisited,
        Field::ChangeDate,
        Field::ChangeType,
    ];
    match table.source {
        Source::Backlinks => names(table, &OF_LINKS, ""),
        Source::Changes => names(
            table,
            OF_LINKS
                .iter()
                .filter(|field| **field != Field::LastVisited),
            "",
        ),
        _ => String::new(),
    }
}

/// Groups by their largest numbers, changes by date, the last one first; single rows as they lie in the
/// index, which takes no longer for many than for few.
fn order_for_people(table: &Definition) -> String {
    const NUMBERS: [Field; 4] = [
        Field::Refdomains,
        Field::Backlinks,
        Field::Links,
        Field::LinksExternal,
    ];
    match (table.source, table.grouping) {
        (Source::Changes, _) => names(table, &[Field::ChangeDate], ":desc"),
        (_, Grouping::By(_)) => names(table, &NUMBERS, ":desc"),
        _ => String::new(),
    }
}

/// The columns of a table that have such fields, in the order of the fields.
fn names<'f>(
    table: &Definition,
    fields: impl IntoIterator<Item = &'f Field>,
    suffix: &str,
) -> String {
    let columns = fields.into_iter().filter_map(|field| {
        let mut columns = table.columns.iter();
        columns.find(|column| column.field == *field && column.in_having)
    });
    let names: Vec<String> = columns
        .map(|column| format!("{}{suffix}", column.name))
        .collect();
    names.join(",")
}

fn show(query: &Query, answer: &Answer<'_>) -> anyhow::Result<()> {
    let mut out = anstream::stdout().lock();
    let (name, target, history) = (query.table.name, &query.target, query.history);
    writeln!(out, "{name} of {target} ({history})\n")?;
    if let Some(emptiness) = answer.emptiness() {
        let (why, hint) = (nothing(query, emptiness), hint(query, emptiness));
        writeln!(out, "nothing: {why}\n{hint}")?;
        return Ok(());
    }
    let columns = answer.columns();
    let is_object = query.table.grouping == Grouping::Object;
    let mut table = if is_object {
        Table::new(&[(name, Align::Left), ("", Align::Right)])
    } else {
        let headers = columns.iter().map(|column| {
            let is_number = column.column_type == ColumnType::Integer;
            let align = if is_number { Align::Right } else { Align::Left };
            (column.name, align)
        });
        Table::new(&headers.collect::<Vec<_>>())
    };
    answer.for_each_row(|cells| {
        let cells = cells.iter().map(|cell| text(*cell));
        if is_object {
            for (column, cell) in columns.iter().zip(cells) {
                table.row(&[column.name.to_owned(), cell]);
            }
        } else {
            table.row(&cells.collect::<Vec<_>>());
        }
        Ok::<_, WriteError>(())
    })?;
    table.write(&mut out)?;
    if is_object {
        return Ok(());
    }
    let results = answer.results();
    writeln!(out)?;
    match answer.total() {
        Some(total) => writeln!(out, "{} of {} results", grouped(results), grouped(total))?,
        None => writeln!(out, "{} results", grouped(results))?,
    }
    let next = query.offset + results;
    // Where nobody counted them, a full page may be followed by another.
    let has_more = match answer.total() {
        Some(total) => next < total,
        None => results == u64::from(query.limit),
    };
    if results > 0 && has_more {
        let may_be = match answer.total() {
            Some(_) => "more",
            None => "there may be more",
        };
        writeln!(out, "{may_be}: --offset {next}, or --limit")?;
    }
    Ok(())
}

/// A cell for people.
pub(super) fn text(cell: Cell<'_>) -> String {
    match cell {
        Cell::Text("") => "(empty)".to_owned(),
        Cell::Text(text) => text.to_owned(),
        Cell::Integer(number) => grouped(number),
        Cell::Date(time) => time.to_string().chars().take(10).collect(),
        Cell::Boolean(_) | Cell::Missing => cell.to_string(),
    }
}

/// Why there is nothing, in words that say what was asked for.
pub(super) fn nothing(query: &Query, emptiness: Emptiness) -> String {
    let is_of_changes = query.table.source == Source::Changes;
    let what = match (emptiness, query.history) {
        (Emptiness::NoBacklinks, History::Live) if !is_of_changes => {
            "the index has no live backlinks for this target"
        }
        (Emptiness::NoBacklinks, History::Since(_)) if is_of_changes => {
            "no backlink of this target was found or lost since then"
        }
        (Emptiness::NoBacklinks, History::Since(_)) => {
            "the index has no backlinks for this target that were live since then"
        }
        _ => return emptiness.to_string(),
    };
    what.to_owned()
}

/// What to ask for where there is nothing.
pub(super) fn hint(query: &Query, emptiness: Emptiness) -> String {
    let mut hints = Vec::new();
    let is_of_changes = query.table.source == Source::Changes;
    let is_of_links = matches!(emptiness, Emptiness::NoBacklinks | Emptiness::NoLinks);
    match query.history {
        History::Live if is_of_links && !is_of_changes => {
            hints.push("lost links are left out: --history all_time asks for them too");
        }
        History::Since(_) if is_of_links => {
            hints.push("an earlier date, or --history all_time, asks for more");
        }
        _ => {}
    }
    let is_of_target = is_of_links || emptiness == Emptiness::NoPages;
    if is_of_target && query.target.mode() == Mode::Exact {
        hints.push(
            "the mode is 'exact', which is that URL alone: --mode prefix, domain or subdomains asks for more",
        );
    }
    if hints.is_empty() {
        hints.push(match emptiness {
            Emptiness::FilteredOut => "leave --where or --having away, or widen them",
            Emptiness::NoPages => {
                "is the target spelt right, www. included? 'windlass ingest' adds crawls of it"
            }
            Emptiness::NoBacklinks | Emptiness::HostUnknown | Emptiness::NoLinks => {
                "is the target spelt right, www. included? 'windlass ingest' adds crawls that link to it"
            }
        });
    }
    hints.join("\n")
}
