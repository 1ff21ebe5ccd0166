//! One JSON object a row, each on its line. No stats: every line has the same keys.

use std::io::{self, Write};

use super::{RowWriter, Shape, json};
use crate::report::Cell;

pub(super) struct Rows<W> {
    out: W,
    row: json::Row,
}

impl<W: Write> Rows<W> {
    pub(super) fn begin(shape: Shape<'_>, out: W) -> Self {
        Self {
            out,
            row: json::Row::of(shape.columns.iter().map(|column| column.name)),
        }
    }
}

impl<W: Write> RowWriter for Rows<W> {
    fn row(&mut self, cells: &[Cell<'_>]) -> io::Result<()> {
        self.row.write(cells, &mut self.out)?;
        self.out.write_all(b"\n")
    }

    fn finish(self: Box<Self>, _stats: &[(&'static str, u64)]) -> io::Result<()> {
        Ok(())
    }
}

/// An object as the only line.
pub(super) fn object(members: &[(&'static str, Cell<'_>)], out: &mut impl Write) -> io::Result<()> {
    json::one_row(members, out)?;
    out.write_all(b"\n")
}
