//! Merging the pages of a site's blocks, with their times.

use super::Source;
use super::ahead::AheadPage;
use crate::bytes::Corrupt;
use crate::instant::Captured;
use crate::merge::Damage;
use crate::merge::pages::MergedPages;
use crate::site::SiteEncoder;

/// Set in a page's place where it is the number of a [`SharedPage`].
const SHARED: u32 = 1 << 31;
/// In a page's place: none of its captures is taken.
const GONE: u32 = u32::MAX;

/// The pages that several blocks have, or that have lost captures: what a link to the site from there
/// was seen at must be put together.
#[derive(Debug, Default)]
pub(super) struct Pages {
    shared: Vec<SharedPage>,
    /// The times of all of them.
    times: Vec<u32>,
    buffer: Vec<u32>,
    /// Of each source.
    heads: Vec<(u64, AheadPage)>,
}

#[derive(Debug)]
pub(super) struct SharedPage {
    /// New place in the block.
    pub(super) place: u32,
    /// New number in the segment.
    pub(super) number: u32,
    first_time: usize,
    times: usize,
}

/// What became of a page.
#[derive(Debug, Clone, Copy)]
pub(super) enum PagePlace<'p> {
    /// It is as it was.
    Apart(u32),
    Shared(&'p SharedPage),
    Gone,
}

/// No page is left in a source.
const NONE_LEFT: u64 = u64::MAX;

impl Pages {
    /// Merges the pages into the encoder, and writes the new place of each into its source. Returns whether the block is
    /// loose.
    pub(super) fn merge(
        &mut self,
        sources: &mut [Source<'_>],
        merged: &MergedPages,
        encoder: &mut SiteEncoder,
    ) -> Result<bool, Damage> {
        self.shared.clear();
        self.times.clear();
        self.heads.clear();
        for (at, source) in sources.iter_mut().enumerate() {
            source.ahead.rewind();
            self.heads
                .push(head(source, merged).map_err(Damage::of(at))?);
        }
        let mut is_loose = false;
        let mut place = 0u32;
        let mut times = Vec::new();
        loop {
            let (mut number, mut having, mut first) = (NONE_LEFT, 0, 0);
            for (at, (head, _)) in self.heads.iter().enumerate() {
                if *head < number {
                    (number, having, first) = (*head, 1, at);
                } else if *head == number {
                    having += 1;
                }
            }
            if number == NONE_LEFT {
                return Ok(is_loose);
            }
            if place >= SHARED - 1 {
                let what = Corrupt("more than 2^31 pages that link to one site");
                return Err(Damage {
                    input: usize::MAX,
                    what,
                });
            }
            let number = number as u32;
            if having == 1
                && let Some(source) = sources.get_mut(first)
                && let Some(head_of) = self.heads.get_mut(first)
                && !source.mapping.has_outranked(number)
            {
                // Most pages.
                let (at, page) = (source.pages.len() as u64 as u32, head_of.1);
                let page_times = &mut source.block.page_times;
                let latest = page.was_latest;
                if let Some(captured) = page.recaptured {
                    let read = page_times.up_to(latest, at, page.old, &mut times);
                    read.map_err(Damage::of(first))?;
                    encoder.page(number, captured, &times);
                } else if page_times
                    .own_up_to(latest, at, &mut times)
                    .map_err(Damage::of(first))?
                {
                    encoder.seen_page(number, latest, &times);
                } else {
                    encoder.whole_page(number);
                }
                source.pages.push(place);
                *head_of = head(source, merged).map_err(Damage::of(first))?;
                place += 1;
                continue;
            }
            let captured = merged.captured(number);
            self.buffer.clear();
            let mut has_lost = false;
            for (at, source) in sources.iter_mut().enumerate() {
                let Some((_, page)) = self.heads.get(at).filter(|(n, _)| *n == u64::from(number))
                else {
                    continue;
                };
                let old_place = source.pages.len() as u64 as u32;
                let page_times = &mut source.block.page_times;
                let read = page_times.up_to(page.was_latest, old_place, page.old, &mut times);
                read.map_err(Damage::of(at))?;
                if source.mapping.has_outranked(number) {
                    let before = times.len();
                    times.retain(|time| !source.mapping.is_outranked(number, *time));
                    has_lost |= times.len() < before;
                }
                self.buffer.extend_from_slice(&times);
            }
            let becomes = if having == 1 && !has_lost {
                encoder.page(number, captured, &self.buffer);
                place
            } else {
                self.buffer.sort_unstable();
                let before = self.buffer.len();
                self.buffer.dedup();
                is_loose |= has_lost || self.buffer.len() < before;
                self.share(place, (number, captured), encoder)
            };
            for (at, (source, head_of)) in sources.iter_mut().zip(&mut self.heads).enumerate() {
                if head_of.0 == u64::from(number) {
                    source.pages.push(becomes);
                    source.is_apart &= becomes & SHARED == 0;
                    *head_of = head(source, merged).map_err(Damage::of(at))?;
                }
            }
            if becomes != GONE {
                place += 1;
            }
        }
    }

    /// Keeps the times that are in the buffer.
    fn share(
        &mut self,
        place: u32,
        (number, captured): (u32, Captured),
        encoder: &mut SiteEncoder,
    ) -> u32 {
        if self.buffer.is_empty() {
            return GONE;
        }
        encoder.page(number, captured, &self.buffer);
        let becomes = SHARED | self.shared.len() as u64 as u32;
        self.shared.push(SharedPage {
            place,
            number,
            first_time: self.times.len(),
            times: self.buffer.len(),
        });
        self.times.extend_from_slice(&self.buffer);
        becomes
    }

    /// What became of the page at an old place.
    #[inline]
    pub(super) fn get(&self, source: &Source<'_>, old: u32) -> Result<PagePlace<'_>, Corrupt> {
        let becomes = *source.pages.get(old as usize).ok_or(Corrupt("a page"))?;
        if becomes & SHARED == 0 {
            return Ok(PagePlace::Apart(becomes));
        }
        if becomes == GONE {
            return Ok(PagePlace::Gone);
        }
        let shared = self.shared.get((becomes & !SHARED) as usize);
        shared.map(PagePlace::Shared).ok_or(Corrupt("a page"))
    }

    /// All times of a shared page.
    pub(super) fn times(&self, page: &SharedPage) -> &[u32] {
        let range = page.first_time..page.first_time + page.times;
        self.times.get(range).unwrap_or_default()
    }
}

/// A source's next page, with its new number in front.
fn head(source: &mut Source<'_>, merged: &MergedPages) -> Result<(u64, AheadPage), Corrupt> {
    let pages = &mut source.block.pages;
    let page = source.ahead.take(pages, source.mapping, merged)?;
    Ok(page.map_or((NONE_LEFT, AheadPage::default()), |page| {
        (u64::from(page.number), page)
    }))
}
