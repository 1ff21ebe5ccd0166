//! Two steps down: the backlinks of an anchor from one referring domain; and three: a link itself.

use askama::Template;
use windlass_links::CaptureTime;
use windlass_report::table::BACKLINKS;
use windlass_report::{Cell, Query, QueryError, answer, rows_of_anchor};

use crate::error::PageError;
use crate::pager::Pager;
use crate::pages::crumbs::{Crumb, crumbs};
use crate::pages::link_rows::{LinkRow, link_rows};
use crate::render;
use crate::shown;
use crate::state::{ReportState, quoted};
use crate::view::{Charge, Rendered, View};

/// Where it is on the server.
pub const PATH: &str = "/report/backlinks";

/// Rows of a page.
const ROWS: u32 = 50;

/// The address of the backlinks of an anchor from a refdomain, in a report.
#[must_use]
pub fn href(state: &ReportState, anchor: &str, refdomain: &str) -> String {
    address(state, anchor, refdomain, 0)
}

fn address(state: &ReportState, anchor: &str, refdomain: &str, start: u64) -> String {
    state
        .changed(|state| state.limit.clear())
        .address(PATH)
        .with_blank("anchor", anchor)
        .with("refdomain", refdomain)
        .from_row(start)
        .to_string()
}

/// The query of such a page.
///
/// # Errors
/// As [`Query::from_params`].
pub fn query(
    state: &ReportState,
    anchor: &str,
    refdomain: &str,
    start: u64,
) -> Result<Query, QueryError> {
    Query::from_params([
        ("from", BACKLINKS.name.to_owned()),
        ("target", state.target.clone()),
        ("mode", state.mode().to_string()),
        ("history", state.history.clone()),
        ("where", of_anchor(anchor, refdomain)),
        ("limit", ROWS.to_string()),
        ("offset", start.to_string()),
    ])
}

/// Puts the page together.
///
/// # Errors
/// See [`PageError`].
pub fn page(
    state: &ReportState,
    query: &Query,
    anchor: &str,
    refdomain: &str,
    view: View<'_>,
) -> Result<Rendered, PageError> {
    let answer = answer(query, view.snapshot, view.limits, view.cancel)?;
    let rows = link_rows(state, &answer, |more: &mut More, column, cell| {
        match (column, cell) {
            ("alt", Cell::Text(text)) => text.clone_into(&mut more.alt),
            ("title", Cell::Text(text)) => more.title = Some(text.to_owned()),
            ("http_code", Cell::Integer(code)) => more.status = Some(code),
            ("nofollow", Cell::Boolean(value)) => more.is_nofollow = value,
            ("first_seen", Cell::Date(time)) => more.first_seen = Some(time),
            ("last_visited", Cell::Date(time)) => more.last_visited = Some(time),
            _ => {}
        }
    })?;
    let charge = Charge::of(query, rows.len() as u64);
    let total = count(state, anchor, refdomain, view)?;
    let pager = Pager::new(
        query.offset,
        rows.len() as u64,
        ROWS.into(),
        total,
        |start| address(state, anchor, refdomain, start),
    );
    let template = Backlinks {
        anchor,
        refdomain,
        crumbs: crumbs(state, Some(anchor), Some((refdomain, None))),
        scope: shown::Scope(&query.target).to_string(),
        rows,
        pager,
    };
    Ok(Rendered {
        html: render(&template),
        charge: Some(charge),
    })
}

/// How many there are: what the report counts, but for its conditions on numbers and dates of whole rows.
fn count(
    state: &ReportState,
    anchor: &str,
    refdomain: &str,
    view: View<'_>,
) -> Result<u64, PageError> {
    let state = state.changed(|state| {
        state.where_text = of_anchor(anchor, refdomain);
        state.having.clear();
    });
    let query = state.query()?;
    let rows = rows_of_anchor(&query, anchor, view.snapshot, view.limits, view.cancel)?;
    Ok(rows.iter().map(|row| row.backlinks).sum())
}

/// The conditions that its links pass.
fn of_anchor(anchor: &str, refdomain: &str) -> String {
    format!("anchor={},refdomain={}", quoted(anchor), quoted(refdomain))
}

#[derive(Template)]
#[template(path = "backlinks.html")]
struct Backlinks<'a> {
    anchor: &'a str,
    refdomain: &'a str,
    crumbs: Vec<Crumb>,
    scope: String,
    rows: Vec<LinkRow<More>>,
    pager: Pager,
}

#[derive(Default)]
struct More {
    title: Option<String>,
    alt: String,
    status: Option<u64>,
    is_nofollow: bool,
    first_seen: Option<CaptureTime>,
    last_visited: Option<CaptureTime>,
}

impl Backlinks<'_> {
    fn anchor(&self) -> shown::Anchor<'_> {
        shown::Anchor(self.anchor)
    }
}
