//! The grammar of conditions, by recursive descent over the characters.

use windlass_links::anchor::fold;

use super::{Condition, DateValue, Function, Operator, Value};
use crate::error::{Misreading, shown};
use crate::kind::AnchorKind;
use crate::table::{Clause, Column, ColumnType, Table, name_list};

/// How many conditions a clause may have: each takes its time for all that is looked at.
const CONDITIONS_MAX: usize = 1_000;

/// Characters that a bare value cannot hold, besides white space.
const BARE_ENDS: &[char] = &[',', '(', ')', '"', '\'', '<', '>', '='];

pub(super) fn filter(
    text: &str,
    clause: Clause,
    table: &'static Table,
) -> Result<Vec<Condition>, Misreading> {
    let mut parser = Parser {
        text,
        at: 0,
        clause,
        table,
    };
    let mut conditions = vec![parser.condition()?];
    loop {
        parser.skip_space();
        if parser.rest().is_empty() {
            return Ok(conditions);
        }
        if conditions.len() == CONDITIONS_MAX {
            let what = format!("more than {CONDITIONS_MAX} conditions; ask with fewer");
            return Err(parser.error(parser.at, what));
        }
        if !parser.take(",") {
            return Err(parser.expected("',' and another condition, or the end"));
        }
        conditions.push(parser.condition()?);
    }
}

struct Parser<'a> {
    text: &'a str,
    /// Byte offset of what comes next; always a character boundary.
    at: usize,
    clause: Clause,
    table: &'static Table,
}

/// A value as written, unescaped.
struct Written {
    text: String,
    /// Byte offset of its first character, or of its quote.
    at: usize,
}

impl<'a> Parser<'a> {
    fn condition(&mut self) -> Result<Condition, Misreading> {
        let (name, name_at) = self.name("a column or a function")?;
        self.skip_space();
        if self.rest().starts_with('(') {
            return self.call(name, name_at);
        }
        let column = self.column(name, name_at)?;
        let operator = self.operator_for(column)?;
        let written = self.value()?;
        let value = self.convert(column, written)?;
        Ok(Condition::Compare {
            column,
            operator,
            value,
        })
    }

    fn call(&mut self, name: &str, name_at: usize) -> Result<Condition, Misreading> {
        let function = Function::ALL
            .into_iter()
            .find(|function| function.name().eq_ignore_ascii_case(name))
            .ok_or_else(|| {
                let allowed = Function::ALL.map(Function::name).join(", ");
                self.error(
                    name_at,
                    format!("unknown function '{}'; allowed: {allowed}", shown(name)),
                )
            })?;
        self.take("(");
        let (column_name, column_at) = self.name("a column")?;
        let column = self.column(column_name, column_at)?;
        let fits = |column: &Column| match function {
            Function::Substring | Function::Word => column.column_type.is_string(),
            Function::Subdomain => column.column_type.has_host(),
        };
        if !fits(column) {
            let allowed = name_list(self.table.columns_of(self.clause).filter(|c| fits(c)));
            let allowed = if allowed.is_empty() {
                format!("'{}' has none", self.clause)
            } else {
                format!("allowed: {allowed}")
            };
            let kind = match function {
                Function::Substring | Function::Word => "a string",
                Function::Subdomain => "a host",
            };
            return Err(self.error(
                column_at,
                format!(
                    "{}() needs a column that holds {kind}, not '{}'; {allowed}",
                    function.name(),
                    column.name
                ),
            ));
        }
        self.skip_space();
        if !self.take(",") {
            return Err(self.expected("',' and a value"));
        }
        let written = self.value()?;
        self.skip_space();
        if !self.take(")") {
            return Err(self.expected("')'"));
        }
        Ok(Condition::Call {
            function,
            column,
            text: match function {
                Function::Substring | Function::Word => {
                    comparable(column.column_type, written.text)
                }
                Function::Subdomain => comparable(ColumnType::Host, written.text),
            },
        })
    }

    /// A name with the space before it.
    fn name(&mut self, what: &str) -> Result<(&'a str, usize), Misreading> {
        self.skip_space();
        let at = self.at;
        let rest = self.rest();
        let end = rest
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap_or(rest.len());
        let name = rest.get(..end).unwrap_or_default();
        if name.is_empty() {
            return Err(self.expected(what));
        }
        self.at += end;
        Ok((name, at))
    }

    fn column(&self, name: &str, at: usize) -> Result<&'static Column, Misreading> {
        column_for(self.table, self.clause, name).map_err(|what| self.error(at, what))
    }

    fn operator(&mut self) -> Result<Operator, Misreading> {
        self.skip_space();
        if self.take(":") {
            return Ok(Operator::Equal);
        }
        Operator::ALL
            .into_iter()
            .find(|operator| self.take(operator.symbol()))
            .ok_or_else(|| self.expected("one of = <> < <= > >="))
    }

    /// An operator that the column's type has.
    fn operator_for(&mut self, column: &Column) -> Result<Operator, Misreading> {
        self.skip_space();
        let at = self.at;
        let operator = self.operator()?;
        if !column.column_type.has_order() && !operator.is_equality() {
            let what = match column.column_type {
                ColumnType::Kind => "a kind of anchor",
                _ => "true or false",
            };
            return Err(self.error(
                at,
                format!(
                    "'{}' is {what}, which '{}' does not compare; allowed: = and <>",
                    column.name,
                    operator.symbol()
                ),
            ));
        }
        Ok(operator)
    }

    fn value(&mut self) -> Result<Written, Misreading> {
        self.skip_space();
        let at = self.at;
        let text = match self.rest().chars().next() {
            Some(quote @ ('"' | '\'')) => self.quoted(quote)?,
            _ => self.bare()?,
        };
        Ok(Written { text, at })
    }

    fn quoted(&mut self, quote: char) -> Result<String, Misreading> {
        let start = self.at;
        let mut text = String::new();
        let mut chars = self.rest().char_indices().skip(1);
        while let Some((offset, c)) = chars.next() {
            if c == quote {
                self.at += offset + c.len_utf8();
                return Ok(text);
            }
            if c != '\\' {
                text.push(c);
                continue;
            }
            match chars.next() {
                Some((_, '0')) => text.push('\0'),
                Some((_, escaped)) => text.push(escaped),
                None => break,
            }
        }
        Err(self.error(
            start,
            format!("the value that begins with {quote} does not end; {quote} was expected"),
        ))
    }

    fn bare(&mut self) -> Result<String, Misreading> {
        let rest = self.rest();
        let end = rest
            .find(|c: char| c.is_whitespace() || BARE_ENDS.contains(&c))
            .unwrap_or(rest.len());
        if end == 0 {
            return Err(self.expected("a value"));
        }
        self.at += end;
        Ok(rest.get(..end).unwrap_or_default().to_owned())
    }

    fn convert(&self, column: &Column, written: Written) -> Result<Value, Misreading> {
        match column.column_type {
            kind @ (ColumnType::Anchor | ColumnType::Host | ColumnType::Text | ColumnType::Url) => {
                Ok(Value::Text(comparable(kind, written.text)))
            }
            ColumnType::Integer => written.text.parse().map(Value::Integer).map_err(|_| {
                self.error(
                    written.at,
                    format!(
                        "'{}' is no integer, which '{}' is compared with; allowed: {} to {}",
                        shown(&written.text),
                        column.name,
                        i64::MIN,
                        i64::MAX
                    ),
                )
            }),
            ColumnType::Date => written
                .text
                .parse()
                .map(|time| match written.text.contains('T') {
                    true => Value::Date(DateValue::Moment(time)),
                    false => Value::Date(DateValue::Day(time)),
                })
                .map_err(|_| {
                    self.error(
                        written.at,
                        format!(
                            "'{}' is no date, which '{}' is compared with; allowed: YYYY-MM-DD and \
                             YYYY-MM-DDTHH:MM:SSZ, from 1970 to 2106",
                            shown(&written.text),
                            column.name
                        ),
                    )
                }),
            ColumnType::Kind => written
                .text
                .trim()
                .parse()
                .map(|kind: AnchorKind| Value::Text(kind.name().to_owned()))
                .map_err(|error| self.error(written.at, error.to_string())),
            ColumnType::Boolean => boolean(&written.text).map(Value::Boolean).ok_or_else(|| {
                self.error(
                    written.at,
                    format!(
                        "'{}' is no truth value, which '{}' is compared with; allowed: true, \
                         false, 1, 0",
                        shown(&written.text),
                        column.name
                    ),
                )
            }),
        }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn take(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn expected(&self, what: &str) -> Misreading {
        let found = match self.rest().chars().next() {
            Some(c) => format!("'{c}'"),
            None => "the end".to_owned(),
        };
        self.error(self.at, format!("expected {what}, found {found}"))
    }

    fn error(&self, at: usize, what: String) -> Misreading {
        Misreading::at(self.text, at, what)
    }
}

/// The column that a clause names, or what is wrong with the name.
pub(crate) fn column_for(
    table: &'static Table,
    clause: Clause,
    name: &str,
) -> Result<&'static Column, String> {
    let allowed = || match name_list(table.columns_of(clause)) {
        names if names.is_empty() => "no column".to_owned(),
        names => names,
    };
    if let Some(withheld) = table.withheld(name) {
        return Err(format!(
            "column '{}' of table '{}' is not in this index: {}; allowed in '{clause}': {}",
            withheld.name,
            table.name,
            withheld.why,
            allowed()
        ));
    }
    match table.column(name) {
        Some(column) if table.allows(column, clause) => Ok(column),
        Some(column) => Err(format!(
            "column '{}' cannot be used in '{clause}' of table '{}'; allowed: {}",
            column.name,
            table.name,
            allowed()
        )),
        None => Err(format!(
            "table '{}' has no column '{}'; allowed in '{clause}': {}",
            table.name,
            shown(name),
            allowed()
        )),
    }
}

/// A text as it is compared with a string column (R9a).
fn comparable(column_type: ColumnType, text: String) -> String {
    match column_type {
        ColumnType::Anchor => fold(&text),
        ColumnType::Host => text.to_ascii_lowercase(),
        ColumnType::Text
        | ColumnType::Url
        | ColumnType::Integer
        | ColumnType::Date
        | ColumnType::Boolean
        | ColumnType::Kind => text,
    }
}

/// A truth value, in any case.
fn boolean(text: &str) -> Option<bool> {
    if text == "1" || text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text == "0" || text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}
