//! The canonical spelling of conditions: what parses to the same.

use std::fmt::{self, Write};

use super::{Condition, DateValue, Filter, Value};

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, condition) in self.conditions.iter().enumerate() {
            if i > 0 {
                f.write_char(',')?;
            }
            condition.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Compare {
                column,
                operator,
                value,
            } => write!(f, "{}{}{value}", column.name, operator.symbol()),
            Self::Call {
                function,
                column,
                text,
            } => {
                write!(f, "{}({},", function.name(), column.name)?;
                write_quoted(f, text)?;
                f.write_char(')')
            }
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write_quoted(f, text),
            Self::Integer(number) => number.fmt(f),
            Self::Boolean(is_true) => is_true.fmt(f),
            Self::Date(DateValue::Moment(time)) => write!(f, "\"{time}\""),
            Self::Date(DateValue::Day(start)) => {
                let text = start.to_string();
                write!(f, "\"{}\"", text.split('T').next().unwrap_or_default())
            }
        }
    }
}

fn write_quoted(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('"')?;
    for c in text.chars() {
        match c {
            '"' | '\\' => write!(f, "\\{c}")?,
            '\0' => f.write_str("\\0")?,
            c => f.write_char(c)?,
        }
    }
    f.write_char('"')
}
