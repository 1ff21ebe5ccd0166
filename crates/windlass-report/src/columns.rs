//! Lists of columns: `select` and `order_by`.

use crate::error::{Misreading, shown};
use crate::filter::column_for;
use crate::table::{Clause, Column, Table};

/// Which way a column is ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// Smallest first.
    #[default]
    Ascending,
    /// Largest first.
    Descending,
}

/// A column that the answer is ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderKey {
    /// The column.
    pub column: &'static Column,
    /// Which way.
    pub direction: Direction,
}

/// Columns of a table, in its order, each once.
type Columns = Vec<&'static Column>;

/// The columns of an answer, and those of them that are named, `*` apart.
pub(crate) fn parse_select(
    text: &str,
    table: &'static Table,
) -> Result<(Columns, Columns), Misreading> {
    let (mut named, mut takes_all) = (Vec::new(), false);
    for (at, item) in items(text) {
        if item == "*" {
            takes_all = true;
            continue;
        }
        let column = column_for(table, Clause::Select, item)
            .map_err(|what| Misreading::at(text, at, what))?;
        if !named.contains(&column) {
            named.push(column);
        }
    }
    let in_order = |takes_all: bool| {
        let columns = table.columns_of(Clause::Select);
        let columns = columns.filter(|column| takes_all || named.contains(column));
        columns.collect()
    };
    Ok((in_order(takes_all), in_order(false)))
}

/// The keys of an order, most significant first. Of a column that is named twice the first one counts: the others
/// never decide.
pub(crate) fn parse_order(text: &str, table: &'static Table) -> Result<Vec<OrderKey>, Misreading> {
    let mut keys: Vec<OrderKey> = Vec::new();
    for (at, item) in items(text) {
        let (name, word) = match item.split_once(':') {
            None => (item, None),
            Some((name, word)) => (name.trim_end(), Some((at + name.len() + 1, word.trim()))),
        };
        let direction = match word {
            None => Direction::Ascending,
            Some((word_at, word)) => {
                direction(word).map_err(|what| Misreading::at(text, word_at, what))?
            }
        };
        let column = column_for(table, Clause::OrderBy, name)
            .map_err(|what| Misreading::at(text, at, what))?;
        if keys.iter().all(|key| key.column != column) {
            keys.push(OrderKey { column, direction });
        }
    }
    Ok(keys)
}

fn direction(word: &str) -> Result<Direction, String> {
    if word.eq_ignore_ascii_case("asc") {
        Ok(Direction::Ascending)
    } else if word.eq_ignore_ascii_case("desc") {
        Ok(Direction::Descending)
    } else {
        Err(format!(
            "'{}' is no direction; allowed: asc, desc",
            shown(word)
        ))
    }
}

/// The trimmed items of a comma-separated list, each with the byte offset of its start.
fn items(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    text.split(',').map(move |item| {
        let start = at + (item.len() - item.trim_start().len());
        at += item.len() + 1;
        (start, item.trim())
    })
}
