//! The captures of each hostile shape.
//!
//! Everything follows from the link's number, so that any part can be made anywhere, and what a report
//! must say of it can be written down (see [`expected`](super::expected)).

use anyhow::Context;
use windlass_links::{CanonicalUrl, Capture, CaptureTime, Link, LinkType, Rel};

use crate::cli::HostileShape;
use crate::commands::bench::synthetic::text::push_words;

/// 2023-11-14. A page is captured on one of the [`DAYS`] days from there on.
const FIRST_TIME: u32 = 1_699_920_000;
const DAY: u32 = 86_400;
/// The day of a page's capture is its number, modulo this.
pub(super) const DAYS: u64 = 64;

/// Anchors that repeat, in the shapes whose anchors do.
pub(super) const WORDS: u64 = 1000;
/// Captures of the one page of [`HostileShape::Page`], a day apart.
pub(super) const PAGE_CAPTURES: u64 = 4;
/// The last capture of that page is without each so many-th link.
pub(super) const LOST_EVERY: u64 = 10;
/// Links of that page to each host.
pub(super) const LINKS_A_HOST: u64 = 10;
/// Sites and variants of the anchor in [`HostileShape::Anchor`].
pub(super) const ANCHOR_SITES: u64 = 100;
pub(super) const ANCHOR_VARIANTS: u64 = 64;
/// How long an anchor can be (R9).
const ANCHOR_BYTES: usize = 64 << 10;
/// Letters of one byte and of two, so that cutting and folding are not trivial.
const ANCHOR_TEXT: &str = "Énorme ancre, très longue. ";

/// A shape of so many links.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub(super) kind: HostileShape,
    pub(super) links: u64,
}

impl Shape {
    /// With as many links as asked for; by default, as many as make it hostile.
    pub(super) fn new(kind: HostileShape, links: Option<u64>) -> Self {
        let full = match kind {
            HostileShape::Farm | HostileShape::Hub | HostileShape::Anchors => 10_000_000,
            HostileShape::Page | HostileShape::Subdomains => 1_000_000,
            HostileShape::Anchor => 100_000,
        };
        // A farm of one would link to itself.
        let links = links.unwrap_or(full).max(2);
        Self { kind, links }
    }

    pub(super) fn links_a_page(&self) -> u64 {
        match self.kind {
            HostileShape::Farm | HostileShape::Hub => 1,
            HostileShape::Anchor => 10,
            HostileShape::Subdomains | HostileShape::Anchors => 100,
            HostileShape::Page => self.links,
        }
    }

    /// Pages of each registrable domain.
    fn pages_a_domain(&self) -> u64 {
        match self.kind {
            HostileShape::Farm | HostileShape::Hub | HostileShape::Page => 1,
            HostileShape::Subdomains | HostileShape::Anchor | HostileShape::Anchors => 10,
        }
    }

    pub(super) fn pages(&self) -> u64 {
        self.links.div_ceil(self.links_a_page())
    }

    pub(super) fn domains(&self) -> u64 {
        self.pages().div_ceil(self.pages_a_domain())
    }

    /// How many captures there are.
    pub(super) fn captures(&self) -> u64 {
        match self.kind {
            HostileShape::Page => PAGE_CAPTURES,
            _ => self.pages(),
        }
    }

    /// Bytes that a capture takes while it is made, about.
    pub(super) fn capture_bytes(&self) -> u64 {
        let anchor = match self.kind {
            HostileShape::Anchor => ANCHOR_BYTES as u64,
            _ => 100,
        };
        (self.links_a_page() + 1) * (100 + anchor)
    }

    /// The day of a page's only capture.
    pub(super) fn day_of(&self, link: u64) -> u64 {
        link / self.links_a_page() % DAYS
    }

    /// Makes captures; one a thread.
    pub(super) fn generator(&self) -> Generator {
        Generator {
            shape: *self,
            host: String::new(),
            long: long_anchor_start(),
        }
    }
}

/// Seconds of a day's captures.
pub(super) fn second_of(day: u64) -> u32 {
    FIRST_TIME + DAY * day as u32
}

/// The host of a number, behind a word that says what it is.
pub(super) fn host(what: &str, number: u64) -> String {
    let mut host = format!("{what}-");
    push_words(&mut host, number, '-');
    host.push_str(".com");
    host
}

/// The subdomain of a number.
pub(super) fn subdomain(number: u64) -> String {
    let mut host = String::new();
    push_words(&mut host, number, '-');
    host.push('.');
    host.push_str(MANY_HOSTS);
    host
}

pub(super) const MANY_HOSTS: &str = "many-hosts.com";
pub(super) const HUB: &str = "www.hub.com";
pub(super) const ONE_TARGET: &str = "www.one-target.com";

/// The anchor of a number: in byte order of numbers.
pub(super) fn anchor(what: &str, number: u64) -> String {
    format!("{what} {number:010}")
}

/// What all long anchors start with: all but the number at their end.
pub(super) fn long_anchor_start() -> String {
    let mut text = ANCHOR_TEXT.repeat(ANCHOR_BYTES / ANCHOR_TEXT.len());
    let end = ANCHOR_BYTES - long_anchor_end(0).len();
    while text.len() > end {
        text.pop();
    }
    let missing = end - text.len();
    text.extend(std::iter::repeat_n('.', missing));
    text
}

pub(super) fn long_anchor_end(variant: u64) -> String {
    format!(" {variant:04}")
}

/// Makes captures.
pub(super) struct Generator {
    shape: Shape,
    host: String,
    long: String,
}

impl Generator {
    /// The capture of a number.
    pub(super) fn capture(&mut self, number: u64) -> anyhow::Result<Capture> {
        let shape = self.shape;
        let (page, day, links) = match shape.kind {
            HostileShape::Page => (
                url("www.one-page.com", "/")?,
                number,
                (0..shape.links)
                    .filter(|link| number + 1 < PAGE_CAPTURES || !is_lost(*link))
                    .map(|link| self.link(link))
                    .collect::<anyhow::Result<_>>()?,
            ),
            kind => {
                let domain = number / shape.pages_a_domain();
                let what = if kind == HostileShape::Farm {
                    "farm"
                } else {
                    "ref"
                };
                let first = number * shape.links_a_page();
                let links = first..(first + shape.links_a_page()).min(shape.links);
                (
                    url(
                        &host(what, domain),
                        &format!("/{}", number % shape.pages_a_domain()),
                    )?,
                    shape.day_of(first),
                    links
                        .map(|link| self.link(link))
                        .collect::<anyhow::Result<_>>()?,
                )
            }
        };
        let time = CaptureTime::from_unix(second_of(day));
        Ok(Capture::html(page, time, links))
    }

    fn link(&mut self, number: u64) -> anyhow::Result<Link> {
        let target = |target: &str| url(target, "/");
        let (target, anchor) = match self.shape.kind {
            HostileShape::Farm => {
                let next = (number + 1) % self.shape.links;
                (target(&host("farm", next))?, anchor("farm", number))
            }
            HostileShape::Hub => (target(HUB)?, anchor("hub", number % WORDS)),
            HostileShape::Page => {
                let path = format!("/{}", number % LINKS_A_HOST);
                let target = url(&host("host", number / LINKS_A_HOST), &path)?;
                (target, anchor("page", number % WORDS))
            }
            HostileShape::Subdomains => {
                self.host.clear();
                self.host.push_str(&subdomain(number));
                (target(&self.host)?, anchor("host", number % WORDS))
            }
            HostileShape::Anchor => {
                let variant = number / ANCHOR_SITES % ANCHOR_VARIANTS;
                let mut anchor = String::with_capacity(ANCHOR_BYTES);
                anchor.push_str(&self.long);
                anchor.push_str(&long_anchor_end(variant));
                (target(&host("site", number % ANCHOR_SITES))?, anchor)
            }
            HostileShape::Anchors => (target(ONE_TARGET)?, anchor("no.", number)),
        };
        Ok(Link {
            link_type: LinkType::Href,
            target,
            anchor,
            alt: String::new(),
            rel: Rel::NONE,
            external: true,
        })
    }
}

/// Whether the last capture of the one page is without a link.
pub(super) fn is_lost(link: u64) -> bool {
    link % LOST_EVERY == LOST_EVERY - 1
}

fn url(host: &str, path: &str) -> anyhow::Result<CanonicalUrl> {
    CanonicalUrl::from_plain(true, host, path).with_context(|| format!("{host}{path} is not plain"))
}
