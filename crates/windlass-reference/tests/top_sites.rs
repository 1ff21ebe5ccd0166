//! The sites with most referring domains against the plain implementation: over one segment, several, and
//! merged.
#![allow(missing_docs, clippy::unwrap_used)]

#[allow(dead_code, reason = "other tests use the rest")]
mod support;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::AtomicBool;

use proptest::prelude::*;
use windlass_index::{Snapshot, TopSite};
use windlass_links::{Capture, LinkType, Outcome, Rel};
use windlass_reference::ReferenceIndex;
use windlass_reference::fixtures::{arb_captures, capture, list};

use support::{Plan, ingest, merge};

/// All sites that have live backlinks, in order.
fn expected(captures: &[Capture]) -> Vec<TopSite> {
    let index = ReferenceIndex::new(captures.to_vec(), list());
    let mut sites: BTreeMap<String, (u64, BTreeSet<String>)> = BTreeMap::new();
    for backlink in index.all().into_iter().filter(|link| link.lost.is_none()) {
        let site = list().registrable_domain(backlink.target.host()).to_owned();
        let site = sites.entry(site).or_default();
        site.0 += 1;
        site.1.insert(backlink.refdomain);
    }
    let mut sites: Vec<TopSite> = sites
        .into_iter()
        .map(|(site, (backlinks, refdomains))| TopSite {
            site,
            refdomains: refdomains.len() as u64,
            backlinks,
        })
        .collect();
    sites.sort_by_key(|site| {
        (
            Reverse(site.refdomains),
            Reverse(site.backlinks),
            site.site.clone(),
        )
    });
    sites
}

fn check(directory: &Path, expected: &[TopSite]) {
    let snapshot = Snapshot::open(directory).unwrap();
    let cancel = AtomicBool::new(false);
    for count in [0, 1, 2, 5, usize::MAX] {
        let wanted: Vec<TopSite> = expected.iter().take(count).cloned().collect();
        assert_eq!(
            snapshot.top_sites(count, usize::MAX, &cancel).unwrap(),
            wanted
        );
        for first in [0, 1, 3] {
            let found = snapshot
                .top_sites_after(first, count, usize::MAX, &cancel)
                .unwrap();
            assert_eq!(found, wanted, "{count} sites after {first}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn top_sites_are_what_the_rules_say(captures in arb_captures()) {
        let expected = expected(&captures);
        let (whole, parts) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        ingest(whole.path(), &Plan::whole(&captures));
        check(whole.path(), &expected);
        ingest(parts.path(), &Plan::single(&captures));
        check(parts.path(), &expected);
        merge(parts.path());
        check(parts.path(), &expected);
    }
}

/// A web in which what is cheap to see misleads: many links from one domain, many links that are lost, many
/// references of other types, and sites so small that their blocks need not be read.
#[test]
fn sites_that_look_larger_than_they_are() {
    let page = |n: u32| format!("http://d{n}.example/");
    let mut captures = Vec::new();
    for n in 0..1500 {
        let mut made = capture(&page(n), 10);
        for (target, every) in [("http://most.test/", 1), ("http://half.test/", 2)] {
            if n % every == 0 {
                made = made.link(target, "a");
            }
        }
        made = made.link("http://lost.test/", "b").link_with(
            LinkType::Canonical,
            "http://canonical.test/",
            "",
            "",
            Rel::from_bits(0),
        );
        if n < 40 {
            made = made.link(&format!("http://small{n}.test/"), "c");
        }
        captures.push(made.build());
        let mut again = capture(&page(n), 20).link("http://most.test/", "a");
        if n % 2 == 0 {
            again = again.link("http://half.test/", "a");
        }
        if n < 3 {
            again = again.link("http://lost.test/", "b");
        }
        captures.push(again.build());
        let inside = capture(&format!("http://one.example/{n}"), 10);
        captures.push(inside.link("http://wide.test/", "d").build());
    }
    captures.push(
        capture("http://d7.example/", 30)
            .outcome(Outcome::Gone)
            .build(),
    );
    let expected = expected(&captures);
    let first: Vec<(&str, u64)> = expected
        .iter()
        .map(|site| (&*site.site, site.refdomains))
        .take(4)
        .collect();
    assert_eq!(
        first,
        [
            ("most.test", 1499),
            ("half.test", 750),
            ("lost.test", 3),
            ("wide.test", 1)
        ]
    );
    // The later captures are in a segment of their own.
    let (early, late): (Vec<_>, Vec<_>) = captures
        .into_iter()
        .partition(|capture| capture.time.unix() == 10);
    let directory = tempfile::tempdir().unwrap();
    let batches = vec![early, late];
    let memory_max = usize::MAX;
    ingest(
        directory.path(),
        &Plan {
            batches,
            memory_max,
        },
    );
    check(directory.path(), &expected);
    merge(directory.path());
    check(directory.path(), &expected);
}
