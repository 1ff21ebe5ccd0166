//! Sorted lists of byte strings, front-coded.
//!
//! ```text
//! list  := varint (bytes × 4 + coding) | own? | start-of-group u32 × groups | group × groups
//!                                                              groups = ⌈n / 16⌉
//! own   := symbols u8 | table of symbols                       where coding is 3
//! group := varint length | first, then up to 15 × (token u8 | varint? | varint? | rest)
//! token := 16 × shared + length
//! ```
//! `shared` is the length of the prefix taken from the string before, less that of the string before
//! (0 for the first), plus 7; 15 where that is not 0 to 14, and then the prefix's length is the first
//! varint. `length` is that of the rest; 15 where it is not below 15, and then the second varint is
//! what it is above 15. `coding` says what the first string and the rests are written in: 0, as they
//! are; 1, the symbols for SURTs; 2, those for text; 3, those of the list's own table (see
//! [`symbols`](crate::symbols)); lengths are then those of the codes. Starts count from the first group; a list of one group has no starts. Finding a
//! string reads O(log n) groups.

mod build;

use crate::bytes::{Bytes, Corrupt};
use crate::fetch::{LINE, fetch, is_far};
use crate::stretch::Stretch;
use crate::symbols::{self, ENTRY, SURT, SymbolTable, TEXT};

pub(crate) use build::StringListBuilder;

const GROUP: usize = 16;
/// What stands for no difference between two prefixes.
const SAME_SHARED: usize = 7;
/// What says that a number is behind the token.
const FAR: usize = 15;

/// What strings are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    /// As they are.
    Plain,
    /// Symbols for SURTs.
    Surt,
    /// Symbols for text.
    Text,
}

impl Coding {
    fn table(self) -> Option<&'static SymbolTable> {
        match self {
            Self::Plain => None,
            Self::Surt => Some(&SURT),
            Self::Text => Some(&TEXT),
        }
    }
}

/// In the head of a list: it has its own table of symbols.
const OWN_TABLE: u64 = 3;

/// A string, and how it is written in a list that has it, where that is known: a list that it is copied to may have
/// it so too.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Text<'t> {
    pub(crate) bytes: &'t [u8],
    coded: Option<Coded<'t>>,
}

/// The rest of a string in symbols of the format.
#[derive(Debug, Clone, Copy)]
struct Coded<'t> {
    coding: Coding,
    /// How many bytes are in front of the rest.
    shared: usize,
    codes: &'t [u8],
}

impl<'t> From<&'t [u8]> for Text<'t> {
    fn from(bytes: &'t [u8]) -> Self {
        let coded = None;
        Self { bytes, coded }
    }
}

/// A list in the file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StringList<'a> {
    n: usize,
    /// The table of symbols, where it is written in them.
    table: Option<&'a [u8]>,
    /// Which one that is, where it is of the format.
    coding: Coding,
    starts: Stretch<'a>,
    data: Stretch<'a>,
}

impl<'a> StringList<'a> {
    pub(crate) fn read(bytes: &mut Bytes<'a>, n: usize) -> Result<Self, Corrupt> {
        let head = bytes.varint_usize()?;
        let mut all = Bytes::over(bytes.stretch(head / 4)?);
        let coding = match head as u64 % 4 {
            1 => Coding::Surt,
            2 => Coding::Text,
            _ => Coding::Plain,
        };
        let table = if head as u64 % 4 == OWN_TABLE {
            let symbols = usize::from(all.u8()?);
            Some(all.take(symbols * ENTRY)?)
        } else {
            coding.table().map(SymbolTable::entries)
        };
        let groups = n.div_ceil(GROUP);
        let starts = if groups > 1 {
            all.stretch(groups.checked_mul(4).ok_or(Corrupt("a list"))?)?
        } else {
            Stretch::trusted(&[])
        };
        Ok(Self {
            n,
            table,
            coding,
            starts,
            data: all.rest(),
        })
    }

    /// Without strings.
    pub(crate) fn empty() -> Self {
        Self {
            n: 0,
            table: None,
            coding: Coding::Plain,
            starts: Stretch::trusted(&[]),
            data: Stretch::trusted(&[]),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.n
    }

    /// Bytes of the strings as they are written.
    pub(crate) fn bytes(&self) -> usize {
        self.data.len()
    }

    /// From the start of a group on.
    fn group_on(&self, group: usize) -> Result<Bytes<'a>, Corrupt> {
        Ok(Bytes::over(self.data.from(self.start(group)?)?))
    }

    /// A group, verified: what is then read of it need not be.
    fn group(&self, group: usize) -> Result<Bytes<'a>, Corrupt> {
        let start = self.start(group)?;
        let end = if group + 1 < self.n.div_ceil(GROUP) {
            self.start(group + 1)?
        } else {
            self.data.len()
        };
        if end < start {
            return Err(Corrupt("a group of strings"));
        }
        self.data.get(start..end).map(Bytes::new)
    }

    fn start(&self, group: usize) -> Result<usize, Corrupt> {
        if self.starts.is_empty() {
            return Ok(0);
        }
        Ok(self.starts.u32_at(group)? as usize)
    }

    /// The string at position `i`, into `text`.
    pub(crate) fn get(&self, i: usize, text: &mut Vec<u8>) -> Result<(), Corrupt> {
        if i >= self.n {
            return Err(Corrupt("a position in a list of strings"));
        }
        let group = i / GROUP;
        let mut iter = self.iter_over(group, self.group(group)?);
        text.clear();
        for _ in 0..=i % GROUP {
            iter.next_into(text)?;
        }
        Ok(())
    }

    /// Fetches what [`get`](Self::get) reads of strings here and there.
    pub(crate) fn fetch(&self, positions: impl Iterator<Item = usize> + Clone) {
        if !is_far(self.data.len()) {
            return;
        }
        let groups = positions.map(|i| i / GROUP);
        fetch(&self.starts, groups.clone().map(|group| group * 4));
        let starts = groups.filter_map(|group| self.start(group).ok());
        fetch(&self.data, starts.flat_map(|start| [start, start + LINE]));
    }

    /// The strings from a group on, whose bytes are given.
    fn iter_over(&self, group: usize, bytes: Bytes<'a>) -> StringIter<'a> {
        StringIter {
            i: group * GROUP,
            bytes,
            ..self.iter()
        }
    }

    /// All strings in order.
    pub(crate) fn iter(&self) -> StringIter<'a> {
        StringIter {
            i: 0,
            n: self.n,
            table: self.table,
            coding: self.coding,
            shared: 0,
            rest: &[],
            bytes: Bytes::over(self.data),
        }
    }

    /// The first position whose string is not less than `text`, in a list sorted by bytes.
    pub(crate) fn lower_bound(&self, text: &[u8]) -> Result<usize, Corrupt> {
        // The last group whose first string is less than `text` holds the answer, or ends before it.
        let (mut low, mut high) = (0, self.n.div_ceil(GROUP));
        let mut current = Vec::new();
        while low < high {
            let middle = low + (high - low) / 2;
            let mut iter = self.iter_over(middle, self.group_on(middle)?);
            iter.next_into(&mut current)?;
            if current.as_slice() < text {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        let Some(group) = low.checked_sub(1) else {
            return Ok(0);
        };
        let mut iter = self.iter_over(group, self.group(group)?);
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
    table: Option<&'a [u8]>,
    coding: Coding,
    /// Length of the prefix that the string last read took from the one before, and its rest as it is written.
    shared: usize,
    rest: &'a [u8],
    bytes: Bytes<'a>,
}

impl<'a> StringIter<'a> {
    /// Turns `text`, the string before (anything at the start of a group), into the next one;
    /// `false` at the end.
    pub(crate) fn next_into(&mut self, text: &mut Vec<u8>) -> Result<bool, Corrupt> {
        let Some(rest) = self.next_rest()? else {
            return Ok(false);
        };
        append_rest(self.table, self.shared, rest, text)?;
        self.rest = rest;
        Ok(true)
    }

    /// The string that was read last, and is this one, with how it is written.
    pub(crate) fn last<'t>(&'t self, text: &'t [u8]) -> Text<'t> {
        let coded = (self.coding != Coding::Plain).then_some(Coded {
            coding: self.coding,
            shared: self.shared,
            codes: self.rest,
        });
        Text { bytes: text, coded }
    }

    /// The rest of the next string, as it is written, behind what it shares with the one before.
    #[inline]
    fn next_rest(&mut self) -> Result<Option<&'a [u8]>, Corrupt> {
        if self.i >= self.n {
            return Ok(None);
        }
        let length = if self.i.is_multiple_of(GROUP) {
            self.shared = 0;
            self.bytes.varint_usize()?
        } else {
            let token = usize::from(self.bytes.u8()?);
            self.shared = match token / 16 {
                FAR => self.bytes.varint_usize()?,
                near => (self.shared + near)
                    .checked_sub(SAME_SHARED)
                    .ok_or(Corrupt("a shared prefix"))?,
            };
            match token % 16 {
                FAR => self.bytes.varint_usize()?.saturating_add(FAR),
                near => near,
            }
        };
        self.i += 1;
        self.bytes.take(length).map(Some)
    }
}

/// Puts a rest, as it is written, behind what a text begins with.
#[inline]
fn append_rest(
    table: Option<&[u8]>,
    shared: usize,
    rest: &[u8],
    text: &mut Vec<u8>,
) -> Result<(), Corrupt> {
    if shared > text.len() {
        return Err(Corrupt("a shared prefix"));
    }
    text.truncate(shared);
    match table {
        None => text.extend_from_slice(rest),
        Some(table) => symbols::decode(table, rest, text)?,
    }
    Ok(())
}

/// Reads strings of a list by their positions; the next ones from where it is. Of the strings between it
/// decodes no more than what is left of them in those asked for.
#[derive(Debug, Clone)]
pub(crate) struct StringCursor<'a> {
    list: StringList<'a>,
    /// In the group at which it is, if any.
    iter: StringIter<'a>,
    group: Option<usize>,
    /// What the string at which it is has behind what is in `text`: where each rest begins, and the rest.
    /// Where the next one begins, each ends.
    rests: Vec<(usize, &'a [u8])>,
    text: Vec<u8>,
}

impl<'a> StringCursor<'a> {
    pub(crate) fn new(list: StringList<'a>) -> Self {
        Self {
            list,
            iter: list.iter(),
            group: None,
            rests: Vec::new(),
            text: Vec::new(),
        }
    }

    /// Fetches what [`get`](Self::get) reads of strings here and there.
    pub(crate) fn fetch(&self, positions: impl Iterator<Item = usize> + Clone) {
        self.list.fetch(positions);
    }

    /// The string at position `i`.
    pub(crate) fn get(&mut self, i: usize) -> Result<&[u8], Corrupt> {
        if i >= self.list.n {
            return Err(Corrupt("a position in a list of strings"));
        }
        // `iter.i` strings have been passed; the last of them is the one at which it is.
        let group = i / GROUP;
        let is_near = i + 1 >= self.iter.i && Some(group) == self.group;
        if !is_near {
            self.iter = self.list.iter_over(group, self.list.group(group)?);
            self.group = Some(group);
        }
        while self.iter.i <= i {
            let Some(rest) = self.iter.next_rest()? else {
                return Err(Corrupt("a list of strings"));
            };
            let start = self.iter.shared;
            while self.rests.last().is_some_and(|(last, _)| *last >= start) {
                self.rests.pop();
            }
            if self.rests.is_empty() {
                if self.iter.i > i {
                    // The one after the other, as most are read.
                    append_rest(self.iter.table, start, rest, &mut self.text)?;
                    return Ok(&self.text);
                }
                if start > self.text.len() {
                    return Err(Corrupt("a shared prefix"));
                }
                self.text.truncate(start);
            }
            self.rests.push((start, rest));
        }
        for (start, rest) in self.rests.drain(..) {
            append_rest(self.iter.table, start, rest, &mut self.text)?;
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
        fn round_trip_and_search(
            set in prop_oneof![
                prop::collection::btree_set("[ab]{0,6}", 0..100),
                prop::collection::btree_set("(com.www./|click here|[ab]|index){0,12}", 0..100),
            ],
            probe in "[abc]{0,6}",
            coding in prop::sample::select(vec![Coding::Plain, Coding::Surt, Coding::Text]),
        ) {
            let texts: Vec<_> = set.into_iter().collect();
            let mut builder = StringListBuilder::coded(coding);
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
            list.fetch((0..texts.len() + 100).rev());
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
        fn texts_of_other_lists_are_written_as_any(
            set in prop::collection::btree_set("(com.www./|click here|[ab]|index){0,12}", 0..200),
            of in prop::collection::vec(0usize..3, 200),
            codings in prop::array::uniform4(prop::sample::select(vec![Coding::Plain, Coding::Surt, Coding::Text])),
        ) {
            let texts: Vec<_> = set.iter().zip(&of).collect();
            let builder = |list: usize| StringListBuilder::coded(codings[list]);
            let mut lists = Vec::new();
            for list in 0..3 {
                let own = texts.iter().filter(|(_, of)| **of == list);
                let mut builder = builder(list);
                own.for_each(|(text, _)| builder.push(text.as_bytes()));
                let (n, mut out) = (builder.len(), Vec::new());
                builder.finish(&mut out).unwrap();
                lists.push((n, out));
            }
            let mut iters: Vec<_> = lists.iter().map(|(n, list)| {
                let list = StringList::read(&mut Bytes::new(list), *n).unwrap();
                (list.iter(), Vec::new())
            }).collect();
            let (mut expected, mut copied) = (builder(3), builder(3));
            for (text, list) in &texts {
                expected.push(text.as_bytes());
                let (iter, own) = &mut iters[**list];
                prop_assert!(iter.next_into(own).unwrap());
                copied.push(iter.last(own));
            }
            let (mut a, mut b) = (Vec::new(), Vec::new());
            expected.finish(&mut a).unwrap();
            copied.finish(&mut b).unwrap();
            prop_assert_eq!(a, b);
        }

        #[test]
        fn long_lists_have_tables_of_their_own(numbers in prop::collection::btree_set(any::<u32>(), 3000..3100)) {
            // No symbols that are known make these shorter.
            let word = |digit: u32| ["ϗϗϗϗ", "ϡϡϡϡ", "ϰϰϰϰ", "ϱϱϱϱ"][digit as usize % 4];
            let text = |number: u32| (0..6).map(|at| word(number >> (2 * at))).collect::<String>();
            let mut texts: Vec<String> = numbers.iter().map(|n| text(*n) + &n.to_string()).collect();
            texts.sort_unstable();
            let plain: usize = texts.iter().map(String::len).sum();
            let mut builder = StringListBuilder::coded(Coding::Text);
            texts.iter().for_each(|text| builder.push(text.as_bytes()));
            let mut out = Vec::new();
            builder.finish(&mut out).unwrap();
            prop_assert!(out.len() * 3 < plain);
            prop_assert_eq!(u64::from(out[0]) % 4, OWN_TABLE);
            let list = StringList::read(&mut Bytes::new(&out), texts.len()).unwrap();
            let mut text = Vec::new();
            for i in (0..texts.len()).step_by(7) {
                list.get(i, &mut text).unwrap();
                prop_assert_eq!(text.as_slice(), texts[i].as_bytes());
                prop_assert_eq!(list.lower_bound(texts[i].as_bytes()).unwrap(), i);
            }
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
