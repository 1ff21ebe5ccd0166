//! Columns of 32-bit integers: blocks of 128, frame of reference, bit-packed; random access.
//!
//! ```text
//! column := small                                                                      n < 128
//!         | varint bytes | places | block × ⌊n/128⌋ | small of the rest                else
//! places := (start u32 | end u16 × up to 16) × …                                       for each 16 blocks
//! block  := width u8 | varint minimum | 128 × width bits, BitPacker4x layout
//!         | width + 64 u8 | varint minimum | 128 × width bits, BitPacker4x layout      steps
//!         | width + 128 u8 | varint minimum | patches | 128 × width bits, BitPacker4x layout
//!         | width + 192 u8 | varint minimum | varint step | patches
//!           | 128 × width bits, BitPacker4x layout                                     ascending
//! patches := p + 32 × (b − 1) u8 | place u8 × p | upper bits × p, b bytes each
//! small  := nothing                                                                    no values
//!         | width u8 | values × width bits                                             minimum 0
//!         | width + 128 u8 | varint minimum | values × width bits
//!         | width + 192 u8 | varint minimum | varint step | patches | values × width bits   ascending
//! ```
//! The number of values `n` is known from elsewhere; `small` holds those behind the full blocks. What is
//! packed is the value less the minimum; in a block of steps, the value less the
//! one before (the first: less the minimum, which it is), or, where a step is named, how much that is more than the step
//! (the first: nothing). Values too far above the others are patches: their place, and what they are without the packed
//! lower bits. In `small`, bits follow each other from the lowest of the first byte on, and the last byte is
//! filled with zeros. Starts count from the first block, ends from the start. Small columns — most sites have a handful of
//! links — take two bytes or three.

mod block;
mod build;
mod read;
#[cfg(test)]
mod tests;

use bitpacking::{BitPacker, BitPacker4x};

pub(crate) use build::{ColumnBuilder, write_column};
pub(crate) use read::Column;

/// Values in a block.
pub(crate) const BLOCK: usize = BitPacker4x::BLOCK_LEN;
/// Where fewer than one in so many values is wanted, it is not worth decoding the others.
pub(crate) const SPARSE: usize = 16;
/// Set in the width of a block with patches, and of a small column with a minimum; together with [`STEPS`] see there.
const MORE: u8 = 0x80;
/// Set in the width of a block of steps; alone in no small column.
const STEPS: u8 = 0x40;
/// Both set, in a block or a small column: steps with patches.
const PATCHED_STEPS: u8 = MORE | STEPS;
/// There are fewer patches than this, so that looking for one is fast; their number takes the lower bits of a byte.
const PATCHES_MAX: u32 = 32;
/// So many blocks have their ends counted from one start.
const PLACES: usize = 16;
/// Bytes that the places of that many blocks take.
const PLACES_BYTES: usize = 4 + 2 * PLACES;

/// Bits that a value needs.
fn bits(value: u32) -> u8 {
    (u32::BITS - value.leading_zeros()) as u8
}

/// As many ones as the width.
fn mask(width: u8) -> u32 {
    u32::MAX.checked_shr(32 - u32::from(width)).unwrap_or(0)
}
