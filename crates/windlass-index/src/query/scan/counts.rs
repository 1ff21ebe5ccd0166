//! The backlinks and referring domains of a scan, counted without sorting its links.

use super::{STRIDE, Scan};
use crate::error::IndexError;
use crate::query::counts::{check, live_places, ready_places, refdomains_of};
use crate::query::direct;
use crate::sink::PageSet;

use std::sync::atomic::AtomicBool;

use windlass_links::History;

impl Scan {
    fn link_count(&self) -> usize {
        self.links.iter().map(ExactSizeIterator::len).sum()
    }

    pub(crate) fn count_backlinks(&self, cancel: &AtomicBool) -> Result<u64, IndexError> {
        if self.history == History::AllTime {
            return Ok(self.link_count() as u64);
        }
        if let Some(groups) = self.ready_groups()? {
            return Ok(groups.backlinks());
        }
        let mut count = 0;
        self.for_each_place(cancel, |places| count += places.len() as u64)?;
        Ok(count)
    }

    pub(crate) fn count_refdomains(&self, cancel: &AtomicBool) -> Result<u64, IndexError> {
        let block = self.block().map_err(self.wrong())?;
        let mut pages = PageSet::new(self.link_count(), block.pages.len());
        self.for_each_place(cancel, |places| pages.extend(places))?;
        refdomains_of(&self.segment, &block, pages).map_err(self.wrong())
    }

    /// Calls `each` with the places of pages, one for each backlink that the history keeps, in no order
    /// that means anything.
    fn for_each_place(
        &self,
        cancel: &AtomicBool,
        mut each: impl FnMut(&[u32]),
    ) -> Result<(), IndexError> {
        let (block, segment) = (self.block().map_err(self.wrong())?, &self.segment);
        if self.link_count() == block.hrefs.len()
            && let Some(ready) = self.ready().map_err(self.wrong())?
        {
            return ready_places(segment, ready, cancel, each);
        }
        let table = match self.history {
            History::Live => segment.facts_if_worth(&self.site_key, &block, self.link_count()),
            History::Since(_) | History::AllTime => Ok(None),
        };
        let table = table.map_err(self.wrong())?;
        let mut hits = Vec::new();
        for links in &self.links {
            if let Some(table) = &table {
                live_places(segment, &block, table, links.clone(), cancel, &mut each)?;
                continue;
            }
            for start in links.clone().step_by(STRIDE) {
                check(cancel)?;
                let some = start..links.end.min(start + STRIDE);
                hits.clear();
                let all = 0..u32::MAX;
                direct::append(segment, &block, self.history, some, &all, &mut hits)
                    .map_err(self.wrong())?;
                for hit in &hits {
                    each(&[hit.page]);
                }
            }
        }
        Ok(())
    }
}
