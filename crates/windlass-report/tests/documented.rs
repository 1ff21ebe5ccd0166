//! What `docs/api.md` says of parameters and tables is what they are defined as.
#![allow(missing_docs, clippy::unwrap_used)]

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use windlass_report::table::Grouping;
use windlass_report::{Column, ColumnType, LIMIT_DEFAULT, LIMIT_MAX, Query, Table};

const MARK: &str =
    "<!-- tables: what follows is written by a test of windlass-report, from the definitions -->\n";

fn page() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/api.md")
}

const fn kind(column: &Column) -> &'static str {
    match column.column_type {
        ColumnType::Anchor | ColumnType::Text => "text",
        ColumnType::Host => "host",
        ColumnType::Url => "URL",
        ColumnType::Integer => "number",
        ColumnType::Date => "date",
        ColumnType::Boolean => "boolean",
        ColumnType::Kind => "kind of anchor",
    }
}

fn described(table: &Table, out: &mut String) -> std::fmt::Result {
    let is_object = table.grouping == Grouping::Object;
    let meaning = capital(table.meaning);
    write!(out, "\n### `{}`\n\n{meaning}. ", table.name)?;
    let key = if is_object { "One object" } else { "A list" };
    write!(out, "{key}, under `{}`", table.rows_key)?;
    let stats: Vec<String> = table
        .stats
        .iter()
        .map(|s| format!("`{}`", s.name))
        .collect();
    if !stats.is_empty() {
        write!(out, "; totals: {}", stats.join(", "))?;
    }
    writeln!(
        out,
        ".\n\n| column | type | `where` | result | |\n|---|---|---|---|---|"
    )?;
    for column in table.columns {
        let mark = |is_allowed| if is_allowed { "+" } else { "" };
        let (name, meaning) = (column.name, column.meaning);
        // Of an object nothing is filtered.
        let before = mark(column.in_where && !is_object);
        let after = mark(column.in_having);
        writeln!(
            out,
            "| `{name}` | {} | {before} | {after} | {meaning} |",
            kind(column)
        )?;
    }
    if !table.withheld.is_empty() {
        let names: Vec<String> = table
            .withheld
            .iter()
            .map(|w| format!("`{}`", w.name))
            .collect();
        let names = names.join(", ");
        writeln!(
            out,
            "\nOf the old service, but not in an index of captures: {names}."
        )?;
    }
    Ok(())
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

/// Writes them anew where `WINDLASS_BLESS` is set.
#[test]
fn tables_are_described_as_they_are_defined() {
    let text = fs::read_to_string(page()).unwrap();
    let (before, found) = text.split_once(MARK).unwrap();
    let mut tables = String::new();
    for table in Table::ALL {
        described(table, &mut tables).unwrap();
    }
    if std::env::var_os("WINDLASS_BLESS").is_some() {
        fs::write(page(), format!("{before}{MARK}{tables}")).unwrap();
    } else {
        assert!(
            found == tables,
            "docs/api.md; WINDLASS_BLESS=1 accepts what was found"
        );
    }
}

#[test]
fn parameters_are_described() {
    let text = fs::read_to_string(page()).unwrap();
    for name in Query::PARAMETERS {
        assert!(text.contains(&format!("\n| `{name}` |")), "{name}");
    }
    assert!(text.contains(&format!("| `limit` | {LIMIT_DEFAULT} |")));
    let most = LIMIT_MAX.to_string();
    let grouped = format!("{},{},{} at most", &most[..1], &most[1..4], &most[4..]);
    assert!(text.contains(&grouped), "{grouped}");
}
