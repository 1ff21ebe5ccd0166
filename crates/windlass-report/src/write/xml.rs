//! The XML body of the wire contract: root `AhrefsApiResponse`, then the same tree as in JSON, with
//! a name for each row.

use std::io::{self, Write};

use super::{RowWriter, Shape, bare};
use crate::report::Cell;

const BEGIN: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><AhrefsApiResponse>";
const END: &str = "</AhrefsApiResponse>";

/// `<anchors><anchor>…</anchor>…</anchors><stats>…</stats>`.
pub(super) struct Rows<W> {
    out: W,
    rows_key: &'static str,
    row_name: &'static str,
    names: Vec<&'static str>,
    has_stats: bool,
}

impl<W: Write> Rows<W> {
    pub(super) fn begin(shape: Shape<'_>, mut out: W) -> io::Result<Self> {
        write!(out, "{BEGIN}<{}>", shape.rows_key)?;
        Ok(Self {
            out,
            rows_key: shape.rows_key,
            row_name: shape.row_name,
            names: shape.columns.iter().map(|column| column.name).collect(),
            has_stats: shape.has_stats,
        })
    }
}

impl<W: Write> RowWriter for Rows<W> {
    fn row(&mut self, cells: &[Cell<'_>]) -> io::Result<()> {
        write!(self.out, "<{}>", self.row_name)?;
        for (name, cell) in self.names.iter().zip(cells) {
            element(name, *cell, &mut self.out)?;
        }
        write!(self.out, "</{}>", self.row_name)
    }

    fn finish(mut self: Box<Self>, stats: &[(&'static str, u64)]) -> io::Result<()> {
        write!(self.out, "</{}>", self.rows_key)?;
        if self.has_stats {
            self.out.write_all(b"<stats>")?;
            for (name, value) in stats {
                element(name, Cell::Integer(*value), &mut self.out)?;
            }
            self.out.write_all(b"</stats>")?;
        }
        self.out.write_all(END.as_bytes())
    }
}

/// `<info><rows_left>…</rows_left>…</info>`.
pub(super) fn object(
    key: &str,
    members: &[(&'static str, Cell<'_>)],
    out: &mut impl Write,
) -> io::Result<()> {
    write!(out, "{BEGIN}<{key}>")?;
    for (name, cell) in members {
        element(name, *cell, out)?;
    }
    write!(out, "</{key}>{END}")
}

/// `<error>…</error>`.
pub(super) fn error(text: &str, out: &mut impl Write) -> io::Result<()> {
    out.write_all(BEGIN.as_bytes())?;
    element("error", Cell::Text(text), out)?;
    out.write_all(END.as_bytes())
}

/// One value; an empty element for one that is missing.
fn element(name: &str, cell: Cell<'_>, out: &mut impl Write) -> io::Result<()> {
    match cell {
        Cell::Missing => write!(out, "<{name}/>"),
        Cell::Text(content) => {
            write!(out, "<{name}>")?;
            text(content, out)?;
            write!(out, "</{name}>")
        }
        Cell::Integer(_) | Cell::Date(_) | Cell::Boolean(_) => {
            write!(out, "<{name}>")?;
            bare(cell, out)?;
            write!(out, "</{name}>")
        }
    }
}

/// Character data (XML 1.0, 2.4). What XML 1.0 has no way to write, not even as a reference, becomes
/// U+FFFD (2.2).
fn text(text: &str, out: &mut impl Write) -> io::Result<()> {
    let mut plain = 0;
    for (at, c) in text.char_indices() {
        let replacement = match c {
            '&' => "&amp;",
            '<' => "&lt;",
            // Needed in `]]>` alone; readers by regular expression are glad of it elsewhere.
            '>' => "&gt;",
            // Bare, a parser would make it a line feed.
            '\r' => "&#13;",
            '\t' | '\n' => continue,
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => "\u{fffd}",
            _ => continue,
        };
        out.write_all(text.as_bytes().get(plain..at).unwrap_or_default())?;
        out.write_all(replacement.as_bytes())?;
        plain = at + c.len_utf8();
    }
    out.write_all(text.as_bytes().get(plain..).unwrap_or_default())
}
