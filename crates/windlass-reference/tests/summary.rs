//! What the pictures of a report show, against the plain implementation: over one segment, several, and merged;
//! of random captures and of the demo crawl.
#![allow(missing_docs, clippy::panic, clippy::print_stdout, clippy::unwrap_used)]

#[path = "support/crawl.rs"]
mod crawl;
#[allow(dead_code, reason = "other tests use the rest")]
mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use proptest::prelude::*;
use windlass_index::{IndexError, Snapshot, Writer};
use windlass_links::{
    Capture, CaptureTime, History, Mode, Outcome, PublicSuffixList, Surt, Target,
};
use windlass_reference::fixtures::{Builder, arb_captures, arb_history, arb_target, capture, list};
use windlass_reference::{Backlink, PlainRow, ReferenceIndex, kind, months, rows, summary};
use windlass_report::summary::{
    IP_ADDRESS, SPANS_MAX, Summary, Timeline, TimelineUnit, summarise, timeline,
};
use windlass_report::{AnchorKind, AnswerError, AnswerLimits, Query, answer, rows_of_anchor};

use support::{Plan, ingest, merge};

type Keep = fn(&PlainRow, &str) -> bool;

/// Filters, as they are asked for and as they are plainly said of a row and the kind of its anchor.
const FILTERS: [(&str, Keep); 4] = [
    ("", |_, _| true),
    ("kind<>brand,anchor<>\"apple\"", |row, kind| {
        kind != "brand" && row.anchor != "apple"
    }),
    ("backlinks>1", |row, _| row.backlinks > 1),
    ("subdomain(refdomain,\"com\"),kind=other", |row, kind| {
        row.refdomain.ends_with(".com") && kind == "other"
    }),
];

fn query(target: &Target, history: History, filter: &str) -> Query {
    let parameters = [("from", "anchors"), ("target", "example.com")];
    let more = [("where", filter), ("limit", "0")];
    Query {
        target: target.clone(),
        history,
        ..Query::from_params(parameters.into_iter().chain(more)).unwrap()
    }
}

const WHOLE: AnswerLimits = AnswerLimits {
    memory_max: usize::MAX,
    kept_bytes_max: usize::MAX,
    groups_at_once: u64::MAX,
};

/// The rows of some anchors, of those that are left of a query's: the first, the last, one between, and one that
/// none has.
fn check_rows_of_anchors(asked: &Query, snapshot: &Arc<Snapshot>, kept: &[PlainRow]) {
    let some = [kept.first(), kept.get(kept.len() / 2), kept.last()];
    let some = some.into_iter().flatten().map(|row| row.anchor.as_str());
    for anchor in some.chain(["no page says this"]) {
        let mut expected: Vec<&PlainRow> = kept.iter().filter(|row| row.anchor == anchor).collect();
        expected.sort_by_key(|row| (u64::MAX - row.backlinks, &row.refdomain));
        let cancel = AtomicBool::new(false);
        let found = rows_of_anchor(asked, anchor, snapshot, WHOLE, &cancel).unwrap();
        let found = found.into_iter().map(|row| PlainRow {
            anchor: anchor.to_owned(),
            refdomain: row.refdomain,
            backlinks: row.backlinks,
            refpages: row.refpages,
            first_seen: row.first_seen,
            last_visited: row.last_visited,
        });
        assert!(
            found.eq(expected.into_iter().cloned()),
            "{asked:?} {anchor}"
        );
    }
}

/// The summary of a target's backlinks under each filter.
fn check_summaries(
    snapshot: &Arc<Snapshot>,
    target: &Target,
    history: History,
    backlinks: &[Backlink],
    list: &PublicSuffixList,
) {
    let all = rows(backlinks);
    let kinds: BTreeMap<&str, &str> = all
        .iter()
        .map(|row| row.anchor.as_str())
        .map(|anchor| (anchor, kind(anchor, target, list)))
        .collect();
    let kind_of = |anchor: &str| kinds.get(anchor).copied().unwrap();
    for (filter, keep) in FILTERS {
        let kept: Vec<PlainRow> = all
            .iter()
            .filter(|row| keep(row, kind_of(&row.anchor)))
            .cloned()
            .collect();
        let expected = summary(&kept, kind_of);
        let asked = query(target, history, filter);
        check_rows_of_anchors(&asked, snapshot, &kept);
        let found = summarise(&asked, snapshot, WHOLE, &AtomicBool::new(false)).unwrap();
        let what = format!("{target} {history:?} {filter}");
        for count in found.kinds {
            let of_kind = expected.kinds.get(count.kind.name());
            assert_eq!(
                (count.anchors, count.backlinks, count.refdomains),
                of_kind.copied().unwrap_or_default(),
                "{what} {}",
                count.kind
            );
        }
        assert_eq!(found.kinds.map(|count| count.kind), AnchorKind::ALL);
        let mut tlds: Vec<_> = expected.tlds.into_iter().collect();
        tlds.sort_by_key(|(tld, (refdomains, _))| (u64::MAX - refdomains, tld.clone()));
        let found_tlds = found
            .tlds
            .iter()
            .map(|count| (count.tld.clone(), (count.refdomains, count.backlinks)));
        assert_eq!(found_tlds.collect::<Vec<_>>(), tlds, "{what}");
        if filter.is_empty() {
            check_filters_of(snapshot, target, history, &found);
        }
    }
}

/// What a picture counts is what the report counts under the filter that stands for it.
fn check_filters_of(snapshot: &Arc<Snapshot>, target: &Target, history: History, found: &Summary) {
    let backlinks = |filter: &str| {
        let (asked, cancel) = (query(target, history, filter), AtomicBool::new(false));
        let answer = answer(&asked, snapshot, WHOLE, &cancel).unwrap();
        answer.stats().first().copied()
    };
    for count in found.kinds {
        let filter = format!("kind=\"{}\"", count.kind);
        assert_eq!(backlinks(&filter), Some(("backlinks", count.backlinks)));
    }
    for count in found.tlds.iter().filter(|count| count.tld != IP_ADDRESS) {
        let filter = format!("subdomain(refdomain,\"{}\")", count.tld);
        assert_eq!(backlinks(&filter), Some(("backlinks", count.backlinks)));
    }
}

/// The timeline of all backlinks that there ever were to a target.
fn check_timeline(snapshot: &Snapshot, target: &Target, of_all_time: &[Backlink]) {
    let cancel = AtomicBool::new(false);
    let found = timeline(target, snapshot, WHOLE, &cancel).unwrap();
    let expected = months(of_all_time);
    let characters = match found.unit {
        TimelineUnit::Month => 7,
        TimelineUnit::Year => 4,
    };
    let mut by_span: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for (month, (new, lost)) in &expected {
        let span = by_span
            .entry(month.chars().take(characters).collect())
            .or_default();
        span.0 += new;
        span.1 += lost;
    }
    let found_spans: BTreeMap<String, (u64, u64)> = found
        .spans
        .iter()
        .map(|span| {
            let name = match span.month {
                Some(month) => format!("{:04}-{month:02}", span.year),
                None => format!("{:04}", span.year),
            };
            (name, (span.new_anchors, span.lost_anchors))
        })
        .filter(|(_, counts)| *counts != (0, 0))
        .collect();
    assert_eq!(found_spans, by_span, "{target}");
    check_spans(&found);
}

/// Spans are neighbours, and no more than there may be.
fn check_spans(found: &Timeline) {
    let number = |year: u16, month: Option<u8>| match (found.unit, month) {
        (TimelineUnit::Month, Some(month)) => u32::from(year) * 12 + u32::from(month),
        (TimelineUnit::Year, None) => u32::from(year),
        other => panic!("{other:?}"),
    };
    let numbers: Vec<u32> = found
        .spans
        .iter()
        .map(|span| number(span.year, span.month))
        .collect();
    assert!(
        numbers
            .windows(2)
            .all(|pair| matches!(pair, [a, b] if a + 1 == *b))
    );
    let is_something = |span: Option<&_>| {
        span.is_none_or(|s: &windlass_report::summary::TimelineSpan| {
            s.new_anchors + s.lost_anchors > 0
        })
    };
    assert!(is_something(found.spans.first()) && is_something(found.spans.last()));
    match found.unit {
        TimelineUnit::Month => assert!(numbers.len() <= SPANS_MAX),
        // Ten whole years fit.
        TimelineUnit::Year => assert!(numbers.len() > SPANS_MAX / 12),
    }
}

fn check(directory: &Path, index: &ReferenceIndex, target: &Target, history: History) {
    let snapshot = Arc::new(Snapshot::open(directory).unwrap());
    let backlinks = index.backlinks(target, history);
    check_summaries(&snapshot, target, history, &backlinks, &list());
    check_timeline(
        &snapshot,
        target,
        &index.backlinks(target, History::AllTime),
    );
}

/// The same with more time between captures.
fn spread(time: CaptureTime, factor: u32) -> CaptureTime {
    CaptureTime::from_unix(time.unix() * factor)
}

fn spread_capture(mut capture: Capture, factor: u32) -> Capture {
    capture.time = spread(capture.time, factor);
    if let Outcome::Revisit(Some(time)) = &mut capture.outcome {
        *time = spread(*time, factor);
    }
    capture
}

const DAY: u32 = 86_400;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn pictures_show_what_the_rules_say(
        captures in arb_captures(),
        target in arb_target(),
        history in arb_history(),
        factor in prop::sample::select(vec![1, 20 * DAY, 40 * DAY, 1000 * DAY]),
    ) {
        let captures: Vec<Capture> = captures
            .into_iter()
            .map(|capture| spread_capture(capture, factor))
            .collect();
        let history = match history {
            History::Since(time) => History::Since(spread(time, factor)),
            other => other,
        };
        let index = ReferenceIndex::new(captures.clone(), list());
        let directory = tempfile::tempdir().unwrap();
        ingest(directory.path(), &Plan::single(&captures));
        check(directory.path(), &index, &target, history);
        merge(directory.path());
        check(directory.path(), &index, &target, history);
    }
}

#[test]
fn what_does_not_fit_or_is_cancelled_says_so() {
    let captures = [
        capture("http://a.example.com/", 1).link("http://t.example.org/", "one"),
        capture("http://b.example.net/", 2).link("http://t.example.org/", "two"),
    ];
    let captures = captures.map(Builder::build);
    let directory = tempfile::tempdir().unwrap();
    ingest(directory.path(), &Plan::single(&captures));
    let snapshot = Arc::new(Snapshot::open(directory.path()).unwrap());
    let target = Target::parse("example.org", Mode::Subdomains).unwrap();
    let asked = query(&target, History::Live, "");
    let of = |memory_max: usize, is_cancelled: bool| {
        let limits = AnswerLimits {
            memory_max,
            ..WHOLE
        };
        let cancel = AtomicBool::new(is_cancelled);
        let summary = summarise(&asked, &snapshot, limits, &cancel).map(|_| ());
        let timeline = timeline(&target, &snapshot, limits, &cancel).map(|_| ());
        [summary, timeline]
    };
    for found in of(1 << 20, false) {
        found.unwrap();
    }
    for found in of(100, false) {
        let error = found.unwrap_err();
        assert!(matches!(error, AnswerError::Memory { max: 100 }), "{error}");
    }
    for found in of(1 << 20, true) {
        let error = found.unwrap_err();
        let is_cancelled = matches!(error, AnswerError::Index(IndexError::Cancelled));
        assert!(is_cancelled, "{error}");
    }
}

/// Targets that the demo crawl has many links to, and of each kind some.
const DEMO_TARGETS: [(&str, Mode); 6] = [
    ("github.com", Mode::Subdomains),
    ("www.postgresql.org", Mode::Domain),
    ("nodejs.org", Mode::Subdomains),
    ("awesome-selfhosted.net", Mode::Subdomains),
    ("sqlite.org", Mode::Subdomains),
    ("https://github.com/nodejs/", Mode::Prefix),
];

#[test]
fn the_demo_crawl_is_shown_as_the_rules_say() {
    let files = crawl::demo_files();
    let directory = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(directory.path(), None).unwrap();
    crawl::ingest_files(&mut writer, &files, 1 << 20);
    let many = Arc::new(Snapshot::open(directory.path()).unwrap());
    assert!(many.segments().len() > 1, "several segments are wanted");
    writer.merge_all(&(), &AtomicBool::new(false)).unwrap();
    let one = Arc::new(Snapshot::open(directory.path()).unwrap());

    let list = list();
    let reference = ReferenceIndex::new(crawl::captures(&files, &list), Arc::clone(&list));
    let all: Vec<(Vec<u8>, Backlink)> = reference
        .all()
        .into_iter()
        .map(|link| (Surt::of(&link.target).as_bytes().to_vec(), link))
        .collect();
    let mut kinds = BTreeMap::new();
    for (name, mode) in DEMO_TARGETS {
        let target = Target::parse(name, mode).unwrap();
        let of_all_time: Vec<Backlink> = all
            .iter()
            .filter(|(key, _)| target.matches(key))
            .map(|(_, link)| link.clone())
            .collect();
        for history in [History::Live, History::AllTime] {
            let mut backlinks = of_all_time.clone();
            backlinks.retain(|link| history.keeps(link.lost));
            for snapshot in [&many, &one] {
                check_summaries(snapshot, &target, history, &backlinks, &list);
                check_timeline(snapshot, &target, &of_all_time);
            }
            for row in rows(&backlinks) {
                *kinds.entry(kind(&row.anchor, &target, &list)).or_insert(0) += 1;
            }
        }
    }
    println!("rows by kind: {kinds:?}");
    assert_eq!(
        kinds.len(),
        AnchorKind::ALL.len(),
        "of each kind there are some: {kinds:?}"
    );
}
