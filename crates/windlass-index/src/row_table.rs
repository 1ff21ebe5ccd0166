//! The rows (R15) of a range of links, kept: for questions that are asked about one target again, with
//! other conditions, another order or another page.

use std::ops::Range;

use std::sync::{Arc, Mutex, PoisonError};

use hashlink::LruCache;
use windlass_links::{CaptureTime, History};

use crate::cache::{Cache, KeptMemory, Memory};
use crate::error::IndexError;
use crate::finished::FinishedGroups;
use crate::rows::{Row, RowVisitor, Texts};
use crate::sink::Hit;

/// The rows of one range take at most one of so many parts of the memory for all that is kept.
const RANGE_SHARE: usize = 2;
/// Bytes that a link takes, at most.
const LINK_BYTES: usize = size_of::<KeptRow>() + 4 + 8;
/// Of how many ranges without a table it is known that they were asked about.
const ASKED_MAX: usize = 1 << 8;

/// Bytes that the rows of so many links take, at most.
pub(crate) const fn bytes_max(links: usize) -> usize {
    links.saturating_mul(LINK_BYTES)
}

/// A row, without its anchor.
#[derive(Debug, Clone, Copy)]
struct KeptRow {
    refdomain: u32,
    backlinks: u32,
    /// Where its pages end among all.
    pages_end: u32,
    first_seen: u32,
    last_visited: u32,
}

/// Rows in order of their anchors, and the pages behind each: those of one part of a scan. 24 bytes a link at
/// most, and 8 an anchor.
#[derive(Debug, Default)]
pub(crate) struct RowPart {
    /// Each anchor that has rows, and where these end among all.
    anchors: Vec<(u32, u32)>,
    rows: Vec<KeptRow>,
    /// Places of pages.
    pages: Vec<u32>,
}

impl RowVisitor for RowPart {
    fn row(&mut self, row: &Row, _: &mut Texts<'_>) -> Result<bool, IndexError> {
        let number = |n: u64| u32::try_from(n).map_err(|_| IndexError::TooLarge("a row"));
        self.rows.push(KeptRow {
            refdomain: row.refdomain,
            backlinks: number(row.backlinks)?,
            pages_end: number(self.pages.len() as u64 + row.refpages)?,
            first_seen: row.first_seen.unix(),
            last_visited: row.last_visited.unix(),
        });
        let end = number(self.rows.len() as u64)?;
        match self.anchors.last_mut() {
            Some((anchor, of_anchor)) if *anchor == row.anchor => *of_anchor = end,
            _ => self.anchors.push((row.anchor, end)),
        }
        Ok(false)
    }

    fn pages(&mut self, pages: &[u32]) {
        self.pages.extend_from_slice(pages);
    }
}

impl RowPart {
    /// Calls `each` with the anchors that have rows, and these.
    pub(crate) fn for_each_anchor<E>(
        &self,
        mut each: impl FnMut(u32, Rows<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut start = 0;
        for &(anchor, end) in &self.anchors {
            let rows = Rows {
                part: self,
                anchor,
                places: start..end as usize,
            };
            start = end as usize;
            each(anchor, rows)?;
        }
        Ok(())
    }
}

/// All rows of a range of links, in the parts in which they were read.
#[derive(Debug)]
pub(crate) struct RowTable(Vec<RowPart>);

impl RowTable {
    /// Of parts whose anchors come one after the other.
    pub(crate) fn new(mut parts: Vec<RowPart>) -> Self {
        for part in &mut parts {
            part.anchors.shrink_to_fit();
            part.rows.shrink_to_fit();
            part.pages.shrink_to_fit();
        }
        Self(parts)
    }

    pub(crate) fn parts(&self) -> &[RowPart] {
        &self.0
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.iter().all(|part| part.rows.is_empty())
    }

    /// The pages of all rows.
    pub(crate) fn pages(&self) -> impl Iterator<Item = &[u32]> {
        self.0.iter().map(|part| part.pages.as_slice())
    }

    /// How many backlinks there are.
    pub(crate) fn backlinks(&self) -> u64 {
        let rows = self.0.iter().flat_map(|part| &part.rows);
        rows.map(|row| u64::from(row.backlinks)).sum()
    }
}

/// The rows of an anchor.
pub(crate) struct Rows<'a> {
    part: &'a RowPart,
    anchor: u32,
    places: Range<usize>,
}

impl<'a> Rows<'a> {
    /// Calls `each` with each row and its pages.
    pub(crate) fn for_each<E>(
        self,
        mut each: impl FnMut(&Row, &'a [u32]) -> Result<(), E>,
    ) -> Result<(), E> {
        let part = self.part;
        let before = self
            .places
            .start
            .checked_sub(1)
            .and_then(|at| part.rows.get(at));
        let mut start = before.map_or(0, |row| row.pages_end as usize);
        for kept in part.rows.get(self.places).unwrap_or_default() {
            let end = kept.pages_end as usize;
            let pages = part.pages.get(start..end).unwrap_or_default();
            start = end;
            let row = Row {
                anchor: self.anchor,
                refdomain: kept.refdomain,
                backlinks: kept.backlinks.into(),
                refpages: pages.len() as u64,
                first_seen: CaptureTime::from_unix(kept.first_seen),
                last_visited: CaptureTime::from_unix(kept.last_visited),
            };
            each(&row, pages)?;
        }
        Ok(())
    }
}

impl Memory for RowTable {
    fn memory(&self) -> usize {
        let of_part = |part: &RowPart| {
            part.anchors.capacity() * 8
                + part.rows.capacity() * size_of::<KeptRow>()
                + part.pages.capacity() * 4
        };
        self.0.iter().map(of_part).sum()
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

/// The rows of the ranges used last; of those with few links the links.
#[derive(Debug)]
pub(crate) struct RowCache {
    tables: Cache<RowKey, RowTable>,
    hits: Cache<RowKey, Vec<Hit>>,
    groups: Cache<RowKey, FinishedGroups>,
    /// Ranges that were asked about once.
    asked: Mutex<LruCache<RowKey, ()>>,
    range_bytes_max: usize,
}

impl RowCache {
    pub(crate) fn new(memory: &KeptMemory) -> Self {
        Self {
            tables: Cache::new(memory),
            hits: Cache::new(memory),
            groups: Cache::new(memory),
            asked: Mutex::new(LruCache::new(ASKED_MAX)),
            range_bytes_max: memory.bytes_max() / RANGE_SHARE,
        }
    }

    /// The rows of a range, if they are kept.
    pub(crate) fn get(&self, key: &RowKey) -> Option<Arc<RowTable>> {
        self.tables.get(key)
    }

    /// Whether the rows of a range of so many links are to be kept, now that it is asked about: where that
    /// is not the first time, and there is room.
    pub(crate) fn is_worth(&self, key: &RowKey, links: usize) -> bool {
        if bytes_max(links) > self.range_bytes_max {
            return false;
        }
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let is_again = asked.remove(key).is_some();
        if !is_again {
            asked.insert(key.clone(), ());
        }
        is_again
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

    /// Keeps the rows of a range.
    pub(crate) fn put(&self, key: RowKey, table: &Arc<RowTable>) {
        self.tables.put(key, table);
    }
}
