//! The links of one site block that are wanted, in the order of the block.

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::atomic::AtomicBool;

use windlass_links::LinkType;
use windlass_links::anchor::fold_into;

use super::pages::{Entry, Pages};
use crate::bytes::Corrupt;
use crate::error::{IndexError, check};
use crate::segment::Segment;
use crate::site::{SiteBlock, link_type};

/// How many links that are not wanted are passed over between looks at the stop flag.
const STRIDE: u32 = 1 << 14;

/// One link after the other: `href` links first, then by (target, folded anchor, anchor or type, page).
pub(super) struct Cursor<'a> {
    /// The segment, and its place among those of the listing.
    segment: &'a Segment,
    segment_at: usize,
    block: SiteBlock<'a>,
    /// Places of the urls whose links are wanted, ascending.
    urls: Vec<Range<usize>>,
    /// Places of the pages whose links are wanted, ascending; nothing where all are.
    places: Option<Vec<Range<u32>>>,
    /// Whether links of other types than `href` are wanted too.
    wants_others: bool,
    /// Which folded anchors are wanted; all, where there is nothing.
    wants_anchor: Option<&'a dyn Fn(&str) -> bool>,
    /// Whether each form is wanted, as far as is known: forms are used by many links.
    wanted_forms: Vec<Option<bool>>,
    /// The same of links without a form, whose anchors are empty.
    wanted_others: Option<bool>,
    /// Links gone by since the last look at the stop flag.
    passed: u32,
    /// Where it is.
    other: bool,
    range: usize,
    url: usize,
    links: Range<usize>,
    now: Option<Now>,
    /// Which url, form and attr the texts are of.
    url_read: usize,
    url_key: Vec<u8>,
    form_read: usize,
    form: Vec<u8>,
    folded: String,
}

/// The link that a cursor is at.
struct Now {
    link: usize,
    form: u32,
    place: u32,
    entry: Entry,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(
        segment: &'a Segment,
        segment_at: usize,
        block: SiteBlock<'a>,
        urls: Vec<Range<usize>>,
        places: Option<Vec<Range<u32>>>,
        wants_others: bool,
    ) -> Self {
        Self {
            segment,
            segment_at,
            block,
            url: urls.first().map_or(0, |range| range.start),
            urls,
            places,
            wants_others,
            wants_anchor: None,
            wanted_forms: Vec::new(),
            wanted_others: None,
            passed: 0,
            other: false,
            range: 0,
            links: 0..0,
            now: None,
            url_read: usize::MAX,
            url_key: Vec::new(),
            form_read: usize::MAX,
            form: Vec::new(),
            folded: String::new(),
        }
    }

    /// Passes over links whose folded anchors are not wanted, without a look at their pages.
    pub(super) fn with_anchors(mut self, wants: Option<&'a dyn Fn(&str) -> bool>) -> Self {
        self.wants_anchor = wants;
        self
    }

    /// Whether the link with a form is wanted for its anchor.
    fn wants(&mut self, form: u32) -> Result<bool, Corrupt> {
        let Some(wants) = self.wants_anchor else {
            return Ok(true);
        };
        if self.other {
            return Ok(*self.wanted_others.get_or_insert_with(|| wants("")));
        }
        let at = form as usize;
        if let Some(Some(known)) = self.wanted_forms.get(at) {
            return Ok(*known);
        }
        self.read_texts(form)?;
        let is_wanted = wants(&self.folded);
        // A form that is read is one of the list's, so that the list's length bounds this.
        if self.wanted_forms.len() <= at {
            self.wanted_forms.resize(at + 1, None);
        }
        if let Some(known) = self.wanted_forms.get_mut(at) {
            *known = Some(is_wanted);
        }
        Ok(is_wanted)
    }

    /// Goes to the link at a place among those of its kind; whether it is there, and wanted.
    pub(super) fn go_to(
        &mut self,
        is_other: bool,
        link: usize,
        pages: &mut Pages<'_>,
    ) -> Result<bool, IndexError> {
        let table = match is_other {
            false => &mut self.block.hrefs,
            true => &mut self.block.others,
        };
        let url = table.url_of(link, self.block.urls.len());
        let url = url.map_err(|corrupt| self.segment.corrupt(corrupt))?;
        self.other = is_other;
        // Behind the one at hand, as everywhere.
        self.url = url + 1;
        self.links = link..link + 1;
        // There is but this one.
        self.advance(pages, &AtomicBool::new(false))
    }

    /// Goes to the next link that is wanted; whether there is one.
    pub(super) fn advance(
        &mut self,
        pages: &mut Pages<'_>,
        cancel: &AtomicBool,
    ) -> Result<bool, IndexError> {
        let wrong = |corrupt: Corrupt| self.segment.corrupt(corrupt);
        self.now = None;
        loop {
            while let Some(link) = self.links.next() {
                self.passed += 1;
                if self.passed == STRIDE {
                    self.passed = 0;
                    check(cancel)?;
                }
                let table = if self.other {
                    &mut self.block.others
                } else {
                    &mut self.block.hrefs
                };
                let place = table.pages.get(link).map_err(wrong)?;
                if !is_in(&self.places, place) {
                    continue;
                }
                let form = table.forms.get(link).map_err(wrong)?;
                if !self
                    .wants(form)
                    .map_err(|corrupt| self.segment.corrupt(corrupt))?
                {
                    continue;
                }
                let page = self.block.pages.at(place as usize).map_err(wrong)?;
                let entry = pages.get(self.segment_at, page)?;
                self.read_texts(form)
                    .map_err(|corrupt| self.segment.corrupt(corrupt))?;
                self.now = Some(Now {
                    link,
                    form,
                    place,
                    entry,
                });
                return Ok(true);
            }
            if !self.next_url().map_err(wrong)? {
                return Ok(false);
            }
        }
    }

    /// Opens the links of the next url that is wanted; whether there is one.
    fn next_url(&mut self) -> Result<bool, Corrupt> {
        loop {
            let Some(range) = self.urls.get(self.range) else {
                if self.other || !self.wants_others {
                    return Ok(false);
                }
                self.other = true;
                self.range = 0;
                self.url = self.urls.first().map_or(0, |range| range.start);
                continue;
            };
            if self.url >= range.end {
                self.range += 1;
                self.url = self.urls.get(self.range).map_or(0, |range| range.start);
                continue;
            }
            let table = if self.other {
                &mut self.block.others
            } else {
                &mut self.block.hrefs
            };
            if table.len() == 0 {
                self.range = self.urls.len();
                continue;
            }
            self.links = table.start(self.url)?..table.start(self.url + 1)?;
            self.url += 1;
            return Ok(true);
        }
    }

    fn read_texts(&mut self, form: u32) -> Result<(), Corrupt> {
        let url = self.url.wrapping_sub(1);
        if self.url_read != url {
            self.block.url_key(url, &mut self.url_key)?;
            self.url_read = url;
        }
        if self.other {
            self.form.clear();
            self.folded.clear();
            self.form_read = usize::MAX;
        } else if self.form_read != form as usize {
            self.block.forms.get(form as usize, &mut self.form)?;
            let text = std::str::from_utf8(&self.form).map_err(|_| Corrupt("an anchor"))?;
            self.folded.clear();
            fold_into(text, &mut self.folded);
            self.form_read = form as usize;
        }
        Ok(())
    }

    pub(super) fn corrupt(&self, what: &'static str) -> IndexError {
        self.segment.corrupt(Corrupt(what))
    }

    fn now(&self) -> Result<&Now, IndexError> {
        self.now
            .as_ref()
            .ok_or(IndexError::TooLarge("a cursor behind its end"))
    }

    pub(super) fn entry(&self) -> Result<&Entry, IndexError> {
        self.now().map(|now| &now.entry)
    }

    pub(super) fn url_key(&self) -> &[u8] {
        &self.url_key
    }

    /// The anchor as written.
    pub(super) fn anchor(&self) -> &str {
        str::from_utf8(&self.form).unwrap_or_default()
    }

    pub(super) fn folded(&self) -> &str {
        &self.folded
    }

    pub(super) fn link_type(&self) -> Result<LinkType, IndexError> {
        if !self.other {
            return Ok(LinkType::Href);
        }
        link_type(self.now()?.form).map_err(|corrupt| self.segment.corrupt(corrupt))
    }

    /// Appends the seconds at which the link was seen, with the attr, but for void ones.
    pub(super) fn sightings(&mut self, out: &mut Vec<(u32, Vec<u8>)>) -> Result<(), IndexError> {
        let Some(now) = &self.now else {
            return Ok(());
        };
        let wrong = |corrupt: Corrupt| self.segment.corrupt(corrupt);
        let link = now.link as u64 as u32;
        let seen = self.block.seen(self.other, link, now.place);
        let seen = seen.map_err(wrong)?;
        for (time, attr) in seen {
            if now.entry.void.contains(&time) {
                continue;
            }
            let mut text = Vec::new();
            self.block
                .attrs
                .get(attr as usize, &mut text)
                .map_err(wrong)?;
            out.push((time, text));
        }
        Ok(())
    }

    fn page_key(&self) -> Option<&(Vec<u8>, Vec<u8>)> {
        self.now.as_ref().map(|now| &now.entry.page.key)
    }

    /// Compares the links that two cursors are at, which are not at their ends.
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        let form = |cursor: &Self| match &cursor.now {
            Some(now) if cursor.other => now.form,
            _ => 0,
        };
        self.other
            .cmp(&other.other)
            .then_with(|| self.url_key.cmp(&other.url_key))
            .then_with(|| self.folded.cmp(&other.folded))
            .then_with(|| self.form.cmp(&other.form))
            .then_with(|| form(self).cmp(&form(other)))
            .then_with(|| self.page_key().cmp(&other.page_key()))
    }
}

fn is_in(places: &Option<Vec<Range<u32>>>, place: u32) -> bool {
    places.as_ref().is_none_or(|places| {
        let at = places.partition_point(|range| range.end <= place);
        places.get(at).is_some_and(|range| range.contains(&place))
    })
}
