//! Synthetic captures with the skew of real crawls: for sizes that no corpus at hand has.
//!
//! Everything follows from the page's number, so that any part can be made anywhere, in any order.
//! The shape is that of a crawl that was measured: of 69 million links, 25 million distinct targets
//! and 10.9 million anchors from 6.4 million pages of 608 thousand registrable domains; one site with
//! 19 million of the links, 800 thousand of them to one URL. Sites, hosts, URLs, anchors and
//! referring domains are Zipf-distributed; a page repeats its site's template; a tenth of the pages is
//! captured twice, the second time without some of its links.

mod place;
mod random;
mod shape;
pub(super) mod text;

use std::ops::Range;

use anyhow::Context;
use windlass_links::{CanonicalUrl, Capture, CaptureTime, Link, LinkType, Mode, Rel};

use super::asking::Question;
use place::{Place, Places, tld};
use random::{Random, Zipf};
pub(super) use shape::{Counts as ShapeCounts, Shape};
use text::{push_number, push_words};

/// Links on a page, on average.
const LINKS_A_PAGE: u64 = 11;
/// The first links of a page are its site's template.
const TEMPLATE_LINKS: u64 = 4;
/// Anchors that are one of a few of their target's own, of a thousand with words: many links call a
/// page by its title.
const TITLE_PER_MILLE: u64 = 600;
const TITLES: u64 = 3;
const FIRST_TIME: u32 = 1_700_000_000;
/// How long the crawl takes.
const CRAWL_SECONDS: u64 = 1_000_000;
const RECRAWL_SECONDS: u32 = 30 * 86_400;
/// One page in so many is captured twice, the second time without each so many-th link.
const RECRAWLED_EVERY: u64 = 10;
const LOST_EVERY: usize = 5;

/// A crawl of about so many links.
#[derive(Debug, Clone, Copy)]
pub(super) struct Crawl {
    links: u64,
    places: Places,
    refdomains: Zipf,
    anchors: Zipf,
    /// Whether its halves link to different sites.
    is_apart: bool,
}

impl Crawl {
    pub(super) fn new(links: u64) -> Self {
        Self {
            links,
            places: Places::new(links),
            refdomains: Zipf::new((links / 90).max(10)),
            anchors: Zipf::new(links + 10),
            is_apart: false,
        }
    }

    /// The same, with halves that link to different sites or not.
    pub(super) fn apart(self, is_apart: bool) -> Self {
        Self { is_apart, ..self }
    }

    /// How many pages it has.
    pub(super) fn pages(&self) -> u64 {
        (self.links / LINKS_A_PAGE).max(1)
    }

    /// Its pages, in two halves.
    pub(super) fn halves(&self) -> [Range<u64>; 2] {
        [0..self.half(), self.half()..self.pages()]
    }

    /// The first page of the second half.
    fn half(&self) -> u64 {
        self.pages() / 2
    }

    /// Makes its captures; one a thread.
    pub(super) fn generator(&self) -> Generator {
        Generator {
            crawl: *self,
            shape: Shape::new(self.links),
            host: String::new(),
            path: String::new(),
            text: String::new(),
        }
    }
}

/// What there is to ask of a crawl of any size, from few backlinks to many.
pub(super) fn questions() -> Vec<Question> {
    let target = |place: Place| {
        let mut target = String::new();
        place.push_host(&mut target);
        place.push_path(&mut target);
        target
    };
    [
        (target(Place::of_site(900)), Mode::Subdomains),
        (target(Place::of_site(20)), Mode::Prefix),
        (target(Place::of_giant(200)), Mode::Domain),
        (target(Place::of_site(0)), Mode::Subdomains),
        (target(Place::of_giant(0)), Mode::Exact),
        (target(Place::of_giant(1)), Mode::Domain),
        (target(Place::of_giant(0)) + "docs/", Mode::Prefix),
        (place::GIANT.to_owned(), Mode::Subdomains),
    ]
    .map(|(target, mode)| Question::new(target, mode))
    .into()
}

/// Makes captures, and counts what it makes.
#[derive(Debug)]
pub(super) struct Generator {
    crawl: Crawl,
    shape: Shape,
    host: String,
    path: String,
    text: String,
}

impl Generator {
    /// What was made so far.
    pub(super) fn into_shape(self) -> Shape {
        self.shape
    }

    /// Appends the captures of a page: one or two.
    pub(super) fn captures(&mut self, page: u64, out: &mut Vec<Capture>) -> anyhow::Result<()> {
        let mut random = Random::seeded(page);
        let domain = self.crawl.refdomains.rank(&mut random);
        let url = self.page(domain, page)?;
        let time = FIRST_TIME + random.below(CRAWL_SECONDS) as u32;
        let count = 1 + random.below(2 * LINKS_A_PAGE - 1);
        let mut links = Vec::with_capacity(count as usize);
        let mut template = Random::seeded(u64::MAX - domain);
        let is_other = self.crawl.is_apart && page >= self.crawl.half();
        for i in 0..count {
            let of = if i < TEMPLATE_LINKS {
                &mut template
            } else {
                &mut random
            };
            links.push(self.link(of, is_other)?);
        }
        if page.is_multiple_of(RECRAWLED_EVERY) {
            let is_kept = |i: &usize| i % LOST_EVERY != LOST_EVERY - 1;
            let kept: Vec<Link> = links
                .iter()
                .enumerate()
                .filter(|(i, _)| is_kept(i))
                .map(|(_, link)| link.clone())
                .collect();
            self.shape.add_lost(links.len() - kept.len());
            let recrawled = CaptureTime::from_unix(time + RECRAWL_SECONDS);
            out.push(Capture::html(url.clone(), recrawled, kept));
        }
        out.push(Capture::html(url, CaptureTime::from_unix(time), links));
        Ok(())
    }

    fn page(&mut self, domain: u64, page: u64) -> anyhow::Result<CanonicalUrl> {
        self.host.clear();
        self.host.push_str("www.ref-");
        push_words(&mut self.host, domain, '-');
        self.host.push_str(tld(domain));
        self.path.clear();
        self.path.push('/');
        push_words(&mut self.path, page % 100, '-');
        self.path.push('/');
        push_number(&mut self.path, page);
        self.url(true)
    }

    fn url(&self, is_https: bool) -> anyhow::Result<CanonicalUrl> {
        CanonicalUrl::from_plain(is_https, &self.host, &self.path)
            .with_context(|| format!("{}{} is not plain", self.host, self.path))
    }

    fn target(&mut self, place: Place) -> anyhow::Result<CanonicalUrl> {
        self.host.clear();
        place.push_host(&mut self.host);
        self.path.clear();
        place.push_path(&mut self.path);
        self.url(place.is_https())
    }

    fn link(&mut self, random: &mut Random, is_other: bool) -> anyhow::Result<Link> {
        let mut place = self.crawl.places.draw(random);
        if is_other {
            place = place.on_other_site();
        }
        let target = self.target(place)?;
        let mut alt = String::new();
        // 0 is the empty anchor, 1 + rank one of words, and the place's number its URL.
        let (anchor, number) = match random.below(100) {
            0..10 => {
                if random.happens(300) {
                    push_words(&mut alt, random.below(1000), ' ');
                }
                (String::new(), 0)
            }
            10..14 => (target.as_str().to_owned(), place.number()),
            _ => {
                let rank = if random.happens(TITLE_PER_MILLE) {
                    let variant = random.below(TITLES);
                    let mut of_place = Random::seeded(place.number().wrapping_add(variant));
                    self.crawl.anchors.rank(&mut of_place)
                } else {
                    self.crawl.anchors.rank(random)
                };
                self.text.clear();
                push_words(&mut self.text, rank, ' ');
                if random.below(16) == 0 {
                    // Another form of the same folded anchor (R9a).
                    if let Some(first) = self.text.get_mut(..1) {
                        first.make_ascii_uppercase();
                    }
                }
                (self.text.clone(), 1 + rank)
            }
        };
        self.shape.add(place, number);
        Ok(Link {
            link_type: LinkType::Href,
            target,
            anchor,
            alt,
            rel: if random.below(5) == 0 {
                Rel::NOFOLLOW
            } else {
                Rel::NONE
            },
            external: true,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use windlass_links::PublicSuffixList;

    use super::*;

    #[test]
    fn the_shape_is_that_of_the_crawl_measured() {
        let links = 200_000;
        let crawl = Crawl::new(links);
        let list = PublicSuffixList::bundled();
        let mut generator = crawl.generator();
        let mut captures = Vec::new();
        for page in 0..crawl.pages() {
            generator.captures(page, &mut captures).unwrap();
        }
        let mut pages = HashSet::new();
        let mut refdomains = HashSet::new();
        let mut targets = HashSet::new();
        let mut anchors = HashSet::new();
        let mut of_giant = 0u64;
        let mut recrawls = 0u64;
        for capture in &captures {
            recrawls += u64::from(!pages.insert(capture.page.as_str()));
            refdomains.insert(list.registrable_domain(capture.page.host()));
            for link in &capture.links {
                targets.insert(link.target.as_str());
                anchors.insert(link.anchor.to_ascii_lowercase());
                let site = list.registrable_domain(link.target.host());
                of_giant += u64::from(site == place::GIANT);
                assert_ne!(site, list.registrable_domain(capture.page.host()));
            }
        }
        let shape = generator.into_shape().counts();
        // Counted as they are made, exactly at this size.
        assert_eq!(shape.targets, targets.len() as u64);
        assert_eq!(shape.anchors, anchors.len() as u64);
        assert!(of_giant >= shape.to_giant);
        // Measured, of 69 million links: each for a thousand links. Fewer links repeat less.
        for (what, count, measured) in [
            ("targets", shape.targets, 362),
            ("pages", pages.len() as u64, 93),
            ("anchors", shape.anchors, 158),
            ("refdomains", refdomains.len() as u64, 9),
            ("links to the giant site", shape.to_giant, 275),
            ("links to the biggest URL", shape.to_biggest_url, 12),
            ("lost links", shape.lost, 17),
        ] {
            let per_mille = count * 1000 / shape.links;
            let (low, high) = (measured * 65 / 100, measured * 135 / 100);
            assert!((low..=high).contains(&per_mille), "{what}: {per_mille} ‰");
        }
        assert_eq!(recrawls, crawl.pages().div_ceil(RECRAWLED_EVERY));
    }

    #[test]
    fn halves_can_be_apart() {
        let crawl = Crawl::new(2000);
        let list = PublicSuffixList::bundled();
        let sites_of = |crawl: &Crawl| {
            crawl.halves().map(|pages| {
                let mut generator = crawl.generator();
                let mut captures = Vec::new();
                for page in pages {
                    generator.captures(page, &mut captures).unwrap();
                }
                let links = captures.iter().flat_map(|capture| &capture.links);
                let sites: HashSet<String> = links
                    .map(|link| list.registrable_domain(link.target.host()).to_owned())
                    .collect();
                sites
            })
        };
        let [first, second] = sites_of(&crawl);
        assert!(!first.is_disjoint(&second));
        let [first_apart, second_apart] = sites_of(&crawl.apart(true));
        assert_eq!(first_apart, first);
        assert_eq!(second_apart.len(), second.len());
        assert!(first_apart.is_disjoint(&second_apart));
    }

    #[test]
    fn any_part_can_be_made_anywhere() {
        let crawl = Crawl::new(1000);
        let made = |pages: &mut dyn Iterator<Item = u64>| {
            let mut generator = crawl.generator();
            let mut captures = Vec::new();
            for page in pages {
                generator.captures(page, &mut captures).unwrap();
            }
            let mut shown: Vec<String> = captures.iter().map(|c| format!("{c:?}")).collect();
            shown.sort();
            shown
        };
        let whole = made(&mut (0..crawl.pages()));
        assert_eq!(made(&mut (0..crawl.pages()).rev()), whole);
        let half = crawl.pages() / 2;
        let mut parts = made(&mut (half..crawl.pages()));
        parts.extend(made(&mut (0..half)));
        parts.sort();
        assert_eq!(parts, whole);
    }
}
