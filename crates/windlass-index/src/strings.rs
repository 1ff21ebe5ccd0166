//! Sorted lists of byte strings, front-coded.
//!
//! ```text
//! list  := varint bytes | start-of-group u32 × groups | group × groups        groups = ⌈n / 16⌉
//! group := first (varint length | bytes), then up to 15 × (varint shared | varint length | bytes)
//! ```
//! `shared` is the length of the prefix taken from the string before. Starts count from the first
//! group; a list of one group has no starts. Finding a string reads O(log n) groups.

use crate::bytes::{Bytes, Corrupt, put_sized, put_varint};
use crate::stretch::Stretch;

const GROUP: usize = 16;

/// Encodes strings as they come. The order is the caller's business.
#[derive(Debug, Default)]
pub(crate) struct StringListBuilder {
    n: usize,
    starts: Vec<u8>,
    data: Vec<u8>,
    last: Vec<u8>,
}

impl StringListBuilder {
    pub(crate) fn push(&mut self, text: &[u8]) {
        if self.n.is_multiple_of(GROUP) {
            self.starts
                .extend_from_slice(&(self.data.len() as u64 as u32).to_le_bytes());
            put_sized(&mut self.data, text);
        } else {
            let shared = self
                .last
                .iter()
                .zip(text)
                .take_while(|(a, b)| a == b)
                .count();
            put_varint(&mut self.data, shared as u64);
            put_sized(&mut self.data, text.get(shared..).unwrap_or_default());
        }
        self.last.clear();
        self.last.extend_from_slice(text);
        self.n += 1;
    }

    pub(crate) fn len(&self) -> usize {
        self.n
    }

    /// Appends the list to `out`.
    pub(crate) fn finish(self, out: &mut Vec<u8>) -> Result<(), Corrupt> {
        if u32::try_from(self.data.len()).is_err() {
            return Err(Corrupt("a list of strings over 4 GiB"));
        }
        let starts = if self.n > GROUP {
            self.starts.as_slice()
        } else {
            &[]
        };
        put_varint(out, (starts.len() + self.data.len()) as u64);
        out.extend_from_slice(starts);
        out.extend_from_slice(&self.data);
        Ok(())
    }
}

/// A list in the file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StringList<'a> {
    n: usize,
    starts: Stretch<'a>,
    data: Stretch<'a>,
}

impl<'a> StringList<'a> {
    pub(crate) fn read(bytes: &mut Bytes<'a>, n: usize) -> Result<Self, Corrupt> {
        let mut all = Bytes::over(bytes.sized_stretch()?);
        let groups = n.div_ceil(GROUP);
        let starts = if groups > 1 {
            all.stretch(groups.checked_mul(4).ok_or(Corrupt("a list"))?)?
        } else {
            Stretch::trusted(&[])
        };
        Ok(Self {
            n,
            starts,
            data: all.rest(),
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.n
    }

    fn group(&self, group: usize) -> Result<Bytes<'a>, Corrupt> {
        let start = if self.starts.is_empty() {
            0
        } else {
            self.starts.u32_at(group)? as usize
        };
        Ok(Bytes::over(self.data.from(start)?))
    }

    /// The string at position `i`, into `text`.
    pub(crate) fn get(&self, i: usize, text: &mut Vec<u8>) -> Result<(), Corrupt> {
        if i >= self.n {
            return Err(Corrupt("a position in a list of strings"));
        }
        let mut iter = self.iter_from(i / GROUP * GROUP)?;
        text.clear();
        for _ in 0..=i % GROUP {
            iter.next_into(text)?;
        }
        Ok(())
    }

    /// The strings from position `i`, which must be a multiple of the group size, on.
    fn iter_from(&self, i: usize) -> Result<StringIter<'a>, Corrupt> {
        if i > self.n {
            return Err(Corrupt("a position in a list of strings"));
        }
        let bytes = if i == self.n {
            Bytes::new(&[])
        } else {
            self.group(i / GROUP)?
        };
        Ok(StringIter {
            i,
            n: self.n,
            bytes,
        })
    }

    /// All strings in order.
    pub(crate) fn iter(&self) -> StringIter<'a> {
        StringIter {
            i: 0,
            n: self.n,
            bytes: Bytes::over(self.data),
        }
    }

    /// The first position whose string is not less than `text`, in a list sorted by bytes.
    pub(crate) fn lower_bound(&self, text: &[u8]) -> Result<usize, Corrupt> {
        // The last group whose first string is less than `text` holds the answer, or ends before it.
        let (mut low, mut high) = (0, self.n.div_ceil(GROUP));
        while low < high {
            let middle = low + (high - low) / 2;
            if self.group(middle)?.sized()? < text {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        let Some(group) = low.checked_sub(1) else {
            return Ok(0);
        };
        let mut iter = self.iter_from(group * GROUP)?;
        let mut current = Vec::new();
        let end = (group * GROUP + GROUP).min(self.n);
        for i in group * GROUP..end {
            iter.next_into(&mut current)?;
            if current.as_slice() >= text {
                return Ok(i);
            }
        }
        Ok(end)
    }
}

/// Reads a list in order, each string from the one before.
#[derive(Debug, Clone)]
pub(crate) struct StringIter<'a> {
    i: usize,
    n: usize,
    bytes: Bytes<'a>,
}

impl StringIter<'_> {
    /// Turns `text`, the string before (anything at the start of a group), into the next one;
    /// `false` at the end.
    pub(crate) fn next_into(&mut self, text: &mut Vec<u8>) -> Result<bool, Corrupt> {
        if self.i >= self.n {
            return Ok(false);
        }
        let shared = if self.i.is_multiple_of(GROUP) {
            0
        } else {
            self.bytes.varint_usize()?
        };
        if shared > text.len() {
            return Err(Corrupt("a shared prefix"));
        }
        text.truncate(shared);
        text.extend_from_slice(self.bytes.sized()?);
        self.i += 1;
        Ok(true)
    }
}

/// Reads strings of a list by their positions; the next ones from where it is.
#[derive(Debug, Clone)]
pub(crate) struct StringCursor<'a> {
    list: StringList<'a>,
    iter: StringIter<'a>,
    text: Vec<u8>,
}

impl<'a> StringCursor<'a> {
    pub(crate) fn new(list: StringList<'a>) -> Self {
        Self {
            list,
            iter: list.iter(),
            text: Vec::new(),
        }
    }

    /// The string at position `i`.
    pub(crate) fn get(&mut self, i: usize) -> Result<&[u8], Corrupt> {
        if i >= self.list.n {
            return Err(Corrupt("a position in a list of strings"));
        }
        // `iter.i` strings have been read; the last of them is in `text`.
        let is_near = i + 1 >= self.iter.i && i / GROUP <= self.iter.i.saturating_sub(1) / GROUP;
        if !is_near || self.iter.i == 0 {
            self.iter = self.list.iter_from(i / GROUP * GROUP)?;
        }
        while self.iter.i <= i {
            self.iter.next_into(&mut self.text)?;
        }
        Ok(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn round_trip_and_search(set in prop::collection::btree_set("[ab]{0,6}", 0..100), probe in "[abc]{0,6}") {
            let texts: Vec<_> = set.into_iter().collect();
            let mut builder = StringListBuilder::default();
            texts.iter().for_each(|text| builder.push(text.as_bytes()));
            let mut out = Vec::new();
            builder.finish(&mut out).unwrap();
            let list = StringList::read(&mut Bytes::new(&out), texts.len()).unwrap();
            let mut text = Vec::new();
            for (i, expected) in texts.iter().enumerate() {
                list.get(i, &mut text).unwrap();
                prop_assert_eq!(text.as_slice(), expected.as_bytes());
            }
            prop_assert!(list.get(texts.len(), &mut text).is_err());
            let mut cursor = StringCursor::new(list);
            for i in (0..texts.len()).flat_map(|i| [i, i, i * 7 % texts.len(), i]) {
                prop_assert_eq!(cursor.get(i).unwrap(), texts[i].as_bytes());
            }
            let expected = texts.partition_point(|text| text.as_bytes() < probe.as_bytes());
            prop_assert_eq!(list.lower_bound(probe.as_bytes()).unwrap(), expected);
            let mut iter = list.iter();
            let mut all = Vec::new();
            text.clear();
            while iter.next_into(&mut text).unwrap() {
                all.push(String::from_utf8(text.clone()).unwrap());
            }
            prop_assert_eq!(all, texts);
        }

        #[test]
        fn foreign_bytes_never_panic(data in prop::collection::vec(any::<u8>(), 0..500), n in 0usize..200) {
            if let Ok(list) = StringList::read(&mut Bytes::new(&data), n) {
                let mut text = Vec::new();
                for i in 0..n {
                    let _ = list.get(i, &mut text);
                }
                let _ = list.lower_bound(b"x");
            }
        }
    }
}
