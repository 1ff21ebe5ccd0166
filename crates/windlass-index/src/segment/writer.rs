//! Writing a segment, front to back: first pages, then sites, both in order.

use std::io::{self, Write};
use std::sync::Arc;

use super::layout::{
    Counts, Digest, END, FORMAT_VERSION, Footer, MAGIC, Place, RULES_VERSION, Section, Side,
};
use super::linked::{LinkedBuilder, SITES_A_START};
use super::pages::ChunkBuilder;
use crate::bytes::{Corrupt, put_varint, write_varint};
use crate::column::ColumnBuilder;
use crate::instant::{self, Captured, Instant, State};
use crate::paged::PagedBuilder;
use crate::recaptured::RecapturedBuilder;
use crate::spool::{Scratch, Spool};
use crate::stretch::Checksums;
use crate::strings::{Coding, StringListBuilder};

/// What can stop the writing of a segment.
#[derive(Debug)]
pub(crate) enum WriteError {
    Io(io::Error),
    TooLarge(&'static str),
}

impl From<io::Error> for WriteError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Corrupt> for WriteError {
    fn from(Corrupt(what): Corrupt) -> Self {
        Self::TooLarge(what)
    }
}

impl From<fst::Error> for WriteError {
    fn from(error: fst::Error) -> Self {
        match error {
            fst::Error::Io(error) => Self::Io(error),
            fst::Error::Fst(_) => Self::TooLarge("a directory of sites"),
        }
    }
}

/// Writes one segment. What cannot be written yet is put aside in spools, so that memory does not grow
/// with the number of pages and sites.
pub(crate) struct SegmentWriter<W> {
    out: W,
    offset: u64,
    section_start: u64,
    footer: Footer,
    chunk: ChunkBuilder,
    page_index: Spool,
    latest: PagedBuilder,
    recaptured: RecapturedBuilder,
    revisited: Spool,
    domains: StringListBuilder,
    domain_starts: ColumnBuilder,
    domain: Vec<u8>,
    /// Offset of each 32nd block.
    site_starts: Spool,
    linked: LinkedBuilder,
    /// Begun with the first site.
    blocks: Option<Blocks>,
    large: Vec<LargeSite>,
    /// From how many backlinks on a site is large.
    large_min: u64,
    scratch: Arc<Scratch>,
}

/// What was written.
#[derive(Debug, Default)]
pub(crate) struct Written {
    pub(crate) counts: Counts,
    /// The large sites, in order of their keys.
    pub(crate) large: Vec<LargeSite>,
}

/// A site with so many backlinks, lost ones included, that something may be made ready of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LargeSite {
    pub(crate) key: Vec<u8>,
    /// How many backlinks it has.
    pub(crate) links: u64,
    /// The input of a merge whose block it has, with other page numbers, and whose links have the dates that they have
    /// there.
    pub(crate) copied_from: Option<usize>,
}

/// The site blocks that are being written.
struct Blocks {
    side: Side,
    directory: fst::MapBuilder<Spool>,
    checksums: Checksums,
}

impl Blocks {
    fn new(side: Side, scratch: &Arc<Scratch>) -> Result<Self, WriteError> {
        Ok(Self {
            side,
            directory: fst::MapBuilder::new(Spool::new(scratch))?,
            checksums: Checksums::default(),
        })
    }
}

/// What is known of a site block before it is written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BlockShape {
    /// Its bytes.
    pub(crate) length: u64,
    /// Bytes of the page numbers at its beginning.
    pub(crate) head: u64,
    /// Its `href` links and the others.
    pub(crate) links: (u64, u64),
    /// See [`LargeSite::copied_from`].
    pub(crate) copied_from: Option<usize>,
}

impl<W: Write> SegmentWriter<W> {
    /// Starts a segment with its table of archive files, sorted.
    pub(crate) fn new(
        mut out: W,
        public_suffix_list: &str,
        files: &[Digest],
        scratch: &Arc<Scratch>,
    ) -> Result<Self, WriteError> {
        out.write_all(MAGIC)?;
        out.write_all(&FORMAT_VERSION.to_le_bytes())?;
        out.write_all(&RULES_VERSION.to_le_bytes())?;
        let mut writer = Self {
            out,
            offset: super::layout::HEADER_LENGTH as u64,
            section_start: super::layout::HEADER_LENGTH as u64,
            footer: Footer {
                public_suffix_list: public_suffix_list.to_owned(),
                counts: Counts {
                    files: files.len() as u64,
                    ..Counts::default()
                },
                sections: std::collections::BTreeMap::new(),
            },
            chunk: ChunkBuilder::default(),
            page_index: Spool::new(scratch),
            latest: PagedBuilder::new(scratch),
            recaptured: RecapturedBuilder::new(scratch),
            revisited: Spool::new(scratch),
            domains: StringListBuilder::new(Coding::Surt, scratch),
            domain_starts: ColumnBuilder::new(scratch),
            domain: Vec::new(),
            site_starts: Spool::new(scratch),
            linked: LinkedBuilder::new(scratch),
            blocks: None,
            large: Vec::new(),
            large_min: u64::MAX,
            scratch: Arc::clone(scratch),
        };
        writer.section(Section::Files, |out| out.write_all(&files.concat()))?;
        Ok(writer)
    }

    /// Sites with at least so many backlinks, lost ones included, are large.
    pub(crate) fn list_large(&mut self, backlinks_min: usize) {
        self.large_min = backlinks_min as u64;
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        self.out.write_all(bytes)?;
        self.offset += bytes.len() as u64;
        Ok(())
    }

    fn end_section(&mut self, section: Section, crc32: u32) {
        let place = Place {
            offset: self.section_start,
            length: self.offset - self.section_start,
            crc32,
        };
        self.footer.sections.insert(section, place);
        self.section_start = self.offset;
    }

    fn section<T, E>(
        &mut self,
        section: Section,
        write: impl FnOnce(&mut SectionOut<'_, W>) -> Result<T, E>,
    ) -> Result<T, WriteError>
    where
        WriteError: From<E>,
    {
        let mut out = SectionOut {
            out: &mut self.out,
            length: 0,
            crc32: (!section.checks_itself()).then(crc32fast::Hasher::new),
            pages: section.checksums().map(|_| Checksums::default()),
        };
        let written = write(&mut out)?;
        let (length, crc32, pages) = (out.length, out.crc32, out.pages);
        self.offset += length;
        self.end_section(section, crc32.map_or(0, crc32fast::Hasher::finalize));
        if let (Some(checksums), Some(mut pages)) = (section.checksums(), pages) {
            let sums = pages.take();
            self.put(&sums)?;
            self.end_section(checksums, crc32fast::hash(&sums));
        }
        Ok(written)
    }

    /// Adds a page; its number, and its real captures. Pages come in order of (site key, SURT).
    pub(crate) fn page(
        &mut self,
        site_key: &[u8],
        key: &[u8],
        instants: &[Instant],
    ) -> Result<(u32, Captured), WriteError> {
        let counts = &mut self.footer.counts;
        let number = u32::try_from(counts.pages)
            .map_err(|_| WriteError::TooLarge("more than 2^32 pages"))?;
        counts.pages += 1;
        counts.captures += instants.len() as u64;
        counts.revisits += instants
            .iter()
            .filter(|i| matches!(i.state, State::Revisit(_)))
            .count() as u64;
        let first = instants.first().map(|i| i.time.unix());
        let last = instants.last().map(|i| i.time.unix());
        counts.first_capture = counts.first_capture.into_iter().chain(first).min();
        counts.last_capture = counts.last_capture.into_iter().chain(last).max();
        if number == 0 || self.domain != site_key {
            self.domain.clear();
            self.domain.extend_from_slice(site_key);
            self.domains.push(site_key);
            self.domain_starts.push(number);
            self.linked.domain(number);
        }
        if self.chunk.is_empty() {
            self.page_index
                .put(&(self.offset - self.section_start).to_le_bytes());
        }
        let captured = Captured::of(instants);
        self.chunk.push(key, instants, captured.latest);
        if self.chunk.is_full() {
            let chunk = self.chunk.take();
            self.put(&chunk)?;
        }
        if instant::has_revisits(instants) {
            self.revisited.put(&number.to_le_bytes());
        }
        self.latest.push(captured.latest);
        self.recaptured.push(instant::real_times(instants))?;
        Ok((number, captured))
    }

    fn finish_pages(&mut self) -> Result<(), WriteError> {
        if !self.chunk.is_empty() {
            let chunk = self.chunk.take();
            self.put(&chunk)?;
        }
        self.end_section(Section::Pages, 0);
        let mut page_index = std::mem::take(&mut self.page_index);
        self.section(Section::PageIndex, |out| page_index.write_to(out))?;
        let mut latest = std::mem::take(&mut self.latest).finish();
        self.section(Section::PageLatest, |out| latest.write_to(out))?;
        let recaptured = RecapturedBuilder::new(&self.scratch);
        let recaptured = std::mem::replace(&mut self.recaptured, recaptured);
        self.section(Section::Recaptured, |out| recaptured.finish(out))?;
        let mut revisited = std::mem::take(&mut self.revisited);
        self.section(Section::Revisited, |out| revisited.write_to(out))?;
        let empty = StringListBuilder::coded(Coding::Surt);
        let mut domains = std::mem::replace(&mut self.domains, empty);
        self.footer.counts.refdomains = domains.len() as u64;
        domains.close()?;
        self.section(Section::Domains, |out| domains.write_to(out))?;
        let mut starts = std::mem::take(&mut self.domain_starts);
        starts.close()?;
        self.section(Section::DomainStarts, |out| starts.write_to(out))
    }

    /// Fetches what is needed for site blocks that come next, of which these are the beginnings, up to the end of the
    /// page numbers.
    pub(crate) fn fetch<'b>(&mut self, side: Side, heads: impl Iterator<Item = &'b [u8]>) {
        if side == Side::External {
            self.linked.fetch(heads);
        }
    }

    /// Adds a site block, which `write` writes part by part. Sites of a side come in order of their keys;
    /// first all pages, then external links, then internal ones.
    pub(crate) fn site_from_parts(
        &mut self,
        side: Side,
        site_key: &[u8],
        shape: BlockShape,
        write: impl FnOnce(&mut SiteOut<'_, W>) -> io::Result<()>,
    ) -> Result<(), WriteError> {
        self.begin(side)?;
        let Some(blocks) = &mut self.blocks else {
            return Ok(());
        };
        debug_assert_eq!(blocks.side, side);
        let offset = self.offset - self.section_start;
        blocks.directory.insert(site_key, offset)?;
        let counts = &mut self.footer.counts;
        let number = u32::try_from(counts.sites)
            .map_err(|_| WriteError::TooLarge("more than 2^32 sites"))?;
        match side {
            Side::External => {
                if number.is_multiple_of(SITES_A_START) {
                    self.site_starts.put(&offset.to_le_bytes());
                }
                counts.sites += 1;
                counts.backlinks += shape.links.0;
                counts.other_links += shape.links.1;
                if shape.links.0 >= self.large_min {
                    self.large.push(LargeSite {
                        key: site_key.to_owned(),
                        links: shape.links.0,
                        copied_from: shape.copied_from,
                    });
                }
            }
            Side::Internal => counts.internal_links += shape.links.0 + shape.links.1,
        }
        let mut prefix = Vec::with_capacity(10);
        put_varint(&mut prefix, shape.length);
        let mut out = SiteOut {
            out: &mut self.out,
            length: 0,
            checksums: &mut blocks.checksums,
            head: Vec::new(),
            head_left: 0,
        };
        out.write_all(&prefix)?;
        if side == Side::External {
            out.head_left = usize::try_from(shape.head).unwrap_or(usize::MAX);
        }
        write(&mut out)?;
        debug_assert_eq!(out.length, prefix.len() as u64 + shape.length);
        self.offset += out.length;
        let head = out.head;
        match side {
            Side::External => self.linked.site(number, &head),
            Side::Internal => Ok(()),
        }
    }

    /// Goes on to the blocks of a side, where they have not begun.
    fn begin(&mut self, side: Side) -> Result<(), WriteError> {
        if self.blocks.is_none() {
            self.finish_pages()?;
            self.blocks = Some(Blocks::new(Side::External, &self.scratch)?);
        }
        let begun = self.blocks.as_ref().map(|blocks| blocks.side);
        if side == Side::Internal && begun == Some(Side::External) {
            self.finish_blocks()?;
            self.blocks = Some(Blocks::new(Side::Internal, &self.scratch)?);
        }
        Ok(())
    }

    /// Ends the blocks that have begun, and writes what belongs to them.
    fn finish_blocks(&mut self) -> Result<(), WriteError> {
        let Some(mut blocks) = self.blocks.take() else {
            return Ok(());
        };
        let [section, checksums, directory] = blocks.side.sections();
        self.end_section(section, 0);
        let sums = blocks.checksums.take();
        self.section(checksums, |out| out.write_all(&sums))?;
        let mut map = blocks.directory.into_inner()?;
        self.section(directory, |out| map.write_to(out))?;
        if blocks.side == Side::Internal {
            return Ok(());
        }
        let mut starts = std::mem::take(&mut self.site_starts);
        self.section(Section::SiteStarts, |out| starts.write_to(out))?;
        let linked = LinkedBuilder::new(&self.scratch);
        let linked = std::mem::replace(&mut self.linked, linked);
        let part_bytes = self.scratch.part_bytes();
        let mut index = self.section(Section::Linked, |out| linked.finish(part_bytes, out))?;
        self.section(Section::LinkedIndex, |out| index.write_to(out))
    }

    /// Writes what is left, and returns the output, not yet flushed, and what was written.
    pub(crate) fn finish(mut self) -> Result<(W, Written), WriteError> {
        self.begin(Side::External)?;
        self.finish_blocks()?;
        write_footer(&mut self.out, &self.footer)?;
        let written = Written {
            counts: self.footer.counts,
            large: self.large,
        };
        Ok((self.out, written))
    }
}

/// Counts and checks the bytes of a section.
struct SectionOut<'a, W> {
    out: &'a mut W,
    length: u64,
    /// For sections that are read whole.
    crc32: Option<crc32fast::Hasher>,
    /// For sections that are read in parts.
    pages: Option<Checksums>,
}

impl<W: Write> Write for SectionOut<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write_all(bytes)?;
        self.length += bytes.len() as u64;
        if let Some(crc32) = &mut self.crc32 {
            crc32.update(bytes);
        }
        if let Some(pages) = &mut self.pages {
            pages.update(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Counts and checks the bytes of a site block.
pub(crate) struct SiteOut<'a, W> {
    out: &'a mut W,
    length: u64,
    checksums: &'a mut Checksums,
    /// The first bytes, and how many more are kept.
    head: Vec<u8>,
    head_left: usize,
}

impl<W: Write> Write for SiteOut<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write_all(bytes)?;
        self.length += bytes.len() as u64;
        self.checksums.update(bytes);
        if self.head_left > 0 {
            let head = bytes.get(..self.head_left).unwrap_or(bytes);
            self.head.extend_from_slice(head);
            self.head_left -= head.len();
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes what ends a segment.
pub(super) fn write_footer(out: &mut impl Write, footer: &Footer) -> Result<(), WriteError> {
    let footer = serde_json::to_vec(footer).map_err(io::Error::from)?;
    let length = u32::try_from(footer.len()).map_err(|_| WriteError::TooLarge("a footer"))?;
    out.write_all(&footer)?;
    out.write_all(&crc32fast::hash(&footer).to_le_bytes())?;
    out.write_all(&length.to_le_bytes())?;
    out.write_all(END)?;
    Ok(())
}

/// Writes the ready-made sections behind the others, and the footer anew.
pub(crate) struct ReadyWriter {
    footer: Footer,
    start: u64,
    length: u64,
    checksums: Checksums,
    directory: Vec<(Vec<u8>, u64)>,
}

impl ReadyWriter {
    /// For a segment that has no such sections yet.
    pub(super) fn of(footer: Footer) -> Self {
        let ends = footer
            .sections
            .values()
            .map(|place| place.offset + place.length);
        Self {
            start: ends.max().unwrap_or(super::layout::HEADER_LENGTH as u64),
            footer,
            length: 0,
            checksums: Checksums::default(),
            directory: Vec::new(),
        }
    }

    /// Where in the file the first site goes.
    pub(crate) fn offset(&self) -> u64 {
        self.start
    }

    /// Adds what is ready-made of a site, which `write` writes, and that has so many bytes. Sites come in order of
    /// their keys.
    pub(crate) fn site<W: Write>(
        &mut self,
        site_key: &[u8],
        length: u64,
        out: &mut W,
        write: impl FnOnce(&mut SiteOut<'_, W>) -> io::Result<()>,
    ) -> io::Result<()> {
        self.directory.push((site_key.to_owned(), self.length));
        let mut out = SiteOut {
            out,
            length: 0,
            checksums: &mut self.checksums,
            head: Vec::new(),
            head_left: 0,
        };
        write_varint(&mut out, length)?;
        write(&mut out)?;
        self.length += out.length;
        Ok(())
    }

    /// Writes what comes behind the last site.
    pub(crate) fn finish(mut self, out: &mut impl Write) -> Result<(), WriteError> {
        let directory = fst::Map::from_iter(self.directory)?;
        let checksums = self.checksums.take();
        let mut offset = self.start;
        for (section, bytes, length) in [
            (Section::Ready, &[][..], self.length),
            (Section::ReadyChecksums, &checksums, checksums.len() as u64),
            (
                Section::ReadyDirectory,
                directory.as_fst().as_bytes(),
                directory.as_fst().as_bytes().len() as u64,
            ),
        ] {
            out.write_all(bytes)?;
            let crc32 = if section.checks_itself() {
                0
            } else {
                crc32fast::hash(bytes)
            };
            let place = Place {
                offset,
                length,
                crc32,
            };
            self.footer.sections.insert(section, place);
            offset += length;
        }
        write_footer(out, &self.footer)
    }
}
