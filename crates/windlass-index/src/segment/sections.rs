//! The sections of a segment, each verified when it is first touched.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::data::Data;
use super::layout::{Footer, Section};
use crate::bytes::Corrupt;
use crate::stretch::{Backing, CheckedSection};

/// Where the sections lie, and which of them have been looked at.
pub(super) struct Sections {
    data: Arc<Data>,
    footer: Footer,
    /// Where each lies, by its number: they are asked for again and again.
    ranges: [Option<Range<usize>>; Section::ALL.len()],
    /// A bit for each section that is whole.
    verified: AtomicU32,
}

impl Sections {
    pub(super) fn new(data: Arc<Data>, footer: Footer) -> Self {
        let inside = |section| {
            let range = footer.sections.get(&section)?.range()?;
            data.bytes().get(range.clone()).map(|_| range)
        };
        Self {
            ranges: Section::ALL.map(inside),
            data,
            footer,
            verified: AtomicU32::new(0),
        }
    }

    pub(super) fn data(&self) -> &Arc<Data> {
        &self.data
    }

    pub(super) fn footer(&self) -> &Footer {
        &self.footer
    }

    /// Whether there is one.
    pub(super) fn has(&self, section: Section) -> bool {
        self.footer.sections.contains_key(&section)
    }

    /// Where a section lies, which must be inside the file.
    pub(super) fn range(&self, section: Section) -> Option<Range<usize>> {
        self.ranges.get(section as usize).cloned().flatten()
    }

    /// The bytes of a section whose parts have checksums of their own. Nothing where there is none.
    #[inline]
    pub(super) fn unverified(&self, section: Section) -> &[u8] {
        let range = self.ranges.get(section as usize).and_then(Option::as_ref);
        let bytes = range.and_then(|range| self.data.bytes().get(range.clone()));
        bytes.unwrap_or_default()
    }

    /// The bytes of a section that has one checksum. All of it is read the first time; later, that costs
    /// an atomic load. Nothing where there is none.
    pub(super) fn verified(&self, section: Section) -> Result<&[u8], Corrupt> {
        let bytes = self.unverified(section);
        let bit = 1 << (section as u32);
        if self.verified.load(Ordering::Relaxed) & bit == 0 {
            self.verify(section, bytes)?;
            self.verified.fetch_or(bit, Ordering::Relaxed);
        }
        Ok(bytes)
    }

    #[cold]
    fn verify(&self, section: Section, bytes: &[u8]) -> Result<(), Corrupt> {
        let Some(place) = self.footer.sections.get(&section) else {
            return Ok(());
        };
        self.data.will_need(
            self.range(section)
                .ok_or(Corrupt("the place of a section"))?,
        );
        if crc32fast::hash(bytes) == place.crc32 {
            Ok(())
        } else {
            Err(Corrupt(section.checksum()))
        }
    }

    /// Verifies all sections that have one checksum.
    pub(super) fn verify_all(&self) -> Result<(), Corrupt> {
        let whole = Section::ALL.into_iter().filter(|s| !s.checks_itself());
        whole
            .into_iter()
            .try_for_each(|section| self.verified(section).map(drop))
    }

    /// A section that is read in parts, with the section that has its checksums.
    pub(super) fn checked(&self, section: Section, sums: Section) -> Option<CheckedSection> {
        let backing = Arc::clone(&self.data) as Arc<dyn Backing>;
        let crc32 = self.footer.sections.get(&sums)?.crc32;
        CheckedSection::new(backing, self.range(section)?, self.range(sums)?, crc32).ok()
    }
}
