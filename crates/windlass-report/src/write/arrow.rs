//! The Arrow IPC streaming format: the schema, record batches as they fill, the end mark.
//!
//! No stats: the schema, the only place that readers show, is written before they need be known.

use std::io::{self, Write};

use arrow_ipc::writer::StreamWriter;

use super::RowWriter;
use super::columnar::{Batch, Fields, Moments};
use crate::report::Cell;

pub(super) struct Rows<W: Write> {
    batch: Batch,
    writer: StreamWriter<W>,
}

impl<W: Write> Rows<W> {
    pub(super) fn begin(fields: &Fields, out: W) -> io::Result<Self> {
        let batch = Batch::new(fields, Moments::Seconds);
        let writer = StreamWriter::try_new(out, &batch.schema()).map_err(io::Error::other)?;
        Ok(Self { batch, writer })
    }
}

impl<W: Write> RowWriter for Rows<W> {
    fn row(&mut self, cells: &[Cell<'_>]) -> io::Result<()> {
        match self.batch.row(cells)? {
            Some(batch) => self.writer.write(&batch).map_err(io::Error::other),
            None => Ok(()),
        }
    }

    fn finish(mut self: Box<Self>, _stats: &[(&'static str, u64)]) -> io::Result<()> {
        if let Some(batch) = self.batch.take()? {
            self.writer.write(&batch).map_err(io::Error::other)?;
        }
        self.writer.finish().map_err(io::Error::other)
    }
}
