//! Reading and writing the primitives of the format. Nothing read is trusted: every length is
//! checked against what is there.

use std::io::{self, Write};

use integer_encoding::VarInt;

use crate::stretch::Stretch;

/// Bytes that are not what the format says. Names the structure that could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Corrupt(pub(crate) &'static str);

/// A cursor over untrusted bytes. What it hands out has been verified, where that can be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bytes<'a> {
    rest: Stretch<'a>,
}

impl<'a> Bytes<'a> {
    pub(crate) fn new(data: &'a [u8]) -> Self {
        Self::over(Stretch::trusted(data))
    }

    pub(crate) fn over(rest: Stretch<'a>) -> Self {
        Self { rest }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// What has not been taken.
    pub(crate) fn rest(&self) -> Stretch<'a> {
        self.rest
    }

    /// Takes `n` bytes off without looking at them.
    #[inline]
    pub(crate) fn stretch(&mut self, n: usize) -> Result<Stretch<'a>, Corrupt> {
        let (head, tail) = self.rest.split_at(n)?;
        self.rest = tail;
        Ok(head)
    }

    #[inline]
    pub(crate) fn take(&mut self, n: usize) -> Result<&'a [u8], Corrupt> {
        self.stretch(n)?.all()
    }

    #[inline]
    pub(crate) fn u8(&mut self) -> Result<u8, Corrupt> {
        self.take(1)?.first().copied().ok_or(Corrupt("a byte"))
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Corrupt> {
        let bytes = self.take(4)?;
        Ok(u32::from_le_bytes(
            bytes.try_into().map_err(|_| Corrupt("an integer"))?,
        ))
    }

    #[inline]
    pub(crate) fn varint(&mut self) -> Result<u64, Corrupt> {
        let head = self.rest.head(10)?;
        let (value, n) = match head.first() {
            // Most of them.
            Some(&byte) if byte < 0x80 => (u64::from(byte), 1),
            _ => u64::decode_var(head).ok_or(Corrupt("a varint"))?,
        };
        self.rest = self.rest.from(n)?;
        Ok(value)
    }

    /// A number that may be below 0: [`put_signed`].
    pub(crate) fn signed(&mut self) -> Result<i64, Corrupt> {
        let (value, n) = i64::decode_var(self.rest.head(10)?).ok_or(Corrupt("a varint"))?;
        self.rest = self.rest.from(n)?;
        Ok(value)
    }

    /// Steps over so many varints, most of them several at once.
    pub(crate) fn skip_varints(&mut self, n: usize) -> Result<(), Corrupt> {
        const LAST: u64 = 0x8080_8080_8080_8080;
        let mut left = n;
        while left > 0 {
            let head = self.rest.head(8)?;
            // A byte that is the last one of a varint has no upper bit.
            let ends = head
                .first_chunk()
                .map(|word| !u64::from_le_bytes(*word) & LAST);
            match ends.filter(|ends| *ends != 0) {
                Some(mut ends) => {
                    let here = (ends.count_ones() as usize).min(left);
                    for _ in 1..here {
                        ends &= ends - 1;
                    }
                    self.rest = self.rest.from(ends.trailing_zeros() as usize / 8 + 1)?;
                    left -= here;
                }
                None => {
                    self.varint()?;
                    left -= 1;
                }
            }
        }
        Ok(())
    }

    #[inline]
    pub(crate) fn varint_u32(&mut self) -> Result<u32, Corrupt> {
        u32::try_from(self.varint()?).map_err(|_| Corrupt("a number over 32 bits"))
    }

    #[inline]
    pub(crate) fn varint_usize(&mut self) -> Result<usize, Corrupt> {
        usize::try_from(self.varint()?).map_err(|_| Corrupt("a number over 64 bits"))
    }

    /// Bytes behind their length.
    pub(crate) fn sized(&mut self) -> Result<&'a [u8], Corrupt> {
        self.sized_stretch()?.all()
    }

    /// [`sized`](Self::sized), without looking at them.
    pub(crate) fn sized_stretch(&mut self) -> Result<Stretch<'a>, Corrupt> {
        let n = self.varint_usize()?;
        self.stretch(n)
    }
}

pub(crate) fn put_varint(out: &mut Vec<u8>, value: u64) {
    let mut buffer = [0; 10];
    let n = value.encode_var(&mut buffer);
    out.extend_from_slice(buffer.get(..n).unwrap_or_default());
}

/// Appends a number that may be below 0: zigzag, then as [`put_varint`].
pub(crate) fn put_signed(out: &mut Vec<u8>, value: i64) {
    let mut buffer = [0; 10];
    let n = value.encode_var(&mut buffer);
    out.extend_from_slice(buffer.get(..n).unwrap_or_default());
}

/// [`put_varint`], to a writer.
pub(crate) fn write_varint(out: &mut impl Write, value: u64) -> io::Result<()> {
    let mut buffer = [0; 10];
    let n = value.encode_var(&mut buffer);
    out.write_all(buffer.get(..n).unwrap_or_default())
}

/// Bytes of a varint.
pub(crate) fn varint_length(value: u64) -> u64 {
    value.required_space() as u64
}

/// How long so many bytes are with their length in front.
pub(crate) fn sized_length(bytes: u64) -> u64 {
    varint_length(bytes) + bytes
}

/// How many bytes two texts have in common at their beginnings.
pub(crate) fn shared_prefix(a: &[u8], b: &[u8]) -> usize {
    let (a_words, _) = a.as_chunks::<8>();
    let (b_words, _) = b.as_chunks::<8>();
    let mut shared = 0;
    for (a, b) in a_words.iter().zip(b_words) {
        let differ = u64::from_le_bytes(*a) ^ u64::from_le_bytes(*b);
        if differ != 0 {
            return shared + differ.trailing_zeros() as usize / 8;
        }
        shared += 8;
    }
    let rest = a.iter().zip(b).skip(shared);
    shared + rest.take_while(|(a, b)| a == b).count()
}

pub(crate) fn put_sized(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// The `u32` at position `i` of a little-endian array.
pub(crate) fn u32_at(array: &[u8], i: usize) -> Result<u32, Corrupt> {
    let at = i.checked_mul(4).ok_or(Corrupt("an array"))?;
    let bytes = array
        .get(at..at.saturating_add(4))
        .ok_or(Corrupt("an array"))?;
    Ok(u32::from_le_bytes(
        bytes.try_into().map_err(|_| Corrupt("an array"))?,
    ))
}

/// The `u64` at position `i` of a little-endian array.
pub(crate) fn u64_at(array: &[u8], i: usize) -> Result<u64, Corrupt> {
    let at = i.checked_mul(8).ok_or(Corrupt("an array"))?;
    let bytes = array
        .get(at..at.saturating_add(8))
        .ok_or(Corrupt("an array"))?;
    Ok(u64::from_le_bytes(
        bytes.try_into().map_err(|_| Corrupt("an array"))?,
    ))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn shared_prefixes(a in "[ab]{0,30}", b in "[ab]{0,30}", common in "[ab]{0,30}") {
            let (a, b) = (format!("{common}{a}"), format!("{common}{b}"));
            let expected = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
            prop_assert_eq!(shared_prefix(a.as_bytes(), b.as_bytes()), expected);
        }

        #[test]
        fn varints_are_stepped_over_as_they_are_read(
            values in prop::collection::vec(any::<(u64, u8)>(), 0..30),
            n in 0usize..32,
        ) {
            let mut data = Vec::new();
            for (value, shift) in values {
                put_varint(&mut data, value >> (shift % 64));
            }
            let (mut skipping, mut reading) = (Bytes::new(&data), Bytes::new(&data));
            let read = (0..n).try_for_each(|_| reading.varint().map(|_| ()));
            prop_assert_eq!(skipping.skip_varints(n), read);
            if read.is_ok() {
                prop_assert_eq!(skipping.rest().len(), reading.rest().len());
            }
        }

        #[test]
        fn lengths_of_varints(value: u64, shift in 0u32..64) {
            let value = value >> shift;
            let (mut put, mut written) = (Vec::new(), Vec::new());
            put_varint(&mut put, value);
            write_varint(&mut written, value).unwrap();
            prop_assert_eq!(put.len() as u64, varint_length(value));
            prop_assert_eq!(put, written);
        }
    }
}
