//! Merging the pages of a site's blocks, with their times.

use super::Source;
use crate::bytes::Corrupt;
use crate::merge::Damage;
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
    heads: Vec<u64>,
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
    /// Merges the pages into the encoder, and writes the new place of each into its source. `latest` is
    /// when each (new) page was last really captured. Returns whether the block is loose.
    pub(super) fn merge(
        &mut self,
        sources: &mut [Source<'_>],
        latest: &[u32],
        encoder: &mut SiteEncoder,
    ) -> Result<bool, Damage> {
        self.shared.clear();
        self.times.clear();
        self.heads.clear();
        for (at, source) in sources.iter_mut().enumerate() {
            self.heads.push(head(source).map_err(Damage::of(at))?);
        }
        let mut is_loose = false;
        let mut place = 0u32;
        let mut times = Vec::new();
        loop {
            let Some(number) = self.heads.iter().copied().min().filter(|n| *n != NONE_LEFT) else {
                return Ok(is_loose);
            };
            let number = number as u32;
            let latest = latest.get(number as usize).copied().unwrap_or(0);
            self.buffer.clear();
            let (mut having, mut has_lost) = (0, false);
            for (at, source) in sources.iter_mut().enumerate() {
                if self.heads.get(at) != Some(&u64::from(number)) {
                    continue;
                }
                having += 1;
                let old = source.pages.len() as u64 as u32;
                let read = source.block.times(old, &mut times);
                read.map_err(Damage::of(at))?;
                if source.mapping.has_outranked(number) {
                    let before = times.len();
                    times.retain(|time| !source.mapping.is_outranked(number, *time));
                    has_lost |= times.len() < before;
                }
                self.buffer.extend_from_slice(&times);
            }
            let becomes = if having == 1 && !has_lost {
                encoder.page(number, latest, &self.buffer);
                place
            } else {
                self.buffer.sort_unstable();
                let before = self.buffer.len();
                self.buffer.dedup();
                is_loose |= has_lost || self.buffer.len() < before;
                self.share(place, (number, latest), encoder)
            };
            for (at, (source, head_of)) in sources.iter_mut().zip(&mut self.heads).enumerate() {
                if *head_of == u64::from(number) {
                    source.pages.push(becomes);
                    source.is_apart &= becomes & SHARED == 0;
                    *head_of = head(source).map_err(Damage::of(at))?;
                }
            }
            if becomes != GONE {
                place += 1;
            }
            if place >= SHARED - 1 {
                let what = Corrupt("more than 2^31 pages that link to one site");
                return Err(Damage {
                    input: usize::MAX,
                    what,
                });
            }
        }
    }

    /// Keeps the times that are in the buffer.
    fn share(
        &mut self,
        place: u32,
        (number, latest): (u32, u32),
        encoder: &mut SiteEncoder,
    ) -> u32 {
        if self.buffer.is_empty() {
            return GONE;
        }
        encoder.page(number, latest, &self.buffer);
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

/// The new number of a source's next page.
fn head(source: &mut Source<'_>) -> Result<u64, Corrupt> {
    let next = source.pages.len();
    if next >= source.block.pages.len() {
        return Ok(NONE_LEFT);
    }
    let old = source.block.pages.get(next)? as usize;
    let number = source.mapping.pages.get(old);
    number
        .map(|n| u64::from(*n))
        .ok_or(Corrupt("a page number"))
}
