//! Pages as listings show them: united over all segments, those last used kept.

use std::collections::HashMap;
use std::rc::Rc;

use windlass_links::CaptureTime;
use windlass_links::surt::{host_of_key, url_of_key};

use crate::bytes::Corrupt;
use crate::error::IndexError;
use crate::instant::{Instant, Shown, State, is_outranked, times_of_wats, unite};
use crate::segment::Segment;
use crate::showings::Showings;

/// Bytes of pages that are kept: some ten thousands, as a rule.
const KEPT_BYTES_MAX: usize = 16 << 20;

/// A captured page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Names the page among those of one index; in no order that means anything.
    pub id: u64,
    /// Its URL.
    pub url: String,
    /// Its registrable domain (R7).
    pub refdomain: String,
    /// Time of its first capture. As everywhere, revisits that refer to nothing known do not count (R1).
    pub first_seen: CaptureTime,
    /// Time of its latest capture, revisits included.
    pub last_visited: CaptureTime,
    /// `href` links to its own registrable domain, in its latest real capture (R11).
    pub internal_links: u32,
    /// `href` links to others, in its latest real capture.
    pub external_links: u32,
    /// Whether its latest real capture carries links (R2).
    pub is_html: bool,
    /// HTTP status of its latest real capture, where the archive tells.
    pub status: Option<u16>,
    /// Title in its latest real capture, where that shows one.
    pub title: Option<String>,
    /// Its place in the order of pages: site key, then SURT.
    pub(super) key: (Vec<u8>, Vec<u8>),
    pub(super) showings: Showings,
}

impl Page {
    /// Of a page that was really captured: revisits that refer to nothing known do not count (R1).
    pub(super) fn new(
        id: u64,
        domain_key: Vec<u8>,
        key: Vec<u8>,
        instants: &[Instant],
    ) -> Result<Self, Corrupt> {
        let showings = Showings::of(instants);
        let Some((first_seen, last_visited)) = showings.bounds() else {
            return Err(Corrupt("a page without captures"));
        };
        let real = instants
            .iter()
            .rev()
            .find_map(|instant| match &instant.state {
                State::Real {
                    internal,
                    external,
                    shown,
                    document,
                    ..
                } => Some((*internal, *external, *shown == Shown::Html, document)),
                State::Revisit(_) => None,
            });
        let (internal_links, external_links, is_html, document) = real.map_or(
            (0, 0, false, None),
            |(internal, external, is_html, document)| (internal, external, is_html, Some(document)),
        );
        Ok(Self {
            id,
            url: url_of_key(&key).ok_or(Corrupt("a page's key"))?,
            refdomain: host_of_key(&domain_key),
            first_seen,
            last_visited,
            internal_links,
            external_links,
            is_html,
            status: document.and_then(|document| document.status),
            title: document.and_then(|document| document.title.as_deref().map(str::to_owned)),
            showings,
            key: (domain_key, key),
        })
    }
}

/// A page, as one segment's links need it.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) page: Rc<Page>,
    /// Seconds whose sightings in this segment are void: it has the capture from a WAT, and another
    /// segment from a WARC (R14).
    pub(super) void: Rc<[u32]>,
}

impl Entry {
    /// Bytes of memory.
    fn memory(&self) -> usize {
        let page = &self.page;
        let texts = [&page.url, &page.refdomain].map(String::capacity);
        let title = page.title.as_ref().map_or(0, String::capacity);
        let (site, surt) = &page.key;
        size_of::<Self>()
            + size_of::<Page>()
            + texts.into_iter().sum::<usize>()
            + title
            + site.capacity()
            + surt.capacity()
            + page.showings.memory()
            + self.void.len() * 4
    }
}

/// Pages by segment and number.
pub(crate) struct Pages<'a> {
    segments: Vec<&'a Segment>,
    kept: HashMap<(usize, u32), Entry>,
    /// Bytes that these take.
    bytes: usize,
}

impl<'a> Pages<'a> {
    pub(crate) fn new(segments: Vec<&'a Segment>) -> Self {
        Self {
            segments,
            kept: HashMap::new(),
            bytes: 0,
        }
    }

    pub(super) fn get(&mut self, segment: usize, number: u32) -> Result<Entry, IndexError> {
        if let Some(entry) = self.kept.get(&(segment, number)) {
            return Ok(entry.clone());
        }
        if self.bytes > KEPT_BYTES_MAX {
            self.kept.clear();
            self.bytes = 0;
        }
        let entry = self.read(segment, number)?;
        self.bytes += entry.memory();
        self.kept.insert((segment, number), entry.clone());
        Ok(entry)
    }

    fn read(&self, at: usize, number: u32) -> Result<Entry, IndexError> {
        let segment = self
            .segments
            .get(at)
            .ok_or(IndexError::TooLarge("the number of a segment"))?;
        let wrong = |corrupt: Corrupt| segment.corrupt(corrupt);
        let (key, own) = segment.page(number).map_err(wrong)?;
        let domains = segment.domains().map_err(wrong)?;
        let domain_key = domains
            .of_page(number)
            .and_then(|domain| domains.key(domain))
            .map_err(wrong)?;
        let mut all = own.clone();
        let mut id = id(at, number);
        for (i, other) in self.segments.iter().enumerate().filter(|(i, _)| *i != at) {
            let found = other
                .page_from(&domain_key, &key)
                .map_err(|corrupt| other.corrupt(corrupt))?;
            if let Some((number, found, instants)) = found
                && found == key
            {
                all.extend(instants);
                id = id.min(self::id(i, number));
            }
        }
        let mut void = Vec::new();
        if all.len() > own.len() {
            all = unite(all);
            let outranked = times_of_wats(&own).filter(|time| is_outranked(*time, &all));
            void.extend(outranked.map(CaptureTime::unix));
        }
        Ok(Entry {
            page: Rc::new(Page::new(id, domain_key, key, &all).map_err(wrong)?),
            void: void.into(),
        })
    }
}

/// The smallest of those that the segments which have the page give it.
pub(super) fn id(segment: usize, number: u32) -> u64 {
    (segment as u64) << 32 | u64::from(number)
}
