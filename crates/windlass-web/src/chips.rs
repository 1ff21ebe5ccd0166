//! Filters as people read them, each with the address that takes it away.

use windlass_report::ColumnType;
use windlass_report::filter::{Condition, Function, Operator};

use crate::state::{FilterKind, ReportState};

/// One condition.
#[derive(Debug)]
pub(crate) struct Chip {
    pub(crate) text: String,
    pub(crate) without: String,
}

/// The conditions of a list, which is read once: each address takes as long as it is.
pub(crate) fn chips(state: &ReportState, kind: FilterKind, path: &str) -> Vec<Chip> {
    let conditions = state.conditions(kind);
    let chip = |(at, condition): (usize, &Condition)| {
        let (before, behind) = (conditions.iter().take(at), conditions.iter().skip(at + 1));
        Chip {
            text: words(condition),
            without: state.with_conditions(kind, before.chain(behind)).href(path),
        }
    };
    conditions.iter().enumerate().map(chip).collect()
}

/// A condition in words.
fn words(condition: &Condition) -> String {
    let column = title(condition.column().name);
    match condition {
        Condition::Compare {
            operator, value, ..
        } => {
            let is_date = condition.column().column_type == ColumnType::Date;
            let operator = match (operator, is_date) {
                (Operator::Equal, _) => "is",
                (Operator::NotEqual, _) => "is not",
                (Operator::Less, true) => "before",
                (Operator::LessOrEqual, true) => "until",
                (Operator::Greater, true) => "after",
                (Operator::GreaterOrEqual, true) => "since",
                (Operator::Less, false) => "<",
                (Operator::LessOrEqual, false) => "≤",
                (Operator::Greater, false) => ">",
                (Operator::GreaterOrEqual, false) => "≥",
            };
            match value.to_string().as_str() {
                "\"\"" => format!("{column} {operator} empty"),
                value => format!("{column} {operator} {value}"),
            }
        }
        Condition::Call { function, text, .. } => {
            let function = match function {
                Function::Substring => "contains",
                Function::Word => "has the word",
                Function::Subdomain => "is or is below",
            };
            format!("{column} {function} \"{text}\"")
        }
    }
}

/// A column's name as people say it.
pub(crate) fn title(column: &str) -> &str {
    match column {
        "anchor" => "Anchor",
        "kind" => "Kind",
        "backlinks" => "Backlinks",
        "refpages" => "Referring pages",
        "refdomain" => "Referring domain",
        "refdomains" => "Referring domains",
        "first_seen" => "First seen",
        "last_visited" => "Last visited",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_chip_takes_its_condition_away_and_no_other() {
        let state = ReportState {
            target: "a.com".to_owned(),
            having: "backlinks>=2,substring(anchor,\"a,b\"),anchor<>\"\"".to_owned(),
            offset: "50".to_owned(),
            ..ReportState::default()
        };
        let chips = chips(&state, FilterKind::Having, "/report");
        let found: Vec<(&str, &str)> = chips
            .iter()
            .map(|chip| (chip.text.as_str(), chip.without.as_str()))
            .collect();
        let without = |having: &str| {
            let state = ReportState {
                having: having.to_owned(),
                offset: String::new(),
                ..state.clone()
            };
            state.href("/report")
        };
        let (first, second, third) = (
            without("substring(anchor,\"a,b\"),anchor<>\"\""),
            without("backlinks>=2,anchor<>\"\""),
            without("backlinks>=2,substring(anchor,\"a,b\")"),
        );
        assert_eq!(
            found,
            [
                ("Backlinks ≥ 2", first.as_str()),
                ("Anchor contains \"a,b\"", second.as_str()),
                ("Anchor is not empty", third.as_str()),
            ]
        );
    }
}
