//! The rows (R15) of a range of links, kept: for questions that are asked about one target again, with
//! other conditions, another order or another page.

mod bounds;
mod part;

use std::hash::Hash;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

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
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct RowKey {
    pub(crate) site_key: Vec<u8>,
    pub(crate) links: Vec<Range<usize>>,
    pub(crate) history: History,
}

/// What the groups of the rows of a range are kept by whose anchors pass a condition.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct ChosenKey {
    pub(crate) range: RowKey,
    pub(crate) condition: Box<str>,
}

/// What was asked about once.
#[derive(Debug)]
struct Asked<K>(Mutex<LruCache<K, ()>>);

impl<K: Hash + Eq + Clone> Asked<K> {
    fn new() -> Self {
        Self(Mutex::new(LruCache::new(ASKED_MAX)))
    }

    /// Whether it was asked about before; if so, it is forgotten.
    fn is_again(&self, key: &K) -> bool {
        let mut asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_again = asked.remove(key).is_some();
        if !is_again {
            asked.insert(key.clone(), ());
        }
        is_again
    }
}

/// The rows of the ranges used last; of those with few links the links.
#[derive(Debug)]
pub(crate) struct RowCache {
    tables: Cache<RowKey, RowTable>,
    hits: Cache<RowKey, Vec<Hit>>,
    groups: Cache<RowKey, FinishedGroups>,
    anchors: Cache<RowKey, RangeAnchors>,
    chosen: Cache<ChosenKey, ChosenGroups>,
    asked: Asked<RowKey>,
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

    /// Whether the rows of a range of so many links are to be kept, now that it is asked about: where that
    /// is not the first time, and there is room.
    pub(crate) fn is_worth(&self, key: &RowKey, links: usize) -> bool {
        bytes_max(links) <= self.range_bytes_max && self.asked.is_again(key)
    }

    /// The backlinks of a range, in order, if they are kept.
    pub(crate) fn hits(&self, key: &RowKey) -> Option<Arc<Vec<Hit>>> {
        self.hits.get(key)
    }

    /// Keeps the backlinks of a range.
    pub(crate) fn put_hits(&self, key: RowKey, hits: &Arc<Vec<Hit>>) {
        self.hits.put(key, hits);
    }

    /// The groups of a range, if they are kept.
    pub(crate) fn groups(&self, key: &RowKey) -> Option<Arc<FinishedGroups>> {
        self.groups.get(key)
    }

    /// Keeps the groups of a range.
    pub(crate) fn put_groups(&self, key: RowKey, groups: FinishedGroups) {
        self.groups.put(key, &Arc::new(groups));
    }

    /// The groups of the rows whose anchors pass a condition, if they are kept.
    pub(crate) fn chosen(&self, key: &ChosenKey) -> Option<Arc<ChosenGroups>> {
        self.chosen.get(key)
    }

    /// Whether they are to be kept, now that they are asked for: where that is not the first time, and so many bytes
    /// are not too many.
    pub(crate) fn is_worth_choosing(&self, key: &ChosenKey, bytes: usize) -> bool {
        bytes <= self.anchors_bytes_max && self.asked_to_choose.is_again(key)
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
    pub(crate) fn put_anchors(&self, key: RowKey, anchors: RangeAnchors) {
        self.anchors.put(key, &Arc::new(anchors));
    }

    /// Keeps the rows of a range.
    pub(crate) fn put(&self, key: RowKey, table: &Arc<RowTable>) {
        self.tables.put(key, table);
    }
}
