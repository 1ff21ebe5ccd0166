use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::stretch::{Backing, CheckedSection, Checksums};

/// Above all offsets.
const BLOCKS_BYTES: usize = 1 << 40;

fn open(section: &CheckedSection) -> Result<SiteDirectory<'_>, Corrupt> {
    SiteDirectory::open(section.stretch(), BLOCKS_BYTES)
}

struct Memory(Vec<u8>);
impl Backing for Memory {
    fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The section of a map whose values ascend with its keys, with a bit flipped.
fn section(keys: &BTreeMap<Vec<u8>, u64>, damage: Option<usize>) -> CheckedSection {
    let map = fst::Map::from_iter(keys.iter().map(|(key, value)| (key, *value))).unwrap();
    let mut bytes = map.as_fst().as_bytes().to_vec();
    let n = bytes.len();
    let mut checksums = Checksums::default();
    checksums.update(&bytes);
    let sums = checksums.take();
    bytes.extend_from_slice(&sums);
    if let Some(at) = damage {
        bytes[at % n] ^= 1 << (at % 8);
    }
    let end = bytes.len();
    let backing = Arc::new(Memory(bytes)) as Arc<dyn Backing>;
    CheckedSection::new(backing, 0..n, n..end, crc32fast::hash(&sums)).unwrap()
}

fn ascending(keys: impl IntoIterator<Item = Vec<u8>>) -> BTreeMap<Vec<u8>, u64> {
    let mut map: BTreeMap<_, _> = keys.into_iter().map(|key| (key, 0)).collect();
    for (n, value) in (0u64..).zip(map.values_mut()) {
        *value = n * n + 3 * n;
    }
    map
}

fn below(directory: &SiteDirectory<'_>, prefix: &[u8]) -> Vec<(Vec<u8>, u64)> {
    let mut sites = directory.below(prefix).unwrap();
    let mut found = Vec::new();
    while let Some(offset) = sites.advance().unwrap() {
        found.push((sites.key().to_owned(), offset));
    }
    found
}

/// The key of the site whose block is at an offset, into `key`; whether there is one.
fn key_of(directory: &SiteDirectory<'_>, offset: u64, key: &mut Vec<u8>) -> Result<bool, Corrupt> {
    key.clear();
    let Some(walk) = directory.walk_from(offset)? else {
        return Ok(false);
    };
    key.extend_from_slice(walk.key());
    assert_eq!(walk.offset(), Some(offset));
    Ok(true)
}

proptest! {
    #[test]
    fn it_says_what_the_map_has(
        keys in prop::collection::vec(prop::collection::vec(0u8..4, 0..6), 0..60),
        probes in prop::collection::vec(prop::collection::vec(0u8..4, 0..6), 20),
    ) {
        let map = ascending(keys);
        let section = section(&map, None);
        let directory = open(&section).unwrap();
        let mut key = Vec::new();
        for (known, offset) in &map {
            prop_assert_eq!(directory.get(known).unwrap(), Some(*offset));
            prop_assert!(key_of(&directory, *offset, &mut key).unwrap());
            prop_assert_eq!(&key, known);
            let mut walk = directory.walk_from(*offset).unwrap().unwrap();
            let mut behind = map.range(known.clone()..).skip(1);
            while let Some(found) = walk.advance().unwrap() {
                prop_assert_eq!(behind.next(), Some((&walk.key().to_vec(), &found)));
            }
            prop_assert_eq!(behind.next(), None);
        }
        for probe in &probes {
            prop_assert_eq!(directory.get(probe).unwrap(), map.get(probe).copied());
            let expected: Vec<_> = map
                .iter()
                .filter(|(key, _)| key.starts_with(probe))
                .map(|(key, offset)| (key.clone(), *offset))
                .collect();
            prop_assert_eq!(below(&directory, probe), expected);
            let along = (1..=probe.len())
                .filter_map(|n| Some((n, *map.get(&probe[..n])?)))
                .collect::<Vec<_>>();
            prop_assert_eq!(directory.along(probe).unwrap(), along);
        }
        let offsets: Vec<u64> = map.values().copied().collect();
        for offset in 0..100 {
            let is_known = offsets.contains(&offset);
            prop_assert_eq!(key_of(&directory, offset, &mut key).unwrap(), is_known);
        }
    }
}

/// Keys that take many pages.
fn many() -> BTreeMap<Vec<u8>, u64> {
    let keys = (0u32..40_000).map(|i| {
        let i = i.wrapping_mul(2_654_435_761);
        format!("com\u{2}site-{i:08x}").into_bytes()
    });
    ascending(keys)
}

#[test]
fn damage_is_an_error_where_it_is_touched_and_no_wrong_answer() {
    let map = many();
    let n = section(&map, None).stretch().len();
    assert!(n > 100_000, "{n}");
    let mut errors = 0;
    for at in (0..n).step_by(n / 60 + 1) {
        let section = section(&map, Some(at));
        let Ok(directory) = open(&section) else {
            errors += 1;
            continue;
        };
        for (key, offset) in map.iter().step_by(997) {
            match directory.get(key) {
                Ok(found) => assert_eq!(found, Some(*offset)),
                Err(_) => errors += 1,
            }
        }
    }
    assert!(errors > 60, "{errors}");
}

#[test]
fn one_site_is_found_without_reading_the_others() {
    let map = many();
    let section = section(&map, None);
    let directory = open(&section).unwrap();
    let (key, offset) = map.iter().nth(12_345).unwrap();
    assert_eq!(directory.get(key).unwrap(), Some(*offset));
    let (verified, pages) = section.verified_pages();
    assert!(verified as usize * 2 < pages, "{verified} of {pages}");
}

/// A section of any bytes, whose checksums are right.
fn sealed(mut bytes: Vec<u8>) -> CheckedSection {
    let n = bytes.len();
    let mut checksums = Checksums::default();
    checksums.update(&bytes);
    let sums = checksums.take();
    bytes.extend_from_slice(&sums);
    let end = bytes.len();
    let backing = Arc::new(Memory(bytes)) as Arc<dyn Backing>;
    CheckedSection::new(backing, 0..n, n..end, crc32fast::hash(&sums)).unwrap()
}

/// Asks in every way: for each of these keys, for what is below them, for offsets, for all. How many
/// questions there was no error for.
fn ask_all(section: &CheckedSection, keys: &[Vec<u8>]) -> usize {
    const OFFSETS: usize = 1 << 12;
    let Ok(directory) = SiteDirectory::open(section.stretch(), OFFSETS) else {
        return 0;
    };
    let mut answered = 0;
    for key in keys {
        answered += usize::from(directory.get(key).is_ok());
        let gone_through = directory.below(key).and_then(|mut sites| {
            while sites.advance()?.is_some() {}
            Ok(())
        });
        answered += usize::from(gone_through.is_ok());
    }
    let mut key = Vec::new();
    for offset in (0..OFFSETS as u64).step_by(50) {
        answered += usize::from(key_of(&directory, offset, &mut key).is_ok());
    }
    if let Ok(mut sites) = directory.sites() {
        let mut last = None;
        let ended = loop {
            match sites.advance() {
                Ok(Some(offset)) => {
                    let here = (sites.key().to_owned(), offset);
                    let (last_key, last_offset) = last.replace(here).unzip();
                    assert!(last_offset.is_none_or(|last| last < offset));
                    assert!(last_key.is_none_or(|last| last.as_slice() < sites.key()));
                }
                Ok(None) => break true,
                Err(_) => break false,
            }
        };
        answered += usize::from(ended);
    }
    answered
}

fn arb_keys() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let few = prop::collection::vec(prop::collection::vec(0u8..4, 0..6), 0..40);
    let wide = prop::collection::vec(prop::collection::vec(any::<u8>(), 0..3), 0..400);
    prop_oneof![few, wide]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn damage_under_right_checksums_is_an_error_or_some_answer(
        keys in arb_keys(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        root in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let map: BTreeMap<_, _> = keys.iter().cloned().zip(0..).collect();
        let map: BTreeMap<_, u64> = map.into_keys().zip((0..).step_by(7)).collect();
        let mut bytes = fst::Map::from_iter(map).unwrap().as_fst().as_bytes().to_vec();
        let n = bytes.len();
        for (at, byte) in &changes {
            bytes[at.index(n)] = *byte;
        }
        if let Some(root) = root {
            let at = n - TAIL_BYTES + 8;
            bytes[at..at + 8].copy_from_slice(&(root.index(n) as u64).to_le_bytes());
        }
        let answered = ask_all(&sealed(bytes), &keys);
        if changes.is_empty() && root.is_none() {
            prop_assert!(answered > 2 * keys.len());
        }
    }

    #[test]
    fn any_bytes_as_nodes_are_an_error_or_some_answer(
        nodes in prop::collection::vec(prop_oneof![any::<u8>(), 0xc0u8..=0xff, 0u8..20], 1..400),
        keys in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..3), 8),
    ) {
        let mut bytes = fst::raw::VERSION.to_le_bytes().to_vec();
        bytes.resize(HEAD_BYTES, 0);
        bytes.extend_from_slice(&nodes);
        let root = bytes.len() as u64 - 1;
        bytes.extend_from_slice(&7u64.to_le_bytes());
        bytes.extend_from_slice(&root.to_le_bytes());
        bytes.extend_from_slice(&[0; 4]);
        ask_all(&sealed(bytes), &keys);
    }
}

#[test]
fn ways_without_number_through_few_nodes_come_to_an_end() {
    // Each node leads to the one before by 1 and by 2; a key ends in the first one, and each way adds to its offset: binary
    // numbers of 60 digits.
    let mut bytes = fst::raw::VERSION.to_le_bytes().to_vec();
    bytes.resize(HEAD_BYTES, 0);
    // A key ends, no transitions: sizes, number, state.
    bytes.extend_from_slice(&[0, 0, 0x40]);
    for digit in 0..60 {
        let outputs = [1u64 << digit, 0].map(u64::to_le_bytes).concat();
        bytes.extend_from_slice(&outputs);
        // Of two transitions the last one first: addresses, inputs, sizes, state.
        bytes.extend_from_slice(&[1, 1, 2, 1, 0x18, 2]);
    }
    let root = bytes.len() as u64 - 1;
    bytes.extend_from_slice(&1u64.to_le_bytes());
    bytes.extend_from_slice(&root.to_le_bytes());
    bytes.extend_from_slice(&[0; 4]);
    let section = sealed(bytes);
    let directory = SiteDirectory::open(section.stretch(), 1000).unwrap();
    let mut sites = directory.sites().unwrap();
    for offset in 0..1000 {
        assert_eq!(sites.advance().unwrap(), Some(offset));
        assert_eq!(sites.key().len(), 60);
    }
    assert!(sites.advance().is_err());
}
