//! Links traced to their captures, and to the bytes of archive files.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

#[allow(dead_code, reason = "other tests use the rest")]
mod support;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use proptest::prelude::*;
use windlass_archive::{Archive, Limits, Problem, Record};
use windlass_index::{
    ArchivePlace, IndexError, IngestOptions, IngestWatcher, LinkFilter, Snapshot, Trace, Writer,
    digest_text, trace_segments,
};
use windlass_links::{
    CanonicalUrl, Capture, ExtractOptions, Extractor, History, LinkType, Mode, PublicSuffixList,
    Rel, Source, Target,
};
use windlass_reference::fixtures::{arb_captures, capture, list, scenarios, time};
use windlass_reference::{PlainPlace, PlainTrace, PlainTracedCapture, ReferenceIndex};

use support::{Plan, ingest, ingest_keeping_internal, merge, origin};

static NEVER: AtomicBool = AtomicBool::new(false);

fn place(capture: &Capture) -> PlainPlace {
    let (digest, offset) = origin(capture);
    (digest_text(&digest), offset)
}

/// What the index says of a link, as the reference would.
fn plain(trace: &Trace) -> PlainTrace {
    let captures = trace.captures.iter().map(|capture| {
        assert_eq!(capture.shows_link, capture.rel.is_some());
        assert!(capture.places.is_sorted());
        PlainTracedCapture {
            time: capture.time,
            outcome: capture.outcome,
            status: capture.status,
            source: capture.source.map(|source| match source {
                "warc" => Source::Warc,
                "wat" => Source::Wat,
                other => panic!("{other}"),
            }),
            attributes: capture.rel.zip(capture.alt.clone()),
            renews: capture.renews.iter().copied().collect(),
            places: {
                let places = capture.places.iter();
                places.map(|p| (p.digest.clone(), p.offset)).collect()
            },
        }
    });
    let url = |text: &str| CanonicalUrl::parse(text).unwrap();
    PlainTrace {
        page: url(&trace.page.url),
        target: url(&trace.target),
        anchor: trace.anchor.clone(),
        link_type: trace.link_type,
        first_seen: trace.first_seen,
        last_visited: trace.last_visited,
        lost: trace.lost,
        attributes: (trace.rel, trace.alt.clone()),
        captures: captures.collect(),
    }
}

/// Page, target and anchor of every link, and of some that there are not.
fn questions(captures: &[Capture]) -> BTreeSet<(CanonicalUrl, CanonicalUrl, String)> {
    let mut questions = BTreeSet::new();
    for (capture, other) in captures.iter().zip(captures.iter().cycle().skip(1)) {
        for link in capture.links.iter().chain(&other.links) {
            let of_page = (capture.page.clone(), link.target.clone());
            questions.insert((of_page.0.clone(), of_page.1.clone(), link.anchor.clone()));
            questions.insert((of_page.0, of_page.1, String::new()));
        }
    }
    questions
}

/// Every link is traced as the reference does.
fn check(directory: &Path, reference: &ReferenceIndex, captures: &[Capture]) {
    let snapshot = Snapshot::open(directory).unwrap();
    for (page, target, anchor) in questions(captures) {
        let found = snapshot.trace(page.as_str(), target.as_str(), &anchor, &NEVER);
        let expected = reference.trace(&page, &target, &anchor, place);
        assert_eq!(
            found.unwrap().as_ref().map(plain),
            expected,
            "{page} {target} {anchor:?}"
        );
    }
}

#[test]
fn every_link_of_every_scenario() {
    for scenario in scenarios() {
        let reference = ReferenceIndex::new(scenario.captures.clone(), list());
        let directory = tempfile::tempdir().unwrap();
        ingest_keeping_internal(directory.path(), &Plan::single(&scenario.captures));
        check(directory.path(), &reference, &scenario.captures);
        merge(directory.path());
        check(directory.path(), &reference, &scenario.captures);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn links_are_traced_as_the_rules_say(
        captures in arb_captures(),
        size in 1usize..8,
        memory_max in prop_oneof![Just(0), Just(usize::MAX)],
    ) {
        let reference = ReferenceIndex::new(captures.clone(), list());
        let directory = tempfile::tempdir().unwrap();
        let batches = captures.chunks(size).map(<[_]>::to_vec).collect();
        ingest_keeping_internal(directory.path(), &Plan { batches, memory_max });
        check(directory.path(), &reference, &captures);
        merge(directory.path());
        check(directory.path(), &reference, &captures);
    }
}

const PAGE: &str = "http://p.example.com/";
const TARGET: &str = "http://t.example.org/a";

#[test]
fn a_revisit_shows_what_it_renews() {
    use windlass_links::Outcome;
    let revisit = |seconds, refers: Option<u32>| {
        let outcome = Outcome::Revisit(refers.map(time));
        capture(PAGE, seconds).outcome(outcome).build()
    };
    let captures = [
        revisit(5, None),
        capture(PAGE, 10).rel(TARGET, "x", Rel::UGC).build(),
        capture(PAGE, 20).build(),
        revisit(30, Some(10)),
        revisit(40, None),
        revisit(50, Some(20)),
    ];
    let directory = tempfile::tempdir().unwrap();
    ingest(directory.path(), &Plan::single(&captures));
    let snapshot = Snapshot::open(directory.path()).unwrap();
    let trace = snapshot.trace(PAGE, TARGET, "x", &NEVER).unwrap().unwrap();
    let shows: Vec<(u32, bool, Vec<u32>)> = trace
        .captures
        .iter()
        .map(|capture| {
            let renews = capture.renews.iter().map(|time| time.unix()).collect();
            (capture.time.unix(), capture.shows_link, renews)
        })
        .collect();
    let expected = [
        (5, false, vec![]),
        (10, true, vec![]),
        (20, false, vec![]),
        (30, true, vec![10]),
        (40, true, vec![10]),
        (50, false, vec![20]),
    ];
    assert_eq!(shows, expected);
    assert_eq!((trace.last_visited, trace.lost), (time(40), Some(time(50))));
    assert_eq!(trace.captures[4].rel, Some(Rel::UGC));
}

#[test]
fn what_is_not_there_is_not_found() {
    let captures = [capture(PAGE, 10)
        .link(TARGET, "X")
        .link_with(
            LinkType::Canonical,
            "http://c.example.org/",
            "",
            "",
            Rel::NONE,
        )
        .build()];
    let directory = tempfile::tempdir().unwrap();
    ingest(directory.path(), &Plan::whole(&captures));
    let snapshot = Snapshot::open(directory.path()).unwrap();
    let find = |page, target, anchor| snapshot.trace(page, target, anchor, &NEVER).unwrap();
    let found = find(PAGE, TARGET, "X").unwrap();
    assert_eq!(found.link_type, LinkType::Href);
    let found = find("HTTP://p.example.com", "http://C.example.org#top", "").unwrap();
    assert_eq!(found.link_type, LinkType::Canonical);
    assert_eq!(found.target, "http://c.example.org/");
    for (page, target, anchor) in [
        // The anchor is compared as written.
        (PAGE, TARGET, "x"),
        (PAGE, TARGET, ""),
        (PAGE, "http://c.example.org/", "X"),
        (PAGE, "https://t.example.org/a", "X"),
        ("https://p.example.com/", TARGET, "X"),
        ("http://nowhere.invalid/", TARGET, "X"),
        (PAGE, "http://nowhere.invalid/", "X"),
        ("p.example.com", TARGET, "X"),
        (PAGE, "mailto:a@example.org", "X"),
    ] {
        assert_eq!(find(page, target, anchor), None, "{page} {target} {anchor}");
    }
    let stopped = snapshot.trace(PAGE, TARGET, "X", &AtomicBool::new(true));
    assert!(matches!(stopped, Err(IndexError::Cancelled)));
    let found = trace_segments(snapshot.segments(), PAGE, TARGET, "X", &NEVER).unwrap();
    assert_eq!(found, find(PAGE, TARGET, "X"));
}

struct Nobody;

impl IngestWatcher for Nobody {
    fn read(&self, _: u64) {}
    fn problem(&self, path: &Path, problem: &Problem) {
        panic!("{}: {problem}", path.display());
    }
    fn merging(&self, _: u64) {}
    fn making_ready(&self, _: u64) {}
    fn writing(&self, _: u64) {}
    fn advanced(&self, _: u64) {}
    fn committed(&self, _: usize) {}
}

fn demo(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../demo")
        .join(name)
}

/// The first record from an offset on.
fn record_at(place: &ArchivePlace) -> Record {
    let name = place.file_names.first().unwrap();
    let mut file = File::open(name).unwrap();
    file.seek(SeekFrom::Start(place.offset)).unwrap();
    let mut archive = Archive::from_reader(file, Limits::default()).unwrap();
    archive.next().unwrap().unwrap()
}

/// Links of the demo crawl, each from another page or to another target: page, target, anchor.
fn some_links(snapshot: &Snapshot) -> Vec<(String, String, String)> {
    let mut links = Vec::new();
    for host in ["github.com", "sphinx.pocoo.org", "wikipedia.org", "w3.org"] {
        let target = Target::parse(host, Mode::Subdomains).unwrap();
        let filter = LinkFilter {
            history: History::AllTime,
            all_types: false,
        };
        let mut count = 0;
        snapshot
            .for_each_link_to(&target, filter, &NEVER, |row| {
                count += 1;
                if count % 17 == 1 {
                    let (page, target) = (row.page.url.clone(), row.target.to_owned());
                    links.push((page, target, row.anchor.to_owned()));
                }
                Ok::<_, IndexError>(ControlFlow::Continue(()))
            })
            .unwrap();
    }
    links
}

#[test]
fn the_records_of_the_demo_crawl_are_where_the_trace_says() {
    let files = [
        // A WAT without its WARC, and two crawls of one site.
        "awesome-selfhosted.net.warc.wat.gz",
        "docs.sqlalchemy.org-2021-03-15.warc.gz",
        "docs.sqlalchemy.org-2024-09-05.warc.gz",
        "www.sqlite.org.warc.gz",
    ];
    let directory = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(directory.path(), None).unwrap();
    let options = IngestOptions {
        batch_bytes: 1,
        ..IngestOptions::default()
    };
    let paths = files.map(demo);
    windlass_index::ingest(
        &mut writer,
        &paths,
        &options,
        &Nobody,
        &AtomicBool::new(false),
    )
    .unwrap();
    let many = Snapshot::open(directory.path()).unwrap();
    assert!(many.segments().len() > 2, "several segments are wanted");
    writer.merge_all(&(), &NEVER).unwrap();
    let one = Snapshot::open(directory.path()).unwrap();

    let mut extractor = Extractor::new(
        Arc::new(PublicSuffixList::bundled()),
        ExtractOptions::default(),
    );
    let (mut checked, mut lost, mut from_wats) = (0, 0, 0);
    for (page, target, anchor) in some_links(&one) {
        let trace = one.trace(&page, &target, &anchor, &NEVER).unwrap().unwrap();
        let before = many
            .trace(&page, &target, &anchor, &NEVER)
            .unwrap()
            .unwrap();
        assert_eq!(plain(&trace), plain(&before));
        assert!(trace.captures.iter().any(|capture| capture.shows_link));
        lost += usize::from(trace.lost.is_some());
        for capture in &trace.captures {
            let [place] = capture.places.as_slice() else {
                panic!("{:?}", capture.places);
            };
            let record = record_at(place);
            assert_eq!(record.offset, 0);
            assert_eq!(record.time, capture.time);
            let read = extractor.capture(&record).unwrap();
            assert_eq!(read.page.as_str(), page);
            assert_eq!(read.status, capture.status);
            let is_there = read.links.iter().any(|link| {
                link.link_type == LinkType::Href
                    && link.target.as_str() == target
                    && link.anchor == anchor
            });
            assert_eq!(is_there, capture.shows_link, "{page} {target} {anchor:?}");
            from_wats += usize::from(capture.source == Some("wat"));
            checked += 1;
        }
    }
    assert!(checked > 100, "{checked}");
    assert!(lost > 0 && from_wats > 10, "{lost} {from_wats}");
}
