//! The report: anchors of a target.

use askama::Template;
use windlass_links::{CaptureTime, Mode};
use windlass_report::filter::{Function, Operator};
use windlass_report::table::Clause;
use windlass_report::{
    ANCHORS, AnchorKind, Cell, Column, ColumnType, Direction, Emptiness, Kinds, Query, Totals,
    answer_with_totals,
};

use crate::address::Address;
use crate::chips::{Chip, chips, title};
use crate::error::PageError;
use crate::pager::Pager;
use crate::pages::message::{Message, Tone, Way};
use crate::render;
use crate::shown::{self, Date, Percent, Scope};
use crate::snippets::{Snippet, snippets};
use crate::state::{FilterKind, ORDER_DEFAULT, ReportState};
use crate::view::{Charge, Rendered, View, backlinks_of};

/// Where it is on the server.
pub const PATH: &str = "/report";

/// What the page needs to know of the server.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// Scheme and authority of the server, as the reader's browser knows it.
    pub base: String,
    /// Whether requests need a token.
    pub is_metered: bool,
}

/// Puts the report together.
///
/// # Errors
/// See [`PageError`].
pub fn page(
    state: &ReportState,
    query: &Query,
    surroundings: &Surroundings,
    view: View<'_>,
) -> Result<Rendered, PageError> {
    let (answer, totals) = answer_with_totals(query, view.snapshot, view.limits, view.cancel)?;
    let (backlinks, total) = (backlinks_of(&answer), answer.total().unwrap_or_default());
    let mut rows = Vec::new();
    let columns = answer.columns();
    answer.for_each_row(|cells| {
        rows.push(Line::new(state, &columns, cells, backlinks));
        Ok(())
    })?;
    let shown = rows.len() as u64;
    let pager = Pager::new(query.offset, shown, query.limit.into(), total, |offset| {
        let mut state = state.clone();
        state.offset = if offset == 0 {
            String::new()
        } else {
            offset.to_string()
        };
        state.href(PATH)
    });
    let charge = Charge::of(query, shown);
    let template = Anchors {
        state,
        query,
        headers: headers(state, query),
        rows,
        pager,
        totals,
        kinds: Kinds::of_index(&query.target, view.snapshot)?,
        total,
        empty: answer.emptiness().map(|why| empty(why, state)),
        newest: view.snapshot.newest_capture(),
        where_chips: chips(state, FilterKind::Where, PATH),
        having_chips: chips(state, FilterKind::Having, PATH),
        snippets: snippets(
            &surroundings.base,
            &state.request(),
            surroundings.is_metered,
        ),
        surroundings,
    };
    Ok(Rendered {
        html: render(&template),
        charge: Some(charge),
    })
}

#[derive(Template)]
#[template(path = "anchors.html")]
struct Anchors<'a> {
    state: &'a ReportState,
    query: &'a Query,
    headers: Vec<Header>,
    rows: Vec<Line>,
    pager: Pager,
    totals: Totals,
    kinds: Kinds,
    total: u64,
    empty: Option<Message>,
    newest: Option<CaptureTime>,
    where_chips: Vec<Chip>,
    having_chips: Vec<Chip>,
    snippets: Vec<Snippet>,
    surroundings: &'a Surroundings,
}

/// A row of the table.
struct Line {
    anchor: String,
    href: String,
    backlinks: u64,
    refpages: u64,
    refdomains: u64,
    first_seen: Option<CaptureTime>,
    last_visited: Option<CaptureTime>,
    share: Percent,
}

impl Line {
    fn new(
        state: &ReportState,
        columns: &[&'static Column],
        cells: &[Cell<'_>],
        backlinks: u64,
    ) -> Self {
        let mut line = Self {
            anchor: String::new(),
            href: String::new(),
            backlinks: 0,
            refpages: 0,
            refdomains: 0,
            first_seen: None,
            last_visited: None,
            share: Percent {
                part: 0,
                whole: backlinks,
            },
        };
        for (column, cell) in columns.iter().zip(cells) {
            match (column.name, *cell) {
                ("anchor", Cell::Text(text)) => text.clone_into(&mut line.anchor),
                ("backlinks", Cell::Integer(number)) => line.backlinks = number,
                ("refpages", Cell::Integer(number)) => line.refpages = number,
                ("refdomains", Cell::Integer(number)) => line.refdomains = number,
                ("first_seen", Cell::Date(time)) => line.first_seen = Some(time),
                ("last_visited", Cell::Date(time)) => line.last_visited = Some(time),
                _ => {}
            }
        }
        line.share.part = line.backlinks;
        line.href = super::refdomains::href(state, &line.anchor);
        line
    }

    fn anchor(&self) -> shown::Anchor<'_> {
        shown::Anchor(&self.anchor)
    }
}

/// The head of a column, which orders by it.
struct Header {
    title: &'static str,
    href: String,
    order: &'static str,
    is_number: bool,
    meaning: &'static str,
}

fn headers(state: &ReportState, query: &Query) -> Vec<Header> {
    let present = query.order_by.first();
    let header = |column: &'static Column| {
        let present = present
            .filter(|key| key.column == column)
            .map(|key| key.direction);
        // What is large, or late, is what people look for first; names they look up.
        let first = if column.column_type == ColumnType::Anchor {
            "asc"
        } else {
            "desc"
        };
        let next = match present {
            Some(Direction::Ascending) => "desc",
            Some(Direction::Descending) => "asc",
            None => first,
        };
        // Of equal rows those come first that count more.
        let then = match column.name {
            "anchor" => "",
            "backlinks" => ",refdomains:desc",
            _ => ",backlinks:desc",
        };
        let order = format!("{}:{next}{then}", column.name);
        let order = if order == ORDER_DEFAULT {
            String::new()
        } else {
            order
        };
        Header {
            title: title(column.name),
            href: state.changed(|state| state.order_by = order).href(PATH),
            order: match present {
                Some(Direction::Ascending) => "ascending",
                Some(Direction::Descending) => "descending",
                None => "none",
            },
            is_number: column.column_type == ColumnType::Integer,
            meaning: column.meaning,
        }
    };
    ANCHORS.columns_of(Clause::Select).map(header).collect()
}

/// Why there are no rows, and what to do (R20).
fn empty(why: Emptiness, state: &ReportState) -> Message {
    let way = |text: &str, href: String| Way {
        text: text.to_owned(),
        href,
    };
    let mut ways = Vec::new();
    let (heading, text) = match why {
        Emptiness::FilteredOut => {
            ways.push(way(
                "Show the report without filters",
                state
                    .changed(|state| {
                        state.where_text.clear();
                        state.having.clear();
                    })
                    .href(PATH),
            ));
            (
                "The filters removed everything",
                "There are backlinks to this target, and none of them passes. Take a filter away, or all.",
            )
        }
        Emptiness::HostUnknown => {
            ways.push(way("See what this index holds", "/index".to_owned()));
            (
                "This host is not in any crawl given to the index",
                "No captured page is on it, and no captured link leads to it. Look for a typing error; if \
                     there is none, give the index a crawl that knows the host: windlass ingest.",
            )
        }
        _ => {
            if state.history != "all_time" && state.history != "all" {
                ways.push(way(
                    "Look at lost backlinks too",
                    state
                        .changed(|s| "all_time".clone_into(&mut s.history))
                        .href(PATH),
                ));
            }
            if !state.mode().is(Mode::Subdomains) {
                ways.push(way(
                    "Look at the whole host and those below it",
                    state
                        .changed(|s| "subdomains".clone_into(&mut s.mode))
                        .href(PATH),
                ));
            }
            (
                "The index has no backlinks for this target",
                "The index knows the host, but no link from another registrable domain leads to this target \
                     with these settings. Links within one registrable domain are no backlinks.",
            )
        }
    };
    Message {
        tone: Tone::Empty,
        heading: heading.to_owned(),
        text: text.to_owned(),
        ways,
        request: None,
    }
}

/// A choice among a few, as links.
struct Choice {
    text: String,
    href: String,
    is_chosen: bool,
}

/// A column that a filter may look at, and what the form for one offers of it.
struct Choosable {
    name: &'static str,
    title: &'static str,
    /// The type of a field for its values.
    field: &'static str,
    /// What it takes of what the form offers.
    operators: String,
    /// All values that it may be compared with, where they are few.
    values: String,
}

impl Choosable {
    fn of(column: &'static Column) -> Self {
        let column_type = column.column_type;
        Self {
            name: column.name,
            title: title(column.name),
            field: match column_type {
                ColumnType::Integer => "number",
                ColumnType::Date => "date",
                _ => "text",
            },
            operators: operators(column_type).join(" "),
            values: match column_type {
                ColumnType::Boolean => "true|false".to_owned(),
                ColumnType::Kind => AnchorKind::ALL.map(AnchorKind::name).join("|"),
                _ => String::new(),
            },
        }
    }
}

/// The operators and functions that a type of column takes. Texts have an order too, which nobody looks for.
fn operators(column_type: ColumnType) -> Vec<&'static str> {
    let has_order = column_type.has_order() && !column_type.is_string();
    let operators = Operator::ALL.into_iter();
    let operators = operators.filter(|operator| has_order || operator.is_equality());
    let mut taken: Vec<&str> = operators.map(Operator::symbol).collect();
    if column_type.is_string() {
        taken.extend([Function::Substring.name(), Function::Word.name()]);
    }
    if column_type.has_host() {
        taken.push(Function::Subdomain.name());
    }
    taken
}

impl Anchors<'_> {
    fn scope(&self) -> Scope<'_> {
        Scope(&self.query.target)
    }

    fn kind_tag(&self, anchor: &str) -> Option<AnchorKind> {
        Some(self.kinds.kind_of(anchor))
            .filter(|kind| !matches!(kind, AnchorKind::Empty | AnchorKind::Other))
    }

    fn newest(&self) -> Option<Date> {
        self.newest.map(Date)
    }

    fn histories(&self) -> Vec<Choice> {
        let present = self.query.history.to_string();
        [("Live", "live", ""), ("All time", "all_time", "all_time")]
            .map(|(text, name, value)| Choice {
                text: text.to_owned(),
                href: self
                    .state
                    .changed(|s| value.clone_into(&mut s.history))
                    .href(PATH),
                is_chosen: present == name,
            })
            .into()
    }

    /// The day since which lost backlinks are in.
    fn since(&self) -> Option<String> {
        let text = self.query.history.to_string();
        let day = text.strip_prefix("since:")?;
        Some(day.split('T').next().unwrap_or(day).to_owned())
    }

    fn sizes(&self) -> Vec<Choice> {
        [25u64, 50, 100, 250]
            .map(|size| Choice {
                text: size.to_string(),
                href: self
                    .state
                    .changed(|state| {
                        state.limit = if size == crate::state::ROWS_DEFAULT {
                            String::new()
                        } else {
                            size.to_string()
                        };
                    })
                    .href(PATH),
                is_chosen: u64::from(self.query.limit) == size,
            })
            .into()
    }

    /// The state's parameters but for some, as hidden fields of a form.
    fn hidden(&self, without: &[&str]) -> Vec<(&'static str, &str)> {
        let keeps = |(name, _): &(&str, &str)| !without.contains(name);
        self.state.pairs().filter(keeps).collect()
    }

    fn columns(&self, clause: &Clause) -> Vec<Choosable> {
        ANCHORS.columns_of(*clause).map(Choosable::of).collect()
    }

    /// Whether conditions on groups hide some.
    fn has_hidden(&self) -> bool {
        self.total != self.totals.anchors
    }

    fn without_filters(&self) -> String {
        self.state
            .changed(|state| {
                state.where_text.clear();
                state.having.clear();
            })
            .href(PATH)
    }

    fn href(&self, path: &str) -> String {
        self.state.changed(|_| ()).href(path)
    }

    fn pictures_part(&self) -> String {
        super::pictures::part_href(self.state)
    }

    fn compare(&self) -> String {
        let address = Address::new(super::compare::PATH).with("target", &self.state.target);
        address.with("mode", &self.state.mode).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_form_offers_is_no_error() {
        for (clause, name) in [(Clause::Where, "where"), (Clause::Having, "having")] {
            for column in ANCHORS.columns_of(clause) {
                let choosable = Choosable::of(column);
                let value = match (choosable.field, choosable.values.split('|').next()) {
                    ("number", _) => "7",
                    ("date", _) => "2021-01-01",
                    (_, Some(value)) => value,
                    _ => "a",
                };
                for operator in choosable.operators.split(' ') {
                    let asked = [
                        ("target", "a.com"),
                        ("add_clause", name),
                        ("add_column", column.name),
                        ("add_op", operator),
                        ("add_value", value),
                    ];
                    let query = ReportState::asked(&asked.into_iter().collect())
                        .unwrap()
                        .query();
                    assert!(
                        query.is_ok(),
                        "{name} {} {operator}: {query:?}",
                        column.name
                    );
                }
            }
        }
    }

    #[test]
    fn columns_offer_what_they_are_asked_for() {
        let offered = |name| Choosable::of(ANCHORS.column(name).unwrap()).operators;
        assert_eq!(offered("kind"), "<> =");
        assert_eq!(offered("anchor"), "<> = substring word");
        assert_eq!(offered("refdomain"), "<> = substring word subdomain");
        assert_eq!(offered("backlinks"), "<> <= >= = < >");
        let kinds = Choosable::of(ANCHORS.column("kind").unwrap()).values;
        assert_eq!(kinds, "empty|naked-url|brand|generic|other");
    }
}
