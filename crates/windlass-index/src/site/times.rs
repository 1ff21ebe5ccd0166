//! When the pages of a block showed a link to the site.

use std::io::{self, Write};
use std::ops::Range;
use std::sync::Arc;

use super::subset::{Subset, SubsetBuilder};
use crate::bytes::{Bytes, Corrupt, put_varint, sized_length, write_varint};
use crate::column::{Column, ColumnBuilder};
use crate::fetch::{AT_ONCE, fetch, is_far};
use crate::recaptured::{CaptureTimes, Recaptured, earlier, for_each_earlier};
use crate::spool::{Scratch, Spool};
use crate::stretch::Stretch;

/// Encodes the times of pages as they come.
#[derive(Debug, Default)]
pub(super) struct TimesBuilder {
    pages: u64,
    n: u64,
    own: SubsetBuilder,
    ends: ColumnBuilder,
    data: Spool,
    buffer: Vec<u8>,
}

impl TimesBuilder {
    /// For blocks that may be larger than memory.
    pub(super) fn new(scratch: &Arc<Scratch>) -> Self {
        Self {
            own: SubsetBuilder::new(scratch),
            ends: ColumnBuilder::new(scratch),
            data: Spool::new(scratch),
            ..Self::default()
        }
    }

    /// Adds a page all of whose real captures showed a link to the site.
    pub(super) fn push_whole(&mut self) {
        self.pages += 1;
    }

    /// Adds a page with the time of its latest real capture, and those at which it showed a link to
    /// the site, which not all did: ascending, at least one, none after the latest.
    pub(super) fn push(&mut self, latest: u32, times: &[u32]) {
        self.n += 1;
        self.own.push(self.pages as u32);
        self.buffer.clear();
        let mut after = latest;
        for time in times.iter().rev() {
            put_varint(&mut self.buffer, u64::from(after.wrapping_sub(*time)));
            after = *time;
        }
        self.data.put(&self.buffer);
        // Over 4 GiB is refused by `close`.
        self.ends.push(self.data.len() as u32);
        self.pages += 1;
    }

    /// How many pages there are.
    pub(super) fn pages(&self) -> u64 {
        self.pages
    }

    /// No more pages come: now the length is known.
    pub(super) fn close(&mut self) -> Result<(), Corrupt> {
        if u32::try_from(self.data.len()).is_err() {
            return Err(Corrupt("times of pages over 4 GiB"));
        }
        self.own.close(self.pages)?;
        self.ends.close()
    }

    /// Bytes of the times, which are closed.
    pub(super) fn length(&self) -> u64 {
        let own = self.own.length();
        if self.n == 0 {
            return own;
        }
        own + self.ends.length() + sized_length(self.data.len())
    }

    /// Bytes of memory held.
    pub(super) fn memory(&self) -> usize {
        self.own.memory() + self.ends.memory() + self.data.memory()
    }

    /// Writes the times, which are closed, and begins new ones.
    pub(super) fn write_to(&mut self, out: &mut impl Write) -> io::Result<()> {
        self.own.write_to(out)?;
        if self.n > 0 {
            self.ends.write_to(out)?;
            write_varint(out, self.data.len())?;
            self.data.write_to(out)?;
        }
        self.clear();
        Ok(())
    }

    /// Begins new ones.
    pub(super) fn clear(&mut self) {
        self.pages = 0;
        self.n = 0;
        self.own.clear();
        self.ends.clear();
        self.data.clear();
    }
}

/// When each page of a block showed a link to the site: in all of its real captures, but for pages that have a list of
/// their own. Only those that were captured several times can have one.
#[derive(Debug, Clone)]
pub(crate) struct PageTimes<'a> {
    captures: CaptureTimes<'a>,
    own: Subset<'a>,
    ends: Column<'a>,
    data: Stretch<'a>,
}

impl<'a> PageTimes<'a> {
    /// Of no pages.
    pub(super) fn empty(captures: CaptureTimes<'a>) -> Self {
        Self {
            captures,
            own: Subset::empty(),
            ends: Column::empty(),
            data: Stretch::trusted(&[]),
        }
    }

    /// Becomes the times of a block with so many pages. `captures` tells of the segment's pages when they were
    /// really captured. What is allocated is used again.
    pub(super) fn read_again(
        &mut self,
        bytes: &mut Bytes<'a>,
        pages: usize,
        captures: CaptureTimes<'a>,
    ) -> Result<(), Corrupt> {
        self.captures = captures;
        self.own = Subset::read(bytes, pages)?;
        if self.own.len() == 0 {
            self.ends.clear();
            self.data = Stretch::trusted(&[]);
            return Ok(());
        }
        self.ends.read_again(bytes, self.own.len())?;
        self.data = bytes.sized_stretch()?;
        Ok(())
    }

    /// The list of the page at that place, if it has one.
    #[inline]
    fn own(&mut self, place: u32) -> Result<Option<Bytes<'a>>, Corrupt> {
        match self.own.rank(place as usize)? {
            Some(at) => self.list(at).map(Some),
            None => Ok(None),
        }
    }

    /// The list of the page that has so many before it with lists of their own.
    #[inline]
    fn list(&mut self, at: usize) -> Result<Bytes<'a>, Corrupt> {
        let range = self.range(at)?;
        self.data.get(range).map(Bytes::new)
    }

    /// Where that list lies.
    #[inline]
    fn range(&mut self, at: usize) -> Result<Range<usize>, Corrupt> {
        let start = match at.checked_sub(1) {
            None => 0,
            Some(before) => self.ends.at(before)? as usize,
        };
        let end = self.ends.at(at)? as usize;
        if end < start {
            return Err(Corrupt("the times of a page"));
        }
        Ok(start..end)
    }

    /// The times of a page, by its place in the block and its number in the segment, in order, into
    /// `times`.
    pub(crate) fn of(
        &mut self,
        place: u32,
        page: u32,
        times: &mut Vec<u32>,
    ) -> Result<(), Corrupt> {
        let latest = self.latest(page)?;
        self.up_to(latest, place, page, times)
    }

    /// When a page, by its number in the segment, was last really captured.
    #[inline]
    fn latest(&self, page: u32) -> Result<u32, Corrupt> {
        self.captures.latest().get(page as usize)
    }

    /// [`of`](Self::of) a page that was last really captured at `latest`.
    pub(crate) fn up_to(
        &mut self,
        latest: u32,
        place: u32,
        page: u32,
        times: &mut Vec<u32>,
    ) -> Result<(), Corrupt> {
        if !self.own_up_to(latest, place, times)? {
            times.push(latest);
            self.captures.append_earlier(page, latest, times)?;
            times.reverse();
        }
        Ok(())
    }

    /// The times of a page that was last really captured at `latest`, where these are not those of all its real
    /// captures; whether they are not.
    pub(crate) fn own_up_to(
        &mut self,
        latest: u32,
        place: u32,
        times: &mut Vec<u32>,
    ) -> Result<bool, Corrupt> {
        times.clear();
        let Some(list) = self.own(place)? else {
            return Ok(false);
        };
        for_each_earlier(latest, list, |time| times.push(time))?;
        times.reverse();
        Ok(true)
    }

    /// The first and the last time of a page, by its place in the block and its number in the segment.
    #[inline]
    pub(crate) fn first_and_last(&mut self, place: u32, page: u32) -> Result<(u32, u32), Corrupt> {
        let latest = self.latest(page)?;
        let Some(list) = self.captures.list_of(page)? else {
            return Ok((latest, latest));
        };
        let span = match self.own(place)? {
            Some(own) => PageSpan::of(own, latest)?,
            None => PageSpan::whole(list, latest)?,
        };
        Ok((span.first, span.last))
    }

    /// The first and the last time of each of some pages, by their places in the block and their numbers in the
    /// segment, and when it was last really captured. What is read for one lies anywhere in memory, so the same is read
    /// for all of them, which need not wait for each other, before what follows from it. [`AT_ONCE`] pages are enough
    /// for that, and few enough that what is fetched is near when it is read.
    pub(crate) fn spans(
        &mut self,
        (places, pages): (&[u32], &[u32]),
        spans: &mut Vec<PageSpan>,
    ) -> Result<(), Corrupt> {
        debug_assert!(places.len() == pages.len() && pages.len() <= AT_ONCE);
        spans.clear();
        spans.reserve(pages.len());
        self.captures.latest().for_each(pages, |latest| {
            spans.push(PageSpan {
                first: latest,
                last: latest,
                latest,
            });
        })?;
        if self.captures.recaptured_pages() == 0 {
            return Ok(());
        }
        self.captures.fetch(pages);
        let mut found = Vec::new();
        for ((place, page), span) in places.iter().zip(pages).zip(spans) {
            if let Some(several) = self.captures.find(*page)? {
                found.push((*place, several, span));
            }
        }
        if self.own.len() > 0 {
            self.own_spans(&mut found)?;
        }
        self.captures
            .fetch_ends(found.iter().map(|(_, several, _)| *several));
        let mut ranges = Vec::with_capacity(found.len());
        for (_, several, _) in &found {
            ranges.push(self.captures.range(*several)?);
        }
        self.captures
            .fetch_bytes(ranges.iter().map(|range| range.start));
        for (range, (.., span)) in ranges.into_iter().zip(found) {
            *span = PageSpan::whole(self.captures.list(range)?, span.latest)?;
        }
        Ok(())
    }

    /// Of pages that were captured several times, those that have lists of their own get what these say, and go.
    fn own_spans(
        &mut self,
        found: &mut Vec<(u32, Recaptured, &mut PageSpan)>,
    ) -> Result<(), Corrupt> {
        let places: Vec<u32> = found.iter().map(|(place, ..)| *place).collect();
        self.own.fetch(&places);
        let mut lists = Vec::new();
        let mut whole = Vec::with_capacity(found.len());
        for (place, several, span) in found.drain(..) {
            match self.own.rank(place as usize)? {
                Some(at) => lists.push((at, span)),
                None => whole.push((place, several, span)),
            }
        }
        *found = whole;
        self.ends.fetch(lists.iter().map(|(at, _)| *at));
        let mut ranges = Vec::with_capacity(lists.len());
        for (at, _) in &lists {
            ranges.push(self.range(*at)?);
        }
        if is_far(self.data.len()) {
            fetch(&self.data, ranges.iter().map(|range| range.start));
        }
        for (range, (_, span)) in ranges.into_iter().zip(lists) {
            let list = Bytes::new(self.data.get(range)?);
            *span = PageSpan::of(list, span.latest)?;
        }
        Ok(())
    }
}

/// Between which times a page showed a link to the site, and when it was last really captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PageSpan {
    pub(crate) first: u32,
    pub(crate) last: u32,
    pub(crate) latest: u32,
}

impl PageSpan {
    /// That of a page with a list of its own.
    #[inline]
    fn of(mut list: Bytes<'_>, latest: u32) -> Result<Self, Corrupt> {
        let last = earlier(latest, &mut list)?;
        let mut first = last;
        for_each_earlier(last, list, |time| first = time)?;
        Ok(Self {
            first,
            last,
            latest,
        })
    }

    /// That of a page all of whose real captures count, of which those before the latest are listed.
    #[inline]
    fn whole(list: Bytes<'_>, latest: u32) -> Result<Self, Corrupt> {
        let mut first = latest;
        for_each_earlier(latest, list, |time| first = time)?;
        Ok(Self {
            first,
            last: latest,
            latest,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::paged::{Paged, PagedBuilder, Verified};
    use crate::recaptured::RecapturedBuilder;

    proptest! {
        #[test]
        fn spans_are_those_of_all_times(
            pages in prop::collection::vec(
                prop_oneof![
                    3 => (prop::collection::btree_set(1u32 << 20..1 << 21, 1..2), Just(u8::MAX)),
                    1 => (prop::collection::btree_set(1u32 << 20..1 << 21, 1..5), any::<u8>()),
                ],
                1..1500,
            ),
            asked in prop::collection::vec(any::<prop::sample::Index>(), 0..AT_ONCE),
        ) {
            let directory = tempfile::tempdir().unwrap();
            let scratch = Scratch::new(directory.path().to_owned(), 1 << 20);
            let mut recaptured = RecapturedBuilder::new(&scratch);
            let (mut latest, mut times) = (PagedBuilder::default(), TimesBuilder::default());
            let mut expected = Vec::new();
            for (captures, shown) in &pages {
                let last = *captures.last().unwrap();
                latest.push(last);
                recaptured.push(captures.iter().copied()).unwrap();
                let seen = captures.iter().enumerate().filter(|(at, _)| shown >> at & 1 == 1);
                let mut seen: Vec<u32> = seen.map(|(_, time)| *time).collect();
                if seen.is_empty() || seen.len() == captures.len() {
                    times.push_whole();
                    seen = captures.iter().copied().collect();
                } else {
                    times.push(last, &seen);
                }
                expected.push(seen);
            }
            let (mut array, mut section, mut out) = (Vec::new(), Vec::new(), Vec::new());
            latest.finish().write_to(&mut array).unwrap();
            recaptured.finish(&mut section).unwrap();
            times.close().unwrap();
            times.write_to(&mut out).unwrap();
            let verified = Verified::new(&array);
            let latest = Paged::new(&array, &verified);
            let captures = CaptureTimes::open(pages.len(), latest, Stretch::trusted(&section)).unwrap();
            let mut found = PageTimes::empty(captures);
            found.read_again(&mut Bytes::new(&out), pages.len(), captures).unwrap();

            let asked: Vec<u32> = asked.iter().map(|i| i.index(pages.len()) as u32).collect();
            let (mut spans, mut all) = (Vec::new(), Vec::new());
            found.spans((&asked, &asked), &mut spans).unwrap();
            prop_assert_eq!(spans.len(), asked.len());
            for (place, span) in asked.iter().zip(spans) {
                found.of(*place, *place, &mut all).unwrap();
                prop_assert_eq!(&all, &expected[*place as usize]);
                let (first, last) = (all[0], all[all.len() - 1]);
                prop_assert_eq!(found.first_and_last(*place, *place).unwrap(), (first, last));
                let latest = *pages[*place as usize].0.last().unwrap();
                prop_assert_eq!(span, PageSpan { first, last, latest });
                let is_own = all.len() < pages[*place as usize].0.len();
                prop_assert_eq!(found.own_up_to(latest, *place, &mut all).unwrap(), is_own);
            }
            let beyond = [pages.len() as u32];
            prop_assert!(found.spans((&beyond, &beyond), &mut Vec::new()).is_err());
        }
    }
}
