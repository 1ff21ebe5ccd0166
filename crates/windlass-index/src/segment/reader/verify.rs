//! Everything that opening does not read, checked against its checksums and itself.

use std::sync::atomic::{AtomicBool, Ordering};

use super::Segment;
use crate::bits::BitSet;
use crate::bytes::{Bytes, Corrupt};
use crate::error::IndexError;
use crate::instant;
use crate::ready::Ready;
use crate::segment::layout::{HEADER_LENGTH, Section, TRAILER_LENGTH};
use crate::segment::pages::unseal_verified;
use crate::stretch::Backing;

impl Segment {
    /// Reads everything that opening did not, and checks it against its checksums and itself.
    ///
    /// # Errors
    /// The first thing that is wrong; or [`IndexError::Cancelled`].
    pub fn verify(&self, cancel: &AtomicBool) -> Result<(), IndexError> {
        let wrong = |corrupt| self.corrupt(corrupt);
        let stopped = || cancel.load(Ordering::Relaxed);
        self.read_ahead();
        self.sections.verify_all().map_err(wrong)?;
        self.domain_keys.stretch().all().map_err(wrong)?;
        let mut pages = self.pages(0).map_err(wrong)?;
        let times_of = self.captures().map_err(wrong)?;
        self.recaptured.stretch().all().map_err(wrong)?;
        times_of.verify(self.page_count()).map_err(wrong)?;
        let mut times = Vec::new();
        // Pages of which there are revisits alone.
        let mut uncaptured = BitSet::default();
        let mut captures = 0u64;
        while let Some(instants) = pages.advance().map_err(wrong)? {
            captures += instants.len() as u64;
            let number = (pages.position() - 1) as u64 as u32;
            let latest = self.latest(number).map_err(wrong)?;
            times.clear();
            let read = times_of.append_earlier(number, latest, &mut times);
            read.map_err(wrong)?;
            let mut real = instant::real_times(&instants).rev();
            let last = real.next();
            let is_right = last.unwrap_or(0) == latest && real.eq(times.iter().copied());
            if last.is_none() {
                uncaptured.insert_any(number);
            }
            if !is_right {
                return Err(wrong(Corrupt("the captures of a page")));
            }
            if stopped() {
                return Err(IndexError::Cancelled);
            }
        }
        if captures != self.sections.footer().counts.captures {
            return Err(wrong(Corrupt("the number of captures")));
        }
        self.verify_packing().map_err(wrong)?;
        let directory = self.all_sites().map_err(wrong)?;
        let mut all = directory.sites().map_err(wrong)?;
        let mut blocks = Bytes::over(self.sites.stretch());
        let mut sites = 0u64;
        let mut offset = 0u64;
        let mut linked = self.linked_check().map_err(wrong)?;
        while let Some(found) = all.advance().map_err(wrong)? {
            let before = blocks.rest().len();
            let length = blocks.varint_usize().map_err(wrong)?;
            let block = blocks.take(length).map_err(wrong)?;
            if found != offset {
                return Err(wrong(Corrupt("the directory")));
            }
            crate::verify::site_block(self, block, &uncaptured).map_err(wrong)?;
            linked.site(offset, block).map_err(wrong)?;
            offset += (before - blocks.rest().len()) as u64;
            sites += 1;
            if stopped() {
                return Err(IndexError::Cancelled);
            }
        }
        if sites != self.sections.footer().counts.sites || !blocks.is_empty() {
            return Err(wrong(Corrupt("the number of sites")));
        }
        linked.finish().map_err(wrong)?;
        self.verify_internal(&uncaptured, cancel)?;
        self.verify_ready().map_err(wrong)
    }

    /// Reads all ready-made parts.
    fn verify_ready(&self) -> Result<(), Corrupt> {
        let Some((all, directory)) = self.ready_parts()? else {
            return Ok(());
        };
        let mut sites = directory.sites()?;
        let mut parts = Bytes::over(all);
        while let Some(offset) = sites.advance()? {
            let before = all.len() - parts.rest().len();
            if offset != before as u64 {
                return Err(Corrupt("the directory of ready-made parts"));
            }
            let part = parts.sized_stretch()?;
            part.all()?;
            let block = self
                .site(sites.key())?
                .ok_or(Corrupt("a ready-made part's site"))?;
            crate::verify::ready(&block, Ready::open(part)?)?;
        }
        if parts.is_empty() {
            Ok(())
        } else {
            Err(Corrupt("the number of ready-made parts"))
        }
    }

    /// Whether the sections fill the file without gaps, so that every byte is covered.
    fn verify_packing(&self) -> Result<(), Corrupt> {
        let mut end = HEADER_LENGTH as u64;
        for place in self.sections.footer().sections.values() {
            if place.offset != end {
                return Err(Corrupt("the order of sections"));
            }
            end += place.length;
        }
        let mut bytes = Bytes::new(self.sections.unverified(Section::Pages));
        while !bytes.is_empty() {
            unseal_verified(&mut bytes)?;
        }
        let footer =
            serde_json::to_vec(self.sections.footer()).map_err(|_| Corrupt("the footer"))?;
        let length = end + footer.len() as u64 + TRAILER_LENGTH as u64;
        if length == self.sections.data().bytes().len() as u64 {
            Ok(())
        } else {
            Err(Corrupt("the file's length"))
        }
    }
}
