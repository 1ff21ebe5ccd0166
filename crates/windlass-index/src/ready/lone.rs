//! The dates of groups that have a single backlink: they are those of a link in the ready-made order.

use super::{Dated, Ready};
use crate::bytes::Corrupt;
use crate::column::Column;
use crate::fetch::AT_ONCE;
use crate::site::{PageTimes, SiteBlock};

/// Finds the dates of links of a site.
#[derive(Debug, Clone)]
pub(crate) struct LoneLinks<'a> {
    /// First link of each fold, and page of each link.
    starts: Column<'a>,
    places: Column<'a>,
    dated: Dated<'a>,
    /// The numbers of the pages, and their times.
    pages: Column<'a>,
    page_times: PageTimes<'a>,
}

/// A link of an anchor: the number of the folded anchor, and how many of its links are before this one.
pub(crate) type LoneLink = (u32, u32);

impl<'a> LoneLinks<'a> {
    /// Of a site with that block.
    pub(crate) fn of(ready: &Ready<'a>, block: &SiteBlock<'a>) -> Self {
        Self {
            starts: ready.starts.clone(),
            places: ready.pages.clone(),
            dated: ready.dated.clone(),
            pages: block.pages.clone(),
            page_times: block.page_times.clone(),
        }
    }

    /// Appends the dates of links, first and last, in their order. Some 40 ns each where they lie near each other in the
    /// ready-made order, otherwise up to some hundreds.
    pub(crate) fn dates(
        &mut self,
        links: &[LoneLink],
        dates: &mut Vec<(u32, u32)>,
    ) -> Result<(), Corrupt> {
        let first = dates.len();
        dates.resize(first + links.len(), (0, 0));
        // In the order in which they lie, with their places among those asked for.
        let mut order = Vec::with_capacity(links.len());
        for (at, (fold, number)) in (0u64..).zip(links) {
            let start = self.starts.at(*fold as usize)?;
            let link = start
                .checked_add(*number)
                .ok_or(Corrupt("a link's number"))?;
            order.push(u64::from(link) << 32 | at);
        }
        if !order.is_sorted() {
            order.sort_unstable();
        }
        let (mut places, mut pages, mut spans) = (Vec::new(), Vec::new(), Vec::new());
        let mut next = match order.first() {
            Some(first) => self.dated.links.lower_bound((first >> 32) as u32)?,
            None => return Ok(()),
        };
        for some in order.chunks(AT_ONCE) {
            places.clear();
            for link in some {
                places.push(self.places.get((link >> 32) as usize)?);
            }
            pages.clear();
            self.pages.fetch(places.iter().map(|place| *place as usize));
            for place in &places {
                pages.push(self.pages.at(*place as usize)?);
            }
            self.page_times.spans((&places, &pages), &mut spans)?;
            for (link, span) in some.iter().zip(&spans) {
                let own = self.own((link >> 32) as u32, &mut next)?;
                let found = dates.get_mut(first + *link as u32 as usize);
                *found.ok_or(Corrupt("a link's number"))? = own.unwrap_or((span.first, span.last));
            }
        }
        Ok(())
    }

    /// The dates of a link, where it has some of its own; `next` is a place in the list of those, before that link.
    #[inline]
    fn own(&mut self, link: u32, next: &mut usize) -> Result<Option<(u32, u32)>, Corrupt> {
        /// So many are passed before the link is sought.
        const STEPS: usize = 8;
        let all = self.dated.links.len();
        for step in 0.. {
            if *next >= all {
                return Ok(None);
            }
            let found = self.dated.links.get(*next)?;
            if found >= link {
                let own = (found == link).then(|| self.dated.at(*next));
                return own.transpose();
            }
            *next = match step < STEPS {
                true => *next + 1,
                false => self.dated.links.lower_bound(link)?,
            };
        }
        Ok(None)
    }
}
