//! Small captures through the whole index: batches, merges, histories.
#![allow(missing_docs, clippy::unwrap_used)]

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use windlass_index::{Collected, Collector, Progress, Snapshot, Writer};
use windlass_links::{
    CanonicalUrl, Capture, CaptureTime, History, Link, LinkCounts, LinkType, Mode, Outcome, Rel,
    Source, Target,
};

fn capture(
    page: &str,
    time: u32,
    outcome: Outcome,
    source: Source,
    links: &[(&str, &str)],
) -> Capture {
    Capture {
        page: CanonicalUrl::parse(page).unwrap(),
        time: CaptureTime::from_unix(time),
        outcome,
        source,
        status: None,
        title: None,
        links: links
            .iter()
            .map(|(target, anchor)| Link {
                link_type: LinkType::Href,
                target: CanonicalUrl::parse(target).unwrap(),
                anchor: (*anchor).to_owned(),
                alt: String::new(),
                rel: Rel::NONE,
                external: true,
            })
            .collect(),
        counts: LinkCounts::default(),
    }
}

fn ingest(directory: &Path, captures: &[Capture]) {
    let mut writer = Writer::open(directory, None).unwrap();
    let mut collector = Collector::new(&writer, usize::MAX);
    for (i, capture) in captures.iter().enumerate() {
        collector.add(capture, [0; 32], i as u64).unwrap();
    }
    let collected = collector.finish().unwrap();
    writer
        .commit_collected(collected, Vec::new(), &(), &AtomicBool::new(false))
        .unwrap();
}

fn answer(directory: &Path, target: &str, mode: Mode, history: History) -> Vec<String> {
    let rows = Snapshot::open(directory)
        .unwrap()
        .rows(
            &Target::parse(target, mode).unwrap(),
            history,
            &AtomicBool::new(false),
        )
        .unwrap();
    let (rows, _) = rows.list(|_| true, &AtomicBool::new(false)).unwrap();
    let mut lines: Vec<_> = rows
        .iter()
        .map(|named| {
            format!(
                "{}|{}|{}|{}|{}|{}",
                named.anchor,
                named.refdomain,
                named.row.backlinks,
                named.row.refpages,
                named.row.first_seen.unix(),
                named.row.last_visited.unix()
            )
        })
        .collect();
    // The order of refdomains within an anchor means nothing.
    lines.sort();
    lines
}

#[test]
fn r13_live_lost_restored_in_one_segment_in_many_and_merged() {
    let html = |time, links: &[(&str, &str)]| {
        capture(
            "http://p.example/",
            time,
            Outcome::Html,
            Source::Warc,
            links,
        )
    };
    let t = "http://t.example.org/a";
    let captures = [
        html(10, &[(t, "Stays"), (t, "Lost"), (t, "Back")]),
        html(20, &[(t, "Stays")]),
        html(30, &[(t, "stays"), (t, "Stays"), (t, "Back")]),
        capture(
            "http://q.example/",
            10,
            Outcome::Html,
            Source::Warc,
            &[(t, "stays")],
        ),
        capture("http://q.example/", 40, Outcome::Gone, Source::Warc, &[]),
        capture(
            "http://r.example/",
            10,
            Outcome::Html,
            Source::Warc,
            &[("http://sub.t.example.org:81/", "Port")],
        ),
        capture(
            "http://r.example/",
            50,
            Outcome::Revisit(None),
            Source::Warc,
            &[],
        ),
    ];
    let whole = tempfile::tempdir().unwrap();
    ingest(whole.path(), &captures);
    let parts = tempfile::tempdir().unwrap();
    for capture in captures.iter().rev() {
        ingest(parts.path(), std::slice::from_ref(capture));
    }
    let check = |directory: &Path| {
        let ask = |target, mode, history| answer(directory, target, mode, history);
        assert_eq!(
            ask("t.example.org/a", Mode::Exact, History::Live),
            ["back|p.example|1|1|10|30", "stays|p.example|2|1|10|30"]
        );
        assert_eq!(
            ask("t.example.org", Mode::Subdomains, History::AllTime),
            [
                "back|p.example|1|1|10|30",
                "lost|p.example|1|1|10|10",
                "port|r.example|1|1|10|50",
                "stays|p.example|2|1|10|30",
                "stays|q.example|1|1|10|10"
            ]
        );
        assert_eq!(
            ask(
                "t.example.org/",
                Mode::Prefix,
                History::Since(CaptureTime::from_unix(21))
            ),
            [
                "back|p.example|1|1|10|30",
                "stays|p.example|2|1|10|30",
                "stays|q.example|1|1|10|10"
            ]
        );
        assert_eq!(
            ask("sub.t.example.org:81", Mode::Domain, History::Live),
            ["port|r.example|1|1|10|50"]
        );
        assert!(ask("sub.t.example.org:80", Mode::Domain, History::Live).is_empty());
    };
    check(whole.path());
    check(parts.path());
    let mut writer = Writer::open(parts.path(), None).unwrap();
    assert!(writer.merge_all(&(), &AtomicBool::new(false)).unwrap());
    drop(writer);
    check(parts.path());
}

/// What was told of progress.
#[derive(Default)]
struct Told {
    units: AtomicU64,
    times: AtomicU64,
}

impl Progress for Told {
    fn advance(&self, done: u64) {
        self.units.fetch_add(done, Ordering::Relaxed);
        self.times.fetch_add(1, Ordering::Relaxed);
    }
}

/// Several collectors, captures that are there twice, links that one capture has twice.
#[test]
fn writing_tells_all_that_it_does_and_not_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let writer = Writer::open(directory.path(), None).unwrap();
    let mut collected = Collected::default();
    let mut units = 0;
    for from in 0..3 {
        let mut collector = Collector::new(&writer, usize::MAX);
        for i in from..from + 20u32 {
            let page = format!("http://p{i}.example/");
            let target = format!("http://t{}.example.org/", i % 7);
            let links = [(target.as_str(), "A"), (&target, "A"), (&target, "b")];
            let capture = capture(&page, i, Outcome::Html, Source::Warc, &links);
            collector.add(&capture, [0; 32], u64::from(i)).unwrap();
            units += 1 + links.len() as u64;
        }
        collected.append(collector.finish().unwrap());
    }
    assert_eq!(collected.write_total(), units);
    let told = Told::default();
    let collected = writer.write_collected(collected, &told).unwrap();
    assert_eq!(told.units.load(Ordering::Relaxed), units);
    assert!(told.times.load(Ordering::Relaxed) > 2);
    assert_eq!((collected.write_total(), collected.merge_total()), (0, 0));
}
