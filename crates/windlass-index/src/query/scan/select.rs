//! Which of the anchors of a scan pass a test, found out before any of their links is read.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::{STRIDE, Scan, check};
use crate::anchors::{AnchorStretch, AnchorTable, for_each_stretch, for_each_stretch_of};
use crate::bits::BitSet;
use crate::cache::Worth;
use crate::error::IndexError;
use crate::query::ReadyGroups;
use crate::query::parts::{each_of, threads};
use crate::range_anchors::RangeAnchors;
use crate::site::SiteBlock;

/// Where a site has so many times as many anchors as lead to the target, or as there are links to it, those
/// that occur are tested alone; otherwise all.
const SITE_ANCHORS_PER_ONE: usize = 2;
/// Anchors that a thread takes at once.
const SHARE: u32 = 1 << 14;
/// The same of those that lie one behind the other in memory.
const KEPT_SHARE: usize = 1 << 16;

impl Scan {
    /// The anchors that pass a test; of those that do not occur in the range it does not matter. `test`
    /// puts the places of those that pass, among a stretch of anchors, into a list.
    pub(crate) fn select(
        &self,
        of_range: Option<&RangeAnchors>,
        test: impl Fn(&AnchorStretch<'_>, &mut Vec<usize>) + Sync,
        cancel: &AtomicBool,
    ) -> Result<BitSet, IndexError> {
        let mut block = self.block().map_err(self.wrong())?;
        let anchors = block.fold_count() as u64 as u32;
        if let Some(of_range) = of_range {
            return select_kept(of_range, anchors, test, cancel);
        }
        let few = anchors as usize / SITE_ANCHORS_PER_ONE;
        let occurring = match self.ready_groups()? {
            Some(groups) if groups.len() < few => Some(self.anchors_of(groups)?),
            None if self.link_count() < few => Some(self.occurring(&mut block, cancel)?),
            _ => None,
        };
        let looked_up = occurring.as_ref().map_or(anchors as usize, BitSet::len);
        let table = self.anchor_table(&block, looked_up, cancel)?;
        let table = table.as_deref();
        let shares: Vec<Range<u32>> = (0..anchors)
            .step_by(SHARE as usize)
            .map(|start| start..anchors.min(start.saturating_add(SHARE)))
            .collect();
        let found = each_of(
            threads(),
            &shares,
            || Ok(Vec::new()),
            |places: &mut Vec<usize>, share| {
                let mut passing = Vec::new();
                let (segment, share) = (&self.segment, share.clone());
                match &occurring {
                    None => for_each_stretch(
                        segment,
                        &block,
                        table,
                        share,
                        cancel,
                        |first, stretch| {
                            places.clear();
                            test(&stretch, places);
                            passing.extend(places.iter().map(|at| first + *at as u64 as u32));
                        },
                    )?,
                    Some(occurring) => {
                        let numbers: Vec<u32> = occurring.within(share).collect();
                        for_each_stretch_of(
                            segment,
                            &block,
                            table,
                            &numbers,
                            cancel,
                            |numbers, stretch| {
                                places.clear();
                                test(&stretch, places);
                                passing.extend(places.iter().filter_map(|at| numbers.get(*at)));
                            },
                        )?;
                    }
                }
                Ok(passing)
            },
        )?;
        let mut set = BitSet::below(anchors as usize);
        for number in found.into_iter().flatten() {
            set.insert(number);
        }
        Ok(set)
    }

    /// The anchors of groups.
    pub(crate) fn anchors_of(&self, groups: ReadyGroups<'_>) -> Result<BitSet, IndexError> {
        let block = self.block().map_err(self.wrong())?;
        let mut anchors = BitSet::below(block.fold_count());
        groups.for_each_anchor(|anchor| anchors.insert(anchor))?;
        Ok(anchors)
    }

    /// All anchors of the site, where they are kept, or are worth it now that so many more are looked up.
    pub(super) fn anchor_table(
        &self,
        block: &SiteBlock<'_>,
        more: usize,
        cancel: &AtomicBool,
    ) -> Result<Option<Arc<AnchorTable>>, IndexError> {
        let kept = self.segment.anchors();
        if block.fold_count() < self.tuning.known_anchors_min {
            return Ok(None);
        }
        if !self.tuning.makes_tables {
            return Ok(kept.get(&self.site.key));
        }
        let worth = (more, Worth::AfterSome);
        kept.get_if_worth(&self.segment, &self.site.key, block, worth, cancel)
    }

    /// The anchors of the links in the range, lost ones included.
    fn occurring(
        &self,
        block: &mut SiteBlock<'_>,
        cancel: &AtomicBool,
    ) -> Result<BitSet, IndexError> {
        let wrong = self.wrong();
        let mut forms = BitSet::below(block.forms.len());
        let mut some = Vec::new();
        for links in &self.links {
            for start in links.clone().step_by(STRIDE) {
                check(cancel)?;
                some.clear();
                let end = links.end.min(start + STRIDE);
                let read = block.hrefs.forms.append(start..end, &mut some);
                read.map_err(&wrong)?;
                some.iter().for_each(|form| forms.insert(*form));
            }
        }
        let mut folds = BitSet::below(block.fold_count());
        for form in forms.within(0..block.forms.len() as u64 as u32) {
            folds.insert(block.fold_of(form).map_err(&wrong)?);
        }
        Ok(folds)
    }
}

/// [`Scan::select`], of a range whose anchors are kept; the site has so many.
fn select_kept(
    of_range: &RangeAnchors,
    anchors: u32,
    test: impl Fn(&AnchorStretch<'_>, &mut Vec<usize>) + Sync,
    cancel: &AtomicBool,
) -> Result<BitSet, IndexError> {
    let shares: Vec<usize> = (0..of_range.len()).step_by(KEPT_SHARE).collect();
    let found = each_of(
        threads(),
        &shares,
        || Ok(()),
        |(), share| {
            let places = *share..of_range.len().min(share + KEPT_SHARE);
            let (numbers, stretch) = of_range.stretch(places);
            let (mut places, mut passing) = (Vec::new(), Vec::new());
            stretch.for_each_part(cancel, |first, stretch| {
                places.clear();
                test(&stretch, &mut places);
                let number = |at: &usize| numbers.get(first + at).copied();
                passing.extend(places.iter().filter_map(number));
            })?;
            Ok::<Vec<u32>, IndexError>(passing)
        },
    )?;
    let mut set = BitSet::below(anchors as usize);
    found
        .iter()
        .flatten()
        .for_each(|number| set.insert(*number));
    Ok(set)
}
