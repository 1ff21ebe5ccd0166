//! Backlinks that were found or lost in some time.

use askama::Template;
use windlass_links::CaptureTime;
use windlass_report::table::BACKLINKS_NEW_LOST;
use windlass_report::{Cell, Query, QueryError, answer};

use crate::error::PageError;
use crate::pager::Pager;
use crate::pages::crumbs::{Crumb, crumbs};
use crate::pages::link_rows::{LinkRow, link_rows};
use crate::render;
use crate::shown;
use crate::state::{ReportState, quoted};
use crate::view::{Charge, Rendered, View};

/// Where it is on the server.
pub const PATH: &str = "/report/changes";

/// Rows of a page.
const ROWS: u32 = 50;

/// What is asked for, beside the target.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// `new` or `lost`; both, where it is blank.
    pub change: String,
    /// The first day; any, where it is blank.
    pub from: String,
    /// The first day behind; any, where it is blank.
    pub until: String,
    /// Rows passed over.
    pub start: u64,
}

/// The address of what was lost from a day on, until another.
#[must_use]
pub fn lost_href(state: &ReportState, from: &str, until: &str) -> String {
    let wanted = Wanted {
        change: "lost".to_owned(),
        from: from.to_owned(),
        until: until.to_owned(),
        start: 0,
    };
    href(state, &wanted)
}

fn href(state: &ReportState, wanted: &Wanted) -> String {
    state
        .changed(|state| state.limit.clear())
        .address(PATH)
        .with("type", &wanted.change)
        .with("from", &wanted.from)
        .with("until", &wanted.until)
        .from_row(wanted.start)
        .to_string()
}

/// The query of such a page. Without conditions it has no `where`, which would cost.
///
/// # Errors
/// As [`Query::from_params`].
pub fn query(state: &ReportState, wanted: &Wanted) -> Result<Query, QueryError> {
    let mut conditions = Vec::new();
    for (column, operator, value) in [
        ("type", "=", &wanted.change),
        ("date", ">=", &wanted.from),
        ("date", "<", &wanted.until),
    ] {
        if !value.is_empty() {
            conditions.push(format!("{column}{operator}{}", quoted(value)));
        }
    }
    Query::from_params([
        ("from", BACKLINKS_NEW_LOST.name.to_owned()),
        ("target", state.target.clone()),
        ("mode", state.mode().to_string()),
        ("where", conditions.join(",")),
        ("order_by", "date:desc".to_owned()),
        ("limit", ROWS.to_string()),
        ("offset", wanted.start.to_string()),
    ])
}

/// Puts the page together.
///
/// # Errors
/// See [`PageError`].
pub fn page(
    state: &ReportState,
    query: &Query,
    wanted: &Wanted,
    view: View<'_>,
) -> Result<Rendered, PageError> {
    let answer = answer(query, view.snapshot, view.limits, view.cancel)?;
    let rows = link_rows(state, &answer, |more: &mut More, column, cell| {
        match (column, cell) {
            ("date", Cell::Date(time)) => more.date = Some(time),
            ("type", Cell::Text(text)) => more.is_new = text == "new",
            _ => {}
        }
    })?;
    let charge = Charge::of(query, rows.len() as u64);
    let pager = Pager::new(
        query.offset,
        rows.len() as u64,
        ROWS.into(),
        answer.total().unwrap_or_default(),
        |start| {
            let wanted = Wanted {
                start,
                ..wanted.clone()
            };
            href(state, &wanted)
        },
    );
    let template = Changes {
        crumbs: crumbs(state, None, None),
        scope: shown::Scope(&query.target).to_string(),
        wanted,
        heading: match wanted.change.as_str() {
            "new" => "New backlinks",
            "lost" => "Lost backlinks",
            _ => "New and lost backlinks",
        },
        hidden: state
            .pairs()
            .filter(|(name, _)| !["limit", "offset"].contains(name))
            .collect(),
        rows,
        pager,
    };
    Ok(Rendered {
        html: render(&template),
        charge: Some(charge),
    })
}

#[derive(Template)]
#[template(path = "changes.html")]
struct Changes<'a> {
    crumbs: Vec<Crumb>,
    scope: String,
    heading: &'static str,
    wanted: &'a Wanted,
    hidden: Vec<(&'static str, &'a str)>,
    rows: Vec<LinkRow<More>>,
    pager: Pager,
}

#[derive(Default)]
struct More {
    date: Option<CaptureTime>,
    is_new: bool,
}
