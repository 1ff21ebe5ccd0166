//! Columns as they are written.

use std::io::{self, Write};
use std::sync::Arc;

use bitpacking::{BitPacker, BitPacker4x};

use super::{BLOCK, MORE, PATCHES_MAX, STEPS, bits, mask};
use crate::bytes::{Corrupt, put_varint, sized_length, write_varint};
use crate::spool::{Scratch, Spool};

/// Encodes values as they come.
#[derive(Debug, Default)]
pub(crate) struct ColumnBuilder {
    ends: Spool,
    /// The blocks; once closed, also the values behind the last full one.
    blocks: Spool,
    pending: Vec<u32>,
}

impl ColumnBuilder {
    /// A column that may be larger than memory.
    pub(crate) fn new(scratch: &Arc<Scratch>) -> Self {
        Self {
            ends: Spool::new(scratch),
            blocks: Spool::new(scratch),
            pending: Vec::new(),
        }
    }

    #[inline]
    pub(crate) fn push(&mut self, value: u32) {
        self.pending.push(value);
        if self.pending.len() == BLOCK {
            self.flush();
        }
    }

    fn flush(&mut self) {
        let packer = BitPacker4x::new();
        let min = self.pending.iter().min().copied().unwrap_or_default();
        let steps = self
            .pending
            .is_sorted()
            .then(|| packer.num_bits_sorted(min, &self.pending));
        let (bytes, width) = best_width(self.pending.iter().map(|value| value - min));
        let mut packed = [0; 4 * BLOCK];
        if let Some(width) = steps
            && BLOCK / 8 * usize::from(width) < bytes
        {
            let n = packer.compress_sorted(min, &self.pending, &mut packed, width);
            self.blocks.put(&min.to_le_bytes());
            self.blocks.put(&[width | STEPS]);
            self.end_block(packed.get(..n).unwrap_or_default());
            return;
        }
        for value in &mut self.pending {
            *value -= min;
        }
        let mut patches = Vec::new();
        for (place, value) in (0u8..).zip(&mut self.pending) {
            if bits(*value) > width {
                patches.push((place, *value));
                *value &= mask(width);
            }
        }
        self.blocks.put(&min.to_le_bytes());
        if patches.is_empty() {
            self.blocks.put(&[width]);
        } else {
            self.blocks.put(&[width | MORE, patches.len() as u8]);
            for (place, _) in &patches {
                self.blocks.put(&[*place]);
            }
            for (_, value) in &patches {
                self.blocks.put(&value.to_le_bytes());
            }
        }
        let n = packer.compress(&self.pending, &mut packed, width);
        self.end_block(packed.get(..n).unwrap_or_default());
    }

    fn end_block(&mut self, packed: &[u8]) {
        self.blocks.put(packed);
        // A column holds at most 2^32 values of at most 4 bytes: its blocks could pass 4 GiB only
        // beyond 10^9 values, which `close` refuses.
        self.ends.put(&(self.blocks.len() as u32).to_le_bytes());
        self.pending.clear();
    }

    /// No more values come: now the length is known.
    pub(crate) fn close(&mut self) -> Result<(), Corrupt> {
        if u32::try_from(self.blocks.len()).is_err() {
            return Err(Corrupt("a column over 4 GiB"));
        }
        let mut small = Vec::new();
        put_small(&self.pending, &mut small);
        self.blocks.put(&small);
        self.pending.clear();
        Ok(())
    }

    fn has_blocks(&self) -> bool {
        self.ends.len() > 0
    }

    /// Bytes of the column, which is closed.
    pub(crate) fn length(&self) -> u64 {
        if self.has_blocks() {
            sized_length(self.ends.len() + self.blocks.len())
        } else {
            self.blocks.len()
        }
    }

    /// Bytes of memory held.
    pub(crate) fn memory(&self) -> usize {
        self.ends.memory() + self.blocks.memory() + 4 * self.pending.capacity()
    }

    /// Writes the column, which is closed, and begins a new one.
    pub(crate) fn write_to(&mut self, out: &mut impl Write) -> io::Result<()> {
        if self.has_blocks() {
            write_varint(out, self.ends.len() + self.blocks.len())?;
        }
        self.ends.write_to(out)?;
        self.blocks.write_to(out)
    }

    /// Begins a new one.
    pub(crate) fn clear(&mut self) {
        self.ends.clear();
        self.blocks.clear();
        self.pending.clear();
    }

    /// Appends the column to `out`.
    pub(crate) fn finish(mut self, out: &mut Vec<u8>) -> Result<(), Corrupt> {
        self.close()?;
        self.write_to(out)
            .map_err(|_| Corrupt("a column that was put aside"))
    }
}

/// The fewest bytes that the values of a block take, and the width with which they do.
fn best_width(values: impl Iterator<Item = u32>) -> (usize, u8) {
    let mut of_bits = [0u32; 33];
    for value in values {
        if let Some(count) = of_bits.get_mut(usize::from(bits(value))) {
            *count += 1;
        }
    }
    let mut best = (usize::MAX, 32);
    let mut patches = 0;
    for (width, count) in (0..=32u8).zip(of_bits).rev() {
        if patches >= PATCHES_MAX {
            break;
        }
        let of_patches = if patches == 0 { 0 } else { 1 + 5 * patches };
        let bytes = BLOCK / 8 * usize::from(width) + of_patches as usize;
        // Where two are the same, the narrower has more patches.
        if bytes < best.0 {
            best = (bytes, width);
        }
        patches += count;
    }
    best
}

/// Encodes fewer values than a block has.
fn put_small(values: &[u32], out: &mut Vec<u8>) {
    let (Some(min), Some(max)) = (values.iter().min(), values.iter().max()) else {
        return;
    };
    let width = bits(max - min);
    if *min == 0 {
        out.push(width);
    } else {
        out.push(width | MORE);
        put_varint(out, u64::from(*min));
    }
    let (mut pending, mut filled) = (0u64, 0);
    for value in values {
        pending |= u64::from(value - min) << filled;
        filled += u32::from(width);
        while filled >= 8 {
            out.push(pending as u8);
            pending >>= 8;
            filled -= 8;
        }
    }
    if filled > 0 {
        out.push(pending as u8);
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
