//! What is decoded once and kept for the next question.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::Segment;
use crate::anchors::AnchorCache;
use crate::cache::Worth;
use crate::error::IndexError;
use crate::facts::FactTable;
use crate::first_groups::FirstGroups;
use crate::query::threads;
use crate::row_table::RowCache;
use crate::site::SiteBlock;

impl Segment {
    /// What is kept of the orders of finished groups.
    pub(crate) const fn first_groups(&self) -> &FirstGroups {
        &self.first_groups
    }

    /// The facts about the pages of a site block, where they are known, or are worth knowing because
    /// links are looked up again and again, so many this time, and they may be read now.
    pub(crate) fn facts_if_worth(
        &self,
        site_key: &[u8],
        block: &SiteBlock<'_>,
        (links, makes): (usize, bool),
        cancel: &AtomicBool,
    ) -> Result<Option<Arc<FactTable>>, IndexError> {
        if let Some(table) = self.facts.tables.get(site_key) {
            return Ok(Some(table));
        }
        if makes
            && self
                .facts
                .looked_up
                .is_worth(site_key, links, block.pages.len(), Worth::AfterSome)
        {
            return self.facts(site_key, block, cancel).map(Some);
        }
        Ok(None)
    }

    /// The facts about the pages of a site block; kept for the next question. Several that want them at once get the
    /// same.
    pub(crate) fn facts(
        &self,
        site_key: &[u8],
        block: &SiteBlock<'_>,
        cancel: &AtomicBool,
    ) -> Result<Arc<FactTable>, IndexError> {
        let make = || FactTable::of(self, block, threads(), cancel).map(Arc::new);
        self.facts.tables.get_or_make(site_key, cancel, make)
    }

    /// The rows that are kept.
    pub(crate) fn rows(&self) -> &RowCache {
        &self.rows
    }

    /// The folded anchors of sites that are kept.
    pub(crate) fn anchors(&self) -> &AnchorCache {
        &self.anchors
    }
}
