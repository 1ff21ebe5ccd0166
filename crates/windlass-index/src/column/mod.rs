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
/// Set in a width where patches or a minimum follow.
const MORE: u8 = 0x80;
/// Set in the width of a block of differences.
const STEPS: u8 = 0x40;
/// A block has fewer patches than this, so that looking for one is fast.
const PATCHES_MAX: u32 = 16;

/// Bits that a value needs.
fn bits(value: u32) -> u8 {
    (u32::BITS - value.leading_zeros()) as u8
}

/// As many ones as the width.
fn mask(width: u8) -> u32 {
    u32::MAX.checked_shr(32 - u32::from(width)).unwrap_or(0)
}
