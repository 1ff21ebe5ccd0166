//! Writing a segment, front to back: first pages, then sites, both in order.

use std::io::{self, Write};

use super::layout::{
    Counts, Digest, END, FORMAT_VERSION, Footer, MAGIC, Place, RULES_VERSION, Section,
};
use super::paged::PagedBuilder;
use super::pages::ChunkBuilder;
use crate::bytes::{Corrupt, put_varint};
use crate::column::write_column;
use crate::instant::{self, Instant, State};
use crate::site;
use crate::stretch::Checksums;
use crate::strings::StringListBuilder;

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

/// Writes one segment. Memory: 4 bytes a page, and the site directory.
pub(crate) struct SegmentWriter<W> {
    out: W,
    offset: u64,
    section_start: u64,
    footer: Footer,
    chunk: ChunkBuilder,
    page_index: Vec<u8>,
    latest: PagedBuilder,
    revisited: Vec<u8>,
    domains: StringListBuilder,
    domain_starts: Vec<u32>,
    domain: Vec<u8>,
    directory: Option<fst::MapBuilder<Vec<u8>>>,
    site_checksums: Checksums,
}

impl<W: Write> SegmentWriter<W> {
    /// Starts a segment with its table of archive files, sorted.
    pub(crate) fn new(
        mut out: W,
        public_suffix_list: &str,
        files: &[Digest],
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
            page_index: Vec::new(),
            latest: PagedBuilder::default(),
            revisited: Vec::new(),
            domains: StringListBuilder::default(),
            domain_starts: Vec::new(),
            domain: Vec::new(),
            directory: None,
            site_checksums: Checksums::default(),
        };
        writer.section(Section::Files, &files.concat())?;
        Ok(writer)
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

    fn section(&mut self, section: Section, bytes: &[u8]) -> Result<(), WriteError> {
        self.put(bytes)?;
        self.end_section(
            section,
            if section.checks_itself() {
                0
            } else {
                crc32fast::hash(bytes)
            },
        );
        Ok(())
    }

    /// Adds a page; its number. Pages come in order of (site key, SURT).
    pub(crate) fn page(
        &mut self,
        site_key: &[u8],
        key: &[u8],
        instants: &[Instant],
    ) -> Result<u32, WriteError> {
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
        if self.domain_starts.is_empty() || self.domain != site_key {
            self.domain.clear();
            self.domain.extend_from_slice(site_key);
            self.domains.push(site_key);
            self.domain_starts.push(number);
        }
        if self.chunk.is_empty() {
            self.page_index
                .extend_from_slice(&(self.offset - self.section_start).to_le_bytes());
        }
        self.chunk.push(key, instants);
        if self.chunk.is_full() {
            let chunk = self.chunk.take();
            self.put(&chunk)?;
        }
        if instant::has_revisits(instants) {
            self.revisited.extend_from_slice(&number.to_le_bytes());
        }
        let real = instants
            .iter()
            .rev()
            .find(|i| matches!(i.state, State::Real { .. }));
        self.latest.push(real.map_or(0, |i| i.time.unix()));
        Ok(number)
    }

    fn finish_pages(&mut self) -> Result<(), WriteError> {
        if !self.chunk.is_empty() {
            let chunk = self.chunk.take();
            self.put(&chunk)?;
        }
        self.end_section(Section::Pages, 0);
        let page_index = std::mem::take(&mut self.page_index);
        self.section(Section::PageIndex, &page_index)?;
        let latest = std::mem::take(&mut self.latest).finish();
        self.section(Section::PageLatest, &latest)?;
        let revisited = std::mem::take(&mut self.revisited);
        self.section(Section::Revisited, &revisited)?;
        let domains = std::mem::take(&mut self.domains);
        self.footer.counts.refdomains = domains.len() as u64;
        let mut bytes = Vec::new();
        domains.finish(&mut bytes)?;
        self.section(Section::Domains, &bytes)?;
        bytes.clear();
        write_column(std::mem::take(&mut self.domain_starts), &mut bytes)?;
        self.section(Section::DomainStarts, &bytes)
    }

    /// Adds a site block. Sites come in order of their keys, after all pages.
    pub(crate) fn site(&mut self, site_key: &[u8], block: &[u8]) -> Result<(), WriteError> {
        if self.directory.is_none() {
            self.finish_pages()?;
            self.directory = Some(fst::MapBuilder::new(Vec::new())?);
        }
        let offset = self.offset - self.section_start;
        if let Some(directory) = &mut self.directory {
            directory.insert(site_key, offset)?;
        }
        let (backlinks, other_links) = site::counts(block)?;
        let counts = &mut self.footer.counts;
        counts.sites += 1;
        counts.backlinks += backlinks;
        counts.other_links += other_links;
        let mut length = Vec::new();
        put_varint(&mut length, block.len() as u64);
        for bytes in [length.as_slice(), block] {
            self.site_checksums.update(bytes);
            self.put(bytes)?;
        }
        Ok(())
    }

    /// Writes what is left, and returns the output, not yet flushed, with the counts.
    pub(crate) fn finish(mut self) -> Result<(W, Counts), WriteError> {
        let directory = match self.directory.take() {
            Some(directory) => directory,
            None => {
                self.finish_pages()?;
                fst::MapBuilder::new(Vec::new())?
            }
        };
        self.end_section(Section::Sites, 0);
        let checksums = self.site_checksums.take();
        self.section(Section::SiteChecksums, &checksums)?;
        let directory = directory.into_inner()?;
        self.section(Section::Directory, &directory)?;
        write_footer(&mut self.out, &self.footer)?;
        Ok((self.out, self.footer.counts))
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

    /// Counts in what the caller writes next. Sites come in order of their keys.
    pub(crate) fn site(&mut self, site_key: &[u8], sealed: &[u8]) {
        self.directory.push((site_key.to_owned(), self.length));
        self.checksums.update(sealed);
        self.length += sealed.len() as u64;
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
