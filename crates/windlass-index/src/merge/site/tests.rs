//! Merging in one pass against putting all sightings together.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use proptest::collection::{btree_set, vec};
use proptest::prelude::*;

use super::*;
use crate::instant::Captured;
use crate::intern::Interner;
use crate::numbers::Numbers;
use crate::paged::{Paged, PagedBuilder, Verified};
use crate::recaptured::RecapturedBuilder;
use crate::sighting::Sighting;
use crate::site::plain::{Dictionaries, combine, encode};
use crate::spool::Scratch;
use crate::stretch::Stretch;

const URLS: [&[u8]; 5] = [b"a", b"a1", b"a1b", b"b", b"c"];
/// By (folded, as written).
const FORMS: [&str; 8] = ["", "A", "a", "AB", "aB", "ab", "Ä", "ä"];
const ATTRS: [&[u8]; 6] = [b"\0", b"\0alt", b"\0other", b"\x01", b"\x01alt", b"\x04"];
const PAGES: u32 = 90;
const TIMES: u32 = 5;

/// What one input has: its sightings, with pages by their numbers in the merged segment; and which
/// captures are outranked.
type Input = (Vec<Sighting>, Vec<(u32, u32)>);

fn arb_sighting() -> impl Strategy<Value = Sighting> {
    let link = (
        0..URLS.len() as u32,
        any::<bool>(),
        1..7u32,
        0..FORMS.len() as u32,
    );
    // Most pages are captured once.
    let moment = (0..PAGES, prop_oneof![4 => Just(1), 1 => 0..TIMES]);
    let attr = prop_oneof![3 => Just(0), 1 => 0..ATTRS.len() as u32];
    (link, moment, attr).prop_map(|((url, other, link_type, form), (page, time), attr)| {
        let other = other && form == 0;
        Sighting {
            url,
            form: if other { link_type } else { form },
            page,
            time,
            attr,
            other,
        }
    })
}

fn arb_input() -> impl Strategy<Value = Input> {
    let outranked = prop_oneof![
        2 => Just(std::collections::BTreeSet::new()),
        1 => btree_set((0..PAGES, 0..TIMES), 0..80),
    ];
    let sightings = prop_oneof![vec(arb_sighting(), 1..12), vec(arb_sighting(), 1..700)];
    (sightings, outranked).prop_map(|(sightings, o)| (sightings, o.into_iter().collect()))
}

/// When an input really captured a page: where it showed a link, and some that have others, before or later, or none.
fn captures((sightings, _): &Input, page: u32) -> BTreeSet<u32> {
    let of_page = sightings.iter().filter(|s| s.page == page);
    let mut all: BTreeSet<u32> = of_page.map(|s| s.time).collect();
    let last = all.last().copied().unwrap_or(0);
    match page % 7 {
        0 => all.insert(last + 3),
        1 => all.insert(0),
        _ => all.is_empty() && all.insert(0),
    };
    all
}

/// The latest of them.
fn latest(input: &Input, page: u32) -> u32 {
    captures(input, page).last().copied().unwrap()
}

/// The block of these sightings; nothing where there are none.
fn block(mut sightings: Vec<Sighting>, captures: &dyn Fn(u32) -> Vec<u32>) -> Vec<u8> {
    let mut attrs = Interner::default();
    for attr in ATTRS {
        attrs.intern(attr);
    }
    combine(&mut sightings, &mut attrs);
    let mut out = Vec::new();
    if !sightings.is_empty() {
        let dictionaries = Dictionaries {
            urls: &|url| URLS[url as usize],
            forms: &|form| FORMS[form as usize].as_bytes(),
            attrs: &attrs,
            captures,
        };
        encode(&sightings, &dictionaries, &mut out).unwrap();
    }
    out
}

/// An input with pages that have numbers of their own.
struct Own {
    block: Vec<u8>,
    captured: Captures,
}

/// When pages were really captured: an array of the latest captures, what of it is verified, and the others.
struct Captures {
    pages: usize,
    latest: Vec<u8>,
    verified: Verified,
    recaptured: Vec<u8>,
}

impl Captures {
    fn of(pages: impl Iterator<Item = BTreeSet<u32>>) -> Self {
        let scratch = Scratch::new(std::env::temp_dir(), usize::MAX);
        let (mut latest, mut recaptured) =
            (PagedBuilder::default(), RecapturedBuilder::new(&scratch));
        let mut n = 0;
        for times in pages {
            n += 1;
            latest.push(times.last().copied().unwrap_or(0));
            recaptured.push(times.into_iter()).unwrap();
        }
        let (mut array, mut section) = (Vec::new(), Vec::new());
        latest.finish().write_to(&mut array).unwrap();
        recaptured.finish(&mut section).unwrap();
        Self {
            pages: n,
            verified: Verified::new(&array),
            latest: array,
            recaptured: section,
        }
    }

    fn times(&self) -> CaptureTimes<'_> {
        let latest = Paged::new(&self.latest, &self.verified);
        let section = Stretch::trusted(&self.recaptured);
        CaptureTimes::open(self.pages, latest, section).unwrap()
    }
}

impl Own {
    fn part(&self, input: usize) -> Part<'_> {
        Part {
            input,
            block: &self.block,
            captures: self.captured.times(),
        }
    }
}

/// All inputs, and what merging their page tables gives.
fn all_own(inputs: &[Input]) -> (Vec<Own>, MergedPages) {
    let (own, mappings): (Vec<_>, Vec<_>) = (0..inputs.len()).map(|at| own(inputs, at)).unzip();
    let captured = (0..PAGES).map(|page| {
        let all = merged_captures(inputs, page);
        let (latest, count) = (*all.last().unwrap(), all.len() as u32);
        Captured { latest, count }
    });
    let captured: Vec<Captured> = captured.collect();
    (own, MergedPages::of(mappings, &captured))
}

fn merged_captures(inputs: &[Input], page: u32) -> BTreeSet<u32> {
    inputs
        .iter()
        .flat_map(|input| captures(input, page))
        .collect()
}

/// An input's block, and what its pages mean.
fn own(inputs: &[Input], at: usize) -> (Own, Mapping) {
    let input = &inputs[at];
    let (sightings, outranked) = input;
    let mut mapping = Mapping::default();
    // Each input lacks other pages.
    let has = |page: u32| {
        sightings.iter().any(|s| s.page == page) || !(page as usize).is_multiple_of(at + 2)
    };
    let pages: Vec<u32> = (0..PAGES).filter(|page| has(*page)).collect();
    for (page, time) in outranked {
        mapping.outrank(*page, *time);
    }
    let mut own = sightings.clone();
    for sighting in &mut own {
        sighting.page = pages.binary_search(&sighting.page).unwrap() as u32;
    }
    let number = |page: u32| pages[page as usize];
    let of_page = |page| captures(input, number(page)).into_iter().collect();
    let block = block(own, &of_page);
    let captured = Captures::of(pages.iter().map(|page| captures(input, *page)));
    for page in &pages {
        if captures(input, *page) != merged_captures(inputs, *page) {
            mapping.recapture(*page);
        }
    }
    let numbers = pages.iter().flat_map(|page| [*page, latest(input, *page)]);
    mapping.pages = Numbers::Memory(numbers.collect());
    (Own { block, captured }, mapping)
}

fn merged(inputs: &[Input], scratch: &Arc<Scratch>) -> Vec<u8> {
    let (own, pages) = all_own(inputs);
    let mut encoder = SiteEncoder::new(scratch);
    let mut merger = SiteMerger::default();
    let cancel = AtomicBool::new(false);
    let watch = Watch {
        progress: &(),
        cancel: &cancel,
        stop: None,
    };
    let mut out = Vec::new();
    // Twice with the same things: nothing of the first time must be left.
    for _ in 0..2 {
        let parts = own.iter().enumerate().map(|(at, own)| own.part(at));
        out.clear();
        if merger
            .merge(&[], &pages, parts, &mut encoder, watch)
            .unwrap()
        {
            encoder.close().unwrap();
            encoder.write_to(&mut out).unwrap();
            let captured = Captures::of((0..PAGES).map(|page| merged_captures(inputs, page)));
            let block = SiteBlock::read(&[], &out, captured.times()).unwrap();
            let (hrefs, _) = crate::site::counts(&out).unwrap();
            assert_eq!(block.hrefs.len() as u64, hrefs);
        }
    }
    out
}

proptest! {
    #[test]
    fn merging_blocks_is_uniting_sightings(inputs in vec(arb_input(), 1..5), keep_max in prop_oneof![Just(0usize), Just(1 << 20)]) {
        let directory = tempfile::tempdir().unwrap();
        let scratch = Scratch::new(directory.path().to_owned(), keep_max);
        let all = inputs.iter().flat_map(|(sightings, outranked)| {
            let kept = |s: &&Sighting| outranked.binary_search(&(s.page, s.time)).is_err();
            sightings.iter().filter(kept).copied().collect::<Vec<_>>()
        });
        let expected = block(all.collect(), &|page| merged_captures(&inputs, page).into_iter().collect());
        prop_assert!(merged(&inputs, &scratch) == expected);
    }

    #[test]
    fn what_is_merged_is_merged_again((a, b, c) in (arb_input(), arb_input(), arb_input())) {
        let directory = tempfile::tempdir().unwrap();
        let scratch = Scratch::new(directory.path().to_owned(), 1 << 20);
        let whole = |input: Input| (input.0, Vec::new());
        let (a, b, c) = (whole(a), whole(b), whole(c));
        let expected = merged(&[a.clone(), b.clone(), c.clone()], &scratch);
        prop_assert!(merged(&[c, a.clone(), b, a], &scratch) == expected);
    }

    #[test]
    fn foreign_blocks_never_panic(damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..6), inputs in vec(arb_input(), 2..4)) {
        let directory = tempfile::tempdir().unwrap();
        let scratch = Scratch::new(directory.path().to_owned(), 1 << 20);
        let (mut own, pages) = all_own(&inputs);
        for (index, byte) in damage {
            let at = index.index(own[0].block.len());
            own[0].block[at] = byte;
        }
        let cancel = AtomicBool::new(false);
        let watch = Watch { progress: &(), cancel: &cancel, stop: None };
        let parts = own.iter().enumerate().map(|(at, own)| own.part(at));
        let mut encoder = SiteEncoder::new(&scratch);
        let mut merger = SiteMerger::default();
        // An error is an answer like any other.
        let _ = merger.merge(&[], &pages, parts, &mut encoder, watch);
    }
}
