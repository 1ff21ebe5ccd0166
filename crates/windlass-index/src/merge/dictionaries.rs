//! Merging sorted lists of strings.

use windlass_links::anchor::fold_into;

use super::Damage;
use super::heap::Heap;
use crate::bytes::Corrupt;
use crate::places::PlacesIter;
use crate::strings::{StringCursor, StringIter, StringList, Text};

/// Reads several lists as one, each string once.
#[derive(Debug, Default)]
pub(crate) struct MergedStrings<'a> {
    sources: Vec<Source<'a>>,
    heap: Heap,
    /// Buffers of earlier sources: there are lists without number, most of them short.
    spare: Vec<Vec<u8>>,
    /// The sources that have the present string.
    having: Vec<u32>,
    is_folded: bool,
}

/// One of the lists, at its present string.
#[derive(Debug)]
struct Source<'a> {
    strings: Strings<'a>,
    /// What stands in front of each string of [`Strings::Some`].
    prefix: &'a [u8],
    /// How many strings have been read.
    read: u32,
    text: Vec<u8>,
    /// Its folded form, where that is wanted and differs.
    folded: Option<String>,
}

/// What is read of a list.
#[derive(Debug)]
enum Strings<'a> {
    All(StringIter<'a>),
    Some(StringCursor<'a>, PlacesIter<'a>),
}

impl Source<'_> {
    fn advance(&mut self, is_folded: bool) -> Result<bool, Corrupt> {
        match &mut self.strings {
            Strings::All(iter) => {
                if !iter.next_into(&mut self.text)? {
                    return Ok(false);
                }
            }
            Strings::Some(cursor, places) => {
                let Some(place) = places.next() else {
                    return Ok(false);
                };
                self.text.clear();
                self.text.extend_from_slice(self.prefix);
                self.text.extend_from_slice(cursor.get(place as usize)?);
            }
        }
        self.read += 1;
        if is_folded {
            self.fold()?;
        }
        Ok(true)
    }

    fn fold(&mut self) -> Result<(), Corrupt> {
        // Most anchors are what they are folded to.
        if self
            .text
            .iter()
            .all(|b| b.is_ascii() && !b.is_ascii_uppercase())
        {
            self.folded = None;
            return Ok(());
        }
        let text = std::str::from_utf8(&self.text).map_err(|_| Corrupt("an anchor"))?;
        let folded = self.folded.get_or_insert_default();
        folded.clear();
        fold_into(text, folded);
        Ok(())
    }

    fn as_written(&self) -> Text<'_> {
        match &self.strings {
            Strings::All(iter) => iter.last(&self.text),
            Strings::Some(..) => self.text.as_slice().into(),
        }
    }

    fn folded(&self) -> &[u8] {
        self.folded.as_ref().map_or(&self.text, |f| f.as_bytes())
    }

    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        if self.folded.is_none() && other.folded.is_none() {
            return self.text.cmp(&other.text);
        }
        (self.folded(), &self.text).cmp(&(other.folded(), &other.text))
    }
}

impl<'a> MergedStrings<'a> {
    /// What it holds for each list, whose string at hand is short.
    pub(crate) const LIST_BYTES: usize = size_of::<Source<'_>>() + 2 * size_of::<u32>() + 64;

    /// Starts anew, with lists in order of (folded, as written), or of bytes.
    pub(super) fn begin(&mut self, lists: impl Iterator<Item = StringList<'a>>, is_folded: bool) {
        let all = lists.map(|list| (&[][..], Strings::All(list.iter())));
        self.begin_with(all, is_folded);
    }

    /// [`begin`](Self::begin), with some strings of each list, behind what stands in front of all of that list.
    pub(crate) fn begin_some(
        &mut self,
        lists: impl Iterator<Item = (&'a [u8], StringList<'a>, PlacesIter<'a>)>,
        is_folded: bool,
    ) {
        let some = lists.map(|(prefix, list, places)| {
            // Of which each string is read from the one before, without anything in front.
            let is_plain = prefix.is_empty() && places.is_all_of(list.len());
            let strings = match is_plain {
                true => Strings::All(list.iter()),
                false => Strings::Some(StringCursor::new(list), places),
            };
            (prefix, strings)
        });
        self.begin_with(some, is_folded);
    }

    fn begin_with(
        &mut self,
        lists: impl Iterator<Item = (&'a [u8], Strings<'a>)>,
        is_folded: bool,
    ) {
        self.spare.extend(self.sources.drain(..).map(|s| s.text));
        self.heap.clear();
        self.having.clear();
        self.is_folded = is_folded;
        for (prefix, strings) in lists {
            self.having.push(self.sources.len() as u64 as u32);
            self.sources.push(Source {
                strings,
                prefix,
                read: 0,
                text: self.spare.pop().unwrap_or_default(),
                folded: None,
            });
        }
    }

    /// Goes to the next string; `false` where there is none.
    pub(crate) fn advance(&mut self) -> Result<bool, Damage> {
        let Self {
            sources,
            heap,
            having,
            is_folded,
            ..
        } = self;
        for at in having.drain(..) {
            let Some(source) = sources.get_mut(at as usize) else {
                continue;
            };
            let advanced = source.advance(*is_folded);
            if advanced.map_err(Damage::of(at as usize))? {
                heap.push(at, |a, b| cmp(sources, a, b).is_lt());
            }
        }
        let Some(first) = heap.pop(|a, b| cmp(sources, a, b).is_lt()) else {
            return Ok(false);
        };
        having.push(first);
        while let Some(next) = heap.first()
            && cmp(sources, first, next).is_eq()
        {
            heap.pop(|a, b| cmp(sources, a, b).is_lt());
            having.push(next);
        }
        Ok(true)
    }

    /// The present string.
    pub(crate) fn text(&self) -> &[u8] {
        self.present().map_or(&[], |source| &source.text)
    }

    /// The present string, with how one of the lists has it.
    pub(super) fn as_written(&self) -> Text<'_> {
        match self.present() {
            Some(source) => source.as_written(),
            None => Text::from(&[][..]),
        }
    }

    /// Its folded form.
    pub(crate) fn folded(&self) -> &[u8] {
        self.present().map_or(&[], Source::folded)
    }

    fn present(&self) -> Option<&Source<'a>> {
        self.sources.get(*self.having.first()? as usize)
    }

    /// The lists that have it, each with its place there. In no order.
    pub(crate) fn having(&self) -> impl Iterator<Item = (usize, u32)> {
        self.having.iter().map(|at| {
            let read = self.sources.get(*at as usize).map_or(0, |s| s.read);
            (*at as usize, read.saturating_sub(1))
        })
    }
}

fn cmp(sources: &[Source<'_>], a: u32, b: u32) -> std::cmp::Ordering {
    match (sources.get(a as usize), sources.get(b as usize)) {
        (Some(a), Some(b)) => a.cmp(b),
        (a, b) => a.is_some().cmp(&b.is_some()),
    }
}
