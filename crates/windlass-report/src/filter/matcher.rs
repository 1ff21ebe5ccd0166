//! Filters made ready for many rows: string conditions apart, so that each distinct string is
//! tested once.

use std::cmp::Ordering;
use std::ops::RangeInclusive;

use memchr::memmem::Finder;
use windlass_index::{AnchorStretch, RowBounds};
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
    numbers: Vec<(Field, NumberTest)>,
}

/// A comparison with an integer, a date or a boolean, as a range of numbers: dates are seconds, and a
/// day is all of its own.
struct NumberTest {
    passing: RangeInclusive<u64>,
    /// Whether those outside pass instead.
    is_outside: bool,
}

impl NumberTest {
    fn new(operator: Operator, value: &Value) -> Self {
        let wide = |time: CaptureTime| i128::from(time.unix());
        let (first, last) = match value {
            Value::Integer(number) => (i128::from(*number), i128::from(*number)),
            Value::Date(date) => (wide(date.first()), wide(date.last())),
            Value::Boolean(value) => (i128::from(*value), i128::from(*value)),
            // No number is a text.
            Value::Text(_) => (i128::MAX, i128::MIN),
        };
        let (from, to) = match operator {
            Operator::Equal | Operator::NotEqual => (first, last),
            Operator::Less => (0, first - 1),
            Operator::LessOrEqual => (0, last),
            Operator::Greater => (last + 1, i128::MAX),
            Operator::GreaterOrEqual => (first, i128::MAX),
        };
        let (from, to) = (from.max(0), to.min(u64::MAX.into()));
        // Where there is none between, none passes.
        let range = u64::try_from(from).ok().zip(u64::try_from(to).ok());
        Self {
            passing: range.map_or(RangeInclusive::new(1, 0), |(from, to)| from..=to),
            is_outside: operator == Operator::NotEqual,
        }
    }

    #[inline]
    fn passes(&self, found: u64) -> bool {
        self.passing.contains(&found) != self.is_outside
    }
}

enum StringTest<'a> {
    Compare(Operator, &'a str),
    Equal(Finder<'a>),
    Substring(Finder<'a>),
    Word(text::Word<'a>),
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
                } => {
                    let test = match operator {
                        Operator::Equal => StringTest::Equal(Finder::new(text)),
                        _ => StringTest::Compare(*operator, text),
                    };
                    matcher.strings.push((column.field, test));
                }
                Condition::Compare {
                    column,
                    operator,
                    value,
                } => matcher
                    .numbers
                    .push((column.field, NumberTest::new(*operator, value))),
                Condition::Call {
                    function,
                    column,
                    text,
                } => {
                    let test = match function {
                        Function::Substring => StringTest::Substring(Finder::new(text)),
                        Function::Word => StringTest::Word(text::Word::new(text)),
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

    /// Puts the places of those among a stretch of anchors into a list that pass all conditions on
    /// anchors, and a further one. What must occur in them is looked for in all of them at once.
    pub(crate) fn passing_anchors(
        &self,
        anchors: &AnchorStretch<'_>,
        also: impl Fn(&str) -> bool,
        places: &mut Vec<usize>,
    ) {
        let passes = |at| {
            let text = anchors.get(at);
            self.passes_string(Field::Anchor, text) && also(text)
        };
        let Some(needle) = self.occurs_in(Field::Anchor) else {
            places.extend((0..anchors.len()).filter(|at| passes(*at)));
            return;
        };
        let text = anchors.text().as_bytes();
        let (mut at, mut from) = (0, 0);
        while let Some(found) = text.get(from..).and_then(|rest| needle.find(rest)) {
            let start = from + found;
            at = anchors.place_from(at, start);
            let end = anchors.range(at).end;
            if start + needle.needle().len() > end {
                // Half in this anchor, half in the next, as are all that begin behind it in this one.
                from = end;
                continue;
            }
            if passes(at) {
                places.push(at);
            }
            from = end;
        }
    }

    /// A text that is not empty and occurs in every value of a string column that passes, if there is one.
    fn occurs_in(&self, field: Field) -> Option<&Finder<'a>> {
        let tests = self.strings.iter().filter(|(of, _)| *of == field);
        let finders = tests.filter_map(|(_, test)| match test {
            StringTest::Equal(finder) | StringTest::Substring(finder) => Some(finder),
            StringTest::Word(word) => Some(&word.finder),
            StringTest::Compare(..) | StringTest::Subdomain(_) | StringTest::UrlSubdomain(_) => {
                None
            }
        });
        finders
            .filter(|finder| !finder.needle().is_empty())
            .max_by_key(|finder| finder.needle().len())
    }

    /// Between which numbers those of each row lie that passes, and whether each row between them passes the
    /// conditions on numbers.
    pub(crate) fn row_bounds(&self) -> (RowBounds, bool) {
        let mut bounds = RowBounds::default();
        let mut is_all = true;
        for (field, test) in &self.numbers {
            let (first, last) = (*test.passing.start(), *test.passing.end());
            match field {
                _ if test.is_outside => is_all = false,
                Field::Backlinks => narrow(&mut bounds.backlinks, first..=last),
                Field::FirstSeen => narrow(&mut bounds.first_seen, times(first, last)),
                Field::LastVisited => narrow(&mut bounds.last_visited, times(first, last)),
                _ => is_all = false,
            }
        }
        (bounds, is_all)
    }

    /// Whether a row or group passes all conditions on integers, dates and booleans.
    #[inline]
    pub(crate) fn passes_numbers(&self, subject: &impl Subject) -> bool {
        self.numbers.iter().all(|(field, test)| {
            let number = subject
                .integer(*field)
                .or_else(|| subject.date(*field).map(|time| time.unix().into()))
                .or_else(|| subject.boolean(*field).map(u64::from));
            number.is_some_and(|number| test.passes(number))
        })
    }
}

/// The times between two seconds.
fn times(first: u64, last: u64) -> RangeInclusive<CaptureTime> {
    match u32::try_from(first) {
        Ok(first) => {
            let last = u32::try_from(last).unwrap_or(u32::MAX);
            CaptureTime::from_unix(first)..=CaptureTime::from_unix(last)
        }
        Err(_) => CaptureTime::MAX..=CaptureTime::MIN,
    }
}

/// Leaves what two ranges have in common.
fn narrow<T: Ord + Copy>(range: &mut RangeInclusive<T>, other: RangeInclusive<T>) {
    *range = *range.start().max(other.start())..=*range.end().min(other.end());
}

impl StringTest<'_> {
    fn passes(&self, found: &str) -> bool {
        match self {
            // Strings compare by UTF-8 bytes (R19), as `str` does.
            Self::Compare(operator, text) => operator.holds(found.cmp(text)),
            Self::Equal(finder) => finder.needle() == found.as_bytes(),
            Self::Substring(finder) => finder.find(found.as_bytes()).is_some(),
            Self::Word(word) => word.is_in(found),
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
