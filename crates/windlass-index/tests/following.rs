//! Following an index that changes, also in ways in which no writer changes it: put back from a copy, made anew.
#![allow(missing_docs, clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Barrier};
use std::thread;

use windlass_index::{Collector, Reader, Snapshot, Writer};
use windlass_links::{
    CanonicalUrl, Capture, CaptureTime, History, Link, LinkType, Mode, Rel, Target,
};

/// Commits a page that links to `t.example.org`.
fn commit(directory: &Path, page: &str) {
    let mut writer = Writer::open(directory, None).unwrap();
    let link = Link {
        link_type: LinkType::Href,
        target: CanonicalUrl::parse("http://t.example.org/").unwrap(),
        anchor: "x".to_owned(),
        alt: String::new(),
        rel: Rel::NONE,
        external: true,
    };
    let page = CanonicalUrl::parse(page).unwrap();
    let capture = Capture::html(page, CaptureTime::from_unix(10), vec![link]);
    let mut collector = Collector::new(&writer, usize::MAX);
    collector.add(&capture, [0; 32], 0).unwrap();
    let collected = collector.finish().unwrap();
    writer
        .commit_collected(collected, Vec::new(), &(), &AtomicBool::new(false))
        .unwrap();
}

/// The referring domains of that target.
fn domains(snapshot: &Snapshot) -> Vec<String> {
    let target = Target::parse("t.example.org", Mode::Domain).unwrap();
    let never = AtomicBool::new(false);
    let rows = snapshot.rows(&target, History::Live, &never).unwrap();
    let (rows, _) = rows.list(|_| true, &never).unwrap();
    let mut domains: Vec<String> = rows.into_iter().map(|named| named.refdomain).collect();
    domains.sort_unstable();
    domains
}

/// What a reader has now, and that it knows that it is the present state, as one that opens the index anew does.
fn current(reader: &Reader) -> (u64, Vec<String>) {
    let now = reader.current().unwrap();
    let anew = Snapshot::open(reader.directory()).unwrap();
    assert_eq!(now.version(), anew.version());
    let unchanged = reader.unchanged().unwrap();
    assert!(Arc::ptr_eq(&unchanged, &now) && Arc::ptr_eq(&reader.pinned(), &now));
    assert_eq!(domains(&now), domains(&anew));
    (now.manifest().generation, domains(&now))
}

#[test]
fn a_manifest_that_is_put_back_from_a_copy_is_followed() {
    let directory = tempfile::tempdir().unwrap();
    let index = directory.path();
    let manifest = index.join("manifest.json");
    commit(index, "http://a.example/");
    let copy = fs::read(&manifest).unwrap();
    let reader = Reader::open(index).unwrap();
    let (before, _) = current(&reader);
    commit(index, "http://b.example/");
    let (after, found) = current(&reader);
    assert!(after > before);
    assert_eq!(found, ["a.example", "b.example"]);
    fs::remove_file(&manifest).unwrap();
    assert!(reader.current().is_err());
    fs::write(&manifest, copy).unwrap();
    assert_eq!(current(&reader), (before, vec!["a.example".to_owned()]));
    // What is committed now has the number, and its segment the name, of what is gone.
    commit(index, "http://c.example/");
    let found = ["a.example", "c.example"].map(str::to_owned).to_vec();
    assert_eq!(current(&reader), (after, found));
}

/// Of the same length, with the same numbers, under the same names.
#[test]
fn an_index_that_is_made_anew_is_followed() {
    let directory = tempfile::tempdir().unwrap();
    let index = directory.path().join("index");
    commit(&index, "http://a.example/");
    let reader = Reader::open(&index).unwrap();
    let (generation, found) = current(&reader);
    assert_eq!(found, ["a.example"]);
    fs::remove_dir_all(&index).unwrap();
    commit(&index, "http://b.example/");
    assert_eq!(current(&reader), (generation, vec!["b.example".to_owned()]));
}

#[test]
fn a_state_that_several_open_at_once_is_opened_once() {
    const AT_ONCE: usize = 4;
    let directory = tempfile::tempdir().unwrap();
    commit(directory.path(), "http://p.example/");
    let reader = Reader::open(directory.path()).unwrap();
    for round in 0..8 {
        commit(directory.path(), &format!("http://p{round}.example/"));
        let start = Barrier::new(AT_ONCE);
        let opened: Vec<Arc<Snapshot>> = thread::scope(|scope| {
            let open = || {
                start.wait();
                reader.current().unwrap()
            };
            let openers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(open)).collect();
            let opened = openers.into_iter().map(|opener| opener.join().unwrap());
            opened.collect()
        });
        let pinned = reader.pinned();
        assert!(opened.iter().all(|state| Arc::ptr_eq(state, &pinned)));
    }
}

#[test]
fn what_is_kept_stays_where_the_manifest_is_written_anew_as_it_was() {
    let directory = tempfile::tempdir().unwrap();
    commit(directory.path(), "http://a.example/");
    let reader = Reader::open(directory.path()).unwrap();
    let before = reader.current().unwrap();
    let manifest = directory.path().join("manifest.json");
    let copy = directory.path().join("copy.json");
    fs::copy(&manifest, &copy).unwrap();
    fs::rename(&copy, &manifest).unwrap();
    assert!(reader.unchanged().is_none());
    assert!(Arc::ptr_eq(&reader.current().unwrap(), &before));
    assert!(reader.unchanged().is_some());
}

/// What is known of the Public Suffix List stays with the next states, as long as it is the same list (R7).
#[test]
fn the_public_suffix_list_of_an_index_that_is_made_anew_is_followed() {
    let directory = tempfile::tempdir().unwrap();
    let index = directory.path().join("index");
    let domain_of = |reader: &Reader| {
        let suffixes = reader.current().unwrap().suffixes().unwrap();
        suffixes.registrable_domain("a.b.example").to_owned()
    };
    let list = |suffix: &str| {
        format!("// ===BEGIN ICANN DOMAINS===\n{suffix}\n// ===END ICANN DOMAINS===\n")
    };
    drop(Writer::open(&index, Some(&list("example"))).unwrap());
    let reader = Reader::open(&index).unwrap();
    assert_eq!(domain_of(&reader), "b.example");
    let known = reader.current().unwrap().suffixes().unwrap();
    commit(&index, "http://a.example/");
    assert!(Arc::ptr_eq(
        &reader.current().unwrap().suffixes().unwrap(),
        &known
    ));
    fs::remove_dir_all(&index).unwrap();
    drop(Writer::open(&index, Some(&list("b.example"))).unwrap());
    assert_eq!(domain_of(&reader), "a.b.example");
}
