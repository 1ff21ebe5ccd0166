//! All captures and all links of a segment, one by one: for export.

use std::collections::HashMap;
use std::rc::Rc;

use windlass_links::surt::{host_of_key, url_of_key};
use windlass_links::{CaptureTime, History, LinkType, Rel, Source};

use crate::bytes::Corrupt;
use crate::collect::digest_text;
use crate::document::Document;
use crate::error::IndexError;
use crate::instant::{Instant, Showing, Shown, State, showings};
use crate::paged::Paged;
use crate::query::dates;
use crate::segment::{Segment, Side};
use crate::sighting::unite_attrs;
use crate::site::{SiteBlock, link_type};

/// One capture, as the index keeps it. Where several records describe it, one for each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaptureRow<'a> {
    /// The page's URL.
    pub page: &'a str,
    /// Its registrable domain (R7).
    pub refdomain: &'a str,
    /// When it was captured.
    pub time: CaptureTime,
    /// `html`, `not-html`, `redirect`, `gone` (R2) or `revisit` (R1).
    pub outcome: &'static str,
    /// `warc` or `wat`; nothing for revisits.
    pub source: Option<&'static str>,
    /// HTTP status; nothing for revisits and where the record is no HTTP response.
    pub status: Option<u16>,
    /// Title of an HTML document, where it has one.
    pub title: Option<&'a str>,
    /// `href` links to its own registrable domain (R11).
    pub internal_links: u32,
    /// `href` links to others.
    pub external_links: u32,
    /// BLAKE3 digest, in hexadecimal, of the archive file that holds the record.
    pub file_digest: &'a str,
    /// Offset of the record in it.
    pub offset: u64,
}

/// One link, with its history. `href` links are backlinks (R12).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkRow<'a> {
    /// Registrable domain of the target.
    pub site: &'a str,
    /// The target's URL.
    pub target: &'a str,
    /// The page's URL.
    pub page: &'a str,
    /// The page's registrable domain.
    pub refdomain: &'a str,
    /// What kind of reference it is (R8).
    pub link_type: LinkType,
    /// The anchor as written; empty for other types than `href`.
    pub anchor: &'a str,
    /// Its alt, at `last_visited`.
    pub alt: &'a str,
    /// Its rel, at `last_visited` (R10).
    pub rel: Rel,
    /// R13.
    pub first_seen: CaptureTime,
    /// R13.
    pub last_visited: CaptureTime,
    /// R13; `None` while it is live.
    pub lost: Option<CaptureTime>,
}

impl Segment {
    /// Calls `each` with every capture, ordered by (registrable domain, SURT of the page, time).
    ///
    /// # Errors
    /// Where the segment is damaged, and what `each` returns.
    pub fn for_each_capture<E: From<IndexError>>(
        &self,
        mut each: impl FnMut(&CaptureRow<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.read_ahead();
        let wrong = |corrupt: Corrupt| self.corrupt(corrupt);
        let files: Vec<String> = self.files().iter().map(digest_text).collect();
        let domains = self.domains().map_err(wrong)?;
        let mut pages = self.pages(0).map_err(wrong)?;
        while let Some(instants) = pages.advance().map_err(wrong)? {
            let number = (pages.position() - 1) as u64 as u32;
            let domain = domains
                .of_page(number)
                .and_then(|domain| domains.key(domain))
                .map_err(wrong)?;
            let refdomain = host_of_key(&domain);
            let page = url_of_key(pages.key()).ok_or_else(|| wrong(Corrupt("a page's key")))?;
            for Instant {
                time,
                state,
                origins,
            } in &instants
            {
                let none = Document::default();
                let (outcome, source, document, internal_links, external_links) = match state {
                    State::Revisit(_) => ("revisit", None, &none, 0, 0),
                    State::Real {
                        shown,
                        source,
                        internal,
                        external,
                        document,
                    } => {
                        let source = if *source == Source::Warc {
                            "warc"
                        } else {
                            "wat"
                        };
                        (
                            outcome(*shown),
                            Some(source),
                            document,
                            *internal,
                            *external,
                        )
                    }
                };
                for origin in origins {
                    let file = files
                        .get(origin.file as usize)
                        .ok_or_else(|| wrong(Corrupt("a file's number")))?;
                    each(&CaptureRow {
                        page: &page,
                        refdomain: &refdomain,
                        time: *time,
                        outcome,
                        source,
                        status: document.status,
                        title: document.title.as_deref(),
                        internal_links,
                        external_links,
                        file_digest: file,
                        offset: origin.offset,
                    })?;
                }
            }
        }
        Ok(())
    }

    /// Calls `each` with each registrable domain that has pages, and each other one that they link to or once
    /// linked to, by any type of link; ordered by both, last label first.
    ///
    /// # Errors
    /// Where the segment is damaged, and what `each` returns.
    pub fn for_each_linked_domain<E: From<IndexError>>(
        &self,
        mut each: impl FnMut(&str, &str) -> Result<(), E>,
    ) -> Result<(), E> {
        let wrong = |corrupt: Corrupt| self.corrupt(corrupt);
        let domains = self.domains().map_err(wrong)?;
        for domain in 0..domains.len() as u64 as u32 {
            let from = host_of_key(&domains.key(domain).map_err(wrong)?);
            self.for_each_site_linked_from(domain, |site, _| {
                each(&from, &host_of_key(site)).map_err(Stop::Caller)
            })
            .map_err(|stop: Stop<E>| stop.or(wrong))?;
        }
        Ok(())
    }

    /// Calls `each` with every link, ordered by (registrable domain of the target, SURT of the
    /// target, `href` first, anchor or type, SURT of the page).
    ///
    /// # Errors
    /// Where the segment is damaged, and what `each` returns.
    pub fn for_each_link<E: From<IndexError>>(
        &self,
        each: impl FnMut(&LinkRow<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.for_each_link_of(Side::External, each)
    }

    /// The same for the links within registrable domains, where the index keeps them (R11).
    ///
    /// # Errors
    /// Where the segment is damaged, and what `each` returns.
    pub fn for_each_internal_link<E: From<IndexError>>(
        &self,
        each: impl FnMut(&LinkRow<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.for_each_link_of(Side::Internal, each)
    }

    fn for_each_link_of<E: From<IndexError>>(
        &self,
        side: Side,
        mut each: impl FnMut(&LinkRow<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.read_ahead();
        let wrong = |corrupt: Corrupt| self.corrupt(corrupt);
        let mut pages = Pages {
            segment: self,
            kept: HashMap::new(),
        };
        self.for_each_site(side, |key, block| {
            let site = host_of_key(key);
            let mut links = Links::read(block, self.latest_times())
                .map_err(|corrupt| Stop::Index(wrong(corrupt)))?;
            while let Some(link) = links
                .advance(&mut pages)
                .map_err(|corrupt| Stop::Index(wrong(corrupt)))?
            {
                each(&link.row(&site)).map_err(Stop::Caller)?;
            }
            Ok(())
        })
        .map_err(|stop: Stop<E>| stop.or(wrong))
    }
}

enum Stop<E> {
    Index(IndexError),
    Corrupt(Corrupt),
    Caller(E),
}

impl<E: From<IndexError>> Stop<E> {
    /// The error for the caller; `wrong` tells what was found in the segment.
    fn or(self, wrong: impl Fn(Corrupt) -> IndexError) -> E {
        match self {
            Self::Index(error) => error.into(),
            Self::Corrupt(corrupt) => wrong(corrupt).into(),
            Self::Caller(error) => error,
        }
    }
}

impl<E> From<Corrupt> for Stop<E> {
    fn from(corrupt: Corrupt) -> Self {
        Self::Corrupt(corrupt)
    }
}

const fn outcome(shown: Shown) -> &'static str {
    match shown {
        Shown::Html => "html",
        Shown::NotHtml => "not-html",
        Shown::Redirect => "redirect",
        Shown::Gone => "gone",
    }
}

/// A page as links show it.
#[derive(Debug)]
struct Page {
    url: String,
    refdomain: String,
    showings: Vec<Showing>,
}

/// Pages by number; keeps those last used.
struct Pages<'a> {
    segment: &'a Segment,
    kept: HashMap<u32, Rc<Page>>,
}

/// How many pages are kept.
const PAGES_MAX: usize = 1 << 16;

impl Pages<'_> {
    fn get(&mut self, number: u32) -> Result<Rc<Page>, Corrupt> {
        if let Some(page) = self.kept.get(&number) {
            return Ok(Rc::clone(page));
        }
        if self.kept.len() >= PAGES_MAX {
            self.kept.clear();
        }
        let (key, instants) = self.segment.page(number)?;
        let domains = self.segment.domains()?;
        let domain = domains.of_page(number)?;
        let page = Rc::new(Page {
            url: url_of_key(&key).ok_or(Corrupt("a page's key"))?,
            refdomain: host_of_key(&domains.key(domain)?),
            showings: showings(&instants),
        });
        self.kept.insert(number, Rc::clone(&page));
        Ok(page)
    }
}

/// The links of one site block, in order.
struct Links<'a> {
    block: SiteBlock<'a>,
    other: bool,
    url: usize,
    link: usize,
    text: Vec<u8>,
}

/// One link, with its strings.
struct OwnedLink {
    target: String,
    page: Rc<Page>,
    link_type: LinkType,
    anchor: String,
    alt: String,
    rel: Rel,
    dates: dates::Dates,
    lost: Option<CaptureTime>,
}

impl OwnedLink {
    fn row<'a>(&'a self, site: &'a str) -> LinkRow<'a> {
        LinkRow {
            site,
            target: &self.target,
            page: &self.page.url,
            refdomain: &self.page.refdomain,
            link_type: self.link_type,
            anchor: &self.anchor,
            alt: &self.alt,
            rel: self.rel,
            first_seen: CaptureTime::from_unix(self.dates.first_seen),
            last_visited: CaptureTime::from_unix(self.dates.last_visited),
            lost: self.lost,
        }
    }
}

impl<'a> Links<'a> {
    fn read(block: &'a [u8], latest: Paged<'a>) -> Result<Self, Corrupt> {
        Ok(Self {
            block: SiteBlock::read(block, latest)?,
            other: false,
            url: 0,
            link: 0,
            text: Vec::new(),
        })
    }

    fn advance(&mut self, pages: &mut Pages<'_>) -> Result<Option<OwnedLink>, Corrupt> {
        let table = if self.other {
            &mut self.block.others
        } else {
            &mut self.block.hrefs
        };
        if self.link >= table.len() {
            if self.other {
                return Ok(None);
            }
            (self.other, self.url, self.link) = (true, 0, 0);
            return self.advance(pages);
        }
        while table.start(self.url + 1)? <= self.link {
            self.url += 1;
        }
        let link = self.link;
        self.link += 1;
        let (form, place, attr) = (
            table.forms.get(link)?,
            table.pages.get(link)?,
            table.attrs.get(link)?,
        );
        let exception = table.exception(link as u64 as u32)?;
        let page = pages.get(self.block.pages.get(place as usize)?)?;
        let sightings = match exception {
            Some(seen) => seen,
            None => {
                let mut times = Vec::new();
                self.block.times(place, &mut times)?;
                times.into_iter().map(|time| (time, attr)).collect()
            }
        };
        let times: Vec<u32> = sightings.iter().map(|(time, _)| *time).collect();
        let (dates, lost) = dates::with_loss(&times, &page.showings, History::AllTime)
            .ok_or(Corrupt("a link that no capture shows"))?;
        // Its attr in the capture that showed it last, which a revisit may have renewed.
        let shown = page
            .showings
            .iter()
            .rev()
            .find(|s| s.time.unix() == dates.last_visited);
        let mut united: Option<Vec<u8>> = None;
        for (time, attr) in sightings {
            if shown.is_some_and(|s| s.shows.iter().any(|shows| shows.unix() == time)) {
                self.block.attrs.get(attr as usize, &mut self.text)?;
                united = Some(united.map_or_else(
                    || self.text.clone(),
                    |before| unite_attrs(&before, &self.text),
                ));
            }
        }
        let attr = united.ok_or(Corrupt("a link without sightings"))?;
        let (rel, alt) = attr.split_first().ok_or(Corrupt("an attr"))?;
        let anchor = if self.other {
            String::new()
        } else {
            self.block.forms.get(form as usize, &mut self.text)?;
            String::from_utf8(self.text.clone()).map_err(|_| Corrupt("an anchor"))?
        };
        self.block.urls.get(self.url, &mut self.text)?;
        let target = url_of_key(&self.text).ok_or(Corrupt("a target's key"))?;
        Ok(Some(OwnedLink {
            target,
            page,
            link_type: if self.other {
                link_type(form)?
            } else {
                LinkType::Href
            },
            anchor,
            alt: String::from_utf8(alt.to_vec()).map_err(|_| Corrupt("an alt"))?,
            rel: Rel::from_bits(*rel),
            dates,
            lost,
        }))
    }
}
