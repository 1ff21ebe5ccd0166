//! Adding captures to a run.
//!
//! Each link is looked up by its target and its anchor, which lie anywhere in memory: so links wait until there are
//! some hundreds, and what looking them up reads is fetched for all of them at once.

use windlass_links::{Capture, Link, LinkType};

use super::Run;
use super::captures::CaptureNote;
use super::links::{LinkNote, OTHER};
use crate::intern::Batch;
use crate::room::make_room;
use crate::segment::Side;

/// So many links of a side, or pages, wait at most; or so many bytes of what they are looked up by.
const WAITING: usize = 512;
const WAITING_BYTES: usize = 1 << 16;
/// The number of what has none yet.
const UNKNOWN: u32 = u32::MAX;

/// What has no numbers yet: the last pages, and the last links of each side, whose URLs wait in their
/// dictionaries.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    pages: usize,
    links: [usize; 2],
    /// The anchors of those links whose form is [`UNKNOWN`].
    forms: [Batch; 2],
    numbers: Vec<u32>,
}

impl Run {
    /// Adds a capture that was read at `offset` of a file (see [`file`](Self::file)). Internal links
    /// are passed over (R11), unless the run keeps them.
    pub(crate) fn add(&mut self, capture: &Capture, file: u32, offset: u64) {
        for link in &capture.links {
            if link.external || self.keep_internal {
                self.add_link(link);
            }
        }
        let title = capture.title.as_deref().filter(|title| !title.is_empty());
        let title = title.map(|title| self.titles.intern(title.as_bytes()).0);
        make_room(&mut self.captures, 1);
        self.captures.push(CaptureNote::of(
            capture,
            UNKNOWN,
            title,
            (file, offset),
            self.links.each_ref().map(Vec::len),
        ));
        self.pages.push(&capture.page);
        self.waiting.pages += 1;
        if self.waiting.pages >= WAITING || self.pages.waiting_bytes() >= WAITING_BYTES {
            self.look_up();
        }
    }

    fn add_link(&mut self, link: &Link) {
        let anchor = link.anchor.as_bytes();
        let form = if link.link_type != LinkType::Href {
            OTHER | link.link_type as u32
        } else if anchor.is_empty() {
            let forms = &mut self.forms;
            *self.empty_form.get_or_insert_with(|| forms.intern(&[]).0)
        } else {
            UNKNOWN
        };
        let attr = self.attr(link.rel.bits(), link.alt.as_bytes());
        let side = side_of(link);
        let (urls, links) = (side.of(&mut self.urls), side.of(&mut self.links));
        let (forms, waiting) = (
            side.of(&mut self.waiting.forms),
            side.of(&mut self.waiting.links),
        );
        urls.push(&link.target);
        if form == UNKNOWN {
            forms.push(|bytes| bytes.extend_from_slice(anchor));
        }
        make_room(links, 1);
        links.push(LinkNote {
            url: UNKNOWN,
            form,
            attr,
        });
        *waiting += 1;
        if *waiting >= WAITING || urls.waiting_bytes() + forms.bytes() >= WAITING_BYTES {
            self.look_up();
        }
    }

    /// Gives all that waits its numbers.
    pub(super) fn look_up(&mut self) {
        let Waiting {
            pages,
            links: waiting,
            forms: anchors,
            numbers,
        } = &mut self.waiting;
        self.pages.number(&mut self.sites, &self.list, numbers);
        let captures = last(&mut self.captures, std::mem::take(pages));
        for (capture, page) in captures.iter_mut().zip(&*numbers) {
            capture.set_page(*page);
        }
        for side in Side::ALL {
            let links = side.of::<Vec<_>>(&mut self.links);
            let links = last(links, std::mem::take(side.of(waiting)));
            let urls = side.of(&mut self.urls);
            urls.number(&mut self.sites, &self.list, numbers);
            for (link, url) in links.iter_mut().zip(&*numbers) {
                link.url = *url;
            }
            let anchors = side.of(anchors);
            numbers.clear();
            self.forms
                .intern_all(anchors.len(), |n| anchors.get(n), numbers);
            anchors.clear();
            let unknown = links.iter_mut().filter(|link| link.form == UNKNOWN);
            for (link, form) in unknown.zip(&*numbers) {
                link.form = *form;
            }
        }
    }

    fn attr(&mut self, rel: u8, alt: &[u8]) -> u32 {
        if self.attr.split_first() != Some((&rel, alt)) {
            self.attr.clear();
            self.attr.push(rel);
            self.attr.extend_from_slice(alt);
            self.attr_number = self.attrs.intern(&self.attr).0;
        }
        self.attr_number
    }
}

fn side_of(link: &Link) -> Side {
    if link.external {
        Side::External
    } else {
        Side::Internal
    }
}

fn last<T>(all: &mut [T], n: usize) -> &mut [T] {
    let first = all.len().saturating_sub(n);
    all.get_mut(first..).unwrap_or_default()
}
