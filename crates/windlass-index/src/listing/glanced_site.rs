//! What the columns of a site block say of its links.

use std::ops::Range;

use windlass_links::anchor::fold_into;
use windlass_links::{CaptureTime, History, Rel};

use super::Looks;
use super::links::history_of;
use crate::bytes::Corrupt;
use crate::query::dates;
use crate::segment::Segment;
use crate::showings::Showings;
use crate::sighting::split_attr;
use crate::site::SiteBlock;

/// What is known of a link, whatever the history.
#[derive(Debug, Clone, Copy)]
pub(super) struct Glanced {
    /// Seconds.
    pub(super) first_seen: u32,
    /// Seconds.
    pub(super) last_visited: u32,
    pub(super) lost: Option<CaptureTime>,
    pub(super) rel: Rel,
    pub(super) refdomain: u32,
    /// The number of the part that is asked for.
    pub(super) part: u32,
}

/// A page of the block: first seen, last visited and lost of the links that were seen at all of its times
/// there, and the number of its domain. All 0: not looked at yet. Lost 0: they are live; nothing is lost
/// in the first second of all. Last visited before first seen: no capture that counts shows them.
type PageDates = [u32; 4];
/// Of a page whose links no capture shows.
const SHOWN_NEVER: PageDates = [1, 0, 0, 0];

/// A rel that was not looked at yet.
const UNREAD: u16 = u16::MAX;

/// A block whose links are looked at.
pub(super) struct GlancedSite<'a, 'w> {
    segment: &'a Segment,
    block: SiteBlock<'a>,
    looks: Looks,
    pages: Vec<PageDates>,
    /// By the number of the attr.
    rels: Vec<u16>,
    wants_anchor: Option<&'w dyn Fn(&str) -> bool>,
    /// Whether each form is wanted, as far as is known.
    wanted_forms: Vec<Option<bool>>,
    /// The next link that was not seen at all of its page's times, of the kind at hand.
    exception: (bool, Option<usize>),
    /// The url of the link looked at last, its kind, and the links to it.
    url: (usize, bool, Range<usize>),
    times: Vec<u32>,
    text: Vec<u8>,
}

/// Bytes of memory, about, that looking at the links to some urls takes: no more pages, rels and anchors are
/// touched than there are links.
pub(super) fn bytes(
    block: &SiteBlock<'_>,
    urls: &[Range<usize>],
    looks: Looks,
    wants_anchors: bool,
) -> Result<usize, Corrupt> {
    let mut links = 0usize;
    for mut table in [block.hrefs.clone(), block.others.clone()] {
        for urls in urls {
            links += table
                .start(urls.end)?
                .saturating_sub(table.start(urls.start)?);
        }
    }
    let of = |things: usize, bytes: usize| things.min(links).saturating_mul(bytes);
    let mut bytes = of(block.pages.len(), size_of::<PageDates>());
    if looks.rel {
        bytes += of(block.attrs.len(), size_of::<u16>());
    }
    if wants_anchors {
        bytes += of(block.forms.len(), size_of::<Option<bool>>());
    }
    Ok(bytes)
}

impl<'a, 'w> GlancedSite<'a, 'w> {
    pub(super) fn new(
        segment: &'a Segment,
        block: SiteBlock<'a>,
        looks: Looks,
        wants_anchor: Option<&'w dyn Fn(&str) -> bool>,
    ) -> Self {
        Self {
            segment,
            // Memory that is zero costs where it is touched.
            pages: vec![[0; 4]; block.pages.len()],
            rels: vec![UNREAD; if looks.rel { block.attrs.len() } else { 0 }],
            wanted_forms: match wants_anchor {
                Some(_) => vec![None; block.forms.len()],
                None => Vec::new(),
            },
            block,
            looks,
            wants_anchor,
            exception: (true, None),
            url: (0, false, 0..0),
            times: Vec::new(),
            text: Vec::new(),
        }
    }

    /// The links to some urls, as ranges of places.
    pub(super) fn links(
        &mut self,
        urls: &[Range<usize>],
        is_other: bool,
    ) -> Result<Vec<Range<usize>>, Corrupt> {
        let table = match is_other {
            false => &mut self.block.hrefs,
            true => &mut self.block.others,
        };
        let mut all = Vec::with_capacity(urls.len());
        for urls in urls {
            all.push(table.start(urls.start)?..table.start(urls.end)?);
        }
        Ok(all)
    }

    /// The forms, or types, and the pages of links that lie in one block of the columns; the links that are
    /// looked at next.
    pub(super) fn columns(
        &mut self,
        is_other: bool,
        links: Range<usize>,
    ) -> Result<(&[u32], &[u32]), Corrupt> {
        let table = match is_other {
            false => &mut self.block.hrefs,
            true => &mut self.block.others,
        };
        self.exception = (is_other, table.next_exception(links.start)?);
        table.forms_and_pages(links)
    }

    /// Whether links with a form are wanted for their anchors.
    pub(super) fn wants(&mut self, is_other: bool, form: u32) -> Result<bool, Corrupt> {
        let Some(wants) = self.wants_anchor else {
            return Ok(true);
        };
        if is_other {
            return Ok(wants(""));
        }
        let known = self.wanted_forms.get_mut(form as usize);
        let known = known.ok_or(Corrupt("a form"))?;
        if let Some(known) = known {
            return Ok(*known);
        }
        self.block.forms.get(form as usize, &mut self.text)?;
        let anchor = str::from_utf8(&self.text).map_err(|_| Corrupt("an anchor"))?;
        let mut folded = String::new();
        fold_into(anchor, &mut folded);
        Ok(*known.insert(wants(&folded)))
    }

    /// What is known of a link of those that [`columns`](Self::columns) gave last, on the page at a place;
    /// `None` where no capture that counts shows it.
    pub(super) fn glance(
        &mut self,
        is_other: bool,
        link: usize,
        place: u32,
    ) -> Result<Option<Glanced>, Corrupt> {
        let [first_seen, last_visited, lost, domain] = self.page(place)?;
        if self.is_exception(is_other, link)? {
            return self.exceptional(is_other, link, place, domain);
        }
        if last_visited < first_seen {
            return Ok(None);
        }
        Ok(Some(Glanced {
            first_seen,
            last_visited,
            lost: (lost > 0).then(|| CaptureTime::from_unix(lost)),
            rel: self.rel(is_other, link)?,
            refdomain: domain,
            part: 0,
        }))
    }

    /// Whether a link was not seen at all of its page's times. Links come in order.
    fn is_exception(&mut self, is_other: bool, link: usize) -> Result<bool, Corrupt> {
        // Those that are not wanted were not asked about.
        if self.exception.1.is_some_and(|next| next < link) {
            let table = match is_other {
                false => &mut self.block.hrefs,
                true => &mut self.block.others,
            };
            self.exception.1 = table.next_exception(link)?;
        }
        Ok(self.exception == (is_other, Some(link)))
    }

    /// The number of the url that a link leads to. Links that come in order cost little each.
    pub(super) fn url_of(&mut self, is_other: bool, link: usize) -> Result<u32, Corrupt> {
        let (url, of_others, links) = &self.url;
        if *of_others != is_other || !links.contains(&link) {
            let next = (url + 1, links.end);
            let is_next = *of_others == is_other && next.1 == link && !links.is_empty();
            let table = match is_other {
                false => &mut self.block.hrefs,
                true => &mut self.block.others,
            };
            let urls = self.block.urls.len();
            let mut url = if is_next {
                next.0
            } else {
                table.url_of(link, urls)?
            };
            let mut end = table.start(url + 1)?;
            // Some have no links of the kind.
            while end <= link && url < urls {
                url += 1;
                end = table.start(url + 1)?;
            }
            self.url = (url, is_other, link..end);
        }
        Ok(self.url.0 as u64 as u32)
    }

    fn page(&mut self, place: u32) -> Result<PageDates, Corrupt> {
        let known = self.pages.get(place as usize).copied();
        let known = known.ok_or(Corrupt("a page's place"))?;
        if known != [0; 4] {
            return Ok(known);
        }
        let page = self.block.pages.at(place as usize)?;
        let (first_seen, last_visited) = self.block.page_times.first_and_last(place, page)?;
        let is_live =
            !self.segment.is_revisited(page) && self.segment.latest(page)? == last_visited;
        let mut found = [first_seen, last_visited, 0, 0];
        if !is_live {
            self.block.page_times.of(place, page, &mut self.times)?;
            let showings = self.showings(page)?;
            found = match dates::with_loss(&self.times, &showings, History::AllTime) {
                Some((dates, lost)) => {
                    let lost = lost.map_or(0, CaptureTime::unix);
                    [dates.first_seen, dates.last_visited, lost, 0]
                }
                None => SHOWN_NEVER,
            };
        }
        if self.looks.refdomain
            && let Some(domain) = found.last_mut()
        {
            *domain = self.segment.domains()?.of_page(page)?;
        }
        if let Some(known) = self.pages.get_mut(place as usize) {
            *known = found;
        }
        Ok(found)
    }

    fn showings(&self, page: u32) -> Result<Showings, Corrupt> {
        Ok(Showings::of(&self.segment.page(page)?.1))
    }

    /// The rel of a link that has one attr.
    fn rel(&mut self, is_other: bool, link: usize) -> Result<Rel, Corrupt> {
        if !self.looks.rel {
            return Ok(Rel::NONE);
        }
        let table = match is_other {
            false => &mut self.block.hrefs,
            true => &mut self.block.others,
        };
        let attr = table.attrs.get(link)? as usize;
        let known = self.rels.get_mut(attr).ok_or(Corrupt("an attr's number"))?;
        if *known == UNREAD {
            self.block.attrs.get(attr, &mut self.text)?;
            *known = u16::from(split_attr(&self.text).0.bits());
        }
        // It was a byte.
        Ok(Rel::from_bits(*known as u8))
    }

    /// What is known of a link that was not seen at all of its page's times.
    fn exceptional(
        &mut self,
        is_other: bool,
        link: usize,
        place: u32,
        refdomain: u32,
    ) -> Result<Option<Glanced>, Corrupt> {
        let table = match is_other {
            false => &mut self.block.hrefs,
            true => &mut self.block.others,
        };
        let seen = table.exception(link as u64 as u32)?.unwrap_or_default();
        let mut sightings = Vec::with_capacity(seen.len());
        for (time, attr) in seen {
            let mut text = Vec::new();
            self.block.attrs.get(attr as usize, &mut text)?;
            sightings.push((time, text));
        }
        let page = self.block.pages.at(place as usize)?;
        let showings = self.showings(page)?;
        let known = history_of(&mut sightings, &mut self.times, &showings, History::AllTime);
        let Some((dates, lost, attr)) = known else {
            return Ok(None);
        };
        Ok(Some(Glanced {
            first_seen: dates.first_seen,
            last_visited: dates.last_visited,
            lost,
            rel: split_attr(&attr).0,
            refdomain,
            part: 0,
        }))
    }
}
