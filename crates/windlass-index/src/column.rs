//! Columns of 32-bit integers: blocks of 128, frame of reference, bit-packed; random access.
//!
//! ```text
//! column := varint bytes | end-of-block u32 × (n / 128) | block × (n / 128) | varint × (n % 128)
//! block  := minimum u32 | width u8 | 128 × width bits (value − minimum), BitPacker4x layout
//! ```
//! The number of values `n` is known from elsewhere. Offsets count from the first block. Small
//! columns — most sites have a handful of links — cost one byte and their varints.

use bitpacking::{BitPacker, BitPacker4x};

use crate::bytes::{Bytes, Corrupt, put_sized, put_varint};
use crate::stretch::Stretch;

/// Values in a block.
pub(crate) const BLOCK: usize = BitPacker4x::BLOCK_LEN;

/// Encodes values as they come.
#[derive(Debug)]
pub(crate) struct ColumnBuilder {
    ends: Vec<u8>,
    blocks: Vec<u8>,
    pending: Vec<u32>,
}

impl Default for ColumnBuilder {
    fn default() -> Self {
        Self {
            ends: Vec::new(),
            blocks: Vec::new(),
            pending: Vec::with_capacity(4),
        }
    }
}

impl ColumnBuilder {
    pub(crate) fn push(&mut self, value: u32) {
        self.pending.push(value);
        if self.pending.len() == BLOCK {
            self.flush();
        }
    }

    fn flush(&mut self) {
        let packer = BitPacker4x::new();
        let min = self.pending.iter().min().copied().unwrap_or_default();
        for value in &mut self.pending {
            *value -= min;
        }
        let width = packer.num_bits(&self.pending);
        let mut packed = [0; 4 * BLOCK];
        let n = packer.compress(&self.pending, &mut packed, width);
        self.blocks.extend_from_slice(&min.to_le_bytes());
        self.blocks.push(width);
        self.blocks
            .extend_from_slice(packed.get(..n).unwrap_or_default());
        // A column holds at most 2^32 values of at most 4 bytes: its blocks could pass 4 GiB only
        // beyond 10^9 values, which `finish` refuses.
        self.ends
            .extend_from_slice(&(self.blocks.len() as u64 as u32).to_le_bytes());
        self.pending.clear();
    }

    /// Appends the column to `out`.
    pub(crate) fn finish(mut self, out: &mut Vec<u8>) -> Result<(), Corrupt> {
        if u32::try_from(self.blocks.len()).is_err() {
            return Err(Corrupt("a column over 4 GiB"));
        }
        let mut tail = Vec::new();
        for value in &self.pending {
            put_varint(&mut tail, u64::from(*value));
        }
        self.ends.append(&mut self.blocks);
        self.ends.append(&mut tail);
        put_sized(out, &self.ends);
        Ok(())
    }
}

/// Encodes a column that is in memory.
pub(crate) fn write_column(
    values: impl IntoIterator<Item = u32>,
    out: &mut Vec<u8>,
) -> Result<(), Corrupt> {
    let mut builder = ColumnBuilder::default();
    values.into_iter().for_each(|value| builder.push(value));
    builder.finish(out)
}

/// A column in the file. Keeps the block last read, so that reading in order decodes each once.
#[derive(Debug, Clone)]
pub(crate) struct Column<'a> {
    n: usize,
    ends: Stretch<'a>,
    blocks: Stretch<'a>,
    tail: Stretch<'a>,
    loaded: usize,
    values: [u32; BLOCK],
    /// All values, where they were asked for.
    all: Option<Vec<u32>>,
}

impl<'a> Column<'a> {
    pub(crate) fn read(bytes: &mut Bytes<'a>, n: usize) -> Result<Self, Corrupt> {
        let mut all = Bytes::over(bytes.sized_stretch()?);
        let count = n / BLOCK;
        let ends = all.stretch(count.checked_mul(4).ok_or(Corrupt("a column"))?)?;
        let length = if count == 0 {
            0
        } else {
            ends.u32_at(count - 1)? as usize
        };
        let blocks = all.stretch(length)?;
        Ok(Self {
            n,
            ends,
            blocks,
            tail: all.rest(),
            ..Self::empty()
        })
    }

    /// A column without values, which takes no bytes.
    pub(crate) fn empty() -> Self {
        Self {
            n: 0,
            ends: Stretch::trusted(&[]),
            blocks: Stretch::trusted(&[]),
            tail: Stretch::trusted(&[]),
            loaded: usize::MAX,
            values: [0; BLOCK],
            all: None,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.n
    }

    /// How many blocks it has, the one that is not full included.
    pub(crate) fn block_count(&self) -> usize {
        self.n.div_ceil(BLOCK)
    }

    /// The value at position `i`; an error beyond the end. For reading in order: a position in
    /// another block than the one before decodes that block.
    #[inline]
    pub(crate) fn get(&mut self, i: usize) -> Result<u32, Corrupt> {
        if let Some(all) = &self.all {
            return all.get(i).copied().ok_or(Corrupt("a position in a column"));
        }
        if i >= self.n {
            return Err(Corrupt("a position in a column"));
        }
        let block = i / BLOCK;
        if block != self.loaded {
            self.load(block)?;
        }
        self.values
            .get(i % BLOCK)
            .copied()
            .ok_or(Corrupt("a column"))
    }

    /// The value at position `i`; an error beyond the end. For reading here and there: the value
    /// alone is unpacked, unless its block is the one last read.
    #[inline]
    pub(crate) fn at(&mut self, i: usize) -> Result<u32, Corrupt> {
        let block = i / BLOCK;
        if block == self.loaded || block >= self.n / BLOCK || self.all.is_some() {
            return self.get(i);
        }
        let (min, width, packed) = self.packed(block)?;
        // BitPacker4x: value i lies in lane i mod 4 of four interleaved streams of words.
        let (lane, row) = (i % 4, i % BLOCK / 4);
        let bit = row * usize::from(width);
        let (word, shift) = (bit / 32, bit % 32);
        if width == 0 {
            return Ok(min);
        }
        let at = |word: usize| -> Result<u64, Corrupt> {
            crate::bytes::u32_at(packed, word * 4 + lane).map(u64::from)
        };
        let mut bits = at(word)?;
        if shift + usize::from(width) > 32 {
            bits |= at(word + 1)? << 32;
        }
        let value = (bits >> shift) & ((1 << width) - 1);
        Ok(min.wrapping_add(value as u32))
    }

    /// Decodes the whole column, so that values can be had in any order at the cost of a load each.
    /// 4 bytes a value.
    pub(crate) fn load_all(&mut self) -> Result<(), Corrupt> {
        if self.all.is_none() {
            let mut all = Vec::new();
            self.append(0..self.n, &mut all)?;
            self.all = Some(all);
        }
        Ok(())
    }

    /// All values.
    pub(crate) fn into_vec(mut self) -> Result<Vec<u32>, Corrupt> {
        self.load_all()?;
        Ok(self.all.unwrap_or_default())
    }

    /// Appends the values of a range.
    pub(crate) fn append(
        &mut self,
        range: std::ops::Range<usize>,
        out: &mut Vec<u32>,
    ) -> Result<(), Corrupt> {
        let mut i = range.start;
        while i < range.end {
            let block = i / BLOCK;
            let values = self.block(block)?;
            let from = i % BLOCK;
            let to = (range.end - block * BLOCK).min(BLOCK);
            out.extend_from_slice(values.get(from..to).ok_or(Corrupt("a range of a column"))?);
            i = (block + 1) * BLOCK;
        }
        Ok(())
    }

    /// The values of a block: 128, or what the last one has.
    pub(crate) fn block(&mut self, block: usize) -> Result<&[u32], Corrupt> {
        if block != self.loaded {
            self.load(block)?;
        }
        let n = self.n.saturating_sub(block * BLOCK).min(BLOCK);
        self.values.get(..n).ok_or(Corrupt("a column"))
    }

    /// Numbers that no value of a block is below, and none above.
    pub(crate) fn bounds(&mut self, block: usize) -> Result<(u32, u32), Corrupt> {
        if block >= self.n / BLOCK {
            let values = self.block(block)?;
            let min = values.iter().min().copied().unwrap_or_default();
            return Ok((min, values.iter().max().copied().unwrap_or_default()));
        }
        let (min, width, _) = self.packed(block)?;
        let span = u32::try_from((1u64 << width) - 1).unwrap_or(u32::MAX);
        Ok((min, min.saturating_add(span)))
    }

    /// The minimum, the width and the packed values of a full block.
    #[inline]
    fn packed(&self, block: usize) -> Result<(u32, u8, &'a [u8]), Corrupt> {
        let start = match block.checked_sub(1) {
            None => 0,
            Some(before) => self.ends.u32_at(before)? as usize,
        };
        let end = self.ends.u32_at(block)? as usize;
        let bytes = self.blocks.get(start..end.max(start))?;
        let (head, packed) = bytes
            .split_first_chunk::<5>()
            .ok_or(Corrupt("a block of a column"))?;
        let [a, b, c, d, width] = *head;
        if width > 32 || packed.len() != BLOCK / 8 * usize::from(width) {
            return Err(Corrupt("a block of a column"));
        }
        Ok((u32::from_le_bytes([a, b, c, d]), width, packed))
    }

    fn load(&mut self, block: usize) -> Result<(), Corrupt> {
        self.loaded = usize::MAX;
        if block >= self.n / BLOCK {
            if block * BLOCK >= self.n {
                return Err(Corrupt("a block of a column"));
            }
            let mut tail = Bytes::new(self.tail.all()?);
            for value in self.values.iter_mut().take(self.n % BLOCK) {
                *value = tail.varint_u32()?;
            }
        } else {
            let (min, width, packed) = self.packed(block)?;
            BitPacker4x::new().decompress(packed, &mut self.values, width);
            for value in &mut self.values {
                *value = value.wrapping_add(min);
            }
        }
        self.loaded = block;
        Ok(())
    }

    /// The first position in a non-decreasing column whose value is at least `value`.
    pub(crate) fn lower_bound(&mut self, value: u32) -> Result<usize, Corrupt> {
        let (mut low, mut high) = (0, self.n);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.at(middle)? < value {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn round_trip(values in prop_oneof![
            prop::collection::vec(any::<u32>(), 0..600),
            prop::collection::vec(0u32..7, 0..600),
        ]) {
            let mut out = Vec::new();
            write_column(values.iter().copied(), &mut out).unwrap();
            let mut bytes = Bytes::new(&out);
            let mut column = Column::read(&mut bytes, values.len()).unwrap();
            prop_assert!(bytes.is_empty());
            for i in (0..values.len()).rev().chain(0..values.len()) {
                prop_assert_eq!(column.get(i).unwrap(), values[i]);
            }
            let mut fresh = column.clone();
            for i in (0..values.len()).map(|i| i * 89 % values.len()) {
                prop_assert_eq!(fresh.at(i).unwrap(), values[i]);
                let (min, max) = fresh.bounds(i / BLOCK).unwrap();
                prop_assert!(min <= values[i] && values[i] <= max);
            }
            prop_assert!(column.get(values.len()).is_err());
            prop_assert!(column.at(values.len()).is_err());
            for start in (0..values.len()).step_by(50) {
                let mut some = Vec::new();
                fresh.append(start..values.len(), &mut some).unwrap();
                prop_assert_eq!(&some[..], &values[start..]);
            }
            column.load_all().unwrap();
            prop_assert!(column.get(values.len()).is_err());
            prop_assert_eq!(column.into_vec().unwrap(), values);
        }

        #[test]
        fn foreign_bytes_never_panic(data in prop::collection::vec(any::<u8>(), 0..2000), n in 0usize..700) {
            if let Ok(mut column) = Column::read(&mut Bytes::new(&data), n) {
                for i in 0..n {
                    let _ = column.get(i);
                    let _ = column.at(n - 1 - i);
                    let _ = column.bounds(i);
                }
            }
        }
    }
}
