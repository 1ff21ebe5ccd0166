//! Full blocks, and small columns, as they lie in the file.

use bitpacking::{BitPacker, BitPacker4x};

use super::{BLOCK, MORE, PATCHED_STEPS, STEPS, mask};
use crate::bytes::{Bytes, Corrupt};
use crate::stretch::Stretch;

/// A full block as it lies in the file.
pub(super) struct Packed<'a> {
    pub(super) min: u32,
    pub(super) width: u8,
    pub(super) kind: Kind<'a>,
}

/// What the bits of a block are.
pub(super) enum Kind<'a> {
    /// What values are above the minimum, or, where there are patches, the lower bits of that.
    Values(&'a [u8], Patches<'a>),
    /// What each value is above the one before.
    Steps(&'a [u8]),
    /// What that is more than the least step, or the lower bits of it.
    PatchedSteps(u32, &'a [u8], Patches<'a>),
}

const WRONG: Corrupt = Corrupt("a block of a column");

impl<'a> Packed<'a> {
    #[inline]
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, Corrupt> {
        let mut bytes = Bytes::new(bytes);
        let head = bytes.u8()?;
        let min = bytes.varint_u32()?;
        let width = head & !PATCHED_STEPS;
        if width > 32 {
            return Err(WRONG);
        }
        let kind = match head & PATCHED_STEPS {
            PATCHED_STEPS => {
                let step = bytes.varint_u32()?;
                let patches = Patches::read(&mut bytes)?;
                Kind::PatchedSteps(step, packed_bits(&mut bytes, width)?, patches)
            }
            STEPS => Kind::Steps(packed_bits(&mut bytes, width)?),
            MORE => {
                let patches = Patches::read(&mut bytes)?;
                Kind::Values(packed_bits(&mut bytes, width)?, patches)
            }
            _ => Kind::Values(packed_bits(&mut bytes, width)?, Patches::default()),
        };
        if bytes.is_empty() {
            Ok(Self { min, width, kind })
        } else {
            Err(WRONG)
        }
    }

    /// Writes all values.
    #[inline]
    pub(super) fn unpack(&self, values: &mut [u32]) -> Result<(), Corrupt> {
        let packer = BitPacker4x::new();
        match &self.kind {
            Kind::Steps(bits) => {
                packer.decompress_sorted(self.min, bits, values, self.width);
            }
            Kind::PatchedSteps(step, bits, patches) => {
                packer.decompress(bits, values, self.width);
                patches.add_to(values, self.width)?;
                add_up(self.min, *step, values);
            }
            Kind::Values(bits, patches) => {
                packer.decompress(bits, values, self.width);
                patches.add_to(values, self.width)?;
                for value in values {
                    *value = value.wrapping_add(self.min);
                }
            }
        }
        Ok(())
    }

    /// How far above the minimum no value is.
    pub(super) fn span(&self) -> Result<u32, Corrupt> {
        let all = BLOCK as u32 - 1;
        Ok(match &self.kind {
            Kind::Values(_, patches) => {
                let mut span = mask(self.width);
                for patch in 0..patches.places.len() {
                    span = span.max(patches.shifted(patch, self.width)? | mask(self.width));
                }
                span
            }
            Kind::Steps(_) => mask(self.width).saturating_mul(all),
            Kind::PatchedSteps(step, _, patches) => {
                let mut span = mask(self.width).saturating_add(*step).saturating_mul(all);
                for patch in 0..patches.places.len() {
                    span = span.saturating_add(patches.shifted(patch, self.width)?);
                }
                span
            }
        })
    }
}

fn packed_bits<'a>(bytes: &mut Bytes<'a>, width: u8) -> Result<&'a [u8], Corrupt> {
    bytes.take(BLOCK / 8 * usize::from(width))
}

/// The values of a block that need more bits than it has for all.
#[derive(Default)]
pub(super) struct Patches<'a> {
    places: &'a [u8],
    /// Their upper bits, so many bytes each.
    upper: &'a [u8],
    each: usize,
}

impl<'a> Patches<'a> {
    fn read(bytes: &mut Bytes<'a>) -> Result<Self, Corrupt> {
        let head = usize::from(bytes.u8()?);
        let (n, each) = (head % 32, head / 32 + 1);
        if each > 4 {
            return Err(WRONG);
        }
        Ok(Self {
            places: bytes.take(n)?,
            upper: bytes.take(n * each)?,
            each,
        })
    }

    /// The upper bits of a patch, by its number, shifted down.
    fn upper(&self, patch: usize) -> Result<u32, Corrupt> {
        let start = patch * self.each;
        let upper = self.upper.get(start..start + self.each).ok_or(WRONG)?;
        Ok(upper
            .iter()
            .rev()
            .fold(0, |bits, byte| bits << 8 | u32::from(*byte)))
    }

    /// The same, where they belong.
    fn shifted(&self, patch: usize, width: u8) -> Result<u32, Corrupt> {
        let upper = self.upper(patch)?;
        Ok(upper.checked_shl(width.into()).unwrap_or(0))
    }

    /// Adds them to the lower bits of the values.
    fn add_to(&self, values: &mut [u32], width: u8) -> Result<(), Corrupt> {
        let mut add = |place: u8, upper: u32| {
            if let Some(value) = values.get_mut(usize::from(place)) {
                *value |= upper.checked_shl(width.into()).unwrap_or(0);
            }
        };
        // Nearly all.
        if self.each == 1 {
            for (place, upper) in self.places.iter().zip(self.upper) {
                add(*place, u32::from(*upper));
            }
            return Ok(());
        }
        for (patch, place) in self.places.iter().enumerate() {
            add(*place, self.upper(patch)?);
        }
        Ok(())
    }

    /// The sum of those up to a place, where they belong.
    pub(super) fn sum_to(&self, place: u8, width: u8) -> Result<u32, Corrupt> {
        let mut sum = 0u32;
        for (patch, at) in self.places.iter().enumerate() {
            if *at <= place {
                sum = sum.wrapping_add(self.shifted(patch, width)?);
            }
        }
        Ok(sum)
    }

    /// [`shifted`](Self::shifted), of the value at a place; 0 where that is no patch.
    #[inline]
    pub(super) fn at(&self, place: u8, width: u8) -> Result<u32, Corrupt> {
        match self.places.iter().position(|p| *p == place) {
            Some(patch) => self.shifted(patch, width),
            None => Ok(0),
        }
    }
}

/// Turns what each value is above a step from the one before, which is nothing for the first, into the values.
fn add_up(min: u32, step: u32, values: &mut [u32]) {
    let mut last = min.wrapping_sub(step);
    // Four at a time, so that each waits for fewer before it.
    let (fours, rest) = values.as_chunks_mut::<4>();
    for four in fours {
        let [a, b, c, d] = four.map(|value| value.wrapping_add(step));
        let (ab, cd) = (a.wrapping_add(b), c.wrapping_add(d));
        *four = [a, ab, ab.wrapping_add(c), ab.wrapping_add(cd)].map(|sum| last.wrapping_add(sum));
        last = four[3];
    }
    for value in rest {
        last = last.wrapping_add(step).wrapping_add(*value);
        *value = last;
    }
}

/// A column of fewer values than a block has, or those behind the last full one, as they lie in the file.
pub(super) struct Small<'a> {
    min: u32,
    width: u8,
    /// Where the values are steps: the least one, and what they have above their lower bits.
    steps: Option<(u32, Patches<'a>)>,
    bits: Stretch<'a>,
}

impl<'a> Small<'a> {
    /// Of `n` values. Does not look at their bits.
    #[inline]
    pub(super) fn read(bytes: &mut Bytes<'a>, n: usize) -> Result<Self, Corrupt> {
        let head = bytes.u8()?;
        let width = head & !PATCHED_STEPS;
        if width > 32 || head & PATCHED_STEPS == STEPS {
            return Err(Corrupt("the width of a column"));
        }
        let min = if head & MORE == 0 {
            0
        } else {
            bytes.varint_u32()?
        };
        let steps = match head & STEPS {
            0 => None,
            _ => Some((bytes.varint_u32()?, Patches::read(bytes)?)),
        };
        Ok(Self {
            min,
            width,
            steps,
            bits: bytes.stretch(packed_length(n, width))?,
        })
    }

    /// Writes all values, of which there are so many.
    pub(super) fn unpack(&self, values: &mut [u32]) -> Result<(), Corrupt> {
        let mut bits = Unpacker::new(self.bits.all()?, self.width);
        values.fill_with(|| bits.next());
        if let Some((step, patches)) = &self.steps {
            patches.add_to(values, self.width)?;
            add_up(self.min, *step, values);
        } else {
            for value in values {
                *value = self.min.wrapping_add(*value);
            }
        }
        Ok(())
    }
}

/// Bytes of so many values.
pub(super) fn packed_length(n: usize, width: u8) -> usize {
    (n * usize::from(width)).div_ceil(8)
}

/// Takes values off that follow each other bit by bit, from the lowest of the first byte on. Behind the last one
/// there are zeros.
struct Unpacker<'a> {
    bytes: std::slice::Iter<'a, u8>,
    width: u8,
    pending: u64,
    filled: u32,
}

impl<'a> Unpacker<'a> {
    fn new(bytes: &'a [u8], width: u8) -> Self {
        Self {
            bytes: bytes.iter(),
            width,
            pending: 0,
            filled: 0,
        }
    }

    #[inline]
    fn next(&mut self) -> u32 {
        let width = u32::from(self.width);
        while self.filled < width {
            let byte = self.bytes.next().copied().unwrap_or_default();
            self.pending |= u64::from(byte) << self.filled;
            self.filled += 8;
        }
        let value = self.pending as u32 & mask(self.width);
        self.pending >>= width;
        self.filled -= width;
        value
    }
}
