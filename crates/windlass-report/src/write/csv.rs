//! CSV by RFC 4180: a header row, lines end with CRLF, quotes only where they are needed.

use std::io::{self, Write};

use crate::report::{Cell, Report};

pub(super) fn report(report: &Report<'_>, out: &mut impl Write) -> io::Result<()> {
    for (i, column) in report.columns().iter().enumerate() {
        let comma = if i == 0 { "" } else { "," };
        write!(out, "{comma}{}", column.name)?;
    }
    out.write_all(b"\r\n")?;
    for group in report.groups() {
        for (i, (_, cell)) in report.cells(group).enumerate() {
            if i > 0 {
                out.write_all(b",")?;
            }
            match cell {
                Cell::Text(text) => field(text, out)?,
                Cell::Integer(_) | Cell::Date(_) => write!(out, "{cell}")?,
            }
        }
        out.write_all(b"\r\n")?;
    }
    Ok(())
}

/// A text field. One that a spreadsheet would run as a formula gets an apostrophe in front.
fn field(text: &str, out: &mut impl Write) -> io::Result<()> {
    let defused = if is_formula(text) { "'" } else { "" };
    // An empty anchor is quoted, or a line of one column would be a blank line.
    if !text.is_empty() && !text.contains([',', '"', '\r', '\n']) {
        return write!(out, "{defused}{text}");
    }
    write!(out, "\"{defused}")?;
    for (i, part) in text.split('"').enumerate() {
        if i > 0 {
            out.write_all(b"\"\"")?;
        }
        out.write_all(part.as_bytes())?;
    }
    out.write_all(b"\"")
}

/// Whether a spreadsheet may take a cell for a formula: it begins with a character that starts one,
/// also in its full-width form, or with one that spreadsheets drop before they look.
fn is_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'])
}
