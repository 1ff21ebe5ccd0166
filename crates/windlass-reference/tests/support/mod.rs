//! The index, filled and asked as the tests want it.

use std::collections::BTreeSet;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::sync::atomic::AtomicBool;

use windlass_index::{
    Collected, Collector, IndexError, LinkRow, NamedRow, Segment, Snapshot, TargetRows, Tuning,
    WorkBound, Writer,
};
use windlass_links::anchor::fold;
use windlass_links::{CanonicalUrl, Capture, History, LinkType, Source, Target};
use windlass_reference::fixtures::list;
use windlass_reference::{
    Backlink, PlainCapture, PlainGroup, PlainRow, PlainStats, ReferenceIndex,
};

/// How captures come into an index: in which order, how often, in which batches.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// One commit each.
    pub(crate) batches: Vec<Vec<Capture>>,
    /// Memory of the collector, and of making ready: with 0 each capture is spilled, and each link takes a
    /// pass.
    pub(crate) memory_max: usize,
}

impl Plan {
    /// All at once.
    pub(crate) fn whole(captures: &[Capture]) -> Self {
        Self {
            batches: vec![captures.to_vec()],
            memory_max: usize::MAX,
        }
    }

    /// Each capture a batch, the last one first.
    pub(crate) fn single(captures: &[Capture]) -> Self {
        let batches = captures
            .iter()
            .rev()
            .map(|capture| vec![capture.clone()])
            .collect();
        Self {
            batches,
            memory_max: usize::MAX,
        }
    }
}

/// Where a capture was read is part of it, so it follows from what it says: a file of three, and an
/// offset.
pub(crate) fn origin(capture: &Capture) -> ([u8; 32], u64) {
    let mut hasher = DefaultHasher::new();
    format!("{capture:?}").hash(&mut hasher);
    let hash = hasher.finish();
    let mut digest = [7; 32];
    if let Some(first) = digest.first_mut() {
        *first = (hash % 3) as u8;
    }
    (digest, hash >> 20)
}

/// A writer that makes every site ready, however small.
pub(crate) fn writer(directory: &Path) -> Writer {
    let mut writer = Writer::open(directory, None).unwrap();
    writer.set_ready_links_min(1);
    writer
}

pub(crate) fn ingest(directory: &Path, plan: &Plan) {
    let mut writer = writer(directory);
    writer.set_memory_max(plan.memory_max);
    for batch in &plan.batches {
        commit(&mut writer, batch, plan.memory_max);
    }
}

/// [`ingest`], into an index that keeps internal links.
pub(crate) fn ingest_keeping_internal(directory: &Path, plan: &Plan) {
    let mut writer = writer(directory);
    writer.set_memory_max(plan.memory_max);
    writer.keep_internal(true).unwrap();
    for batch in &plan.batches {
        commit(&mut writer, batch, plan.memory_max);
    }
}

/// Makes captures a segment. They are dealt out to several collectors, as to threads.
pub(crate) fn commit(writer: &mut Writer, batch: &[Capture], memory_max: usize) {
    let collector = |_| Collector::new(writer, memory_max);
    let mut collectors: Vec<_> = (0..3).map(collector).collect();
    for capture in batch {
        let (digest, offset) = origin(capture);
        let dealt = (offset >> 8) as usize % collectors.len();
        let collector = collectors.get_mut(dealt).unwrap();
        collector.add(capture, digest, offset).unwrap();
    }
    let mut collected = Collected::default();
    for collector in collectors {
        collected.append(collector.finish().unwrap());
    }
    writer
        .commit_collected(collected, Vec::new(), &(), &AtomicBool::new(false))
        .unwrap();
}

pub(crate) fn merge(directory: &Path) {
    merge_within(directory, usize::MAX);
}

/// The same, with the memory of a [`Plan`].
pub(crate) fn merge_within(directory: &Path, memory_max: usize) {
    let mut writer = writer(directory);
    writer.set_memory_max(memory_max);
    writer.merge_all(&(), &AtomicBool::new(false)).unwrap();
}

/// The bytes of the only segment; nothing where the index is empty.
pub(crate) fn bytes(directory: &Path) -> Vec<u8> {
    let segments: Vec<_> = fs::read_dir(directory.join("segments"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert!(segments.len() <= 1, "{segments:?}");
    segments
        .first()
        .map(|path| fs::read(path).unwrap())
        .unwrap_or_default()
}

/// What is compared of an answer: rows ordered by (anchor, refdomain), whether the host is known,
/// the stats of all rows, and those of the rows from one refdomain only.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) rows: Vec<PlainRow>,
    pub(crate) host_known: bool,
    pub(crate) stats: PlainStats,
    pub(crate) stats_of_one: PlainStats,
}

const ONE: &str = "example.com";

pub(crate) fn expected(index: &ReferenceIndex, target: &Target, history: History) -> Answer {
    let backlinks = index.backlinks(target, history);
    Answer {
        rows: index.rows(target, history),
        host_known: index.host_known(target),
        stats: windlass_reference::stats(&backlinks, |_| true),
        stats_of_one: windlass_reference::stats(&backlinks, |row| row.refdomain == ONE),
    }
}

/// The plain form of rows.
pub(crate) fn plain_rows(rows: Vec<NamedRow>) -> Vec<PlainRow> {
    // Anchors come in the order of bytes (R19); that of refdomains means nothing.
    assert!(rows.is_sorted_by_key(|named| named.anchor.clone()));
    let mut rows: Vec<PlainRow> = rows
        .into_iter()
        .map(|named| PlainRow {
            anchor: named.anchor,
            refdomain: named.refdomain,
            backlinks: named.row.backlinks,
            refpages: named.row.refpages,
            first_seen: named.row.first_seen,
            last_visited: named.row.last_visited,
        })
        .collect();
    rows.sort_by(|a, b| (&a.anchor, &a.refdomain).cmp(&(&b.anchor, &b.refdomain)));
    rows
}

/// Links looked up one by one, in one part. Over several segments: pages looked up by their keys,
/// nothing kept.
const ONE_BY_ONE: Tuning = Tuning {
    few_links: usize::MAX,
    known_pages_min: usize::MAX,
    known_anchors_min: usize::MAX,
    kept_links_min: usize::MAX,
    makes_tables: true,
    part_links_min: usize::MAX,
    part_links_max: usize::MAX,
    pages_per_look_up: 0,
    groups_links_min: usize::MAX,
    keeps_answers: false,
    memory_max: usize::MAX,
};

/// Every way of reading that there is: links one by one, with what is known of all pages and without;
/// gathered and sorted, or in their ready-made order; in one part and in many. Over several segments:
/// with pages looked up, and with page tables gone through; with groups and without; from what is kept
/// of the question before, all of it or a little.
pub(crate) const TUNINGS: [Tuning; 10] = [
    ONE_BY_ONE,
    // The first time, when it is kept, and from what is kept.
    LISTED,
    LISTED,
    LISTED,
    Tuning {
        few_links: 0,
        groups_links_min: 0,
        ..ONE_BY_ONE
    },
    SCANNED,
    SCANNED,
    SCANNED,
    KEPT,
    KEPT,
];

const LISTED: Tuning = Tuning {
    known_pages_min: 0,
    known_anchors_min: 0,
    kept_links_min: 0,
    pages_per_look_up: usize::MAX,
    ..ONE_BY_ONE
};

const SCANNED: Tuning = Tuning {
    few_links: 0,
    known_anchors_min: 0,
    kept_links_min: 0,
    part_links_min: 2,
    part_links_max: 2,
    pages_per_look_up: 1,
    keeps_answers: true,
    ..ONE_BY_ONE
};

const KEPT: Tuning = Tuning {
    few_links: 0,
    part_links_min: 1,
    part_links_max: 3,
    pages_per_look_up: usize::MAX,
    groups_links_min: 1,
    keeps_answers: true,
    ..ONE_BY_ONE
};

pub(crate) fn found(snapshot: &Snapshot, target: &Target, history: History) -> Answer {
    let [first, others @ ..] = TUNINGS.map(|tuning| found_by(snapshot, target, history, tuning));
    for other in others {
        assert_eq!(first, other, "{target} by another way");
    }
    for (links_max, groups_max) in [(usize::MAX, 0), (0, usize::MAX)] {
        let bound = WorkBound {
            links_max,
            groups_max,
        };
        let within = snapshot.rows_within(bound, target, history, &AtomicBool::new(false));
        if let Some(rows) = within.unwrap() {
            assert_eq!(first, answer(&rows), "{target} within {bound:?}");
        }
    }
    first
}

fn found_by(snapshot: &Snapshot, target: &Target, history: History, tuning: Tuning) -> Answer {
    let cancel = AtomicBool::new(false);
    let found = snapshot.rows_tuned(target, history, &cancel, tuning);
    answer(&found.unwrap())
}

fn answer(found: &TargetRows) -> Answer {
    let cancel = AtomicBool::new(false);
    let stats = |keep: &(dyn Fn(&NamedRow) -> bool + Sync)| {
        let (rows, refpages) = found.list(keep, &cancel).unwrap();
        PlainStats {
            backlinks: rows.iter().map(|named| named.row.backlinks).sum(),
            refpages,
        }
    };
    let answer = Answer {
        rows: plain_rows(found.list(|_| true, &cancel).unwrap().0),
        host_known: found.host_known(),
        stats: stats(&|_| true),
        stats_of_one: stats(&|named| named.refdomain == ONE),
    };
    check_ready_groups(found, &answer);
    check_counts(found, &answer);
    answer
}

/// What is counted without rows is what the rows add up to.
fn check_counts(found: &TargetRows, answer: &Answer) {
    let cancel = AtomicBool::new(false);
    assert_eq!(
        found.count_backlinks(&cancel).unwrap(),
        answer.stats.backlinks
    );
    let refdomains: BTreeSet<&str> = answer.rows.iter().map(|row| &*row.refdomain).collect();
    assert_eq!(
        found.count_refdomains(&cancel).unwrap(),
        refdomains.len() as u64
    );
}

/// Finished groups, where there are any, are those of the rows.
fn check_ready_groups(found: &TargetRows, answer: &Answer) {
    let Some(mut ready) = found.ready_groups().unwrap() else {
        return;
    };
    assert_eq!(
        (ready.backlinks(), ready.refpages()),
        (answer.stats.backlinks, answer.stats.refpages)
    );
    let mut texts = found.texts().unwrap();
    let mut groups = Vec::new();
    for block in 0..ready.block_count() {
        ready
            .for_each_in(block, |group| groups.push(group))
            .unwrap();
    }
    assert!(groups.is_sorted_by_key(|g| (std::cmp::Reverse(g.row.backlinks), g.row.anchor)));
    let mut groups: Vec<PlainGroup> = groups
        .into_iter()
        .map(|group| PlainGroup {
            anchor: texts.anchor(group.row.anchor).unwrap().to_owned(),
            backlinks: group.row.backlinks,
            refpages: group.row.refpages,
            refdomains: group.refdomains,
            first_seen: group.row.first_seen,
            last_visited: group.row.last_visited,
        })
        .collect();
    groups.sort_by(|a, b| a.anchor.cmp(&b.anchor));
    assert_eq!(groups, windlass_reference::groups(&answer.rows));
}

/// A backlink as text, to compare those that a merged index lists with the reference's.
fn line(backlink: &Backlink) -> String {
    format!("{backlink:?}")
}

/// All backlinks of the reference, one a line, sorted.
pub(crate) fn expected_backlinks(index: &ReferenceIndex) -> Vec<String> {
    sorted_lines(&index.all())
}

/// Links, one a line, sorted.
pub(crate) fn sorted_lines(links: &[Backlink]) -> Vec<String> {
    let mut lines: Vec<String> = links.iter().map(line).collect();
    lines.sort();
    lines
}

/// All backlinks of an index of at most one segment, one a line, sorted.
pub(crate) fn found_backlinks(snapshot: &Snapshot) -> Vec<String> {
    let mut found = Vec::new();
    for segment in snapshot.segments() {
        segment
            .for_each_link(|row| {
                found.extend(href(row));
                Ok::<(), IndexError>(())
            })
            .unwrap();
    }
    sorted_lines(&found)
}

/// All `href` links within registrable domains, likewise.
pub(crate) fn found_internal(snapshot: &Snapshot) -> Vec<String> {
    let mut found = Vec::new();
    for segment in snapshot.segments() {
        segment
            .for_each_internal_link(|row| {
                assert_eq!(row.site, row.page.refdomain);
                found.extend(href(row));
                Ok::<(), IndexError>(())
            })
            .unwrap();
    }
    sorted_lines(&found)
}

/// An `href` link as the reference has it.
fn href(row: &LinkRow<'_>) -> Option<Backlink> {
    let target = CanonicalUrl::parse(row.target).unwrap();
    assert_eq!(row.site, list().registrable_domain(target.host()));
    (row.link_type == LinkType::Href).then(|| Backlink {
        page: CanonicalUrl::parse(&row.page.url).unwrap(),
        target,
        anchor: row.anchor.to_owned(),
        folded: fold(row.anchor),
        refdomain: row.page.refdomain.clone(),
        first_seen: row.first_seen,
        last_visited: row.last_visited,
        lost: row.lost,
        nofollow: row.rel.is_nofollow(),
        alt: row.alt.to_owned(),
        rel: row.rel,
    })
}

/// The domains that each domain's pages link to, of an index of at most one segment.
pub(crate) fn found_linked_domains(snapshot: &Snapshot) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for segment in snapshot.segments() {
        segment
            .for_each_linked_domain(|from, to| {
                assert!(found.insert((from.to_owned(), to.to_owned())));
                Ok::<(), IndexError>(())
            })
            .unwrap();
    }
    found
}

/// All captures of an index of at most one segment: a page at a second is one, whatever it was read from.
pub(crate) fn found_captures(snapshot: &Snapshot) -> Vec<PlainCapture> {
    let mut found = Vec::new();
    for segment in snapshot.segments() {
        segment
            .for_each_capture(|row| {
                found.push(PlainCapture {
                    page: CanonicalUrl::parse(row.page).unwrap(),
                    time: row.time,
                    outcome: row.outcome,
                    source: row.source.map(|source| match source {
                        "warc" => Source::Warc,
                        _ => Source::Wat,
                    }),
                    status: row.status,
                    title: row.title.map(str::to_owned),
                    internal: row.internal_links,
                    external: row.external_links,
                });
                Ok::<(), IndexError>(())
            })
            .unwrap();
    }
    found.sort();
    found.dedup();
    found
}

/// Whether opening or verifying a segment tells that something is wrong.
pub(crate) fn is_refused(bytes: Vec<u8>) -> bool {
    let opened = Segment::from_bytes(bytes);
    opened
        .and_then(|segment| segment.verify(&AtomicBool::new(false)))
        .is_err()
}

/// Verifies every segment.
pub(crate) fn verify(snapshot: &Snapshot) {
    for segment in snapshot.segments() {
        segment.verify(&AtomicBool::new(false)).unwrap();
    }
}
