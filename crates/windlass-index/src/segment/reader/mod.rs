//! Reading a segment. Every part is verified before it is trusted: what a segment is and how it is opened, here;
//! what is read of it, in the files beside.

mod domains;
mod kept;
mod pages;
mod sites;
mod verify;

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use self::domains::DomainStarts;
pub(crate) use self::sites::SitePlace;
use super::data::{Data, FileStamp};
use super::layout::{Counts, Digest, END, Footer, MAGIC, Section, TRAILER_LENGTH, check_versions};
use super::pages::{CHUNK, VerifiedChunks};
use super::sections::Sections;
use crate::anchors::AnchorCache;
use crate::bytes::{Bytes, Corrupt, u32_at};
use crate::cache::KeptMemory;
use crate::error::IndexError;
use crate::facts::FactCache;
use crate::first_groups::FirstGroups;
use crate::paged::Verified;
use crate::row_table::RowCache;
use crate::stretch::{Backing, CheckedSection};

/// An open segment. Cheap to read from several threads.
pub struct Segment {
    path: PathBuf,
    pub(super) sections: Sections,
    latest_verified: Verified,
    recaptured: CheckedSection,
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

impl std::fmt::Debug for Segment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Segment")
            .field("path", &self.path)
            .field("footer", self.sections.footer())
            .finish_non_exhaustive()
    }
}

/// What a file begins with: that it is a segment, of the format and the counting rules that are known here.
fn check_header(path: &Path, bytes: &[u8]) -> Result<(), IndexError> {
    let corrupt = |what: &str| IndexError::Corrupt {
        path: path.to_owned(),
        what: what.to_owned(),
    };
    let mut header = Bytes::new(bytes);
    if header.take(8).ok() != Some(MAGIC) {
        return Err(corrupt("it does not start like a segment"));
    }
    let next = || {
        let version = header.u32();
        version.map_err(|_| corrupt("its header is cut short"))
    };
    check_versions(path, std::iter::repeat_with(next))
}

impl Segment {
    /// Opens a segment file: checks its header, its footer, and where its sections lie. They are
    /// verified when they are first touched. The file is mapped into memory.
    ///
    /// # Errors
    /// Where the file cannot be read, is damaged, or was written by a later version.
    pub fn open(path: &Path) -> Result<Self, IndexError> {
        Self::open_keeping(path, &KeptMemory::default())
    }

    /// Opens a segment file as [`open`](Self::open) does. What its questions keep for the next ones is kept in
    /// that memory.
    ///
    /// # Errors
    /// As there.
    pub fn open_keeping(path: &Path, memory: &KeptMemory) -> Result<Self, IndexError> {
        Self::read(path, Data::map(path)?, memory)
    }

    /// Reads a segment that is in memory.
    ///
    /// # Errors
    /// Where the bytes are no segment that this version knows.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, IndexError> {
        let (path, memory) = (Path::new("(memory)"), KeptMemory::default());
        Self::read(path, Data::Memory(bytes), &memory)
    }

    fn read(path: &Path, data: Data, memory: &KeptMemory) -> Result<Self, IndexError> {
        let corrupt = |what: &str| IndexError::Corrupt {
            path: path.to_owned(),
            what: what.to_owned(),
        };
        let bytes = data.bytes();
        check_header(path, bytes)?;
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
        // The numbers of pages and domains stand in the footer alone, and decide how much memory is asked for.
        let counts = sections.footer().counts;
        let is_counted = counts.pages <= u32::MAX.into()
            && counts.pages.div_ceil(CHUNK as u64) == chunks as u64
            && counts.refdomains <= counts.pages;
        if !is_counted {
            return Err(corrupt("its footer does not have the number of pages"));
        }
        let latest_verified = Verified::new(sections.unverified(Section::PageLatest));
        let recaptured = sections
            .checked(Section::Recaptured, Section::RecapturedChecksums)
            .ok_or_else(|| corrupt("the captures of its pages do not lie inside the file"))?;
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
            recaptured,
            chunks_verified: VerifiedChunks::new(chunks),
            linked_verified: VerifiedChunks::new(linked),
            domain_keys,
            sites,
            directory,
            internal,
            ready,
            domain_starts: OnceLock::new(),
            facts: FactCache::new(memory),
            first_groups: FirstGroups::shared(memory),
            anchors: AnchorCache::new(memory),
            rows: RowCache::new(memory),
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

    /// Whether it is the file that has this path now; a look at that one's metadata.
    pub(crate) fn is_at(&self, path: &Path) -> bool {
        let stamp = self.sections.data().stamp();
        self.path == path && stamp.is_some() && stamp == FileStamp::at(path)
    }

    /// What it holds, in numbers.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.sections.footer().counts
    }

    /// The BLAKE3 digest of its footer, in hexadecimal: with the checksums there, that of the archive files among
    /// them, it tells a segment from others of its length.
    pub(crate) fn footer_digest(&self) -> String {
        let footer = footer_bytes(self.sections.data().bytes());
        blake3::hash(footer.unwrap_or_default())
            .to_hex()
            .to_string()
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
}

fn footer(bytes: &[u8]) -> Option<Footer> {
    serde_json::from_slice(footer_bytes(bytes)?).ok()
}

/// The footer as it is written, where it matches its checksum.
fn footer_bytes(bytes: &[u8]) -> Option<&[u8]> {
    let trailer_at = bytes.len().checked_sub(TRAILER_LENGTH)?;
    let (body, trailer) = bytes.split_at_checked(trailer_at)?;
    let crc = u32_at(trailer, 0).ok()?;
    let length = u32_at(trailer, 1).ok()? as usize;
    if trailer.get(8..)? != END {
        return None;
    }
    let footer = body.get(body.len().checked_sub(length)?..)?;
    (crc32fast::hash(footer) == crc).then_some(footer)
}
