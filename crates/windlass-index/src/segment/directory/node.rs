//! Nodes of a directory, looked at before its library reads them.
//!
//! The library takes the numbers that stand in a node at their word. Where they are wrong it panics, or goes round in
//! circles. So what it is going to read is made sure of first: that a node lies inside the directory, and that its
//! transitions lead to nodes before it, so that each way through the directory ends.
//!
//! ```text
//! node := input? | 3 × 2^6 + common input u8                                one transition, to the node before
//!       | output | address | sizes u8 | input? | 2 × 2^6 + common input u8                     one transition
//!       | output of the key? | output × n | address × n | input × n | index?
//!         | sizes u8 | n u8? | 2^6 if a key ends here + n u8                                             n of them
//! ```
//! The library's own words on it are in its documentation (`fst::raw`). Transitions stand in the reverse of their order;
//! an address is how far before the node it lies, or 0 (see [`NO_BYTES`](super::NO_BYTES)).

use super::WRONG;
use crate::bytes::Corrupt;

/// More than a node has: 256 transitions with inputs, addresses and outputs, an index of them, and a final output.
pub(super) const BYTES_MAX: usize = 256 * (1 + 8 + 8) + 256 + 8 + 8;

/// Of the state, the last byte of a node: whether it has one transition, and no key ends there.
const IS_SINGLE: u8 = 1 << 7;
/// Whether that one leads to the node before; where there may be several, whether a key ends there.
const IS_NEXT_OR_FINAL: u8 = 1 << 6;
/// A common input, or the number of transitions; 0 where that stands in front.
const LOW: u8 = IS_NEXT_OR_FINAL - 1;
/// Nodes with more transitions than that have an index, a byte for each input that there could be.
const WITHOUT_INDEX_MAX: usize = 32;
const INDEX_BYTES: usize = 256;
/// An address or output takes no more.
const NUMBER_BYTES_MAX: usize = 8;

/// Checks the node that ends with these bytes; it may be shorter. In front of them are `before` more that nodes may lie in.
pub(super) fn check(bytes: &[u8], before: usize) -> Result<(), Corrupt> {
    is_whole(bytes, before)
        .filter(|is| *is)
        .map(drop)
        .ok_or(WRONG)
}

fn is_whole(bytes: &[u8], before: usize) -> Option<bool> {
    let (state, mut rest) = bytes.split_last()?;
    let is_single = state & IS_SINGLE != 0;
    let is_next_or_final = state & IS_NEXT_OR_FINAL != 0;
    let mut transitions = if is_single {
        1
    } else {
        usize::from(state & LOW)
    };
    if state & LOW == 0 {
        let byte = last(&mut rest)?;
        if !is_single {
            // 1 would stand in the state.
            transitions = if byte == 1 { 256 } else { usize::from(byte) };
        }
    }
    if is_single && is_next_or_final {
        return Some(before + rest.len() > 0);
    }
    let sizes = last(&mut rest)?;
    let (address, output) = (usize::from(sizes >> 4), usize::from(sizes & 15));
    if address > NUMBER_BYTES_MAX || output > NUMBER_BYTES_MAX || address == 0 && transitions > 0 {
        return Some(false);
    }
    if !is_single {
        if transitions > WITHOUT_INDEX_MAX {
            take_off(&mut rest, INDEX_BYTES)?;
        }
        let inputs = take_off(&mut rest, transitions)?;
        if !inputs.is_sorted_by(|later, sooner| later > sooner) {
            return Some(false);
        }
    }
    let addresses = take_off(&mut rest, transitions * address)?;
    let outputs = transitions + usize::from(!is_single && is_next_or_final);
    take_off(&mut rest, outputs * output)?;
    let room = (before + rest.len()) as u64;
    let number = |bytes: &[u8]| bytes.iter().rev().fold(0, |n, b| n << 8 | u64::from(*b));
    // Chunks of at least one: where addresses take nothing, there are none.
    let mut addresses = addresses.chunks_exact(address.max(1));
    Some(addresses.all(|bytes| number(bytes) <= room))
}

fn last(rest: &mut &[u8]) -> Option<u8> {
    let (byte, before) = rest.split_last()?;
    *rest = before;
    Some(*byte)
}

/// Takes `n` bytes off the end.
fn take_off<'a>(rest: &mut &'a [u8], n: usize) -> Option<&'a [u8]> {
    let (before, bytes) = rest.split_at_checked(rest.len().checked_sub(n)?)?;
    *rest = before;
    Some(bytes)
}
