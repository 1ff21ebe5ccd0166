//! What links have in common, read part by part in the order of the index: each once, however many links
//! have it.

use std::sync::atomic::AtomicBool;

use windlass_links::surt::url_of_key;

use super::glance::Glances;
use super::pages::{Page, id};
use crate::bytes::Corrupt;
use crate::error::{IndexError, check};
use crate::segment::Segment;
use crate::site::SiteBlock;
use crate::strings::{StringCursor, StringList};

/// How many parts go by between looks at the stop flag.
const STRIDE: usize = 1 << 10;

/// A part of a link that others may have too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkPart {
    /// The page that it is on.
    Page,
    /// The URL that it leads to.
    Target,
    /// Its anchor as written, of `href` links.
    Anchor,
}

/// Such a part, read.
#[derive(Debug, Clone, Copy)]
pub enum ReadPart<'p> {
    /// A page.
    Page(&'p Page),
    /// A URL, or an anchor.
    Text(&'p str),
}

impl Glances<'_> {
    /// Whether one site has all links of the target, so that their parts have numbers of their own.
    ///
    /// # Errors
    /// Where the index is damaged.
    pub fn is_one_site(&self) -> Result<bool, IndexError> {
        Ok(self.only_site()?.is_some())
    }

    fn only_site(&self) -> Result<Option<SiteBlock<'_>>, IndexError> {
        let mut only = None;
        for (site_key, offset) in &self.sites {
            let (block, urls) = self.block(site_key, *offset)?;
            if !urls.is_empty() && only.replace(block).is_some() {
                return Ok(None);
            }
        }
        Ok(only)
    }

    /// A number that all numbers of parts are below ([`Glance::part`](super::Glance::part)).
    ///
    /// # Errors
    /// Where the index is damaged, and where not one site has all links.
    pub fn part_limit(&self, part: LinkPart) -> Result<usize, IndexError> {
        let only = self.only_site()?;
        let block = only.ok_or(IndexError::TooLarge("the parts of several sites"))?;
        Ok(match part {
            LinkPart::Page => block.pages.len(),
            LinkPart::Target => block.urls.len(),
            LinkPart::Anchor => block.forms.len(),
        })
    }

    /// Calls `each` with parts of links, whose numbers ([`Glance::part`](super::Glance::part)) are given in order.
    /// Some hundred nanoseconds each where they are near each other.
    ///
    /// # Errors
    /// As [`for_each`](Self::for_each); and where not one site has all links.
    pub fn for_each_part<E: From<IndexError>>(
        &self,
        part: LinkPart,
        numbers: &[u32],
        cancel: &AtomicBool,
        mut each: impl FnMut(u32, ReadPart<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let segment = self.segment;
        let wrong = |corrupt: Corrupt| E::from(segment.corrupt(corrupt));
        let only = self.only_site()?;
        let block = only.ok_or(IndexError::TooLarge("the parts of several sites"))?;
        match part {
            LinkPart::Page => pages(segment, block, numbers, cancel, |place, page| {
                each(place, ReadPart::Page(page))
            }),
            LinkPart::Target => {
                let mut key = block.site_key;
                let site_length = key.len();
                strings(segment, block.urls, numbers, cancel, |number, rest| {
                    key.truncate(site_length);
                    key.extend_from_slice(rest);
                    let url = url_of_key(&key);
                    let url = url.ok_or_else(|| wrong(Corrupt("a target's key")))?;
                    each(number, ReadPart::Text(&url))
                })
            }
            LinkPart::Anchor => strings(segment, block.forms, numbers, cancel, |number, text| {
                let text = str::from_utf8(text).map_err(|_| wrong(Corrupt("an anchor")))?;
                each(number, ReadPart::Text(text))
            }),
        }
    }
}

/// Pages of a block, by their places.
fn pages<E: From<IndexError>>(
    segment: &Segment,
    mut block: SiteBlock<'_>,
    places: &[u32],
    cancel: &AtomicBool,
    mut each: impl FnMut(u32, &Page) -> Result<(), E>,
) -> Result<(), E> {
    let wrong = |corrupt: Corrupt| E::from(segment.corrupt(corrupt));
    let domains = segment.domains().map_err(wrong)?;
    let mut all = segment.pages(0).map_err(wrong)?;
    let (mut domain_key, mut domain_end) = (Vec::new(), 0);
    for (at, place) in places.iter().enumerate() {
        if at.is_multiple_of(STRIDE) {
            check(cancel)?;
        }
        let mut read = || {
            let number = block.pages.at(*place as usize)?;
            if number >= domain_end {
                let domain = domains.of_page(number)?;
                domain_end = domains.range(domain as usize)?.1;
                domain_key = domains.key(domain)?;
            }
            all.go_to(number as usize)?;
            let instants = all.advance()?.ok_or(Corrupt("a page number"))?;
            let key = all.key().to_owned();
            Page::new(id(0, number), domain_key.clone(), key, &instants)
        };
        each(*place, &read().map_err(wrong)?)?;
    }
    Ok(())
}

/// Strings of a list, by their places.
fn strings<E: From<IndexError>>(
    segment: &Segment,
    list: StringList<'_>,
    places: &[u32],
    cancel: &AtomicBool,
    mut each: impl FnMut(u32, &[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let mut strings = StringCursor::new(list);
    for (at, place) in places.iter().enumerate() {
        if at.is_multiple_of(STRIDE) {
            check(cancel)?;
        }
        let text = strings.get(*place as usize);
        each(*place, text.map_err(|corrupt| segment.corrupt(corrupt))?)?;
    }
    Ok(())
}
