//! The index against the plain implementation of the rules, over the whole corpus.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

#[allow(dead_code, reason = "other tests use the rest")]
#[path = "support/crawl.rs"]
mod crawl;
#[allow(dead_code, reason = "other tests use the rest")]
mod support;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use windlass_index::{Snapshot, Writer};
use windlass_links::{CaptureTime, History, Mode, PublicSuffixList, Surt, Target};
use windlass_reference::{
    Backlink, PlainGroup, PlainRow, ReferenceIndex, corpus, groups, rows, stats,
};
use windlass_report::{Query, run};

use crawl::{captures, ingest_files};
use support::plain_rows;

/// Targets that are asked for by name; others are taken from the corpus.
const TARGETS: [&str; 8] = [
    "github.com",
    "wikipedia.org",
    "w3.org",
    "creativecommons.org",
    "blogger.com",
    "http://www.w3.org/TR/",
    "en.wikipedia.org/wiki/",
    "nowhere.invalid",
];

/// How many of the corpus' own targets are asked for, in all modes.
const SAMPLED: usize = 60;

/// The rows of a target, read off all backlinks.
fn expected(all: &[(Vec<u8>, Backlink)], target: &Target, history: History) -> Vec<Backlink> {
    let matching = all
        .iter()
        .filter(|(key, link)| target.matches(key) && history.keeps(link.lost));
    matching.map(|(_, link)| link.clone()).collect()
}

fn found(snapshot: &Snapshot, target: &Target, history: History) -> Vec<PlainRow> {
    let rows = snapshot
        .rows(target, history, &AtomicBool::new(false))
        .unwrap();
    let (rows, _) = rows.list(|_| true, &AtomicBool::new(false)).unwrap();
    plain_rows(rows)
}

/// Filters of the report, each with what it means.
type Keep<T> = fn(&T) -> bool;
const FILTERS: [(&str, Keep<PlainRow>, &str, Keep<PlainGroup>); 3] = [
    ("", |_| true, "", |_| true),
    (
        "backlinks>1",
        |row| row.backlinks > 1,
        "refdomains>=2",
        |group| group.refdomains >= 2,
    ),
    (
        r#"subdomain(refdomain,"org"),first_seen<"2020-01-01""#,
        |row| row.refdomain == "org" || row.refdomain.ends_with(".org"),
        r#"substring(anchor,"A")"#,
        |group| group.anchor.contains('a'),
    ),
];

fn check_reports(snapshot: &Snapshot, name: &str, mode: Mode, backlinks: &[Backlink]) {
    let year_2020: CaptureTime = "2020-01-01".parse().unwrap();
    for (filter, keep_row, having, keep_group) in FILTERS {
        let parameters = [
            ("from", "anchors"),
            ("target", name),
            ("mode", mode.name()),
            ("where", filter),
            ("having", having),
            ("limit", "5000000"),
        ];
        let query = Query::from_params(parameters).unwrap();
        let target_rows = snapshot
            .rows(&query.target, query.history, &AtomicBool::new(false))
            .unwrap();
        let report = run(&query, &target_rows).unwrap();
        let keep = |row: &PlainRow| {
            keep_row(row) && (!filter.contains("first_seen") || row.first_seen < year_2020)
        };
        let kept: Vec<PlainRow> = rows(backlinks)
            .into_iter()
            .filter(|row| keep(row))
            .collect();
        let mut plain = groups(&kept);
        plain.retain(keep_group);
        let found: Vec<PlainGroup> = report
            .groups()
            .iter()
            .map(|group| PlainGroup {
                anchor: report.anchor(group).to_owned(),
                backlinks: group.backlinks,
                refpages: group.refpages,
                refdomains: group.refdomains,
                first_seen: group.first_seen,
                last_visited: group.last_visited,
            })
            .collect();
        assert_eq!(found, plain, "{name} {mode} where {filter} having {having}");
        let totals = stats(backlinks, keep);
        assert_eq!(
            (report.backlinks(), report.refpages()),
            (totals.backlinks, totals.refpages),
            "R18 {name} {mode}"
        );
    }
}

#[test]
fn the_whole_corpus_answers_as_the_reference() {
    let paths = corpus::files(&["warc", "wat", "genuine", "derived"]);
    if paths.is_empty() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(directory.path(), None).unwrap();
    writer.set_ready_links_min(16);
    ingest_files(&mut writer, &paths, 40 << 20);
    let many = Snapshot::open(directory.path()).unwrap();
    assert!(many.segments().len() > 2, "several segments are wanted");
    writer.merge_all(&(), &AtomicBool::new(false)).unwrap();
    let one = Snapshot::open(directory.path()).unwrap();
    one.segments()[0].verify(&AtomicBool::new(false)).unwrap();

    let list = Arc::new(PublicSuffixList::bundled());
    let reference = ReferenceIndex::new(captures(&paths, &list), Arc::clone(&list));
    let all: Vec<(Vec<u8>, Backlink)> = reference
        .all()
        .into_iter()
        .map(|link| (Surt::of(&link.target).as_bytes().to_vec(), link))
        .collect();
    assert_eq!(one.segments()[0].counts().backlinks, all.len() as u64);

    let step = (all.len() / SAMPLED).max(1);
    let sampled: Vec<String> = all
        .iter()
        .step_by(step)
        .map(|(_, link)| link.target.to_string())
        .collect();
    let names = TARGETS.iter().map(|name| (*name).to_owned()).chain(sampled);
    let middle = CaptureTime::from_unix(1_600_000_000);
    let (mut asked, mut counted) = (0, 0);
    for name in names {
        for mode in Mode::ALL {
            let target = Target::parse(&name, mode).unwrap();
            for history in [History::Live, History::Since(middle), History::AllTime] {
                let backlinks = expected(&all, &target, history);
                let plain = rows(&backlinks);
                assert_eq!(
                    found(&one, &target, history),
                    plain,
                    "{target} {history}, merged"
                );
                assert_eq!(
                    found(&many, &target, history),
                    plain,
                    "{target} {history}, several segments"
                );
                if history == History::Live {
                    check_reports(&one, &name, mode, &backlinks);
                }
                asked += 1;
                counted += backlinks.len();
            }
        }
    }
    println!(
        "{} backlinks; {asked} questions, {counted} backlinks in the answers",
        all.len()
    );
}
