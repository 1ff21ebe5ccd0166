//! Links within registrable domains, where the index keeps them: site blocks of their own, apart from the
//! backlinks, which are the same with them and without (R11).

use std::sync::atomic::{AtomicBool, Ordering};

use fst::Streamer;

use super::layout::Side;
use super::reader::Segment;
use crate::bytes::{Bytes, Corrupt};
use crate::error::IndexError;
use crate::site::{self, SiteBlock};

const WRONG: Corrupt = Corrupt("the internal links");

impl Segment {
    /// The links within a registrable domain, verified where they are touched: its block has pages of that
    /// domain alone. `None` where there are none, or the index does not keep them.
    #[allow(
        dead_code,
        reason = "for the tables of the links that a target's pages have"
    )]
    pub(crate) fn internal_site(&self, site_key: &[u8]) -> Result<Option<SiteBlock<'_>>, Corrupt> {
        let Some(directory) = self.directory_of(Side::Internal)? else {
            return Ok(None);
        };
        match directory.get(site_key) {
            Some(offset) => {
                let block = self.stretch_of(Side::Internal, offset)?;
                SiteBlock::open(block, self.latest_times()).map(Some)
            }
            None => Ok(None),
        }
    }

    /// Reads all internal links.
    pub(super) fn verify_internal(&self, cancel: &AtomicBool) -> Result<(), IndexError> {
        let wrong = |corrupt| self.corrupt(corrupt);
        let directory = self.directory_of(Side::Internal).map_err(wrong)?;
        let (Some(directory), Some(all)) = (directory, self.blocks(Side::Internal)) else {
            return if self.counts().internal_links == 0 {
                Ok(())
            } else {
                Err(wrong(WRONG))
            };
        };
        let mut stream = directory.stream();
        let mut blocks = Bytes::over(all);
        let mut links = 0;
        while let Some((key, offset)) = stream.next() {
            if cancel.load(Ordering::Relaxed) {
                return Err(IndexError::Cancelled);
            }
            let at = all.len() - blocks.rest().len();
            let block = blocks.sized().map_err(wrong)?;
            if offset != at as u64 {
                return Err(wrong(WRONG));
            }
            links += self.verify_internal_block(key, block).map_err(wrong)?;
        }
        if blocks.is_empty() && links == self.counts().internal_links {
            Ok(())
        } else {
            Err(wrong(WRONG))
        }
    }

    /// Reads a block, whose pages must be of its own domain. Returns the number of its links.
    fn verify_internal_block(&self, key: &[u8], block: &[u8]) -> Result<u64, Corrupt> {
        crate::verify::site_block(self, block)?;
        let (start, end) = self.domains()?.range_of(key)?.ok_or(WRONG)?;
        let mut pages = site::pages_of(block)?;
        let last = pages.len().checked_sub(1).ok_or(WRONG)?;
        if pages.get(0)? < start || pages.get(last)? >= end {
            return Err(WRONG);
        }
        let (hrefs, others) = site::counts(block)?;
        Ok(hrefs + others)
    }
}
