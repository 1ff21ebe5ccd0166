//! Conditions on the anchors of targets that have many, against the plain implementation, by every way of
//! reading, asked again and again so that what is kept of the questions before answers, too.
#![allow(missing_docs, clippy::unwrap_used)]

#[allow(dead_code, reason = "other tests use the rest")]
mod support;

use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;

use windlass_index::{Snapshot, Tuning};
use windlass_links::anchor::fold;
use windlass_links::{CanonicalUrl, Capture, History, Mode, Rel, Target};
use windlass_reference::fixtures::{Builder, capture, time};
use windlass_reference::{Backlink, PlainRow, groups, rows};
use windlass_report::{Emptiness, Query, run, totals_tuned};

use support::{Plan, ingest};

/// More than are tested, or decoded, at once.
const ANCHORS: usize = 9_000;

/// The page that is captured twice, and when; the second time all its links but this one are gone.
const AGAIN: (usize, u32) = (3, 30);
const STAYS: (&str, &str) = ("http://t.example.org/", "Anchor 3");

/// Links of a page to three URLs of a site, with anchors of which some fold together.
fn links_of(page: usize) -> Vec<(&'static str, String)> {
    let mut links = Vec::new();
    for number in (page..ANCHORS).step_by(5 + page) {
        let anchor = match number % 3 {
            0 => format!("Anchor {number}"),
            1 => format!("ANCHOR {number}"),
            _ => format!("ÄPFEL no. {number}"),
        };
        let targets = [
            "http://t.example.org/",
            "http://t.example.org/docs/a",
            "http://t.example.org/docs/b",
        ];
        for target in targets.into_iter().take(1 + number % 3) {
            links.push((target, anchor.clone()));
            if number % 7 == 0 {
                links.push((target, anchor.to_lowercase()));
            }
        }
    }
    links
}

fn url(page: usize) -> String {
    format!("http://www.p{}.com/{page}", page % 3)
}

fn second(page: usize) -> u32 {
    10 + page as u32
}

fn captures() -> Vec<Capture> {
    let mut captures = Vec::new();
    for page in 0..6 {
        let first = capture(&url(page), second(page));
        let add =
            |capture: Builder, (target, anchor): &(&str, String)| capture.link(target, anchor);
        captures.push(links_of(page).iter().fold(first, add).build());
    }
    let again = capture(&url(AGAIN.0), AGAIN.1).link(STAYS.0, STAYS.1);
    captures.push(again.build());
    captures
}

/// The backlinks that come of it (R12, R13), said plainly.
fn backlinks(history: History, is_target: impl Fn(&str) -> bool) -> Vec<Backlink> {
    let mut backlinks = Vec::new();
    for page in 0..6 {
        for (target, anchor) in links_of(page) {
            let is_lost = page == AGAIN.0 && (target, anchor.as_str()) != STAYS;
            let stays = page == AGAIN.0 && !is_lost;
            if is_target(target) && (!is_lost || history == History::AllTime) {
                backlinks.push(Backlink {
                    page: CanonicalUrl::parse(&url(page)).unwrap(),
                    target: CanonicalUrl::parse(target).unwrap(),
                    folded: fold(&anchor),
                    anchor,
                    refdomain: format!("p{}.com", page % 3),
                    first_seen: time(second(page)),
                    last_visited: time(if stays { AGAIN.1 } else { second(page) }),
                    lost: is_lost.then(|| time(AGAIN.1)),
                    nofollow: false,
                    alt: String::new(),
                    rel: Rel::NONE,
                });
            }
        }
    }
    backlinks
}

type Holds = fn(&PlainRow) -> bool;
/// Whether a URL is in a target.
type IsIn = fn(&str) -> bool;

const CONDITIONS: &[(&str, Holds)] = &[
    ("substring(anchor,\"99\")", |row| row.anchor.contains("99")),
    // Across the end of one anchor and the beginning of the next.
    ("substring(anchor,\"9anchor\")", |_| false),
    (
        "substring(anchor,\"9\"),substring(anchor,\"or 8\")",
        |row| row.anchor.contains('9') && row.anchor.contains("or 8"),
    ),
    ("word(anchor,\"77\")", |row| row.anchor.ends_with(" 77")),
    // Of anchors that were asked for before.
    (
        "word(anchor,\"77\"),first_seen>=\"1970-01-01T00:00:12Z\"",
        |row| row.anchor.ends_with(" 77") && row.first_seen >= time(12),
    ),
    ("substring(anchor,\"ÄPFEL\")", |row| {
        row.anchor.contains("äpfel")
    }),
    ("anchor=\"anchor 8998\"", |row| row.anchor == "anchor 8998"),
    ("anchor>=\"anchor 4\"", |row| {
        row.anchor.as_str() >= "anchor 4"
    }),
    (
        "substring(anchor,\"1\"),first_seen>=\"1970-01-01T00:00:12Z\"",
        |row| row.anchor.contains('1') && row.first_seen >= time(12),
    ),
    ("first_seen>=\"1970-01-01T00:00:12Z\",backlinks<>1", |row| {
        row.first_seen >= time(12) && row.backlinks != 1
    }),
    ("last_visited<\"1970-01-01T00:00:13Z\"", |row| {
        row.last_visited < time(13)
    }),
    ("refpages>1,subdomain(refdomain,\"p2.com\")", |row| {
        row.refpages > 1 && row.refdomain == "p2.com"
    }),
    ("backlinks>-1,refpages<-1", |_| false),
    (
        "backlinks>=2,backlinks<3,last_visited>=\"1970-01-01T00:00:11Z\"",
        |row| row.backlinks == 2 && row.last_visited >= time(11),
    ),
    ("backlinks>99999999999", |_| false),
    ("substring(anchor,\"8\"),first_seen>\"2100-01-01\"", |_| {
        false
    }),
    // None: then groups are kept of the questions before.
    ("", |_| true),
];

/// As usual; gathered by several threads, each with a part, or in parts that do not fit at once; with anchors
/// decoded each time; and from rows that are kept of the questions before.
fn tunings() -> [Tuning; 7] {
    let usual = Tuning::default();
    let gathered = Tuning {
        few_links: 0,
        known_pages_min: 0,
        kept_links_min: usize::MAX,
        part_links_min: 1000,
        ..usual
    };
    let in_turn = Tuning {
        part_links_max: 1500,
        ..gathered
    };
    let decoded = Tuning {
        known_anchors_min: usize::MAX,
        ..gathered
    };
    let kept = Tuning {
        kept_links_min: 0,
        ..gathered
    };
    [usual, usual, gathered, in_turn, decoded, kept, kept]
}

/// All groups, those with most backlinks first.
const ALL: &[(&str, &str)] = &[("order_by", "backlinks:desc"), ("limit", "20000")];
/// Some of them in another order.
const SOME: &[(&str, &str)] = &[
    ("order_by", "last_visited:desc"),
    ("offset", "3"),
    ("limit", "5"),
];

fn query(target: &Target, history: History, filter: &str, page: &[(&str, &str)]) -> Query {
    let parameters = [
        ("from", "anchors"),
        ("target", "t.example.org"),
        ("where", filter),
    ];
    let parameters = parameters
        .into_iter()
        .filter(|(_, value)| !value.is_empty());
    Query {
        target: target.clone(),
        history,
        ..Query::from_params(parameters.chain(page.iter().copied())).unwrap()
    }
}

#[test]
fn conditions_on_many_anchors_leave_what_the_rules_say() {
    let captures = captures();
    let directory = tempfile::tempdir().unwrap();
    ingest(directory.path(), &Plan::whole(&captures));
    let cancel = AtomicBool::new(false);
    let targets: [(&str, Mode, IsIn); 4] = [
        ("http://t.example.org/", Mode::Exact, |url| {
            url.ends_with("org/")
        }),
        ("http://t.example.org/docs/", Mode::Prefix, |url| {
            url.contains("/docs/")
        }),
        // Of which most anchors of the site are none.
        ("http://t.example.org/docs/b", Mode::Exact, |url| {
            url.ends_with("/b")
        }),
        ("http://t.example.org/", Mode::Subdomains, |_| true),
    ];
    for (url, mode, is_target) in targets {
        let target = Target::parse(url, mode).unwrap();
        for history in [History::Live, History::AllTime] {
            let snapshot = Snapshot::open(directory.path()).unwrap();
            let backlinks = backlinks(history, is_target);
            let rows = rows(&backlinks);
            for (filter, holds) in CONDITIONS {
                let kept: Vec<PlainRow> = rows.iter().filter(|row| holds(row)).cloned().collect();
                let mut expected = groups(&kept);
                expected.sort_by(|a, b| {
                    let by_backlinks = b.backlinks.cmp(&a.backlinks);
                    by_backlinks.then_with(|| a.anchor.cmp(&b.anchor))
                });
                let cells: BTreeSet<(&str, &str)> = kept
                    .iter()
                    .map(|row| (&*row.anchor, &*row.refdomain))
                    .collect();
                let pages: BTreeSet<&str> = backlinks
                    .iter()
                    .filter(|link| cells.contains(&(&*link.folded, &*link.refdomain)))
                    .map(|link| link.page.as_str())
                    .collect();
                let asked = query(&target, history, filter, ALL);
                for tuning in tunings() {
                    let found = snapshot.rows_tuned(&target, history, &cancel, tuning);
                    let found = found.unwrap();
                    let report = run(&asked, &found).unwrap();
                    let name = format!("{target} {history} {filter}");
                    assert_eq!(report.groups().len(), expected.len(), "{name}");
                    for (group, plain) in report.groups().iter().zip(&expected) {
                        assert_eq!(report.anchor(group), plain.anchor, "{name}");
                        assert_eq!(
                            (
                                group.backlinks,
                                group.refpages,
                                group.refdomains,
                                group.first_seen,
                                group.last_visited
                            ),
                            (
                                plain.backlinks,
                                plain.refpages,
                                plain.refdomains,
                                plain.first_seen,
                                plain.last_visited
                            ),
                            "{name} {}",
                            plain.anchor
                        );
                    }
                    assert_eq!(report.refpages(), pages.len() as u64, "{name}");
                    let is_empty = expected.is_empty().then_some(Emptiness::FilteredOut);
                    assert_eq!(report.emptiness(), is_empty, "{name}");
                }
                // What is kept of these tells the rest, too: another page in another order, and the totals.
                let [.., again] = tunings();
                let found = snapshot.rows_tuned(&target, history, &cancel, again);
                expected.sort_by(|a, b| {
                    let by_date = b.last_visited.cmp(&a.last_visited);
                    by_date.then_with(|| a.anchor.cmp(&b.anchor))
                });
                let expected_page: Vec<&str> = expected
                    .iter()
                    .map(|g| &*g.anchor)
                    .skip(3)
                    .take(5)
                    .collect();
                let paged = query(&target, history, filter, SOME);
                let found = found.unwrap();
                let is_kept =
                    found.chosen_groups(&paged.where_filter.to_string(), |_, _| (), &cancel);
                let conditions = paged.where_filter.conditions();
                let is_of_anchors = !filter.is_empty()
                    && conditions
                        .iter()
                        .all(|condition| condition.column().name == "anchor");
                assert_eq!(
                    is_kept.unwrap().is_some(),
                    is_of_anchors,
                    "{target} {filter}"
                );
                let report = run(&paged, &found).unwrap();
                let page: Vec<&str> = report
                    .groups()
                    .iter()
                    .map(|group| report.anchor(group))
                    .collect();
                assert_eq!(page, expected_page, "{target} {history} {filter}");
                let totals = totals_tuned(&asked, &snapshot, &cancel, again).unwrap();
                let refdomains: BTreeSet<&str> = kept.iter().map(|row| &*row.refdomain).collect();
                assert_eq!(
                    (
                        totals.anchors,
                        totals.refdomains,
                        totals.refpages,
                        totals.backlinks
                    ),
                    (
                        expected.len() as u64,
                        refdomains.len() as u64,
                        pages.len() as u64,
                        kept.iter().map(|row| row.backlinks).sum()
                    ),
                    "{target} {history} {filter}"
                );
                let dates = (
                    kept.iter().map(|row| row.first_seen).min(),
                    kept.iter().map(|row| row.last_visited).max(),
                );
                assert_eq!((totals.first_seen, totals.last_visited), dates);
            }
            let [.., kept] = tunings();
            let again = snapshot.rows_tuned(&target, history, &cancel, kept);
            let groups = again.unwrap().ready_groups().unwrap().map(|g| g.len());
            assert!(groups.is_some_and(|n| n > 0), "{target} {history}");
        }
    }
}
