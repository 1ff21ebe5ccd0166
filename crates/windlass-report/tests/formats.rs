//! Each format, read back by a reader that knows nothing of the writer: whatever the cells hold.
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "formats/php.rs"]
mod php;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, TimestampMillisecondType, TimestampSecondType, UInt64Type,
};
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use php::Php;
use proptest::prelude::*;
use serde_json::{Value, json};
use windlass_links::CaptureTime;
use windlass_report::table::Field;
use windlass_report::write::{self, Shape};
use windlass_report::{Cell, Column, ColumnType, Output};

const fn column(name: &'static str, column_type: ColumnType) -> Column {
    Column {
        name,
        column_type,
        in_where: true,
        in_having: true,
        // Writers do not look at it.
        field: Field::Anchor,
        meaning: "",
    }
}

static COLUMNS: [Column; 5] = [
    column("url", ColumnType::Url),
    column("title", ColumnType::Text),
    column("http_code", ColumnType::Integer),
    column("first_seen", ColumnType::Date),
    column("nofollow", ColumnType::Boolean),
];

/// A row of them.
#[derive(Debug, Clone)]
struct Row(
    String,
    Option<String>,
    Option<u64>,
    Option<u32>,
    Option<bool>,
);

impl Row {
    fn cells(&self) -> [Cell<'_>; 5] {
        let date = |second| Cell::Date(CaptureTime::from_unix(second));
        [
            Cell::Text(&self.0),
            self.1.as_deref().map_or(Cell::Missing, Cell::Text),
            self.2.map_or(Cell::Missing, Cell::Integer),
            self.3.map_or(Cell::Missing, date),
            self.4.map_or(Cell::Missing, Cell::Boolean),
        ]
    }

    /// What JSON says of it.
    fn value(&self) -> Value {
        let date = |second: &u32| CaptureTime::from_unix(*second).to_string();
        json!({
            "url": self.0,
            "title": self.1,
            "http_code": self.2,
            "first_seen": self.3.as_ref().map(date),
            "nofollow": self.4,
        })
    }
}

fn values(rows: &[Row]) -> Vec<Value> {
    rows.iter().map(Row::value).collect()
}

const STATS: [(&str, u64); 1] = [("pages", 7)];

fn written(rows: &[Row], has_stats: bool, output: Output) -> Vec<u8> {
    let columns: Vec<&'static Column> = COLUMNS.iter().collect();
    let shape = Shape {
        rows_key: "pages",
        row_name: "page",
        columns: &columns,
        results: rows.len() as u64,
        has_stats,
    };
    let mut body = Vec::new();
    let mut writer = write::rows(shape, output, &mut body).unwrap();
    for row in rows {
        writer.row(&row.cells()).unwrap();
    }
    writer.finish(if has_stats { &STATS } else { &[] }).unwrap();
    body
}

/// Texts that formats trip over.
fn any_text() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "\0",
        "\u{1}",
        "\u{1b}",
        "\r",
        "\n",
        "\r\n",
        "\t",
        " ",
        "\u{85}",
        "\u{2028}",
        "\u{feff}",
        "\u{202e}",
        "\u{fffe}",
        "\u{ffff}",
        "\u{fffd}",
        "<",
        ">",
        "&",
        "&amp;",
        "]]>",
        "<![CDATA[",
        "\"",
        "'",
        "\\",
        ",",
        ";",
        "=",
        "@",
        "+",
        "-",
        "s:3:\"",
        "\";}",
        "ü",
        "日本",
        "😀",
        "e\u{301}",
        "null",
        "1",
        "a",
    ]);
    prop_oneof![
        any::<String>(),
        prop::collection::vec(pieces, 0..12).prop_map(|pieces| pieces.concat()),
    ]
}

fn any_row() -> impl Strategy<Value = Row> {
    (
        any_text(),
        prop::option::of(any_text()),
        prop::option::of(any::<u64>()),
        prop::option::of(any::<u32>()),
        prop::option::of(any::<bool>()),
    )
        .prop_map(|(url, title, code, time, flag)| Row(url, title, code, time, flag))
}

proptest! {
    #[test]
    fn all_are_read_back(rows in prop::collection::vec(any_row(), 0..6), has_stats: bool) {
        let body = |output| written(&rows, has_stats, output);
        check_json(&rows, has_stats, &body(Output::Json));
        check_ndjson(&rows, &body(Output::Ndjson));
        check_xml(&rows, has_stats, &body(Output::Xml));
        check_php(&rows, has_stats, &body(Output::Php));
        check_csv(&rows, &body(Output::Csv));
        check_arrow(&rows, &body(Output::Arrow));
        check_parquet(&rows, has_stats, body(Output::Parquet));
    }

    #[test]
    fn errors_are_read_back(said in any_text()) {
        for output in Output::ALL {
            let mut body = Vec::new();
            write::error(&said, output, &mut body).unwrap();
            match output {
                Output::Xml => {
                    let body = String::from_utf8(body).unwrap();
                    let document = roxmltree::Document::parse(&body).unwrap();
                    let error = document.root_element().first_element_child().unwrap();
                    prop_assert_eq!(error.tag_name().name(), "error");
                    prop_assert_eq!(error.text().unwrap_or_default(), xml_text(&said));
                }
                Output::Php => {
                    let expected = Php::array([("error", Php::text(&said))]);
                    prop_assert_eq!(Php::read(&body), Ok(expected));
                }
                _ => {
                    let value: Value = serde_json::from_slice(&body).unwrap();
                    prop_assert_eq!(value, json!({ "error": said }));
                }
            }
        }
    }
}

fn check_json(rows: &[Row], has_stats: bool, body: &[u8]) {
    let mut expected = json!({ "pages": values(rows) });
    if has_stats {
        expected["stats"] = json!({ "pages": 7 });
    }
    assert_eq!(serde_json::from_slice::<Value>(body).unwrap(), expected);
}

fn check_ndjson(rows: &[Row], body: &[u8]) {
    let lines = body.split_inclusive(|b| *b == b'\n');
    let found: Vec<Value> = lines
        .map(|line| serde_json::from_slice(line.strip_suffix(b"\n").unwrap()).unwrap())
        .collect();
    assert_eq!(found, values(rows));
}

/// What a text is in XML 1.0, which has no way to write some characters (2.2).
fn xml_text(text: &str) -> String {
    let allowed = |c| match c {
        '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'.. => c,
        _ => '\u{fffd}',
    };
    text.chars().map(allowed).collect()
}

fn check_xml(rows: &[Row], has_stats: bool, body: &[u8]) {
    let text = str::from_utf8(body).unwrap();
    let document = roxmltree::Document::parse(text).unwrap();
    let root = document.root_element();
    assert_eq!(root.tag_name().name(), "AhrefsApiResponse");
    let children = |node: roxmltree::Node<'_, '_>| -> Vec<(String, String)> {
        node.children()
            .map(|child| {
                let name = child.tag_name().name().to_owned();
                (name, child.text().unwrap_or_default().to_owned())
            })
            .collect()
    };
    let parts: Vec<_> = root.children().collect();
    let found: Vec<_> = parts[0].children().map(children).collect();
    assert_eq!(parts[0].tag_name().name(), "pages");
    assert!(parts[0].children().all(|row| row.has_tag_name("page")));
    let expected = rows.iter().map(|row| {
        let named = COLUMNS.iter().map(|column| column.name.to_owned());
        let texts = row.cells().map(|cell| xml_text(&cell.to_string()));
        named.zip(texts).collect::<Vec<_>>()
    });
    assert_eq!(found, expected.collect::<Vec<_>>());
    if has_stats {
        assert_eq!(parts[1].tag_name().name(), "stats");
        assert_eq!(children(parts[1]), [("pages".to_owned(), "7".to_owned())]);
    }
    assert_eq!(parts.len(), 1 + usize::from(has_stats));
}

fn check_php(rows: &[Row], has_stats: bool, body: &[u8]) {
    let list = rows.iter().map(|row| {
        let values = row.cells().map(|cell| match cell {
            Cell::Text(text) => Php::text(text),
            Cell::Integer(number) => match i64::try_from(number) {
                Ok(number) => Php::Integer(number),
                Err(_) => Php::Float(number as f64),
            },
            Cell::Date(time) => Php::text(&time.to_string()),
            Cell::Boolean(is_true) => Php::Boolean(is_true),
            Cell::Missing => Php::Null,
        });
        Php::array(COLUMNS.iter().map(|column| column.name).zip(values))
    });
    let mut expected = vec![("pages", Php::list(list))];
    if has_stats {
        expected.push(("stats", Php::array([("pages", Php::Integer(7))])));
    }
    assert_eq!(Php::read(body), Ok(Php::array(expected)));
}

fn check_csv(rows: &[Row], body: &[u8]) {
    let mut reader = csv::Reader::from_reader(body);
    let header = reader.headers().unwrap().clone();
    assert_eq!(
        header.iter().collect::<Vec<_>>(),
        COLUMNS.each_ref().map(|column| column.name)
    );
    let found: Vec<Vec<String>> = reader
        .records()
        .map(|record| record.unwrap().iter().map(str::to_owned).collect())
        .collect();
    assert_eq!(found.len(), rows.len());
    for (found, row) in found.iter().zip(rows) {
        for (found, cell) in found.iter().zip(row.cells()) {
            // Nothing but apostrophes may be there that was not, and none may be lost.
            let without = |text: &str| text.replace('\'', "");
            assert_eq!(without(found), without(&cell.to_string()));
            assert!(found.len() >= cell.to_string().len());
            if let Cell::Text(_) = cell {
                let first = found.trim_start_matches(|c: char| c.is_whitespace() || c.is_control());
                assert!(!first.starts_with(['=', '+', '-', '@']), "{found:?}");
            }
        }
    }
}

/// The rows of record batches, as JSON; moments have `T` as their type.
fn rows_of<T: ArrowPrimitiveType<Native = i64>>(
    batches: impl Iterator<Item = RecordBatch>,
    per_second: i64,
) -> Vec<Value> {
    let mut found = Vec::new();
    for batch in batches {
        for i in 0..batch.num_rows() {
            let mut row = serde_json::Map::new();
            for (field, array) in batch.schema().fields().iter().zip(batch.columns()) {
                let value = if array.is_null(i) {
                    Value::Null
                } else {
                    match field.data_type() {
                        DataType::Utf8 => array.as_string::<i32>().value(i).into(),
                        DataType::UInt64 => array.as_primitive::<UInt64Type>().value(i).into(),
                        DataType::Boolean => array.as_boolean().value(i).into(),
                        DataType::Timestamp(_, zone) => {
                            assert_eq!(zone.as_deref(), Some("UTC"));
                            let stored = array.as_primitive::<T>().value(i);
                            let second = u32::try_from(stored / per_second).unwrap();
                            CaptureTime::from_unix(second).to_string().into()
                        }
                        other => unreachable!("{other}"),
                    }
                };
                row.insert(field.name().clone(), value);
            }
            found.push(Value::Object(row));
        }
    }
    found
}

fn check_arrow(rows: &[Row], body: &[u8]) {
    let reader = arrow_ipc::reader::StreamReader::try_new(body, None).unwrap();
    assert_eq!(reader.schema().fields().len(), COLUMNS.len());
    let batches = reader.map(Result::unwrap);
    assert_eq!(rows_of::<TimestampSecondType>(batches, 1), values(rows));
}

fn check_parquet(rows: &[Row], has_stats: bool, body: Vec<u8>) {
    let builder = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(body)).unwrap();
    let metadata = builder.metadata().file_metadata().key_value_metadata();
    let pages = metadata
        .into_iter()
        .flatten()
        .find(|pair| pair.key == "windlass.stats.pages")
        .and_then(|pair| pair.value.clone());
    assert_eq!(pages, has_stats.then(|| "7".to_owned()));
    let batches = builder.build().unwrap().map(Result::unwrap);
    assert_eq!(
        rows_of::<TimestampMillisecondType>(batches, 1000),
        values(rows)
    );
}

#[test]
fn long_texts_and_many_rows_are_read_back() {
    let long = "\u{202e}<\0ü\"".repeat(1 << 14);
    let mut rows = vec![Row(long.clone(), Some(long), None, None, None); 20];
    rows.extend((0..40_000).map(|i| Row(i.to_string(), None, Some(i), Some(7), Some(i % 2 == 0))));
    check_xml(&rows, true, &written(&rows, true, Output::Xml));
    check_php(&rows, true, &written(&rows, true, Output::Php));
    check_csv(&rows, &written(&rows, true, Output::Csv));
    check_arrow(&rows, &written(&rows, true, Output::Arrow));
    check_parquet(&rows, true, written(&rows, true, Output::Parquet));
}

/// Counts what is written.
#[derive(Clone, Default)]
struct Meter(Arc<AtomicUsize>);

impl io::Write for Meter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.fetch_add(bytes.len(), Ordering::Relaxed);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn rows_leave_as_they_come() {
    let columns: Vec<&'static Column> = COLUMNS.iter().collect();
    for output in Output::ALL {
        let meter = Meter::default();
        let shape = Shape {
            rows_key: "pages",
            row_name: "page",
            columns: &columns,
            results: 400_000,
            has_stats: false,
        };
        let mut writer = write::rows(shape, output, meter.clone()).unwrap();
        let mut halfway = 0;
        for i in 0..400_000u64 {
            if i == 200_000 {
                halfway = meter.0.load(Ordering::Relaxed);
            }
            // Nothing that a dictionary or a codec could make much smaller.
            let text = format!("{:x}", i.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            writer
                .row(&Row(text, None, Some(i), None, None).cells())
                .unwrap();
        }
        writer.finish(&[]).unwrap();
        let bytes = meter.0.load(Ordering::Relaxed);
        assert!(
            halfway > bytes / 4,
            "{output:?}: {halfway} of {bytes} bytes after half of the rows"
        );
    }
}

#[test]
fn objects_are_read_back() {
    let members = [
        ("backlinks", Cell::Integer(3)),
        ("title", Cell::Missing),
        ("name", Cell::Text("a \"b\" <c>")),
        ("metered", Cell::Boolean(true)),
        ("since", Cell::Date(CaptureTime::from_unix(0))),
    ];
    let value = json!({
        "backlinks": 3,
        "title": null,
        "name": "a \"b\" <c>",
        "metered": true,
        "since": "1970-01-01T00:00:00Z",
    });
    let body = |output| {
        let mut body = Vec::new();
        write::object("metrics", &members, output, &mut body).unwrap();
        body
    };
    let text = |output| String::from_utf8(body(output)).unwrap();
    assert_eq!(
        text(Output::Json),
        r#"{"metrics":{"backlinks":3,"title":null,"name":"a \"b\" <c>","metered":true,"since":"1970-01-01T00:00:00Z"}}"#
    );
    assert_eq!(
        text(Output::Xml),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><AhrefsApiResponse><metrics>\
         <backlinks>3</backlinks><title/><name>a \"b\" &lt;c&gt;</name><metered>true</metered>\
         <since>1970-01-01T00:00:00Z</since></metrics></AhrefsApiResponse>"
    );
    assert_eq!(
        text(Output::Php),
        r#"a:1:{s:7:"metrics";a:5:{s:9:"backlinks";i:3;s:5:"title";N;s:4:"name";s:9:"a "b" <c>";s:7:"metered";b:1;s:5:"since";s:20:"1970-01-01T00:00:00Z";}}"#
    );
    assert_eq!(
        text(Output::Csv),
        "backlinks,title,name,metered,since\r\n3,,\"a \"\"b\"\" <c>\",true,1970-01-01T00:00:00Z\r\n"
    );
    let line = text(Output::Ndjson);
    assert!(line.ends_with('\n'));
    assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), value);
    let arrow = body(Output::Arrow);
    let reader = arrow_ipc::reader::StreamReader::try_new(arrow.as_slice(), None).unwrap();
    let rows = rows_of::<TimestampSecondType>(reader.map(Result::unwrap), 1);
    assert_eq!(rows, std::slice::from_ref(&value));
    let parquet = bytes::Bytes::from(body(Output::Parquet));
    let builder = ParquetRecordBatchReaderBuilder::try_new(parquet).unwrap();
    let batches = builder.build().unwrap().map(Result::unwrap);
    let rows = rows_of::<TimestampMillisecondType>(batches, 1000);
    assert_eq!(rows, [value]);
}

#[test]
fn what_does_not_fit_the_shape_is_an_error_where_the_answer_would_be_wrong() {
    let columns: Vec<&'static Column> = COLUMNS.iter().take(1).collect();
    let shape = Shape {
        rows_key: "pages",
        row_name: "page",
        columns: &columns,
        results: 2,
        has_stats: false,
    };
    for output in [Output::Arrow, Output::Parquet] {
        let mut writer = write::rows(shape, output, io::sink()).unwrap();
        assert!(writer.row(&[Cell::Integer(1)]).is_err());
        let mut writer = write::rows(shape, output, io::sink()).unwrap();
        assert!(writer.row(&[]).is_err());
    }
    let mut writer = write::rows(shape, Output::Php, io::sink()).unwrap();
    writer.row(&[Cell::Text("only one")]).unwrap();
    assert!(writer.finish(&[]).is_err());
}

/// A line of CSV is a row, also where its only column is missing: readers pass over blank lines.
#[test]
fn csv_of_one_column_that_is_missing_has_a_line_for_each_row() {
    let columns = [&COLUMNS[1]];
    let shape = Shape {
        rows_key: "pages",
        row_name: "page",
        columns: &columns,
        results: 3,
        has_stats: false,
    };
    let mut body = Vec::new();
    let mut writer = write::rows(shape, Output::Csv, &mut body).unwrap();
    for cell in [Cell::Missing, Cell::Text("a"), Cell::Text("")] {
        writer.row(&[cell]).unwrap();
    }
    writer.finish(&[]).unwrap();
    assert_eq!(
        String::from_utf8(body).unwrap(),
        "title\r\n\"\"\r\na\r\n\"\"\r\n"
    );
}
