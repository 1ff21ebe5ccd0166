//! One step down from the report: the referring domains of an anchor.

use askama::Template;
use windlass_report::{AnchorRow, Query, rows_of_anchor};

use crate::error::PageError;
use crate::pager::Pager;
use crate::pages::backlinks;
use crate::pages::crumbs::{Crumb, crumbs};
use crate::render;
use crate::shown::{self, Percent};
use crate::state::{FilterKind, ReportState, quoted};
use crate::view::{Charge, Rendered, View};

/// Where it is on the server.
pub const PATH: &str = "/report/refdomains";

/// The address of the refdomains of an anchor, in a report.
#[must_use]
pub fn href(state: &ReportState, anchor: &str) -> String {
    address(state, anchor, 0)
}

fn address(state: &ReportState, anchor: &str, start: u64) -> String {
    state
        .changed(|state| state.limit.clear())
        .address(PATH)
        .with_blank("anchor", anchor)
        .from_row(start)
        .to_string()
}

/// Rows of a page.
const ROWS: usize = 100;

/// Puts the page together. `start` rows are passed over.
///
/// # Errors
/// See [`PageError`].
pub fn page(
    state: &ReportState,
    query: &Query,
    anchor: &str,
    start: u64,
    view: View<'_>,
) -> Result<Rendered, PageError> {
    let rows = rows_of_anchor(query, anchor, view.snapshot, view.limits, view.cancel)?;
    let backlinks = rows.iter().map(|row| row.backlinks).sum();
    let refpages = rows.iter().map(|row| row.refpages).sum();
    let total = rows.len() as u64;
    let skipped = usize::try_from(start).unwrap_or(usize::MAX);
    let rows: Vec<Line> = rows
        .into_iter()
        .skip(skipped)
        .take(ROWS)
        .map(|row| Line {
            href: backlinks::href(state, anchor, &row.refdomain),
            only: state
                .with_only(
                    FilterKind::Where,
                    "refdomain",
                    &format!("refdomain={}", quoted(&row.refdomain)),
                )
                .href(super::anchors::PATH),
            share: Percent {
                part: row.backlinks,
                whole: backlinks,
            },
            row,
        })
        .collect();
    let charge = Charge::of(query, rows.len() as u64);
    let template = Refdomains {
        anchor,
        crumbs: crumbs(state, Some(anchor), None),
        scope: shown::Scope(&query.target).to_string(),
        pager: Pager::new(start, rows.len() as u64, ROWS as u64, total, |start| {
            address(state, anchor, start)
        }),
        rows,
        backlinks,
        refpages,
        total,
    };
    Ok(Rendered {
        html: render(&template),
        charge: Some(charge),
    })
}

#[derive(Template)]
#[template(path = "refdomains.html")]
struct Refdomains<'a> {
    anchor: &'a str,
    crumbs: Vec<Crumb>,
    scope: String,
    rows: Vec<Line>,
    pager: Pager,
    backlinks: u64,
    refpages: u64,
    total: u64,
}

struct Line {
    row: AnchorRow,
    href: String,
    only: String,
    share: Percent,
}

impl Refdomains<'_> {
    fn anchor(&self) -> shown::Anchor<'_> {
        shown::Anchor(self.anchor)
    }
}
