//! The tables against the plain implementation: over one segment, several, and merged.
#![allow(missing_docs, clippy::panic, clippy::unwrap_used)]

#[allow(dead_code, reason = "other tests use the rest")]
mod support;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use proptest::prelude::*;
use windlass_index::Snapshot;
use windlass_links::anchor::fold;
use windlass_links::{Capture, History, Target};
use windlass_reference::fixtures::{arb_captures, arb_history, arb_target, list, time};
use windlass_reference::{PlainRecord, PlainTables, PlainValue, ReferenceIndex};
use windlass_report::{
    AnchorKind, Answer, AnswerLimits, Cell, Clause, Column, ColumnType, Query, Table, answer,
};

use support::{Plan, ingest, ingest_keeping_internal, merge};

const TABLES: [&str; 9] = [
    "anchors",
    "anchors_refdomains",
    "refdomains",
    "backlinks",
    "backlinks_new_lost",
    "linked_anchors",
    "linked_domains",
    "pages",
    "metrics",
];

type Keep = fn(&PlainRecord) -> bool;

fn integer(row: &PlainRecord, column: &str) -> u64 {
    match row.get(column) {
        Some(PlainValue::Integer(number)) => *number,
        other => panic!("{column}: {other:?}"),
    }
}

fn is_text(row: &PlainRecord, column: &str, test: impl Fn(&str) -> bool) -> bool {
    match row.get(column) {
        Some(PlainValue::Text(text)) => test(text),
        Some(PlainValue::Missing) => false,
        other => panic!("{column}: {other:?}"),
    }
}

/// Filters, as they are asked for and as they are plainly said.
fn filters(table: &str) -> &'static [(&'static str, Keep)] {
    match table {
        "anchors" => &[
            ("kind=\"brand\"", |row| {
                is_text(row, "kind", |kind| kind == "brand")
            }),
            ("kind<>generic,kind<>\"Naked-URL\",backlinks>1", |row| {
                is_text(row, "kind", |kind| {
                    !["generic", "naked-url"].contains(&kind)
                }) && integer(row, "backlinks") > 1
            }),
        ],
        "anchors_refdomains" => &[
            ("kind=other,anchor<>\"apple\"", |row| {
                is_text(row, "kind", |kind| kind == "other")
                    && is_text(row, "anchor", |text| text != "apple")
            }),
            ("refdomain=\"example.com\"", |row| {
                is_text(row, "refdomain", |text| text == "example.com")
            }),
            ("backlinks>1,anchor<>\"\"", |row| {
                integer(row, "backlinks") > 1 && is_text(row, "anchor", |text| !text.is_empty())
            }),
        ],
        "refdomains" => &[
            ("refdomain<>\"example.com\"", |row| {
                is_text(row, "refdomain", |text| text != "example.com")
            }),
            ("backlinks>1", |row| integer(row, "backlinks") > 1),
            ("substring(url,\"https\")", |row| {
                is_text(row, "url", |text| text.contains("https"))
            }),
        ],
        "backlinks" | "backlinks_new_lost" => &[
            ("nofollow=true", |row| {
                row.get("nofollow") == Some(&PlainValue::Boolean(true))
            }),
            ("links_external>0,title<>\"A\"", |row| {
                integer(row, "links_external") > 0 && is_text(row, "title", |text| text != "A")
            }),
            ("subdomain(url_from,\"p.example.com\")", |row| {
                is_text(row, "url_from", |text| text.contains("p.example.com"))
            }),
        ],
        "linked_anchors" => &[
            ("links_external=1", |row| {
                integer(row, "links_external") == 1
            }),
            ("substring(url_to,\"/a\")", |row| {
                is_text(row, "url_to", |text| text.contains("/a"))
            }),
        ],
        "pages" => &[
            ("http_code=200", |row| {
                row.get("http_code") == Some(&PlainValue::Integer(200))
            }),
            ("substring(url,\"https\")", |row| {
                is_text(row, "url", |text| text.contains("https"))
            }),
        ],
        _ => &[],
    }
}

fn plain(cell: Cell<'_>) -> PlainValue {
    match cell {
        Cell::Missing => PlainValue::Missing,
        Cell::Boolean(value) => PlainValue::Boolean(value),
        Cell::Integer(number) => PlainValue::Integer(number),
        Cell::Date(time) => PlainValue::Date(time),
        Cell::Text(text) => PlainValue::Text(text.to_owned()),
    }
}

/// The rows of an answer, in its order.
fn records(answer: &Answer<'_>) -> Vec<PlainRecord> {
    let columns = answer.columns();
    let mut records = Vec::new();
    answer
        .for_each_row(|cells| {
            assert_eq!(cells.len(), columns.len());
            let named = columns.iter().zip(cells);
            records.push(
                named
                    .map(|(column, cell)| (column.name, plain(*cell)))
                    .collect(),
            );
            Ok(())
        })
        .unwrap();
    assert_eq!(records.len() as u64, answer.results());
    records
}

fn query(table: &str, target: &Target, history: History, more: &[(&str, &str)]) -> Query {
    let mut parameters = vec![
        ("from", table),
        ("target", "example.com"),
        ("limit", "100000"),
    ];
    parameters.extend(more);
    Query {
        target: target.clone(),
        history,
        ..Query::from_params(parameters).unwrap()
    }
}

/// Next to nothing is kept.
const SMALL: AnswerLimits = AnswerLimits {
    memory_max: usize::MAX,
    kept_bytes_max: 1,
    groups_at_once: 3,
};

fn ask(snapshot: &Arc<Snapshot>, query: &Query, limits: AnswerLimits) -> Vec<PlainRecord> {
    let cancel = AtomicBool::new(false);
    records(&answer(query, snapshot, limits, &cancel).unwrap())
}

/// Every table over an index, with and without filters, equals the plain one; orders and pages are those of
/// the whole answer.
fn check(directory: &Path, tables: &PlainTables<'_>, target: &Target, history: History) {
    let snapshot = Arc::new(Snapshot::open(directory).unwrap());
    for table in TABLES {
        let all: Keep = |_| true;
        for (filter, keep) in [("", all)].iter().chain(filters(table)) {
            let asked = query(table, target, history, &[("where", filter)]);
            let mut found = ask(&snapshot, &asked, AnswerLimits::default());
            assert_eq!(
                found,
                ask(&snapshot, &asked, SMALL),
                "{table} {filter} in parts"
            );
            found.sort();
            let mut expected = tables.results(table, target, history, keep);
            for record in &mut expected {
                // What the reference does not count.
                record.retain(|name, _| found.first().is_none_or(|row| row.contains_key(name)));
            }
            for record in &mut found {
                let counted = |name: &str| {
                    table != "metrics" || expected.first().is_none_or(|row| row.contains_key(name))
                };
                record.retain(|name, _| counted(name));
            }
            assert_eq!(found, expected, "{table} {filter} {target} {history:?}");
            if ["refdomains", "pages"].contains(&table) {
                check_stats(&snapshot, asked, expected.len());
            }
        }
        check_orders(&snapshot, table, target, history);
    }
}

/// Totals are those before `having` (R18).
fn check_stats(snapshot: &Arc<Snapshot>, asked: Query, count: usize) {
    let none = [("having", "first_seen>2100-01-01")];
    let mut of_none = query(asked.table.name, &asked.target, asked.history, &none);
    of_none.where_filter = asked.where_filter;
    for order_by in [&[][..], &[("order_by", "last_visited")]] {
        of_none.order_by = query(asked.table.name, &asked.target, asked.history, order_by).order_by;
        let cancel = AtomicBool::new(false);
        let found = answer(&of_none, snapshot, AnswerLimits::default(), &cancel).unwrap();
        assert_eq!((found.results(), found.stats()[0].1), (0, count as u64));
    }
}

fn check_orders(snapshot: &Arc<Snapshot>, table: &str, target: &Target, history: History) {
    if table == "metrics" {
        return;
    }
    let whole = ask(snapshot, &query(table, target, history, &[]), SMALL);
    let Some(columns) = whole
        .first()
        .map(|row| row.keys().copied().collect::<Vec<_>>())
    else {
        return;
    };
    for column in columns {
        for (direction, is_descending) in [("asc", false), ("desc", true)] {
            let order = format!("{column}:{direction}");
            let mut expected = whole.clone();
            expected.sort_by(|a, b| match is_descending {
                false => a.get(column).cmp(&b.get(column)),
                true => b.get(column).cmp(&a.get(column)),
            });
            for (offset, limit) in [(0, 100_000), (1, 2), (2, 0)] {
                let page: Vec<_> = expected.iter().skip(offset).take(limit).cloned().collect();
                let (offset, limit) = (offset.to_string(), limit.to_string());
                let more = [
                    ("order_by", order.as_str()),
                    ("offset", offset.as_str()),
                    ("limit", limit.as_str()),
                ];
                let asked = query(table, target, history, &more);
                for limits in [SMALL, AnswerLimits::default()] {
                    assert_eq!(ask(snapshot, &asked, limits), page, "{table} by {order}");
                }
            }
        }
    }
}

/// A condition of the grammar, as data.
#[derive(Debug, Clone)]
struct Condition {
    column: &'static Column,
    operator: &'static str,
    value: PlainValue,
}

const OPERATORS: [&str; 6] = ["=", "<>", "<", "<=", ">", ">="];

fn arb_value(column_type: ColumnType) -> BoxedStrategy<PlainValue> {
    const TEXTS: &[&str] = &[
        "",
        "a",
        "A",
        "Größe",
        "href",
        "new",
        "lost",
        "example.com",
        "github.io",
        "http://p.example.com/",
        "/a",
        "https",
        ".",
        "é",
    ];
    match column_type {
        ColumnType::Integer => prop_oneof![(0u64..4), Just(200), Just(404)]
            .prop_map(PlainValue::Integer)
            .boxed(),
        ColumnType::Date => (0u32..12).prop_map(|n| PlainValue::Date(time(n))).boxed(),
        ColumnType::Boolean => any::<bool>().prop_map(PlainValue::Boolean).boxed(),
        ColumnType::Kind => prop::sample::select(&AnchorKind::ALL[..])
            .prop_map(|kind| PlainValue::Text(kind.name().to_owned()))
            .boxed(),
        _ => prop::sample::select(TEXTS)
            .prop_map(|text| PlainValue::Text(text.to_owned()))
            .boxed(),
    }
}

fn arb_condition(table: &'static Table, clause: Clause) -> BoxedStrategy<Option<Condition>> {
    let columns: Vec<_> = table.columns_of(clause).collect();
    if columns.is_empty() {
        return Just(None).boxed();
    }
    prop::sample::select(columns)
        .prop_flat_map(|column| {
            let operators = match column.column_type {
                ColumnType::Boolean | ColumnType::Kind => vec!["=", "<>"],
                ColumnType::Integer | ColumnType::Date => OPERATORS.to_vec(),
                _ => [&OPERATORS[..], &["substring"]].concat(),
            };
            (
                prop::sample::select(operators),
                arb_value(column.column_type),
            )
                .prop_map(move |(operator, value)| {
                    Some(Condition {
                        column,
                        operator,
                        value,
                    })
                })
        })
        .boxed()
}

impl Condition {
    fn is_anchor(&self) -> bool {
        self.column.column_type == ColumnType::Anchor
    }

    /// As it is asked for.
    fn text(&self) -> String {
        let value = match &self.value {
            PlainValue::Missing => unreachable!("no value is missing"),
            PlainValue::Boolean(value) => value.to_string(),
            PlainValue::Integer(number) => number.to_string(),
            PlainValue::Date(time) => format!("\"{time}\""),
            PlainValue::Text(text) => format!("\"{text}\""),
        };
        match self.operator {
            "substring" => format!("substring({},{value})", self.column.name),
            operator => format!("{}{operator}{value}", self.column.name),
        }
    }

    /// As it is plainly said.
    fn holds(&self, row: &PlainRecord) -> bool {
        let found = row
            .get(self.column.name)
            .cloned()
            .unwrap_or(PlainValue::Missing);
        let folded = |value: PlainValue| match value {
            PlainValue::Text(text) if self.is_anchor() => PlainValue::Text(fold(&text)),
            PlainValue::Text(text) if self.column.column_type == ColumnType::Host => {
                PlainValue::Text(text.to_ascii_lowercase())
            }
            value => value,
        };
        let (found, value) = (folded(found), folded(self.value.clone()));
        match (self.operator, &found, &value) {
            (_, PlainValue::Missing, _) => false,
            ("substring", PlainValue::Text(found), PlainValue::Text(value)) => {
                found.contains(value.as_str())
            }
            ("=", found, value) => found == value,
            ("<>", found, value) => found != value,
            ("<", found, value) => found < value,
            ("<=", found, value) => found <= value,
            (">", found, value) => found > value,
            (">=", found, value) => found >= value,
            other => panic!("{other:?}"),
        }
    }
}

type Conditions = (&'static Table, Vec<Option<Condition>>, Option<Condition>);

fn arb_conditions() -> impl Strategy<Value = Conditions> {
    let tables: Vec<_> = Table::ALL
        .into_iter()
        .filter(|table| TABLES.contains(&table.name) && table.name != "metrics")
        .collect();
    prop::sample::select(tables).prop_flat_map(|table| {
        (
            Just(table),
            prop::collection::vec(arb_condition(table, Clause::Where), 0..3),
            arb_condition(table, Clause::Having),
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Any conditions on any columns of any table.
    #[test]
    fn filters_are_what_the_grammar_says(
        captures in arb_captures(),
        target in arb_target(),
        history in arb_history(),
        (table, filter, having) in arb_conditions(),
    ) {
        let index = ReferenceIndex::new(captures.clone(), list());
        let tables = PlainTables::of(&index);
        let directory = tempfile::tempdir().unwrap();
        ingest_keeping_internal(directory.path(), &Plan::single(&captures));
        let snapshot = Arc::new(Snapshot::open(directory.path()).unwrap());
        let filter: Vec<Condition> = filter.into_iter().flatten().collect();
        let texts: Vec<String> = filter.iter().map(Condition::text).collect();
        let having_text = having.as_ref().map(Condition::text).unwrap_or_default();
        let more = [("where", texts.join(",")), ("having", having_text)];
        let more = more.each_ref().map(|(name, text)| (*name, text.as_str()));
        // A condition on the type opens the other types, which the reference leaves out.
        let tests_type = |condition: &Condition| condition.column.name == "link_type";
        prop_assume!(!filter.iter().chain(&having).any(tests_type));
        let mut found = ask(&snapshot, &query(table.name, &target, history, &more), SMALL);
        found.sort();
        let keep = |row: &PlainRecord| filter.iter().all(|condition| condition.holds(row));
        let mut expected = tables.results(table.name, &target, history, &keep);
        expected.retain(|row| having.as_ref().is_none_or(|condition| condition.holds(row)));
        prop_assert_eq!(found, expected, "{:?}", more);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Whatever conditions and order, the answer is that of the index's order, sorted: over one segment, where
    /// links may be ordered before they are read, and over several.
    #[test]
    fn orders_of_filtered_rows_are_those_of_the_whole(
        captures in arb_captures(),
        target in arb_target(),
        history in arb_history(),
        (table, filter, having) in arb_conditions(),
        (second, is_descending) in (any::<prop::sample::Index>(), any::<bool>()),
    ) {
        let directory = tempfile::tempdir().unwrap();
        ingest_keeping_internal(directory.path(), &Plan::single(&captures));
        let texts: Vec<String> = filter.iter().flatten().map(Condition::text).collect();
        let having = having.as_ref().map(Condition::text).unwrap_or_default();
        let (filter, cancel) = (texts.join(","), AtomicBool::new(false));
        let columns: Vec<&Column> = table.columns_of(Clause::OrderBy).collect();
        for is_merged in [false, true] {
            if is_merged {
                merge(directory.path());
            }
            let snapshot = Arc::new(Snapshot::open(directory.path()).unwrap());
            let asked = |order: &str| {
                let more = [("where", &*filter), ("having", &*having), ("order_by", order)];
                query(table.name, &target, history, &more)
            };
            let whole = asked("");
            let whole = answer(&whole, &snapshot, AnswerLimits::default(), &cancel).unwrap();
            let rows = records(&whole);
            for first in &columns {
                let second = second.get(&columns);
                let direction = if is_descending { "desc" } else { "asc" };
                let order = format!("{}:{direction},{}", first.name, second.name);
                let mut expected = rows.clone();
                expected.sort_by(|a, b| {
                    let by_first = a.get(first.name).cmp(&b.get(first.name));
                    let by_first = if is_descending { by_first.reverse() } else { by_first };
                    by_first.then_with(|| a.get(second.name).cmp(&b.get(second.name)))
                });
                let ordered = asked(&order);
                for limits in [SMALL, AnswerLimits::default()] {
                    let found = answer(&ordered, &snapshot, limits, &cancel).unwrap();
                    prop_assert_eq!(found.emptiness(), whole.emptiness(), "{} {}", table.name, order);
                    prop_assert_eq!(&records(&found), &expected, "{} {}", table.name, order);
                }
            }
        }
    }

    #[test]
    fn tables_are_what_the_rules_say(
        captures in arb_captures(),
        target in arb_target(),
        history in arb_history(),
    ) {
        let index = ReferenceIndex::new(captures.clone(), list());
        let tables = PlainTables::of(&index);
        let directory = tempfile::tempdir().unwrap();
        ingest_keeping_internal(directory.path(), &Plan::single(&captures));
        check(directory.path(), &tables, &target, history);
        merge(directory.path());
        check(directory.path(), &tables, &target, history);
    }
}

/// What needs internal links is refused where the index keeps none, and left out of `*`.
#[test]
fn internal_links_are_refused_where_they_are_not_kept() {
    let directory = tempfile::tempdir().unwrap();
    let captures: Vec<Capture> = windlass_reference::fixtures::scenarios()
        .into_iter()
        .flat_map(|scenario| scenario.captures)
        .collect();
    ingest(directory.path(), &Plan::whole(&captures));
    let snapshot = Arc::new(Snapshot::open(directory.path()).unwrap());
    let page = captures
        .iter()
        .find(|capture| !capture.links.is_empty())
        .unwrap();
    let host = page.page.host().to_owned();
    let cancel = AtomicBool::new(false);
    for (more, is_allowed) in [
        (vec![], true),
        (vec![("select", "*")], true),
        (vec![("select", "*,anchor")], true),
        (vec![("select", "links_internal,*")], false),
        (vec![("select", "anchor,links_internal")], false),
        (vec![("where", "links_internal=0")], false),
        (vec![("order_by", "links_internal")], false),
    ] {
        let mut parameters = vec![
            ("from", "linked_anchors"),
            ("target", &host),
            ("mode", "subdomains"),
        ];
        parameters.extend(more.clone());
        let query = Query::from_params(parameters).unwrap();
        let found = answer(&query, &snapshot, AnswerLimits::default(), &cancel);
        assert_eq!(found.is_ok(), is_allowed, "{more:?}");
        match found {
            Ok(found) => assert!(
                found
                    .columns()
                    .iter()
                    .all(|column| column.name != "links_internal")
            ),
            Err(error) => assert!(error.to_string().contains("--keep-internal"), "{error}"),
        }
    }
}
