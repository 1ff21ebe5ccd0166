//! Many byte strings in one piece of memory.

use std::hint::black_box;

use crate::room::make_room;

/// Byte strings in one buffer, numbered in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Arena {
    bytes: Vec<u8>,
    /// The lower half of where each ends in `bytes`.
    ends: Vec<u32>,
    /// The numbers of the strings that are the first to end beyond another 4 GiB.
    wraps: Vec<u32>,
}

impl Arena {
    /// Adds a string; its number.
    pub(crate) fn push(&mut self, text: &[u8]) -> u32 {
        make_room(&mut self.bytes, text.len());
        self.push_with(|bytes| bytes.extend_from_slice(text))
    }

    /// Adds the string that `put` appends; its number.
    pub(crate) fn push_with(&mut self, put: impl FnOnce(&mut Vec<u8>)) -> u32 {
        // More than 2^32 strings do not fit into the memory that a run may have.
        let number = u32::try_from(self.ends.len()).unwrap_or(u32::MAX);
        let before = self.bytes.len() >> 32;
        put(&mut self.bytes);
        make_room(&mut self.ends, 1);
        let wraps = (self.bytes.len() >> 32) - before;
        self.wraps.extend(std::iter::repeat_n(number, wraps));
        self.ends.push(self.bytes.len() as u64 as u32);
        number
    }

    #[inline]
    fn end(&self, number: usize) -> usize {
        let low = self.ends.get(number).copied().unwrap_or_default() as usize;
        if self.wraps.is_empty() {
            return low;
        }
        let high = self.wraps.partition_point(|n| *n as usize <= number);
        high << 32 | low
    }

    #[inline]
    pub(crate) fn get(&self, number: u32) -> &[u8] {
        let number = number as usize;
        let start = number.checked_sub(1).map_or(0, |before| self.end(before));
        self.bytes.get(start..self.end(number)).unwrap_or_default()
    }

    /// Touches strings that are wanted soon. Each waits for memory, but here they do it side by side, as
    /// nothing depends on what is found.
    pub(crate) fn fetch(&self, numbers: &[u32]) {
        let mut touched = 0u8;
        for number in numbers {
            let text = self.get(*number);
            touched ^= text.first().unwrap_or(&0) ^ text.last().unwrap_or(&0);
        }
        black_box(touched);
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Bytes of all strings.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Forgets all of them.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.wraps.clear();
    }

    /// Bytes of memory in use.
    pub(crate) fn memory(&self) -> usize {
        self.bytes.len() + self.ends.len() * 4
    }
}
