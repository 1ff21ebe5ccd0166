//! The index against the plain implementation of the rules.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use proptest::collection::vec;
use proptest::prelude::*;
use windlass_index::{IndexError, KeptMemory, Section, Snapshot};
use windlass_links::{Capture, CaptureTime, History, Mode, Outcome, Target};
use windlass_reference::ReferenceIndex;
use windlass_reference::fixtures::{
    arb_captures, arb_history, arb_target, capture, list, scenarios,
};

use support::{
    Plan, bytes, expected, expected_backlinks, found, found_backlinks, found_captures,
    found_internal, found_linked_domains, ingest, ingest_keeping_internal, is_refused, merge,
    merge_within, sorted_lines, verify, writer,
};

#[test]
fn every_scenario_in_one_segment_in_many_and_merged() {
    for scenario in scenarios() {
        let target = Target::parse(scenario.target, scenario.mode).unwrap();
        let ask = |directory: &std::path::Path| {
            found(
                &Snapshot::open(directory).unwrap(),
                &target,
                scenario.history,
            )
            .rows
        };
        let (whole, many) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        ingest(whole.path(), &Plan::whole(&scenario.captures));
        ingest(many.path(), &Plan::single(&scenario.captures));
        assert_eq!(
            ask(whole.path()),
            scenario.rows,
            "{} in one segment",
            scenario.name
        );
        assert_eq!(ask(many.path()), scenario.rows, "{} in many", scenario.name);
        merge(many.path());
        assert_eq!(ask(many.path()), scenario.rows, "{} merged", scenario.name);
        assert!(
            bytes(whole.path()) == bytes(many.path()),
            "{}: other bytes",
            scenario.name
        );
    }
}

/// The captures in any order, some of them again, in any batches, with and without spilling.
fn arb_plan(captures: Vec<Capture>) -> impl Strategy<Value = Plan> {
    let n = captures.len();
    let again = vec(any::<prop::sample::Index>(), 0..6);
    (again, prop_oneof![Just(0), Just(4096), Just(usize::MAX)]).prop_flat_map(
        move |(again, memory_max)| {
            let mut all = captures.clone();
            if n > 0 {
                all.extend(
                    again
                        .iter()
                        .filter_map(|index| captures.get(index.index(n)).cloned()),
                );
            }
            let ends = vec(prop::bool::weighted(0.25), all.len());
            (Just(all).prop_shuffle(), ends).prop_map(move |(all, ends)| {
                let mut batches = vec![Vec::new()];
                for (capture, ends) in all.into_iter().zip(ends) {
                    if let Some(batch) = batches.last_mut() {
                        batch.push(capture);
                    }
                    if ends {
                        batches.push(Vec::new());
                    }
                }
                Plan {
                    batches,
                    memory_max,
                }
            })
        },
    )
}

type Case = (Vec<Capture>, Plan, Vec<(Target, History)>);

fn arb_case() -> impl Strategy<Value = Case> {
    arb_captures().prop_flat_map(|captures| {
        let plan = arb_plan(captures.clone());
        (Just(captures), plan, vec((arb_target(), arb_history()), 12))
    })
}

proptest! {
    #[test]
    fn r14_the_index_answers_as_the_rules_say(
        (captures, plan, questions) in arb_case(),
        // With room to keep everything, next to nothing, and nothing.
        kept_bytes_max in prop_oneof![2 => Just(1 << 20), 2 => Just(2000), 1 => Just(0)],
    ) {
        let reference = ReferenceIndex::new(captures.clone(), list());
        let (whole, parts) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        ingest(whole.path(), &Plan::whole(&captures));
        ingest(parts.path(), &plan);
        for (directory, state) in [(&whole, "in one segment"), (&parts, "as planned"), (&parts, "merged")] {
            if state == "merged" {
                merge_within(directory.path(), plan.memory_max);
            }
            verify(&Snapshot::open(directory.path()).unwrap());
            let memory = KeptMemory::new(kept_bytes_max);
            let snapshot = Snapshot::open_keeping(directory.path(), memory.clone()).unwrap();
            for (target, history) in &questions {
                prop_assert_eq!(
                    found(&snapshot, target, *history),
                    expected(&reference, target, *history),
                    "{} ({}), {}, {}", target, target.mode(), history, state
                );
                prop_assert!(memory.bytes() <= kept_bytes_max);
            }
            drop(snapshot);
            prop_assert_eq!(memory.bytes(), 0);
        }
        let merged = Snapshot::open(parts.path()).unwrap();
        prop_assert_eq!(found_backlinks(&merged), expected_backlinks(&reference));
        prop_assert_eq!(found_captures(&merged), reference.captures());
        prop_assert_eq!(found_linked_domains(&merged), reference.linked_domains());
        prop_assert!(bytes(whole.path()) == bytes(parts.path()), "other bytes");
    }
}

proptest! {
    #[test]
    fn r11_internal_links_are_kept_apart((captures, plan, questions) in arb_case()) {
        let reference = ReferenceIndex::new(captures.clone(), list());
        let [without, whole, parts] = [(); 3].map(|()| tempfile::tempdir().unwrap());
        ingest(without.path(), &Plan::whole(&captures));
        ingest_keeping_internal(whole.path(), &Plan::whole(&captures));
        ingest_keeping_internal(parts.path(), &plan);
        let snapshot = Snapshot::open(parts.path()).unwrap();
        verify(&snapshot);
        let (target, history) = &questions[0];
        prop_assert_eq!(
            found(&snapshot, target, *history),
            expected(&reference, target, *history)
        );
        merge(parts.path());
        prop_assert!(bytes(whole.path()) == bytes(parts.path()), "other bytes");
        let snapshot = Snapshot::open(parts.path()).unwrap();
        verify(&snapshot);
        prop_assert_eq!(found_internal(&snapshot), sorted_lines(&reference.internal()));
        prop_assert_eq!(found_backlinks(&snapshot), expected_backlinks(&reference));
        prop_assert_eq!(found_linked_domains(&snapshot), reference.linked_domains());
        // Whatever is not about internal links is as it is without them.
        let without = Snapshot::open(without.path()).unwrap();
        prop_assert!(found_internal(&without).is_empty());
        for (kept, bare) in snapshot.segments().iter().zip(without.segments()) {
            let is_internal = |section: Section| matches!(
                section,
                Section::Internal | Section::InternalChecksums | Section::InternalDirectory
            );
            let mut sizes = kept.sizes().0;
            sizes.retain(|(section, _)| !is_internal(*section));
            prop_assert_eq!(sizes, bare.sizes().0);
        }
    }
}

/// What many links need is read for hundreds of them at once: none may get what is another's.
#[test]
fn hundreds_of_links_of_which_some_have_sightings_of_their_own() {
    let mut captures = Vec::new();
    for n in 0..1200u32 {
        // Each third page is captured again, the link to be lost then, or found; each fifth links with another anchor.
        let page = format!("http://site{}.test/{n}", n * 7 % 90);
        let (anchor, seconds) = (
            format!("anchor {}", n % 5 * 10 + n % 50),
            1000 + n * 13 % 700,
        );
        let first = capture(&page, seconds).link("http://target.example/", "always");
        let again = capture(&page, seconds + 1000).link("http://target.example/", "always");
        let target = format!("http://target.example/{}", n % 3);
        match n % 12 {
            0 => {
                captures.push(first.link(&target, &anchor).build());
                captures.push(again.build());
            }
            3 => {
                captures.push(first.build());
                captures.push(again.link(&target, &anchor).build());
            }
            6 => {
                captures.push(first.build());
                captures.push(again.link(&target, &anchor).build());
                captures.push(
                    capture(&page, seconds + 2000)
                        .outcome(Outcome::Revisit(Some(CaptureTime::from_unix(
                            seconds + 1000,
                        ))))
                        .build(),
                );
            }
            9 => {
                captures.push(first.link(&target, &anchor).build());
                captures.push(again.link(&target, &anchor).build());
            }
            _ => captures.push(first.link(&target, &anchor).build()),
        }
    }
    let index = ReferenceIndex::new(captures.clone(), list());
    let (whole, many) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    ingest(whole.path(), &Plan::whole(&captures));
    let batches = captures.chunks(900).map(<[Capture]>::to_vec).collect();
    ingest(
        many.path(),
        &Plan {
            batches,
            memory_max: usize::MAX,
        },
    );
    for directory in [&whole, &many] {
        let snapshot = Snapshot::open(directory.path()).unwrap();
        for (target, mode) in [
            ("target.example", Mode::Domain),
            ("target.example/", Mode::Exact),
            ("target.example/1", Mode::Exact),
        ] {
            let target = Target::parse(target, mode).unwrap();
            for history in [
                History::Live,
                History::AllTime,
                History::Since(CaptureTime::from_unix(2400)),
            ] {
                let expected = expected(&index, &target, history);
                assert!(expected.rows.len() > 50);
                assert_eq!(
                    found(&snapshot, &target, history),
                    expected,
                    "{target} {history:?}"
                );
            }
        }
    }
}

#[test]
fn r11_an_index_keeps_internal_links_or_not() {
    let captures = [capture("http://p.example.com/", 10)
        .link("http://p.example.com/a", "internal")
        .build()];
    for keep in [false, true] {
        let directory = tempfile::tempdir().unwrap();
        if keep {
            ingest_keeping_internal(directory.path(), &Plan::whole(&captures));
        } else {
            ingest(directory.path(), &Plan::whole(&captures));
        }
        let mut writer = writer(directory.path());
        assert_eq!(writer.manifest().keep_internal, keep);
        writer.keep_internal(keep).unwrap();
        let refused = writer.keep_internal(!keep).unwrap_err();
        assert!(
            matches!(refused, IndexError::InternalLinks { kept, .. } if kept == keep),
            "{refused}"
        );
    }
}

#[test]
fn r20_a_host_that_only_an_outranked_wat_names_is_not_known() {
    let page = "http://p.example.com/";
    let captures = [
        capture(page, 10)
            .wat()
            .link("http://cut.example.org/", "cut")
            .build(),
        capture(page, 10)
            .link("http://whole.example.org/", "whole")
            .build(),
    ];
    let directory = tempfile::tempdir().unwrap();
    ingest(directory.path(), &Plan::single(&captures));
    for state in ["in many segments", "merged"] {
        if state == "merged" {
            merge(directory.path());
        }
        let snapshot = Snapshot::open(directory.path()).unwrap();
        for (host, is_known) in [("cut.example.org", false), ("whole.example.org", true)] {
            let target = Target::parse(host, Mode::Domain).unwrap();
            let answer = found(&snapshot, &target, History::Live);
            assert_eq!(answer.host_known, is_known, "{host} {state}");
        }
    }
}

#[test]
fn any_byte_that_flips_is_found() {
    let captures: Vec<Capture> = scenarios()
        .into_iter()
        .flat_map(|s| s.captures)
        .take(24)
        .collect();
    let directory = tempfile::tempdir().unwrap();
    ingest_keeping_internal(directory.path(), &Plan::whole(&captures));
    let snapshot = Snapshot::open(directory.path()).unwrap();
    let (sections, _) = snapshot.segments()[0].sizes();
    assert_eq!(sections.len(), Section::ALL.len());
    let sound = bytes(directory.path());
    assert!(!is_refused(sound.clone()));
    for at in 0..sound.len() {
        for mask in [0x01, 0x80, 0xFF] {
            let mut damaged = sound.clone();
            damaged[at] ^= mask;
            assert!(
                is_refused(damaged),
                "byte {at} of {}, mask {mask:#x}",
                sound.len()
            );
        }
    }
    for length in 0..sound.len() {
        assert!(
            is_refused(sound[..length].to_vec()),
            "cut to {length} bytes"
        );
    }
}
