//! What PHP's `serialize()` gives for the structure of the JSON body: arrays with string keys for
//! objects, with numbers from 0 for the list of rows. Lengths are in bytes.

use std::io::{self, Write};

use super::{RowWriter, Shape};
use crate::report::Cell;

/// `a:2:{s:7:"anchors";a:…:{i:0;a:…:{…}…}s:5:"stats";a:2:{…}}`.
pub(super) struct Rows<W> {
    out: W,
    names: Vec<&'static str>,
    has_stats: bool,
    results: u64,
    written: u64,
}

impl<W: Write> Rows<W> {
    pub(super) fn begin(shape: Shape<'_>, mut out: W) -> io::Result<Self> {
        write!(out, "a:{}:{{", if shape.has_stats { 2 } else { 1 })?;
        string(shape.rows_key, &mut out)?;
        write!(out, "a:{}:{{", shape.results)?;
        Ok(Self {
            out,
            names: shape.columns.iter().map(|column| column.name).collect(),
            has_stats: shape.has_stats,
            results: shape.results,
            written: 0,
        })
    }
}

impl<W: Write> RowWriter for Rows<W> {
    fn row(&mut self, cells: &[Cell<'_>]) -> io::Result<()> {
        write!(self.out, "i:{};a:{}:{{", self.written, self.names.len())?;
        self.written += 1;
        for (name, cell) in self.names.iter().zip(cells) {
            member(name, *cell, &mut self.out)?;
        }
        self.out.write_all(b"}")
    }

    /// Fails where other than the announced number of rows came: the array would not be readable.
    fn finish(mut self: Box<Self>, stats: &[(&'static str, u64)]) -> io::Result<()> {
        if self.written != self.results {
            return Err(io::Error::other(format!(
                "{} rows were announced and {} came",
                self.results, self.written
            )));
        }
        self.out.write_all(b"}")?;
        if self.has_stats {
            string("stats", &mut self.out)?;
            write!(self.out, "a:{}:{{", stats.len())?;
            for (name, value) in stats {
                member(name, Cell::Integer(*value), &mut self.out)?;
            }
            self.out.write_all(b"}")?;
        }
        self.out.write_all(b"}")
    }
}

/// `a:1:{s:4:"info";a:…:{…}}`.
pub(super) fn object(
    key: &str,
    members: &[(&'static str, Cell<'_>)],
    out: &mut impl Write,
) -> io::Result<()> {
    out.write_all(b"a:1:{")?;
    string(key, out)?;
    write!(out, "a:{}:{{", members.len())?;
    for (name, cell) in members {
        member(name, *cell, out)?;
    }
    out.write_all(b"}}")
}

/// `a:1:{s:5:"error";s:…:"…";}`.
pub(super) fn error(text: &str, out: &mut impl Write) -> io::Result<()> {
    out.write_all(b"a:1:{")?;
    member("error", Cell::Text(text), out)?;
    out.write_all(b"}")
}

/// A key with its value.
fn member(name: &str, cell: Cell<'_>, out: &mut impl Write) -> io::Result<()> {
    string(name, out)?;
    match cell {
        Cell::Text(text) => string(text, out),
        // PHP's integers have a sign: beyond them it has floats, as `json_decode` gives.
        Cell::Integer(number) => match i64::try_from(number) {
            Ok(number) => write!(out, "i:{number};"),
            Err(_) => {
                let float = format!("{:e}", number as f64).replace('e', "E+");
                write!(out, "d:{float};")
            }
        },
        Cell::Date(time) => write!(out, "s:20:\"{time}\";"),
        Cell::Boolean(is_true) => write!(out, "b:{};", u8::from(is_true)),
        Cell::Missing => out.write_all(b"N;"),
    }
}

fn string(text: &str, out: &mut impl Write) -> io::Result<()> {
    write!(out, "s:{}:\"", text.len())?;
    out.write_all(text.as_bytes())?;
    out.write_all(b"\";")
}
