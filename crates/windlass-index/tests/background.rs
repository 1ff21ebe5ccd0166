//! Merging in the background: only where it is due and nobody else writes, and making way.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use std::fs::{self, File};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use windlass_index::{
    BackgroundMerge, BackgroundStep, Collector, IndexError, MergePolicy, Progress, Snapshot, Writer,
};
use windlass_links::{
    CanonicalUrl, Capture, CaptureTime, History, Link, LinkType, Mode, Rel, Target,
};

/// The i-th page, with links to so many urls of one site.
fn capture(i: u32, links: u32) -> Capture {
    let link = |url| Link {
        link_type: LinkType::Href,
        target: CanonicalUrl::parse(&format!("http://t.example.org/{url}")).unwrap(),
        anchor: "x".to_owned(),
        alt: String::new(),
        rel: Rel::NONE,
        external: true,
    };
    let page = CanonicalUrl::parse(&format!("http://p{i}.example/")).unwrap();
    let links = (0..links).map(link).collect();
    Capture::html(page, CaptureTime::from_unix(10 + i), links)
}

fn commit(writer: &mut Writer, captures: &[Capture]) {
    let mut collector = Collector::new(writer, usize::MAX);
    for (i, capture) in (0..).zip(captures) {
        collector.add(capture, [0; 32], i).unwrap();
    }
    let collected = collector.finish().unwrap();
    writer
        .commit_collected(collected, Vec::new(), &(), &AtomicBool::new(false))
        .unwrap();
}

/// An index of so many segments, each with one page that links to one target.
fn index(directory: &Path, segments: u32) {
    let mut writer = Writer::open(directory, None).unwrap();
    for i in 0..segments {
        commit(&mut writer, &[capture(i, 1)]);
    }
}

fn segments(directory: &Path) -> usize {
    Snapshot::open(directory).unwrap().segments().len()
}

fn backlinks(directory: &Path) -> u64 {
    let target = Target::parse("t.example.org", Mode::Domain).unwrap();
    let rows = Snapshot::open(directory)
        .unwrap()
        .rows(&target, History::Live, &AtomicBool::new(false))
        .unwrap();
    let (rows, _) = rows.list(|_| true, &AtomicBool::new(false)).unwrap();
    rows.iter().map(|named| named.row.backlinks).sum()
}

fn unfinished(directory: &Path) -> usize {
    fs::read_dir(directory.join("tmp")).unwrap().count()
}

fn merge<'a>(
    directory: &'a Path,
    is_busy: &'a (dyn Fn() -> bool + Sync),
    stop: &'a AtomicBool,
) -> BackgroundMerge<'a> {
    BackgroundMerge {
        directory,
        policy: MergePolicy::default(),
        bytes_per_second_max: None,
        is_busy,
        stop,
    }
}

#[test]
fn a_merge_is_done_when_it_is_due_and_not_before() {
    let directory = tempfile::tempdir().unwrap();
    let never = AtomicBool::new(false);
    let merge = merge(directory.path(), &|| false, &never);
    index(directory.path(), 3);
    assert!(!merge.is_due(Snapshot::open(directory.path()).unwrap().manifest()));
    assert_eq!(merge.step().unwrap(), BackgroundStep::NothingDue);
    index(directory.path(), 1);
    assert!(merge.is_due(Snapshot::open(directory.path()).unwrap().manifest()));
    let BackgroundStep::Merged(merged) = merge.step().unwrap() else {
        panic!("nothing was merged");
    };
    assert_eq!((merged.plan.segments.len(), merged.plan.units), (4, 8));
    let snapshot = Snapshot::open(directory.path()).unwrap();
    assert_eq!(snapshot.manifest().segments.len(), 1);
    assert_eq!(snapshot.manifest().segments[0].bytes, merged.bytes);
    assert_eq!(merge.step().unwrap(), BackgroundStep::NothingDue);
}

#[test]
fn nothing_is_merged_while_somebody_writes_or_waits_to() {
    let directory = tempfile::tempdir().unwrap();
    index(directory.path(), 5);
    let never = AtomicBool::new(false);
    let merge = merge(directory.path(), &|| false, &never);
    let writer = Writer::open(directory.path(), None).unwrap();
    assert_eq!(merge.step().unwrap(), BackgroundStep::Occupied);
    drop(writer);
    let wanted = File::create(directory.path().join("wanted")).unwrap();
    wanted.lock().unwrap();
    assert_eq!(merge.step().unwrap(), BackgroundStep::Occupied);
    drop(wanted);
    assert!(matches!(merge.step().unwrap(), BackgroundStep::Merged(_)));
}

#[test]
fn a_merge_is_given_up_when_somebody_wants_to_write_and_leaves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    index(directory.path(), 5);
    let wanted = Mutex::new(None);
    // Asked in the middle of the merge: just then somebody comes who wants to write.
    let is_busy = || {
        let mut wanted = wanted.lock().unwrap();
        if wanted.is_none() {
            assert_eq!(unfinished(directory.path()), 1);
            let text = fs::read_to_string(directory.path().join("lock")).unwrap();
            assert!(text.ends_with(", merging in the background\n"), "{text}");
            let file = File::create(directory.path().join("wanted")).unwrap();
            file.lock().unwrap();
            *wanted = Some(file);
        }
        true
    };
    let never = AtomicBool::new(false);
    let step = merge(directory.path(), &is_busy, &never).step().unwrap();
    assert_eq!(step, BackgroundStep::GaveWay);
    assert_eq!(unfinished(directory.path()), 0);
    assert_eq!(
        (segments(directory.path()), backlinks(directory.path())),
        (5, 5)
    );
    // The lock is free.
    index(directory.path(), 1);
    drop(wanted.into_inner());
    let step = merge(directory.path(), &|| false, &never).step().unwrap();
    assert!(matches!(step, BackgroundStep::Merged(_)));
    assert_eq!(segments(directory.path()), 1);
}

#[test]
fn a_merge_ends_when_it_is_told_to_however_slow_it_is_to_be() {
    let directory = tempfile::tempdir().unwrap();
    index(directory.path(), 5);
    let stop = AtomicBool::new(false);
    let asked = AtomicUsize::new(0);
    let is_busy = || {
        if asked.fetch_add(1, Ordering::Relaxed) == 3 {
            stop.store(true, Ordering::Relaxed);
        }
        false
    };
    let slow = BackgroundMerge {
        bytes_per_second_max: Some(1),
        ..merge(directory.path(), &is_busy, &stop)
    };
    assert!(matches!(slow.step(), Err(IndexError::Cancelled)));
    assert_eq!(unfinished(directory.path()), 0);
    assert_eq!(
        (segments(directory.path()), backlinks(directory.path())),
        (5, 5)
    );
}

/// Four times as long as it worked, where that is not too long: at least a pause each time that it tells of progress.
#[test]
fn a_merge_rests_while_queries_are_answered_and_not_otherwise() {
    let rested = |is_busy: &(dyn Fn() -> bool + Sync)| {
        let directory = tempfile::tempdir().unwrap();
        let mut writer = Writer::open(directory.path(), None).unwrap();
        for i in 0..4 {
            commit(&mut writer, &[capture(i, 2000)]);
        }
        drop(writer);
        let never = AtomicBool::new(false);
        let step = merge(directory.path(), is_busy, &never).step().unwrap();
        let BackgroundStep::Merged(merged) = step else {
            panic!("nothing was merged");
        };
        assert!(merged.rested < merged.elapsed);
        merged.rested
    };
    let busy = rested(&|| true);
    assert!(busy >= Duration::from_millis(4), "{busy:?}");
    let idle = rested(&|| false);
    assert!(idle < busy / 4, "{idle:?}, {busy:?}");
    // Only as long as somebody asks.
    let asked = AtomicUsize::new(0);
    let briefly = rested(&|| asked.fetch_add(1, Ordering::Relaxed) == 0);
    assert!(asked.into_inner() > 1);
    assert!(briefly < busy, "{briefly:?}, {busy:?}");
}

/// Units of making ready that were announced, and told.
#[derive(Default)]
struct Readied {
    merged: AtomicU64,
    announced: AtomicU64,
    told: AtomicU64,
    times: AtomicU64,
}

impl Progress for Readied {
    fn advance(&self, done: u64) {
        assert_eq!(
            self.announced.load(Ordering::Relaxed),
            0,
            "after all is merged"
        );
        self.merged.fetch_add(done, Ordering::Relaxed);
    }

    fn making_ready(&self, total: u64) {
        assert!(self.merged.load(Ordering::Relaxed) > 0);
        self.announced.fetch_add(total, Ordering::Relaxed);
    }

    fn readied(&self, done: u64) {
        let told = self.told.fetch_add(done, Ordering::Relaxed) + done;
        assert!(told <= self.announced.load(Ordering::Relaxed));
        self.times.fetch_add(u64::from(done > 0), Ordering::Relaxed);
    }
}

/// However often the links are gone through.
#[test]
fn making_ready_tells_all_that_it_does_and_not_at_once() {
    for memory_max in [1 << 10, 1 << 30] {
        let directory = tempfile::tempdir().unwrap();
        let mut writer = Writer::open(directory.path(), None).unwrap();
        writer.set_memory_max(memory_max);
        writer.set_ready_links_min(1 << 10);
        for segment in 0..2 {
            let captures: Vec<Capture> = (0..50).map(|i| capture(segment * 50 + i, 2000)).collect();
            commit(&mut writer, &captures);
        }
        let told = Readied::default();
        assert!(writer.merge_all(&told, &AtomicBool::new(false)).unwrap());
        assert_eq!(told.announced.load(Ordering::Relaxed), 2 * 50 * 2000);
        assert_eq!(told.told.into_inner(), told.announced.into_inner());
        assert!(told.times.into_inner() > 4);
    }
}

/// How often a merge looks whether it has to make way once all is merged: while sites are made ready.
struct Looks<'a> {
    looks: AtomicUsize,
    /// At which of them it is told to end.
    last: usize,
    cancel: &'a AtomicBool,
}

impl Progress for Looks<'_> {
    fn advance(&self, done: u64) {
        if done > 0 {
            self.looks.store(0, Ordering::Relaxed);
        } else if self.looks.fetch_add(1, Ordering::Relaxed) + 1 == self.last {
            self.cancel.store(true, Ordering::Relaxed);
        }
    }
}

#[test]
fn a_merge_makes_way_all_the_time_that_it_makes_a_site_ready() {
    /// After so many links at most.
    const STRIDE: usize = 1 << 16;
    const LINKS: usize = 2 * 50 * 800;
    let index = |directory: &Path| {
        let mut writer = Writer::open(directory, None).unwrap();
        // What is committed is made ready too.
        writer.set_ready_links_min(usize::MAX);
        for segment in 0..2 {
            let captures: Vec<Capture> = (0..50).map(|i| capture(segment * 50 + i, 800)).collect();
            commit(&mut writer, &captures);
        }
        writer.set_ready_links_min(1 << 15);
        writer
    };
    let merged = |writer: &mut Writer, last| {
        let cancel = AtomicBool::new(false);
        let looks = Looks {
            looks: AtomicUsize::new(0),
            last,
            cancel: &cancel,
        };
        let merged = writer.merge_all(&looks, &cancel);
        (merged, looks.looks.into_inner())
    };
    let directory = tempfile::tempdir().unwrap();
    let (done, all) = merged(&mut index(directory.path()), usize::MAX);
    assert!(done.unwrap());
    assert_eq!(backlinks(directory.path()), LINKS as u64);
    // Once for the site. Its links are counted, and gone through for their pages and, by each thread, for their order;
    // then they are given in that.
    assert!(all > 4 * LINKS / STRIDE, "{all}");

    let directory = tempfile::tempdir().unwrap();
    let mut writer = index(directory.path());
    for last in [1, 2, all / 2, all] {
        let (done, _) = merged(&mut writer, last);
        assert!(matches!(done, Err(IndexError::Cancelled)), "at {last}");
        assert_eq!(unfinished(directory.path()), 0);
        assert_eq!(segments(directory.path()), 2);
    }
    assert!(merged(&mut writer, usize::MAX).0.unwrap());
    assert_eq!(backlinks(directory.path()), LINKS as u64);
}

#[test]
fn the_disk_that_may_be_used_bounds_what_is_merged() {
    let directory = tempfile::tempdir().unwrap();
    index(directory.path(), 6);
    let never = AtomicBool::new(false);
    let mut sizes: Vec<u64> = {
        let snapshot = Snapshot::open(directory.path()).unwrap();
        snapshot
            .manifest()
            .segments
            .iter()
            .map(|s| s.bytes)
            .collect()
    };
    sizes.sort_unstable();
    let bounded = |bytes_max| BackgroundMerge {
        policy: MergePolicy {
            bytes_max,
            ..MergePolicy::default()
        },
        ..merge(directory.path(), &|| false, &never)
    };
    let three: u64 = sizes.iter().take(3).sum();
    assert_eq!(bounded(three).step().unwrap(), BackgroundStep::NothingDue);
    let five: u64 = sizes.iter().skip(1).sum();
    let BackgroundStep::Merged(merged) = bounded(five).step().unwrap() else {
        panic!("nothing was merged");
    };
    assert_eq!(merged.plan.segments.len(), 5);
    assert!(merged.plan.bytes <= five);
    assert_eq!(
        (segments(directory.path()), backlinks(directory.path())),
        (2, 6)
    );
}
