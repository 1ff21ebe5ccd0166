//! A set of byte strings, each known by a number: dictionaries while a run is being built.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

/// Byte strings in one buffer, numbered in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Interner {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    table: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl Interner {
    /// The number of `text`, and whether it is new. O(length).
    pub(crate) fn intern(&mut self, text: &[u8]) -> (u32, bool) {
        let hash = self.hasher.hash_one(text);
        let (bytes, ends) = (&self.bytes, &self.ends);
        if let Some(found) = self.table.find(hash, |&i| slice(bytes, ends, i) == text) {
            return (*found, false);
        }
        // More than 2^32 strings do not fit into the memory that a run may have.
        let number = u32::try_from(self.ends.len()).unwrap_or(u32::MAX);
        self.bytes.extend_from_slice(text);
        self.ends.push(self.bytes.len());
        let (bytes, ends, hasher) = (&self.bytes, &self.ends, &self.hasher);
        self.table
            .insert_unique(hash, number, |&i| hasher.hash_one(slice(bytes, ends, i)));
        (number, true)
    }

    pub(crate) fn get(&self, number: u32) -> &[u8] {
        slice(&self.bytes, &self.ends, number)
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Bytes of memory held.
    pub(crate) fn memory(&self) -> usize {
        self.bytes.capacity() + self.ends.capacity() * 8 + self.table.capacity() * 5
    }

    /// Ranks in byte order.
    pub(crate) fn byte_ranks(&self) -> Ranks {
        let mut order: Vec<u32> = (0..self.ends.len() as u64 as u32).collect();
        order.sort_unstable_by(|&a, &b| self.get(a).cmp(self.get(b)));
        Ranks::of_order(order)
    }
}

fn slice<'a>(bytes: &'a [u8], ends: &[usize], number: u32) -> &'a [u8] {
    let number = number as usize;
    let start = number
        .checked_sub(1)
        .and_then(|before| ends.get(before))
        .copied()
        .unwrap_or(0);
    let end = ends.get(number).copied().unwrap_or(start);
    bytes.get(start..end).unwrap_or_default()
}

/// An order of interned strings.
#[derive(Debug, Default)]
pub(crate) struct Ranks {
    /// The numbers in order.
    pub(crate) order: Vec<u32>,
    /// The place of each number in the order.
    pub(crate) rank: Vec<u32>,
}

impl Ranks {
    pub(crate) fn of_order(order: Vec<u32>) -> Self {
        let mut rank = vec![0; order.len()];
        for (place, &number) in order.iter().enumerate() {
            if let Some(slot) = rank.get_mut(number as usize) {
                *slot = place as u64 as u32;
            }
        }
        Self { order, rank }
    }

    pub(crate) fn rank(&self, number: u32) -> u32 {
        self.rank.get(number as usize).copied().unwrap_or(u32::MAX)
    }

    pub(crate) fn number(&self, rank: u32) -> u32 {
        self.order.get(rank as usize).copied().unwrap_or(u32::MAX)
    }
}
