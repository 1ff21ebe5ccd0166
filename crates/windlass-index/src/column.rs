//! Columns of 32-bit integers: blocks of 128, frame of reference, bit-packed; random access.
//!
//! ```text
//! column := small                                                                     n < 128
//!         | varint bytes | end-of-block u32 × (n / 128) | block × (n / 128) | small   else
//! block  := minimum u32 | width u8 | 128 × width bits, BitPacker4x layout             width < 128
//!         | minimum u32 | width + 128 u8 | patches u8 | place u8 × patches | value u32 × patches
//!           | 128 × width bits, BitPacker4x layout
//!         | minimum u32 | width + 64 u8 | 128 × width bits, BitPacker4x layout             ascending
//! small  := nothing                                                          no values
//!         | width u8 | values × width bits                                   minimum 0
//!         | width + 128 u8 | varint minimum | values × width bits            else
//! ```
//! The number of values `n` is known from elsewhere; `small` holds those behind the full blocks. What is
//! packed is the value less the minimum; in a block that ascends and is shorter so, the value less the
//! one before (the first: less the minimum, which it is). In a block, values too far above the others are patches: their
//! place, and what they are above the minimum; their packed bits are the lower ones. In `small`, bits
//! follow each other from the lowest of the first byte on, and the last byte is filled with zeros.
//! Offsets count from the first block. Small columns — most sites have a handful of links — take two
//! bytes or three.

use std::io::{self, Write};
use std::sync::Arc;

use bitpacking::{BitPacker, BitPacker4x};

use crate::bytes::{Bytes, Corrupt, put_varint, sized_length, write_varint};
use crate::spool::{Scratch, Spool};
use crate::stretch::Stretch;

/// Values in a block.
pub(crate) const BLOCK: usize = BitPacker4x::BLOCK_LEN;
/// Set in a width where patches or a minimum follow.
const MORE: u8 = 0x80;
/// Set in the width of a block of differences.
const STEPS: u8 = 0x40;
/// A block has fewer patches than this, so that looking for one is fast.
const PATCHES_MAX: u32 = 16;

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

/// Bits that a value needs.
fn bits(value: u32) -> u8 {
    (u32::BITS - value.leading_zeros()) as u8
}

/// As many ones as the width.
fn mask(width: u8) -> u32 {
    u32::MAX.checked_shr(32 - u32::from(width)).unwrap_or(0)
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

/// What stands in front of the packed values of a small column.
fn small_head(bytes: &mut Bytes<'_>) -> Result<(u32, u8), Corrupt> {
    let head = bytes.u8()?;
    let width = head & !MORE;
    if width > 32 {
        return Err(Corrupt("the width of a column"));
    }
    let min = if head & MORE == 0 {
        0
    } else {
        bytes.varint_u32()?
    };
    Ok((min, width))
}

/// Bytes of so many values.
fn small_length(n: usize, width: u8) -> usize {
    (n * usize::from(width)).div_ceil(8)
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
    /// Empty until a block is read: most columns that are opened are not.
    values: Vec<u32>,
    /// All values, where they were asked for.
    all: Option<Vec<u32>>,
}

/// A full block as it lies in the file.
struct Packed<'a> {
    min: u32,
    width: u8,
    /// Whether the bits are differences.
    is_steps: bool,
    /// Places of the patches, and their values, `u32` each.
    places: &'a [u8],
    values: &'a [u8],
    bits: &'a [u8],
}

impl Packed<'_> {
    /// What the value at a place is above the minimum, where it is a patch.
    #[inline]
    fn patch(&self, place: u8) -> Result<Option<u32>, Corrupt> {
        match self.places.iter().position(|p| *p == place) {
            Some(patch) => crate::bytes::u32_at(self.values, patch).map(Some),
            None => Ok(None),
        }
    }
}

impl<'a> Column<'a> {
    pub(crate) fn read(bytes: &mut Bytes<'a>, n: usize) -> Result<Self, Corrupt> {
        if n < BLOCK {
            return Self::read_small(bytes, n);
        }
        let mut all = Bytes::over(bytes.sized_stretch()?);
        let count = n / BLOCK;
        let ends = all.stretch(count.checked_mul(4).ok_or(Corrupt("a column"))?)?;
        let length = ends.u32_at(count - 1)? as usize;
        let blocks = all.stretch(length)?;
        Ok(Self {
            n,
            ends,
            blocks,
            tail: all.rest(),
            ..Self::empty()
        })
    }

    fn read_small(bytes: &mut Bytes<'a>, n: usize) -> Result<Self, Corrupt> {
        if n == 0 {
            return Ok(Self::empty());
        }
        let all = bytes.rest();
        let (_, width) = small_head(bytes)?;
        bytes.stretch(small_length(n, width))?;
        let (tail, _) = all.split_at(all.len() - bytes.rest().len())?;
        Ok(Self {
            n,
            tail,
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
            values: Vec::new(),
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
        let packed = self.packed(block)?;
        if packed.is_steps {
            return self.get(i);
        }
        let place = (i % BLOCK) as u8;
        if let Some(value) = packed.patch(place)? {
            return Ok(packed.min.wrapping_add(value));
        }
        let width = usize::from(packed.width);
        if width == 0 {
            return Ok(packed.min);
        }
        // BitPacker4x: value i lies in lane i mod 4 of four interleaved streams of words.
        let (lane, row) = (i % 4, i % BLOCK / 4);
        let bit = row * width;
        let (word, shift) = (bit / 32, bit % 32);
        let at = |word: usize| -> Result<u64, Corrupt> {
            crate::bytes::u32_at(packed.bits, word * 4 + lane).map(u64::from)
        };
        let mut bits = at(word)?;
        if shift + width > 32 {
            bits |= at(word + 1)? << 32;
        }
        let value = (bits >> shift) & ((1 << width) - 1);
        Ok(packed.min.wrapping_add(value as u32))
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
        let packed = self.packed(block)?;
        let mut span = mask(packed.width);
        if packed.is_steps {
            span = span.saturating_mul(BLOCK as u32 - 1);
        }
        for patch in 0..packed.places.len() {
            span = span.max(crate::bytes::u32_at(packed.values, patch)?);
        }
        Ok((packed.min, packed.min.saturating_add(span)))
    }

    /// A full block.
    #[inline]
    fn packed(&self, block: usize) -> Result<Packed<'a>, Corrupt> {
        let start = match block.checked_sub(1) {
            None => 0,
            Some(before) => self.ends.u32_at(before)? as usize,
        };
        let end = self.ends.u32_at(block)? as usize;
        let bytes = self.blocks.get(start..end.max(start))?;
        let wrong = Corrupt("a block of a column");
        let (head, mut bits) = bytes.split_first_chunk::<5>().ok_or(wrong)?;
        let [a, b, c, d, width] = *head;
        let (mut places, mut values): (&[u8], &[u8]) = (&[], &[]);
        if width & MORE != 0 {
            let (patches, rest) = bits.split_first().ok_or(wrong)?;
            let patches = usize::from(*patches);
            (places, bits) = rest.split_at_checked(patches).ok_or(wrong)?;
            (values, bits) = bits.split_at_checked(patches * 4).ok_or(wrong)?;
        }
        let is_steps = width & STEPS != 0;
        let width = width & !(MORE | STEPS);
        if width > 32 || bits.len() != BLOCK / 8 * usize::from(width) {
            return Err(wrong);
        }
        Ok(Packed {
            min: u32::from_le_bytes([a, b, c, d]),
            width,
            is_steps,
            places,
            values,
            bits,
        })
    }

    fn load(&mut self, block: usize) -> Result<(), Corrupt> {
        self.loaded = usize::MAX;
        self.values.resize(BLOCK, 0);
        if block >= self.n / BLOCK {
            if block * BLOCK >= self.n {
                return Err(Corrupt("a block of a column"));
            }
            let mut tail = Bytes::new(self.tail.all()?);
            let (min, width) = small_head(&mut tail)?;
            let n = self.n % BLOCK;
            let packed = tail.take(small_length(n, width))?;
            let (mut pending, mut filled) = (0u64, 0);
            let mut packed = packed.iter();
            for value in self.values.iter_mut().take(n) {
                while filled < u32::from(width) {
                    let byte = packed.next().ok_or(Corrupt("a column"))?;
                    pending |= u64::from(*byte) << filled;
                    filled += 8;
                }
                *value = min.wrapping_add(pending as u32 & mask(width));
                pending >>= width;
                filled -= u32::from(width);
            }
        } else {
            let packed = self.packed(block)?;
            let packer = BitPacker4x::new();
            if packed.is_steps {
                packer.decompress_sorted(packed.min, packed.bits, &mut self.values, packed.width);
                self.loaded = block;
                return Ok(());
            }
            packer.decompress(packed.bits, &mut self.values, packed.width);
            for (patch, place) in packed.places.iter().enumerate() {
                if let Some(value) = self.values.get_mut(usize::from(*place)) {
                    *value = crate::bytes::u32_at(packed.values, patch)?;
                }
            }
            for value in &mut self.values {
                *value = value.wrapping_add(packed.min);
            }
        }
        self.loaded = block;
        Ok(())
    }

    /// The first position in a non-decreasing column whose value is at least `value`. Reads the minima
    /// of O(log blocks) blocks, and one or two blocks.
    pub(crate) fn lower_bound(&mut self, value: u32) -> Result<usize, Corrupt> {
        // The last full block that starts below the value has the position, or ends before it.
        let (mut low, mut high) = (0, self.n / BLOCK);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.packed(middle)?.min < value {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        for block in [low.saturating_sub(1), low] {
            if block < self.block_count() {
                let values = self.block(block)?;
                let below = values.partition_point(|v| *v < value);
                if below < values.len() {
                    return Ok(block * BLOCK + below);
                }
            }
        }
        Ok(self.n)
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
            prop::collection::vec(prop_oneof![30 => 5u32..9, 1 => any::<u32>()], 0..600),
            prop::collection::vec(1u32..1 << 23, 0..600).prop_map(|mut values| {
                values.sort_unstable();
                values
            }),
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
        fn searches(mut values in prop::collection::vec(0u32..300, 0..600), probe in 0u32..310) {
            values.sort_unstable();
            let mut out = Vec::new();
            write_column(values.iter().copied(), &mut out).unwrap();
            let mut column = Column::read(&mut Bytes::new(&out), values.len()).unwrap();
            let expected = values.partition_point(|value| *value < probe);
            prop_assert_eq!(column.lower_bound(probe).unwrap(), expected);
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
