//! All captures and all links of a segment, one by one: for export.

use windlass_links::CaptureTime;
use windlass_links::surt::{host_of_key, url_of_key};

use crate::bytes::Corrupt;
use crate::collect::digest_text;
use crate::document::Document;
use crate::error::IndexError;
use crate::instant::{Instant, State};
use crate::listing::{LinkRow, Pages, links_of_block};
use crate::segment::{Segment, Side};
use crate::site::SiteBlock;

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
                let (document, internal_links, external_links) = match state {
                    State::Revisit(_) => (&none, 0, 0),
                    State::Real {
                        internal,
                        external,
                        document,
                        ..
                    } => (document, *internal, *external),
                };
                for origin in origins {
                    let file = files
                        .get(origin.file as usize)
                        .ok_or_else(|| wrong(Corrupt("a file's number")))?;
                    each(&CaptureRow {
                        page: &page,
                        refdomain: &refdomain,
                        time: *time,
                        outcome: state.outcome(),
                        source: state.source(),
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
        let mut pages = Pages::new(vec![self]);
        self.for_each_site(side, |key, block| {
            let block = SiteBlock::read(key, block, self.captures()?)?;
            links_of_block(self, key, block, &mut pages, |row| {
                each(row).map_err(Stop::Caller)
            })
        })
        .map_err(|stop: Stop<E>| stop.or(|corrupt| self.corrupt(corrupt)))
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

impl<E> From<IndexError> for Stop<E> {
    fn from(error: IndexError) -> Self {
        Self::Index(error)
    }
}
