//! The rows of a target whose anchors pass a condition: which anchors these are, and the groups (R17) of the rows,
//! which are kept for questions that ask for the same with another page, order or further conditions.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::ReadyGroups;
use crate::anchors::AnchorStretch;
use crate::bits::BitSet;
use crate::cache::Memory;
use crate::error::IndexError;
use crate::finished::FinishedGroups;
use crate::range_anchors::RangeAnchors;
use crate::ready::Groups;
use crate::rows::{Links, Names, Row, RowChoice, RowVisitor, TargetRows, Texts};
use crate::sink::PageSet;

/// Bytes that a group takes at most while it is made: put aside in a part, then with those of the others, then encoded.
pub(crate) const MADE_BYTES: usize = 96;
/// And when it is kept.
pub(crate) const KEPT_BYTES: usize = 32;
/// The groups of longer conditions are not kept.
pub(crate) const CONDITION_BYTES_MAX: usize = 1 << 10;

/// The finished groups of the rows of a target whose anchors pass a condition. Each has all rows of its anchor, so
/// that they are groups of the target.
#[derive(Debug)]
pub struct ChosenGroups {
    groups: FinishedGroups,
    refdomains: u64,
}

impl ChosenGroups {
    /// The groups, and the sums over all of them.
    ///
    /// # Errors
    /// Never, as they were made in memory.
    pub fn ready_groups(&self) -> Result<ReadyGroups<'_>, IndexError> {
        self.groups.ready_groups()
    }

    /// Number of referring domains: each counts once, however many of the anchors it has.
    #[must_use]
    pub fn refdomains(&self) -> u64 {
        self.refdomains
    }
}

impl Memory for ChosenGroups {
    fn memory(&self) -> usize {
        // With the condition that they are kept by.
        self.groups.memory() + CONDITION_BYTES_MAX
    }
}

/// Groups the rows of one part of a scan.
struct Choosing {
    groups: Groups,
    refdomains: PageSet,
}

impl RowVisitor for Choosing {
    fn row(&mut self, row: &Row, _: &mut Texts<'_>) -> Result<bool, IndexError> {
        self.groups.add(row);
        self.refdomains.extend(&[row.refdomain]);
        Ok(true)
    }
}

impl TargetRows {
    /// The anchors that pass a test, where that can be found out for many of them at once, before anything
    /// else is read of them: `None` where the backlinks are few or in memory, and a visitor is to test
    /// each in [`wants`](RowVisitor::wants). Of anchors that do not occur it does not matter whether they
    /// are in. `test` is given anchors with neighbouring numbers and puts the places of those that pass
    /// into a list. A few ns an anchor of the site, whose anchors are decoded and kept at the first time,
    /// about 20 ns each, where they are not too many; where the [groups](Self::chosen_groups) of the same `condition`
    /// are kept, a nanosecond for each of these.
    ///
    /// # Errors
    /// Where the segment is damaged; [`IndexError::Cancelled`] soon after `cancel` is set.
    pub fn select_anchors(
        &self,
        condition: Option<&str>,
        test: impl Fn(&AnchorStretch<'_>, &mut Vec<usize>) + Sync,
        cancel: &AtomicBool,
    ) -> Result<Option<BitSet>, IndexError> {
        let Links::Scanned(scan) = &self.links else {
            return Ok(None);
        };
        if let Some(kept) = condition.and_then(|condition| scan.kept_chosen(condition)) {
            return scan.anchors_of(kept.ready_groups()?).map(Some);
        }
        scan.select(self.anchors_of_range(), test, cancel).map(Some)
    }

    /// The groups of the rows whose anchors pass a test, where they are kept, or are now because they are asked for
    /// again, for as long as there is memory. `condition` says what the test is: equal texts, equal tests, for whoever
    /// asks. `None` where rows are to be read: the backlinks are few or in memory, or the condition is new. Making
    /// them takes as long as reading the rows.
    ///
    /// # Errors
    /// As [`scan`](Self::scan).
    pub fn chosen_groups(
        &self,
        condition: &str,
        test: impl Fn(&AnchorStretch<'_>, &mut Vec<usize>) + Sync,
        cancel: &AtomicBool,
    ) -> Result<Option<Arc<ChosenGroups>>, IndexError> {
        let Links::Scanned(scan) = &self.links else {
            return Ok(None);
        };
        if let Some(kept) = scan.kept_chosen(condition) {
            return Ok(Some(kept));
        }
        let of_range = self.anchors_of_range();
        let Some(_making) = scan.begin_choosing(condition, of_range.map(RangeAnchors::len))? else {
            return Ok(None);
        };
        let choice = RowChoice {
            anchors: Some(scan.select(of_range, test, cancel)?),
            ..RowChoice::default()
        };
        let choosing = || Choosing {
            groups: Groups::default(),
            refdomains: PageSet::new(scan.link_count(), self.refdomain_limit()),
        };
        let (parts, refpages) = self.scan_of(&choice, choosing, cancel)?;
        let (mut groups, mut refdomains) = (Groups::default(), PageSet::default());
        for part in parts {
            groups.append(part.groups);
            refdomains = refdomains.union(part.refdomains);
        }
        let chosen = Arc::new(ChosenGroups {
            groups: FinishedGroups::of(groups, refpages)?,
            refdomains: refdomains.count(),
        });
        scan.keep_chosen(condition, &chosen);
        Ok(Some(chosen))
    }

    /// The anchors of the target, where they are kept.
    fn anchors_of_range(&self) -> Option<&RangeAnchors> {
        match &self.names {
            Names::Site { anchors, .. } => anchors.as_deref(),
            Names::Listed { .. } | Names::Gathered { .. } | Names::United(_) => None,
        }
    }
}
