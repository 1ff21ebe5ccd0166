//! Conditions of `where` and `having`.

mod matcher;
mod parse;
mod show;
#[cfg(test)]
mod tests;
mod text;

pub(crate) use matcher::{Matcher, Subject};
pub(crate) use parse::column_for;
pub(crate) use text::is_of_word;

use windlass_links::CaptureTime;

use crate::error::Misreading;
use crate::table::{Clause, Column, Field, Table};

/// Conditions of which all must hold; none, in an absent parameter.
///
/// Shown in a canonical spelling that parses to the same filter.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    conditions: Vec<Condition>,
}

impl Filter {
    /// Reads the conditions of a clause.
    ///
    /// ```text
    /// filter    := condition ("," condition)*
    /// condition := column op value | func "(" column "," value ")" | column ":" value
    /// op        := "=" | "<>" | "<" | "<=" | ">" | ">="
    /// func      := "substring" | "word" | "subdomain"
    /// value     := '"' chars '"' | "'" chars "'" | bare
    /// ```
    /// A backslash in quotes makes the next character literal, but `\0` is U+0000. A bare value ends
    /// before white space and `, ( ) " ' < > =`. White space may surround every token.
    ///
    /// # Errors
    /// Says what was found at which character, and what is allowed there. No text makes it panic,
    /// and time grows linearly with the text.
    pub fn parse(text: &str, clause: Clause, table: &'static Table) -> Result<Self, Misreading> {
        parse::filter(text, clause, table).map(|conditions| Self { conditions })
    }

    /// These conditions, and one more.
    pub(crate) fn and(&self, condition: Condition) -> Self {
        let mut conditions = self.conditions.clone();
        conditions.push(condition);
        Self { conditions }
    }

    /// Those of the conditions that look at a column.
    pub(crate) fn of_column(&self, field: Field) -> Self {
        let looks_there = |condition: &&Condition| condition.column().field == field;
        Self {
            conditions: self
                .conditions
                .iter()
                .filter(looks_there)
                .cloned()
                .collect(),
        }
    }

    /// Whether there is no condition.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.conditions.is_empty()
    }

    /// The conditions.
    #[must_use]
    pub fn conditions(&self) -> &[Condition] {
        &self.conditions
    }
}

/// One condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// `column op value`.
    Compare {
        /// The column.
        column: &'static Column,
        /// The operator.
        operator: Operator,
        /// What the column is compared with, of the column's type.
        value: Value,
    },
    /// `function(column, "text")`.
    Call {
        /// The function.
        function: Function,
        /// The column.
        column: &'static Column,
        /// What is looked for, folded or lowered as the column's type asks.
        text: String,
    },
}

impl Condition {
    /// The column that it looks at.
    #[must_use]
    pub const fn column(&self) -> &'static Column {
        match self {
            Self::Compare { column, .. } | Self::Call { column, .. } => column,
        }
    }
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `=` or `:`.
    Equal,
    /// `<>`.
    NotEqual,
    /// `<`.
    Less,
    /// `<=`.
    LessOrEqual,
    /// `>`.
    Greater,
    /// `>=`.
    GreaterOrEqual,
}

impl Operator {
    /// All of them, longer spellings before those that begin them.
    pub const ALL: [Self; 6] = [
        Self::NotEqual,
        Self::LessOrEqual,
        Self::GreaterOrEqual,
        Self::Equal,
        Self::Less,
        Self::Greater,
    ];

    /// Whether it asks for equality alone, and not for an order.
    #[must_use]
    pub const fn is_equality(self) -> bool {
        matches!(self, Self::Equal | Self::NotEqual)
    }

    /// As written.
    #[must_use]
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "<>",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }
}

/// A test of a string column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// The text occurs in the column.
    Substring,
    /// The text occurs with no letter, digit or mark (Unicode) directly before or after it.
    Word,
    /// The column's host is the text, or below it.
    Subdomain,
}

impl Function {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Substring, Self::Word, Self::Subdomain];

    /// The keyword.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Substring => "substring",
            Self::Word => "word",
            Self::Subdomain => "subdomain",
        }
    }
}

/// What a column is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// For a string column: folded or lowered where its type asks for that. For a kind: its name.
    Text(String),
    /// For an integer column.
    Integer(i64),
    /// For a date column.
    Date(DateValue),
    /// For a boolean column.
    Boolean(bool),
}

/// A date as a condition names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateValue {
    /// One second.
    Moment(CaptureTime),
    /// All seconds of the day that begins then.
    Day(CaptureTime),
}

impl DateValue {
    /// The first second that it stands for.
    #[must_use]
    pub const fn first(self) -> CaptureTime {
        match self {
            Self::Moment(time) | Self::Day(time) => time,
        }
    }

    /// The last second that it stands for.
    #[must_use]
    pub const fn last(self) -> CaptureTime {
        match self {
            Self::Moment(time) => time,
            // The last day that there is ends with the last second that there is.
            Self::Day(start) => CaptureTime::from_unix(start.unix().saturating_add(86_399)),
        }
    }
}
