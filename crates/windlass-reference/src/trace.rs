//! One link with all captures of its page.

use std::collections::{BTreeMap, BTreeSet};

use windlass_links::{CanonicalUrl, Capture, CaptureTime, Link, LinkType, Outcome, Rel, Source};

use crate::capture::captures;
use crate::index::ReferenceIndex;
use crate::page::showings;

/// Where a capture was read: the archive file, and the offset there.
pub type PlainPlace = (String, u64);

/// A link with its dates (R13), and what each capture of its page says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlainTrace {
    /// The page.
    pub page: CanonicalUrl,
    /// Where it leads.
    pub target: CanonicalUrl,
    /// The anchor as written.
    pub anchor: String,
    /// What kind of reference it is.
    pub link_type: LinkType,
    /// Time of the earliest capture that shows it.
    pub first_seen: CaptureTime,
    /// Time of the latest capture that shows it.
    pub last_visited: CaptureTime,
    /// Time of the first capture after `last_visited`; `None` while it is live.
    pub lost: Option<CaptureTime>,
    /// Its rel and alt at `last_visited`.
    pub attributes: (Rel, String),
    /// All captures of the page, by time.
    pub captures: Vec<PlainTracedCapture>,
}

/// A page at one second.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlainTracedCapture {
    /// When.
    pub time: CaptureTime,
    /// As in [`PlainCapture`](crate::PlainCapture).
    pub outcome: &'static str,
    /// As in [`PlainCapture`](crate::PlainCapture).
    pub status: Option<u16>,
    /// As in [`PlainCapture`](crate::PlainCapture).
    pub source: Option<Source>,
    /// The link's rel and alt then, where it is shown.
    pub attributes: Option<(Rel, String)>,
    /// Of revisits, which captures were found unchanged (R1).
    pub renews: BTreeSet<CaptureTime>,
    /// Where those captures of the second were read that count (R14).
    pub places: BTreeSet<PlainPlace>,
}

impl ReferenceIndex {
    /// The `href` link with that page, target and anchor as written, internal or external; where there is none
    /// and the anchor is empty, the reference of another type. `place` says where a capture was read.
    pub fn trace(
        &self,
        page: &CanonicalUrl,
        target: &CanonicalUrl,
        anchor: &str,
        place: impl Fn(&Capture) -> PlainPlace,
    ) -> Option<PlainTrace> {
        let of_page: Vec<&Capture> = self.all_captures().filter(|c| c.page == *page).collect();
        let showings = showings(&of_page);
        let mut types = LinkType::ALL.into_iter();
        let (link_type, shown) = types.find_map(|link_type| {
            let is_copy = |link: &&Link| {
                let is_named = link_type != LinkType::Href || link.anchor == anchor;
                let may_be_meant = link_type == LinkType::Href || anchor.is_empty();
                link.link_type == link_type && link.target == *target && is_named && may_be_meant
            };
            let attributes = showings.iter().filter_map(|(time, links)| {
                let copies: Vec<&Link> = links.iter().filter(is_copy).collect();
                Some((*time, attributes(&copies)?))
            });
            let shown: BTreeMap<CaptureTime, (Rel, String)> = attributes.collect();
            (!shown.is_empty()).then_some((link_type, shown))
        })?;
        let (first_seen, _) = shown.first_key_value()?;
        let (last_visited, last) = shown.last_key_value()?;
        let own: Vec<Capture> = of_page.iter().map(|capture| (*capture).clone()).collect();
        let traced = captures(&own).into_iter().map(|capture| {
            let of_second = of_page.iter().filter(|c| c.time == capture.time);
            let counts = |c: &&&Capture| match capture.source {
                Some(source) => is_real(c) && c.source == source,
                None => true,
            };
            PlainTracedCapture {
                time: capture.time,
                outcome: capture.outcome,
                status: capture.status,
                source: capture.source,
                attributes: shown.get(&capture.time).cloned(),
                renews: match capture.source {
                    Some(_) => BTreeSet::new(),
                    None => shown_captures(&of_page, capture.time),
                },
                places: of_second.filter(counts).map(|c| place(c)).collect(),
            }
        });
        Some(PlainTrace {
            page: page.clone(),
            target: target.clone(),
            anchor: anchor.to_owned(),
            link_type,
            first_seen: *first_seen,
            last_visited: *last_visited,
            lost: showings.keys().find(|time| *time > last_visited).copied(),
            attributes: last.clone(),
            captures: traced.collect(),
        })
    }
}

/// The rel of copies taken together, and the smallest alt that is not empty (R12).
fn attributes(copies: &[&Link]) -> Option<(Rel, String)> {
    let rel = copies.iter().map(|link| link.rel).reduce(Rel::union)?;
    let alts = copies.iter().map(|link| &link.alt);
    let alt = alts.filter(|alt| !alt.is_empty()).min();
    Some((rel, alt.cloned().unwrap_or_default()))
}

fn is_real(capture: &Capture) -> bool {
    !matches!(capture.outcome, Outcome::Revisit(_))
}

/// Which fetched documents a page showed at a second: its own, or else those that its revisits refer to,
/// directly or by other revisits.
fn shown_captures(of_page: &[&Capture], time: CaptureTime) -> BTreeSet<CaptureTime> {
    let of_second = || of_page.iter().filter(|capture| capture.time == time);
    if of_second().any(|capture| is_real(capture)) {
        return BTreeSet::from([time]);
    }
    let earlier: BTreeSet<CaptureTime> = of_page.iter().map(|capture| capture.time).collect();
    let mut shown = BTreeSet::new();
    for capture in of_second() {
        match capture.outcome {
            Outcome::Revisit(Some(referred)) if referred < time => {
                shown.extend(shown_captures(of_page, referred));
            }
            Outcome::Revisit(None) => {
                let mut latest = earlier.range(..time).rev();
                let known = latest.find_map(|time| {
                    let of_earlier = shown_captures(of_page, *time);
                    (!of_earlier.is_empty()).then_some(of_earlier)
                });
                shown.extend(known.unwrap_or_default());
            }
            _ => {}
        }
    }
    shown
}
