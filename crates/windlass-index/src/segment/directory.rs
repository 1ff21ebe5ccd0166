//! From site key to the offset of its block, verified where it is touched.
//!
//! The directory is an fst map, whose library reads bytes as it likes. It reads a node from its address on
//! backwards, and which node is next stands in it: so the bytes that a node may have are verified before
//! it is looked at.

use fst::raw::{CompiledAddr, Fst, Node};

use crate::bytes::Corrupt;
use crate::stretch::Stretch;

const WRONG: Corrupt = Corrupt("the directory");
/// What stands in front of the nodes: version and type.
const HEAD_BYTES: usize = 16;
/// What stands behind them: number of keys, address of the root, checksum.
const TAIL_BYTES: usize = 20;
/// More than a node has: 256 transitions with inputs, addresses and outputs, an index of them, and a final output.
const NODE_BYTES_MAX: usize = 256 * (1 + 8 + 8) + 256 + 8 + 8;

/// A directory that is read in parts.
pub(crate) struct SiteDirectory<'a> {
    fst: Fst<&'a [u8]>,
    bytes: Stretch<'a>,
}

/// A node, and the sum of the outputs that lead to it.
struct Reached<'f> {
    node: Node<'f>,
    sum: u64,
}

impl<'a> SiteDirectory<'a> {
    /// Reads the root.
    pub(super) fn open(bytes: Stretch<'a>) -> Result<Self, Corrupt> {
        // The root is the last node.
        let tail = bytes.len().saturating_sub(NODE_BYTES_MAX + TAIL_BYTES);
        bytes.head(HEAD_BYTES)?;
        bytes.get(tail..bytes.len())?;
        Ok(Self {
            fst: Fst::new(bytes.unverified()).map_err(|_| WRONG)?,
            bytes,
        })
    }

    fn root(&self) -> Reached<'_> {
        Reached {
            node: self.fst.root(),
            sum: 0,
        }
    }

    fn node(&self, at: CompiledAddr) -> Result<Node<'_>, Corrupt> {
        let end = at.checked_add(1).ok_or(WRONG)?;
        self.bytes.get(end.saturating_sub(NODE_BYTES_MAX)..end)?;
        Ok(self.fst.node(at))
    }

    /// What a transition leads to, with its input.
    fn step<'f>(
        &'f self,
        from: &Reached<'f>,
        transition: usize,
    ) -> Result<(u8, Reached<'f>), Corrupt> {
        let transition = from.node.transition(transition);
        let to = Reached {
            node: self.node(transition.addr)?,
            sum: from.sum.saturating_add(transition.out.value()),
        };
        Ok((transition.inp, to))
    }

    /// What a key leads to, where there are keys that begin so.
    fn reach(&self, key: &[u8]) -> Result<Option<Reached<'_>>, Corrupt> {
        let mut at = self.root();
        for byte in key {
            let Some(transition) = at.node.find_input(*byte) else {
                return Ok(None);
            };
            (_, at) = self.step(&at, transition)?;
        }
        Ok(Some(at))
    }

    /// The offset of a site's block.
    pub(crate) fn get(&self, site_key: &[u8]) -> Result<Option<u64>, Corrupt> {
        Ok(self.reach(site_key)?.and_then(|at| at.value()))
    }

    /// Calls `each` with all keys that begin with a prefix, in order, and the offsets of their blocks.
    pub(crate) fn for_each_below<E>(
        &self,
        prefix: &[u8],
        wrong: impl Fn(Corrupt) -> E,
        mut each: impl FnMut(&[u8], u64) -> Result<(), E>,
    ) -> Result<(), E> {
        let Some(start) = self.reach(prefix).map_err(&wrong)? else {
            return Ok(());
        };
        let mut key = prefix.to_owned();
        if let Some(offset) = start.value() {
            each(&key, offset)?;
        }
        // Nodes on the way to the present one, each with its next transition.
        let mut way = vec![(start, 0)];
        while let Some((at, next)) = way.last_mut() {
            if *next == at.node.len() {
                way.pop();
                key.pop();
                continue;
            }
            let (byte, to) = self.step(at, *next).map_err(&wrong)?;
            *next += 1;
            key.push(byte);
            if let Some(offset) = to.value() {
                each(&key, offset)?;
            }
            way.push((to, 0));
        }
        Ok(())
    }

    /// The key of the site whose block is at an offset, into `key`; whether there is one.
    pub(crate) fn key_of(&self, offset: u64, key: &mut Vec<u8>) -> Result<bool, Corrupt> {
        key.clear();
        let mut at = self.root();
        loop {
            if at.value() == Some(offset) {
                return Ok(true);
            }
            // Offsets ascend with keys, and so do the outputs of a node: the last that is not above it.
            let transitions = at.node.transitions();
            let sums = transitions.map(|t| at.sum.saturating_add(t.out.value()));
            let Some(last) = sums.take_while(|sum| *sum <= offset).count().checked_sub(1) else {
                return Ok(false);
            };
            let (byte, to) = self.step(&at, last)?;
            key.push(byte);
            at = to;
        }
    }
}

impl Reached<'_> {
    /// The value of the key that ends here.
    fn value(&self) -> Option<u64> {
        let is_end = self.node.is_final();
        is_end.then(|| self.sum.saturating_add(self.node.final_output().value()))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::stretch::{Backing, CheckedSection, Checksums};

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
        let mut found = Vec::new();
        directory
            .for_each_below(
                prefix,
                |corrupt| corrupt,
                |key, offset| {
                    found.push((key.to_owned(), offset));
                    Ok(())
                },
            )
            .unwrap();
        found
    }

    proptest! {
        #[test]
        fn it_says_what_the_map_has(
            keys in prop::collection::vec(prop::collection::vec(0u8..4, 0..6), 0..60),
            probes in prop::collection::vec(prop::collection::vec(0u8..4, 0..6), 20),
        ) {
            let map = ascending(keys);
            let section = section(&map, None);
            let directory = SiteDirectory::open(section.stretch()).unwrap();
            let mut key = Vec::new();
            for (known, offset) in &map {
                prop_assert_eq!(directory.get(known).unwrap(), Some(*offset));
                prop_assert!(directory.key_of(*offset, &mut key).unwrap());
                prop_assert_eq!(&key, known);
            }
            for probe in &probes {
                prop_assert_eq!(directory.get(probe).unwrap(), map.get(probe).copied());
                let expected: Vec<_> = map
                    .iter()
                    .filter(|(key, _)| key.starts_with(probe))
                    .map(|(key, offset)| (key.clone(), *offset))
                    .collect();
                prop_assert_eq!(below(&directory, probe), expected);
            }
            let offsets: Vec<u64> = map.values().copied().collect();
            for offset in 0..100 {
                let is_known = offsets.contains(&offset);
                prop_assert_eq!(directory.key_of(offset, &mut key).unwrap(), is_known);
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
            let Ok(directory) = SiteDirectory::open(section.stretch()) else {
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
        let directory = SiteDirectory::open(section.stretch()).unwrap();
        let (key, offset) = map.iter().nth(12_345).unwrap();
        assert_eq!(directory.get(key).unwrap(), Some(*offset));
        let (verified, pages) = section.verified_pages();
        assert!(verified as usize * 2 < pages, "{verified} of {pages}");
    }
}
