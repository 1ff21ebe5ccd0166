//! From a record of an archive to a capture with its links (R1–R12).

pub mod charset;
mod elements;
mod mime;
mod names;
mod page;
mod raw;
mod resolve;
mod robots;
mod text;
mod tokeniser;
mod wat;

use std::sync::Arc;

use encoding_rs::{Encoding, UTF_8};
use windlass_archive::{MediaType, Payload, Record, record};

use crate::capture::{Capture, Link, LinkCounts, LinkType, Outcome, Rel, Source};
use crate::domain::PublicSuffixList;
use crate::url::{CanonicalUrl, UrlError};
use names::KnownNames;
use raw::{RawLink, RawPage};
use resolve::{Domains, Resolver};

/// What is extracted.
#[derive(Debug, Clone, Copy, Default)]
pub struct ExtractOptions {
    /// Keep links within the page's own registrable domain (R11).
    pub keep_internal: bool,
}

/// Why a record is no capture that says something of its page.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Skip {
    /// The status says nothing about the page (R2).
    #[error("status {0} says nothing about the page")]
    Status(u16),
    /// The document is not there, though one is announced: nothing was fetched that R1 could count.
    #[error("the document that is announced is not there")]
    NoDocument,
    /// The page's URL is none that can be indexed (R4).
    #[error("the target URI is {0}")]
    TargetUri(#[from] UrlError),
    /// The revisit refers to a capture of another page, or of none that is known by URL.
    #[error("the revisit refers to another page")]
    RevisitElsewhere,
}

impl Skip {
    /// The name under which it is counted.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Status(_) => "status-says-nothing",
            Self::NoDocument => "document-not-there",
            Self::TargetUri(UrlError::Scheme) => "target-uri-not-http",
            Self::TargetUri(UrlError::TooLong) => "target-uri-too-long",
            Self::TargetUri(UrlError::Parse(_)) => "target-uri-does-not-parse",
            Self::RevisitElsewhere => "revisit-of-another-page",
        }
    }
}

/// Turns records into captures. Make one for each thread: it remembers hosts.
pub struct Extractor {
    options: ExtractOptions,
    domains: Domains,
    names: KnownNames,
}

impl std::fmt::Debug for Extractor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Extractor")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

/// The parts of an HTTP message that bear on links.
struct Message<'a> {
    /// That of a `resource` is 200, to which it comes.
    status: u16,
    headers: &'a [(String, Vec<u8>)],
    content: Content<'a>,
}

enum Content<'a> {
    Body(&'a [u8]),
    Wat(&'a record::WatPage),
}

impl Extractor {
    /// An extractor that tells external links by `list` (R7, R11).
    #[must_use]
    pub fn new(list: Arc<PublicSuffixList>, options: ExtractOptions) -> Self {
        Self {
            options,
            domains: Domains::new(list),
            names: KnownNames::new(),
        }
    }

    /// The capture that a record describes.
    ///
    /// # Errors
    /// [`Skip`] where it says nothing about a page.
    pub fn capture(&mut self, record: &Record) -> Result<Capture, Skip> {
        let page = CanonicalUrl::parse(&record.target_uri)?;
        let source = if matches!(record.payload, Payload::Wat(_)) {
            Source::Wat
        } else {
            Source::Warc
        };
        let status = match &record.payload {
            Payload::Response(response) => Some(response.status),
            Payload::Wat(wat) => Some(wat.status),
            Payload::Resource { .. } | Payload::Revisit { .. } => None,
        };
        let bare = |page, outcome| Capture {
            page,
            time: record.time,
            outcome,
            source,
            status,
            title: None,
            links: Vec::new(),
            counts: LinkCounts::default(),
        };
        let resource_headers;
        let message = match &record.payload {
            Payload::Revisit {
                refers_to_uri,
                refers_to_time,
            } => {
                let is_elsewhere = refers_to_uri
                    .as_deref()
                    .is_some_and(|uri| CanonicalUrl::parse(uri).map_or(true, |uri| uri != page));
                if is_elsewhere {
                    return Err(Skip::RevisitElsewhere);
                }
                return Ok(bare(page, Outcome::Revisit(*refers_to_time)));
            }
            Payload::Response(response) if response.status == 200 && response.body_missing => {
                return Err(Skip::NoDocument);
            }
            Payload::Response(response) => Message {
                status: response.status,
                headers: &response.headers,
                content: Content::Body(&response.body),
            },
            Payload::Resource {
                content_type, body, ..
            } => {
                let field = content_type
                    .iter()
                    .map(|value| ("Content-Type".to_owned(), value.clone().into_bytes()));
                resource_headers = field.collect::<Vec<_>>();
                Message {
                    status: 200,
                    headers: &resource_headers,
                    content: Content::Body(body),
                }
            }
            Payload::Wat(wat) => Message {
                status: wat.status,
                headers: &wat.headers,
                content: Content::Wat(wat),
            },
        };
        match message.status {
            200 => self.document(&message, bare(page, Outcome::Html)),
            300..=399 => self.redirect(&message, bare(page, Outcome::Redirect)),
            404 | 410 => Ok(bare(page, Outcome::Gone)),
            status => Err(Skip::Status(status)),
        }
    }

    /// A capture that is said to be HTML, with its links where it is.
    fn document(&mut self, message: &Message<'_>, mut capture: Capture) -> Result<Capture, Skip> {
        let media_type = MediaType::of(message.headers);
        let is_html = match (&media_type, &message.content) {
            (Some(media_type), _) => media_type.is_html(),
            (None, Content::Body(body)) => mime::looks_like_html(body),
            (None, Content::Wat(wat)) => wat.is_html,
        };
        if is_html {
            let charset = media_type.as_ref().and_then(MediaType::charset);
            self.read_html(message, charset, &mut capture)?;
        } else {
            capture.outcome = Outcome::NotHtml;
        }
        Ok(capture)
    }

    /// A redirect, with where it leads to.
    fn redirect(&mut self, message: &Message<'_>, mut capture: Capture) -> Result<Capture, Skip> {
        if let Some(location) = record::header(message.headers, "location") {
            let mut raw = RawPage::default();
            raw.links.push(RawLink {
                link_type: LinkType::Redirect,
                href: String::from_utf8_lossy(location).into_owned(),
                anchor: String::new(),
                alt: String::new(),
                rel: Rel::NONE,
            });
            self.resolve(raw, UTF_8, &mut capture)?;
        }
        Ok(capture)
    }

    fn read_html(
        &mut self,
        message: &Message<'_>,
        charset: Option<&str>,
        capture: &mut Capture,
    ) -> Result<(), Skip> {
        let (mut raw, encoding) = match message.content {
            Content::Body(body) => {
                let (html, encoding) = charset::decode(body, charset);
                (page::read(&html, &self.names), encoding)
            }
            Content::Wat(wat) => (wat::read(wat), UTF_8),
        };
        capture.title = raw.title.take();
        let fields = message
            .headers
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case("x-robots-tag"));
        for (_, value) in fields {
            raw.nofollow |= robots::header_says_nofollow(&String::from_utf8_lossy(value));
        }
        self.resolve(raw, encoding, capture)
    }

    /// Resolves references, counts them, and keeps those that are wanted.
    fn resolve(
        &mut self,
        raw: RawPage,
        encoding: &'static Encoding,
        capture: &mut Capture,
    ) -> Result<(), Skip> {
        let resolver = Resolver::new(&capture.page, raw.base.as_deref(), encoding)?;
        let own_domain = self.domains.of(capture.page.host()).to_owned();
        // Most links lead to other pages of the same host, and are only counted: no need to parse them.
        let stays_internal = !self.options.keep_internal
            && resolver
                .host()
                .is_some_and(|host| self.domains.of(host) == own_domain);
        let counts = &mut capture.counts;
        counts.anchors_cut = raw.anchors_cut;
        for (link, n) in raw.links.links {
            if stays_internal && resolver.stays(&link.href) {
                if link.link_type == LinkType::Href {
                    counts.internal = counts.internal.saturating_add(n);
                }
                continue;
            }
            let target = match resolver.resolve(&link.href) {
                Ok(target) => target,
                Err(UrlError::Scheme) => {
                    counts.other_scheme = counts.other_scheme.saturating_add(n);
                    continue;
                }
                Err(UrlError::Parse(_) | UrlError::TooLong) => {
                    counts.rejected = counts.rejected.saturating_add(n);
                    continue;
                }
            };
            let external = self.domains.of(target.host()) != own_domain;
            if link.link_type == LinkType::Href {
                let counter = if external {
                    &mut counts.external
                } else {
                    &mut counts.internal
                };
                *counter = counter.saturating_add(n);
            }
            if external || self.options.keep_internal {
                let page_rel = if raw.nofollow {
                    Rel::PAGE_NOFOLLOW
                } else {
                    Rel::NONE
                };
                capture.links.push(Link {
                    link_type: link.link_type,
                    target,
                    anchor: link.anchor,
                    alt: link.alt,
                    rel: link.rel.with(page_rel),
                    external,
                });
            }
        }
        Ok(())
    }
}
