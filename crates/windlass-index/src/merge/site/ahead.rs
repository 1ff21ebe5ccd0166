//! The pages of a block that come next.

use crate::bytes::Corrupt;
use crate::column::{BLOCK, Column};
use crate::instant::Captured;
use crate::merge::pages::{Mapping, MergedPages};

/// Some of a block's pages, looked up together: what is known of a page lies anywhere in memory, and so is
/// fetched for all of them side by side.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    pages: Vec<AheadPage>,
    next: usize,
    /// How many blocks of the column of pages were looked up.
    blocks: usize,
}

/// What the next page is.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct AheadPage {
    /// Its number in the input, and its new one.
    pub(super) old: u32,
    pub(super) number: u32,
    /// When it was last really captured, as far as the input knows.
    pub(super) was_latest: u32,
    /// Its real captures, as far as all inputs know, where these have more of them.
    pub(super) recaptured: Option<Captured>,
}

impl Ahead {
    /// Goes to the first page.
    pub(super) fn rewind(&mut self) {
        self.pages.clear();
        self.next = 0;
        self.blocks = 0;
    }

    /// Takes the next page of a block, whose pages these are.
    pub(super) fn take(
        &mut self,
        pages: &mut Column<'_>,
        mapping: &Mapping,
        merged: &MergedPages,
    ) -> Result<Option<AheadPage>, Corrupt> {
        if self.next == self.pages.len() {
            if self.blocks * BLOCK >= pages.len() {
                return Ok(None);
            }
            self.look_up(pages.block(self.blocks)?, mapping, merged)?;
            self.blocks += 1;
            self.next = 0;
        }
        let page = self.pages.get(self.next).copied();
        self.next += 1;
        Ok(page)
    }

    /// One loop for each place that is looked at, so that nothing in it waits for what another one finds.
    fn look_up(
        &mut self,
        old: &[u32],
        mapping: &Mapping,
        merged: &MergedPages,
    ) -> Result<(), Corrupt> {
        self.pages.clear();
        for old in old {
            let found = mapping.number_and_latest(*old);
            let (number, was_latest) = found.ok_or(Corrupt("a page number"))?;
            self.pages.push(AheadPage {
                old: *old,
                number,
                was_latest,
                recaptured: None,
            });
        }
        for page in &mut self.pages {
            if mapping.is_recaptured(page.number) {
                page.recaptured = Some(merged.captured(page.number));
            }
        }
        Ok(())
    }
}
