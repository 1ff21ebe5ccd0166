//! The totals of a target against the plain implementation: over one segment, several, and merged, by every
//! way of reading; and on the demonstration crawl against what the tables say.
#![allow(missing_docs, clippy::unwrap_used)]

#[allow(dead_code, reason = "other tests use the rest")]
#[path = "support/crawl.rs"]
mod crawl;
#[allow(dead_code, reason = "other tests use the rest")]
mod support;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use proptest::prelude::*;
use windlass_index::{Snapshot, Writer};
use windlass_links::{History, Target};
use windlass_reference::fixtures::{arb_captures, arb_history, arb_target, list, time};
use windlass_reference::{Backlink, PlainRow, ReferenceIndex, rows};
use windlass_report::{
    Answer, AnswerError, AnswerLimits, Cell, Emptiness, Output, Query, Totals, answer,
    answer_with_totals, run, totals, totals_tuned,
};

use support::{Plan, TUNINGS, ingest, merge};

/// A condition, as it is asked for and as it is plainly said.
#[derive(Debug, Clone)]
enum Condition {
    Backlinks(u64),
    Refpages(u64),
    Refdomain(&'static str),
    Below(&'static str),
    Anchor(&'static str),
    Part(&'static str),
    SeenBefore(u32),
    VisitedSince(u32),
    Named,
}

impl Condition {
    fn text(&self) -> String {
        match self {
            Self::Backlinks(n) => format!("backlinks>={n}"),
            Self::Refpages(n) => format!("refpages={n}"),
            Self::Refdomain(domain) => format!("refdomain<>\"{domain}\""),
            Self::Below(domain) => format!("subdomain(refdomain,\"{domain}\")"),
            Self::Anchor(anchor) => format!("anchor<>\"{anchor}\""),
            Self::Part(part) => format!("substring(anchor,\"{part}\")"),
            Self::SeenBefore(seconds) => format!("first_seen<\"{}\"", time(*seconds)),
            Self::VisitedSince(seconds) => format!("last_visited>=\"{}\"", time(*seconds)),
            Self::Named => "kind<>\"empty\"".to_owned(),
        }
    }

    fn holds(&self, row: &PlainRow) -> bool {
        match self {
            Self::Backlinks(n) => row.backlinks >= *n,
            Self::Refpages(n) => row.refpages == *n,
            Self::Refdomain(domain) => row.refdomain != *domain,
            Self::Below(domain) => {
                row.refdomain == *domain || row.refdomain.ends_with(&format!(".{domain}"))
            }
            Self::Anchor(anchor) => row.anchor != *anchor,
            Self::Part(part) => row.anchor.contains(part),
            Self::SeenBefore(seconds) => row.first_seen < time(*seconds),
            Self::VisitedSince(seconds) => row.last_visited >= time(*seconds),
            Self::Named => !row.anchor.is_empty(),
        }
    }
}

fn arb_condition() -> impl Strategy<Value = Condition> {
    let second = 10u32..15;
    prop_oneof![
        (1u64..4).prop_map(Condition::Backlinks),
        (1u64..3).prop_map(Condition::Refpages),
        prop::sample::select(&["example.com", "alice.github.io", "co.uk"][..])
            .prop_map(Condition::Refdomain),
        prop::sample::select(&["com", "github.io", "example"][..]).prop_map(Condition::Below),
        prop::sample::select(&["", "apple", "ß"][..]).prop_map(Condition::Anchor),
        prop::sample::select(&["a", "pp", "äpfel"][..]).prop_map(Condition::Part),
        second.clone().prop_map(Condition::SeenBefore),
        second.prop_map(Condition::VisitedSince),
        Just(Condition::Named),
    ]
}

fn query(target: &Target, history: History, filter: &str) -> Query {
    let parameters = [
        ("from", "anchors"),
        ("target", "example.com"),
        ("where", filter),
        // These do not matter.
        ("having", "backlinks>1000"),
        ("limit", "1"),
        ("offset", "2"),
    ];
    Query {
        target: target.clone(),
        history,
        ..Query::from_params(parameters).unwrap()
    }
}

/// The same query, for groups that there are.
fn first_groups(query: &Query) -> Query {
    let having = Query::from_params([("from", "anchors"), ("target", "example.com")]).unwrap();
    Query {
        having: having.having,
        limit: 3,
        offset: 1,
        ..query.clone()
    }
}

fn json(answer: &Answer<'_>) -> String {
    let mut out = Vec::new();
    answer.write(Output::Json, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// The totals, plainly.
fn expected(
    index: &ReferenceIndex,
    target: &Target,
    history: History,
    keep: impl Fn(&PlainRow) -> bool,
) -> Totals {
    let backlinks = index.backlinks(target, history);
    let kept: Vec<PlainRow> = rows(&backlinks).into_iter().filter(keep).collect();
    let cells: BTreeSet<(&str, &str)> = kept
        .iter()
        .map(|row| (&*row.anchor, &*row.refdomain))
        .collect();
    let passing: Vec<&Backlink> = backlinks
        .iter()
        .filter(|link| cells.contains(&(&*link.folded, &*link.refdomain)))
        .collect();
    let distinct = |of: fn(&Backlink) -> &str| {
        let all: BTreeSet<&str> = passing.iter().map(|link| of(link)).collect();
        all.len() as u64
    };
    let live = index.backlinks(target, History::Live).len();
    let all = index.backlinks(target, History::AllTime).len();
    Totals {
        backlinks: passing.len() as u64,
        refpages: distinct(|link| link.page.as_str()),
        refdomains: distinct(|link| &link.refdomain),
        anchors: distinct(|link| &link.folded),
        first_seen: passing.iter().map(|link| link.first_seen).min(),
        last_visited: passing.iter().map(|link| link.last_visited).max(),
        live_backlinks: live as u64,
        lost_backlinks: (all - live) as u64,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn totals_are_what_the_rules_say(
        captures in arb_captures(),
        targets in prop::collection::vec(arb_target(), 4),
        history in arb_history(),
        conditions in prop::collection::vec(arb_condition(), 0..3),
    ) {
        let index = ReferenceIndex::new(captures.clone(), list());
        let filter: Vec<String> = conditions.iter().map(Condition::text).collect();
        let filter = filter.join(",");
        let keep = |row: &PlainRow| conditions.iter().all(|condition| condition.holds(row));
        let (whole, parts) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        ingest(whole.path(), &Plan::whole(&captures));
        ingest(parts.path(), &Plan::single(&captures));
        for (directory, state) in [(&whole, "whole"), (&parts, "parts"), (&parts, "merged")] {
            if state == "merged" {
                merge(directory.path());
            }
            let snapshot = Arc::new(Snapshot::open(directory.path()).unwrap());
            for target in &targets {
                let expected = expected(&index, target, history, keep);
                let any = !index.backlinks(target, history).is_empty();
                let asked = query(target, history, &filter);
                let cancel = AtomicBool::new(false);
                prop_assert_eq!(totals(&asked, &snapshot, AnswerLimits::default(), &cancel).unwrap(), expected);
                for asked in [asked.clone(), first_groups(&asked)] {
                    for (groups_at_once, kept_bytes_max) in [(1, 32 << 20), (u64::MAX, 32 << 20), (u64::MAX, 9)] {
                        let limits = AnswerLimits { groups_at_once, kept_bytes_max, ..AnswerLimits::default() };
                        let (both, totals) = answer_with_totals(&asked, &snapshot, limits, &cancel).unwrap();
                        prop_assert_eq!(totals, expected);
                        let alone = answer(&asked, &snapshot, limits, &cancel).unwrap();
                        prop_assert_eq!(both.total(), alone.total());
                        prop_assert_eq!(json(&both), json(&alone));
                    }
                }
                for tuning in TUNINGS {
                    let found = totals_tuned(&asked, &snapshot, &cancel, tuning).unwrap();
                    prop_assert_eq!(found, expected, "{} {} {} {}", target, history, filter, state);
                    // The table says the same, and of which of its clauses it is that nothing is left (R20).
                    let rows = snapshot.rows_tuned(target, history, &cancel, tuning).unwrap();
                    let report = run(&asked, &rows).unwrap();
                    prop_assert_eq!(
                        (report.backlinks(), report.refpages(), report.groups_total()),
                        (expected.backlinks, expected.refpages, 0)
                    );
                    let is_filtered = report.emptiness() == Some(Emptiness::FilteredOut);
                    prop_assert_eq!(is_filtered, any, "{} {} {} {}", target, history, filter, state);
                }
            }
        }
    }
}

#[test]
fn totals_are_those_of_anchors() {
    let directory = tempfile::tempdir().unwrap();
    ingest(directory.path(), &Plan::whole(&[]));
    let snapshot = Snapshot::open(directory.path()).unwrap();
    let cancel = AtomicBool::new(false);
    for (table, is_allowed) in [
        ("anchors", true),
        ("anchors_refdomains", true),
        ("backlinks", false),
        ("pages", false),
    ] {
        let parameters = [("from", table), ("target", "example.com")];
        let found = totals(
            &Query::from_params(parameters).unwrap(),
            &snapshot,
            AnswerLimits::default(),
            &cancel,
        );
        match found {
            Ok(found) => assert_eq!((found, is_allowed), (Totals::default(), true)),
            Err(AnswerError::Query(error)) => {
                assert!(
                    !is_allowed && error.to_string().contains("anchors"),
                    "{error}"
                );
            }
            Err(error) => unreachable!("{error}"),
        }
    }
}

/// How many results a table has, and the sum of a column of theirs, without `limit`.
fn ask(
    snapshot: &Arc<Snapshot>,
    table: &str,
    more: &[(&str, &str)],
    column: &str,
) -> (u64, u64, Vec<(&'static str, u64)>) {
    let mut parameters = vec![("from", table), ("limit", "5000000")];
    parameters.extend(more);
    let query = Query::from_params(parameters).unwrap();
    let cancel = AtomicBool::new(false);
    let answer = answer(&query, snapshot, AnswerLimits::default(), &cancel).unwrap();
    let columns = answer.columns();
    let at = columns.iter().position(|of| of.name == column);
    let mut sum = 0;
    answer
        .for_each_row(|cells| {
            if let Some(Cell::Integer(number)) = at.and_then(|at| cells.get(at)) {
                sum += number;
            }
            Ok(())
        })
        .unwrap();
    (answer.results(), sum, answer.stats().to_vec())
}

#[test]
fn totals_of_the_demonstration_crawl_are_the_numbers_of_the_tables() {
    let files = crawl::demo_files();
    let directory = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(directory.path(), None).unwrap();
    writer.set_ready_links_min(64);
    let cancel = AtomicBool::new(false);
    crawl::ingest_files(&mut writer, &files, 1 << 20);
    let parts = Arc::new(Snapshot::open(directory.path()).unwrap());
    assert!(parts.segments().len() > 1);
    let top = parts.top_sites(20, usize::MAX, &cancel).unwrap();
    writer.merge_all(&(), &cancel).unwrap();
    let merged = Arc::new(Snapshot::open(directory.path()).unwrap());
    assert_eq!(merged.top_sites(20, usize::MAX, &cancel).unwrap(), top);
    assert_eq!(top.len(), 20);

    for site in &top {
        for (history, filter) in [
            ("live", ""),
            ("all_time", ""),
            ("since:2022-01-01", ""),
            ("live", "substring(anchor,\"e\")"),
            ("all_time", "backlinks>1"),
        ] {
            let of = [("target", &*site.site), ("mode", "subdomains")];
            let more = [&of[..], &[("history", history), ("where", filter)]].concat();
            let (anchors, backlinks, stats) = ask(&parts, "anchors", &more, "backlinks");
            let (refdomains, ..) = ask(&parts, "anchors_refdomains", &more, "backlinks");
            let number = |of: &str| stats.iter().find(|stat| stat.0 == of).map(|stat| stat.1);
            let all = |history| {
                ask(
                    &parts,
                    "backlinks",
                    &[of[0], of[1], ("history", history)],
                    "",
                )
                .0
            };
            let mut parameters = vec![("from", "anchors")];
            parameters.extend(&more);
            let query = Query::from_params(parameters).unwrap();
            let found = totals(&query, &parts, AnswerLimits::default(), &cancel).unwrap();
            assert_eq!(
                found,
                totals(&query, &merged, AnswerLimits::default(), &cancel).unwrap()
            );
            assert_eq!(
                (
                    found.backlinks,
                    Some(found.refpages),
                    found.refdomains,
                    found.anchors
                ),
                (backlinks, number("refpages"), refdomains, anchors),
                "{more:?}"
            );
            assert_eq!(number("backlinks"), Some(backlinks));
            let (live, ever) = (all("live"), all("all_time"));
            assert_eq!(
                (found.live_backlinks, found.lost_backlinks),
                (live, ever - live)
            );
            assert_eq!(found.first_seen.is_some(), backlinks > 0);
            if history == "live" && filter.is_empty() {
                assert_eq!(
                    (site.refdomains, site.backlinks),
                    (found.refdomains, found.backlinks)
                );
            }
        }
    }
}
