//! Columns as they are read.

use bitpacking::{BitPacker, BitPacker4x};

use super::block::{Kind, Packed, Small};
use super::{BLOCK, PLACES, PLACES_BYTES};
use crate::bytes::{Bytes, Corrupt, u32_at};
use crate::fetch::{LINE, fetch, is_far};
use crate::stretch::Stretch;

/// A column in the file. Keeps the block last read, so that reading in order decodes each once.
#[derive(Debug, Clone)]
pub(crate) struct Column<'a> {
    n: usize,
    /// Where the blocks lie.
    places: Stretch<'a>,
    blocks: Stretch<'a>,
    tail: Stretch<'a>,
    loaded: usize,
    /// The one of steps of which a value alone was read last: when another one of it is, it is decoded.
    asked: usize,
    /// Empty until a block is read: most columns that are opened are not.
    values: Vec<u32>,
    /// All values, where they were asked for.
    all: Option<Vec<u32>>,
}

impl<'a> Column<'a> {
    pub(crate) fn read(bytes: &mut Bytes<'a>, n: usize) -> Result<Self, Corrupt> {
        let mut column = Self::empty();
        column.read_again(bytes, n)?;
        Ok(column)
    }

    /// Becomes another column, whatever it was. What it has allocated is used again.
    pub(crate) fn read_again(&mut self, bytes: &mut Bytes<'a>, n: usize) -> Result<(), Corrupt> {
        self.clear();
        if n == 0 {
            return Ok(());
        }
        if n < BLOCK {
            let all = bytes.rest();
            Small::read(bytes, n)?;
            (self.tail, _) = all.split_at(all.len() - bytes.rest().len())?;
        } else {
            let mut all = Bytes::over(bytes.sized_stretch()?);
            let count = n / BLOCK;
            let places = (count * 2).checked_add(count.div_ceil(PLACES) * 4);
            self.places = all.stretch(places.ok_or(Corrupt("a column"))?)?;
            self.blocks = all.stretch(self.place(count - 1)?.end)?;
            self.tail = all.rest();
        }
        self.n = n;
        Ok(())
    }

    /// Becomes a column without values.
    pub(crate) fn clear(&mut self) {
        self.n = 0;
        self.places = Stretch::trusted(&[]);
        self.blocks = Stretch::trusted(&[]);
        self.tail = Stretch::trusted(&[]);
        self.loaded = usize::MAX;
        self.asked = usize::MAX;
        self.all = None;
    }

    /// A column without values, which takes no bytes.
    pub(crate) fn empty() -> Self {
        Self {
            n: 0,
            places: Stretch::trusted(&[]),
            blocks: Stretch::trusted(&[]),
            tail: Stretch::trusted(&[]),
            loaded: usize::MAX,
            asked: usize::MAX,
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

    /// Fetches what [`at`](Self::at) reads of values here and there.
    pub(crate) fn fetch(&self, positions: impl Iterator<Item = usize> + Clone) {
        if self.all.is_some() || !is_far(self.blocks.len()) {
            return;
        }
        let blocks = positions.map(|i| i / BLOCK).filter(|b| *b != self.loaded);
        let places = blocks.clone().map(|block| block / PLACES * PLACES_BYTES);
        fetch(&self.places, places);
        // Most blocks of 128 have no more than two lines of the cache.
        let starts = blocks.filter_map(|block| Some(self.place(block).ok()?.start));
        fetch(&self.blocks, starts.flat_map(|start| [start, start + LINE]));
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
        let place = i % BLOCK;
        let (bits, patches) = match packed.kind {
            Kind::Values(bits, patches) => (bits, patches),
            Kind::Steps(_) => return self.get(i),
            Kind::PatchedSteps(..) if self.asked == block => return self.get(i),
            Kind::PatchedSteps(step, bits, patches) => {
                self.asked = block;
                let mut values = [0; BLOCK];
                BitPacker4x::new().decompress(bits, &mut values, packed.width);
                let lower = values.iter().take(place + 1);
                let lower = lower.fold(0u32, |sum, value| sum.wrapping_add(*value));
                let upper = patches.sum_to(place as u8, packed.width)?;
                let steps = step.wrapping_mul(place as u32).wrapping_add(lower);
                return Ok(packed.min.wrapping_add(steps).wrapping_add(upper));
            }
        };
        let upper = patches.at(place as u8, packed.width)?;
        let width = usize::from(packed.width);
        if width == 0 {
            return Ok(packed.min.wrapping_add(upper));
        }
        // BitPacker4x: value i lies in lane i mod 4 of four interleaved streams of words.
        let (lane, row) = (i % 4, i % BLOCK / 4);
        let bit = row * width;
        let (word, shift) = (bit / 32, bit % 32);
        let at =
            |word: usize| -> Result<u64, Corrupt> { u32_at(bits, word * 4 + lane).map(u64::from) };
        let mut bits = at(word)?;
        if shift + width > 32 {
            bits |= at(word + 1)? << 32;
        }
        let lower = (bits >> shift) & ((1 << width) - 1);
        Ok(packed.min.wrapping_add(lower as u32 | upper))
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
        Ok((packed.min, packed.min.saturating_add(packed.span()?)))
    }

    /// Where a full block lies among the blocks.
    #[inline]
    fn place(&self, block: usize) -> Result<std::ops::Range<usize>, Corrupt> {
        let (some, of_some) = (block / PLACES * PLACES_BYTES, block % PLACES);
        // All up to the end of the block.
        let places = self.places.get(some..some + 4 + 2 * (of_some + 1))?;
        let end = |i: usize| -> Result<usize, Corrupt> {
            let end = places.get(4 + 2 * i..).and_then(|rest| rest.first_chunk());
            end.map(|end| u16::from_le_bytes(*end).into())
                .ok_or(Corrupt("the places of a column"))
        };
        let all = u32_at(places, 0)? as usize;
        let start = match of_some.checked_sub(1) {
            Some(before) => end(before)?,
            None => 0,
        };
        Ok(all + start..all + end(of_some)?.max(start))
    }

    /// A full block.
    #[inline]
    fn packed(&self, block: usize) -> Result<Packed<'a>, Corrupt> {
        Packed::read(self.blocks.get(self.place(block)?)?)
    }

    fn load(&mut self, block: usize) -> Result<(), Corrupt> {
        self.loaded = usize::MAX;
        self.values.resize(BLOCK, 0);
        if block >= self.n / BLOCK {
            if block * BLOCK >= self.n {
                return Err(Corrupt("a block of a column"));
            }
            let n = self.n % BLOCK;
            let values = self.values.get_mut(..n).ok_or(Corrupt("a column"))?;
            Small::read(&mut Bytes::over(self.tail), n)?.unpack(values)?;
        } else {
            self.packed(block)?.unpack(&mut self.values)?;
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
