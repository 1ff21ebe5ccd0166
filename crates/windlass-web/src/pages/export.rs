//! What a complete export has, is large, and costs, before it is taken.

use std::io::{self, Write};

use askama::Template;
use windlass_report::{LIMIT_MAX, Output, Query, QueryError, answer};

use crate::error::PageError;
use crate::pages::anchors::Surroundings;
use crate::pages::crumbs::{Crumb, crumbs};
use crate::render;
use crate::shown::{self, Grouped};
use crate::state::ReportState;
use crate::view::{Rendered, View};

/// Where it is on the server.
pub const PATH: &str = "/export";
/// Where the files are.
pub const DOWNLOAD_PATH: &str = "/export/download";

/// Up to so many rows, the size of a file is what it will be; of more, it is reckoned from the first.
const MEASURED_ROWS_MAX: u32 = 20_000;

/// The formats, with what they are for.
const FORMATS: [(Output, &str, &str); 3] = [
    (Output::Csv, "CSV", "for spreadsheets"),
    (Output::Json, "JSON", "as the API gives it"),
    (
        Output::Parquet,
        "Parquet",
        "for DuckDB, pandas and the like",
    ),
];

/// The parameters of the request that gives a part of the export: the first has the first rows.
#[must_use]
pub fn request(state: &ReportState, part: u64) -> Vec<(&'static str, String)> {
    let mut request = state.changed(|state| state.limit.clear()).request();
    request.retain(|(name, _)| *name != "limit");
    request.push(("limit", LIMIT_MAX.to_string()));
    request.push(("offset", (part * u64::from(LIMIT_MAX)).to_string()));
    request
}

/// The query of the page, which looks at as many rows as are measured.
///
/// # Errors
/// As [`Query::from_params`].
pub fn query(state: &ReportState) -> Result<Query, QueryError> {
    let mut query = Query::from_params(request(state, 0))?;
    query.limit = MEASURED_ROWS_MAX;
    Ok(query)
}

/// A name for the file of a part.
#[must_use]
pub fn file_name(state: &ReportState, part: u64, output: Output) -> String {
    let target: String = state
        .target
        .chars()
        .take(80)
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '.' {
                c
            } else {
                '-'
            }
        })
        .collect();
    let part = match part {
        0 => String::new(),
        part => format!("-{}", part + 1),
    };
    format!(
        "anchors-{}{part}.{}",
        target.trim_matches(['-', '.']),
        output.name()
    )
}

/// Puts the page together.
///
/// # Errors
/// See [`PageError`].
pub fn page(
    state: &ReportState,
    query: &Query,
    surroundings: &Surroundings,
    rows_left: Option<u64>,
    view: View<'_>,
) -> Result<Rendered, PageError> {
    let answer = answer(query, view.snapshot, view.limits, view.cancel)?;
    let (total, measured) = (answer.total().unwrap_or_default(), answer.results());
    let limit = u64::from(LIMIT_MAX);
    let parts = total.div_ceil(limit);
    let mut formats = Vec::new();
    for (output, title, what_for) in FORMATS {
        let mut count = Count(0);
        answer.write(output, &mut count)?;
        let bytes = match measured {
            0 => 0,
            measured => {
                // A widening product: sizes and numbers of rows are far below 2^64 each.
                let bytes = u128::from(count.0) * u128::from(total) / u128::from(measured);
                u64::try_from(bytes).unwrap_or(u64::MAX)
            }
        };
        let files = (0..parts).map(|part| {
            let rows = total.saturating_sub(part * limit).min(limit);
            let mut address = state
                .changed(|state| state.limit.clear())
                .address(DOWNLOAD_PATH)
                .with("output", output.name());
            if part > 0 {
                address = address.with("part", &part.to_string());
            }
            File {
                href: address.to_string(),
                number: part + 1,
                rows,
                cost: query.cost(rows),
            }
        });
        formats.push(Format {
            title,
            what_for,
            size: size(bytes),
            files: files.collect(),
        });
    }
    let cost = formats
        .first()
        .map_or(0, |format| format.files.iter().map(|file| file.cost).sum());
    let template = Export {
        crumbs: crumbs(state, None, None),
        scope: shown::Scope(&query.target).to_string(),
        is_filtered: state.is_filtered(),
        formats,
        total,
        cost,
        is_reckoned: measured < total,
        rows_left,
        surroundings,
    };
    Ok(Rendered {
        html: render(&template),
        charge: None,
    })
}

#[derive(Template)]
#[template(path = "export.html")]
struct Export<'a> {
    crumbs: Vec<Crumb>,
    scope: String,
    is_filtered: bool,
    formats: Vec<Format>,
    total: u64,
    cost: u64,
    is_reckoned: bool,
    rows_left: Option<u64>,
    surroundings: &'a Surroundings,
}

impl Export<'_> {
    fn is_too_much(&self) -> bool {
        self.rows_left.is_some_and(|left| left < self.cost)
    }
}

struct Format {
    title: &'static str,
    what_for: &'static str,
    size: String,
    files: Vec<File>,
}

struct File {
    href: String,
    number: u64,
    rows: u64,
    cost: u64,
}

/// Counts what is written.
struct Count(u64);

impl Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A number of bytes as people read it, in decimal units.
fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{} MB", Grouped(bytes / 1_000_000)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_are_harmless() {
        let name = |target: &str, part| {
            let state = ReportState {
                target: target.to_owned(),
                ..ReportState::default()
            };
            file_name(&state, part, Output::Csv)
        };
        assert_eq!(
            name("https://example.com/a b/", 0),
            "anchors-https---example.com-a-b.csv"
        );
        assert_eq!(name("../..\\\"\r\n", 1), "anchors--2.csv");
    }

    #[test]
    fn an_export_begins_at_the_first_row() {
        let state = ReportState {
            target: "a.com".to_owned(),
            limit: "25".to_owned(),
            offset: "50".to_owned(),
            ..ReportState::default()
        };
        let query = Query::from_params(request(&state, 0)).unwrap();
        assert_eq!((query.limit, query.offset), (LIMIT_MAX, 0));
        let query = Query::from_params(request(&state, 2)).unwrap();
        assert_eq!(query.offset, 2 * u64::from(LIMIT_MAX));
    }
}
