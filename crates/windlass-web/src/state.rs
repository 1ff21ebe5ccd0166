//! The whole state of a report, as its address has it: names and values are those of the wire contract, so
//! that the address of a page and the request that gives the same report differ in their paths alone.

use std::fmt;

use windlass_links::{Mode, Target};
use windlass_report::filter::{Condition, Filter};
use windlass_report::{ANCHORS, Clause, ColumnType, Query, QueryError};

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

impl ReportState {
    /// Reads decoded parameters; unknown names are ignored, and of several values for one name the last
    /// counts. Those of the forms that change one thing are not among them: see [`asked`](Self::asked).
    pub fn from_params<'a>(parameters: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut state = Self::default();
        for (name, value) in parameters {
            if let Some(slot) = state.slot(name) {
                value.trim().clone_into(slot);
            }
        }
        state
    }

    /// The state that a form asks for, where it changes one thing: adds a condition (`add_clause`, `add_column`,
    /// `add_op`, `add_value`), or looks at what was lost since a day (`since`). What it adds is not checked
    /// here; the report says what is wrong with it.
    #[must_use]
    pub fn asked<'a>(parameters: &[(&'a str, &'a str)]) -> Option<Self> {
        let value = |name| {
            let mut values = parameters.iter().rev().filter(|(n, _)| *n == name);
            values.next().map(|(_, value)| *value)
        };
        let state = Self::from_params(parameters.iter().copied());
        if let Some(day) = value("since") {
            return Some(state.changed(|state| state.history = format!("since:{}", day.trim())));
        }
        let (column, operator) = (value("add_column")?, value("add_op")?);
        let kind = match value("add_clause")? {
            "having" => FilterKind::Having,
            _ => FilterKind::Where,
        };
        let value = value("add_value")?.trim();
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

    fn slot(&mut self, name: &str) -> Option<&mut String> {
        Some(match name {
            "target" => &mut self.target,
            "mode" => &mut self.mode,
            "history" => &mut self.history,
            "where" => &mut self.where_text,
            "having" => &mut self.having,
            "order_by" => &mut self.order_by,
            "limit" => &mut self.limit,
            "offset" => &mut self.offset,
            _ => return None,
        })
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
        request.push(("limit", or(&self.limit, &ROWS_DEFAULT.to_string())));
        if !self.offset.is_empty() {
            request.push(("offset", self.offset.clone()));
        }
        request
    }

    /// The query of this report; of its rows no more than [`ROWS_MAX`].
    ///
    /// # Errors
    /// As [`Query::from_params`].
    pub fn query(&self) -> Result<Query, QueryError> {
        let mut query = Query::from_params(self.request())?;
        query.limit = query.limit.clamp(1, ROWS_MAX as u32);
        Ok(query)
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
        let (text, clause) = match kind {
            FilterKind::Where => (&self.where_text, Clause::Where),
            FilterKind::Having => (&self.having, Clause::Having),
        };
        if text.is_empty() {
            return Vec::new();
        }
        Filter::parse(text, clause, &ANCHORS)
            .map(|filter| filter.conditions().to_vec())
            .unwrap_or_default()
    }

    /// The state without one of the conditions.
    #[must_use]
    pub fn without(&self, kind: FilterKind, at: usize) -> Self {
        let mut conditions = self.conditions(kind);
        if at < conditions.len() {
            conditions.remove(at);
        }
        let text = joined(conditions.iter());
        self.changed(|state| *state.filter_text(kind) = text)
    }

    /// The state with one condition more, in the grammar of the wire contract.
    #[must_use]
    pub fn with_condition(&self, kind: FilterKind, condition: &str) -> Self {
        self.changed(|state| {
            let text = state.filter_text(kind);
            let is_there = text.split(',').any(|there| there == condition);
            if !is_there {
                if !text.is_empty() {
                    text.push(',');
                }
                text.push_str(condition);
            }
        })
    }

    /// The state whose conditions on a column are this one alone.
    #[must_use]
    pub fn with_only(&self, kind: FilterKind, column: &str, condition: &str) -> Self {
        let others = self.conditions(kind);
        let others = joined(others.iter().filter(|c| c.column().name != column));
        self.changed(|state| *state.filter_text(kind) = others)
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
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\0' => quoted.push_str("\\0"),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(query: &str) -> ReportState {
        let pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
        ReportState::from_params(pairs.iter().map(|(n, v)| (n.as_ref(), v.as_ref())))
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
        assert_eq!(two.without(FilterKind::Where, 1), one);
        assert_eq!(two.without(FilterKind::Where, 0).where_text, "backlinks>=2");
        assert_eq!(
            two.with_only(FilterKind::Where, "backlinks", "backlinks>=5")
                .where_text,
            "anchor=\"a,\\\"b\",backlinks>=5"
        );
        assert_eq!(two.with_condition(FilterKind::Where, "backlinks>=2"), two);
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
            ReportState::asked(&parameters).unwrap()
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
        let since = ReportState::asked(&[("target", "a.com"), ("since", "2021-01-01")]);
        assert_eq!(since.unwrap().history, "since:2021-01-01");
        assert_eq!(ReportState::asked(&[("target", "a.com")]), None);
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
