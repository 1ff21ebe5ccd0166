//! CSV by RFC 4180: a header row, lines end with CRLF, quotes only where they are needed.

use std::io::{self, Write};

use super::RowWriter;
use crate::report::Cell;

pub(super) struct Rows<W> {
    out: W,
}

impl<W: Write> Rows<W> {
    pub(super) fn begin(names: impl Iterator<Item = &'static str>, mut out: W) -> io::Result<Self> {
        for (i, name) in names.enumerate() {
            let comma = if i == 0 { "" } else { "," };
            write!(out, "{comma}{name}")?;
        }
        out.write_all(b"\r\n")?;
        Ok(Self { out })
    }
}

impl<W: Write> RowWriter for Rows<W> {
    fn row(&mut self, cells: &[Cell<'_>]) -> io::Result<()> {
        for (i, cell) in cells.iter().enumerate() {
            if i > 0 {
                self.out.write_all(b",")?;
            }
            match cell {
                Cell::Text(text) => field(text, &mut self.out)?,
                // A line of one column would be a blank line.
                Cell::Missing if cells.len() == 1 => self.out.write_all(b"\"\"")?,
                Cell::Missing => {}
                Cell::Integer(_) | Cell::Date(_) | Cell::Boolean(_) => write!(self.out, "{cell}")?,
            }
        }
        self.out.write_all(b"\r\n")
    }

    fn finish(self: Box<Self>, _stats: &[(&'static str, u64)]) -> io::Result<()> {
        Ok(())
    }
}

/// A text field. One that a spreadsheet would run as a formula gets an apostrophe in front.
fn field(text: &str, out: &mut impl Write) -> io::Result<()> {
    let defused = if is_formula(text) { "'" } else { "" };
    // An empty text is quoted: it is there, which a missing one is not, and a line of one column
    // would be a blank line.
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
