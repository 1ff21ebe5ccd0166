//! Reading a segment. Every part is verified before it is trusted.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use fst::Streamer;
use windlass_links::surt::KeyRange;

use super::data::Data;
use super::directory::SiteDirectory;
use super::layout::{
    Counts, Digest, END, FORMAT_VERSION, Footer, HEADER_LENGTH, MAGIC, RULES_VERSION, Section,
    Side, TRAILER_LENGTH,
};
use super::pages::{CHUNK, Chunks, PageIter, VerifiedChunks, unseal_verified};
use super::sections::Sections;
use super::writer::ReadyWriter;
use crate::anchors::AnchorCache;
use crate::bytes::{Bytes, Corrupt, u32_at};
use crate::column::Column;
use crate::error::IndexError;
use crate::facts::{FactCache, FactTable};
use crate::first_groups::FirstGroups;
use crate::instant::Instant;
use crate::paged::{Paged, Verified};
use crate::ready::Ready;
use crate::row_table::RowCache;
use crate::site::{self, SiteBlock};
use crate::stretch::{Backing, CheckedSection, Stretch};
use crate::strings::StringList;

/// An open segment. Cheap to read from several threads.
pub struct Segment {
    path: PathBuf,
    pub(super) sections: Sections,
    latest_verified: Verified,
    chunks_verified: VerifiedChunks,
    pub(super) linked_verified: VerifiedChunks,
    domain_starts: OnceLock<DomainStarts>,
    domain_keys: CheckedSection,
    sites: CheckedSection,
    directory: CheckedSection,
    internal: Option<CheckedSection>,
    ready: Option<CheckedSection>,
    facts: FactCache,
    first_groups: FirstGroups,
    anchors: AnchorCache,
    rows: RowCache,
}

/// The first page of each registrable domain, decoded, and a way into the middle of them.
#[derive(Debug)]
struct DomainStarts {
    starts: Vec<u32>,
    /// For each [`STEP`] pages, the number of domains that start at or before the first of them.
    steps: Vec<u32>,
}

/// What the system reads at least.
const PAGE_BYTES: usize = 1 << 12;

/// Pages between two entries of [`DomainStarts::steps`].
const STEP: usize = 64;

impl DomainStarts {
    fn new(starts: Vec<u32>, pages: usize) -> Self {
        let mut steps = Vec::with_capacity(pages / STEP + 2);
        let mut domains = 0usize;
        for page in (0..=pages + STEP).step_by(STEP) {
            while starts.get(domains).is_some_and(|s| *s as usize <= page) {
                domains += 1;
            }
            steps.push(domains as u64 as u32);
        }
        Self { starts, steps }
    }
}

impl std::fmt::Debug for Segment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Segment")
            .field("path", &self.path)
            .field("footer", self.sections.footer())
            .finish_non_exhaustive()
    }
}

/// A page: its number, SURT and instants.
pub(crate) type PageEntry = (u32, Vec<u8>, Vec<Instant>);

impl Segment {
    /// Opens a segment file: checks its header, its footer, and where its sections lie. They are
    /// verified when they are first touched. The file is mapped into memory.
    ///
    /// # Errors
    /// Where the file cannot be read, is damaged, or was written by a later version.
    pub fn open(path: &Path) -> Result<Self, IndexError> {
        Self::read(path, Data::map(path)?)
    }

    /// Reads a segment that is in memory.
    ///
    /// # Errors
    /// Where the bytes are no segment that this version knows.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, IndexError> {
        Self::read(Path::new("(memory)"), Data::Memory(bytes))
    }

    fn read(path: &Path, data: Data) -> Result<Self, IndexError> {
        let corrupt = |what: &str| IndexError::Corrupt {
            path: path.to_owned(),
            what: what.to_owned(),
        };
        let bytes = data.bytes();
        let mut header = Bytes::new(bytes);
        if header.take(8).ok() != Some(MAGIC) {
            return Err(corrupt("it does not start like a segment"));
        }
        for (known, what) in [
            (FORMAT_VERSION, "format"),
            (RULES_VERSION, "counting rules"),
        ] {
            let found = header
                .u32()
                .map_err(|_| corrupt("its header is cut short"))?;
            if found != known {
                return Err(IndexError::Version {
                    path: path.to_owned(),
                    what,
                    found: found.into(),
                    known: known.into(),
                });
            }
        }
        let footer = footer(bytes)
            .ok_or_else(|| corrupt("its footer is cut short or does not match its checksum"))?;
        let sections = Sections::new(Arc::new(data), footer);
        for section in Section::ALL {
            let is_missing = section.is_optional() && !sections.has(section);
            if !is_missing && sections.range(section).is_none() {
                return Err(corrupt(&format!(
                    "its section {section:?} does not lie inside the file"
                )));
            }
        }
        let chunks = sections.unverified(Section::PageIndex).len() / 8;
        let linked = sections.unverified(Section::LinkedIndex).len() / 8;
        let latest_verified = Verified::new(sections.unverified(Section::PageLatest));
        let sites = sections
            .checked(Section::Sites, Section::SiteChecksums)
            .ok_or_else(|| corrupt("its site blocks do not lie inside the file"))?;
        let domain_keys = sections
            .checked(Section::Domains, Section::DomainChecksums)
            .ok_or_else(|| corrupt("its domains do not lie inside the file"))?;
        let directory = sections
            .checked(Section::Directory, Section::DirectoryChecksums)
            .ok_or_else(|| corrupt("its directory does not lie inside the file"))?;
        let internal = sections.checked(Section::Internal, Section::InternalChecksums);
        if internal.is_none() && sections.has(Section::Internal) {
            return Err(corrupt("its internal links do not lie inside the file"));
        }
        let ready = sections.checked(Section::Ready, Section::ReadyChecksums);
        if ready.is_none() && sections.has(Section::Ready) {
            return Err(corrupt("its ready-made parts do not lie inside the file"));
        }
        let segment = Self {
            path: path.to_owned(),
            sections,
            latest_verified,
            chunks_verified: VerifiedChunks::new(chunks),
            linked_verified: VerifiedChunks::new(linked),
            domain_keys,
            sites,
            directory,
            internal,
            ready,
            domain_starts: OnceLock::new(),
            facts: FactCache::default(),
            first_groups: FirstGroups::default(),
            anchors: AnchorCache::default(),
            rows: RowCache::default(),
        };
        // Small, and looked at where nothing can go wrong any more.
        for section in [Section::Files, Section::Revisited] {
            segment
                .sections
                .verified(section)
                .map_err(|what| segment.corrupt(what))?;
        }
        Ok(segment)
    }

    /// Most of it will be read, from front to back: by a merge, or to be verified.
    pub(crate) fn read_ahead(&self) {
        self.sections.data().read_ahead();
    }

    /// The error for something found wrong in this segment.
    pub(crate) fn corrupt(&self, Corrupt(what): Corrupt) -> IndexError {
        IndexError::Corrupt {
            path: self.path.clone(),
            what: format!("{what} is not what the format says"),
        }
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it holds, in numbers.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.sections.footer().counts
    }

    /// The version of the Public Suffix List that it was built with (R7).
    #[must_use]
    pub fn public_suffix_list(&self) -> &str {
        &self.sections.footer().public_suffix_list
    }

    /// Bytes of each section, and of the whole file.
    #[must_use]
    pub fn sizes(&self) -> (Vec<(Section, u64)>, u64) {
        let sections = self
            .sections
            .footer()
            .sections
            .iter()
            .map(|(section, place)| (*section, place.length));
        (
            sections.collect(),
            self.sections.data().bytes().len() as u64,
        )
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
            if cancel.load(Ordering::Relaxed) {
                return Err(IndexError::Cancelled);
            }
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

    /// The digests of the archive files behind it, by number.
    pub(crate) fn files(&self) -> Vec<Digest> {
        self.sections
            .unverified(Section::Files)
            .as_chunks()
            .0
            .to_vec()
    }

    /// The digest of the archive file with that number.
    pub(crate) fn file(&self, number: u32) -> Result<Digest, Corrupt> {
        let (digests, _) = self.sections.unverified(Section::Files).as_chunks();
        let digest = digests.get(number as usize).copied();
        digest.ok_or(Corrupt("a file's number"))
    }

    pub(crate) fn page_count(&self) -> usize {
        usize::try_from(self.sections.footer().counts.pages).unwrap_or(0)
    }

    pub(super) fn page_chunks(&self) -> Result<Chunks<'_>, Corrupt> {
        Ok(Chunks::new(
            self.sections.unverified(Section::Pages),
            self.sections.verified(Section::PageIndex)?,
            &self.chunks_verified,
        ))
    }

    /// The pages from number `first` on.
    pub(crate) fn pages(&self, first: usize) -> Result<PageIter<'_>, Corrupt> {
        PageIter::new(
            self.page_chunks()?,
            self.latest_times(),
            self.page_count(),
            first,
        )
    }

    /// The SURT and the instants of a page.
    pub(crate) fn page(&self, number: u32) -> Result<(Vec<u8>, Vec<Instant>), Corrupt> {
        let mut pages = self.pages(number as usize)?;
        let instants = pages.advance()?.ok_or(Corrupt("a page number"))?;
        Ok((pages.key().to_owned(), instants))
    }

    /// Seconds of the latest real capture of a page.
    pub(crate) fn latest(&self, page: u32) -> Result<u32, Corrupt> {
        self.latest_times().get(page as usize)
    }

    /// The latest captures of so many pages, from one to another, will be asked for. Where that is most
    /// of what lies there, it is read at once.
    pub(crate) fn will_need_latest(&self, first: u32, last: u32, pages: usize) {
        let bytes = Paged::bytes(first as usize..last as usize + 1);
        if pages.saturating_mul(PAGE_BYTES) >= bytes.len() {
            self.will_need_latest_bytes(bytes);
        }
    }

    fn will_need_latest_bytes(&self, bytes: Range<usize>) {
        if let Some(section) = self.sections.range(Section::PageLatest) {
            let end = section.end.min(section.start + bytes.end);
            self.sections
                .data()
                .will_need((section.start + bytes.start).min(end)..end);
        }
    }

    /// The latest captures of some pages, here and there, will be asked for: those that may not be in memory are asked
    /// of the disk all at once, which answers many requests in the time of one. Costs some ns a page where all are.
    pub(crate) fn will_need_latest_of(
        &self,
        pages: impl Iterator<Item = Result<u32, Corrupt>>,
    ) -> Result<(), Corrupt> {
        let times = self.latest_times();
        let mut blocks = Vec::new();
        for page in pages {
            blocks.extend(times.unknown_block(page? as usize));
        }
        blocks.sort_unstable();
        blocks.dedup();
        for neighbours in blocks.chunk_by(|a, b| *b == a + 1) {
            if let (Some(first), Some(last)) = (neighbours.first(), neighbours.last()) {
                self.will_need_latest_bytes(Paged::bytes_of(*first..last + 1));
            }
        }
        Ok(())
    }

    /// Seconds of the latest real capture of each page.
    pub(crate) fn latest_times(&self) -> Paged<'_> {
        Paged::new(
            self.sections.unverified(Section::PageLatest),
            &self.latest_verified,
        )
    }

    /// Whether a page has revisits.
    pub(crate) fn is_revisited(&self, page: u32) -> bool {
        let (numbers, _) = self
            .sections
            .unverified(Section::Revisited)
            .as_chunks::<4>();
        numbers
            .binary_search_by_key(&page, |bytes| u32::from_le_bytes(*bytes))
            .is_ok()
    }

    /// The registrable domains of pages.
    pub(crate) fn domains(&self) -> Result<Domains<'_>, Corrupt> {
        let n = usize::try_from(self.sections.footer().counts.refdomains)
            .map_err(|_| Corrupt("the domains"))?;
        Ok(Domains {
            keys: StringList::read(&mut Bytes::over(self.domain_keys.stretch()), n)?,
            starts: &self.domain_starts(n)?.starts,
            steps: &self.domain_starts(n)?.steps,
            pages: self.page_count() as u64 as u32,
        })
    }

    /// The first page of each registrable domain: decoded once, 4 bytes a domain and a sixteenth of a
    /// byte a page.
    fn domain_starts(&self, n: usize) -> Result<&DomainStarts, Corrupt> {
        if let Some(starts) = self.domain_starts.get() {
            return Ok(starts);
        }
        let column = Column::read(
            &mut Bytes::new(self.sections.verified(Section::DomainStarts)?),
            n,
        )?;
        let starts = DomainStarts::new(column.into_vec()?, self.page_count());
        Ok(self.domain_starts.get_or_init(|| starts))
    }

    /// The numbers of the pages of a registrable domain (see [`Domains::range_of`]) whose SURTs lie in a
    /// range. Reads O(log pages) chunks.
    pub(crate) fn pages_in(
        &self,
        domain: (u32, u32),
        surts: &KeyRange,
    ) -> Result<Range<u32>, Corrupt> {
        let bound = |key: &[u8]| {
            let found = self.page_from_in(domain, key)?;
            Ok(found.map_or(domain.1, |(number, ..)| number))
        };
        let start = bound(&surts.start)?;
        Ok(start..bound(&surts.end)?.max(start))
    }

    /// The number of the first page of a registrable domain whose SURT is not below `key`, with
    /// that SURT and its instants.
    pub(crate) fn page_from(
        &self,
        site_key: &[u8],
        key: &[u8],
    ) -> Result<Option<PageEntry>, Corrupt> {
        match self.domains()?.range_of(site_key)? {
            Some(range) => self.page_from_in(range, key),
            None => Ok(None),
        }
    }

    /// [`page_from`](Self::page_from), among the pages of a registrable domain.
    fn page_from_in(
        &self,
        (start, end): (u32, u32),
        key: &[u8],
    ) -> Result<Option<PageEntry>, Corrupt> {
        // Chunks whose first page lies inside the domain are searched; then pages in order.
        let (mut low, mut high) = (start as usize / CHUNK, (end as usize).div_ceil(CHUNK));
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            let mut pages = self.pages(middle * CHUNK)?;
            pages.skip()?;
            if pages.key() <= key {
                low = middle;
            } else {
                high = middle;
            }
        }
        let mut pages = self.pages((low * CHUNK).max(start as usize))?;
        let found = pages.seek(key, end as usize)?;
        let number = pages.position().saturating_sub(1) as u64 as u32;
        Ok(found.map(|instants| (number, pages.key().to_owned(), instants)))
    }

    /// From site key to the offset of its block (see [`site_at`](Self::site_at)), for who asks for some sites.
    pub(crate) fn directory(&self) -> Result<SiteDirectory<'_>, Corrupt> {
        SiteDirectory::open(self.directory.stretch())
    }

    /// The same of either side, for who goes through all sites: all of it is read. `None` where there are no such
    /// links.
    pub(crate) fn whole_directory(&self, side: Side) -> Result<Option<fst::Map<&[u8]>>, Corrupt> {
        let bytes = match side {
            Side::External => self.directory.stretch().all()?,
            Side::Internal if !self.sections.has(Section::InternalDirectory) => return Ok(None),
            Side::Internal => self.sections.verified(Section::InternalDirectory)?,
        };
        let directory = fst::Map::new(bytes);
        directory.map(Some).map_err(|_| Corrupt("the directory"))
    }

    /// [`whole_directory`](Self::whole_directory) of the external side, which all segments have.
    pub(crate) fn all_sites(&self) -> Result<fst::Map<&[u8]>, Corrupt> {
        let directory = self.whole_directory(Side::External)?;
        directory.ok_or(Corrupt("the directory"))
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
    pub(super) fn blocks(&self, side: Side) -> Option<Stretch<'_>> {
        match side {
            Side::External => Some(self.sites.stretch()),
            Side::Internal => self.internal.as_ref().map(CheckedSection::stretch),
        }
    }

    /// The block of a site, verified where it is touched.
    pub(crate) fn site(&self, site_key: &[u8]) -> Result<Option<SiteBlock<'_>>, Corrupt> {
        match self.directory()?.get(site_key)? {
            Some(offset) => self.site_at(offset).map(Some),
            None => Ok(None),
        }
    }

    /// The block of a site by its offset, verified where it is touched.
    pub(crate) fn site_at(&self, offset: u64) -> Result<SiteBlock<'_>, Corrupt> {
        SiteBlock::open(self.stretch_at(offset)?, self.latest_times())
    }

    /// What is ready-made of a site (see [`ready`](crate::ready)), verified where it is touched.
    pub(crate) fn ready(&self, site_key: &[u8]) -> Result<Option<Ready<'_>>, Corrupt> {
        let Some(section) = &self.ready else {
            return Ok(None);
        };
        let directory = fst::Map::new(self.sections.verified(Section::ReadyDirectory)?)
            .map_err(|_| Corrupt("the directory of ready-made parts"))?;
        let Some(offset) = directory.get(site_key) else {
            return Ok(None);
        };
        let at = usize::try_from(offset).map_err(|_| Corrupt("an offset"))?;
        let part = Bytes::over(section.stretch().from(at)?).sized_stretch()?;
        Ready::open(part).map(Some)
    }

    /// Adds ready-made sections to this segment, which has none yet.
    pub(crate) fn ready_writer(&self) -> ReadyWriter {
        let mut footer = self.sections.footer().clone();
        footer
            .sections
            .retain(|section, _| !section.is_ready_made());
        ReadyWriter::of(footer)
    }

    /// The keys of the sites that have at least `links` backlinks, lost ones included.
    pub(crate) fn large_sites(&self, links: usize) -> Result<Vec<Vec<u8>>, IndexError> {
        let mut large = Vec::new();
        let mut each = || -> Result<(), Corrupt> {
            let directory = self.all_sites()?;
            let mut stream = directory.stream();
            while let Some((key, offset)) = stream.next() {
                let block = self.stretch_at(offset)?;
                // A link takes some bits at least: small blocks need not be opened.
                if block.len() >= links / 64
                    && SiteBlock::open(block, self.latest_times())?.hrefs.len() >= links
                {
                    large.push(key.to_owned());
                }
            }
            Ok(())
        };
        each().map_err(|corrupt| self.corrupt(corrupt))?;
        Ok(large)
    }

    /// What is kept of the orders of finished groups.
    pub(crate) const fn first_groups(&self) -> &FirstGroups {
        &self.first_groups
    }

    /// The facts about the pages of a site block, where they are known, or are worth knowing because
    /// links are looked up again and again, so many this time, and they may be read now.
    pub(crate) fn facts_if_worth(
        &self,
        site_key: &[u8],
        block: &SiteBlock<'_>,
        links: usize,
        makes: bool,
    ) -> Result<Option<Arc<FactTable>>, Corrupt> {
        if let Some(table) = self.facts.tables.get(site_key) {
            return Ok(Some(table));
        }
        if makes
            && self
                .facts
                .looked_up
                .is_worth(site_key, links, block.pages.len())
        {
            return self.facts(site_key, block).map(Some);
        }
        Ok(None)
    }

    /// The facts about the pages of a site block; kept for the next question.
    pub(crate) fn facts(
        &self,
        site_key: &[u8],
        block: &SiteBlock<'_>,
    ) -> Result<Arc<FactTable>, Corrupt> {
        if let Some(table) = self.facts.tables.get(site_key) {
            return Ok(table);
        }
        let table = Arc::new(FactTable::of(self, block)?);
        self.facts.tables.put(site_key.to_owned(), &table);
        Ok(table)
    }

    /// The rows that are kept.
    pub(crate) fn rows(&self) -> &RowCache {
        &self.rows
    }

    /// The folded anchors of sites that are kept.
    pub(crate) fn anchors(&self) -> &AnchorCache {
        &self.anchors
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
        let mut stream = directory.stream();
        while let Some((key, offset)) = stream.next() {
            each(key, self.stretch_of(side, offset)?.all()?)?;
        }
        Ok(())
    }

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
        let mut captures = 0u64;
        while let Some(instants) = pages.advance().map_err(wrong)? {
            captures += instants.len() as u64;
            let number = (pages.position() - 1) as u64 as u32;
            self.latest(number).map_err(wrong)?;
            if stopped() {
                return Err(IndexError::Cancelled);
            }
        }
        if captures != self.sections.footer().counts.captures {
            return Err(wrong(Corrupt("the number of captures")));
        }
        self.verify_packing().map_err(wrong)?;
        let directory = self.all_sites().map_err(wrong)?;
        let mut stream = directory.stream();
        let mut blocks = Bytes::over(self.sites.stretch());
        let mut sites = 0u64;
        let mut offset = 0u64;
        let mut linked = self.linked_check().map_err(wrong)?;
        while let Some((_, found)) = stream.next() {
            let before = blocks.rest().len();
            let length = blocks.varint_usize().map_err(wrong)?;
            let block = blocks.take(length).map_err(wrong)?;
            if found != offset {
                return Err(wrong(Corrupt("the directory")));
            }
            crate::verify::site_block(self, block).map_err(wrong)?;
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
        self.verify_internal(cancel)?;
        self.verify_ready().map_err(wrong)
    }

    /// Reads all ready-made parts.
    fn verify_ready(&self) -> Result<(), Corrupt> {
        let Some(section) = &self.ready else {
            return Ok(());
        };
        let directory = fst::Map::new(self.sections.verified(Section::ReadyDirectory)?)
            .map_err(|_| Corrupt("the directory of ready-made parts"))?;
        let mut stream = directory.stream();
        let mut parts = Bytes::over(section.stretch());
        while let Some((key, offset)) = stream.next() {
            let before = section.stretch().len() - parts.rest().len();
            if offset != before as u64 {
                return Err(Corrupt("the directory of ready-made parts"));
            }
            let part = parts.sized_stretch()?;
            part.all()?;
            let block = self.site(key)?.ok_or(Corrupt("a ready-made part's site"))?;
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

fn footer(bytes: &[u8]) -> Option<Footer> {
    let trailer_at = bytes.len().checked_sub(TRAILER_LENGTH)?;
    let (body, trailer) = bytes.split_at_checked(trailer_at)?;
    let crc = u32_at(trailer, 0).ok()?;
    let length = u32_at(trailer, 1).ok()? as usize;
    if trailer.get(8..)? != END {
        return None;
    }
    let footer = body.get(body.len().checked_sub(length)?..)?;
    if crc32fast::hash(footer) != crc {
        return None;
    }
    serde_json::from_slice(footer).ok()
}

/// The registrable domains of a segment's pages, ordered by site key: each a range of pages.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Domains<'a> {
    keys: StringList<'a>,
    starts: &'a [u32],
    steps: &'a [u32],
    pages: u32,
}

impl<'a> Domains<'a> {
    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    /// The site key of a domain.
    pub(crate) fn key(&self, domain: u32) -> Result<Vec<u8>, Corrupt> {
        let mut key = Vec::new();
        self.keys.get(domain as usize, &mut key)?;
        Ok(key)
    }

    /// First page, and the page behind the last.
    pub(crate) fn range(&self, domain: usize) -> Result<(u32, u32), Corrupt> {
        let start = *self
            .starts
            .get(domain)
            .ok_or(Corrupt("a domain's number"))?;
        Ok((
            start,
            self.starts.get(domain + 1).copied().unwrap_or(self.pages),
        ))
    }

    /// The number of a domain.
    pub(crate) fn number_of(&self, site_key: &[u8]) -> Result<Option<u32>, Corrupt> {
        let at = self.keys.lower_bound(site_key)?;
        let number = at as u64 as u32;
        let is_there = at < self.len() && self.key(number)? == site_key;
        Ok(is_there.then_some(number))
    }

    /// The pages of a domain.
    pub(crate) fn range_of(&self, site_key: &[u8]) -> Result<Option<(u32, u32)>, Corrupt> {
        match self.number_of(site_key)? {
            Some(number) => self.range(number as usize).map(Some),
            None => Ok(None),
        }
    }

    /// The first page of each domain.
    pub(super) fn starts(&self) -> &'a [u32] {
        self.starts
    }

    /// The domain of a page.
    pub(crate) fn of_page(&self, page: u32) -> Result<u32, Corrupt> {
        let step = page as usize / STEP;
        let wrong = || Corrupt("a page number");
        let low = *self.steps.get(step).ok_or_else(wrong)? as usize;
        let high = *self.steps.get(step + 1).ok_or_else(wrong)? as usize;
        let between = self.starts.get(low..high).ok_or_else(wrong)?;
        let next = low + between.partition_point(|start| *start <= page);
        next.checked_sub(1)
            .map(|at| at as u64 as u32)
            .ok_or(Corrupt("the domains"))
    }

    /// The site keys of all domains.
    pub(crate) fn keys(&self) -> StringList<'a> {
        self.keys
    }

    /// The place of the first domain whose key is not below `key`.
    pub(crate) fn lower_bound(&self, key: &[u8]) -> Result<usize, Corrupt> {
        self.keys.lower_bound(key)
    }
}
