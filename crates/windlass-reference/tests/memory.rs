//! The memory of a query is bounded over several segments and sites too: whatever the bound, the answer is
//! the same, or refused.
#![allow(missing_docs, clippy::panic, clippy::unwrap_used)]

#[allow(dead_code, reason = "other tests use the rest")]
mod support;

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use proptest::prelude::*;
use windlass_index::{IndexError, LinkFilter, NamedRow, Snapshot, Tuning, Writer};
use windlass_links::{Capture, History, Mode, Target};
use windlass_reference::fixtures::{arb_captures, arb_history, arb_target, capture};
use windlass_report::{AnswerError, AnswerLimits, Query, answer, rows_of_anchor, summary, totals};

use support::{Plan, commit, ingest, merge};

/// Pages, each with a link and an anchor of its own.
const PAGES: usize = 3000;
/// Far less than what they take, and far more.
const TOO_LITTLE: usize = 20_000;
const ENOUGH: usize = 64 << 20;

fn pages(seconds: u32, which: impl Iterator<Item = usize>) -> Vec<Capture> {
    which
        .map(|n| {
            capture(&format!("http://site{}.test/{n}", n % 100), seconds)
                .link("http://target.example/", &format!("anchor {n}"))
                .link(&format!("http://other{}.example/", n % 7), "other")
                .build()
        })
        .collect()
}

/// Two segments, of which each has pages that the other has, and pages of its own.
fn several(directory: &std::path::Path) {
    let batches = vec![pages(10, 0..2 * PAGES / 3), pages(20, PAGES / 3..PAGES)];
    let memory_max = usize::MAX;
    ingest(
        directory,
        &Plan {
            batches,
            memory_max,
        },
    );
}

fn query(parameters: &[(&str, &str)]) -> Query {
    Query::from_params(parameters.iter().copied()).unwrap()
}

fn body(
    snapshot: &Arc<Snapshot>,
    query: &Query,
    memory_max: usize,
) -> Result<Vec<u8>, AnswerError> {
    let limits = AnswerLimits {
        memory_max,
        ..AnswerLimits::default()
    };
    let cancel = AtomicBool::new(false);
    let answer = answer(query, snapshot, limits, &cancel)?;
    let mut body = Vec::new();
    answer.write(query.output, &mut body).unwrap();
    Ok(body)
}

fn is_refused<T>(found: &Result<T, AnswerError>, limit: usize) -> bool {
    matches!(found, Err(AnswerError::Memory { max }) if *max == limit)
}

#[test]
fn links_of_several_segments_count_and_those_of_one_site_alone_do_not() {
    let directory = tempfile::tempdir().unwrap();
    several(directory.path());
    let parts = Arc::new(Snapshot::open(directory.path()).unwrap());
    assert_eq!(parts.segments().len(), 2);
    for table in ["anchors", "anchors_refdomains", "refdomains", "metrics"] {
        let asked = query(&[
            ("from", table),
            ("target", "target.example"),
            ("mode", "domain"),
            ("limit", "10"),
        ]);
        // Once where nothing is known of the target, and once where an earlier answer is kept.
        for _ in 0..2 {
            let found = body(&parts, &asked, TOO_LITTLE);
            assert!(is_refused(&found, TOO_LITTLE), "{table}");
            assert!(body(&parts, &asked, ENOUGH).is_ok(), "{table}");
        }
    }
    let asked = query(&[
        ("from", "anchors"),
        ("target", "target.example"),
        ("mode", "domain"),
        ("limit", "10"),
    ]);
    let limits = AnswerLimits {
        memory_max: TOO_LITTLE,
        ..AnswerLimits::default()
    };
    let cancel = AtomicBool::new(false);
    let found = rows_of_anchor(&asked, "anchor 7", &parts, limits, &cancel);
    assert!(is_refused(&found, TOO_LITTLE));
    let found = summary::summarise(&asked, &parts, limits, &cancel);
    assert!(is_refused(&found, TOO_LITTLE));
    let found = totals(&asked, &parts, limits, &cancel);
    assert!(is_refused(&found, TOO_LITTLE));
    let message = IndexError::Memory { max: 3 << 20 }.to_string();
    assert!(message.contains("more than 3 MiB of memory"), "{message}");

    // One segment reads them where they are.
    let right = body(&parts, &asked, ENOUGH).unwrap();
    merge(directory.path());
    let merged = Arc::new(Snapshot::open(directory.path()).unwrap());
    assert_eq!(body(&merged, &asked, TOO_LITTLE).unwrap(), right);
    // Those of several sites it gathers.
    let asked = query(&[
        ("from", "anchors"),
        ("target", "example"),
        ("mode", "subdomains"),
    ]);
    assert!(is_refused(&body(&merged, &asked, TOO_LITTLE), TOO_LITTLE));
    assert_eq!(
        body(&merged, &asked, ENOUGH).unwrap(),
        body(&parts, &asked, ENOUGH).unwrap()
    );
}

#[test]
fn each_site_below_a_public_suffix_counts() {
    const SITES: usize = 1000;
    let directory = tempfile::tempdir().unwrap();
    let page = |host: &str| {
        (0..SITES).fold(capture(&format!("http://{host}.test/"), 10), |page, n| {
            page.link(&format!("http://target{n}.example/"), "anchor")
        })
    };
    let plan = Plan {
        batches: vec![vec![page("a").build()], vec![page("b").build()]],
        memory_max: usize::MAX,
    };
    ingest(directory.path(), &plan);
    let parts = Arc::new(Snapshot::open(directory.path()).unwrap());
    assert_eq!(parts.segments().len(), 2);
    let asked = query(&[
        ("from", "anchors"),
        ("target", "example"),
        ("mode", "subdomains"),
    ]);
    // What is known of each site while its anchors are read is more than that.
    let too_little = 2 * SITES * 600;
    assert!(is_refused(&body(&parts, &asked, too_little), too_little));
    let found = body(&parts, &asked, ENOUGH).unwrap();
    merge(directory.path());
    let merged = Arc::new(Snapshot::open(directory.path()).unwrap());
    // Of one segment they are read one after the other.
    assert_eq!(body(&merged, &asked, too_little).unwrap(), found);
}

/// Links one by one are those of one site after the other, so that sites are not listed; to look at them, and to
/// find what pages link to, they are.
#[test]
fn sites_that_are_listed_count() {
    const SITES: usize = 1000;
    let directory = tempfile::tempdir().unwrap();
    let page = (0..SITES).fold(capture("http://a.test/", 10), |page, n| {
        page.link(&format!("http://target{n}.example/"), "anchor")
    });
    ingest(directory.path(), &Plan::whole(&[page.build()]));
    let snapshot = Arc::new(Snapshot::open(directory.path()).unwrap());
    let asked = |more: &[(&str, &str)]| {
        let mut parameters = vec![("mode", "subdomains"), ("limit", "100000")];
        parameters.extend(more);
        query(&parameters)
    };
    let to = [("from", "backlinks"), ("target", "example")];
    let found = body(&snapshot, &asked(&to), TOO_LITTLE).unwrap();
    assert_eq!(found, body(&snapshot, &asked(&to), ENOUGH).unwrap());
    let ordered = [to[0], to[1], ("order_by", "first_seen:desc")];
    let from = [("from", "linked_domains"), ("target", "a.test")];
    for asked in [asked(&ordered), asked(&from)] {
        let found = body(&snapshot, &asked, TOO_LITTLE);
        assert!(is_refused(&found, TOO_LITTLE));
        assert!(body(&snapshot, &asked, ENOUGH).is_ok());
    }
}

#[test]
fn anchors_are_in_memory_as_many_as_fit() {
    const ANCHORS: usize = 600;
    let directory = tempfile::tempdir().unwrap();
    let page = (0..ANCHORS).fold(capture("http://a.test/", 10), |page, n| {
        let long = "x".repeat(n % 50 * 100);
        page.link("http://target.example/", &format!("{n} {long}"))
    });
    ingest(directory.path(), &Plan::whole(&[page.build()]));
    let snapshot = Arc::new(Snapshot::open(directory.path()).unwrap());
    for (order_by, offset) in [("anchor", "0"), ("anchor:desc", "7"), ("backlinks", "590")] {
        let asked = query(&[
            ("from", "anchors"),
            ("target", "target.example"),
            ("mode", "domain"),
            ("order_by", order_by),
            ("offset", offset),
            ("limit", "100000"),
        ]);
        let usual = body(&snapshot, &asked, ENOUGH).unwrap();
        let limits = AnswerLimits {
            kept_bytes_max: TOO_LITTLE,
            ..AnswerLimits::default()
        };
        let cancel = AtomicBool::new(false);
        let answer = answer(&asked, &snapshot, limits, &cancel).unwrap();
        let mut found = Vec::new();
        answer.write(asked.output, &mut found).unwrap();
        assert_eq!(found, usual, "{order_by} {offset}");
    }
}

/// Links that are passed over take their time, too.
#[test]
fn passing_over_links_stops_when_it_is_told_to() {
    const LINKS: usize = 1 << 15;
    let directory = tempfile::tempdir().unwrap();
    let page = (0..LINKS).fold(capture("http://a.test/", 10), |page, n| {
        page.link(&format!("http://target.example/{n}"), "anchor")
    });
    ingest(directory.path(), &Plan::whole(&[page.build()]));
    let snapshot = Snapshot::open(directory.path()).unwrap();
    let target = Target::parse("target.example", Mode::Domain).unwrap();
    let filter = LinkFilter {
        history: History::Live,
        all_types: false,
    };
    let cancel = AtomicBool::new(false);
    let never_wanted = |_: &str| {
        cancel.store(true, Ordering::Relaxed);
        false
    };
    let stopped =
        snapshot.for_each_link_with_anchor(&target, filter, &never_wanted, &cancel, |_| {
            Ok::<_, IndexError>(ControlFlow::Continue(()))
        });
    assert!(matches!(stopped, Err(IndexError::Cancelled)));
}

#[test]
fn one_segment_gives_the_same_in_little_memory_however_often_it_is_asked() {
    let directory = tempfile::tempdir().unwrap();
    several(directory.path());
    merge(directory.path());
    let target = Target::parse("target.example", Mode::Domain).unwrap();
    let cancel = AtomicBool::new(false);
    for history in [History::Live, History::AllTime] {
        // The second of equal questions would keep rows, and later ones read them, where there is memory for it.
        let in_memory = |memory_max| {
            let tuning = Tuning {
                memory_max,
                ..Tuning::default()
            };
            let snapshot = Snapshot::open(directory.path()).unwrap();
            let rows = || snapshot.rows_tuned(&target, history, &cancel, tuning);
            let lists = (0..3).map(|_| rows()?.list(|_| true, &cancel));
            lists.collect::<Result<Vec<_>, _>>().unwrap()
        };
        let right = in_memory(ENOUGH);
        assert_eq!(right[0].0.len(), PAGES);
        assert_eq!(in_memory(TOO_LITTLE), right, "{history:?}");
        assert_eq!(in_memory(1), right, "{history:?}");
    }
}

#[test]
fn links_that_are_looked_at_count_by_their_pages() {
    let directory = tempfile::tempdir().unwrap();
    several(directory.path());
    merge(directory.path());
    let snapshot = Arc::new(Snapshot::open(directory.path()).unwrap());
    let asked = |target| {
        query(&[
            ("from", "backlinks"),
            ("target", target),
            ("mode", "subdomains"),
            ("order_by", "first_seen:desc"),
            ("limit", "1"),
        ])
    };
    // 16 bytes a page; of another site there are a seventh.
    let found = body(&snapshot, &asked("target.example"), TOO_LITTLE);
    assert!(is_refused(&found, TOO_LITTLE));
    assert!(body(&snapshot, &asked("target.example"), ENOUGH).is_ok());
    assert!(body(&snapshot, &asked("other3.example"), TOO_LITTLE).is_ok());
}

#[test]
fn the_top_sites_are_counted_in_the_memory_that_they_may_take_or_not_at_all() {
    let directory = tempfile::tempdir().unwrap();
    several(directory.path());
    let cancel = AtomicBool::new(false);
    let mut all = Vec::new();
    for segments in [2, 1] {
        let snapshot = Snapshot::open(directory.path()).unwrap();
        assert_eq!(snapshot.segments().len(), segments);
        let found = snapshot.top_sites(3, 1000, &cancel);
        let is_refused = matches!(found, Err(IndexError::Memory { max: 1000 }));
        // What is ready-made tells it without a table of pages.
        assert_eq!(is_refused, segments == 2);
        all.push(snapshot.top_sites(3, ENOUGH, &cancel).unwrap());
        merge(directory.path());
    }
    assert_eq!(all[0], all[1]);
    // One segment of small sites, which have nothing ready-made.
    let plain = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(plain.path(), None).unwrap();
    commit(&mut writer, &pages(10, 0..PAGES), usize::MAX);
    let snapshot = Snapshot::open(plain.path()).unwrap();
    let found = snapshot.top_sites(3, TOO_LITTLE, &cancel);
    assert!(matches!(found, Err(IndexError::Memory { .. })));
    assert_eq!(snapshot.top_sites(3, ENOUGH, &cancel).unwrap().len(), 3);
}

/// What is kept is a part of what is taken: whoever gets rows has allowed for them.
#[test]
fn rows_take_no_more_than_they_may() {
    let directory = tempfile::tempdir().unwrap();
    several(directory.path());
    let snapshot = Snapshot::open(directory.path()).unwrap();
    let cancel = AtomicBool::new(false);
    for target in ["target.example", "other3.example", "example"] {
        let target = Target::parse(target, Mode::Subdomains).unwrap();
        let rows = |memory_max| {
            let tuning = Tuning {
                memory_max,
                keeps_answers: false,
                ..Tuning::default()
            };
            snapshot.rows_tuned(&target, History::Live, &cancel, tuning)
        };
        let (mut refused, mut given) = (0, ENOUGH);
        while given - refused > 256 {
            let middle = refused.midpoint(given);
            match rows(middle) {
                Ok(_) => given = middle,
                Err(IndexError::Memory { max }) if max == middle => refused = middle,
                Err(error) => panic!("{error}"),
            }
        }
        let memory = rows(given).unwrap().memory();
        assert!(memory > 0 && memory < given, "{memory} of {given}");
        // The bound is about the truth: a few times what stays.
        assert!(given < 16 * memory, "{memory} of {given}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_bound_the_rows_are_the_same_or_refused(
        captures in arb_captures(),
        target in arb_target(),
        history in arb_history(),
        pages_per_look_up in prop_oneof![Just(0), Just(1), Just(48)],
    ) {
        let directory = tempfile::tempdir().unwrap();
        ingest(directory.path(), &Plan::single(&captures));
        let snapshot = Snapshot::open(directory.path()).unwrap();
        let cancel = AtomicBool::new(false);
        let rows = |memory_max| -> Result<(Vec<NamedRow>, u64), IndexError> {
            let tuning = Tuning {
                memory_max,
                keeps_answers: false,
                groups_links_min: 1,
                part_links_min: 1,
                part_links_max: 2,
                pages_per_look_up,
                ..Tuning::default()
            };
            let rows = snapshot.rows_tuned(&target, history, &cancel, tuning)?;
            assert!(rows.memory() <= memory_max.saturating_add(1024));
            rows.list(|_| true, &cancel)
        };
        let right = rows(usize::MAX).unwrap();
        let mut was_given = false;
        for power in 0..24 {
            match rows(1 << power) {
                Ok(found) => {
                    prop_assert_eq!(&found, &right);
                    was_given = true;
                }
                // Threads take turns in another order each time, but far from the bound it does not matter.
                Err(IndexError::Memory { max }) => {
                    prop_assert!(max == 1 << power && !was_given);
                }
                Err(error) => panic!("{error}"),
            }
        }
        prop_assert!(was_given);
    }
}
