//! The rows of a scan, kept for the next question about the same target.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::{Scan, check};
use crate::error::IndexError;
use crate::finished::FinishedGroups;
use crate::query::chosen::{CONDITION_BYTES_MAX, ChosenGroups, KEPT_BYTES, MADE_BYTES};
use crate::query::parts::in_parts;
use crate::range_anchors::RangeAnchors;
use crate::ready::Groups;
use crate::row_table::{self, ChosenKey, Making, RowKey, RowPart, RowTable};
use crate::rows::{RowChoice, RowVisitor, TargetRows, Texts};
use crate::sink::PageSet;

/// How many anchors, or blocks of rows, are gone through between looks at the stop flag.
const STRIDE: usize = 1 << 12;
/// Of how many anchors that lie apart the rows are fetched at once.
const FETCHED: usize = 32;

impl Scan {
    /// The rows, where they are kept.
    pub(super) fn kept_rows(&self) -> Option<Arc<RowTable>> {
        self.segment.rows().get(self.key.as_ref()?)
    }

    /// The groups of all rows, where they are kept.
    pub(crate) fn kept_groups(&self) -> Option<Arc<FinishedGroups>> {
        self.segment.rows().groups(self.key.as_ref()?)
    }

    /// The anchors of all rows, where they are kept.
    pub(crate) fn kept_anchors(&self) -> Option<Arc<RangeAnchors>> {
        self.segment.rows().anchors(self.key.as_ref()?)
    }

    /// What the groups are kept by of the rows whose anchors pass a condition, where such groups are.
    fn chosen_key(&self, condition: &str) -> Option<ChosenKey> {
        let range = Arc::clone(self.key.as_ref()?);
        (condition.len() <= CONDITION_BYTES_MAX).then(|| ChosenKey {
            range,
            condition: condition.into(),
        })
    }

    /// The groups of the rows whose anchors pass a condition, where they are kept.
    pub(crate) fn kept_chosen(&self, condition: &str) -> Option<Arc<ChosenGroups>> {
        self.segment.rows().chosen(&self.chosen_key(condition)?)
    }

    /// Whether they are made now, because they are asked for again, and so many anchors at most, or those of the
    /// site, do not take too much.
    pub(crate) fn begin_choosing(
        &self,
        condition: &str,
        anchors: Option<usize>,
    ) -> Result<Option<Making<'_, ChosenKey>>, IndexError> {
        let Some(key) = self.chosen_key(condition) else {
            return Ok(None);
        };
        let anchors = match anchors {
            Some(anchors) => anchors,
            None => self.block().map_err(self.wrong())?.fold_count(),
        };
        let groups = anchors.min(self.link_count());
        // The rows may be made with them, where there is memory for them.
        let rows_bytes = row_table::bytes_max(self.link_count());
        let memory_max = self.tuning.memory_max;
        let memory_left = memory_max.checked_sub(rows_bytes).unwrap_or(memory_max);
        if !self.tuning.makes_tables || groups.saturating_mul(MADE_BYTES) > memory_left {
            return Ok(None);
        }
        let kept_bytes = groups.saturating_mul(KEPT_BYTES);
        Ok(self.segment.rows().begin_choosing(&key, kept_bytes))
    }

    pub(crate) fn keep_chosen(&self, condition: &str, groups: &Arc<ChosenGroups>) {
        if let Some(key) = self.chosen_key(condition) {
            self.segment.rows().put_chosen(key, groups);
        }
    }

    /// Reads the anchors of rows, and keeps them, where they do not take too much.
    fn keep_anchors(
        &self,
        key: &Arc<RowKey>,
        table: &RowTable,
        cancel: &AtomicBool,
    ) -> Result<(), IndexError> {
        let numbers: Vec<u32> = table.parts().iter().flat_map(RowPart::anchors).collect();
        let block = self.block().map_err(self.wrong())?;
        let all = match self.anchor_table(&block, numbers.len(), cancel) {
            Ok(all) => all,
            Err(IndexError::Cancelled) => return Err(IndexError::Cancelled),
            // Damage fails the answers that need what is damaged.
            Err(_) => return Ok(()),
        };
        let rows_bytes = row_table::bytes_max(self.link_count());
        let memory_left = self.tuning.memory_max.saturating_sub(rows_bytes);
        let bytes_max = self.segment.rows().anchors_bytes_max().min(memory_left);
        let of_site = (&block, all.as_deref());
        let anchors = RangeAnchors::read(&self.segment, of_site, numbers, bytes_max, cancel)?;
        if let Some(anchors) = anchors {
            self.segment.rows().put_anchors(Arc::clone(key), anchors);
        }
        Ok(())
    }

    /// Makes the groups of rows, and keeps them, where the segment has none.
    fn keep_groups(&self, key: &Arc<RowKey>, table: &RowTable) -> Result<(), IndexError> {
        if table.is_empty() || self.ready_groups()?.is_some() {
            return Ok(());
        }
        let page_count = self.block().map_err(self.wrong())?.pages.len();
        let mut pages = PageSet::new(self.link_count(), page_count);
        table.pages().for_each(|some| pages.extend(some));
        let mut groups = Groups::default();
        for part in table.parts() {
            part.for_each_anchor(|anchor, rows| {
                let rows = rows.filter_map(|at| part.get(anchor, at));
                rows.for_each(|(row, _)| groups.add(&row));
                Ok::<(), IndexError>(())
            })?;
        }
        let groups = FinishedGroups::of(groups, pages.count())?;
        self.segment.rows().put_groups(Arc::clone(key), groups);
        Ok(())
    }

    /// The rows, where they are kept, or are now because the range is asked about again.
    pub(super) fn rows_if_worth(
        &self,
        rows: &TargetRows,
        cancel: &AtomicBool,
    ) -> Result<Option<Arc<RowTable>>, IndexError> {
        let Some(key) = &self.key else {
            return Ok(None);
        };
        let (links, kept) = (self.link_count(), self.segment.rows());
        if let Some(table) = kept.get(key) {
            return Ok(Some(table));
        }
        // Without them the question takes longer, but no more memory than it may.
        let is_affordable = row_table::bytes_max(links) <= self.tuning.memory_max;
        if !self.tuning.makes_tables || !is_affordable {
            return Ok(None);
        }
        let Some(_making) = kept.begin(key, links) else {
            return Ok(None);
        };
        let (parts, _) = self.read(rows, None, RowPart::default, cancel)?;
        let table = Arc::new(RowTable::new(parts));
        self.keep_groups(key, &table)?;
        self.keep_anchors(key, &table, cancel)?;
        kept.put(Arc::clone(key), &table);
        Ok(Some(table))
    }

    /// Gives the rows that are chosen to visitors.
    pub(super) fn run_kept<V: RowVisitor>(
        &self,
        rows: &TargetRows,
        table: &RowTable,
        choice: &RowChoice,
        visitor: impl Fn() -> V + Sync,
        cancel: &AtomicBool,
    ) -> Result<(Vec<V>, PageSet), IndexError> {
        let page_count = self.block().map_err(self.wrong())?.pages.len();
        let parts: Vec<_> = (0..table.parts().len()).map(|at| at..at + 1).collect();
        in_parts(rows, &parts, |at, texts| {
            let mut visitor = visitor();
            let mut pages = PageSet::new(self.link_count(), page_count);
            for part in table.parts().get(at).unwrap_or_default() {
                run_part(part, choice, (&mut visitor, texts), &mut pages, cancel)?;
            }
            Ok((visitor, pages))
        })
    }
}

/// Gives the rows of a part that are chosen to a visitor.
fn run_part<V: RowVisitor>(
    part: &RowPart,
    choice: &RowChoice,
    (visitor, texts): (&mut V, &mut Texts<'_>),
    pages: &mut PageSet,
    cancel: &AtomicBool,
) -> Result<(), IndexError> {
    let mut within = part.within(&choice.bounds);
    let mut seen = 0usize;
    let mut check_at_times = || {
        let is_time = seen.is_multiple_of(STRIDE);
        seen += 1;
        if is_time { check(cancel) } else { Ok(()) }
    };
    let mut is_wanted = (None, false);
    let mut give = |anchor: u32, at: usize| {
        if is_wanted.0 != Some(anchor) {
            is_wanted = (Some(anchor), visitor.wants(anchor, texts)?);
        }
        if is_wanted.1
            && let Some((row, of_row)) = part.get(anchor, at)
        {
            if visitor.row(&row, texts)? {
                pages.extend(of_row);
            }
            visitor.pages(of_row);
        }
        Ok(())
    };
    let Some(among) = &choice.anchors else {
        return within.for_each_of_all(check_at_times, give);
    };
    // Their rows lie far from each other, as a rule.
    let mut wanted = Vec::with_capacity(FETCHED);
    let mut give_wanted = |wanted: &mut Vec<(u32, Range<usize>)>| {
        part.fetch(wanted.iter().map(|(_, places)| places));
        let mut some = wanted.drain(..);
        some.try_for_each(|(anchor, places)| within.for_each(places, |at| give(anchor, at)))
    };
    part.for_each_anchor(|anchor, places| {
        check_at_times()?;
        if among.contains(anchor) {
            wanted.push((anchor, places));
            if wanted.len() == FETCHED {
                return give_wanted(&mut wanted);
            }
        }
        Ok(())
    })?;
    give_wanted(&mut wanted)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use windlass_links::CaptureTime;

    use super::*;
    use crate::bits::BitSet;
    use crate::row_table::RowBounds;
    use crate::rows::Row;

    /// Lists the rows that it is given, with their pages, and keeps those of even refdomains.
    #[derive(Default)]
    struct Listing(Vec<(Row, Vec<u32>)>);

    impl RowVisitor for Listing {
        fn wants(&mut self, anchor: u32, _: &mut Texts<'_>) -> Result<bool, IndexError> {
            Ok(!anchor.is_multiple_of(5))
        }

        fn row(&mut self, row: &Row, _: &mut Texts<'_>) -> Result<bool, IndexError> {
            self.0.push((*row, Vec::new()));
            Ok(row.refdomain.is_multiple_of(2))
        }

        fn pages(&mut self, pages: &[u32]) {
            self.0.last_mut().unwrap().1.extend_from_slice(pages);
        }
    }

    proptest! {
        #[test]
        fn rows_of_chosen_anchors_are_those_among_all(
            rows in prop::collection::vec((0u32..3, 1u32..4, 0u32..9), 0..400),
            one_in in 1u32..4,
            first_seen_min in prop_oneof![Just(0u32), 0u32..9],
        ) {
            let (mut part, strings) = (RowPart::default(), Default::default());
            let mut texts = Texts::listed(&strings, &strings);
            let mut among = BitSet::below(1000);
            let (mut anchor, mut expected, mut expected_pages) = (0, Vec::new(), Vec::new());
            for (at, (more, refpages, first_seen)) in (0u32..).zip(rows) {
                anchor += more;
                let row = Row {
                    anchor,
                    refdomain: at,
                    backlinks: refpages.into(),
                    refpages: refpages.into(),
                    first_seen: CaptureTime::from_unix(first_seen),
                    last_visited: CaptureTime::from_unix(9),
                };
                let pages: Vec<u32> = (at..at + refpages).collect();
                part.row(&row, &mut texts).unwrap();
                part.pages(&pages);
                if !anchor.is_multiple_of(one_in) {
                    continue;
                }
                among.insert(anchor);
                if !anchor.is_multiple_of(5) && first_seen >= first_seen_min {
                    if at.is_multiple_of(2) {
                        expected_pages.extend_from_slice(&pages);
                    }
                    expected.push((row, pages));
                }
            }
            let choice = RowChoice {
                anchors: (one_in > 1).then_some(among),
                bounds: RowBounds {
                    first_seen: CaptureTime::from_unix(first_seen_min)..=CaptureTime::MAX,
                    ..RowBounds::default()
                },
            };
            let (mut listing, mut pages) = (Listing::default(), PageSet::default());
            let never = AtomicBool::new(false);
            run_part(&part, &choice, (&mut listing, &mut texts), &mut pages, &never).unwrap();
            prop_assert_eq!(listing.0, expected);
            let mut found = PageSet::default();
            found.extend(&expected_pages);
            prop_assert_eq!(pages.count(), found.count());
        }
    }
}
