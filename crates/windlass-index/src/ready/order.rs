//! The ready-made order of a site's links, written as they come.

use std::io::Write;
use std::sync::Arc;

use crate::bytes::{Corrupt, write_varint};
use crate::column::ColumnBuilder;
use crate::segment::WriteError;
use crate::spool::Scratch;

/// Encodes the links of a site, which come by (folded anchor, page).
pub(super) struct OrderEncoder {
    live: u32,
    /// First link of each fold.
    starts: ColumnBuilder,
    folds: u32,
    pages: ColumnBuilder,
    /// Links whose dates are not those of their page, and these dates.
    dated: [ColumnBuilder; 3],
    dated_links: u64,
}

impl OrderEncoder {
    pub(super) fn new(scratch: &Arc<Scratch>) -> Self {
        let column = || ColumnBuilder::new(scratch);
        Self {
            live: 0,
            starts: column(),
            folds: 0,
            pages: column(),
            dated: [column(), column(), column()],
            dated_links: 0,
        }
    }

    /// Takes the next link: fold, page's place, and dates where these are not those of the page.
    #[inline]
    pub(super) fn link(&mut self, fold: u32, place: u32, own: Option<(u32, u32)>) {
        self.begin_folds(fold.saturating_add(1));
        self.pages.push(place);
        if let Some((first_seen, last_visited)) = own {
            let values = [self.live, first_seen, last_visited];
            for (column, value) in self.dated.iter_mut().zip(values) {
                column.push(value);
            }
            self.dated_links += 1;
        }
        // A block has less than 2^32 links.
        self.live = self.live.saturating_add(1);
    }

    /// The folds below a number that have not begun begin here.
    #[inline]
    fn begin_folds(&mut self, end: u32) {
        while self.folds < end {
            self.starts.push(self.live);
            self.folds += 1;
        }
    }

    /// Writes the order of a site with so many folds.
    pub(super) fn finish(mut self, folds: usize, out: &mut impl Write) -> Result<(), WriteError> {
        let folds = u32::try_from(folds).map_err(|_| Corrupt("the number of folds"))?;
        self.begin_folds(folds);
        write_varint(out, self.live.into())?;
        write_varint(out, folds.into())?;
        for column in [&mut self.starts, &mut self.pages] {
            column.close()?;
            column.write_to(out)?;
        }
        write_varint(out, self.dated_links)?;
        if self.dated_links > 0 {
            for column in &mut self.dated {
                column.close()?;
                column.write_to(out)?;
            }
        }
        Ok(())
    }
}
