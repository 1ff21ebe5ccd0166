//! What a scan needs to know of pages: all of a site's, which are kept, or those of its links alone.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use windlass_links::History;

use super::{STRIDE, Scan, check};
use crate::bits::BitSet;
use crate::bytes::Corrupt;
use crate::error::IndexError;
use crate::facts::{FactTable, Folds};
use crate::ready::Ready;
use crate::site::SiteBlock;

impl Scan {
    /// The facts about the pages of the links of anchors, all or some; nothing where links are to be looked
    /// up one by one. Those of the whole site are kept, where they are asked for often enough.
    pub(super) fn facts(
        &self,
        block: &SiteBlock<'_>,
        ready: Option<&Ready<'_>>,
        among: Option<&BitSet>,
        cancel: &AtomicBool,
    ) -> Result<Option<Arc<FactTable>>, IndexError> {
        if self.history != History::Live {
            return Ok(None);
        }
        if ready.is_some() && among.is_none() {
            return self.segment.facts(&self.site.key, block, cancel).map(Some);
        }
        let makes = self.tuning.makes_tables;
        let worth = |links| {
            let segment = &self.segment;
            segment.facts_if_worth(&self.site.key, block, (links, makes), cancel)
        };
        // Of how many links is not known yet, where only some are looked at.
        let known = worth(if among.is_some() {
            0
        } else {
            self.link_count()
        })?;
        if known.is_some() || (!makes && ready.is_none()) {
            return Ok(known);
        }
        let folds = Folds::of(block).map_err(self.wrong())?;
        let (places, links) = match (ready, among) {
            (Some(ready), Some(among)) => self.places_in_order(block, ready, among, cancel)?,
            _ => {
                let forms = among.map(|among| folds.forms_of(among));
                self.places(block, forms.as_ref(), cancel)?
            }
        };
        if among.is_some()
            && let Some(table) = worth(links)?
        {
            return Ok(Some(table));
        }
        let table = FactTable::of_places(&self.segment, block, places, folds, cancel)?;
        Ok(Some(Arc::new(table)))
    }

    /// The pages of the links in the range, or of those with some forms; and how many links these are.
    fn places(
        &self,
        block: &SiteBlock<'_>,
        forms: Option<&BitSet>,
        cancel: &AtomicBool,
    ) -> Result<(BitSet, usize), IndexError> {
        let mut set = BitSet::below(block.pages.len());
        let mut count = 0;
        let mut hrefs = block.hrefs.clone();
        let (mut some_forms, mut some) = (Vec::new(), Vec::new());
        for links in &self.links {
            for start in links.clone().step_by(STRIDE) {
                check(cancel)?;
                let range = start..links.end.min(start + STRIDE);
                some.clear();
                let read = hrefs.pages.append(range.clone(), &mut some);
                read.map_err(self.wrong())?;
                let Some(forms) = forms else {
                    some.iter().for_each(|place| set.insert(*place));
                    count += some.len();
                    continue;
                };
                some_forms.clear();
                let read = hrefs.forms.append(range, &mut some_forms);
                read.map_err(self.wrong())?;
                for (place, form) in some.iter().zip(&some_forms) {
                    if forms.contains(*form) {
                        set.insert(*place);
                        count += 1;
                    }
                }
            }
        }
        Ok((set, count))
    }

    /// The pages of the live links of some anchors, of a whole site; and how many links these are.
    fn places_in_order(
        &self,
        block: &SiteBlock<'_>,
        ready: &Ready<'_>,
        among: &BitSet,
        cancel: &AtomicBool,
    ) -> Result<(BitSet, usize), IndexError> {
        let mut set = BitSet::below(block.pages.len());
        let mut count = 0;
        let mut ready = ready.clone();
        let mut some = Vec::new();
        for (n, fold) in among
            .within(0..block.fold_count() as u64 as u32)
            .enumerate()
        {
            if n.is_multiple_of(STRIDE) {
                check(cancel)?;
            }
            some.clear();
            let mut read = || -> Result<(), Corrupt> {
                let links = ready.links_of(fold)?;
                ready.pages.append(links, &mut some)
            };
            read().map_err(self.wrong())?;
            some.iter().for_each(|place| set.insert(*place));
            count += some.len();
        }
        Ok((set, count))
    }
}
