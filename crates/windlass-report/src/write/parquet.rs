//! Parquet, written front to back: row groups as they fill, then the footer, which also has the
//! stats, as key-value metadata (`windlass.stats.backlinks`).

use std::io::{self, Write};

use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use super::RowWriter;
use super::columnar::{Batch, Fields, Moments};
use crate::report::Cell;

/// Rows of a row group.
const GROUP_ROWS: usize = 1 << 17;
/// Encoded bytes of a row group; it is in memory until it is whole.
const GROUP_BYTES: usize = 8 << 20;
/// What stands before the name of a total.
const STATS_PREFIX: &str = "windlass.stats.";

pub(super) struct Rows<W: Write + Send> {
    batch: Batch,
    writer: ArrowWriter<W>,
}

impl<W: Write + Send> Rows<W> {
    pub(super) fn begin(fields: &Fields, out: W) -> io::Result<Self> {
        let batch = Batch::new(fields, Moments::Milliseconds);
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(GROUP_ROWS))
            .build();
        let writer = ArrowWriter::try_new(out, batch.schema(), Some(properties))
            .map_err(io::Error::other)?;
        Ok(Self { batch, writer })
    }
}

impl<W: Write + Send> RowWriter for Rows<W> {
    fn row(&mut self, cells: &[Cell<'_>]) -> io::Result<()> {
        let Some(batch) = self.batch.row(cells)? else {
            return Ok(());
        };
        self.writer.write(&batch).map_err(io::Error::other)?;
        if self.writer.in_progress_size() >= GROUP_BYTES {
            self.writer.flush().map_err(io::Error::other)?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>, stats: &[(&'static str, u64)]) -> io::Result<()> {
        if let Some(batch) = self.batch.take()? {
            self.writer.write(&batch).map_err(io::Error::other)?;
        }
        for (name, value) in stats {
            let key = format!("{STATS_PREFIX}{name}");
            self.writer
                .append_key_value_metadata(KeyValue::new(key, value.to_string()));
        }
        self.writer.close().map(drop).map_err(io::Error::other)
    }
}
