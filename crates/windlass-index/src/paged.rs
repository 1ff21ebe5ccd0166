//! An array of `u32` that can be read in parts and verified in parts.
//!
//! ```text
//! array := block × ⌈n / 1023⌉
//! block := value u32 × 1023 (the last: as many as are left) | CRC-32 u32
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::bytes::{Corrupt, u32_at};
use crate::spool::{Scratch, Spool};

const VALUES: usize = 1023;

/// Encodes an array as its values come.
#[derive(Debug, Default)]
pub(crate) struct PagedBuilder {
    out: Spool,
    block: Vec<u8>,
}

impl PagedBuilder {
    pub(crate) fn new(scratch: &Arc<Scratch>) -> Self {
        Self {
            out: Spool::new(scratch),
            block: Vec::new(),
        }
    }

    pub(crate) fn push(&mut self, value: u32) {
        self.block.extend_from_slice(&value.to_le_bytes());
        if self.block.len() == VALUES * 4 {
            self.close_block();
        }
    }

    fn close_block(&mut self) {
        let crc = crc32fast::hash(&self.block);
        self.out.put(&self.block);
        self.out.put(&crc.to_le_bytes());
        self.block.clear();
    }

    pub(crate) fn finish(mut self) -> Spool {
        if !self.block.is_empty() {
            self.close_block();
        }
        self.out
    }
}

/// Which blocks of an array have been verified.
#[derive(Debug)]
pub(crate) struct Verified(Vec<AtomicU64>);

impl Verified {
    pub(crate) fn new(section: &[u8]) -> Self {
        let blocks = section.len().div_ceil(VALUES * 4 + 4);
        Self(
            (0..blocks.div_ceil(64))
                .map(|_| AtomicU64::new(0))
                .collect(),
        )
    }
}

/// An array in the file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Paged<'a> {
    section: &'a [u8],
    verified: &'a Verified,
}

impl<'a> Paged<'a> {
    /// The array that is the section, whose blocks are verified as `verified` says.
    pub(crate) fn new(section: &'a [u8], verified: &'a Verified) -> Self {
        Self { section, verified }
    }

    /// Where the blocks of some values lie in the section.
    pub(crate) fn bytes(values: std::ops::Range<usize>) -> std::ops::Range<usize> {
        Self::bytes_of(values.start / VALUES..values.end.div_ceil(VALUES))
    }

    /// The block that a value lies in, where that has not been verified yet: it may have to be read first.
    #[inline]
    pub(crate) fn unknown_block(&self, i: usize) -> Option<usize> {
        let block = i / VALUES;
        let word = self.verified.0.get(block / 64)?;
        (word.load(Ordering::Relaxed) & 1 << (block % 64) == 0).then_some(block)
    }

    /// Where some blocks lie in the section.
    pub(crate) fn bytes_of(blocks: std::ops::Range<usize>) -> std::ops::Range<usize> {
        let bytes = |blocks: usize| blocks.saturating_mul(VALUES * 4 + 4);
        bytes(blocks.start)..bytes(blocks.end)
    }

    /// The value at position `i`. Its block is verified when it is first touched.
    #[inline]
    pub(crate) fn get(&self, i: usize) -> Result<u32, Corrupt> {
        let number = i / VALUES;
        let start = number.saturating_mul(VALUES * 4 + 4);
        let rest = self.section.get(start..).ok_or(Corrupt("a page number"))?;
        let block = rest.get(..VALUES * 4 + 4).unwrap_or(rest);
        let (values, crc) = block
            .split_last_chunk::<4>()
            .ok_or(Corrupt("the latest captures"))?;
        let words = &self.verified.0;
        let word = words.get(number / 64).ok_or(Corrupt("a page number"))?;
        let bit = 1u64 << (number % 64);
        if word.load(Ordering::Relaxed) & bit == 0 {
            if crc32fast::hash(values) != u32::from_le_bytes(*crc) {
                return Err(Corrupt("the checksum of the latest captures"));
            }
            word.fetch_or(bit, Ordering::Relaxed);
        }
        u32_at(values, i % VALUES)
    }
}

impl Paged<'_> {
    /// Calls `each` with the values at some positions, in their order, each of which waits for none before it.
    pub(crate) fn for_each(
        &self,
        positions: &[u32],
        mut each: impl FnMut(u32),
    ) -> Result<(), Corrupt> {
        for position in positions {
            if self.unknown_block(*position as usize).is_some() {
                self.get(*position as usize)?;
            }
        }
        // A checksum is as long as a value, and the last word is one.
        let (words, _) = self.section.as_chunks::<4>();
        let (_, words) = words.split_last().unwrap_or((&[0; 4], &[]));
        for position in positions {
            let position = *position as usize;
            let word = words.get(position + position / VALUES);
            each(u32::from_le_bytes(*word.ok_or(Corrupt("a page number"))?));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_and_damage() {
        for n in [0usize, 1, 1022, 1023, 1024, 5000] {
            let mut builder = PagedBuilder::default();
            (0..n).for_each(|i| builder.push(i as u32 * 7));
            let mut section = Vec::new();
            builder.finish().write_to(&mut section).unwrap();
            let verified = Verified::new(&section);
            for i in 0..n {
                assert_eq!(
                    Paged::new(&section, &verified).get(i).unwrap(),
                    i as u32 * 7
                );
                let bytes = Paged::bytes(i..i + 1);
                let block = section[bytes.start..bytes.end.min(section.len())].to_vec();
                let verified = Verified::new(&block);
                let value = Paged::new(&block, &verified).get(i % VALUES);
                assert_eq!(value.unwrap(), i as u32 * 7);
            }
            assert!(Paged::new(&section, &verified).get(n).is_err());
            let all: Vec<u32> = (0..n as u32).rev().collect();
            for verified in [verified, Verified::new(&section)] {
                let paged = Paged::new(&section, &verified);
                let mut found = Vec::new();
                paged.for_each(&all, |value| found.push(value)).unwrap();
                assert!(found.into_iter().eq(all.iter().map(|i| i * 7)));
                for beyond in n..n + 2000 {
                    assert!(paged.for_each(&[beyond as u32], |_| ()).is_err());
                }
            }
            if n > 0 {
                let last = section.len() - 5;
                section[last] ^= 1;
                let verified = Verified::new(&section);
                let paged = Paged::new(&section, &verified);
                assert!(paged.get(n - 1).is_err());
                assert!(paged.for_each(&[n as u32 - 1], |_| ()).is_err());
            }
        }
    }
}
