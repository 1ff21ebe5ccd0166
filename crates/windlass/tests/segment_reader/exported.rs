//! What `windlass export` wrote, as the JSON lines that the reader prints.

use std::fmt::Write;
use std::fs::File;
use std::path::Path;

use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;

/// The rows of a Parquet file, in its order.
pub(crate) fn lines(path: &Path, name: &str) -> Vec<String> {
    let reader = SerializedFileReader::new(File::open(path).unwrap()).unwrap();
    let rows = reader.get_row_iter(None).unwrap();
    rows.map(|row| {
        let row = row.unwrap();
        let mut line = format!("{{\"row\":\"{name}\"");
        for (column, field) in row.get_column_iter() {
            write!(line, ",\"{column}\":{}", json(field)).unwrap();
        }
        line.push('}');
        line
    })
    .collect()
}

fn json(field: &Field) -> String {
    match field {
        Field::Null => "null".to_owned(),
        Field::Bool(flag) => flag.to_string(),
        Field::Long(number) => number.to_string(),
        // The format has seconds.
        Field::TimestampMillis(milliseconds) => (milliseconds / 1000).to_string(),
        Field::Str(text) => serde_json::to_string(text).unwrap(),
        other => unreachable!("{other:?} in an export"),
    }
}
