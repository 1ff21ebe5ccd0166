//! All captures in memory, asked one target at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use windlass_links::{
    CanonicalUrl, Capture, CaptureTime, History, Mode, PublicSuffixList, Surt, Target,
};

use crate::backlink::{Backlink, Meant, backlinks, is_external};
use crate::capture::{PlainCapture, captures};
use crate::kinds::kind;
use crate::page::{Showings, real, showings};
use crate::report::{PlainRow, rows};

/// The index as the counting rules state it. Every question reads every capture.
#[derive(Debug, Clone)]
pub struct ReferenceIndex {
    captures: Vec<Capture>,
    list: Arc<PublicSuffixList>,
}

impl ReferenceIndex {
    /// An index of these captures, in any order and repeated as often as one likes (R14).
    #[must_use]
    pub const fn new(captures: Vec<Capture>, list: Arc<PublicSuffixList>) -> Self {
        Self { captures, list }
    }

    /// Every backlink there ever was (R12), ordered by (page, target, anchor).
    #[must_use]
    pub fn all(&self) -> Vec<Backlink> {
        self.links(true)
    }

    /// Every `href` link within a registrable domain (R11) there ever was, as backlinks are told.
    #[must_use]
    pub fn internal(&self) -> Vec<Backlink> {
        self.links(false)
    }

    fn links(&self, is_external: bool) -> Vec<Backlink> {
        let meant = Meant {
            is_external,
            list: &self.list,
        };
        self.showings()
            .into_iter()
            .flat_map(|(page, showings)| backlinks(page, &showings, meant))
            .collect()
    }

    /// What each page showed. Those of which nothing but revisits of what is not known is there are as if they were not
    /// (R1).
    pub(crate) fn showings(&self) -> BTreeMap<&CanonicalUrl, Showings> {
        let mut by_page: BTreeMap<&CanonicalUrl, Vec<&Capture>> = BTreeMap::new();
        for capture in &self.captures {
            by_page.entry(&capture.page).or_default().push(capture);
        }
        let all = by_page.into_iter();
        let all = all.map(|(page, captures)| (page, showings(&captures)));
        all.filter(|(_, showings)| !showings.is_empty()).collect()
    }

    /// The captures as they were given.
    pub(crate) fn all_captures(&self) -> impl Iterator<Item = &Capture> {
        self.captures.iter()
    }

    /// Every page at every second at which it was captured, ordered.
    #[must_use]
    pub fn captures(&self) -> Vec<PlainCapture> {
        captures(&self.captures)
    }

    /// The backlinks of a target (R16) that `history` keeps (R15), ordered by (page, target, anchor).
    #[must_use]
    pub fn backlinks(&self, target: &Target, history: History) -> Vec<Backlink> {
        let mut found = self.all();
        found.retain(|backlink| matches(target, &backlink.target) && history.keeps(backlink.lost));
        found
    }

    /// The rows of a target before aggregation (R15), ordered by (anchor, refdomain) in bytes.
    #[must_use]
    pub fn rows(&self, target: &Target, history: History) -> Vec<PlainRow> {
        rows(&self.backlinks(target, history))
    }

    /// The registrable domains of pages, each with one that they ever linked to, by any external link of any
    /// type; ordered.
    #[must_use]
    pub fn linked_domains(&self) -> BTreeSet<(String, String)> {
        let domain = |url: &CanonicalUrl| self.list.registrable_domain(url.host()).to_owned();
        let mut linked = BTreeSet::new();
        for (page, time) in self.seconds() {
            let of_second: Vec<&Capture> = self
                .captures
                .iter()
                .filter(|c| c.page == *page && c.time == time)
                .collect();
            for link in real(&of_second).unwrap_or_default() {
                if is_external(page, &link, &self.list) {
                    linked.insert((domain(page), domain(&link.target)));
                }
            }
        }
        linked
    }

    /// Whether the target's host occurs in any crawl (R20): as the host of a captured page, or of
    /// the target of an external link of any type. With `subdomains`, a host below it will do.
    #[must_use]
    pub fn host_known(&self, target: &Target) -> bool {
        let is_meant = |host: &str| match target.mode() {
            Mode::Subdomains => is_at_or_below(host, target.host()),
            _ => host == target.host(),
        };
        self.showings().keys().any(|page| is_meant(page.host()))
            || self.seconds().iter().any(|(page, time)| {
                let of_second: Vec<&Capture> = self
                    .captures
                    .iter()
                    .filter(|c| c.page == **page && c.time == *time)
                    .collect();
                real(&of_second)
                    .unwrap_or_default()
                    .iter()
                    .any(|link| is_external(page, link, &self.list) && is_meant(link.target.host()))
            })
    }

    /// The registrable domain of a host (R7).
    pub(crate) fn registrable_domain(&self, host: &str) -> String {
        self.list.registrable_domain(host).to_owned()
    }

    /// The name of the kind of a target's folded anchor (K1–K5).
    pub(crate) fn kind(&self, anchor: &str, target: &Target) -> &'static str {
        kind(anchor, target, &self.list)
    }

    /// The distinct (page, second) pairs.
    fn seconds(&self) -> BTreeSet<(&CanonicalUrl, CaptureTime)> {
        self.captures
            .iter()
            .map(|capture| (&capture.page, capture.time))
            .collect()
    }
}

/// Whether a URL is one of those that a target means (R16).
pub(crate) fn matches(target: &Target, url: &CanonicalUrl) -> bool {
    let path = url.path_and_query();
    let is_in_range = match target.mode() {
        Mode::Exact => url.host() == target.host() && path == target.path_and_query(),
        Mode::Prefix => url.host() == target.host() && path.starts_with(target.path_and_query()),
        Mode::Domain => url.host() == target.host(),
        Mode::Subdomains => is_at_or_below(url.host(), target.host()),
    };
    is_in_range && target.has_port(Surt::of(url).as_bytes())
}

/// Whether a host is `above` or one of the hosts below it.
fn is_at_or_below(host: &str, above: &str) -> bool {
    host == above
        || host
            .strip_suffix(above)
            .is_some_and(|rest| rest.ends_with('.'))
}
