//! Rows gathered into Arrow record batches, for the formats that store column by column.
//!
//! Text, anchors, hosts and URLs are `Utf8`, numbers `UInt64`, moments `Timestamp` in UTC, yes or no
//! `Boolean`. Every column may hold nulls: a schema is the same whatever the index happens to have.

use std::io;
use std::sync::Arc;

use arrow_array::builder::{BooleanBuilder, Int64Builder, StringBuilder, UInt64Builder};
use arrow_array::types::{TimestampMillisecondType, TimestampSecondType};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};

use super::Shape;
use crate::report::Cell;
use crate::table::ColumnType;

/// Rows that are gathered before they are written.
const BATCH_ROWS: usize = 16_384;
/// Bytes of text that are gathered before they are written.
const BATCH_TEXT_BYTES: usize = 1 << 20;

/// In which unit moments are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moments {
    /// As they are.
    Seconds,
    /// For Parquet, which has no type for seconds.
    Milliseconds,
}

/// What columns are called and hold.
pub(super) type Fields = Vec<(&'static str, ColumnType)>;

/// The columns of a shape.
pub(super) fn fields_of(shape: Shape<'_>) -> Fields {
    let columns = shape.columns.iter();
    columns.map(|c| (c.name, c.column_type)).collect()
}

/// The columns of an object's only row, by what its members hold.
pub(super) fn fields_of_object(members: &[(&'static str, Cell<'_>)]) -> Fields {
    let column_type = |cell: Cell<'_>| match cell {
        Cell::Text(_) => ColumnType::Text,
        Cell::Date(_) => ColumnType::Date,
        Cell::Boolean(_) => ColumnType::Boolean,
        // Objects are made of numbers, mostly.
        Cell::Integer(_) | Cell::Missing => ColumnType::Integer,
    };
    let members = members.iter();
    members.map(|(name, c)| (*name, column_type(*c))).collect()
}

/// Rows on their way into a record batch.
#[derive(Debug)]
pub(super) struct Batch {
    schema: SchemaRef,
    columns: Vec<Builder>,
    moments: Moments,
    rows: usize,
    text_bytes: usize,
}

#[derive(Debug)]
enum Builder {
    Text(StringBuilder),
    Integer(UInt64Builder),
    Moment(Int64Builder),
    Boolean(BooleanBuilder),
}

impl Batch {
    pub(super) fn new(fields: &Fields, moments: Moments) -> Self {
        let schema = fields.iter().map(|(name, column_type)| {
            let data_type = match column_type {
                ColumnType::Anchor
                | ColumnType::Host
                | ColumnType::Text
                | ColumnType::Url
                | ColumnType::Kind => DataType::Utf8,
                ColumnType::Integer => DataType::UInt64,
                ColumnType::Date => DataType::Timestamp(moments.unit(), Some("UTC".into())),
                ColumnType::Boolean => DataType::Boolean,
            };
            Field::new(*name, data_type, true)
        });
        let columns = fields.iter().map(|(_, column_type)| match column_type {
            ColumnType::Anchor
            | ColumnType::Host
            | ColumnType::Text
            | ColumnType::Url
            | ColumnType::Kind => Builder::Text(StringBuilder::new()),
            ColumnType::Integer => Builder::Integer(UInt64Builder::new()),
            ColumnType::Date => Builder::Moment(Int64Builder::new()),
            ColumnType::Boolean => Builder::Boolean(BooleanBuilder::new()),
        });
        Self {
            schema: Arc::new(Schema::new(schema.collect::<Vec<_>>())),
            columns: columns.collect(),
            moments,
            rows: 0,
            text_bytes: 0,
        }
    }

    pub(super) fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// Adds a row; the batch, where that made it full.
    pub(super) fn row(&mut self, cells: &[Cell<'_>]) -> io::Result<Option<RecordBatch>> {
        if cells.len() != self.columns.len() {
            return Err(io::Error::other(format!(
                "a row of {} cells in a table of {} columns",
                cells.len(),
                self.columns.len()
            )));
        }
        for (column, cell) in self.columns.iter_mut().zip(cells) {
            if let Cell::Text(text) = cell {
                self.text_bytes += text.len();
            }
            column.push(*cell, self.moments)?;
        }
        self.rows += 1;
        if self.rows >= BATCH_ROWS || self.text_bytes >= BATCH_TEXT_BYTES {
            return self.take();
        }
        Ok(None)
    }

    /// The rows gathered since the last batch; `None` where there are none.
    pub(super) fn take(&mut self) -> io::Result<Option<RecordBatch>> {
        if self.rows == 0 {
            return Ok(None);
        }
        self.rows = 0;
        self.text_bytes = 0;
        let moments = self.moments;
        let columns = self.columns.iter_mut();
        let columns = columns.map(|column| column.finish(moments)).collect();
        RecordBatch::try_new(self.schema(), columns)
            .map(Some)
            .map_err(io::Error::other)
    }
}

impl Builder {
    fn push(&mut self, cell: Cell<'_>, moments: Moments) -> io::Result<()> {
        match (self, cell) {
            (Self::Text(builder), Cell::Text(text)) => builder.append_value(text),
            (Self::Integer(builder), Cell::Integer(number)) => builder.append_value(number),
            (Self::Moment(builder), Cell::Date(time)) => {
                builder.append_value(i64::from(time.unix()) * moments.per_second());
            }
            (Self::Boolean(builder), Cell::Boolean(is_true)) => builder.append_value(is_true),
            (Self::Text(builder), Cell::Missing) => builder.append_null(),
            (Self::Integer(builder), Cell::Missing) => builder.append_null(),
            (Self::Moment(builder), Cell::Missing) => builder.append_null(),
            (Self::Boolean(builder), Cell::Missing) => builder.append_null(),
            (_, cell) => {
                return Err(io::Error::other(format!(
                    "'{cell}' is not of its column's type"
                )));
            }
        }
        Ok(())
    }

    fn finish(&mut self, moments: Moments) -> ArrayRef {
        match self {
            Self::Text(builder) => Arc::new(builder.finish()),
            Self::Integer(builder) => Arc::new(builder.finish()),
            Self::Boolean(builder) => Arc::new(builder.finish()),
            Self::Moment(builder) => {
                let integers = builder.finish();
                match moments {
                    Moments::Seconds => Arc::new(
                        integers
                            .reinterpret_cast::<TimestampSecondType>()
                            .with_timezone("UTC"),
                    ),
                    Moments::Milliseconds => Arc::new(
                        integers
                            .reinterpret_cast::<TimestampMillisecondType>()
                            .with_timezone("UTC"),
                    ),
                }
            }
        }
    }
}

impl Moments {
    const fn unit(self) -> TimeUnit {
        match self {
            Self::Seconds => TimeUnit::Second,
            Self::Milliseconds => TimeUnit::Millisecond,
        }
    }

    const fn per_second(self) -> i64 {
        match self {
            Self::Seconds => 1,
            Self::Milliseconds => 1000,
        }
    }
}
