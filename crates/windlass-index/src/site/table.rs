//! The links of a site block, as columns.

use windlass_links::LinkType;

use super::lists::Lists;
use crate::bytes::{Bytes, Corrupt};
use crate::column::{BLOCK, Column};

/// The links of one kind (`href`, or all others) of a site.
#[derive(Debug, Clone)]
pub(crate) struct Table<'a> {
    n: usize,
    starts: Column<'a>,
    /// Form, or link type.
    pub(crate) forms: Column<'a>,
    /// Page, by its place in the block.
    pub(crate) pages: Column<'a>,
    /// Attr.
    pub(crate) attrs: Column<'a>,
    exceptions: Lists<'a>,
}

impl<'a> Table<'a> {
    /// Without links.
    pub(super) fn empty() -> Self {
        Self {
            n: 0,
            starts: Column::empty(),
            forms: Column::empty(),
            pages: Column::empty(),
            attrs: Column::empty(),
            exceptions: Lists::empty(),
        }
    }

    /// Becomes another table. What it has allocated is used again.
    pub(super) fn read_again(
        &mut self,
        bytes: &mut Bytes<'a>,
        n: usize,
        urls: usize,
    ) -> Result<(), Corrupt> {
        self.n = n;
        if n == 0 {
            self.starts.clear();
            self.forms.clear();
            self.pages.clear();
            self.attrs.clear();
            self.exceptions.clear();
            return Ok(());
        }
        self.starts.read_again(bytes, urls)?;
        self.forms.read_again(bytes, n)?;
        self.pages.read_again(bytes, n)?;
        self.attrs.read_again(bytes, n)?;
        self.exceptions.read_again(bytes)
    }

    pub(crate) fn len(&self) -> usize {
        self.n
    }

    /// Place of the first link to the url at that place or behind it.
    pub(crate) fn start(&mut self, url: usize) -> Result<usize, Corrupt> {
        if url >= self.starts.len() {
            return Ok(self.n);
        }
        Ok(self.starts.at(url)? as usize)
    }

    /// The url, of so many, that a link leads to, by its place.
    pub(crate) fn url_of(&mut self, link: usize, urls: usize) -> Result<usize, Corrupt> {
        if link >= self.n {
            return Err(Corrupt("a link's place"));
        }
        // The last one that begins at the link or before it: those before may have no links.
        let (mut low, mut high) = (0, urls);
        while low < high {
            let middle = low.midpoint(high);
            if self.start(middle)? <= link {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low.checked_sub(1).ok_or(Corrupt("a link's place"))
    }

    /// The place of the first exception that is not before `link`.
    pub(crate) fn next_exception(&mut self, link: usize) -> Result<Option<usize>, Corrupt> {
        if self.exceptions.is_empty() {
            return Ok(None);
        }
        let link = u32::try_from(link).map_err(|_| Corrupt("a link's number"))?;
        Ok(self.exceptions.next_key(link)?.map(|key| key as usize))
    }

    /// The forms and the pages of a range of links that lies in one block of the columns.
    pub(crate) fn forms_and_pages(
        &mut self,
        links: std::ops::Range<usize>,
    ) -> Result<(&[u32], &[u32]), Corrupt> {
        if links.is_empty() {
            return Ok((&[], &[]));
        }
        let block = links.start / BLOCK;
        let range = links.start % BLOCK..links.end - block * BLOCK;
        let wrong = || Corrupt("a range of links");
        let forms = self.forms.block(block)?;
        let pages = self.pages.block(block)?;
        Ok((
            forms.get(range.clone()).ok_or_else(wrong)?,
            pages.get(range).ok_or_else(wrong)?,
        ))
    }

    /// The sightings of an exception, as (time, attr) in order of time; `None` where the link
    /// was seen at all of its page's times.
    pub(crate) fn exception(&mut self, link: u32) -> Result<Option<Vec<(u32, u32)>>, Corrupt> {
        let Some(mut bytes) = self.exceptions.get(link)? else {
            return Ok(None);
        };
        let mut sightings = Vec::new();
        let mut time = 0u32;
        for _ in 0..bytes.varint_usize()? {
            time = time
                .checked_add(bytes.varint_u32()?)
                .ok_or(Corrupt("a time"))?;
            sightings.push((time, bytes.varint_u32()?));
        }
        Ok(Some(sightings))
    }
}

/// The link types that the table of other links holds, by their number.
pub(crate) fn link_type(number: u32) -> Result<LinkType, Corrupt> {
    LinkType::ALL
        .get(number as usize)
        .copied()
        .ok_or(Corrupt("a link type"))
}
