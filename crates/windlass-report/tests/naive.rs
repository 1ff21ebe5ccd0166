//! The engine against the plainest possible reading of R15–R20, on random backlinks and queries.
#![allow(missing_docs, clippy::unwrap_used)]

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::sample::select;
use windlass_index::TargetRowsBuilder;
use windlass_links::CaptureTime;
use windlass_report::{Emptiness, Query, run, write};

const ANCHORS: [&str; 9] = [
    "",
    "a",
    "a b",
    "ba a a",
    "b-a",
    "a\u{301} b",
    "é a",
    "\"q\\\"",
    "½a",
];
const REFDOMAINS: [&str; 4] = ["a.example", "b.example", "x.b.example", "notb.example"];
const DAY: u32 = 86_400;

#[derive(Debug, Clone)]
struct Backlink {
    anchor: &'static str,
    page: u32,
    first_seen: u32,
    last_visited: u32,
}

impl Backlink {
    fn refdomain(&self) -> &'static str {
        REFDOMAINS[self.page as usize % REFDOMAINS.len()]
    }
}

/// A row (R15) or group (R17): only `refdomain` or `refdomains` means something, respectively.
#[derive(Debug, Clone)]
struct Tally {
    anchor: &'static str,
    refdomain: &'static str,
    refdomains: u64,
    backlinks: u64,
    refpages: u64,
    first_seen: u32,
    last_visited: u32,
}

fn tally(links: &[&Backlink]) -> Tally {
    let distinct = |of: &dyn Fn(&Backlink) -> String| {
        links.iter().map(|l| of(l)).collect::<BTreeSet<_>>().len() as u64
    };
    Tally {
        anchor: links[0].anchor,
        refdomain: links[0].refdomain(),
        refdomains: distinct(&|l| l.refdomain().to_owned()),
        backlinks: links.len() as u64,
        refpages: distinct(&|l| l.page.to_string()),
        first_seen: links.iter().map(|l| l.first_seen).min().unwrap(),
        last_visited: links.iter().map(|l| l.last_visited).max().unwrap(),
    }
}

#[derive(Debug, Clone)]
enum Condition {
    Text(&'static str, &'static str, &'static str),
    Number(&'static str, &'static str, u64),
    /// Seconds, and whether the bare day is meant.
    Date(&'static str, &'static str, u32, bool),
    Call(&'static str, &'static str, &'static str),
}

fn time(seconds: u32) -> String {
    CaptureTime::from_unix(seconds).to_string()
}

fn holds(operator: &str, ordering: Ordering) -> bool {
    match operator {
        "=" | ":" => ordering.is_eq(),
        "<>" => ordering.is_ne(),
        "<" => ordering.is_lt(),
        "<=" => ordering.is_le(),
        ">" => ordering.is_gt(),
        ">=" => ordering.is_ge(),
        other => unreachable!("{other}"),
    }
}

/// Letters, digits and marks among the characters that occur here.
fn is_of_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == 'é' || c == '\u{301}'
}

fn has_word(text: &str, word: &str) -> bool {
    let (text, word): (Vec<char>, Vec<char>) = (text.chars().collect(), word.chars().collect());
    (0..=text.len()).any(|i| {
        text[i..].starts_with(&word)
            && (i == 0 || !is_of_word(text[i - 1]))
            && text.get(i + word.len()).is_none_or(|c| !is_of_word(*c))
    })
}

impl Condition {
    fn text(&self) -> String {
        let quoted =
            |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
        match self {
            Self::Text(column, operator, value) => format!("{column}{operator}{}", quoted(value)),
            Self::Number(column, operator, value) => format!("{column}{operator}{value}"),
            Self::Date(column, operator, at, true) => {
                format!("{column}{operator}\"{}\"", &time(*at)[..10])
            }
            Self::Date(column, operator, at, false) => {
                format!("{column}{operator}\"{}\"", time(*at))
            }
            Self::Call(function, column, value) => {
                format!("{function}({column},{})", quoted(value))
            }
        }
    }

    fn passes(&self, of: &Tally) -> bool {
        let string = |column: &str| match column {
            "anchor" => of.anchor,
            "refdomain" => of.refdomain,
            other => unreachable!("{other}"),
        };
        match self {
            Self::Text(column, operator, value) => holds(operator, string(column).cmp(value)),
            Self::Number(column, operator, value) => holds(operator, number(of, column).cmp(value)),
            Self::Date(column, operator, at, whole_day) => {
                let found = number(of, column);
                let at = u64::from(*at);
                let found_unit = if *whole_day { found / 86_400 } else { found };
                let unit = if *whole_day { at / 86_400 } else { at };
                holds(operator, found_unit.cmp(&unit))
            }
            Self::Call("substring", column, value) => string(column).contains(value),
            Self::Call("word", column, value) => has_word(string(column), value),
            Self::Call("subdomain", column, value) => {
                let found = string(column);
                found == *value || found.ends_with(&format!(".{value}"))
            }
            Self::Call(other, ..) => unreachable!("{other}"),
        }
    }
}

fn number(of: &Tally, column: &str) -> u64 {
    match column {
        "backlinks" => of.backlinks,
        "refpages" => of.refpages,
        "refdomains" => of.refdomains,
        "first_seen" => of.first_seen.into(),
        "last_visited" => of.last_visited.into(),
        other => unreachable!("{other}"),
    }
}

/// The body, and why it is empty.
fn naive(links: &[Backlink], asked: &Asked) -> (String, Option<Emptiness>) {
    let mut rows: BTreeMap<(&str, &str), Vec<&Backlink>> = BTreeMap::new();
    for link in links {
        rows.entry((link.anchor, link.refdomain()))
            .or_default()
            .push(link);
    }
    rows.retain(|_, links| asked.filter.iter().all(|c| c.passes(&tally(links))));
    let chosen: Vec<&Backlink> = rows.into_values().flatten().collect();
    let mut groups: BTreeMap<&str, Vec<&Backlink>> = BTreeMap::new();
    for link in &chosen {
        groups.entry(link.anchor).or_default().push(link);
    }
    let mut groups: Vec<Tally> = groups.values().map(|links| tally(links)).collect();
    groups.retain(|group| asked.having.iter().all(|c| c.passes(group)));
    let emptiness = match (links.is_empty(), groups.is_empty()) {
        (_, false) => None,
        (true, true) => Some(Emptiness::NoBacklinks),
        (false, true) => Some(Emptiness::FilteredOut),
    };
    groups.sort_by(|a, b| {
        for (column, descending) in &asked.order {
            let ordering = match *column {
                "anchor" => a.anchor.cmp(b.anchor),
                column => number(a, column).cmp(&number(b, column)),
            };
            let ordering = if *descending {
                ordering.reverse()
            } else {
                ordering
            };
            if ordering.is_ne() {
                return ordering;
            }
        }
        a.anchor.cmp(b.anchor)
    });
    let shown: Vec<String> = groups
        .iter()
        .skip(asked.offset)
        .take(asked.limit)
        .map(|g| {
            format!(
                r#"{{"anchor":"{}","backlinks":{},"refpages":{},"refdomains":{},"first_seen":"{}","last_visited":"{}"}}"#,
                g.anchor.replace('\\', "\\\\").replace('"', "\\\""),
                g.backlinks,
                g.refpages,
                g.refdomains,
                time(g.first_seen),
                time(g.last_visited)
            )
        })
        .collect();
    let pages: BTreeSet<u32> = chosen.iter().map(|link| link.page).collect();
    let body = format!(
        r#"{{"anchors":[{}],"stats":{{"backlinks":{},"refpages":{}}}}}"#,
        shown.join(","),
        chosen.len(),
        pages.len()
    );
    (body, emptiness)
}

#[derive(Debug, Clone)]
struct Asked {
    filter: Vec<Condition>,
    having: Vec<Condition>,
    order: Vec<(&'static str, bool)>,
    offset: usize,
    limit: usize,
}

fn any_backlink() -> impl Strategy<Value = Backlink> {
    (select(&ANCHORS[..]), 0u32..12, 0u32..DAY * 3, 0u32..DAY).prop_map(
        |(anchor, page, first_seen, later)| Backlink {
            anchor,
            page,
            first_seen,
            last_visited: first_seen + later,
        },
    )
}

fn conditions(
    strings: &'static [&'static str],
    numbers: &'static [&'static str],
    calls: &'static [(&'static str, &'static str)],
) -> impl Strategy<Value = Vec<Condition>> {
    let operator = || select(vec!["=", ":", "<>", "<", "<=", ">", ">="]);
    let text = || select([&ANCHORS[..], &REFDOMAINS[..], &["b", "example"]].concat());
    let condition = prop_oneof![
        (select(strings), operator(), text()).prop_map(|(c, o, v)| Condition::Text(c, o, v)),
        (select(numbers), operator(), 0u64..5).prop_map(|(c, o, v)| Condition::Number(c, o, v)),
        (
            select(vec!["first_seen", "last_visited"]),
            operator(),
            0u32..DAY * 4,
            any::<bool>()
        )
            .prop_map(|(c, o, v, day)| Condition::Date(c, o, v, day)),
        (select(calls), text()).prop_map(|((f, c), v)| Condition::Call(f, c, v)),
    ];
    prop::collection::vec(condition, 0..3)
}

fn any_asked() -> impl Strategy<Value = Asked> {
    let order = (
        select(vec![
            "anchor",
            "backlinks",
            "refpages",
            "refdomains",
            "first_seen",
            "last_visited",
        ]),
        any::<bool>(),
    );
    (
        conditions(
            &["anchor", "refdomain"],
            &["backlinks", "refpages"],
            &[
                ("word", "anchor"),
                ("substring", "anchor"),
                ("word", "refdomain"),
                ("substring", "refdomain"),
                ("subdomain", "refdomain"),
            ],
        ),
        conditions(
            &["anchor"],
            &["backlinks", "refpages", "refdomains"],
            &[("word", "anchor"), ("substring", "anchor")],
        ),
        prop::collection::vec(order, 0..3),
        0usize..5,
        0usize..6,
    )
        .prop_map(|(filter, having, order, offset, limit)| Asked {
            filter,
            having,
            order,
            offset,
            limit,
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn r15_to_r20_as_the_naive_reading(
        links in prop::collection::vec(any_backlink(), 0..40),
        asked in any_asked(),
    ) {
        let mut builder = TargetRowsBuilder::default();
        for link in &links {
            builder.add(
                link.anchor,
                link.refdomain(),
                link.page,
                CaptureTime::from_unix(link.first_seen),
                CaptureTime::from_unix(link.last_visited),
            );
        }
        let list = |conditions: &[Condition]| {
            conditions.iter().map(Condition::text).collect::<Vec<_>>().join(",")
        };
        let order: Vec<String> = asked
            .order
            .iter()
            .map(|(column, down)| if *down { format!("{column}:desc") } else { (*column).to_owned() })
            .collect();
        let query = Query::from_params([
            ("from", "anchors".to_owned()),
            ("target", "t.example".to_owned()),
            ("where", list(&asked.filter)),
            ("having", list(&asked.having)),
            ("order_by", order.join(",")),
            ("offset", asked.offset.to_string()),
            ("limit", asked.limit.to_string()),
        ]).unwrap();
        let rows = builder.build();
        let report = run(&query, &rows).unwrap();
        let mut body = Vec::new();
        write::report(&report, query.output, &mut body).unwrap();
        let (expected, emptiness) = naive(&links, &asked);
        prop_assert_eq!(String::from_utf8(body).unwrap(), expected);
        prop_assert_eq!(report.emptiness(), emptiness);
        let clause = |conditions: &[Condition]| if conditions.is_empty() { 0 } else { 5 };
        prop_assert_eq!(
            report.rows_cost(),
            1 + report.results() + clause(&asked.filter) + clause(&asked.having)
        );
    }
}

#[test]
fn r20_an_unknown_host_is_told_apart() {
    let query = Query::from_params([("from", "anchors"), ("target", "t.example")]).unwrap();
    let rows = windlass_index::TargetRows::default();
    assert_eq!(
        run(&query, &rows).unwrap().emptiness(),
        Some(Emptiness::HostUnknown)
    );
}

#[test]
fn a_cancelled_run_says_so() {
    let query = Query::from_params([("from", "anchors"), ("target", "t.example")]).unwrap();
    let rows = windlass_index::TargetRows::default();
    let cancel = std::sync::atomic::AtomicBool::new(true);
    assert!(windlass_report::run_cancellable(&query, &rows, &cancel).is_err());
}
