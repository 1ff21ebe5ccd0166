//! Columns of 32-bit integers: blocks of 128, frame of reference, bit-packed; random access.
//!
//! ```text
//! column := varint bytes | end-of-block u32 × (n / 128) | block × (n / 128) | varint × (n % 128)
//! block  := minimum u32 | width u8 | 128 × width bits (value − minimum), BitPacker4x layout
//! ```
//! The number of values `n` is known from elsewhere. Offsets count from the first block. Small
//! columns — most sites have a handful of links — cost one byte and their varints.

use bitpacking::{BitPacker, BitPacker4x};

use crate::bytes::{Bytes, Corrupt, put_sized, put_varint, u32_at};

const BLOCK: usize = BitPacker4x::BLOCK_LEN;

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
    ends: &'a [u8],
    blocks: &'a [u8],
    tail: &'a [u8],
    loaded: usize,
    values: [u32; BLOCK],
    /// All values, where they were asked for.
    all: Option<Vec<u32>>,
}

impl<'a> Column<'a> {
    pub(crate) fn read(bytes: &mut Bytes<'a>, n: usize) -> Result<Self, Corrupt> {
        let mut all = Bytes::new(bytes.sized()?);
        let count = n / BLOCK;
        let ends = all.take(count.checked_mul(4).ok_or(Corrupt("a column"))?)?;
        let length = if count == 0 {
            0
        } else {
            u32_at(ends, count - 1)? as usize
        };
        let blocks = all.take(length)?;
        Ok(Self {
            n,
            ends,
            blocks,
            tail: all.rest(),
            loaded: usize::MAX,
            values: [0; BLOCK],
            all: None,
        })
    }

    /// A column without values, which takes no bytes.
    pub(crate) fn empty() -> Self {
        Self {
            n: 0,
            ends: &[],
            blocks: &[],
            tail: &[],
            loaded: usize::MAX,
            values: [0; BLOCK],
            all: None,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.n
    }

    /// The value at position `i`; an error beyond the end.
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

    /// Decodes the whole column, so that values can be had in any order at the cost of a load each.
    /// 4 bytes a value.
    pub(crate) fn load_all(&mut self) -> Result<(), Corrupt> {
        if self.all.is_some() {
            return Ok(());
        }
        let mut all = Vec::new();
        for block in 0..self.n.div_ceil(BLOCK) {
            self.load(block)?;
            let values = (self.n - block * BLOCK).min(BLOCK);
            all.extend_from_slice(self.values.get(..values).unwrap_or_default());
        }
        self.all = Some(all);
        Ok(())
    }

    /// All values.
    pub(crate) fn into_vec(mut self) -> Result<Vec<u32>, Corrupt> {
        self.load_all()?;
        Ok(self.all.unwrap_or_default())
    }

    fn load(&mut self, block: usize) -> Result<(), Corrupt> {
        self.loaded = usize::MAX;
        if block == self.n / BLOCK {
            let mut tail = Bytes::new(self.tail);
            for value in self.values.iter_mut().take(self.n % BLOCK) {
                *value = tail.varint_u32()?;
            }
        } else {
            let start = if block == 0 {
                0
            } else {
                u32_at(self.ends, block - 1)? as usize
            };
            let end = u32_at(self.ends, block)? as usize;
            let mut bytes = Bytes::new(self.blocks.get(start..end).ok_or(Corrupt("a column"))?);
            let min = bytes.u32()?;
            let width = bytes.u8()?;
            let packed = bytes.take(BLOCK / 8 * usize::from(width))?;
            if width > 32 || !bytes.is_empty() {
                return Err(Corrupt("a column"));
            }
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
            if self.get(middle)? < value {
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
            prop_assert!(column.get(values.len()).is_err());
            column.load_all().unwrap();
            prop_assert!(column.get(values.len()).is_err());
            prop_assert_eq!(column.into_vec().unwrap(), values);
        }

        #[test]
        fn foreign_bytes_never_panic(data in prop::collection::vec(any::<u8>(), 0..2000), n in 0usize..700) {
            if let Ok(mut column) = Column::read(&mut Bytes::new(&data), n) {
                for i in 0..n {
                    let _ = column.get(i);
                }
            }
        }
    }
}
