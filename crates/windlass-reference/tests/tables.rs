//! The tables beside `anchors` against the plain implementation: over one segment, several, and merged.
#![allow(missing_docs, clippy::unwrap_used)]

#[allow(dead_code, reason = "other tests use the rest")]
mod support;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use proptest::prelude::*;
use windlass_index::Snapshot;
use windlass_links::{Capture, History, Target};
use windlass_reference::fixtures::{arb_captures, arb_history, arb_target, list};
use windlass_reference::{PlainRecord, PlainTables, PlainValue, ReferenceIndex};
use windlass_report::{Answer, AnswerLimits, Cell, Query, answer};

use support::{Plan, ingest, ingest_keeping_internal, merge};

const TABLES: [&str; 8] = [
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
        "anchors_refdomains" => &[
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
    groups_at_once: 1,
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
        }
        check_orders(&snapshot, table, target, history);
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

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
