//! Answers as bytes, streamed: memory does not grow with the number of rows.

mod csv;
mod json;
mod ndjson;

use std::io::{self, Write};

use crate::output::Output;
use crate::report::Report;

/// Writes an answer. Writes are small: give it a buffered writer.
///
/// # Errors
/// Those of `out`.
pub fn report(report: &Report<'_>, output: Output, out: &mut impl Write) -> io::Result<()> {
    match output {
        Output::Json => json::report(report, out),
        Output::Ndjson => ndjson::report(report, out),
        Output::Csv => csv::report(report, out),
    }
}

/// Writes the answer to a dry run: cost and number of results, and nothing else. Always JSON.
///
/// # Errors
/// Those of `out`.
pub fn dry_run(report: &Report<'_>, out: &mut impl Write) -> io::Result<()> {
    write!(
        out,
        r#"{{"dry_run":{{"rows_cost":{},"results":{}}}}}"#,
        report.rows_cost(),
        report.results()
    )
}

/// Writes an error: `{"error":"…"}`.
///
/// # Errors
/// Those of `out`.
pub fn error(text: &str, out: &mut impl Write) -> io::Result<()> {
    out.write_all(br#"{"error":"#)?;
    json::string(text, out)?;
    out.write_all(b"}")
}
