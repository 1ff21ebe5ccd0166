//! Site blocks, and what is ready-made of them.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;

use super::Segment;
use crate::bytes::{Bytes, Corrupt};
use crate::error::{IndexError, check};
use crate::ready::Ready;
use crate::segment::directory::SiteDirectory;
use crate::segment::layout::{Section, Side};
use crate::segment::writer::ReadyWriter;
use crate::site::{self, SiteBlock};
use crate::stretch::{CheckedSection, Stretch};

/// A site of a segment: who knows where its block is need not ask the directory.
#[derive(Debug, Clone)]
pub(crate) struct SitePlace {
    pub(crate) key: Vec<u8>,
    /// Of its block: see [`Segment::site_at`].
    pub(crate) offset: u64,
}

impl Segment {
    /// From site key to the offset of its block (see [`site_at`](Self::site_at)), for who asks for some sites.
    pub(crate) fn directory(&self) -> Result<SiteDirectory<'_>, Corrupt> {
        SiteDirectory::open(self.directory.stretch(), self.sites.stretch().len())
    }

    /// The same of either side, for who goes through all sites: all of it is read. `None` where there are no such
    /// links.
    pub(crate) fn whole_directory(&self, side: Side) -> Result<Option<SiteDirectory<'_>>, Corrupt> {
        let Some(blocks) = self.blocks(side) else {
            return Ok(None);
        };
        let bytes = match side {
            Side::External => self.directory.stretch().all()?,
            Side::Internal => self.sections.verified(Section::InternalDirectory)?,
        };
        SiteDirectory::open(Stretch::trusted(bytes), blocks.len()).map(Some)
    }

    /// [`whole_directory`](Self::whole_directory) of the external side, which all segments have.
    pub(crate) fn all_sites(&self) -> Result<SiteDirectory<'_>, Corrupt> {
        let directory = self.whole_directory(Side::External)?;
        directory.ok_or(Corrupt("the directory"))
    }

    /// What is ready-made of sites, not yet verified, and the directory of that. `None` where there is none.
    pub(in crate::segment) fn ready_parts(
        &self,
    ) -> Result<Option<(Stretch<'_>, SiteDirectory<'_>)>, Corrupt> {
        let Some(section) = &self.ready else {
            return Ok(None);
        };
        let parts = section.stretch();
        let directory = Stretch::trusted(self.sections.verified(Section::ReadyDirectory)?);
        Ok(Some((parts, SiteDirectory::open(directory, parts.len())?)))
    }

    /// The site block at an offset, not yet verified.
    pub(crate) fn stretch_at(&self, offset: u64) -> Result<Stretch<'_>, Corrupt> {
        self.stretch_of(Side::External, offset)
    }

    /// The site block of a side at an offset, not yet verified.
    pub(crate) fn stretch_of(&self, side: Side, offset: u64) -> Result<Stretch<'_>, Corrupt> {
        let blocks = self.blocks(side).ok_or(Corrupt("the site blocks"))?;
        let at = usize::try_from(offset).map_err(|_| Corrupt("an offset"))?;
        Bytes::over(blocks.from(at)?).sized_stretch()
    }

    /// All site blocks of a side, where there are any.
    pub(in crate::segment) fn blocks(&self, side: Side) -> Option<Stretch<'_>> {
        match side {
            Side::External => Some(self.sites.stretch()),
            Side::Internal => self.internal.as_ref().map(CheckedSection::stretch),
        }
    }

    /// The block of a site, verified where it is touched.
    pub(crate) fn site(&self, site_key: &[u8]) -> Result<Option<SiteBlock<'_>>, Corrupt> {
        match self.directory()?.get(site_key)? {
            Some(offset) => self.site_at(site_key, offset).map(Some),
            None => Ok(None),
        }
    }

    /// The block of a site by its key and its offset, verified where it is touched.
    pub(crate) fn site_at(&self, site_key: &[u8], offset: u64) -> Result<SiteBlock<'_>, Corrupt> {
        SiteBlock::open(site_key, self.stretch_at(offset)?, self.captures()?)
    }

    /// What is ready-made of a site (see [`ready`](crate::ready)), verified where it is touched.
    pub(crate) fn ready(&self, site_key: &[u8]) -> Result<Option<Ready<'_>>, Corrupt> {
        self.ready_part(site_key)?.map(Ready::open).transpose()
    }

    /// The bytes of that.
    pub(crate) fn ready_part(&self, site_key: &[u8]) -> Result<Option<Stretch<'_>>, Corrupt> {
        let Some((parts, directory)) = self.ready_parts()? else {
            return Ok(None);
        };
        let Some(offset) = directory.get(site_key)? else {
            return Ok(None);
        };
        let at = usize::try_from(offset).map_err(|_| Corrupt("an offset"))?;
        Bytes::over(parts.from(at)?).sized_stretch().map(Some)
    }

    /// Adds ready-made sections to this segment, which has none yet.
    pub(crate) fn ready_writer(&self) -> ReadyWriter {
        let mut footer = self.sections.footer().clone();
        footer
            .sections
            .retain(|section, _| !section.is_ready_made());
        ReadyWriter::of(footer)
    }

    /// Calls `each` with the key and the block of each site of a side, in order of keys.
    pub(crate) fn for_each_site<E: From<Corrupt>>(
        &self,
        side: Side,
        mut each: impl FnMut(&[u8], &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let Some(directory) = self.whole_directory(side)? else {
            return Ok(());
        };
        let mut sites = directory.sites()?;
        while let Some(offset) = sites.advance()? {
            each(sites.key(), self.stretch_of(side, offset)?.all()?)?;
        }
        Ok(())
    }

    /// Bytes of each kind of thing in the site blocks, and of what is ready-made of them. Reads some
    /// bytes of each block.
    ///
    /// # Errors
    /// Where a block is not what it should be; or [`IndexError::Cancelled`].
    pub fn part_sizes(
        &self,
        cancel: &AtomicBool,
    ) -> Result<BTreeMap<&'static str, u64>, IndexError> {
        let wrong = |corrupt| self.corrupt(corrupt);
        let mut sizes = BTreeMap::new();
        let mut add = |what, bytes| *sizes.entry(what).or_default() += bytes;
        let mut blocks = Bytes::over(self.sites.stretch());
        while !blocks.is_empty() {
            check(cancel)?;
            let before = blocks.rest().len();
            let block = blocks.sized_stretch().map_err(wrong)?;
            add(
                "numbers",
                (before - block.len() - blocks.rest().len()) as u64,
            );
            site::sizes(block, &mut add).map_err(wrong)?;
        }
        if let Some(blocks) = self.blocks(Side::Internal) {
            add("internal links", blocks.len() as u64);
        }
        if let Some(section) = &self.ready {
            let mut parts = Bytes::over(section.stretch());
            while !parts.is_empty() {
                let part = parts.sized_stretch().map_err(wrong)?;
                let groups = Ready::open(part).map_err(wrong)?.groups_bytes();
                add("ready: groups", groups as u64);
                add("ready: links in order", (part.len() - groups) as u64);
            }
        }
        Ok(sizes)
    }
}
