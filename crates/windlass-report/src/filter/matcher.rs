//! Filters made ready for many rows: string conditions apart, so that each distinct string is
//! tested once.

use std::cmp::Ordering;

use memchr::memmem::Finder;
use windlass_links::CaptureTime;

use super::{Condition, Filter, Function, Operator, Value, text};
use crate::table::{ColumnType, Field};

/// What the numeric conditions of a filter look at: a row or a group.
pub(crate) trait Subject {
    /// An integer column's value; `None` for a column of another type.
    fn integer(&self, field: Field) -> Option<u64>;
    /// A date column's value; `None` for a column of another type.
    fn date(&self, field: Field) -> Option<CaptureTime>;
    /// A boolean column's value; `None` for a column of another type.
    fn boolean(&self, _field: Field) -> Option<bool> {
        None
    }
}

/// A filter made ready.
pub(crate) struct Matcher<'a> {
    strings: Vec<(Field, StringTest<'a>)>,
    numbers: Vec<(Field, Operator, &'a Value)>,
}

enum StringTest<'a> {
    Compare(Operator, &'a str),
    Substring(Finder<'a>),
    Word(Finder<'a>),
    Subdomain(&'a str),
    /// The same, of a URL's host.
    UrlSubdomain(&'a str),
}

impl<'a> Matcher<'a> {
    pub(crate) fn new(filter: &'a Filter) -> Self {
        let mut matcher = Self {
            strings: Vec::new(),
            numbers: Vec::new(),
        };
        for condition in filter.conditions() {
            match condition {
                Condition::Compare {
                    column,
                    operator,
                    value: Value::Text(text),
                } => matcher
                    .strings
                    .push((column.field, StringTest::Compare(*operator, text))),
                Condition::Compare {
                    column,
                    operator,
                    value,
                } => matcher.numbers.push((column.field, *operator, value)),
                Condition::Call {
                    function,
                    column,
                    text,
                } => {
                    let test = match function {
                        Function::Substring => StringTest::Substring(Finder::new(text)),
                        Function::Word => StringTest::Word(Finder::new(text)),
                        Function::Subdomain if column.column_type == ColumnType::Url => {
                            StringTest::UrlSubdomain(text)
                        }
                        Function::Subdomain => StringTest::Subdomain(text),
                    };
                    matcher.strings.push((column.field, test));
                }
            }
        }
        matcher
    }

    /// Whether a condition looks at that string column.
    pub(crate) fn tests(&self, field: Field) -> bool {
        self.strings.iter().any(|(of, _)| *of == field)
    }

    /// Whether a value of a string column passes all conditions on that column.
    pub(crate) fn passes_string(&self, field: Field, text: &str) -> bool {
        self.strings
            .iter()
            .filter(|(of, _)| *of == field)
            .all(|(_, test)| test.passes(text))
    }

    /// Whether a row or group passes all conditions on integers, dates and booleans.
    pub(crate) fn passes_numbers(&self, subject: &impl Subject) -> bool {
        self.numbers
            .iter()
            .all(|(field, operator, value)| match value {
                Value::Integer(value) => subject
                    .integer(*field)
                    .is_some_and(|found| operator.holds(i128::from(found).cmp(&(*value).into()))),
                Value::Date(value) => subject.date(*field).is_some_and(|found| {
                    let ordering = if found < value.first() {
                        Ordering::Less
                    } else if found > value.last() {
                        Ordering::Greater
                    } else {
                        Ordering::Equal
                    };
                    operator.holds(ordering)
                }),
                Value::Boolean(value) => subject
                    .boolean(*field)
                    .is_some_and(|found| operator.holds(found.cmp(value))),
                Value::Text(_) => false,
            })
    }
}

impl StringTest<'_> {
    fn passes(&self, found: &str) -> bool {
        match self {
            // Strings compare by UTF-8 bytes (R19), as `str` does.
            Self::Compare(operator, text) => operator.holds(found.cmp(text)),
            Self::Substring(finder) => finder.find(found.as_bytes()).is_some(),
            Self::Word(finder) => text::has_word(found, finder),
            Self::Subdomain(domain) => text::is_at_or_below(found, domain),
            Self::UrlSubdomain(domain) => text::is_at_or_below(text::host(found), domain),
        }
    }
}

impl Operator {
    /// Whether the operator holds between a found value and a given one that it compares to so.
    fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::NotEqual => ordering.is_ne(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }
}
