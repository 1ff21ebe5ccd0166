//! Full blocks, and the heads of small columns, as they lie in the file.

use super::{BLOCK, MORE, STEPS};
use crate::bytes::{Bytes, Corrupt, u32_at};

/// A full block as it lies in the file.
pub(super) struct Packed<'a> {
    pub(super) min: u32,
    pub(super) width: u8,
    /// Whether the bits are differences.
    pub(super) is_steps: bool,
    /// Places of the patches, and their values, `u32` each.
    pub(super) places: &'a [u8],
    pub(super) values: &'a [u8],
    pub(super) bits: &'a [u8],
}

impl<'a> Packed<'a> {
    #[inline]
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, Corrupt> {
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
        Ok(Self {
            min: u32::from_le_bytes([a, b, c, d]),
            width,
            is_steps,
            places,
            values,
            bits,
        })
    }

    /// What the value at a place is above the minimum, where it is a patch.
    #[inline]
    pub(super) fn patch(&self, place: u8) -> Result<Option<u32>, Corrupt> {
        match self.places.iter().position(|p| *p == place) {
            Some(patch) => u32_at(self.values, patch).map(Some),
            None => Ok(None),
        }
    }
}

/// What stands in front of the packed values of a small column.
pub(super) fn small_head(bytes: &mut Bytes<'_>) -> Result<(u32, u8), Corrupt> {
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
pub(super) fn small_length(n: usize, width: u8) -> usize {
    (n * usize::from(width)).div_ceil(8)
}
