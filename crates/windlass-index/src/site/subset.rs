//! Some of the places of a list.
//!
//! ```text
//! subset := varint n | nothing                                                             n = 0
//!         | varint n | places (column)                                                64 × n < of
//!         | varint n | bits × 512 | (places before u32 | bits × 512) × …                    else
//! ```
//! `of` is the length of the list, which is known from elsewhere. The bit of a place is set where it is
//! in the subset, from the lowest of the first byte on; the last group has as many bytes as it needs.
//! Whether a place is there, and how many are before it, is then known at once.

use std::io::{self, Write};
use std::sync::Arc;

use crate::bits::{nth_one, rank_in, word_at};
use crate::bytes::{Bytes, Corrupt, u32_at, varint_length, write_varint};
use crate::column::{Column, ColumnBuilder};
use crate::fetch::{fetch, is_far};
use crate::spool::{Scratch, Spool};
use crate::stretch::Stretch;

/// Places in a group of bits, bytes of these, and of a group that has the count in front.
const GROUP: usize = 512;
const BITS: usize = GROUP / 8;
const STEP: usize = BITS + 4;
/// A subset of a list that is at most so many times as long is written in bits.
const SPARSE: u64 = 64;

/// Whether a subset of `n` places among `of` is written in bits.
fn is_dense(n: u64, of: u64) -> bool {
    n.saturating_mul(SPARSE) >= of
}

/// Encodes a subset as its places come, in order.
#[derive(Debug)]
pub(super) struct SubsetBuilder {
    n: u64,
    places: ColumnBuilder,
    groups: Spool,
    /// The number of the group that is being filled, and its bits.
    group: u64,
    bits: [u8; BITS],
    is_dense: bool,
}

impl Default for SubsetBuilder {
    fn default() -> Self {
        Self::over(ColumnBuilder::default(), Spool::default())
    }
}

impl SubsetBuilder {
    /// A subset that may be larger than memory.
    pub(super) fn new(scratch: &Arc<Scratch>) -> Self {
        Self::over(ColumnBuilder::new(scratch), Spool::new(scratch))
    }

    fn over(places: ColumnBuilder, groups: Spool) -> Self {
        Self {
            n: 0,
            places,
            groups,
            group: 0,
            bits: [0; BITS],
            is_dense: false,
        }
    }

    pub(super) fn push(&mut self, place: u32) {
        let place_in = place as usize;
        while self.group < (place_in / GROUP) as u64 {
            self.end_group(BITS);
        }
        if let Some(byte) = self.bits.get_mut(place_in % GROUP / 8) {
            *byte |= 1 << (place_in % 8);
        }
        self.places.push(place);
        self.n += 1;
    }

    /// Ends a group, and begins the next one with the count.
    fn end_group(&mut self, bytes: usize) {
        self.groups.put(self.bits.get(..bytes).unwrap_or_default());
        if bytes == BITS {
            self.groups.put(&(self.n as u32).to_le_bytes());
        }
        self.bits = [0; BITS];
        self.group += 1;
    }

    /// No more places come, of a list of `of`.
    pub(super) fn close(&mut self, of: u64) -> Result<(), Corrupt> {
        self.is_dense = self.n > 0 && is_dense(self.n, of);
        if self.is_dense {
            let last = of.saturating_sub(1) / GROUP as u64;
            while self.group < last {
                self.end_group(BITS);
            }
            let left = (of - last * GROUP as u64).div_ceil(8) as usize;
            self.groups.put(self.bits.get(..left).unwrap_or_default());
        }
        self.places.close()
    }

    /// Bytes of the subset, which is closed.
    pub(super) fn length(&self) -> u64 {
        let of_n = varint_length(self.n);
        if self.is_dense {
            of_n + self.groups.len()
        } else {
            of_n + self.places.length()
        }
    }

    /// Bytes of memory held.
    pub(super) fn memory(&self) -> usize {
        self.places.memory() + self.groups.memory()
    }

    /// Writes the subset, which is closed, and begins a new one.
    pub(super) fn write_to(&mut self, out: &mut impl Write) -> io::Result<()> {
        write_varint(out, self.n)?;
        if self.is_dense {
            self.groups.write_to(out)?;
        } else {
            self.places.write_to(out)?;
        }
        self.clear();
        Ok(())
    }

    /// Begins a new one.
    pub(super) fn clear(&mut self) {
        self.n = 0;
        self.places.clear();
        self.groups.clear();
        self.group = 0;
        self.bits = [0; BITS];
    }
}

/// A subset in the file.
#[derive(Debug, Clone)]
pub(super) struct Subset<'a> {
    n: usize,
    of: usize,
    form: Form<'a>,
    /// The group of bits in which a place outside was found last.
    near: usize,
}

#[derive(Debug, Clone)]
enum Form<'a> {
    Places(Box<Column<'a>>),
    Bits(Stretch<'a>),
}

impl<'a> Subset<'a> {
    /// Reads a subset of a list of `of`.
    pub(super) fn read(bytes: &mut Bytes<'a>, of: usize) -> Result<Self, Corrupt> {
        let n = bytes.varint_usize()?;
        if n > of {
            return Err(Corrupt("a subset"));
        }
        let form = if n == 0 {
            Form::Bits(Stretch::trusted(&[]))
        } else if is_dense(n as u64, of as u64) {
            let last = (of - 1) / GROUP;
            let length = last * STEP + (of - last * GROUP).div_ceil(8);
            Form::Bits(bytes.stretch(length)?)
        } else {
            Form::Places(Box::new(Column::read(bytes, n)?))
        };
        Ok(Self {
            n,
            of,
            form,
            near: 0,
        })
    }

    /// Nothing, of nothing.
    pub(super) fn empty() -> Self {
        Self {
            n: 0,
            of: 0,
            form: Form::Bits(Stretch::trusted(&[])),
            near: 0,
        }
    }

    /// How many places are in it.
    pub(super) fn len(&self) -> usize {
        self.n
    }

    /// Whether a place is in it, and how many before it are.
    #[inline]
    pub(super) fn find(&mut self, place: usize) -> Result<(bool, usize), Corrupt> {
        if self.n == 0 {
            return Ok((false, 0));
        }
        match &mut self.form {
            Form::Places(places) => {
                let value = u32::try_from(place).map_err(|_| Corrupt("a place"))?;
                let before = places.lower_bound(value)?;
                let is_in = before < self.n && places.at(before)? == value;
                Ok((is_in, before))
            }
            Form::Bits(groups) => {
                if place >= self.of {
                    return Ok((false, self.n));
                }
                let (before, bits) = group(groups, place / GROUP, self.of)?;
                let (is_in, in_group) = rank_in(bits, place % GROUP);
                Ok((is_in, before.wrapping_add(in_group) as usize))
            }
        }
    }

    /// Fetches what [`rank`](Self::rank) reads of some places.
    pub(super) fn fetch(&self, places: &[u32]) {
        if let Form::Bits(groups) = &self.form
            && is_far(groups.len())
        {
            let places = places.iter().map(|place| *place as usize);
            fetch(
                groups,
                places.map(|place| place / GROUP * STEP + place % GROUP / 8),
            );
        }
    }

    /// How many places before a place are in it, where that one is: as a rule it is not, which costs less.
    #[inline]
    pub(super) fn rank(&mut self, place: usize) -> Result<Option<usize>, Corrupt> {
        if let (Form::Bits(groups), true) = (&self.form, place < self.of && self.n > 0) {
            let bits = bits(groups, place / GROUP, self.of)?;
            if word_at(bits, place % GROUP / 64) >> (place % 64) & 1 == 0 {
                return Ok(None);
            }
        }
        let (is_in, before) = self.find(place)?;
        Ok(is_in.then_some(before))
    }

    /// The first place in it from one on.
    pub(super) fn next_from(&mut self, place: usize) -> Result<Option<usize>, Corrupt> {
        if self.n == 0 || place >= self.of {
            return Ok(None);
        }
        match &mut self.form {
            Form::Places(places) => {
                let value = u32::try_from(place).map_err(|_| Corrupt("a place"))?;
                let at = places.lower_bound(value)?;
                if at < self.n {
                    places.at(at).map(|place| Some(place as usize))
                } else {
                    Ok(None)
                }
            }
            Form::Bits(groups) => {
                let mut seen = place % GROUP;
                for number in place / GROUP..self.of.div_ceil(GROUP) {
                    let (_, bits) = group(groups, number, self.of)?;
                    for at in seen / 64..BITS / 8 {
                        let word = word_at(bits, at) >> (seen % 64) << (seen % 64);
                        if word != 0 {
                            let bit = at * 64 + word.trailing_zeros() as usize;
                            return Ok(Some(number * GROUP + bit));
                        }
                        seen = 0;
                    }
                    seen = 0;
                }
                Ok(None)
            }
        }
    }

    /// A bit for each place of the list, 64 in a word, lowest bits first; no word where no place is in it.
    pub(super) fn words(&mut self) -> Result<Vec<u64>, Corrupt> {
        if self.n == 0 {
            return Ok(Vec::new());
        }
        let mut words = vec![0; self.of.div_ceil(64)];
        match &mut self.form {
            Form::Places(places) => {
                let mut all = Vec::with_capacity(self.n);
                places.append(0..self.n, &mut all)?;
                for place in all {
                    let word = words.get_mut(place as usize / 64);
                    *word.ok_or(Corrupt("a place"))? |= 1 << (place % 64);
                }
            }
            Form::Bits(groups) => {
                for (number, words) in words.chunks_mut(GROUP / 64).enumerate() {
                    let (_, bits) = group(groups, number, self.of)?;
                    for (at, word) in words.iter_mut().enumerate() {
                        *word = word_at(bits, at);
                    }
                }
            }
        }
        Ok(words)
    }

    /// The place that is not in it and has so many before it that are not.
    pub(super) fn find_outside(&mut self, k: usize) -> Result<usize, Corrupt> {
        if self.n == 0 {
            return Ok(k);
        }
        match &mut self.form {
            Form::Places(places) => {
                // Of the places in the subset, those lie before the one sought which, less the number
                // of those before them, are at most `k`.
                let (mut low, mut high) = (0, self.n);
                while low < high {
                    let middle = low + (high - low) / 2;
                    if (places.at(middle)? as usize) <= k.saturating_add(middle) {
                        low = middle + 1;
                    } else {
                        high = middle;
                    }
                }
                Ok(k.saturating_add(low))
            }
            Form::Bits(groups) => {
                // The last group that has at most `k` outside before it: as a rule near the one before.
                let is_behind = |group: usize| -> Result<bool, Corrupt> {
                    let before = count_before(groups, group)?;
                    Ok((group * GROUP).saturating_sub(before as usize) > k)
                };
                let last = (self.of - 1) / GROUP;
                let (mut low, mut high) = (0, last);
                if !is_behind(self.near)? {
                    (low, high) = (self.near, self.near);
                    let mut step = 1;
                    while high < last {
                        high = last.min(low + step);
                        if is_behind(high)? {
                            high -= 1;
                            break;
                        }
                        (low, step) = (high, 2 * step);
                    }
                }
                while low < high {
                    let middle = low + (high - low).div_ceil(2);
                    if is_behind(middle)? {
                        high = middle - 1;
                    } else {
                        low = middle;
                    }
                }
                self.near = low;
                let (before, bits) = group(groups, low, self.of)?;
                let mut left = k.saturating_sub((low * GROUP).saturating_sub(before as usize));
                for at in 0..GROUP / 64 {
                    let outside = !word_at(bits, at);
                    let count = outside.count_ones() as usize;
                    if left < count {
                        return Ok(low * GROUP + at * 64 + nth_one(outside, left));
                    }
                    left -= count;
                }
                // Beyond the end of the list.
                Ok(self.of)
            }
        }
    }
}

/// How many places before a group are in the subset.
#[inline]
fn count_before(groups: &Stretch<'_>, group: usize) -> Result<u32, Corrupt> {
    match (group * STEP).checked_sub(4) {
        None => Ok(0),
        Some(at) => u32_at(groups.get(at..at + 4)?, 0),
    }
}

/// A group's count of places before it, and its bits.
#[inline]
fn group<'a>(groups: &Stretch<'a>, group: usize, of: usize) -> Result<(u32, &'a [u8]), Corrupt> {
    Ok((count_before(groups, group)?, bits(groups, group, of)?))
}

/// The bits of a group alone.
#[inline]
fn bits<'a>(groups: &Stretch<'a>, group: usize, of: usize) -> Result<&'a [u8], Corrupt> {
    let start = group * STEP;
    let bytes = (of - group * GROUP).div_ceil(8).min(BITS);
    groups.get(start..start + bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_subset_is_what_was_put_in(
            of in prop_oneof![1usize..700, 5000usize..5100],
            places in prop_oneof![
                prop::collection::btree_set(0usize..5100, 0..8),
                prop::collection::btree_set(0usize..5100, 0..500),
                prop::collection::btree_set(0usize..700, 0..700),
            ],
        ) {
            let places: Vec<usize> = places.into_iter().filter(|place| *place < of).collect();
            let mut builder = SubsetBuilder::default();
            let mut out = Vec::new();
            // Twice: nothing of the first time must be left.
            for _ in 0..2 {
                places.iter().for_each(|place| builder.push(*place as u32));
                builder.close(of as u64).unwrap();
                out.clear();
                let length = builder.length();
                builder.write_to(&mut out).unwrap();
                prop_assert_eq!(length, out.len() as u64);
            }
            let mut bytes = Bytes::new(&out);
            let mut subset = Subset::read(&mut bytes, of).unwrap();
            prop_assert!(bytes.is_empty());
            prop_assert_eq!(subset.len(), places.len());
            let words = subset.words().unwrap();
            prop_assert_eq!(words.len(), if places.is_empty() { 0 } else { of.div_ceil(64) });
            let mut outside = 0;
            for place in 0..of {
                let bit = words.get(place / 64).is_some_and(|word| word >> (place % 64) & 1 == 1);
                prop_assert_eq!(bit, places.contains(&place));
                let before = places.partition_point(|p| *p < place);
                prop_assert_eq!(subset.next_from(place).unwrap(), places.get(before).copied());
                let is_in = places.get(before) == Some(&place);
                prop_assert_eq!(subset.find(place).unwrap(), (is_in, before));
                prop_assert_eq!(subset.rank(place).unwrap(), is_in.then_some(before));
                if !is_in {
                    prop_assert_eq!(subset.find_outside(outside).unwrap(), place);
                    // Also where the one before was far away.
                    let outsiders = place - before;
                    let first = subset.find_outside(outsiders / 2).unwrap();
                    prop_assert_eq!(first - places.partition_point(|p| *p < first), outsiders / 2);
                    outside += 1;
                }
            }
        }

        #[test]
        fn foreign_bytes_never_panic(data in prop::collection::vec(any::<u8>(), 0..400), of in 0usize..3000) {
            if let Ok(mut subset) = Subset::read(&mut Bytes::new(&data), of) {
                let _ = subset.words();
                subset.fetch(&[0, of as u32 / 2, of as u32, of as u32 + 5000, u32::MAX]);
                for place in 0..of + 2 {
                    let _ = subset.find(place);
                    let _ = subset.rank(place);
                    let _ = subset.next_from(place);
                    let _ = subset.find_outside(place);
                }
            }
        }
    }
}
