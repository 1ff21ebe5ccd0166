//! The backlinks and referring domains of a scan, counted without sorting its links.

use std::ops::Range;
use std::sync::atomic::AtomicBool;

use windlass_links::History;

use super::{STRIDE, Scan};
use crate::error::{IndexError, check};
use crate::query::counts::{live_places, ready_places, refdomains_of};
use crate::query::direct;
use crate::row_table::RowTable;
use crate::sink::{Hit, PageSet};
use crate::site::SiteBlock;

impl Scan {
    pub(in crate::query) fn link_count(&self) -> usize {
        self.links.iter().map(ExactSizeIterator::len).sum()
    }

    pub(crate) fn count_backlinks(&self, cancel: &AtomicBool) -> Result<u64, IndexError> {
        if self.history == History::AllTime {
            return Ok(self.link_count() as u64);
        }
        if let Some(groups) = self.ready_groups()? {
            return Ok(groups.backlinks());
        }
        if let Some(rows) = self.kept_rows() {
            return Ok(rows.backlinks());
        }
        let mut count = 0;
        self.for_each_place(None, cancel, |places| count += places.len() as u64)?;
        Ok(count)
    }

    /// Whether the history keeps a backlink.
    pub(crate) fn any(&self, cancel: &AtomicBool) -> Result<bool, IndexError> {
        if self.history == History::AllTime {
            return Ok(self.link_count() > 0);
        }
        if let Some(groups) = self.ready_groups()? {
            return Ok(groups.backlinks() > 0);
        }
        if let Some(rows) = self.kept_rows() {
            return Ok(!rows.is_empty());
        }
        let mut block = self.block().map_err(self.wrong())?;
        let mut hits = Vec::new();
        for links in &self.links {
            let mut start = links.start;
            // Almost always the first one is kept; else more are looked at at once.
            let mut stride = 1;
            while start < links.end {
                let some = start..links.end.min(start + stride);
                start = some.end;
                stride = (2 * stride).min(STRIDE);
                self.look_up(&mut block, some, &mut hits, cancel)?;
                if !hits.is_empty() {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Looks up which backlinks among some links the history keeps, in place of those before.
    fn look_up(
        &self,
        block: &mut SiteBlock<'_>,
        links: Range<usize>,
        hits: &mut Vec<Hit>,
        cancel: &AtomicBool,
    ) -> Result<(), IndexError> {
        check(cancel)?;
        hits.clear();
        let (segment, history) = (&self.segment, self.history);
        direct::append(segment, block, history, links, &|_| true, hits).map_err(self.wrong())
    }

    pub(crate) fn count_refdomains(&self, cancel: &AtomicBool) -> Result<u64, IndexError> {
        let block = self.block().map_err(self.wrong())?;
        let mut pages = PageSet::new(self.link_count(), block.pages.len());
        let rows = self.kept_rows();
        self.for_each_place(rows.as_deref(), cancel, |places| pages.extend(places))?;
        refdomains_of(&self.segment, &block, pages).map_err(self.wrong())
    }

    /// Calls `each` with the places of pages, in no order that means anything: one for each backlink that the
    /// history keeps, or, of rows that are given, for each page of a row. Other questions may keep rows at any moment.
    fn for_each_place(
        &self,
        rows: Option<&RowTable>,
        cancel: &AtomicBool,
        mut each: impl FnMut(&[u32]),
    ) -> Result<(), IndexError> {
        if let Some(rows) = rows {
            rows.pages().for_each(each);
            return Ok(());
        }
        let (mut block, segment) = (self.block().map_err(self.wrong())?, &self.segment);
        if self.link_count() == block.hrefs.len()
            && let Some(ready) = self.ready().map_err(self.wrong())?
        {
            return ready_places(segment, ready, cancel, each);
        }
        let table = self.facts(&block, None, None, cancel)?;
        let mut hits = Vec::new();
        for links in &self.links {
            if let Some(table) = &table {
                live_places(segment, &block, table, links.clone(), cancel, &mut each)?;
                continue;
            }
            for start in links.clone().step_by(STRIDE) {
                let some = start..links.end.min(start + STRIDE);
                self.look_up(&mut block, some, &mut hits, cancel)?;
                for hit in &hits {
                    each(&[hit.page]);
                }
            }
        }
        Ok(())
    }
}
