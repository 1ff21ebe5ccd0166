//! The rows (R15) of a range of links, kept: for questions that are asked about one target again, with
//! other conditions, another order or another page.

mod bounds;
mod part;

use std::collections::HashSet;
use std::hash::Hash;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hashlink::LruCache;
use windlass_links::History;

use crate::cache::{Cache, KeptMemory, Memory};
use crate::finished::FinishedGroups;
use crate::query::ChosenGroups;
use crate::range_anchors::RangeAnchors;
use crate::sink::Hit;

pub use bounds::RowBounds;
pub(crate) use part::RowPart;

/// The rows of one range take at most one of so many parts of the memory for all that is kept.
const RANGE_SHARE: usize = 2;
/// And their anchors, and the groups of those that pass a condition, one of so many.
const ANCHORS_SHARE: usize = 8;
/// Bytes that a link takes, at most.
const LINK_BYTES: usize = part::ROW_BYTES + part::ANCHOR_BYTES;
/// Of how many ranges without a table, and conditions without groups, it is known that they were asked about.
const ASKED_MAX: usize = 1 << 8;
/// Rows of links that lie in more ranges are not kept: with a port, a target may have one for each of its urls, and keys
/// are hardly counted among what is kept.
const RANGES_MAX: usize = 8;

/// Bytes that the rows of so many links take, at most.
pub(crate) const fn bytes_max(links: usize) -> usize {
    links.saturating_mul(LINK_BYTES)
}

/// All rows of a range of links, in the parts in which they were read.
#[derive(Debug)]
pub(crate) struct RowTable(Vec<RowPart>);

impl RowTable {
    /// Of parts whose anchors come one after the other.
    pub(crate) fn new(mut parts: Vec<RowPart>) -> Self {
        parts.iter_mut().for_each(RowPart::shrink);
        Self(parts)
    }

    pub(crate) fn parts(&self) -> &[RowPart] {
        &self.0
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.iter().all(RowPart::is_empty)
    }

    /// The pages of all rows.
    pub(crate) fn pages(&self) -> impl Iterator<Item = &[u32]> {
        self.0.iter().map(RowPart::all_pages)
    }

    /// How many backlinks there are.
    pub(crate) fn backlinks(&self) -> u64 {
        self.0.iter().map(RowPart::backlinks).sum()
    }
}

impl Memory for RowTable {
    fn memory(&self) -> usize {
        self.0.iter().map(RowPart::memory).sum()
    }
}

impl Memory for Vec<Hit> {
    fn memory(&self) -> usize {
        self.capacity() * size_of::<Hit>()
    }
}

/// What rows are kept by: the site, the places of the links in its block, and which of them count.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct RowKey {
    site_key: Vec<u8>,
    links: Vec<Range<usize>>,
    history: History,
}

impl RowKey {
    /// What the rows of links are kept by, where they may be: there are so many links at least, and few ranges of them.
    pub(crate) fn of(
        site_key: &[u8],
        links: &[Range<usize>],
        history: History,
        links_min: usize,
    ) -> Option<Arc<Self>> {
        let count: usize = links.iter().map(ExactSizeIterator::len).sum();
        (count >= links_min && links.len() <= RANGES_MAX).then(|| {
            Arc::new(Self {
                site_key: site_key.to_owned(),
                links: links.to_owned(),
                history,
            })
        })
    }
}

/// What the groups of the rows of a range are kept by whose anchors pass a condition.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct ChosenKey {
    pub(crate) range: Arc<RowKey>,
    pub(crate) condition: Box<str>,
}

/// What was asked about once, and what is being made because it was asked about again.
#[derive(Debug)]
struct Asked<K>(Mutex<AskedKeys<K>>);

#[derive(Debug)]
struct AskedKeys<K> {
    once: LruCache<K, ()>,
    making: HashSet<K>,
}

impl<K: Hash + Eq + Clone> Asked<K> {
    fn new() -> Self {
        Self(Mutex::new(AskedKeys {
            once: LruCache::new(ASKED_MAX),
            making: HashSet::new(),
        }))
    }

    fn lock(&self) -> MutexGuard<'_, AskedKeys<K>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether what is to be kept is made now: where it was asked about before, and nobody makes it.
    fn begin(&self, key: &K) -> Option<Making<'_, K>> {
        let mut keys = self.lock();
        if keys.making.contains(key) {
            return None;
        }
        if keys.once.remove(key).is_none() {
            keys.once.insert(key.clone(), ());
            return None;
        }
        keys.making.insert(key.clone());
        Some(Making {
            asked: self,
            key: key.clone(),
        })
    }
}

/// While it is there, something is made that nobody else makes too.
#[derive(Debug)]
pub(crate) struct Making<'a, K: Hash + Eq + Clone> {
    asked: &'a Asked<K>,
    key: K,
}

impl<K: Hash + Eq + Clone> Drop for Making<'_, K> {
    fn drop(&mut self) {
        self.asked.lock().making.remove(&self.key);
    }
}

/// The rows of the ranges used last; of those with few links the links.
#[derive(Debug)]
pub(crate) struct RowCache {
    tables: Cache<Arc<RowKey>, RowTable>,
    hits: Cache<Arc<RowKey>, Vec<Hit>>,
    groups: Cache<Arc<RowKey>, FinishedGroups>,
    anchors: Cache<Arc<RowKey>, RangeAnchors>,
    chosen: Cache<ChosenKey, ChosenGroups>,
    asked: Asked<Arc<RowKey>>,
    asked_to_choose: Asked<ChosenKey>,
    range_bytes_max: usize,
    anchors_bytes_max: usize,
}

impl RowCache {
    pub(crate) fn new(memory: &KeptMemory) -> Self {
        Self {
            tables: Cache::new(memory),
            hits: Cache::new(memory),
            groups: Cache::new(memory),
            anchors: Cache::new(memory),
            chosen: Cache::new(memory),
            asked: Asked::new(),
            asked_to_choose: Asked::new(),
            range_bytes_max: memory.bytes_max() / RANGE_SHARE,
            anchors_bytes_max: memory.bytes_max() / ANCHORS_SHARE,
        }
    }

    /// The rows of a range, if they are kept.
    pub(crate) fn get(&self, key: &RowKey) -> Option<Arc<RowTable>> {
        self.tables.get(key)
    }

    /// Whether the rows of a range of so many links are made to be kept, now that it is asked about: where that
    /// is not the first time, nobody makes them, and there is room.
    pub(crate) fn begin(&self, key: &Arc<RowKey>, links: usize) -> Option<Making<'_, Arc<RowKey>>> {
        let fits = bytes_max(links) <= self.range_bytes_max;
        fits.then(|| self.asked.begin(key)).flatten()
    }

    /// The backlinks of a range, in order, if they are kept.
    pub(crate) fn hits(&self, key: &RowKey) -> Option<Arc<Vec<Hit>>> {
        self.hits.get(key)
    }

    /// Keeps the backlinks of a range.
    pub(crate) fn put_hits(&self, key: Arc<RowKey>, hits: &Arc<Vec<Hit>>) {
        self.hits.put(key, hits);
    }

    /// The groups of a range, if they are kept.
    pub(crate) fn groups(&self, key: &RowKey) -> Option<Arc<FinishedGroups>> {
        self.groups.get(key)
    }

    /// Keeps the groups of a range.
    pub(crate) fn put_groups(&self, key: Arc<RowKey>, groups: FinishedGroups) {
        self.groups.put(key, &Arc::new(groups));
    }

    /// The groups of the rows whose anchors pass a condition, if they are kept.
    pub(crate) fn chosen(&self, key: &ChosenKey) -> Option<Arc<ChosenGroups>> {
        self.chosen.get(key)
    }

    /// Whether they are made to be kept, now that they are asked for: where that is not the first time, nobody makes
    /// them, and so many bytes are not too many.
    pub(crate) fn begin_choosing(
        &self,
        key: &ChosenKey,
        bytes: usize,
    ) -> Option<Making<'_, ChosenKey>> {
        let fits = bytes <= self.anchors_bytes_max;
        fits.then(|| self.asked_to_choose.begin(key)).flatten()
    }

    /// Keeps the groups of the rows whose anchors pass a condition.
    pub(crate) fn put_chosen(&self, key: ChosenKey, groups: &Arc<ChosenGroups>) {
        self.chosen.put(key, groups);
    }

    /// How many bytes the anchors of a range may take to be kept.
    pub(crate) fn anchors_bytes_max(&self) -> usize {
        self.anchors_bytes_max
    }

    /// The anchors of a range, if they are kept.
    pub(crate) fn anchors(&self, key: &RowKey) -> Option<Arc<RangeAnchors>> {
        self.anchors.get(key)
    }

    /// Keeps the anchors of a range.
    pub(crate) fn put_anchors(&self, key: Arc<RowKey>, anchors: RangeAnchors) {
        self.anchors.put(key, &Arc::new(anchors));
    }

    /// Keeps the rows of a range.
    pub(crate) fn put(&self, key: Arc<RowKey>, table: &Arc<RowTable>) {
        self.tables.put(key, table);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_about_again_is_made_by_one_alone() {
        let asked = Asked::new();
        assert!(asked.begin(&1).is_none());
        let making = asked.begin(&1);
        assert!(making.is_some());
        assert!(asked.begin(&1).is_none() && asked.begin(&1).is_none());
        assert!(asked.begin(&2).is_none());
        assert!(asked.begin(&2).is_some());
        drop(making);
        assert!(asked.begin(&1).is_none());
        assert!(asked.begin(&1).is_some());
    }

    #[test]
    fn rows_of_few_links_or_in_many_ranges_have_no_key() {
        let key = |links: &[Range<usize>]| RowKey::of(b"com", links, History::Live, 4);
        assert!(key(&[0..2, 5..6]).is_none());
        assert!(key(&[0..2, 5..7]).is_some());
        let many: Vec<Range<usize>> = (0..=RANGES_MAX).map(|n| 9 * n..9 * n + 1).collect();
        assert!(key(&many).is_none());
    }
}
