//! The whole state of a report, as its address has it: names and values are those of the wire contract, so
//! that the address of a page and the request that gives the same report differ in their paths alone.

use std::fmt;

use windlass_links::{Mode, Target};
use windlass_report::filter::{Condition, Filter, Value};
use windlass_report::{
    ANCHORS, Clause, ColumnType, LIMIT_MAX, Misreading, Parameters, Query, QueryError,
};

use crate::address::Address;

/// Rows of a page where its address names no `limit`.
pub const ROWS_DEFAULT: u64 = 50;
/// The most rows that a page shows; exports have all.
pub const ROWS_MAX: u64 = 500;
/// The order where the address names none: what people sort by.
pub const ORDER_DEFAULT: &str = "refdomains:desc,backlinks:desc";

/// What is looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReportState {
    /// The target as written.
    pub target: String,
    /// Its mode; nothing where the reader leaves it to [`default_mode`].
    pub mode: String,
    /// `live`, `all_time` or `since:…`; nothing for the default.
    pub history: String,
    /// Conditions on rows.
    pub where_text: String,
    /// Conditions on groups.
    pub having: String,
    /// Columns that the rows are ordered by; nothing for [`ORDER_DEFAULT`].
    pub order_by: String,
    /// Rows of a page, as written.
    pub limit: String,
    /// Rows before the page, as written.
    pub offset: String,
}

/// Which of the two lists of conditions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FilterKind {
    /// Before grouping.
    Where,
    /// After grouping.
    Having,
}

impl FilterKind {
    /// Reads conditions of such a list; a blank text has none.
    fn read(self, text: &str) -> Result<Vec<Condition>, Misreading> {
        if text.is_empty() {
            return Ok(Vec::new());
        }
        let clause = match self {
            Self::Where => Clause::Where,
            Self::Having => Clause::Having,
        };
        Filter::parse(text, clause, &ANCHORS).map(|filter| filter.conditions().to_vec())
    }
}

impl ReportState {
    /// Of parameters; unknown ones are ignored. Those of the forms that change one thing are not among them: see
    /// [`asked`](Self::asked).
    #[must_use]
    pub fn of(parameters: &Parameters) -> Self {
        let value = |name| parameters.value(name).unwrap_or_default().trim().to_owned();
        Self {
            target: value("target"),
            mode: value("mode"),
            history: value("history"),
            where_text: value("where"),
            having: value("having"),
            order_by: value("order_by"),
            limit: value("limit"),
            offset: value("offset"),
        }
    }

    /// The state that a form asks for, where it changes one thing: adds a condition (`add_clause`, `add_column`,
    /// `add_op`, `add_value`), or looks at what was lost since a day (`since`). What it adds is not checked
    /// here; the report says what is wrong with it. A value that is blank, or left out, is an empty text.
    #[must_use]
    pub fn asked(parameters: &Parameters) -> Option<Self> {
        let value = |name| parameters.value(name);
        let state = Self::of(parameters);
        if let Some(day) = value("since") {
            return Some(state.changed(|state| state.history = format!("since:{}", day.trim())));
        }
        let (column, operator) = (value("add_column")?, value("add_op")?);
        let kind = match value("add_clause")? {
            "having" => FilterKind::Having,
            _ => FilterKind::Where,
        };
        let value = value("add_value").unwrap_or_default().trim();
        let is_number = ANCHORS
            .column(column)
            .is_some_and(|column| column.column_type == ColumnType::Integer);
        let value = if is_number {
            value.to_owned()
        } else {
            quoted(value)
        };
        let condition = if operator.starts_with(|c: char| c.is_ascii_alphabetic()) {
            format!("{operator}({column},{value})")
        } else {
            format!("{column}{operator}{value}")
        };
        Some(state.with_condition(kind, &condition))
    }

    /// Names and values that are there.
    pub fn pairs(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [
            ("target", self.target.as_str()),
            ("mode", &self.mode),
            ("history", &self.history),
            ("where", &self.where_text),
            ("having", &self.having),
            ("order_by", &self.order_by),
            ("limit", &self.limit),
            ("offset", &self.offset),
        ]
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
    }

    /// The address of a page in this state.
    #[must_use]
    pub fn href(&self, path: &str) -> String {
        self.address(path).to_string()
    }

    /// The same, to be added to.
    #[must_use]
    pub fn address(&self, path: &str) -> Address {
        self.pairs()
            .fold(Address::new(path), |address, (name, value)| {
                address.with(name, value)
            })
    }

    /// The state with something else, from its first row on.
    #[must_use]
    pub fn changed(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut state = self.clone();
        state.offset.clear();
        change(&mut state);
        state
    }

    /// The parameters of the request that gives this report.
    #[must_use]
    pub fn request(&self) -> Vec<(&'static str, String)> {
        let or =
            |text: &str, default: &str| if text.is_empty() { default } else { text }.to_owned();
        let mut request = vec![
            ("from", ANCHORS.name.to_owned()),
            ("target", self.target.clone()),
            ("mode", self.mode().to_string()),
        ];
        for (name, value) in [
            ("history", self.history.as_str()),
            ("where", &self.where_text),
            ("having", &self.having),
        ] {
            if !value.is_empty() {
                request.push((name, value.to_owned()));
            }
        }
        request.push(("order_by", or(&self.order_by, ORDER_DEFAULT)));
        request.push(("limit", self.rows()));
        if !self.offset.is_empty() {
            request.push(("offset", self.offset.clone()));
        }
        request
    }

    /// The rows of the page: what is asked for, but one at least and [`ROWS_MAX`] at most. What the API takes for
    /// no limit is kept for the query to refuse.
    fn rows(&self) -> String {
        let is_number = self.limit.bytes().all(|b| b.is_ascii_digit());
        match self.limit.parse::<u64>() {
            Ok(rows) if is_number && rows <= LIMIT_MAX.into() => {
                rows.clamp(1, ROWS_MAX).to_string()
            }
            _ if self.limit.is_empty() => ROWS_DEFAULT.to_string(),
            _ => self.limit.clone(),
        }
    }

    /// The query of this report.
    ///
    /// # Errors
    /// As [`Query::from_params`].
    pub fn query(&self) -> Result<Query, QueryError> {
        Query::from_params(self.request())
    }

    /// The mode, by default that of the target. What is no mode is kept for the query to refuse.
    #[must_use]
    pub fn mode(&self) -> ModeText<'_> {
        match self.mode.as_str() {
            "" => ModeText::Mode(default_mode(&self.target)),
            text => text.parse().map_or(ModeText::Other(text), ModeText::Mode),
        }
    }

    /// The conditions of a list, in its order; none where it cannot be read.
    #[must_use]
    pub fn conditions(&self, kind: FilterKind) -> Vec<Condition> {
        let text = match kind {
            FilterKind::Where => &self.where_text,
            FilterKind::Having => &self.having,
        };
        kind.read(text).unwrap_or_default()
    }

    /// The state with these conditions alone, in their canonical spelling.
    pub(crate) fn with_conditions<'a>(
        &self,
        kind: FilterKind,
        conditions: impl Iterator<Item = &'a Condition>,
    ) -> Self {
        let text = joined(conditions);
        self.changed(|state| *state.filter_text(kind) = text)
    }

    /// The state with conditions more, in the grammar of the wire contract, but for those that it has already. All
    /// are in their canonical spelling then; where some cannot be read, the text is kept for the query to refuse.
    #[must_use]
    pub fn with_condition(&self, kind: FilterKind, condition: &str) -> Self {
        self.changed(|state| {
            let text = state.filter_text(kind);
            *text = match (kind.read(text), kind.read(condition)) {
                (Ok(mut conditions), Ok(more)) => {
                    for condition in more {
                        if !conditions.contains(&condition) {
                            conditions.push(condition);
                        }
                    }
                    joined(conditions.iter())
                }
                _ if text.is_empty() => condition.to_owned(),
                _ => format!("{text},{condition}"),
            };
        })
    }

    /// The state whose conditions on a column are these alone.
    #[must_use]
    pub fn with_only(&self, kind: FilterKind, column: &str, condition: &str) -> Self {
        let others = self.conditions(kind);
        let others = others.iter().filter(|c| c.column().name != column);
        self.with_conditions(kind, others)
            .with_condition(kind, condition)
    }

    fn filter_text(&mut self, kind: FilterKind) -> &mut String {
        match kind {
            FilterKind::Where => &mut self.where_text,
            FilterKind::Having => &mut self.having,
        }
    }

    /// Whether any filter is set.
    #[must_use]
    pub fn is_filtered(&self) -> bool {
        !self.where_text.is_empty() || !self.having.is_empty()
    }

    /// What the state is of, in a few words.
    #[must_use]
    pub fn label(&self) -> String {
        format!("{} ({})", self.target, self.mode())
    }
}

fn joined<'a>(conditions: impl Iterator<Item = &'a Condition>) -> String {
    let conditions: Vec<String> = conditions.map(ToString::to_string).collect();
    conditions.join(",")
}

/// A mode as a reader names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModeText<'a> {
    /// One that there is.
    Mode(Mode),
    /// Any other text.
    Other(&'a str),
}

impl ModeText<'_> {
    /// Whether it is that one.
    #[must_use]
    pub fn is(self, mode: Mode) -> bool {
        self == ModeText::Mode(mode)
    }
}

impl fmt::Display for ModeText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mode(mode) => mode.fmt(f),
            Self::Other(text) => f.write_str(text),
        }
    }
}

/// The mode that people mean where they name none: of a bare host everything on and below it, but of one
/// that begins with `www.` that host alone; of a path that ends like a folder all below it; else that URL.
#[must_use]
pub fn default_mode(target: &str) -> Mode {
    let Ok(target) = Target::parse(target, Mode::Exact) else {
        return Mode::Subdomains;
    };
    match target.path_and_query() {
        "/" if target.host().starts_with("www.") => Mode::Domain,
        "/" => Mode::Subdomains,
        path if path.ends_with('/') => Mode::Prefix,
        _ => Mode::Exact,
    }
}

/// A text as a value in the grammar of filters.
#[must_use]
pub fn quoted(text: &str) -> String {
    Value::Text(text.to_owned()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(query: &str) -> ReportState {
        ReportState::of(&form_urlencoded::parse(query.as_bytes()).collect())
    }

    #[test]
    fn an_address_gives_its_state_back() {
        let text = "/report?target=ex%C3%A4mple.com%2Fa&mode=prefix&history=all_time&where=anchor%3D%22a%2C%26%22\
                    &having=backlinks%3E2&order_by=anchor&limit=25&offset=50";
        let (_, query) = text.split_once('?').unwrap();
        assert_eq!(state(query).href("/report"), text);
    }

    #[test]
    fn modes_are_those_that_people_mean() {
        for (target, mode) in [
            ("example.com", Mode::Subdomains),
            ("https://example.com/", Mode::Subdomains),
            ("www.example.com", Mode::Domain),
            ("example.com/blog/", Mode::Prefix),
            ("example.com/blog", Mode::Exact),
            ("example.com/?a/", Mode::Prefix),
            ("", Mode::Subdomains),
        ] {
            assert_eq!(default_mode(target), mode, "{target}");
        }
    }

    #[test]
    fn conditions_come_and_go() {
        let state = state("target=a.com&offset=50");
        let one = state.with_condition(FilterKind::Where, "anchor=\"a,\\\"b\"");
        assert_eq!(one.offset, "");
        let two = one.with_condition(FilterKind::Where, "backlinks>=2");
        assert_eq!(two.conditions(FilterKind::Where).len(), 2);
        let of_two = two.conditions(FilterKind::Where);
        let first = two.with_conditions(FilterKind::Where, of_two.iter().take(1));
        assert_eq!(first, one);
        assert_eq!(
            two.with_only(FilterKind::Where, "backlinks", "backlinks>=5")
                .where_text,
            "anchor=\"a,\\\"b\",backlinks>=5"
        );
        assert_eq!(two.with_condition(FilterKind::Where, "backlinks>=2"), two);
    }

    #[test]
    fn a_condition_is_added_once_and_not_mistaken_for_a_text() {
        let add = |there: &str, more: &[&str]| {
            let mut state = state("target=a.com");
            there.clone_into(&mut state.where_text);
            for condition in more {
                state = state.with_condition(FilterKind::Where, condition);
            }
            state.where_text
        };
        for (there, more, all) in [
            // What is between commas in a text is no condition.
            (
                r#"anchor="x,backlinks>=2,y""#,
                &["backlinks>=2"] as &[_],
                r#"anchor="x,backlinks>=2,y",backlinks>=2"#,
            ),
            // A condition that has a comma is found again, however it is spelled.
            (
                "",
                &[
                    r#"substring(anchor,"seo")"#,
                    "substring( Anchor, 'SEO' )",
                    r#"substring(anchor,"seo")"#,
                ],
                r#"substring(anchor,"seo")"#,
            ),
            (
                r#"backlinks : "2""#,
                &["backlinks=2,backlinks<9"],
                "backlinks=2,backlinks<9",
            ),
            // What cannot be read is there for the report to say so.
            ("color=1", &["backlinks=2"], "color=1,backlinks=2"),
            ("backlinks=2", &["color=1"], "backlinks=2,color=1"),
        ] {
            assert_eq!(add(there, more), all, "{there} {more:?}");
        }
    }

    #[test]
    fn parameters_are_read_as_the_api_reads_them() {
        let read = state("TARGET=a.com&target=&Where=backlinks>1&where=+&limit=25&LIMIT=50&limit=");
        assert_eq!(
            read.href("/report"),
            "/report?target=a.com&where=backlinks%3E1&limit=50"
        );
        let asked = [("Target", "a.com"), ("Since", "2021-01-01"), ("since", " ")];
        let asked = ReportState::asked(&asked.into_iter().collect()).unwrap();
        assert_eq!(
            asked.href("/report"),
            "/report?target=a.com&history=since%3A2021-01-01"
        );
    }

    #[test]
    fn the_request_has_as_many_rows_as_the_page() {
        for (limit, asked) in [
            ("", "50"),
            ("0", "1"),
            ("007", "7"),
            ("500", "500"),
            ("501", "500"),
            ("5000000", "500"),
        ] {
            let state = state(&format!("target=a.com&limit={limit}"));
            assert!(
                state.request().contains(&("limit", asked.to_owned())),
                "{limit}"
            );
            assert_eq!(state.query().unwrap().limit.to_string(), asked, "{limit}");
        }
        for limit in ["5000001", "%2B5", "-1", "many", "99999999999999999999"] {
            let state = state(&format!("target=a.com&limit={limit}"));
            assert!(state.query().is_err(), "{limit}");
        }
    }

    #[test]
    fn forms_change_one_thing() {
        let asked = |column, operator, value| {
            let parameters = [
                ("target", "a.com"),
                ("offset", "50"),
                ("add_clause", "where"),
                ("add_column", column),
                ("add_op", operator),
                ("add_value", value),
            ];
            ReportState::asked(&parameters.into_iter().collect()).unwrap()
        };
        for (column, operator, value, condition) in [
            (
                "anchor",
                "substring",
                "a\"b",
                "substring(anchor,\"a\\\"b\")",
            ),
            ("anchor", "=", "", "anchor=\"\""),
            ("backlinks", ">=", " 10 ", "backlinks>=10"),
            ("first_seen", "<", "2021-01-01", "first_seen<\"2021-01-01\""),
        ] {
            let state = asked(column, operator, value);
            assert_eq!(
                (state.where_text.as_str(), state.offset.as_str()),
                (condition, "")
            );
            assert_eq!(state.conditions(FilterKind::Where).len(), 1);
        }
        let since = ReportState::asked(
            &[("target", "a.com"), ("since", "2021-01-01")]
                .into_iter()
                .collect(),
        );
        assert_eq!(since.unwrap().history, "since:2021-01-01");
        assert_eq!(
            ReportState::asked(&[("target", "a.com")].into_iter().collect()),
            None
        );
        // Browsers may leave out a field that is empty.
        let empty = [
            ("target", "a.com"),
            ("add_clause", "where"),
            ("add_column", "anchor"),
            ("add_op", "="),
        ];
        assert_eq!(
            ReportState::asked(&empty.into_iter().collect())
                .unwrap()
                .where_text,
            "anchor=\"\""
        );
    }

    #[test]
    fn any_text_can_be_a_value() {
        for text in ["", "a\"b", "\\", "\0x", "a,b)", "'"] {
            let state =
                state("").with_condition(FilterKind::Where, &format!("anchor={}", quoted(text)));
            let conditions = state.conditions(FilterKind::Where);
            assert_eq!(conditions.len(), 1, "{text:?}");
            assert_eq!(joined(conditions.iter()), state.where_text, "{text:?}");
        }
    }
}
