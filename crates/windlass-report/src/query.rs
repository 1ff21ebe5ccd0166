//! A request, parsed and checked.

use windlass_links::{History, Mode, Target};

use crate::columns::{OrderKey, parse_order, parse_select};
use crate::error::{Misreading, QueryError, shown};
use crate::filter::Filter;
use crate::output::Output;
use crate::parameters::Parameters;
use crate::table::{Clause, Column, Field, Table};

/// The number of results where the request names none.
pub const LIMIT_DEFAULT: u32 = 1000;
/// The largest number of results that a request may ask for.
pub const LIMIT_MAX: u32 = 5_000_000;

/// A request: everything that decides an answer.
#[derive(Debug, Clone)]
pub struct Query {
    /// What `from` names.
    pub table: &'static Table,
    /// Whose backlinks (R16).
    pub target: Target,
    /// The columns returned, in table order.
    pub select: Vec<&'static Column>,
    /// Those of them that the request names; the others came with `*`.
    pub select_named: Vec<&'static Column>,
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
}

impl Query {
    /// All parameters that decide an answer. The token, which says who asks, does not.
    pub const PARAMETERS: [&str; 12] = [
        "output", "from", "mode", "target", "select", "where", "having", "order_by", "limit",
        "offset", "history", "dry_run",
    ];

    /// Reads decoded [`Parameters`], in the order in which they came.
    ///
    /// # Errors
    /// As [`of`](Self::of).
    pub fn from_params<N: Into<String>, V: Into<String>>(
        parameters: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Self, QueryError> {
        Self::of(&parameters.into_iter().collect())
    }

    /// Reads parameters. Keywords are case-insensitive; unknown names are ignored.
    ///
    /// # Errors
    /// Names the parameter, and says what was found and what is allowed. The first wrong parameter
    /// is reported, in the order `output`, `from`, `mode`, `target`, then the others.
    pub fn of(parameters: &Parameters) -> Result<Self, QueryError> {
        let given = Given(parameters);
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
        let all = || (table.columns_of(Clause::Select).collect(), Vec::new());
        let select = given.parse("select", |text| parse_select(text, table))?;
        let (select, select_named) = select.unwrap_or_else(all);
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
            select,
            select_named,
            where_filter: where_filter.unwrap_or_default(),
            having: having.unwrap_or_default(),
            order_by: order_by.unwrap_or_default(),
            limit: limit.unwrap_or(LIMIT_DEFAULT),
            offset: offset.unwrap_or(0),
            output: output.unwrap_or_default(),
            history: history.unwrap_or_default(),
            dry_run: dry_run.unwrap_or(false),
        })
    }

    /// What of parameters matters to an answer that is about no target: the format, and whether only cost and
    /// number of results are wanted.
    ///
    /// # Errors
    /// As [`of`](Self::of), of these two.
    pub fn form_of(parameters: &Parameters) -> Result<(Output, bool), QueryError> {
        let given = Given(parameters);
        let output = given.output()?.unwrap_or_default();
        let dry_run = given.parse("dry_run", parse_switch)?;
        Ok((output, dry_run.unwrap_or(false)))
    }

    /// The first parameter that names a column of a field, `*` apart.
    pub(crate) fn names(&self, field: Field) -> Option<&'static str> {
        let is_of = |column: &Column| column.field == field;
        let tests = |filter: &Filter| filter.conditions().iter().any(|c| is_of(c.column()));
        if self.select_named.iter().any(|column| is_of(column)) {
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

/// Parameters, to be read one by one.
struct Given<'a>(&'a Parameters);

impl Given<'_> {
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
        self.0
            .value(parameter)
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
