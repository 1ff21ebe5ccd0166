//! When the captures that one segment has showed a link.

use std::cmp::Ordering;
use std::ops::Range;

use windlass_links::anchor::{fold, fold_into};
use windlass_links::surt::host_key;
use windlass_links::{CanonicalUrl, CaptureTime, LinkType, Surt};

use super::page::Holder;
use crate::bytes::Corrupt;
use crate::error::IndexError;
use crate::query::suffixes;
use crate::segment::Segment;
use crate::sighting::split_attr;
use crate::site::SiteBlock;
use crate::strings::{StringCursor, StringList};

/// The link that is looked for.
pub(super) struct Wanted<'a> {
    /// The target.
    host: Vec<u8>,
    surt: Surt,
    anchor: &'a str,
    folded: String,
    pub(super) link_type: LinkType,
}

impl<'a> Wanted<'a> {
    pub(super) fn new(target: &CanonicalUrl, anchor: &'a str) -> Self {
        Self {
            host: host_key(target.host()),
            surt: Surt::of(target),
            anchor,
            folded: fold(anchor),
            link_type: LinkType::Href,
        }
    }

    /// The seconds at which the page showed the link, by the captures that a segment has, each with rel byte
    /// and alt; without void ones.
    pub(super) fn sightings_in(
        &self,
        holder: &Holder<'_>,
    ) -> Result<Vec<(u32, Vec<u8>)>, IndexError> {
        let wrong = |corrupt: Corrupt| holder.segment.corrupt(corrupt);
        let mut sightings = Vec::new();
        // The site of the target is its host's registrable domain: its host or one above.
        for site in suffixes(&self.host) {
            for side in [Segment::site, Segment::internal_site] {
                if let Some(block) = side(holder.segment, site).map_err(wrong)? {
                    let found = self.sightings(block, holder.page).map_err(wrong)?;
                    sightings.extend(found);
                }
            }
        }
        sightings.retain(|(time, _)| {
            let time = CaptureTime::from_unix(*time);
            holder.void.binary_search(&time).is_err()
        });
        Ok(sightings)
    }

    fn sightings(
        &self,
        mut block: SiteBlock<'_>,
        page: u32,
    ) -> Result<Vec<(u32, Vec<u8>)>, Corrupt> {
        let place = block.pages.lower_bound(page)?;
        if place >= block.pages.len() || block.pages.at(place)? != page {
            return Ok(Vec::new());
        }
        let place = place as u64 as u32;
        let Some(link) = self.link(&mut block, place)? else {
            return Ok(Vec::new());
        };
        let is_other = self.link_type != LinkType::Href;
        let seen = block.seen(is_other, link as u64 as u32, place)?;
        let mut sightings = Vec::with_capacity(seen.len());
        for (time, attr) in seen {
            let mut text = Vec::new();
            block.attrs.get(attr as usize, &mut text)?;
            let (_, alt) = split_attr(&text);
            std::str::from_utf8(alt).map_err(|_| Corrupt("an alt"))?;
            sightings.push((time, text));
        }
        Ok(sightings)
    }

    /// Which link of the block it is, if that has it, on the page at that place.
    fn link(&self, block: &mut SiteBlock<'_>, place: u32) -> Result<Option<usize>, Corrupt> {
        let url = block.first_url_from(self.surt.as_bytes())?;
        let mut key = Vec::new();
        if url < block.urls.len() {
            block.url_key(url, &mut key)?;
        }
        if key != self.surt.as_bytes() {
            return Ok(None);
        }
        let is_other = self.link_type != LinkType::Href;
        let form = if is_other {
            Some(self.link_type as u32)
        } else {
            self.form(block.forms)?
        };
        let Some(form) = form else {
            return Ok(None);
        };
        let table = if is_other {
            &mut block.others
        } else {
            &mut block.hrefs
        };
        let links = table.start(url)?..table.start(url + 1)?;
        search(links, |link| {
            let found = (table.forms.at(link)?, table.pages.at(link)?);
            Ok(found.cmp(&(form, place)))
        })
    }

    /// The number of the anchor. Anchors are ordered by their folded form, then as written.
    fn form(&self, forms: StringList<'_>) -> Result<Option<u32>, Corrupt> {
        let (mut cursor, mut folded) = (StringCursor::new(forms), String::new());
        let found = search(0..forms.len(), |form| {
            let text = std::str::from_utf8(cursor.get(form)?).map_err(|_| Corrupt("an anchor"))?;
            folded.clear();
            fold_into(text, &mut folded);
            Ok((folded.as_str(), text).cmp(&(self.folded.as_str(), self.anchor)))
        })?;
        Ok(found.map(|form| form as u64 as u32))
    }
}

/// The position in a sorted range whose value is the one looked for; `compare` holds a value against it.
fn search(
    mut range: Range<usize>,
    mut compare: impl FnMut(usize) -> Result<Ordering, Corrupt>,
) -> Result<Option<usize>, Corrupt> {
    while range.start < range.end {
        let middle = range.start + (range.end - range.start) / 2;
        match compare(middle)? {
            Ordering::Less => range.start = middle + 1,
            Ordering::Equal => return Ok(Some(middle)),
            Ordering::Greater => range.end = middle,
        }
    }
    Ok(None)
}
