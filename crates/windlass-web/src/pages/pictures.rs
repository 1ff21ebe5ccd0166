//! What a report looks like: shares, kinds, time and top-level domains.

use askama::Template;
use windlass_links::CaptureTime;
use windlass_report::summary::{IP_ADDRESS, Summary, Timeline, TimelineSpan, summarise, timeline};
use windlass_report::{Cell, Query, QueryError, answer};

use crate::error::PageError;
use crate::figure::{Figure, FigureKind, FigureRow};
use crate::pages::crumbs::{Crumb, crumbs};
use crate::pages::{anchors, changes};
use crate::render;
use crate::shown;
use crate::state::{FilterKind, ReportState, quoted};
use crate::view::{Rendered, View, backlinks_of};

/// Where it is on the server.
pub const PATH: &str = "/report/pictures";

/// Anchors and top-level domains that are drawn one by one.
const ROWS_MAX: usize = 10;

/// The address of the pictures alone, without a page around them. It has what they depend on and nothing else, so
/// that those that are there stay while the table below them is sorted.
#[must_use]
pub fn part_href(state: &ReportState) -> String {
    let drawn = ReportState {
        target: state.target.clone(),
        mode: state.mode.clone(),
        history: state.history.clone(),
        where_text: state.where_text.clone(),
        ..ReportState::default()
    };
    drawn.address(PATH).with("part", "1").to_string()
}

/// The query for the anchors that are drawn: those with most backlinks, whatever groups the report hides.
///
/// # Errors
/// As [`Query::from_params`].
pub fn query(state: &ReportState) -> Result<Query, QueryError> {
    let first = state.changed(|state| {
        "backlinks:desc".clone_into(&mut state.order_by);
        state.limit = ROWS_MAX.to_string();
        state.having.clear();
    });
    first.query()
}

/// Puts the pictures together; with a page around them, or as a part of one.
///
/// # Errors
/// See [`PageError`].
pub fn page(
    state: &ReportState,
    query: &Query,
    is_part: bool,
    view: View<'_>,
) -> Result<Rendered, PageError> {
    let summary = summarise(query, view.snapshot, view.limits, view.cancel)?;
    let timeline = timeline(&query.target, view.snapshot, view.limits, view.cancel)?;
    let figures = [
        top_anchors(state, query, view)?,
        kinds(state, &summary),
        came_and_went(state, &timeline),
        tlds(state, &summary),
    ];
    let template = Pictures {
        crumbs: crumbs(state, None, None),
        scope: shown::Scope(&query.target).to_string(),
        figures: figures.iter().map(Figure::html).collect(),
        is_part,
    };
    Ok(Rendered {
        html: render(&template),
        charge: None,
    })
}

#[derive(Template)]
#[template(path = "pictures.html")]
struct Pictures {
    crumbs: Vec<Crumb>,
    scope: String,
    figures: Vec<String>,
    is_part: bool,
}

fn top_anchors(state: &ReportState, query: &Query, view: View<'_>) -> Result<Figure, PageError> {
    let answer = answer(query, view.snapshot, view.limits, view.cancel)?;
    let columns = answer.columns();
    let total = backlinks_of(&answer);
    let mut rows = Vec::new();
    let mut drawn = 0u64;
    answer.for_each_row(|cells| {
        let (mut anchor, mut backlinks) = ("", 0);
        for (column, cell) in columns.iter().zip(cells) {
            match (column.name, *cell) {
                ("anchor", Cell::Text(text)) => anchor = text,
                ("backlinks", Cell::Integer(number)) => backlinks = number,
                _ => {}
            }
        }
        drawn = drawn.saturating_add(backlinks);
        let condition = format!("anchor={}", quoted(anchor));
        let alone = state
            .with_only(FilterKind::Where, "anchor", &condition)
            // It is drawn although they may hide it.
            .changed(|state| state.having.clear());
        rows.push(FigureRow {
            href: Some(alone.href(anchors::PATH)),
            label: anchor.to_owned(),
            hint: "",
            cells: vec![(backlinks, None)],
        });
        Ok(())
    })?;
    let others = total.saturating_sub(drawn);
    if others > 0 {
        rows.push(FigureRow {
            label: "all others".to_owned(),
            hint: "",
            href: None,
            cells: vec![(others, None)],
        });
    }
    Ok(Figure {
        kind: FigureKind::Bar,
        title: "Share of the top anchors".to_owned(),
        note: String::new(),
        category: "Anchor",
        series: vec![("backlinks", "Backlinks")],
        rows,
    })
}

fn kinds(state: &ReportState, summary: &Summary) -> Figure {
    let row = |count: &windlass_report::summary::KindCount| FigureRow {
        label: count.kind.name().replace('-', " "),
        hint: count.kind.meaning(),
        // The report of a kind that the filters leave out would have what they leave out.
        href: (count.anchors > 0).then(|| {
            let condition = format!("kind={}", quoted(count.kind.name()));
            state
                .with_only(FilterKind::Where, "kind", &condition)
                .href(anchors::PATH)
        }),
        cells: vec![
            (count.backlinks, None),
            (count.anchors, None),
            (count.refdomains, None),
        ],
    };
    Figure {
        kind: FigureKind::Bar,
        title: "Kinds of anchors".to_owned(),
        note: "Each kind's rule is shown when one points at it.".to_owned(),
        category: "Kind",
        series: vec![
            ("backlinks", "Backlinks"),
            ("anchors", "Anchors"),
            ("refdomains", "Referring domains"),
        ],
        rows: summary.kinds.iter().map(row).collect(),
    }
}

fn came_and_went(state: &ReportState, timeline: &Timeline) -> Figure {
    let row = |span: &TimelineSpan| {
        let (from, until) = bounds(span);
        let new = state.changed(|state| {
            "all_time".clone_into(&mut state.history);
            state.where_text.clear();
            state.having = first_seen_in(&from, &until);
        });
        FigureRow {
            label: match span.month {
                Some(month) => format!("{}-{month:02}", span.year),
                None => span.year.to_string(),
            },
            hint: "",
            href: None,
            cells: vec![
                (
                    span.new_anchors,
                    (span.new_anchors > 0).then(|| new.href(anchors::PATH)),
                ),
                (
                    span.lost_anchors,
                    (span.lost_anchors > 0).then(|| changes::lost_href(state, &from, &until)),
                ),
            ],
        }
    };
    Figure {
        kind: FigureKind::Stacked,
        title: "New and lost anchors".to_owned(),
        note: "Of the whole target, whatever the filters and the history. New: first seen then. Lost: no live \
               backlink is left, and the last was lost then."
            .to_owned(),
        category: "When",
        series: vec![("new", "New anchors"), ("lost", "Lost anchors")],
        rows: timeline.spans.iter().map(row).collect(),
    }
}

/// The condition that an anchor was first seen from a day on, until another; of the last span, it has no end.
fn first_seen_in(from: &str, until: &str) -> String {
    match until {
        "" => format!("first_seen>=\"{from}\""),
        until => format!("first_seen>=\"{from}\",first_seen<\"{until}\""),
    }
}

/// The first day of a span, and the first behind it; blank, where that is behind all times that there are.
fn bounds(span: &TimelineSpan) -> (String, String) {
    let year = u32::from(span.year);
    let (from, mut until) = match span.month {
        None => (format!("{year:04}-01-01"), format!("{:04}-01-01", year + 1)),
        Some(12) => (format!("{year:04}-12-01"), format!("{:04}-01-01", year + 1)),
        Some(month) => (
            format!("{year:04}-{month:02}-01"),
            format!("{year:04}-{:02}-01", month + 1),
        ),
    };
    if until.parse::<CaptureTime>().is_err() {
        until.clear();
    }
    (from, until)
}

fn tlds(state: &ReportState, summary: &Summary) -> Figure {
    let mut rows: Vec<FigureRow> = summary
        .tlds
        .iter()
        .take(ROWS_MAX)
        .map(|count| FigureRow {
            href: (count.tld != IP_ADDRESS).then(|| {
                let condition = format!("subdomain(refdomain,{})", quoted(&count.tld));
                state
                    .with_condition(FilterKind::Where, &condition)
                    .href(anchors::PATH)
            }),
            label: match count.tld.as_str() {
                IP_ADDRESS => IP_ADDRESS.to_owned(),
                tld => format!(".{tld}"),
            },
            hint: "",
            cells: vec![(count.refdomains, None), (count.backlinks, None)],
        })
        .collect();
    let others = summary.tlds.iter().skip(ROWS_MAX);
    let (refdomains, backlinks) = others.fold((0u64, 0u64), |(refdomains, backlinks), count| {
        (refdomains + count.refdomains, backlinks + count.backlinks)
    });
    if refdomains > 0 {
        rows.push(FigureRow {
            label: "all others".to_owned(),
            hint: "",
            href: None,
            cells: vec![(refdomains, None), (backlinks, None)],
        });
    }
    Figure {
        kind: FigureKind::Bar,
        title: "Referring domains by top-level domain".to_owned(),
        note: String::new(),
        category: "Top-level domain",
        series: vec![
            ("refdomains", "Referring domains"),
            ("backlinks", "Backlinks"),
        ],
        rows,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_end_where_the_next_begin() {
        let span = |year, month| TimelineSpan {
            year,
            month,
            new_anchors: 1,
            lost_anchors: 1,
        };
        for (year, month, from, until) in [
            (2024, Some(2), "2024-02-01", "2024-03-01"),
            (2024, Some(12), "2024-12-01", "2025-01-01"),
            (2024, None, "2024-01-01", "2025-01-01"),
            // Times end in that month.
            (2106, Some(1), "2106-01-01", "2106-02-01"),
            (2106, Some(2), "2106-02-01", ""),
            (2106, None, "2106-01-01", ""),
        ] {
            let bounds = bounds(&span(year, month));
            assert_eq!(bounds, (from.to_owned(), until.to_owned()));
            let state = ReportState {
                target: "a.com".to_owned(),
                having: first_seen_in(from, until),
                ..ReportState::default()
            };
            let query = state.query();
            assert!(query.is_ok(), "{query:?}");
        }
    }
}
