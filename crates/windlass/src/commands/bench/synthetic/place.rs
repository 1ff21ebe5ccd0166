//! Where links lead: one giant site, and many others.

use super::random::{Random, Zipf, mixed};
use super::text::{push_number, push_words};

/// The site with more than a quarter of all links.
pub(super) const GIANT: &str = "giant.com";
/// What other sites are called in front.
const OTHER: &str = "other-";
/// Links to it, of a thousand.
const GIANT_PER_MILLE: u64 = 275;
/// Of those, links to its host `www`, of a thousand.
const GIANT_WWW_PER_MILLE: u64 = 300;
/// Its other hosts.
const GIANT_HOSTS: u64 = 2000;
/// Links to the root of `www.giant.com`, of a hundred to that host: the URL with the most of all.
const ROOT_PERCENT: u64 = 10;
/// Links to its `/docs/`, likewise.
const DOCS_PERCENT: u64 = 74;
/// URLs of a host that are linked to again and again; ranks from there on are deep links.
const POPULAR_PATHS: u64 = 200;
/// Deep links, of a thousand: most of them are the only one to their URL.
const DEEP_PER_MILLE: u64 = 270;
/// First segments of the paths of a host.
const SECTIONS: u64 = 16;

/// A URL that is linked to, as numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    host: Host,
    /// Whether it is on a site that is called otherwise, and is like that of this place for the rest.
    is_other: bool,
    /// 0 is the root; 2r + 1 stands for a page in `/docs/`, 2r + 2 for one in another section.
    path: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Host {
    /// `www` is 0.
    OfGiant(u64),
    OfSite {
        site: u64,
        label: &'static str,
    },
}

/// The distribution of places.
#[derive(Debug, Clone, Copy)]
pub(super) struct Places {
    giant_hosts: Zipf,
    sites: Zipf,
    popular_paths: Zipf,
    deep_paths: u64,
}

impl Places {
    /// For a crawl of about so many links.
    pub(super) fn new(links: u64) -> Self {
        Self {
            giant_hosts: Zipf::new(GIANT_HOSTS),
            sites: Zipf::new(links / 25 + 10),
            popular_paths: Zipf::new(POPULAR_PATHS),
            deep_paths: links.max(1),
        }
    }

    pub(super) fn draw(&self, random: &mut Random) -> Place {
        if !random.happens(GIANT_PER_MILLE) {
            let site = self.sites.rank(random);
            let label = match random.below(100) {
                0..60 => "www.",
                60..85 => "",
                _ => "blog.",
            };
            return Place {
                host: Host::OfSite { site, label },
                path: self.path(random),
                is_other: false,
            };
        }
        if !random.happens(GIANT_WWW_PER_MILLE) {
            let host = 1 + self.giant_hosts.rank(random);
            return Place {
                host: Host::OfGiant(host),
                path: self.path(random),
                is_other: false,
            };
        }
        let percent = random.below(100);
        let path = if percent < ROOT_PERCENT {
            0
        } else if percent < ROOT_PERCENT + DOCS_PERCENT {
            1 + 2 * self.path_rank(random)
        } else {
            2 + 2 * self.path_rank(random)
        };
        Place {
            host: Host::OfGiant(0),
            path,
            is_other: false,
        }
    }

    fn path(&self, random: &mut Random) -> u64 {
        2 * self.path_rank(random)
    }

    fn path_rank(&self, random: &mut Random) -> u64 {
        if random.happens(DEEP_PER_MILLE) {
            POPULAR_PATHS + random.below(self.deep_paths)
        } else {
            self.popular_paths.rank(random)
        }
    }
}

impl Place {
    /// The root of a host of the giant site; 0 is `www`.
    pub(super) fn of_giant(host: u64) -> Self {
        Self {
            host: Host::OfGiant(host),
            path: 0,
            is_other: false,
        }
    }

    /// The root of another site.
    pub(super) fn of_site(site: u64) -> Self {
        Self {
            host: Host::OfSite { site, label: "" },
            path: 0,
            is_other: false,
        }
    }

    /// The same place on another site.
    pub(super) fn on_other_site(self) -> Self {
        Self {
            is_other: true,
            ..self
        }
    }

    pub(super) fn is_on_giant(self) -> bool {
        matches!(self.host, Host::OfGiant(_))
    }

    /// Whether it is on the host with the most links.
    pub(super) fn is_on_biggest_host(self) -> bool {
        self.host == Host::OfGiant(0)
    }

    /// Whether it is the URL with the most links.
    pub(super) fn is_biggest(self) -> bool {
        self.is_on_biggest_host() && self.path == 0
    }

    /// A number that is no other place's, and not 0, but for accidents of one in 2⁶⁴.
    pub(super) fn number(self) -> u64 {
        // Turned, lest host a with path b be taken for host b with path a.
        mixed(self.host_number().rotate_left(32) ^ mixed(self.path))
    }

    fn host_number(self) -> u64 {
        let number = match self.host {
            Host::OfGiant(host) => mixed(2 * host + 1),
            Host::OfSite { site, label } => mixed(2 + 2 * (8 * site + label.len() as u64)),
        };
        if self.is_other { mixed(number) } else { number }
    }

    /// All URLs of a host have one scheme.
    pub(super) fn is_https(self) -> bool {
        !self.host_number().is_multiple_of(8)
    }

    pub(super) fn push_host(self, out: &mut String) {
        let other = if self.is_other { OTHER } else { "" };
        match self.host {
            Host::OfGiant(0) => out.push_str("www."),
            Host::OfGiant(host) => {
                push_words(out, host, '-');
                out.push('.');
            }
            Host::OfSite { site, label } => {
                out.push_str(label);
                out.push_str(other);
                push_words(out, site, '-');
                out.push_str(tld(site));
                return;
            }
        }
        out.push_str(other);
        out.push_str(GIANT);
    }

    pub(super) fn push_path(self, out: &mut String) {
        out.push('/');
        if self.path == 0 {
            return;
        }
        let rank = (self.path - 1) / 2;
        if self.path % 2 == 1 {
            out.push_str("docs/");
        } else {
            push_words(out, rank % SECTIONS, '-');
            out.push('/');
        }
        if rank < POPULAR_PATHS {
            push_words(out, rank, '-');
        } else {
            push_number(out, rank);
        }
    }
}

/// The domain that a site is registered under.
pub(super) fn tld(site: u64) -> &'static str {
    match mixed(site) % 16 {
        0..9 => ".com",
        9..11 => ".org",
        11 => ".net",
        12 => ".de",
        13 => ".co.uk",
        14 => ".fr",
        _ => ".io",
    }
}
