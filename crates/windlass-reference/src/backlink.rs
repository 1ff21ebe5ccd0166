//! Backlinks with their dates (R11–R13).

use std::collections::BTreeSet;

use windlass_links::anchor::fold;
use windlass_links::{CanonicalUrl, CaptureTime, Link, LinkType, PublicSuffixList, Rel};

use crate::page::Showings;

/// A backlink: one triple of page, target and anchor as written (R12), with its history (R13).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Backlink {
    /// The page that carries it.
    pub page: CanonicalUrl,
    /// Where it leads.
    pub target: CanonicalUrl,
    /// The anchor as written.
    pub anchor: String,
    /// The folded anchor (R9a).
    pub folded: String,
    /// The page's registrable domain (R7).
    pub refdomain: String,
    /// Time of the earliest capture that shows it.
    pub first_seen: CaptureTime,
    /// Time of the latest capture that shows it.
    pub last_visited: CaptureTime,
    /// Time of the first capture after `last_visited`; `None` while it is live.
    pub lost: Option<CaptureTime>,
    /// Whether every copy at `last_visited` is nofollow (R10, R12).
    pub nofollow: bool,
    /// The smallest `alt` that is not empty, of the copies at `last_visited`.
    pub alt: String,
    /// The rel of the copies at `last_visited`, taken together (R12).
    pub rel: Rel,
}

/// Whether a link leads to another registrable domain than its page's (R11).
pub(crate) fn is_external(page: &CanonicalUrl, link: &Link, list: &PublicSuffixList) -> bool {
    list.registrable_domain(page.host()) != list.registrable_domain(link.target.host())
}

/// Which `href` links (R8) of a page are meant: those to other registrable domains, which are backlinks, or
/// those to its own (R11).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Meant<'a> {
    pub(crate) is_external: bool,
    pub(crate) list: &'a PublicSuffixList,
}

impl Meant<'_> {
    fn is(self, page: &CanonicalUrl, link: &Link) -> bool {
        link.link_type == LinkType::Href && is_external(page, link, self.list) == self.is_external
    }
}

/// All links of a kind that a page ever carried (R12), ordered by (target, anchor).
pub(crate) fn backlinks(
    page: &CanonicalUrl,
    showings: &Showings,
    meant: Meant<'_>,
) -> Vec<Backlink> {
    let ends: BTreeSet<(&CanonicalUrl, &str)> = showings
        .values()
        .flatten()
        .filter(|link| meant.is(page, link))
        .map(|link| (&link.target, link.anchor.as_str()))
        .collect();
    ends.into_iter()
        .filter_map(|(target, anchor)| backlink(page, target, anchor, showings, meant))
        .collect()
}

/// One link with its dates (R13); `None` where no capture shows it.
fn backlink(
    page: &CanonicalUrl,
    target: &CanonicalUrl,
    anchor: &str,
    showings: &Showings,
    meant: Meant<'_>,
) -> Option<Backlink> {
    let is_copy =
        |link: &&Link| meant.is(page, link) && link.target == *target && link.anchor == anchor;
    let seen: Vec<CaptureTime> = showings
        .iter()
        .filter(|(_, links)| links.iter().any(|link| is_copy(&link)))
        .map(|(time, _)| *time)
        .collect();
    let (first_seen, last_visited) = (*seen.first()?, *seen.last()?);
    let lost = showings.keys().find(|time| **time > last_visited).copied();
    let copies: Vec<&Link> = showings
        .get(&last_visited)?
        .iter()
        .filter(is_copy)
        .collect();
    let rel = copies.iter().map(|link| link.rel).reduce(Rel::union)?;
    let alt = copies
        .iter()
        .map(|link| &link.alt)
        .filter(|alt| !alt.is_empty())
        .min();
    Some(Backlink {
        page: page.clone(),
        target: target.clone(),
        anchor: anchor.to_owned(),
        folded: fold(anchor),
        refdomain: meant.list.registrable_domain(page.host()).to_owned(),
        first_seen,
        last_visited,
        lost,
        nofollow: copies.iter().all(|link| link.rel.is_nofollow()),
        alt: alt.cloned().unwrap_or_default(),
        rel,
    })
}
