//! Columns as they are written.

use std::io::{self, Write};
use std::sync::Arc;

use bitpacking::{BitPacker, BitPacker4x};

use super::block::packed_length;
use super::{BLOCK, MORE, PATCHED_STEPS, PATCHES_MAX, PLACES_BYTES, STEPS, bits, mask};
use crate::bytes::{Corrupt, put_varint, sized_length, varint_length, write_varint};
use crate::spool::{Scratch, Spool};

/// Encodes values as they come.
#[derive(Debug, Default)]
pub(crate) struct ColumnBuilder {
    /// Where the blocks lie.
    places: Spool,
    /// Where those blocks begin whose places are the last.
    start: u64,
    /// The blocks; once closed, also the values behind the last full one.
    blocks: Spool,
    pending: Vec<u32>,
    /// What stands in front of the bits of a block.
    head: Vec<u8>,
}

impl ColumnBuilder {
    /// A column that may be larger than memory.
    pub(crate) fn new(scratch: &Arc<Scratch>) -> Self {
        Self {
            places: Spool::new(scratch),
            blocks: Spool::new(scratch),
            ..Self::default()
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
        if self.places.len().is_multiple_of(PLACES_BYTES as u64) {
            self.start = self.blocks.len();
            // A column holds at most 2^32 values of at most 4 bytes: its blocks could pass 4 GiB only
            // beyond 10^9 values, which `close` refuses.
            self.places.put(&(self.start as u32).to_le_bytes());
        }
        self.head.clear();
        let mut packed = [0; 4 * BLOCK];
        let n = encode(&mut self.pending, &mut self.head, &mut packed);
        self.blocks.put(&self.head);
        self.blocks.put(packed.get(..n).unwrap_or_default());
        let end = self.blocks.len() - self.start;
        self.places.put(&(end as u16).to_le_bytes());
        self.pending.clear();
    }

    /// No more values come: now the length is known.
    pub(crate) fn close(&mut self) -> Result<(), Corrupt> {
        if u32::try_from(self.blocks.len()).is_err() {
            return Err(Corrupt("a column over 4 GiB"));
        }
        self.head.clear();
        put_small(&self.pending, &mut self.head);
        self.blocks.put(&self.head);
        self.pending.clear();
        Ok(())
    }

    fn has_blocks(&self) -> bool {
        self.places.len() > 0
    }

    /// Bytes of the column, which is closed.
    pub(crate) fn length(&self) -> u64 {
        if self.has_blocks() {
            sized_length(self.places.len() + self.blocks.len())
        } else {
            self.blocks.len()
        }
    }

    /// Bytes of memory held.
    pub(crate) fn memory(&self) -> usize {
        self.places.memory() + self.blocks.memory() + 4 * self.pending.capacity()
    }

    /// Writes the column, which is closed, and begins a new one.
    pub(crate) fn write_to(&mut self, out: &mut impl Write) -> io::Result<()> {
        if self.has_blocks() {
            write_varint(out, self.places.len() + self.blocks.len())?;
        }
        self.places.write_to(out)?;
        self.blocks.write_to(out)
    }

    /// Begins a new one.
    pub(crate) fn clear(&mut self) {
        self.places.clear();
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

/// Encodes a block: what stands in front of its bits, and these, of which there are so many bytes. Its values are others
/// then.
fn encode(values: &mut [u32], head: &mut Vec<u8>, packed: &mut [u8]) -> usize {
    let packer = BitPacker4x::new();
    let min = values.iter().min().copied().unwrap_or_default();
    let (bytes, width) = best_width(values.iter().map(|value| value - min), BLOCK, 1);
    if values.is_sorted() {
        let steps = packer.num_bits_sorted(min, values);
        let best = bytes.min(BLOCK / 8 * usize::from(steps));
        let mut patched = PatchedSteps::of(values);
        // They take longer to decode.
        if patched.bytes * 16 < best * 15 {
            patched.put_head(min, head);
            return packer.compress(patched.values(), packed, patched.width);
        }
        if best < bytes {
            put_head(steps | STEPS, min, head);
            return packer.compress_sorted(min, values, packed, steps);
        }
    }
    for value in &mut *values {
        *value -= min;
    }
    let patches = take_patches(values, width);
    if patches.is_empty() {
        put_head(width, min, head);
    } else {
        put_head(width | MORE, min, head);
        put_patches(&patches, head);
    }
    packer.compress(values, packed, width)
}

/// Takes the upper bits off values that have more bits than others: their places, and these.
fn take_patches(values: &mut [u32], width: u8) -> Vec<(u8, u32)> {
    let mut patches = Vec::new();
    for (place, value) in (0u8..).zip(values) {
        let upper = value.checked_shr(width.into()).unwrap_or(0);
        if upper > 0 {
            patches.push((place, upper));
            *value &= mask(width);
        }
    }
    patches
}

/// Fewer than [`PATCHES_MAX`] of them.
fn put_patches(patches: &[(u8, u32)], out: &mut Vec<u8>) {
    let upper_max = patches.iter().map(|(_, upper)| *upper).max();
    let each = patch_bytes(bits(upper_max.unwrap_or(0))).max(1);
    out.push((patches.len() + PATCHES_MAX as usize * (each - 1)) as u8);
    out.extend(patches.iter().map(|(place, _)| *place));
    for (_, upper) in patches {
        out.extend_from_slice(upper.to_le_bytes().get(..each).unwrap_or_default());
    }
}

fn put_head(kind: u8, min: u32, head: &mut Vec<u8>) {
    head.push(kind);
    put_varint(head, min.into());
}

/// Bytes that each patch has besides its place, where the largest has so many bits above those of all values.
fn patch_bytes(bits: u8) -> usize {
    usize::from(bits).div_ceil(8)
}

/// The fewest bytes that `n` values take, and the width with which they do. Having patches costs so much besides these.
fn best_width(values: impl Iterator<Item = u32>, n: usize, head: usize) -> (usize, u8) {
    let mut of_bits = [0u32; 33];
    for value in values {
        if let Some(count) = of_bits.get_mut(usize::from(bits(value))) {
            *count += 1;
        }
    }
    let mut best = (usize::MAX, 32);
    let (mut patches, mut widest) = (0, 0);
    for (width, count) in (0..=32u8).zip(of_bits).rev() {
        if patches >= PATCHES_MAX {
            break;
        }
        let mut bytes = packed_length(n, width);
        if patches > 0 {
            bytes += head + patches as usize * (1 + patch_bytes(widest - width));
        } else {
            widest = width;
        }
        // Where two are the same, the narrower has more patches.
        if bytes < best.0 {
            best = (bytes, width);
        }
        patches += count;
    }
    best
}

/// Ascending values, at least one, as steps with patches.
struct PatchedSteps {
    /// The least step.
    step: u32,
    /// What each value is above that step from the one before: nothing, for the first.
    values: [u32; BLOCK],
    n: usize,
    width: u8,
    /// What they take behind the minimum.
    bytes: usize,
}

impl PatchedSteps {
    fn of(values: &[u32]) -> Self {
        let pairs = values.iter().zip(values.iter().skip(1));
        let steps = pairs.map(|(before, value)| value.wrapping_sub(*before));
        let step = steps.clone().min().unwrap_or_default();
        let mut more = [0; BLOCK];
        for (more, each) in more.iter_mut().skip(1).zip(steps) {
            *more = each - step;
        }
        let n = values.len();
        let (bytes, width) = best_width(more.iter().copied().take(n), n, 0);
        Self {
            step,
            values: more,
            n,
            width,
            // Here the number of patches is always there.
            bytes: varint_length(step.into()) as usize + 1 + bytes,
        }
    }

    fn values(&self) -> &[u32] {
        self.values.get(..self.n).unwrap_or_default()
    }

    /// Writes what stands in front of the packed values; of the values the lower bits are left.
    fn put_head(&mut self, min: u32, out: &mut Vec<u8>) {
        put_head(self.width | PATCHED_STEPS, min, out);
        put_varint(out, self.step.into());
        put_patches(&take_patches(&mut self.values, self.width), out);
    }
}

/// Encodes fewer values than a block has.
fn put_small(values: &[u32], out: &mut Vec<u8>) {
    let (Some(min), Some(max)) = (values.iter().min(), values.iter().max()) else {
        return;
    };
    let width = bits(max - min);
    let of_min = varint_length((*min).into()) as usize;
    let plain = packed_length(values.len(), width) + if *min == 0 { 0 } else { of_min };
    // Step and patches take two bytes at least.
    if plain > of_min + 2 && values.is_sorted() {
        let mut patched = PatchedSteps::of(values);
        if of_min + patched.bytes < plain {
            patched.put_head(*min, out);
            put_packed(patched.values().iter().copied(), patched.width, out);
            return;
        }
    }
    if *min == 0 {
        out.push(width);
    } else {
        put_head(width | MORE, *min, out);
    }
    put_packed(values.iter().map(|value| value - min), width, out);
}

/// Appends values bit by bit, from the lowest of the first byte on.
fn put_packed(values: impl Iterator<Item = u32>, width: u8, out: &mut Vec<u8>) {
    let (mut pending, mut filled) = (0u64, 0);
    for value in values {
        pending |= u64::from(value) << filled;
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
