//! A Parquet file, written row by row.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use parquet::basic::{Compression, ZstdLevel};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

/// Rows of a row group, and bytes of their texts: what is held in memory.
const GROUP_ROWS: usize = 1 << 17;
const GROUP_TEXT_BYTES: usize = 64 << 20;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// UTF-8.
    Text,
    /// UTF-8 or nothing.
    OptionalText,
    /// 64 bits, signed.
    Integer,
    /// The same, or nothing.
    OptionalInteger,
    /// Milliseconds since 1970, UTC.
    Time,
    /// The same, or nothing.
    OptionalTime,
    /// True or false.
    Flag,
}

impl Kind {
    const fn declaration(self) -> (&'static str, &'static str) {
        match self {
            Self::Text => ("required binary", "(string)"),
            Self::OptionalText => ("optional binary", "(string)"),
            Self::Integer => ("required int64", ""),
            Self::OptionalInteger => ("optional int64", ""),
            Self::Time => ("required int64", "(timestamp(millis,true))"),
            Self::OptionalTime => ("optional int64", "(timestamp(millis,true))"),
            Self::Flag => ("required boolean", ""),
        }
    }
}

/// One cell.
#[derive(Debug, Clone, Copy)]
pub(super) enum Value<'a> {
    Text(&'a str),
    Integer(i64),
    Flag(bool),
    Null,
}

/// The cells of one column of a row group.
#[derive(Debug, Default)]
struct Cells {
    /// All texts in one buffer, for there are too many to give each one of its own.
    text: Vec<u8>,
    text_ends: Vec<usize>,
    integers: Vec<i64>,
    flags: Vec<bool>,
    /// 1 where there is a value; for columns that may be empty.
    present: Vec<i16>,
}

impl Cells {
    fn push_text(&mut self, text: &str) {
        self.text.extend_from_slice(text.as_bytes());
        self.text_ends.push(self.text.len());
    }

    fn texts(&mut self) -> Vec<ByteArray> {
        let whole = ByteArray::from(std::mem::take(&mut self.text));
        let mut start = 0;
        let of_end = |end: &usize| {
            let text = whole.slice(start, *end - start);
            start = *end;
            text
        };
        self.text_ends.iter().map(of_end).collect()
    }
}

/// A file that has its name once it is whole.
pub(super) struct ParquetFile {
    path: PathBuf,
    writer: SerializedFileWriter<File>,
    kinds: Vec<Kind>,
    cells: Vec<Cells>,
    group_rows: usize,
    group_text_bytes: usize,
    rows: u64,
}

impl ParquetFile {
    pub(super) fn create(path: &Path, columns: &[(&str, Kind)]) -> anyhow::Result<Self> {
        let fields: Vec<String> = columns
            .iter()
            .map(|(name, kind)| {
                let (physical, logical) = kind.declaration();
                format!("{physical} {name} {logical};")
            })
            .collect();
        let schema = parse_message_type(&format!("message windlass {{ {} }}", fields.join(" ")))?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .build();
        let file = File::create(path).with_context(|| format!("creating {}", path.display()))?;
        Ok(Self {
            path: path.to_owned(),
            writer: SerializedFileWriter::new(file, Arc::new(schema), Arc::new(properties))?,
            kinds: columns.iter().map(|(_, kind)| *kind).collect(),
            cells: columns.iter().map(|_| Cells::default()).collect(),
            group_rows: 0,
            group_text_bytes: 0,
            rows: 0,
        })
    }

    /// Adds a row: one value for each column.
    pub(super) fn row(&mut self, values: &[Value<'_>]) -> anyhow::Result<()> {
        for (value, cells) in values.iter().zip(&mut self.cells) {
            cells.present.push(i16::from(!matches!(value, Value::Null)));
            match value {
                Value::Text(text) => {
                    self.group_text_bytes += text.len();
                    cells.push_text(text);
                }
                Value::Integer(integer) => cells.integers.push(*integer),
                Value::Flag(flag) => cells.flags.push(*flag),
                Value::Null => {}
            }
        }
        self.group_rows += 1;
        if self.group_rows == GROUP_ROWS || self.group_text_bytes >= GROUP_TEXT_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> anyhow::Result<()> {
        let written = self.write_group();
        written.with_context(|| format!("writing {}", self.path.display()))
    }

    fn write_group(&mut self) -> anyhow::Result<()> {
        if self.group_rows == 0 {
            return Ok(());
        }
        let mut group = self.writer.next_row_group()?;
        for (cells, kind) in self.cells.iter_mut().zip(&self.kinds) {
            let Some(mut column) = group.next_column()? else {
                bail!("the schema has fewer columns than the table")
            };
            let is_optional = matches!(
                kind,
                Kind::OptionalText | Kind::OptionalInteger | Kind::OptionalTime
            );
            let texts = cells.texts();
            let present = is_optional.then_some(cells.present.as_slice());
            match column.untyped() {
                ColumnWriter::ByteArrayColumnWriter(writer) => {
                    writer.write_batch(&texts, present, None)?
                }
                ColumnWriter::Int64ColumnWriter(writer) => {
                    writer.write_batch(&cells.integers, present, None)?
                }
                ColumnWriter::BoolColumnWriter(writer) => {
                    writer.write_batch(&cells.flags, present, None)?
                }
                _ => bail!("a column of a type that this table does not use"),
            };
            column.close()?;
            *cells = Cells::default();
        }
        group.close()?;
        self.rows += self.group_rows as u64;
        self.group_rows = 0;
        self.group_text_bytes = 0;
        Ok(())
    }

    /// Finishes the file, which is on the disk then.
    pub(super) fn close(mut self) -> anyhow::Result<Closed> {
        self.flush()?;
        let Self {
            path, writer, rows, ..
        } = self;
        let file = writer
            .into_inner()
            .with_context(|| format!("writing {}", path.display()))?;
        file.sync_all()
            .with_context(|| format!("syncing {}", path.display()))?;
        Ok(Closed { path, rows })
    }
}

/// A file that is whole, and has yet to get its name.
#[derive(Debug)]
pub(super) struct Closed {
    path: PathBuf,
    pub(super) rows: u64,
}

impl Closed {
    pub(super) fn rename(&self, name: &Path) -> anyhow::Result<()> {
        fs::rename(&self.path, name).with_context(|| format!("renaming to {}", name.display()))
    }
}
