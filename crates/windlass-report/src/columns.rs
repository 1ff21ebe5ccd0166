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

/// The columns of an answer, in table order, each once.
pub(crate) fn parse_select(
    text: &str,
    table: &'static Table,
) -> Result<Vec<&'static Column>, Misreading> {
    let mut chosen = Vec::new();
    for (at, item) in items(text) {
        if item == "*" {
            chosen.extend(table.columns_of(Clause::Select));
            continue;
        }
        let column = column_for(table, Clause::Select, item)
            .map_err(|what| Misreading::at(text, at, what))?;
        chosen.push(column);
    }
    Ok(table
        .columns_of(Clause::Select)
        .filter(|column| chosen.contains(column))
        .collect())
}

/// The keys of an order, most significant first.
pub(crate) fn parse_order(text: &str, table: &'static Table) -> Result<Vec<OrderKey>, Misreading> {
    items(text)
        .map(|(at, item)| {
            let (name, direction) = match item.split_once(':') {
                None => (item, Direction::Ascending),
                Some((name, word)) => {
                    let word_at = at + name.len() + 1;
                    (
                        name.trim_end(),
                        direction(word.trim())
                            .map_err(|what| Misreading::at(text, word_at, what))?,
                    )
                }
            };
            let column = column_for(table, Clause::OrderBy, name)
                .map_err(|what| Misreading::at(text, at, what))?;
            Ok(OrderKey { column, direction })
        })
        .collect()
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
