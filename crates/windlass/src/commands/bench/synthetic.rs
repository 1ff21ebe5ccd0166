//! Synthetic captures with the skew of real crawls: for sizes that no corpus at hand has.
//!
//! Everything follows from the page's number, so that any part can be made anywhere, in any order.
//! Ranks of sites, URLs and anchors are Zipf-distributed; a page repeats its site's template; one
//! target site has more than a quarter of all links; a tenth of the pages is captured twice, the
//! second time without some of its links.

use windlass_links::{
    CanonicalUrl, Capture, CaptureTime, Link, LinkCounts, LinkType, Outcome, Rel, Source,
};

/// Links on a page, on average.
const LINKS_A_PAGE: u64 = 11;
/// The first links of a page are its site's template.
const TEMPLATE_LINKS: u64 = 4;
const FIRST_TIME: u32 = 1_700_000_000;
const RECRAWL_SECONDS: u32 = 30 * 86_400;

/// A crawl of about so many links.
#[derive(Debug, Clone, Copy)]
pub(super) struct Crawl {
    links: u64,
}

impl Crawl {
    pub(super) fn new(links: u64) -> Self {
        Self { links }
    }

    /// How many pages it has.
    pub(super) fn pages(self) -> u64 {
        (self.links / LINKS_A_PAGE).max(1)
    }

    fn refdomains(self) -> u64 {
        (self.links / 110).max(10)
    }

    /// The captures of a page: one or two.
    pub(super) fn captures(self, page: u64) -> Result<Vec<Capture>, windlass_links::url::UrlError> {
        let mut random = Random::seeded(page);
        let domain = random.zipf(self.refdomains());
        let url = CanonicalUrl::parse(&format!("https://www.ref{domain}.com/p/{page}"))?;
        let time = FIRST_TIME + (random.next() % 1_000_000) as u32;
        let count = 1 + random.next() % (2 * LINKS_A_PAGE - 1);
        let mut links = Vec::new();
        let mut template = Random::seeded(u64::MAX - domain);
        for i in 0..count {
            let of = if i < TEMPLATE_LINKS {
                &mut template
            } else {
                &mut random
            };
            links.push(self.link(of)?);
        }
        let capture = |time, links| Capture {
            page: url.clone(),
            time: CaptureTime::from_unix(time),
            outcome: Outcome::Html,
            source: Source::Warc,
            counts: LinkCounts::default(),
            links,
        };
        if !page.is_multiple_of(10) {
            return Ok(vec![capture(time, links)]);
        }
        let kept = links
            .iter()
            .enumerate()
            .filter(|(i, _)| i % 5 != 4)
            .map(|(_, link)| link.clone())
            .collect();
        Ok(vec![
            capture(time, links),
            capture(time + RECRAWL_SECONDS, kept),
        ])
    }

    fn link(self, random: &mut Random) -> Result<Link, windlass_links::url::UrlError> {
        let target = if random.next() % 100 < 27 {
            let host = random.zipf(2000);
            format!(
                "https://h{host}.giant.com/{}",
                random.zipf(self.links / 20 + 10)
            )
        } else {
            let site = random.zipf(self.links / 25 + 10);
            format!("https://site{site}.com/{}", random.zipf(200))
        };
        let anchor = match random.next() % 10 {
            0 => String::new(),
            1 => target.clone(),
            _ => format!("anchor {}", random.zipf(self.links / 6 + 10)),
        };
        Ok(Link {
            link_type: LinkType::Href,
            target: CanonicalUrl::parse(&target)?,
            anchor,
            alt: String::new(),
            rel: if random.next().is_multiple_of(5) {
                Rel::NOFOLLOW
            } else {
                Rel::NONE
            },
            external: true,
        })
    }
}

/// Sebastiano Vigna's SplitMix64.
#[derive(Debug)]
struct Random(u64);

impl Random {
    fn seeded(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A rank from 0 to n − 1; rank r about 1 / (r + 1) as often as the first.
    fn zipf(&mut self, n: u64) -> u64 {
        let uniform = (self.next() >> 11) as f64 / (1u64 << 53) as f64;
        ((n as f64 + 1.0).powf(uniform) as u64).clamp(1, n) - 1
    }
}
