//! A request, parsed and checked.

use std::fmt;

use windlass_links::{History, Mode, Target};

use crate::columns::{OrderKey, parse_order, parse_select};
use crate::error::{Misreading, QueryError, shown};
use crate::filter::Filter;
use crate::output::Output;
use crate::table::{Clause, Column, Field, Table};

/// The number of results where the request names none.
pub const LIMIT_DEFAULT: u32 = 1000;
/// The largest number of results that a request may ask for.
pub const LIMIT_MAX: u32 = 5_000_000;

/// A secret of the caller's. Its `Debug` form hides it, so that it cannot get into logs by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// Wraps a token as it came.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The token itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// A request: everything that decides an answer.
#[derive(Debug, Clone)]
pub struct Query {
    /// What `from` names.
    pub table: &'static Table,
    /// Whose backlinks (R16).
    pub target: Target,
    /// The columns returned, in table order.
    pub select: Vec<&'static Column>,
    /// Whether the request left it to the table which columns are returned.
    pub select_all: bool,
    /// Conditions on rows; empty where the request has none.
    pub where_filter: Filter,
    /// Conditions on groups; empty where the request has none.
    pub having: Filter,
    /// The order, before the anchor, which always comes last (R19).
    pub order_by: Vec<OrderKey>,
    /// The number of results wanted, at most [`LIMIT_MAX`].
    pub limit: u32,
    /// The number of results passed over first.
    pub offset: u64,
    /// The format of the answer.
    pub output: Output,
    /// Which backlinks are in (R15).
    pub history: History,
    /// Whether only the cost and the number of results are wanted.
    pub dry_run: bool,
    /// The caller's token, where there is one.
    pub token: Option<Token>,
}

impl Query {
    /// Reads decoded parameters.
    ///
    /// Names are case-insensitive, as keywords are; unknown names are ignored; a blank value is an
    /// absent parameter; of several values for one name, the last that is not blank counts.
    ///
    /// # Errors
    /// Names the parameter, and says what was found and what is allowed. The first wrong parameter
    /// is reported, in the order `output`, `from`, `mode`, `target`, then the others.
    pub fn from_params<N, V>(
        parameters: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Self, QueryError>
    where
        N: AsRef<str>,
        V: Into<String>,
    {
        let given = Given::collect(parameters);
        let output = given.output()?;
        let table = given
            .keyword("from", |text| {
                Table::named(text).ok_or_else(|| unknown_table(text))
            })?
            .ok_or(QueryError::Missing { parameter: "from" })?;
        let mode = given.keyword("mode", |text| {
            text.parse::<Mode>()
                .map_err(|error| Misreading::whole(error.to_string()))
        })?;
        let target = given
            .parse("target", |text| {
                Target::parse(text, mode.unwrap_or(Mode::Exact))
                    .map_err(|error| Misreading::whole(error.to_string()))
            })?
            .ok_or(QueryError::Missing {
                parameter: "target",
            })?;
        let select = given.parse("select", |text| parse_select(text, table))?;
        let where_filter =
            given.parse("where", |text| Filter::parse(text, Clause::Where, table))?;
        let having = given.parse("having", |text| Filter::parse(text, Clause::Having, table))?;
        let order_by = given.parse("order_by", |text| parse_order(text, table))?;
        let limit = given.parse("limit", |text| {
            parse_number(text, LIMIT_MAX.into())
                .map(|limit| u32::try_from(limit).unwrap_or(LIMIT_MAX))
        })?;
        let offset = given.parse("offset", |text| parse_number(text, u64::MAX))?;
        let history = given.keyword("history", |text| {
            text.parse::<History>()
                .map_err(|error| Misreading::whole(error.to_string()))
        })?;
        let dry_run = given.parse("dry_run", parse_switch)?;
        Ok(Self {
            table,
            target,
            select_all: given.value("select").is_none_or(|text| text.trim() == "*"),
            select: select.unwrap_or_else(|| table.columns_of(Clause::Select).collect()),
            where_filter: where_filter.unwrap_or_default(),
            having: having.unwrap_or_default(),
            order_by: order_by.unwrap_or_default(),
            limit: limit.unwrap_or(LIMIT_DEFAULT),
            offset: offset.unwrap_or(0),
            output: output.unwrap_or_default(),
            history: history.unwrap_or_default(),
            dry_run: dry_run.unwrap_or(false),
            token: given.value("token").map(|text| Token(text.to_owned())),
        })
    }

    /// What of parameters matters to an answer that is about no target: the format, and whether only cost and
    /// number of results are wanted.
    ///
    /// # Errors
    /// As [`from_params`](Self::from_params), of these two.
    pub fn form_of<N, V>(
        parameters: impl IntoIterator<Item = (N, V)>,
    ) -> Result<(Output, bool), QueryError>
    where
        N: AsRef<str>,
        V: Into<String>,
    {
        let given = Given::collect(parameters);
        let output = given.output()?.unwrap_or_default();
        let dry_run = given.parse("dry_run", parse_switch)?;
        Ok((output, dry_run.unwrap_or(false)))
    }

    /// The first parameter that names a column of a field, `*` apart.
    pub(crate) fn names(&self, field: Field) -> Option<&'static str> {
        let is_of = |column: &Column| column.field == field;
        let tests = |filter: &Filter| filter.conditions().iter().any(|c| is_of(c.column()));
        if !self.select_all && self.select.iter().any(|column| is_of(column)) {
            Some("select")
        } else if tests(&self.where_filter) {
            Some("where")
        } else if tests(&self.having) {
            Some("having")
        } else if self.order_by.iter().any(|key| is_of(key.column)) {
            Some("order_by")
        } else {
            None
        }
    }

    /// What an answer with that many results costs, in account rows. A clause costs once, however
    /// many conditions it has.
    #[must_use]
    pub fn cost(&self, results: u64) -> u64 {
        let prices = &self.table.prices;
        let clause = |filter: &Filter, price| if filter.is_empty() { 0 } else { price };
        results
            .saturating_mul(prices.five_results)
            .div_ceil(5)
            .saturating_add(prices.request)
            .saturating_add(clause(&self.where_filter, prices.where_clause))
            .saturating_add(clause(&self.having, prices.having_clause))
    }
}

/// All parameters that a request may have.
const PARAMETERS: [&str; 13] = [
    "output", "from", "mode", "target", "select", "where", "having", "order_by", "limit", "offset",
    "history", "dry_run", "token",
];

/// The values that are there, by the position in [`PARAMETERS`].
struct Given([Option<String>; PARAMETERS.len()]);

impl Given {
    fn collect<N: AsRef<str>, V: Into<String>>(
        parameters: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let mut given = Self(std::array::from_fn(|_| None));
        for (name, value) in parameters {
            let known = PARAMETERS
                .iter()
                .position(|known| known.eq_ignore_ascii_case(name.as_ref()));
            let Some(slot) = known.and_then(|i| given.0.get_mut(i)) else {
                continue;
            };
            let value = value.into();
            if !value.trim().is_empty() {
                *slot = Some(value);
            }
        }
        given
    }

    fn value(&self, parameter: &'static str) -> Option<&str> {
        let i = PARAMETERS.iter().position(|known| *known == parameter)?;
        self.0.get(i)?.as_deref()
    }

    fn output(&self) -> Result<Option<Output>, QueryError> {
        self.keyword("output", |text| text.parse().map_err(Misreading::whole))
    }

    /// A value that is one word, without the spaces around it.
    fn keyword<T>(
        &self,
        parameter: &'static str,
        parse: impl FnOnce(&str) -> Result<T, Misreading>,
    ) -> Result<Option<T>, QueryError> {
        self.parse(parameter, |text| parse(text.trim()))
    }

    fn parse<T>(
        &self,
        parameter: &'static str,
        parse: impl FnOnce(&str) -> Result<T, Misreading>,
    ) -> Result<Option<T>, QueryError> {
        self.value(parameter)
            .map(parse)
            .transpose()
            .map_err(|why| why.of(parameter))
    }
}

fn unknown_table(text: &str) -> Misreading {
    let allowed = Table::ALL.map(|table| table.name).join(", ");
    Misreading::whole(format!(
        "there is no table '{}'; allowed: {allowed}",
        shown(text)
    ))
}

fn parse_number(text: &str, max: u64) -> Result<u64, Misreading> {
    let digits = text.trim();
    // `parse` alone would take a sign.
    digits
        .bytes()
        .all(|b| b.is_ascii_digit())
        .then(|| digits.parse().ok())
        .flatten()
        .filter(|number| *number <= max)
        .ok_or_else(|| {
            Misreading::whole(format!("'{}' is no integer from 0 to {max}", shown(digits)))
        })
}

fn parse_switch(text: &str) -> Result<bool, Misreading> {
    let word = text.trim();
    if word == "1" || word.eq_ignore_ascii_case("true") {
        Ok(true)
    } else if word == "0" || word.eq_ignore_ascii_case("false") {
        Ok(false)
    } else {
        Err(Misreading::whole(format!(
            "'{}' is no switch; allowed: 1, 0, true, false",
            shown(word)
        )))
    }
}
