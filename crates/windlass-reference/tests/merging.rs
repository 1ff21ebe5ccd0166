//! Merges of some segments: before, between and after them the index answers as the rules say, and a
//! full merge at the end gives the same bytes (R14).
#![allow(missing_docs, clippy::unwrap_used, dead_code)]

mod support;

use std::sync::atomic::AtomicBool;

use proptest::collection::vec;
use proptest::prelude::*;
use windlass_index::{IndexError, MergePlan, MergePolicy, Reader, Snapshot, Writer};
use windlass_links::{Capture, History, Mode, Outcome, Target};
use windlass_reference::ReferenceIndex;
use windlass_reference::fixtures::{
    arb_captures, arb_history, arb_target, capture, list, scenarios, time,
};

use support::{Plan, TUNINGS, bytes, commit, expected, found, ingest, merge, verify, writer};

/// Merges the segments at these places of the manifest.
fn merge_some(writer: &mut Writer, places: &[usize]) {
    let names: Vec<String> = places
        .iter()
        .filter_map(|at| writer.manifest().segments.get(*at))
        .map(|entry| entry.name.clone())
        .collect();
    let before = writer.manifest().segments.len();
    let plan = MergePlan {
        segments: names,
        bytes: 0,
        units: 0,
    };
    let merged = writer.merge(&plan, &(), &AtomicBool::new(false)).unwrap();
    assert_eq!(merged, places.len() > 1);
    let gone = places.len().saturating_sub(1);
    assert_eq!(writer.manifest().segments.len(), before - gone);
}

/// Merges by the policy until nothing is due.
fn merge_to_rest(writer: &mut Writer, policy: &MergePolicy) -> usize {
    let mut merges = 0;
    while let Some(plan) = writer.next_merge(policy) {
        assert!(writer.merge(&plan, &(), &AtomicBool::new(false)).unwrap());
        merges += 1;
    }
    merges
}

#[test]
fn every_scenario_with_two_of_its_segments_merged() {
    for scenario in scenarios() {
        let target = Target::parse(scenario.target, scenario.mode).unwrap();
        let whole = tempfile::tempdir().unwrap();
        ingest(whole.path(), &Plan::whole(&scenario.captures));
        let n = scenario.captures.len();
        for (a, b) in (0..n).flat_map(|a| (a + 1..n).map(move |b| (a, b))) {
            let parts = tempfile::tempdir().unwrap();
            ingest(parts.path(), &Plan::single(&scenario.captures));
            let mut writer = writer(parts.path());
            merge_some(&mut writer, &[a, b]);
            drop(writer);
            let snapshot = Snapshot::open(parts.path()).unwrap();
            let answer = found(&snapshot, &target, scenario.history);
            assert_eq!(answer.rows, scenario.rows, "{}: {a} and {b}", scenario.name);
            merge(parts.path());
            assert!(
                bytes(whole.path()) == bytes(parts.path()),
                "{}: other bytes after {a} and {b}",
                scenario.name
            );
        }
    }
}

#[test]
fn captures_that_mean_each_other_while_they_lie_in_segments_merged_with_others() {
    let page = "http://p.example.com/";
    let other = "http://q.example.net/";
    let (t, u) = ("http://t.example.org/a", "http://u.example.org/");
    let captures = [
        // Outranked by the WARC of the same second.
        capture(page, 10)
            .wat()
            .link(t, "cut")
            .link(u, "cut")
            .build(),
        // The page of a site that is in no other segment.
        capture(other, 10).link(t, "elsewhere").build(),
        capture(page, 10).link(t, "whole").build(),
        // Renews what the first second showed, which is in other segments.
        capture(page, 20)
            .outcome(Outcome::Revisit(Some(time(10))))
            .build(),
        capture(other, 30).outcome(Outcome::Gone).build(),
        // Without the link: lost, though the links lie elsewhere.
        capture(page, 40).link(u, "new").build(),
        capture(page, 50).outcome(Outcome::Revisit(None)).build(),
    ];
    let reference = ReferenceIndex::new(captures.to_vec(), list());
    let whole = tempfile::tempdir().unwrap();
    ingest(whole.path(), &Plan::whole(&captures));
    let histories = [History::Live, History::AllTime, History::Since(time(15))];
    let targets = [("t.example.org/a", "exact"), ("example.org", "subdomains")];
    // Every way to merge some of the segments, the others untouched.
    for chosen in 0u32..1 << captures.len() {
        let parts = tempfile::tempdir().unwrap();
        ingest(parts.path(), &Plan::single(&captures));
        let places: Vec<usize> = (0..captures.len())
            .filter(|at| chosen >> at & 1 == 1)
            .collect();
        let mut writer = writer(parts.path());
        merge_some(&mut writer, &places);
        drop(writer);
        let snapshot = Snapshot::open(parts.path()).unwrap();
        verify(&snapshot);
        for ((target, mode), history) in targets
            .iter()
            .flat_map(|target| histories.iter().map(move |history| (target, *history)))
        {
            let target = Target::parse(target, mode.parse().unwrap()).unwrap();
            assert_eq!(
                found(&snapshot, &target, history),
                expected(&reference, &target, history),
                "{places:?} merged, {target}"
            );
        }
        merge(parts.path());
        assert!(bytes(whole.path()) == bytes(parts.path()), "{places:?}");
    }
}

#[test]
fn a_question_that_is_stopped_says_so_and_keeps_nothing() {
    let target = Target::parse("t.example.org", Mode::Domain).unwrap();
    let captures: Vec<Capture> = (0..200)
        .flat_map(|n| {
            let page = format!("http://p{}.example.com/{n}", n % 7);
            let link = format!("http://t.example.org/{}", n % 5);
            [10, 20].map(|time| capture(&page, time).link(&link, "anchor").build())
        })
        .collect();
    let reference = ReferenceIndex::new(captures.clone(), list());
    let directory = tempfile::tempdir().unwrap();
    let mut writer = writer(directory.path());
    for batch in captures.chunks(150) {
        commit(&mut writer, batch, usize::MAX);
    }
    let snapshot = Snapshot::open(directory.path()).unwrap();
    for tuning in TUNINGS {
        let stop = AtomicBool::new(true);
        let stopped = snapshot.rows_tuned(&target, History::Live, &stop, tuning);
        assert!(matches!(stopped, Err(IndexError::Cancelled)), "{tuning:?}");
    }
    assert_eq!(
        found(&snapshot, &target, History::Live),
        expected(&reference, &target, History::Live)
    );
}

/// What happens to an index.
#[derive(Debug, Clone)]
enum Step {
    /// Captures become a segment.
    Commit(Vec<Capture>),
    /// The segments for whose place the flag is set are merged.
    Merge(Vec<bool>),
    /// Merges by a policy with so many segments of similar size.
    ToRest(usize),
}

/// Commits of the captures in any order, some of them twice, and merges between them.
fn arb_steps(captures: Vec<Capture>) -> impl Strategy<Value = Vec<Step>> {
    let again = prop::sample::subsequence(captures.clone(), 0..=captures.len().min(4));
    again.prop_flat_map(move |again| {
        let mut all = captures.clone();
        all.extend(again);
        let n = all.len();
        let merge = prop_oneof![
            3 => Just(None),
            2 => vec(any::<bool>(), 12).prop_map(|flags| Some(Step::Merge(flags))),
            1 => (2usize..5).prop_map(|segments_min| Some(Step::ToRest(segments_min))),
        ];
        let after = vec((1usize..4, merge), n);
        (Just(all).prop_shuffle(), after).prop_map(|(all, after)| {
            let mut rest = all.as_slice();
            let mut steps = Vec::new();
            for (size, merge) in after {
                let (batch, others) = rest.split_at(size.min(rest.len()));
                rest = others;
                if !batch.is_empty() {
                    steps.push(Step::Commit(batch.to_vec()));
                }
                steps.extend(merge);
            }
            steps
        })
    })
}

type Case = (Vec<Capture>, Vec<Step>, Vec<(Target, History)>);

fn arb_case() -> impl Strategy<Value = Case> {
    arb_captures().prop_flat_map(|captures| {
        let steps = arb_steps(captures.clone());
        (Just(captures), steps, vec((arb_target(), arb_history()), 6))
    })
}

proptest! {
    #[test]
    fn r14_merges_of_some_segments_do_not_show((captures, steps, questions) in arb_case()) {
        let (whole, parts) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mut writer = writer(parts.path());
        let mut known: Vec<Capture> = Vec::new();
        // One state after the other, so that what is kept of the segments that stay is used again.
        let mut reader = None;
        for step in &steps {
            match step {
                Step::Commit(batch) => {
                    commit(&mut writer, batch, usize::MAX);
                    known.extend(batch.iter().cloned());
                }
                Step::Merge(flags) => {
                    let n = writer.manifest().segments.len();
                    let places: Vec<usize> = (0..n).filter(|at| flags.get(*at) == Some(&true)).collect();
                    merge_some(&mut writer, &places);
                }
                Step::ToRest(segments_min) => {
                    let policy = MergePolicy { segments_min: *segments_min, ..MergePolicy::default() };
                    merge_to_rest(&mut writer, &policy);
                    let sizes: Vec<u64> = writer.manifest().segments.iter().map(|s| s.bytes).collect();
                    prop_assert_eq!(policy.choose(&sizes), None);
                }
            }
            let reference = ReferenceIndex::new(known.clone(), list());
            let reader = reader.get_or_insert_with(|| Reader::open(parts.path()).unwrap());
            let snapshot = reader.current().unwrap();
            prop_assert_eq!(snapshot.manifest(), writer.manifest());
            for (target, history) in &questions {
                prop_assert_eq!(
                    found(&snapshot, target, *history),
                    expected(&reference, target, *history),
                    "{} ({}), after {:?}", target, target.mode(), step
                );
            }
        }
        drop(writer);
        verify(&Snapshot::open(parts.path()).unwrap());
        merge(parts.path());
        ingest(whole.path(), &Plan::whole(&captures));
        prop_assert!(bytes(whole.path()) == bytes(parts.path()), "other bytes");
    }
}
