//! Answers as bytes, streamed: memory does not grow with the number of rows.
//!
//! An answer is the rows of a table ([`rows`]), one object ([`object`]), or an error ([`error`]).
//! Nothing here knows what a table means: a [`Shape`] says what the rows look like, and
//! [`Cell`]s come in.

mod arrow;
mod columnar;
mod csv;
mod json;
mod ndjson;
mod parquet;
mod php;
mod xml;

use std::io::{self, Write};

use crate::output::Output;
use crate::report::{Cell, Report};
use crate::table::Column;

/// What an answer looks like, whatever its rows.
#[derive(Debug, Clone, Copy)]
pub struct Shape<'a> {
    /// The key of the rows: `anchors`.
    pub rows_key: &'static str,
    /// The name of one row, where a format has one: `anchor`.
    pub row_name: &'static str,
    /// The columns of a row, in order.
    pub columns: &'a [&'static Column],
    /// How many rows will come: some formats say it first.
    pub results: u64,
    /// Whether totals follow the rows. Where not, the answer has no `stats` at all.
    pub has_stats: bool,
}

/// A number, a moment or a truth value as it is shown, without the formatter, which takes most of the time of a row.
fn bare(cell: Cell<'_>, out: &mut impl Write) -> io::Result<()> {
    match cell {
        Cell::Integer(number) => out.write_all(itoa::Buffer::new().format(number).as_bytes()),
        Cell::Date(time) => out.write_all(&time.to_ascii()),
        Cell::Text(_) | Cell::Boolean(_) | Cell::Missing => write!(out, "{cell}"),
    }
}

/// Takes the rows of an answer, one by one, and writes them as they come.
pub trait RowWriter {
    /// Writes a row: as many cells as the shape has columns, each of its column's type or
    /// [`Cell::Missing`].
    ///
    /// # Errors
    /// Those of the output; and where a format stores columns by type, a cell of another type.
    fn row(&mut self, cells: &[Cell<'_>]) -> io::Result<()>;

    /// Writes what follows the rows. `stats` are empty where the shape has none.
    ///
    /// # Errors
    /// Those of the output.
    fn finish(self: Box<Self>, stats: &[(&'static str, u64)]) -> io::Result<()>;
}

/// Begins an answer of rows. Writes are small: give it a buffered writer.
///
/// # Errors
/// Those of `out`.
pub fn rows<'a, W: Write + Send + 'a>(
    shape: Shape<'a>,
    output: Output,
    out: W,
) -> io::Result<Box<dyn RowWriter + 'a>> {
    Ok(match output {
        Output::Json => Box::new(json::Rows::begin(shape, out)?),
        Output::Xml => Box::new(xml::Rows::begin(shape, out)?),
        Output::Php => Box::new(php::Rows::begin(shape, out)?),
        Output::Ndjson => Box::new(ndjson::Rows::begin(shape, out)),
        Output::Csv => Box::new(csv::Rows::begin(shape.columns.iter().map(|c| c.name), out)?),
        Output::Arrow => Box::new(arrow::Rows::begin(&columnar::fields_of(shape), out)?),
        Output::Parquet => Box::new(parquet::Rows::begin(&columnar::fields_of(shape), out)?),
    })
}

/// Writes an answer that is one object: `{"metrics":{…}}`. Formats of rows have it as one row.
///
/// # Errors
/// Those of `out`.
pub fn object(
    key: &'static str,
    members: &[(&'static str, Cell<'_>)],
    output: Output,
    mut out: impl Write + Send,
) -> io::Result<()> {
    let mut row: Box<dyn RowWriter> = match output {
        Output::Json => return json::object(key, members, &mut out),
        Output::Xml => return xml::object(key, members, &mut out),
        Output::Php => return php::object(key, members, &mut out),
        Output::Ndjson => return ndjson::object(members, &mut out),
        Output::Csv => Box::new(csv::Rows::begin(members.iter().map(|(n, _)| *n), out)?),
        Output::Arrow => Box::new(arrow::Rows::begin(
            &columnar::fields_of_object(members),
            out,
        )?),
        Output::Parquet => Box::new(parquet::Rows::begin(
            &columnar::fields_of_object(members),
            out,
        )?),
    };
    let cells: Vec<_> = members.iter().map(|(_, cell)| *cell).collect();
    row.row(&cells)?;
    row.finish(&[])
}

/// Writes an error, `{"error":"…"}`, in the format that errors have where `output` was asked for:
/// [`Output::of_messages`].
///
/// # Errors
/// Those of `out`.
pub fn error(text: &str, output: Output, out: &mut impl Write) -> io::Result<()> {
    match output.of_messages() {
        Output::Xml => xml::error(text, out),
        Output::Php => php::error(text, out),
        _ => json::error(text, out),
    }
}

/// Writes the answer to a dry run: cost, in account rows, and number of results, and nothing else; in
/// the format [`Output::of_messages`].
///
/// # Errors
/// Those of `out`.
pub fn dry_run(
    rows_cost: u64,
    results: u64,
    output: Output,
    out: impl Write + Send,
) -> io::Result<()> {
    let members = [
        ("rows_cost", Cell::Integer(rows_cost)),
        ("results", Cell::Integer(results)),
    ];
    object("dry_run", &members, output.of_messages(), out)
}

/// Writes the answer of a report.
///
/// # Errors
/// Those of `out`.
pub fn report(report: &Report<'_>, output: Output, out: impl Write + Send) -> io::Result<()> {
    let shape = Shape {
        rows_key: report.table().rows_key,
        row_name: report.table().row_name,
        columns: report.columns(),
        results: report.results(),
        has_stats: !report.table().stats.is_empty(),
    };
    let mut writer = rows(shape, output, out)?;
    let mut cells = Vec::with_capacity(shape.columns.len());
    for group in report.groups() {
        cells.clear();
        cells.extend(report.cells(group).map(|(_, cell)| cell));
        writer.row(&cells)?;
    }
    writer.finish(&report.stats().collect::<Vec<_>>())
}
