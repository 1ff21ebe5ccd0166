//! The links of one site, from the cursors of all segments that have it.

use std::cmp;
use std::ops::ControlFlow;
use std::rc::Rc;
use std::sync::atomic::AtomicBool;

use windlass_links::surt::{host_of_key, url_of_key};
use windlass_links::{CaptureTime, History, LinkType, Rel};

use super::cursor::Cursor;
use super::pages::{Page, Pages};
use crate::error::{IndexError, check};
use crate::query::dates;
use crate::showings::Showings;
use crate::sighting::{split_attr, unite_attrs};

/// One link, with its history. External `href` links are backlinks (R12).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkRow<'a> {
    /// Registrable domain of the target.
    pub site: &'a str,
    /// The target's URL.
    pub target: &'a str,
    /// The page.
    pub page: &'a Page,
    /// What kind of reference it is (R8).
    pub link_type: LinkType,
    /// The anchor as written; empty for other types than `href`.
    pub anchor: &'a str,
    /// The anchor folded (R9a).
    pub folded_anchor: &'a str,
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

/// How many links go by between looks at the stop flag.
const STRIDE: u64 = 1 << 10;

/// Calls `each` with the links that the history keeps, in the order of the block; whether it wants
/// more.
pub(super) fn for_each<E: From<IndexError>>(
    site_key: &[u8],
    mut cursors: Vec<Cursor<'_>>,
    pages: &mut Pages<'_>,
    history: History,
    cancel: &AtomicBool,
    each: &mut impl FnMut(&LinkRow<'_>) -> Result<ControlFlow<()>, E>,
) -> Result<ControlFlow<()>, E> {
    let site = host_of_key(site_key);
    let mut at = 0;
    while at < cursors.len() {
        let is_there = match cursors.get_mut(at) {
            Some(cursor) => cursor.advance(pages, cancel)?,
            None => false,
        };
        if is_there {
            at += 1;
        } else {
            cursors.swap_remove(at);
        }
    }
    let (mut sightings, mut times) = (Vec::new(), Vec::new());
    let (mut url_key, mut target) = (Vec::new(), String::new());
    // Those at the smallest link.
    let mut same = Vec::new();
    for n in 0u64.. {
        if n.is_multiple_of(STRIDE) {
            check(cancel)?;
        }
        same.clear();
        for (i, cursor) in cursors.iter().enumerate() {
            let smallest = same.first().and_then(|first: &usize| cursors.get(*first));
            match smallest.map(|smallest| cursor.compare(smallest)) {
                None | Some(cmp::Ordering::Equal) => same.push(i),
                Some(cmp::Ordering::Less) => {
                    same.clear();
                    same.push(i);
                }
                Some(cmp::Ordering::Greater) => {}
            }
        }
        let Some(first) = same.first().copied() else {
            break;
        };
        sightings.clear();
        for i in &same {
            if let Some(cursor) = cursors.get_mut(*i) {
                cursor.sightings(&mut sightings)?;
            }
        }
        if let Some(cursor) = cursors.get(first) {
            let page = Rc::clone(&cursor.entry()?.page);
            if let Some(known) = history_of(&mut sightings, &mut times, &page.showings, history) {
                if url_key != cursor.url_key() {
                    url_key.clear();
                    url_key.extend_from_slice(cursor.url_key());
                    target =
                        url_of_key(&url_key).ok_or_else(|| cursor.corrupt("a target's key"))?;
                }
                if each(&row(cursor, &site, &target, &page, &known)?)?.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
        }
        // From the back, so that places before stay what they are.
        for i in same.iter().rev() {
            let goes_on = match cursors.get_mut(*i) {
                Some(cursor) => cursor.advance(pages, cancel)?,
                None => true,
            };
            if !goes_on {
                cursors.swap_remove(*i);
            }
        }
    }
    Ok(ControlFlow::Continue(()))
}

/// The link that a cursor is at.
pub(super) fn row<'r>(
    cursor: &'r Cursor<'_>,
    site: &'r str,
    target: &'r str,
    page: &'r Page,
    (dates, lost, attr): &'r Known,
) -> Result<LinkRow<'r>, IndexError> {
    let (rel, alt) = split_attr(attr);
    Ok(LinkRow {
        site,
        target,
        page,
        link_type: cursor.link_type()?,
        anchor: cursor.anchor(),
        folded_anchor: cursor.folded(),
        alt: str::from_utf8(alt).map_err(|_| cursor.corrupt("an alt"))?,
        rel,
        first_seen: CaptureTime::from_unix(dates.first_seen),
        last_visited: CaptureTime::from_unix(dates.last_visited),
        lost: *lost,
    })
}

/// What is known of a link's history: its dates, when it was lost, and rel and alt as they were at
/// `last_visited`.
pub(super) type Known = (dates::Dates, Option<CaptureTime>, Vec<u8>);

/// The history of a link that was seen so, on a page with such showings; `None` where the history leaves it
/// out, or no sighting is left.
pub(super) fn history_of(
    sightings: &mut Vec<(u32, Vec<u8>)>,
    times: &mut Vec<u32>,
    showings: &Showings,
    history: History,
) -> Option<Known> {
    sightings.sort_unstable();
    sightings.dedup();
    times.clear();
    times.extend(sightings.iter().map(|(time, _)| *time));
    times.dedup();
    let (dates, lost) = dates::with_loss(times, showings, history)?;
    // In the capture that showed it last, which a revisit may have renewed.
    let name = showings.named(CaptureTime::from_unix(dates.last_visited))?;
    let shown = showings.captures(name);
    let shown_then = |time: u32| shown.binary_search(&CaptureTime::from_unix(time)).is_ok();
    let mut attrs = sightings.iter().filter(|(time, _)| shown_then(*time));
    let (_, first) = attrs.next()?;
    let attr = attrs.fold(first.clone(), |united, (_, attr)| {
        unite_attrs(&united, attr)
    });
    Some((dates, lost, attr))
}
