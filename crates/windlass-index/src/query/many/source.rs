//! What one site block has of a question's range.

use std::ops::Range;

use crate::bytes::Corrupt;
use crate::column::BLOCK;
use crate::error::IndexError;
use crate::places::{Places, PlacesBuilder};
use crate::query::Question;
use crate::query::one::matching_urls;
use crate::segment::Segment;
use crate::site::SiteBlock;

/// How many links are read between looks at the stop flag.
const STRIDE: usize = 1 << 14;

/// What allocators add to something small, about.
pub(super) const ALLOCATION_BYTES: usize = 16;

/// The links of a site block to the urls of a range, and what they name.
#[derive(Debug)]
pub(super) struct Source<'a> {
    /// Which segment the block is in.
    pub(super) at: usize,
    pub(super) segment: &'a Segment,
    /// The site, and where its block is.
    pub(super) site_key: Vec<u8>,
    offset: u64,
    pub(super) urls: Vec<Range<usize>>,
    pub(super) links: Vec<Range<usize>>,
    /// The pages that have such links, by their places in the block.
    pub(super) places: Places,
    /// The forms of the links.
    pub(super) forms: Places,
}

/// A link, by the numbers of its block.
#[derive(Debug, Clone, Copy)]
pub(super) struct Link {
    pub(super) number: usize,
    pub(super) form: u32,
    /// Of its page.
    pub(super) place: u32,
    /// Whether it was not seen at all of its page's times.
    pub(super) is_exception: bool,
}

impl<'a> Source<'a> {
    /// What a site, whose block is at an offset, has of the range; `None` where that is nothing.
    pub(super) fn open(
        at: usize,
        segment: &'a Segment,
        (site_key, offset): (&[u8], u64),
        question: &Question<'_>,
    ) -> Result<Option<Self>, IndexError> {
        let wrong = |corrupt| segment.corrupt(corrupt);
        let mut block = segment.site_at(site_key, offset).map_err(wrong)?;
        let urls = matching_urls(&block, question.target).map_err(wrong)?;
        let mut links = Vec::with_capacity(urls.len());
        for urls in &urls {
            let start = block.hrefs.start(urls.start).map_err(wrong)?;
            let end = block.hrefs.start(urls.end).map_err(wrong)?;
            links.push(start..end);
        }
        let count: usize = links.iter().map(ExactSizeIterator::len).sum();
        if count == 0 {
            return Ok(None);
        }
        let (places, forms);
        if count == block.hrefs.len() {
            places = Places::All(block.pages.len());
            forms = Places::All(block.forms.len());
        } else {
            let mut used_places = PlacesBuilder::new(block.pages.len(), count);
            let mut used_forms = PlacesBuilder::new(block.forms.len(), count);
            for links in &links {
                let mut start = links.start;
                while start < links.end {
                    if start.is_multiple_of(STRIDE) {
                        question.check_cancelled()?;
                    }
                    let end = links.end.min((start / BLOCK + 1) * BLOCK);
                    let some = block.hrefs.forms_and_pages(start..end).map_err(wrong)?;
                    used_forms.extend(some.0);
                    used_places.extend(some.1);
                    start = end;
                }
            }
            places = used_places.build();
            forms = used_forms.build();
        }
        Ok(Some(Self {
            at,
            segment,
            site_key: site_key.to_owned(),
            offset,
            urls,
            links,
            places,
            forms,
        }))
    }

    /// Bytes of memory, about.
    pub(super) fn memory(&self) -> usize {
        let ranges = self.urls.capacity() + self.links.capacity();
        size_of::<Self>()
            + 3 * ALLOCATION_BYTES
            + self.site_key.capacity()
            + ranges * size_of::<Range<usize>>()
            + self.places.memory()
            + self.forms.memory()
    }

    /// How many links there are.
    pub(super) fn count(&self) -> usize {
        self.links.iter().map(ExactSizeIterator::len).sum()
    }

    /// The block. Opened anew each time: there may be more sources than blocks fit into memory.
    pub(super) fn block(&self) -> Result<SiteBlock<'a>, IndexError> {
        self.segment
            .site_at(&self.site_key, self.offset)
            .map_err(self.wrong())
    }

    pub(super) fn wrong(&self) -> impl Fn(Corrupt) -> IndexError + use<'a> {
        let segment = self.segment;
        move |corrupt| segment.corrupt(corrupt)
    }

    /// Calls `each` with the links in their order.
    pub(super) fn for_each_link(
        &self,
        block: &mut SiteBlock<'a>,
        question: &Question<'_>,
        mut each: impl FnMut(&mut SiteBlock<'a>, Link) -> Result<(), Corrupt>,
    ) -> Result<(), IndexError> {
        let wrong = self.wrong();
        let (mut forms, mut places) = (Vec::with_capacity(BLOCK), Vec::with_capacity(BLOCK));
        for links in &self.links {
            let mut exception = block.hrefs.next_exception(links.start).map_err(&wrong)?;
            let mut start = links.start;
            while start < links.end {
                if start.is_multiple_of(STRIDE) {
                    question.check_cancelled()?;
                }
                let end = links.end.min((start / BLOCK + 1) * BLOCK);
                let some = block.hrefs.forms_and_pages(start..end).map_err(&wrong)?;
                forms.clear();
                forms.extend_from_slice(some.0);
                places.clear();
                places.extend_from_slice(some.1);
                for (number, (&form, &place)) in (start..).zip(forms.iter().zip(&places)) {
                    let is_exception = exception == Some(number);
                    let link = Link {
                        number,
                        form,
                        place,
                        is_exception,
                    };
                    each(block, link).map_err(&wrong)?;
                    if is_exception {
                        exception = block.hrefs.next_exception(number + 1).map_err(&wrong)?;
                    }
                }
                start = end;
            }
        }
        Ok(())
    }
}

impl Link {
    /// The times at which it was seen, in order, into `times`. `page` is the number of its page.
    pub(super) fn times(
        &self,
        block: &mut SiteBlock<'_>,
        page: u32,
        times: &mut Vec<u32>,
    ) -> Result<(), Corrupt> {
        if !self.is_exception {
            return block.page_times.of(self.place, page, times);
        }
        let seen = block.hrefs.exception(self.number as u64 as u32)?;
        times.clear();
        times.extend(seen.unwrap_or_default().iter().map(|(time, _)| *time));
        Ok(())
    }
}
