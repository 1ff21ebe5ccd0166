//! The JSON body of the wire contract: compact, raw UTF-8, keys in table order.

use std::io::{self, Write};

use super::{RowWriter, Shape, bare};
use crate::report::Cell;

/// `{"anchors":[{…},…],"stats":{…}}`.
pub(super) struct Rows<W> {
    out: W,
    row: Row,
    has_rows: bool,
    has_stats: bool,
}

impl<W: Write> Rows<W> {
    pub(super) fn begin(shape: Shape<'_>, mut out: W) -> io::Result<Self> {
        write!(out, "{{\"{}\":[", shape.rows_key)?;
        Ok(Self {
            out,
            row: Row::of(shape.columns.iter().map(|column| column.name)),
            has_rows: false,
            has_stats: shape.has_stats,
        })
    }
}

impl<W: Write> RowWriter for Rows<W> {
    fn row(&mut self, cells: &[Cell<'_>]) -> io::Result<()> {
        if self.has_rows {
            self.out.write_all(b",")?;
        }
        self.has_rows = true;
        self.row.write(cells, &mut self.out)
    }

    fn finish(mut self: Box<Self>, stats: &[(&'static str, u64)]) -> io::Result<()> {
        self.out.write_all(b"]")?;
        if self.has_stats {
            self.out.write_all(b",\"stats\":{")?;
            for (i, (name, value)) in stats.iter().enumerate() {
                let comma = if i == 0 { "" } else { "," };
                write!(self.out, "{comma}\"{name}\":{value}")?;
            }
            self.out.write_all(b"}")?;
        }
        self.out.write_all(b"}")
    }
}

/// `{"info":{…}}`.
pub(super) fn object(
    key: &str,
    members: &[(&'static str, Cell<'_>)],
    out: &mut impl Write,
) -> io::Result<()> {
    write!(out, "{{\"{key}\":")?;
    one_row(members, out)?;
    out.write_all(b"}")
}

/// The members alone, as an object.
pub(super) fn one_row(
    members: &[(&'static str, Cell<'_>)],
    out: &mut impl Write,
) -> io::Result<()> {
    let cells: Vec<_> = members.iter().map(|(_, cell)| *cell).collect();
    Row::of(members.iter().map(|(name, _)| *name)).write(&cells, out)
}

/// `{"error":"…"}`.
pub(super) fn error(text: &str, out: &mut impl Write) -> io::Result<()> {
    out.write_all(br#"{"error":"#)?;
    string(text, out)?;
    out.write_all(b"}")
}

/// Writes rows as objects.
pub(super) struct Row {
    /// What stands before each value: `{"anchor":`, `,"backlinks":`.
    before: Vec<String>,
}

impl Row {
    pub(super) fn of(names: impl Iterator<Item = &'static str>) -> Self {
        let before = names.enumerate().map(|(i, name)| {
            let mark = if i == 0 { '{' } else { ',' };
            format!("{mark}\"{name}\":")
        });
        Self {
            before: before.collect(),
        }
    }

    pub(super) fn write(&self, cells: &[Cell<'_>], out: &mut impl Write) -> io::Result<()> {
        if self.before.is_empty() {
            return out.write_all(b"{}");
        }
        for (before, cell) in self.before.iter().zip(cells) {
            out.write_all(before.as_bytes())?;
            match cell {
                Cell::Text(text) => string(text, out)?,
                Cell::Integer(_) | Cell::Boolean(_) => bare(*cell, out)?,
                Cell::Date(_) => {
                    out.write_all(b"\"")?;
                    bare(*cell, out)?;
                    out.write_all(b"\"")?;
                }
                Cell::Missing => out.write_all(b"null")?,
            }
        }
        out.write_all(b"}")
    }
}

/// A string: only `"`, `\` and control characters are escaped.
fn string(text: &str, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer(out, text).map_err(io::Error::from)
}
